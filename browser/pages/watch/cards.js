// A list that changes under somebody's hands: each card is one element as long as it is the same, and no button comes to lie where another
// one was pressed.

// A finger or a pointer was here a moment ago.
const HANDS_MILLISECONDS = 3_000;
// Whoever was about to press something else has noticed by then.
const SETTLED_MILLISECONDS = 500;

/** In which order they stand: as they are wanted, but new ones below the others while somebody's hands are on them. */
export function arranged(shown, wanted, isInHands) {
  if (!isInHands) return wanted;
  return [...shown.filter((key) => wanted.includes(key)), ...wanted.filter((key) => !shown.includes(key))];
}

/** Cards within `list`, until `signal`. */
export class Cards {
  #list;
  #shown = new Map();
  #touchedAt = -Infinity;

  constructor(list, signal) {
    this.#list = list;
    const touched = () => { this.#touchedAt = performance.now(); };
    for (const type of ['pointerdown', 'pointermove', 'pointerup']) list.addEventListener(type, touched, { signal });
  }

  /** Shows these: `{key, form, make}`; `make()` is asked for an element when `form` is another one than before. */
  show(cards) {
    const list = this.#list;
    const hadFocus = list.contains(document.activeElement);
    const focused = hadFocus ? document.activeElement.closest('[data-key]')?.dataset.key : null;
    const { control } = document.activeElement?.dataset ?? {};
    const before = new Map([...this.#shown].map(([key, { node }]) => [key, topOf(node)]));
    const isInHands = (hadFocus && control !== undefined) || performance.now() - this.#touchedAt < HANDS_MILLISECONDS;
    const wanted = new Map(cards.map((card) => [card.key, card]));
    const order = arranged([...this.#shown.keys()], [...wanted.keys()], isInHands);
    for (const [key, { node }] of this.#shown) if (!wanted.has(key)) node.remove();
    this.#shown = new Map(order.map((key) => [key, this.#made(wanted.get(key))]));
    this.#place();
    if (hadFocus && !list.contains(document.activeElement)) this.#focus(focused, control);
    if (before.size > 0) this.#hold(before);
  }

  #made({ key, form, make }) {
    const known = this.#shown.get(key);
    if (known?.form === form) return known;
    const node = make();
    node.setAttribute('data-key', key);
    node.setAttribute('tabindex', '-1');
    known?.node.replaceWith(node);
    return { form, node };
  }

  /** What stands right already is not moved: that would take the focus from it. */
  #place() {
    let next = this.#list.firstChild;
    for (const { node } of this.#shown.values()) {
      if (node === next) next = next.nextSibling;
      else this.#list.insertBefore(node, next);
    }
  }

  /** Where it was: at the same control, at another one of that card, at the card; and where that is gone, at none. */
  #focus(key, control) {
    const node = this.#shown.get(key)?.node;
    const button = node?.querySelector(`[data-control="${control ?? ''}"]`) ?? node?.querySelector('button');
    (button ?? node ?? this.#list.closest('main'))?.focus();
  }

  /** Buttons that lie elsewhere than before cannot be pressed for a moment, but by whoever has the focus on them. */
  #hold(before) {
    for (const [key, { node }] of this.#shown) {
      if (before.has(key) && Math.abs(before.get(key) - topOf(node)) < 4) continue;
      for (const button of node.querySelectorAll('button:enabled')) {
        if (button === document.activeElement) continue;
        button.disabled = true;
        setTimeout(() => { button.disabled = false; }, SETTLED_MILLISECONDS);
      }
    }
  }
}

const topOf = (node) => node.getBoundingClientRect().top;

// As much of a page as the console's modules touch, for tests that need no browser: elements, the keyboard's place, and events that bubble.

const TEXT = 3;

class PageNode {
  parentElement = null;
  get isConnected() { return this === document.body || (this.parentElement?.isConnected ?? false); }
  remove() { this.#out(null); }
  replaceWith(other) {
    const { parentElement: parent } = this;
    const next = parent.childNodes[parent.childNodes.indexOf(this) + 1] ?? null;
    this.remove();
    parent.insertBefore(other, next);
  }
  #out() {
    const held = this.contains?.(document.activeElement);
    if (this.parentElement) this.parentElement.childNodes = this.parentElement.childNodes.filter((one) => one !== this);
    this.parentElement = null;
    // A browser takes the keyboard from what goes away, without a word.
    if (held) document.activeElement = document.body;
  }
}

class PageText extends PageNode {
  nodeType = TEXT;
  constructor(data) { super(); this.data = data; }
  get textContent() { return this.data; }
}

class PageElement extends PageNode {
  nodeType = 1;
  childNodes = [];
  #attributes = new Map();
  #listeners = [];
  #value = '';

  constructor(tag) {
    super();
    this.localName = tag;
    this.tagName = tag.toUpperCase();
    const attribute = (name) => `data-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    this.dataset = new Proxy({}, { get: (_, name) => this.getAttribute(attribute(name)) ?? undefined, set: (_, name, value) => { this.setAttribute(attribute(name), value); return true; } });
  }

  get attributes() { return [...this.#attributes].map(([name, value]) => ({ name, value })); }
  getAttribute(name) { return this.#attributes.get(name) ?? null; }
  setAttribute(name, value) { this.#attributes.set(name, String(value)); }
  hasAttribute(name) { return this.#attributes.has(name); }
  removeAttribute(name) { this.#attributes.delete(name); }
  get children() { return this.childNodes.filter(({ nodeType }) => nodeType === 1); }
  get firstChild() { return this.childNodes[0] ?? null; }
  get lastChild() { return this.childNodes.at(-1) ?? null; }
  get firstElementChild() { return this.children[0] ?? null; }
  get textContent() { return this.childNodes.map((one) => one.textContent).join(''); }
  set textContent(text) { this.replaceChildren(...(text === '' ? [] : [text])); }
  get value() { return this.#value || (this.localName === 'select' || this.localName === 'button' ? this.getAttribute('value') ?? '' : this.#value); }
  set value(value) { this.#value = String(value); }
  append(...nodes) { for (const node of nodes) this.insertBefore(node instanceof PageNode ? node : new PageText(String(node)), null); }
  replaceChildren(...nodes) { for (const node of [...this.childNodes]) node.remove(); this.append(...nodes); }
  insertBefore(node, before) {
    node.remove();
    this.childNodes.splice(before ? this.childNodes.indexOf(before) : this.childNodes.length, 0, node);
    node.parentElement = this;
  }
  contains(other) { return other === this || (other?.parentElement ? this.contains(other.parentElement) : false); }
  closest(selector) { return this.matches(selector) ? this : this.parentElement?.closest(selector) ?? null; }
  matches(selector) { return selector.split(',').some((one) => chain(this, one.trim().split(/\s*>\s*|\s+/))); }
  querySelectorAll(selector) { return this.children.flatMap((child) => [...(child.matches(selector) ? [child] : []), ...child.querySelectorAll(selector)]); }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  focus() { if (this.isConnected && !this.hidden && !this.disabled) document.activeElement = this; }
  scrollIntoView() {}
  addEventListener(type, listener) { this.#listeners.push({ type, listener }); }
  dispatchEvent(event) {
    event.target ??= this;
    for (const { type, listener } of [...this.#listeners]) if (type === event.type) listener(event);
    this.parentElement?.dispatchEvent(event);
  }
  click() {
    if (this.disabled) return;
    this.focus();
    this.dispatchEvent({ type: 'click', preventDefault() {} });
    if (this.localName === 'button' && this.getAttribute('type') === 'submit') this.closest('form')?.requestSubmit(this);
  }
  requestSubmit(submitter = null) { this.dispatchEvent({ type: 'submit', submitter, preventDefault() {} }); }
  /** Somebody types: what stands there then, and that they are in it. */
  typed(text) { this.focus(); this.value = text; this.dispatchEvent({ type: 'input' }); }
}

for (const name of ['hidden', 'disabled', 'open', 'checked']) {
  Object.defineProperty(PageElement.prototype, name, { get() { return this.hasAttribute(name); }, set(is) { if (is) this.setAttribute(name, ''); else this.removeAttribute(name); } });
}
for (const [property, name] of [['id', 'id'], ['className', 'class'], ['name', 'name'], ['type', 'type'], ['src', 'src'], ['href', 'href']]) {
  Object.defineProperty(PageElement.prototype, property, { get() { return this.getAttribute(name) ?? ''; }, set(value) { this.setAttribute(name, value); } });
}

function chain(element, parts) {
  const [last, ...before] = parts.toReversed();
  if (!compound(element, last)) return false;
  for (let around = element.parentElement; before.length > 0 && around; around = around.parentElement) if (chain(around, before.toReversed())) return true;
  return before.length === 0;
}

function compound(element, selector) {
  const parts = selector.match(/^[\w-]+|\.[\w-]+|\[[^\]]+\]/g) ?? [];
  if (parts.join('') !== selector) throw new Error(`the page of the tests does not know the selector ${selector}`);
  return parts.every((part) => {
    if (part.startsWith('.')) return element.className.split(' ').includes(part.slice(1));
    if (!part.startsWith('[')) return element.localName === part;
    const [, name, value] = /^\[([\w-]+)(?:="?([^"]*)"?)?\]$/.exec(part);
    return element.hasAttribute(name) && (value === undefined || element.getAttribute(name) === value);
  });
}

/** Puts an empty page in place of the globals; gives its body. */
export function newPage() {
  const heard = new EventTarget();
  globalThis.document = {
    hidden: false, body: null, activeElement: null,
    createElement: (tag) => new PageElement(tag), getElementById: () => null,
    addEventListener: (...listening) => heard.addEventListener(...listening), dispatchEvent: (event) => heard.dispatchEvent(event),
  };
  document.body = new PageElement('body');
  document.activeElement = document.body;
  globalThis.Node = PageNode;
  globalThis.CSS = { escape: (text) => text };
  globalThis.history = { replaceState() {} };
  globalThis.location = { origin: 'https://gateway.test', hash: '' };
  return document.body;
}

/** The button or link with these words. */
export function named(part, words, tags = 'button, a') {
  return part.querySelectorAll(tags).find((one) => one.textContent === words && !one.hidden) ?? null;
}

/** The control with this label. */
export function labelled(part, words) {
  const label = part.querySelectorAll('label').find((one) => one.textContent.startsWith(words));
  return label && part.querySelectorAll('input, textarea, select').find(({ id }) => id === label.getAttribute('for'));
}

/** Lets all go on that waits for nothing but its turn. */
export const settled = async () => { for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done)); };

/** A view's context; `calls` are answered by `answer(method, path, options)`. */
export function contextOf(answer, more = {}) {
  const ending = new AbortController();
  const said = [];
  const calls = [];
  const call = async (method, path, options) => { calls.push({ method, path, ...options }); return answer(method, path, options); };
  return {
    api: { call, send: call }, signal: ending.signal, end: () => ending.abort(), said, calls, announce: (words) => said.push(words), gone: [], go(...place) { this.gone.push(place); },
    principal: { iss: 'https://idp.test', sub: 'ada', name: 'Ada' }, route: { view: '', parts: [], query: new URLSearchParams() }, onRoute(moved) { this.moved = moved; }, ...more,
  };
}

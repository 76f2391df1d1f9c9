// As much of a document as the watch's screens need, for tests without a browser: elements with their attributes and text, of which each one lies
// below the one before it.

const HEIGHT = 50;

export class FakeNode extends EventTarget {
  parent = null;
  remove() {
    if (!this.parent) return;
    // What a page does later than its test is of no matter.
    if (globalThis.document && this.contains(document.activeElement)) document.activeElement = document.body;
    this.parent.children = this.parent.children.filter((one) => one !== this);
    this.parent = null;
  }
  replaceWith(node) { this.parent.insertBefore(node, this); this.remove(); }
  get nextSibling() { return this.parent.children[this.parent.children.indexOf(this) + 1] ?? null; }
}

class FakeText extends FakeNode {
  constructor(text) { super(); this.textContent = text; }
  contains(node) { return node === this; }
}

export class FakeElement extends FakeNode {
  children = [];
  style = {};
  value = '';
  disabled = false;
  #attributes = new Map();
  constructor(tag = 'div') { super(); this.tag = tag; }
  get dataset() { return Object.fromEntries([...this.#attributes].filter(([name]) => name.startsWith('data-')).map(([name, value]) => [name.slice(5), value])); }
  get dateTime() { return this.getAttribute('datetime'); }
  get classList() { return { toggle: () => {}, contains: (name) => (this.getAttribute('class') ?? '').split(' ').includes(name) }; }
  get firstChild() { return this.children[0] ?? null; }
  get textContent() { return this.children.map(({ textContent }) => textContent).join(''); }
  set textContent(text) { this.replaceChildren(); if (text) this.append(text); }
  getAttribute(name) { return this.#attributes.get(name) ?? null; }
  setAttribute(name, value) { this.#attributes.set(name, String(value)); }
  removeAttribute(name) { this.#attributes.delete(name); }
  append(...nodes) { for (const node of nodes) this.insertBefore(node instanceof FakeNode ? node : new FakeText(node), null); }
  replaceChildren() { for (const child of [...this.children]) child.remove(); }
  insertBefore(node, next) {
    node.remove();
    this.children.splice(next === null ? this.children.length : this.children.indexOf(next), 0, node);
    node.parent = this;
  }
  contains(node) { return node === this || this.children.some((one) => one.contains(node)); }
  /** A tag, `:enabled` and attributes with or without a value; of several with commas, any. */
  matches(selector) {
    return selector.split(',').some((one) => {
      const [, tag, isEnabled] = /^\s*(\w*)(:enabled)?/.exec(one);
      const attributes = [...one.matchAll(/\[([\w-]+)(?:="(.*?)")?\]/g)];
      return (!tag || tag === this.tag) && (!isEnabled || !this.disabled)
        && attributes.every(([, name, value]) => this.#attributes.has(name) && (value === undefined || this.getAttribute(name) === value));
    });
  }
  closest(selector) { return this.matches(selector) ? this : this.parent?.closest(selector) ?? null; }
  querySelectorAll(selector) {
    const elements = this.children.filter((one) => one instanceof FakeElement);
    return elements.flatMap((one) => [...(one.matches(selector) ? [one] : []), ...one.querySelectorAll(selector)]);
  }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  getBoundingClientRect() { return { top: this.parent ? this.parent.children.indexOf(this) * HEIGHT : 0 }; }
  focus() { document.activeElement = this; }
  blur() { document.activeElement = document.body; }
  click() { this.dispatchEvent(new Event('click')); }
}

class FakeDocument extends EventTarget {
  hidden = false;
  body = new FakeElement('body');
  documentElement = { lang: 'en' };
  activeElement = this.body;
  createElement(tag) { return new FakeElement(tag); }
  getElementById(id) { return this.body.querySelector(`[id="${id}"]`); }
}

/** Puts a new one in its place for a test; resolves its `main`. What is announced stands in `said()`. */
export function withDocument(context) {
  const before = Object.getOwnPropertyDescriptors(globalThis);
  const document = new FakeDocument();
  Object.assign(globalThis, { document, Node: FakeNode });
  context.after(() => { for (const name of ['document', 'Node']) if (before[name]) Object.defineProperty(globalThis, name, before[name]); else delete globalThis[name]; });
  const said = new FakeElement('p');
  said.setAttribute('id', 'said');
  const main = new FakeElement('main');
  document.body.append(main, said);
  return { main, said: () => said.textContent, button: (name) => document.body.querySelectorAll('button').find(({ textContent }) => textContent === name) };
}

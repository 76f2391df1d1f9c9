// Elements, made and filled in one place. Text goes in as text nodes alone, so nothing that others wrote is ever read as HTML.

/**
 * An element: `h('button', {type: 'button', onclick: send}, 'Send')`. Names that begin with `on` are listeners, `class` and
 * everything else are attributes; `true` is an attribute without a value, `false`, `null` and `undefined` are none.
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  return append(element, children);
}

/** Puts these children in the place of all others. */
export function fill(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === false || child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

let sentences = [];
let silence;
// By then it is read; whoever looks through the page later would take it for what is so.
const SAID_MILLISECONDS = 7_000;

/** Says a sentence to screen readers, in the page's element with the id `said`, for some seconds; several that come at once, one after the other. */
export function announce(sentence) {
  const said = document.getElementById('said');
  if (!said) return;
  sentences.push(sentence);
  if (sentences.length > 1) return;
  // The same sentence twice is read twice only when it was away in between.
  said.textContent = '';
  setTimeout(() => {
    said.textContent = sentences.join(' ');
    sentences = [];
    clearTimeout(silence);
    silence = setTimeout(() => { said.textContent = ''; }, SAID_MILLISECONDS);
  }, 50);
}

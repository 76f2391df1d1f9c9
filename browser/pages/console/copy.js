// Copying a text: the button says that it was done, or that the browser did not let it.

import { announce, h } from '../lib/dom.js';

export function copyButton(label, text) {
  const button = h('button', { type: 'button', class: 'quiet', onclick: async () => {
    const isDone = await navigator.clipboard.writeText(typeof text === 'function' ? text() : text).then(() => true, () => false);
    const said = isDone ? 'Copied' : 'The browser does not let this page copy';
    button.textContent = said;
    announce(said);
    setTimeout(() => { button.textContent = label; }, 2_500);
  } }, label);
  return button;
}

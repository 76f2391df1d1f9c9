// Buttons for what cannot be taken back: the first press asks, the second one does it. No dialogue of the browser, which blocks the page.

import { fill, h } from '../lib/dom.js';

/** `ask` is the question, `yes` the word for doing it. `act` may be a function, or null where the second button sends a form with `value`. */
export function confirming({ label, ask, yes, act = null, value = '', style = 'quiet' }) {
  const place = h('span', { class: 'confirming' });
  const first = h('button', { type: 'button', class: style, onclick: asking }, label);
  fill(place, first);
  return place;

  function asking() {
    const second = act
      ? h('button', { type: 'button', class: 'danger', onclick: async () => { back(); await act(); } }, yes)
      : h('button', { type: 'submit', value, class: 'danger', onclick: () => setTimeout(back) }, yes);
    const no = h('button', { type: 'button', class: 'quiet', onclick: () => { back(); first.focus(); } }, 'No');
    fill(place, h('span', { class: 'ask', role: 'group', 'aria-label': ask }, h('span', {}, ask), ' ', second, ' ', no));
    second.focus();
  }

  function back() {
    fill(place, first);
  }
}

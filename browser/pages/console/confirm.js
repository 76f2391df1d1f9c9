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
      ? h('button', { type: 'button', class: 'danger', onclick: acting }, yes)
      : h('button', { type: 'submit', value, class: 'danger', onclick: () => setTimeout(back) }, yes);
    const no = h('button', { type: 'button', class: 'quiet', onclick: back }, 'No');
    fill(place, h('span', { class: 'ask', role: 'group', 'aria-label': ask }, h('span', {}, ask), ' ', second, ' ', no));
    second.focus();
  }

  async function acting() {
    // What this belongs to may be gone with what is done; what it stands in is still there.
    const around = place.parentElement?.closest('[tabindex="-1"]');
    back();
    await act();
    if (!first.isConnected && isNowhere()) around?.focus({ preventScroll: true });
  }

  /** The button that was pressed goes away, and the keyboard goes back to the one before. */
  function back() {
    const wasHere = place.contains(document.activeElement) || isNowhere();
    fill(place, first);
    if (wasHere) first.focus({ preventScroll: true });
  }
}

const isNowhere = () => document.activeElement === null || document.activeElement === document.body;

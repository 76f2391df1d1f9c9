// What stands below a list: how many are shown, and a button for older ones.

import { fill, h } from '../lib/dom.js';
import { problemBox } from './problem-box.js';

/**
 * `older()` loads a page more; it is called once at a time. Gives `element`, `update({count, hasOlder})`, which changes what stands there and
 * leaves the keyboard where it is, and `begin()` for another list: what comes of the one before is not said any more.
 */
export function listFoot({ label, older, signal }) {
  const shown = h('span', { tabindex: '-1' });
  const button = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: load }, label);
  const wrong = h('div', {});
  let loading = null;
  return { element: h('div', { class: 'list-foot' }, h('div', { class: 'row ends' }, shown, button), wrong), update, begin };

  function update({ count, hasOlder }) {
    const text = `${count} shown`;
    if (shown.textContent !== text) shown.textContent = text;
    // A button that goes away takes the keyboard with it.
    if (!hasOlder && document.activeElement === button) shown.focus({ preventScroll: true });
    button.hidden = !hasOlder;
  }

  function begin() {
    loaded();
    fill(wrong);
  }

  async function load() {
    if (loading) return;
    const mine = {};
    loading = mine;
    // `disabled` would take the keyboard from it.
    button.setAttribute('aria-disabled', 'true');
    try {
      await older();
      if (loading === mine) fill(wrong);
    } catch (problem) {
      if (loading === mine && !signal.aborted) fill(wrong, problemBox(problem));
    } finally {
      if (loading === mine) loaded();
    }
  }

  function loaded() {
    loading = null;
    button.removeAttribute('aria-disabled');
  }
}

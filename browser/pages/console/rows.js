// The rows of a list, drawn anew at each look, and what stands below them.

import { fill, h } from '../lib/dom.js';
import { problemBox } from './problem-box.js';

/** Puts these in the place of the rows before; whoever is on one by the keyboard stays on it. Without any, `empty` says why. */
export function fillRows(rows, items, empty) {
  const focused = document.activeElement?.dataset?.id;
  fill(rows, items.length > 0 ? items : h('li', { class: 'empty' }, empty));
  if (focused) rows.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

/** How many there are, and a button that loads older ones with `older()`, which is null where there are none. */
export function fillFoot(foot, { count, older, label, signal }) {
  const draw = () => fillFoot(foot, { count, older, label, signal });
  const button = h('button', { type: 'button', class: 'quiet', onclick: async () => {
    button.disabled = true;
    try {
      await older();
    } catch (problem) {
      if (!signal.aborted) fill(foot, problemBox(problem, { again: draw }));
    }
  } }, label);
  fill(foot, h('div', { class: 'row ends' }, `${count} shown`, older && button));
}

/** Of a query, or of values by name, what a list is filtered by: `names`, without those that say nothing. */
export function filterOf(names, query) {
  const values = query instanceof URLSearchParams ? Object.fromEntries(query) : query;
  return new URLSearchParams(names.map((name) => [name, values[name] ?? '']).filter(([, value]) => value !== ''));
}

// The rows of a list. What stays is changed where it is, so that neither the place of the keyboard nor a press that has begun is lost when a
// list is looked at again.

import { h } from '../lib/dom.js';

const TEXT = 3;

/** Makes `rows` have these items, each with a `data-id` of its own or in its first element; without any, `empty` says why. */
export function fillRows(rows, items, empty) {
  const known = new Map([...rows.children].map((row) => [keyOf(row), row]));
  const wanted = items.map((item) => {
    const row = known.get(keyOf(item));
    if (row) freshen(row, item);
    return row ?? item;
  });
  placeRows(rows, wanted.length > 0 ? wanted : [h(rows.localName === 'ul' ? 'li' : 'p', { class: 'empty' }, empty)]);
}

/** Makes `rows` hold these elements in this order. Whoever is in one of them stays there; who was in one that is gone is in its neighbour. */
export function placeRows(rows, wanted) {
  const focused = document.activeElement;
  const place = [...rows.children].findIndex((row) => row.contains(focused));
  const staying = new Set(wanted);
  // First, so that what stays need not be moved: what is moved loses the keyboard.
  for (const row of [...rows.children]) if (!staying.has(row)) row.remove();
  for (const [index, row] of wanted.entries()) if (rows.children[index] !== row) rows.insertBefore(row, rows.children[index] ?? null);
  if (place < 0 || rows.contains(document.activeElement)) return;
  const next = focused.isConnected ? focused : rows.children[Math.min(place, rows.children.length - 1)]?.querySelector('a');
  next?.focus({ preventScroll: true });
}

/** Makes an element look like another one of its kind, by as few changes as there are. The mark of what is open belongs to who set it. */
export function freshen(old, next) {
  for (const { name } of [...old.attributes]) if (name !== 'aria-current' && !next.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const fresh = [...next.childNodes];
  for (const [index, node] of fresh.entries()) {
    const there = old.childNodes[index];
    if (!there) old.append(node);
    else if (there.nodeType === TEXT && node.nodeType === TEXT) {
      if (there.data !== node.data) there.data = node.data;
    } else if (there.nodeType === node.nodeType && there.localName === node.localName) freshen(there, node);
    else there.replaceWith(node);
  }
  while (old.childNodes.length > fresh.length) old.lastChild.remove();
}

/** Stands in a list until it is there, or until `notLoading`. */
export const loadingRow = () => h('li', { class: 'empty loading' }, 'Loading…');
/** Nothing comes: what went wrong is said elsewhere. */
export const notLoading = (rows) => rows.querySelector('.loading')?.remove();

const keyOf = (row) => row.dataset.id ?? row.firstElementChild?.dataset.id;

/** Of a query, or of values by name, what a list is filtered by: `names`, without those that say nothing. */
export function filterOf(names, query) {
  const values = query instanceof URLSearchParams ? Object.fromEntries(query) : query;
  return new URLSearchParams(names.map((name) => [name, values[name] ?? '']).filter(([, value]) => value !== ''));
}

// A list with the one beside it that is open. On a narrow screen they take turns.

import { fill, h } from '../lib/dom.js';
import { hrefOf } from './route.js';

/**
 * `open(id, place, signal, route)` shows one in `place` until `signal`; `list` is where the list goes. Rows of the list are links with
 * `data-id`, and `moved(route)` hears of every move within the view. What is open stands in the address, so it can be sent to somebody and found again.
 */
export function split(root, context, { view, name, empty, open, moved = () => {} }) {
  const list = h('section', { class: 'list', 'aria-label': 'List' });
  const detail = h('section', { class: 'detail', 'aria-label': name, tabindex: '-1' });
  const frame = h('div', { class: 'split' }, list, detail);
  fill(root, frame);
  let current;
  let opened;
  let ending = null;

  detail.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && !/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) rowOf(current)?.focus();
  });
  context.signal.addEventListener('abort', () => ending?.abort());
  context.onRoute((route) => { moved(route); go(route, true); });
  // What is open may need what the view makes after this.
  queueMicrotask(() => go(context.route, false));

  return { list, mark };

  function go(route, hasMoved) {
    const id = route.parts[0] ?? null;
    const before = current;
    // A form for something new is another one for other beginnings; what is there stays the same one, however the list is filtered.
    const key = id === 'new' ? `new?${route.query}` : id;
    if (key === opened) return;
    opened = key;
    current = id;
    ending?.abort();
    ending = new AbortController();
    frame.dataset.open = String(id !== null);
    mark();
    if (id === null) {
      fill(detail, h('p', { class: 'empty' }, empty));
      if (hasMoved) rowOf(before)?.focus();
      return;
    }
    const place = h('div', {});
    fill(detail, h('a', { class: 'back', href: hrefOf(view, [], route.query) }, 'Back to the list'), place);
    detail.scrollTop = 0;
    open(id, place, ending.signal, route);
    if (hasMoved) detail.focus({ preventScroll: false });
  }

  function rowOf(id) {
    return id ? list.querySelector(`[data-id="${CSS.escape(id)}"]`) : null;
  }

  function mark() {
    for (const row of list.querySelectorAll('[data-id]')) {
      if (row.dataset.id === current) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
  }
}

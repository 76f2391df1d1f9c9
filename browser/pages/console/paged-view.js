// A view of a list that comes page by page: its filter, which stands in the address, its rows, and beside it the one that is open.

import { fill, h } from '../lib/dom.js';
import { listFoot } from './list-foot.js';
import { PagedList } from './paged-list.js';
import { poll } from './poll.js';
import { field, onSend } from './problem-box.js';
import { hrefOf } from './route.js';
import { fillRows, filterOf, loadingRow, notLoading } from './rows.js';
import { split } from './split.js';

/**
 * - `view`, `title`: its place and what the list is called; `older`, `none`, `noneMatches`: the words for these;
 * - `filters`: `[{name, label, control}]`; `isFiltered(route)`: whether the query of a place is the filter;
 * - `ask(filter, before, signal)` as in `paged-list.js`, looked at `every` so many milliseconds; `idOf(item)`; `row(item)` is what stands in its link;
 * - `button(filter)`: the link beside the filter; `name`, `empty`, `open(...)` as in `split.js`, with a last argument that looks again.
 */
export function showPaged(root, context, { view, title, older, none, noneMatches, filters, isFiltered = () => true, ask, every, idOf, row, button, name, empty, open }) {
  const { signal } = context;
  const names = filters.map((one) => one.name);
  let filter = isFiltered(context.route) ? filterOf(names, context.route.query) : new URLSearchParams();
  const list = new PagedList({ ask: (before, ending) => ask(new URLSearchParams(filter), before, AbortSignal.any([signal, ending])), idOf });
  const rows = h('ul', { class: 'rows', 'aria-label': title }, loadingRow());
  const box = h('div', {});
  const summary = h('summary', {});
  const foot = listFoot({ label: older, signal, older: async () => { await list.older(); if (!signal.aborted) draw(); } });
  const look = poll({ signal, every, box, load: () => list.look(), show: (looked) => { list.take(looked); draw(); }, refused });
  const { list: part, mark } = split(root, context, {
    view, name, empty,
    open: (...one) => open(...one, look),
    moved: (route) => { if (isFiltered(route) && String(filterOf(names, route.query)) !== String(filter)) filterBy(filterOf(names, route.query)); },
  });
  const beside = h('span', {});
  fill(part, h('div', { class: 'list-head' }, h('div', { class: 'row ends' }, h('details', { class: 'filters' }, summary, filterForm()), beside)), box, rows, foot.element);
  writeFilter();

  function filterForm() {
    const form = h('form', {}, h('div', { class: 'grid' }, filters.map(field)), h('button', { type: 'submit' }, 'Apply'));
    return onSend(form, {
      signal,
      work: async () => {
        const chosen = filterOf(names, Object.fromEntries(filters.map(({ name: of, control }) => [of, control.value.trim()])));
        history.replaceState(null, '', hrefOf(view, context.route.parts, chosen));
        await filterBy(chosen);
      },
    });
  }

  function writeFilter() {
    for (const { name: of, control } of filters) control.value = filter.get(of) ?? '';
    fill(summary, 'Filter', filter.size > 0 && h('span', { class: 'faint' }, ` (${filter.size} set)`));
    fill(beside, button(filter));
  }

  function filterBy(chosen) {
    filter = chosen;
    list.begin();
    foot.begin();
    writeFilter();
    fill(rows, loadingRow());
    return look();
  }

  function refused({ status }) {
    notLoading(rows);
    // Whoever may not see the list may add nothing to it.
    if (status === 403) fill(beside);
  }

  function draw() {
    if (!beside.firstChild) fill(beside, button(filter));
    fillRows(rows, list.items.map((item) => h('li', {}, h('a', { href: hrefOf(view, [idOf(item)], filter), 'data-id': idOf(item) }, row(item)))), filter.size > 0 ? noneMatches : none);
    mark();
    foot.update({ count: list.items.length, hasOlder: list.hasOlder });
  }
}

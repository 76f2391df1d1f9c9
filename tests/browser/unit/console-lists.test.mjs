// Lists that change while somebody looks at them: rows, their foot, further pages and filters.

import assert from 'node:assert/strict';
import test, { mock } from 'node:test';

import { contextOf, labelled, named, newPage, settled } from './page.mjs';
import { PagedList } from '../../../browser/pages/console/paged-list.js';
import { unreachable } from '../../../browser/pages/lib/problem.js';

newPage();
const { h } = await import('../../../browser/pages/lib/dom.js');
const { listFoot } = await import('../../../browser/pages/console/list-foot.js');
const { fillRows } = await import('../../../browser/pages/console/rows.js');
const { show: showIncidents } = await import('../../../browser/pages/console/incidents.js');

const rowOf = (id, words = id, ...more) => h('li', {}, h('a', { href: `#${id}`, 'data-id': id }, h('span', {}, words), more));
const texts = (rows) => rows.children.map((row) => row.textContent);

test('a row that stays is the same one with other words, and the keyboard and what is marked stay on it', () => {
  const rows = h('ul', {});
  newPage().append(rows);
  fillRows(rows, [rowOf('a'), rowOf('b')], 'none');
  const link = rows.children[1].firstElementChild;
  const words = link.firstElementChild;
  link.setAttribute('aria-current', 'true');
  link.focus();
  fillRows(rows, [rowOf('new'), rowOf('b', 'b, 40 %', h('em', {}, 'more'))], 'none');
  assert.deepEqual(texts(rows), ['new', 'b, 40 %more']);
  assert.equal(rows.children[1].firstElementChild, link);
  assert.equal(link.firstElementChild, words, 'a press that has begun ends on what it began on');
  assert.equal(document.activeElement, link);
  assert.equal(link.getAttribute('aria-current'), 'true');
  fillRows(rows, [rowOf('new')], 'none');
  assert.equal(document.activeElement, rows.children[0].firstElementChild, 'the neighbour of a row that is gone');
  fillRows(rows, [], 'none');
  assert.deepEqual(texts(rows), ['none']);
  fillRows(rows, [rowOf('c')], 'none');
  assert.deepEqual(texts(rows), ['c']);
});

test('the foot changes where it stands: no press, no problem and no keyboard is lost', async () => {
  let answer;
  let asked = 0;
  const older = () => { asked += 1; return new Promise((resolve, reject) => { answer = { resolve, reject }; }); };
  const foot = listFoot({ label: 'Older', older, signal: new AbortController().signal });
  newPage().append(foot.element);
  foot.update({ count: 3, hasOlder: true });
  const button = named(foot.element, 'Older');
  button.click();
  foot.update({ count: 4, hasOlder: true });
  button.click();
  assert.equal(asked, 1, 'once at a time');
  assert.equal(document.activeElement, button);
  answer.reject(unreachable());
  await settled();
  foot.update({ count: 5, hasOlder: true });
  assert.match(foot.element.textContent, /5 shown.*cannot be reached/);
  assert.equal(document.activeElement, button);
  button.click();
  answer.resolve();
  await settled();
  foot.update({ count: 9, hasOlder: false });
  assert.equal(foot.element.textContent, '9 shownOlder');
  assert.ok(button.hidden);
  assert.ok(foot.element.contains(document.activeElement), 'not thrown out with the button');
});

test('what comes of another list is not said in this one', async () => {
  let answer;
  const foot = listFoot({ label: 'Older', older: () => new Promise((_, reject) => { answer = reject; }), signal: new AbortController().signal });
  foot.update({ count: 3, hasOlder: true });
  named(foot.element, 'Older').click();
  foot.begin();
  answer(new Error('aborted'));
  await settled();
  assert.equal(foot.element.textContent, '3 shownOlder');
});

/** A service with these ids, new ones first, in pages of two. */
function served(ids) {
  const state = { ids, asks: [] };
  state.ask = async (before) => {
    state.asks.push(before);
    const rest = state.ids.slice(before === null ? 0 : state.ids.findIndex((id) => id < before) < 0 ? state.ids.length : state.ids.findIndex((id) => id < before));
    return { items: rest.slice(0, 2).map((id) => ({ id })), next: rest.length > 2 ? rest[1] : null };
  };
  return state;
}

const idsOf = (list) => list.items.map(({ id }) => id).join('');
const look = async (list) => list.take(await list.look());

test('what the first page could hold and does not is gone at once, and of further pages after as many looks', async () => {
  const service = served([...'gfedcba']);
  const list = new PagedList({ ask: service.ask, idOf: ({ id }) => id });
  await look(list);
  await list.older();
  assert.equal(idsOf(list), 'gfed');
  service.ids = [...'hfecba'];
  await look(list);
  assert.equal(idsOf(list), 'hfed', 'g stood before what is there still; of d nobody knows yet');
  await look(list);
  assert.equal(idsOf(list), 'hfec');
  assert.equal(list.hasOlder, true);
  service.ids = [...'h'];
  await look(list);
  assert.equal(idsOf(list), 'h');
  assert.equal(list.hasOlder, false);
});

test('a look asks for two pages on the average, however many are shown', async () => {
  const service = served([...'zyxwvutsrqponmlkjihgfedcba']);
  const list = new PagedList({ ask: service.ask, idOf: ({ id }) => id });
  await look(list);
  for (let page = 0; page < 9; page += 1) await list.older();
  service.asks.length = 0;
  for (let looks = 0; looks < 20; looks += 1) await look(list);
  assert.ok(service.asks.length <= 40, `${service.asks.length} pages in 20 looks`);
  assert.equal(list.items.length, 20);
});

test('an older page that a look overtakes leaves no gap, and another list takes nothing of it', async () => {
  const service = served([...'gfedcba']);
  let held = Promise.resolve();
  const list = new PagedList({ ask: async (before) => { const page = await service.ask(before); if (before !== null) await held; return page; }, idOf: ({ id }) => id });
  await look(list);
  let letGo;
  held = new Promise((resolve) => { letGo = resolve; });
  const older = list.older();
  service.ids = [...'ihgfedcba'];
  await look(list);
  letGo();
  await older;
  assert.equal(idsOf(list), 'ihgf', 'and not ihed');
  const late = list.older();
  const lateLook = list.look();
  list.begin();
  await late;
  list.take(await lateLook);
  assert.equal(idsOf(list), '');
});

test('a filter that is set while older ones are on their way has its own rows alone', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const root = h('div', {});
  newPage().append(root);
  const incident = (id, state) => ({ incident: id, title: id, state, began_at: 0, devices_in_all: 1 });
  let letGo;
  const context = contextOf((method, path) => {
    if (path.includes('before=')) return new Promise((resolve) => { letGo = () => resolve({ incidents: [incident('old', 'resolved')], next_before: 'x' }); });
    return { incidents: [path.includes('state=open') ? incident('open one', 'open') : incident('any', 'open')], next_before: 'b' };
  });
  showIncidents(root, context);
  await settled();
  named(root, 'Older incidents').click();
  await settled();
  labelled(root, 'State').value = 'open';
  root.querySelector('form').requestSubmit();
  await settled();
  assert.equal(named(root, 'Older incidents').getAttribute('aria-disabled'), null, 'it does not wait for those of the other list');
  letGo();
  await settled();
  assert.deepEqual(root.querySelector('.rows').querySelectorAll('[data-id]').map(({ dataset }) => dataset.id), ['open one']);
  assert.equal(root.querySelectorAll('.problem').length, 0);
  context.end();
});

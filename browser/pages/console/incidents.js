// Incidents: those that go on and those that are over, and one with all that is known of it.

import { fill, h } from '../lib/dom.js';
import { showIncident, spanOf } from './incident.js';
import { poll } from './poll.js';
import { field, onSend } from './problem-box.js';
import { hrefOf } from './route.js';
import { fillFoot, fillRows, filterOf } from './rows.js';
import { drawSilences } from './silences.js';
import { split } from './split.js';
import { when } from './when.js';

const EVERY = 10_000;
const FILTERS = ['state', 'device'];

export function show(root, context) {
  const { api, signal } = context;
  let filter = filterOf(FILTERS, context.route.query);
  let known = new Map();
  let next = null;
  let isMore = false;
  const state = h('select', {}, h('option', { value: '' }, 'open and resolved'), h('option', { value: 'open' }, 'open'), h('option', { value: 'resolved' }, 'resolved'));
  const device = h('input', { type: 'text', autocomplete: 'off' });
  const rows = h('ul', { class: 'rows', 'aria-label': 'Incidents' }, h('li', { class: 'empty' }, 'Loading…'));
  const box = h('div', {});
  const foot = h('div', { class: 'list-foot' });
  const summary = h('summary', {});
  const look = poll({ signal, every: EVERY, box, load, show: taken });
  const { list, mark } = split(root, context, {
    view: 'incidents', name: 'Incident', empty: 'Choose an incident to see what moved, where, and what may help.',
    open: (id, place, ending) => (id === 'silences' ? drawSilences(place, { context, signal: ending }) : showIncident(place, { context, signal: ending, id })),
    moved: (route) => { if (String(filterOf(FILTERS, route.query)) !== String(filter)) filterBy(filterOf(FILTERS, route.query)); },
  });
  const form = onSend(h('form', {}, h('div', { class: 'grid' }, field({ name: 'state', label: 'State', control: state }), field({ name: 'device', label: 'Device', control: device })), h('button', { type: 'submit' }, 'Apply')), {
    signal,
    work: async () => {
      const chosen = filterOf(FILTERS, new URLSearchParams({ state: state.value, device: device.value.trim() }));
      history.replaceState(null, '', hrefOf('incidents', context.route.parts, chosen));
      await filterBy(chosen);
    },
  });
  fill(list, h('div', { class: 'list-head' }, h('div', { class: 'row ends' }, h('details', { class: 'filters' }, summary, form), h('a', { class: 'button', href: hrefOf('incidents', ['silences'], filter) }, 'Silences'))), box, rows, foot);
  writeFilter();

  function writeFilter() {
    state.value = filter.get('state') ?? '';
    device.value = filter.get('device') ?? '';
    fill(summary, 'Filter', filter.size > 0 && h('span', { class: 'faint' }, ` (${filter.size} set)`));
  }

  function filterBy(chosen) {
    filter = chosen;
    known = new Map();
    isMore = false;
    writeFilter();
    fill(rows, h('li', { class: 'empty' }, 'Loading…'));
    return look();
  }

  function load(before = null) {
    const query = new URLSearchParams(filter);
    if (before) query.set('before', before);
    return api.call('GET', `/v1/incidents?${query}`, { signal });
  }

  function taken(page) {
    // New ones come to the front; those of further pages stay behind them.
    const rest = isMore ? [...known].filter(([id]) => !page.incidents.some(({ incident }) => incident === id)) : [];
    known = new Map([...page.incidents.map((one) => [one.incident, one]), ...rest]);
    if (!isMore) next = page.next_before;
    draw();
  }

  function draw() {
    const items = [...known.values()].map((one) => h('li', {}, h('a', { href: hrefOf('incidents', [one.incident], filter), 'data-id': one.incident },
      h('span', { class: 'title' }, h('span', {}, one.title), when(one.began_at)),
      h('span', { class: 'sub' }, stateTag(one), h('span', {}, `${one.devices_in_all} ${one.devices_in_all === 1 ? 'device' : 'devices'}`), h('span', {}, spanOf(one))))));
    fillRows(rows, items, filter.size > 0 ? 'No incident matches.' : 'There are no incidents.');
    mark();
    const older = async () => {
      const page = await load(next);
      isMore = true;
      next = page.next_before;
      for (const one of page.incidents) known.set(one.incident, one);
      draw();
    };
    fillFoot(foot, { count: known.size, older: next && older, label: 'Older incidents', signal });
  }
}

function stateTag({ state, merged_into: other }) {
  if (other) return h('span', { class: 'tag' }, 'part of another');
  return h('span', { class: `tag ${state === 'open' ? 'bad' : 'good'}` }, state);
}

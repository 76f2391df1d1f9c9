// Incidents: those that go on and those that are over, and one with all that is known of it.

import { h } from '../lib/dom.js';
import { showIncident, spanOf } from './incident.js';
import { showPaged } from './paged-view.js';
import { hrefOf } from './route.js';
import { drawSilences } from './silences.js';
import { when } from './when.js';

export function show(root, context) {
  showPaged(root, context, {
    view: 'incidents', title: 'Incidents', older: 'Older incidents', none: 'There are no incidents.', noneMatches: 'No incident matches.',
    filters: [
      { name: 'state', label: 'State', control: h('select', {}, h('option', { value: '' }, 'open and resolved'), h('option', { value: 'open' }, 'open'), h('option', { value: 'resolved' }, 'resolved')) },
      { name: 'device', label: 'Device', control: h('input', { type: 'text', autocomplete: 'off' }) },
    ],
    every: 10_000, ask, idOf: ({ incident }) => incident, row,
    button: (filter) => h('a', { class: 'button', href: hrefOf('incidents', ['silences'], filter) }, 'Silences'),
    name: 'Incident', empty: 'Choose an incident to see what moved, where, and what may help.',
    open: (id, place, ending) => (id === 'silences' ? drawSilences(place, { context, signal: ending }) : showIncident(place, { context, signal: ending, id })),
  });

  async function ask(query, before, signal) {
    if (before) query.set('before', before);
    const { incidents, next_before: next } = await context.api.call('GET', `/v1/incidents?${query}`, { signal });
    return { items: incidents, next };
  }
}

function row(one) {
  return [h('span', { class: 'title' }, h('span', {}, one.title), when(one.began_at)),
    h('span', { class: 'sub' }, stateTag(one), h('span', {}, `${one.devices_in_all} ${one.devices_in_all === 1 ? 'device' : 'devices'}`), h('span', {}, spanOf(one)))];
}

function stateTag({ state, merged_into: other }) {
  if (other) return h('span', { class: 'tag' }, 'part of another');
  return h('span', { class: `tag ${state === 'open' ? 'bad' : 'good'}` }, state);
}

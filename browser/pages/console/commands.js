// Commands: those that are there, one as it goes on, and a form to ask for another.

import { h } from '../lib/dom.js';
import { showCommand } from './command.js';
import { showRequest } from './command-form.js';
import { isFinal, STATES, stateTag } from './command-words.js';
import { showPaged } from './paged-view.js';
import { person } from './people.js';
import { hrefOf } from './route.js';
import { when } from './when.js';

export function show(root, context) {
  const { api, principal } = context;
  const text = () => h('input', { type: 'text', autocomplete: 'off' });
  showPaged(root, context, {
    view: 'commands', title: 'Commands', older: 'Older commands', none: 'Nobody has asked for a command yet.', noneMatches: 'No command matches.',
    filters: [
      { name: 'state', label: 'State', control: h('select', {}, h('option', { value: '' }, 'any'), h('option', { value: 'dead' }, 'ended badly'), Object.entries(STATES).map(([state, [words]]) => h('option', { value: state }, words))) },
      { name: 'service', label: 'Service', control: text() }, { name: 'runbook', label: 'Runbook', control: text() },
      { name: 'requested_by', label: 'Asked for by', control: h('select', {}, h('option', { value: '' }, 'anybody'), h('option', { value: 'me' }, 'me')) },
    ],
    // The form has a query of its own.
    isFiltered: (route) => route.parts[0] !== 'new',
    every: 5_000, ask, idOf: ({ id }) => id, row,
    button: () => h('a', { class: 'button primary', href: hrefOf('commands', ['new']) }, 'Ask for a command'),
    name: 'Command', empty: 'Choose a command to see how far it is, or ask for one.',
    open: (id, place, ending, route, look) => (id === 'new' ? showRequest(place, { context, signal: ending, query: route.query, done: look }) : showCommand(place, { context, signal: ending, id, changed: look })),
  });

  async function ask(query, before, signal) {
    if (query.get('state') === 'dead') {
      query.delete('state');
      query.set('outcome', 'dead');
    }
    if (before) query.set('before', before);
    const { commands, next_before: next } = await api.call('GET', `/v1/commands?${query}`, { signal });
    return { items: commands, next };
  }

  function row(command) {
    return [h('span', { class: 'title' }, h('span', {}, command.runbook), when(command.requested_at)),
      h('span', { class: 'sub' }, stateTag(command.state), command.dry_run && h('span', { class: 'tag' }, 'dry run'), h('span', {}, `for ${command.target.service}`), h('span', {}, 'by ', person(command.requested_by, principal)), !isFinal(command.state) && command.progress?.percent !== undefined && h('span', {}, `${command.progress.percent} %`))];
  }
}

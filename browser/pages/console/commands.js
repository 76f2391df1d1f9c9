// Commands: those that are there, one as it goes on, and a form to ask for another.

import { fill, h } from '../lib/dom.js';
import { showCommand } from './command.js';
import { showRequest } from './command-form.js';
import { isFinal, STATES, stateTag } from './command-words.js';
import { person } from './people.js';
import { poll } from './poll.js';
import { field, onSend } from './problem-box.js';
import { hrefOf } from './route.js';
import { fillFoot, fillRows, filterOf } from './rows.js';
import { split } from './split.js';
import { when } from './when.js';

const EVERY = 5_000;
const FILTERS = ['state', 'service', 'runbook', 'requested_by'];

export function show(root, context) {
  const { api, signal, principal } = context;
  const known = new Map();
  let next = null;
  let filter = context.route.parts[0] === 'new' ? new URLSearchParams() : filterOf(FILTERS, context.route.query);
  let isMore = false;
  const controls = {
    state: h('select', {}, h('option', { value: '' }, 'any'), h('option', { value: 'dead' }, 'ended badly'), Object.entries(STATES).map(([state, [words]]) => h('option', { value: state }, words))),
    service: h('input', { type: 'text', autocomplete: 'off' }), runbook: h('input', { type: 'text', autocomplete: 'off' }),
    requested_by: h('select', {}, h('option', { value: '' }, 'anybody'), h('option', { value: 'me' }, 'me')),
  };
  const rows = h('ul', { class: 'rows', 'aria-label': 'Commands' }, h('li', { class: 'empty' }, 'Loading…'));
  const box = h('div', {});
  const foot = h('div', { class: 'list-foot' });
  const summary = h('summary', {});
  const look = poll({ signal, every: EVERY, box, load, show: taken });
  const { list, mark } = split(root, context, {
    view: 'commands', name: 'Command', empty: 'Choose a command to see how far it is, or ask for one.',
    open: (id, place, ending, route) => (id === 'new' ? showRequest(place, { context, signal: ending, query: route.query, done: look }) : showCommand(place, { context, signal: ending, id, changed: look })),
    moved: (route) => { if (route.parts[0] !== 'new' && String(filterOf(FILTERS, route.query)) !== String(filter)) filterBy(filterOf(FILTERS, route.query)); },
  });
  fill(list,
    h('div', { class: 'list-head' },
      h('div', { class: 'row ends' }, h('details', { class: 'filters' }, summary, filterForm()), h('a', { class: 'button primary', href: hrefOf('commands', ['new']) }, 'Ask for a command'))),
    box, rows, foot);
  writeFilter();

  function filterForm() {
    const labels = { state: 'State', service: 'Service', runbook: 'Runbook', requested_by: 'Asked for by' };
    const form = h('form', {}, h('div', { class: 'grid' }, FILTERS.map((name) => field({ name, label: labels[name], control: controls[name] }))), h('button', { type: 'submit' }, 'Apply'));
    return onSend(form, {
      signal,
      work: async () => {
        const chosen = filterOf(FILTERS, new URLSearchParams(FILTERS.map((name) => [name, controls[name].value.trim()])));
        history.replaceState(null, '', hrefOf('commands', context.route.parts, chosen));
        await filterBy(chosen);
      },
    });
  }

  function writeFilter() {
    for (const name of FILTERS) controls[name].value = filter.get(name) ?? '';
    fill(summary, 'Filter', filter.size > 0 && h('span', { class: 'faint' }, ` (${filter.size} set)`));
  }

  function filterBy(chosen) {
    filter = chosen;
    known.clear();
    isMore = false;
    writeFilter();
    fill(rows, h('li', { class: 'empty' }, 'Loading…'));
    return look();
  }

  function load(before = null) {
    const query = new URLSearchParams(filter);
    if (query.get('state') === 'dead') {
      query.delete('state');
      query.set('outcome', 'dead');
    }
    if (before) query.set('before', before);
    return api.call('GET', `/v1/commands?${query}`, { signal });
  }

  /** The first page again. What it could hold and does not is not in this list any more. */
  function taken(page) {
    const oldest = page.next_before ?? '';
    for (const id of known.keys()) if (id >= oldest) known.delete(id);
    for (const command of page.commands) known.set(command.id, command);
    if (!isMore) next = page.next_before;
    draw();
  }

  function draw() {
    const commands = [...known.values()].sort((one, other) => (one.id < other.id ? 1 : -1));
    const items = commands.map((command) => h('li', {}, h('a', { href: hrefOf('commands', [command.id], filter), 'data-id': command.id },
      h('span', { class: 'title' }, h('span', {}, command.runbook), when(command.requested_at)),
      h('span', { class: 'sub' }, stateTag(command.state), command.dry_run && h('span', { class: 'tag' }, 'dry run'), h('span', {}, `for ${command.target.service}`), h('span', {}, 'by ', person(command.requested_by, principal)), !isFinal(command.state) && command.progress?.percent !== undefined && h('span', {}, `${command.progress.percent} %`)))));
    fillRows(rows, items, filter.size > 0 ? 'No command matches.' : 'Nobody has asked for a command yet.');
    mark();
    const older = async () => {
      const page = await load(next);
      isMore = true;
      next = page.next_before;
      for (const one of page.commands) known.set(one.id, one);
      draw();
    };
    fillFoot(foot, { count: known.size, older: next && older, label: 'Older commands', signal });
  }
}

// Events: the newest and what comes, by whatever the API filters by; each opens to all that there is of it.

import { fill, h } from '../lib/dom.js';
import { now } from '../lib/clock.js';
import { pause } from '../lib/stream.js';
import { EventFeed, FILTERS, MOST_EVENTS } from './event-feed.js';
import { showEvent } from './event.js';
import { listFoot } from './list-foot.js';
import { clearProblem, field, onSend, problemBox, showProblem } from './problem-box.js';
import { hrefOf } from './route.js';
import { filterOf, placeRows } from './rows.js';
import { split } from './split.js';
import { clock, when } from './when.js';

const LABELS = {
  type: ['Type', 'dev.watchgate.command.* is all types below'], subject: ['Subject', ''], source: ['Source', ''], correlationid: ['Correlation id', ''],
  principal: ['Principal', 'an authid: issuer#subject'], text: ['Text', 'anywhere in the event, as it is written there'],
  since: ['Came in since', 'such as 2026-03-01T12:00:00Z'], until: ['Came in before', 'with this nothing is followed'],
};
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 30_000;
const SEVERITIES = [[21, 'fatal', 'bad'], [17, 'error', 'bad'], [13, 'warning', 'warn'], [9, 'info', ''], [5, 'debug', ''], [1, 'trace', '']];

export function show(root, context) {
  const { api, signal } = context;
  let feed = null;
  let following = new AbortController();
  let drawing = null;
  let asOf = null;
  const controls = Object.fromEntries(FILTERS.map((name) => [name, h('input', { type: 'text', name, autocomplete: 'off', spellcheck: 'false' })]));
  const status = h('span', { class: 'tag' });
  const pausing = h('button', { type: 'button', class: 'quiet', onclick: () => (feed.isPaused ? feed.resume() : feed.pause()) }, 'Pause');
  const rows = h('ul', { class: 'rows', 'aria-label': 'Events' });
  const foot = listFoot({ label: 'Older events', signal, older });
  const box = h('div', {});
  const set = h('span', { class: 'faint' });
  const wrong = h('div', {});
  const form = filterForm();
  const filters = h('details', { class: 'filters' }, h('summary', {}, 'Filter', set), form);
  const { list, mark } = split(root, context, {
    view: 'events', name: 'Event', empty: 'Choose an event to see all of it.',
    open: (position, place, ending, route) => showEvent(place, { api, signal: ending, context, position, known: feed?.events.find((one) => String(one.position) === position), query: route.query }),
    moved: (route) => { if (String(filterOf(FILTERS, route.query)) !== String(filterOf(FILTERS, values()))) load(route.query); },
  });
  fill(list, h('div', { class: 'list-head' }, h('div', { class: 'row ends' }, status, pausing), filters), box, rows, foot.element);
  load(context.route.query);
  return () => following.abort();

  function values() {
    return Object.fromEntries(FILTERS.map((name) => [name, controls[name].value.trim()]));
  }

  function filterForm() {
    const fields = FILTERS.map((name) => field({ name, label: LABELS[name][0], hint: LABELS[name][1], control: controls[name] }));
    const clear = h('button', { type: 'button', class: 'quiet', onclick: () => { for (const control of Object.values(controls)) control.value = ''; form.requestSubmit(); } }, 'Clear');
    return onSend(h('form', {}, h('div', { class: 'grid' }, fields), h('div', { class: 'row' }, h('button', { type: 'submit' }, 'Apply'), clear), wrong), {
      signal,
      work: async () => {
        const query = filterOf(FILTERS, values());
        const open = context.route.parts;
        // In the address, for whoever is sent it; it is no step of its own to go back from.
        history.replaceState(null, '', hrefOf('events', open, query));
        context.route = { ...context.route, query };
        await load(query);
      },
    });
  }

  async function load(query) {
    for (const name of FILTERS) controls[name].value = query.get(name) ?? '';
    const count = FILTERS.filter((name) => controls[name].value).length;
    set.textContent = count ? ` (${count} set)` : '';
    following.abort();
    following = new AbortController();
    const mine = new EventFeed({ api, filter: values(), signal: AbortSignal.any([signal, following.signal]), changed: () => { if (feed === mine) soon(); } });
    feed = mine;
    fill(box);
    foot.begin();
    clearProblem(form, wrong);
    fill(rows, h('li', { class: 'empty' }, 'Loading…'));
    const problem = await begun(mine);
    if (!problem) return;
    failed(mine, problem, query);
    // Whoever has sent the form is not kept waiting for that.
    if (problem.isPassing) goOn(mine, problem, query);
  }

  /** Resolves to what went wrong, or to null. */
  async function begun(mine) {
    try {
      await mine.begin();
    } catch (problem) {
      return mine.signal.aborted ? null : problem;
    }
    fill(box);
    mine.follow();
    return null;
  }

  function failed(mine, problem, query) {
    fill(rows);
    mine.state = problem.isPassing ? 'away' : 'refused';
    soon();
    // A mistake in a filter belongs to its field, also where it came with the address.
    if (problem.errors?.length > 0) {
      filters.open = true;
      showProblem(form, wrong, problem);
    } else fill(box, problemBox(problem, { again: () => load(query) }));
  }

  /** What may pass is tried again, later each time and not before the service wants it. */
  async function goOn(mine, first, query) {
    let problem = first;
    for (let wait = FIRST_PAUSE; problem?.isPassing; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
      const asked = (problem.retryAfterSeconds ?? 0) * 1000;
      await pause(Math.max(wait, asked), mine.signal, { isLeast: asked > 0 });
      if (mine.signal.aborted) return;
      const next = await begun(mine);
      // The same is not said again: it would be read aloud each time, and take the keyboard from its button.
      if (next && (next.title !== problem.title || next.detail !== problem.detail)) failed(mine, next, query);
      problem = next;
    }
  }

  /** Many events at once are drawn once. */
  function soon() {
    drawing ??= setTimeout(() => { drawing = null; if (!signal.aborted) draw(); }, 120);
  }

  function draw() {
    const old = new Map([...rows.children].map((row) => [row.firstChild?.dataset?.id, row]));
    const query = filterOf(FILTERS, values());
    const wanted = feed.events.map((one) => old.get(String(one.position)) ?? rowOf(one, query));
    const anchor = rows.scrollTop > 40 ? [...rows.children].find((row) => row.offsetTop >= rows.scrollTop + rows.offsetTop) : null;
    const before = anchor?.offsetTop;
    // What stays is not touched: somebody may be on it, and there may be a thousand.
    placeRows(rows, wanted);
    // Whoever reads further down is not pushed away by what comes.
    if (anchor?.isConnected) rows.scrollTop += anchor.offsetTop - before;
    if (feed.events.length === 0 && feed.isRead && feed.state !== 'refused') fill(rows, h('li', { class: 'empty' }, 'No events match. Those that come are shown here.'));
    if (feed.problem) fill(box, problemBox(feed.problem, { again: () => load(query) }));
    mark();
    drawStatus();
    foot.update({ count: feed.events.length, hasOlder: feed.olderThan !== null });
  }

  function drawStatus() {
    if (feed.state === 'live') asOf = null;
    else asOf ??= clock(now());
    const words = { loading: 'loading', live: feed.isPaused ? 'paused' : 'live', away: `not connected, as of ${asOf}`, refused: `not live, as of ${asOf}`, ended: 'up to a time, not live' }[feed.state];
    status.textContent = words;
    status.className = `tag ${feed.state === 'live' ? (feed.isPaused ? 'warn' : 'good') : feed.state === 'away' ? 'warn' : ''}`;
    pausing.textContent = feed.isPaused ? `Go on${feed.held ? ` (${feed.held} new)` : ''}` : 'Pause';
    pausing.hidden = feed.state === 'ended' || feed.state === 'refused';
  }

  async function older() {
    if (feed.events.length >= MOST_EVENTS) feed.pause();
    await feed.older();
  }
}

function rowOf({ position, event }, query) {
  return h('li', {}, h('a', { href: hrefOf('events', [String(position)], query), 'data-id': position },
    h('span', { class: 'title' }, h('span', {}, event.type), when(event.time ?? '')),
    h('span', { class: 'sub' }, severity(event), event.subject && h('span', {}, event.subject), h('span', {}, event.source))));
}

/** The severity of an event as a word, by OpenTelemetry's ranges. */
export function severity(event) {
  const number = Number(event.severitynumber);
  if (!(number > 0)) return null;
  const [, word, style] = SEVERITIES.find(([least]) => number >= least);
  return h('span', { class: `tag ${style}` }, event.severitytext ?? word);
}

// Silences: windows in which alarms make no incident, who made them and why, and a form for another one.

import { fill, h } from '../lib/dom.js';
import { now } from '../lib/clock.js';
import { confirming } from './confirm.js';
import { draft, sent } from './drafts.js';
import { poll } from './poll.js';
import { field, onSend, problemBox } from './problem-box.js';
import { notLoading } from './rows.js';
import { lackOf } from './scopes.js';
import { when } from './when.js';

const MATCHERS = [['device', 'Device'], ['build', 'Build'], ['scene', 'Scene'], ['metric', 'Metric']];
const LASTING = [[1, '1 hour'], [4, '4 hours'], [24, 'a day'], [168, 'a week'], [720, '30 days']];
const EVERY = 15_000;

/** What `POST /v1/silences` takes; what is empty matches all. `until` is kept a minute below 30 days, for clocks that are not quite right. */
export function silenceBody({ matchers, hours, reason, at }) {
  const until = new Date(at + hours * 3_600_000 - (hours >= 720 ? 60_000 : 0)).toISOString();
  const set = Object.entries(matchers).map(([name, value]) => [name, value.trim()]).filter(([, value]) => value !== '');
  return { ...Object.fromEntries(set), until, reason: reason.trim() };
}

/** A form that makes one. `initial` has what stands in it at first. */
export function silenceForm({ context, signal, name, initial = {}, done = () => {} }) {
  const controls = Object.fromEntries(MATCHERS.map(([matcher]) => [matcher, h('input', { type: 'text', autocomplete: 'off', spellcheck: 'false' })]));
  for (const [matcher] of MATCHERS) controls[matcher].value = initial[matcher] ?? '';
  const hours = h('select', {}, LASTING.map(([value, words]) => h('option', { value: String(value) }, words)));
  const reason = draft(name, h('input', { type: 'text', maxlength: '500', required: true }));
  const made = h('p', { role: 'status' });
  const form = h('form', {},
    h('p', { class: 'hint' }, 'Everything that is filled in must fit. An incident that is open already stays open.'),
    h('div', { class: 'filters' }, h('div', { class: 'grid' }, MATCHERS.map(([matcher, label]) => field({ name: matcher, label, control: controls[matcher], isOptional: true, hint: matcher === 'metric' ? '“samples” is nothing coming at all' : '' })))),
    field({ name: 'until', label: 'For', control: hours }),
    field({ name: 'reason', label: 'Why', hint: 'For whoever misses an incident.', control: reason }),
    h('div', { class: 'row' }, h('button', { type: 'submit' }, 'Silence'), made));
  return onSend(form, {
    signal,
    work: async () => {
      made.textContent = '';
      const matchers = Object.fromEntries(MATCHERS.map(([matcher]) => [matcher, controls[matcher].value]));
      const silence = await context.api.call('POST', '/v1/silences', { body: silenceBody({ matchers, hours: Number(hours.value), reason: reason.value, at: now() }) });
      sent(name);
      reason.value = '';
      if (signal.aborted) return;
      fill(made, 'Silenced until ', when(silence.until), '.');
      done();
    },
  });
}

/** All that hold or are to come. */
export function drawSilences(place, { context, signal }) {
  const rows = h('div', {}, h('p', { class: 'faint loading' }, 'Loading…'));
  const box = h('div', {});
  let drawn = null;
  const look = poll({ signal, every: EVERY, box, load: () => context.api.call('GET', '/v1/silences', { signal }), show: ({ silences }) => draw(silences), refused: () => notLoading(rows) });
  fill(place, h('h2', {}, 'Silences'), box, rows, h('details', { class: 'call' }, h('summary', {}, 'Another one'), lackOf('silences:write', context.principal), silenceForm({ context, signal, name: 'silence', done: look })));

  function draw(silences) {
    const key = JSON.stringify(silences);
    if (key === drawn) return;
    drawn = key;
    if (silences.length === 0) fill(rows, h('p', { class: 'empty' }, 'Nothing is silenced.'));
    else fill(rows, silences.map((one) => {
      const what = [...MATCHERS.filter(([name]) => one[name]).map(([name, label]) => `${label.toLowerCase()} ${one[name]}`), ...Object.entries(one.traits ?? {}).map(([name, value]) => `${name} ${value}`)];
      const problem = h('div', {});
      return h('div', { class: 'call' }, h('p', {}, h('strong', {}, what.join(', '))), h('p', {}, one.reason),
        h('p', { class: 'small faint' }, 'From ', when(one.from), ' until ', when(one.until), ', by ', decoded(one.created_by)),
        confirming({ label: 'Take it back', ask: 'Alarms make incidents again at once.', yes: 'Yes, take it back', act: async () => {
          try {
            await context.api.call('DELETE', `/v1/silences/${encodeURIComponent(one.id)}`);
            context.announce('The silence is taken back.');
            drawn = null;
            await look();
          } catch (cause) {
            if (!signal.aborted) fill(problem, problemBox(cause));
          }
        } }), problem);
    }));
  }
}

/** The subject of a principal's URI, which is enough to know somebody by. */
function decoded(uri) {
  const subject = uri.split('#')[1];
  try {
    return h('span', { title: uri }, subject ? decodeURIComponent(subject) : uri);
  } catch {
    return uri;
  }
}

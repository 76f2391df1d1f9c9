// The services that take commands, and the service behind this page itself: only what can be known from here, and how it is known.

import { Api } from '../lib/api.js';
import { fill, h } from '../lib/dom.js';
import { now } from '../lib/clock.js';
import { follow, pause } from '../lib/stream.js';
import { poll } from './poll.js';
import { hrefOf } from './route.js';
import { fillRows } from './rows.js';
import { healthOf, servicesOf } from './service-list.js';
import { clock, exact, when } from './when.js';

const EVERY = 10_000;
const EVENTS = 500;
const COMMANDS = 1_000;
const STYLES = { 'at work': 'good', 'waited for': 'warn', quiet: '', 'not seen': '' };

export function show(root, context) {
  const { api, signal } = context;
  const bare = new Api();
  const known = { runbooks: null, commands: null, events: null };
  const missing = new Map();
  let from = null;
  const own = h('div', { class: 'card' }, h('p', { class: 'faint' }, 'Asking…'));
  const cards = h('div', { class: 'cards' }, h('p', { class: 'faint' }, 'Loading…'));
  const box = h('div', {});
  const gaps = h('div', {});
  const deaf = h('div', { role: 'status' });
  let deafSince = null;
  fill(root, own, h('p', {}), box, deaf, cards, gaps,
    h('p', { class: 'hint' }, 'A service opens no port for commands and signs in nowhere: it comes and asks. One that waits for commands leaves no trace, so “last seen” is the last time that it took or reported something, as far back as the log was read. What waits for more than a minute says more about a service that is away.'));
  poll({ signal, every: EVERY, box, load, show: draw });
  poll({ signal, every: EVERY, box: h('div', {}), load: ownHealth, show: drawOwn });
  followEvents();

  async function part(name, scope, work) {
    try {
      known[name] = await work();
      missing.delete(name);
    } catch (problem) {
      if (problem?.status !== 403) throw problem;
      missing.set(name, scope);
    }
  }

  async function load() {
    await Promise.all([
      part('runbooks', 'runbooks:read', async () => (await api.call('GET', '/v1/runbooks', { signal })).runbooks),
      part('commands', 'commands:request or commands:approve', async () => (await api.call('GET', `/v1/commands?limit=${COMMANDS}`, { signal })).commands),
    ]);
  }

  /** The newest events of commands, and those that come. Where these come no more, that is marked, and it all begins again. */
  async function followEvents() {
    while (!signal.aborted) {
      let wait = EVERY;
      try {
        let after = 0;
        await part('events', 'events:read', async () => {
          const newest = await api.call('GET', '/v1/events?order=desc&limit=1', { signal });
          after = newest.events[0]?.position ?? 0;
          const page = await api.call('GET', `/v1/events?type=dev.watchgate.command.*&order=desc&limit=${EVENTS}`, { signal });
          from = page.next_after === null ? null : page.events.at(-1)?.event.time ?? null;
          return page.events.map(({ event }) => event);
        });
        draw();
        if (missing.has('events')) return;
        await follow(api, `/v1/events?type=dev.watchgate.command.*&after=${after}`, {
          signal, told: heard,
          onEvent: ({ data }) => {
            known.events = [JSON.parse(data), ...known.events].slice(0, EVENTS);
            soon();
          },
        });
      } catch (problem) {
        heard('away');
        // A pause may be a quarter shorter than it is meant to be.
        wait = Math.max(wait, (problem?.retryAfterSeconds ?? 0) * 1000 / 0.75);
      }
      await pause(wait, signal);
    }
  }

  /** `state` as `lib/stream.js` says it. */
  function heard(state) {
    if (signal.aborted) return;
    const before = deafSince;
    deafSince = state === 'open' ? null : deafSince ?? now();
    if (deafSince !== before) fill(deaf, deafSince !== null && h('p', { class: 'stale' }, `What services do is not heard of at present. “Last seen” is as of ${clock(deafSince)}.`));
  }

  let drawing = null;
  function soon() {
    drawing ??= setTimeout(() => { drawing = null; if (!signal.aborted) draw(); }, 300);
  }

  function draw() {
    if (signal.aborted || (known.runbooks === null && known.commands === null && missing.size === 0)) return;
    const services = servicesOf(known);
    fillRows(cards, services.map(card), 'No runbook names a service, and nobody has asked for a command.');
    fill(gaps, [...missing].map(([name, scope]) => h('p', { class: 'stale' }, `Without the scope ${scope} nothing is known here of ${name}.`)));
  }

  function card(service) {
    const waiting = (known.commands ?? []).filter(({ state, target }) => state === 'scheduled' && target.service === service.name);
    const oldest = waiting.length > 0 ? Math.min(...waiting.map(({ not_before: later, updated_at: at }) => Date.parse(later ?? at))) : null;
    const health = healthOf(service, oldest, now());
    const number = (count, state) => (count > 0 ? h('a', { href: hrefOf('commands', [], { service: service.name, state }) }, String(count)) : '0');
    const list = [
      ['Last seen', service.seenAt === null ? (known.events ? ['not since ', from ? h('span', { title: exact(Date.parse(from)) }, when(from)) : 'the log begins'] : 'not known') : [when(service.seenAt), h('span', { class: 'faint' }, `, ${service.seenAs}`)]],
      known.commands && ['At work on', number(service.active, '')], known.commands && ['Waits for it', number(service.waiting, 'scheduled')],
      known.commands && ['Waits for approval', number(service.pending, 'pending')], known.commands && ['Ended badly', number(service.badly, 'dead')],
      service.agent && ['Comes as', service.agent], service.runbooks.length > 0 && ['Runbooks', service.runbooks.join(', ')],
    ].filter(Boolean);
    return h('section', { class: 'card', 'data-id': service.name }, h('div', { class: 'row ends' }, h('h2', {}, service.name), h('span', { class: `tag ${STYLES[health]}` }, health)),
      h('dl', { class: 'facts' }, list.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])));
  }

  /** These two anybody may ask. An answer that is none is one here. */
  async function ownHealth() {
    const begun = performance.now();
    const ready = await bare.send('GET', '/readyz', { signal }).then(() => ({ isReady: true }), (problem) => ({ isReady: false, problem }));
    const took = Math.round(performance.now() - begun);
    const document = await bare.call('GET', '/openapi.json', { signal }).catch(() => null);
    return { ...ready, took, version: document?.info?.version ?? null };
  }

  function drawOwn({ isReady, problem, took, version }) {
    const words = isReady ? 'ready' : problem.status === 0 ? 'not reached' : 'not ready';
    fill(own, h('div', { class: 'row ends' }, h('h2', {}, 'The assistant service behind this page'), h('span', { class: `tag ${isReady ? 'good' : 'bad'}` }, words)),
      h('dl', { class: 'facts' },
        h('dt', {}, 'Says'), h('dd', {}, isReady ? 'its documents are read and its store takes changes' : problem.detail || problem.title),
        h('dt', {}, 'Asked'), h('dd', {}, when(now()), `, answered in ${took} ms`),
        version && [h('dt', {}, 'Version'), h('dd', {}, version)]));
  }
}

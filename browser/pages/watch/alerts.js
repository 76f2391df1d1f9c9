// What wants somebody's attention: commands that wait for an approval, open incidents, and insights. What was seen last is kept, so that a
// watch without a line shows it, as what it is: old.

import { now } from '../lib/clock.js';
import { awaits } from './decisions.js';

const KEPT = 'watch.alerts';
// A change comes with several events; one look is enough for them.
const TOGETHER_MILLISECONDS = 150;
const POLL_MILLISECONDS = 60_000;
// Whoever was away for longer looks anew, and is not told all that happened meanwhile.
const GOES_ON_FOR_MILLISECONDS = 5 * 60_000;
// What the service itself says: not the samples of devices, and nothing that only calls itself so.
const OWN = 'source=urn:watchgate:assistant-service';
const INSIGHTS_FOR_MILLISECONDS = 24 * 60 * 60_000;

// How a command comes among those that wait, and how it goes; of what is carried out nothing is shown here.
const WAITS_OR_NOT = new Set(['pending', 'scheduled', 'canceled', 'rejected', 'expired'].map((state) => `dev.watchgate.command.${state}`));

/** Where each list comes from, and which types of events change it. */
const PARTS = {
  commands: {
    isAbout: (type) => WAITS_OR_NOT.has(type),
    look: async (api, options) => (await api.call('GET', '/v1/commands?state=pending&limit=50', options)).commands,
  },
  incidents: {
    isAbout: (type) => type.startsWith('dev.watchgate.incident.'),
    look: async (api, options) => (await api.call('GET', '/v1/incidents?state=open&limit=20', options)).incidents.map((incident) => ({ id: incident.incident, ...incident })),
  },
  insights: {
    isAbout: (type) => type.startsWith('dev.watchgate.insight.'),
    look: async (api, options) => openInsights(await api.call('GET', `/v1/events?type=dev.watchgate.insight.*&${OWN}&order=desc&limit=50`, options)),
  },
};

/** The newest that is told of each insight, without those that are over. */
export function openInsights({ events }) {
  const newest = new Map();
  for (const { event } of events) {
    if (!newest.has(event.subject)) newest.set(event.subject, event);
  }
  return [...newest.values()]
    .filter(({ type, time }) => type !== 'dev.watchgate.insight.ended' && now() - Date.parse(time) < INSIGHTS_FOR_MILLISECONDS)
    .map(({ subject, time, data }) => ({ id: subject, at: time, text: data.short ?? data.watch, count: data.count ?? 1 }));
}

/**
 * Events are `change`, `arrived` (with `item`) for what was not there at the look before, and `mediation` (with `id`) when one of somebody's
 * has moved.
 */
export class Alerts extends EventTarget {
  /** Null where the session may not see that part. */
  seen = { commands: [], incidents: [], insights: [] };
  /** When it was like that; null before the first look. */
  asOf = null;
  isLive = false;
  #api;
  #store;
  #follow;
  #person;
  #wanted = new Set();
  #timer = null;
  #place = { after: null, at: 0 };
  #living = null;

  constructor({ api, store, follow, person }) {
    super();
    this.#api = api;
    this.#store = store;
    this.#follow = follow;
    this.#person = person;
  }

  async open() {
    const kept = await this.#store.read(KEPT);
    if (kept) Object.assign(this, { seen: kept.seen, asOf: kept.asOf });
  }

  /** How much wants this person: not what waits for others. */
  get count() {
    return (this.seen.commands?.filter((command) => awaits(command, this.#person)).length ?? 0) + (this.seen.incidents?.length ?? 0) + (this.seen.insights?.length ?? 0);
  }

  /** Looks anew, at all of it or at some parts. Throws the first problem, once the others are there. */
  async look(names = Object.keys(PARTS), signal) {
    const isFirst = this.asOf === null;
    const looks = await Promise.allSettled(names.map((name) => PARTS[name].look(this.#api, { signal })));
    const failed = looks.filter(({ status, reason }) => status === 'rejected' && reason.status !== 403);
    const arrived = [];
    looks.forEach(({ status, value, reason }, index) => {
      const name = names[index];
      if (status === 'rejected' && reason.status === 403) this.seen[name] = null;
      if (status !== 'fulfilled') return;
      const known = new Set(this.seen[name]?.map(({ id }) => id));
      arrived.push(...value.filter((item) => !known.has(item.id) && (name !== 'commands' || awaits(item, this.#person))).map((item) => ({ name, item })));
      this.seen[name] = value;
    });
    if (failed.length < looks.length) {
      if (failed.length === 0) this.asOf = now();
      await this.#store.keep(KEPT, { seen: this.seen, asOf: this.asOf });
    }
    this.dispatchEvent(new Event('change'));
    if (!isFirst) for (const { name, item } of arrived) this.dispatchEvent(Object.assign(new Event('arrived'), { name, item }));
    if (failed.length > 0) throw failed[0].reason;
  }

  /** Keeps it right until `signal`: by one stream, or by looks where there may be none or data is to be saved. */
  async live(signal, { savesData = false } = {}) {
    this.#living = signal;
    try {
      const mayFollow = !savesData && await this.#followed(signal);
      while (!mayFollow && !signal.aborted) {
        await this.look(undefined, signal).then(() => this.#told('open'), () => this.#told('away'));
        await new Promise((resolve) => {
          const timer = setTimeout(resolve, POLL_MILLISECONDS);
          signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
        });
      }
    } finally {
      // Nobody keeps it right from here on, unless another one has begun.
      if (this.#living === signal) this.#told('away');
    }
  }

  /** False when this session may not follow events. */
  async #followed(signal) {
    let isRefused = false;
    await this.#follow(this.#api, `/v1/events?type=dev.watchgate.*&${OWN}`, {
      signal,
      after: now() - this.#place.at < GOES_ON_FOR_MILLISECONDS ? this.#place.after : null,
      told: (state) => {
        isRefused = state === 'refused';
        this.#told(state);
        // What happened before the stream was there is seen by a look after it is.
        if (state === 'open') this.#soon(Object.keys(PARTS));
      },
      onEvent: ({ id, data }) => {
        Object.assign(this.#place, { after: id, at: now() });
        const { type, subject } = JSON.parse(data);
        this.#soon(Object.keys(PARTS).filter((name) => PARTS[name].isAbout(type)));
        if (type.startsWith('dev.watchgate.mediation.')) this.dispatchEvent(Object.assign(new Event('mediation'), { id: subject }));
      },
    });
    return !isRefused;
  }

  #soon(names) {
    for (const name of names) if (this.seen[name] !== null) this.#wanted.add(name);
    if (this.#wanted.size === 0 || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const wanted = [...this.#wanted];
      this.#wanted.clear();
      // Of whichever stream is there by then: another one may have begun since, and counts on this look.
      const signal = this.#living;
      if (!signal.aborted) this.look(wanted, signal).catch(() => this.#told('away'));
    }, TOGETHER_MILLISECONDS);
  }

  #told(state) {
    const isLive = state === 'open';
    if (isLive === this.isLive) return;
    this.isLive = isLive;
    this.dispatchEvent(new Event('change'));
  }
}

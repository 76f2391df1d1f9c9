// What wants somebody's attention: commands that wait for an approval, open incidents, and insights. What was seen last is kept, so that a
// watch without a line shows it, as what it is: old.

import { now } from '../lib/clock.js';
import { pause } from '../lib/stream.js';
import { awaits } from './decisions.js';

const KEPT = 'alerts';
// A change comes with several events; one look is enough for them.
const TOGETHER_MILLISECONDS = 150;
const POLL_MILLISECONDS = 60_000;
// After a look that failed.
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
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

const NAMES = Object.keys(PARTS);
const ofEach = (make) => Object.fromEntries(NAMES.map((name) => [name, make()]));

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

/** What is said of things that have arrived, in one sentence. */
export function wordsOf(arrived) {
  const [{ name, item }] = arrived;
  if (arrived.length > 1) return `${arrived.length} new things need you.`;
  return name === 'commands' ? `${item.runbook} waits for you.` : item.title ?? item.text;
}

/**
 * Events are `change`, `arrived` (with `arrived`, a list of `{name, item}`) for what was not there at the look before, and `mediation` (with
 * `id`) when one of somebody's has moved.
 */
export class Alerts extends EventTarget {
  /** Null where the session may not see that part. */
  seen = ofEach(() => []);
  #api;
  #store;
  #follow;
  #person;
  // When each part was like that; null before its first look.
  #asOf = ofEach(() => null);
  // The last look at each part that was begun, and the last one that was taken: answers may overtake each other.
  #begun = ofEach(() => 0);
  #taken = ofEach(() => 0);
  #wanted = new Set();
  #timer = null;
  #wait = FIRST_PAUSE;
  #place = { after: null, at: 0 };
  #living = null;
  #isOpen = false;
  #isBehind = false;

  constructor({ api, store, follow, person }) {
    super();
    this.#api = api;
    this.#store = store;
    this.#follow = follow;
    this.#person = person;
  }

  async open() {
    const kept = await this.#store.read(KEPT);
    if (!kept) return;
    this.seen = kept.seen;
    this.#asOf = kept.asOf;
  }

  /** Whether what is shown is so now. */
  get isLive() { return this.#isOpen && !this.#isBehind; }

  /** When all that is shown was like that; null before the first look. */
  get asOf() {
    const times = NAMES.filter((name) => this.seen[name] !== null || this.#isNothingAllowed).map((name) => this.#asOf[name]).filter((at) => at !== null);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** The parts that nobody has answered for yet. */
  get missing() { return NAMES.filter((name) => this.#asOf[name] === null); }

  /** How much wants this person: not what waits for others. */
  get count() {
    return (this.seen.commands?.filter((command) => awaits(command, this.#person)).length ?? 0) + (this.seen.incidents?.length ?? 0) + (this.seen.insights?.length ?? 0);
  }

  /** Looks anew, at all of it or at some parts. Resolves to those that failed, as `{name, reason}`. */
  async look(names = NAMES, signal = undefined) {
    const turns = names.map((name) => { this.#begun[name] += 1; return this.#begun[name]; });
    const looks = await Promise.allSettled(names.map((name) => PARTS[name].look(this.#api, { signal })));
    const arrived = [];
    const failed = [];
    looks.forEach(({ status, value, reason }, index) => {
      const name = names[index];
      const isRefused = reason?.status === 403;
      if (status === 'rejected' && !isRefused) failed.push({ name, reason });
      else if (turns[index] > this.#taken[name]) arrived.push(...this.#take(name, turns[index], isRefused ? null : value));
    });
    // Where there is no room on the disk it is shown all the same.
    if (failed.length < names.length) await this.#store.keep(KEPT, { seen: this.seen, asOf: this.#asOf }).catch(() => null);
    this.dispatchEvent(new Event('change'));
    if (arrived.length > 0) this.dispatchEvent(Object.assign(new Event('arrived'), { arrived }));
    return failed;
  }

  /** What is new of it, which is nothing when it is seen for the first time. */
  #take(name, turn, value) {
    const known = new Set(this.seen[name]?.map(({ id }) => id));
    const isFirst = this.#asOf[name] === null;
    this.seen[name] = value;
    this.#asOf[name] = now();
    this.#taken[name] = turn;
    if (isFirst || value === null) return [];
    return value.filter((item) => !known.has(item.id) && (name !== 'commands' || awaits(item, this.#person))).map((item) => ({ name, item }));
  }

  get #isNothingAllowed() { return NAMES.every((name) => this.seen[name] === null); }

  /** Keeps it right until `signal`: by one stream, or by looks where there may be none or data is to be saved. */
  async live(signal, { savesData = false } = {}) {
    this.#living = signal;
    this.#wait = FIRST_PAUSE;
    try {
      const mayFollow = !savesData && await this.#followed(signal);
      while (!mayFollow && !signal.aborted) {
        const failed = await this.look(NAMES, signal);
        if (this.#living === signal) this.#told({ isOpen: true, isBehind: failed.length > 0 });
        const seconds = retryAfter(failed);
        await pause(Math.max(POLL_MILLISECONDS, seconds * 1000), signal, { isLeast: seconds > 0 });
      }
    } finally {
      // Nobody keeps it right from here on, unless another one has begun.
      if (this.#living === signal) this.#told({ isOpen: false });
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
        if (this.#living === signal) this.#told({ isOpen: state === 'open' });
        // What happened before the stream was there is seen by a look after it is.
        if (state === 'open') this.#soon(NAMES);
      },
      onEvent: ({ id, data }) => {
        Object.assign(this.#place, { after: id, at: now() });
        const { type, subject } = JSON.parse(data);
        this.#soon(NAMES.filter((name) => PARTS[name].isAbout(type)));
        if (type.startsWith('dev.watchgate.mediation.')) this.dispatchEvent(Object.assign(new Event('mediation'), { id: subject }));
      },
    });
    return !isRefused;
  }

  #soon(names, milliseconds = TOGETHER_MILLISECONDS) {
    for (const name of names) if (this.seen[name] !== null) this.#wanted.add(name);
    if (this.#wanted.size === 0 || this.#timer !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#catchUp();
    }, milliseconds);
  }

  /** Looks at what is wanted; what could not be looked at is wanted still, and looked at again a little later each time. */
  async #catchUp() {
    // Of whichever stream is there by then: another one may have begun since, and counts on this look.
    const signal = this.#living;
    if (signal.aborted) return;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    const failed = await this.look(wanted, signal);
    for (const { name } of failed) this.#wanted.add(name);
    if (this.#living !== signal || signal.aborted) {
      if (!this.#living.aborted) this.#soon([]);
      return;
    }
    this.#told({ isBehind: failed.length > 0 });
    if (failed.length === 0) {
      this.#wait = FIRST_PAUSE;
      return;
    }
    // Also for what was told of meanwhile: whoever cannot answer is left alone for so long.
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#soon([], Math.max(this.#wait, retryAfter(failed) * 1000) * (1 + Math.random() / 2));
    this.#wait = Math.min(this.#wait * 2, LONGEST_PAUSE);
  }

  #told(states) {
    const before = this.isLive;
    this.#isOpen = states.isOpen ?? this.#isOpen;
    this.#isBehind = states.isBehind ?? this.#isBehind;
    if (this.isLive === before) return;
    // As long as it was live, what was seen was so.
    if (before) for (const name of NAMES) if (this.#asOf[name] !== null) this.#asOf[name] = now();
    this.dispatchEvent(new Event('change'));
  }
}

const retryAfter = (failed) => Math.max(0, ...failed.map(({ reason }) => reason.retryAfterSeconds ?? 0));

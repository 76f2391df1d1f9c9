// The newest events and those that come, without a gap between the two and without one twice; newest first, and never more than so many.

import { follow } from '../lib/stream.js';

const PAGE = 100;
/** What is kept of the past; more is a search, not a list. */
export const MOST_EVENTS = 1_000;
// A page may be empty and not the last, since a look through many events that do not match ends after half a second.
const MOST_EMPTY_PAGES = 8;

/** The filters of `GET /v1/events`, by their names there. `until` has an end, so nothing is followed with it. */
export const FILTERS = ['type', 'subject', 'source', 'correlationid', 'principal', 'text', 'since', 'until'];

/**
 * `filter` has some of [`FILTERS`]. `changed()` is called when there is something new to show. `events` are `{position, event}`, newest
 * first; `held` is how many came while it was paused.
 */
export class EventFeed {
  events = [];
  state = 'loading';
  problem = null;
  isPaused = false;
  /** Whether the first page is there. */
  isRead = false;
  /** Where older ones go on, or null where there are none. */
  olderThan = null;
  #from = 0;
  #held = [];
  #known = new Set();

  constructor({ api, filter = {}, signal, changed = () => {} }) {
    Object.assign(this, { api, filter, signal, changed });
  }

  get held() {
    return this.#held.length;
  }

  /** Loads the first page. Throws a `Problem`. */
  async begin() {
    // Where the log is before the page is read: what comes after that is either on the page too, or in the stream, or in both.
    const newest = await this.#page({ limit: 1, order: 'desc' });
    this.#from = newest.events[0]?.position ?? 0;
    await this.#look(null);
    this.isRead = true;
  }

  /** Follows what comes from the first page on, until `signal`. */
  async follow() {
    if (this.filter.until) {
      this.#say('ended');
      return;
    }
    const query = new URLSearchParams(Object.entries(this.filter).filter(([name, value]) => value && name !== 'since'));
    query.set('after', String(this.#from));
    await follow(this.api, `/v1/events?${query}`, {
      signal: this.signal,
      onEvent: ({ id, data }) => this.#take({ position: Number(id), event: JSON.parse(data) }),
      told: (state, problem) => {
        this.problem = problem ?? null;
        this.#say({ open: 'live', away: 'away', refused: 'refused' }[state]);
      },
    });
  }

  /** Loads a page of older ones. Throws a `Problem`. */
  async older() {
    if (this.olderThan !== null) await this.#look(this.olderThan);
  }

  pause() {
    this.isPaused = true;
    this.changed();
  }

  /** Shows what has come meanwhile, and what comes from now on. */
  resume() {
    this.isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const one of held) this.#add(one);
    this.#bound();
    this.changed();
  }

  async #look(after) {
    for (let looks = 0; looks < MOST_EMPTY_PAGES; looks += 1) {
      const page = await this.#page({ ...this.filter, limit: PAGE, order: 'desc', ...(after === null ? {} : { after }) });
      for (const one of page.events) this.#add(one);
      after = page.next_after;
      this.olderThan = after;
      if (after === null || page.events.length > 0) break;
    }
    this.changed();
  }

  #page(query) {
    const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value !== undefined));
    return this.api.call('GET', `/v1/events?${text}`, { signal: this.signal });
  }

  #take(one) {
    if (this.#known.has(one.position)) return;
    if (this.isPaused) {
      // Whoever pauses over night finds the newest.
      if (this.#held.length >= MOST_EVENTS) this.#held.shift();
      if (!this.#held.some(({ position }) => position === one.position)) this.#held.push(one);
    } else {
      this.#add(one);
      this.#bound();
    }
    this.changed();
  }

  #add(one) {
    if (this.#known.has(one.position)) return;
    this.#known.add(one.position);
    const place = this.events.findIndex(({ position }) => position < one.position);
    if (place < 0) this.events.push(one);
    else this.events.splice(place, 0, one);
  }

  /** Lets the oldest go when what comes makes it too many. They are older ones then, and can be looked up again. */
  #bound() {
    if (this.events.length <= MOST_EVENTS) return;
    for (const { position } of this.events.splice(MOST_EVENTS)) this.#known.delete(position);
    this.olderThan = this.events.at(-1).position;
  }

  #say(state) {
    this.state = state;
    this.changed();
  }
}

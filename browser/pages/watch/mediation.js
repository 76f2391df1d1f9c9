// The mediations in which somebody is, as they were looked at last. In memory alone: a watch that is lost must not tell them.

import { now } from '../lib/clock.js';

/** An event `change` says that another number of them wants to be looked at. */
export class Mediations extends EventTarget {
  #api;
  #list = null;
  #ones = new Map();
  #moved = new Set();

  constructor({ api }) {
    super();
    this.#api = api;
  }

  /** How many have moved since they were looked at, or ask whether what was agreed has held. */
  get count() {
    const asking = (this.#list?.seen ?? []).filter(({ asks_whether_it_held: asks }) => asks).map(({ id }) => id);
    return new Set([...this.#moved, ...asking]).size;
  }

  /** `{seen, asOf}` of the list, or of the one with this id; undefined where nothing was seen yet. */
  known(id = null) {
    return id === null ? this.#list ?? undefined : this.#ones.get(id);
  }

  hasMoved(id) {
    return this.#moved.has(id);
  }

  /** Looks at the list, or at one. Throws a `Problem`; one that is gone is forgotten. */
  async look(id = null, options = {}) {
    if (id !== null) {
      try {
        return this.take(await this.#api.call('GET', pathOf(id), options));
      } catch (problem) {
        if (problem.status === 404) this.#forget(id);
        throw problem;
      }
    }
    const { mediations } = await this.#api.call('GET', '/v1/mediations', options);
    this.#list = { seen: mediations, asOf: now() };
    for (const moved of this.#moved) if (!mediations.some(({ id: own }) => own === moved)) this.#moved.delete(moved);
    this.dispatchEvent(new Event('change'));
    return mediations;
  }

  /** One step of one; resolves to how it stands then, or to null where one is out of it. Throws a `Problem`. */
  async step(id, step, body) {
    // A model may take its time.
    const answer = await this.#api.call('POST', `${pathOf(id)}/${step}`, { body, timeout: 120_000 });
    if (step !== 'leave') return this.take(answer);
    this.#forget(id);
    return null;
  }

  /** An event said that one has moved; it may be anybody's. True when it is one of one's own. What is somebody's private step says no `id`. */
  async moved(id, { isShown = false } = {}) {
    if (!id) return false;
    await this.look();
    if (!this.#list.seen.some(({ id: own }) => own === id)) return false;
    if (!isShown) this.#moved.add(id);
    this.dispatchEvent(new Event('change'));
    return true;
  }

  take(mediation) {
    this.#ones.set(mediation.id, { seen: mediation, asOf: now() });
    this.#moved.delete(mediation.id);
    // What has just been answered asks no more.
    const entry = this.#list?.seen.find(({ id }) => id === mediation.id);
    if (entry) Object.assign(entry, { state: mediation.state, asks_whether_it_held: mediation.asks_whether_it_held });
    this.dispatchEvent(new Event('change'));
    return mediation;
  }

  #forget(id) {
    this.#ones.delete(id);
    this.#moved.delete(id);
    if (this.#list) this.#list.seen = this.#list.seen.filter((one) => one.id !== id);
    this.dispatchEvent(new Event('change'));
  }
}

/** Shares the very restatement that is shown: another one may have come in its place, and is refused. */
export const shareShown = ({ restatement_id: accept }) => ({ accept, share: true });

/** Takes back what is shared, whatever is proposed meanwhile. */
export const takeBack = () => ({ share: false });

const pathOf = (id) => `/v1/mediations/${encodeURIComponent(id)}`;

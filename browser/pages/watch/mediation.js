// The mediations in which somebody is, as they were looked at last. In memory alone: a watch that is lost must not tell them.

import { now } from '../lib/clock.js';

// What moves one comes with several events; one look is enough for them.
const TOGETHER_MILLISECONDS = 150;

/**
 * Events are `change` when another number of them wants to be looked at, and `moved` (with `ids`) when some of one's own have moved. `shown` is the
 * id of the one that somebody looks at, which does not count as one to be looked at.
 */
export class Mediations extends EventTarget {
  shown = null;
  #api;
  #list = null;
  #ones = new Map();
  #left = new Map();
  #moved = new Set();
  #heard = new Set();
  #timer = null;
  // Answers may overtake each other. Each has the number that was the next one when its question went out; a step's, when it was answered: whatever
  // was asked before that step may not know of it.
  #turn = 0;

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

  /** Looks at the list, or at one, and resolves to the newest that is known then. Throws a `Problem`; one that is gone is forgotten. */
  async look(id = null, options = {}) {
    const turn = this.#next();
    if (id !== null) {
      try {
        return this.#take(await this.#api.call('GET', pathOf(id), options), turn);
      } catch (problem) {
        if (problem.status === 404) this.#forget(id, turn);
        throw problem;
      }
    }
    const { mediations } = await this.#api.call('GET', '/v1/mediations', options);
    if (turn > (this.#list?.turn ?? 0)) this.#takeList(mediations, turn);
    return this.#list.seen;
  }

  /** One step of one; resolves to how it stands then, or to null where one is out of it. Throws a `Problem`. */
  async step(id, step, body) {
    // A model may take its time.
    const answer = await this.#api.call('POST', `${pathOf(id)}/${step}`, { body, timeout: 120_000 });
    if (step !== 'leave') return this.#take(answer, this.#next());
    this.#forget(id, this.#next());
    return null;
  }

  /**
   * An event said that one has moved, which may be anybody's: the list is looked at a moment later, once for all that is heard of until then. What is
   * somebody's private step says no `id`.
   */
  heard(id) {
    if (!id) return;
    this.#heard.add(id);
    // What cannot be looked at now is looked at with whatever is next.
    this.#timer ??= setTimeout(() => { this.#timer = null; this.look().catch(() => null); }, TOGETHER_MILLISECONDS);
  }

  #next() {
    this.#turn += 1;
    return this.#turn;
  }

  #takeList(mediations, turn) {
    const seen = mediations.filter(({ id }) => !(this.#left.get(id) > turn));
    for (const entry of seen) if (this.#ones.get(entry.id)?.turn > turn) agree(entry, this.#ones.get(entry.id).seen);
    this.#list = { seen, asOf: now(), turn };
    const isOwn = (id) => seen.some(({ id: own }) => own === id);
    const ids = [...this.#heard].filter(isOwn);
    this.#heard.clear();
    for (const id of ids) if (id !== this.shown) this.#moved.add(id);
    for (const id of this.#moved) if (!isOwn(id)) this.#moved.delete(id);
    this.dispatchEvent(new Event('change'));
    if (ids.length > 0) this.dispatchEvent(Object.assign(new Event('moved'), { ids }));
  }

  #take(mediation, turn) {
    const known = this.#ones.get(mediation.id);
    if (known?.turn > turn) return known.seen;
    if (this.#left.get(mediation.id) > turn) return mediation;
    this.#ones.set(mediation.id, { seen: mediation, asOf: now(), turn });
    this.#moved.delete(mediation.id);
    // What has just been answered asks no more.
    const entry = this.#list?.seen.find(({ id }) => id === mediation.id);
    if (entry) agree(entry, mediation);
    this.dispatchEvent(new Event('change'));
    return mediation;
  }

  #forget(id, turn) {
    this.#ones.delete(id);
    this.#left.set(id, turn);
    this.#moved.delete(id);
    if (this.#list) this.#list.seen = this.#list.seen.filter((one) => one.id !== id);
    this.dispatchEvent(new Event('change'));
  }
}

/** Shares the very restatement that is shown: another one may have come in its place, and is refused. */
export const shareShown = ({ restatement_id: accept }) => ({ accept, share: true });

/** Takes back what is shared, whatever is proposed meanwhile. */
export const takeBack = () => ({ share: false });

/** An entry of the list says the same as the one that it stands for. */
const agree = (entry, { state, asks_whether_it_held: asks }) => Object.assign(entry, { state, asks_whether_it_held: asks });
const pathOf = (id) => `/v1/mediations/${encodeURIComponent(id)}`;

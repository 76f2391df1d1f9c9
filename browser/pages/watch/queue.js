// What is sent while the line is away: kept on the disk, and sent in its order as soon as somebody can be reached.

import { now } from '../lib/clock.js';

const KEPT = 'watch.queue.';
const MOST = 20;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
// What somebody wanted this long ago they may not want any more.
const GOOD_FOR_MILLISECONDS = 10 * 60_000;

/**
 * An item is `{id, what, method, path, body, settledBy}`: `what` says it to the person, and `settledBy` lists kinds of problems that mean that
 * it was done before. Events are `change`, `sent` (with `item` and `answer`) and `failed` (with `item` and `problem`).
 *
 * Each item has a name of its own in the store, so that two pages do not overwrite each other's. `isFirst()` is true for the one page that takes
 * over what earlier ones left; `isAway()` where it is certain that nobody can be reached; nothing goes out after `signal`.
 */
export class Queue extends EventTarget {
  items = [];
  #parts;
  #woken = new AbortController();
  #isSending = false;
  #underway = null;

  constructor({ api, store, pause, signal, isFirst = async () => true, isAway = () => false }) {
    super();
    this.#parts = { api, store, pause, signal, isFirst, isAway };
    signal.addEventListener('abort', () => this.#woken.abort(), { once: true });
  }

  async open() {
    if (await this.#parts.isFirst()) this.items = await this.#parts.store.readAll(KEPT);
    this.#send();
  }

  /** `{answer}` when it has gone out, `{isWaiting: true}` when it is kept for later. Throws a `Problem` that does not pass. */
  async send(wanted) {
    // Later than the one before, whatever the clock says: names stand in the order of time.
    const at = Math.max(Math.floor(now()), (this.items.at(-1)?.at ?? 0) + 1);
    const item = { ...wanted, at, isTried: false };
    if (this.items.length === 0 && !this.#parts.isAway()) {
      try {
        return { answer: await this.#call(item) };
      } catch (problem) {
        if (!problem.isPassing) throw problem;
      }
    }
    if (this.items.length >= MOST) throw new Error('Too much is waiting for the line.');
    this.items = [...this.items, item];
    await this.#parts.store.keep(nameOf(item), item);
    this.dispatchEvent(new Event('change'));
    this.#send();
    return { isWaiting: true };
  }

  /** Does not send it any more. `'unsent'` when it never went out, `'tried'` when it did and nobody answered, null when it does not wait here. */
  async takeBack(id) {
    const item = this.items.find((one) => one.id === id);
    // What is under way arrives or does not; only then can it be said.
    if (item && this.#underway?.item === item) await this.#underway.done;
    if (!item || !this.items.includes(item)) return null;
    await this.#drop(item);
    return item.isTried ? 'tried' : 'unsent';
  }

  /** The line is back, or may be: what waits tries at once. */
  wake() {
    this.#woken.abort();
    this.#send();
  }

  async #call(item) {
    const { method, path, body, settledBy = [] } = item;
    item.isTried = true;
    try {
      return await this.#parts.api.call(method, path, { body });
    } catch (problem) {
      if (settledBy.includes(problem.kind)) return null;
      throw problem;
    }
  }

  async #send() {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      await this.#sendAll();
    } finally {
      this.#isSending = false;
    }
  }

  async #sendAll() {
    const { isAway, pause, signal } = this.#parts;
    let wait = FIRST_PAUSE;
    while (this.items.length > 0 && !signal.aborted) {
      const [item] = this.items;
      // Here already, so that a line that comes back during the attempt is not missed.
      this.#woken = new AbortController();
      this.#underway = { item, done: isAway() ? Promise.resolve({ isSettled: false }) : this.#turn(item) };
      const { isSettled, seconds } = await this.#underway.done;
      this.#underway = null;
      if (isSettled) {
        wait = FIRST_PAUSE;
        continue;
      }
      if (!this.#woken.signal.aborted && !signal.aborted) await pause(seconds ? seconds * 1000 : wait, this.#woken.signal);
      wait = Math.min(wait * 2, LONGEST_PAUSE);
    }
  }

  /** Tries once, and tells what came of it when it does not wait any longer. */
  async #turn(item) {
    const told = await this.#attempt(item);
    if (this.#parts.signal.aborted) return { isSettled: true };
    if (told.problem?.isPassing) return { isSettled: false, seconds: told.problem.retryAfterSeconds };
    await this.#drop(item);
    this.dispatchEvent(Object.assign(new Event(told.problem ? 'failed' : 'sent'), { item, ...told }));
    return { isSettled: true };
  }

  async #attempt(item) {
    if (now() - item.at > GOOD_FOR_MILLISECONDS) {
      return { problem: new Error(item.isTried ? 'The line was away for too long. Look whether it arrived.' : 'The line was away for too long; it was not sent.') };
    }
    try {
      // Whoever opens the page anew must know that it may have arrived.
      if (!item.isTried) await this.#parts.store.keep(nameOf(item), { ...item, isTried: true });
      return { answer: await this.#call(item) };
    } catch (problem) {
      return { problem };
    }
  }

  async #drop(item) {
    this.items = this.items.filter((one) => one !== item);
    await this.#parts.store.forget(nameOf(item));
    this.dispatchEvent(new Event('change'));
  }
}

const nameOf = ({ at, id }) => `${KEPT}${String(at).padStart(15, '0')}.${id}`;

// What is sent while the line is away: kept on the disk, and sent in its order as soon as somebody can be reached.

import { now } from '../lib/clock.js';

const KEPT = 'watch.queue';
const MOST = 20;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
// What somebody wanted this long ago they may not want any more.
const GOOD_FOR_MILLISECONDS = 10 * 60_000;

/**
 * An item is `{id, what, method, path, body, settledBy}`: `what` says it to the person, and `settledBy` lists kinds of problems that mean that
 * it was done before. Events are `change`, `sent` (with `item` and `answer`) and `failed` (with `item` and `problem`).
 */
export class Queue extends EventTarget {
  items = [];
  #api;
  #store;
  #pause;
  #woken = new AbortController();
  #isSending = false;

  constructor({ api, store, pause }) {
    super();
    this.#api = api;
    this.#store = store;
    this.#pause = pause;
  }

  async open() {
    this.items = await this.#store.read(KEPT) ?? [];
    this.#send();
  }

  /** `{answer}` when it has gone out, `{isWaiting: true}` when it is kept for later. Throws a `Problem` that does not pass. */
  async send(item) {
    if (this.items.length === 0) {
      try {
        return { answer: await this.#call(item) };
      } catch (problem) {
        if (!problem.isPassing) throw problem;
      }
    }
    if (this.items.length >= MOST) throw new Error('too much is waiting for the line');
    await this.#change([...this.items, { ...item, at: now() }]);
    this.#send();
    return { isWaiting: true };
  }

  /** Does not send it after all; false when it has gone out. */
  async takeBack(id) {
    const rest = this.items.filter((item) => item.id !== id);
    const wasThere = rest.length < this.items.length;
    if (wasThere) await this.#change(rest);
    return wasThere;
  }

  /** The line is back, or may be: what waits tries at once. */
  wake() {
    this.#woken.abort();
    this.#send();
  }

  async #call({ method, path, body, settledBy = [] }) {
    try {
      return await this.#api.call(method, path, { body });
    } catch (problem) {
      if (settledBy.includes(problem.kind)) return null;
      throw problem;
    }
  }

  async #send() {
    if (this.#isSending) return;
    this.#isSending = true;
    let wait = FIRST_PAUSE;
    while (this.items.length > 0) {
      const [item] = this.items;
      try {
        if (now() - item.at > GOOD_FOR_MILLISECONDS) throw Object.assign(new Error('The line was away for too long; it was not sent.'), { isPassing: false });
        const answer = await this.#call(item);
        await this.takeBack(item.id);
        this.dispatchEvent(Object.assign(new Event('sent'), { item, answer }));
        wait = FIRST_PAUSE;
      } catch (problem) {
        if (!problem.isPassing) {
          await this.takeBack(item.id);
          this.dispatchEvent(Object.assign(new Event('failed'), { item, problem }));
          continue;
        }
        this.#woken = new AbortController();
        await this.#pause(problem.retryAfterSeconds ? problem.retryAfterSeconds * 1000 : wait, this.#woken.signal);
        wait = Math.min(wait * 2, LONGEST_PAUSE);
      }
    }
    this.#isSending = false;
  }

  async #change(items) {
    this.items = items;
    await this.#store.keep(KEPT, items);
    this.dispatchEvent(new Event('change'));
  }
}

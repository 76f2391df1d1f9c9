// What is sent while the line is away: kept on the disk, and sent in its order as soon as somebody can be reached.

const KEPT = 'queue.';
const MOST = 20;
const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
// What somebody wanted this long ago they may not want any more.
const GOOD_FOR_MILLISECONDS = 10 * 60_000;
// Where an item is from later than now, the clock was set back, and nobody knows how old it is. A little of that is what clocks do.
const SET_BACK_MILLISECONDS = 60_000;

/**
 * An item is `{id, what, about, method, path, body}`: `what` says it to the person, `about` is for whoever wants it sent. Events are `change`,
 * `sent` (with `item` and `answer`) and `failed` (with `item` and `problem`); listeners have to be there before `open()`, which sends already.
 *
 * Each item has a name of its own in the store, so that two pages do not overwrite each other's, and is sent by its owner alone: `owner` is this
 * page's (`owner.js`). `isAway()` is true where it is certain that nobody can be reached; nothing goes out after `signal`.
 */
export class Queue extends EventTarget {
  items = [];
  #parts;
  #woken = new AbortController();
  #isSending = false;
  #underway = null;
  #turn = 0;

  constructor({ api, store, pause, signal, owner, isAway = () => false }) {
    super();
    this.#parts = { api, store, pause, signal, owner, isAway };
    signal.addEventListener('abort', () => this.#woken.abort(), { once: true });
  }

  /** Takes over what pages left that are not there any more, and later what those leave that have something waiting now. */
  async open() {
    await this.#parts.owner.begin();
    await this.#takeOver();
  }

  async #takeOver() {
    const { owner, store } = this.#parts;
    const { taken, others } = await owner.taking(async (isGone) => {
      const kept = await store.readAll(KEPT);
      const left = kept.filter((item) => isGone(item.owner)).map((item) => ({ ...item, owner: owner.id }));
      for (const item of left) await this.#keep(item);
      return { taken: left, others: kept.map((item) => item.owner).filter((id) => id !== owner.id && !isGone(id)) };
    });
    if (taken.length > 0) this.#add(...taken);
    this.#send();
    // A page that is loaded anew may come before it is known that the one before it has gone.
    // What cannot be taken then is taken by whoever is opened next.
    for (const id of new Set(others)) owner.outlives(id).then((isGone) => (isGone ? this.#takeOver() : null)).catch(() => null);
  }

  /** `{answer}` when it has gone out, `{isWaiting: true}` when it is kept for later. Throws a `Problem` that does not pass. */
  async send(wanted) {
    const { owner, isAway } = this.#parts;
    if (this.items.length >= MOST) throw new Error('Too much is waiting for the line.');
    this.#turn += 1;
    // By the device's own clock, right or wrong: how long ago it was can be told by that alone, also by a page that knows no other yet.
    const item = { ...wanted, at: Date.now(), turn: this.#turn, owner: owner.id, isTried: false };
    const direct = this.items.length === 0 && !isAway() ? await this.#direct(item) : { problem: null };
    if (direct.problem === undefined) return direct;
    await this.#keep(item);
    this.#add(item);
    this.#send(direct.problem);
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

  /** The line is back, or may be: what waits tries at once, unless the service has said when. */
  wake() {
    this.#woken.abort();
    this.#send();
  }

  /** The first attempt: `{answer}`, or `{problem}` that passes. It is on the disk before, as the page may be closed while nobody answers. */
  async #direct(item) {
    item.isTried = true;
    // Where there is no room on the disk it may arrive all the same.
    await this.#keep(item).catch(() => null);
    const told = await this.#call(item).then((answer) => ({ answer }), (problem) => ({ problem }));
    if (told.problem?.isPassing) return told;
    await this.#forget(item).catch(() => null);
    if (told.problem) throw told.problem;
    return told;
  }

  #call({ method, path, body }) {
    return this.#parts.api.call(method, path, { body });
  }

  /** `refusal` is the problem of an attempt that was made a moment ago. */
  async #send(refusal = null) {
    if (this.#isSending) return;
    this.#isSending = true;
    if (refusal) this.#woken = new AbortController();
    try {
      await this.#sendAll(refusal);
    } finally {
      this.#isSending = false;
    }
  }

  async #sendAll(refusal) {
    const { isAway, signal } = this.#parts;
    let wait = FIRST_PAUSE;
    let last = refusal;
    while (this.items.length > 0 && !signal.aborted) {
      if (last) {
        await this.#rest(wait, last.retryAfterSeconds);
        wait = Math.min(wait * 2, LONGEST_PAUSE);
        last = null;
        continue;
      }
      const [item] = this.items;
      // Here already, so that a line that comes back during the attempt is not missed.
      this.#woken = new AbortController();
      this.#underway = { item, done: isAway() ? Promise.resolve({ isAway: true }) : this.#attempt(item) };
      last = await this.#underway.done;
      this.#underway = null;
      if (!last) wait = FIRST_PAUSE;
    }
  }

  /** Until it is worth another attempt. Not longer than the item is worth it, so that its end is told. */
  async #rest(wait, seconds) {
    const { pause, signal } = this.#parts;
    if (!seconds) return pause(wait, this.#woken.signal);
    const left = Math.max(0, GOOD_FOR_MILLISECONDS - ageOf(this.items[0]));
    return pause(Math.min(seconds * 1000, left), signal, { isLeast: true });
  }

  /** Tries once, and tells what came of it when it does not wait any longer: then it resolves to null, else to the problem. */
  async #attempt(item) {
    const { signal } = this.#parts;
    const told = {};
    try {
      judgeAge(item);
      if (!item.isTried) {
        // Whoever opens the page anew must know that it may have arrived.
        await this.#keep({ ...item, isTried: true });
        item.isTried = true;
      }
      if (signal.aborted) return null;
      told.answer = await this.#call(item);
    } catch (problem) {
      told.problem = problem;
    }
    if (signal.aborted) return null;
    if (told.problem?.isPassing) return told.problem;
    await this.#drop(item);
    this.dispatchEvent(Object.assign(new Event(told.problem ? 'failed' : 'sent'), { item, ...told }));
    return null;
  }

  #add(...items) {
    this.items = [...this.items, ...items].sort((one, other) => one.at - other.at || one.turn - other.turn);
    this.dispatchEvent(new Event('change'));
  }

  async #drop(item) {
    this.items = this.items.filter((one) => one !== item);
    await this.#forget(item);
    this.dispatchEvent(new Event('change'));
  }

  #keep(item) {
    return this.#parts.store.keep(nameOf(item), item);
  }

  #forget(item) {
    return this.#parts.store.forget(nameOf(item));
  }
}

const ageOf = ({ at }) => Date.now() - at;

/** Throws what is said of an item that is not sent any more; its `kind` is `unsent`, or `unanswered` where it was tried. */
function judgeAge(item) {
  const age = ageOf(item);
  if (age <= GOOD_FOR_MILLISECONDS && age >= -SET_BACK_MILLISECONDS) return;
  const words = age < 0 ? 'The clock was set back' : 'The line was away for too long';
  const problem = new Error(`${words}${item.isTried ? '. Look whether it arrived.' : '; it was not sent.'}`);
  throw Object.assign(problem, { kind: item.isTried ? 'unanswered' : 'unsent' });
}

const digits = (number, count) => String(number).padStart(count, '0');
const nameOf = ({ at, turn, id }) => `${KEPT}${digits(at, 15)}.${digits(turn, 6)}.${id}`;

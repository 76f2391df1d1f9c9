// To whom of several tabs it falls to send what waits for the line. Each one holds a lock as long as it is there; of one that is not, somebody
// else takes over what it has left.

const TAKING = 'watchgate.queue';
const THERE = 'watchgate.queue.';

/** `locks` is `navigator.locks`; in a browser without it there is nobody else, as far as can be told. */
export class Owner {
  id = crypto.randomUUID();
  #locks;
  #signal;

  constructor(locks, signal) {
    this.#locks = locks;
    this.#signal = signal;
  }

  /** Resolves when others can see that this one is there, which lasts until `signal` or until the page is closed. */
  async begin() {
    if (!this.#locks || this.#signal.aborted) return;
    const end = new Promise((resolve) => { this.#signal.addEventListener('abort', resolve, { once: true }); });
    await new Promise((resolve, reject) => { this.#locks.request(THERE + this.id, () => { resolve(); return end; }).catch(reject); });
  }

  /** Resolves to true when that one is not there any more, and to false when this one ends first. */
  async outlives(id) {
    return this.#locks.request(THERE + id, { signal: this.#signal }, () => true).catch(() => false);
  }

  /** Does `work(isGone)` while nobody else does such; `isGone(id)` says whether that one is not there any more. */
  async taking(work) {
    if (!this.#locks) return work((id) => id !== this.id);
    return this.#locks.request(TAKING, async () => {
      const there = new Set((await this.#locks.query()).held.map(({ name }) => name));
      return work((id) => !there.has(THERE + id));
    });
  }
}

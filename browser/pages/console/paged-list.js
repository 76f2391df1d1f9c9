// A list of which the service gives page by page, new ones first, and which changes meanwhile.

/**
 * `ask(before, signal)` resolves to `{items, next}`: a page of what is older than `before`, and what to give for the next one, null where there is
 * none. `idOf(item)` is what an item is known by.
 */
export class PagedList {
  items = [];
  #next = null;
  #pages = 1;
  #looks = 0;
  #ending = new AbortController();

  constructor({ ask, idOf }) {
    Object.assign(this, { ask, idOf });
  }

  get hasOlder() {
    return this.#next !== null;
  }

  /** Begins anew, with another filter: what is on its way for the one before is not taken any more. */
  begin() {
    this.#ending.abort();
    this.#ending = new AbortController();
    this.items = [];
    this.#next = null;
    this.#pages = 1;
    this.#looks = 0;
  }

  /**
   * Asks for what `take` takes: the first page each time, and as many as are shown once in so many looks, so that older ones do not stay as they
   * once were, and a look asks for two pages on the average.
   */
  async look() {
    const { signal } = this.#ending;
    const count = this.#looks % this.#pages === this.#pages - 1 ? this.#pages : 1;
    this.#looks += 1;
    const pages = [];
    let before = null;
    do {
      const page = await this.ask(before, signal);
      pages.push(page);
      before = page.next;
    } while (before !== null && pages.length < count);
    return { pages, signal };
  }

  take({ pages, signal }) {
    if (signal !== this.#ending.signal) return;
    const fresh = unique(pages.flatMap(({ items }) => items), this.idOf);
    const { next } = pages.at(-1);
    // One more may have been loaded since these were asked for.
    if (next === null || pages.length >= this.#pages) {
      this.items = fresh;
      this.#next = next;
      return;
    }
    const there = new Set(fresh.map(this.idOf));
    // Up to the last one that is there still, what is not on the page is not in the list any more.
    const last = this.items.findLastIndex((item) => there.has(this.idOf(item)));
    this.items = [...fresh, ...this.items.slice(last + 1)];
  }

  /** Loads one page more. */
  async older() {
    const { signal } = this.#ending;
    let before;
    let page;
    do {
      before = this.#next;
      if (before === null) return;
      page = await this.ask(before, signal);
      if (signal.aborted) return;
      // A look has moved the end meanwhile.
    } while (before !== this.#next);
    this.items = unique([...this.items, ...page.items], this.idOf);
    this.#next = page.next;
    this.#pages += 1;
    this.#looks = 0;
  }
}

function unique(items, idOf) {
  return [...new Map(items.toReversed().map((item) => [idOf(item), item])).values()].toReversed();
}

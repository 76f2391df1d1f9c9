// Phrases to tap: what this person asks most, and until there is enough of that, what the runbooks are for.

const KEPT = 'phrases';
const MOST_KEPT = 50;
const LONGEST = 60;

/** Counts a question; what was asked long ago and seldom goes. */
export function counted(kept, question, at) {
  const text = question.trim();
  if (text.length === 0 || text.length > LONGEST) return kept;
  const same = (phrase) => phrase.text.toLowerCase() === text.toLowerCase();
  const count = (kept.find(same)?.count ?? 0) + 1;
  const rest = kept.filter((phrase) => !same(phrase));
  return ranked([{ text, count, at }, ...rest]).slice(0, MOST_KEPT);
}

const ranked = (phrases) => [...phrases].sort((one, other) => other.count - one.count || other.at - one.at);

/** At most `most` phrases. */
export function offered(kept, titles, most) {
  const own = ranked(kept).map(({ text }) => text);
  const known = new Set(own.map((text) => text.toLowerCase()));
  const further = titles.map((title) => `${title}?`).filter((text) => text.length <= LONGEST && !known.has(text.toLowerCase()));
  return [...own, ...further].slice(0, most);
}

/** An event `change` says that others are offered. */
export class Phrases extends EventTarget {
  #store;
  #api;
  #kept = [];
  #titles = [];

  constructor({ api, store }) {
    super();
    this.#store = store;
    this.#api = api;
  }

  async open() {
    ({ kept: this.#kept, titles: this.#titles } = await this.#store.read(KEPT) ?? { kept: [], titles: [] });
  }

  /** Asks what runbooks there are, for whoever has asked little so far. */
  async learn() {
    const { runbooks } = await this.#api.call('GET', '/v1/runbooks');
    this.#titles = runbooks.map(({ title, name }) => title ?? name);
    await this.#save();
  }

  async count(question, at) {
    this.#kept = counted(this.#kept, question, at);
    await this.#save();
  }

  offered(most) {
    return offered(this.#kept, this.#titles, most);
  }

  #save() {
    this.dispatchEvent(new Event('change'));
    return this.#store.keep(KEPT, { kept: this.#kept, titles: this.#titles });
  }
}

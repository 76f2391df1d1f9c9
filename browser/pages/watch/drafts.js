// What was typed and not sent, so that a page that is loaded anew still has it. It goes with the window, and with the session: what somebody tells
// in private must not lie about on a device.

const PREFIX = 'watch.draft.';

/** Those of one person; what is left of anybody else goes. `storage` is `sessionStorage`. */
export class Drafts {
  #storage;
  #prefix;

  constructor(storage, { iss, sub }) {
    this.#storage = storage;
    this.#prefix = `${PREFIX}${JSON.stringify([iss, sub])}.`;
    forgetDrafts(storage, this.#prefix);
  }

  /** The text, or null. */
  read(name) {
    return this.#storage.getItem(this.#prefix + name);
  }

  /** Without room for it the field still has it, as long as the page is open. */
  keep(name, text) {
    try {
      this.#storage.setItem(this.#prefix + name, text);
    } catch (cause) {
      if (cause.name !== 'QuotaExceededError') throw cause;
    }
  }

  forget(name) {
    this.#storage.removeItem(this.#prefix + name);
  }
}

/** Removes all drafts, but those whose names begin with `but`. */
export function forgetDrafts(storage, but = null) {
  const names = Array.from({ length: storage.length }, (_, index) => storage.key(index));
  for (const name of names) if (name.startsWith(PREFIX) && !(but && name.startsWith(but))) storage.removeItem(name);
}

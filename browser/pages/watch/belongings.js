// What belongs to one session and to no other: names in the store, and calls. Another tab may have left it and let somebody else in, while this one
// does not know of it yet; nothing of the one person may come to the other.

import { Api } from '../lib/api.js';
import { Problem } from '../lib/problem.js';

const ALL = 'watch.of.';

/** What all names of this session's things in the store begin with. */
export const belongingsOf = (session) => `${ALL}${session}.`;

/** `lib/keep.js` for one session, until `signal`: then nothing is written any more. `clear()` removes what other sessions left. */
export function storeOf(store, session, signal) {
  const own = belongingsOf(session);
  return {
    read: async (name) => (await store.read(own + name))?.value,
    readAll: async (prefix) => (await store.readAll(own + prefix)).map(({ value }) => value),
    keep: async (name, value) => { if (!signal.aborted) await store.keep(own + name, { session, name: own + name, value }); },
    forget: (name) => store.forget(own + name),
    async clear() {
      for (const { session: whose, name } of await store.readAll(ALL)) if (whose !== session) await store.forget(name);
    },
  };
}

/** Calls by this session, until `signal`: then none goes out any more, with whoever's token. */
export function apiOf(session, signal, parts = {}) {
  const over = () => { if (signal.aborted) throw new Problem({ status: 401, title: 'This session is over' }); };
  return new Api({
    ...parts,
    credentials: async () => {
      over();
      const credentials = await session.credentials();
      over();
      return credentials;
    },
    renewed: async (refused) => {
      const credentials = signal.aborted ? null : await session.renewed(refused);
      return signal.aborted ? null : credentials;
    },
  });
}

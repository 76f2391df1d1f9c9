// What the provider remembers, in the form that oidc-provider asks of a store (its "adapter"). Its own memory store
// forgets after 1,000 entries, and would not outlive a rotation of the keys.

export class Memory {
  #entries = new Map();

  /** A store for one kind of thing: `AccessToken`, `Client`, `Session`, ... */
  adapter(kind) {
    const entries = this.#entries;
    const key = (id) => `${kind} ${id}`;
    const find = (wanted) => {
      for (const [id, entry] of entries) {
        if (id.startsWith(`${kind} `) && wanted(entry.payload)) return entry.payload;
      }
      return undefined;
    };
    return {
      async upsert(id, payload, expiresIn) {
        entries.set(key(id), { payload, end: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
      },
      async find(id) {
        const entry = entries.get(key(id));
        if (entry && entry.end > Date.now()) return entry.payload;
        entries.delete(key(id));
        return undefined;
      },
      async findByUid(uid) {
        return find((payload) => payload.uid === uid);
      },
      async findByUserCode(code) {
        return find((payload) => payload.userCode === code);
      },
      async consume(id) {
        const entry = entries.get(key(id));
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        entries.delete(key(id));
      },
      async revokeByGrantId(grantId) {
        for (const [id, entry] of entries) {
          if (id.startsWith(`${kind} `) && entry.payload.grantId === grantId) entries.delete(id);
        }
      },
    };
  }
}

// What a disk keeps, as `lib/keep.js` gives it: copies, in the order of their names.

/** `kept` is what lies there, by name; a page that is opened anew finds it. */
export function disk() {
  const kept = new Map();
  const beginningWith = (prefix) => [...kept.keys()].filter((name) => name.startsWith(prefix)).sort();
  return {
    kept,
    names: () => beginningWith(''),
    ids: () => beginningWith('').map((name) => kept.get(name).id),
    read: async (name) => structuredClone(kept.get(name)),
    readAll: async (prefix) => beginningWith(prefix).map((name) => structuredClone(kept.get(name))),
    keep: async (name, value) => { kept.set(name, structuredClone(value)); },
    forget: async (name) => { kept.delete(name); },
    forgetAll: async (prefix) => { for (const name of beginningWith(prefix)) kept.delete(name); },
    take: async (name) => { const value = kept.get(name); kept.delete(name); return value; },
  };
}

// What outlives a page: names and values in IndexedDB, which, unlike localStorage, can keep a key that nobody can read.

const DATABASE = 'watchgate';
const STORE = 'kept';

let opened = null;

function open() {
  if (opened) return opened;
  const opening = new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => {
      // A browser may close it: its storage was cleared, or the device has slept.
      request.result.onclose = () => lose(opening);
      resolve(request.result);
    };
    request.onerror = () => { lose(opening); reject(request.error); };
    request.onblocked = () => { lose(opening); reject(new Error('another window holds the store')); };
  });
  opened = opening;
  return opening;
}

function lose(opening) {
  if (opened === opening) opened = null;
}

/** Does it; on a connection that is closed, or being closed, once more on a new one. */
async function run(mode, work) {
  const opening = open();
  try {
    return await runOn(await opening, mode, work);
  } catch (cause) {
    if (cause?.name !== 'InvalidStateError') throw cause;
    lose(opening);
    return runOn(await open(), mode, work);
  }
}

function runOn(database, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode, { durability: 'strict' });
    const request = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}

/** The value, or undefined. */
export const read = (name) => run('readonly', (store) => store.get(name));
/** All whose names begin with this, in the order of their names. */
export const readAll = (prefix) => run('readonly', (store) => store.getAll(beginningWith(prefix)));
/** Resolves when it is on the disk. */
export const keep = (name, value) => run('readwrite', (store) => store.put(value, name));
/** Resolves when it is gone. */
export const forget = (name) => run('readwrite', (store) => store.delete(name));
/** The value, or undefined; it is gone afterwards, so that of two who take it one has it. */
export const take = (name) => run('readwrite', (store) => {
  const found = store.get(name);
  store.delete(name);
  return found;
});
/** Removes all whose names begin with this. */
export const forgetAll = (prefix) => run('readwrite', (store) => store.delete(beginningWith(prefix)));

const beginningWith = (prefix) => IDBKeyRange.bound(prefix, `${prefix}\uffff`);

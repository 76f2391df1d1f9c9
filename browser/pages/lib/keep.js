// What outlives a page: names and values in IndexedDB, which, unlike localStorage, can keep a key that nobody can read.

const DATABASE = 'watchgate';
const STORE = 'kept';

let opened = null;

function open() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => { opened = null; reject(request.error); };
    request.onblocked = () => { opened = null; reject(new Error('another window holds the store')); };
  });
  return opened;
}

async function run(mode, work) {
  const database = await open();
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
/** Removes all whose names begin with this. */
export const forgetAll = (prefix) => run('readwrite', (store) => store.delete(beginningWith(prefix)));

const beginningWith = (prefix) => IDBKeyRange.bound(prefix, `${prefix}\uffff`);

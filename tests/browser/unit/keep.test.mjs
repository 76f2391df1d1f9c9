// The store of a page, over an IndexedDB whose connections end.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { keep, read, take } from '../../../browser/pages/lib/keep.js';

const kept = new Map();
const connections = [];
// How often a closed one was used.
let refused = 0;

/** As much of IndexedDB as one store needs; requests are answered before their transaction completes. */
function database() {
  const store = {
    get: (name) => ({ result: kept.get(name) }),
    put: (value, name) => { kept.set(name, value); return {}; },
    delete: (name) => { kept.delete(name); return {}; },
  };
  const connection = {
    isClosed: false,
    onclose: null,
    transaction() {
      if (connection.isClosed) refused += 1;
      if (connection.isClosed) throw new DOMException('The database connection is closing.', 'InvalidStateError');
      const transaction = { objectStore: () => store };
      setImmediate(() => transaction.oncomplete());
      return transaction;
    },
  };
  connections.push(connection);
  return connection;
}

globalThis.indexedDB = {
  open() {
    const request = { result: database() };
    setImmediate(() => request.onsuccess());
    return request;
  },
};

beforeEach(async () => {
  await keep('name', 'value');
});

test('a connection that the browser has closed is opened again', async () => {
  const before = connections.length;
  connections.at(-1).isClosed = true;
  connections.at(-1).onclose();
  assert.equal(await read('name'), 'value');
  assert.equal(await read('name'), 'value');
  assert.deepEqual([connections.length, refused], [before + 1, 0]);
});

test('a connection that is closing is opened again once, for all who notice', async () => {
  const before = connections.length;
  connections.at(-1).isClosed = true;
  assert.deepEqual(await Promise.all([read('name'), read('name')]), ['value', 'value']);
  assert.equal(connections.length, before + 1);
});

test('what is taken is there once', async () => {
  assert.deepEqual(await Promise.all([take('name'), take('name')]), ['value', undefined]);
  assert.equal(await read('name'), undefined);
});

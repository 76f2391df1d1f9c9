import assert from 'node:assert/strict';
import { test } from 'node:test';

import { apiOf, storeOf } from '../../../browser/pages/watch/belongings.js';
import { disk } from './disk.mjs';

test('what a tab keeps for a session that was left comes to nobody who was let in after it', async () => {
  const store = disk();
  store.kept.set('watch.session', { token: 'of b' });
  const [left, begun] = [new AbortController(), new AbortController()];
  const [earlier, later] = [storeOf(store, 's-a', left.signal), storeOf(store, 's-b', begun.signal)];
  await earlier.keep('queue.1', { id: 'of a' });
  await later.keep('queue.2', { id: 'of b' });
  await later.keep('alerts', { seen: 1 });
  await earlier.keep('alerts', { seen: 2 });
  assert.deepEqual([await later.read('alerts'), await later.readAll('queue.'), await later.read('phrases')], [{ seen: 1 }, [{ id: 'of b' }], undefined]);
  await later.clear();
  assert.deepEqual([...store.kept.keys()].sort(), ['watch.of.s-b.alerts', 'watch.of.s-b.queue.2', 'watch.session']);
  left.abort();
  await earlier.keep('alerts', { seen: 3 });
  await later.forget('queue.2');
  assert.deepEqual([...store.kept.keys()].sort(), ['watch.of.s-b.alerts', 'watch.session']);
});

test('nothing goes out with the token of whoever comes next', async () => {
  const ending = new AbortController();
  const asked = [];
  const person = { token: 'of a' };
  let given = async () => {};
  const session = { credentials: async () => { await given(); return { token: person.token }; }, renewed: async () => { asked.push('renewed'); return true; } };
  const api = apiOf(session, ending.signal, {
    origin: 'https://gw.example.com',
    transport: async (url, { headers }) => { asked.push(headers.authorization); return asked.length > 1 ? new Response(null, { status: 401 }) : Response.json({}); },
  });
  await api.call('GET', '/x');
  given = async () => { person.token = 'of b'; ending.abort(); };
  await assert.rejects(api.call('POST', '/x'), { status: 401 });
  await assert.rejects(api.call('POST', '/x'), { status: 401 });
  assert.deepEqual(asked, ['Bearer of a']);
});

test('a refusal that comes when the session has ended renews nothing', async () => {
  const ending = new AbortController();
  const session = { credentials: async () => ({ token: 'of a' }), renewed: async () => { throw new Error('nobody may ask'); } };
  const api = apiOf(session, ending.signal, { origin: 'https://gw.example.com', transport: async () => { ending.abort(); return new Response(null, { status: 401 }); } });
  await assert.rejects(api.call('GET', '/x'), { status: 401 });
});

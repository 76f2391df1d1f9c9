import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Problem } from '../../../browser/pages/lib/problem.js';
import { Queue } from '../../../browser/pages/watch/queue.js';

/** What a disk keeps, in the order of its names. */
function disk() {
  const kept = new Map();
  return {
    kept,
    names: () => [...kept.keys()].sort(),
    ids: () => [...kept.keys()].sort().map((name) => kept.get(name).id),
    readAll: async (prefix) => [...kept.keys()].filter((name) => name.startsWith(prefix)).sort().map((name) => structuredClone(kept.get(name))),
    keep: async (name, value) => { kept.set(name, structuredClone(value)); },
    forget: async (name) => { kept.delete(name); },
  };
}

const away = new Problem({ status: 0, title: 'away' });
const item = (id, more = {}) => ({ id, what: id, method: 'POST', path: `/v1/${id}`, body: { id }, ...more });
const soon = () => new Promise((resolve) => { setTimeout(resolve, 5); });
const next = (target, type) => new Promise((resolve) => { target.addEventListener(type, resolve, { once: true }); });

/** A queue whose line is away for so many calls; `answers` are what the service says, by id. */
function line({ awayFor = 0, answers = {}, store = disk(), isFirst, isAway } = {}) {
  const sent = [];
  const ending = new AbortController();
  const api = {
    call: async (method, path, { body }) => {
      if (awayFor > 0) { awayFor -= 1; throw away; }
      sent.push(body.id);
      const answer = answers[body.id];
      if (answer instanceof Error) throw answer;
      return await answer ?? { fine: body.id };
    },
  };
  let wake = () => {};
  // Waits until it is woken, as on a line that does not come back by itself.
  const pause = (_, signal) => new Promise((resolve) => { wake = resolve; signal.addEventListener('abort', resolve, { once: true }); });
  const queue = new Queue({ api, store, pause, signal: ending.signal, isFirst, isAway });
  return { queue, sent, store, ending, back: () => wake() };
}

test('what can be sent is sent at once, and what cannot waits on the disk, in its order', async () => {
  const { queue, sent, store, back } = line({ awayFor: 2 });
  assert.deepEqual(await queue.send(item('z')), { isWaiting: true });
  assert.deepEqual(await queue.send(item('a')), { isWaiting: true });
  assert.deepEqual(store.ids(), ['z', 'a']);
  const both = [];
  queue.addEventListener('sent', ({ item: { id }, answer }) => both.push([id, answer.fine]));
  await soon();
  back();
  while (both.length < 2) await soon();
  assert.deepEqual([sent, both, store.ids()], [['z', 'a'], [['z', 'z'], ['a', 'a']], []]);
  assert.deepEqual(await queue.send(item('c')), { answer: { fine: 'c' } });
});

test('of several pages the first one sends what an earlier one left, and none overwrites what another keeps', async () => {
  const store = disk();
  await line({ awayFor: 9, store }).queue.send(item('a'));
  const second = line({ store, isFirst: async () => false, awayFor: 9 });
  await second.queue.open();
  await second.queue.send(item('b'));
  assert.deepEqual([second.sent, store.ids().sort()], [[], ['a', 'b']]);
  const third = line({ store });
  await third.queue.open();
  while (store.kept.size > 0) await soon();
  assert.deepEqual(third.sent, ['a', 'b']);
});

test('what is taken back is not sent, and whether it may have arrived is known, after a reload too', async () => {
  const { queue, sent, store } = line({ awayFor: 9 });
  await queue.send(item('tried'));
  assert.deepEqual([await queue.takeBack('tried'), await queue.takeBack('tried')], ['tried', null]);
  const offline = line({ isAway: () => true });
  await offline.queue.send(item('unsent'));
  assert.equal(await offline.queue.takeBack('unsent'), 'unsent');
  assert.deepEqual([sent, offline.sent, store.kept.size, offline.store.kept.size], [[], [], 0, 0]);

  let isAway = true;
  const reloaded = line({ awayFor: 9, isAway: () => isAway });
  await reloaded.queue.send(item('a'));
  isAway = false;
  reloaded.queue.wake();
  await soon();
  const later = line({ store: reloaded.store, isAway: () => true });
  await later.queue.open();
  assert.equal(await later.queue.takeBack('a'), 'tried');
});

test('what is under way when it is taken back has arrived or has not, and that is waited for', async () => {
  let answer;
  let isAway = true;
  const { queue, sent } = line({ isAway: () => isAway, answers: { a: new Promise((resolve) => { answer = resolve; }) } });
  await queue.send(item('a'));
  isAway = false;
  queue.wake();
  await soon();
  const told = queue.takeBack('a');
  answer({ fine: 'a' });
  assert.deepEqual([await told, sent], [null, ['a']]);
});

test('nothing goes out once the session is over', async () => {
  const { queue, sent, ending } = line({ awayFor: 2 });
  await queue.send(item('a'));
  await soon();
  ending.abort();
  await soon();
  queue.wake();
  await soon();
  assert.deepEqual(sent, []);
});

test('a refusal is told, what was done before counts as done, and what is too old is not sent any more', async () => {
  const refused = new Problem({ status: 409, kind: 'digest-differs', title: 'No' });
  const before = new Problem({ status: 409, kind: 'decided-already', title: 'No' });
  const { queue } = line({ answers: { a: refused, b: before } });
  await assert.rejects(queue.send(item('a')), refused);
  assert.deepEqual(await queue.send(item('b', { settledBy: ['decided-already'] })), { answer: null });
  const store = disk();
  const kept = (id, at) => store.keep(`watch.queue.${at}.${id}`, item(id, { at, isTried: false }));
  await kept('old', Date.now() - 3_600_000);
  await kept('young', Date.now());
  const late = line({ store });
  const failed = next(late.queue, 'failed');
  const done = next(late.queue, 'sent');
  await late.queue.open();
  assert.equal((await failed).item.id, 'old');
  assert.equal((await done).item.id, 'young');
  assert.deepEqual(late.sent, ['young']);
});

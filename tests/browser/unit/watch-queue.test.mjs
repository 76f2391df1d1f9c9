import assert from 'node:assert/strict';
import { test } from 'node:test';

import { learn } from '../../../browser/pages/lib/clock.js';
import { Problem } from '../../../browser/pages/lib/problem.js';
import { Owner } from '../../../browser/pages/watch/owner.js';
import { Queue } from '../../../browser/pages/watch/queue.js';
import { disk } from './disk.mjs';

const away = new Problem({ status: 0, title: 'away' });
const item = (id, more = {}) => ({ id, what: id, method: 'POST', path: `/v1/${id}`, body: { id }, ...more });
const soon = () => new Promise((resolve) => { setTimeout(resolve, 5); });
const next = (target, type) => new Promise((resolve) => { target.addEventListener(type, resolve, { once: true }); });

/** A queue whose line is away for so many calls; `answers` are what the service says, by id. `alone`: in a browser without locks. */
function line({ awayFor = 0, answers = {}, store = disk(), isAway, isAlone = false } = {}) {
  const sent = [];
  const waits = [];
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
  const pause = (milliseconds, signal, { isLeast = false } = {}) => new Promise((resolve) => {
    waits.push([milliseconds, isLeast]);
    wake = resolve;
    signal.addEventListener('abort', resolve, { once: true });
  });
  const owner = new Owner(isAlone ? undefined : navigator.locks, ending.signal);
  const queue = new Queue({ api, store, pause, signal: ending.signal, owner, isAway });
  return { queue, sent, store, ending, waits, owner, back: () => wake() };
}
/** As if its page were closed. */
const closed = async ({ ending }) => { ending.abort(); await soon(); };

test('what can be sent is sent at once, and what cannot waits on the disk, in its order', async () => {
  const { queue, sent, store, back } = line({ awayFor: 1 });
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
  assert.deepEqual(store.ids(), []);
});

test('what is sent at once is on the disk meanwhile, and a page that is opened later sends it', async () => {
  const first = line({ answers: { a: new Promise(() => {}) } });
  await first.queue.open();
  first.queue.send(item('a'));
  await soon();
  assert.deepEqual([first.sent, first.store.ids()], [['a'], ['a']]);
  const { store } = first;
  const second = line({ store });
  await second.queue.open();
  assert.deepEqual(second.queue.items, []);
  await closed(second);
  await closed(first);
  const third = line({ store, isAway: () => true });
  await third.queue.open();
  assert.equal(await third.queue.takeBack('a'), 'tried');
  assert.deepEqual(store.ids(), []);
});

test('a page that is there sends its own, another one what a closed one left, and none overwrites what another keeps', async () => {
  const store = disk();
  const [first, second] = [line({ awayFor: 9, store }), line({ awayFor: 9, store })];
  await first.queue.open();
  await second.queue.open();
  await first.queue.send(item('a'));
  await second.queue.send(item('b'));
  assert.deepEqual(store.ids().sort(), ['a', 'b']);
  await closed(first);
  // Two that are opened at the same time: one of them takes it.
  const others = [line({ store }), line({ store })];
  await Promise.all(others.map(({ queue }) => queue.open()));
  while (store.kept.size > 1) await soon();
  assert.deepEqual([others.flatMap(({ sent }) => sent), store.ids()], [['a'], ['b']]);
  assert.equal(await second.queue.takeBack('b'), 'tried');
  await closed(second);
  const last = line({ store });
  await last.queue.open();
  await soon();
  assert.deepEqual([last.sent, store.kept.size], [[], 0]);
  for (const { ending } of [...others, last]) ending.abort();
});

test('what is left by a page that is closed later is sent by one that was opened meanwhile', async () => {
  const store = disk();
  const first = line({ awayFor: 9, store });
  await first.queue.open();
  await first.queue.send(item('a'));
  const ended = line({ store });
  const second = line({ store });
  await ended.queue.open();
  await second.queue.open();
  assert.deepEqual([second.sent, second.queue.items], [[], []]);
  await closed(ended);
  first.ending.abort();
  while (store.kept.size > 0) await soon();
  assert.deepEqual([second.sent, ended.sent], [['a'], []]);
});

test('what one page took back no other one sends', async () => {
  const store = disk();
  const waiting = line({ awayFor: 9, store });
  await waiting.queue.open();
  await waiting.queue.send(item('a'));
  const other = line({ store });
  await other.queue.open();
  await waiting.queue.takeBack('a');
  other.queue.wake();
  await soon();
  assert.deepEqual(other.sent, []);
});

test('without locks a page takes over whatever there is', async () => {
  const store = disk();
  await line({ awayFor: 9, store, isAlone: true }).queue.send(item('a'));
  const later = line({ store, isAlone: true });
  await later.queue.open();
  while (store.kept.size > 0) await soon();
  assert.deepEqual(later.sent, ['a']);
});

test('whoever listens before it is opened hears what became of what an earlier page left', async () => {
  const store = disk();
  const earlier = line({ store, isAway: () => true });
  await earlier.queue.open();
  await earlier.queue.send(item('a'));
  await closed(earlier);
  const later = line({ store, answers: { a: new Problem({ status: 403, title: 'No' }) } });
  const heard = [];
  for (const type of ['change', 'failed']) later.queue.addEventListener(type, () => heard.push([type, later.queue.items.length]));
  await later.queue.open();
  while (heard.length < 3) await soon();
  assert.deepEqual(heard, [['change', 1], ['change', 0], ['failed', 0]]);
});

test('who is told when to come back does not come earlier, not even when the line seems to be back', async () => {
  const busy = new Problem({ status: 429, title: 'Busy', retryAfterSeconds: 30 });
  const answers = { a: busy };
  const { queue, sent, waits, back } = line({ answers });
  await queue.send(item('a'));
  await soon();
  assert.deepEqual([sent, waits], [['a'], [[30_000, true]]]);
  queue.wake();
  await soon();
  assert.deepEqual(sent, ['a']);
  delete answers.a;
  back();
  while (queue.items.length > 0) await soon();
  assert.deepEqual(sent, ['a', 'a']);
});

test('a refusal for longer than an item is good for is not waited for', async (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const answers = { a: new Problem({ status: 503, title: 'Busy', retryAfterSeconds: 7_200 }) };
  const { queue, sent, waits, back } = line({ answers });
  await queue.send(item('a'));
  await soon();
  assert.deepEqual(waits, [[600_000, true]]);
  const failed = next(queue, 'failed');
  context.mock.timers.tick(600_001);
  back();
  assert.match((await failed).problem.message, /Look whether it arrived/);
  assert.deepEqual(sent, ['a']);
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
  await reloaded.queue.open();
  await reloaded.queue.send(item('a'));
  assert.equal([...reloaded.store.kept.values()][0].isTried, false);
  isAway = false;
  reloaded.queue.wake();
  await soon();
  await closed(reloaded);
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

test('a refusal is told, and what is too old is not sent any more', async () => {
  const refused = new Problem({ status: 409, kind: 'digest-differs', title: 'No' });
  const { queue, store: own } = line({ answers: { a: refused } });
  await assert.rejects(queue.send(item('a')), refused);
  assert.equal(own.kept.size, 0);
  const store = disk();
  const kept = (id, at) => store.keep(`queue.${at}.000001.${id}`, item(id, { at, turn: 1, isTried: false }));
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

test('how old something is does not hang on whether the device\'s clock is right', async (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  // This page has learned that the clock is an hour ahead; the next one knows nothing of it.
  learn(new Date(Date.now() - 3_600_000).toUTCString(), Date.now());
  context.after(() => learn(new Date().toUTCString(), Date.now()));
  const store = disk();
  const earlier = line({ store, isAway: () => true });
  await earlier.queue.open();
  await earlier.queue.send(item('young'));
  await closed(earlier);
  learn(new Date().toUTCString(), Date.now());
  const later = line({ store });
  const sent = next(later.queue, 'sent');
  await later.queue.open();
  assert.equal((await sent).item.id, 'young');
  // And where the clock was set back nobody knows.
  await later.queue.send(item('direct'));
  const away = line({ isAway: () => true });
  await away.queue.open();
  await away.queue.send(item('old'));
  await closed(away);
  context.mock.timers.setTime(Date.now() - 3_600_000);
  const last = line({ store: away.store });
  const failed = next(last.queue, 'failed');
  await last.queue.open();
  assert.equal((await failed).problem.kind, 'unsent');
  assert.deepEqual(last.sent, []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Problem } from '../../../browser/pages/lib/problem.js';
import { Alerts, openInsights } from '../../../browser/pages/watch/alerts.js';
import { counted, offered } from '../../../browser/pages/watch/phrases.js';
import { Queue } from '../../../browser/pages/watch/queue.js';

const store = () => {
  const kept = new Map();
  return { kept, read: async (name) => structuredClone(kept.get(name)), keep: async (name, value) => { kept.set(name, structuredClone(value)); } };
};
const away = new Problem({ status: 0, title: 'away' });
const next = (target, type) => new Promise((resolve) => { target.addEventListener(type, resolve, { once: true }); });
const item = (id, more = {}) => ({ id, what: id, method: 'POST', path: `/v1/${id}`, body: { id }, ...more });

/** A queue whose line is away for so many calls. */
function queue({ awayFor, answers = {}, kept = store() }) {
  const sent = [];
  const api = {
    call: async (method, path, { body }) => {
      if (awayFor > 0) { awayFor -= 1; throw away; }
      sent.push(body.id);
      if (answers[body.id] instanceof Error) throw answers[body.id];
      return answers[body.id] ?? { fine: body.id };
    },
  };
  let wake = () => {};
  // Waits until it is woken, as on a line that does not come back by itself.
  const pause = (_, signal) => new Promise((resolve) => { wake = resolve; signal.addEventListener('abort', resolve, { once: true }); });
  return { queue: new Queue({ api, store: kept, pause }), sent, kept, wake: () => wake() };
}

test('what can be sent is sent at once, and what cannot waits on the disk, in its order', async () => {
  const { queue: line, sent, kept } = queue({ awayFor: 2 });
  assert.deepEqual(await line.send(item('a')), { isWaiting: true });
  assert.deepEqual(await line.send(item('b')), { isWaiting: true });
  assert.deepEqual(kept.kept.get('watch.queue').map(({ id }) => id), ['a', 'b']);
  const both = [];
  line.addEventListener('sent', ({ item: { id }, answer }) => both.push([id, answer.fine]));
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  line.wake();
  while (both.length < 2) await new Promise((resolve) => { setTimeout(resolve, 1); });
  assert.deepEqual([sent, both, kept.kept.get('watch.queue')], [['a', 'b'], [['a', 'a'], ['b', 'b']], []]);
  assert.deepEqual(await line.send(item('c')), { answer: { fine: 'c' } });
});

test('a page that is opened anew sends what the one before left', async () => {
  const first = queue({ awayFor: 9 });
  await first.queue.send(item('a'));
  const second = queue({ awayFor: 0, kept: first.kept });
  const sent = next(second.queue, 'sent');
  await second.queue.open();
  assert.equal((await sent).item.id, 'a');
});

test('what is taken back is not sent', async () => {
  const { queue: line, sent } = queue({ awayFor: 2 });
  await line.send(item('a'));
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.equal(await line.takeBack('a'), true);
  assert.equal(await line.takeBack('a'), false);
  line.wake();
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.deepEqual(sent, []);
});

test('a refusal is told, what was done before counts as done, and what is too old is not sent any more', async () => {
  const refused = new Problem({ status: 409, kind: 'digest-differs', title: 'No' });
  const before = new Problem({ status: 409, kind: 'decided-already', title: 'No' });
  const { queue: line } = queue({ awayFor: 0, answers: { a: refused, b: before } });
  await assert.rejects(line.send(item('a')), refused);
  assert.deepEqual(await line.send(item('b', { settledBy: ['decided-already'] })), { answer: null });
  const kept = store();
  kept.kept.set('watch.queue', [item('old', { at: Date.now() - 3_600_000 }), item('young', { at: Date.now() })]);
  const { queue: late, sent } = queue({ awayFor: 0, kept });
  const failed = next(late, 'failed');
  const done = next(late, 'sent');
  await late.open();
  assert.equal((await failed).item.id, 'old');
  assert.equal((await done).item.id, 'young');
  assert.deepEqual(sent, ['young']);
});

test('phrases are what is asked most, then what runbooks are for', () => {
  let kept = [];
  for (const [at, text] of ['Is it down?', 'Who is on call?', 'is it down? ', 'x'.repeat(61), ' ']. entries()) kept = counted(kept, text, at);
  assert.deepEqual(kept.map(({ text, count }) => [text, count]), [['is it down?', 2], ['Who is on call?', 1]]);
  assert.deepEqual(offered(kept, ['Restart a worker', 'Is it down'], 3), ['is it down?', 'Who is on call?', 'Restart a worker?']);
  for (let at = 0; at < 200; at += 1) kept = counted(kept, `question ${at}`, at);
  assert.equal(kept.length, 50);
  assert.equal(kept[0].text, 'is it down?');
});

test('of an insight the newest word counts, and an ended one is none', () => {
  const time = new Date().toISOString();
  const event = (subject, what, data) => ({ event: { type: `dev.watchgate.insight.${what}`, subject, time, data } });
  const seen = openInsights({ events: [event('a', 'updated', { short: 'two', count: 9 }), event('b', 'ended', { watch: 'w' }), event('a', 'created', { short: 'one' }), event('b', 'created', {})] });
  assert.deepEqual(seen.map(({ id, text, count }) => [id, text, count]), [['a', 'two', 9]]);
});

/** A service with these answers; each may be a function. */
const alerts = (answers, follow = async () => {}) => {
  const api = { call: async (_, path) => { const name = path.split('?')[0].split('/').pop(); const answer = answers[name]; if (answer instanceof Error) throw answer; return structuredClone(answer); } };
  const kept = store();
  return { seen: new Alerts({ api, store: kept, follow }), kept };
};
const command = (id) => ({ id, runbook: id });

test('what is new since the last look is told, and what could not be looked at stays as it was', async () => {
  const answers = { commands: { commands: [command('a')] }, incidents: new Problem({ status: 403, title: 'No' }), events: { events: [] } };
  const { seen, kept } = alerts(answers);
  const arrived = [];
  seen.addEventListener('arrived', ({ item: { id } }) => arrived.push(id));
  await seen.look();
  assert.deepEqual([seen.count, seen.seen.incidents, arrived], [1, null, []]);
  answers.commands.commands.unshift(command('b'));
  await seen.look();
  assert.deepEqual(arrived, ['b']);
  const { asOf } = seen;
  answers.commands = away;
  await assert.rejects(seen.look(), away);
  assert.deepEqual([seen.seen.commands.map(({ id }) => id), seen.asOf], [['b', 'a'], asOf]);
  const later = new Alerts({ api: {}, store: kept });
  await later.open();
  assert.deepEqual([later.count, later.asOf, later.isLive], [2, asOf, false]);
});

test('events bring a look at what they are about, after the stream is there', async () => {
  const answers = { commands: { commands: [] }, incidents: { incidents: [] }, events: { events: [] } };
  const ending = new AbortController();
  const follow = async (_, path, { told, onEvent, signal }) => {
    told('open');
    answers.commands.commands.push(command('a'));
    onEvent({ id: '7', data: JSON.stringify({ type: 'dev.watchgate.command.pending' }) });
    await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
  };
  const { seen } = alerts(answers, follow);
  const following = seen.live(ending.signal);
  while (seen.count === 0) await next(seen, 'change');
  assert.equal(seen.isLive, true);
  ending.abort();
  await following;
});

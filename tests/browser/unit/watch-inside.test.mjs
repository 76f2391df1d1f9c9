import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Problem } from '../../../browser/pages/lib/problem.js';
import { Alerts, openInsights, wordsOf } from '../../../browser/pages/watch/alerts.js';
import { agreedOf, awaits, decisionOf } from '../../../browser/pages/watch/decisions.js';
import { Drafts, forgetDrafts } from '../../../browser/pages/watch/drafts.js';
import { Mediations, shareShown, takeBack } from '../../../browser/pages/watch/mediation.js';
import { counted, offered } from '../../../browser/pages/watch/phrases.js';
import { disk } from './disk.mjs';

const away = new Problem({ status: 0, title: 'away' });
const next = (target, type) => new Promise((resolve) => { target.addEventListener(type, resolve, { once: true }); });

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
  const asked = [];
  const api = {
    call: async (_, path) => {
      const name = path.split('?')[0].split('/').pop();
      asked.push(name);
      if (answers[name] instanceof Error) throw answers[name];
      return structuredClone(answers[name]);
    },
  };
  const kept = disk();
  return { seen: new Alerts({ api, store: kept, follow, person: ADA }), kept, asked };
};
const ADA = { iss: 'https://idp.example.com', sub: 'ada' };
const BEN = { ...ADA, sub: 'ben' };
const command = (id, approval = {}) => ({ id, runbook: id, requested_by: BEN, approval });

test('what is new since the last look is told, and what could not be looked at stays as it was', async () => {
  const answers = { commands: { commands: [command('a')] }, incidents: new Problem({ status: 403, title: 'No' }), events: { events: [] } };
  const { seen, kept } = alerts(answers);
  const arrived = [];
  seen.addEventListener('arrived', ({ arrived: come }) => arrived.push(...come.map(({ item: { id } }) => id)));
  await seen.look();
  assert.deepEqual([seen.count, seen.seen.incidents, arrived], [1, null, []]);
  answers.commands.commands.unshift(command('b'));
  await seen.look();
  assert.deepEqual(arrived, ['b']);
  const { asOf } = seen;
  answers.commands = away;
  assert.deepEqual((await seen.look()).map(({ reason }) => reason), [away]);
  assert.deepEqual([seen.seen.commands.map(({ id }) => id), seen.asOf], [['b', 'a'], asOf]);
  const later = new Alerts({ api: {}, store: kept, person: ADA });
  await later.open();
  assert.deepEqual([later.count, later.asOf, later.isLive], [2, asOf, false]);
});

test('what waits for others is neither counted nor told', async () => {
  const agreed = { quorum: 2, decided: [{ by: ADA, decision: 'approve' }] };
  const own = { ...command('own', { not_requester: true }), requested_by: ADA };
  const namesake = { ...own, id: 'namesake', requested_by: { ...ADA, iss: 'https://other.example.com' } };
  const commands = [command('a'), command('b', agreed), own, namesake];
  assert.deepEqual(commands.map((one) => awaits(one, ADA)), [true, false, false, true]);
  assert.deepEqual([decisionOf(commands[1], ADA), decisionOf(commands[1], BEN), agreedOf(commands[1]), agreedOf(commands[0])], ['approve', null, '1 of 2 agreed', null]);
  const answers = { commands: { commands: [] }, incidents: { incidents: [] }, events: { events: [] } };
  const { seen } = alerts(answers);
  const arrived = [];
  seen.addEventListener('arrived', ({ arrived: come }) => arrived.push(...come.map(({ item: { id } }) => id)));
  await seen.look();
  answers.commands.commands = commands;
  await seen.look();
  assert.deepEqual([seen.count, arrived], [2, ['a', 'namesake']]);
});

test('events bring a look at what they are about, after the stream is there', async () => {
  const answers = { commands: { commands: [] }, incidents: { incidents: [] }, events: { events: [] } };
  const ending = new AbortController();
  const follow = async (_, path, { told, onEvent, signal }) => {
    told('open');
    answers.commands.commands.push(command('a'));
    // What a service writes while it carries something out is nothing that waits.
    onEvent({ id: '6', data: JSON.stringify({ type: 'dev.watchgate.command.output', data: null }) });
    onEvent({ id: '7', data: JSON.stringify({ type: 'dev.watchgate.command.pending' }) });
    onEvent({ id: '8', data: JSON.stringify({ type: 'dev.watchgate.mediation.shared', subject: 'm-1' }) });
    await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
  };
  const { seen } = alerts(answers, follow);
  const mediations = [];
  seen.addEventListener('mediation', ({ id }) => mediations.push(id));
  const following = seen.live(ending.signal);
  while (seen.count === 0) await next(seen, 'change');
  assert.deepEqual([seen.isLive, mediations], [true, ['m-1']]);
  ending.abort();
  await following;
});

test('a look that one stream wanted is done for the next one that has begun meanwhile', async () => {
  const answers = { commands: { commands: [command('a')] }, incidents: { incidents: [] }, events: { events: [] } };
  const follow = async (_, path, { told, signal }) => {
    told('open');
    await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
  };
  const { seen } = alerts(answers, follow);
  const [first, second] = [new AbortController(), new AbortController()];
  const before = seen.live(first.signal);
  first.abort();
  const following = seen.live(second.signal);
  await before;
  while (seen.count === 0) await next(seen, 'change');
  second.abort();
  await following;
});

test('a part that could not be looked at is looked at again, when the service wants it, and then all is live', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const answers = { commands: away, incidents: { incidents: [] }, events: { events: [] } };
  const ending = new AbortController();
  const { seen, asked } = alerts(answers, async (_, path, { told, signal }) => {
    told('open');
    await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
  });
  const following = seen.live(ending.signal);
  const looked = async (milliseconds) => { context.mock.timers.tick(milliseconds); for (let turns = 0; turns < 20; turns += 1) await null; };
  await looked(150);
  assert.deepEqual([asked.splice(0), seen.isLive, seen.missing], [['commands', 'incidents', 'events'], false, ['commands']]);
  assert.notEqual(seen.asOf, null);
  await looked(999);
  assert.deepEqual(asked, []);
  answers.commands = new Problem({ status: 503, title: 'Busy', retryAfterSeconds: 20 });
  await looked(501);
  assert.deepEqual([asked.splice(0), seen.isLive], [['commands'], false]);
  answers.commands = { commands: [command('a')] };
  await looked(19_999);
  assert.deepEqual(asked, []);
  await looked(10_001);
  assert.deepEqual([asked, seen.isLive, seen.count, seen.missing], [['commands'], true, 1, []]);
  ending.abort();
  await following;
});

test('an older answer does not undo a newer one', async () => {
  const waiting = [];
  const api = { call: () => new Promise((resolve) => { waiting.push(resolve); }) };
  const seen = new Alerts({ api, store: disk(), person: ADA });
  const looks = [seen.look(['commands']), seen.look(['commands'])];
  waiting[1]({ commands: [command('b')] });
  await looks[1];
  waiting[0]({ commands: [command('a')] });
  await looks[0];
  assert.deepEqual(seen.seen.commands.map(({ id }) => id), ['b']);
});

test('what was seen is as old as its oldest part, and a part is new only once it was seen before', async (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const answers = { commands: { commands: [] }, incidents: away, events: { events: [] } };
  const { seen } = alerts(answers);
  const arrived = [];
  seen.addEventListener('arrived', ({ arrived: come }) => arrived.push(come.map(({ item: { id } }) => id)));
  assert.deepEqual((await seen.look()).map(({ reason }) => reason), [away]);
  context.mock.timers.tick(60_000);
  answers.incidents = { incidents: [{ incident: 'i-1', title: 'it is down' }] };
  answers.commands.commands = [command('a'), command('b')];
  await seen.look(['commands', 'incidents']);
  assert.deepEqual([seen.asOf, arrived], [1_000_000, [['a', 'b']]]);
  await seen.look(['insights']);
  assert.equal(seen.asOf, 1_060_000);
});

test('of several things that arrive at once one sentence is said', () => {
  const one = { name: 'commands', item: command('restart-worker') };
  assert.equal(wordsOf([one]), 'restart-worker waits for you.');
  assert.equal(wordsOf([{ name: 'insights', item: { text: 'a worker hangs' } }]), 'a worker hangs');
  assert.equal(wordsOf([one, one, one]), '3 new things need you.');
});

/** What `sessionStorage` is in a browser. */
function storage() {
  const kept = new Map();
  return {
    kept, get length() { return kept.size; }, key: (index) => [...kept.keys()][index],
    getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name),
  };
}

test('a stream goes on where it was, but not after so long that all of it would come', async (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const answers = { commands: { commands: [] }, incidents: { incidents: [] }, events: { events: [] } };
  const asked = [];
  const { seen } = alerts(answers, async (_, path, { after, onEvent, signal }) => {
    asked.push(after);
    assert.match(path, /source=urn:watchgate:assistant-service/);
    onEvent({ id: String(asked.length), data: JSON.stringify({ type: 'dev.watchgate.session.began' }) });
    await new Promise((resolve) => { signal.addEventListener('abort', resolve); });
  });
  for (const away of [60_000, 600_000, 0]) {
    const ending = new AbortController();
    const following = seen.live(ending.signal);
    ending.abort();
    await following;
    context.mock.timers.tick(away);
  }
  assert.deepEqual(asked, [null, '1', null]);
});

test('a draft outlives the page, and neither its sending nor its person', () => {
  const window = storage();
  window.setItem('console.begun', 'x');
  new Drafts(window, ADA).keep('m-1.account', 'my side');
  const later = new Drafts(window, ADA);
  assert.equal(later.read('m-1.account'), 'my side');
  later.keep('m-1.note', 'x');
  later.forget('m-1.note');
  assert.equal(later.read('m-1.note'), null);
  assert.equal(new Drafts(window, BEN).read('m-1.account'), null);
  assert.equal(new Drafts(window, ADA).read('m-1.account'), null);
  later.keep('m-1.account', 'again');
  forgetDrafts(window);
  assert.deepEqual([...window.kept.keys()], ['console.begun']);
});

test('mediations that have moved are counted until they are looked at, and those of others never', async () => {
  const list = [{ id: 'm-1', state: 'open', asks_whether_it_held: false }, { id: 'm-2', state: 'follow_up', asks_whether_it_held: true }];
  const asked = [];
  const api = {
    call: async (method, path, { body } = {}) => {
      asked.push([method, path, body]);
      if (path === '/v1/mediations') return structuredClone({ mediations: list });
      if (path.endsWith('/leave')) return null;
      if (path.endsWith('/gone')) throw new Problem({ status: 404, title: 'No' });
      return { id: path.split('/')[3], state: 'closed', asks_whether_it_held: false };
    },
  };
  const seen = new Mediations({ api });
  await seen.look();
  assert.equal(seen.count, 1);
  const moved = [];
  seen.addEventListener('moved', ({ ids }) => moved.push(ids));
  // One look for all that is heard of at once; a private step says no id.
  for (const id of ['m-9', 'm-1', undefined, 'm-2', 'm-1']) seen.heard(id);
  seen.shown = 'm-2';
  await next(seen, 'moved');
  seen.heard(undefined);
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  assert.deepEqual([asked.length, moved], [2, [['m-1', 'm-2']]]);
  seen.shown = null;
  assert.deepEqual([seen.count, seen.hasMoved('m-1'), seen.hasMoved('m-2'), seen.hasMoved('m-9')], [2, true, false, false]);
  await seen.look('m-1');
  assert.deepEqual([seen.count, seen.known('m-1').seen.state], [1, 'closed']);
  await seen.step('m-2', 'outcome', { held: true });
  assert.deepEqual([seen.count, asked.at(-1)], [0, ['POST', '/v1/mediations/m-2/outcome', { held: true }]]);
  await seen.step('m-2', 'restatement', shareShown({ restatement: 'I wait.', restatement_id: 'r-1' }));
  assert.deepEqual(asked.at(-1)[2], { accept: 'r-1', share: true });
  await seen.step('m-2', 'restatement', takeBack());
  assert.deepEqual(asked.at(-1)[2], { share: false });
  assert.equal(await seen.step('m-1', 'leave'), null);
  assert.deepEqual([seen.known('m-1'), seen.known().seen.map(({ id }) => id)], [undefined, ['m-2']]);
  await assert.rejects(seen.look('gone'), { status: 404 });
});

test('of a mediation an answer to what was asked before a step does not undo what that step has shown', async () => {
  const answers = new Map();
  const api = { call: (method, path) => new Promise((resolve) => { answers.set(`${method} ${path}`, resolve); }) };
  const list = () => ({ mediations: [{ id: 'm-1', state: 'follow_up', asks_whether_it_held: true }, { id: 'm-2', state: 'open', asks_whether_it_held: false }] });
  const seen = new Mediations({ api });
  const looks = [seen.look(), seen.look('m-1'), seen.look('m-2')];
  const asked = new Map(answers);
  const steps = [seen.step('m-1', 'outcome', {}), seen.step('m-2', 'leave')];
  answers.get('POST /v1/mediations/m-1/outcome')({ id: 'm-1', state: 'closed', asks_whether_it_held: false });
  answers.get('POST /v1/mediations/m-2/leave')(null);
  await Promise.all(steps);
  asked.get('GET /v1/mediations')(list());
  asked.get('GET /v1/mediations/m-1')({ id: 'm-1', state: 'follow_up', asks_whether_it_held: true });
  asked.get('GET /v1/mediations/m-2')({ id: 'm-2', state: 'open', asks_whether_it_held: false });
  assert.equal((await Promise.all(looks))[1].state, 'closed');
  assert.deepEqual([seen.count, seen.known('m-1').seen.state, seen.known('m-2'), seen.known().seen.map(({ id, state }) => [id, state])], [0, 'closed', undefined, [['m-1', 'closed']]]);
  const later = [seen.look(), seen.look()];
  answers.get('GET /v1/mediations')(list());
  await later[1];
  assert.equal(seen.count, 1);
});

// What the console makes of texts: places, Markdown, questions as they come, services as far as they are known.

import assert from 'node:assert/strict';
import test from 'node:test';

import { followCommand } from '../../../browser/pages/console/command-follow.js';
import { blocksOf } from '../../../browser/pages/console/markdown.js';
import { settlingOn } from '../../../browser/pages/console/mediation-words.js';
import { ask, earlierOf } from '../../../browser/pages/console/question.js';
import { hrefOf, routeOf } from '../../../browser/pages/console/route.js';
import { healthOf, servicesOf } from '../../../browser/pages/console/service-list.js';
import { silenceBody } from '../../../browser/pages/console/silences.js';
import { relative, span } from '../../../browser/pages/console/when.js';

test('a place comes back as it was written, whatever is in it', () => {
  const href = hrefOf('events', ['a/b#?&'], { text: '"a" & b=c?#', none: '' });
  const { view, parts, query } = routeOf(href);
  assert.deepEqual([view, parts, [...query]], ['events', ['a/b#?&'], [['text', '"a" & b=c?#']]]);
  assert.deepEqual(routeOf('').parts, []);
  assert.equal(routeOf('#/events/%E0%A4%A').parts[0], '%E0%A4%A');
});

test('a restatement is accepted as it was shown, said in other words, or taken back', () => {
  const mediation = { turns_left: 3, yours: { restatement: 'I wait.', restatement_id: 'r-1' } };
  const settling = (words, share, turns = 3) => settlingOn(words, { ...mediation, turns_left: turns }, { share });
  assert.deepEqual(settling('I wait.', true), { accept: 'r-1', share: true });
  assert.deepEqual(settling('I wait long.', true), { text: 'I wait long.', share: true });
  assert.deepEqual(settling('I wait long.', false), { text: 'I wait long.', share: false });
  assert.deepEqual(settling('I wait.', false), { share: false });
  assert.deepEqual(settling('I wait long.', false, 0), { share: false });
});

test('blocks of an answer', () => {
  const text = 'One\ntwo [1].\n\n# Head\n1. a\n   more\n2. b\n- x\n```sh\n# no heading\n\n- no list\n```\n> said\n> so\nlast';
  assert.deepEqual(blocksOf(text), [
    { kind: 'paragraph', text: 'One\ntwo [1].' }, { kind: 'heading', text: 'Head' }, { kind: 'numbers', items: ['a\nmore', 'b'], start: 1 },
    { kind: 'points', items: ['x'], start: 1 }, { kind: 'code', language: 'sh', text: '# no heading\n\n- no list' }, { kind: 'quote', text: 'said\nso' }, { kind: 'paragraph', text: 'last' },
  ]);
});

test('every text comes to an end, also one that breaks off or looks like nothing', () => {
  for (const text of ['```', '```js\nopen', '#', '-', '1.', '>', '   ', '#no', '~~~~', '`````', '- ', '  > ', '1) x\n- y\n1) z', '\t- a', '\r\n\r\n']) assert.ok(Array.isArray(blocksOf(text)), text);
});

function stream(...events) {
  const body = events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join('');
  return { send: async () => new Response(body) };
}

const asked = (api, told = () => {}) => ask({ api, question: 'q', earlier: [], signal: new AbortController().signal, told });

test('the answer is what counts, and not the words before it', async () => {
  const told = [];
  const answer = { id: '1', known: true, answer: 'checked' };
  const got = await asked(stream(['searched', { query: 'q', sections: 3 }], ['words', { text: 'wr' }], ['words', { text: 'ong' }], ['anew', {}], ['words', { text: 'right' }], ['answer', answer], ['end', { complete: true }]), ({ words }) => told.push(words));
  assert.deepEqual(got, answer);
  assert.deepEqual(told, ['', 'wr', 'wrong', '', 'right', 'right']);
});

test('an answer without an end is none', async () => {
  for (const events of [[], [['words', { text: 'half' }]], [['answer', { id: '1' }]], [['end', { complete: true }]]]) {
    await assert.rejects(asked(stream(...events)), { kind: 'cut-off' });
  }
});

test('a problem on the way is told as one', async () => {
  const problem = { type: 'urn:watchgate:problem:over-budget', title: 'Over budget', status: 429, detail: 'Tomorrow again.' };
  await assert.rejects(asked(stream(['words', { text: 'x' }], ['problem', problem], ['end', { complete: false }])), { kind: 'over-budget', status: 429, detail: 'Tomorrow again.' });
});

test('what was said before is sent along as far as there is room, newest first of all', () => {
  const turn = (name, length) => ({ question: name, answer: { answer: 'x'.repeat(length) } });
  assert.deepEqual(earlierOf([{ question: 'a', answer: { answer: 'b' } }, { question: 'c', answer: { known: false } }]), [{ asked: 'a' }, { answered: 'b' }]);
  assert.deepEqual(earlierOf([turn('old', 20_000), turn('new', 20_000)]).map(({ asked: name }) => name).filter(Boolean), ['new']);
  assert.equal(earlierOf(Array.from({ length: 40 }, () => turn('q', 1))).length, 32);
});

test('services are those that runbooks name and commands are for, seen by what only an agent does', () => {
  const at = (seconds) => new Date(1_800_000_000_000 + seconds * 1000).toISOString();
  const runbooks = [{ name: 'a', target: { service: 'mailer' } }, { name: 'b', target: { service_from: 'where' }, parameters: { properties: { where: { enum: ['mailer', 'store'] } } } }];
  const commands = [
    { id: '1', state: 'scheduled', target: { service: 'store' }, updated_at: at(0) }, { id: '2', state: 'running', target: { service: 'mailer' }, updated_at: at(50) }, { id: '3', state: 'timeout', target: { service: 'gone' }, updated_at: at(90) },
  ];
  const events = [
    { type: 'dev.watchgate.command.canceled', time: at(99), authid: 'https://idp#ada', data: { target: { service: 'store' } } },
    { type: 'dev.watchgate.command.leased', time: at(20), authid: 'https://idp#mailer', data: { target: { service: 'mailer' } } },
    { type: 'dev.watchgate.command.output', subject: '2', time: at(60), authid: 'https://idp#mailer', data: { offset: 0, text: 'x' } },
  ];
  const [gone, mailer, kept] = servicesOf({ runbooks, commands, events });
  assert.deepEqual([gone.name, gone.badly, gone.seenAt], ['gone', 1, null]);
  assert.deepEqual([mailer.name, mailer.active, mailer.seenAt, mailer.seenAs, mailer.agent, mailer.runbooks], ['mailer', 1, Date.parse(at(60)), 'wrote output', 'https://idp#mailer', ['a', 'b']]);
  assert.deepEqual([kept.name, kept.waiting, kept.seenAt], ['store', 1, null]);
  assert.equal(healthOf(mailer, null, 0), 'at work');
  assert.equal(healthOf(kept, 0, 61_000), 'waited for');
  assert.equal(healthOf(kept, 0, 30_000), 'not seen');
  assert.deepEqual(servicesOf({}), []);
});

test('a silence says only what must fit, and stays within what the service takes', () => {
  const at = 1_800_000_000_000;
  assert.deepEqual(silenceBody({ matchers: { device: ' a ', build: '' }, hours: 1, reason: ' test ', at }), { device: 'a', until: new Date(at + 3_600_000).toISOString(), reason: 'test' });
  assert.ok(Date.parse(silenceBody({ matchers: {}, hours: 720, reason: 'x', at }).until) < at + 720 * 3_600_000);
});

test('times in words', () => {
  assert.equal(relative(0, 2_000), 'now');
  assert.equal(relative(0, 89_000), '1 minute ago');
  assert.equal(relative(7_200_000, 0), 'in 2 hours');
  const [hour, day] = [3_600_000, 86_400_000];
  assert.equal(relative(12 * hour - 2_000, 0), 'in 12 hours', 'a session that was begun just now');
  assert.equal(relative(14 * day - 2_000, 0), 'in 14 days');
  assert.equal(relative(hour - 2_000, 0), 'in 1 hour', 'and not in 60 minutes');
  assert.equal(relative(hour / 2, 0), 'in 30 minutes');
  assert.equal(relative(0, 14 * day - 2_000), '14 days ago');
  assert.equal(span(59_600), '1 min');
  assert.equal(span(3_660_000), '1 h 1 min');
});

test('a command is followed to its end and no further, and another attempt is told apart', async () => {
  const told = [];
  const event = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const body = [event('command', { state: 'running' }), event('output', { offset: 0, text: '***' }), event('output', { offset: 1, text: 'b' }), event('output', { offset: 0, text: 'c' }), event('output', { offset: 0, text: 'd' }),
    event('command', { state: 'failed' }), event('end', { state: 'failed' })].join('');
  let calls = 0;
  await followCommand({
    api: { send: async () => { calls += 1; return new Response(body); } }, id: '1', signal: new AbortController().signal,
    changed: ({ state }) => told.push(state), wrote: (text, isAnew) => told.push(`${isAnew ? 'anew ' : ''}${text}`), told: (state) => told.push(state),
  });
  assert.deepEqual(told, ['open', 'running', '***', 'b', 'anew c', 'anew d', 'failed', 'ended']);
  assert.equal(calls, 1);
});

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { mock, test } from 'node:test';

import { Api } from '../../../browser/pages/lib/api.js';
import { ask } from '../../../browser/pages/console/question.js';
import { Problem } from '../../../browser/pages/lib/problem.js';
import { Parser, follow, pause } from '../../../browser/pages/lib/stream.js';

test('events come out alike however the text is cut', () => {
  const text = ': hello\r\nid: 7\r\nevent: told\r\ndata: one\r\ndata:two\r\n\r\nid: 9\n\ndata: last\n\n';
  const whole = new Parser().take(text);
  assert.deepEqual(whole, [
    { id: '7', event: 'told', data: 'one\ntwo' },
    { id: '9', event: 'message', data: null },
    { id: '9', event: 'message', data: 'last' },
  ]);
  for (let cut = 0; cut <= text.length; cut += 1) {
    const parser = new Parser();
    assert.deepEqual([...parser.take(text.slice(0, cut)), ...parser.take(text.slice(cut))], whole, `cut at ${cut}`);
  }
});

const stream = (text) => new Response(text, { headers: { 'content-type': 'text/event-stream' } });

test('a stream that breaks off goes on behind what was seen', async () => {
  const asked = [];
  const end = new AbortController();
  const answers = [() => stream('id: 1\ndata: a\n\nid: 2\n\n'), () => { throw new TypeError('the line'); }, () => stream('id: 3\ndata: b\n\n')];
  const transport = async (url, { headers }) => { asked.push(headers['last-event-id']); return answers.shift()(); };
  const seen = [];
  const states = [];
  await follow(new Api({ origin: 'https://gw.example.com', transport }), '/v1/events', {
    signal: end.signal,
    told: (state) => states.push(state),
    onEvent: (event) => { seen.push(event.data); if (event.data === 'b') end.abort(); },
  });
  assert.deepEqual(seen, ['a', 'b']);
  assert.deepEqual(asked, [undefined, '2', '2']);
  assert.deepEqual(states, ['open', 'away', 'away', 'open']);
});

test('whoever may not follow is told so, once', async () => {
  let asked = 0;
  const transport = async () => { asked += 1; return Response.json({ type: 'urn:x:forbidden', title: 'No' }, { status: 403 }); };
  const told = [];
  await follow(new Api({ origin: 'https://gw.example.com', transport }), '/v1/events', {
    signal: new AbortController().signal, onEvent: () => {}, told: (state, problem) => told.push([state, problem.kind]),
  });
  assert.deepEqual([asked, told], [1, [['refused', 'forbidden']]]);
});

test('a problem says what the server said, and whether it may pass', async () => {
  const answers = [
    Response.json({ type: 'about:blank', title: 'Busy', detail: 'later' }, { status: 503, headers: { 'retry-after': '7' } }),
    Response.json({ error: 'slow_down', error_description: 'wait' }, { status: 400 }),
    new Response('<html>', { status: 502 }),
  ];
  const api = new Api({ origin: 'https://gw.example.com', transport: async () => answers.shift() });
  const problems = [];
  for (let count = 0; count < 3; count += 1) problems.push(await api.call('GET', '/x').catch((problem) => problem));
  assert.ok(problems.every((problem) => problem instanceof Problem));
  assert.deepEqual(problems.map(({ kind, message, isPassing, retryAfterSeconds }) => [kind, message, isPassing, retryAfterSeconds]), [
    ['blank', 'later', true, 7], ['slow_down', 'wait', false, null], ['', 'HTTP 502', true, null],
  ]);
});

test('whoever answers with a stream that brings nothing and ends is asked less and less often', async () => {
  const end = new AbortController();
  const pauses = [];
  const real = globalThis.setTimeout;
  // Pauses are over at once; the time for which a line may be silent is longer than any of them.
  const fake = mock.method(globalThis, 'setTimeout', (work, milliseconds) => {
    if (milliseconds > 40_000) return real(() => {}, 0);
    pauses.push(milliseconds);
    if (pauses.length === 7) end.abort();
    return real(work, 0);
  });
  try {
    await follow(new Api({ origin: 'https://gw.example.com', transport: async () => stream(': nothing\n\n') }), '/v1/events', { signal: end.signal, onEvent: () => {} });
  } finally {
    fake.mock.restore();
  }
  assert.ok(pauses.at(-1) > 250 * 2 ** 6 * 0.7, String(pauses));
});

test('a stream that has brought something, or has lasted, is taken up again at once', async () => {
  for (const { text, lasts } of [{ text: 'data: a\n\n', lasts: 0 }, { text: ': nothing\n\n', lasts: 5_000 }]) {
    const end = new AbortController();
    const pauses = [];
    const real = globalThis.setTimeout;
    let time = Date.now();
    const clock = mock.method(Date, 'now', () => time);
    const fake = mock.method(globalThis, 'setTimeout', (work, milliseconds) => {
      if (milliseconds > 40_000) return real(() => {}, 0);
      pauses.push(milliseconds);
      if (pauses.length === 5) end.abort();
      return real(work, 0);
    });
    const told = (state) => { if (state === 'open') time += lasts; };
    try {
      await follow(new Api({ origin: 'https://gw.example.com', transport: async () => stream(text) }), '/v1/events', { signal: end.signal, onEvent: () => {}, told });
    } finally {
      fake.mock.restore();
      clock.mock.restore();
    }
    assert.ok(pauses.every((wait) => wait < 400), String(pauses));
  }
});

/** Answers as a browser does: whoever is not wanted any more is not answered. */
const unlessAborted = (answer) => async (_, { signal }) => {
  signal.throwIfAborted();
  return answer();
};

test('a question waits for whoever has to sign in first, for as long as that takes', async () => {
  const answers = [Response.json({}, { status: 401 }), stream('event: answer\ndata: {"answer":"42"}\n\nevent: end\ndata: {"complete":true}\n\n')];
  let back;
  const renewed = () => new Promise((resolve) => { back = resolve; });
  const api = new Api({ origin: 'https://gw.example.com', transport: unlessAborted(() => answers.shift()), credentials: async () => ({ token: 'old' }), renewed });
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    const answer = ask({ api, question: 'What?', earlier: [], signal: new AbortController().signal, told: () => {} });
    while (!back) await new Promise((resolve) => { setImmediate(resolve); });
    mock.timers.tick(600_000);
    back({ token: 'new' });
    assert.deepEqual(await answer, { answer: '42' });
  } finally {
    mock.timers.reset();
  }
});

test('a line that is silent is dead, before an answer begins and within it', async () => {
  const silent = (signal) => new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason)); });
  const begun = (signal) => new Response(new ReadableStream({ start: (body) => signal.addEventListener('abort', () => body.error(signal.reason)) }));
  for (const [answer, kind] of [[silent, 'timed-out'], [begun, 'cut-off']]) {
    let isAsked = false;
    const transport = async (_, { signal }) => { isAsked = true; return answer(signal); };
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const asked = ask({ api: new Api({ origin: 'https://gw.example.com', transport }), question: 'What?', earlier: [], signal: new AbortController().signal, told: () => {} });
      const refused = assert.rejects(asked, { name: 'Problem', status: 0, kind });
      while (!isAsked) await new Promise((resolve) => { setImmediate(resolve); });
      await new Promise((resolve) => { setImmediate(resolve); });
      mock.timers.tick(46_000);
      await refused;
    } finally {
      mock.timers.reset();
    }
  }
});

test('a pause is a little less or more, but never less than what somebody has said', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  for (const [random, milliseconds, isLeast, expected] of [[0, 1_000, false, 750], [1, 1_000, false, 1_250], [0, 1_000, true, 1_000], [1, 1_000, true, 1_500], [1, 9e12, true, 2 ** 31 - 1]]) {
    const isRandom = context.mock.method(Math, 'random', () => random);
    let isOver = false;
    pause(milliseconds, undefined, { isLeast }).then(() => { isOver = true; });
    context.mock.timers.tick(expected - 1);
    await null;
    assert.equal(isOver, false, `${milliseconds} ms, ${isLeast}`);
    context.mock.timers.tick(1);
    await null;
    assert.equal(isOver, true, `${milliseconds} ms, ${isLeast}`);
    isRandom.mock.restore();
  }
});

test('a pause leaves nothing behind at a signal that lasts longer', async () => {
  const { signal } = new AbortController();
  for (let turn = 0; turn < 3; turn += 1) await pause(0, signal);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  const over = new AbortController();
  const pausing = pause(60_000, over.signal);
  over.abort();
  await pausing;
  await pause(60_000, over.signal);
});

test('a stream that is told when to come back does not come earlier', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  context.mock.method(Math, 'random', () => 0);
  const end = new AbortController();
  let asked = 0;
  const transport = async () => { asked += 1; return new Response('{}', { status: 429, headers: { 'retry-after': '10' } }); };
  const told = [];
  const following = follow(new Api({ origin: 'https://gw.example.com', transport }), '/v1/events', { signal: end.signal, onEvent: () => {}, told: (state) => told.push(state) });
  const turns = async () => { for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => { setImmediate(resolve); }); };
  await turns();
  context.mock.timers.tick(9_999);
  await turns();
  assert.deepEqual([asked, told], [1, ['away']]);
  context.mock.timers.tick(1);
  await turns();
  assert.equal(asked, 2);
  end.abort();
  await following;
});

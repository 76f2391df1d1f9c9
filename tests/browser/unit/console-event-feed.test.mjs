// The list of events: nothing is missing between its first page and its stream, nothing is there twice, and it does not grow for ever.

import assert from 'node:assert/strict';
import test from 'node:test';

import { EventFeed, MOST_EVENTS } from '../../../browser/pages/console/event-feed.js';
import { Problem } from '../../../browser/pages/lib/problem.js';

/** A log that is asked like the service, with events that come in between two calls. */
function log(count) {
  const events = Array.from({ length: count }, (_, index) => made(index + 1));
  const asked = [];
  let onCall = () => {};
  let onStream = () => {};
  let stream = null;
  const api = {
    async call(_, path) {
      const query = new URL(path, 'https://gw').searchParams;
      asked.push(query);
      await onCall(asked.length);
      const after = query.has('after') ? Number(query.get('after')) : Infinity;
      const limit = Number(query.get('limit'));
      const found = events.filter(({ position, event }) => position < after && (!query.get('type') || event.type === query.get('type'))).reverse();
      const page = found.slice(0, limit);
      return { events: page, next_after: found.length > limit ? page.at(-1).position : null };
    },
    async send(_, path, { signal }) {
      const query = new URL(path, 'https://gw').searchParams;
      asked.push(query);
      onStream();
      const body = new ReadableStream({ start: (controller) => { stream = controller; signal.addEventListener('abort', () => { try { controller.close(); } catch { /* it is closed */ } }); } });
      for (const one of events.filter(({ position, event }) => position > Number(query.get('after')) && (!query.get('type') || event.type === query.get('type')))) tell(one);
      return new Response(body);
    },
  };
  const tell = (one) => stream.enqueue(new TextEncoder().encode(`id: ${one.position}\nevent: event\ndata: ${JSON.stringify(one.event)}\n\n`));
  return {
    api, asked, events,
    add(type = 'a') { const one = made(events.length + 1, type); events.push(one); if (stream) tell(one); return one; },
    set onCall(call) { onCall = call; },
    set onStream(call) { onStream = call; },
  };
}

const made = (position, type = 'a') => ({ position, event: { id: String(position), type, data: null } });
const positions = (feed) => feed.events.map(({ position }) => position);

async function until(holds) {
  for (let turns = 0; turns < 2_000; turns += 1) {
    if (holds()) return;
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  assert.fail('it did not come to that');
}

function feedOf(t, api, filter = {}) {
  const ending = new AbortController();
  const feed = new EventFeed({ api, filter, signal: ending.signal });
  const running = feed.begin().then(() => feed.follow());
  t.after(() => ending.abort());
  return { feed, running };
}

test('events that come between the page and the stream are there, once', async (t) => {
  const kept = log(10);
  // One before the page is read, one after it and before the stream is open.
  kept.onCall = (calls) => { if (calls === 2) kept.add(); };
  kept.onStream = () => kept.add();
  const { feed } = feedOf(t, kept.api);
  await until(() => feed.events.length === 12);
  kept.add();
  await until(() => feed.events.length === 13);
  assert.deepEqual(positions(feed), [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.equal(kept.asked[2].get('after'), '10');
});

test('a filter that nothing matches yet misses nothing, and looks at no event twice', async (t) => {
  const kept = log(5);
  const { feed } = feedOf(t, kept.api, { type: 'b' });
  await until(() => feed.state === 'live');
  assert.deepEqual(positions(feed), []);
  assert.equal(kept.asked.at(-1).get('after'), '5');
  assert.equal(kept.asked.at(-1).get('type'), 'b');
  kept.add('b');
  await until(() => feed.events.length === 1);
  assert.deepEqual(positions(feed), [6]);
});

test('older ones join at the end, and there is an end', async (t) => {
  const kept = log(250);
  const { feed } = feedOf(t, kept.api);
  await until(() => feed.state === 'live');
  assert.equal(feed.events.length, 100);
  assert.equal(feed.olderThan, 151);
  await feed.older();
  await feed.older();
  assert.equal(feed.events.length, 250);
  assert.equal(feed.olderThan, null);
  await feed.older();
  assert.equal(positions(feed).at(-1), 1);
});

test('what comes while it is paused is held, and shown afterwards in order', async (t) => {
  const kept = log(3);
  const { feed } = feedOf(t, kept.api);
  await until(() => feed.state === 'live');
  feed.pause();
  kept.add();
  kept.add();
  await until(() => feed.held === 2);
  assert.deepEqual(positions(feed), [3, 2, 1]);
  feed.resume();
  assert.deepEqual(positions(feed), [5, 4, 3, 2, 1]);
  assert.equal(feed.held, 0);
});

test('it is bounded, and what it lets go can be looked up again', async (t) => {
  const kept = log(100);
  const { feed } = feedOf(t, kept.api);
  await until(() => feed.state === 'live');
  for (let count = 0; count < MOST_EVENTS; count += 1) kept.add();
  await until(() => positions(feed)[0] === MOST_EVENTS + 100);
  assert.equal(feed.events.length, MOST_EVENTS);
  assert.equal(feed.olderThan, 101);
  feed.pause();
  await feed.older();
  assert.equal(positions(feed).at(-1), 1);
});

test('a page that is empty and not the last is no end', async (t) => {
  const pages = [{ events: [made(90)], next_after: null }, { events: [], next_after: 60 }, { events: [], next_after: 30 }, { events: [made(7)], next_after: 7 }];
  const asked = [];
  const api = { call: async (_, path) => { asked.push(path); return pages.shift(); }, send: async () => { throw new Problem({ status: 403, title: 'Forbidden' }); } };
  const { feed, running } = feedOf(t, api, { text: 'rare' });
  await running;
  assert.deepEqual(positions(feed), [7]);
  assert.equal(feed.olderThan, 7);
  assert.equal(feed.state, 'refused');
  assert.match(asked[3], /after=30/);
});

test('with an end in time nothing is followed', async (t) => {
  const kept = log(3);
  const { feed, running } = feedOf(t, kept.api, { until: '2026-03-01T12:00:00Z' });
  await running;
  assert.equal(feed.state, 'ended');
  assert.equal(kept.asked.length, 2);
});

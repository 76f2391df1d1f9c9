import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeKey } from '../../../browser/pages/lib/dpop.js';
import { withDocument } from './document.mjs';

const ORIGIN = 'https://gw.example.com';
const turns = async () => { for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => { setImmediate(resolve); }); };
const until = async (condition) => { for (let count = 0; !condition(); count += 1) { assert.ok(count < 1_000, 'it never came'); await new Promise((resolve) => { setTimeout(resolve, 2); }); } };

/** What IndexedDB keeps: requests are answered in their order, a little later. */
const disk = new Map();
const names = (query) => (typeof query === 'string' ? [query] : [...disk.keys()].filter((name) => name >= query.lower && name <= query.upper).sort());
const objectStore = {
  get: (name) => ({ result: disk.get(name) }),
  getAll: (range) => ({ result: names(range).map((name) => disk.get(name)) }),
  put: (value, name) => { disk.set(name, value); return {}; },
  delete: (query) => { for (const name of names(query)) disk.delete(name); return {}; },
};
const indexedDB = {
  open: () => {
    const request = { result: { transaction: () => { const one = { objectStore: () => objectStore }; setImmediate(() => one.oncomplete()); return one; } } };
    setImmediate(() => request.onsuccess());
    return request;
  },
};

const token = `e30.${Buffer.from(JSON.stringify({ sid: 's-1', iss: 'urn:watchgate:sessions', sub: 'ada', origin: { iss: 'https://idp.example.com' } })).toString('base64url')}.x`;
const keys = await makeKey();
let opened = 0;

/** Opens the page of somebody who is in. `answer(method, path)` is the service; what it does not answer never comes. `left` waits since an earlier page. */
async function open(context, { answer, left = [] }) {
  // It ends as it does when another tab has left; before the document goes.
  let end = async () => {};
  context.after(() => end());
  const { main, said, button } = withDocument(context);
  const root = document.createElement('div');
  root.setAttribute('id', 'page');
  document.body.append(root);
  main.remove();
  const page = new EventTarget();
  const calls = [];
  const storage = new Map();
  const globals = {
    indexedDB, IDBKeyRange: { bound: (lower, upper) => ({ lower, upper }) }, screen: { width: 390, height: 844 },
    location: { href: `${ORIGIN}/watch`, origin: ORIGIN, pathname: '/watch', hash: '' }, history: { replaceState: () => {} },
    addEventListener: page.addEventListener.bind(page), CSS: { escape: (text) => text },
    sessionStorage: { get length() { return storage.size; }, key: (index) => [...storage.keys()][index], getItem: (name) => storage.get(name) ?? null, setItem: (name, text) => storage.set(name, text), removeItem: (name) => storage.delete(name) },
    fetch: async (url, { method, signal }) => {
      const { pathname } = new URL(url);
      calls.push(`${method} ${pathname}`);
      const body = await answer(method, pathname);
      if (body !== undefined) return body instanceof Response ? body : Response.json(body);
      return new Promise((_, reject) => { signal?.addEventListener('abort', () => reject(signal.reason)); });
    },
  };
  const before = Object.fromEntries(Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { configurable: true, writable: true, value });
  disk.clear();
  disk.set('watch.session', { keys, token, refreshToken: 'r', scope: 'assistant:ask events:read commands:approve', expiresAt: Date.now() + 600_000, livesFor: 600_000 });
  for (const item of left) {
    const name = `watch.of.s-1.queue.${String(item.at).padStart(15, '0')}.000001.${item.id}`;
    disk.set(name, { session: 's-1', name, value: item });
  }
  end = async () => {
    disk.clear();
    globalThis.fetch = async () => new Response(null, { status: 401 });
    page.dispatchEvent(new Event('online'));
    await until(() => /Scan a code/.test(root.textContent));
    // What is said a moment later is said by this page still.
    await new Promise((resolve) => { setTimeout(resolve, 60); });
    for (const name of Object.keys(globals)) if (before[name]) Object.defineProperty(globalThis, name, before[name]); else delete globalThis[name];
  };
  opened += 1;
  await import(`../../../browser/pages/watch/main.js?${opened}`);
  const tab = (id) => root.querySelector(`[data-screen="${id}"]`);
  await until(() => root.querySelector('h1'));
  return { root, said, button, calls, page, go: (id) => tab(id).click(), words: () => root.textContent };
}

const approval = (at) => ({
  id: 'i-1', what: 'approve restart-worker', about: { id: 'c-1', runbook: 'restart-worker' }, method: 'POST', path: '/v1/commands/c-1/approval', body: { decision: 'approve', digest: 'd' },
  at, turn: 1, owner: 'gone', isTried: false,
});

test('that an approval of an earlier page was not sent is said', async (context) => {
  const late = await open(context, { left: [approval(Date.now() - 3_600_000)], answer: () => undefined });
  await until(() => /too long; it was not sent/.test(late.said()));
  late.go('alerts');
  assert.match(late.words(), /restart-workerNot doneThe line was away for too long; it was not sent\./);
  assert.deepEqual(late.calls.filter((call) => call.endsWith('/approval')), []);
});

test('an approval that an earlier page could not send goes out, and can be taken back', async (context) => {
  const page = await open(context, { left: [approval(Date.now() - 1_000)], answer: (method, path) => (path.endsWith('/approval') ? {} : undefined) });
  await until(() => /Approved restart-worker\./.test(page.said()));
  page.go('alerts');
  assert.match(page.words(), /restart-workerApproved/);
  assert.ok(page.button('Undo'));
});

test('each screen begins at its top', async (context) => {
  const page = await open(context, { answer: () => undefined });
  const main = page.root.querySelector('main');
  main.scrollTop = 19;
  page.go('alerts');
  assert.equal(main.scrollTop, 0);
});

test('whoever stays after a code was opened finds everything as it was', async (context) => {
  const page = await open(context, { answer: () => undefined });
  const nav = page.root.querySelector('nav');
  location.href = `${ORIGIN}/watch#handle`;
  page.page.dispatchEvent(new Event('hashchange'));
  assert.match(page.words(), /This is ada's already/);
  page.button('Stay').click();
  assert.equal(page.root.querySelector('nav'), nav);
});

test('whoever leaves sees it, and nothing that waits is sent any more', async (context) => {
  let gone;
  let isBack = false;
  const page = await open(context, {
    left: [approval(Date.now() - 1_000)],
    answer: (method, path) => {
      if (method === 'DELETE') return new Promise((resolve) => { gone = () => resolve(new Response(null, { status: 204 })); });
      if (!path.endsWith('/approval')) return undefined;
      if (isBack) return {};
      return new Response('{}', { status: 503 });
    },
  });
  const sent = () => page.calls.filter((call) => call.endsWith('/approval')).length;
  await until(() => sent() > 0);
  page.root.querySelectorAll('button').find((one) => one.getAttribute('aria-label') === 'This session').click();
  page.button('Leave this session').click();
  assert.equal(page.button('Leaving…').disabled, true);
  await until(() => gone);
  isBack = true;
  const before = sent();
  page.page.dispatchEvent(new Event('online'));
  await turns();
  assert.equal(sent(), before);
  gone();
  await until(() => /Scan a code/.test(page.words()));
  assert.deepEqual([...disk.keys()], []);
});

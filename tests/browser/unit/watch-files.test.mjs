import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const PAGES = new URL('../../../browser/pages/', import.meta.url);
const read = (name) => readFile(new URL(name, PAGES), 'utf8');

/** All that the first screen loads: `main.js` and what it imports, and what those import. */
async function loaded(name = 'watch/main.js', seen = new Set()) {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const [, imported] of (await read(name)).matchAll(/^(?:import|export) .*?from '(.+?)';$/gms)) {
    await loaded(new URL(imported, new URL(name, PAGES)).href.slice(PAGES.href.length), seen);
  }
  return seen;
}

test('what the first screen loads is asked for at once, and kept for when there is no line', async () => {
  const needed = [...await loaded()].map((name) => `/assets/${name}`).sort();
  assert.ok(needed.length > 15, `only ${needed.length} modules were found`);
  const html = await read('watch/index.html');
  const asked = [...html.matchAll(/(?:modulepreload" href|script type="module" src)="(.+?)"/g)].map(([, path]) => path).sort();
  assert.deepEqual(asked, needed);

  // The worker as the browser runs it, but for the events that it listens to.
  const worker = await read('watch/worker.js');
  const files = new Function('self', `${worker}; return FILES;`)({ addEventListener: () => {} });
  const others = [...html.matchAll(/<link rel="(?:icon|manifest|stylesheet)" href="(.+?)"/g)].map(([, path]) => path);
  assert.deepEqual([...files].sort(), ['/watch', ...others, ...needed].sort());
});

const ORIGIN = 'https://gw.example.com';

/** The worker of this version as a browser runs it. `served` gives what the service answers for a path, or throws; `stores` are the caches that there are. */
async function workerOf(version, { served, stores }) {
  const script = (await read('watch/worker.js')).replaceAll('__PAGES_VERSION__', version);
  const listeners = {};
  const self = { isWaiting: true, location: { origin: ORIGIN }, addEventListener: (type, listen) => { listeners[type] = listen; }, skipWaiting: async () => { self.isWaiting = false; }, clients: { claim: async () => {} } };
  const pathOf = (request) => (typeof request === 'string' ? request : request.path ?? new URL(request.url).pathname);
  const fetch = async (request) => new Response(await served(pathOf(request)));
  const caches = {
    open: async (name) => {
      if (!stores.has(name)) stores.set(name, new Map());
      const store = stores.get(name);
      return {
        match: async (path) => store.get(path)?.clone(),
        put: async (path, response) => { store.set(path, response); },
        addAll: async (requests) => { const all = await Promise.all(requests.map(async (request) => [request.path, await fetch(request)])); for (const [path, response] of all) store.set(path, response); },
      };
    },
    keys: async () => [...stores.keys()],
    delete: async (name) => stores.delete(name),
  };
  class Request { constructor(path) { this.path = path; } }
  new Function('self', 'caches', 'fetch', 'Request', script)(self, caches, fetch, Request);
  const heard = async (type, more = {}) => {
    let done;
    listeners[type]({ ...more, waitUntil: (work) => { done = work; } });
    await done;
  };
  const opened = async (path) => {
    let answer;
    const kept = [];
    listeners.fetch({ request: { method: 'GET', url: ORIGIN + path }, respondWith: (coming) => { answer = coming; }, waitUntil: (work) => kept.push(work) });
    const response = await answer;
    await Promise.all(kept);
    return response?.text();
  };
  return { self, install: () => heard('install'), activate: () => heard('activate'), tell: (data) => listeners.message({ data }), opened };
}

test('a page is of one version, also while another one is fetched and without a line', async () => {
  const stores = new Map();
  let version = 'one';
  let isAway = false;
  const served = async (path) => {
    if (isAway) throw new TypeError('the line');
    return path === '/watch/worker.js' ? `const VERSION = '${version}';` : `${path} of ${version}`;
  };
  const first = await workerOf('one', { served, stores });
  await first.install();
  await first.activate();
  version = 'two';
  const module = '/assets/watch/main.js';
  assert.equal(await first.opened(module), `${module} of one`);
  // What is not of the set comes from the service, and stays for when it cannot.
  assert.equal(await first.opened('/assets/watch/scan.js'), '/assets/watch/scan.js of two');
  const second = await workerOf('two', { served, stores });
  await second.install();
  assert.equal(await first.opened('/watch'), '/watch of one');
  isAway = true;
  assert.deepEqual([await first.opened(module), await first.opened('/assets/watch/scan.js')], [`${module} of one`, '/assets/watch/scan.js of two']);
  assert.equal(second.self.isWaiting, true);
  second.tell('take over');
  assert.equal(second.self.isWaiting, false);
  await second.activate();
  assert.deepEqual([...stores.keys()], ['watch-two']);
  assert.deepEqual([await second.opened('/watch'), await second.opened(module)], ['/watch of two', `${module} of two`]);
  await assert.rejects(second.opened('/assets/watch/scan.js'), TypeError);
});

test('a set that was fetched while the service was replaced is not taken', async () => {
  const stores = new Map();
  let asked = 0;
  const served = async (path) => { asked += 1; const version = asked > 5 ? 'two' : 'one'; return path === '/watch/worker.js' ? `const VERSION = '${version}';` : version; };
  const worker = await workerOf('one', { served, stores });
  await assert.rejects(worker.install(), /another version/);
  assert.equal(stores.size, 0);
});

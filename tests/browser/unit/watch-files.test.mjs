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

// What is seen by whoever is not signed in, with as much of a page as that needs.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { showSignIn } from '../../../browser/pages/console/sign-in-screen.js';

globalThis.Node = class extends EventTarget {
  children = [];
  attributes = {};
  setAttribute(name, value) { this.attributes[name] = value; }
  append(...children) { this.children.push(...children); }
  replaceChildren() { this.children = []; }
  focus() {}
};
globalThis.document = { createElement: (tag) => Object.assign(new Node(), { tag }) };

const all = (node) => [node, ...(node.children ?? []).flatMap(all)];
const until = async (condition) => { while (!condition()) await new Promise((resolve) => { setImmediate(resolve); }); };

test('whoever comes back from the provider without an answer can press again', async (context) => {
  const issuer = 'https://idp.example.com';
  const metadata = { issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` };
  const window = new EventTarget();
  globalThis.addEventListener = (...listener) => window.addEventListener(...listener);
  const gone = [];
  globalThis.location = { hash: '', assign: (url) => gone.push(url) };
  context.mock.method(globalThis, 'fetch', async () => Response.json(metadata));
  const store = { keep: async () => {}, readAll: async () => [] };
  const page = new Node();
  showSignIn(page, { config: { issuer, client_id: 'console', scope: 'openid' }, session: null, store, redirectUri: 'https://gw.example.com/console' });
  const button = all(page).find(({ tag }) => tag === 'button');
  for (let times = 1; times <= 2; times += 1) {
    button.dispatchEvent(new Event('click'));
    assert.equal(button.disabled, true);
    await until(() => gone.length === times);
    assert.equal(button.disabled, true);
    window.dispatchEvent(new Event('pageshow'));
    assert.equal(button.disabled, false);
  }
});

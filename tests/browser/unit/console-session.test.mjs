// Who is signed in, and what becomes of that which was asked for when the token ends meanwhile.

import assert from 'node:assert/strict';
import test from 'node:test';

import { encodeText } from '../../../browser/pages/lib/base64url.js';
import { Session } from '../../../browser/pages/console/session.js';

const store = { read: async () => undefined, keep: async () => {}, forget: async () => {} };
const token = (sub, more = {}) => `e30.${encodeText(JSON.stringify({ iss: 'https://idp.example.com', sub, exp: Date.now() / 1000 + 600, ...more }))}.x`;
const session = () => new Session({ config: { client_id: 'console' }, store });

test('nobody is signed in at first', async () => {
  const one = session();
  assert.equal(one.state, 'out');
  assert.equal(await one.credentials(), null);
  assert.equal(await one.renewed(), false);
});

test('a pasted token is used as it is, and shown as what it says of itself', async () => {
  const one = session();
  const pasted = token('ada', { name: 'Ada', scope: 'events:read assistant:ask' });
  one.paste(pasted);
  assert.deepEqual(await one.credentials(), { token: pasted, keys: undefined });
  assert.equal(one.principal.name, 'Ada');
  assert.deepEqual(one.principal.scopes, ['events:read', 'assistant:ask']);
  assert.equal(one.principal.isBound, false);
  await one.signOut();
  assert.equal(await one.credentials(), null);
});

test('what waits for a token goes on when the same person is back', async () => {
  const one = session();
  one.paste(token('ada'));
  const waiting = one.renewed();
  assert.equal(one.state, 'ended');
  const second = one.renewed();
  const changes = [];
  one.addEventListener('change', ({ isSame }) => changes.push(isSame));
  one.paste(token('ada', { jti: '2' }));
  assert.equal(await waiting, true);
  assert.equal(await second, true);
  assert.equal(one.state, 'in');
  assert.deepEqual(changes, [true]);
  await one.signOut();
});

test('what one person asked for is not done in the name of another', async () => {
  const one = session();
  one.paste(token('ada'));
  const waiting = one.renewed();
  const changes = [];
  one.addEventListener('change', ({ isSame }) => changes.push(isSame));
  one.paste(token('ben'));
  assert.equal(await waiting, false);
  assert.deepEqual(changes, [false]);
  await one.signOut();
});

test('tokens that name nobody are not taken for the same person', async () => {
  const one = session();
  one.paste('opaque-1');
  const waiting = one.renewed();
  one.paste('opaque-2');
  assert.equal(await waiting, false);
  await one.signOut();
});

test('signing out ends the waiting', async () => {
  const one = session();
  one.paste(token('ada'));
  const waiting = one.renewed();
  await one.signOut();
  assert.equal(await waiting, false);
  assert.equal(one.state, 'out');
  assert.equal(one.principal, null);
});

test('a token that is over says so by itself', async () => {
  const one = session();
  const ended = new Promise((resolve) => { one.addEventListener('change', () => { if (one.state === 'ended') resolve(); }); });
  one.paste(token('ada', { exp: Date.now() / 1000 + 0.05 }));
  await ended;
  assert.equal(one.principal.sub, 'ada');
  await one.signOut();
});

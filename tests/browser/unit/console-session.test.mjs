// Who is signed in, and what becomes of that which was asked for when the token ends meanwhile.

import assert from 'node:assert/strict';
import test from 'node:test';

import { Api } from '../../../browser/pages/lib/api.js';
import { encodeText } from '../../../browser/pages/lib/base64url.js';
import { Session } from '../../../browser/pages/console/session.js';

const ISSUER = 'https://idp.example.com';
const metadata = { token_endpoint: `${ISSUER}/token`, revocation_endpoint: `${ISSUER}/revoke` };
const store = { read: async () => undefined, keep: async () => {}, forgetAll: async () => {} };
const token = (sub, more = {}) => `e30.${encodeText(JSON.stringify({ iss: ISSUER, aud: 'console', nonce: 'n', sub, exp: Date.now() / 1000 + 600, ...more }))}.x`;
const session = (transport) => new Session({ config: { issuer: ISSUER, client_id: 'console', scope: 'openid' }, store, transport });
const soon = () => new Promise((resolve) => { setImmediate(resolve); });

/** Tokens as the provider gives them; `number` tells them apart. */
const tokens = (sub, number, more = {}) => Response.json({
  access_token: `${sub}-${number}`, token_type: 'Bearer', expires_in: 600, refresh_token: `refresh-${sub}-${number}`, id_token: token(sub), ...more,
});

/** A provider that answers in turn, each answer as soon as it is there, and what it was asked; it takes every revocation. */
function provider(...answers) {
  const asked = [];
  const revoked = [];
  const transport = async (url, { body }) => {
    const form = Object.fromEntries(new URLSearchParams(body));
    if (url.endsWith('/revoke')) return revoked.push(form.token) && new Response(null);
    asked.push(form);
    const answer = answers.shift();
    assert.ok(answer, `nobody expected ${form.grant_type}`);
    return answer();
  };
  return { transport, asked, revoked };
}

/** Somebody who has signed in, at a provider that then answers so. */
async function signedIn(first, ...answers) {
  const at = provider(() => first, ...answers);
  const one = session(at.transport);
  await back(one);
  return { one, ...at };
}

const back = (one) => one.finish({ answer: { code: 'c', iss: null, error: null }, pending: { nonce: 'n', keys: null }, metadata });
const away = () => { throw new TypeError('the line'); };
const refusal = (error, status = 400) => () => Response.json({ error }, { status });

/** An answer that comes when somebody says so. */
function later() {
  let come;
  const answer = new Promise((resolve) => { come = resolve; });
  return { answer: () => answer, come };
}

test('nobody is signed in at first', async () => {
  const one = session();
  assert.equal(one.state, 'out');
  assert.equal(await one.credentials(), null);
  assert.equal(await one.renewed(null), null);
});

test('a pasted token is used as it is, and shown as what it says of itself', async () => {
  const one = session();
  const pasted = token('ada', { name: 'Ada', scope: 'events:read assistant:ask' });
  one.paste(pasted);
  const { token: used, keys } = await one.credentials();
  assert.deepEqual([used, keys], [pasted, undefined]);
  assert.equal(one.principal.name, 'Ada');
  assert.deepEqual(one.principal.scopes, ['events:read', 'assistant:ask']);
  assert.equal(one.principal.isBound, false);
  await one.signOut();
  assert.equal(await one.credentials(), null);
});

test('what waits for a token goes on when the same person is back', async () => {
  const one = session();
  one.paste(token('ada'));
  const refused = await one.credentials();
  const waiting = one.renewed(refused);
  assert.equal(one.state, 'ended');
  const second = one.renewed(refused);
  const changes = [];
  one.addEventListener('change', ({ isSame }) => changes.push(isSame));
  const next = token('ada', { jti: '2' });
  one.paste(next);
  assert.deepEqual([(await waiting).token, (await second).token], [next, next]);
  assert.equal(one.state, 'in');
  assert.deepEqual(changes, [true]);
  await one.signOut();
});

test('what one person asked for is not done in the name of another', async () => {
  const one = session();
  one.paste(token('ada'));
  const waiting = one.renewed(await one.credentials());
  const changes = [];
  one.addEventListener('change', ({ isSame }) => changes.push(isSame));
  one.paste(token('ben'));
  assert.equal(await waiting, null);
  assert.deepEqual(changes, [false]);
  await one.signOut();
});

test('what is under way when another person signs in is not repeated in their name', async () => {
  const { one, asked } = await signedIn(tokens('ada', 1), () => tokens('ben', 1));
  const answer = later();
  const sent = [];
  const transport = (_, { headers }) => { sent.push(headers.authorization); return answer.answer(); };
  const api = new Api({ origin: 'https://gw.example.com', transport, credentials: () => one.credentials(), renewed: (refused) => one.renewed(refused) });
  const approval = api.call('POST', '/v1/commands/1/approve', { body: {} });
  while (sent.length === 0) await soon();
  await back(one);
  assert.equal(one.principal.sub, 'ben');
  answer.come(Response.json({}, { status: 401 }));
  await assert.rejects(approval, { status: 401 });
  assert.deepEqual([sent, asked.length, one.state], [['Bearer ada-1'], 2, 'in']);
});

test('a refusal of the old token that comes late does not end what was begun anew', async () => {
  const one = session();
  one.paste(token('ada'));
  const old = await one.credentials();
  const waiting = one.renewed(old);
  const next = token('ada', { jti: '2' });
  one.paste(next);
  assert.equal((await waiting).token, next);
  assert.equal((await one.renewed(old)).token, next);
  assert.equal(one.state, 'in');
  await one.signOut();
});

test('a provider that cannot answer now ends nothing, and the refresh token is used again', async () => {
  const { one, asked } = await signedIn(tokens('ada', 1), away, refusal('later', 503), () => tokens('ada', 2));
  const refused = await one.credentials();
  await assert.rejects(one.renewed(refused), { status: 0, isPassing: true });
  await assert.rejects(one.renewed(refused), { status: 503 });
  assert.equal(one.state, 'in');
  assert.equal((await one.renewed(refused)).token, 'ada-2');
  assert.deepEqual(asked.slice(1).map((form) => form.refresh_token), Array(3).fill('refresh-ada-1'));
});

test('tokens whose answer broke off end nothing either', async () => {
  const broken = () => new Response(new ReadableStream({ pull: (body) => body.error(new TypeError('the line')) }));
  const { one } = await signedIn(tokens('ada', 1), broken);
  await assert.rejects(one.renewed(await one.credentials()), { status: 0 });
  assert.equal(one.state, 'in');
});

test('a refresh token that is refused ends the sign-in, and is not sent again', async () => {
  for (const answer of [refusal('invalid_grant'), () => tokens('ben', 1)]) {
    const { one, asked } = await signedIn(tokens('ada', 1), answer, () => tokens('ada', 2));
    const waiting = one.renewed(await one.credentials());
    while (one.state === 'in') await soon();
    assert.deepEqual([one.state, asked.length], ['ended', 2]);
    await back(one);
    assert.equal((await waiting).token, 'ada-2');
  }
});

test('a token that is over is not sent when there cannot be another one now', async () => {
  const { one } = await signedIn(tokens('ada', 1, { expires_in: 0.001 }), away, () => tokens('ada', 2));
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  await assert.rejects(one.credentials(), { status: 0 });
  assert.equal((await one.credentials()).token, 'ada-2');
  const { one: soonOver } = await signedIn(tokens('ada', 1, { expires_in: 100 }), away);
  assert.equal((await soonOver.credentials()).token, 'ada-1');
});

test('a token that lives for half a minute is not renewed with each call', async () => {
  const { one, asked } = await signedIn(tokens('ada', 1, { expires_in: 25 }));
  assert.equal((await one.credentials()).token, 'ada-1');
  assert.equal(asked.length, 1);
});

test('whoever signs out while tokens are on their way stays out, and nobody keeps those', async () => {
  const first = later();
  const { transport, revoked } = provider(first.answer);
  const one = session(transport);
  const signingIn = back(one);
  await one.signOut();
  first.come(tokens('ada', 1));
  await signingIn;
  assert.deepEqual([one.state, await one.credentials(), revoked], ['out', null, ['refresh-ada-1']]);

  const second = later();
  const { one: other, revoked: gone } = await signedIn(tokens('ada', 1), second.answer);
  const waiting = other.renewed(await other.credentials());
  await other.signOut();
  second.come(tokens('ada', 2));
  assert.equal(await waiting, null);
  assert.deepEqual([other.state, gone], ['out', ['refresh-ada-1', 'refresh-ada-2']]);
});

test('tokens that name nobody are not taken for the same person', async () => {
  const one = session();
  one.paste('opaque-1');
  const waiting = one.renewed(await one.credentials());
  one.paste('opaque-2');
  assert.equal(await waiting, null);
  await one.signOut();
});

test('signing out ends the waiting', async () => {
  const one = session();
  one.paste(token('ada'));
  const waiting = one.renewed(await one.credentials());
  await one.signOut();
  assert.equal(await waiting, null);
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

// Signing in, step by step, against a provider that answers what a test says.

import assert from 'node:assert/strict';
import test from 'node:test';

import { decode, encode, encodeText } from '../../../browser/pages/lib/base64url.js';
import { answerIn, begin, finish, idTokenClaims, isForWindow, metadataOf, refresh, take } from '../../../browser/pages/console/sign-in.js';

const ISSUER = 'https://idp.example.com';
const NOW = 1_800_000_000_000;
const now = () => NOW;
const config = { issuer: ISSUER, client_id: 'console', scope: 'openid events:read', resource: 'https://gw.example.com' };
const metadata = {
  issuer: ISSUER, authorization_endpoint: `${ISSUER}/authorize?tenant=a`, token_endpoint: `${ISSUER}/token`,
  dpop_signing_alg_values_supported: ['RS256', 'ES256'], authorization_response_iss_parameter_supported: true,
};

function memory() {
  const kept = new Map();
  return { read: async (name) => kept.get(name), keep: async (name, value) => { kept.set(name, value); }, forget: async (name) => { kept.delete(name); } };
}

function idToken(claims) {
  return `${encodeText('{"alg":"RS256"}')}.${encodeText(JSON.stringify({ iss: ISSUER, aud: 'console', sub: 'ada', exp: NOW / 1000 + 300, ...claims }))}.c2ln`;
}

/** A provider whose answers come in turn, and what it was asked. */
function provider(...answers) {
  const asked = [];
  const transport = async (url, request) => {
    asked.push({ url, headers: request.headers, form: Object.fromEntries(new URLSearchParams(request.body)) });
    const { status = 200, body, headers = {} } = answers.shift();
    return new Response(JSON.stringify(body), { status, headers });
  };
  return { asked, transport };
}

async function begun({ has = metadata, store = memory(), ...more } = {}) {
  const { url, state } = await begin({ config, metadata: has, store, redirectUri: 'https://gw.example.com/console', now, ...more });
  return { url: new URL(url), state, store };
}

async function finished({ has = metadata, answer = {}, token = {}, claims = {}, before = [] } = {}) {
  const { state, store } = await begun({ has });
  const whole = { code: 'abc', state, iss: ISSUER, error: null, description: null, ...answer };
  const pending = await take(whole, store, now);
  const body = { access_token: 'at', token_type: pending.keys ? 'DPoP' : 'Bearer', expires_in: 300, id_token: idToken({ nonce: pending.nonce, ...claims }), ...token };
  const { asked, transport } = provider(...before, { body });
  const signedIn = await finish({ answer: whole, pending, config, metadata: has, transport, now });
  return { signedIn, asked, pending };
}

const fails = (kind) => (problem) => {
  assert.equal(problem.name, 'Problem', problem.stack);
  assert.equal(problem.kind, kind);
  return true;
};

test('the request has everything that the answer is held against, and the digest of the verifier', async () => {
  const { url, store } = await begun();
  const [pending] = await store.read('console.sign-ins');
  const of = (name) => url.searchParams.get(name);
  assert.equal(of('tenant'), 'a');
  assert.equal(of('response_type'), 'code');
  assert.equal(of('client_id'), 'console');
  assert.equal(of('redirect_uri'), 'https://gw.example.com/console');
  assert.equal(of('resource'), 'https://gw.example.com');
  assert.equal(of('state'), pending.state);
  assert.equal(of('nonce'), pending.nonce);
  assert.equal(of('code_challenge_method'), 'S256');
  assert.equal(of('code_challenge'), encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(pending.verifier))));
  assert.equal(decode(of('dpop_jkt')).length, 32);
  assert.ok(pending.verifier.length >= 43);
  assert.equal(pending.keys.privateKey.extractable, false);
  assert.ok(!url.href.includes(pending.verifier));
});

test('no key is asked for where the provider knows no proofs with ES256', async () => {
  const { url, store } = await begun({ has: { ...metadata, dpop_signing_alg_values_supported: ['RS256'] } });
  assert.equal(url.searchParams.has('dpop_jkt'), false);
  assert.equal((await store.read('console.sign-ins'))[0].keys, null);
});

test('a code becomes tokens, with the verifier and a proof of the key', async () => {
  const { signedIn, asked, pending } = await finished({ token: { refresh_token: 'rt' } });
  assert.equal(signedIn.token, 'at');
  assert.equal(signedIn.refreshToken, 'rt');
  assert.equal(signedIn.keys, pending.keys);
  assert.equal(signedIn.expiresAt, NOW + 300_000);
  assert.equal(signedIn.claims.sub, 'ada');
  const [{ form, headers }] = asked;
  assert.deepEqual(form, {
    grant_type: 'authorization_code', code: 'abc', redirect_uri: 'https://gw.example.com/console', client_id: 'console', code_verifier: pending.verifier, resource: 'https://gw.example.com',
  });
  const claims = JSON.parse(new TextDecoder().decode(decode(headers.dpop.split('.')[1])));
  assert.equal(claims.htm, 'POST');
  assert.equal(claims.htu, `${ISSUER}/token`);
  assert.equal(claims.ath, undefined);
});

test('a nonce that the token endpoint asks for goes into a second proof, once', async () => {
  const wanted = { status: 400, body: { error: 'use_dpop_nonce' }, headers: { 'dpop-nonce': 'n-1' } };
  const { asked } = await finished({ before: [wanted] });
  const nonces = asked.map(({ headers }) => JSON.parse(new TextDecoder().decode(decode(headers.dpop.split('.')[1]))).nonce);
  assert.deepEqual(nonces, [undefined, 'n-1']);
  await assert.rejects(finished({ before: [wanted, wanted] }), fails('use_dpop_nonce'));
});

test('an answer with a state that nobody began is refused, and nothing is sent', async () => {
  const { store } = await begun();
  await assert.rejects(take({ state: 'forged', code: 'abc' }, store, now), fails('wrong-state'));
});

test('an answer counts once', async () => {
  const { state, store } = await begun();
  await take({ state, code: 'abc' }, store, now);
  await assert.rejects(take({ state, code: 'abc' }, store, now), fails('wrong-state'));
});

test('what was begun a quarter of an hour ago was given up', async () => {
  const { state, store } = await begun();
  await assert.rejects(take({ state, code: 'abc' }, store, () => NOW + 15 * 60_000), fails('wrong-state'));
});

test('two tabs may sign in at once', async () => {
  const store = memory();
  const first = await begun({ store });
  const second = await begun({ store, isWindow: true });
  assert.equal(await isForWindow({ state: first.state }, store, now), false);
  assert.equal(await isForWindow({ state: second.state }, store, now), true);
  assert.equal((await take({ state: first.state }, store, now)).state, first.state);
  assert.equal((await take({ state: second.state }, store, now)).state, second.state);
});

test('an answer of another issuer is refused before anything else is read of it', async () => {
  await assert.rejects(finished({ answer: { iss: 'https://evil.example' } }), fails('wrong-issuer'));
  await assert.rejects(finished({ answer: { iss: 'https://evil.example', code: null, error: 'access_denied' } }), fails('wrong-issuer'));
});

test('an answer that does not name its issuer is refused where the provider says that it does', async () => {
  await assert.rejects(finished({ answer: { iss: null } }), fails('wrong-issuer'));
  const { signedIn } = await finished({ answer: { iss: null }, has: { ...metadata, authorization_response_iss_parameter_supported: undefined } });
  assert.equal(signedIn.token, 'at');
});

test('a refusal is told in the words of the provider', async () => {
  const refusal = { code: null, error: 'access_denied', description: 'You are no tester.' };
  await assert.rejects(finished({ answer: refusal }), (problem) => fails('access_denied')(problem) && problem.detail === 'You are no tester.');
});

test('an id token that is not for this sign-in is refused', async () => {
  for (const [claims, kind] of [
    [{ nonce: 'another' }, 'wrong-nonce'], [{ nonce: undefined }, 'wrong-nonce'], [{ iss: 'https://evil.example' }, 'wrong-issuer'], [{ aud: 'other' }, 'wrong-audience'],
    [{ aud: ['console', 'other'] }, 'wrong-audience'], [{ azp: 'other' }, 'wrong-audience'], [{ exp: NOW / 1000 - 61 }, 'expired'], [{ exp: undefined }, 'expired'], [{ sub: '' }, 'no-subject'],
  ]) {
    await assert.rejects(finished({ claims }), fails(kind), JSON.stringify(claims));
  }
  const { signedIn } = await finished({ claims: { aud: ['console', 'other'], azp: 'console' } });
  assert.equal(signedIn.claims.sub, 'ada');
  await assert.rejects(finished({ token: { id_token: undefined } }), fails('no-id-token'));
});

test('a token that is not bound is refused where a bound one was asked for', async () => {
  await assert.rejects(finished({ token: { token_type: 'Bearer' } }), fails('wrong-token-type'));
  const { signedIn } = await finished({ has: { ...metadata, dpop_signing_alg_values_supported: undefined } });
  assert.equal(signedIn.keys, null);
});

test('a refresh keeps the person, and the refresh token where no other comes', async () => {
  const { signedIn } = await finished({ token: { refresh_token: 'rt' } });
  const next = provider({ body: { access_token: 'at2', token_type: 'DPoP', expires_in: 300 } });
  const renewed = await refresh({ signedIn, config, metadata, transport: next.transport, now });
  assert.equal(renewed.token, 'at2');
  assert.equal(renewed.refreshToken, 'rt');
  assert.equal(next.asked[0].form.refresh_token, 'rt');
  const other = provider({ body: { access_token: 'at3', token_type: 'DPoP', id_token: idToken({ sub: 'ben' }) } });
  await assert.rejects(refresh({ signedIn, config, metadata, transport: other.transport, now }), fails('wrong-subject'));
});

test('a provider that calls itself something else is not asked further', async () => {
  const { transport } = provider({ body: { ...metadata, issuer: 'https://evil.example' } });
  await assert.rejects(metadataOf(ISSUER, transport), fails('wrong-issuer'));
});

test('an address without an answer is none', () => {
  assert.equal(answerIn('?code=abc'), null);
  assert.equal(answerIn('?state=abc'), null);
  assert.deepEqual(answerIn('?error=access_denied&state=s'), { code: null, state: 's', iss: null, error: 'access_denied', description: null });
});

test('claims are read as UTF-8', () => {
  const claims = idTokenClaims(idToken({ nonce: 'n', name: 'Zoë' }), { issuer: ISSUER, clientId: 'console', nonce: 'n', now });
  assert.equal(claims.name, 'Zoë');
});

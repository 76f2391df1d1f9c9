// Signing in, step by step, against a provider that answers what a test says.

import assert from 'node:assert/strict';
import test from 'node:test';

import { decode, encode, encodeText } from '../../../browser/pages/lib/base64url.js';
import { prepare } from '../../../browser/pages/console/sign-in-answer.js';
import { answerIn, begin, finish, forgetBegun, idTokenClaims, isForWindow, metadataOf, refresh, take } from '../../../browser/pages/console/sign-in.js';
import { disk } from './disk.mjs';

const ISSUER = 'https://idp.example.com';
const NOW = 1_800_000_000_000;
const now = () => NOW;
const config = { issuer: ISSUER, client_id: 'console', scope: 'openid events:read', resource: 'https://gw.example.com' };
const metadata = {
  issuer: ISSUER, authorization_endpoint: `${ISSUER}/authorize?tenant=a`, token_endpoint: `${ISSUER}/token`,
  dpop_signing_alg_values_supported: ['RS256', 'ES256'], authorization_response_iss_parameter_supported: true,
};

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

async function begun({ has = metadata, store = disk(), ...more } = {}) {
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
  const [pending] = await store.readAll('console.sign-in.');
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
  assert.equal((await store.readAll('console.sign-in.'))[0].keys, null);
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

test('of two pages with the same answer one has it, and of two that begin at once neither loses its own', async () => {
  const store = disk();
  const [first, second] = await Promise.all([begun({ store }), begun({ store })]);
  const taken = await Promise.allSettled([1, 2].map(() => take({ state: first.state }, store, now)));
  assert.deepEqual(taken.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  assert.equal((await take({ state: second.state }, store, now)).state, second.state);
});

test('what was given up does not stay, and at last nothing does', async () => {
  const store = disk();
  const old = await begun({ store, now: () => NOW - 15 * 60_000 });
  const states = [];
  for (let count = 0; count < 6; count += 1) states.push((await begun({ store, now: () => NOW + count })).state);
  assert.deepEqual([...store.kept.keys()].sort(), states.slice(1).map((state) => `console.sign-in.${state}`).sort());
  assert.equal(store.kept.has(`console.sign-in.${old.state}`), false);
  await forgetBegun(store);
  assert.equal(store.kept.size, 0);
});

test('what the line keeps away is asked for again with the same answer, which is used up last', async () => {
  const { state, store } = await begun({ now: Date.now, place: '#/ask' });
  const answer = { code: 'abc', state, iss: ISSUER, error: null, description: null };
  const places = [];
  const finished = [];
  const parts = { config, store, session: { finish: async (given) => finished.push(given) }, moved: (place) => places.push(place) };
  const away = new Error('the line');
  await assert.rejects(prepare(answer, { ...parts, describe: async () => { throw away; } }), away);
  const finishing = await prepare(answer, { ...parts, describe: async () => metadata });
  assert.deepEqual([store.kept.size, finished.length], [1, 0]);
  await finishing();
  assert.deepEqual([store.kept.size, places, finished[0].pending.state, finished[0].metadata], [0, ['#/ask'], state, metadata]);
});

test('an answer for a page that waits for it is given to that page, before anything is asked of the provider', async () => {
  const { state, store } = await begun({ now: Date.now, isWindow: true });
  const nobody = () => { throw new Error('nobody asks'); };
  assert.equal(await prepare({ state, code: 'abc' }, { config, store, give: async () => true, describe: nobody }), null);
  const finishing = await prepare({ state, code: 'abc' }, { config, store, give: async () => false, describe: async () => metadata });
  assert.equal(typeof finishing, 'function');
});

test('an error that belongs to no sign-in is told by its name, and not in the words of whoever wrote the link', async () => {
  const store = disk();
  const answer = answerIn('?error=invalid_scope&error_description=Call+me');
  await assert.rejects(take(answer, store, now), (problem) => fails('no-state')(problem) && /invalid_scope/.test(problem.detail) && !/Call/.test(problem.detail));
  await assert.rejects(take(answerIn('?error=Call+me'), store, now), (problem) => fails('no-state')(problem) && !/Call/.test(problem.detail));
});

test('what was begun a quarter of an hour ago was given up', async () => {
  const { state, store } = await begun();
  await assert.rejects(take({ state, code: 'abc' }, store, () => NOW + 15 * 60_000), fails('wrong-state'));
});

test('two tabs may sign in at once', async () => {
  const store = disk();
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

test('a provider whose description broke off cannot be reached, and is no other one', async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError('the line')) });
  await assert.rejects(metadataOf(ISSUER, async () => new Response(body)), { status: 0, title: 'The identity provider cannot be reached' });
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

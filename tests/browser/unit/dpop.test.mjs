import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';

import { Api } from '../../../browser/pages/lib/api.js';
import { decode, encode, encodeText } from '../../../browser/pages/lib/base64url.js';
import { learn, now } from '../../../browser/pages/lib/clock.js';
import { makeKey, proof, thumbprint } from '../../../browser/pages/lib/dpop.js';

const parts = (text) => text.split('.').map((part) => Buffer.from(part, 'base64url'));

test('a proof holds one request and is signed by the key that it names', async () => {
  const keys = await makeKey();
  const signed = await proof(keys, { method: 'POST', url: 'https://gw.example.com/v1/ask?short=1', token: 'abc', nonce: 'n' });
  const [header, claims, signature] = parts(signed);
  const { typ, alg, jwk } = JSON.parse(header);
  assert.deepEqual([typ, alg, Object.keys(jwk)], ['dpop+jwt', 'ES256', ['crv', 'kty', 'x', 'y']]);
  const { jti, iat, ...rest } = JSON.parse(claims);
  const ath = createHash('sha256').update('abc').digest('base64url');
  assert.deepEqual(rest, { htm: 'POST', htu: 'https://gw.example.com/v1/ask', ath, nonce: 'n' });
  assert.ok(Math.abs(iat - Date.now() / 1000) < 5 && jti.length > 20);
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const text = Buffer.from(signed.slice(0, signed.lastIndexOf('.')));
  assert.ok(verify('sha256', text, { key, dsaEncoding: 'ieee-p1363' }, signature));
  const name = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
  assert.equal(await thumbprint(keys), name);
});

test('nobody can read the private key', async () => {
  const { privateKey } = await makeKey();
  assert.equal(privateKey.extractable, false);
  await assert.rejects(crypto.subtle.exportKey('jwk', privateKey));
});

test('base64url of every length comes back', () => {
  for (let length = 0; length < 40; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 37 + length) % 256);
    assert.equal(encode(bytes), Buffer.from(bytes).toString('base64url'));
    assert.deepEqual(decode(encode(bytes)), bytes);
  }
  assert.equal(encodeText('{"ö":1}'), Buffer.from('{"ö":1}').toString('base64url'));
});

test('a server that asks for a nonce gets the next proof with it, and every later one', async () => {
  const keys = await makeKey();
  const nonces = [];
  const transport = async (_, { headers }) => {
    nonces.push(JSON.parse(parts(headers.dpop)[1]).nonce);
    if (nonces.length > 1) return new Response(null, { status: 204 });
    return new Response('{}', { status: 401, headers: { 'dpop-nonce': 'one', 'www-authenticate': 'DPoP error="use_dpop_nonce"' } });
  };
  const api = new Api({ origin: 'https://gw.example.com', transport, credentials: async () => ({ token: 'abc', keys }) });
  assert.equal(await api.call('GET', '/v1/commands'), null);
  await api.call('GET', '/v1/commands');
  assert.deepEqual(nonces, [undefined, 'one', 'one']);
});

test('a refused token is renewed once, and the request goes out again', async () => {
  let token = 'old';
  let renewed = 0;
  const seen = [];
  const transport = async (_, { headers }) => {
    seen.push(headers.authorization);
    return headers.authorization === 'Bearer new' ? Response.json({ fine: true }) : Response.json({ title: 'No' }, { status: 401 });
  };
  const renew = async (refused) => { assert.deepEqual(refused, { token: 'old' }); renewed += 1; token = 'new'; return renewed === 1 ? { token } : null; };
  const api = new Api({ origin: 'https://gw.example.com', transport, credentials: async () => ({ token }), renewed: renew });
  assert.deepEqual(await api.call('GET', '/v1/commands'), { fine: true });
  assert.deepEqual(seen, ['Bearer old', 'Bearer new']);
  token = 'old';
  await assert.rejects(api.call('GET', '/v1/commands'), { status: 401 });
});

test('another token may be wanted with another nonce, too', async () => {
  const keys = await makeKey();
  const seen = [];
  const transport = async (_, { headers }) => {
    const { nonce } = JSON.parse(parts(headers.dpop)[1]);
    seen.push([headers.authorization, nonce]);
    if (headers.authorization === 'DPoP old') return Response.json({}, { status: 401 });
    if (nonce === 'two') return Response.json({ fine: true });
    return Response.json({}, { status: 401, headers: { 'dpop-nonce': 'two', 'www-authenticate': 'DPoP error="use_dpop_nonce"' } });
  };
  const api = new Api({ origin: 'https://gw.example.com', transport, credentials: async () => ({ token: 'old', keys }), renewed: async () => ({ token: 'new', keys }) });
  assert.deepEqual(await api.call('GET', '/v1/commands'), { fine: true });
  assert.deepEqual(seen, [['DPoP old', undefined], ['DPoP new', undefined], ['DPoP new', 'two']]);
});

test('a proof is made again in the same name, whoever has come meanwhile', async () => {
  const keys = await makeKey();
  const names = ['ada', 'ben'];
  const seen = [];
  const transport = async (_, { headers }) => {
    seen.push(headers.authorization);
    return Response.json({}, { status: 401, headers: { 'dpop-nonce': 'one', 'www-authenticate': 'DPoP error="use_dpop_nonce"' } });
  };
  const api = new Api({ origin: 'https://gw.example.com', transport, credentials: async () => ({ token: names.shift(), keys }) });
  await assert.rejects(api.call('POST', '/v1/commands'), { status: 401 });
  assert.deepEqual(seen, ['DPoP ada', 'DPoP ada']);
});

test('an answer that breaks off, or cannot be read, is a problem like others', async () => {
  const broken = () => new Response(new ReadableStream({ pull: (body) => body.error(new TypeError('the line')) }));
  const answers = [broken(), broken(), new Response('<html>')];
  const api = new Api({ origin: 'https://gw.example.com', transport: async () => answers.shift() });
  await assert.rejects(api.call('GET', '/x', { blob: true }), { name: 'Problem', status: 0 });
  await assert.rejects(api.call('GET', '/x'), { name: 'Problem', status: 0 });
  await assert.rejects(api.call('GET', '/x'), { name: 'Problem', kind: 'unreadable', isPassing: false });
});

const at = (milliseconds) => new Date(milliseconds).toUTCString();
/** The clock is right again. */
const right = () => { const sent = Date.now(); learn(at(sent), sent, sent + 1); };

test('proofs go by the server\'s clock', () => {
  const sent = Date.now();
  learn(new Date(sent - 600_000).toUTCString(), sent, sent + 100);
  assert.ok(Math.abs(now() - (sent - 600_000)) < 1_600, String(now() - sent));
  learn(new Date(sent).toUTCString(), sent, sent + 100);
  assert.ok(Math.abs(now() - sent) < 1_600);
  learn('yesterday', sent);
});

test('a proof by a clock that is wrong is refused once, and not after the refusal has told the time', async () => {
  const keys = await makeKey();
  const served = Date.now() + 3_600_000;
  const times = [];
  const transport = async (_, { headers }) => {
    const { iat } = JSON.parse(parts(headers.dpop)[1]);
    times.push(Math.round(iat - served / 1000));
    const isNow = Math.abs(iat - served / 1000) < 60;
    const answer = isNow ? { fine: true } : { error: 'invalid_dpop_proof' };
    return Response.json(answer, { status: isNow ? 200 : 400, headers: { date: new Date(served).toUTCString() } });
  };
  const api = new Api({ origin: 'https://gw.example.com', transport });
  try {
    assert.deepEqual(await api.call('POST', '/v1/sessions:token', { form: { grant_type: 'refresh_token' }, keys }), { fine: true });
    assert.equal(times.length, 2);
    assert.ok(times[0] < -3_000 && Math.abs(times[1]) < 3, String(times));
  } finally {
    right();
  }
});

test('a line that is slow to begin does not put the clock ahead', () => {
  const came = Date.now();
  learn(at(came), came - 13_000, came);
  assert.ok(Math.abs(now() - Date.now()) < 1_000, String(now() - Date.now()));
  // It may as well have been slow to come back: what is believed is possible, and stays.
  learn(at(came - 12_000), came - 13_000, came);
  assert.ok(Math.abs(now() - Date.now()) < 1_000, String(now() - Date.now()));
});

test('a clock that is set is noticed on a slow line, too, and proofs are not from the future', () => {
  try {
    right();
    const came = Date.now();
    const served = came - 3_600_000;
    assert.equal(learn(at(served), came - 8_000, came), true);
    // The server wrote it within those 8 s.
    const ahead = now() - (served + Date.now() - came);
    assert.ok(ahead <= 0 && ahead >= -8_000, String(ahead));
    assert.equal(learn(at(served), came - 9_000, came), false);
  } finally {
    right();
  }
});

test('what was measured while the clock was set tells nothing', () => {
  const sent = Date.now();
  assert.equal(learn(at(sent - 60_000), sent, sent - 3_600_000), false);
  assert.ok(Math.abs(now() - Date.now()) < 1_600);
});

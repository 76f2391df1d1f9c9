import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../../../browser/pages/lib/api.js';
import { learn } from '../../../browser/pages/lib/clock.js';
import { makeKey } from '../../../browser/pages/lib/dpop.js';
import { handleIn, wordsOf } from '../../../browser/pages/watch/device.js';
import { Session } from '../../../browser/pages/watch/session.js';
import { disk } from './disk.mjs';

const ORIGIN = 'https://gw.example.com';

const tokenOf = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;
const grant = (number) => ({
  access_token: tokenOf({ sub: 'ada', sid: 's-1', number }), token_type: 'DPoP', expires_in: 600, refresh_token: `refresh-${number}`, scope: 'assistant:ask events:read',
});
const oauth = (error) => Response.json({ error, error_description: error }, { status: 400 });

/** What lets one at a time do its work, as a lock of the browser does among its tabs. */
function aloneAmong() {
  let turn = Promise.resolve();
  return (work) => { turn = turn.then(work, work); return turn; };
}

/** A watch whose service gives these answers in turn. */
function watch({ answers, store = disk(), alone = aloneAmong() }) {
  const asked = [];
  const transport = async (url, request) => {
    const path = new URL(url).pathname;
    asked.push({ path, method: request.method, form: request.body instanceof URLSearchParams ? Object.fromEntries(request.body) : null, body: request.body, headers: request.headers });
    const answer = answers.shift();
    assert.ok(answer, `nobody expected ${path}`);
    return typeof answer === 'function' ? answer() : answer instanceof Response ? answer : Response.json(answer);
  };
  const bare = new Api({ origin: ORIGIN, transport });
  const waits = [];
  const session = new Session({
    bare, store, makeKey, alone, pause: async (milliseconds) => { waits.push(milliseconds); },
    api: (whose) => new Api({ origin: ORIGIN, transport, credentials: () => whose.credentials() }),
  });
  const states = [];
  session.addEventListener('change', () => states.push(session.state));
  return { session, store, asked, waits, states };
}

const soonAfter = (answer) => new Promise((resolve) => { setTimeout(resolve, 5, answer instanceof Response ? answer : Response.json(answer)); });
const until = async (condition) => { for (let turns = 0; !condition(); turns += 1) { assert.ok(turns < 1_000, 'it never came'); await new Promise((resolve) => { setTimeout(resolve, 1); }); } };
const REDEEMED = { session: 's-1', account: 'ada', number: '4711', device_code: 'code', interval: 5, expires_in: 600 };

test('a code is redeemed, its number shown, and tokens come once somebody has confirmed', async () => {
  const { session, store, asked, waits, states } = watch({ answers: [REDEEMED, oauth('authorization_pending'), oauth('slow_down'), () => { throw new TypeError('the line'); }, grant(1)] });
  await session.redeem('handle', 'a watch');
  assert.deepEqual([session.state, session.shown], ['waiting', { account: 'ada', number: '4711' }]);
  await until(() => session.state === 'in');
  assert.deepEqual(states, ['waiting', 'in']);
  assert.deepEqual(waits, [5_000, 5_000, 10_000, 10_000]);
  assert.deepEqual(asked.map(({ path }) => path), ['/v1/sessions:redeem', ...Array(4).fill('/v1/sessions:token')]);
  // Each call proves the one key, and none of them says it twice alike.
  const proofs = asked.map(({ headers }) => headers.dpop.split('.').map((part) => Buffer.from(part, 'base64url').toString()));
  assert.equal(new Set(proofs.map(([header]) => header)).size, 1);
  assert.equal(new Set(proofs.map(([, claims]) => JSON.parse(claims).jti)).size, 5);
  assert.deepEqual([...store.kept.keys()], ['watch.session']);
  assert.equal(session.account, 'ada');
});

test('a page that is opened anew goes on waiting, with the same key', async () => {
  const store = disk();
  const first = watch({ store, answers: [{ device_code: 'code', user_code: 'WDJB-MJHT', verification_uri: `${ORIGIN}/console`, interval: 5, expires_in: 600 }, () => new Promise(() => {})] });
  await first.session.showCode('a watch');
  const second = watch({ store, answers: [grant(1)] });
  await second.session.open();
  assert.equal(second.session.shown.userCode, 'WDJB-MJHT');
  await until(() => second.session.state === 'in');
  assert.deepEqual(second.asked[0].form, { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'code' });
});

test('of two tabs that wait one asks for the tokens, and both are in', async () => {
  const store = disk();
  const alone = aloneAmong();
  const first = watch({ store, alone, answers: [REDEEMED, () => soonAfter(grant(1))] });
  await first.session.redeem('handle', 'a watch');
  const second = watch({ store, alone, answers: [] });
  await second.session.open();
  await until(() => first.session.state === 'in' && second.session.state === 'in');
  assert.deepEqual([first.asked.length, second.asked.length, [...store.kept.keys()]], [2, 0, ['watch.session']]);
});

test('a tab that waits gives up when another one has', async () => {
  const store = disk();
  const waiting = watch({ store, answers: [REDEEMED, () => soonAfter(oauth('authorization_pending'))] });
  await waiting.session.redeem('handle', 'a watch');
  store.kept.delete('watch.waiting');
  await until(() => waiting.session.state === 'out');
  assert.equal(waiting.asked.length, 2);
});

test('whoever gives up is told so, and is out', async () => {
  const { session, store } = watch({ answers: [REDEEMED, () => soonAfter(oauth('authorization_pending'))] });
  await session.redeem('handle', 'a watch');
  await session.giveUp();
  assert.deepEqual([session.state, session.why, store.kept.size], ['out', 'given-up', 0]);
});

for (const [error, why] of [['access_denied', 'refused'], ['expired_token', 'late'], ['invalid_grant', 'refused']]) {
  test(`${error} ends the waiting, and says why`, async () => {
    const { session, store } = watch({ answers: [REDEEMED, oauth(error)] });
    await session.redeem('handle', 'a watch');
    await until(() => session.state === 'out');
    assert.deepEqual([session.why, store.kept.size], [why, 0]);
  });
}

const kept = async (store, number, left, livesFor = 600_000) => {
  const token = grant(number);
  store.kept.set('watch.session', { keys: await makeKey(), token: token.access_token, refreshToken: token.refresh_token, scope: token.scope, expiresAt: Date.now() + left, livesFor });
};

test('a token is renewed before it ends, once for all who ask', async () => {
  const store = disk();
  await kept(store, 1, 30_000);
  const { session, asked } = watch({ store, answers: [grant(2)] });
  await session.open();
  const both = await Promise.all([session.credentials(), session.credentials()]);
  assert.deepEqual(both.map(({ token }) => token), Array(2).fill(grant(2).access_token));
  assert.equal(asked.length, 1);
  assert.equal(store.kept.get('watch.session').refreshToken, 'refresh-2');
});

test('while somebody looks a token is renewed before a call would have to wait for it', async () => {
  const store = disk();
  await kept(store, 1, 120_000);
  const { session, asked } = watch({ store, answers: [grant(2)] });
  await session.open();
  assert.equal((await session.credentials()).token, grant(1).access_token);
  assert.equal(asked.length, 0);
  await session.renewAhead();
  await session.renewAhead();
  assert.deepEqual([(await session.credentials()).token, asked.length], [grant(2).access_token, 1]);
});

test('a token that lives for a minute is not renewed with each call', async () => {
  const store = disk();
  await kept(store, 1, 55_000, 60_000);
  const { session, asked } = watch({ store, answers: [grant(2)] });
  await session.open();
  await session.credentials();
  await session.renewAhead();
  assert.equal(asked.length, 0);
  await kept(store, 1, 10_000, 60_000);
  await session.open();
  assert.equal((await session.credentials()).token, grant(2).access_token);
});

test('what another page of ours has renewed is used, and not renewed again', async () => {
  const store = disk();
  await kept(store, 1, 600_000);
  const { session, asked } = watch({ store, answers: [] });
  await session.open();
  await kept(store, 2, 600_000);
  assert.equal((await session.renewed({ token: grant(1).access_token })).token, grant(2).access_token);
  assert.equal((await session.credentials()).token, grant(2).access_token);
  assert.equal(asked.length, 0);
});

test('where another page of ours was left and somebody else let in, nothing goes out for them that was begun before', async () => {
  const store = disk();
  await kept(store, 1, 30_000);
  const { session, states } = watch({ store, answers: [] });
  await session.open();
  const other = tokenOf({ sub: 'ada', sid: 's-2', iss: 'urn:watchgate:sessions', origin: { iss: 'https://idp.example.com' } });
  store.kept.set('watch.session', { ...store.kept.get('watch.session'), token: other, expiresAt: Date.now() + 600_000 });
  await assert.rejects(session.credentials(), { status: 401 });
  assert.deepEqual(states, ['in', 'in']);
  assert.equal((await session.credentials()).token, other);
  assert.deepEqual(session.person, { iss: 'https://idp.example.com', sub: 'ada' });
});

test('a line that is away ends nothing; a session that is revoked forgets everything of it and nothing else', async () => {
  const store = disk();
  await kept(store, 1, 30_000);
  store.kept.set('watch.of.s-1.phrases', {});
  store.kept.set('console.begun', {});
  const { session } = watch({ store, answers: [() => { throw new TypeError('the line'); }, () => { throw new TypeError('the line'); }, oauth('invalid_grant')] });
  await session.open();
  assert.equal((await session.credentials()).token, grant(1).access_token);
  await assert.rejects(session.renewed({ token: grant(1).access_token }), { status: 0 });
  assert.equal(session.state, 'in');
  assert.equal(await session.renewed({ token: grant(1).access_token }), null);
  assert.deepEqual([session.state, session.why, [...store.kept.keys()]], ['out', 'ended', ['console.begun']]);
  assert.equal(await session.credentials(), null);
});

test('a proof that is refused ends nothing: the clock may be wrong, and tokens are good still', async () => {
  const store = disk();
  await kept(store, 1, 600_000);
  const { session } = watch({ store, answers: [oauth('invalid_dpop_proof')] });
  await session.open();
  assert.equal(await session.renewed({ token: grant(1).access_token }), null);
  assert.deepEqual([session.state, store.kept.has('watch.session')], ['in', true]);
});

test('a token that is over is not sent while the line keeps another one away, so what was decided waits', async () => {
  const store = disk();
  await kept(store, 1, -1_000);
  const { session, asked } = watch({ store, answers: [() => { throw new TypeError('the line'); }, () => new Response(null, { status: 503 }), grant(2), { fine: true }] });
  await session.open();
  const transport = async (url) => assert.fail(`nobody expected ${url}`);
  const dead = new Api({ origin: ORIGIN, transport, credentials: () => session.credentials(), renewed: (refused) => session.renewed(refused) });
  await assert.rejects(dead.call('POST', '/v1/commands/1/approve'), { status: 0, isPassing: true });
  await assert.rejects(dead.call('POST', '/v1/commands/1/approve'), { status: 503, isPassing: true });
  assert.equal((await session.credentials()).token, grant(2).access_token);
  assert.equal(asked.length, 3);
});

test('a renewal that the line keeps away is no refusal of what was asked', async () => {
  const store = disk();
  await kept(store, 1, 600_000);
  const { session } = watch({ store, answers: [() => { throw new TypeError('the line'); }] });
  await session.open();
  const transport = async () => Response.json({}, { status: 401 });
  const api = new Api({ origin: ORIGIN, transport, credentials: () => session.credentials(), renewed: (refused) => session.renewed(refused) });
  await assert.rejects(api.call('POST', '/v1/commands/1/approve'), { status: 0, isPassing: true });
});

test('a refusal that comes late neither renews what is new nor repeats anything in another session', async () => {
  const store = disk();
  await kept(store, 2, 600_000);
  const { session, asked } = watch({ store, answers: [] });
  await session.open();
  assert.equal((await session.renewed({ token: grant(1).access_token })).token, grant(2).access_token);
  assert.equal(await session.renewed({ token: tokenOf({ sub: 'ben', sid: 's-0' }) }), null);
  assert.equal(await session.renewed(null), null);
  assert.equal(asked.length, 0);
});

test('leaving ends the session at the service, and here also without a line', async () => {
  for (const answer of [() => new Response(null, { status: 204 }), () => { throw new TypeError('the line'); }]) {
    const store = disk();
    await kept(store, 1, 600_000);
    const { session, asked } = watch({ store, answers: [answer] });
    await session.open();
    await session.leave();
    assert.deepEqual([asked[0].method, asked[0].path, session.state, store.kept.size], ['DELETE', '/v1/sessions/s-1', 'out', 0]);
  }
});

/** An answer that is given when it is wanted. */
function later() {
  let answered;
  const answer = new Promise((resolve) => { answered = resolve; });
  return { answer: () => answer, come: (value) => answered(value) };
}

test('a session that was left does not come back by a renewal that was under way, here or in another tab', async () => {
  for (const [isHere, alone] of [[true, aloneAmong()], [false, aloneAmong()]]) {
    const store = disk();
    await kept(store, 1, 120_000);
    const renewal = later();
    const gone = new Response(null, { status: 204 });
    const leaving = watch({ store, alone, answers: isHere ? [renewal.answer, gone] : [gone] });
    const other = isHere ? leaving : watch({ store, alone, answers: [renewal.answer] });
    await leaving.session.open();
    if (!isHere) await other.session.open();
    const renewed = other.session.renewAhead();
    await until(() => other.asked.length === 1);
    const left = leaving.session.leave();
    await until(() => leaving.asked.some(({ method }) => method === 'DELETE'));
    await new Promise((resolve) => { setTimeout(resolve, 5); });
    assert.equal(leaving.session.state, 'in', 'it is said only when it is so');
    renewal.come(Response.json(grant(2)));
    await Promise.all([renewed, left]);
    assert.deepEqual([leaving.session.state, leaving.session.why, [...store.kept.keys()], await leaving.session.credentials()], ['out', null, [], null]);
  }
});

test('in a browser without locks a renewal that was under way is kept nowhere either', async () => {
  const slow = disk();
  let wrote = () => {};
  // The first renewal is answered after the session was left, the second one is on its way to the disk.
  for (const isWriting of [false, true]) {
    await kept(slow, 1, 120_000);
    const store = { ...slow, keep: async (name, value) => { if (isWriting) await new Promise((resolve) => { wrote = resolve; }); return slow.keep(name, value); } };
    const renewal = later();
    const { session, asked } = watch({ store, alone: (work) => work(), answers: [renewal.answer, new Response(null, { status: 204 })] });
    await session.open();
    const renewed = session.renewAhead();
    await until(() => asked.length === 1);
    if (isWriting) {
      renewal.come(Response.json(grant(2)));
      await new Promise((resolve) => { setTimeout(resolve, 5); });
    }
    await session.leave();
    wrote();
    renewal.come(Response.json(grant(2)));
    await renewed;
    assert.deepEqual([session.state, session.id, slow.kept.size], ['out', '', 0]);
  }
});

test('a renewal that waits for its turn while the session is left changes nothing any more', async () => {
  const store = disk();
  await kept(store, 1, 120_000);
  let turn = Promise.resolve();
  const alone = (work) => { turn = turn.then(work, work); return turn; };
  const gate = later();
  const { session, states, asked } = watch({ store, alone, answers: [new Response(null, { status: 204 })] });
  await session.open();
  alone(gate.answer);
  const left = session.leave();
  const renewed = session.renewAhead();
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  gate.come();
  await Promise.all([left, renewed]);
  assert.deepEqual([states, session.why, asked.map(({ method }) => method)], [['in', 'out'], null, ['DELETE']]);
});

test('whoever leaves ends nothing of somebody who was let in by another tab meanwhile', async () => {
  const store = disk();
  await kept(store, 1, 600_000);
  const deletion = later();
  const { session, asked } = watch({ store, answers: [deletion.answer] });
  await session.open();
  const left = session.leave();
  await until(() => asked.length === 1);
  const other = tokenOf({ sub: 'ben', sid: 's-2' });
  store.kept.set('watch.session', { ...store.kept.get('watch.session'), token: other });
  store.kept.set('watch.of.s-2.alerts', {});
  await session.renewed(await session.credentials());
  assert.equal(session.account, 'ben');
  deletion.come(new Response(null, { status: 204 }));
  await left;
  assert.deepEqual([session.state, session.id, [...store.kept.keys()]], ['in', 's-2', ['watch.session', 'watch.of.s-2.alerts']]);
});

test('a tab whose session another one has left erases nothing of who is being let in there', async () => {
  const store = disk();
  await kept(store, 1, 30_000);
  const { session } = watch({ store, answers: [] });
  await session.open();
  store.kept.delete('watch.session');
  store.kept.set('watch.waiting', { deviceCode: 'code' });
  store.kept.set('watch.of.s-2.alerts', {});
  store.kept.set('watch.of.s-1.alerts', {});
  await session.renewAhead();
  assert.deepEqual([session.state, session.why, [...store.kept.keys()]], ['out', 'ended', ['watch.waiting', 'watch.of.s-2.alerts']]);
});

test('a page that is opened anew waits on, whatever the device\'s clock says', async (context) => {
  const store = disk();
  // The first page has learned that this clock is an hour behind; the next one knows nothing of it.
  context.after(() => learn(new Date().toUTCString(), Date.now()));
  learn(new Date(Date.now() + 3_600_000).toUTCString(), Date.now());
  const first = watch({ store, answers: [REDEEMED, () => new Promise(() => {})] });
  await first.session.redeem('handle', 'a watch');
  learn(new Date(Date.now() - 3_600_000).toUTCString(), Date.now());
  assert.ok(Math.abs(store.kept.get('watch.waiting').until - Date.now() - 600_000) < 10_000);
  learn(new Date().toUTCString(), Date.now());
  const second = watch({ store, answers: [() => new Promise(() => {})] });
  await second.session.open();
  assert.equal(second.session.state, 'waiting');
});

test('a handle is taken from a link to this gateway alone', () => {
  assert.equal(handleIn(`${ORIGIN}/watch#abc.def`, ORIGIN), 'abc.def');
  for (const text of [`${ORIGIN}/watch`, `${ORIGIN}/watch#`, 'https://gw.example.com.evil.test/watch#a', 'http://gw.example.com/watch#a', `${ORIGIN}/other#a`, 'WIFI:S:x;;', '']) {
    assert.equal(handleIn(text, ORIGIN), null, text);
  }
});

test('a device says what it is in few words', () => {
  const chrome = 'Mozilla/5.0 (Linux; Android 14; SM-R960) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36';
  assert.equal(wordsOf({ userAgent: chrome, width: 184, height: 224 }), 'Watch, Chrome on Android');
  assert.equal(wordsOf({ userAgent: 'x', width: 390, height: 844 }), 'Phone, unknown browser');
});

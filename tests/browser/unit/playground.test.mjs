import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { load } from '../../../browser/pages/console/playground-gate.js';
import { checksOf, claimText, forwardedOf, lineAt, rulesOf, verdictOf } from '../../../browser/pages/console/playground-words.js';

const folder = new URL('../../../dist/pages/playground/', import.meta.url);
assert.ok(existsSync(folder), 'there is no dist/pages/playground: run make pages first');

const gate = await load({ bound: () => import(new URL('bound.js', folder)), module: readFileSync(new URL('bound_bg.wasm', folder)) });

const AT = Date.UTC(2027, 0, 15, 8);
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const KEYS = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1' }] });

function tokenWith(scope) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = AT / 1000;
  const claims = { iss: 'https://issuer.watchgate.test', aud: 'watchgate', sub: 'console-7', client_id: 'console', jti: 't-1', iat: now - 10, exp: now + 300, scope };
  const signed = `${part({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k1' })}.${part(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

const judged = (changes) => gate.judge({
  rules: gate.shipped, middleware: null, method: 'POST', url: 'https://localhost/v1/events', source: '192.0.2.7', headers: '', token: '', keys: KEYS, at: AT, ...changes,
});

test('a device with the right scope passes by the shipped rules, with its tags', () => {
  const judgement = judged({ token: tokenWith('events:write') });
  assert.deepEqual(verdictOf(judgement), { kind: 'permit', title: 'Passes by rule events-write', reason: '' });
  assert.equal(judgement.is_signature_assumed, false);
  const { tags, others } = forwardedOf(judgement.report.verdict);
  const value = (headers, name) => headers.find((header) => header.name.toLowerCase() === name)?.value;
  assert.equal(value(tags, 'ce-type'), 'dev.watchgate.telemetry');
  assert.equal(value(tags, 'ce-time'), '2027-01-15T08:00:00.000Z');
  assert.equal(value(others, 'x-auth-subject'), 'console-7');
  assert.equal(value(others, 'txn-token'), 'a token, which is not shown');
  const rules = rulesOf(judgement.report.explanation, judgement.report.verdict);
  const decides = rules.findIndex(({ kind }) => kind === 'decides');
  assert.equal(rules[decides].name, 'events-write');
  assert.ok(rules.slice(0, decides).every(({ kind, conditions }) => kind === 'passed-over' && conditions.some(({ holds }) => !holds)));
  assert.ok(rules.slice(decides + 1).every(({ kind }) => kind === 'not-tried'));
});

test('another scope is denied with 403, and the condition that failed is shown', () => {
  const judgement = judged({ token: tokenWith('events:read') });
  assert.equal(verdictOf(judgement).title, 'Denied with 403');
  const rule = rulesOf(judgement.report.explanation, judgement.report.verdict).find(({ kind }) => kind === 'refuses');
  assert.deepEqual(rule.requirements, [{ text: 'Scope(`events:write`)', holds: false }]);
});

test('without a token, with an expired one and with a forged one the answer is 401', () => {
  const good = tokenWith('events:write');
  const forged = `${good.slice(0, good.lastIndexOf('.'))}.${'A'.repeat(86)}`;
  for (const [changes, failed] of [[{}, null], [{ token: good, at: AT + 3_600_000 }, 'times'], [{ token: forged }, 'signature'], [{ token: 'abc' }, 'form']]) {
    const judgement = judged(changes);
    assert.equal(verdictOf(judgement).title, 'Denied with 401', failed);
    const { token } = judgement.report.explanation;
    if (failed) assert.deepEqual(checksOf(token)[0], { kind: 'failed', outcome: 'failed', names: [failed] });
  }
  const assumed = judged({ token: forged, keys: '' });
  assert.equal(verdictOf(assumed).kind, 'permit');
  assert.equal(assumed.is_signature_assumed, true);
  assert.match(assumed.notes[0], /jwks\/dev\.json/);
});

test('every mistake in the rules is found at once, with its line', () => {
  const rules = gate.shipped.replace('Scope(`events:write`)', 'Scopes(`events:write`)').replace('leewaySeconds', 'leewaysSeconds');
  const judgement = judged({ rules });
  assert.equal(judgement.report, undefined);
  assert.equal(verdictOf(judgement).title, 'Denied with 503: 2 mistakes in the rules');
  const lines = judgement.mistakes.map(({ line }) => { const { start, end } = lineAt(rules, line); return rules.slice(start, end).trim(); });
  assert.deepEqual(lines, ['leewaysSeconds: 30', 'require: Scopes(`events:write`)']);
});

test('where no gateway would have a gate, none is said to deny', () => {
  for (const rules of ['http: [', 'http: {}', 'http:\n  middlewares: {{ .all }}\n', 'http: {middlewares: {one: {plugin: {a: {}}}, two: {plugin: {b: {}}}}}']) {
    const { kind, title, reason } = verdictOf(judged({ rules }));
    assert.deepEqual([kind, title], ['none', 'Nothing to judge yet'], rules);
    assert.match(reason, /^Rules: /);
  }
});

test('the only plugin that is used is taken for the gate, and that is said', () => {
  const rules = gate.shipped.replace(/^( +)watchgate:$/m, '$1gatekeeper:');
  assert.notEqual(rules, gate.shipped);
  const judgement = judged({ rules, token: tokenWith('events:write') });
  assert.equal(verdictOf(judgement).title, 'Passes by rule events-write');
  assert.match(judgement.notes[0], /gatekeeper/);
});

test('whatever is typed, there is an answer', () => {
  const texts = ['', '\0', '{{ .x }}', 'http: [', 'rules: &a [*a]', '\u{1F600}'.repeat(50), '['.repeat(5_000), '- '.repeat(5_000), gate.shipped.slice(0, 999)];
  for (const text of texts) {
    for (const name of ['rules', 'method', 'url', 'source', 'headers', 'token', 'keys', 'middleware']) {
      const judgement = judged({ token: tokenWith('events:write'), [name]: text });
      assert.equal(typeof verdictOf(judgement).title, 'string', `${name}: ${text.slice(0, 20)}`);
    }
  }
  assert.equal(judged({ at: NaN }).errors[0].field, 'now');
  assert.equal(verdictOf(judged({ token: tokenWith('events:write') })).kind, 'permit', 'and it goes on afterwards');
});

test('a condition behind a ! speaks for its rule when it does not hold', () => {
  const rules = 'rules: [{name: all, match: "!(Path(`/a`) || !Method(`GET`))", public: true}]';
  const judgement = judged({ rules, method: 'GET', url: 'https://localhost/b' });
  const [rule] = rulesOf(judgement.report.explanation, judgement.report.verdict);
  assert.deepEqual(rule.conditions, [{ text: '!Path(`/a`)', holds: true }, { text: 'Method(`GET`)', holds: true }]);
  assert.equal(rule.outcome, 'matches, and lets anybody pass');
});

test('times in a token are read, whatever stands in their place', () => {
  assert.equal(claimText('exp', 1_800_000_000), '1800000000 (2027-01-15T08:00:00Z)');
  assert.equal(claimText('exp', 1e300), '1e+300');
  assert.equal(claimText('exp', '12'), '12');
  assert.equal(claimText('aud', ['a', 'b']), '["a","b"]');
});

test('a line of a text is found, and the nearest one where it is not there', () => {
  const text = 'one\ntwo\n\nfour';
  const at = (line) => { const { start, end } = lineAt(text, line); return text.slice(start, end); };
  assert.deepEqual([0, 1, 2, 3, 4, 9].map(at), ['one', 'one', 'two', '', 'four', 'four']);
});

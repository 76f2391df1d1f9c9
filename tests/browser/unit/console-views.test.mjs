// Views while answers are on their way, and the modules that they are made of.

import assert from 'node:assert/strict';
import test from 'node:test';

import { contextOf, labelled, named, newPage, settled } from './page.mjs';
import { Problem } from '../../../browser/pages/lib/problem.js';
import { isOther } from '../../../browser/pages/console/version.js';

newPage();
const { h } = await import('../../../browser/pages/lib/dom.js');
const { show: showAsk } = await import('../../../browser/pages/console/ask.js');
const { showCommand } = await import('../../../browser/pages/console/command.js');
const { facts } = await import('../../../browser/pages/console/session-words.js');
const { showIncident } = await import('../../../browser/pages/console/incident.js');
const { moduleLoader, OtherVersion } = await import('../../../browser/pages/console/view-module.js');

const ANSWER = 'event: answer\ndata: {"id": "1", "known": false, "confidence": "none", "citations": [], "proposals": [], "whom_to_ask": [], "made_by": {"kind": "documents"}, "searched": {"sections": 3, "documents": 1}}\n\nevent: end\ndata: {"complete": true}\n\n';

test('what is typed while an answer comes is the next question', async (t) => {
  for (const [typed, left] of [['And how do I stop it?', 'And how do I stop it?'], ['How do I start it?', '']]) {
    let answer;
    const context = contextOf(() => new Promise((resolve) => { answer = () => resolve(new Response(ANSWER)); }));
    t.after(() => context.end());
    const root = h('div', {});
    newPage().append(root);
    showAsk(root, context);
    const question = labelled(root, 'Question');
    question.typed('How do I start it?');
    root.querySelector('form').requestSubmit();
    await settled();
    question.typed(typed);
    answer();
    await settled();
    assert.match(root.textContent, /How do I start it\?/);
    assert.equal(question.value, left);
  }
});

test('an older picture does not take the place of a newer one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const place = h('div', {});
  newPage().append(place);
  const pictures = [];
  let reading = 0;
  const context = contextOf((method, path) => {
    if (path.endsWith('.svg')) return new Promise((resolve, reject) => pictures.push({ resolve, reject }));
    reading += 1;
    return { incident: '1', title: 'Slow', state: 'open', began_at: 0, opened_at: reading, devices_in_all: 1, devices: ['a'], moved: [], moved_in_all: 0, suggested: [], shared: [], similar: [], evidence: [] };
  });
  t.after(() => context.end());
  t.mock.method(URL, 'createObjectURL', (blob) => `blob:${blob}`);
  showIncident(place, { context, signal: context.signal, id: '1' });
  await settled();
  t.mock.timers.tick(12_500);
  await settled();
  const source = () => place.querySelector('img')?.src;
  pictures[1].resolve('newer');
  await settled();
  assert.equal(source(), 'blob:newer');
  pictures[0].resolve('older');
  await settled();
  assert.equal(source(), 'blob:newer');
  t.mock.timers.tick(12_500);
  await settled();
  t.mock.timers.tick(12_500);
  await settled();
  pictures[3].resolve('newest');
  pictures[2].reject(new Problem({ status: 503, title: 'Busy' }));
  await settled();
  assert.equal(source(), 'blob:newest');
});

test('whoever has decided about a command is where it says how it stands', async (t) => {
  const place = h('div', {});
  newPage().append(place);
  const command = {
    id: '1', runbook: 'restart', state: 'pending', digest: 'd', parameters: {}, target: { service: 'mailer' }, approval: { needed: true }, attempts: 0,
    requested_by: { issuer: 'https://idp.test', subject: 'ben' }, requested_at: '2027-01-15T08:00:00Z', updated_at: '2027-01-15T08:00:00Z',
  };
  const context = contextOf((method, path, { signal } = {}) => {
    if (path.endsWith('/follow')) return new Response(new ReadableStream({ start: (body) => signal.addEventListener('abort', () => body.error(signal.reason)) }));
    if (path.includes('runbooks')) throw new Problem({ status: 403, title: 'No' });
    return method === 'POST' ? { ...command, state: 'rejected' } : command;
  });
  t.after(() => context.end());
  await showCommand(place, { context, signal: context.signal, id: '1', changed() {} });
  named(place, 'Reject').click();
  document.activeElement.click();
  await settled();
  assert.equal(named(place, 'Reject'), null);
  assert.notEqual(document.activeElement, document.body);
  assert.equal(document.activeElement.querySelector('h2')?.textContent, 'restart');
});

const MODULE = { show() {} };

test('a module of another version is not shown, and what is loaded already is asked for no more', async () => {
  let isOtherServed = false;
  let asked = 0;
  const load = moduleLoader({ fetched: async () => MODULE, isOtherServed: async () => { asked += 1; return isOtherServed; } });
  assert.equal(await load('./a.js'), MODULE);
  isOtherServed = true;
  await assert.rejects(load('./b.js'), OtherVersion);
  assert.equal(await load('./a.js'), MODULE);
  assert.equal(asked, 2);
});

test('a module that does not come is a problem with a title, and is asked for by another address the next time', async () => {
  const paths = [];
  const load = moduleLoader({ fetched: async (path) => { paths.push(path); if (paths.length < 3) throw new TypeError('no line'); return MODULE; }, isOtherServed: async () => false });
  for (const _ of [1, 2]) await assert.rejects(load('./a.js'), (problem) => problem instanceof Problem && problem.status === 0 && /load the page anew/.test(problem.detail));
  assert.equal(await load('./a.js'), MODULE);
  assert.deepEqual(paths, ['./a.js', './a.js?again=1', './a.js?again=2']);
});

test('a module that does not fit is told apart from one that does not come, also when the update came in between', async () => {
  const answers = [false, true];
  const load = moduleLoader({ fetched: async () => { throw new SyntaxError('no such export'); }, isOtherServed: async () => answers.shift() });
  await assert.rejects(load('./a.js'), OtherVersion);
});

test('another version is what the gateway says it is, and no guess', async () => {
  const serving = (body, status = 200) => async (path, { cache }) => { assert.deepEqual([path, cache], ['/assets/console/version.js', 'no-cache']); return new Response(body, { status }); };
  assert.equal(await isOther('0123456789abcdef', serving('export const VERSION = \'0123456789abcdef\';')), false);
  assert.equal(await isOther('0123456789abcdef', serving('export const VERSION = \'fedcba9876543210\';')), true);
  assert.equal(await isOther('0123456789abcdef', serving('away', 503)), false);
  assert.equal(await isOther('0123456789abcdef', async () => { throw new TypeError('no line'); }), false);
});

test('a session whose device has not renewed for as long as a token lives is quiet', () => {
  const shown = (session) => {
    const root = h('div', {});
    root.append(...facts({ id: '1', scopes: [], created_at: '2026-03-01T12:00:00Z', expires_at: '2026-03-02T00:00:00Z', ...session }));
    return root.textContent;
  };
  const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();
  assert.match(shown({ state: 'active', renewed_at: ago(590) }), /in use.*Last renewed/s);
  assert.match(shown({ state: 'active', renewed_at: ago(610) }), /quiet/);
  assert.doesNotMatch(shown({ state: 'confirmed' }), /quiet|Last renewed/);
});

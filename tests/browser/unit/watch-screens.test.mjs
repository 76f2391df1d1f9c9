import assert from 'node:assert/strict';
import { test } from 'node:test';

import { announce } from '../../../browser/pages/lib/dom.js';
import { showAlerts } from '../../../browser/pages/watch/alerts-screen.js';
import { showAsk } from '../../../browser/pages/watch/ask-screen.js';
import { showInstead, showJoining } from '../../../browser/pages/watch/joining-screen.js';
import { showMediation } from '../../../browser/pages/watch/mediation-screen.js';
import { scopeInWords } from '../../../browser/pages/watch/scope-words.js';
import { withDocument } from './document.mjs';

const ADA = { iss: 'https://idp.example.com', sub: 'ada' };
const turns = async () => { for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => { setImmediate(resolve); }); };

test('what is announced at once is said in one go', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { said } = withDocument(context);
  for (const sentence of ['One.', 'Two.']) announce(sentence);
  assert.equal(said(), '');
  context.mock.timers.tick(50);
  assert.equal(said(), 'One. Two.');
  announce('Three.');
  context.mock.timers.tick(50);
  assert.equal(said(), 'Three.');
  context.mock.timers.tick(5_000);
  announce('Four.');
  context.mock.timers.tick(50);
  context.mock.timers.tick(5_000);
  assert.equal(said(), 'Four.', 'each stays for as long as it takes to be read');
  context.mock.timers.tick(5_000);
  assert.equal(said(), '', 'and then it is nobody\'s any more');
});

function alertsOf(context, { seen, missing = [], asOf = Date.now(), isLive = true }) {
  const { main, button } = withDocument(context);
  const alerts = Object.assign(new EventTarget(), { seen: { commands: [], incidents: [], insights: [], ...seen }, missing, asOf, isLive });
  const ones = [];
  const decided = Object.assign(new EventTarget(), { all: ones, of: (id) => ones.find(({ command }) => command.id === id), closed: [], close: (one) => { decided.closed.push(one); } });
  const ending = new AbortController();
  context.after(() => ending.abort());
  showAlerts(main, { alerts, decided, person: ADA, state: {}, signal: ending.signal });
  const put = (...all) => { ones.splice(0, ones.length, ...all); decided.dispatchEvent(new Event('change')); };
  return { main, button, alerts, decided, put, changed: () => alerts.dispatchEvent(new Event('change')), words: () => main.textContent };
}
const command = (id, more = {}) => ({
  id, runbook: id, target: { service: 'mailer' }, parameters: {}, requested_by: { ...ADA, sub: 'ben' }, requested_at: new Date().toISOString(), approval: {}, ...more,
});

test('what went wrong stands on its card, which is no alert and is not drawn again', (context) => {
  const { main, put, changed, words, button, decided } = alertsOf(context, {});
  assert.match(words(), /Nothing needs you/);
  const one = { command: { id: 'a', runbook: 'restart-worker' }, decision: 'approve', became: 'failed', problem: new Error('You may not.') };
  put(one);
  assert.match(words(), /restart-workerNot doneYou may not\.Close/);
  const [card] = main.querySelectorAll('article');
  changed();
  assert.equal(main.querySelectorAll('article')[0], card);
  assert.equal(main.querySelector('[role="alert"]'), null);
  one.problem = new Error('Still not.');
  put(one);
  assert.match(words(), /Still not\./);
  button('Close').click();
  assert.deepEqual(decided.closed, [one]);
});

test('a card that somebody is about to press stays where it is', (context) => {
  const waiting = command('b');
  const { main, alerts, changed } = alertsOf(context, { seen: { commands: [waiting] } });
  const names = () => main.querySelectorAll('article').map(({ dataset }) => dataset.key);
  const [card] = main.querySelectorAll('article');
  card.querySelector('[data-control="approve"]').focus();
  alerts.seen.commands = [command('a'), { ...waiting }];
  changed();
  assert.deepEqual([names(), main.querySelectorAll('article')[0] === card, document.activeElement.dataset.control], [['b', 'a'], true, 'approve']);
});

test('what one may do something about comes first, also once it is decided', (context) => {
  const own = command('own', { requested_by: ADA, approval: { not_requester: true } });
  const { main, put } = alertsOf(context, { seen: { commands: [own, command('theirs')] } });
  const names = () => main.querySelectorAll('article').map(({ dataset }) => dataset.key);
  assert.deepEqual(names(), ['theirs', 'own']);
  put({ command: command('theirs'), decision: 'approve', became: 'sending' });
  assert.deepEqual(names(), ['theirs', 'own']);
});

test('a part that nobody has answered for is said, and that nothing waits is not', (context) => {
  const { words } = alertsOf(context, { missing: ['commands'], isLive: false });
  assert.match(words(), /As of .*Not seen yet: commands/);
  assert.doesNotMatch(words(), /Nothing needs you/);
});

/** What a page is on a phone, as far as the joining asks. */
function phone(context) {
  const globals = { screen: { width: 390, height: 844 }, location: { origin: 'https://gw.example.com' } };
  Object.assign(globalThis, globals);
  context.after(() => { for (const name of Object.keys(globals)) delete globalThis[name]; });
  return withDocument(context);
}

test('whoever opens a code stays or leaves first, and sees that it is under way', async (context) => {
  const { main, button } = phone(context);
  const calls = [];
  const session = { account: 'ada', redeem: async (handle) => { calls.push(`redeem ${handle}`); } };
  let left;
  showInstead(main, { session, handle: 'h', stay: () => calls.push('stay'), leave: () => new Promise((...ends) => { left = ends; calls.push('leave'); }) });
  button('Stay').click();
  button('Leave and join').click();
  assert.deepEqual([calls, button('Leaving…').disabled, button('Stay').disabled], [['stay', 'leave'], true, true]);
  left[1](new Error('No room.'));
  await turns();
  assert.match(main.textContent, /No room\./);
  assert.deepEqual([button('Leave and join').disabled, button('Stay').disabled], [false, false]);
  button('Leave and join').click();
  left[0]();
  await turns();
  assert.deepEqual(calls, ['stay', 'leave', 'leave', 'redeem h']);
});

test('whoever gives up hears that it stays open elsewhere, and a used code is one to show anew at the console', async (context) => {
  const { main } = phone(context);
  showJoining(main, { session: { state: 'out', why: 'given-up' } });
  assert.match(main.textContent, /stays open until it runs out, or is revoked at the console/);
  showJoining(main, { session: { state: 'out', why: null, redeem: async () => { throw Object.assign(new Error('Gone.'), { status: 410 }); } }, handle: 'h' });
  await turns();
  assert.match(main.textContent, /This code is used or too old\. Show a new one at the console\..*Show a short code/, 'above the buttons, where it is seen');
});

function answered(context, answer) {
  const { main } = withDocument(context);
  const asked = Object.assign(new EventTarget(), { text: 'How?', draft: '', answer, answeredAt: 0, problem: null, waiting: null });
  const ending = new AbortController();
  context.after(() => ending.abort());
  showAsk(main, { asked, phrases: Object.assign(new EventTarget(), { offered: () => [] }), signal: ending.signal });
  return main.querySelector('[aria-label="Answer"]').textContent;
}

test('an answer names its source without marks of Markdown, and where there is none, no source', (context) => {
  const known = answered(context, { known: true, answer: 'Use `watchgate run`, **then', more: true, citations: [{ heading: 'The `run`', file: 'src/**/run.md', quote: '```sh\nrun `now`\n```' }] });
  assert.match(known, /^How\?Use watchgate run, thenThe runrun now\nsrc\/\*\*\/run\.mdAsk at the console for more\.from the documents, at /);
  const unknown = answered(context, { known: false, citations: [] });
  assert.match(unknown, /^How\?The documents do not say\.at /);
});

test('a mediation says what is still one\'s own, when one is asked, and each one begins at its top', async (context) => {
  const { main } = withDocument(context);
  const other = { subject: 'ben', issuer: ADA.iss };
  const seen = {
    id: 'm-1', topic: 'Reviews', with: other, state: 'open', turns_left: 3, theirs: {}, yours: { account: 'told', restatement: 'I wait.', restatement_id: 'r-1' }, agreement: null,
  };
  const stands = { seen };
  const mediations = Object.assign(new EventTarget(), { known: () => undefined, hasMoved: () => false, look: async (id) => (id ? stands.seen : [stands.seen]) });
  const ending = new AbortController();
  context.after(() => ending.abort());
  const root = document.createElement('div');
  main.append(root);
  const show = () => showMediation(root, { mediations, drafts: { read: () => null, keep() {}, forget() {} }, state: {}, signal: ending.signal });
  show();
  await turns();
  main.scrollTop = 80;
  main.querySelector('button').click();
  await turns();
  assert.equal(main.scrollTop, 0);
  assert.match(main.textContent, /As the other one would read itI wait\./);
  stands.seen = { ...seen, state: 'agreed', agreement: { text: 'Before six.', accepted_at: '2027-01-15T08:00:00Z', follow_up_at: '2027-01-29T08:00:00Z', proposed_by: other } };
  show();
  await turns();
  main.querySelectorAll('button').at(-1).click();
  await turns();
  assert.match(main.textContent, /You are asked on .*29.* whether it held\./);
});

test('what a session may do is said in words, and what has none as it is', () => {
  assert.deepEqual(['assistant:ask', 'commands:approve', 'toString'].map(scopeInWords), ['ask', 'approve commands', 'toString']);
});

test('a link that is opened while the camera looks turns it off, and nothing that it did comes over what is shown then', async (context) => {
  const { main, button } = phone(context);
  let isOn = false;
  const camera = { getTracks: () => [{ stop: () => { isOn = false; } }] };
  Object.defineProperty(navigator, 'mediaDevices', { configurable: true, value: { getUserMedia: async () => { isOn = true; return camera; } } });
  globalThis.BarcodeDetector = class { static async getSupportedFormats() { return ['qr_code']; } async detect() { return []; } };
  context.after(() => { delete navigator.mediaDevices; delete globalThis.BarcodeDetector; });
  const create = document.createElement.bind(document);
  document.createElement = (tag) => Object.assign(create(tag), tag === 'video' ? { play: async () => {} } : {});
  const session = { state: 'out', why: null, redeem: () => new Promise(() => {}) };
  showJoining(main, { session });
  button('Scan a code').click();
  while (!isOn) await turns();
  showJoining(main, { session, handle: 'h' });
  while (isOn) await turns();
  document.hidden = true;
  document.dispatchEvent(new Event('visibilitychange'));
  assert.match(main.textContent, /One moment/);
});

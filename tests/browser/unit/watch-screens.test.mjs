import assert from 'node:assert/strict';
import { test } from 'node:test';

import { announce } from '../../../browser/pages/lib/dom.js';
import { showAlerts } from '../../../browser/pages/watch/alerts-screen.js';
import { showInstead, showJoining } from '../../../browser/pages/watch/joining-screen.js';
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

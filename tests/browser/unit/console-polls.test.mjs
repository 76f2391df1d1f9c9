// What is looked at again and again, and what says that it could not be.

import assert from 'node:assert/strict';
import test from 'node:test';

import { contextOf, named, newPage, settled } from './page.mjs';
import { Problem, unreachable } from '../../../browser/pages/lib/problem.js';

newPage();
const { h } = await import('../../../browser/pages/lib/dom.js');
const { confirming } = await import('../../../browser/pages/console/confirm.js');
const { poll } = await import('../../../browser/pages/console/poll.js');
const { show: showServices } = await import('../../../browser/pages/console/services.js');

const EVERY = 3_000;

/** A poll whose looks have these outcomes, one after the other, the last one for ever. */
function polled(t, ...outcomes) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_800_000_000_000 });
  const box = h('div', {});
  newPage().append(box);
  const ending = new AbortController();
  t.after(() => ending.abort());
  const state = { box, looks: 0, shown: [] };
  const load = async () => {
    const outcome = outcomes[Math.min(state.looks, outcomes.length - 1)];
    state.looks += 1;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  poll({ signal: ending.signal, every: EVERY, load, box, show: (value) => state.shown.push(value) });
  // A pause is up to a quarter longer or shorter.
  state.pass = async (times) => { for (let time = 0; time < times; time += 1) { await settled(); t.mock.timers.tick(EVERY * 1.25); } await settled(); };
  return state;
}

test('when the service says when it wants to be asked again, it is not asked before', async (t) => {
  const busy = new Problem({ status: 429, title: 'Too many', retryAfterSeconds: 60 });
  const state = polled(t, 'first', busy, 'second');
  await state.pass(1);
  assert.equal(state.looks, 2);
  await state.pass(15);
  assert.equal(state.looks, 2, 'within 57 s');
  document.dispatchEvent(new Event('visibilitychange'));
  assert.equal(state.looks, 2, 'nor by whoever comes back to the page');
  await state.pass(2);
  assert.equal(state.shown.at(-1), 'second');
});

test('the same problem is said once, and its button keeps the keyboard; whoever presses it is told again', async (t) => {
  const state = polled(t, unreachable());
  await state.pass(1);
  const alert = state.box.firstElementChild;
  named(state.box, 'Try again').focus();
  await state.pass(5);
  assert.ok(state.looks > 4);
  assert.equal(state.box.firstElementChild, alert);
  assert.equal(document.activeElement.textContent, 'Try again');
  document.activeElement.click();
  await settled();
  assert.notEqual(state.box.firstElementChild, alert);
  assert.equal(document.activeElement, named(state.box, 'Try again'));
});

test('another problem is said, and what is shown is marked as old until it is new again', async (t) => {
  const state = polled(t, unreachable(), new Problem({ status: 503, title: 'Not ready' }), 'value', unreachable(), 'newer');
  await state.pass(1);
  assert.match(state.box.textContent, /Not ready/);
  await state.pass(1);
  assert.equal(state.box.textContent, '');
  await state.pass(1);
  assert.match(state.box.textContent, /cannot be reached\. What is shown is as of/);
  await state.pass(1);
  assert.equal(state.box.textContent, '');
});

test('the keyboard goes back to the button that asked, and where that is gone, to what it stood in', async () => {
  let done;
  const around = h('section', { tabindex: '-1' });
  const button = confirming({ label: 'Revoke', ask: 'Sure?', yes: 'Yes, revoke', act: () => new Promise((resolve) => { done = resolve; }) });
  const form = h('form', {}, confirming({ label: 'Reject', ask: 'Sure?', yes: 'Yes, reject', value: 'reject' }));
  around.append(button, form);
  newPage().append(around);
  named(around, 'Revoke').click();
  named(around, 'No').click();
  assert.equal(document.activeElement, named(around, 'Revoke'));
  document.activeElement.click();
  assert.equal(document.activeElement, named(around, 'Yes, revoke'));
  document.activeElement.click();
  assert.equal(document.activeElement, named(around, 'Revoke'));
  button.remove();
  done();
  await settled();
  assert.equal(document.activeElement, around);
  named(around, 'Reject').click();
  document.activeElement.click();
  await new Promise((resolve) => { setTimeout(resolve, 5); });
  assert.equal(document.activeElement, named(around, 'Reject'));
});

test('services whose stream is away or refused are marked, and all begins again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_800_000_000_000 });
  const root = h('div', {});
  newPage().append(root);
  let streams = 0;
  let close;
  const context = contextOf((method, path) => {
    if (path === '/v1/runbooks') return { runbooks: [{ name: 'restart', target: { service: 'mailer' } }] };
    if (path.startsWith('/v1/commands')) return { commands: [] };
    if (!path.includes('order=desc')) {
      streams += 1;
      if (streams === 1) throw new Problem({ status: 410, title: 'Gone' });
      return new Response(new ReadableStream({ start(controller) { close = () => controller.close(); } }));
    }
    return { events: [], next_after: null };
  });
  globalThis.fetch = async () => { throw new TypeError('no line'); };
  t.after(() => context.end());
  showServices(root, context);
  await settled();
  const isMarked = () => /not heard of at present.*is as of/.test(root.textContent);
  assert.equal(streams, 1);
  assert.ok(isMarked());
  const card = root.querySelector('[data-id="mailer"]');
  t.mock.timers.tick(12_500);
  await settled();
  assert.equal(streams, 2);
  assert.ok(!isMarked());
  assert.equal(root.querySelector('[data-id="mailer"]'), card, 'looked at again, and not built anew');
  close();
  await settled();
  assert.ok(isMarked());
});

// What a token does not open, and what was typed wrong: said where somebody looks, and nothing is offered that cannot be.

import assert from 'node:assert/strict';
import test from 'node:test';

import { contextOf, labelled, named, newPage, settled } from './page.mjs';
import { Problem } from '../../../browser/pages/lib/problem.js';

newPage();
const { h } = await import('../../../browser/pages/lib/dom.js');
const { answerParts } = await import('../../../browser/pages/console/answer.js');
const { show: showAsk } = await import('../../../browser/pages/console/ask.js');
const { show: showCommands } = await import('../../../browser/pages/console/commands.js');
const { show: showEvents } = await import('../../../browser/pages/console/events.js');
const { show: showMediations } = await import('../../../browser/pages/console/mediations.js');
const { field, problemBox, showProblem } = await import('../../../browser/pages/console/problem-box.js');
const { lackOf, scopesInWords } = await import('../../../browser/pages/console/scopes.js');
const { show: showSessions } = await import('../../../browser/pages/console/sessions.js');

/** A view at a place; `answer(method, path, options)` is the service, and `scopes` are those of the token. */
async function at(t, show, { parts = [], scopes = [], answer }) {
  const context = contextOf(answer, { route: { view: '', parts, query: new URLSearchParams() } });
  context.principal.scopes = scopes;
  t.after(() => context.end());
  const root = h('div', {});
  newPage().append(root);
  show(root, context);
  await settled();
  return { root, context, send: async () => { root.querySelector('.detail').querySelectorAll('form').at(-1).requestSubmit(); await settled(); } };
}

const forbidden = () => { throw new Problem({ status: 403, kind: 'blank', title: 'Forbidden', detail: 'The access token does not allow this request.' }); };

test('below a refusal nothing is loading, and nothing is offered that would be refused too', async (t) => {
  for (const [show, action] of [[showSessions, 'Let a device in'], [showMediations, 'Begin one'], [showCommands, 'Ask for a command']]) {
    const { root } = await at(t, show, { answer: forbidden });
    assert.match(root.textContent, /Forbidden/);
    assert.doesNotMatch(root.textContent, /Loading/, action);
    assert.equal(named(root, action), null);
  }
});

test('what is seen is offered', async (t) => {
  const answer = () => ({ sessions: [], mediations: [], commands: [], next_before: null });
  for (const [show, action] of [[showSessions, 'Let a device in'], [showMediations, 'Begin one'], [showCommands, 'Ask for a command']]) {
    const { root } = await at(t, show, { answer });
    assert.ok(named(root, action), action);
  }
});

test('a form says which scope it lacks before it is sent, and only where scopes are known', async (t) => {
  const { root } = await at(t, showAsk, { scopes: ['events:read'] });
  assert.match(root.textContent, /does not have the scope assistant:ask/);
  assert.equal(lackOf('assistant:ask', { scopes: ['events:read', 'assistant:ask'] }), null);
  assert.equal(lackOf('assistant:ask', { scopes: [] }), null);
});

test('scopes of which each suffices are told from those that are needed together', () => {
  assert.equal(scopesInWords('assistant:ask'), 'the scope assistant:ask');
  assert.equal(scopesInWords('commands:request commands:approve'), 'one of the scopes commands:request, commands:approve');
  assert.equal(scopesInWords('events:read assistant:ask'), 'the scopes events:read and assistant:ask');
});

test('where fields say what is wrong, the rest only says so', () => {
  const [form, box] = [h('form', {}, field({ name: 'topic', label: 'Topic', control: h('input', {}) })), h('div', {})];
  newPage().append(form, box);
  const problem = (name) => new Problem({ status: 400, title: 'Invalid request', detail: 'The parts of the request.', errors: [{ field: name, detail: 'must have 1 to 200 characters' }] });
  showProblem(form, box, problem('topic'));
  assert.equal(box.textContent, 'Look at the fields that are marked.');
  assert.match(form.textContent, /must have 1 to 200 characters/);
  showProblem(form, box, problem('other'));
  assert.match(box.textContent, /Invalid request.*other must have/);
});

test('a gate with a mistake in its file is one for whoever runs it', () => {
  const at503 = (detail) => problemBox(new Problem({ status: 503, title: 'Service Unavailable', detail })).textContent;
  assert.match(at503('The gate is not configured.'), /finds the reason in its log/);
  assert.doesNotMatch(at503('Later.'), /log/);
});

const WAITING = { id: 's-1', state: 'redeemed', label: 'phone', scopes: [], created_at: '2027-01-15T08:00:00Z', expires_at: '2027-01-15T20:00:00Z' };

test('what cannot be the number is no try; the third wrong one ends it, and that is said', async (t) => {
  let left = 3;
  const answer = (method) => {
    if (method === 'GET') return { sessions: left > 0 ? [WAITING] : [] };
    left -= 1;
    throw new Problem({ status: 422, kind: 'wrong-number', title: 'Wrong number', detail: 'Another one.' });
  };
  const { root, context, send } = await at(t, showSessions, { parts: ['s-1'], answer });
  const tries = () => context.calls.filter(({ method }) => method === 'POST').map(({ body }) => body.number);
  for (const typed of ['', '12', 'abcd']) {
    labelled(root, 'Number').typed(typed);
    await send();
    assert.match(root.textContent, /Type the four digits that the device shows/);
  }
  assert.deepEqual(tries(), []);
  for (const typed of ['1111', '22 22', '3333']) {
    labelled(root, 'Number').typed(typed);
    await send();
  }
  assert.deepEqual(tries(), ['1111', '2222', '3333']);
  assert.match(root.textContent, /The third wrong number has ended it\./);
  assert.ok(named(root, 'Show a new code'));
  assert.equal(context.said.at(-1), 'The third wrong number has ended it.');
});

test('one that ends otherwise after a wrong number was not ended by it', async (t) => {
  let isThere = true;
  const answer = (method) => {
    if (method === 'GET') return { sessions: isThere ? [WAITING] : [] };
    if (method === 'DELETE') { isThere = false; return null; }
    throw new Problem({ status: 422, kind: 'wrong-number', title: 'Wrong number', detail: 'Another one.' });
  };
  const { root, send } = await at(t, showSessions, { parts: ['s-1'], answer });
  labelled(root, 'Number').typed('1111');
  await send();
  named(root, 'Revoke').click();
  named(root, 'Yes, revoke').click();
  await settled();
  assert.match(root.textContent, /It is over\./);
});

test('a code that no device shows is said at its field', async (t) => {
  const answer = (method) => {
    if (method === 'GET') return { sessions: [] };
    throw new Problem({ status: 404, kind: 'blank', title: 'Not Found', detail: 'There is nothing here.' });
  };
  const { root, send } = await at(t, showSessions, { parts: ['new'], answer });
  labelled(root, 'Code').typed('WDJB-MJHT');
  await send();
  assert.match(root.textContent, /No device shows this code: it is mistyped, too old or used already\./);
  assert.doesNotMatch(root.textContent, /There is nothing here/);
});

test('all that is missing of a mediation is said at once, and that it is oneself where the other one is named', async (t) => {
  const answer = (method) => {
    if (method === 'GET') return { mediations: [] };
    throw new Problem({ status: 400, title: 'Invalid request', errors: [{ field: 'with', detail: 'must be somebody else' }] });
  };
  const { root, context, send } = await at(t, showMediations, { parts: ['new'], answer });
  const wrongAt = (name) => root.querySelector(`[data-field="${name}"]`).querySelector('.error').textContent;
  await send();
  assert.deepEqual([wrongAt('topic'), wrongAt('with.subject')], ['Say what it is about.', 'Say with whom.']);
  assert.ok(context.calls.every(({ method }) => method === 'GET'));
  labelled(root, 'What it is about').typed('Reviews');
  labelled(root, 'With whom').typed('ada');
  await send();
  // A digest is made of what is sent, elsewhere than in this thread.
  for (let turns = 0; wrongAt('with.subject') === '' && turns < 500; turns += 1) await new Promise((done) => { setTimeout(done, 2); });
  assert.equal(wrongAt('with.subject'), 'must be somebody else');
});

test('where nothing is known no source is named', () => {
  const answer = { known: false, confidence: 'none', citations: [], proposals: [], whom_to_ask: [], made_by: { kind: 'documents' }, searched: { sections: 3, documents: 1 } };
  const words = (more) => h('div', {}, answerParts({ ...answer, ...more })).textContent;
  assert.doesNotMatch(words({}), /Made of/);
  assert.match(words({ known: true, confidence: 'high', answer: 'So.' }), /Made of quotes from documents; 3 sections/);
});

test('events that cannot be had for a while are asked for again by themselves, and not in haste', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_800_000_000_000 });
  let isAway = true;
  const away = new Problem({ status: 503, title: 'Service Unavailable', detail: 'The gate is not configured.' });
  const event = { position: 1, event: { id: '1', type: 'dev.watchgate.sample', source: 'urn:a', time: '2027-01-15T08:00:00Z' } };
  const { root, context } = await at(t, showEvents, {
    answer: (method, path, options) => {
      if (isAway) throw away;
      return options.isStream ? new Response(new ReadableStream({})) : { events: [event], next_after: null };
    },
  });
  const pass = async (milliseconds) => { for (let passed = 0; passed < milliseconds; passed += 500) { t.mock.timers.tick(500); await settled(); } };
  await pass(500);
  assert.match(root.textContent, /Service Unavailable/);
  assert.doesNotMatch(root.textContent, /No events match|Loading/);
  const alert = root.querySelector('.problem');
  await pass(60_000);
  const asked = context.calls.length;
  assert.ok(asked >= 4 && asked <= 9, `${asked} times within a minute`);
  assert.equal(root.querySelector('.problem'), alert, 'it is said once');
  isAway = false;
  await pass(40_000);
  assert.match(root.textContent, /dev\.watchgate\.sample/);
  assert.doesNotMatch(root.textContent, /Service Unavailable/);
  assert.match(root.textContent, /live/);
});

test('events that are refused for good are asked for once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_800_000_000_000 });
  const { context } = await at(t, showEvents, { answer: forbidden });
  for (let times = 0; times < 20; times += 1) { t.mock.timers.tick(5_000); await settled(); }
  assert.equal(context.calls.length, 1);
});

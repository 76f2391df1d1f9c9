// One mediation while the other one goes on with it.

import assert from 'node:assert/strict';
import test from 'node:test';

import { contextOf, labelled, named, newPage, settled } from './page.mjs';

newPage();
const { h } = await import('../../../browser/pages/lib/dom.js');
const { forgetDrafts } = await import('../../../browser/pages/console/drafts.js');
const { showMediation } = await import('../../../browser/pages/console/mediation.js');

const OTHER = { issuer: 'https://idp.test', subject: 'ben' };
const MEDIATION = {
  id: '1', topic: 'Reviews', state: 'shared', with: OTHER, begun_by_you: true, created_at: '2027-01-15T08:00:00Z', turns_left: 5, asks_whether_it_held: false, form: [],
  yours: { account: 'told', restatement: 'Reviews are late.', restatement_id: 'r-1', made_by: { kind: 'model' }, shared: 'Reviews are late.' }, theirs: { has_shared: true, shared: 'They come in the evening.' },
};

/** Shows it as the service has it; `state.mediation` may be put another one in place, which the next look sees. */
async function shown(t, changes = {}) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_800_000_000_000 });
  forgetDrafts();
  const place = h('div', {});
  newPage().append(place);
  const state = { place, mediation: { ...MEDIATION, ...changes }, sent: [] };
  const context = contextOf(async (method, path, { body } = {}) => {
    if (method === 'POST') await state.answering;
    if (method === 'POST') state.sent.push({ step: path.split('/').at(-1), body });
    const seen = structuredClone(state.mediation);
    if (method === 'GET') await state.reading;
    return seen;
  });
  t.after(() => context.end());
  showMediation(place, { context, signal: context.signal, id: '1', changed() {} });
  state.look = async () => { await settled(); t.mock.timers.tick(12_500); await settled(); };
  state.context = context;
  await settled();
  return state;
}

const detailsOf = (place, words) => place.querySelectorAll('details').find((part) => part.querySelector('summary').textContent === words);
const turned = (mediation, turns) => ({ ...mediation, turns_left: turns });

test('private words stay in their field, whatever comes meanwhile', async (t) => {
  const state = await shown(t);
  const { place } = state;
  detailsOf(place, 'Say something else').open = true;
  const field = labelled(place, 'Tell it anew');
  field.typed('They are la');
  state.mediation = turned(state.mediation, 4);
  await state.look();
  assert.equal(document.activeElement, field, 'still there, with the caret where it was');
  assert.ok(field.isConnected);
  field.typed('They are lazy');
  await state.look();
  assert.equal(state.context.said.filter((words) => words === 'Something has changed.').length, 1);
  assert.equal(labelled(place, 'As the other one would read it').value, 'Reviews are late.');
  named(place, 'Show it').click();
  assert.match(place.textContent, /You may send 4 more texts\./);
  assert.equal(named(place, 'Show it'), null);
  assert.ok(detailsOf(place, 'Say something else').open);
  assert.equal(labelled(place, 'Tell it anew').value, 'They are lazy');
  assert.equal(labelled(place, 'As the other one would read it').value, 'Reviews are late.');
  assert.equal(document.activeElement.localName, 'h2');
});

test('what comes is shown at once to whoever only reads, and to whoever has just sent something', async (t) => {
  const state = await shown(t);
  state.mediation = turned(state.mediation, 3);
  await state.look();
  assert.match(state.place.textContent, /3 more texts/);
  labelled(state.place, 'Propose an agreement').typed('Reviews before six.');
  named(state.place, 'Propose').click();
  await settled();
  state.mediation = turned(state.mediation, 2);
  await state.look();
  assert.match(state.place.textContent, /2 more texts/);
});

test('whoever types on while something is sent is not taken away from it by the answer', async (t) => {
  const state = await shown(t);
  const { place } = state;
  detailsOf(place, 'Say something else').open = true;
  let answer;
  state.answering = new Promise((resolve) => { answer = resolve; });
  named(place, 'Share it in these words').click();
  await settled();
  const field = labelled(place, 'Tell it anew');
  field.typed('They are la');
  state.mediation = turned(state.mediation, 2);
  answer();
  await settled();
  assert.equal(document.activeElement, field);
  assert.ok(field.isConnected);
  named(place, 'Show it').click();
  assert.match(place.textContent, /2 more texts/);
  labelled(place, 'Tell it anew').typed('They are lazy');
  named(place, 'Tell it').click();
  await settled();
  assert.equal(state.sent.at(-1).body.text, 'They are lazy');
  assert.ok(!detailsOf(place, 'Say something else').open, 'it is said');
});

test('a look that was on its way before something was sent does not bring back how it was', async (t) => {
  const state = await shown(t);
  let letGo;
  state.reading = new Promise((resolve) => { letGo = resolve; });
  await state.look();
  state.mediation = turned(state.mediation, 2);
  labelled(state.place, 'Propose an agreement').typed('Reviews before six.');
  named(state.place, 'Propose').click();
  await settled();
  assert.match(state.place.textContent, /2 more texts/);
  letGo();
  await settled();
  assert.match(state.place.textContent, /2 more texts/);
});

test('the day on which it is asked whether it held stays chosen', async (t) => {
  const state = await shown(t);
  labelled(state.place, 'When to ask').typed('2027-03-01');
  labelled(state.place, 'Propose an agreement').typed('Reviews before six.');
  document.activeElement = document.body;
  state.mediation = turned(state.mediation, 3);
  await state.look();
  assert.match(state.place.textContent, /3 more texts/);
  named(state.place, 'Propose').click();
  await settled();
  const { step, body } = state.sent[0];
  assert.equal(step, 'agreement');
  assert.equal(body.follow_up_at, new Date('2027-03-01T12:00:00').toISOString());
});

test('what was typed over one restatement does not hide the next one', async (t) => {
  const state = await shown(t);
  labelled(state.place, 'As the other one would read it').typed('They are always late.');
  document.activeElement = document.body;
  state.mediation = { ...state.mediation, yours: { ...state.mediation.yours, restatement: 'I wait for reviews.', restatement_id: 'r-2' } };
  await state.look();
  assert.equal(labelled(state.place, 'As the other one would read it').value, 'I wait for reviews.');
});

test('taking it back sends no text and keeps what is typed', async (t) => {
  const state = await shown(t);
  labelled(state.place, 'As the other one would read it').typed('They are always late.');
  named(state.place, 'Take it back').click();
  await settled();
  assert.equal(state.sent.length, 1);
  assert.equal(state.sent[0].body.share, false);
  assert.ok(!('text' in state.sent[0].body), JSON.stringify(state.sent[0].body));
  state.mediation = turned(state.mediation, 3);
  await state.look();
  assert.equal(labelled(state.place, 'As the other one would read it').value, 'They are always late.');
});

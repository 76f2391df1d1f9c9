import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Problem } from '../../../browser/pages/lib/problem.js';
import { Decided } from '../../../browser/pages/watch/decided.js';
import { Question } from '../../../browser/pages/watch/question.js';

const ADA = { iss: 'https://idp.example.com', sub: 'ada' };
const COMMAND = { id: 'c-1', runbook: 'restart-worker', digest: 'd' };
const turn = () => new Promise((resolve) => { setImmediate(resolve); });
const away = new Problem({ status: 0, title: 'away' });
const conflict = (kind) => new Problem({ status: 409, kind, title: kind });
const tooOld = () => Object.assign(new Error('The line was away for too long.'), { kind: 'unanswered' });

/** A queue that answers as it is told, and tells what it is told to. */
class Line extends EventTarget {
  items = [];
  sent = [];
  answers = [];
  tookBack = null;
  async send(item) {
    this.sent.push(item);
    const answer = this.answers.shift();
    if (answer instanceof Error) throw answer;
    if (answer.isWaiting) this.items.push(item);
    return answer;
  }
  async takeBack() { return this.tookBack; }
  told(type, more = {}) {
    if (more.item) this.items = this.items.filter(({ id }) => id !== more.item.id);
    this.dispatchEvent(Object.assign(new Event(type), more));
  }
}

/** `stands` is what the service says that Ada has decided: a decision, null, or a problem. */
function deciding({ answers = [], stands = null, canceled = { status: 200 } } = {}) {
  const queue = Object.assign(new Line(), { answers });
  const words = [];
  const calls = [];
  const service = { stands };
  const api = {
    call: async (method, path) => {
      calls.push(`${method} ${path}`);
      if (service.stands instanceof Error) throw service.stands;
      return { approval: { decided: service.stands ? [{ by: ADA, decision: service.stands }] : [] } };
    },
    send: async (method, path) => {
      calls.push(`${method} ${path}`);
      if (canceled instanceof Error) throw canceled;
      return canceled;
    },
  };
  const decided = new Decided({ api, queue, person: ADA, say: (sentence) => words.push(sentence) });
  let troubles = 0;
  decided.addEventListener('trouble', () => { troubles += 1; });
  return { decided, queue, words, calls, service, troubles: () => troubles };
}
const became = ({ decided }) => decided.of('c-1')?.became;
/** What an earlier page has left in the queue. */
const left = (decision = 'approve') => ({ id: 'i-1', what: 'x', about: { id: 'c-1', runbook: 'restart-worker' }, body: { decision, digest: 'd' } });

test('what became of what an earlier page could not send is said, whichever screen is shown, and an approval can be taken back', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const sent = deciding();
  sent.queue.items = [left()];
  sent.queue.told('change');
  assert.equal(became(sent), 'waiting');
  sent.queue.told('sent', { item: left(), answer: {} });
  assert.deepEqual([became(sent), sent.words, sent.troubles()], ['sent', ['Approved restart-worker.'], 0]);
  await sent.decided.undo(sent.decided.of('c-1'));
  assert.deepEqual([became(sent), sent.calls, sent.words.at(-1)], ['undone', ['POST /v1/commands/c-1/cancel'], 'Taken back.']);
  context.mock.timers.tick(10_000);
  assert.deepEqual(sent.decided.all, []);

  // It may fail at once: before anybody has heard that it waits.
  const refused = deciding();
  refused.queue.told('failed', { item: left(), problem: new Problem({ status: 403, title: 'You may not.' }) });
  await turn();
  assert.deepEqual([became(refused), refused.words, refused.troubles()], ['failed', ['restart-worker: You may not.'], 1]);
  context.mock.timers.tick(60_000);
  assert.equal(refused.decided.troubled.length, 1);
  refused.decided.close(refused.decided.of('c-1'));
  assert.deepEqual(refused.decided.all, []);
});

test('a decision that was made before is what is said, and not the one that came too late', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  for (const kind of ['decided-already', 'wrong-state']) {
    const same = deciding({ answers: [conflict(kind)], stands: 'reject' });
    await same.decided.decide(COMMAND, 'reject');
    assert.deepEqual([became(same), same.words], ['sent', ['Rejected restart-worker.']], kind);
    const opposite = deciding({ answers: [conflict(kind)], stands: 'approve' });
    await opposite.decided.decide(COMMAND, 'reject');
    assert.deepEqual([became(opposite), opposite.words], ['failed', ['restart-worker: You have decided before: it stays approved.']], kind);
    const unknown = deciding({ answers: [conflict(kind)], stands: away });
    await unknown.decided.decide(COMMAND, 'reject');
    assert.deepEqual([became(unknown), unknown.words], ['failed', [`restart-worker: ${kind}`]]);
  }
});

test('what is too old to be sent may have arrived: then that is said', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  for (const [stands, expected] of [['approve', 'sent'], [null, 'failed']]) {
    const one = deciding({ stands });
    one.queue.told('failed', { item: left(), problem: tooOld() });
    await turn();
    assert.equal(became(one), expected);
  }
});

test('an approval waits for the line, is taken back there, and nothing is called off that never arrived', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  for (const [tookBack, stands, calls, ends] of [
    ['unsent', null, [], 'undone'],
    ['tried', null, ['GET /v1/commands/c-1'], 'undone'],
    ['tried', 'approve', ['GET /v1/commands/c-1', 'POST /v1/commands/c-1/cancel'], 'stopping'],
    ['tried', away, ['GET /v1/commands/c-1'], 'unsure'],
  ]) {
    const one = deciding({ answers: [{ isWaiting: true }], stands, canceled: { status: 202 } });
    await one.decided.decide(COMMAND, 'approve');
    assert.deepEqual([became(one), one.words], ['waiting', ['Waiting for the line.']]);
    one.queue.tookBack = tookBack;
    await one.decided.undo(one.decided.of('c-1'));
    assert.deepEqual([one.calls, became(one)], [calls, ends], tookBack);
  }
  const kept = deciding({ answers: [{ answer: {} }], canceled: conflict('wrong-state') });
  await kept.decided.decide(COMMAND, 'approve');
  await kept.decided.undo(kept.decided.of('c-1'));
  context.mock.timers.tick(60_000);
  assert.deepEqual([became(kept), kept.decided.troubled.length], ['kept', 1]);
});

function asking({ answers = [] } = {}) {
  const queue = Object.assign(new Line(), { answers });
  const words = [];
  const counted = [];
  const drafts = new Map();
  const parts = {
    queue, say: (sentence) => words.push(sentence), phrases: { count: async (text) => { counted.push(text); throw new Error('no room'); } },
    drafts: { read: (name) => drafts.get(name) ?? null, keep: (name, text) => drafts.set(name, text), forget: (name) => drafts.delete(name) },
  };
  return { asked: new Question(parts), queue, words, counted };
}

test('a question is answered whichever screen is shown, also one that an earlier page could not send', async () => {
  const { asked, queue, words, counted } = asking({ answers: [{ answer: { known: true, answer: 'Use `it`.' } }, away] });
  await asked.ask(' How? ');
  assert.deepEqual([asked.text, asked.answer.answer, asked.waiting, asked.draft, words], ['How?', 'Use `it`.', null, '', ['Use it.']]);
  await asked.ask('And then?');
  assert.deepEqual([asked.problem, asked.draft, words.at(-1)], [away, 'And then?', 'away']);

  const later = asking();
  const item = { id: 'i-1', what: 'How?', path: '/v1/ask?short=1' };
  later.queue.items = [item];
  later.queue.told('change');
  assert.deepEqual([later.asked.text, later.asked.waiting, later.asked.isQueued], ['How?', 'i-1', true]);
  await later.asked.ask('Another?');
  assert.deepEqual(later.queue.sent, []);
  later.queue.told('sent', { item, answer: { known: false } });
  assert.deepEqual([later.asked.waiting, later.words], [null, ['The documents do not say.']]);
  assert.deepEqual([counted, later.counted], [['How?'], []], 'what has no answer is not offered to be asked again');
  later.queue.told('failed', { item, problem: tooOld() });
  assert.equal(later.words.at(-1), 'The line was away for too long.');
  assert.equal(queue.sent.length, 2);
});

// What is asked for once comes about once, also when its answer is lost and the form is another one by then.

import assert from 'node:assert/strict';
import test from 'node:test';

import { forgetDrafts } from '../../../browser/pages/console/drafts.js';
import { sendOnce } from '../../../browser/pages/console/sending.js';
import { Problem, unreachable } from '../../../browser/pages/lib/problem.js';

/** An API that answers in this order, and the keys that it was sent. */
function answering(...answers) {
  const keys = [];
  const call = async (method, path, { headers }) => {
    keys.push(headers['idempotency-key']);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { api: { call }, keys };
}

test('the key lasts until somebody has answered, and no longer', async () => {
  const timedOut = unreachable({ name: 'TimeoutError' });
  const { api, keys } = answering(timedOut, new SyntaxError('half an answer'), new Problem({ status: 504, title: 'Gateway timeout' }), { id: '1' }, { id: '2' });
  for (const _ of [1, 2, 3]) await assert.rejects(sendOnce(api, '/v1/commands', { runbook: 'a' }));
  assert.deepEqual(await sendOnce(api, '/v1/commands', { runbook: 'a' }), { id: '1' });
  assert.equal(new Set(keys).size, 1);
  assert.match(keys[0], /^"[0-9a-f-]{36}"$/);
  await sendOnce(api, '/v1/commands', { runbook: 'a' });
  assert.notEqual(keys[4], keys[0], 'another command of the same kind');
});

test('a refusal is an answer', async () => {
  const { api, keys } = answering(new Problem({ status: 403, title: 'No' }), { id: '1' });
  await assert.rejects(sendOnce(api, '/v1/commands', { runbook: 'b' }));
  await sendOnce(api, '/v1/commands', { runbook: 'b' });
  assert.notEqual(keys[0], keys[1]);
});

test('something else has a key of its own, and another person has all others', async () => {
  const { api, keys } = answering(...Array.from({ length: 4 }, () => unreachable()));
  for (const [path, body] of [['/v1/commands', { runbook: 'c' }], ['/v1/commands', { runbook: 'd' }], ['/v1/commands/1/replay', { runbook: 'c' }]]) await assert.rejects(sendOnce(api, path, body));
  forgetDrafts();
  await assert.rejects(sendOnce(api, '/v1/commands', { runbook: 'c' }));
  assert.equal(new Set(keys).size, 4);
});

// A runbook's parameters as a form, and the form as a command.

import assert from 'node:assert/strict';
import test from 'node:test';

import { commandBody, fieldsOf, parametersOf } from '../../../browser/pages/console/parameters.js';

const schema = {
  type: 'object', additionalProperties: false, required: ['worker', 'password', 'count'],
  properties: {
    reason: { type: 'string', default: 'it is stuck', maxLength: 500 },
    worker: { type: 'string', enum: ['thumbnailer', 'mailer'] },
    count: { type: 'integer', minimum: 0, maximum: 60, default: 10 },
    ratio: { type: 'number' },
    force: { type: 'boolean', default: false },
    password: { type: 'string', secret: true },
    labels: { type: 'array', items: { type: 'string' } },
    level: { enum: [1, 'high', null] },
    note: { type: 'string' },
  },
};

const valuesOf = (fields, more = {}) => ({ ...Object.fromEntries(fields.map(({ name, initial }) => [name, initial])), ...more });

test('fields have the kinds of their schemas, and those that are required come first', () => {
  const fields = fieldsOf(schema);
  assert.deepEqual(fields.slice(0, 3).map(({ name }) => name).sort(), ['count', 'password', 'worker']);
  assert.deepEqual(Object.fromEntries(fields.map(({ name, kind }) => [name, kind])), {
    worker: 'choice', count: 'integer', password: 'secret', reason: 'long', ratio: 'number', force: 'choice', labels: 'json', level: 'choice', note: 'text',
  });
  assert.deepEqual(fields.find(({ name }) => name === 'force').choices, [true, false]);
});

test('a form that is sent as it stands says the defaults, and what is missing', () => {
  const fields = fieldsOf(schema);
  const { parameters, errors } = parametersOf(fields, valuesOf(fields));
  assert.deepEqual(parameters, { reason: 'it is stuck', count: 10, force: false });
  assert.deepEqual(errors.map(({ field }) => field).sort(), ['parameters.password', 'parameters.worker']);
});

test('texts become what their types are', () => {
  const fields = fieldsOf(schema);
  const { parameters, errors } = parametersOf(fields, valuesOf(fields, { worker: '"mailer"', count: ' 5 ', ratio: '0.25', force: 'true', password: ' p ', labels: '["a", "b"]', level: 'null', note: '7' }));
  assert.deepEqual(errors, []);
  assert.deepEqual(parameters, { reason: 'it is stuck', worker: 'mailer', count: 5, ratio: 0.25, force: true, password: ' p ', labels: ['a', 'b'], level: null, note: '7' });
});

test('what is empty is left out, so that the default holds', () => {
  const fields = fieldsOf(schema);
  const { parameters, errors } = parametersOf(fields, { worker: '"mailer"', password: 'x', count: '', reason: '' });
  assert.deepEqual(errors, []);
  assert.deepEqual(parameters, { worker: 'mailer', password: 'x' });
});

test('what is no number and no JSON is named at its field', () => {
  const fields = fieldsOf(schema);
  const { errors } = parametersOf(fields, valuesOf(fields, { worker: '"mailer"', password: 'x', count: '1.5', ratio: 'much', labels: 'a, b' }));
  assert.deepEqual(errors.map(({ field }) => field).sort(), ['parameters.count', 'parameters.labels', 'parameters.ratio']);
});

test('proposed values stand in the form in the place of defaults, but never in a secret', () => {
  const fields = fieldsOf(schema, { worker: 'mailer', reason: 'seen', password: 'leaked', labels: ['x'] });
  const initial = Object.fromEntries(fields.map((one) => [one.name, one.initial]));
  assert.equal(initial.worker, '"mailer"');
  assert.equal(initial.reason, 'seen');
  assert.equal(initial.password, '');
  assert.equal(initial.labels, '["x"]');
});

test('a body says nothing that holds anyway', () => {
  assert.deepEqual(commandBody({ runbook: 'a', parameters: {}, reason: '  ' }), { runbook: 'a', parameters: {} });
  assert.deepEqual(commandBody({ runbook: 'a', parameters: { b: 1 }, reason: ' why ', isDryRun: true }), { runbook: 'a', parameters: { b: 1 }, reason: 'why', dry_run: true });
});

test('a runbook without parameters has no fields', () => {
  assert.deepEqual(fieldsOf({ type: 'object' }), []);
  assert.deepEqual(parametersOf([], {}), { parameters: {}, errors: [] });
});

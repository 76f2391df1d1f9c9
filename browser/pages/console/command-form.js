// Asking for a command: a runbook of the catalogue, its parameters as its schema says, and why.

import { fill, h } from '../lib/dom.js';
import { Problem } from '../lib/problem.js';
import { draft, sent } from './drafts.js';
import { commandBody, fieldsOf, parametersOf } from './parameters.js';
import { field, onSend, problemBox } from './problem-box.js';
import { hrefOf } from './route.js';
import { lackOf } from './scopes.js';
import { sendOnce } from './sending.js';

const RISKS = { read: ['looks and reports', ''], change: ['changes what can be changed back', 'warn'], destructive: ['cannot be changed back', 'bad'] };

/** The form; `query` may name a `runbook` and `parameters` as JSON. */
export async function showRequest(place, { context, signal, query, done }) {
  const { api } = context;
  fill(place, h('h2', {}, 'Ask for a command'), h('p', { class: 'faint' }, 'Loading the runbooks…'));
  let runbooks;
  try {
    ({ runbooks } = await api.call('GET', '/v1/runbooks', { signal }));
  } catch (problem) {
    if (!signal.aborted) fill(place, h('h2', {}, 'Ask for a command'), problemBox(problem, { again: () => showRequest(place, { context, signal, query, done }) }));
    return;
  }
  const may = (runbook) => runbook.you_may.includes('run') || runbook.you_may.includes('dry_run');
  const rest = h('div', {});
  const select = h('select', {}, h('option', { value: '' }, 'Choose…'),
    runbooks.map((runbook) => h('option', { value: runbook.name, disabled: !may(runbook) }, `${runbook.title} (${runbook.name})${may(runbook) ? '' : ', not allowed to you'}`)));
  select.addEventListener('change', () => drawForm({}));
  fill(place, h('h2', {}, 'Ask for a command'), lackOf('commands:request', context.principal), field({ name: 'runbook', label: 'Runbook', control: select }), rest);
  const wanted = query.get('runbook');
  if (wanted && !runbooks.some(({ name }) => name === wanted)) fill(rest, h('p', {}, `There is no runbook ${wanted} in the catalogue.`));
  else if (wanted) {
    select.value = wanted;
    drawForm(givenIn(query));
  }

  function drawForm(given) {
    const runbook = runbooks.find(({ name }) => name === select.value);
    if (!runbook) {
      fill(rest);
      return;
    }
    const fields = fieldsOf(runbook.parameters, given);
    const mayRun = runbook.you_may.includes('run');
    const mayDry = runbook.dry_run && runbook.you_may.includes('dry_run');
    const drafted = (name) => `command-${runbook.name}-${name}`;
    const controls = Object.fromEntries(fields.map((one) => [one.name, controlOf(one)]));
    for (const one of fields) {
      // What was proposed just now is not overwritten by what was typed long ago; a secret is not kept anywhere.
      if (one.kind !== 'secret' && !Object.hasOwn(given, one.name)) draft(drafted(one.name), controls[one.name]);
    }
    const reason = draft(drafted(':reason'), h('textarea', { rows: '2', maxlength: '2000' }));
    const dry = h('input', { type: 'checkbox' });
    dry.checked = !mayRun;
    dry.disabled = !mayRun;
    const [risk, style] = RISKS[runbook.risk] ?? [runbook.risk, ''];
    const service = runbook.target.service ?? `as the parameter ${runbook.target.service_from} says`;
    const quorum = runbook.approval.quorum ?? 1;
    const approval = runbook.approval.needed ? `${quorum} ${quorum === 1 ? 'person' : 'people'} must agree${runbook.approval.not_requester ? ', and not you' : ''}` : 'not needed';
    const form = h('form', {},
      fields.length === 0 && h('p', { class: 'faint' }, 'It takes no parameters.'),
      fields.map((one) => field({ name: `parameters.${one.name}`, label: one.label, hint: one.hint, control: controls[one.name], isOptional: !one.isRequired })),
      field({ name: 'reason', label: 'Why', hint: 'For whoever decides about it, and for later.', control: reason, isOptional: true }),
      mayDry && field({ name: 'dry_run', label: 'Only say what it would do (dry run)', control: dry, hint: mayRun ? 'A dry run needs no approval.' : 'You may ask for nothing else of this runbook.' }),
      h('button', { type: 'submit', class: 'primary' }, 'Ask for it'));
    onSend(form, {
      signal,
      work: async () => {
        const values = Object.fromEntries(fields.map(({ name }) => [name, controls[name].value]));
        const { parameters, errors } = parametersOf(fields, values);
        if (errors.length > 0) throw new Problem({ status: 400, title: 'Something is missing', detail: 'Nothing was sent yet.', errors });
        const body = commandBody({ runbook: runbook.name, parameters, reason: reason.value, isDryRun: mayDry && dry.checked });
        const command = await sendOnce(api, '/v1/commands', body);
        sent(...fields.map(({ name }) => drafted(name)), drafted(':reason'));
        context.announce('The command was asked for.');
        if (signal.aborted) return;
        done();
        context.go('commands', [command.id]);
      },
    });
    fill(rest,
      h('p', {}, runbook.description),
      h('dl', { class: 'facts' }, h('dt', {}, 'Carried out by'), h('dd', {}, service), h('dt', {}, 'Risk'), h('dd', {}, h('span', { class: `tag ${style}` }, risk)),
        h('dt', {}, 'Approval'), h('dd', {}, approval), h('dt', {}, 'Time'), h('dd', {}, `${runbook.timeout_seconds} s for each phase`)),
      !mayRun && !mayDry && h('p', {}, 'You have not the right to run this one.'),
      (mayRun || mayDry) && form);
  }
}

function controlOf({ name, kind, choices, isRequired, initial }) {
  let control;
  if (kind === 'choice') {
    const named = (value) => (value === true ? 'yes' : value === false ? 'no' : typeof value === 'string' ? value : JSON.stringify(value));
    const none = isRequired ? h('option', { value: '' }, 'Choose…') : h('option', { value: '' }, 'left out');
    control = h('select', {}, none, choices.map((value) => h('option', { value: JSON.stringify(value) }, named(value))));
  } else if (kind === 'long' || kind === 'json') control = h('textarea', { rows: kind === 'json' ? '3' : '2', spellcheck: kind === 'long' ? null : 'false', class: kind === 'json' ? 'mono' : null });
  else control = h('input', { type: kind === 'secret' ? 'password' : 'text', inputmode: kind === 'integer' ? 'numeric' : kind === 'number' ? 'decimal' : null, autocomplete: kind === 'secret' ? 'new-password' : 'off' });
  control.name = name;
  control.required = isRequired;
  control.value = initial;
  return control;
}

function givenIn(query) {
  try {
    const given = JSON.parse(query.get('parameters') ?? '{}');
    return typeof given === 'object' && given !== null ? given : {};
  } catch {
    return {};
  }
}

/** A link to the form with a runbook and what is known of its parameters. */
export function requestLink(runbook, parameters = {}, words = runbook) {
  const known = Object.keys(parameters).length > 0 ? JSON.stringify(parameters) : '';
  return h('a', { href: hrefOf('commands', ['new'], { runbook, parameters: known }) }, words);
}

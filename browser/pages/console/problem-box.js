// What went wrong, said in one way in all views: beside the fields that are meant, and the rest in a box.

import { fill, h } from '../lib/dom.js';
import { Problem } from '../lib/problem.js';
import { scopesInWords } from './scopes.js';

// What the gate says as long as there is a mistake in its own file.
const NOT_CONFIGURED = 'The gate is not configured.';

/** A box that says it. `again` is what "Try again" does; without it there is no such button. */
export function problemBox(problem, { again = null } = {}) {
  const known = problem instanceof Problem;
  const title = known ? problem.title : 'This page has made a mistake';
  const detail = known ? problem.detail : String(problem?.message ?? problem);
  return h('div', { class: 'problem', role: 'alert' },
    h('strong', {}, title),
    detail && detail !== title && h('p', {}, detail),
    known && problem.status === 403 && (problem.kind === '' || problem.kind === 'blank') && h('p', {}, `Your token does not open this. Whoever gives out tokens can add ${problem.scope ? scopesInWords(problem.scope) : 'the scope that it needs'}.`),
    known && problem.status === 503 && problem.detail === NOT_CONFIGURED && h('p', {}, 'Whoever runs the gateway finds the reason in its log.'),
    known && problem.errors.length > 0 && h('ul', {}, problem.errors.map((error) => h('li', {}, error.field && h('code', {}, error.field), ' ', error.detail))),
    known && problem.retryAfterSeconds && h('p', {}, `It can be tried again in ${problem.retryAfterSeconds} s.`),
    again && h('button', { type: 'button', class: 'quiet', onclick: again }, 'Try again'));
}

/** A labelled control with room for a hint and for what is wrong with it. `name` is the member that errors name. */
export function field({ name, label, hint = '', control, isOptional = false }) {
  const id = `field-${name.replaceAll(/[^\w-]/g, '-')}-${++made}`;
  control.id = id;
  control.setAttribute('aria-describedby', `${id}-hint ${id}-error`);
  const words = h('label', { for: id }, label, isOptional && h('span', { class: 'faint' }, ' (optional)'));
  const hinted = h('p', { id: `${id}-hint`, class: 'hint' }, hint);
  const error = h('p', { id: `${id}-error`, class: 'error' });
  const parts = control.type === 'checkbox' ? [h('div', { class: 'check' }, control, words)] : [words, control];
  return h('div', { class: 'field', 'data-field': name }, parts, hint && hinted, error);
}

let made = 0;

// What is wrong stands beside the fields; what the service says of its answer's parts is for programs.
const LOOK = { title: 'Look at the fields that are marked.', detail: '' };

/** Puts a problem into a form: errors at their fields, the others in `box`. Nothing that was typed changes. */
export function showProblem(form, box, problem) {
  clearProblem(form, box);
  const rest = [];
  let first = null;
  for (const error of problem.errors ?? []) {
    // `parameters.worker.name` belongs to the field `parameters.worker`.
    const fields = [...form.querySelectorAll('[data-field]')];
    const found = fields.find(({ dataset }) => error.field === dataset.field || error.field.startsWith(`${dataset.field}.`) || error.field === `/${dataset.field}`);
    const control = found?.querySelector('input, select, textarea');
    if (!control) {
      rest.push(error);
      continue;
    }
    const place = found.querySelector('.error');
    place.textContent = [place.textContent, error.detail].filter(Boolean).join('; ');
    control.setAttribute('aria-invalid', 'true');
    first ??= control;
  }
  const shown = problem instanceof Problem ? Object.assign(new Problem(problem), { errors: rest, ...(first ? LOOK : {}) }) : problem;
  fill(box, problemBox(shown));
  first?.focus();
}

/** Takes away what `showProblem` put there. */
export function clearProblem(form, box) {
  fill(box);
  for (const control of form.querySelectorAll('[aria-invalid]')) control.removeAttribute('aria-invalid');
  for (const place of form.querySelectorAll('.field > .error')) place.textContent = '';
}

/**
 * Makes a form do `work` when it is sent: once at a time, with what goes wrong shown in it. Resolves nothing and throws nothing.
 * `signal` is the view's.
 */
export function onSend(form, { signal, work }) {
  const box = h('div', { class: 'problem-place' });
  form.append(box);
  form.setAttribute('novalidate', '');
  let isSending = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (isSending) return;
    isSending = true;
    clearProblem(form, box);
    form.setAttribute('aria-busy', 'true');
    try {
      await work(event.submitter);
    } catch (problem) {
      if (!signal?.aborted) showProblem(form, box, problem);
    } finally {
      isSending = false;
      form.removeAttribute('aria-busy');
    }
  });
  return form;
}

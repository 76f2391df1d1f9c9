// The rule playground: rules, a token and a request, judged as they are typed by the gate itself, in this page. Nobody need be
// signed in, and nothing that is typed here leaves the page.

import { fill, h } from '../lib/dom.js';
import { draft } from './drafts.js';
import { load } from './playground-gate.js';
import { resultOf } from './playground-result.js';
import { lineAt, verdictOf } from './playground-words.js';
import { field, problemBox } from './problem-box.js';

const WAIT_MILLISECONDS = 250;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];
const STYLE = '/assets/console/playground.css';

export async function show(root, context) {
  const { signal } = context;
  await styled();
  fill(root, h('p', { class: 'faint' }, 'Loading the gate…'));
  const gate = await load();
  if (signal.aborted) return;
  const controls = controlsFor(gate.shipped);
  const { rules, gateChoice, form } = layOut(root, controls);
  const result = h('section', { class: 'play-result', 'aria-label': 'Verdict' });
  // On a narrow screen the verdict stands below all that is typed: its first line stays in sight.
  const glance = h('p', { 'aria-hidden': 'true' });
  form.append(glance);
  root.firstElementChild.append(result);
  let said = '';
  let waiting = null;

  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(judge, WAIT_MILLISECONDS);
  };
  form.addEventListener('input', soon);
  form.addEventListener('submit', (event) => event.preventDefault());
  signal.addEventListener('abort', () => clearTimeout(waiting));
  judge();

  function judge() {
    try {
      showJudgement(gate.judge(questionOf(controls)));
    } catch (problem) {
      fill(result, problemBox(problem, { again: () => location.reload() }));
    }
  }

  function showJudgement(judgement) {
    offerGates(gateChoice, judgement.gates);
    showErrors(form, judgement.errors);
    if (judgement.mistakes.length > 0) rules.setAttribute('aria-invalid', 'true');
    fill(result, resultOf(judgement, { goTo: (line) => goTo(rules, line) }));
    const { kind, title } = verdictOf(judgement);
    glance.className = `glance verdict ${kind}`;
    glance.textContent = title;
    // Whoever listens wants to hear what has changed, not each letter.
    if (said !== '' && said !== title) context.announce(title);
    said = title;
  }
}

function controlsFor(shipped) {
  const text = { autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false' };
  const rules = h('textarea', { ...text, rows: '22', wrap: 'off', class: 'mono' });
  rules.value = shipped;
  const method = h('input', { ...text, list: 'play-methods', value: 'POST' });
  const url = h('input', { ...text, inputmode: 'url', value: exampleUrl(shipped) });
  const source = h('input', { ...text, value: '192.0.2.7' });
  const headers = h('textarea', { ...text, rows: '2', wrap: 'off', class: 'mono', placeholder: 'Name: value' });
  const at = h('input', { type: 'datetime-local', step: '1' });
  const kept = { rules, method, url, source, headers, at };
  for (const [name, control] of Object.entries(kept)) draft(`playground ${name}`, control);
  // What speaks for somebody is not even kept from one view to the next.
  const token = h('textarea', { ...text, rows: '4', class: 'mono' });
  const keys = h('textarea', { ...text, rows: '3', class: 'mono', placeholder: '{"keys": […]}' });
  return { ...kept, token, keys, gateChoice: h('select', {}), shipped };
}

/** A request that the shipped rules say something about. */
function exampleUrl(shipped) {
  const origin = /^\s*publicOrigins:\s*\n\s*-\s*(\S+)/m.exec(shipped)?.[1];
  return `${origin ?? 'https://localhost'}/v1/events`;
}

function layOut(root, controls) {
  const { rules, method, url, source, headers, token, keys, at, gateChoice } = controls;
  const gateField = field({ name: 'middleware', label: 'Gate', control: gateChoice });
  gateField.hidden = true;
  const form = h('form', { class: 'play-form', novalidate: true },
    field({ name: 'rules', label: 'Rules', hint: 'Traefik\'s dynamic file, or what stands under the plugin\'s name.', control: rules }),
    puttingBack(controls),
    gateField,
    h('fieldset', {}, h('legend', {}, 'Request'),
      h('div', { class: 'play-line' }, field({ name: 'method', label: 'Method', control: method }), field({ name: 'url', label: 'URL', control: url })),
      h('datalist', { id: 'play-methods' }, METHODS.map((value) => h('option', { value }))),
      h('div', { class: 'play-line even' }, field({ name: 'source', label: 'Client address', control: source }),
        field({ name: 'now', label: 'Arrives at', isOptional: true, hint: 'Empty means now.', control: at })),
      field({ name: 'headers', label: 'Headers', isOptional: true, hint: 'One on each line.', control: headers })),
    h('fieldset', {}, h('legend', {}, 'Caller'),
      field({ name: 'token', label: 'Token', isOptional: true, hint: 'It stays in this page and is forgotten when you leave it. Nothing is sent anywhere.', control: token }),
      field({ name: 'keys', label: 'Keys of the issuer, a JWK Set', isOptional: true, hint: 'Without them the signature is taken for good, and everything else is checked.', control: keys })));
  fill(root, h('div', { class: 'play' }, form));
  return { rules, gateChoice, form };
}

/** Buttons for the rules that are shipped, and back to one's own. The browser's own undo knows both steps. */
function puttingBack({ rules, shipped }) {
  let mine = null;
  const back = h('button', { type: 'button', class: 'quiet', onclick: () => { mine = rules.value; replace(rules, shipped); } }, 'Put back the shipped rules');
  const again = h('button', { type: 'button', class: 'quiet', onclick: () => replace(rules, mine) }, 'Take my rules again');
  const named = () => {
    const isShipped = rules.value === shipped;
    back.hidden = isShipped;
    again.hidden = !isShipped || mine === null;
  };
  rules.addEventListener('input', named);
  named();
  return h('div', { class: 'row play-back' }, back, again);
}

function replace(control, text) {
  control.focus();
  control.select();
  // The one way to change a text that undo takes back; where there is none, it is at least changed.
  if (!document.execCommand('insertText', false, text)) {
    control.value = text;
    control.dispatchEvent(new Event('input', { bubbles: true }));
  }
  control.setSelectionRange(0, 0);
  control.scrollTop = 0;
}

function questionOf({ rules, gateChoice, method, url, source, headers, token, keys, at }) {
  return {
    rules: rules.value, method: method.value, url: url.value, source: source.value, headers: headers.value, keys: keys.value,
    middleware: gateChoice.value || null,
    token: token.value.trim().replace(/^(Bearer|DPoP)\s+/i, ''),
    at: at.value === '' ? Date.now() : Date.parse(at.value),
  };
}

function offerGates(choice, gates) {
  const shown = [...choice.options].map(({ value }) => value);
  if (shown.length !== gates.length || gates.some((name, index) => name !== shown[index])) {
    const before = choice.value;
    fill(choice, gates.map((name) => h('option', { value: name }, name)));
    if (gates.includes(before)) choice.value = before;
  }
  choice.closest('.field').hidden = gates.length < 2;
}

function showErrors(form, errors) {
  for (const part of form.querySelectorAll('[data-field]')) {
    const here = errors.filter((error) => error.field === part.dataset.field).map(({ what }) => what);
    part.querySelector('.error').textContent = here.join('; ');
    part.querySelector('input, select, textarea').setAttribute('aria-invalid', String(here.length > 0));
  }
}

function goTo(rules, line) {
  const { start, end } = lineAt(rules.value, line);
  rules.focus();
  rules.setSelectionRange(start, end);
  rules.scrollIntoView({ block: 'start' });
  const height = parseFloat(getComputedStyle(rules).lineHeight);
  if (Number.isFinite(height)) rules.scrollTop = Math.max(0, (line - 4) * height);
}

/** Its look is loaded with it. A page that looks plain is better than none. */
function styled() {
  if (document.querySelector(`link[href="${STYLE}"]`)) return null;
  return new Promise((done) => {
    document.head.append(h('link', { rel: 'stylesheet', href: STYLE, onload: done, onerror: done }));
  });
}

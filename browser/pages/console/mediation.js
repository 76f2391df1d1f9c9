// One mediation as one of the two sees it, step by step: what is private, what the other one may read, what both agree on, and whether it held.

import { fill, h } from '../lib/dom.js';
import { agreementPart, outcomePart } from './mediation-agreement.js';
import { accountPart, restatementPart } from './mediation-speaking.js';
import { stateTag } from './mediation-words.js';
import { confirming } from './confirm.js';
import { person } from './people.js';
import { poll } from './poll.js';
import { problemBox } from './problem-box.js';
import { when } from './when.js';

const EVERY = 10_000;

export function showMediation(place, { context, signal, id, changed }) {
  const { api } = context;
  const path = `/v1/mediations/${encodeURIComponent(id)}`;
  const box = h('div', {}, h('p', { class: 'faint' }, 'Loading…'));
  const moved = h('div', { class: 'moved' });
  const body = h('div', {});
  fill(place, box, body, moved);
  let drawn = null;
  let offered = null;
  const look = poll({ signal, every: EVERY, box, load: () => api.call('GET', path, { signal }), show: taken });

  /** Somebody is about to press or to type something: what they look at does not change under their hands, and no word gets into another field. */
  function taken(mediation) {
    const key = JSON.stringify(mediation);
    // What is being sent has its own answer.
    if (body.querySelector('form[aria-busy]')) return;
    if (key === drawn) {
      fill(moved);
      offered = null;
      return;
    }
    if (isAtWork()) offer(mediation);
    else draw(mediation);
  }

  /** Whether somebody is in a field or on a button; `but` are forms that do not count. */
  function isAtWork(but = []) {
    const focused = document.activeElement;
    return body.contains(focused) && !focused.matches('h2') && !but.some((form) => form.contains(focused));
  }

  function offer(mediation) {
    const key = JSON.stringify(mediation);
    if (key === offered) return;
    offered = key;
    fill(moved, h('p', { class: 'notice' }, 'Something has changed. ', h('button', { type: 'button', class: 'quiet', onclick: () => draw(mediation) }, 'Show it')));
    context.announce('Something has changed.');
  }

  /** What came of what was sent from these forms. Meanwhile somebody may have gone on in another one. */
  function answered(mediation, forms) {
    for (const form of forms) {
      form.removeAttribute('aria-busy');
      const part = form.closest('details');
      if (part) part.open = false;
    }
    if (isAtWork(forms)) offer(mediation);
    else draw(mediation);
    // A look that was on its way saw it as it was before.
    look();
    changed();
  }

  function draw(mediation) {
    const wasHere = body.contains(document.activeElement) || moved.contains(document.activeElement);
    const open = [...body.querySelectorAll('details')].filter((part) => part.open).map(nameOf);
    drawn = JSON.stringify(mediation);
    offered = null;
    fill(moved);
    const send = async (step, said) => {
      const next = await api.call('POST', `${path}/${step}`, { body: said, timeout: 130_000 });
      if (signal.aborted) return;
      answered(next, [...body.querySelectorAll('form[aria-busy]')]);
    };
    const common = { context, signal, mediation, send };
    fill(body,
      h('div', { class: 'row' }, h('h2', { tabindex: '-1' }, mediation.topic), stateTag(mediation.state)),
      h('p', { class: 'faint' }, 'With ', person(mediation.with), `, begun by ${mediation.begun_by_you ? 'you' : 'the other one'} `, when(mediation.created_at), `. You may send ${mediation.turns_left} more ${mediation.turns_left === 1 ? 'text' : 'texts'}.`),
      mediation.theirs.has_left && h('p', { class: 'said' }, 'The other one has left. What they had said is removed.'),
      outcomePart(common), agreementPart(common), together(mediation), restatementPart(common), accountPart(common),
      h('div', { class: 'step' }, h('h3', {}, 'Leave'), h('p', { class: 'hint' }, 'All that you have said is removed, and what was made of it. An agreement that both made stays with the other one.'),
        leaving()));
    for (const part of body.querySelectorAll('details')) part.open = open.includes(nameOf(part));
    if (wasHere) body.querySelector('h2').focus({ preventScroll: true });
  }

  function leaving() {
    const problem = h('div', {});
    return [confirming({ label: 'Leave this mediation', ask: 'It cannot be taken back.', yes: 'Yes, leave', act: async () => {
      try {
        await api.call('POST', `${path}/leave`);
        context.announce('You have left the mediation.');
        changed();
        if (!signal.aborted) context.go('mediations');
      } catch (cause) {
        if (!signal.aborted) fill(problem, problemBox(cause));
      }
    } }), problem];
  }
}

const nameOf = (details) => details.querySelector('summary').textContent;

function together({ together: both, theirs, yours, note }) {
  if (!both && !theirs.shared) return null;
  const part = (title, lines) => lines?.length > 0 && [h('h3', {}, title), h('ul', {}, lines.map((line) => h('li', {}, line)))];
  return h('div', { class: 'step' },
    h('h3', {}, 'How you see it'), h('p', { class: 'said' }, yours.shared ?? ''),
    h('h3', {}, 'How the other one sees it'), h('p', { class: 'said' }, theirs.shared ?? ''),
    both && [part('What is common', both.common), part('What is open', both.open), part('Next steps', both.next_steps)],
    yours.draft && [h('h3', {}, 'What you could write to them'), h('p', { class: 'said' }, yours.draft), h('p', { class: 'hint' }, 'It is sent by nobody.')],
    note && h('p', { class: 'hint' }, note));
}

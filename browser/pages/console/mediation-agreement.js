// What both agree on, and, on the day that they set, whether it held.

import { h } from '../lib/dom.js';
import { draft, sent } from './drafts.js';
import { isFinal } from './mediation-words.js';
import { person } from './people.js';
import { field, onSend } from './problem-box.js';
import { when } from './when.js';

const LONGEST = '4000';

/** The agreement or a proposal of one, and a form to propose. */
export function agreementPart({ context, signal, mediation, send }) {
  const { agreement, state, id } = mediation;
  if (state === 'open' && !agreement) return null;
  const { iss, sub } = context.principal;
  const isOwn = agreement?.proposed_by.issuer === iss && agreement?.proposed_by.subject === sub;
  const isAccepted = Boolean(agreement?.accepted_at);
  const shown = agreement && [
    h('p', { class: 'said' }, agreement.text),
    h('p', { class: 'small faint' }, 'Proposed by ', person(agreement.proposed_by, context.principal), ' ', when(agreement.proposed_at),
      isAccepted && [', accepted by ', person(agreement.accepted_by, context.principal), ' ', when(agreement.accepted_at)], '. You are asked whether it held ', when(agreement.follow_up_at), '.'),
  ];
  const accept = agreement && !isAccepted && !isOwn && !isFinal(state) && onSend(h('form', {}, h('button', { type: 'submit', class: 'primary' }, 'Accept exactly this')), {
    signal, work: () => send('agreement', { accept: agreement.id }),
  });
  return h('div', { class: 'step' }, h('h3', {}, isAccepted ? 'What you agreed on' : agreement ? 'What is proposed' : 'An agreement'), shown, accept,
    state === 'shared' && !isAccepted && proposing());

  function proposing() {
    const name = `agreement-${id}`;
    const text = draft(name, h('textarea', { rows: '3', maxlength: LONGEST }));
    const day = draft(`${name}-day`, h('input', { type: 'date' }));
    const form = onSend(h('form', {},
      field({ name: 'text', label: agreement ? 'Propose something else' : 'Propose an agreement', hint: 'Who does what until when. Both read it.', control: text }),
      field({ name: 'follow_up_at', label: 'When to ask whether it held', hint: 'Without a day: in two weeks.', control: day, isOptional: true }),
      h('button', { type: 'submit' }, 'Propose')), {
      signal,
      work: async () => {
        const at = day.value ? { follow_up_at: new Date(`${day.value}T12:00:00`).toISOString() } : {};
        await send('agreement', { text: text.value.trim(), ...at });
        sent(name, `${name}-day`);
      },
    });
    return agreement ? h('details', {}, h('summary', {}, 'Propose something else'), form) : form;
  }
}

/** Whether it held: asked from its day on; the other's word is seen once both have said theirs. */
export function outcomePart({ signal, mediation, send }) {
  const { yours, theirs, asks_whether_it_held: isAsked, id } = mediation;
  if (!isAsked && yours.held === undefined) return null;
  const held = (value) => (value ? 'It held.' : 'It did not hold.');
  if (!isAsked) {
    return h('div', { class: 'step' }, h('h3', {}, 'Whether it held'), h('p', {}, `You: ${held(yours.held)}`), yours.note && h('div', { class: 'private' }, h('p', { class: 'said' }, yours.note), h('p', { class: 'hint' }, 'Your own note, which nobody else reads.')),
      h('p', {}, theirs.held === undefined ? 'The other one has not said yet; you see it once both have.' : `The other one: ${held(theirs.held)}`));
  }
  const name = `outcome-${id}`;
  const note = draft(name, h('textarea', { rows: '2', maxlength: LONGEST }));
  const form = h('form', {}, field({ name: 'note', label: 'A note for yourself', control: note, hint: 'Nobody else reads it.', isOptional: true }),
    h('div', { class: 'row' }, h('button', { type: 'submit', value: 'yes', class: 'primary' }, 'It held'), h('button', { type: 'submit', value: 'no' }, 'It did not hold')));
  onSend(form, {
    signal,
    work: async (button) => {
      if (!button?.value) return;
      await send('outcome', { held: button.value === 'yes', ...(note.value.trim() ? { note: note.value.trim() } : {}) });
      sent(name);
    },
  });
  return h('div', { class: 'step' }, h('h3', {}, 'Did what you agreed on hold?'), form);
}

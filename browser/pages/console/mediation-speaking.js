// What one side says in private, how it could be said to the other one, and whether they may read that.

import { h } from '../lib/dom.js';
import { draft, sent } from './drafts.js';
import { isFinal, settlingOn } from './mediation-words.js';
import { field, onSend } from './problem-box.js';

const LONGEST = '4000';

/** One's own side: free words, or the questions of the form. */
export function accountPart({ signal, mediation, send }) {
  const { yours, form: questions = [], state, id, theirs } = mediation;
  const told = yours.account && h('div', { class: 'private' }, h('p', { class: 'said' }, yours.account));
  if (isFinal(state) || theirs.has_left) return told ? h('div', { class: 'step' }, h('h3', {}, 'What you told'), told) : null;
  const name = `account-${id}`;
  const text = draft(name, h('textarea', { rows: '5', maxlength: LONGEST }));
  const free = onSend(h('form', {}, field({ name: 'text', label: told ? 'Tell it anew' : 'Tell it in your own words', control: text, hint: 'Nobody else reads this. Where a model is configured, it reads it to propose how it could be said to the other one.' }), h('button', { type: 'submit', class: told ? '' : 'primary' }, 'Tell it')), {
    signal,
    work: async () => {
      await send('account', { text: text.value.trim() });
      sent(name);
    },
  });
  const answers = Object.fromEntries(questions.map((one) => [one.name, draft(`${name}-${one.name}`, h('textarea', { rows: '2', maxlength: LONGEST }))]));
  const asked = questions.length > 0 && onSend(h('form', {}, questions.map((one) => field({ name: `answers.${one.name}`, label: one.question, control: answers[one.name], isOptional: true })), h('button', { type: 'submit' }, 'Tell it by these answers')), {
    signal,
    work: async () => {
      const filled = Object.entries(answers).map(([question, control]) => [question, control.value.trim()]).filter(([, answer]) => answer !== '');
      await send('account', { answers: Object.fromEntries(filled) });
      sent(...questions.map((one) => `${name}-${one.name}`));
    },
  });
  return h('div', { class: 'step' }, h('h3', {}, told ? 'What you told, for you alone' : 'Your side, for you alone'), told,
    told ? h('details', {}, h('summary', {}, 'Say something else'), free) : free, asked && h('details', {}, h('summary', {}, 'Or answer five questions'), asked));
}

/** How it is proposed to be said, to accept, to change, and to share or not. */
export function restatementPart({ signal, mediation, send }) {
  const { yours, theirs, state } = mediation;
  if (!yours.restatement || isFinal(state) || theirs.has_left) return null;
  // Another one that is proposed is read as it is, and not hidden by what was typed over the one before.
  const name = `restatement-${yours.restatement_id}`;
  const text = h('textarea', { rows: '5', maxlength: LONGEST });
  text.value = yours.restatement;
  draft(name, text);
  const isShared = Boolean(yours.shared);
  const by = { model: 'A model proposes this', form: 'These are your own words in order; no model helped', party: 'You wrote this' }[yours.made_by?.kind] ?? '';
  const form = h('form', {},
    field({ name: 'text', label: 'As the other one would read it', control: text, hint: `${by}. Change it until it is yours.` }),
    h('div', { class: 'row' },
      h('button', { type: 'submit', value: 'share', class: isShared ? '' : 'primary' }, isShared ? 'Share it in these words' : 'Share it'),
      h('button', { type: 'submit', value: 'keep', class: 'quiet' }, isShared ? 'Take it back' : 'Keep it, and share nothing yet')),
    h('p', { class: 'hint' }, 'The other one reads it once both of you share.'));
  onSend(form, {
    signal,
    work: async (button) => {
      const share = button?.value === 'share';
      // Taking it back says nothing new: what is typed stays a draft, and uses no turn.
      const isTakenBack = isShared && !share;
      await send('restatement', isTakenBack ? { share } : settlingOn(text.value.trim(), mediation, { share }));
      if (!isTakenBack) sent(name);
    },
  });
  const standing = isShared ? (theirs.has_shared ? 'Both of you have shared.' : 'You have shared it; the other one has not yet.') : theirs.has_shared ? 'The other one has shared theirs, and waits for yours.' : 'Neither of you has shared yet.';
  return h('div', { class: 'step' }, h('h3', {}, 'How you would say it'), h('p', {}, standing), form);
}

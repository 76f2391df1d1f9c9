// Mediation: one's own side is told in private, and only what both want to share is shown. What is typed here stays in memory: a watch that
// is lost must not tell it.

import { announce, fill, h } from '../lib/dom.js';
import { dictation } from './ask-screen.js';
import { problemBox } from './joining-screen.js';
import { day } from './times.js';

const STATE = { open: 'open', shared: 'both have shared', agreed: 'agreed', closed: 'closed', left: 'left' };

/** `state` outlives the screen: `{open, drafts}`. */
export function showMediation(root, { api, state, signal }) {
  state.drafts ??= new Map();
  const path = (step = '') => `/v1/mediations/${encodeURIComponent(state.open)}${step}`;
  const box = h('div', { class: 'mediation' });
  fill(root, h('h1', { class: 'unseen' }, 'Mediation'), box);
  show();

  async function show(said = null) {
    if (said) announce(said);
    if (!box.hasChildNodes()) fill(box, h('p', { class: 'faint' }, 'Looking…'));
    try {
      if (state.open) showOne(await api.call('GET', path(), { signal }));
      else showList((await api.call('GET', '/v1/mediations', { signal })).mediations);
    } catch (problem) {
      if (!signal.aborted) fill(box, problemBox(problem), h('button', { type: 'button', onclick: () => show() }, 'Try again'));
    }
  }

  function showList(mediations) {
    fill(box,
      mediations.length === 0 && h('p', { class: 'calm' }, 'Nothing to settle. Begin one in the console.'),
      mediations.map(({ id, topic, state: stands, with: other, asks_whether_it_held: asks }) => h('button', {
        type: 'button', class: 'card', onclick: () => { state.open = id; show(); },
      }, h('strong', {}, topic), h('span', { class: 'faint' }, `${other.subject} · ${asks ? 'did it hold?' : STATE[stands] ?? stands}`))));
  }

  function showOne(mediation) {
    const { topic, with: other, yours, theirs, together, agreement, form, note, state: stands, asks_whether_it_held: asks } = mediation;
    const isOver = stands === 'left' || stands === 'closed';
    const heading = h('h2', { tabindex: '-1' }, topic);
    fill(box,
      h('button', { type: 'button', class: 'back', onclick: () => { state.open = null; show(); } }, '‹ All'),
      heading, h('p', { class: 'faint' }, `with ${other.subject}${theirs.has_left ? ', who has left' : ''}`),
      asks && outcome(),
      !isOver && !yours.account && account(form),
      yours.restatement && !isOver && restatement(yours),
      !yours.shared && theirs.has_shared && h('p', {}, `${other.subject} has shared. You see it once you share too.`),
      yours.shared && !theirs.shared && h('p', {}, `You have shared. ${other.subject} has not yet.`),
      theirs.shared && part(`${other.subject} says`, h('blockquote', {}, theirs.shared)),
      together && bothSides(together),
      yours.draft && part('You could write', h('blockquote', {}, yours.draft)),
      (agreement || together) && !isOver && agreed(agreement, other),
      agreement?.accepted_at && isOver && part('Agreed', h('blockquote', {}, agreement.text)),
      yours.held !== undefined && h('p', {}, `You say that it ${yours.held ? 'held' : 'did not hold'}.`),
      theirs.held !== undefined && h('p', {}, `${other.subject} says that it ${theirs.held ? 'held' : 'did not hold'}.`),
      note && h('p', { class: 'faint' }, note),
      !isOver && leaving(other));
    heading.focus();
  }

  const part = (title, ...content) => h('section', {}, h('h3', {}, title), content);

  /** A text field whose words stay until they are sent. */
  function text(name, label, before = '') {
    const key = `${state.open} ${name}`;
    const area = h('textarea', { rows: '4', maxlength: '4000', 'aria-label': label });
    area.value = state.drafts.get(key) ?? before;
    area.addEventListener('input', () => state.drafts.set(key, area.value));
    return { area, node: h('div', { class: 'text' }, area, dictation(area)), sent: () => state.drafts.delete(key) };
  }

  /** A button that sends something, once at a time; what went wrong stands below it and nothing that was typed goes. */
  function action(label, step, body, { fields = [], said, kind = '' } = {}) {
    const problemPlace = h('div', {});
    const button = h('button', { type: 'button', class: kind, onclick: send }, label);
    return h('div', { class: 'action' }, button, problemPlace);
    async function send() {
      button.disabled = true;
      fill(problemPlace);
      try {
        await api.call('POST', path(step), { body: body(), timeout: 60_000 });
        for (const field of fields) field.sent();
        await show(said);
      } catch (problem) {
        button.disabled = false;
        fill(problemPlace, problemBox(problem));
      }
    }
  }

  function account(form) {
    const own = text('account', 'Your side');
    const answers = form.map(({ name, question }) => ({ name, question, field: text(name, question) }));
    return part('Your side',
      h('p', { class: 'faint' }, 'Only you see this.'), own.node,
      action('Tell', '/account', () => ({ text: own.area.value }), { fields: [own], said: 'Told.', kind: 'main' }),
      answers.length > 0 && h('details', {}, h('summary', {}, 'Or answer questions'),
        answers.map(({ question, field }) => h('div', {}, h('p', {}, question), field.node)),
        action('Tell', '/account', () => ({ answers: Object.fromEntries(answers.map(({ name, field }) => [name, field.area.value])) }), { fields: answers.map(({ field }) => field), said: 'Told.' })));
  }

  function restatement({ restatement: words, shared }) {
    if (shared) return part('You share', h('blockquote', {}, shared), action('Take back', '/restatement', () => ({ accept: true, share: false }), { said: 'Taken back.' }));
    const own = text('restatement', 'In other words', words);
    return part('Said to the other one',
      h('blockquote', {}, words),
      action('Share this', '/restatement', () => ({ accept: true, share: true }), { said: 'Shared.', kind: 'main' }),
      h('details', {}, h('summary', {}, 'Say it otherwise'), own.node,
        action('Share mine', '/restatement', () => ({ text: own.area.value, share: true }), { fields: [own], said: 'Shared.' })));
  }

  function bothSides({ common, open, next_steps: steps }) {
    const list = (title, items) => items.length > 0 && part(title, h('ul', {}, items.map((item) => h('li', {}, item))));
    return [list('In common', common), list('Open', open), list('Next', steps)];
  }

  function agreed(agreement, other) {
    if (agreement?.accepted_at) return part('Agreed', h('blockquote', {}, agreement.text), h('p', { class: 'faint' }, `until ${day(agreement.follow_up_at)}`));
    const own = text('agreement', 'What you agree on');
    const isTheirs = agreement && agreement.proposed_by.subject === other.subject && agreement.proposed_by.issuer === other.issuer;
    return part('Agreement',
      agreement && h('blockquote', {}, agreement.text),
      isTheirs && action('Accept', '/agreement', () => ({ accept: agreement.id }), { said: 'Agreed.', kind: 'main' }),
      agreement && !isTheirs && h('p', {}, `Proposed by you; ${other.subject} may accept it.`),
      h('details', {}, h('summary', {}, agreement ? 'Propose another' : 'Propose one'), own.node,
        action('Propose', '/agreement', () => ({ text: own.area.value }), { fields: [own], said: 'Proposed.' })));
  }

  function outcome() {
    return part('Did it hold?', h('div', { class: 'buttons' },
      action('It held', '/outcome', () => ({ held: true }), { said: 'Noted.', kind: 'main' }),
      action('It did not', '/outcome', () => ({ held: false }), { said: 'Noted.' })));
  }

  function leaving(other) {
    return h('details', { class: 'leaving' }, h('summary', {}, 'Leave…'),
      h('p', {}, `All that you have said is removed. ${other.subject} sees that you have left.`),
      action('Leave it', '/leave', () => ({}), { said: 'You have left.' }));
  }
}

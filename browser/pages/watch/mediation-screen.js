// Mediation: one's own side is told in private, and only what both want to share is shown.

import { announce, fill, h } from '../lib/dom.js';
import { dictation } from './ask-screen.js';
import { problemBox } from './joining-screen.js';
import { shareShown, takeBack } from './mediation.js';
import { clock, day } from './times.js';

const STATE = { open: 'open', shared: 'both have shared', agreed: 'agreed', follow_up: 'did it hold?', closed: 'closed', left: 'left' };

/** `state` outlives the screen: which one is `open`. */
export function showMediation(root, { mediations, drafts, state, signal }) {
  state.open ??= null;
  const asOf = h('p', { class: 'faint as-of' });
  const box = h('div', { class: 'mediation' });
  let drawn = null;
  fill(root, h('h1', { class: 'unseen' }, 'Mediation'), asOf, box);
  mediations.addEventListener('moved', ({ ids }) => moved(ids), { signal });
  signal.addEventListener('abort', () => { mediations.shown = null; }, { once: true });
  show();

  /** What was seen last at once, and then what there is. */
  async function show() {
    const { open } = state;
    const known = mediations.known(open);
    mediations.shown = open;
    drawn = null;
    if (known) draw(known.seen);
    else fill(box, h('p', { class: 'faint' }, 'Looking…'));
    await look(open);
  }

  async function look(open) {
    try {
      const seen = await mediations.look(open, { signal });
      if (signal.aborted || state.open !== open) return;
      stale(null);
      draw(seen);
    } catch (problem) {
      if (signal.aborted || state.open !== open) return;
      const known = mediations.known(open);
      if (known) return stale(known.asOf, problem);
      fill(box, problemBox(problem), h('div', { class: 'buttons' }, h('button', { type: 'button', onclick: show }, 'Try again'),
        open && h('button', { type: 'button', onclick: () => go(null) }, 'All')));
    }
  }

  function stale(since, problem = null) {
    root.classList.toggle('stale', since !== null);
    fill(asOf, since !== null && [`As of ${clock(since)}. ${problem.message}. `, h('button', { type: 'button', onclick: () => look(state.open) }, 'Try again')]);
  }

  /** Somebody is about to press or to type something: what they look at does not change under their hands. */
  function moved(ids) {
    if (state.open !== null && !ids.includes(state.open)) return undefined;
    const isInHands = box.contains(document.activeElement) && !document.activeElement.matches('h2');
    // The list was looked at already, which is how it is known.
    if (!isInHands && state.open === null) return draw(mediations.known().seen);
    if (!isInHands) return look(state.open);
    offer();
    return announce('Something has changed.');
  }

  function offer() {
    fill(asOf, 'Something has changed. ', h('button', { type: 'button', onclick: () => look(state.open) }, 'Show it'));
  }

  function go(id) {
    state.open = id;
    stale(null);
    const main = root.closest('main');
    if (main) main.scrollTop = 0;
    show().then(() => { if (!box.contains(document.activeElement)) box.querySelector('h2, button')?.focus(); });
  }

  /** What is the same is not drawn again: somebody may be typing into it already. */
  function draw(seen) {
    const form = JSON.stringify([seen, state.open === null && seen.map(({ id }) => mediations.hasMoved(id))]);
    if (form === drawn) return;
    drawn = form;
    if (state.open === null) showList(seen);
    else showOne(seen);
  }

  function showList(list) {
    fill(box,
      list.length === 0 && h('p', { class: 'calm' }, 'Nothing to settle. Begin one in the console.'),
      list.map(({ id, topic, state: stands, with: other, asks_whether_it_held: asks }) => h('button', {
        type: 'button', class: 'card', onclick: () => go(id),
      }, h('strong', {}, topic), h('span', { class: 'faint' }, [other.subject, asks ? 'did it hold?' : STATE[stands] ?? stands, mediations.hasMoved(id) && 'new'].filter(Boolean).join(' · ')))));
  }

  function showOne(mediation) {
    const { topic, with: other, yours, theirs, together, agreement, form = [], note, state: stands, turns_left: turns, asks_whether_it_held: asks } = mediation;
    const isOver = stands === 'left' || stands === 'closed';
    // After an agreement nothing is told or restated any more, nor taken back.
    const isSpokenIn = stands === 'open' || stands === 'shared';
    const maySpeak = isSpokenIn && turns > 0;
    fill(box,
      h('button', { type: 'button', class: 'back', onclick: () => go(null) }, '‹ All'),
      h('h2', { tabindex: '-1' }, topic), h('p', { class: 'faint' }, `with ${other.subject}${theirs.has_left ? ', who has left' : ''}`),
      asks && outcome(),
      maySpeak && !yours.account && account(form),
      yours.restatement && maySpeak && restatement(yours),
      yours.shared && !maySpeak && part('You shared', h('blockquote', {}, yours.shared), isSpokenIn && takingBack()),
      !isOver && !yours.shared && theirs.has_shared && h('p', {}, `${other.subject} has shared. You see it once you share too.`),
      !isOver && yours.shared && !theirs.shared && h('p', {}, `You have shared. ${other.subject} has not yet.`),
      theirs.shared && part(`${other.subject} says`, h('blockquote', {}, theirs.shared)),
      together && bothSides(together),
      yours.draft && part('You could write', h('blockquote', {}, yours.draft)),
      (agreement || together) && !isOver && agreed(agreement, other, turns),
      agreement?.accepted_at && isOver && part('Agreed', h('blockquote', {}, agreement.text)),
      yours.held !== undefined && h('p', {}, `You say that it ${yours.held ? 'held' : 'did not hold'}.`, yours.note && ` ${yours.note}`),
      theirs.held !== undefined && h('p', {}, `${other.subject} says that it ${theirs.held ? 'held' : 'did not hold'}.`),
      turns === 0 && !isOver && h('p', {}, 'All your turns are used. Accept what is proposed, leave, or go on in a room.'),
      yours.account && ownSide(yours.account, maySpeak),
      note && h('p', { class: 'faint' }, note),
      !isOver && leaving(other));
  }


  /** A text field whose words stay until they are sent. */
  function text(name, label, before = '') {
    const key = `${state.open}.${name}`;
    const area = h('textarea', { rows: '4', maxlength: '4000', 'aria-label': label });
    area.value = drafts.read(key) ?? before;
    area.addEventListener('input', () => drafts.keep(key, area.value));
    return { area, isBegun: drafts.read(key) !== null, node: h('div', { class: 'text' }, area, dictation(area)), sent: () => drafts.forget(key) };
  }

  /** A button that sends something, once at a time; what went wrong stands below it and nothing that was typed goes. */
  function action(label, step, body, { fields = [], said, kind = '' } = {}) {
    const problemPlace = h('div', {});
    const button = h('button', { type: 'button', class: kind, onclick: send }, label);
    return h('div', { class: 'action' }, button, problemPlace);
    async function send() {
      const { open } = state;
      button.disabled = true;
      fill(problemPlace, h('p', { class: 'faint' }, 'Sending…'));
      try {
        const after = await mediations.step(open, step, body());
        for (const field of fields) field.sent();
        announce(said);
        if (signal.aborted || state.open !== open) return;
        if (after === null) return go(null);
        stale(null);
        drawn = null;
        draw(after);
        box.querySelector('h2').focus();
      } catch (problem) {
        button.disabled = false;
        fill(problemPlace, problemBox(problem));
        // What is shown is not what there is.
        if (problem.status === 409 && !signal.aborted && state.open === open) offer();
      }
    }
  }

  /** Opened where something was typed in it before. */
  function more(title, fields, ...content) {
    return h('details', { open: fields.some(({ isBegun }) => isBegun) }, h('summary', {}, title), content);
  }

  function account(form) {
    const own = text('account', 'Your side');
    const answers = form.map(({ name, question }) => ({ name, question, ...text(`answer.${name}`, question) }));
    return part('Your side',
      h('p', { class: 'faint' }, 'Only you see this.'), own.node,
      action('Tell', 'account', () => ({ text: own.area.value }), { fields: [own], said: 'Told.', kind: 'main' }),
      answers.length > 0 && more('Or answer questions', answers,
        answers.map(({ question, node }) => h('div', {}, h('p', {}, question), node)),
        action('Tell', 'account', () => ({ answers: Object.fromEntries(answers.map(({ name, area }) => [name, area.value])) }), { fields: answers, said: 'Told.' })));
  }

  function ownSide(told, maySpeak) {
    const own = text('account', 'Your side', told);
    return maySpeak
      ? more('Your side', [own], h('p', { class: 'faint' }, 'Only you see this.'), own.node, action('Tell it so', 'account', () => ({ text: own.area.value }), { fields: [own], said: 'Told.' }))
      : more('Your side', [], h('p', { class: 'faint' }, 'Only you see this.'), h('blockquote', {}, told));
  }

  const takingBack = () => action('Take back', 'restatement', takeBack, { said: 'Taken back.' });

  function restatement(yours) {
    const { restatement: words, shared } = yours;
    if (shared) return part('You share', h('blockquote', {}, shared), takingBack());
    const own = text('restatement', 'In other words', words);
    return part('As the other one would read it',
      h('blockquote', {}, words),
      action('Share this', 'restatement', () => shareShown(yours), { said: 'Shared.', kind: 'main' }),
      more('Say it otherwise', [own], own.node,
        action('Share mine', 'restatement', () => ({ text: own.area.value, share: true }), { fields: [own], said: 'Shared.', kind: 'main' }),
        action('Keep, not share', 'restatement', () => ({ text: own.area.value, share: false }), { fields: [own], said: 'Kept, and not shared.' })));
  }

  function bothSides({ common, open, next_steps: steps }) {
    const list = (title, items) => items.length > 0 && part(title, h('ul', {}, items.map((item) => h('li', {}, item))));
    return [list('In common', common), list('Open', open), list('Next', steps)];
  }

  function agreed(agreement, other, turns) {
    if (agreement?.accepted_at) return part('Agreed', h('blockquote', {}, agreement.text), h('p', { class: 'faint' }, `You are asked on ${day(agreement.follow_up_at)} whether it held.`));
    const own = text('agreement', 'What you agree on');
    const isTheirs = agreement && agreement.proposed_by.subject === other.subject && agreement.proposed_by.issuer === other.issuer;
    return part('Agreement',
      agreement && h('blockquote', {}, agreement.text),
      isTheirs && action('Accept', 'agreement', () => ({ accept: agreement.id }), { said: 'Agreed.', kind: 'main' }),
      agreement && !isTheirs && h('p', {}, `Proposed by you; ${other.subject} may accept it.`),
      turns > 0 && more(agreement ? 'Propose another' : 'Propose one', [own], own.node,
        action('Propose', 'agreement', () => ({ text: own.area.value }), { fields: [own], said: 'Proposed.' })));
  }

  function outcome() {
    const own = text('note', 'A note for yourself');
    const body = (held) => () => ({ held, ...(own.area.value.trim() ? { note: own.area.value } : {}) });
    return part('Did it hold?', h('div', { class: 'buttons' },
      action('It held', 'outcome', body(true), { fields: [own], said: 'Noted.', kind: 'main' }),
      action('It did not', 'outcome', body(false), { fields: [own], said: 'Noted.' })),
      more('Note for yourself', [own], h('p', { class: 'faint' }, 'Only you see this.'), own.node));
  }

  function leaving(other) {
    return h('details', { class: 'leaving' }, h('summary', {}, 'Leave…'),
      h('p', {}, `All that you have said is removed. ${other.subject} sees that you have left.`),
      action('Leave it', 'leave', () => undefined, { said: 'You have left.' }));
  }
}

const part = (title, ...content) => h('section', {}, h('h3', {}, title), content);

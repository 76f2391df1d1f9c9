// Asking the assistant: questions one after the other, each with its answer and where it stands.

import { fill, h } from '../lib/dom.js';
import { answerParts } from './answer.js';
import { draft, sent, whenForgotten } from './drafts.js';
import { field, onSend, problemBox } from './problem-box.js';
import { ask, earlierOf } from './question.js';
import { lackOf } from './scopes.js';

const LONGEST_SHARED_QUESTION = 2_000;
const LONGEST_SHARED_TEXT = 8_000;

// A conversation goes on when somebody comes back from another view.
const turns = [];
whenForgotten(() => { turns.length = 0; });

export function show(root, context) {
  const { api, signal } = context;
  const told = h('div', {});
  const question = draft('question', h('textarea', { rows: '2', maxlength: '4000', placeholder: 'How do I restart the mailer?' }));
  const stopping = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => asking?.abort() }, 'Stop');
  const anew = h('button', { type: 'button', class: 'quiet', hidden: turns.length === 0, onclick: () => { turns.length = 0; fill(told); anew.hidden = true; question.focus(); } }, 'Begin anew');
  let asking = null;
  const form = h('form', { class: 'ask-form' },
    field({ name: 'question', label: 'Question', hint: 'It is answered from the documents that you may read. Questions and answers before it are sent along.', control: question }),
    h('div', { class: 'row' }, h('button', { type: 'submit', class: 'primary' }, 'Ask'), stopping, anew));
  question.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  onSend(form, { signal, work });
  fill(root, h('div', { class: 'ask-frame' }, lackOf('assistant:ask', context.principal), told, form));
  for (const turn of turns) told.append(turnOf(turn));
  question.focus();

  async function work() {
    const text = question.value.trim();
    if (text === '') {
      question.focus();
      return;
    }
    asking = new AbortController();
    const coming = h('div', { class: 'answer coming' });
    const doing = h('p', { class: 'small faint' }, 'Asking…');
    const part = h('section', { class: 'turn', 'aria-busy': 'true' }, h('h2', {}, text), coming, doing);
    told.append(part);
    part.scrollIntoView({ block: 'nearest' });
    stopping.hidden = false;
    context.announce('The question was sent.');
    try {
      const answer = await ask({
        api, question: text, earlier: earlierOf(turns), signal: AbortSignal.any([signal, asking.signal]),
        told: (so) => { coming.textContent = so.words; doing.textContent = so.words ? 'Words are not checked yet.' : so.doing; },
      });
      const turn = { question: text, answer };
      turns.push(turn);
      // What was typed meanwhile is the next one.
      if (question.value.trim() === text) {
        sent('question');
        question.value = '';
      }
      anew.hidden = false;
      part.replaceWith(turnOf(turn));
      context.announce(answer.known ? `Answered: ${answer.short ?? ''}` : 'The documents do not say.');
    } catch (problem) {
      part.remove();
      // Whoever stops it has the question still.
      if (asking.signal.aborted || signal.aborted) return;
      throw problem;
    } finally {
      stopping.hidden = true;
      asking = null;
    }
  }

  function turnOf(turn) {
    return h('section', { class: 'turn' }, h('h2', {}, turn.question), answerParts(turn.answer), rating(turn));
  }

  function rating(turn) {
    const box = h('div', {});
    const rate = async (helpful, correction) => {
      const answer = turn.answer.answer ?? turn.answer.short ?? '';
      const cut = (text, longest) => [...text].slice(0, longest).join('');
      const body = { helpful, question: cut(turn.question, LONGEST_SHARED_QUESTION), ...(answer ? { answer: cut(answer, LONGEST_SHARED_TEXT) } : {}), ...(correction ? { correction } : {}) };
      await api.call('PUT', `/v1/ratings/${encodeURIComponent(turn.answer.id)}`, { body });
      turn.rated = helpful;
      if (!signal.aborted) draw();
      context.announce('Your rating is kept.');
    };
    const good = async () => {
      try {
        await rate(true);
      } catch (problem) {
        if (!signal.aborted) fill(box, thanks(), problemBox(problem));
      }
    };
    draw();
    return box;

    function thanks() {
      const said = turn.rated === undefined ? 'Did it help?' : turn.rated ? 'You said that it helped.' : 'You said that it did not help.';
      return h('div', { class: 'row' }, h('span', {}, said),
        h('button', { type: 'button', class: 'quiet', 'aria-pressed': String(turn.rated === true), onclick: good }, 'Yes'),
        h('button', { type: 'button', class: 'quiet', 'aria-pressed': String(turn.rated === false), onclick: drawCorrection }, 'No'),
        h('span', { class: 'hint' }, 'A rating keeps the question and the answer as an event, for training.'));
    }

    function draw() {
      fill(box, thanks());
    }

    function drawCorrection() {
      const name = `correction-${turn.answer.id}`;
      const correction = draft(name, h('textarea', { rows: '3', maxlength: String(LONGEST_SHARED_TEXT) }));
      const wrong = h('form', {}, field({ name: 'correction', label: 'What should it have said?', control: correction, isOptional: true }),
        h('div', { class: 'row' }, h('button', { type: 'submit' }, 'It did not help'), h('button', { type: 'button', class: 'quiet', onclick: draw }, 'Never mind')));
      onSend(wrong, { signal, work: async () => { await rate(false, correction.value.trim()); sent(name); } });
      fill(box, wrong);
      correction.focus();
    }
  }
}

// Ask: a short question, by voice, by hand or by a phrase; a short answer, with where it stands one tap away.

import { announce, fill, h } from '../lib/dom.js';
import { now } from '../lib/clock.js';
import { problemBox } from './joining-screen.js';
import { clock } from './times.js';

const PHRASES = 4;
const DRAFT = 'ask';
const PATH = '/v1/ask?short=1';

/** `state` outlives the screen: what was asked is still there when somebody comes back to it. */
export function showAsk(root, { queue, phrases, drafts, state, signal }) {
  const input = h('input', { id: 'question', type: 'text', autocomplete: 'off', enterkeyhint: 'send', maxlength: '500', placeholder: 'Ask…', 'aria-label': 'Your question' });
  input.value = drafts.read(DRAFT) ?? '';
  input.addEventListener('input', () => drafts.keep(DRAFT, input.value));
  const answer = h('section', { class: 'answer', 'aria-label': 'Answer', tabindex: '-1' });
  const offered = h('ul', { class: 'phrases', 'aria-label': 'What you may want to ask' });
  const form = h('form', { class: 'question', onsubmit: (event) => { event.preventDefault(); ask(input.value); } }, input, dictation(input), h('button', { type: 'submit', class: 'main', 'aria-label': 'Ask' }, '→'));
  fill(root, h('h1', { class: 'unseen' }, 'Ask'), form, answer, offered);
  // An answer may come while another screen is shown, so it goes to whichever is there.
  state.show = show;
  if (!state.isHeard) {
    state.isHeard = true;
    queue.addEventListener('sent', ({ item, answer: came }) => { if (item.id === state.waiting) arrived(came); });
    queue.addEventListener('failed', ({ item, problem }) => { if (item.id === state.waiting) failed(problem); });
    // What an earlier page could not send.
    const left = queue.items.find(({ path }) => path === PATH);
    if (left) Object.assign(state, { question: left.what, waiting: left.id, isQueued: true });
  }
  phrases.addEventListener('change', offer, { signal });
  offer();
  show();

  function offer() {
    fill(offered, phrases.offered(PHRASES).map((text) => h('li', {}, h('button', { type: 'button', onclick: () => { input.value = text; ask(text); } }, text))));
  }

  async function ask(text) {
    const question = text.trim();
    if (!question || state.waiting) return;
    const id = crypto.randomUUID();
    Object.assign(state, { question, answer: null, problem: null, waiting: id, isQueued: false });
    // Until there is an answer the question can be had again.
    drafts.keep(DRAFT, question);
    show();
    input.blur();
    phrases.count(question, now());
    try {
      const { answer: came, isWaiting } = await queue.send({ id, what: question, method: 'POST', path: PATH, body: { question } });
      if (!isWaiting) return arrived(came);
      state.isQueued = state.waiting === id;
      return state.show();
    } catch (problem) {
      return failed(problem);
    }
  }

  function arrived(came) {
    // What was typed meanwhile is another question.
    if (drafts.read(DRAFT)?.trim() === state.question) drafts.forget(DRAFT);
    Object.assign(state, { answer: came, answeredAt: now(), waiting: null });
    state.show();
    announce(wordsOf(came));
  }

  function failed(problem) {
    Object.assign(state, { problem, waiting: null });
    state.show();
    announce(problem.message);
  }

  async function takeBack() {
    await queue.takeBack(state.waiting);
    state.waiting = null;
    state.show();
  }

  function show() {
    const { question, answer: came, problem, waiting, isQueued } = state;
    if (document.activeElement !== input) input.value = drafts.read(DRAFT) ?? '';
    answer.setAttribute('aria-busy', String(Boolean(waiting)));
    if (problem) return fill(answer, problemBox(problem));
    if (waiting) {
      return fill(answer, h('p', { class: 'faint' }, question), h('p', {}, isQueued ? 'Waiting for the line…' : 'Asking…'),
        isQueued && h('button', { type: 'button', onclick: takeBack }, 'Do not ask'));
    }
    if (!came) return fill(answer);
    const [source] = [...(came.citations ?? []), ...(came.events ?? [])];
    return fill(answer,
      h('p', { class: 'faint' }, question),
      h('p', { class: came.known ? 'said' : 'said unknown' }, wordsOf(came)),
      source && h('details', {}, h('summary', {}, source.heading ?? source.file ?? 'Source'), h('blockquote', {}, source.quote), h('p', { class: 'faint' }, source.file ?? source.type)),
      came.more && h('p', { class: 'faint' }, 'There is more of it in the console.'),
      h('p', { class: 'faint' }, [came.made_by?.model ? `by ${came.made_by.model}` : 'from the documents', `at ${clock(state.answeredAt)}`].join(', ')));
  }
}

/** Marks of Markdown say nothing on a watch. Where nothing is known there is no answer, and that is said. */
const wordsOf = ({ answer }) => (answer ?? '').replaceAll(/`([^`]*)`/g, '$1').replaceAll('**', '') || 'The documents do not say.';

/** A button to speak, where the browser listens by itself; keyboards have their own. */
export function dictation(input) {
  const Recognition = globalThis.SpeechRecognition ?? globalThis.webkitSpeechRecognition;
  if (!Recognition) return null;
  const button = h('button', { type: 'button', 'aria-label': 'Speak', 'aria-pressed': 'false' }, '●');
  let listening = null;
  button.addEventListener('click', () => {
    if (listening) return listening.stop();
    listening = new Recognition();
    listening.lang = document.documentElement.lang;
    listening.interimResults = true;
    button.setAttribute('aria-pressed', 'true');
    const before = input.value ? `${input.value} ` : '';
    listening.onresult = ({ results }) => {
      input.value = before + [...results].map(([best]) => best.transcript).join('');
      input.dispatchEvent(new Event('input'));
    };
    listening.onerror = ({ error }) => { if (error !== 'aborted' && error !== 'no-speech') announce('Listening does not work here.'); };
    listening.onend = () => { listening = null; button.setAttribute('aria-pressed', 'false'); };
    return listening.start();
  });
  return button;
}

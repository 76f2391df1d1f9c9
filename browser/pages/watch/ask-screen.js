// Ask: a short question, by voice, by hand or by a phrase; a short answer, with where it stands one tap away.

import { announce, fill, h } from '../lib/dom.js';
import { problemBox } from './joining-screen.js';
import { plain, wordsOf } from './question.js';
import { clock } from './times.js';

const PHRASES = 4;

/** What was asked is still there when somebody comes back to it: `asked` is a `Question`. */
export function showAsk(root, { asked, phrases, signal }) {
  const input = h('input', { id: 'question', type: 'text', autocomplete: 'off', enterkeyhint: 'send', maxlength: '500', placeholder: 'Ask…', 'aria-label': 'Your question' });
  input.value = asked.draft;
  input.addEventListener('input', () => { asked.draft = input.value; });
  const answer = h('section', { class: 'answer', 'aria-label': 'Answer', tabindex: '-1' });
  const offered = h('ul', { class: 'phrases', 'aria-label': 'What you may want to ask' });
  const form = h('form', { class: 'question', onsubmit: (event) => { event.preventDefault(); ask(input.value); } }, input, dictation(input), h('button', { type: 'submit', class: 'main', 'aria-label': 'Ask' }, '→'));
  fill(root, h('h1', { class: 'unseen' }, 'Ask'), form, answer, offered);
  asked.addEventListener('change', show, { signal });
  phrases.addEventListener('change', offer, { signal });
  offer();
  show();

  function offer() {
    fill(offered, phrases.offered(PHRASES).map((text) => h('li', {}, h('button', { type: 'button', onclick: () => { input.value = text; ask(text); } }, text))));
  }

  function ask(text) {
    if (text.trim() && !asked.waiting) input.blur();
    asked.ask(text);
  }

  function show() {
    const { text, answer: came, problem, waiting, isQueued } = asked;
    if (document.activeElement !== input) input.value = asked.draft;
    answer.setAttribute('aria-busy', String(Boolean(waiting)));
    if (problem) return fill(answer, problemBox(problem));
    if (waiting) {
      return fill(answer, h('p', { class: 'faint' }, text), h('p', {}, isQueued ? 'Waiting for the line…' : 'Asking…'),
        isQueued && h('button', { type: 'button', onclick: () => asked.takeBack() }, 'Do not ask'));
    }
    if (!came) return fill(answer);
    const [source] = [...(came.citations ?? []), ...(came.events ?? [])];
    return fill(answer,
      h('p', { class: 'faint' }, text),
      h('p', { class: came.known ? 'said' : 'said unknown' }, wordsOf(came)),
      source && h('details', {}, h('summary', {}, plain(source.heading ?? source.file ?? 'Source')), h('blockquote', {}, plain(source.quote)), h('p', { class: 'faint' }, source.file ?? source.type)),
      came.more && h('p', { class: 'faint' }, 'Ask at the console for more.'),
      h('p', { class: 'faint' }, [came.known && (came.made_by?.model ? `by ${came.made_by.model}` : 'from the documents'), `at ${clock(asked.answeredAt)}`].filter(Boolean).join(', ')));
  }
}

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

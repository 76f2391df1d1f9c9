// Letting a device in: its code for as long as it is good, then the number that the device shows, or a look at what it says of itself.

import { fill, h } from '../lib/dom.js';
import { now } from '../lib/clock.js';
import { Problem } from '../lib/problem.js';
import { copyButton } from './copy.js';
import { field, onSend, problemBox } from './problem-box.js';
import { facts, offers } from './session-words.js';

const NUMBER = /^[0-9]{4}$/;

/** `end(session)` makes the button that ends it; `look()` looks at the list again; `mistyped()` hears of a wrong number, before that look. */
export function showOffer(place, { context, signal, session, look, end, mistyped }) {
  const parts = { offered: code, redeemed: number, joined: confirm }[session.state];
  const [heading, list] = facts(session);
  fill(place, heading, parts({ context, signal, session, look, mistyped }), end(session), list);
}

function code({ context, signal, session }) {
  const picture = h('div', {}, h('p', { class: 'faint' }, 'The code is drawn…'));
  const link = offers.get(session.id);
  const left = h('p', { role: 'timer' });
  const until = Date.parse(session.expires_at);
  const count = () => {
    const seconds = Math.max(0, Math.ceil((until - now()) / 1000));
    left.textContent = seconds > 0 ? `Good for ${seconds} s more.` : 'It is too late for this code; show another one.';
    if (seconds === 0) {
      fill(picture);
      clearInterval(counting);
    }
  };
  const counting = setInterval(count, 500);
  count();
  const draw = async () => {
    try {
      const blob = await context.api.call('GET', `/v1/sessions/${encodeURIComponent(session.id)}/code.svg`, { signal, blob: true, headers: { accept: 'image/svg+xml' } });
      if (signal.aborted) return;
      const url = URL.createObjectURL(blob);
      signal.addEventListener('abort', () => URL.revokeObjectURL(url));
      if (until > now()) fill(picture, h('img', { class: 'code', src: url, alt: 'A code that the device reads with its camera' }));
    } catch (problem) {
      if (!signal.aborted) fill(picture, problemBox(problem, { again: draw }));
    }
  };
  signal.addEventListener('abort', () => clearInterval(counting));
  draw();
  return h('div', { class: 'call' }, h('h3', {}, 'Let the device read this'), picture, left,
    link && h('div', { class: 'row' }, copyButton('Copy the link', link), h('span', { class: 'hint' }, 'Whoever has the link can ask to be let in.')));
}

function number({ context, signal, session, look, mistyped }) {
  const control = h('input', { type: 'text', class: 'number-input', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: '4', pattern: NUMBER.source });
  setTimeout(() => { if (!signal.aborted && control.isConnected) control.focus(); });
  const form = h('form', { class: 'call' }, h('h3', {}, 'Which number does the device show?'),
    h('p', {}, 'Look at the device itself. If it is not yours, or shows none, revoke it. The third wrong number ends it.'),
    field({ name: 'number', label: 'Number', hint: 'Four digits.', control }), h('button', { type: 'submit', class: 'primary' }, 'Let it in'));
  return onSend(form, {
    signal,
    work: async () => {
      const typed = control.value.replaceAll(/\s/g, '');
      // What cannot be the number is no try.
      if (!NUMBER.test(typed)) throw new Problem({ status: 400, title: 'Nothing was tried yet', errors: [{ field: 'number', detail: 'Type the four digits that the device shows.' }] });
      await confirmed({ context, session, look, mistyped, body: { number: typed } });
    },
  });
}

function confirm({ context, signal, session, look }) {
  const form = h('form', { class: 'call' }, h('h3', {}, 'Is this the device in front of you?'),
    h('p', {}, 'What it says of itself nobody has checked. If it is not yours, revoke it.'), h('button', { type: 'submit', class: 'primary' }, 'Yes, let it in'));
  return onSend(form, { signal, work: () => confirmed({ context, session, look, body: {} }) });
}

async function confirmed({ context, session, look, body, mistyped = () => {} }) {
  try {
    await context.api.call('POST', `/v1/sessions/${encodeURIComponent(session.id)}/confirmation`, { body });
    context.announce('The device is let in.');
  } catch (problem) {
    if (problem.kind === 'wrong-number') mistyped();
    throw problem;
  } finally {
    // A wrong number may have ended it.
    look();
  }
}

// Sessions of further devices: those that a person has, and how another device is let in.

import { fill, h } from '../lib/dom.js';
import { Problem } from '../lib/problem.js';
import { confirming } from './confirm.js';
import { poll } from './poll.js';
import { field, onSend, problemBox } from './problem-box.js';
import { hrefOf } from './route.js';
import { fillRows, loadingRow, notLoading } from './rows.js';
import { lackOf } from './scopes.js';
import { showOffer } from './session-offer.js';
import { facts, offers, stateTag } from './session-words.js';
import { split } from './split.js';
import { when } from './when.js';

const EVERY = 3_000;
const MISTYPED = 'The third wrong number has ended it.';

/** What the service says of a code that it does not know, for whoever has typed it. */
function joinProblem(problem) {
  if (problem.status !== 404) return problem;
  return new Problem({ status: 404, title: 'No device shows this code', errors: [{ field: 'user_code', detail: 'No device shows this code: it is mistyped, too old or used already.' }] });
}

export function show(root, context) {
  const { api, signal } = context;
  let sessions = [];
  const watching = new Set();
  const rows = h('ul', { class: 'rows', 'aria-label': 'Sessions' }, loadingRow());
  const box = h('div', {});
  const beginning = h('a', { class: 'button primary', href: hrefOf('sessions', ['new']) }, 'Let a device in');
  const look = poll({ signal, every: EVERY, box, load: () => api.call('GET', '/v1/sessions', { signal }), show: (answer) => { beginning.hidden = false; taken(answer.sessions); }, refused: ({ status }) => { beginning.hidden = status === 403; notLoading(rows); } });
  const { list, mark } = split(root, context, {
    view: 'sessions', name: 'Session', empty: 'Choose a session, or let a device in.',
    open: (id, place, ending) => (id === 'new' ? drawNew(place, ending) : drawOne(id, place, ending)),
  });
  fill(list,
    h('div', { class: 'list-head' }, h('div', { class: 'row ends' }, h('span', { class: 'faint' }, 'Your own, new ones first'), beginning)),
    box, rows);

  function taken(found) {
    sessions = [...found].reverse();
    const items = sessions.map((session) => h('li', {}, h('a', { href: hrefOf('sessions', [session.id]), 'data-id': session.id },
      h('span', { class: 'title' }, h('span', {}, session.label ?? session.device ?? 'A device'), when(session.created_at)),
      h('span', { class: 'sub' }, stateTag(session), session.label && session.device && h('span', {}, session.device), session.renewed_at && h('span', {}, 'renewed ', when(session.renewed_at)), h('span', {}, 'until ', when(session.expires_at))))));
    fillRows(rows, items, 'No other device is let in.');
    mark();
    for (const tell of watching) tell();
  }

  function drawOne(id, place, ending) {
    let before = null;
    let wasMistyped = false;
    const draw = () => {
      const session = sessions.find((one) => one.id === id) ?? null;
      const key = JSON.stringify(session);
      // One that is there after a wrong number has outlived it.
      if (session) wasMistyped = false;
      if (key === before) return;
      const wasThere = before !== null && before !== 'null';
      before = key;
      if (!session && wasMistyped) context.announce(MISTYPED);
      if (!session) over(place, wasMistyped ? MISTYPED : wasThere ? 'It is over.' : 'There is no such session of yours, or it is over.');
      else if (['offered', 'redeemed', 'joined'].includes(session.state)) showOffer(place, { context, signal: ending, session, look, end: endButton, mistyped: () => { wasMistyped = true; } });
      else fill(place, facts(session), endButton(session));
    };
    watching.add(draw);
    ending.addEventListener('abort', () => watching.delete(draw));
    if (sessions.length > 0) draw();
    else look().then(() => { if (!ending.aborted) draw(); });
  }

  function over(place, words) {
    fill(place, h('h2', {}, 'Session'), h('p', {}, words), h('p', {}, h('a', { class: 'button', href: hrefOf('sessions', ['new']) }, 'Show a new code')));
  }

  function endButton(session) {
    const problem = h('div', {});
    const isOffer = session.state === 'offered';
    const what = isOffer ? 'Take it back' : 'Revoke';
    return h('div', { class: 'call' },
      confirming({
        label: what, ask: isOffer ? 'Nobody can use the code then.' : 'The device is out at once.', yes: `Yes, ${what.toLowerCase()}`, style: 'danger',
        act: async () => {
          try {
            await api.call('DELETE', `/v1/sessions/${encodeURIComponent(session.id)}`);
            context.announce('The session is over.');
            await look();
          } catch (cause) {
            if (!signal.aborted) fill(problem, problemBox(cause));
          }
        },
      }), problem);
  }

  function drawNew(place, ending) {
    const label = h('input', { type: 'text', maxlength: '80', autocomplete: 'off' });
    const code = h('input', { type: 'text', autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', placeholder: 'WDJB-MJHT' });
    const offer = onSend(h('form', { class: 'call' }, h('h3', {}, 'The device can read a code'), h('p', {}, 'A code is shown here for a minute; the device opens it and shows a number for you to type.'),
      field({ name: 'label', label: 'What you call it', hint: 'So that you know it in the list, such as “desk phone”.', control: label, isOptional: true }), h('button', { type: 'submit', class: 'primary' }, 'Show a code')), {
      signal: ending,
      work: async () => {
        const text = label.value.trim();
        const made = await api.call('POST', '/v1/sessions', { body: text ? { label: text } : {} });
        offers.set(made.id, made.link);
        await look();
        if (!ending.aborted) context.go('sessions', [made.id]);
      },
    });
    const join = onSend(h('form', { class: 'call' }, h('h3', {}, 'The device shows a code'), h('p', {}, 'Type the eight letters that it shows.'),
      field({ name: 'user_code', label: 'Code', control: code }), h('button', { type: 'submit' }, 'Go on')), {
      signal: ending,
      work: async () => {
        const joined = await api.call('POST', '/v1/sessions:join', { body: { user_code: code.value.trim() } }).catch((problem) => { throw joinProblem(problem); });
        await look();
        if (ending.aborted) return;
        if (!sessions.some(({ id }) => id === joined.id)) taken([...sessions].reverse().concat(joined));
        context.go('sessions', [joined.id]);
      },
    });
    fill(place, h('h2', {}, 'Let a device in'), lackOf('sessions:write', context.principal), offer, join,
      h('p', { class: 'hint' }, 'It gets tokens of its own with fewer rights than yours, for twelve hours at most unless configured otherwise, and you can revoke them here at any time.'));
  }
}

// Alerts: what waits for an approval, and what is the matter. One tap approves; as long as nobody has begun, one more takes it back.

import { announce, fill, h } from '../lib/dom.js';
import { agreedOf, awaits, decisionOf } from './decisions.js';
import { problemBox } from './joining-screen.js';
import { ago, clock, whileShown } from './times.js';

// Whoever decides once more is told so; then it was done before.
const DECIDED = ['decided-already'];
const UNDO_MILLISECONDS = 10_000;

/** `state` outlives the screen: what was decided a moment ago can still be taken back. */
export function showAlerts(root, { api, alerts, queue, person, state, signal }) {
  const list = h('div', { class: 'alerts' });
  const status = h('p', { class: 'faint as-of' });
  fill(root, h('h1', { class: 'unseen' }, 'Alerts'), status, list);
  state.decided ??= new Map();
  state.open ??= new Set();
  // What was decided on one screen is answered while another one of the same is shown.
  state.show = show;
  alerts.addEventListener('change', show, { signal });
  queue.addEventListener('sent', ({ item }) => settled(item.id), { signal });
  queue.addEventListener('failed', ({ item, problem }) => settled(item.id, problem), { signal });
  whileShown(30_000, show, signal);
  // What an earlier page could not send, and what became of things while another screen was shown.
  for (const { id: item, about, body } of queue.items) {
    const command = alerts.seen.commands?.find(({ id }) => id === about);
    if (command && !state.decided.has(about)) state.decided.set(about, { command, decision: body.decision, item, became: 'waiting' });
  }
  for (const decided of state.decided.values()) if (decided.became === 'waiting') stillWaits(decided);
  show();

  function show() {
    const { commands, incidents, insights } = alerts.seen;
    const isStale = !alerts.isLive;
    root.classList.toggle('stale', isStale && alerts.asOf !== null);
    fill(status, alerts.asOf === null ? 'Looking…' : isStale && `As of ${clock(alerts.asOf)}`);
    // What is on its way out of the list stays until it is said what became of it.
    const gone = [...state.decided.values()].filter(({ command }) => !commands?.some(({ id }) => id === command.id)).map(({ command }) => command);
    const cards = [
      ...gone.map((command) => ({ key: command.id, make: () => decidedCard(command) })),
      ...(commands ?? []).map((command) => ({ key: command.id, make: () => (state.decided.has(command.id) ? decidedCard(command) : commandCard(command)) })),
      ...(incidents ?? []).map((incident) => ({ key: incident.id, make: () => incidentCard(incident) })),
      ...(insights ?? []).map((insight) => ({ key: insight.id, make: () => insightCard(insight) })),
    ];
    const focused = document.activeElement?.closest?.('[data-key]')?.dataset.key;
    const control = document.activeElement?.dataset?.control;
    fill(list, cards.map(({ key, make }) => labelled(make(), key)));
    if (cards.length === 0 && alerts.asOf !== null) fill(list, h('p', { class: 'calm' }, 'Nothing needs you.'));
    if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"] [data-control="${control ?? ''}"]`)?.focus();
  }

  function labelled(card, key) {
    card.setAttribute('data-key', key);
    return card;
  }

  function commandCard(command) {
    const { id, runbook, target, parameters, reason, requested_by: by, requested_at: at, dry_run: isDry } = command;
    const name = `${runbook}${isDry ? ' (dry run)' : ''}`;
    const told = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
    const agreed = agreedOf(command);
    const mayDecide = awaits(command, person);
    return h('article', { class: 'card command', 'aria-label': mayDecide ? `Approve ${name}?` : `${name} waits for others` },
      // What is approved stands above the button, on the smallest watch too; who wants it, and why, below.
      h('h2', {}, name), h('p', {}, Object.entries(parameters).map(([what, value]) => h('span', { class: 'parameter' }, h('span', { class: 'faint' }, `${what} `), told(value)))),
      !mayDecide && h('p', { class: 'faint' }, decisionOf(command, person) ? 'You agreed; it waits for others.' : 'You asked for it; it waits for somebody else.'),
      mayDecide && h('div', { class: 'buttons' },
        h('button', { type: 'button', class: 'main', 'data-control': 'approve', onclick: () => decide(command, 'approve') }, 'Approve'),
        h('details', { class: 'against', ...(state.open.has(id) ? { open: true } : {}), ontoggle: ({ target: details }) => (details.open ? state.open.add(id) : state.open.delete(id)) },
          h('summary', { 'data-control': 'more' }, 'Reject…'),
          h('button', { type: 'button', 'data-control': 'reject', onclick: () => decide(command, 'reject') }, 'Reject it'))),
      reason && h('p', {}, reason),
      h('p', { class: 'faint' }, `${by.sub} · `, ago(at), ` · for ${target.service}`, agreed && ` · ${agreed}`));
  }

  async function decide(command, decision) {
    const item = {
      id: crypto.randomUUID(), what: `${decision} ${command.runbook}`, about: command.id, method: 'POST', settledBy: DECIDED,
      path: `/v1/commands/${encodeURIComponent(command.id)}/approval`, body: { decision, digest: command.digest },
    };
    const sending = queue.send(item);
    const decided = { command, decision, item: item.id, became: 'sending' };
    state.decided.set(command.id, decided);
    state.show();
    try {
      const { isWaiting } = await sending;
      if (!isWaiting) return came(decided);
      decided.became = 'waiting';
      announce('Waiting for the line.');
      state.show();
    } catch (problem) {
      await failed(decided, problem);
    }
    return list.querySelector(`[data-key="${CSS.escape(command.id)}"] button`)?.focus();
  }

  function came(decided) {
    Object.assign(decided, { became: 'sent', sentAt: performance.now() });
    announce(`${said(decided.decision)} ${decided.command.runbook}.`);
    letGo(decided.command.id);
    state.show();
    list.querySelector(`[data-key="${CSS.escape(decided.command.id)}"] button`)?.focus();
  }

  /** Where an answer was lost on the line, the same decision comes too late; whose it was stands in the command. */
  async function failed(decided, problem) {
    if (problem.kind === 'wrong-state' && await isOwn(decided).catch(() => false)) return came(decided);
    Object.assign(decided, { became: 'failed', problem });
    announce(problem.message);
    return state.show();
  }

  async function isOwn({ command, decision }) {
    return decisionOf(await api.call('GET', `/v1/commands/${encodeURIComponent(command.id)}`), person) === decision;
  }

  function settled(item, problem = null) {
    const decided = [...state.decided.values()].find((one) => one.item === item && one.became === 'waiting');
    if (!decided) return;
    if (problem) failed(decided, problem);
    else came(decided);
  }

  /** It may have gone out meanwhile, and nobody was told. */
  function stillWaits(decided) {
    if (queue.items.some(({ id }) => id === decided.item)) return;
    isOwn(decided).then((isDone) => (isDone ? came(decided) : failed(decided, new Error('It was not sent.'))), (problem) => failed(decided, problem));
  }

  function decidedCard(command) {
    const decided = state.decided.get(command.id);
    const { decision, became, problem, isUndoing = false } = decided;
    const words = {
      sending: 'Sending…',
      waiting: `${said(decision)}, waiting for the line`,
      sent: said(decision),
      unsure: 'Nobody was reached: it may go on',
      undone: 'Taken back',
      stopping: 'It had begun: asked to stop',
      kept: 'Not taken back: it stays approved',
      failed: 'Not done',
    }[became];
    const mayUndo = decision === 'approve' && !isUndoing && (became === 'sent' || became === 'waiting' || became === 'unsure');
    return h('article', { class: `card decided ${became}`, 'aria-label': command.runbook },
      h('h2', {}, command.runbook), h('p', {}, isUndoing ? 'Taking it back…' : words), problem && problemBox(problem),
      h('div', { class: 'buttons' },
        mayUndo && h('button', { type: 'button', 'data-control': 'undo', onclick: () => undo(decided) }, became === 'unsure' ? 'Try again' : 'Undo'),
        (became === 'failed' || became === 'kept') && h('button', { type: 'button', 'data-control': 'again', onclick: () => { state.decided.delete(command.id); show(); } }, 'Close')),
      became === 'sent' && mayUndo && timeLeft(decided));
  }

  /** A bar that runs out; a screen that is drawn anew goes on with it. */
  function timeLeft({ sentAt }) {
    const bar = h('div', { class: 'time-left', 'aria-hidden': 'true' });
    bar.style.animationDelay = `${Math.round(sentAt - performance.now())}ms`;
    return bar;
  }

  /** Takes an approval back: the command is called off, which stops it only if it has not begun, and asks for that else. */
  async function undo(decided) {
    const { command, item } = decided;
    Object.assign(decided, { isUndoing: true, problem: null });
    state.show();
    try {
      const waited = await queue.takeBack(item);
      // What was sent and not answered may have got lost on its way there: then there is nothing to call off.
      const isThere = decided.became === 'sent' || (waited !== 'unsent' && await isOwn(decided));
      if (isThere) {
        const response = await api.send('POST', `/v1/commands/${encodeURIComponent(command.id)}/cancel`, { body: { reason: 'taken back on a watch' } });
        decided.became = response.status === 202 ? 'stopping' : 'undone';
      } else {
        decided.became = 'undone';
      }
    } catch (problem) {
      Object.assign(decided, { became: problem.isPassing ? 'unsure' : 'kept', problem });
    }
    decided.isUndoing = false;
    announce({ undone: 'Taken back.', stopping: 'It had begun. It was asked to stop.', kept: 'It could not be taken back. It stays approved.', unsure: 'Nobody was reached. It may have arrived.' }[decided.became]);
    letGo(command.id);
    return state.show();
  }

  function letGo(id) {
    setTimeout(() => {
      const decided = state.decided.get(id);
      // What went wrong stays until it was seen.
      if (decided?.isUndoing || !['sent', 'undone', 'stopping'].includes(decided?.became)) return;
      state.decided.delete(id);
      state.show();
    }, UNDO_MILLISECONDS);
  }

  function incidentCard({ title, began_at: began, devices_in_all: devices, suggested }) {
    return h('article', { class: 'card incident', 'aria-label': 'Incident' },
      h('p', {}, title), h('p', { class: 'faint' }, `${devices} device${devices === 1 ? '' : 's'} · `, ago(began)),
      suggested.length > 0 && h('p', { class: 'faint' }, `may help: ${suggested.join(', ')}`));
  }

  function insightCard({ text, at, count }) {
    return h('article', { class: 'card insight', 'aria-label': 'Insight' }, h('p', {}, text), h('p', { class: 'faint' }, count > 1 && `${count} times · `, ago(at)));
  }
}

const said = (decision) => (decision === 'approve' ? 'Approved' : 'Rejected');

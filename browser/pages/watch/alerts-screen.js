// Alerts: what waits for an approval, and what is the matter. One tap approves; as long as nobody has begun, one more takes it back.

import { announce, fill, h } from '../lib/dom.js';
import { problemBox } from './joining-screen.js';
import { clock, since } from './times.js';

// Whoever decides once more is told so; then it was done before.
const DECIDED = ['decided-already'];
const UNDO_MILLISECONDS = 10_000;

/** `state` outlives the screen: what was decided a moment ago can still be taken back. */
export function showAlerts(root, { api, alerts, queue, state, signal }) {
  const list = h('div', { class: 'alerts' });
  const status = h('p', { class: 'faint as-of' });
  fill(root, h('h1', { class: 'unseen' }, 'Alerts'), status, list);
  state.decided ??= new Map();
  state.open ??= new Set();
  alerts.addEventListener('change', show, { signal });
  queue.addEventListener('sent', ({ item }) => settled(item.id, 'sent'), { signal });
  queue.addEventListener('failed', ({ item, problem }) => settled(item.id, 'failed', problem), { signal });
  const ticking = setInterval(show, 30_000);
  signal.addEventListener('abort', () => clearInterval(ticking), { once: true });
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
    return h('article', { class: 'card command', 'aria-label': `Approve ${name}?` },
      // What is approved stands above the button, on the smallest watch too; who wants it, and why, below.
      h('h2', {}, name), h('p', {}, Object.entries(parameters).map(([what, value]) => h('span', { class: 'parameter' }, h('span', { class: 'faint' }, `${what} `), told(value)))),
      h('div', { class: 'buttons' },
        h('button', { type: 'button', class: 'main', 'data-control': 'approve', onclick: () => decide(command, 'approve') }, 'Approve'),
        h('details', { class: 'against', ...(state.open.has(id) ? { open: true } : {}), ontoggle: ({ target: details }) => (details.open ? state.open.add(id) : state.open.delete(id)) },
          h('summary', { 'data-control': 'more' }, 'Reject…'),
          h('button', { type: 'button', 'data-control': 'reject', onclick: () => decide(command, 'reject') }, 'Reject it'))),
      reason && h('p', {}, reason),
      h('p', { class: 'faint' }, `${by.sub} · ${since(at)} · for ${target.service}`));
  }

  async function decide(command, decision) {
    const item = {
      id: crypto.randomUUID(), what: `${decision} ${command.runbook}`, method: 'POST', settledBy: DECIDED,
      path: `/v1/commands/${encodeURIComponent(command.id)}/approval`, body: { decision, digest: command.digest },
    };
    const sending = queue.send(item);
    const decided = { command, decision, item: item.id, became: 'sending' };
    state.decided.set(command.id, decided);
    show();
    try {
      const { isWaiting } = await sending;
      decided.became = isWaiting ? 'waiting' : 'sent';
      announce(isWaiting ? 'Waiting for the line.' : `${said(decision)} ${command.runbook}.`);
      if (!isWaiting) letGo(command.id);
    } catch (problem) {
      Object.assign(decided, { became: 'failed', problem });
    }
    show();
    list.querySelector(`[data-key="${CSS.escape(command.id)}"] button`)?.focus();
  }

  function settled(item, became, problem = null) {
    const decided = [...state.decided.values()].find((one) => one.item === item);
    if (!decided) return;
    Object.assign(decided, { became, problem });
    if (became === 'sent') letGo(decided.command.id);
    show();
  }

  function decidedCard(command) {
    const decided = state.decided.get(command.id);
    const { decision, became, problem } = decided;
    const words = {
      sending: 'Sending…',
      waiting: `${said(decision)}, waiting for the line`,
      sent: said(decision),
      undoing: 'Taking it back…',
      undone: 'Taken back',
      stopping: 'It had begun: asked to stop',
      failed: 'Not done',
    }[became];
    const mayUndo = decision === 'approve' && (became === 'sent' || became === 'waiting');
    return h('article', { class: `card decided ${became}`, 'aria-label': command.runbook },
      h('h2', {}, command.runbook), h('p', {}, words), problem && problemBox(problem),
      h('div', { class: 'buttons' },
        mayUndo && h('button', { type: 'button', 'data-control': 'undo', onclick: () => undo(decided) }, 'Undo'),
        became === 'failed' && h('button', { type: 'button', 'data-control': 'again', onclick: () => { state.decided.delete(command.id); show(); } }, 'Back')));
  }

  /** Takes an approval back: the command is called off, which stops it only if it has not begun, and asks for that else. */
  async function undo(decided) {
    const { command, item } = decided;
    if (await queue.takeBack(item)) {
      state.decided.delete(command.id);
      announce('Taken back.');
      return show();
    }
    decided.became = 'undoing';
    show();
    try {
      const response = await api.send('POST', `/v1/commands/${encodeURIComponent(command.id)}/cancel`, { body: { reason: 'taken back on a watch' } });
      decided.became = response.status === 202 ? 'stopping' : 'undone';
    } catch (problem) {
      Object.assign(decided, { became: 'failed', problem });
    }
    announce(decided.became === 'undone' ? 'Taken back.' : decided.became === 'stopping' ? 'It had begun. It was asked to stop.' : 'It could not be taken back.');
    letGo(command.id);
    return show();
  }

  function letGo(id) {
    setTimeout(() => {
      const decided = state.decided.get(id);
      if (decided?.became === 'undoing' || decided?.became === 'failed') return;
      state.decided.delete(id);
      if (!signal.aborted) show();
    }, UNDO_MILLISECONDS);
  }

  function incidentCard({ title, began_at: began, devices_in_all: devices, suggested }) {
    return h('article', { class: 'card incident', 'aria-label': 'Incident' },
      h('p', {}, title), h('p', { class: 'faint' }, [`${devices} device${devices === 1 ? '' : 's'}`, since(began)].join(' · ')),
      suggested.length > 0 && h('p', { class: 'faint' }, `may help: ${suggested.join(', ')}`));
  }

  function insightCard({ text, at, count }) {
    return h('article', { class: 'card insight', 'aria-label': 'Insight' }, h('p', {}, text), h('p', { class: 'faint' }, `${count > 1 ? `${count} times · ` : ''}${since(at)}`));
  }
}

const said = (decision) => (decision === 'approve' ? 'Approved' : 'Rejected');

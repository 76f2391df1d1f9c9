// Alerts: what waits for an approval, and what is the matter. One tap approves; as long as nobody has begun, one more takes it back.

import { fill, h } from '../lib/dom.js';
import { Cards } from './cards.js';
import { said } from './decided.js';
import { agreedOf, awaits, decisionOf } from './decisions.js';
import { ago, clock, tellAgo, whileShown } from './times.js';

/** `state` outlives the screen: which cards are open. */
export function showAlerts(root, { alerts, decided, person, state, signal }) {
  const list = h('div', { class: 'alerts' });
  const status = h('p', { class: 'faint as-of' });
  const missing = h('p', { class: 'faint as-of' });
  const calm = h('div', {});
  const cards = new Cards(list, signal);
  fill(root, h('h1', { class: 'unseen' }, 'Alerts'), status, missing, list, calm);
  state.open ??= new Set();
  alerts.addEventListener('change', show, { signal });
  decided.addEventListener('change', show, { signal });
  whileShown(30_000, () => tellAgo(list), signal);
  show();

  function show() {
    const { commands, incidents, insights } = alerts.seen;
    const { asOf, isLive } = alerts;
    root.classList.toggle('stale', !isLive && asOf !== null);
    fill(status, asOf === null ? 'Looking…' : !isLive && `As of ${clock(asOf)}`);
    fill(missing, asOf !== null && alerts.missing.length > 0 && `Not seen yet: ${alerts.missing.join(', ')}`);
    // What is on its way out of the list stays until it is said what became of it.
    const gone = decided.all.filter(({ command }) => !commands?.some(({ id }) => id === command.id));
    const shown = [
      ...gone.map((one) => cardOf('decided', one.command.id, one, decidedCard)),
      // What one may do something about comes first; what one has just decided stays among it.
      ...[...commands ?? []].sort((one, other) => isForOthers(one) - isForOthers(other)).map((command) => {
        const one = decided.of(command.id);
        return one ? cardOf('decided', command.id, one, decidedCard) : cardOf('command', command.id, command, commandCard);
      }),
      ...(incidents ?? []).map((incident) => cardOf('incident', incident.id, incident, incidentCard)),
      ...(insights ?? []).map((insight) => cardOf('insight', insight.id, insight, insightCard)),
    ];
    cards.show(shown);
    tellAgo(list);
    fill(calm, shown.length === 0 && asOf !== null && alerts.missing.length === 0 && h('p', { class: 'calm' }, 'Nothing needs you.'));
  }

  function isForOthers(command) {
    return !decided.of(command.id) && !awaits(command, person);
  }

  /** What an element is drawn from is its form; what went wrong has its words outside of what JSON tells. */
  function cardOf(kind, key, seen, draw) {
    return { key, form: JSON.stringify([kind, seen, seen.problem?.message]), make: () => draw(seen) };
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
        h('button', { type: 'button', class: 'main', 'data-control': 'approve', onclick: () => decided.decide(command, 'approve') }, 'Approve'),
        h('details', { class: 'against', ...(state.open.has(id) ? { open: true } : {}), ontoggle: ({ target: details }) => (details.open ? state.open.add(id) : state.open.delete(id)) },
          h('summary', { 'data-control': 'more' }, 'Reject…'),
          h('button', { type: 'button', 'data-control': 'reject', onclick: () => decided.decide(command, 'reject') }, 'Reject it'))),
      reason && h('p', {}, reason),
      h('p', { class: 'faint' }, `${by.sub} · `, ago(at), ` · for ${target.service}`, agreed && ` · ${agreed}`));
  }

  function decidedCard(one) {
    const { command, decision, became, problem, isUndoing = false } = one;
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
    // It was said once when it went wrong; a card that is drawn anew is no alert.
    return h('article', { class: `card decided ${became}`, 'aria-label': command.runbook },
      h('h2', {}, command.runbook), h('p', {}, isUndoing ? 'Taking it back…' : words), problem && h('p', { class: 'problem' }, problem.message),
      h('div', { class: 'buttons' },
        mayUndo && h('button', { type: 'button', 'data-control': 'undo', onclick: () => decided.undo(one) }, became === 'unsure' ? 'Try again' : 'Undo'),
        (became === 'failed' || became === 'kept') && h('button', { type: 'button', 'data-control': 'again', onclick: () => decided.close(one) }, 'Close')),
      became === 'sent' && mayUndo && timeLeft(one));
  }

  /** A bar that runs out; a screen that is drawn anew goes on with it. */
  function timeLeft({ sentAt }) {
    const bar = h('div', { class: 'time-left', 'aria-hidden': 'true' });
    bar.style.animationDelay = `${Math.round(sentAt - performance.now())}ms`;
    return bar;
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

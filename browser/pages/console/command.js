// One command: where it stands, what it is, what comes of it, and what the person who looks may do about it.

import { fill, h } from '../lib/dom.js';
import { now } from '../lib/clock.js';
import { commandActions } from './command-actions.js';
import { followCommand } from './command-follow.js';
import { isFinal, phases, stateTag } from './command-words.js';
import { copyButton } from './copy.js';
import { person } from './people.js';
import { problemBox } from './problem-box.js';
import { hrefOf } from './route.js';
import { clock, when } from './when.js';

// What one sees at once; the whole of it is 1 MiB at most.
const MOST_SHOWN = 256 * 1024;

export async function showCommand(place, { context, signal, id, changed }) {
  const { api, principal } = context;
  fill(place, h('p', { class: 'faint' }, 'Loading…'));
  let command;
  let runbook = null;
  try {
    command = await api.call('GET', `/v1/commands/${encodeURIComponent(id)}`, { signal });
    // Without it one can look, and is told so; whoever may not read the catalogue may still decide.
    runbook = await api.call('GET', `/v1/runbooks/${encodeURIComponent(command.runbook)}`, { signal }).catch(() => null);
  } catch (problem) {
    if (!signal.aborted) fill(place, problemBox(problem, { again: () => showCommand(place, { context, signal, id, changed }) }));
    return;
  }
  if (signal.aborted) return;
  const head = h('div', { tabindex: '-1' });
  const connection = h('p', { class: 'small faint' });
  const actions = h('div', {});
  const facts = h('div', {});
  const output = h('pre', { class: 'output', tabindex: '0', 'aria-label': 'Output' });
  const truncated = h('p', { class: 'small faint' });
  const outputPart = h('section', { hidden: true }, h('div', { class: 'row ends' }, h('h3', {}, 'Output'), copyButton('Copy output', () => output.textContent)), output, truncated);
  fill(place, head, connection, actions, outputPart, facts);
  let offered = null;
  draw();
  followCommand({
    api, id, signal,
    changed: (next) => { const was = command.state; command = next; draw(); if (next.state !== was) { context.announce(`The command is ${next.state.replace('_', ' ')}.`); changed(); } },
    wrote: (text, isAnew) => write(`${isAnew ? '\n── another attempt ──\n' : ''}${text}`),
    told: (state, problem) => {
      if (state === 'refused') fill(connection, problemBox(problem));
      else fill(connection, state === 'away' ? `Not connected; as of ${clock(now())}.` : '');
    },
  });

  function write(text) {
    const isAtEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 20;
    outputPart.hidden = false;
    output.append(text);
    if (output.textContent.length > MOST_SHOWN) {
      output.textContent = output.textContent.slice(-MOST_SHOWN);
      truncated.textContent = 'The beginning is not shown.';
    }
    if (isAtEnd) output.scrollTop = output.scrollHeight;
  }

  function draw() {
    drawHead();
    drawFacts();
    if (command.output_truncated) truncated.textContent = 'There was more output than is kept.';
    const key = JSON.stringify([command.state, command.approval.decided?.length, command.stop_asked_by]);
    if (key !== offered) {
      offered = key;
      const wasHere = actions.contains(document.activeElement);
      fill(actions, commandActions({ context, signal, command, runbook, done: (next) => { if (next.id === command.id) { command = next; draw(); } changed(); } }));
      // What was pressed may be gone, and how it stands now is said above.
      if (wasHere) head.focus({ preventScroll: true });
    }
  }

  function drawHead() {
    const { progress, result } = command;
    const isGoing = !isFinal(command.state) && progress;
    fill(head,
      h('div', { class: 'row' }, h('h2', {}, runbook?.title ?? command.runbook), stateTag(command.state), command.dry_run && h('span', { class: 'tag' }, 'dry run')),
      phases(command),
      isGoing && progress.percent !== undefined && h('progress', { max: '100', value: progress.percent, 'aria-label': 'How far it is' }),
      isGoing && h('p', { class: 'small' }, [progress.percent !== undefined && `${progress.percent} %`, progress.line].filter(Boolean).join(', ')),
      result?.message && h('p', { class: 'said' }, result.message),
      command.expired_because && h('p', {}, command.expired_because === 'nobody_decided' ? 'Not enough people decided in time.' : 'Its service did not begin within an hour.'),
      command.stop_asked_by && !isFinal(command.state) && h('p', {}, person(command.stop_asked_by, principal), ' has asked that it be stopped.'),
      command.cancel_reason && h('p', {}, `Called off because: ${command.cancel_reason}`));
  }

  function drawFacts() {
    const { parameters, approval, lease, result } = command;
    const decided = approval.decided ?? [];
    const list = [
      ['Runbook', command.runbook], ['Carried out by', command.target.service],
      ['Asked for by', [person(command.requested_by, principal), ' ', when(command.requested_at)]], ['Why', command.reason],
      ['Approval', approval.needed ? `${decided.filter(({ decision }) => decision === 'approve').length} of ${approval.quorum ?? 1}${approval.not_requester ? ', and not whoever asked' : ''}` : 'not needed'],
      ['Attempts', command.attempts > 0 && String(command.attempts)], ['Tried again', command.not_before && when(command.not_before)],
      ['Lease', lease && !isFinal(command.state) && ['number ', String(lease.fence), ', lost without a sign of life ', when(lease.expires_at)]],
      ['Lost lease', command.lease_lost && ['number ', String(command.lease_lost.fence), ' of ', person(command.lease_lost.holder), ' ', when(command.lease_lost.at)]],
      ['Calls once more', command.replays && h('a', { href: hrefOf('commands', [command.replays]) }, command.replays)],
      ['Changed', when(command.updated_at)], ['Digest', h('code', { class: 'digest' }, command.digest)], ['Id', h('code', {}, command.id)],
      ['Events', h('a', { href: hrefOf('events', [], { correlationid: command.id }) }, 'what happened to it')],
    ].filter(([, value]) => value);
    fill(facts,
      h('h3', {}, 'Parameters'), h('pre', { tabindex: '0', 'aria-label': 'Parameters' }, JSON.stringify(parameters, null, 2)),
      result?.result !== undefined && result?.result !== null && [h('h3', {}, 'Result'), h('pre', { tabindex: '0', 'aria-label': 'Result' }, JSON.stringify(result.result, null, 2))],
      decided.length > 0 && [h('h3', {}, 'Decisions'), h('ul', {}, decided.map((one) => h('li', {}, person(one.by, principal), one.decision === 'approve' ? ' agreed ' : ' was against it ', when(one.at), one.comment && `: ${one.comment}`)))],
      (command.attempts_failed?.length ?? 0) > 0 && [h('h3', {}, 'Attempts that failed'), h('ul', {}, command.attempts_failed.map((one) => h('li', {}, `${one.attempt}: ${one.because}`, one.message && `, ${one.message}`, ', ', when(one.at))))],
      h('h3', {}, 'About it'), h('dl', { class: 'facts' }, list.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])));
  }
}

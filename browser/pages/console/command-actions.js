// What the person who looks at a command may do about it: decide, call it off, call it once more. The service decides; here stands why a
// button is not there.

import { h } from '../lib/dom.js';
import { isFinal, isReplayable, isUnderWay } from './command-words.js';
import { confirming } from './confirm.js';
import { draft, sent } from './drafts.js';
import { isSame } from './people.js';
import { field, onSend } from './problem-box.js';
import { sendOnce } from './sending.js';

/** The parts, or none. `done(command)` hears what came of it; `runbook` is null where it cannot be read. */
export function commandActions({ context, signal, command, runbook, done }) {
  return [
    command.state === 'pending' && deciding({ context, signal, command, runbook, done }),
    !isFinal(command.state) && callingOff({ context, signal, command, runbook, done }),
    isReplayable(command.state) && again({ context, signal, command, runbook, done }),
  ];
}

function deciding({ context, signal, command, runbook, done }) {
  const { api, principal } = context;
  const decided = command.approval.decided ?? [];
  const hasChanged = runbook && command.runbook_digest && runbook.digest !== command.runbook_digest;
  const refusal = command.approval.not_requester && isSame(command.requested_by, principal) ? 'You asked for it, so somebody else must decide.'
    : decided.some(({ by }) => isSame(by, principal)) ? 'You have decided; others are still needed.'
      : runbook && !runbook.you_may.includes('approve') ? 'You have not the right to approve this runbook.' : null;
  if (refusal) return h('p', { class: 'said' }, `It waits for approval. ${refusal}`);
  const name = `approval-${command.id}`;
  const comment = draft(name, h('textarea', { rows: '2', maxlength: '2000' }));
  const form = h('form', { class: 'call' },
    h('h3', {}, 'Decide about exactly this call'),
    runbook && h('p', {}, runbook.description),
    h('p', {}, `${command.runbook} for ${command.target.service}`, command.reason && `, because: ${command.reason}`),
    h('pre', { tabindex: '0', 'aria-label': 'Parameters that are decided about' }, JSON.stringify(command.parameters, null, 2)),
    h('p', { class: 'small' }, 'Digest ', h('code', { class: 'digest' }, command.digest)),
    hasChanged && h('p', { class: 'problem' }, 'The runbook has changed since this was asked for: it can only be rejected, and asked for again.'),
    field({ name: 'comment', label: 'Comment', control: comment, isOptional: true }),
    h('div', { class: 'row' },
      !hasChanged && confirming({ label: 'Approve', ask: `Approve ${command.runbook} for ${command.target.service}?`, yes: 'Yes, approve', value: 'approve', style: 'primary' }),
      confirming({ label: 'Reject', ask: 'Reject it for good?', yes: 'Yes, reject', value: 'reject' })));
  return onSend(form, {
    signal,
    work: async (button) => {
      if (!button?.value) return;
      const body = { decision: button.value, digest: command.digest, ...(comment.value.trim() ? { comment: comment.value.trim() } : {}) };
      const next = await api.call('POST', `/v1/commands/${encodeURIComponent(command.id)}/approval`, { body });
      sent(name);
      context.announce(button.value === 'approve' ? 'You have approved it.' : 'You have rejected it.');
      if (!signal.aborted) done(next);
    },
  });
}

function callingOff({ context, signal, command, runbook, done }) {
  const isOwn = isSame(command.requested_by, context.principal);
  if (!isOwn && runbook && !runbook.you_may.includes('cancel')) return null;
  if (command.stop_asked_by) return null;
  const isBegun = isUnderWay(command.state);
  const words = isBegun ? 'Ask it to stop' : 'Call it off';
  return reasoned({
    context, signal, name: `cancel-${command.id}`, words, ask: isBegun ? 'Its service will undo what it can.' : 'It will not be carried out.', yes: `Yes, ${words.toLowerCase()}`,
    send: async (reason) => done(await context.api.call('POST', `/v1/commands/${encodeURIComponent(command.id)}/cancel`, { body: reason ? { reason } : {} })),
  });
}

function again({ context, signal, command, runbook, done }) {
  if (runbook && !runbook.you_may.includes('run')) return null;
  return reasoned({
    context, signal, name: `replay-${command.id}`, words: 'Call it once more', ask: 'This makes a new command with the same parameters.', yes: 'Yes, once more',
    send: async (reason) => {
      const next = await sendOnce(context.api, `/v1/commands/${encodeURIComponent(command.id)}/replay`, reason ? { reason } : {});
      done(next);
      if (!signal.aborted) context.go('commands', [next.id]);
    },
  });
}

function reasoned({ signal, name, words, ask, yes, send }) {
  const reason = draft(name, h('textarea', { rows: '2', maxlength: '2000' }));
  const form = h('form', {}, field({ name: 'reason', label: 'Why', control: reason, isOptional: true }), confirming({ label: words, ask, yes, value: 'yes' }));
  onSend(form, { signal, work: async (button) => { if (button?.value) { await send(reason.value.trim()); sent(name); } } });
  return h('details', { class: 'call' }, h('summary', {}, words), form);
}

// What this person has decided about commands on this watch, and what became of it: also of what an earlier page could not send.

import { decisionOf } from './decisions.js';

const UNDO_MILLISECONDS = 10_000;
// With these the service says that it was decided before, or that it is too late; whose decision it was stands in the command. What was not answered
// may have arrived.
const LOOK_WHY = new Set(['decided-already', 'wrong-state', 'unanswered']);
const ENDS = {
  undone: 'Taken back.', stopping: 'It had begun. It was asked to stop.', kept: 'It could not be taken back. It stays approved.',
  unsure: 'Nobody was reached. It may have arrived.',
};
const pathOf = ({ id }) => `/v1/commands/${encodeURIComponent(id)}`;

/** Such as `Approved`. */
export const said = (decision) => (decision === 'approve' ? 'Approved' : 'Rejected');

/**
 * One stands as `{command, decision, item, became, problem, sentAt, isUndoing}`: `item` is its id in the queue, and `became` is `'sending'`, `'waiting'`,
 * `'sent'` or `'failed'`; where it was taken back `'undone'`, `'stopping'`, `'kept'` or `'unsure'`. `say(words)` is for whoever listens. Events are
 * `change`, and `trouble` when something is not done that this person wants. It has to be there before the queue is opened.
 */
export class Decided extends EventTarget {
  #parts;
  #ones = new Map();

  constructor({ api, queue, person, say }) {
    super();
    this.#parts = { api, queue, person, say };
    queue.addEventListener('change', () => { for (const item of queue.items) if (item.about) this.#of(item); });
    queue.addEventListener('sent', ({ item }) => { if (item.about) this.#came(this.#of(item)); });
    queue.addEventListener('failed', ({ item, problem }) => { if (item.about) this.#failed(this.#of(item), problem); });
  }

  get all() { return [...this.#ones.values()]; }
  /** Those that want to be looked at, since they were not done. */
  get troubled() { return this.all.filter(({ became }) => became === 'failed' || became === 'kept' || became === 'unsure'); }

  /** What was decided about the command with this id; undefined where nothing was. */
  of(id) { return this.#ones.get(id); }

  /** Sends it, or keeps it for the line. Resolves when that is said. */
  async decide(command, decision) {
    const { queue, say } = this.#parts;
    const { id, runbook, digest } = command;
    const item = {
      id: crypto.randomUUID(), what: `${decision} ${runbook}`, about: { id, runbook }, method: 'POST', path: `${pathOf(command)}/approval`, body: { decision, digest },
    };
    const decided = { command: item.about, decision, item: item.id, became: 'sending' };
    this.#ones.set(id, decided);
    const sending = queue.send(item);
    this.#changed();
    try {
      const { isWaiting } = await sending;
      if (!isWaiting) return this.#came(decided);
      // On its way it may have arrived already.
      if (decided.became !== 'sending') return undefined;
      decided.became = 'waiting';
      say('Waiting for the line.');
      return this.#changed();
    } catch (problem) {
      return this.#failed(decided, problem);
    }
  }

  /** Takes an approval back: the command is called off, which stops it only if it has not begun, and asks for that else. */
  async undo(decided) {
    const { api, queue, say } = this.#parts;
    Object.assign(decided, { isUndoing: true, problem: null });
    this.#changed();
    try {
      const waited = await queue.takeBack(decided.item);
      // What was sent and not answered may have got lost on its way there: then there is nothing to call off.
      const isThere = decided.became === 'sent' || (waited !== 'unsent' && await this.#stands(decided) === decided.decision);
      decided.became = 'undone';
      if (isThere) {
        const response = await api.send('POST', `${pathOf(decided.command)}/cancel`, { body: { reason: 'taken back on a watch' } });
        if (response.status === 202) decided.became = 'stopping';
      }
    } catch (problem) {
      Object.assign(decided, { became: problem.isPassing ? 'unsure' : 'kept', problem });
    }
    decided.isUndoing = false;
    say(ENDS[decided.became]);
    this.#letGo(decided);
    this.#changed();
  }

  /** It was seen. */
  close(decided) {
    if (this.#ones.get(decided.command.id) === decided) this.#ones.delete(decided.command.id);
    this.#changed();
  }

  /** The one that this item of the queue is of. */
  #of({ id, about, body }) {
    const known = this.#ones.get(about.id);
    if (known?.item === id) return known;
    const decided = { command: about, decision: body.decision, item: id, became: 'waiting' };
    this.#ones.set(about.id, decided);
    this.#changed();
    return decided;
  }

  #came(decided) {
    Object.assign(decided, { became: 'sent', sentAt: performance.now() });
    this.#parts.say(`${said(decided.decision)} ${decided.command.runbook}.`);
    this.#letGo(decided);
    this.#changed();
  }

  async #failed(decided, problem) {
    let why = problem;
    if (LOOK_WHY.has(problem.kind)) {
      const stands = await this.#stands(decided).catch(() => null);
      if (stands === decided.decision) return this.#came(decided);
      if (stands) why = new Error(`You have decided before: it stays ${said(stands).toLowerCase()}.`);
    }
    Object.assign(decided, { became: 'failed', problem: why });
    this.#parts.say(`${decided.command.runbook}: ${why.message}`);
    this.#changed();
    return this.dispatchEvent(new Event('trouble'));
  }

  /** What this person has decided about it, as the service has it. */
  async #stands({ command }) {
    const { api, person } = this.#parts;
    return decisionOf(await api.call('GET', pathOf(command)), person);
  }

  #letGo(decided) {
    setTimeout(() => {
      // What went wrong stays until it was seen.
      if (!decided.isUndoing && ['sent', 'undone', 'stopping'].includes(decided.became)) this.close(decided);
    }, UNDO_MILLISECONDS);
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

// The question that was asked last, and its answer: also of one that an earlier page could not send.

import { now } from '../lib/clock.js';

const DRAFT = 'ask';
const PATH = '/v1/ask?short=1';

/** Marks of Markdown say nothing on a watch; what was cut short may have one alone. Stars within a path are none. */
export const plain = (text) => (text ?? '').replaceAll(/^ *```.*\n?/gm, '').replaceAll('`', '').replaceAll(/\*\*(\S[^*]*)\*\*/g, '$1').replaceAll(/(^|\s)\*\*(?=\w)/g, '$1');
/** Where nothing is known there is no answer, and that is said. */
export const wordsOf = ({ answer }) => plain(answer) || 'The documents do not say.';

/**
 * `text` is what was asked; `answer` or `problem` what came of it, at `answeredAt`; `waiting` the id of what is not answered, and `isQueued`
 * whether that waits for the line. `say(words)` is for whoever listens. An event `change` says that one of these is another one. It has to be there
 * before the queue is opened.
 */
export class Question extends EventTarget {
  text = null;
  answer = null;
  answeredAt = null;
  problem = null;
  waiting = null;
  isQueued = false;
  #parts;

  constructor({ queue, phrases, drafts, say }) {
    super();
    this.#parts = { queue, phrases, drafts, say };
    const isOne = ({ path }) => path === PATH;
    queue.addEventListener('change', () => {
      const left = queue.items.find(isOne);
      if (left && this.waiting === null) this.#now({ text: left.what, waiting: left.id, isQueued: true });
    });
    queue.addEventListener('sent', ({ item, answer }) => { if (isOne(item)) this.#came(item, answer); });
    queue.addEventListener('failed', ({ item, problem }) => { if (isOne(item)) this.#failed(item, problem); });
  }

  /** What is typed, and was not sent or not answered yet. */
  get draft() { return this.#parts.drafts.read(DRAFT) ?? ''; }
  set draft(text) { this.#parts.drafts.keep(DRAFT, text); }

  /** Sends it, or keeps it for the line; one at a time. */
  async ask(typed) {
    const { queue } = this.#parts;
    const text = typed.trim();
    if (!text || this.waiting) return;
    const item = { id: crypto.randomUUID(), what: text, method: 'POST', path: PATH, body: { question: text } };
    // Until there is an answer the question can be had again.
    this.draft = text;
    this.#now({ text, answer: null, problem: null, waiting: item.id, isQueued: false });
    try {
      const { answer, isWaiting } = await queue.send(item);
      if (!isWaiting) this.#came(item, answer);
      else if (this.waiting === item.id) this.#now({ isQueued: true });
    } catch (problem) {
      this.#failed(item, problem);
    }
  }

  async takeBack() {
    const { waiting } = this;
    await this.#parts.queue.takeBack(waiting);
    if (this.waiting === waiting) this.#now({ waiting: null });
  }

  #came({ what: text }, answer) {
    // What was typed meanwhile is another question.
    if (this.draft.trim() === text) this.#parts.drafts.forget(DRAFT);
    // What the documents do not say is not offered to be asked again.
    if (answer.known) this.#parts.phrases.count(text, now()).catch(() => null);
    this.#now({ text, answer, answeredAt: now(), problem: null, waiting: null });
    this.#parts.say(wordsOf(answer));
  }

  #failed({ what: text }, problem) {
    this.#now({ text, problem, waiting: null });
    this.#parts.say(problem.message);
  }

  #now(states) {
    Object.assign(this, states);
    this.dispatchEvent(new Event('change'));
  }
}

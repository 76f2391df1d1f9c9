// One question on its way: words as they come, and the answer that counts, which comes whole and checked at the end.

import { Problem } from '../lib/problem.js';
import { listen } from '../lib/stream.js';

const cutOff = () => new Problem({ status: 0, kind: 'cut-off', title: 'The answer was cut off', detail: 'What came of it is no answer. Ask again.' });

/**
 * Asks, and resolves to the answer. `told({words, doing})` hears what there is so far: words that are not checked yet, and what is being done.
 * Throws a `Problem` where there is no answer, and also where one broke off.
 */
export async function ask({ api, question, earlier, signal, told }) {
  const body = { question, ...(earlier.length > 0 ? { earlier } : {}) };
  const so = { words: '', doing: 'Looking through the documents…', answer: null };
  try {
    for await (const { event, data } of listen(api, 'POST', '/v1/ask', { signal, body })) {
      if (data === null) continue;
      const value = JSON.parse(data);
      if (event === 'end') {
        if (value.complete && so.answer) return so.answer;
        break;
      }
      took(so, event, value);
      told({ words: so.words, doing: so.doing });
    }
  } catch (cause) {
    if (signal.aborted || cause instanceof Problem) throw cause;
  }
  throw cutOff();
}

function took(so, event, value) {
  if (event === 'searched') so.doing = `Reading ${value.sections} sections…`;
  else if (event === 'tool') so.doing = `Looking something up (${value.name})…`;
  else if (event === 'words') so.words += value.text;
  else if (event === 'anew') so.words = '';
  else if (event === 'answer') so.answer = value;
  else if (event === 'problem') {
    const { status = 500, type = '', title = 'There is no answer', detail = '', errors = [] } = value;
    throw new Problem({ status, kind: String(type).split(/[/:#]/).pop(), title, detail, errors });
  }
}

const MOST_TURNS = 32;
const MOST_BYTES = 32 * 1024;

/** What was said before, as the service takes it: the newest of it that has room, beginning with a question. */
export function earlierOf(turns) {
  const bytes = (text) => new TextEncoder().encode(text).length;
  const said = [];
  let room = MOST_BYTES;
  for (const { question, answer } of [...turns].reverse()) {
    const text = answer?.answer ?? answer?.short;
    if (!text) continue;
    room -= bytes(question) + bytes(text);
    if (room < 0 || said.length + 2 > MOST_TURNS) break;
    said.unshift({ asked: question }, { answered: text });
  }
  return said;
}

// One command as it changes, until it has ended: its state, and its output piece by piece.

import { follow } from '../lib/stream.js';

/**
 * `changed(command)`, `wrote(text, isAnew)` for output (anew: another attempt begins), `told(state, problem)` as in `lib/stream.js`, and
 * `'ended'` when nothing more comes.
 */
export async function followCommand({ api, id, signal, changed, wrote, told }) {
  const ending = new AbortController();
  const until = AbortSignal.any([signal, ending.signal]);
  let last = -1;
  let isEnded = false;
  await follow(api, `/v1/commands/${encodeURIComponent(id)}/follow`, {
    signal: until,
    told: (state, problem) => { if (!isEnded) told(state, problem); },
    onEvent: ({ event, data }) => {
      const value = JSON.parse(data);
      if (event === 'command') changed(value);
      else if (event === 'output') {
        // Each attempt's output begins at nothing. How long a text is says little: a secret in it has another length than what stands for it.
        wrote(value.text, value.offset <= last);
        last = value.offset;
      } else if (event === 'end') {
        isEnded = true;
        told('ended');
        ending.abort();
      }
    },
  });
}

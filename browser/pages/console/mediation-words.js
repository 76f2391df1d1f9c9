// The states of a mediation in words.

import { h } from '../lib/dom.js';

const STATES = { open: ['open', 'busy'], shared: ['both have shared', 'busy'], agreed: ['agreed', 'good'], follow_up: ['did it hold?', 'warn'], closed: ['closed', ''], left: ['left', ''] };

/** Nothing comes any more. */
export const isFinal = (state) => state === 'closed' || state === 'left';

/**
 * What settles on these words, or takes back what is shared. Unchanged words are accepted by the id of those that were shown: others may
 * have come in their place, and nobody shares what they have not read. Without a turn left nothing new is said, but it is taken back.
 */
export function settlingOn(words, { yours, turns_left: turns }, { share }) {
  const isAsShown = words === yours.restatement;
  if (!share && (isAsShown || turns === 0)) return { share };
  return isAsShown ? { accept: yours.restatement_id, share } : { text: words, share };
}

export function stateTag(state) {
  const [words, style] = STATES[state] ?? [state, ''];
  return h('span', { class: `tag ${style}` }, words);
}

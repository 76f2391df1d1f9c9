// The states of a mediation in words.

import { h } from '../lib/dom.js';

const STATES = { open: ['open', 'busy'], shared: ['both have shared', 'busy'], agreed: ['agreed', 'good'], follow_up: ['did it hold?', 'warn'], closed: ['closed', ''], left: ['left', ''] };

/** Nothing comes any more. */
export const isFinal = (state) => state === 'closed' || state === 'left';

export function stateTag(state) {
  const [words, style] = STATES[state] ?? [state, ''];
  return h('span', { class: `tag ${style}` }, words);
}

// The states of a command in words, and the way that it goes.

import { h } from '../lib/dom.js';

/** Each state's words, and how it is shown. */
export const STATES = {
  requested: ['asked for', 'busy'], pending: ['waits for approval', 'warn'], scheduled: ['waits for its service', 'busy'], leased: ['leased', 'busy'],
  running: ['running', 'busy'], verifying: ['verifying', 'busy'], rolling_back: ['rolling back', 'warn'], succeeded: ['succeeded', 'good'], failed: ['failed', 'bad'],
  timeout: ['took too long', 'bad'], canceled: ['canceled', ''], rejected: ['rejected', ''], expired: ['expired', 'bad'], abandoned: ['abandoned', 'bad'],
};

const WAY = ['requested', 'pending', 'scheduled', 'leased', 'running', 'verifying'];
const FINAL = ['succeeded', 'failed', 'timeout', 'canceled', 'rejected', 'expired', 'abandoned'];

export const isFinal = (state) => FINAL.includes(state);
/** A service has begun with it. */
export const isUnderWay = (state) => ['running', 'verifying', 'rolling_back'].includes(state);
/** It can be called once more. */
export const isReplayable = (state) => ['failed', 'timeout', 'expired', 'abandoned', 'canceled'].includes(state);

export function stateTag(state) {
  const [words, style] = STATES[state] ?? [state, ''];
  return h('span', { class: `tag ${style}` }, words);
}

/** Where it stands on its way, as a list; steps that this one does not take are not there. */
export function phases({ state, approval }) {
  const way = WAY.filter((step) => step !== 'pending' || approval.needed);
  if (state === 'rolling_back') way.push('rolling_back');
  // How far one came that has ended is in its events; what is known here is that it has.
  const steps = isFinal(state) ? ['requested', ...(state === 'succeeded' ? way.slice(1) : []), state] : [...way, 'succeeded'];
  const at = steps.indexOf(state);
  return h('ol', { class: 'phases', 'aria-label': 'Where it stands' }, steps.map((step, index) => {
    const style = index < at ? 'done' : index === at && STATES[step]?.[1] === 'bad' ? 'bad' : '';
    const words = step === 'succeeded' && !isFinal(state) ? 'ended' : STATES[step]?.[0] ?? step;
    return h('li', { class: style, 'aria-current': index === at ? 'step' : null }, words);
  }));
}

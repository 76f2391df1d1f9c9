// Who somebody is, in as few words as tell people apart.

import { h } from '../lib/dom.js';

/** A principal as `{iss, sub}`, or `{issuer, subject}` where mediations name people. */
export function person(who, self = null) {
  if (!who) return '';
  const { iss = who.issuer, sub = who.subject } = who;
  const isSelf = self?.sub === sub && self?.iss === iss;
  return h('span', { title: `${sub} of ${iss}` }, isSelf ? 'you' : sub);
}

/** Whether these are the same. */
export const isSame = (one, other) => Boolean(one && other) && one.iss === other.iss && one.sub === other.sub;

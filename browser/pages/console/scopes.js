// What views need of a token. The gate decides by its own rules, which may be others than those that come with it: so nothing is kept from
// anybody by this, and only said.

import { h } from '../lib/dom.js';

// Where the gate names these, each of them opens what was asked for; it names all that would (RFC 6750, section 3, cannot say that).
const ALTERNATIVES = ['commands:request', 'commands:approve'];

/** The scopes of a refusal, as it lists them, in words. */
export function scopesInWords(scope) {
  const names = scope.split(' ').filter(Boolean);
  if (names.length < 2) return `the scope ${names[0] ?? 'that it needs'}`;
  return names.every((name) => ALTERNATIVES.includes(name)) ? `one of the scopes ${names.join(', ')}` : `the scopes ${names.join(' and ')}`;
}

/** Says that the token lacks a scope that a form needs; null where it has it, or says nothing of scopes at all. */
export function lackOf(scope, { scopes = [] }) {
  if (scopes.length === 0 || scopes.includes(scope)) return null;
  return h('p', { class: 'notice' }, `Your token does not have the scope ${scope}, so this is likely to be refused. Whoever gives out tokens can add it.`);
}

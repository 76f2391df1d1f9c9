// A session in words: its state, what the device says of itself, what it may do.

import { now } from '../lib/clock.js';
import { h } from '../lib/dom.js';
import { whenForgotten } from './drafts.js';
import { when } from './when.js';

const SESSION_STATES = {
  offered: ['code is shown', 'busy'], redeemed: ['waits for its number', 'warn'], waiting: ['waits', 'warn'], joined: ['waits for you', 'warn'],
  confirmed: ['let in', 'good'], active: ['in use', 'good'], ended: ['over', ''],
};

/** No token of a session lives longer: a device that has not renewed for that long has nothing that works. */
const TOKEN_MILLISECONDS = 600_000;

/** Links of offers that this page has made: nobody tells them a second time. */
export const offers = new Map();
whenForgotten(() => offers.clear());

export function stateTag({ state, renewed_at: renewedAt }) {
  const isQuiet = state === 'active' && renewedAt && now() - Date.parse(renewedAt) > TOKEN_MILLISECONDS;
  const [words, style] = isQuiet ? ['quiet', 'warn'] : SESSION_STATES[state] ?? [state, ''];
  return h('span', { class: `tag ${style}` }, words);
}

export function facts(session) {
  const list = [
    ['Device', session.device && [session.device, h('span', { class: 'faint' }, ' (its own words)')]], ['Waits since', session.state !== 'active' && session.device_since && when(session.device_since)],
    ['May', session.scopes.map((scope) => h('code', {}, `${scope} `))], ['Begun', when(session.created_at)], ['Last renewed', session.renewed_at && when(session.renewed_at)],
    ['Until', when(session.expires_at)], ['Id', h('code', {}, session.id)],
  ].filter(([, value]) => value);
  return [h('div', { class: 'row' }, h('h2', {}, session.label ?? session.device ?? 'A device'), stateTag(session)),
    h('dl', { class: 'facts' }, list.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))];
}

// The watch: joining, and then three screens. It looks at the service only while somebody looks at it.

import { Api } from '../lib/api.js';
import { announce, fill, h } from '../lib/dom.js';
import { makeKey } from '../lib/dpop.js';
import * as store from '../lib/keep.js';
import { follow, pause } from '../lib/stream.js';
import { showAlerts } from './alerts-screen.js';
import { Alerts } from './alerts.js';
import { showAsk } from './ask-screen.js';
import { handleIn } from './device.js';
import { Drafts, forgetDrafts } from './drafts.js';
import { problemBox, showInstead, showJoining } from './joining-screen.js';
import { showMediation } from './mediation-screen.js';
import { Mediations } from './mediation.js';
import { Phrases } from './phrases.js';
import { Queue } from './queue.js';
import { Session } from './session.js';
import { whileShown } from './times.js';

const SCREENS = [
  { id: 'ask', title: 'Ask', glyph: '?', scopes: ['assistant:ask'], show: showAsk },
  { id: 'alerts', title: 'Alerts', glyph: '!', scopes: ['events:read', 'commands:approve'], show: showAlerts },
  { id: 'mediation', title: 'Mediate', glyph: '⇄', scopes: ['mediations'], show: showMediation },
];

const page = document.getElementById('page');
// Of several tabs one takes over what an earlier one could not send. It holds the lock until it is closed.
const first = new Promise((resolve) => {
  if (!navigator.locks) return resolve(true);
  return navigator.locks.request('watchgate.queue', { ifAvailable: true }, (lock) => { resolve(lock !== null); return lock && new Promise(() => {}); });
});
const isFirstPage = () => first;
const alone = (work) => (navigator.locks ? navigator.locks.request('watchgate.renewal', work) : work());
const apiOf = (whose) => new Api({ credentials: () => whose.credentials(), renewed: (refused) => whose.renewed(refused) });
// An answer to "may I come in?" is of use to whoever looks; the watch does not ask while it is hidden.
const whenShown = (signal) => new Promise((resolve) => {
  if (!document.hidden || signal.aborted) return resolve();
  const look = () => { if (!document.hidden) done(); };
  const done = () => { document.removeEventListener('visibilitychange', look); resolve(); };
  document.addEventListener('visibilitychange', look);
  return signal.addEventListener('abort', done, { once: true });
});
const session = new Session({ bare: new Api(), store, makeKey, alone, api: apiOf, pause: (...wait) => pause(...wait).then(() => whenShown(wait[1])) });
const api = apiOf(session);

// The handle is worth something for a minute: it goes before anything else looks at the address.
const handle = handleIn(location.href, location.origin);
if (location.hash) history.replaceState(null, '', location.pathname);

let inside = null;
session.addEventListener('change', changed);
session.addEventListener('fault', ({ problem }) => fill(page, h('main', { class: 'start' }, h('h1', {}, 'That did not work'), problemBox(problem),
  h('button', { type: 'button', onclick: () => session.giveUp() }, 'Back'))));
// A link that is opened where this page is open already comes as a change of its address.
addEventListener('hashchange', () => {
  const another = handleIn(location.href, location.origin);
  history.replaceState(null, '', location.pathname);
  if (another) invited(another);
});
await session.open();
if (handle) invited(handle);
// The worker fetches all files once more, which would keep the first screen waiting.
setTimeout(keepWorker, 1_500);

/** A code was opened. Whoever is in already says first which of the two it shall be. */
function invited(brought) {
  if (session.state !== 'in') return showJoining(page, { session, handle: brought });
  inside?.end();
  return showInstead(page, { session, handle: brought, stay: changed });
}

function changed() {
  inside?.end();
  inside = null;
  if (session.state === 'in') inside = comeIn();
  else {
    forgetDrafts(sessionStorage);
    showJoining(page, { session });
  }
}

/** All that there is while the session lasts. */
function comeIn() {
  const ending = new AbortController();
  const { signal } = ending;
  const { person } = session;
  // What is still under way when the session ends leaves nothing behind for whoever comes next.
  const own = { ...store, keep: async (name, value) => { if (!signal.aborted) await store.keep(name, value); } };
  const queue = new Queue({ api, store: own, pause, signal, isFirst: isFirstPage, isAway: () => navigator.onLine === false });
  const alerts = new Alerts({ api, store: own, follow, person });
  const phrases = new Phrases({ api, store: own });
  const mediations = new Mediations({ api });
  const drafts = new Drafts(sessionStorage, person);
  const states = Object.fromEntries(SCREENS.map(({ id }) => [id, {}]));
  const screens = SCREENS.filter(({ scopes }) => scopes.some((scope) => session.scopes.includes(scope)));
  // It scrolls, also where nothing on it can be pressed: so the keyboard reaches it.
  const main = h('main', { id: 'screen', tabindex: '0' });
  const badges = { alerts: h('span', { class: 'badge' }), mediation: h('span', { class: 'badge' }) };
  const tabs = screens.map(({ id, title, glyph }) => h('button', { type: 'button', 'data-screen': id, onclick: () => go(id) },
    h('span', { class: 'glyph', 'aria-hidden': 'true' }, glyph), h('span', { class: 'word' }, title), badges[id]));
  const more = h('button', { type: 'button', class: 'quiet', 'aria-label': 'This session', onclick: () => go('session') }, '⋯');
  fill(page, main, h('nav', { 'aria-label': 'Screens' }, tabs, more));
  let shown = null;
  let looking = null;

  const count = (badge, number) => fill(badge, number > 0 && h('span', {}, h('span', { class: 'unseen' }, ', '), String(number)));
  alerts.addEventListener('change', () => count(badges.alerts, alerts.count), { signal });
  mediations.addEventListener('change', () => count(badges.mediation, mediations.count), { signal });
  alerts.addEventListener('mediation', ({ id }) => {
    if (!session.scopes.includes('mediations')) return;
    const isShown = main.firstChild?.classList.contains('mediation') && states.mediation.open === id;
    mediations.moved(id, { isShown }).then((isOwn) => { if (isOwn && !isShown) announce('A mediation has moved.'); }, () => null);
  }, { signal });
  alerts.addEventListener('arrived', ({ name, item }) => {
    navigator.vibrate?.(80);
    announce(name === 'commands' ? `${item.runbook} waits for you.` : item.title ?? item.text);
  }, { signal });
  document.addEventListener('visibilitychange', look, { signal });
  whileShown(60_000, () => session.renewAhead(), signal);
  addEventListener('online', () => { queue.wake(); look(); }, { signal });
  // A stream over a line that is gone looks like one on which nothing happens.
  addEventListener('offline', () => looking?.abort(), { signal });
  signal.addEventListener('abort', () => { looking?.abort(); shown?.abort(); });
  begin();
  return { end: () => ending.abort() };

  async function begin() {
    await Promise.all([queue.open(), alerts.open(), phrases.open()]);
    if (signal.aborted) return;
    go(screens[0]?.id ?? 'session', { isFirst: true });
    look();
    if (session.scopes.includes('runbooks:read')) phrases.learn().catch(() => null);
  }

  /** Follows what happens while somebody looks, and nothing else. */
  function look() {
    looking?.abort();
    looking = null;
    if (document.hidden || signal.aborted || !screens.some(({ id }) => id === 'alerts')) return;
    looking = new AbortController();
    queue.wake();
    if (session.scopes.includes('mediations')) mediations.look().catch(() => null);
    const savesData = navigator.connection?.saveData === true || !session.scopes.includes('events:read');
    alerts.live(looking.signal, { savesData }).catch((problem) => { if (problem.name !== 'AbortError') announce(problem.message); });
  }

  function go(id, { isFirst = false } = {}) {
    shown?.abort();
    shown = new AbortController();
    const root = h('div', { class: `screen ${id}` });
    fill(main, root);
    for (const tab of [...tabs, more]) {
      if (tab.dataset.screen === id || (tab === more && id === 'session')) tab.setAttribute('aria-current', 'page');
      else tab.removeAttribute('aria-current');
    }
    const parts = { api, queue, alerts, phrases, mediations, drafts, person, state: states[id], signal: shown.signal };
    if (id === 'session') showSession(root);
    else screens.find((screen) => screen.id === id).show(root, parts);
    if (!isFirst) main.focus();
  }

  function showSession(root) {
    fill(root, h('h1', {}, session.account), h('p', { class: 'faint' }, `May: ${session.scopes.join(', ')}`),
      h('details', {}, h('summary', {}, 'Leave…'), h('p', {}, 'This device forgets all of it. It needs a new code to come back.'),
        h('button', { type: 'button', onclick: () => session.leave() }, 'Leave this session')));
  }
}

/** Keeps the files for when there is no line. Without it the watch works as long as there is one. */
function keepWorker() {
  if (!('serviceWorker' in navigator)) return;
  const place = '/watch/worker.js';
  const policy = globalThis.trustedTypes?.createPolicy('watchgate', { createScriptURL: (url) => (url === place ? url : '') });
  navigator.serviceWorker.register(policy ? policy.createScriptURL(place) : place, { scope: '/watch' }).catch((cause) => console.info('the watch needs a line:', cause.message));
}

// The watch: joining, and then three screens. It looks at the service only while somebody looks at it.

import { Api } from '../lib/api.js';
import { announce, fill, h } from '../lib/dom.js';
import { makeKey } from '../lib/dpop.js';
import * as store from '../lib/keep.js';
import { follow, pause } from '../lib/stream.js';
import { showAlerts } from './alerts-screen.js';
import { Alerts, wordsOf } from './alerts.js';
import { showAsk } from './ask-screen.js';
import { apiOf, storeOf } from './belongings.js';
import { Decided } from './decided.js';
import { handleIn } from './device.js';
import { Drafts, forgetDrafts } from './drafts.js';
import { endScanning, problemBox, showInstead, showJoining, whileLeaving } from './joining-screen.js';
import { showMediation } from './mediation-screen.js';
import { Mediations } from './mediation.js';
import { Owner } from './owner.js';
import { Phrases } from './phrases.js';
import { Question } from './question.js';
import { Queue } from './queue.js';
import { scopeInWords } from './scope-words.js';
import { Session } from './session.js';
import { whileShown } from './times.js';

const SCREENS = [
  { id: 'ask', title: 'Ask', glyph: '?', scopes: ['assistant:ask'], show: showAsk },
  { id: 'alerts', title: 'Alerts', glyph: '!', scopes: ['events:read', 'commands:approve'], show: showAlerts },
  { id: 'mediation', title: 'Mediate', glyph: '⇄', scopes: ['mediations'], show: showMediation },
];

const page = document.getElementById('page');
const alone = (work) => (navigator.locks ? navigator.locks.request('watchgate.renewal', work) : work());
// For as long as the page is there, whoever's session it is; what belongs to one session has an `Api` of its own.
const apiOfAny = (whose) => new Api({ credentials: () => whose.credentials(), renewed: (refused) => whose.renewed(refused) });
// An answer to "may I come in?" is of use to whoever looks; the watch does not ask while it is hidden.
const whenShown = (signal) => new Promise((resolve) => {
  if (!document.hidden || signal.aborted) return resolve();
  const look = () => { if (!document.hidden) done(); };
  const done = () => { document.removeEventListener('visibilitychange', look); signal.removeEventListener('abort', done); resolve(); };
  document.addEventListener('visibilitychange', look);
  return signal.addEventListener('abort', done);
});
const session = new Session({ bare: new Api(), store, makeKey, alone, api: apiOfAny, pause: (...wait) => pause(...wait).then(() => whenShown(wait[1])) });

// The handle is worth something for a minute: it goes before anything else looks at the address.
const handle = handleIn(location.href, location.origin);
if (location.hash) history.replaceState(null, '', location.pathname);

let inside = null;
let isOutdated = false;
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

/** A code was opened. Whoever is in already says first which of the two it shall be; what there is goes on until then. */
function invited(brought) {
  if (session.state !== 'in') return showJoining(page, { session, handle: brought });
  return showInstead(page, { session, handle: brought, leave: () => inside.leave(), stay: () => inside.show() });
}

function changed() {
  endScanning();
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
  // What is still under way when the session ends leaves nothing behind for whoever comes next, and goes out for nobody else.
  const api = apiOf(session, signal);
  const own = storeOf(store, session.id, signal);
  // Whoever leaves sends nothing any more.
  const leaving = new AbortController();
  const sending = AbortSignal.any([signal, leaving.signal]);
  const queue = new Queue({
    api: apiOf(session, sending), store: own, pause, signal: sending, owner: new Owner(navigator.locks, signal), isAway: () => navigator.onLine === false,
  });
  const alerts = new Alerts({ api, store: own, follow, person });
  const phrases = new Phrases({ api, store: own });
  const mediations = new Mediations({ api });
  const drafts = new Drafts(sessionStorage, person);
  // Both hear what becomes of what an earlier page could not send, whichever screen is shown.
  const decided = new Decided({ api, queue, person, say: announce });
  const asked = new Question({ queue, phrases, drafts, say: announce });
  const states = Object.fromEntries(SCREENS.map(({ id }) => [id, {}]));
  const screens = SCREENS.filter(({ scopes }) => scopes.some((scope) => session.scopes.includes(scope)));
  // It scrolls, also where nothing on it can be pressed: so the keyboard reaches it.
  const main = h('main', { id: 'screen', tabindex: '0' });
  const badges = { alerts: h('span', { class: 'badge' }), mediation: h('span', { class: 'badge' }) };
  const tabs = screens.map(({ id, title, glyph }) => h('button', { type: 'button', 'data-screen': id, onclick: () => go(id) },
    h('span', { class: 'glyph', 'aria-hidden': 'true' }, glyph), h('span', { class: 'word' }, title), badges[id]));
  const more = h('button', { type: 'button', class: 'quiet', 'aria-label': 'This session', onclick: () => go('session') }, '⋯');
  const nav = h('nav', { 'aria-label': 'Screens' }, tabs, more);
  fill(page, main, nav);
  let shown = null;
  let looking = null;

  const count = (badge, number) => fill(badge, number > 0 && h('span', {}, h('span', { class: 'unseen' }, ', '), String(number)));
  // What went wrong counts, also where its command waits no longer.
  const isGone = ({ command }) => !alerts.seen.commands?.some(({ id }) => id === command.id);
  const countAlerts = () => count(badges.alerts, alerts.count + decided.troubled.filter(isGone).length);
  alerts.addEventListener('change', countAlerts, { signal });
  decided.addEventListener('change', countAlerts, { signal });
  decided.addEventListener('trouble', () => navigator.vibrate?.(80), { signal });
  mediations.addEventListener('change', () => count(badges.mediation, mediations.count), { signal });
  mediations.addEventListener('moved', ({ ids }) => { if (ids.some((id) => id !== mediations.shown)) announce('A mediation has moved.'); }, { signal });
  alerts.addEventListener('mediation', ({ id }) => { if (session.scopes.includes('mediations')) mediations.heard(id); }, { signal });
  alerts.addEventListener('arrived', ({ arrived }) => {
    navigator.vibrate?.(80);
    announce(wordsOf(arrived));
  }, { signal });
  document.addEventListener('visibilitychange', look, { signal });
  whileShown(60_000, () => session.renewAhead(), signal);
  addEventListener('online', () => { queue.wake(); look(); }, { signal });
  // A stream over a line that is gone looks like one on which nothing happens.
  addEventListener('offline', () => looking?.abort(), { signal });
  signal.addEventListener('abort', () => { looking?.abort(); shown?.abort(); });
  begin();
  return { end: () => ending.abort(), show, leave };

  async function begin() {
    await own.clear();
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
    if (document.hidden || signal.aborted) return;
    queue.wake();
    if (session.scopes.includes('mediations')) mediations.look().catch(() => null);
    if (!screens.some(({ id }) => id === 'alerts')) return;
    looking = new AbortController();
    const savesData = navigator.connection?.saveData === true || !session.scopes.includes('events:read');
    alerts.live(looking.signal, { savesData }).catch((problem) => { if (problem.name !== 'AbortError') announce(problem.message); });
  }

  /** Again, after something else was shown. */
  function show() {
    fill(page, main, nav);
    main.focus();
  }

  /** What waits for the line is not sent any more from here on. Where leaving fails all goes on as before. */
  async function leave() {
    leaving.abort();
    await session.leave().catch((cause) => { changed(); announce(cause.message); throw cause; });
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
    const parts = { alerts, decided, asked, phrases, mediations, drafts, person, state: states[id], signal: shown.signal };
    if (id === 'session') showSession(root);
    else screens.find((screen) => screen.id === id).show(root, parts);
    // Where the one before was scrolled to says nothing of this one.
    main.scrollTop = 0;
    if (!isFirst) main.focus();
  }

  function showSession(root) {
    const problemPlace = h('div', {});
    const button = h('button', { type: 'button', onclick: () => whileLeaving(button, problemPlace, leave) }, 'Leave this session');
    fill(root, h('h1', {}, session.account), h('p', { class: 'faint' }, `May: ${session.scopes.map(scopeInWords).join(', ')}`),
      isOutdated && h('button', { type: 'button', onclick: () => location.reload() }, 'Take the newer version'),
      h('details', {}, h('summary', {}, 'Leave…'), h('p', {}, 'This device forgets all of it. It needs a new code to come back.'), button, problemPlace));
  }
}

/** Keeps the files for when there is no line. Without it the watch works as long as there is one. */
async function keepWorker() {
  const { serviceWorker: workers } = navigator;
  if (!workers) return;
  const place = '/watch/worker.js';
  const policy = globalThis.trustedTypes?.createPolicy('watchgate', { createScriptURL: (url) => (url === place ? url : '') });
  // Another worker has another version of the files, which the page takes when it is opened next. All of this one is here already.
  let hadOne = workers.controller !== null;
  workers.addEventListener('controllerchange', () => { isOutdated = hadOne; hadOne = true; });
  try {
    const registration = await workers.register(policy ? policy.createScriptURL(place) : place, { scope: '/watch' });
    const takeOver = () => registration.waiting?.postMessage('take over');
    registration.addEventListener('updatefound', () => { registration.installing?.addEventListener('statechange', takeOver); });
    registration.installing?.addEventListener('statechange', takeOver);
    takeOver();
  } catch (cause) {
    console.info('the watch needs a line:', cause.message);
  }
}

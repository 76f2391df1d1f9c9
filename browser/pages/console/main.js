// The console: who is signed in, which view is shown, and where. Each view is a module of its own that is loaded when it is first wanted.

import { Api } from '../lib/api.js';
import { announce, fill, h } from '../lib/dom.js';
import * as store from '../lib/keep.js';
import { forgetDrafts } from './drafts.js';
import { problemBox } from './problem-box.js';
import { hrefOf, routeOf } from './route.js';
import { Session } from './session.js';
import { showSignIn, signInAgain } from './sign-in-screen.js';
import { prepare } from './sign-in-answer.js';
import { answerIn } from './sign-in.js';
import { moduleLoader, OtherVersion, showOtherVersion } from './view-module.js';
import { clock, keepTimes } from './when.js';
import { now } from '../lib/clock.js';

/** One row for each view; `module` exports `show(root, context)`, which gives a function that ends it. Open ones ask the gateway nothing. */
const VIEWS = [
  { id: 'events', title: 'Events', module: './events.js' },
  { id: 'incidents', title: 'Incidents', module: './incidents.js' },
  { id: 'commands', title: 'Commands', module: './commands.js' },
  { id: 'ask', title: 'Ask', module: './ask.js' },
  { id: 'sessions', title: 'Sessions', module: './sessions.js' },
  { id: 'mediations', title: 'Mediations', module: './mediations.js' },
  { id: 'services', title: 'Services', module: './services.js' },
  { id: 'playground', title: 'Playground', module: './playground.js', isOpen: true },
];

const page = document.getElementById('page');
const redirectUri = `${location.origin}/console`;

let session = null;
let api = null;
let shown = null;
const loadModule = moduleLoader();

keepTimes();
const answered = answerIn(location.search);
// A code that stands in the address would be in the history, and sent again with each reload. It stays good here for whoever tries again.
if (answered) history.replaceState(null, '', `${location.pathname}${location.hash}`);
await start(answered);

async function start(answer) {
  const bare = new Api();
  let config;
  try {
    config = await bare.call('GET', '/console/config.json');
  } catch (problem) {
    fill(page, h('main', { class: 'sign-in' }, h('h1', {}, 'Watchgate'), problemBox(problem, { again: () => start(answer) })));
    return;
  }
  session = new Session({ config, store });
  api = new Api({ credentials: () => session.credentials(), renewed: (refused) => session.renewed(refused) });
  session.addEventListener('change', ({ isSame }) => changed(config, isSame));
  addEventListener('hashchange', () => {
    if (session.state !== 'out') routed();
    else if ((openView() !== undefined) !== (shown !== null)) showOut(config);
  });
  if (answer && config.issuer) await arrive(config, answer);
  else showOut(config);
}

/** Comes back from the provider. */
async function arrive(config, answer) {
  const moved = (place) => { if (place) history.replaceState(null, '', `${location.pathname}${place}`); };
  fill(page, h('main', { class: 'sign-in' }, h('h1', {}, 'Signing in'), h('p', {}, 'The identity provider is asked for your token.')));
  let finish;
  try {
    finish = await prepare(answer, { config, store, session, moved });
  } catch (problem) {
    if (!problem.isPassing) showOut(config, problem);
    else fill(page, h('main', { class: 'sign-in' }, h('h1', {}, 'Signing in'), problemBox(problem, { again: () => arrive(config, answer) })));
    return;
  }
  if (!finish) {
    fill(page, h('main', { class: 'sign-in' }, h('h1', {}, 'You are signed in'), h('p', {}, 'This window can be closed.')));
    window.close();
    return;
  }
  await finish().catch((problem) => showOut(config, problem));
}

function showOut(config, problem = null) {
  shown?.end();
  shown = null;
  const open = openView();
  if (open && !problem) {
    layOutOpen();
    showView(open, routeOf(location.hash));
    return;
  }
  document.title = 'Sign in · Watchgate';
  showSignIn(page, { config, session, store, redirectUri, problem });
}

function changed(config, isSame) {
  if (session.state === 'out') {
    forgetDrafts();
    showOut(config);
    announce('You are signed out.');
    return;
  }
  if (!shown || !isSame) {
    if (shown) forgetDrafts();
    layOut();
    routed();
  }
  const notice = document.getElementById('notice');
  if (session.state === 'ended') {
    const asOf = clock(now());
    signInAgain(notice, { config, session, store, redirectUri, asOf });
    announce('Your sign-in has ended. What you see stays.');
  } else {
    fill(notice);
  }
}

/** The view that somebody wants who need not be signed in for it. */
function openView() {
  const { view } = routeOf(location.hash);
  return VIEWS.find(({ id, isOpen }) => isOpen && id === view);
}

/** The frame of a view that is open to anybody. */
function layOutOpen() {
  fill(page,
    h('header', { class: 'top' },
      h('span', { class: 'brand' }, h('img', { src: '/assets/console/icon.svg', alt: '', width: '20', height: '20' }), 'Watchgate'),
      h('div', { class: 'who' }, h('a', { href: hrefOf('') }, 'Sign in'))),
    h('main', { id: 'view', tabindex: '-1' }));
}

function layOut() {
  shown?.end();
  shown = null;
  const { name, iss, sub, isBound } = session.principal;
  const about = [sub && `${sub} of ${iss}`, isBound ? 'token bound to this browser' : 'token not bound to this browser'].filter(Boolean).join(', ');
  const tabs = VIEWS.map(({ id, title }) => h('li', {}, h('a', { href: hrefOf(id), 'data-view': id }, title)));
  fill(page,
    h('a', { class: 'skip', href: '#view', onclick: (event) => { event.preventDefault(); document.getElementById('view').focus(); } }, 'Skip to the view'),
    h('header', { class: 'top' },
      h('span', { class: 'brand' }, h('img', { src: '/assets/console/icon.svg', alt: '', width: '20', height: '20' }), 'Watchgate'),
      h('nav', { 'aria-label': 'Views' }, h('ul', {}, tabs)),
      h('div', { class: 'who' }, h('span', { class: 'name', title: about }, name), h('button', { type: 'button', class: 'quiet', onclick: () => session.signOut() }, 'Sign out'))),
    h('div', { id: 'notice' }),
    h('main', { id: 'view', tabindex: '-1' }));
}

function routed() {
  const route = routeOf(location.hash);
  const view = VIEWS.find(({ id }) => id === route.view);
  if (!view) {
    location.replace(hrefOf(VIEWS[0].id));
    return;
  }
  if (shown?.view === view && shown.moved) {
    shown.context.route = route;
    shown.moved(route);
    return;
  }
  showView(view, route);
}

async function showView(view, route) {
  shown?.end();
  const main = document.getElementById('view');
  for (const tab of page.querySelectorAll('[data-view]')) {
    if (tab.dataset.view === view.id) {
      tab.setAttribute('aria-current', 'page');
      tab.scrollIntoView?.({ block: 'nearest', inline: 'nearest' });
    } else tab.removeAttribute('aria-current');
  }
  document.title = `${view.title} · Watchgate`;
  const heading = h('h1', { tabindex: '-1' }, view.title);
  const root = h('div', { class: `view view-${view.id}` });
  fill(main, heading, root);
  // Also after the sign-in screen, whose controls are gone: else the next Tab would begin somewhere in the middle.
  heading.focus();
  const ending = new AbortController();
  const me = { view, moved: null, context: null, end: () => ending.abort() };
  shown = me;
  const context = {
    api, signal: ending.signal, route, principal: session.principal, announce,
    go: (...place) => { location.hash = hrefOf(...place); },
    /** From then on the view itself follows where somebody goes within it; else it is shown anew. */
    onRoute: (moved) => { me.moved = moved; },
  };
  me.context = context;
  try {
    const module = await loadModule(view.module);
    if (ending.signal.aborted) return;
    const end = await module.show(root, context);
    if (ending.signal.aborted) end?.();
    else ending.signal.addEventListener('abort', () => end?.());
  } catch (problem) {
    if (ending.signal.aborted) return;
    if (problem instanceof OtherVersion) showOtherVersion(root);
    else fill(root, problemBox(problem, { again: () => showView(view, routeOf(location.hash)) }));
  }
}

// What is seen by whoever is not signed in, or not any more.

import { fill, h } from '../lib/dom.js';
import { onSend, field, problemBox } from './problem-box.js';
import { begin, metadataOf, take } from './sign-in.js';
import { handedOver } from './sign-in-window.js';

const hostOf = (issuer) => new URL(issuer).host;

/** The whole page, before anything else. */
export function showSignIn(page, { config, session, store, redirectUri, problem }) {
  const box = h('div', {}, problem && problemBox(problem));
  const button = config.issuer && h('button', { type: 'button', class: 'primary', onclick: toProvider }, `Sign in at ${hostOf(config.issuer)}`);
  const heading = h('h1', { tabindex: '-1' }, 'Watchgate');
  fill(page, h('main', { class: 'sign-in' },
    h('img', { src: '/assets/console/icon.svg', alt: '', width: '44', height: '44' }),
    heading,
    h('p', { class: 'faint' }, 'Events, incidents, commands and answers of the services behind this gate.'),
    box, button, config.paste && pasteForm(session),
    !config.issuer && !config.paste && h('p', {}, 'No identity provider is configured, so nobody can sign in here.'),
    h('p', {}, h('a', { href: '#/playground' }, 'Try the gate\'s rules'), ' without signing in.')));
  if (problem) heading.focus();

  async function toProvider() {
    button.disabled = true;
    try {
      const metadata = await metadataOf(config.issuer);
      const { url } = await begin({ config, metadata, store, redirectUri, place: location.hash });
      // Whoever comes back may find this page as it was left, and can press again.
      addEventListener('pageshow', () => { button.disabled = false; }, { once: true });
      location.assign(url);
    } catch (cause) {
      button.disabled = false;
      fill(box, problemBox(cause));
    }
  }
}

/** A line above the view: it has ended, and how to go on. */
export function signInAgain(notice, { config, session, store, redirectUri, asOf }) {
  const ending = new AbortController();
  const gone = () => { if (session.state !== 'ended') { ending.abort(); session.removeEventListener('change', gone); } };
  session.addEventListener('change', gone);
  const box = h('div', {});
  const button = config.issuer && h('button', { type: 'button', class: 'primary', onclick: inWindow }, 'Sign in again');
  const ended = session.principal.isPasted ? 'Your token does not count, or not any more.' : 'Your sign-in has ended.';
  fill(notice, h('div', { class: 'notice' },
    h('p', {}, h('strong', {}, ended), ` What you see is as of ${asOf} and stays. What is asked for waits until you are back.`),
    button, config.paste && h('details', { class: 'paste', open: !config.issuer }, h('summary', {}, 'Paste another token'), pasteForm(session)), box));

  async function inWindow() {
    // At once, while the browser still knows that a person has pressed something.
    const opened = window.open('', 'watchgate-sign-in', 'popup,width=520,height=760');
    try {
      const metadata = await metadataOf(config.issuer);
      const { url, state } = await begin({ config, metadata, store, redirectUri, place: location.hash, isWindow: opened !== null });
      if (!opened) {
        fill(box, h('p', {}, 'The browser has kept a window from opening. ', h('a', { href: url }, 'Sign in in this window'), '; what you have typed here is lost then.'));
        return;
      }
      handedOver(state, {
        signal: ending.signal,
        take: async (answer) => {
          try {
            await session.finish({ answer, pending: await take(answer, store), metadata });
          } catch (problem) {
            fill(box, problemBox(problem));
          }
        },
      });
      opened.location = url;
      fill(box, h('p', {}, 'Sign in in the window that has opened.'));
    } catch (problem) {
      opened?.close();
      fill(box, problemBox(problem));
    }
  }
}

function pasteForm(session) {
  const token = h('textarea', { rows: '3', name: 'token', autocomplete: 'off', spellcheck: 'false', required: true });
  const form = h('form', { class: 'paste' },
    field({ name: 'token', label: 'Paste an access token', hint: 'For development: it is used as it is, from this page alone, until the page is closed.', control: token }),
    h('button', { type: 'submit' }, 'Use this token'));
  return onSend(form, {
    work: async () => {
      const text = token.value.trim().replace(/^(Bearer|DPoP)\s+/i, '');
      if (text === '') {
        token.focus();
        return;
      }
      token.value = '';
      session.paste(text);
    },
  });
}

// What is seen by whoever is not signed in, or not any more.

import { Api } from '../lib/api.js';
import { now } from '../lib/clock.js';
import { fill, h } from '../lib/dom.js';
import { Problem } from '../lib/problem.js';
import { onSend, field, problemBox } from './problem-box.js';
import { begin, claimsOf, metadataOf, take } from './sign-in.js';
import { handedOver } from './sign-in-window.js';
import { relative } from './when.js';

// RFC 6750, section 2.1.
const TOKEN = /^[\w.~+/-]+=*$/;
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

const notTaken = (detail) => new Problem({ status: 400, title: 'This token is not taken', errors: [{ field: 'token', detail }] });

/**
 * Throws a `Problem` where a token signs nobody in. One that is no JWT may be an opaque one, which the page cannot tell from rubbish: the gate can. What
 * else it answers than that the token does not count is no matter here.
 */
async function look(token) {
  if (!TOKEN.test(token)) throw notTaken('This is no access token: it has characters that none has.');
  const { exp } = claimsOf(token) ?? {};
  if (typeof exp === 'number' && exp * 1000 <= now()) throw notTaken(`This token ended ${relative(exp * 1000, now())}.`);
  try {
    await new Api({ credentials: async () => ({ token }) }).call('GET', '/v1/events?limit=1');
  } catch (problem) {
    if (problem.status === 401) throw notTaken('The gateway does not take this token: it is no token of its issuers, was changed, or is over.');
    if (problem.isPassing) throw problem;
  }
}

function pasteForm(session) {
  const token = h('textarea', { rows: '3', name: 'token', autocomplete: 'off', spellcheck: 'false', required: true });
  const form = h('form', { class: 'paste' },
    field({ name: 'token', label: 'Paste an access token', hint: 'For development: it is used as it is, from this page alone, until the page is closed.', control: token }),
    h('button', { type: 'submit' }, 'Use this token'));
  return onSend(form, {
    work: async () => {
      // A terminal breaks long lines where it likes.
      const text = token.value.trim().replace(/^(Bearer|DPoP)\s+/i, '').replaceAll(/\s/g, '');
      if (text === '') {
        token.focus();
        return;
      }
      await look(text);
      token.value = '';
      session.paste(text);
    },
  });
}

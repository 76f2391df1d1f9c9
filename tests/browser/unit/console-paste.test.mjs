// A token that somebody pastes: only one that counts signs them in.

import assert from 'node:assert/strict';
import test from 'node:test';

import { labelled, newPage, settled } from './page.mjs';
import { encodeText } from '../../../browser/pages/lib/base64url.js';

const body = newPage();
const { h } = await import('../../../browser/pages/lib/dom.js');
const { showSignIn } = await import('../../../browser/pages/console/sign-in-screen.js');

const jwt = (claims) => ['{}', JSON.stringify(claims), 'signed'].map(encodeText).join('.');
const HOUR = 3_600;

/** Pastes it where the gate answers so. */
async function pasted(t, text, answer = () => Response.json({})) {
  const asked = [];
  t.mock.method(globalThis, 'fetch', async (url, { headers }) => { asked.push(headers.authorization); return answer(); });
  const page = h('div', {});
  body.replaceChildren(page);
  const tokens = [];
  showSignIn(page, { config: { paste: true }, session: { paste: (token) => tokens.push(token) } });
  labelled(page, 'Paste an access token').typed(text);
  page.querySelector('form').requestSubmit();
  await settled();
  return { asked, tokens, words: page.querySelector('.error').textContent, all: page.textContent, left: labelled(page, 'Paste an access token').value };
}

const problem = (status, title) => () => Response.json({ type: 'about:blank', title }, { status });
const soon = () => Math.floor(Date.now() / 1000) + HOUR;

test('what cannot be a token, or is over, is refused at the field and goes nowhere', async (t) => {
  for (const [text, why] of [['<rubbish>', /characters that none has/], [jwt({ exp: soon() - 3 * HOUR }), /This token ended 2 hours ago/]]) {
    const { asked, tokens, words, left } = await pasted(t, text);
    assert.match(words, why);
    assert.deepEqual([asked, tokens, left], [[], [], text]);
  }
});

test('what the gate does not know signs nobody in', async (t) => {
  for (const text of ['rubbish', jwt({ exp: soon() })]) {
    const { asked, tokens, words } = await pasted(t, text, problem(401, 'Unauthorized'));
    assert.match(words, /The gateway does not take this token/);
    assert.deepEqual([asked, tokens], [[`Bearer ${text}`], []]);
  }
});

test('a token that counts signs in, whatever it opens, with the line breaks of a terminal', async (t) => {
  const token = jwt({ exp: soon() });
  for (const answer of [undefined, problem(403, 'Forbidden'), problem(404, 'Not Found')]) {
    const { tokens } = await pasted(t, `Bearer ${token.slice(0, 20)}\n${token.slice(20)}\n`, answer);
    assert.deepEqual(tokens, [token]);
  }
});

test('where nobody can say whether it counts, that is said, and it can be sent again', async (t) => {
  const { tokens, all, left } = await pasted(t, 'opaque-1', problem(503, 'Service Unavailable'));
  assert.deepEqual([tokens, left], [[], 'opaque-1']);
  assert.match(all, /Service Unavailable/);
});

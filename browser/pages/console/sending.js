// Asking for something new once: a request whose answer was lost can be sent again without a second one coming of it.

import { encode } from '../lib/base64url.js';
import { Problem } from '../lib/problem.js';
import { whenForgotten } from './drafts.js';

// By a digest of what is sent, since a secret may be in that. They outlive the form, which somebody may leave and come back to.
const keys = new Map();
whenForgotten(() => keys.clear());

/**
 * Sends `body` to `path` with an `Idempotency-Key` that stays the same as long as the same is sent and nobody has answered for good. Resolves to
 * the answer's JSON; throws a `Problem`, or what was thrown over an answer that cannot be read, which is none.
 */
export async function sendOnce(api, path, body) {
  const text = new TextEncoder().encode(JSON.stringify([path, body]));
  const what = encode(await crypto.subtle.digest('SHA-256', text));
  if (!keys.has(what)) keys.set(what, crypto.randomUUID());
  try {
    const made = await api.call('POST', path, { body, headers: { 'idempotency-key': `"${keys.get(what)}"` } });
    keys.delete(what);
    return made;
  } catch (problem) {
    // Whoever stands between may say that the line is gone after the service has taken it.
    if (problem instanceof Problem && !problem.isPassing) keys.delete(what);
    throw problem;
  }
}

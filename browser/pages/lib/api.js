// Calls of the service through the gate: with the token and a fresh proof of the key that it is bound to, within a time.

import { learn } from './clock.js';
import { proof } from './dpop.js';
import { Problem, problemOf, unreachable } from './problem.js';

const TIMEOUT_MILLISECONDS = 20_000;

/**
 * `credentials()` resolves to `{token, keys}`: a token, and its key pair where it is bound to one, or to null for somebody without.
 * `renewed(refused)` is asked once when a token is refused, with the credentials that were; it resolves to others of the same person, or to
 * null where there are none, and throws a `Problem` where it cannot be said now. `transport` is `fetch`.
 */
export class Api {
  #nonces = new Map();

  constructor({ origin = location.origin, credentials = async () => null, renewed = async () => null, transport = (...call) => fetch(...call) } = {}) {
    Object.assign(this, { origin, credentials, renewed, transport });
  }

  /** The answer's JSON, or null where there is none. Throws a `Problem`. */
  async call(method, path, options = {}) {
    const response = await this.send(method, path, options);
    const brokenOff = (cause) => { throw options.signal?.aborted ? cause : unreachable(cause); };
    if (options.blob) return response.blob().catch(brokenOff);
    if (response.status === 204) return null;
    const text = await response.text().catch(brokenOff);
    return text ? parsed(text, response.status) : null;
  }

  /**
   * The answer itself, once it is a good one. `body` goes out as JSON, `form` as a form. `timeout` is in milliseconds, for each request that goes out;
   * with `isStream` the answer must have begun by then, and lasts until `signal`. Throws a `Problem`.
   */
  async send(method, path, options = {}) {
    const url = new URL(path, this.origin);
    const used = await this.credentials();
    let response = await this.#answer(method, url, options, used);
    if (response.status === 401) {
      const others = await this.renewed(used);
      if (others) response = await this.#answer(method, url, options, others);
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  /** Once; and once more, in the same name, where the proof lacked a nonce or was made by a wrong clock: the refusal says what time it is. */
  async #answer(method, url, options, credentials) {
    const { response, isOtherTime } = await this.#once(method, url, options, credentials);
    const asksForNonce = response.status === 401 && /use_dpop_nonce/.test(response.headers.get('www-authenticate') ?? '');
    const isOfOtherTime = isOtherTime && (response.status === 400 || response.status === 401);
    return asksForNonce || isOfOtherTime ? (await this.#once(method, url, options, credentials)).response : response;
  }

  async #once(method, url, { body, form, headers = {}, signal, isStream = false, timeout = TIMEOUT_MILLISECONDS, keys: bare }, credentials) {
    const { token, keys = bare } = credentials ?? {};
    const request = { method, headers: { accept: 'application/json', ...headers }, cache: 'no-store', redirect: 'error', credentials: 'omit' };
    if (body !== undefined) {
      request.headers['content-type'] = 'application/json';
      request.body = JSON.stringify(body);
    }
    if (form) request.body = new URLSearchParams(form);
    if (token) request.headers.authorization = `${keys ? 'DPoP' : 'Bearer'} ${token}`;
    if (keys) request.headers.dpop = await proof(keys, { method, url, token, nonce: this.#nonces.get(url.origin) });
    const late = new AbortController();
    const timer = isStream && setTimeout(() => late.abort(new DOMException('No answer came', 'TimeoutError')), timeout);
    request.signal = AbortSignal.any([signal, isStream ? late.signal : AbortSignal.timeout(timeout)].filter(Boolean));
    const sentAt = Date.now();
    let response;
    try {
      response = await this.transport(url.href, request);
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw unreachable(cause);
    } finally {
      clearTimeout(timer);
    }
    const isOtherTime = learn(response.headers.get('date'), sentAt);
    const nonce = response.headers.get('dpop-nonce');
    if (nonce) this.#nonces.set(url.origin, nonce);
    return { response, isOtherTime };
  }
}

function parsed(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem({ status, kind: 'unreadable', title: 'The gateway answered something that cannot be read' });
  }
}

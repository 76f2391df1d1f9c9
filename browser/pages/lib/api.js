// Calls of the service through the gate: with the token and a fresh proof of the key that it is bound to, within a time.

import { learn } from './clock.js';
import { proof } from './dpop.js';
import { problemOf, unreachable } from './problem.js';

const TIMEOUT_MILLISECONDS = 20_000;

/**
 * `credentials()` resolves to `{token, keys}`: a token, and its key pair where it is bound to one, or to null for somebody without.
 * `renewed()` is asked once when a token is refused; true means that there is another one now. `transport` is `fetch`.
 */
export class Api {
  #nonces = new Map();

  constructor({ origin = location.origin, credentials = async () => null, renewed = async () => false, transport = (...call) => fetch(...call) } = {}) {
    Object.assign(this, { origin, credentials, renewed, transport });
  }

  /** The answer's JSON, or null where there is none. Throws a `Problem`. */
  async call(method, path, options = {}) {
    const response = await this.send(method, path, options);
    if (options.blob) return response.blob();
    if (response.status === 204) return null;
    const text = await response.text().catch((cause) => { throw unreachable(cause); });
    return text ? JSON.parse(text) : null;
  }

  /**
   * The answer itself, once it is a good one. `body` goes out as JSON, `form` as a form. `timeout` is in milliseconds, null for a stream,
   * which lasts until `signal`. Throws a `Problem`.
   */
  async send(method, path, options = {}) {
    let { response, isOtherTime } = await this.#once(method, path, options);
    const asksForNonce = /use_dpop_nonce/.test(response.headers.get('www-authenticate') ?? '');
    // A proof by a clock that is wrong is refused, and the refusal says what time it is.
    if ((response.status === 401 && asksForNonce) || ((response.status === 400 || response.status === 401) && isOtherTime)) {
      ({ response } = await this.#once(method, path, options));
    }
    if (response.status === 401 && await this.renewed()) ({ response } = await this.#once(method, path, options));
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  async #once(method, path, { body, form, headers = {}, signal, timeout = TIMEOUT_MILLISECONDS, keys: bare } = {}) {
    const url = new URL(path, this.origin);
    const { token, keys = bare } = await this.credentials() ?? {};
    const request = { method, headers: { accept: 'application/json', ...headers }, cache: 'no-store', redirect: 'error', credentials: 'omit' };
    if (body !== undefined) {
      request.headers['content-type'] = 'application/json';
      request.body = JSON.stringify(body);
    }
    if (form) request.body = new URLSearchParams(form);
    if (token) request.headers.authorization = `${keys ? 'DPoP' : 'Bearer'} ${token}`;
    if (keys) request.headers.dpop = await proof(keys, { method, url, token, nonce: this.#nonces.get(url.origin) });
    const signals = [signal, timeout === null ? null : AbortSignal.timeout(timeout)].filter(Boolean);
    if (signals.length > 0) request.signal = AbortSignal.any(signals);
    const sentAt = Date.now();
    let response;
    try {
      response = await this.transport(url.href, request);
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw unreachable(cause);
    }
    const isOtherTime = learn(response.headers.get('date'), sentAt);
    const nonce = response.headers.get('dpop-nonce');
    if (nonce) this.#nonces.set(url.origin, nonce);
    return { response, isOtherTime };
  }
}

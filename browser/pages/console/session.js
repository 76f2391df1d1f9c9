// Who is signed in. Tokens live in this object and nowhere else: a page that is closed has none.

import { now } from '../lib/clock.js';
import { claimsOf, finish, forgetBegun, refresh, revoke } from './sign-in.js';

// A token that ends this soon is renewed first.
const RENEW_MILLISECONDS = 30_000;

/**
 * `state` is `'out'`, `'in'`, or `'ended'` where the token counts no more and the person has not signed out: then what is asked for waits
 * until the same person is back. Every change is an event `change`.
 */
export class Session extends EventTarget {
  state = 'out';
  principal = null;
  #signedIn = null;
  #config;
  #metadata = null;
  #store;
  #renewing = null;
  #timer = null;
  #back = withResolvers();

  constructor({ config, store }) {
    super();
    this.#config = config;
    this.#store = store;
  }

  /** What `lib/api.js` asks for before each call. */
  async credentials() {
    const { expiresAt, refreshToken } = this.#signedIn ?? {};
    if (expiresAt && refreshToken && expiresAt - now() < RENEW_MILLISECONDS && this.state === 'in') await this.#renew().catch(() => null);
    return this.#signedIn ? { token: this.#signedIn.token, keys: this.#signedIn.keys ?? undefined } : null;
  }

  /** What `lib/api.js` asks for when a token was refused: whether there is another one, of the same person, however long that takes. */
  async renewed() {
    if (this.state === 'out') return false;
    if (this.state === 'in' && this.#signedIn.refreshToken) {
      const isRenewed = await this.#renew().then(() => true, () => false);
      if (isRenewed) return true;
    }
    if (this.state === 'in') this.#end();
    return this.#back.promise;
  }

  /** Takes an answer of the provider. Throws a `Problem`. */
  async finish({ answer, pending, metadata }) {
    this.#metadata = metadata;
    this.#begin(await finish({ answer, pending, config: this.#config, metadata }));
  }

  /** Takes a token that somebody has pasted. What it says of itself is shown and not believed: the gate looks at it. */
  paste(token) {
    const claims = claimsOf(token) ?? {};
    this.#begin({ token, keys: null, isPasted: true, refreshToken: null, claims, scope: claims.scope ?? '', expiresAt: claims.exp ? claims.exp * 1000 : null });
  }

  /** Forgets all of it, and tells the provider that the refresh token is not needed any more. */
  async signOut() {
    const signedIn = this.#signedIn;
    this.#forget();
    await forgetBegun(this.#store).catch(() => null);
    if (signedIn) await revoke({ signedIn, config: this.#config, metadata: this.#metadata });
  }

  #begin(signedIn) {
    const principal = principalOf(signedIn);
    // A token that names nobody is nobody's again.
    const isSame = principal.sub !== '' && this.principal?.iss === principal.iss && this.principal?.sub === principal.sub;
    // What waits was asked for by somebody else, and is not asked for in this one's name.
    if (!isSame) this.#release(false);
    this.#keep(signedIn);
    this.principal = principal;
    this.state = 'in';
    this.#release(true);
    this.dispatchEvent(Object.assign(new Event('change'), { isSame }));
  }

  #keep(signedIn) {
    this.#signedIn = signedIn;
    clearTimeout(this.#timer);
    if (signedIn.expiresAt && !signedIn.refreshToken) {
      const left = Math.max(0, signedIn.expiresAt - now());
      // Longer than this a browser does not wait, and no token of the console's lives so long.
      this.#timer = setTimeout(() => this.#end(), Math.min(left, 2 ** 31 - 1));
    }
  }

  async #renew() {
    const signedIn = this.#signedIn;
    this.#renewing ??= refresh({ signedIn, config: this.#config, metadata: this.#metadata })
      .then((next) => { if (this.#signedIn === signedIn) this.#keep(next); })
      .finally(() => { this.#renewing = null; });
    return this.#renewing;
  }

  #end() {
    if (this.state !== 'in') return;
    this.state = 'ended';
    this.dispatchEvent(Object.assign(new Event('change'), { isSame: true }));
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#signedIn = null;
    this.principal = null;
    this.state = 'out';
    this.#release(false);
    this.dispatchEvent(Object.assign(new Event('change'), { isSame: false }));
  }

  #release(isBack) {
    this.#back.resolve(isBack);
    this.#back = withResolvers();
  }
}

function withResolvers() {
  let resolve;
  const promise = new Promise((settle) => { resolve = settle; });
  return { promise, resolve };
}

function principalOf({ claims, scope, keys, isPasted = false }) {
  const { iss = '', sub = '' } = claims;
  const name = claims.name || claims.preferred_username || claims.email || sub || 'somebody with a token';
  return { iss, sub, name: String(name), scopes: String(scope ?? '').split(' ').filter(Boolean), isBound: keys !== null, isPasted };
}

// Who is signed in. Tokens live in this object and nowhere else: a page that is closed has none.

import { endsWithin, now } from '../lib/clock.js';
import { Problem } from '../lib/problem.js';
import { claimsOf, finish, forgetBegun, refresh, revoke } from './sign-in.js';

// A token that ends this soon is renewed first; one that lives for a short time later than that, or each call would renew it.
const RENEW_MILLISECONDS = 30_000;
const RENEW_SHARE = 0.25;

/**
 * `state` is `'out'`, `'in'`, or `'ended'` where the token counts no more and the person has not signed out: then what is asked for waits
 * until the same person is back. Every change is an event `change`. `transport` is `fetch`.
 */
export class Session extends EventTarget {
  state = 'out';
  principal = null;
  #signedIn = null;
  #config;
  #metadata = null;
  #store;
  #transport;
  // Another one once somebody signs out, or somebody else in: what was begun before is not done in the name of whoever comes next.
  #sitting = 0;
  #renewing = null;
  #timer = null;
  #back = withResolvers();

  constructor({ config, store, transport = (...call) => fetch(...call) }) {
    super();
    this.#config = config;
    this.#store = store;
    this.#transport = transport;
  }

  /** What `lib/api.js` asks for before each call. Throws a `Problem` where the token is over and another one cannot be had now. */
  async credentials() {
    const sitting = this.#sitting;
    if (this.state === 'in' && this.#signedIn.refreshToken && endsWithin(this.#signedIn, RENEW_MILLISECONDS, RENEW_SHARE)) {
      await this.#renew().catch((problem) => {
        if (!(problem instanceof Problem) || (mayPass(problem) && this.#isOver())) throw problem;
      });
    }
    if (this.#sitting !== sitting) throw new Problem({ status: 401, kind: 'signed-out', title: 'This sign-in is over' });
    return this.#given();
  }

  /**
   * What `lib/api.js` asks for when a token was refused: other credentials of the same person, however long that takes, or null. Throws a
   * `Problem` where the provider cannot answer now, which ends nothing.
   */
  async renewed(refused) {
    const isOfBefore = () => refused?.sitting !== this.#sitting;
    // An answer that comes late tells nothing of a token that came meanwhile.
    const isAnother = () => this.state === 'in' && refused.token !== this.#signedIn.token;
    if (isOfBefore()) return null;
    if (isAnother()) return this.#given();
    if (this.state === 'in' && this.#signedIn.refreshToken) {
      await this.#renew().catch((problem) => { if (mayPass(problem)) throw problem; });
      if (isOfBefore()) return null;
      if (isAnother()) return this.#given();
    }
    if (this.state === 'in') this.#end();
    return this.#back.promise;
  }

  /** Takes an answer of the provider. Throws a `Problem`. Whoever signs out meanwhile stays out. */
  async finish({ answer, pending, metadata }) {
    const sitting = this.#sitting;
    this.#metadata = metadata;
    const signedIn = await finish({ answer, pending, config: this.#config, metadata, transport: this.#transport });
    if (this.#sitting === sitting) this.#begin(signedIn);
    else await this.#revoke(signedIn);
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
    if (signedIn) await this.#revoke(signedIn);
  }

  #begin(signedIn) {
    const principal = principalOf(signedIn);
    // A token that names nobody is nobody's again.
    const isSame = principal.sub !== '' && this.principal?.iss === principal.iss && this.principal?.sub === principal.sub;
    // What waits was asked for by somebody else, and is not asked for in this one's name.
    if (!isSame) this.#anew();
    this.#keep(signedIn);
    this.principal = principal;
    this.state = 'in';
    this.#release(this.#given());
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

  /** Once for all who ask at the same time for the same tokens. */
  #renew() {
    const signedIn = this.#signedIn;
    if (this.#renewing?.of !== signedIn) {
      const done = this.#next(signedIn).finally(() => { if (this.#renewing?.of === signedIn) this.#renewing = null; });
      this.#renewing = { of: signedIn, done };
    }
    return this.#renewing.done;
  }

  async #next(signedIn) {
    const sitting = this.#sitting;
    const isCurrent = () => this.#signedIn === signedIn;
    try {
      const next = await refresh({ signedIn, config: this.#config, metadata: this.#metadata, transport: this.#transport });
      if (isCurrent()) this.#keep(next);
      else if (this.#sitting !== sitting) await this.#revoke(next);
    } catch (problem) {
      // It would be refused each time; the token may be used until it ends.
      if (isCurrent() && !mayPass(problem)) this.#keep({ ...signedIn, refreshToken: null });
      throw problem;
    }
  }

  #revoke(signedIn) {
    return revoke({ signedIn, config: this.#config, metadata: this.#metadata, transport: this.#transport });
  }

  #isOver() {
    return this.#signedIn !== null && this.#signedIn.expiresAt !== null && this.#signedIn.expiresAt <= now();
  }

  #given() {
    return this.#signedIn && { token: this.#signedIn.token, keys: this.#signedIn.keys ?? undefined, sitting: this.#sitting };
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
    this.#anew();
    this.dispatchEvent(Object.assign(new Event('change'), { isSame: false }));
  }

  #anew() {
    this.#sitting += 1;
    this.#release(null);
  }

  #release(credentials) {
    this.#back.resolve(credentials);
    this.#back = withResolvers();
  }
}

/** Whether the provider may answer otherwise later: it could not be asked, or the clock was wrong. What is no answer of its at all decides nothing. */
function mayPass(problem) {
  return !(problem instanceof Problem) || problem.isPassing || problem.kind === 'invalid_dpop_proof' || problem.kind === 'use_dpop_nonce';
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

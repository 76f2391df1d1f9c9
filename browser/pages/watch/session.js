// The session: how it begins with a code, how its tokens are renewed, and how it ends. Every grant is on the disk before it is used, since
// each counts once.

import { decode } from '../lib/base64url.js';
import { endsWithin, now } from '../lib/clock.js';
import { Problem } from '../lib/problem.js';
import { belongingsOf } from './belongings.js';

const KEPT = 'watch.session';
const WAITING = 'watch.waiting';
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
// A token that ends this soon is renewed first; one that lives for a short time later than that, or each call would renew it.
const RENEW_MILLISECONDS = 60_000;
const RENEW_SHARE = 0.25;
// Sooner while somebody looks, so that no tap has to wait for it.
const AHEAD_MILLISECONDS = 150_000;
const AHEAD_SHARE = 0.5;
// Errors of OAuth that say that it is over (RFC 6749, section 5.2; RFC 8628, section 3.5).
const OVER = new Set(['invalid_grant', 'access_denied', 'expired_token']);

/**
 * `state` is `'out'`, `'waiting'` (a number or a code is shown, and the person has to confirm) or `'in'`; every change is an event
 * `change`. `bare` calls without a token; `store` is `lib/keep.js`; `alone(work)` runs `work` while no other page of ours runs one.
 */
export class Session extends EventTarget {
  state = 'out';
  /** Why it is over, for whoever looks: `'ended'`, `'refused'`, `'late'` or null. */
  why = null;
  /** What is shown while it waits: `{account, number}` or `{userCode, place}`. */
  shown = null;
  #kept = null;
  #polling = null;
  // How many sessions have ended here: what was begun in an earlier one changes nothing any more.
  #ended = 0;
  #parts;

  constructor(parts) {
    super();
    this.#parts = parts;
  }

  /** Takes up what an earlier page left. */
  async open() {
    const { store } = this.#parts;
    this.#kept = await store.read(KEPT) ?? null;
    if (this.#kept) return this.#become('in');
    const waiting = await store.read(WAITING);
    if (waiting && waiting.until > Date.now()) return this.#wait(waiting);
    return this.#become('out');
  }

  /** What the session's own things are kept under; `''` where there is none. */
  get id() { return this.#id ?? ''; }
  get account() { return this.person.sub ?? ''; }
  /** As commands name whoever asked for them and decided. */
  get person() { return personOf(this.#kept?.token ?? ''); }
  get scopes() { return this.#kept?.scope.split(' ') ?? []; }

  /** Redeems what stands behind `#` of a code's link. Throws a `Problem`. */
  async redeem(handle, device) {
    const keys = await this.#parts.makeKey();
    const answer = await this.#parts.bare.call('POST', '/v1/sessions:redeem', { body: { handle, device }, keys });
    await this.#begin(keys, answer, { account: answer.account, number: answer.number });
  }

  /** Shows a short code that the person types elsewhere. Throws a `Problem`. */
  async showCode(device) {
    const keys = await this.#parts.makeKey();
    const answer = await this.#parts.bare.call('POST', '/v1/sessions:device', { form: { device }, keys });
    await this.#begin(keys, answer, { userCode: answer.user_code, place: answer.verification_uri });
  }

  /** Goes back to the start, as long as nobody has confirmed. */
  async giveUp() {
    this.#polling?.abort();
    await this.#parts.store.forget(WAITING);
    // Nobody but its person can end it, or time.
    this.why = this.state === 'waiting' ? 'given-up' : null;
    this.#become('out');
  }

  /**
   * What `lib/api.js` asks for before each call. Throws a `Problem` when the session ended meanwhile: no call goes out for somebody else; and where
   * the token is over and another one cannot be had now: it would be refused, which is not the same as a line that is away.
   */
  async credentials() {
    const session = this.#id;
    if (this.#endsWithin(RENEW_MILLISECONDS, RENEW_SHARE)) {
      await this.#renew().catch((problem) => {
        passing(problem);
        if (this.#id === session && this.#kept.expiresAt <= now()) throw problem;
      });
    }
    if (this.#id !== session) throw new Problem({ status: 401, title: 'This session is over' });
    return this.#given();
  }

  /** Renews a token that ends soon, for calls that come later. */
  async renewAhead() {
    if (this.#endsWithin(AHEAD_MILLISECONDS, AHEAD_SHARE)) await this.#renew().catch(passing);
  }

  /** What `lib/api.js` asks for when a token was refused: others of the same session, or null. Throws a `Problem` that passes. */
  async renewed(refused) {
    const isOfBefore = () => !refused || !this.#kept || claimsOf(refused.token).sid !== this.#id;
    if (isOfBefore()) return null;
    if (refused.token !== this.#kept.token) return this.#given();
    const isRenewed = await this.#renew().catch((problem) => {
      passing(problem);
      if (problem.isPassing) throw problem;
      return false;
    });
    return isRenewed && !isOfBefore() ? this.#given() : null;
  }

  /** Ends the session, at the service too where that can be reached. Resolves when nothing of it is left here. */
  async leave() {
    const { api, alone } = this.#parts;
    const id = this.#id;
    if (id) await api(this).call('DELETE', `/v1/sessions/${encodeURIComponent(id)}`, { timeout: 5_000 }).catch(passing);
    // Whoever renews its tokens at this moment, here or in another tab, must not bring it back. Somebody else may have been let in by another tab
    // meanwhile, who stays.
    if (this.#id === id) this.#ended += 1;
    await alone(() => this.#erase(id));
    if (this.#id === id) this.#out(null);
  }

  get #id() { return this.#kept && claimsOf(this.#kept.token).sid; }

  #given() {
    return this.#kept && { token: this.#kept.token, keys: this.#kept.keys };
  }

  #endsWithin(milliseconds, share) {
    return this.#kept !== null && endsWithin(this.#kept, milliseconds, share);
  }

  async #begin(keys, answer, shown) {
    const { device_code: deviceCode, interval, expires_in: seconds } = answer;
    // By the device's own clock, right or wrong: a page that is opened anew does not know the server's yet.
    const waiting = { keys, deviceCode, interval, until: Date.now() + seconds * 1000, shown };
    await this.#parts.store.keep(WAITING, waiting);
    this.#wait(waiting);
  }

  #wait(waiting) {
    this.shown = waiting.shown;
    this.#polling?.abort();
    this.#polling = new AbortController();
    this.#become('waiting');
    this.#poll(waiting, this.#polling.signal).catch((problem) => this.dispatchEvent(Object.assign(new Event('fault'), { problem })));
  }

  async #poll(waiting, signal) {
    const { alone, pause } = this.#parts;
    let seconds = waiting.interval;
    while (!signal.aborted) {
      await pause(seconds * 1000, signal, { isLeast: true });
      if (signal.aborted) return;
      if (Date.now() > waiting.until) return this.#refused('late');
      try {
        return await alone(() => this.#ask(waiting, signal));
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (problem.kind === 'slow_down') seconds += 5;
        else if (problem.kind === 'expired_token') return this.#refused('late');
        else if (OVER.has(problem.kind)) return this.#refused('refused');
        else if (problem.kind !== 'authorization_pending' && !problem.isPassing) throw problem;
      }
    }
  }

  /** One page of ours asks at a time: a device code that comes again once its tokens are used ends the session, since two have it. */
  async #ask(waiting, signal) {
    const { bare, store } = this.#parts;
    const stands = await store.read(WAITING);
    if (signal.aborted) return;
    // Another page of ours was first, or gave up.
    if (await store.read(KEPT) || stands?.deviceCode !== waiting.deviceCode) return this.open();
    const form = { grant_type: DEVICE_CODE, device_code: waiting.deviceCode };
    const answer = await bare.call('POST', '/v1/sessions:token', { form, keys: waiting.keys });
    // Whoever gave up meanwhile does not want it; nobody uses it, and it ends by itself.
    if (signal.aborted) return;
    await this.#keep(waiting.keys, answer, this.#ended);
    await store.forget(WAITING);
    this.#become('in');
  }

  async #refused(why) {
    await this.#parts.store.forget(WAITING);
    this.why = why;
    this.#become('out');
  }

  /** True when there is another token than the one that this page knew. */
  #renew() {
    const known = this.#kept.token;
    const ended = this.#ended;
    return this.#parts.alone(async () => {
      const { bare, store } = this.#parts;
      if (this.#ended !== ended) return false;
      const session = this.#id;
      const kept = await store.read(KEPT);
      if (!kept) return this.#over(session);
      if (kept.token !== known) {
        // Another page of ours was first; or it has left, and somebody else was let in there: then nothing of before goes on.
        this.#kept = kept;
        if (this.#id === session) return true;
        this.#ended += 1;
        this.#become('in');
        return false;
      }
      try {
        const form = { grant_type: 'refresh_token', refresh_token: kept.refreshToken };
        return await this.#keep(kept.keys, await bare.call('POST', '/v1/sessions:token', { form, keys: kept.keys }), ended);
      } catch (problem) {
        if (!OVER.has(problem.kind)) throw problem;
        return this.#over(session);
      }
    });
  }

  /** False where the session that the tokens are for has ended meanwhile: then they are kept nowhere. */
  async #keep(keys, answer, ended) {
    if (this.#ended !== ended) return false;
    const kept = {
      keys, token: answer.access_token, refreshToken: answer.refresh_token, scope: answer.scope,
      expiresAt: now() + answer.expires_in * 1000, livesFor: answer.expires_in * 1000,
    };
    await this.#parts.store.keep(KEPT, kept);
    if (this.#ended !== ended) {
      await this.#erase(claimsOf(kept.token).sid);
      return false;
    }
    this.#kept = kept;
    return true;
  }

  /** The service has said so, or another page of ours has left. Only within `alone`. */
  async #over(id) {
    this.#ended += 1;
    this.#out('ended');
    await this.#erase(id);
    return false;
  }

  #out(why) {
    this.#kept = null;
    this.why = why;
    this.#become('out');
  }

  /** Whatever belonged to this session goes, and nothing of another one that has begun meanwhile or is about to. Only within `alone`. */
  async #erase(id) {
    const { store } = this.#parts;
    const kept = await store.read(KEPT);
    if (kept && claimsOf(kept.token).sid === id) {
      await store.forget(KEPT);
      await store.forget(WAITING);
    }
    await store.forgetAll(belongingsOf(id));
  }

  #become(state) {
    if (state !== 'out') this.why = null;
    if (state !== 'waiting') this.shown = null;
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }
}

function personOf(token) {
  const { iss, sub, origin } = claimsOf(token);
  return { iss: origin?.iss ?? iss, sub };
}

/** What a token says of itself. The gate is who believes it or does not; here it is a label. */
function claimsOf(token) {
  try {
    return JSON.parse(new TextDecoder().decode(decode(token.split('.')[1])));
  } catch {
    return {};
  }
}

function passing(problem) {
  if (!(problem instanceof Problem)) throw problem;
}

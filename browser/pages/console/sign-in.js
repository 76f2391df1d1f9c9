// Signing in at the company's identity provider: OpenID Connect's authorization code with PKCE (RFC 7636), state and nonce, the
// issuer's name in the answer (RFC 9207), as RFC 9700 asks for; and a token that is bound to a key of this browser (RFC 9449) where the
// provider can do that. One step makes what the next one needs, and a step that finds anything odd gives no token.

import { decode, encode } from '../lib/base64url.js';
import { now as serverNow } from '../lib/clock.js';
import { makeKey, proof, thumbprint } from '../lib/dpop.js';
import { Problem, problemOf, unreachable } from '../lib/problem.js';

// Each by its state, so that no tab overwrites what another one began.
const PENDING = 'console.sign-in.';
// As long as somebody may take at the provider; what was begun before that was given up.
const PENDING_MILLISECONDS = 15 * 60_000;
// Tabs in which a person signs in at once.
const MOST_PENDING = 5;
const LEEWAY_SECONDS = 60;
const TIMEOUT_MILLISECONDS = 20_000;

/** A refusal of this page's own, in the form in which those of the service come. */
const refused = (kind, detail) => new Problem({ status: 400, kind, title: 'Signing in has failed', detail });

const random = () => encode(crypto.getRandomValues(new Uint8Array(32)));

async function challengeOf(verifier) {
  return encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier)));
}

async function fetched(transport, url, request = {}) {
  const signal = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
  try {
    return await transport(url, { cache: 'no-store', redirect: 'error', credentials: 'omit', signal, ...request });
  } catch (cause) {
    throw away(cause);
  }
}

const away = (cause) => Object.assign(unreachable(cause), { title: 'The identity provider cannot be reached' });

/** What the answer holds; nothing where it is no JSON. */
async function jsonOf(response) {
  const text = await response.text().catch((cause) => { throw away(cause); });
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** What the provider says of itself (OpenID Connect Discovery 1.0). It must be the one that was asked for. */
export async function metadataOf(issuer, transport = (...call) => fetch(...call)) {
  const response = await fetched(transport, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { headers: { accept: 'application/json' } });
  if (!response.ok) throw await problemOf(response);
  const metadata = await jsonOf(response);
  if (metadata.issuer !== issuer) throw refused('wrong-issuer', `The provider calls itself ${metadata.issuer}, and ${issuer} is configured.`);
  for (const name of ['authorization_endpoint', 'token_endpoint']) {
    if (typeof metadata[name] !== 'string') throw refused('no-endpoint', `The provider names no ${name}.`);
  }
  return metadata;
}

/**
 * Begins: keeps what the answer will be held against, and resolves to the address to go to. `place` is where the person was (a hash), and
 * `isWindow` says that a window of its own opens, which hands the answer back to this one.
 */
export async function begin({ config, metadata, store, redirectUri, place = '', isWindow = false, makeKeys = makeKey, now = serverNow }) {
  const canBind = metadata.dpop_signing_alg_values_supported?.includes('ES256') ?? false;
  const pending = {
    state: random(), nonce: random(), verifier: random(), keys: canBind ? await makeKeys() : null, redirectUri, place, isWindow, begunAt: now(),
  };
  await store.keep(PENDING + pending.state, pending);
  await sweep(store, now);
  const url = new URL(metadata.authorization_endpoint);
  const parameters = {
    response_type: 'code', client_id: config.client_id, redirect_uri: redirectUri, scope: config.scope, state: pending.state, nonce: pending.nonce,
    code_challenge: await challengeOf(pending.verifier), code_challenge_method: 'S256',
    resource: config.resource, dpop_jkt: pending.keys && await thumbprint(pending.keys),
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (value) url.searchParams.set(name, value);
  }
  return { url: url.href, state: pending.state };
}

const isWaiting = (pending, now) => pending !== undefined && now() - pending.begunAt < PENDING_MILLISECONDS;

/** Forgets what was given up, and of very many the oldest. */
async function sweep(store, now) {
  const kept = (await store.readAll(PENDING)).sort((one, other) => other.begunAt - one.begunAt);
  const old = kept.filter((pending, index) => index >= MOST_PENDING || !isWaiting(pending, now));
  await Promise.all(old.map(({ state }) => store.forget(PENDING + state)));
}

/** The answer of a provider in this query, or null where there is none. An error may come without a state, and then belongs to no sign-in. */
export function answerIn(query) {
  const parameters = new URLSearchParams(query);
  if (!parameters.has('error') && !(parameters.has('code') && parameters.has('state'))) return null;
  const text = (name) => parameters.get(name);
  return { code: text('code'), state: text('state'), iss: text('iss'), error: text('error'), description: text('error_description') };
}

/** What was begun with this state, once: whoever brings the same answer again finds nothing. Throws where nothing was begun. */
export async function take(answer, store, now = serverNow) {
  if (answer.state === null) throw refused('no-state', `The provider answered with the error ${codeOf(answer)} and did not say to which sign-in.`);
  const pending = await store.take(PENDING + answer.state);
  if (!isWaiting(pending, now)) throw refused('wrong-state', 'This answer belongs to no sign-in that was begun in this browser, or it came too late. Begin again.');
  return pending;
}

// Whoever wrote the link may have written this: it is shown only where it is a name as providers give them (RFC 6749, section 4.1.2.1).
const codeOf = ({ error }) => (/^[a-z_]{1,40}$/.test(error) ? error : 'unknown');

/** Whether what was begun with this state was begun for a window of its own. */
export async function isForWindow(answer, store, now = serverNow) {
  const pending = await store.read(PENDING + answer.state);
  return isWaiting(pending, now) && pending.isWindow;
}

/** Forgets what was begun. */
export const forgetBegun = (store) => store.forgetAll(PENDING);

/** Makes tokens of an answer, or says why there are none. */
export async function finish({ answer, pending, config, metadata, transport = (...call) => fetch(...call), now = serverNow }) {
  // First of all who answers: what another provider says of errors is not for this page either (RFC 9207, section 2.4).
  const mustSayIssuer = metadata.authorization_response_iss_parameter_supported === true;
  if (answer.iss === null ? mustSayIssuer : answer.iss !== config.issuer) {
    throw refused('wrong-issuer', 'The answer came from another identity provider than the one that was asked.');
  }
  if (answer.error) {
    const problem = refused(answer.error, answer.description || `The provider says: ${answer.error}.`);
    if (answer.error === 'access_denied') problem.title = 'Signing in was refused';
    throw problem;
  }
  const form = {
    grant_type: 'authorization_code', code: answer.code, redirect_uri: pending.redirectUri, client_id: config.client_id, code_verifier: pending.verifier,
  };
  const tokens = await tokensFor({ form, keys: pending.keys, config, metadata, transport, now });
  const claims = idTokenClaims(tokens.idToken, { issuer: config.issuer, clientId: config.client_id, nonce: pending.nonce, now });
  return { ...tokens, claims };
}

/** The next tokens for a refresh token. The person must stay the same. */
export async function refresh({ signedIn, config, metadata, transport = (...call) => fetch(...call), now = serverNow }) {
  const form = { grant_type: 'refresh_token', refresh_token: signedIn.refreshToken, client_id: config.client_id };
  const tokens = await tokensFor({ form, keys: signedIn.keys, config, metadata, transport, now });
  if (tokens.idToken) {
    const claims = idTokenClaims(tokens.idToken, { issuer: config.issuer, clientId: config.client_id, nonce: null, now });
    if (claims.sub !== signedIn.claims.sub) throw refused('wrong-subject', 'The provider answered for somebody else.');
  }
  return { ...tokens, refreshToken: tokens.refreshToken ?? signedIn.refreshToken, claims: signedIn.claims };
}

/** Tells the provider that a refresh token is not needed any more (RFC 7009), where it wants to hear it. What it answers changes nothing here. */
export async function revoke({ signedIn, config, metadata, transport = (...call) => fetch(...call) }) {
  if (!signedIn.refreshToken || !metadata?.revocation_endpoint) return;
  const body = new URLSearchParams({ token: signedIn.refreshToken, token_type_hint: 'refresh_token', client_id: config.client_id });
  await fetched(transport, metadata.revocation_endpoint, { method: 'POST', body, keepalive: true }).catch(() => null);
}

async function tokensFor({ form, keys, config, metadata, transport, now }) {
  if (config.resource) form = { ...form, resource: config.resource };
  let { response, nonce } = await asked(form, keys, undefined);
  if (!response.ok && nonce && keys) {
    const problem = await problemOf(response);
    if (problem.kind !== 'use_dpop_nonce') throw problem;
    ({ response } = await asked(form, keys, nonce));
  }
  if (!response.ok) throw await problemOf(response);
  const body = await jsonOf(response);
  if (typeof body.access_token !== 'string') throw refused('no-token', 'The provider answered without an access token.');
  const kind = String(body.token_type ?? '').toLowerCase();
  // A bound token was asked for: one that is not could be used by whoever finds it.
  if (kind !== (keys ? 'dpop' : 'bearer')) throw refused('wrong-token-type', `The provider gave a token of the type ${body.token_type}.`);
  const livesFor = Number(body.expires_in) * 1000;
  return {
    token: body.access_token, keys, refreshToken: body.refresh_token ?? null, idToken: body.id_token ?? null, scope: body.scope ?? config.scope,
    expiresAt: livesFor > 0 ? now() + livesFor : null, livesFor,
  };

  async function asked(parameters, pair, withNonce) {
    const url = metadata.token_endpoint;
    const headers = { accept: 'application/json' };
    if (pair) headers.dpop = await proof(pair, { method: 'POST', url, nonce: withNonce });
    const answer = await fetched(transport, url, { method: 'POST', headers, body: new URLSearchParams(parameters) });
    return { response: answer, nonce: answer.headers.get('dpop-nonce') };
  }
}

/** The claims of a JWT, which nobody has verified, or null where it is none. */
export function claimsOf(token) {
  try {
    const claims = JSON.parse(new TextDecoder().decode(decode(token.split('.')[1])));
    return typeof claims === 'object' ? claims : null;
  } catch {
    return null;
  }
}

/**
 * The claims of an id token that came straight from the token endpoint over TLS, which stands for a signature (OpenID Connect Core,
 * section 3.1.3.7). A nonce of null is one that is not expected. Throws where it is for somebody else, for another request, or too old.
 */
export function idTokenClaims(idToken, { issuer, clientId, nonce, now = serverNow }) {
  const claims = idToken ? claimsOf(idToken) : null;
  if (!claims) throw refused('no-id-token', 'The provider did not say who signed in. The scope must contain openid.');
  if (claims.iss !== issuer) throw refused('wrong-issuer', 'The id token is of another issuer.');
  const audiences = [claims.aud].flat();
  if (!audiences.includes(clientId) || (audiences.length > 1 && claims.azp !== clientId) || (claims.azp && claims.azp !== clientId)) {
    throw refused('wrong-audience', 'The id token is for another client.');
  }
  if (nonce !== null && claims.nonce !== nonce) throw refused('wrong-nonce', 'The id token belongs to another sign-in. Begin again.');
  const seconds = now() / 1000;
  if (!(claims.exp > seconds - LEEWAY_SECONDS)) throw refused('expired', 'The id token is over. Is the clock of this computer right?');
  if (typeof claims.sub !== 'string' || claims.sub === '') throw refused('no-subject', 'The id token names nobody.');
  return claims;
}

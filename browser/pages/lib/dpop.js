// Proofs of possession (RFC 9449) of a key that never leaves the browser: it can sign here, and nobody can read it.

import { encode, encodeText } from './base64url.js';
import { now } from './clock.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

/** A new key pair; the private one is not extractable. */
export const makeKey = () => crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);

async function publicJwk(keys) {
  const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', keys.publicKey);
  return { crv, kty, x, y };
}

/** The key's name (RFC 7638). Its members stand in the order of the alphabet. */
export async function thumbprint(keys) {
  const text = new TextEncoder().encode(JSON.stringify(await publicJwk(keys)));
  return encode(await crypto.subtle.digest('SHA-256', text));
}

/**
 * The header `DPoP` of one request. `url` may have a query, which no proof holds; `token` is the access token that goes with it, if
 * one does; `nonce` is what the server asked for, if it did.
 */
export async function proof(keys, { method, url, token, nonce }) {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: await publicJwk(keys) };
  const { origin, pathname } = new URL(url);
  const claims = { jti: crypto.randomUUID(), htm: method, htu: origin + pathname, iat: Math.floor(now() / 1000) };
  if (token) claims.ath = encode(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)));
  if (nonce) claims.nonce = nonce;
  const signed = `${encodeText(JSON.stringify(header))}.${encodeText(JSON.stringify(claims))}`;
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
  const signature = await crypto.subtle.sign(algorithm, keys.privateKey, new TextEncoder().encode(signed));
  return `${signed}.${encode(signature)}`;
}

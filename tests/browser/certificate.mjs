// The name of a certificate's key, as Chromium's list of keys wants it.

import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** SHA-256 of the public key (its SPKI) of the first certificate in this PEM file, in base64. */
export function keyOf(file) {
  const { publicKey } = new X509Certificate(readFileSync(file));
  return createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
}

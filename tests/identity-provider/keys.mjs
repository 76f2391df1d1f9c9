// The provider's signing keys: one of each kind per generation, the newest generation first, because the provider signs
// with the first key that fits.

import { generateKeyPairSync } from 'node:crypto';

const KINDS = [
  { alg: 'RS256', type: 'rsa', options: { modulusLength: 2048 } },
  { alg: 'ES256', type: 'ec', options: { namedCurve: 'P-256' } },
  { alg: 'EdDSA', type: 'ed25519', options: {} },
];

export class SigningKeys {
  #generations = [];

  /** Begins a new generation; `withdraw` drops all earlier ones instead of publishing them further. */
  rotate(withdraw) {
    const fresh = KINDS.map(({ alg, type, options }) => {
      const { privateKey } = generateKeyPairSync(type, options);
      return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig' };
    });
    this.#generations = [fresh, ...(withdraw ? [] : this.#generations)];
  }

  /** Private keys as JWKs. */
  all() {
    return this.#generations.flat();
  }
}

// SPDX-License-Identifier: MIT
// The keys that the provider signs with: made at the start, never written anywhere, changed when a test says so.
import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

const make = promisify(generateKeyPair);
const kinds = {
  rsa: ['rsa', { modulusLength: 2048 }],
  p256: ['ec', { namedCurve: 'P-256' }],
  p384: ['ec', { namedCurve: 'P-384' }],
  p521: ['ec', { namedCurve: 'P-521' }],
  ed25519: ['ed25519', {}],
};

async function generation(number) {
  return Promise.all(Object.entries(kinds).map(async ([name, [type, options]]) => {
    const { privateKey } = await make(type, options);
    return { ...privateKey.export({ format: 'jwk' }), kid: `${name}-${number}`, use: 'sig' };
  }));
}

export class SigningKeys {
  #number = 0;
  #current = [];
  #older = [];

  // New keys sign; the older ones stay published.
  async rotate() {
    const made = await generation(this.#number + 1);
    this.#older = [...this.#current, ...this.#older];
    this.#number += 1;
    this.#current = made;
  }

  // What the older ones have signed is worth nothing from now on.
  withdraw() {
    this.#older = [];
  }

  // Other keys under the names of the current ones, as after a provider lost its keys.
  async replace() {
    this.#current = await generation(this.#number);
  }

  // The first one that fits an algorithm signs.
  get jwks() {
    return { keys: [...this.#current, ...this.#older] };
  }
}

// SPDX-License-Identifier: MIT
// What a test wants of the provider: default.json, with the members of the test's own file in their place. Members of
// `clients`, `resources` and `ttl_s` are replaced one by one, the others whole. Knows nothing of oidc-provider's options.
import { createPublicKey, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

const byName = new Set(['clients', 'resources', 'ttl_s']);

function json(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function merge(defaults, given) {
  const merged = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    // A misspelt member would leave a test with another provider than it thinks.
    if (!(name in defaults)) throw new Error(`config.json: there is no "${name}": see default.json`);
    merged[name] = byName.has(name) ? { ...defaults[name], ...value } : value;
  }
  return merged;
}

// A public key or a certificate in PEM. A certificate stays in it: self_signed_tls_client_auth compares that.
function jwk(kid, file) {
  const pem = readFileSync(file, 'utf8');
  const key = { ...createPublicKey(pem).export({ format: 'jwk' }), kid, use: 'sig' };
  if (pem.includes('BEGIN CERTIFICATE')) key.x5c = [new X509Certificate(pem).raw.toString('base64')];
  return key;
}

function client(id, { keys, ...metadata }) {
  const whole = { client_id: id, redirect_uris: [], response_types: [], ...metadata };
  if (whole.redirect_uris.length > 0 && metadata.response_types === undefined) whole.response_types = ['code'];
  if (keys) whole.jwks = { keys: Object.entries(keys).map(([kid, file]) => jwk(kid, file)) };
  return whole;
}

// Files are looked up in the folder that the provider runs in.
export function readSettings() {
  const defaults = json(new URL('default.json', import.meta.url));
  const settings = merge(defaults, existsSync('config.json') ? json('config.json') : {});
  settings.clients = Object.entries(settings.clients).map(([id, metadata]) => client(id, metadata));
  return settings;
}

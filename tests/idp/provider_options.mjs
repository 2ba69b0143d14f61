// SPDX-License-Identifier: MIT
// A test's settings, told to oidc-provider in its own words. Everything that PAA speaks is switched on.
import { X509Certificate } from 'node:crypto';
import { errors } from 'oidc-provider';
import { MemoryAdapter } from './memory.mjs';
import * as pages from './pages.mjs';

const assertions = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const mtlsEndpoints = {
  token_endpoint: '/token',
  introspection_endpoint: '/token/introspection',
  revocation_endpoint: '/token/revocation',
  pushed_authorization_request_endpoint: '/request',
  device_authorization_endpoint: '/device/auth',
  userinfo_endpoint: '/me',
};

const certificate = (ctx) => {
  const { raw } = ctx.socket.getPeerCertificate?.() ?? {};
  return raw && new X509Certificate(raw);
};

// RFC 4514 writes a name's last part first. Commas within a part are not escaped: name certificates without.
function subjectMatches(ctx, property, expected) {
  const { subject, subjectAltName } = certificate(ctx);
  const kind = { san_dns: 'DNS', san_ip: 'IP Address', san_email: 'email', san_uri: 'URI' }[property.slice(16)];
  if (kind === undefined) return subject.split('\n').reverse().join(',') === expected;
  return (subjectAltName ?? '').split(', ').includes(`${kind}:${expected}`);
}

function resourceInfo(settings, resource) {
  const info = settings.resources[resource];
  if (info === undefined) throw new errors.InvalidTarget();
  const { alg = 'RS256', format = 'jwt', scope, secret, ttl_s: accessTokenTTL } = info;
  return {
    scope,
    audience: info.audience ?? resource,
    accessTokenTTL,
    accessTokenFormat: format,
    ...(format === 'jwt' && { jwt: { sign: { alg, key: secret && Buffer.from(secret) } } }),
  };
}

function features(settings, secrets) {
  return {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: {
      enabled: true,
      allowedPolicy: (ctx, client, token) => token.clientId === client.clientId
        || settings.introspectors.includes(client.clientId),
    },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => resourceInfo(settings, resource),
      // What was granted for one resource need not be named again when the code is redeemed.
      useGrantedResource: () => true,
      defaultResource: (ctx, client, oneOf) => oneOf,
    },
    dPoP: { enabled: true, nonceSecret: secrets.nonce, requireNonce: () => settings.dpop_nonce },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: certificate,
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      certificateSubjectMatches: subjectMatches,
    },
    pushedAuthorizationRequests: { enabled: true },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: pages.userCodeInputSource,
      userCodeConfirmSource: pages.userCodeConfirmSource,
      successSource: pages.successSource,
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: pages.logoutSource,
      postLogoutSuccessSource: pages.postLogoutSuccessSource,
    },
    backchannelLogout: { enabled: true },
  };
}

function lifetimes(settings) {
  const ttl = { ...settings.ttl_s };
  for (const kind of ['AccessToken', 'ClientCredentials']) {
    ttl[kind] = (ctx, token) => token.resourceServer?.accessTokenTTL ?? settings.ttl_s[kind];
  }
  return ttl;
}

// `mtls` is the origin whose endpoints ask for a client's certificate (RFC 8705 5), if it is another one.
export function providerOptions(settings, secrets, jwks, mtls) {
  const aliases = Object.entries(mtlsEndpoints).map(([name, path]) => [name, mtls + path]);
  return {
    adapter: MemoryAdapter,
    jwks,
    clients: settings.clients,
    features: features(settings, secrets),
    ttl: lifetimes(settings),
    cookies: { keys: secrets.cookies },
    discovery: mtls ? { mtls_endpoint_aliases: Object.fromEntries(aliases) } : {},
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'tls_client_auth',
      'self_signed_tls_client_auth', 'none'],
    enabledJWA: { clientAuthSigningAlgValues: assertions, dPoPSigningAlgValues: assertions },
    findAccount: (ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: sub, email: `${sub}@example.test` }),
    }),
    pkce: { methods: ['S256'], required: () => true },
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: settings.rotate_refresh_tokens,
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    clientBasedCORS: () => false,
    renderError: pages.renderError,
  };
}

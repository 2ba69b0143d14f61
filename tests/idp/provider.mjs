// SPDX-License-Identifier: MIT
// The identity provider of tests and quickstart: oidc-provider behind https on loopback. It runs in a folder that holds
// its certificates and config.json (settings.mjs), writes the file `ready` into it, and ends with its owner.
// Usage: provider.mjs OWNER_PID, in that folder, with descriptor 3 to tell that it is ready (idp.sh does all that).
import { randomBytes } from 'node:crypto';
import { closeSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import Provider from 'oidc-provider';
import { SigningKeys } from './keys.mjs';
import { interact } from './pages.mjs';
import { providerOptions } from './provider_options.mjs';
import { readSettings } from './settings.mjs';

const READY_FD = 3;
const OWNER_CHECK_MS = 1000;

process.umask(0o077);
const owner = Number(process.argv[2]);
const settings = readSettings();
const secrets = { nonce: randomBytes(32), cookies: [randomBytes(32).toString('hex')] };
const keys = new SigningKeys();
const served = {}; // "POST /token": how often
const sockets = new Set();
let down = false;
let issuer;
let mtls;
let provider;
let respond;

// ---- what it serves ----

// Why a request was refused is in the log, for whoever writes a client against this.
function logged(instance) {
  for (const event of ['server_error', 'grant.error', 'authorization.error', 'introspection.error', 'revocation.error',
    'pushed_authorization_request.error', 'device_authorization.error', 'userinfo.error', 'end_session.error',
    'backchannel.error']) {
    instance.on(event, (ctx, error) => console.error(event, error.error_description ?? error.stack,
      error.error_detail ?? ''));
  }
  return instance;
}

// oidc-provider takes a secret from header and form alike, whichever the client is registered for (RFC 6749 2.3.1).
function strict(instance) {
  instance.use(async (ctx, next) => {
    await next();
    const { client, authorization } = ctx.oidc ?? {};
    if (!authorization?.methods?.includes('client_secret_post') || client === undefined) return;
    const place = ctx.headers.authorization === undefined ? 'client_secret_post' : 'client_secret_basic';
    if (client.clientAuthMethod === place) return;
    console.error(`${ctx.oidc.route}.error`, 'the secret came by', place);
    ctx.status = 401;
    ctx.body = { error: 'invalid_client', error_description: `the secret came by ${place}` };
  });
  return instance;
}

// Its keys are fixed for an instance of oidc-provider, so a change of keys is a new instance; its memory stays.
function renew() {
  provider = strict(logged(new Provider(issuer, providerOptions(settings, secrets, keys.jwks, mtls))));
  respond = provider.callback();
}

async function serve(req, res) {
  const path = req.url.split('?')[0];
  const name = `${req.method} ${path.startsWith('/interaction/') ? '/interaction' : path}`;
  served[name] = (served[name] ?? 0) + 1;
  if (!path.startsWith('/interaction/')) {
    await respond(req, res);
    return;
  }
  try {
    await interact(provider, settings, req, res);
  } catch (error) {
    console.error('interaction', error.stack);
    res.statusCode = error.statusCode ?? 500;
    res.end('this interaction is over\n');
  }
}

function listen(asksForCertificates) {
  const server = https.createServer({
    key: readFileSync('server.key'),
    cert: readFileSync('server.crt'),
    ca: readFileSync('ca.crt'),
    requestCert: asksForCertificates,
    rejectUnauthorized: false, // a self-signed one may be a client's registered one
  }, serve);
  server.on('connection', (socket) => {
    if (down) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`https://${settings.host}:${server.address().port}`));
  });
}

// ---- what tests tell it, through a socket in its folder: POST /rotate … ----

const orders = {
  rotate: async () => { await keys.rotate(); renew(); },
  withdraw: () => { keys.withdraw(); renew(); },
  replace: async () => { await keys.replace(); renew(); },
  // The port stays its own, so that nobody else gets it; connections are closed as soon as they are made.
  down: () => { down = true; sockets.forEach((socket) => socket.destroy()); },
  up: () => { down = false; },
  served: () => {},
};

async function obey(req, res) {
  const order = orders[req.url.slice(1)];
  if (order === undefined) res.statusCode = 404;
  else await order();
  res.end(`${JSON.stringify(served)}\n`);
}

function listenForOrders() {
  return new Promise((resolve) => { http.createServer(obey).listen('orders', resolve); });
}

// ---- its life ----

function endWithOwner() {
  try {
    process.kill(owner, 0);
  } catch (error) {
    if (error.code === 'ESRCH') process.exit(0);
  }
}

process.on('SIGTERM', () => process.exit(0));
setInterval(endWithOwner, OWNER_CHECK_MS);
const alias = settings.mtls === 'alias';
issuer = await listen(!alias);
mtls = alias ? await listen(true) : undefined;
await keys.rotate();
renew();
await listenForOrders();
writeFileSync('ready', `IDP_ISSUER=${issuer}\nIDP_MTLS=${mtls ?? issuer}\nIDP_PID=${process.pid}\n`);
writeSync(READY_FD, 'ready\n');
closeSync(READY_FD);

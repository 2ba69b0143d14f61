// SPDX-License-Identifier: MIT
// What people see: login, consent, device code, logout. Plain forms that a browser or curl can fill in; nothing is
// loaded from elsewhere. Who logs in is whoever they say they are. With "interactions": "auto", alice has always just
// agreed.
const BODY_MAX = 65536;

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function page(title, body) {
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head>
<body><h1>${escaped(title)}</h1>
${body}
</body></html>
`;
}

function show(ctx, title, body) {
  ctx.type = 'html';
  ctx.body = page(title, body);
}

// ---- pages of oidc-provider's own endpoints: it makes the form, we the page around it ----

export const logoutSource = (ctx, form) => show(ctx, 'Log out', `${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Log out</button>
<button type="submit" form="op.logoutForm">Stay</button>`);
export const postLogoutSuccessSource = (ctx) => show(ctx, 'Logged out', '<p>You are logged out.</p>');
export const userCodeInputSource = (ctx, form, out, error) => show(ctx, 'Enter the code',
  `${error ? '<p>That did not work.</p>' : ''}${form}
<button type="submit" form="op.deviceInputForm">Continue</button>`);
export const userCodeConfirmSource = (ctx, form, client, device, code) => show(ctx, 'Is this the code?',
  `<p>${escaped(client.clientId)} shows <code>${escaped(code)}</code></p>${form}
<button type="submit" form="op.deviceConfirmForm">Continue</button>
<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">Cancel</button>`);
export const successSource = (ctx) => show(ctx, 'Done', '<p>Go back to your device.</p>');
export const renderError = (ctx, out) => show(ctx, 'Error',
  Object.entries(out).map(([name, value]) => `<p>${escaped(name)}: ${escaped(value)}</p>`).join('\n'));

// ---- login and consent ----

const buttons = '<button name="answer" value="yes">Continue</button> <button name="answer" value="no">Cancel</button>';
const login = () => page('Log in', `<form method="post"><input name="login" autofocus> ${buttons}</form>`);
const consent = ({ params, session }) => page('Allow?', `<p>${escaped(params.client_id)} wants to act for
${escaped(session.accountId)}: ${escaped(params.scope ?? '')}</p><form method="post">${buttons}</form>`);

async function body(req) {
  let text = '';
  for await (const part of req) {
    text += part;
    if (text.length > BODY_MAX) throw new Error('the form is too big');
  }
  return new URLSearchParams(text);
}

async function agree(provider, { prompt: { details }, grantId, session, params }) {
  const grant = grantId ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '));
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return { consent: { grantId: await grant.save() } };
}

async function answer(provider, details, form) {
  if (form.get('answer') !== 'yes') return { error: 'access_denied', error_description: 'the person said no' };
  if (details.prompt.name === 'consent') return agree(provider, details);
  return { login: { accountId: form.get('login') || 'alice', amr: ['pwd'] } };
}

// GET shows the form, POST takes it.
export async function interact(provider, settings, req, res) {
  const details = await provider.interactionDetails(req, res);
  const auto = settings.interactions === 'auto';
  if (req.method !== 'POST' && !auto) {
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    res.setHeader('Cache-Control', 'no-store');
    res.end(details.prompt.name === 'login' ? login() : consent(details));
    return;
  }
  const form = auto ? new URLSearchParams({ answer: 'yes' }) : await body(req);
  const result = await answer(provider, details, form);
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
}

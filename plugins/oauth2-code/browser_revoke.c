/* SPDX-License-Identifier: MIT */
/*
 * The tokens behind a session that a logout ended are revoked at the provider (RFC 7009), if it says where: the newest
 * refresh token, with which its access tokens go, or else the access token. A courtesy: the session has ended here, and the
 * browser does not wait long.
 */
#include "browser.h"

#include "fields.h"
#include "oauth_metadata.h"
#include "str.h"

enum { CODE_OK = 200 };

struct revoking {
    struct browser_call *call;
    browser_fn then;
    void *context;
};

static enum paa_result trouble(struct paa_op *op, const struct revoking *revoking)
{
    op->host->log->line(op, PAA_LEVEL_WARNING,
                        STR("a session was ended by a logout, but the provider did not revoke its "
                            "tokens: they may still be good there"));
    return revoking->then(op, PAA_STATUS_OK, revoking->context);
}

static enum paa_result on_revoked(struct paa_op *op, enum paa_status status,
                                  const struct paa_http_response *response, void *context)
{
    const struct revoking *revoking = (const struct revoking *)context;

    if (status != PAA_STATUS_OK || response->code != CODE_OK)
        return trouble(op, revoking);
    return revoking->then(op, PAA_STATUS_OK, revoking->context);
}

static enum paa_result on_newest(struct paa_op *op, enum paa_status status, void *context)
{
    struct revoking *revoking = (struct revoking *)context;
    const struct session *session = incoming_state_of(op)->session;
    bool is_refresh = session->refresh_token.data != NULL;
    struct browser_call *call = revoking->call;

    (void)status;
    incoming_state_of(op)->call = call;
    buf_init(&call->form, OAUTH_FORM_MAX);
    form_add(&call->form, STR("token"),
             is_refresh ? session->refresh_token : session->access_token);
    form_add(&call->form, STR("token_type_hint"),
             is_refresh ? STR("refresh_token") : STR("access_token"));
    call->call.form = buf_str(&call->form);
    if (call->form.failed || oauth_call_send(op, &call->call, on_revoked, revoking) != PAA_PENDING)
        return trouble(op, revoking);
    return PAA_PENDING;
}

enum paa_result session_revoke(struct paa_op *op, const struct session *session,
                               const struct oauth_metadata *metadata, struct browser_call *call,
                               browser_fn then, void *context)
{
    const struct browser *self = browser_of(op);
    struct revoking *revoking = (struct revoking *)op->host->alloc(op, sizeof *revoking);

    call->call.client = &self->client;
    call->call.issuer = self->issuer->rules.issuer;
    call->call.url = oauth_endpoint_of(metadata, OAUTH_REVOCATION,
                                       oauth_client_shows_certificate(&self->client));
    call->call.http_flags = PAA_HTTP_FOREIGN_URL;
    call->call.timeout_ms = BROWSER_REVOKE_MS;
    if (revoking == NULL || call->call.url.data == NULL || session->access_token.data == NULL)
        return then(op, PAA_STATUS_OK, context);
    *revoking = (struct revoking){ call, then, context };
    incoming_state_of(op)->session = session;
    return session_newest(op, on_newest, revoking);
}

/* SPDX-License-Identifier: MIT */
/* A request: a token in Authorization counts first, then the session of its cookies; whether that still lives, and who it
 * is. */
#include "browser.h"

#include "str.h"

enum { BOTH = PAA_ON_GRANT | PAA_ON_DENY };

static enum paa_result unavailable(struct paa_op *op, const char *reason)
{
    return op->host->fail(op, PAA_UNAVAILABLE, reason, STR_NONE);
}

/* A cookie that is worth nothing any more is taken away: else a browser would show it for ever. */
static enum paa_result refuse(struct paa_op *op, const char *reason, const char *sentence)
{
    browser_clear_session(op, 0, PAA_ON_DENY);
    return paa_fail(op, PAA_REJECT, reason, "%s", sentence);
}

/* ---- who it is ---------------------------------------------------------------------------------- */

static struct paa_str scope_of(const struct browser *self, const struct session *session)
{
    return session->scope.data != NULL ? session->scope : buf_str(&self->scope);
}

static enum paa_result pass_token(struct paa_op *op, const struct session *session)
{
    static const char scheme[] = "Bearer ";
    size_t prefix = sizeof scheme - 1, size = prefix + session->access_token.size;
    char *text = (char *)op->host->alloc(op, size);

    if (text == NULL)
        return paa_fail(op, PAA_FAULT, "memory", "no memory is left for the access token");
    memcpy(text, scheme, prefix);
    memcpy(text + prefix, session->access_token.data, session->access_token.size);
    op->host->outcome->header_set(op, PAA_MESSAGE_REQUEST, STR("Authorization"),
                                  paa_str_of_n(text, size), PAA_ON_GRANT | PAA_SECRET);
    return PAA_ACCEPT;
}

static enum paa_result grant(struct paa_op *op)
{
    const struct browser *self = browser_of(op);
    const struct session *session = incoming_state_of(op)->session;
    struct paa_principal who;

    paa_init(&who, sizeof who);
    who.flags = PAA_PRINCIPAL_USER;
    who.issuer = session->issuer;
    who.subject = session->subject;
    who.client_id = self->client.id;
    who.scope = scope_of(self, session);
    who.methods = session->amr.data != NULL ? session->amr : STR("login");
    who.claims = session->claims;
    who.auth_time_s = session->auth_time_s;
    who.expires_at_s = session_ends_s(session, &self->times);
    op->host->outcome->principal(op, &who);
    return self->passes_token && session->access_token.data != NULL ? pass_token(op, session)
                                                                    : PAA_ACCEPT;
}

static enum paa_result on_saved(struct paa_op *op, enum paa_status status, void *context)
{
    (void)context;
    if (status == PAA_STATUS_TOO_LARGE)
        return paa_fail(op, PAA_UNAVAILABLE, "session-size",
                        "the session fits into no cookies any more: set session = \"store\"");
    return status == PAA_STATUS_OK ? grant(op) : unavailable(op, "session");
}

/* Written again, so that it is not idle; or because the tokens in it are new. */
static enum paa_result save(struct paa_op *op)
{
    struct incoming_state *state = incoming_state_of(op);
    struct session *session;

    if (!state->is_to_write)
        return grant(op);
    session = (struct session *)op->host->alloc(op, sizeof *session);
    if (session == NULL)
        return paa_fail(op, PAA_FAULT, "memory", "no memory is left for a session");
    *session = *state->session;
    session->seen_at_s = op->host->clock->now_s(op);
    state->session = session;
    return session_save(op, session, false, BOTH, on_saved, NULL);
}

static enum paa_result on_renewed(struct paa_op *op, enum paa_status status, void *context)
{
    (void)context;
    if (status == PAA_STATUS_DENIED)
        return refuse(op, "refresh", "the provider renews the session's access token no more");
    return status == PAA_STATUS_OK ? save(op) : unavailable(op, "refresh");
}

/* ---- whether it lives --------------------------------------------------------------------------- */

static enum paa_result on_asked(struct paa_op *op, enum paa_status status, void *context)
{
    (void)context;
    if (status == PAA_STATUS_DENIED)
        return refuse(op, "revoked", "the session was ended by a logout");
    if (status != PAA_STATUS_OK)
        return unavailable(op, "revoked");
    return browser_of(op)->passes_token ? session_renew(op, on_renewed, NULL) : save(op);
}

static enum paa_result on_found(struct paa_op *op, enum paa_status status,
                                const struct found *found, void *context)
{
    struct incoming_state *state = incoming_state_of(op);
    enum session_age age;

    (void)context;
    if (status == PAA_STATUS_NONE)
        return refuse(op, "unknown-session",
                      "the session's cookie is not of this service, incomplete, or sealed with a "
                      "key that is gone");
    if (status != PAA_STATUS_OK)
        return unavailable(op, "session");
    age = session_age(&found->session, &browser_of(op)->times, op->host->clock->now_s(op));
    if (age == SESSION_OVER)
        return refuse(op, "expired", "the session is over its lifetime");
    if (age == SESSION_IDLE)
        return refuse(op, "idle", "the session was not used for too long");
    state->found = found;
    state->session = &found->session;
    state->is_to_write = age == SESSION_TO_WRITE;
    return session_ask_revoked(op, found, on_asked, NULL);
}

enum paa_result incoming_verify(struct paa_op *op)
{
    const struct browser *self = browser_of(op);
    enum paa_result result = PAA_ABSENT;

    if (self->takes_tokens)
        result = bearer_verify(op);
    if (result != PAA_ABSENT || !self->is_on ||
        op->host->request->cookie(op, self->names.chunks[0], 0).data == NULL)
        return result;
    return session_find(op, on_found, NULL);
}

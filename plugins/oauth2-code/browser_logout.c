/* SPDX-License-Identifier: MIT */
/*
 * Logout: the session ends here, in every copy of its cookie, its tokens are revoked, and the browser goes on to the
 * provider's own logout (OpenID Connect RP-Initiated Logout), if there is one.
 *
 * Nobody else may log people out: what does not come from this origin, as far as the browser says, is asked first. A
 * form of another site that posts here brings no cookie (SameSite=Lax), so nothing ends.
 */
#include "browser.h"

#include "fields.h"
#include "oauth_metadata.h"
#include "page.h"
#include "str.h"

enum { URL_SIZE_MAX = 16 * 1024 };

struct leaving {
    const struct found *found; /* NULL: there was no session */
    struct paa_str endpoint;   /* of the provider's own logout; absent: there is none */
    struct browser_call revoking;
};

/* ---- the provider ------------------------------------------------------------------------------- */

static void write_url(struct paa_op *op, struct buf *url, struct paa_str endpoint,
                      struct paa_str id_token)
{
    const struct browser *self = browser_of(op);
    struct buf query;

    buf_init(&query, URL_SIZE_MAX);
    form_add(&query, STR("client_id"), self->client.id);
    form_add(&query, STR("post_logout_redirect_uri"), browser_url(op, self->after_logout));
    if (id_token.data != NULL)
        form_add(&query, STR("id_token_hint"), id_token);
    buf_add_str(url, endpoint);
    buf_add_char(url, str_find(endpoint, '?', 0) < endpoint.size ? '&' : '?');
    buf_add_str(url, buf_str(&query));
    url->failed = url->failed || query.failed;
    buf_free(&query);
}

static enum paa_result leave(struct paa_op *op, struct paa_str endpoint, struct paa_str id_token)
{
    struct buf url;

    browser_clear_session(op, 0, 0);
    buf_init(&url, URL_SIZE_MAX);
    if (endpoint.data != NULL)
        write_url(op, &url, endpoint, id_token);
    else
        buf_add_str(&url, browser_of(op)->after_logout);
    op->host->outcome->redirect(op, url.failed ? browser_of(op)->after_logout : buf_str(&url));
    buf_free(&url);
    return PAA_DONE;
}

static enum paa_result on_revoked(struct paa_op *op, enum paa_status status, void *context)
{
    const struct leaving *leaving = (const struct leaving *)context;

    (void)status;
    return leave(op, leaving->endpoint, leaving->found->session.id_token);
}

/* Whatever is to be said of the provider: here the session has ended. */
static enum paa_result on_metadata(struct paa_op *op, enum paa_status status,
                                   const struct paa_memo_value *value, void *context)
{
    struct leaving *leaving = (struct leaving *)context;
    const struct oauth_metadata *metadata;

    if (status != PAA_STATUS_OK)
        return leave(op, STR_NONE, STR_NONE);
    metadata = (const struct oauth_metadata *)value->object;
    leaving->endpoint = oauth_endpoint_of(metadata, OAUTH_END_SESSION, false);
    if (!authorization_url_valid(leaving->endpoint)) /* the ID token goes along */
        leaving->endpoint = STR_NONE;
    return session_revoke(op, &leaving->found->session, metadata, &leaving->revoking, on_revoked,
                          leaving);
}

/* ---- here --------------------------------------------------------------------------------------- */

static enum paa_result on_ended(struct paa_op *op, enum paa_status status, void *context)
{
    struct paa_str issuer = browser_of(op)->issuer->rules.issuer;
    struct paa_memo_query query;

    if (status != PAA_STATUS_OK)
        return paa_fail(op, PAA_UNAVAILABLE, "revoked",
                        "a logout cannot be written down: the session goes on");
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(issuer.data, issuer.size);
    return op->host->memo->get(op, incoming_of(op)->bearer.metadata, &query, on_metadata, context);
}

static enum paa_result on_found(struct paa_op *op, enum paa_status status,
                                const struct found *found, void *context)
{
    struct leaving *leaving = (struct leaving *)context;

    if (status == PAA_STATUS_NONE)
        return leave(op, STR_NONE, STR_NONE);
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "session", STR_NONE);
    leaving->found = found;
    return session_end(op, found, on_ended, leaving);
}

/* ---- who asks ----------------------------------------------------------------------------------- */

/* "Origin: https://this.host" */
static bool is_own_origin(struct paa_op *op, struct paa_str origin)
{
    return str_eq(origin, browser_url(op, STR("")));
}

/* Did this person do it, as far as the browser says: on a page of ours, or by the address bar? */
static bool is_meant(struct paa_op *op)
{
    struct paa_str site = paa_header(op, "Sec-Fetch-Site"), origin = paa_header(op, "Origin");

    if (site.data != NULL)
        return paa_str_eq(site, "same-origin") || paa_str_eq(site, "none");
    if (origin.data != NULL)
        return is_own_origin(op, origin);
    return paa_str_eq(op->host->request->view(op)->method, "POST");
}

static enum paa_result ask(struct paa_op *op)
{
    const struct page page = {
        .code = 200,
        .title = "Log out?",
        .sentence = "Another page asks to end your session here.",
        .target = browser_of(op)->logout,
        .button = "Log out",
        .is_post = true,
    };

    return page_answer(op, &page);
}

enum paa_result browser_logout(struct paa_op *op)
{
    struct leaving *leaving = (struct leaving *)op->host->alloc(op, sizeof *leaving);

    if (leaving == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "memory", "no memory is left for a logout");
    return is_meant(op) ? session_find(op, on_found, leaving) : ask(op);
}

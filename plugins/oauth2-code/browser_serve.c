/* SPDX-License-Identifier: MIT */
/* The paths that an instance serves, with the methods that each takes; challenges; metadata. */
#include "browser.h"

#include "str.h"

struct served {
    const char *option;
    const char *methods; /* parted by a blank */
    enum paa_result (*serve)(struct paa_op *op);
};

static const struct served served[] = {
    { "callback", "GET", browser_callback },
    { "logout", "GET POST", browser_logout },
    { "backchannel_logout", "POST", browser_told },
};

struct paa_str browser_url(struct paa_op *op, struct paa_str path)
{
    const struct paa_request_view *view = op->host->request->view(op);
    size_t size = view->scheme.size + 3 + view->authority.size + path.size;
    char *text = (char *)op->host->alloc(op, size + 1);

    if (text == NULL)
        return STR_NONE;
    (void)snprintf(text, size + 1, "%.*s://%.*s%.*s", STR_ARGS(view->scheme),
                   STR_ARGS(view->authority), STR_ARGS(path));
    return paa_str_of_n(text, size);
}

static enum paa_result not_that_way(struct paa_op *op, const char *methods)
{
    op->host->outcome->header_set(op, PAA_MESSAGE_RESPONSE, STR("Allow"), paa_str_of(methods), 0);
    op->host->outcome->answer(op, 405, STR("text/plain"),
                              paa_bytes_of("405 Method Not Allowed\n", 23));
    return PAA_DONE;
}

enum paa_result incoming_serve(struct paa_op *op, const struct paa_endpoint *endpoint)
{
    struct paa_str method = op->host->request->view(op)->method;

    for (size_t i = 0; i < sizeof served / sizeof served[0]; i++) {
        if (!paa_str_eq(endpoint->option, served[i].option))
            continue;
        return str_has_word(paa_str_of(served[i].methods), method)
                   ? served[i].serve(op)
                   : not_that_way(op, served[i].methods);
    }
    return PAA_ABSENT;
}

/* ---- challenges --------------------------------------------------------------------------------- */

/* There is no auth-scheme for sessions; but a 401 names one (RFC 9110 15.5.2), and clients pass over those that they do
 * not know. */
static void offer_cookie(struct paa_op *op, const struct paa_denial *why)
{
    const struct paa_field realm = { STR("realm"), why->realm };
    struct paa_challenge challenge;

    paa_init(&challenge, sizeof challenge);
    challenge.scheme = STR("Cookie");
    challenge.params = &realm;
    challenge.param_count = 1;
    op->host->outcome->challenge(op, &challenge);
}

/* Is there no session, or may another login bring what the rule misses in this one? Else a browser would go round in
 * circles. */
static bool login_helps(struct paa_op *op, const struct paa_denial *why)
{
    const struct session *session = incoming_state_of(op)->session;

    if (why->result != PAA_ACCEPT || session == NULL)
        return true;
    return why->max_age_s > 0 &&
           (session->auth_time_s == 0 ||
            op->host->clock->now_s(op) - session->auth_time_s > why->max_age_s);
}

/* 302: a browser's navigation, and nothing but a login is missing. */
enum paa_result incoming_challenge(struct paa_op *op, const struct paa_denial *why)
{
    const struct browser *self = browser_of(op);
    enum paa_result result = PAA_DONE;

    if (self->takes_tokens)
        result = bearer_challenge(op, why);
    else
        offer_cookie(op, why);
    if (result != PAA_DONE || !self->is_on || why->code != 302 || !login_helps(op, why))
        return result;
    return browser_begin(op, why);
}

enum paa_result incoming_describe(struct paa_op *op)
{
    return browser_of(op)->takes_tokens ? bearer_describe(op) : PAA_ABSENT;
}

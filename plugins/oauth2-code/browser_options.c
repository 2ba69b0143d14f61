/* SPDX-License-Identifier: MIT */
/* Incoming: what the policy says, checked; the memos and tables that an instance needs. */
#include "browser.h"
#include "made_keys.h"

#include "oauth_words.h"
#include "str.h"

enum { MS = 1000 };

static enum paa_status refuse(struct paa_op *op, const char *name, const char *sentence)
{
    return op->host->options->refuse(op->options, name, paa_str_of(sentence));
}

/* ---- texts -------------------------------------------------------------------------------------- */

static void join(struct paa_op *op, const char *option, struct buf *words)
{
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, option);
    struct paa_str text, word;

    for (size_t i = 0; i < count; i++) {
        text = options->string(op->options, option, i);
        while (str_next(&text, " ", &word)) {
            if (str_has_word(buf_str(words), word))
                continue;
            if (words->size > 0)
                buf_add_char(words, ' ');
            buf_add_str(words, word);
        }
    }
}

static enum paa_status read_words(struct paa_op *op, struct browser *browser)
{
    enum paa_status status = oauth_check_scope(op);

    if (status != PAA_STATUS_OK)
        return status;
    buf_add_text(&browser->scope, "openid");
    join(op, "scope", &browser->scope);
    join(op, "acr_values", &browser->acr_values);
    if (browser->scope.failed || browser->acr_values.failed)
        return refuse(op, "scope", "scope or acr_values are over 4 KiB, or no memory is left");
    return PAA_STATUS_OK;
}

static bool is_taken(struct paa_str name)
{
    static const char *const taken[] = {
        "response_type", "response_mode", "client_id",      "redirect_uri",          "scope",
        "state",         "nonce",         "code_challenge", "code_challenge_method", "max_age",
        "acr_values",    "request",       "request_uri",    "client_secret",
    };

    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (paa_str_eq(name, taken[i]))
            return true;
    return false;
}

static enum paa_status check_parameters(struct paa_op *op)
{
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, "parameters");

    for (size_t i = 0; i < count; i++) {
        struct paa_str text = options->string(op->options, "parameters", i);
        size_t equals = str_find(text, '=', 0);

        if (equals == 0 || equals == text.size)
            return refuse(op, "parameters",
                          "each is a name, an equals sign and a value: \"prompt=login\"");
        if (is_taken(str_slice(text, 0, equals)))
            return refuse(op, "parameters",
                          "what a login depends on has options of its own, or none");
    }
    return PAA_STATUS_OK;
}

/* Not with numbers in cookies: those outlive a restart, if the store does. */
static void warn_of_lost_sessions(struct paa_op *op, const struct browser *browser)
{
    if (!browser->in_store && op->host->options->count(op->options, "cookie_key") == 0)
        op->host->log->line(op, PAA_LEVEL_NOTICE,
                            STR("sessions of browsers end with this program: to keep them, add "
                                "cookie_key = \"file:cookie.key\", which is made if it is not "
                                "there"));
}

/* Sessions in cookies outlive the program, and other processes take them: what is known of their end must, too. */
static void warn_of_lost_logouts(struct paa_op *op, const struct browser *browser)
{
    if (!browser->in_store && op->host->options->count(op->options, "cookie_key") > 0 &&
        !op->host->store->lasts(op, browser->revoked))
        op->host->log->line(op, PAA_LEVEL_WARNING,
                            STR("sessions of browsers outlive this program, and logouts do not: "
                                "add stores = { state = \"state.db\"; }"));
}

/* ---- what stands together ----------------------------------------------------------------------- */

static enum paa_status check_off(struct paa_op *op)
{
    static const char *const needs[] = {
        "logout", "backchannel_logout", "cookie_key", "login_max_age", "acr_values", "claims",
    };

    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (op->host->options->count(op->options, needs[i]) > 0)
            return refuse(op, needs[i],
                          "it goes with a login: add callback, the path that "
                          "browsers come back to");
    return PAA_STATUS_OK;
}

static enum paa_status read_paths(struct paa_op *op, struct browser *browser)
{
    browser->callback = paa_option_string(op, "callback");
    browser->logout = paa_option_string(op, "logout");
    browser->backchannel = paa_option_string(op, "backchannel_logout");
    browser->after_logout = paa_option_string(op, "after_logout");
    if (!attempt_return_valid(browser->after_logout))
        return refuse(op, "after_logout",
                      "it is a path of the same origin, beginning with one \"/\"");
    return PAA_STATUS_OK;
}

static enum paa_status read_all(struct paa_op *op, const struct bearer *bearer,
                                struct browser *browser)
{
    const struct paa_host_options *options = op->host->options;
    enum paa_status status = PAA_STATUS_OK;

    if (bearer->issuer_count != 1)
        return refuse(op, "callback",
                      "people log in at one provider: keep one issuer in this instance, and give "
                      "each other one its own");
    browser->issuer = &bearer->issuers[0];
    browser->in_store = options->number(op->options, "session", 0) != 0;
    browser->passes_token = options->number(op->options, "upstream_token", 0) != 0;
    browser->times.idle_s = options->number(op->options, "idle", 0) / MS;
    browser->times.lifetime_s = options->number(op->options, "lifetime", 0) / MS;
    browser->max_age_s = options->count(op->options, "login_max_age") > 0
                             ? options->number(op->options, "login_max_age", 0) / MS
                             : -1;
    status = read_paths(op, browser);
    if (status == PAA_STATUS_OK)
        status = read_words(op, browser);
    if (status == PAA_STATUS_OK)
        status = check_parameters(op);
    if (status == PAA_STATUS_OK)
        status = made_keys_check(op, "cookie_key");
    if (status == PAA_STATUS_OK)
        status = oauth_client_create(op, true, &browser->client);
    if (status == PAA_STATUS_OK && browser->client.id.data == NULL)
        status = refuse(op, "callback", "the provider must know who asks: add client_id");
    return status;
}

/* ---- places, memos, tables ---------------------------------------------------------------------- */

static enum paa_status open_places(struct paa_op *op, struct browser *browser)
{
    enum paa_status status = PAA_STATUS_OK;
    unsigned count = browser->in_store ? 1 : COOKIE_CHUNKS_MAX;

    cookie_names_make(&browser->names, op->instance);
    for (unsigned i = 0; i < count && status == PAA_STATUS_OK; i++)
        status = op->host->options->reads(op->options, PAA_PLACE_COOKIE, browser->names.chunks[i]);
    /* so that what a client says there never looks to the application as if it were the session's */
    if (status == PAA_STATUS_OK && browser->passes_token && !browser->takes_tokens)
        status = op->host->options->reads(op->options, PAA_PLACE_HEADER, STR("Authorization"));
    return status;
}

static enum paa_status open_memos(struct paa_op *op, struct browser *browser)
{
    enum paa_status status = PAA_STATUS_OK;
    struct paa_memo_def def;

    opened_memo(&def);
    if (!browser->in_store)
        status = op->host->memo->open(op, &def, &browser->opened);
    renewals_memo(&def);
    if (status == PAA_STATUS_OK && browser->passes_token)
        status = op->host->memo->open(op, &def, &browser->renewals);
    return status;
}

static enum paa_status open_tables(struct paa_op *op, struct browser *browser)
{
    const struct paa_host_store *store = op->host->store;
    enum paa_status status = store->open(op, "revoked-sessions", 0, &browser->revoked);

    if (status == PAA_STATUS_OK)
        status = store->open(op, "used-logins", PAA_TABLE_RARE, &browser->used);
    if (status == PAA_STATUS_OK && browser->in_store)
        status = store->open(op, "sessions", PAA_TABLE_SECRET, &browser->sessions);
    return status;
}

static enum paa_status create_browser(struct paa_op *op, struct incoming *incoming)
{
    struct browser *browser = &incoming->browser;
    enum paa_status status;

    buf_init(&browser->scope, BROWSER_SCOPE_MAX);
    buf_init(&browser->acr_values, BROWSER_SCOPE_MAX);
    if (!browser->is_on)
        return check_off(op);
    status = read_all(op, &incoming->bearer, browser);
    if (status == PAA_STATUS_OK)
        status = open_places(op, browser);
    if (status == PAA_STATUS_OK)
        status = open_memos(op, browser);
    if (status == PAA_STATUS_OK)
        status = open_tables(op, browser);
    if (status == PAA_STATUS_OK) {
        warn_of_lost_sessions(op, browser);
        warn_of_lost_logouts(op, browser);
    }
    return status;
}

enum paa_status incoming_create(struct paa_op *op, struct incoming *incoming)
{
    const struct paa_host_options *options = op->host->options;
    bool is_used =
        (op->flags & PAA_OP_USED_INCOMING) != 0 || (op->flags & PAA_OP_USED_OUTGOING) == 0;
    enum paa_status status;

    incoming->browser.is_on = is_used && options->count(op->options, "callback") > 0;
    incoming->bearer.takes_none =
        incoming->browser.is_on && options->count(op->options, "audience") == 0;
    incoming->browser.takes_tokens = is_used && !incoming->bearer.takes_none;
    status = bearer_create(op, &incoming->bearer);
    return status == PAA_STATUS_OK && is_used ? create_browser(op, incoming) : status;
}

void incoming_destroy(struct incoming *incoming)
{
    bearer_destroy(&incoming->bearer);
    buf_free(&incoming->browser.scope);
    buf_free(&incoming->browser.acr_values);
}

void incoming_lane_done(struct incoming_lane *lane)
{
    bearer_lane_done(&lane->bearer);
    cookie_lane_done(&lane->cookie);
}

void incoming_finish(struct paa_op *op)
{
    struct browser_call *call = incoming_state_of(op)->call;

    if (call == NULL)
        return;
    oauth_call_done(&call->call);
    buf_free(&call->form);
}

/* SPDX-License-Identifier: MIT */
/*
 * A browser without a session is sent to the provider (OpenID Connect Core 3.1.2.1): with PKCE (RFC 7636, S256), state and
 * nonce of chance, which wait in a sealed cookie; as a pushed request (RFC 9126) where the provider wants that.
 */
#include "browser.h"

#include "endpoint_response.h"
#include "fields.h"
#include "lifetime.h"
#include "oauth_metadata.h"
#include "secret.h"
#include "str.h"

enum { URL_MAX_SIZE = 16 * 1024, NUMBER_SIZE = 24 };

struct beginning {
    struct browser_call pushed;
    struct attempt attempt;
    struct paa_str endpoint; /* of authorization */
};

static enum paa_result fail(struct paa_op *op, const char *sentence)
{
    return paa_fail(op, PAA_UNAVAILABLE, "login", "%s", sentence);
}

/* ---- going -------------------------------------------------------------------------------------- */

static struct paa_str cookie_name(struct paa_op *op, const struct attempt *attempt)
{
    struct paa_str prefix = browser_of(op)->names.login;
    char *text = (char *)op->host->alloc(op, prefix.size + ATTEMPT_SUFFIX_SIZE);

    if (text == NULL)
        return STR_NONE;
    memcpy(text, prefix.data, prefix.size);
    memcpy(text + prefix.size, attempt->state, ATTEMPT_SUFFIX_SIZE);
    return paa_str_of_n(text, prefix.size + ATTEMPT_SUFFIX_SIZE);
}

static bool remember(struct paa_op *op, const struct attempt *attempt)
{
    unsigned char bytes[ATTEMPT_BYTES_MAX];
    struct paa_str name = cookie_name(op, attempt), text;
    size_t size = attempt_write(attempt, bytes);

    if (name.data == NULL || size == 0)
        return false;
    text = browser_seal(op, name, 1, paa_bytes_of(bytes, size));
    secret_wipe(bytes, sizeof bytes);
    if (text.data == NULL)
        return false;
    browser_set_cookie(op, name, text, ATTEMPT_LIFE_S, PAA_ON_DENY);
    return true;
}

/* query: what the provider is asked, encoded, but for client_id. */
static enum paa_result go(struct paa_op *op, const struct beginning *beginning,
                          struct paa_str query)
{
    enum paa_result result = PAA_DONE;
    struct buf url;

    buf_init(&url, URL_MAX_SIZE);
    authorization_url(&url, beginning->endpoint, browser_of(op)->client.id, query);
    if (url.failed || !remember(op, &beginning->attempt))
        result = fail(op, "no memory is left for a login");
    else
        op->host->outcome->redirect(op, buf_str(&url));
    buf_free(&url);
    return result;
}

/* ---- pushed requests ---------------------------------------------------------------------------- */

static enum paa_result on_pushed(struct paa_op *op, enum paa_status status,
                                 const struct paa_http_response *response, void *context)
{
    const struct beginning *beginning = (const struct beginning *)context;
    struct token_memory *memory;
    struct pushed_response pushed;
    enum paa_result result;
    struct buf query;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "login", STR_NONE);
    memory = (struct token_memory *)op->host->alloc(op, sizeof *memory + response->body.size);
    if (memory == NULL)
        return fail(op, "no memory is left for a login");
    if (pushed_response_read(response->code, response_field(response, "Content-Type"),
                             response->body, memory, &pushed) != TOKEN_GIVEN)
        return paa_fail(op, PAA_UNAVAILABLE, "login",
                        "the provider does not take the pushed authorization request (HTTP %u)",
                        (unsigned)response->code);
    buf_init(&query, URL_MAX_SIZE);
    form_add(&query, STR("request_uri"), pushed.request_uri);
    result = query.failed ? fail(op, "no memory is left for a login")
                          : go(op, beginning, buf_str(&query));
    buf_free(&query);
    return result;
}

static enum paa_result push(struct paa_op *op, struct beginning *beginning, struct paa_str url)
{
    const struct browser *self = browser_of(op);
    struct oauth_call *call = &beginning->pushed.call;

    if (self->client.auth == OAUTH_AUTH_BASIC) /* else it is in the form anyway */
        form_add(&beginning->pushed.form, STR("client_id"), self->client.id);
    call->client = &self->client;
    call->issuer = self->issuer->rules.issuer;
    call->url = url;
    call->form = buf_str(&beginning->pushed.form);
    call->http_flags = PAA_HTTP_FOREIGN_URL;
    return oauth_call_send(op, call, on_pushed, beginning);
}

/* ---- asking ------------------------------------------------------------------------------------- */

/* What the policy says: its further parameters were checked when the instance was made. */
static void add_parameters(struct paa_op *op, struct buf *form)
{
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, "parameters");

    for (size_t i = 0; i < count; i++) {
        struct paa_str text = options->string(op->options, "parameters", i);
        size_t equals = str_find(text, '=', 0);

        form_add(form, str_slice(text, 0, equals), str_slice(text, equals + 1, text.size));
    }
}

static void write_wishes(struct paa_op *op, const struct attempt *attempt, struct buf *form)
{
    const struct browser *self = browser_of(op);
    char number[NUMBER_SIZE];

    form_add(form, STR("scope"), buf_str(&self->scope));
    if (self->acr_values.size > 0)
        form_add(form, STR("acr_values"), buf_str(&self->acr_values));
    if (attempt->max_age_s >= 0) {
        (void)snprintf(number, sizeof number, "%lld", (long long)attempt->max_age_s);
        form_add(form, STR("max_age"), paa_str_of(number));
    }
    add_parameters(op, form);
}

/* All but client_id, which whoever sends it adds. */
static void write_request(struct paa_op *op, struct beginning *beginning)
{
    struct attempt *attempt = &beginning->attempt;
    struct buf *form = &beginning->pushed.form;
    char challenge[AUTHORIZATION_TEXT_SIZE];
    struct authorization authorization = {
        .redirect_uri = browser_url(op, browser_of(op)->callback),
        .state = paa_str_of_n(attempt->state, AUTHORIZATION_TEXT_SIZE),
        .challenge = paa_str_of_n(challenge, AUTHORIZATION_TEXT_SIZE),
        .nonce = paa_str_of_n(attempt->nonce, AUTHORIZATION_TEXT_SIZE),
        .login_hint = op->host->request->attribute(op, STR(PAA_ATTRIBUTE_LOGIN_HINT)),
    };
    struct buf wishes;

    buf_init(&wishes, URL_MAX_SIZE);
    write_wishes(op, attempt, &wishes);
    authorization.form = buf_str(&wishes);
    pkce_challenge(paa_str_of_n(attempt->verifier, AUTHORIZATION_TEXT_SIZE), challenge);
    authorization_form(form, &authorization);
    form->failed = form->failed || wishes.failed;
    buf_free(&wishes);
}

static enum paa_result on_metadata(struct paa_op *op, enum paa_status status,
                                   const struct paa_memo_value *value, void *context)
{
    struct beginning *beginning = (struct beginning *)context;
    const struct oauth_metadata *metadata;
    struct paa_str pushed = STR_NONE;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "metadata", STR_NONE);
    metadata = (const struct oauth_metadata *)value->object;
    beginning->endpoint = oauth_endpoint_of(metadata, OAUTH_AUTHORIZATION, false);
    if (metadata->wants_pushed)
        pushed = oauth_endpoint_of(metadata, OAUTH_PUSHED_REQUEST,
                                   oauth_client_shows_certificate(&browser_of(op)->client));
    if (beginning->endpoint.data == NULL || (metadata->wants_pushed && pushed.data == NULL))
        return fail(op, "the provider's metadata names no authorization_endpoint, or no "
                        "pushed_authorization_request_endpoint though it requires one");
    if (!authorization_url_valid(beginning->endpoint))
        return fail(op, "no browser is sent to an authorization_endpoint that is not https");
    if (metadata->refuses_s256)
        return fail(op, "the provider does not take PKCE with S256 (RFC 7636): a login would not "
                        "be safe");
    write_request(op, beginning);
    if (beginning->pushed.form.failed)
        return fail(op, "no memory is left for a login");
    return pushed.data != NULL ? push(op, beginning, pushed)
                               : go(op, beginning, buf_str(&beginning->pushed.form));
}

/* ---- those that are under way ------------------------------------------------------------------- */

struct pending {
    struct paa_str name;
    int64_t made_at_s;
};

static bool is_under_way(struct paa_op *op, struct paa_field cookie, int64_t *ret_made_at_s)
{
    struct paa_bytes plain = BYTES_NONE;
    struct attempt attempt;

    if (browser_unseal(op, cookie.name, 1, cookie.value, &plain) != PAA_STATUS_OK ||
        !attempt_read(plain, &attempt) || attempt_is_over(&attempt, op->host->clock->now_s(op)))
        return false;
    *ret_made_at_s = attempt.made_at_s;
    return true;
}

static size_t oldest_of(const struct pending *list, size_t count)
{
    size_t oldest = 0;

    for (size_t i = 1; i < count; i++)
        if (list[i].made_at_s < list[oldest].made_at_s)
            oldest = i;
    return oldest;
}

/* So that there is room for one more; what is over, or none of ours, goes in any case. */
static void make_room(struct paa_op *op)
{
    struct paa_str rest = op->host->request->header(op, STR("Cookie"), 0);
    struct pending list[COOKIE_ATTEMPTS_SEEN_MAX];
    struct paa_field cookie;
    size_t count = 0;

    for (size_t seen = 0; seen < COOKIE_ATTEMPTS_SEEN_MAX &&
                          cookie_next_attempt(&browser_of(op)->names, &rest, &cookie);
         seen++)
        if (is_under_way(op, cookie, &list[count].made_at_s))
            list[count++].name = cookie.name;
        else
            browser_set_cookie(op, cookie.name, STR(""), 0, PAA_ON_DENY);
    while (count >= ATTEMPTS_MAX) {
        size_t oldest = oldest_of(list, count);

        browser_set_cookie(op, list[oldest].name, STR(""), 0, PAA_ON_DENY);
        list[oldest] = list[--count];
    }
}

/* ---- beginning ---------------------------------------------------------------------------------- */

static int64_t max_age_of(const struct browser *self, const struct paa_denial *why)
{
    if (why->max_age_s > 0 && (self->max_age_s < 0 || why->max_age_s < self->max_age_s))
        return why->max_age_s;
    return self->max_age_s;
}

static bool draw(struct paa_op *op, struct attempt *attempt)
{
    unsigned char chance[3 * AUTHORIZATION_CHANCE];
    bool is_done = op->host->random->fill(op, chance, sizeof chance) == PAA_STATUS_OK;

    if (is_done)
        attempt_draw(attempt, chance);
    secret_wipe(chance, sizeof chance);
    return is_done;
}

/* Browsers keep our cookies over https, and of this very machine. */
static bool keeps_cookies(const struct paa_request_view *view)
{
    static const struct paa_str here[] = { { "127.0.0.1", 9 }, { "[::1]", 5 }, { "localhost", 9 } };
    struct paa_str authority = view->authority;

    if (str_eq_nocase(view->scheme, STR("https")))
        return true;
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++)
        if (str_starts(authority, here[i]) &&
            (authority.size == here[i].size || authority.data[here[i].size] == ':'))
            return true;
    return false;
}

enum paa_result browser_begin(struct paa_op *op, const struct paa_denial *why)
{
    const struct browser *self = browser_of(op);
    const struct paa_request_view *view = op->host->request->view(op);
    struct paa_str issuer = self->issuer->rules.issuer;
    struct beginning *beginning = (struct beginning *)op->host->alloc(op, sizeof *beginning);
    struct paa_memo_query query;

    if (!keeps_cookies(view))
        return fail(op, "a login needs https: browsers do not keep its cookies over http");
    if (beginning == NULL || !draw(op, &beginning->attempt))
        return fail(op, "no memory or no chance is left for a login");
    incoming_state_of(op)->call = &beginning->pushed;
    buf_init(&beginning->pushed.form, URL_MAX_SIZE);
    beginning->attempt.made_at_s = op->host->clock->now_s(op);
    beginning->attempt.max_age_s = max_age_of(self, why);
    beginning->attempt.return_to = attempt_return_valid(view->target) ? view->target : STR("/");
    make_room(op);
    paa_init(&query, sizeof query);
    query.key = paa_bytes_of(issuer.data, issuer.size);
    return op->host->memo->get(op, incoming_of(op)->bearer.metadata, &query, on_metadata,
                               beginning);
}

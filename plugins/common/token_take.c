/* SPDX-License-Identifier: MIT */
/* What the token endpoint gave, judged and written as it is kept; or why it gave nothing. */
#include "token_request.h"

#include "fields.h"
#include "str.h"

enum { SENTENCE_SIZE = 512, LEEWAY_PART = 10, JITTER_PART = 4 };

enum paa_result token_product(struct paa_op *op, const struct token_request *request,
                              const struct paa_memo_product *product)
{
    return op->host->memo->product(op, product) == PAA_STATUS_OK
               ? PAA_DONE
               : token_fail(op, request, "token",
                            "no memory is left for the token, or it is too large");
}

/* ---- a token ---------------------------------------------------------------------------------- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Renewal begins at a moment of chance, so that those who share a server do not all come at once. */
static void set_life(struct paa_op *op, const struct token_request *request, int64_t life_s,
                     struct paa_memo_product *product)
{
    int64_t early_s = least(request->client->renew_before_s, life_s / 2);
    uint32_t chance = 0;

    (void)op->host->random->fill(op, &chance, sizeof chance);
    early_s += (int64_t)(chance % (uint32_t)(early_s / JITTER_PART + 1));
    product->usable_until_s =
        request->asked_at_s + life_s - least(TOKEN_LEEWAY_S, life_s / LEEWAY_PART);
    product->fresh_until_s = least(request->asked_at_s + life_s - early_s, product->usable_until_s);
}

static void write_credentials(struct buf *buf, const struct token_request *request,
                              struct paa_str token)
{
    struct paa_str scheme = request->client->scheme;

    if (scheme.size > 0) {
        buf_add_str(buf, scheme);
        buf_add_char(buf, ' ');
    }
    buf_add_str(buf, token);
}

static enum paa_result write_token(struct paa_op *op, const struct token_request *request,
                                   const struct token_response *response, struct token_value *value,
                                   struct buf *buf)
{
    char ath[DPOP_TEXT_SIZE];
    struct buf credentials;

    buf_init(&credentials, TOKEN_VALUE_MAX);
    write_credentials(&credentials, request, response->access_token);
    value->state = TOKEN_AT_HAND;
    value->credentials = buf_str(&credentials);
    if (response->scope.data != NULL)
        value->scope = response->scope;
    if (request->proves != NULL) {
        dpop_ath(response->access_token, ath);
        value->ath = paa_str_of_n(ath, sizeof ath);
    }
    token_value_write(buf, value);
    if (credentials.failed)
        buf->failed = true;
    buf_free(&credentials);
    if (buf->failed)
        return token_fail(op, request, "token",
                          "no memory is left for the token, or it is too large");
    (void)token_value_read(paa_bytes_of(buf->data, buf->size), value);
    return PAA_DONE;
}

/* Scopes of OpenID Connect ask for what comes beside the token, which does not list them. */
static bool is_of_openid(struct paa_str word)
{
    static const char *const words[] = { "openid", "offline_access", "profile",
                                         "email",  "address",        "phone" };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (paa_str_eq(word, words[i]))
            return true;
    return false;
}

static bool is_covered(const struct token_client *client, struct paa_str granted)
{
    struct paa_str asked = buf_str(&client->scope), word;

    while (str_next(&asked, " ", &word))
        if (!(client->grant->is_of_people && is_of_openid(word)) &&
            !token_scope_covers(granted, word))
            return false;
    return true;
}

static enum paa_result judge(struct paa_op *op, const struct token_request *request,
                             const struct token_response *response)
{
    bool is_bound = request->proves != NULL;

    if (is_bound != (response->type == TOKEN_DPOP))
        return token_fail(op, request, "token-type", "%s",
                          is_bound
                              ? "the server gave a Bearer token though a DPoP proof came along: it "
                                "is not bound to the key, and is not used"
                              : "the server gave a DPoP token: set dpop = \"required\"");
    if (response->scope.data == NULL || is_covered(request->client, response->scope))
        return PAA_DONE;
    if (request->client->refuses_less_scope)
        return token_fail(op, request, "scope",
                          "the token permits less than the option \"scope\" asks for");
    op->host->log->line(op, PAA_LEVEL_WARNING,
                        STR("the token permits less than the option \"scope\" asks for"));
    return PAA_DONE;
}

enum paa_result token_take(struct paa_op *op, const struct token_request *request,
                           const struct token_response *response, struct token_value *value,
                           struct paa_memo_product *ret_product, struct buf *buf)
{
    int64_t life_s =
        response->expires_in_s >= 0 ? response->expires_in_s : request->client->default_lifetime_s;
    enum paa_result result = judge(op, request, response);

    if (result != PAA_DONE)
        return result;
    value->asked_at_s = request->asked_at_s;
    value->expires_at_s = request->asked_at_s + life_s;
    result = write_token(op, request, response, value, buf);
    if (result != PAA_DONE)
        return result;
    paa_init(ret_product, sizeof *ret_product);
    set_life(op, request, life_s, ret_product);
    ret_product->bytes = paa_bytes_of(buf->data, buf->size);
    return PAA_DONE;
}

/* ---- none ------------------------------------------------------------------------------------- */

/* The description is a stranger's text: it goes into the log only, escaped and cut. */
void token_log_refusal(struct paa_op *op, const struct token_response *response)
{
    struct buf line;

    buf_init(&line, 2 * SENTENCE_SIZE);
    buf_add_text(&line, "the authorization server gives no token: ");
    token_told(&line, response->error);
    if (response->description.size > 0) {
        buf_add_text(&line, ": ");
        token_told(&line, response->description);
    }
    if (!line.failed)
        op->host->log->line(op, PAA_LEVEL_WARNING, buf_str(&line));
    buf_free(&line);
}

enum paa_result token_trouble(struct paa_op *op, const struct token_request *request,
                              enum token_answer answer, uint32_t code,
                              const struct token_response *response)
{
    if (answer == TOKEN_TROUBLE && code == 0)
        return PAA_UNAVAILABLE; /* it was said */
    if (answer == TOKEN_TROUBLE)
        return token_fail(op, request, "token-endpoint",
                          "the token endpoint answers HTTP %u: later", (unsigned)code);
    return token_fail(op, request, "token-response", "what the token endpoint answers (HTTP %u) %s",
                      (unsigned)code, response->why);
}

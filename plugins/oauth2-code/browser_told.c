/* SPDX-License-Identifier: MIT */
/*
 * The provider says that a session ended, or all of a person's (OpenID Connect Back-Channel Logout): a signed token in a
 * form, each once. What is written down is what session_revoked.c looks for.
 */
#include "browser.h"

#include "bearer_signed.h"
#include "fields.h"
#include "logout_token.h"
#include "packed.h"
#include "str.h"

enum { FORM_MAX = 32 * 1024, SENTENCE_MAX = 128, TIME_SIZE = 8 };

struct telling {
    struct paa_str sid; /* absent: all sessions of subject */
    struct paa_str subject;
    unsigned char mark[BROWSER_DIGEST_SIZE]; /* of the token: that it was taken */
    int64_t mark_ends_s;
};

/* 2.8: why is for the log; the provider is told no more than that it was wrong. */
static enum paa_result wrong(struct paa_op *op, const char *why)
{
    static const char body[] = "{\"error\":\"invalid_request\"}";

    op->host->log->line(op, PAA_LEVEL_WARNING, paa_str_of(why));
    op->host->outcome->answer(op, 400, STR("application/json"),
                              paa_bytes_of(body, sizeof body - 1));
    return PAA_DONE;
}

/* ---- writing it down ---------------------------------------------------------------------------- */

/* The token is marked as taken last: a provider that was cut off in between tells it again. */
static enum paa_result on_marked(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *record, void *context)
{
    (void)record;
    (void)context;
    if (status != PAA_STATUS_OK && status != PAA_STATUS_EXISTS)
        return op->host->fail(op, PAA_UNAVAILABLE, "revoked", STR_NONE);
    op->host->outcome->answer(op, 200, STR_NONE, BYTES_NONE);
    return PAA_DONE;
}

static enum paa_result on_written(struct paa_op *op, enum paa_status status,
                                  const struct paa_record *written, void *context)
{
    const struct telling *telling = (const struct telling *)context;
    struct paa_record record;

    (void)written;
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "revoked", STR_NONE);
    paa_init(&record, sizeof record);
    record.expires_at_s = telling->mark_ends_s;
    record.key = paa_bytes_of(telling->mark, sizeof telling->mark);
    return op->host->store->put(op, browser_of(op)->used, &record, PAA_PUT_NEW, on_marked, NULL);
}

/* No session that is there now lasts longer than the record. */
static enum paa_result write_down(struct paa_op *op, struct telling *telling)
{
    const struct browser *self = browser_of(op);
    bool is_one = telling->sid.data != NULL;
    unsigned char key[BROWSER_DIGEST_SIZE], until[TIME_SIZE];
    struct packer packer = { .bytes = until, .max = sizeof until };
    int64_t now_s = op->host->clock->now_s(op);
    struct paa_record record;

    browser_digest(is_one ? "sid" : "sub", self->issuer->rules.issuer,
                   is_one ? telling->sid : telling->subject, key);
    pack_int(&packer, now_s);
    paa_init(&record, sizeof record);
    record.expires_at_s = now_s + self->times.lifetime_s + 1;
    record.key = paa_bytes_of(key, sizeof key);
    record.value = paa_bytes_of(until, sizeof until);
    return op->host->store->put(op, self->revoked, &record, PAA_PUT_DURABLE, on_written, telling);
}

static enum paa_result on_looked(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *record, void *context)
{
    (void)record;
    if (status == PAA_STATUS_OK)
        return wrong(op, "a logout token came a second time");
    if (status != PAA_STATUS_NONE)
        return op->host->fail(op, PAA_UNAVAILABLE, "revoked", STR_NONE);
    return write_down(op, (struct telling *)context);
}

/* Was it taken before? */
static enum paa_result look(struct paa_op *op, struct telling *telling, const struct jwt *jwt)
{
    const struct browser *self = browser_of(op);

    browser_digest("logout", self->issuer->rules.issuer, jwt->texts[JWT_T_JTI], telling->mark);
    telling->mark_ends_s = logout_token_ends_s(jwt, self->issuer->rules.leeway_s) + 1;
    return op->host->store->get(op, self->used, paa_bytes_of(telling->mark, sizeof telling->mark),
                                on_looked, telling);
}

/* ---- judging ------------------------------------------------------------------------------------ */

static enum paa_result on_signed(struct paa_op *op, enum paa_result result, const struct jwt *jwt,
                                 void *context)
{
    const struct browser *self = browser_of(op);
    const struct logout_rules rules = { .issuer = self->issuer->rules.issuer,
                                        .client_id = self->client.id,
                                        .leeway_s = self->issuer->rules.leeway_s };
    struct telling *telling = (struct telling *)context;
    char sentence[SENTENCE_MAX];
    enum logout_verdict verdict;

    if (result == PAA_REJECT)
        return wrong(op, "a logout token cannot be read, or the provider's keys did not sign it");
    if (result != PAA_DONE)
        return result;
    verdict = logout_token_judge(jwt, &rules, op->host->clock->now_s(op));
    if (verdict != LOGOUT_GOOD) {
        (void)snprintf(sentence, sizeof sentence, "a logout token %s",
                       logout_token_sentence(verdict));
        return wrong(op, sentence);
    }
    telling->sid = jwt->texts[JWT_T_SID].size > 0 ? jwt->texts[JWT_T_SID] : STR_NONE;
    telling->subject = jwt->texts[JWT_T_SUB];
    return look(op, telling, jwt);
}

/* ---- the form ----------------------------------------------------------------------------------- */

/* In memory of the operation; absent: there is none, or two. */
static struct paa_str token_of(struct paa_op *op, struct paa_str form)
{
    struct paa_str name = STR("logout_token"), token, copy = STR_NONE;
    struct arena arena;
    char *text;

    arena_init(&arena, NULL, 0, 2 * (size_t)FORM_MAX);
    token = query_find(form, name, 0, &arena);
    if (token.size > 0 && query_find(form, name, 1, &arena).data == NULL &&
        (text = (char *)op->host->alloc(op, token.size)) != NULL) {
        memcpy(text, token.data, token.size);
        copy = paa_str_of_n(text, token.size);
    }
    arena_free(&arena);
    return copy;
}

static enum paa_result on_form(struct paa_op *op, enum paa_status status, struct paa_bytes body,
                               void *context)
{
    struct paa_str token;

    if (status == PAA_STATUS_TOO_LARGE)
        return wrong(op, "the form of a back-channel logout is over 32 KiB");
    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "content", STR_NONE);
    token = token_of(op, paa_str_of_n((const char *)body.data, body.size));
    if (token.data == NULL)
        return wrong(op, "a back-channel logout came without a logout_token, or with two");
    return bearer_signed(op, browser_of(op)->issuer, token, on_signed, context);
}

enum paa_result browser_told(struct paa_op *op)
{
    struct telling *telling = (struct telling *)op->host->alloc(op, sizeof *telling);
    struct paa_str type = paa_header(op, "Content-Type");

    if (telling == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "memory", "no memory is left for a logout");
    if (!str_eq_nocase(str_trim(str_slice(type, 0, str_find(type, ';', 0))),
                       STR("application/x-www-form-urlencoded")))
        return wrong(op, "a back-channel logout came without a form");
    return op->host->request->body(op, FORM_MAX, on_form, telling);
}

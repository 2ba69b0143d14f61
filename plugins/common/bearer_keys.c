/* SPDX-License-Identifier: MIT */
/*
 * The key sets of issuers: fetched and kept by a memo, or read from the operator's own file or secret. How long a set
 * serves, what counts as one, and nothing of tokens.
 *
 *   soft lifetime   what the issuer says, from a minute to an hour, less up to a tenth by chance; then one fetch renews
 *                   it in the background
 *   hard lifetime   the option "outage" later: until then the last good set serves while that fails
 */
#include "bearer_inner.h"

#include "lifetime.h"
#include "oauth_metadata.h"
#include "units.h"

#include <stdlib.h>

enum {
    KEYS_SOFT_MIN_S = 60,
    KEYS_SOFT_MAX_S = 3600,
    KEYS_SOFT_DEFAULT_S = 600, /* when the issuer says nothing */
    KEYS_BEHIND_S = 15,  /* after its lifetime a set is renewed while requests go on, at least */
    KEYS_WAIT_MS = 5000, /* how long those wait for whom the last set would do */
    KEYS_MEMO_BYTES = 32 * 1024 * 1024,
    KEYS_COOLDOWN_MS = 30 * 1000 /* between fetches that tokens with unknown keys ask for */
};

/* ---- from bytes to keys ------------------------------------------------------------------------- */

static void keys_release(void *object, const void *self)
{
    struct bearer_keys *keys = (struct bearer_keys *)object;

    (void)self;
    if (keys->set != NULL)
        jwk_set_free(keys->set);
    else
        jwk_done(&keys->secret);
    free(keys);
}

struct teller {
    struct paa_op *op;
    size_t left; /* lines that may still be written */
};

/* Once for a set that is new, so an operator learns why a key is not used. */
static void tell(size_t index, struct paa_str kid, const char *why, void *context)
{
    struct teller *teller = (struct teller *)context;
    char line[256];
    int size;

    if (why == NULL || teller->left == 0)
        return;
    teller->left--;
    size = snprintf(line, sizeof line, "key %zu (kid \"%.*s\") of a key set is not used: it %s",
                    index + 1, kid.size > 64 ? 64 : (int)kid.size, kid.data != NULL ? kid.data : "",
                    why);
    if (size > 0)
        teller->op->host->log->line(teller->op, PAA_LEVEL_WARNING, paa_str_of(line));
}

static enum paa_status refuse(struct paa_op *op, const char *what, const char *why)
{
    (void)paa_fail(op, PAA_UNAVAILABLE, "keys", "%s %s", what, why);
    return PAA_STATUS_UNAVAILABLE;
}

static enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts, size_t part_count,
                              void **ret_object, size_t *ret_weight)
{
    enum { LINES_MAX = 4 };
    struct teller teller = { op, LINES_MAX };
    struct bearer_keys *keys;
    const char *why = "finds no memory";

    if (part_count != 1)
        return refuse(op, "the key set", "is no single file");
    keys = (struct bearer_keys *)calloc(1, sizeof *keys);
    if (keys != NULL)
        keys->set = jwk_set_read(parts[0], 0, tell, &teller, &why);
    if (keys == NULL || keys->set == NULL) {
        free(keys);
        return refuse(op, "the key set", why);
    }
    *ret_object = keys;
    *ret_weight = sizeof *keys + keys->set->bytes;
    return PAA_STATUS_OK;
}

static enum paa_status decode_secret(struct paa_op *op, const struct paa_bytes *parts,
                                     size_t part_count, void **ret_object, size_t *ret_weight)
{
    struct bearer_keys *keys;
    const char *why = "finds no memory";

    if (part_count != 1 || parts[0].size < BEARER_SECRET_MIN)
        return refuse(op, "the secret", "has fewer than 32 bytes, and could be guessed");
    keys = (struct bearer_keys *)calloc(1, sizeof *keys);
    if (keys == NULL || !jwk_of_secret(parts[0], &keys->secret, &why)) {
        free(keys);
        return refuse(op, "the secret", why);
    }
    *ret_object = keys;
    *ret_weight = sizeof *keys + parts[0].size;
    return PAA_STATUS_OK;
}

/* ---- fetching ----------------------------------------------------------------------------------- */

struct run { /* state of a producer */
    const struct bearer_issuer *issuer;
    bool is_waited_for; /* by requests for which an older set would do */
};

static const struct bearer_issuer *issuer_named(struct paa_op *op, struct paa_bytes name)
{
    const struct bearer *self = bearer_of(op);
    struct paa_str text = paa_str_of_n((const char *)name.data, name.size);

    for (size_t i = 0; i < self->issuer_count; i++)
        if (str_eq(self->issuers[i].rules.issuer, text))
            return &self->issuers[i];
    return NULL;
}

static int64_t soft_life_s(const struct paa_http_response *response, int64_t now_s)
{
    int64_t life_s = response_lifetime_s(response, now_s);

    if (life_s < 0)
        return KEYS_SOFT_DEFAULT_S;
    if (life_s < KEYS_SOFT_MIN_S)
        return KEYS_SOFT_MIN_S;
    return life_s < KEYS_SOFT_MAX_S ? life_s : KEYS_SOFT_MAX_S;
}

/* Bytes only: what does not decode to at least one usable key does not replace the set that is there. */
static enum paa_result publish(struct paa_op *op, const struct bearer_issuer *issuer,
                               const struct paa_http_response *response)
{
    int64_t now_s = op->host->clock->now_s(op), life_s = soft_life_s(response, now_s);
    struct paa_memo_product product;
    uint32_t chance = 0;

    (void)op->host->random->fill(op, &chance, sizeof chance);
    paa_init(&product, sizeof product);
    product.fresh_until_s = time_add(now_s, lifetime_early_s(life_s, chance));
    product.waits_from_s = time_add(now_s, life_s + KEYS_BEHIND_S);
    product.usable_until_s = time_add(time_add(now_s, life_s), issuer->outage_s);
    product.bytes = response->body;
    op->host->memo->product(op, &product);
    return PAA_DONE;
}

static enum paa_result on_set(struct paa_op *op, enum paa_status status,
                              const struct paa_http_response *response, void *context)
{
    const struct run *run = (const struct run *)context;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "keys", STR_NONE);
    if (response->retry_after_s > 0)
        op->host->outcome->retry_after(op, (int64_t)response->retry_after_s * 1000);
    if (response->code != 200)
        return paa_fail(op, PAA_UNAVAILABLE, "keys",
                        "the issuer answered the request for its keys with %u, not 200",
                        (unsigned)response->code);
    if (!response_is_json(response))
        return paa_fail(op, PAA_UNAVAILABLE, "keys",
                        "what came from the issuer's jwks_uri is not application/json or "
                        "application/jwk-set+json");
    return publish(op, run->issuer, response);
}

static enum paa_result fetch(struct paa_op *op, struct paa_str url, uint32_t flags, struct run *run)
{
    static const struct paa_field accept = { { "Accept", 6 },
                                             { "application/jwk-set+json, application/json", 42 } };
    struct paa_http_request request;

    paa_init(&request, sizeof request);
    request.url = url;
    request.flags = flags;
    request.headers = &accept;
    request.header_count = 1;
    request.tls = run->issuer->tls;
    request.response_limit = JWK_SET_TEXT_MAX;
    request.timeout_ms = run->is_waited_for ? KEYS_WAIT_MS : 0;
    request.named_by = run->issuer->rules.issuer;
    return op->host->http->fetch(op, &request, on_set, run);
}

static enum paa_result on_metadata(struct paa_op *op, enum paa_status status,
                                   const struct paa_memo_value *value, void *context)
{
    const struct oauth_metadata *metadata;
    struct paa_str url;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "metadata", STR_NONE);
    metadata = (const struct oauth_metadata *)value->object;
    url = oauth_endpoint_of(metadata, OAUTH_JWKS, false);
    if (url.data == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "metadata",
                        "the issuer's metadata names no jwks_uri; give the option jwks_uri");
    return fetch(op, url, PAA_HTTP_FOREIGN_URL, (struct run *)context);
}

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *asked)
{
    struct run *run = (struct run *)op->state;
    struct paa_memo_query query;

    run->is_waited_for =
        asked->previous.data != NULL && (asked->flags & (uint32_t)PAA_RUN_BACKGROUND) == 0;
    run->issuer = issuer_named(op, asked->key);
    if (run->issuer == NULL)
        return paa_fail(op, PAA_REJECT, "keys", "the policy names no such issuer any more");
    if (run->issuer->jwks_uri.data != NULL)
        return fetch(op, run->issuer->jwks_uri, 0, run);
    paa_init(&query, sizeof query);
    query.key = asked->key;
    return op->host->memo->get(op, bearer_of(op)->metadata, &query, on_metadata, run);
}

/* The key may be an issuer that the instance only sends to: then it has no group. */
static enum paa_result produce_metadata(struct paa_op *op, const struct paa_memo_run *asked)
{
    const struct bearer_issuer *issuer = issuer_named(op, asked->key);

    return oauth_metadata_run(op, asked, issuer != NULL ? issuer->tls : NULL);
}

/* ---- memos -------------------------------------------------------------------------------------- */

void bearer_metadata_memo(struct paa_memo_def *ret_def)
{
    oauth_metadata_memo(ret_def);
    ret_def->name = "issuer-metadata";
    ret_def->produce = produce_metadata;
}

void bearer_keys_memo(struct paa_memo_def *ret_def)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->name = "keys";
    ret_def->flags = PAA_MEMO_SHARED; /* one fetch and one cool-down for all processes */
    ret_def->produce = produce;
    ret_def->decode = decode;
    ret_def->release = keys_release;
    ret_def->state_size = sizeof(struct run);
    ret_def->max_bytes = KEYS_MEMO_BYTES;
    ret_def->cooldown_ms = KEYS_COOLDOWN_MS;
    ret_def->format = 1;
}

void bearer_own_keys_memo(const char *name, const struct paa_source *source, bool is_secret,
                          struct paa_memo_def *ret_def)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->name = name;
    ret_def->source = source;
    ret_def->flags = is_secret ? PAA_MEMO_SECRET : 0;
    ret_def->decode = is_secret ? decode_secret : decode;
    ret_def->release = keys_release;
}

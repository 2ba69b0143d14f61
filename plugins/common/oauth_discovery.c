/* SPDX-License-Identifier: MIT */
/* The producer of a memo of metadata: asks where RFC 8414 says, then where OpenID Connect says. */
#include "oauth_metadata.h"

#include "lifetime.h"
#include "str.h"

enum { CODE_OK = 200, CODE_MISSING_FIRST = 400, CODE_MISSING_LAST = 499 };

struct run { /* op->state */
    struct paa_str issuer;
    const struct paa_tls *tls;
    enum oauth_well_known kind;
};

static enum paa_result on_response(struct paa_op *op, enum paa_status status,
                                   const struct paa_http_response *response, void *context);

static enum paa_result ask(struct paa_op *op, struct run *run)
{
    static const struct paa_field accept = { { "Accept", 6 }, { "application/json", 16 } };
    struct paa_http_request request;
    enum paa_result result;
    struct buf url;

    buf_init(&url, OAUTH_URL_MAX + 64);
    oauth_well_known_url(run->issuer, run->kind, &url);
    paa_init(&request, sizeof request);
    request.url = buf_str(&url);
    request.headers = &accept;
    request.header_count = 1;
    request.tls = run->tls;
    request.response_limit = OAUTH_DOCUMENT_MAX;
    result = url.failed ? paa_fail(op, PAA_UNAVAILABLE, "metadata", "no memory is left for its URL")
                        : op->host->http->fetch(op, &request, on_response, run);
    buf_free(&url);
    return result;
}

static int64_t fresh_for_s(struct paa_op *op)
{
    uint32_t chance = 0;

    (void)op->host->random->fill(op, &chance, sizeof chance);
    return lifetime_early_s(OAUTH_METADATA_FRESH_S, chance);
}

static enum paa_result keep(struct paa_op *op, const struct run *run, struct paa_bytes body)
{
    char why[OAUTH_WHY_SIZE];
    struct oauth_metadata *metadata = oauth_metadata_read(body, run->issuer, why);
    struct paa_memo_product product;
    int64_t now_s = op->host->clock->now_s(op);

    if (metadata == NULL)
        return paa_fail(op, PAA_UNAVAILABLE, "metadata", "the metadata of issuer %.*s %s",
                        STR_ARGS(run->issuer), why);
    oauth_metadata_free(metadata);
    paa_init(&product, sizeof product);
    product.bytes = body;
    product.fresh_until_s = now_s + fresh_for_s(op);
    product.usable_until_s = now_s + OAUTH_METADATA_USABLE_S;
    if (op->host->memo->product(op, &product) != PAA_STATUS_OK)
        return paa_fail(op, PAA_UNAVAILABLE, "metadata", "no memory is left for the metadata");
    return PAA_DONE;
}

/* Nobody's document: not there, or (RFC 8414 3.2) of another media type, as the page of a site that has one for every path. */
static bool is_missing(const struct paa_http_response *response)
{
    uint32_t code = response->code;

    if (code == CODE_OK)
        return !response_is_json(response);
    return code >= CODE_MISSING_FIRST && code <= CODE_MISSING_LAST && code != 408 && code != 429;
}

static enum paa_result on_response(struct paa_op *op, enum paa_status status,
                                   const struct paa_http_response *response, void *context)
{
    struct run *run = (struct run *)context;

    if (status != PAA_STATUS_OK)
        return op->host->fail(op, PAA_UNAVAILABLE, "metadata", STR_NONE);
    if (is_missing(response) && run->kind + 1 < OAUTH_WELL_KNOWN_COUNT) {
        run->kind++;
        return ask(op, run);
    }
    if (response->code == CODE_OK && !is_missing(response))
        return keep(op, run, response->body);
    if (response->retry_after_s > 0)
        (void)op->host->outcome->retry_after(op, (int64_t)response->retry_after_s * 1000);
    return paa_fail(op, PAA_UNAVAILABLE, "metadata",
                    "issuer %.*s answers HTTP %u%s where its metadata should be: is the option "
                    "\"issuer\" right? Endpoints may also be named in the policy",
                    STR_ARGS(run->issuer), (unsigned)response->code,
                    response->code == CODE_OK ? ", but no application/json," : "");
}

enum paa_result oauth_metadata_run(struct paa_op *op, const struct paa_memo_run *asked,
                                   const struct paa_tls *tls)
{
    struct run *run = (struct run *)op->state;

    run->issuer = paa_str_of_n((const char *)asked->key.data, asked->key.size);
    run->tls = tls;
    run->kind = OAUTH_WELL_KNOWN_OAUTH;
    return ask(op, run);
}

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *asked) PAA_NOEXCEPT
{
    return oauth_metadata_run(op, asked, NULL);
}

static enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts, size_t part_count,
                              void **ret_object, size_t *ret_weight) PAA_NOEXCEPT
{
    char why[OAUTH_WHY_SIZE];
    struct oauth_metadata *metadata =
        part_count == 1 ? oauth_metadata_read(parts[0], STR_NONE, why) : NULL;

    (void)op;
    if (metadata == NULL)
        return PAA_STATUS_UNAVAILABLE;
    *ret_object = metadata;
    *ret_weight = metadata->weight;
    return PAA_STATUS_OK;
}

static void release(void *object, const void *self) PAA_NOEXCEPT
{
    (void)self;
    oauth_metadata_free((struct oauth_metadata *)object);
}

void oauth_metadata_memo(struct paa_memo_def *ret_def)
{
    paa_init(ret_def, sizeof *ret_def);
    ret_def->name = "metadata";
    ret_def->produce = produce;
    ret_def->decode = decode;
    ret_def->release = release;
    ret_def->state_size = sizeof(struct run);
    ret_def->format = 1;
}

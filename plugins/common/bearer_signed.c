/* SPDX-License-Identifier: MIT */
/* See bearer_signed.h. */
#include "bearer_signed.h"

#include "bearer_inner.h"

struct checking {
    const struct bearer_issuer *issuer;
    bearer_signed_fn then;
    void *context;
    uint64_t keys_version;
    bool is_renewed;
    bool has_key;
    struct jwt jwt;
    struct jwt_scratch scratch; /* not the lane's: the trees are looked at after waits */
};

static enum paa_result end(struct paa_op *op, struct checking *checking, enum paa_result result)
{
    return checking->then(op, result, &checking->jwt, checking->context);
}

static enum paa_result on_keys(struct paa_op *op, enum paa_status status,
                               const struct paa_memo_value *value, void *context);

/* The issuer may have a new key. Once; the memo's cool-down bounds it. */
static enum paa_result renew(struct paa_op *op, struct checking *checking)
{
    struct paa_memo_query query;

    checking->is_renewed = true;
    paa_init(&query, sizeof query);
    query.key =
        paa_bytes_of(checking->issuer->rules.issuer.data, checking->issuer->rules.issuer.size);
    query.seen_version = checking->keys_version;
    return op->host->memo->renew(op, bearer_of(op)->keys, &query, on_keys, checking);
}

static enum paa_result check(struct paa_op *op, struct checking *checking,
                             const struct bearer_keys *keys)
{
    switch (bearer_signature(op, checking->issuer, keys, &checking->jwt)) {
    case BEARER_SIGNATURE_GOOD:
        return end(op, checking, PAA_DONE);
    case BEARER_SIGNATURE_BAD:
        checking->has_key = true;
        break;
    case BEARER_SIGNATURE_NO_KEY:
        break;
    case BEARER_SIGNATURE_FAULT:
    default:
        return end(op, checking,
                   paa_fail(op, PAA_FAULT, "libcrypto", "libcrypto could not verify a signature"));
    }
    if (checking->issuer->own == NULL && !checking->is_renewed)
        return renew(op, checking);
    return end(op, checking, bearer_signature_refuse(op, checking->has_key));
}

/* Once a set was held, whatever hinders a newer one, the answer is no. */
static enum paa_result on_keys(struct paa_op *op, enum paa_status status,
                               const struct paa_memo_value *value, void *context)
{
    struct checking *checking = (struct checking *)context;
    bool is_new = status == PAA_STATUS_OK && value->version != checking->keys_version;

    if (is_new) {
        checking->keys_version = value->version;
        return check(op, checking, (const struct bearer_keys *)value->object);
    }
    if (checking->is_renewed)
        return end(op, checking, bearer_signature_refuse(op, checking->has_key));
    return end(op, checking, op->host->fail(op, PAA_UNAVAILABLE, "keys", STR_NONE));
}

static struct jwt_finding read(struct paa_op *op, struct checking *checking, struct paa_str token)
{
    struct jwt_accept accept = { .algs = checking->issuer->algs };
    struct jwt_finding found;
    struct jwt_parts parts;
    void *memory;

    found = jwt_split(token, &parts);
    if (found.verdict != JWT_GOOD)
        return found;
    memory = op->host->alloc(op, jwt_memory(&parts));
    if (memory == NULL)
        return (struct jwt_finding){ JWT_TOO_LARGE, "token", JSON_READ };
    return jwt_read(&parts, memory, &checking->scratch, &accept, &checking->jwt);
}

enum paa_result bearer_signed(struct paa_op *op, const struct bearer_issuer *issuer,
                              struct paa_str token, bearer_signed_fn then, void *context)
{
    struct checking *checking = (struct checking *)op->host->alloc(op, sizeof *checking);
    struct paa_memo_query query;
    struct jwt_finding found;

    if (checking == NULL)
        return then(op, paa_fail(op, PAA_UNAVAILABLE, "memory", "no memory is left for a token"),
                    NULL, context);
    checking->issuer = issuer;
    checking->then = then;
    checking->context = context;
    found = read(op, checking, token);
    if (found.verdict != JWT_GOOD)
        return end(op, checking, bearer_reject(op, &found));
    paa_init(&query, sizeof query);
    if (issuer->own == NULL)
        query.key = paa_bytes_of(issuer->rules.issuer.data, issuer->rules.issuer.size);
    return op->host->memo->get(op, issuer->own != NULL ? issuer->own : bearer_of(op)->keys, &query,
                               on_keys, checking);
}

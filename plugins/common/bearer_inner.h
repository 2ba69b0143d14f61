/* SPDX-License-Identifier: MIT */
/* What the files of bearer.h share with each other and with nobody else. */
#ifndef COMMON_BEARER_INNER_H
#define COMMON_BEARER_INNER_H

#include "bearer.h"
#include "jwk.h"
#include "str.h"

struct bearer_keys {     /* an issuer's: object of the memo of keys, or of a file's or secret's */
    struct jwk_set *set; /* NULL: the secret */
    struct jwk secret;
};

struct bearer_seen { /* a token whose signature was good: object of the memo of seen ones */
    const struct bearer_issuer *issuer;
    uint64_t keys_version; /* under which */
    struct bearer_claims claims;
    char text[]; /* what claims show */
};

struct bearer_verdict { /* what an issuer said of a token: object of the memo of verdicts */
    bool is_active;
    struct bearer_claims claims;
    char text[];
};

static inline const struct bearer *bearer_of(struct paa_op *op)
{
    return (const struct bearer *)op->self;
}

static inline struct bearer_state *bearer_state_of(struct paa_op *op)
{
    return (struct bearer_state *)op->state;
}

static inline struct bearer_lane *bearer_lane_of(struct paa_op *op)
{
    return (struct bearer_lane *)op->lane;
}

/* ---- bearer.c ----------------------------------------------------------------------------------- */

/* REJECT, with the reason and sentence of what was found. */
enum paa_result bearer_reject(struct paa_op *op, const struct jwt_finding *found);
/* The keys of state->issuer, then on to what is to be done with them. */
enum paa_result bearer_ask_keys(struct paa_op *op, struct bearer_state *state);
/* state->claims can be trusted: are they right, now? Then who shows the token, and the end. */
enum paa_result bearer_judge(struct paa_op *op, struct bearer_state *state);

/* ---- bearer_token.c ----------------------------------------------------------------------------- */

/* A token that was not seen before: read and judged, then its keys are asked for. */
enum paa_result bearer_read(struct paa_op *op, struct bearer_state *state);
/* Its keys are there: the signature. */
enum paa_result bearer_check(struct paa_op *op, struct bearer_state *state);
void bearer_seen_release(void *object, const void *self);

enum bearer_signature {
    BEARER_SIGNATURE_GOOD = 1,
    BEARER_SIGNATURE_BAD,    /* some key fitted, but did not verify it */
    BEARER_SIGNATURE_NO_KEY, /* none fitted */
    BEARER_SIGNATURE_FAULT   /* libcrypto failed */
};
/* Under each key that may have signed it, JWK_TRIES_MAX at most. */
enum bearer_signature bearer_signature(struct paa_op *op, const struct bearer_issuer *issuer,
                                       const struct bearer_keys *keys, const struct jwt *jwt);
/* REJECT, with a sentence. */
enum paa_result bearer_signature_refuse(struct paa_op *op, bool has_key);

/* ---- bearer_keys.c ------------------------------------------------------------------------------ */

void bearer_keys_memo(struct paa_memo_def *ret_def);
void bearer_metadata_memo(struct paa_memo_def *ret_def);
/* name lives as long as the instance is made. */
void bearer_own_keys_memo(const char *name, const struct paa_source *source, bool is_secret,
                          struct paa_memo_def *ret_def);

/* ---- bearer_policy.c ---------------------------------------------------------------------------- */

/* create. The file or secret of an issuer whose algorithms are read: can it verify anything, as it is now? What cannot be
 * read now is not judged. */
enum paa_status bearer_check_keys(struct paa_op *op, const struct paa_options *options);

/* ---- bearer_introspect.c ------------------------------------------------------------------------ */

void bearer_verdicts_memo(struct paa_memo_def *ret_def);
/* NULL: ret_found says why. To be freed. */
struct bearer_verdict *bearer_verdict_read(struct paa_bytes bytes, size_t *ret_weight,
                                           struct jwt_finding *ret_found);
enum paa_result bearer_introspect(struct paa_op *op, struct bearer_state *state);

/* ---- bearer_bound.c, bearer_nonce.c ------------------------------------------------------------- */

/* Is the token bound to a key, and did whoever shows it prove that it has it? Then bearer_grant. */
enum paa_result bearer_bound(struct paa_op *op, struct bearer_state *state);

enum { BEARER_NONCE_SIZE = 32 }; /* characters */
enum bearer_nonce { BEARER_NONCE_GOOD = 1, BEARER_NONCE_OLD, BEARER_NONCE_BAD };

#define BEARER_NONCE_KEY "dpop_nonce_key"

/* False: libcrypto failed, or a key cannot be read. */
bool bearer_nonce_make(struct paa_op *op, char ret_nonce[BEARER_NONCE_SIZE]);
/* OLD: good, and a new one should go with the answer. */
enum bearer_nonce bearer_nonce_check(struct paa_op *op, struct paa_str nonce);

/* ---- bearer_grant.c ----------------------------------------------------------------------------- */

/* PAA_PRINCIPAL_USER, PAA_PRINCIPAL_MACHINE, or 0; while the tree of *jwt can be read. */
uint32_t bearer_kind_of(const struct jwt *jwt);
enum paa_result bearer_grant(struct paa_op *op, const struct bearer_state *state);

#endif

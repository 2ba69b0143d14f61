/* SPDX-License-Identifier: MIT */
/*
 * JSON Web Keys (RFC 7517): from JSON to keys that can verify, and back to JSON; thumbprints (RFC 7638). Knows
 * no token, no cache and no clock. May allocate: it runs where key sets are decoded, or once for a DPoP proof.
 *
 * Only what is in the key itself counts: x5c, x5t, x5u and jku are passed over. A key that is weak, private,
 * malformed or meant for something else is left out of its set, with a reason; a set without any key left is
 * an error.
 */
#ifndef COMMON_JWK_H
#define COMMON_JWK_H

#include "alg.h"
#include "buf.h"
#include "json_tree.h"

enum {
    JWK_SET_TEXT_MAX = 256 * 1024, /* bytes */
    JWK_SET_KEYS_MAX = 100,        /* usable ones of a set */
    JWK_KID_MAX = 512,             /* bytes */
    JWK_TRIES_MAX = 4,             /* keys that are tried for one token */
    JWK_RSA_BITS_MIN = 2048,
    JWK_RSA_BITS_MAX = 8192,
    JWK_SECRET_MAX = 1024, /* bytes */
    JWK_THUMBPRINT_SIZE = 32
};

enum {                             /* what jwk_set_read and jwk_read take besides public keys */
       JWK_TAKES_SECRETS = 1u << 0 /* kty oct, from the operator's own file only */
};

struct evp_pkey_st; /* libcrypto's EVP_PKEY */

struct jwk { /* read-only, and shared by threads, once it was made */
    enum jose_key type;
    uint32_t algs;           /* set of ALG_BIT: what it may verify, by its type and its own "alg" */
    struct evp_pkey_st *key; /* NULL for KEY_SECRET */
    struct paa_bytes secret; /* for KEY_SECRET, in memory of secret.h */
    struct paa_str kid;      /* absent: it has none */
    struct paa_str issuer;   /* absent: any. May hold "{tenantid}" */
    unsigned char thumbprint[JWK_THUMBPRINT_SIZE]; /* zero for KEY_SECRET */
};

/* What became of one key, told as a set is read. why: NULL if it is used, else the end of a sentence:
 * "is shorter than 2048 bits". */
typedef void (*jwk_told_fn)(size_t index, struct paa_str kid, const char *why, void *context);

struct jwk_set {
    struct jwk *keys;
    size_t count;
    size_t bytes; /* what it occupies, roughly: a memo's weight */
};

/* NULL: *ret_why says so, as the end of a sentence. told may be NULL. Free it with jwk_set_free; nothing
 * of text is used afterwards. */
struct jwk_set *jwk_set_read(struct paa_bytes text, uint32_t flags, jwk_told_fn told, void *context,
                             const char **ret_why);
void jwk_set_free(struct jwk_set *set); /* NULL is fine */

/* One key that stands somewhere in a document (a DPoP proof's header). False: *ret_why as above. kid and
 * issuer are views of the tree. Free it with jwk_done. */
bool jwk_read(const struct json_tree *tree, uint32_t object, uint32_t flags, struct jwk *ret_key,
              const char **ret_why);
/* From SubjectPublicKeyInfo, DER: the public half of a key that signs. */
bool jwk_of_spki(struct paa_bytes der, struct jwk *ret_key, const char **ret_why);
/* A secret from the policy, for HS*; its bytes are copied. */
bool jwk_of_secret(struct paa_bytes secret, struct jwk *ret_key, const char **ret_why);
void jwk_done(struct jwk *key);

/* The members RFC 7638 asks for and no others, in its order: {"crv":…,"kty":"EC","x":…,"y":…}. For the header of a DPoP
 * proof, and what thumbprints digest. False: a secret has none, or libcrypto failed. */
bool jwk_write(const struct jwk *key, struct buf *buf);

/* The keys that may have signed a token, in turn: its kid (absent: any) and alg fit, and the key's own
 * issuer, if it has one, is `issuer`. *at starts at 0. NULL: no more, or JWK_TRIES_MAX were given. */
struct jwk_query {
    struct paa_str kid;
    struct paa_str issuer;
    enum jose_alg alg;
    size_t at;    /* jwk_set_next's own, zero at first */
    size_t tries; /* likewise */
};
const struct jwk *jwk_set_next(const struct jwk_set *set, struct jwk_query *query);
/* Has the set any key of that kid? If not, a newer set may. */
bool jwk_set_has_kid(const struct jwk_set *set, struct paa_str kid);

#endif

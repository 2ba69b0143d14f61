/* SPDX-License-Identifier: MIT */
/*
 * The signature algorithms of JOSE (RFC 7518 3.1, RFC 8037, RFC 9864) and what each asks of its key, as a
 * table. Knows no key and no libcrypto. "none" is not among them, in any case of letters.
 */
#ifndef COMMON_ALG_H
#define COMMON_ALG_H

#include <paa/types.h>
#include <stdbool.h>

enum jose_alg {
    ALG_RS256 = 1,
    ALG_RS384,
    ALG_RS512,
    ALG_PS256,
    ALG_PS384,
    ALG_PS512,
    ALG_ES256,
    ALG_ES384,
    ALG_ES512,
    ALG_ED25519, /* "Ed25519", and "EdDSA" as it was called before RFC 9864 */
    ALG_HS256,
    ALG_HS384,
    ALG_HS512,
    ALG_END
};

enum jose_key { /* a key's type, and curve if that has several */
                KEY_RSA = 1,
                KEY_P256,
                KEY_P384,
                KEY_P521,
                KEY_ED25519,
                KEY_SECRET /* oct */
};

enum alg_family { FAMILY_PKCS1 = 1, FAMILY_PSS, FAMILY_ECDSA, FAMILY_EDDSA, FAMILY_HMAC };

struct alg_row {
    struct paa_str name;
    enum jose_key key;
    enum alg_family family;
    uint32_t hash_size; /* bytes; 0: its own */
};

#define ALG_BIT(alg) (1u << (alg))
/* Sets of algorithms: what public keys verify; the default of whoever names none. */
#define ALGS_PUBLIC (((1u << ALG_HS256) - 1) & ~1u)
#define ALGS_SECRET (ALG_BIT(ALG_HS256) | ALG_BIT(ALG_HS384) | ALG_BIT(ALG_HS512))

/* Names compare with case (RFC 7515 4.1.1). 0: unknown, "none" too. */
enum jose_alg alg_of(struct paa_str name);
const struct alg_row *alg_row(enum jose_alg alg);
/* The set of those that a key of that type can verify. */
uint32_t algs_of_key(enum jose_key key);

#endif

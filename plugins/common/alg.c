/* SPDX-License-Identifier: MIT */
/* alg.h's table. */
#include "alg.h"

#include "str.h"

enum { SHA256_SIZE = 32, SHA384_SIZE = 48, SHA512_SIZE = 64 };

static const struct alg_row rows[ALG_END] = {
    [ALG_RS256] = { { "RS256", 5 }, KEY_RSA, FAMILY_PKCS1, SHA256_SIZE },
    [ALG_RS384] = { { "RS384", 5 }, KEY_RSA, FAMILY_PKCS1, SHA384_SIZE },
    [ALG_RS512] = { { "RS512", 5 }, KEY_RSA, FAMILY_PKCS1, SHA512_SIZE },
    [ALG_PS256] = { { "PS256", 5 }, KEY_RSA, FAMILY_PSS, SHA256_SIZE },
    [ALG_PS384] = { { "PS384", 5 }, KEY_RSA, FAMILY_PSS, SHA384_SIZE },
    [ALG_PS512] = { { "PS512", 5 }, KEY_RSA, FAMILY_PSS, SHA512_SIZE },
    [ALG_ES256] = { { "ES256", 5 }, KEY_P256, FAMILY_ECDSA, SHA256_SIZE },
    [ALG_ES384] = { { "ES384", 5 }, KEY_P384, FAMILY_ECDSA, SHA384_SIZE },
    [ALG_ES512] = { { "ES512", 5 }, KEY_P521, FAMILY_ECDSA, SHA512_SIZE },
    [ALG_ED25519] = { { "Ed25519", 7 }, KEY_ED25519, FAMILY_EDDSA, 0 },
    [ALG_HS256] = { { "HS256", 5 }, KEY_SECRET, FAMILY_HMAC, SHA256_SIZE },
    [ALG_HS384] = { { "HS384", 5 }, KEY_SECRET, FAMILY_HMAC, SHA384_SIZE },
    [ALG_HS512] = { { "HS512", 5 }, KEY_SECRET, FAMILY_HMAC, SHA512_SIZE },
};

enum jose_alg alg_of(struct paa_str name)
{
    for (unsigned i = 1; i < ALG_END; i++)
        if (str_eq(rows[i].name, name))
            return (enum jose_alg)i;
    return paa_str_eq(name, "EdDSA") ? ALG_ED25519 : (enum jose_alg)0;
}

const struct alg_row *alg_row(enum jose_alg alg)
{
    return &rows[alg];
}

uint32_t algs_of_key(enum jose_key key)
{
    uint32_t algs = 0;

    for (unsigned i = 1; i < ALG_END; i++)
        if (rows[i].key == key)
            algs |= ALG_BIT(i);
    return algs;
}

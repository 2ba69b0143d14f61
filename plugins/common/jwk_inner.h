/* SPDX-License-Identifier: MIT */
/* What the files of jwk.h share with each other and with nobody else. */
#ifndef COMMON_JWK_INNER_H
#define COMMON_JWK_INNER_H

#include "jwk.h"

enum { JWK_CURVES = 3 };

struct curve_row {
    struct paa_str name; /* RFC 7518 6.2.1.1 */
    const char *group;   /* libcrypto's */
    enum jose_key type;
    size_t size; /* bytes of a coordinate */
};

extern const struct curve_row jwk_curves[JWK_CURVES];

/* Fills the thumbprint of a key that is whole otherwise. */
bool jwk_print(struct jwk *key);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of jwt.h share with each other and with nobody else. */
#ifndef COMMON_JWT_INNER_H
#define COMMON_JWT_INNER_H

#include "jwt.h"

#include "str.h"

static inline struct jwt_finding jwt_found(enum jwt_verdict verdict, const char *name)
{
    return (struct jwt_finding){ .verdict = verdict, .name = name };
}

/* A string that is not empty, without control characters, which only an escape can have put there. */
bool jwt_text(const struct json_tree *tree, uint32_t node, struct paa_str *ret_text);

/* The claims of jwt->payload into jwt->texts and the rest. lists: memory for joined arrays, as large as the
 * payload. */
/* is_told: an issuer says so of a token, and nobody signed it: what is null or empty is not there, and a confirmation that
 * cannot be read is one that cannot be checked. */
struct jwt_finding jwt_claims_read(struct jwt *jwt, bool is_told, char *lists);

#endif

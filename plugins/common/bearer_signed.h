/* SPDX-License-Identifier: MIT */
/*
 * Signed statements of an issuer beside access tokens: ID tokens, logout tokens. Their signature is verified as an access
 * token's is, with the keys that bearer.h keeps; what they say is the caller's to judge.
 */
#ifndef COMMON_BEARER_SIGNED_H
#define COMMON_BEARER_SIGNED_H

#include "bearer.h"

/* DONE: the issuer signed it; nothing is judged but its form. Else fail was called, and this is what it returned. jwt and its
 * trees live until the operation ends. */
typedef enum paa_result (*bearer_signed_fn)(struct paa_op *op, enum paa_result result,
                                            const struct jwt *jwt, void *context) PAA_NOEXCEPT;

/* Waiting, or its result. token lives until the operation ends. */
enum paa_result bearer_signed(struct paa_op *op, const struct bearer_issuer *issuer,
                              struct paa_str token, bearer_signed_fn then, void *context);

#endif

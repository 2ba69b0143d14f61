/* SPDX-License-Identifier: MIT */
/* What the files of chain.h share. */
#ifndef MTLS_CHAIN_INNER_H
#define MTLS_CHAIN_INNER_H

#include "certificate.h"
#include "chain.h"

static inline struct chain_finding chain_good(void)
{
    return (struct chain_finding){ .verdict = CHAIN_GOOD };
}

PAA_PRINTF(3, 4)
struct chain_finding chain_say(enum chain_verdict verdict, const char *reason, const char *format,
                               ...);

/* ---- chain_errors.c ----------------------------------------------------------------------------- */

/* What X509_verify_cert said, of which certificate. */
struct chain_finding chain_error(X509_STORE_CTX *context);

/* ---- chain_revoked.c ---------------------------------------------------------------------------- */

/* Every certificate of the chain but the anchor. */
struct chain_finding chain_check_revoked(const struct chain_input *input,
                                         struct chain_result *result);

#endif

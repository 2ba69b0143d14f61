/* SPDX-License-Identifier: MIT */
/* What the files of cert_chain.h share. */
#ifndef MTLS_CERT_CHAIN_INNER_H
#define MTLS_CERT_CHAIN_INNER_H

#include "cert_chain.h"
#include "certificate.h"

static inline struct cert_chain_finding cert_chain_good(void)
{
    return (struct cert_chain_finding){ .verdict = CERT_CHAIN_GOOD };
}

PAA_PRINTF(3, 4)
struct cert_chain_finding cert_chain_say(enum cert_chain_verdict verdict, const char *reason,
                                         const char *format, ...);

/* ---- cert_chain_errors.c ------------------------------------------------------------------------ */

/* What X509_verify_cert said, of which certificate. */
struct cert_chain_finding cert_chain_error(X509_STORE_CTX *context);

/* ---- cert_chain_revoked.c ----------------------------------------------------------------------- */

/* Every certificate of the chain but the anchor. */
struct cert_chain_finding cert_chain_check_revoked(const struct cert_chain_input *input,
                                                   struct cert_chain_result *result);

#endif

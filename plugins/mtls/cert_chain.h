/* SPDX-License-Identifier: MIT */
/*
 * The judge of presented certificates: form, strength, chain (RFC 5280 6, by libcrypto), pins, revocation. Pure: anchors,
 * lists and time come in. Who it is, is identity.h's.
 *
 * Cheap checks come first, so that nobody makes us compute: number and size, then form, then the strength of each key,
 * then signatures.
 */
#ifndef MTLS_CERT_CHAIN_H
#define MTLS_CERT_CHAIN_H

#include "anchors.h"
#include "crl.h"
#include "ocsp.h"
#include "pin.h"
#include "presented.h"

enum { CERT_CHAIN_SENTENCE_SIZE = 480, CERT_CHAIN_CRL_SETS_MAX = 5, CERT_CHAIN_DEPTH_DEFAULT = 4 };

enum cert_chain_verdict {
    CERT_CHAIN_GOOD = 1,
    CERT_CHAIN_REFUSED,
    CERT_CHAIN_UNKNOWN, /* whether it is revoked could not be found out */
    CERT_CHAIN_FAULT    /* libcrypto or memory */
};

struct cert_chain_finding { /* reason and sentence: set unless GOOD */
    enum cert_chain_verdict verdict;
    const char *reason;
    char sentence[CERT_CHAIN_SENTENCE_SIZE];
};

enum revocation { REVOCATION_OFF, REVOCATION_SOFT, REVOCATION_HARD };

struct cert_chain_rules {
    const struct pin *pins;
    size_t pin_count;
    int depth; /* intermediates */
    enum revocation revocation;
    bool asks_responder;     /* about the leaf, once the chain is good */
    struct paa_str ocsp_url; /* absent: the one that the certificate names */
};

struct cert_chain_input {
    const struct cert_chain_rules *rules;
    const struct anchors *anchors;       /* NULL: the pins alone vouch for the leaf */
    const struct anchors *intermediates; /* of the policy's; or NULL */
    const struct crl_set *crls[CERT_CHAIN_CRL_SETS_MAX];
    size_t crl_count;
    int64_t now_s;
};

struct cert_chain_result { /* cert_chain_done frees it */
    X509 *leaf;
    STACK_OF(X509) *
        certificates;           /* as verified: leaf first, the anchor last; NULL without anchors */
    struct pin_subject digests; /* of the leaf */
    enum pin_kind pinned;       /* by what the first pin that fits names it; 0: there are none */
    int64_t not_before_s;       /* the latest of the chain */
    int64_t not_after_s;        /* the earliest */
    struct ocsp_question question; /* if a responder is to be asked */
    int64_t lists_until_s;         /* the earliest nextUpdate that counted; INT64_MAX: none did */
};

struct cert_chain_finding cert_chain_verify(const struct presented *presented,
                                            const struct cert_chain_input *input,
                                            struct cert_chain_result *ret_result);
void cert_chain_done(struct cert_chain_result *result);

/* REFUSED, with printf's format; for identity.h too. */
PAA_PRINTF(2, 3)
struct cert_chain_finding cert_chain_refuse(const char *reason, const char *format, ...);

#endif

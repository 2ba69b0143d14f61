/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of presented certificates: who it is and until when, or why it is refused; and under which versions of
 * anchors and lists that was found. One piece of memory, shared by the memos of what was presented and the connections that
 * presented it.
 */
#ifndef MTLS_VERDICT_H
#define MTLS_VERDICT_H

#include "identity.h"

#include <stdatomic.h>

enum { INPUTS_MAX = 2 + CERT_CHAIN_CRL_SETS_MAX }; /* anchors, intermediates, lists */

#define NEVER_S INT64_MIN

struct verdict {
    _Atomic uint32_t holders;
    _Atomic int64_t looked_s;      /* when its versions were those in force; or NEVER_S */
    uint64_t versions[INPUTS_MAX]; /* of what it was judged with */
    const char *refusal;           /* the reason; NULL: good */
    struct paa_str sentence;       /* with it; then nothing is set below but not_after_s and size */
    int64_t not_before_s;
    int64_t not_after_s;
    int64_t lists_until_s;
    struct paa_str subject;
    struct paa_str issuer; /* absent: the instance */
    struct paa_str serial;
    struct paa_str fingerprint; /* SHA-256, hexadecimal */
    struct paa_str cnf;         /* RFC 8705 3.1, JSON */
    struct paa_bytes leaf;
    struct paa_bytes question; /* to a responder; absent: none is asked */
    size_t size;               /* of all */
    char text[];
};

/* Held once, by the caller. NULL: no memory. */
struct verdict *verdict_new(const struct cert_chain_result *chain, const struct identified *who,
                            struct paa_bytes leaf, const uint64_t versions[INPUTS_MAX]);
/* Of a refusal, which counts until then. */
struct verdict *verdict_of_refusal(const struct cert_chain_finding *finding,
                                   const uint64_t versions[INPUTS_MAX], int64_t until_s);
struct verdict *verdict_hold(const struct verdict *verdict);
/* NULL is fine. */
void verdict_release(const struct verdict *verdict);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Revocation lists (RFC 5280 5): of each the serials, sorted, and what is needed to check its signature once an issuer is
 * known. A list of 100,000 entries takes about 30 bytes an entry more than its DER.
 *
 * Taken are full lists of one issuer. Delta, indirect and partitioned ones are refused when they are read: what they leave
 * out would pass for good.
 */
#ifndef MTLS_CRL_H
#define MTLS_CRL_H

#include <openssl/x509.h>
#include <paa/types.h>
#include <stdbool.h>

enum { CRL_WHY_SIZE = 256 };

struct crl_set;

/* PEM or DER; each part holds one list or more. NULL: why says what is wrong. */
struct crl_set *crl_set_read(const struct paa_bytes *parts, size_t part_count, const char *what,
                             char ret_why[CRL_WHY_SIZE]);
void crl_set_free(struct crl_set *set);
size_t crl_set_bytes(const struct crl_set *set);
size_t crl_set_entries(const struct crl_set *set);
/* The earliest nextUpdate of its lists. */
int64_t crl_set_until_s(const struct crl_set *set);

/* May a set that was fetched take the place of the previous one (NULL: there is none)? Anybody on the way can have written
 * it: where the issuer of a list is known, it must have signed it, and none of its lists may be left out, or come back older
 * than the one that is there. NULL: yes; else what is wrong with it, as half a sentence. */
const char *crl_set_may_replace(const struct crl_set *set, const struct crl_set *previous,
                                const STACK_OF(X509) *const *known, size_t known_count);

enum crl_answer {
    CRL_GOOD = 1,
    CRL_REVOKED,
    CRL_NONE, /* no list of that issuer with its signature */
    CRL_OLD /* there is one, it does not name the certificate, and its time is over or has not come */
};

struct crl_said {
    enum crl_answer answer;
    int64_t until_s; /* of the list that answered */
    const char *why; /* with NONE: half a sentence, or NULL */
};

/* What the newest of the lists of all sets says. sets may hold NULL. Pure but that a list remembers under which key its
 * signature was found good. */
struct crl_said crl_ask(const struct crl_set *const *sets, size_t set_count,
                        const X509 *certificate, X509 *issuer, int64_t now_s);

#endif

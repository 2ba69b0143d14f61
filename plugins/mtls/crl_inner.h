/* SPDX-License-Identifier: MIT */
/* What crl_read.c and crl_ask.c share. */
#ifndef MTLS_CRL_INNER_H
#define MTLS_CRL_INNER_H

#include "crl.h"

#include <stdatomic.h>

enum {
    CRL_SERIAL_MAX = 20, /* RFC 5280 4.1.2.2 */
    CRL_SERIAL_NEGATIVE = 0x80,
    CRL_PART_MAX = 64 * 1024 * 1024,
    CRL_DIGEST_SIZE = 32
};

enum { CRL_COVERS_USERS = 1u << 0, CRL_COVERS_CAS = 1u << 1 };

struct crl_serial { /* compared as bytes */
    unsigned char size;
    unsigned char bytes[CRL_SERIAL_MAX];
};

enum { CRL_UNPROVEN, CRL_PROVING, CRL_PROVEN };

struct crl_list {
    X509_CRL *crl; /* without entries */
    int64_t this_s;
    int64_t next_s;
    uint32_t covers;
    _Atomic uint32_t proven; /* CRL_PROVEN: key is set, and stays */
    unsigned char
        key[CRL_DIGEST_SIZE]; /* SHA-256 of the one that its signature was found good under */
    size_t count;
    struct crl_serial *serials;
};

struct crl_set {
    struct crl_list *lists;
    size_t count;
    size_t bytes;
};

/* Computed once per key. Any thread. */
bool crl_is_signed_by(struct crl_list *list, X509 *issuer);
/* False: over 20 bytes, which no entry has. */
bool crl_serial_of(const ASN1_INTEGER *serial, struct crl_serial *ret_serial);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The certificates that a client showed, whoever passed them on: one structure for the host's TLS and for each field
 * that a proxy writes. DER, leaf first; nothing of it is believed yet.
 *
 * Readers of fields are pure. They say NULL, or in half a sentence what is wrong ("holds …"), and put what they decode
 * into memory of the caller's.
 */
#ifndef MTLS_PRESENTED_H
#define MTLS_PRESENTED_H

#include <paa/types.h>
#include <stdbool.h>

enum {
    PRESENTED_MAX = 10,             /* certificates */
    PRESENTED_DER_MAX = 16 * 1024,  /* bytes of one */
    PRESENTED_BYTES_MAX = 64 * 1024 /* of all */
};

struct presented {
    struct paa_bytes der[PRESENTED_MAX];
    size_t count;
    size_t bytes;
};

/* NULL, or why it is too much. */
const char *presented_add(struct presented *presented, struct paa_bytes der);

/* How much memory the readers below need for fields of that many bytes. */
#define PRESENTED_MEMORY(size) (3 * (size) + 1)

/* PEM: certificates and blank lines, nothing else. They follow what is in *presented. memory: text.size bytes. */
const char *pem_read(struct paa_str text, unsigned char *memory, struct presented *presented);
/* Percent-encoded PEM, as nginx's $ssl_client_escaped_cert. */
const char *pem_field_read(struct paa_str value, unsigned char *memory,
                           struct presented *presented);
/* Client-Cert and Client-Cert-Chain (RFC 9440); chain absent: none came. */
const char *client_cert_read(struct paa_str cert, struct paa_str chain, unsigned char *memory,
                             struct presented *presented);
/* X-Forwarded-Client-Cert, as Envoy writes it: Cert and Chain of the last element, which is the one that the nearest
 * proxy wrote. */
const char *xfcc_read(struct paa_str value, unsigned char *memory, struct presented *presented);

#endif

/* SPDX-License-Identifier: MIT */
/* Certificates out of PEM text (RFC 7468). Pure. What else the text holds, keys for one, is
 * passed over. */
#ifndef PAACTL_PEM_H
#define PAACTL_PEM_H

#include "buf.h"

enum {
    PEM_TEXT_MAX = 1024 * 1024,
    PEM_CERTS_MAX = 16 /* more the core would refuse */
};

struct pem_certs { /* DER, in order of appearance */
    struct buf der;
    struct paa_bytes items[PEM_CERTS_MAX]; /* after pem_read: views of der */
    size_t count;
    size_t ends[PEM_CERTS_MAX];
};

void pem_init(struct pem_certs *certs);
void pem_free(struct pem_certs *certs);
/* Adds those of text. NULL: fine; else what is wrong with it. */
const char *pem_read(struct pem_certs *certs, struct paa_str text);

#endif

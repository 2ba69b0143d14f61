/* SPDX-License-Identifier: MIT */
/* A set of certificates of the operator's, from PEM files: anchors, or intermediates. Read-only once read. */
#ifndef MTLS_ANCHORS_H
#define MTLS_ANCHORS_H

#include <openssl/x509.h>
#include <paa/types.h>

enum { ANCHORS_WHY_SIZE = 256 };

struct anchors {
    X509_STORE *store; /* of anchors */
    STACK_OF(X509) * certificates;
    size_t weak;  /* that were left out: their keys could be forged */
    size_t links; /* that another one signed: chains may lead through them */
    size_t slow;  /* whose signatures take long to verify */
    size_t bytes;
};

/* Of all PEM blocks; each part must hold a certificate. NULL: why says in a sentence what is wrong, about "the file" that
 * `what` names. */
struct anchors *anchors_read(const struct paa_bytes *parts, size_t part_count, const char *what,
                             char ret_why[ANCHORS_WHY_SIZE]);
void anchors_free(struct anchors *anchors);

#endif

/* SPDX-License-Identifier: MIT */
/* SPIFFE IDs (SPIFFE-ID 2): "spiffe://trust-domain/path". Pure. */
#ifndef MTLS_SPIFFE_H
#define MTLS_SPIFFE_H

#include <paa/types.h>
#include <stdbool.h>

enum { SPIFFE_ID_MAX = 2048, SPIFFE_DOMAIN_MAX = 255 };

struct spiffe_id { /* views */
    struct paa_str domain;
    struct paa_str path; /* with its "/"; empty: the trust domain itself */
};

/* NULL, or what is wrong. */
const char *spiffe_parse(struct paa_str text, struct spiffe_id *ret_id);
/* Letters, digits, ".", "-" and "_"; small letters only. */
bool spiffe_is_domain(struct paa_str text);

#endif

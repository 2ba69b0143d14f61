/* SPDX-License-Identifier: MIT */
/* CAs of the policy as a host is handed them: one PEM text, read and judged when the policy is opened and again when the
 * files change. Knows no policy syntax. */
#ifndef SERVICES_CA_BUNDLE_H
#define SERVICES_CA_BUNDLE_H

#include "pins.h"
#include "sources.h"

struct ca_bundle {
    struct paa_str pem; /* the certificates of all files, and nothing else of them */
    uint64_t id;        /* of pem: the first 64 bits of a SHA-256 */
};

/* A source whose object is a struct ca_bundle. NULL as source_open; files without a certificate count as ones that cannot
 * be read. */
struct paa_source *ca_bundle_open(struct sources *sources, const struct source_spec *spec,
                                  struct paa_error *error);
/* As it is now, pinned until pins are released. NULL: never readable, or no memory. */
const struct ca_bundle *ca_bundle_pin(struct pins *pins, const struct paa_source *source);

#endif

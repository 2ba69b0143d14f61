/* SPDX-License-Identifier: MIT */
/*
 * The metadata of a service as a protected resource (RFC 9728): what its policy says, made ready, and the document that
 * comes of it with what its instances say. described.c asks these, serve.c answers requests for it.
 */
#ifndef ENGINE_METADATA_H
#define ENGINE_METADATA_H

#include "engine.h"

enum {
    METADATA_BYTES_MAX = 16 * 1024, /* of what one instance adds */
    METADATA_MEMBERS_MAX = 64,      /* likewise */
    METADATA_FRESH_S = 300 /* it is asked again after that; clients may keep the document as long */
};

struct metadata_pair { /* one member */
    struct paa_str name;
    struct paa_str json;
};

struct metadata {              /* of one service in one generation */
    struct metadata_pair *own; /* what the policy says, but for `resource` */
    uint32_t own_count;
    struct paa_str *resources; /* by origin */
    struct paa_str *urls;      /* by origin: where the document is */
    struct paa_str path;       /* of these */
    struct instance **tellers; /* instances that have something to add */
    uint32_t teller_count;
};

/* Of a service whose policy wants one. NULL: no memory. */
struct metadata *metadata_make(struct generation *generation, const struct service_conf *conf,
                               struct instance *const *instances, size_t count);
/* The document for one of the service's origins. told: by teller, what described.c gives; absent: nothing. Arrays of one
 * name are joined, of other values the first counts, but true before false. Absent: no memory. */
struct paa_str metadata_document(const struct metadata *metadata, uint32_t origin,
                                 const struct paa_bytes *told, struct arena *arena);

#endif

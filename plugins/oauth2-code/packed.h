/* SPDX-License-Identifier: MIT */
/* Numbers and texts one behind the other, as bytes that are sealed: written into memory of a fixed size, read back
 * strictly. Pure. Whoever reads checks once, at the end. */
#ifndef OAUTH2_CODE_PACKED_H
#define OAUTH2_CODE_PACKED_H

#include <paa/types.h>
#include <stdbool.h>

struct packer {
    unsigned char *bytes;
    size_t size; /* so far */
    size_t max;
    bool failed; /* no room */
};

void pack_bytes(struct packer *packer, const void *data, size_t size);
void pack_int(struct packer *packer, int64_t value);
void pack_str(struct packer *packer,
              struct paa_str text); /* at most 65534 bytes; absent stays absent */

struct unpacker {
    struct paa_bytes rest;
    bool failed; /* it ended too early */
};

void unpack_bytes(struct unpacker *unpacker, void *ret_data, size_t size);
int64_t unpack_int(struct unpacker *unpacker);
struct paa_str unpack_str(struct unpacker *unpacker); /* a view */
/* All was there, and nothing is left. */
bool unpack_end(const struct unpacker *unpacker);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A SHARED memo's record as it lies in the store: the value, when it is what, and what all processes must know of the
 * key besides (cool-downs, the back-off). Times are the wall clock's, since no other one is shared. Pure.
 */
#ifndef SERVICES_MEMO_RECORD_H
#define SERVICES_MEMO_RECORD_H

#include <paa/types.h>
#include <stdbool.h>

enum {
    MEMO_RECORD_HEAD = 100,
    MEMO_RECORD_HAS_BYTES = 1u << 0,
    MEMO_RECORD_DROPPED = 1u << 1 /* the bytes, if any, are for the producer only */
};

struct memo_record {
    uint32_t flags;
    uint32_t format;  /* of the bytes: the plugin's word */
    uint64_t version; /* of the value, as plugins see it */
    int64_t made_s;
    int64_t fresh_s;
    int64_t waits_s;
    int64_t usable_s;
    int64_t keep_s;
    int64_t forced_ms; /* ends of the cool-downs and of the back-off, as in struct memo_entry */
    int64_t dropped_ms;
    int64_t retry_ms;
    uint32_t failures;
    struct paa_bytes key;   /* whole: the store's key is its hash */
    struct paa_bytes bytes; /* absent unless HAS_BYTES */
};

size_t memo_record_size(const struct memo_record *record);
/* Writes that many bytes. */
void memo_record_write(const struct memo_record *record, unsigned char *ret_bytes);
/* Views into bytes. False: none of this program's. */
bool memo_record_read(struct paa_bytes bytes, struct memo_record *ret_record);

#endif

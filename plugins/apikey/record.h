/* SPDX-License-Identifier: MIT */
/*
 * What the store keeps of a key, as bytes and as a struct, and the judgement of a record. Pure: knows no
 * store, no clock and no digest function. The bytes come from a file: nothing about them is believed.
 *
 * Format 1, numbers little-endian:
 *   "k1"  flags u16  digest 32
 *   created not_before expires retired revoked   i64 each, Unix seconds, 0: not so
 *   sizes of id client label scope instances     u16 each
 *   count of networks                            u16
 *   those five texts, then 17 bytes a network: address, bits
 * and nothing behind it.
 */
#ifndef APIKEY_RECORD_H
#define APIKEY_RECORD_H

#include "buf.h"
#include "net.h"

#include <stdbool.h>

enum {
    RECORD_DIGEST_SIZE = 32,
    RECORD_ID_SIZE = 12,
    RECORD_CLIENT_MAX = 128,
    RECORD_LABEL_MAX = 200,
    RECORD_SCOPE_MAX = 2048,
    RECORD_INSTANCES_MAX = 1024,
    RECORD_NETWORKS_MAX = 32,
    RECORD_SIZE_MAX = 8 * 1024 /* more than all of these together */
};

enum {
    RECORD_IMPORTED = 1u << 0, /* found by the digest of its text, not by an id in it */
    RECORD_PEPPERED = 1u << 1  /* the digest depends on the pepper */
};

struct record { /* texts and networks are views of the bytes */
    uint32_t flags;
    const unsigned char *digest;
    int64_t created_s;
    int64_t not_before_s;
    int64_t expires_s;
    int64_t retired_s; /* the end of its grace */
    int64_t revoked_s;
    struct paa_str id;
    struct paa_str client;
    struct paa_str label;
    struct paa_str scope;     /* space-separated */
    struct paa_str instances; /* space-separated */
    const unsigned char *networks;
    size_t network_count; /* 0: from anywhere */
};

enum { RECORD_NETWORK_SIZE = 17 };
void record_network_write(const struct network *network,
                          unsigned char ret_bytes[RECORD_NETWORK_SIZE]);
struct network record_network(const struct record *record, size_t index);

/* Appends. False: something is over its maximum, or no memory. */
bool record_encode(const struct record *record, struct buf *buf);
/* False: not a record of this format. */
bool record_decode(struct paa_bytes bytes, struct record *ret_record);

/* What verbs ask before they write. client and label: as they may stand in a field and in a log. */
bool record_text_valid(struct paa_str text, size_t max);
/* One scope-token (RFC 6749 3.3). */
bool record_scope_valid(struct paa_str token);
/* An instance's name as policies allow it. */
bool record_instance_valid(struct paa_str name);

enum record_verdict {
    RECORD_GOOD = 1,
    RECORD_REVOKED,
    RECORD_EXPIRED,
    RECORD_RETIRED,
    RECORD_NOT_YET,
    RECORD_OTHER_INSTANCE,
    RECORD_OTHER_NETWORK
};

/* May the key be used now, by this instance, from this address (absent: not known)? The digest is the
 * caller's to compare, first. */
enum record_verdict record_judge(const struct record *record, int64_t now_s,
                                 struct paa_str instance, struct paa_str address);
/* Does it work for somebody at that second? Not yet counts as yes: it will. */
bool record_is_live(const struct record *record, int64_t now_s);
/* When it ends by itself: the earlier of expiry and grace; 0: never. */
int64_t record_end(const struct record *record);
/* "live", "not yet", "retiring", "retired", "expired", "revoked". */
const char *record_state(const struct record *record, int64_t now_s);

#endif

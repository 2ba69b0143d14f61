/* SPDX-License-Identifier: MIT */
/*
 * What the files of this plugin share: the instance, the lane, and where things are kept. Every effect
 * goes through op->host.
 *
 * Two tables, both trusted (only verbs write them) and common to all apikey instances on one store:
 *   keys       id -> record, and "i:" digest -> record for imported keys, whose text holds no id
 *   key-index  "c" client NUL id -> key of the record in `keys`: all keys of a client
 *              "p" id            -> the same, for imported keys
 *              "f"               -> nothing: a durable write after many that were not
 * The index is written first, and when a key ends, last: a crash in between leaves an entry that leads nowhere, never a
 * key that cannot be found to revoke it.
 */
#ifndef APIKEY_APIKEY_H
#define APIKEY_APIKEY_H

#include "digest.h"
#include "record.h"
#include "str.h"

#include <paa/plugin.h>

enum {
    STORE_KEY_SIZE_MAX = 2 + DIGEST_SIZE,
    INDEX_KEY_SIZE_MAX = 1 + RECORD_CLIENT_MAX + 1 + KEY_ID_SIZE,
    KEEP_ENDED_S = 90 * 24 * 3600 /* a key that has ended stays listed so long, then it is purged */
};

_Static_assert((int)RECORD_ID_SIZE == (int)KEY_ID_SIZE, "a record's id is its key's");
_Static_assert((int)RECORD_DIGEST_SIZE == (int)DIGEST_SIZE, "a record's digest is its key's");

struct place { /* where in a request the key stands */
    enum paa_place kind;
    struct paa_str name;         /* of the field, cookie or parameter */
    struct paa_str scheme;       /* the auth-scheme of Authorization; absent: not that */
    struct paa_str value_prefix; /* outgoing: put before the key */
};

struct instance {
    struct place place;
    struct paa_str prefix;           /* of keys that are minted */
    const struct paa_source *key;    /* outgoing; NULL: none */
    const struct paa_source *pepper; /* NULL: none */
    struct paa_table *keys;          /* NULL: only sends */
    struct paa_table *index;
    bool judges_peer;         /* networks are those of the peer, not of the client */
    unsigned char dummy[128]; /* the record that unknown keys are compared with */
    size_t dummy_size;
};

struct lane {
    struct digest_lane digest;
};

static inline const struct instance *instance_of(struct paa_op *op)
{
    return (const struct instance *)op->self;
}

static inline struct digest_lane *digest_lane_of(struct paa_op *op)
{
    return &((struct lane *)op->lane)->digest;
}

/* ---- place.c ---------------------------------------------------------------------------------- */

enum paa_status place_create(struct paa_op *op, struct place *ret_place, bool is_incoming);
/* The index-th credential in that place; absent: none. */
struct paa_str place_read(struct paa_op *op, const struct place *place, size_t index);
/* Puts the key there; false: it cannot stand there, or no memory. */
bool place_write(struct paa_op *op, const struct place *place, struct paa_str key);

/* ---- verify.c, attach.c ----------------------------------------------------------------------- */

struct lookup { /* where a key's record is, and the digest it must have */
    unsigned char digest[DIGEST_SIZE];
    unsigned char key[STORE_KEY_SIZE_MAX];
    size_t key_size;
    uint32_t flags; /* RECORD_IMPORTED, RECORD_PEPPERED */
};

enum lookup_answer {
    LOOKUP_FOUND = 1,   /* ret_lookup is set */
    LOOKUP_UNREADABLE,  /* blanks, controls, or letters outside ASCII */
    LOOKUP_CHECKSUM,    /* mistyped, or cut short */
    LOOKUP_TOO_SHORT,   /* no such key can have been imported */
    LOOKUP_TOO_LONG,    /* likewise */
    LOOKUP_NO_PEPPER,   /* short, and the pepper is not set, or itself too short */
    LOOKUP_PEPPER_AWAY, /* short, and the pepper cannot be read now */
    LOOKUP_FAULT
};

/* Which record a key's text leads to. Waits for nothing and asks no store (it only tells it what will be asked
 * for), so that it costs the same whether there is one. */
enum lookup_answer lookup_of(struct paa_op *op, struct paa_str text, struct lookup *ret_lookup);

enum paa_result apikey_verify(struct paa_op *op);
enum paa_result apikey_challenge(struct paa_op *op, const struct paa_denial *why);
enum paa_result apikey_attach(struct paa_op *op);
enum paa_result apikey_answered(struct paa_op *op, const struct paa_response *response);

#define VERIFY_STATE_SIZE sizeof(struct lookup)

/* ---- verbs.c ---------------------------------------------------------------------------------- */

enum { APIKEY_VERB_COUNT = 6 };
extern const struct paa_verb apikey_verbs[APIKEY_VERB_COUNT];

#endif

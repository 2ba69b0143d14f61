/* SPDX-License-Identifier: MIT */
/*
 * Keys in the store, for verbs: one by its id, all, all of a client, and a new one. Knows the two tables
 * (apikey.h) and nothing of arguments or output.
 *
 * Each takes a struct that lives in the verb's state and ends in its continuation, which finds that
 * state around the struct.
 */
#ifndef APIKEY_FIND_H
#define APIKEY_FIND_H

#include "apikey.h"

/* ---- one by its id ---------------------------------------------------------------------------- */

struct find;
/* OK, NONE, or what the store said. kept and record: NULL unless OK; until the continuation returns. */
typedef enum paa_result (*found_fn)(struct paa_op *op, enum paa_status status,
                                    const struct paa_record *kept, const struct record *record,
                                    struct find *find);
struct find {
    found_fn then;
    unsigned char index_key[1 + KEY_ID_SIZE];
};
/* Waiting. A text that cannot be an id gives NONE like any other. */
enum paa_result find_key(struct paa_op *op, struct paa_str id, struct find *find, found_fn then);

/* ---- many ------------------------------------------------------------------------------------- */

enum { WALK_KEY_MAX = 255 }; /* what the store allows */

struct walk;
typedef void (*walk_each_fn)(struct paa_op *op, const struct record *record, struct walk *walk);
/* OK at the end of all, or what the store said. */
typedef enum paa_result (*walk_end_fn)(struct paa_op *op, enum paa_status status,
                                       struct walk *walk);
struct walk {
    walk_each_fn each;
    walk_end_fn then;
    unsigned char prefix[INDEX_KEY_SIZE_MAX]; /* of a client's entries in the index */
    size_t prefix_size;                       /* 0: all keys */
    unsigned char at[WALK_KEY_MAX];
    size_t at_size;
};
/* Waiting. client: absent for all; else valid. A record that cannot be read is logged and passed over. */
enum paa_result walk_keys(struct paa_op *op, struct paa_str client, struct walk *walk,
                          walk_each_fn each, walk_end_fn then);

/* ---- a new one -------------------------------------------------------------------------------- */

struct save;
/* OK; EXISTS: there is one already; or what the store said. */
typedef enum paa_result (*saved_fn)(struct paa_op *op, enum paa_status status, struct save *save);
struct save {
    saved_fn then;
    const struct record *record;
    const struct lookup *lookup;
    uint32_t flags;  /* PAA_PUT_DURABLE, or none */
    bool only_index; /* the record is there */
};
/* Waiting. record and lookup live until then. */
enum paa_result save_key(struct paa_op *op, const struct record *record,
                         const struct lookup *lookup, uint32_t flags, struct save *save,
                         saved_fn then);
/* Waiting. The record was changed: what leads to it goes when it goes. Of it the id, the client, the kind and the times count;
 * record and lookup live until then. */
enum paa_result save_index(struct paa_op *op, const struct record *record,
                           const struct lookup *lookup, struct save *save, saved_fn then);
/* Waiting. Makes durable all that was saved before: both tables are in one store. */
enum paa_result save_flush(struct paa_op *op, struct save *save, saved_fn then);

/* What to put for a record: its bytes in buf, when it may be purged, its key left to the caller. False: it cannot
 * be written. */
bool record_to_store(const struct record *record, struct buf *buf, struct paa_record *ret_kept);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A table in memory that any thread reads without a lock while one writer changes it. Under the SQLite
 * stores it is the copy that requests read; under a memory store it is the store. Knows no file, no wait.
 *
 * One open-addressing table of cells (store_cells.h). Readers pin the image and the record; the writer
 * replaces a record in its cell and retires the old one, and publishes a larger image when this one
 * fills. A cell once given to a hash stays that hash's until the next rebuild, so no reader misses a
 * record that moves past it.
 */
#ifndef SERVICES_STORE_IMAGE_H
#define SERVICES_STORE_IMAGE_H

#include "hash.h"
#include "pins.h"

#include <paa/types.h>
#include <stdbool.h>

enum {
    IMAGE_SLAB_SIZE =
        2 * 1024 * 1024,     /* bulk loads: records lie side by side, one TLB entry each 2 MiB */
    IMAGE_SLAB_AFTER = 4096, /* records before a bulk load is worth a slab */
    IMAGE_SLAB_RECORD_MAX = 16 * 1024,
    IMAGE_SECRETS_SIZE = 64 * 1024, /* secrets lie together too: a page each would be dear */
    IMAGE_SECRETS_RECORD_MAX = 8 * 1024
};

#define IMAGE_WORD_NEVER 1u /* odd: no file's word ever equals it */

enum {
    IMAGE_RECORD_ELSEWHERE = 1u << 0, /* too large to keep here: ask the store */
    IMAGE_RECORD_WIPE = 1u << 1,      /* a secret: in secret memory, wiped when freed */
    IMAGE_RECORD_SLAB = 1u << 2,
    IMAGE_RECORD_CELL = 1u << 3 /* in its cell: not freed, ends with the image */
};

struct image_record { /* header, key and value in one piece: one or two cache lines */
    int64_t expires_at_s;
    uint64_t version;
    uint32_t table;
    uint32_t value_size;
    uint8_t key_size;
    uint8_t flags;
    unsigned char bytes[]; /* key, then value */
};

struct image;
struct image_slab;

struct image_owner {
    _Atomic(void *) current; /* the struct image readers pin */
    struct hash_key hash;
    size_t bytes; /* of cells and records */
    size_t bytes_max;
    size_t inline_max; /* larger values stay ELSEWHERE */
    size_t hand;       /* where the next sweep begins */
    struct image_slab *slab;
    struct image_slab *secrets;
    bool bulk; /* a load is under way: new records go to slabs */
    /* Takes what no reader may find any more. */
    void (*retire)(void *arg, void *object, void (*free_fn)(void *object, void *arg));
    void (*collect)(void *arg); /* something large was retired: frees now what nobody pins */
    void *retire_arg;
};

struct image_entry { /* what the writer puts */
    uint32_t table;
    uint32_t flags;
    struct paa_bytes key;
    struct paa_bytes value;
    int64_t expires_at_s;
    uint64_t version;
};

enum { IMAGE_EXPECTED_KEY_MAX = 16 };

struct image_expected {              /* zeroed: nothing; a reader's, for as long as its pins */
    const struct image *image;       /* pinned */
    const struct image_owner *owner; /* whose hash it is */
    uint64_t hash;
    uint32_t table;
    uint32_t key_size;
    unsigned char key[IMAGE_EXPECTED_KEY_MAX];
};

enum image_look { IMAGE_HIT = 1, IMAGE_MISS, IMAGE_ASK };

/* ---- readers, any thread ---- */

/* HIT: *ret_record is pinned, as is the image. MISS: there is none. ASK: the image is not what *word says,
 * or does not hold the value. Pins are taken for HIT only. */
enum image_look image_look(struct image_owner *owner, const _Atomic uint64_t *word,
                           struct pins *pins, const struct image_expected *expected, uint32_t table,
                           struct paa_bytes key, const struct image_record **ret_record);
/* Brings the key's cell near; of a key that was expected already, a record that lies elsewhere. May take a pin, which the image
 * in `expected` then has until the reader lets go of all. */
void image_expect(struct image_owner *owner, struct pins *pins, struct image_expected *expected,
                  uint32_t table, struct paa_bytes key);

static inline struct paa_bytes image_key(const struct image_record *record)
{
    return paa_bytes_of(record->bytes, record->key_size);
}

static inline struct paa_bytes image_value(const struct image_record *record)
{
    return paa_bytes_of(record->bytes + record->key_size, record->value_size);
}

/* ---- the writer: one thread at a time ---- */

/* hash, limits and retire are filled already. 0 or -1. */
int image_init(struct image_owner *owner);
/* No reader is left. */
void image_free(struct image_owner *owner);
/* An empty image that claims no word. -1: no memory; what is published then claims none either. */
int image_reset(struct image_owner *owner);
/* The image holds all that was committed when the word was this. */
void image_set_word(struct image_owner *owner, uint64_t word);
uint64_t image_word(const struct image_owner *owner);
size_t image_count(const struct image_owner *owner);
/* Puts or replaces. -1: no memory, or over bytes_max. */
int image_put(struct image_owner *owner, const struct image_entry *entry);
void image_remove(struct image_owner *owner, uint32_t table, struct paa_bytes key);
/* Any record of that table? Looks at all. */
bool image_holds(const struct image_owner *owner, uint32_t table);
/* NULL: none. Valid until the writer changes the key. */
const struct image_record *image_find(const struct image_owner *owner, uint32_t table,
                                      struct paa_bytes key);
/* The smallest key after `after` (absent: any) that begins with prefix and is live at now_s. Looks at all. */
const struct image_record *image_next(const struct image_owner *owner, uint32_t table,
                                      struct paa_bytes prefix, struct paa_bytes after,
                                      int64_t now_s);
/* Drops what expired, in the next `count` cells. */
void image_sweep(struct image_owner *owner, int64_t now_s, size_t count);
/* A bulk load ended. */
void image_bulk_end(struct image_owner *owner);

/* Is a after b, in byte order, the shorter first? */
int image_compare(struct paa_bytes a, struct paa_bytes b);

static inline bool image_expired(int64_t expires_at_s, int64_t now_s)
{
    return expires_at_s != 0 && expires_at_s <= now_s;
}

#endif

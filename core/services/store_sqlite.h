/* SPDX-License-Identifier: MIT */
/*
 * One connection to one SQLite file, and every statement that is ever sent. Used by one thread at a time.
 * Knows no operation, no image and no word: store_disk.c decides what is asked when.
 */
#ifndef SERVICES_STORE_SQLITE_H
#define SERVICES_STORE_SQLITE_H

#include "store_due.h"

#include <paa/types.h>
#include <stdbool.h>

enum {
    DISK_APPLICATION_ID = 0x50414131, /* "PAA1" */
    DISK_VERSION = 3,
    /* While others make the same file, SQLite refuses some things at once instead of waiting. */
    DISK_AGAIN_MS = 10,
    /* For what SQLite holds for moments: recovery of the WAL, checkpoints. Whoever holds it may be put aside. */
    DISK_BUSY_MS = 5000
};

enum { DISK_SALT_SIZE = 16 };

enum disk_result {
    DISK_OK = 1,
    DISK_NONE,    /* no row */
    DISK_BUSY,    /* another process is writing */
    DISK_FULL,    /* disk or quota */
    DISK_DENIED,  /* read-only for us */
    DISK_CORRUPT, /* damaged, or not a store of ours */
    DISK_FAILED
};

struct disk;

struct disk_meta {
    uint64_t commits;  /* of this file, from 1 */
    uint64_t sequence; /* the last version given */
    uint64_t purged;   /* the largest version that was purged: who has seen less must begin anew */
    struct store_due due;               /* kept here, so that short-lived processes wait together */
    unsigned char salt[DISK_SALT_SIZE]; /* of this file's sealing keys; never changes */
};

struct disk_row {
    uint64_t version;
    uint32_t table;
    bool gone; /* a mark that the key was removed */
    int64_t expires_at_s;
    struct paa_bytes key; /* until the next call on the connection */
    struct paa_bytes value;
};

/* Fills an empty file (create) or checks that it is a store of ours. NULL: a sentence, and *ret_result: NONE where
 * it is empty, which another process may be about to change; BUSY where that takes long. */
struct disk *disk_open(const char *path, bool writable, bool create, enum disk_result *ret_result,
                       struct paa_error *error);
/* checkpoint false: leave the WAL as it is, and be quick. */
void disk_close(struct disk *disk, bool checkpoint);
/* What SQLite said of the last failure. */
const char *disk_error(const struct disk *disk);

/* Outside transactions. FULL: a commit is on the disk when it returns. */
enum disk_result disk_durable(struct disk *disk, bool full);
enum disk_result disk_begin(struct disk *disk, bool write);
enum disk_result disk_commit(struct disk *disk);
void disk_rollback(struct disk *disk);

enum disk_result disk_meta_read(struct disk *disk, struct disk_meta *ret_meta);
enum disk_result disk_meta_write(struct disk *disk, const struct disk_meta *meta);
/* Its number, made on demand. NONE: not there and not to be made. */
enum disk_result disk_table(struct disk *disk, const char *address, bool make, uint32_t *ret_id);
/* The row of the key, whether gone, expired or live. */
enum disk_result disk_find(struct disk *disk, uint32_t table, struct paa_bytes key,
                           struct disk_row *ret_row);
/* The first row whose key is at or after `from` (behind it: strictly), live at now_s. */
enum disk_result disk_next(struct disk *disk, uint32_t table, struct paa_bytes from, bool behind,
                           int64_t now_s, struct disk_row *ret_row);
enum disk_result disk_put(struct disk *disk, const struct disk_row *row);
/* At most `most` rows that expired before before_s; raises meta->purged. */
enum disk_result disk_purge(struct disk *disk, int64_t before_s, unsigned most,
                            struct disk_meta *meta);
/* Rows with version > seen in order, at most `most`; fn returns false to stop (FAILED). *ret_count: how many. */
enum disk_result disk_since(struct disk *disk, uint64_t seen, unsigned most,
                            bool (*fn)(void *arg, const struct disk_row *row), void *arg,
                            unsigned *ret_count);

#endif

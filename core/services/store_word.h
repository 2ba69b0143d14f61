/* SPDX-License-Identifier: MIT */
/*
 * PATH.gen: eight bytes that every process maps, and by which a reader knows without a system call whether
 * its image is current. Also where locks of keys live, as byte ranges far behind the word. Knows no SQL.
 *
 * The database counts its commits: meta.commits is n once commit n is in. The word follows it.
 *
 *   a writer    BEGIN IMMEDIATE; n = meta.commits + 1; word = 2n-1; writes, meta.commits = n; COMMIT;
 *               word: 2n-1 -> 2n, unless somebody changed it since
 *   a reader    its image was built in a read transaction that saw meta.commits = k, and is used only
 *               while the word is 2k
 *   a repairer  BEGIN IMMEDIATE; word = 2 * meta.commits; ROLLBACK
 *
 * Why an image that is used is never stale: commit k+1 is preceded by word = 2k+1, and nobody writes 2k
 * after that unless the database is at k. There are three who store to the word. (1) A writer's first store
 * happens under SQLite's write lock and names its own n, odd. (2) Its second is an exchange from 2n-1 after
 * its commit; the lock is gone by then, and the next writer may already have stored 2n+1, in which case the
 * exchange finds something else and does nothing; 2n-1 itself cannot come back, since a writer stores it
 * only where the database is at n-1. (3) A repairer holds the write lock, so no transaction is between its
 * first store and its commit, and it writes what the database says. So even 2k in the word means: the
 * database is at k, or the word is left from before a crash of the machine.
 *
 * A writer that dies between odd and even leaves the word odd; readers ask SQLite until the next writer or
 * repairer comes. After a power loss with synchronous=NORMAL the file may hold a word of commits that are
 * lost: an image is built from what the database has, k' < k, and 2k' is not the word: it is not used until a
 * writer or repairer stored what is true; and commit k comes after its own 2k-1. A word is therefore never
 * believed for an image that was not built at that very commit.
 */
#ifndef SERVICES_STORE_WORD_H
#define SERVICES_STORE_WORD_H

#include <paa/types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

enum { WORD_LOCKS_FROM = 4096 }; /* byte ranges of key locks begin here */

struct store_word {
    void *page;           /* mapped for the store's life; odd while no file is behind it */
    _Atomic uint64_t *at; /* its first bytes */
    int fd;               /* -1: not open */
    bool writable;
    dev_t device;
    ino_t inode;
};

/* Maps a page that says "ask". 0 or -1. */
int store_word_init(struct store_word *word);
void store_word_free(struct store_word *word);
/* Puts the file PATH.gen behind the page; made, with owner and mode of the database, if it may be written and
 * is not there. -1 with a sentence: the page says "ask" as before. */
int store_word_open(struct store_word *word, const char *database, const struct stat *status,
                    bool writable, struct paa_error *error);
void store_word_close(struct store_word *word);
/* Is the file at the path still the one that is mapped? */
bool store_word_is_current(const struct store_word *word, const char *database);

static inline uint64_t store_word_read(const struct store_word *word)
{
    return atomic_load(word->at);
}
void store_word_begin(struct store_word *word, uint64_t commit);
void store_word_end(struct store_word *word, uint64_t commit);
void store_word_repair(struct store_word *word, uint64_t commits);

/* The byte at `place`, for this process. 1: got it, 0: another process has it, -1: cannot. */
int store_word_lock(struct store_word *word, uint64_t place);
void store_word_unlock(struct store_word *word, uint64_t place);

#endif

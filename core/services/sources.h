/* SPDX-License-Identifier: MIT */
/*
 * Sources: the watched bytes of SECRET and PATH options. Read when the instance is made, again when the file
 * changes (inotify on the folder, so that renames and swapped links count), never on a request's thread.
 * The last good bytes stay when a new read fails, and that is logged.
 */
#ifndef SERVICES_SOURCES_H
#define SERVICES_SOURCES_H

#include "diag.h"

#include <paa/plugin.h>
#include <stdbool.h>

struct op;
struct pins;
struct services;
struct source_bytes; /* source_read.h */
struct sources;

enum source_kind { SOURCE_LITERAL = 1, SOURCE_ENV, SOURCE_FILE, SOURCE_FOLDER, SOURCE_EXEC };

enum {
    SOURCE_SECRET =
        1u << 0, /* trimmed of its last newline, kept in secret memory, masked in logs */
    SOURCE_GENERATE =
        1u << 1, /* a missing file: is made with 32 random bytes (base64url), mode 0600, by
                                * O_EXCL and link, so that two first users agree */
    SOURCE_NO_EXEC =
        1u << 2, /* PAA_OPEN_CHECK: exec: is not run, no missing file is made; the source
                                * stays unread, which is no error */
    SOURCE_PRIVATE = 1u << 3, /* a file that everybody may read is refused */
    SOURCE_EXACT = 1u << 4    /* with SECRET: nothing is trimmed, as of binary files */
};

enum {
    SOURCE_MASK_MIN = 6,     /* shorter ones would blot out ordinary words */
    SOURCE_SETTLE_MS = 50,   /* after a change, until it is read: writers come in bursts */
    SOURCE_FILES_MS = 1000,  /* between two calls for sources_watch_files */
    SOURCE_DERIVED_MAX = 255 /* bytes of one derived key */
};

struct source_spec { /* what the policy says */
    enum source_kind kind;
    uint32_t flags;
    struct paa_str text; /* LITERAL: the bytes; ENV: the name; FILE, FOLDER: the path; EXEC: NULL */
    const char *const *argv; /* EXEC: absolute path and arguments, ended by NULL */
    struct where where;
};

struct source_decoder { /* of bytes that stand for something */
    /* On the thread that reads, once for bytes that changed, before anybody sees them. specs are the source's, a part
     * for each unless one is a folder. NULL: *error says why, and they count as bytes that cannot be read. */
    void *(*make_fn)(const struct source_bytes *bytes, const struct source_spec *specs,
                     size_t count, void *arg, struct paa_error *error);
    void (*free_fn)(void *object); /* any thread, after the last who uses it */
    void *arg;
};

struct sources *sources_new(struct services *services);
/* Stopped, every source closed, no operation left that pins bytes. */
void sources_free(struct sources *sources);
/* From services_start (the reactor and the workers are there) / from services_stop (they are there still):
 * begins and ends watching. In a child after fork, start forgets what the parent watched. 0 or -1. */
int sources_start(struct sources *sources);
void sources_stop(struct sources *sources);

/* Reads it at once (context open, or a worker at reload). Never NULL but for no memory; a source that cannot
 * be read now is UNAVAILABLE to plugins, and *error says why (text[0] == 0: it was read). Everything of the
 * specs is copied; text.data of ENV, FILE and FOLDER is NUL-terminated. FILE without SECRET may be a folder. Specs of several parts (PAA_ALL over a LIST) come as an array. */
struct paa_source *source_open(struct sources *sources, const struct source_spec *specs,
                               size_t count, struct paa_error *error);
/* The same, with an object made of the bytes. */
struct paa_source *source_open_decoded(struct sources *sources, const struct source_spec *specs,
                                       size_t count, const struct source_decoder *decoder,
                                       struct paa_error *error);
/* Wipes once no operation pins its bytes. NULL is fine. */
void source_close(struct paa_source *source);
/* Reads again now, on this thread; for reloads and tests. */
void source_refresh(struct paa_source *source);
/* Steady time at which it failed first after it was read last; 0: the last reading was good. Any thread. */
int64_t source_failing_ms(const struct paa_source *source);
/* What an operation sees of a decoded source: the same object until it ends. NULL: never readable, or no memory. */
const void *source_object(struct op *op, const struct paa_source *source);
/* The object of a decoded source as it is now, until the pin is released. NULL as above. */
const void *source_pin(struct pins *pins, const struct paa_source *source);
/* Any thread. What fn says of the object as it is now, which lives until fn returns; -1: there is none. Takes a
 * lock, which is not held while fn runs. */
int source_use(const struct paa_source *source, int (*fn)(const void *object, void *arg),
               void *arg);
/* Any thread. Grows with each change; 0: never readable. At most as new as what source_use then finds. */
uint64_t source_version(const struct paa_source *source);
/* For what is made without a source: a version that no source has. */
uint64_t sources_next_version(struct sources *sources);

/* Replaces every secret value of at least SOURCE_MASK_MIN bytes in text by "***", in place; those of earlier
 * versions too, while an operation still uses them. Any thread; locks. */
void sources_mask(struct sources *sources, char *text);

/* For the policy's own files: fn(arg) on a worker, at most once a second, when one of paths changed; of a folder, its
 * *.conf. NULL paths: stops. */
int sources_watch_files(struct sources *sources, const char *const *paths, size_t count,
                        void (*fn)(void *arg), void *arg);

#endif

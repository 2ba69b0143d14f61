/* SPDX-License-Identifier: MIT */
/*
 * One reading of a source: its specs become bytes, in parts, or a sentence. Blocks. Knows nothing of who
 * watches, publishes or uses them.
 */
#ifndef SERVICES_SOURCE_READ_H
#define SERVICES_SOURCE_READ_H

#include "clock.h"
#include "list.h"
#include "sources.h"

enum {
    SOURCE_SECRET_MAX = 64 * 1024,      /* one secret; EXEC_OUTPUT_MAX is the same */
    SOURCE_PARTS_MAX = 1024,            /* of one source: files of a folder, members of a list */
    SOURCE_BYTES_MAX = 64 * 1024 * 1024 /* all parts together */
};

struct source_part {
    char *data; /* never NULL, also where size is 0 */
    size_t size;
    size_t room; /* as allocated */
};

struct source_bytes {
    struct list link; /* the owner's: all that live */
    struct sources *sources;
    uint64_t version;
    bool is_secret;  /* parts are secret_alloc'ed */
    bool is_exposed; /* a secret's file may be read by everybody on the machine */
    void *object;    /* what a decoder made of them; NULL: nothing */
    void (*free_fn)(void *object);
    size_t count;
    size_t total;
    struct source_part *parts;
};

/* NULL: *error says why; an empty sentence: SOURCE_NO_EXEC forbids to find out. */
struct source_bytes *source_read(const struct source_spec *specs, size_t count,
                                 const struct chance *chance, struct paa_error *error);
/* Wipes. NULL is fine. */
void source_bytes_free(struct source_bytes *bytes);
bool source_bytes_equal(const struct source_bytes *a, const struct source_bytes *b);

/* What an operator may be shown of where it comes from: never a literal. */
const char *source_place(const struct source_spec *spec);

#endif

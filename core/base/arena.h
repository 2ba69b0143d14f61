/* SPDX-License-Identifier: MIT */
/*
 * Memory that is given back all at once, wiped. Knows nothing of what is put there.
 *
 * A first block comes from the owner (part of a transaction, say), so that what fits there costs no
 * malloc; further blocks are malloc'ed and, up to ARENA_KEEP bytes, kept by arena_reset for the next
 * use, so that a steady load allocates nothing. Not for two threads at once.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "hint.h"

#include <paa/types.h>
#include <stdbool.h>

enum { ARENA_ALIGN = 16, ARENA_KEEP = 64 * 1024 };

struct arena_block;

struct arena {
    unsigned char *next; /* free bytes of the current block: next .. end */
    unsigned char *end;
    unsigned char *first; /* the owner's block */
    size_t first_size;
    struct arena_block *blocks; /* malloc'ed ones in use, newest first */
    struct arena_block *spare;  /* kept by reset */
    size_t taken;               /* bytes handed out since reset, all blocks */
    size_t max;                 /* taken never grows beyond this */
};

/* first may be NULL with first_size 0. first is ARENA_ALIGN-aligned and stays the owner's. */
void arena_init(struct arena *arena, void *first, size_t first_size, size_t max);

/* Wipes what was handed out. */
void arena_reset(struct arena *arena);

/* Wipes and frees all but the owner's block. */
void arena_free(struct arena *arena);

void *arena_alloc_slow(struct arena *arena, size_t size);

/* Aligned to ARENA_ALIGN, not zeroed. NULL: over max, or no memory. */
static inline void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    unsigned char *at = arena->next;

    if (UNLIKELY(rounded < size || rounded > (size_t)(arena->end - at) ||
                 arena->taken + rounded > arena->max))
        return arena_alloc_slow(arena, size);
    arena->next = at + rounded;
    arena->taken += rounded;
    return at;
}

void *arena_zalloc(struct arena *arena, size_t size);
/* count * size, checked for overflow, zeroed. */
void *arena_array(struct arena *arena, size_t count, size_t size);
void *arena_copy(struct arena *arena, const void *data, size_t size);
/* A copy with a NUL behind it; absent stays absent. data is NULL when memory ran out. */
struct paa_str arena_str(struct arena *arena, struct paa_str s);
/* The same for several at once, in one piece of memory; each is replaced by its copy. False: no memory, and
 * nothing was changed. */
bool arena_strs(struct arena *arena, struct paa_str *const *strings, size_t count);
/* NUL-terminated; NULL when memory ran out. */
PAA_PRINTF(2, 3) char *arena_printf(struct arena *arena, const char *format, ...);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The cells of an image: where a hash has its place, and their memory. For store_image.c only; knows no writer and
 * no reader.
 *
 * A table of small tags, most of it in the processor's cache, leads to a cell, and a record that fits lies in its
 * cell: so a look-up in a large image waits for memory once. The record is put there when the cell is first used
 * and never written again: whoever replaces it puts the new one elsewhere, and the room is lost until the next
 * rebuild. So it lives as long as its image.
 */
#ifndef SERVICES_STORE_CELLS_H
#define SERVICES_STORE_CELLS_H

#include "store_image.h"

enum {
    CELLS_MIN = 64,
    CELLS_FULL_PARTS = 8, /* seven of eight used: a rebuild makes it two of three */
    CELL_LINE = 64,
    CELL_LINES_MAX = 4,
    CELL_LINES_FIRST = 3 /* of an image that has seen no records yet */
};

struct image_cell {
    uint64_t hash;          /* the writer's, written before the tag */
    _Atomic(void *) record; /* NULL: removed. Room for one follows */
};

struct image {
    _Atomic uint64_t word;
    size_t count;           /* cells */
    size_t stride;          /* bytes of a cell, whole lines */
    size_t used;            /* cells with a tag */
    size_t live;            /* cells with a record */
    _Atomic uint16_t *tags; /* of the cells' hashes; 0: never used */
    unsigned char *at;
};

/* NULL: no memory. */
struct image *image_new(size_t count, size_t stride);
/* As pin_retire wants it; arg is not read. */
void image_destroy(void *object, void *arg);
size_t image_size(const struct image *image);
/* Bytes of a cell that suit nine in ten of the records that live here, and each that lies in a cell. */
size_t image_stride_next(const struct image *image);
/* Where a record of that many bytes would lie in the cell; NULL: it does not fit. */
struct image_record *cell_room(const struct image *image, struct image_cell *cell, size_t size);

static inline struct image_cell *cell_at(const struct image *image, size_t index)
{
    return (struct image_cell *)(void *)(image->at + index * image->stride);
}

static inline size_t cell_home(const struct image *image, uint64_t hash)
{
    return (size_t)((hash >> 32) * image->count >> 32);
}

static inline uint16_t cell_tag(uint64_t hash)
{
    return (uint16_t)hash != 0 ? (uint16_t)hash : 1;
}

static inline size_t cell_after(const struct image *image, size_t index)
{
    return index + 1 < image->count ? index + 1 : 0;
}

/* Does the record lie in one of the cells? Looks at its address only. */
static inline bool cell_holds(const struct image *image, const struct image_record *record)
{
    return (uintptr_t)record - (uintptr_t)image->at < image->count * image->stride;
}

static inline void lines_prefetch(const void *at, size_t size)
{
    for (size_t done = 0; done < size; done += CELL_LINE)
        __builtin_prefetch((const char *)at + done);
}

#endif

/* SPDX-License-Identifier: MIT */
/* store_cells.h: memory of an image, and how large its cells should be. */
#include "store_cells.h"

#include "store_record.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Zeroed. */
static void *memory_new(size_t size)
{
    void *memory;

    if (size >= IMAGE_SLAB_SIZE)
        return pages_new(size);
    memory = aligned_alloc(CELL_LINE, (size + CELL_LINE - 1) / CELL_LINE * CELL_LINE);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

static void memory_free(void *memory, size_t size)
{
    if (size >= IMAGE_SLAB_SIZE && memory != NULL)
        munmap(memory, size);
    else
        free(memory);
}

static size_t tags_size(const struct image *image)
{
    return image->count * sizeof *image->tags;
}

struct image *image_new(size_t count, size_t stride)
{
    struct image *image = calloc(1, sizeof *image);

    if (image == NULL)
        return NULL;
    image->count = count;
    image->stride = stride;
    image->at = memory_new(count * stride);
    image->tags = memory_new(tags_size(image));
    if (image->at == NULL || image->tags == NULL) {
        image_destroy(image, NULL);
        return NULL;
    }
    atomic_store_explicit(&image->word, IMAGE_WORD_NEVER, memory_order_relaxed);
    return image;
}

void image_destroy(void *object, void *arg)
{
    struct image *image = object;

    (void)arg;
    memory_free(image->tags, tags_size(image));
    memory_free(image->at, image->count * image->stride);
    free(image);
}

size_t image_size(const struct image *image)
{
    return image->count * image->stride + tags_size(image);
}

struct image_record *cell_room(const struct image *image, struct image_cell *cell, size_t size)
{
    if (size > image->stride - sizeof *cell)
        return NULL;
    return (struct image_record *)(void *)(cell + 1);
}

/* More than CELL_LINES_MAX: it fits in no cell. */
static size_t lines_for(const struct image_record *record)
{
    size_t lines = (sizeof(struct image_cell) + record_bytes(record) + CELL_LINE - 1) / CELL_LINE;

    return lines <= CELL_LINES_MAX ? lines : (size_t)CELL_LINES_MAX + 1;
}

size_t image_stride_next(const struct image *image)
{
    size_t records[CELL_LINES_MAX + 2] = { 0 };
    size_t least = 1, within = 0;

    for (size_t i = 0; i < image->count; i++) {
        const struct image_record *record =
            atomic_load_explicit(&cell_at(image, i)->record, memory_order_relaxed);
        size_t lines = record != NULL ? lines_for(record) : 0;

        if (record != NULL && (record->flags & IMAGE_RECORD_CELL) && lines > least)
            least = lines;
        records[lines] += lines > 0;
    }
    for (size_t lines = 1; lines <= CELL_LINES_MAX; lines++) {
        within += records[lines];
        if (lines >= least && within * 10 >= image->live * 9)
            return lines * CELL_LINE;
    }
    return least * CELL_LINE; /* most are too large for any cell */
}

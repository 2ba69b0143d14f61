/* SPDX-License-Identifier: MIT */
/*
 * arena.h's memory. Blocks in use are a list, newest first; the newest is the one handed out from.
 *
 * Under AddressSanitizer every piece is a block of its own, of its exact size, freed by reset: so a
 * write beyond a piece and a use after reset are found as they would be with malloc. The owner's block
 * then lies idle.
 */
#include "arena.h"
#include "secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_STRICT 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(ARENA_STRICT)
#define ARENA_STRICT 1
#endif
#ifndef ARENA_STRICT
#define ARENA_STRICT 0
#endif

enum { BLOCK_MIN = 4 * 1024, BLOCK_MAX = 32 * 1024 };

struct arena_block {
    _Alignas(ARENA_ALIGN) struct arena_block *next;
    size_t size; /* behind this header */
    size_t used; /* of it, once the block is no longer the current one */
};

/* Where pieces of no size lie while there is no block: present, though empty. */
static _Alignas(ARENA_ALIGN) unsigned char nowhere[ARENA_ALIGN];

static unsigned char *block_start(struct arena_block *block)
{
    return (unsigned char *)(block + 1);
}

static void block_free(struct arena_block *block)
{
    secret_wipe(block_start(block), block->used);
    free(block);
}

static void start_over(struct arena *arena)
{
    if (ARENA_STRICT || UNLIKELY(arena->first == NULL)) {
        arena->next = nowhere;
        arena->end = nowhere;
    } else {
        arena->next = arena->first;
        arena->end = arena->first + arena->first_size;
    }
    arena->taken = 0;
}

void arena_init(struct arena *arena, void *first, size_t first_size, size_t max)
{
    memset(arena, 0, sizeof *arena);
    arena->first = first;
    arena->first_size = first != NULL ? first_size : 0;
    arena->max = max;
    start_over(arena);
}

/* Notes how much of the current block was handed out. */
static void leave_block(struct arena *arena)
{
    if (UNLIKELY(arena->blocks != NULL) && !ARENA_STRICT)
        arena->blocks->used = (size_t)(arena->next - block_start(arena->blocks));
}

static void wipe_first(struct arena *arena)
{
    if (ARENA_STRICT || UNLIKELY(arena->first == NULL))
        return;
    if (UNLIKELY(arena->blocks != NULL)) /* it was filled up before another was taken */
        secret_wipe(arena->first, arena->first_size);
    else
        secret_wipe(arena->first, (size_t)(arena->next - arena->first));
}

/* The oldest comes to stand first, so that the next use takes the blocks in the same order. Blocks
 * that were just in use are kept rather than those that lay idle. */
static void keep_blocks(struct arena *arena)
{
    struct arena_block *idle = arena->spare;
    struct arena_block *lists[2] = { arena->blocks, idle };
    size_t kept = 0;

    arena->spare = NULL;
    for (size_t i = 0; i < 2; i++) {
        for (struct arena_block *block = lists[i], *next; block != NULL; block = next) {
            next = block->next;
            if (ARENA_STRICT || block->size > ARENA_KEEP - kept) {
                block_free(block);
                continue;
            }
            secret_wipe(block_start(block), block->used);
            block->used = 0;
            kept += block->size;
            block->next = arena->spare;
            arena->spare = block;
        }
    }
    arena->blocks = NULL;
}

void arena_reset(struct arena *arena)
{
    leave_block(arena);
    wipe_first(arena);
    if (arena->blocks != NULL)
        keep_blocks(arena);
    start_over(arena);
}

void arena_free(struct arena *arena)
{
    arena_reset(arena);
    while (arena->spare != NULL) {
        struct arena_block *block = arena->spare;

        arena->spare = block->next;
        block_free(block);
    }
}

static struct arena_block *take_spare(struct arena *arena, size_t size)
{
    for (struct arena_block **at = &arena->spare; *at != NULL; at = &(*at)->next) {
        struct arena_block *block = *at;

        if (block->size >= size) {
            *at = block->next;
            return block;
        }
    }
    return NULL;
}

/* As much again as was handed out so far, within bounds. */
static size_t block_size(const struct arena *arena, size_t size)
{
    size_t grown;

    if (ARENA_STRICT)
        return size;
    grown = arena->taken > BLOCK_MAX ? (size_t)BLOCK_MAX : arena->taken;
    grown = grown < BLOCK_MIN ? (size_t)BLOCK_MIN : grown;
    return size < grown ? grown : size;
}

static struct arena_block *new_block(struct arena *arena, size_t wanted)
{
    size_t size = block_size(arena, wanted);
    struct arena_block *block = malloc(sizeof *block + size);

    if (block == NULL)
        return NULL;
    block->size = size;
    block->used = 0;
    return block;
}

void *arena_alloc_slow(struct arena *arena, size_t size)
{
    size_t left = arena->max - arena->taken;
    size_t rounded;
    struct arena_block *block;

    if (size > left || size > SIZE_MAX / 2)
        return NULL;
    rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (rounded > left)
        return NULL;
    block = take_spare(arena, rounded);
    if (block == NULL)
        block = new_block(arena, ARENA_STRICT ? size : rounded);
    if (block == NULL)
        return NULL;
    leave_block(arena);
    block->next = arena->blocks;
    arena->blocks = block;
    arena->taken += rounded;
    if (ARENA_STRICT) {
        block->used = size;
    } else {
        arena->next = block_start(block) + rounded;
        arena->end = block_start(block) + block->size;
    }
    return block_start(block);
}

void *arena_zalloc(struct arena *arena, size_t size)
{
    void *data = arena_alloc(arena, size);

    if (data != NULL)
        memset(data, 0, size);
    return data;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return arena_zalloc(arena, total);
}

void *arena_copy(struct arena *arena, const void *data, size_t size)
{
    void *copy = arena_alloc(arena, size);

    if (LIKELY(copy != NULL && size > 0))
        memcpy(copy, data, size);
    return copy;
}

struct paa_str arena_str(struct arena *arena, struct paa_str s)
{
    char *copy;

    if (s.data == NULL || s.size == SIZE_MAX)
        return paa_str_of_n(NULL, 0);
    copy = arena_alloc(arena, s.size + 1);
    if (copy == NULL)
        return paa_str_of_n(NULL, 0);
    memcpy(copy, s.data, s.size);
    copy[s.size] = '\0';
    return paa_str_of_n(copy, s.size);
}

bool arena_strs(struct arena *arena, struct paa_str *const *strings, size_t count)
{
    size_t size = 0;
    char *copy;

    for (size_t i = 0; i < count; i++) {
        if (strings[i]->data == NULL)
            continue;
        if (strings[i]->size >= arena->max - size) /* nor does the sum wrap */
            return false;
        size += strings[i]->size + 1;
    }
    copy = size > 0 ? arena_alloc(arena, size) : NULL;
    if (copy == NULL)
        return size == 0;
    for (size_t i = 0; i < count; i++) {
        struct paa_str *s = strings[i];

        if (s->data == NULL)
            continue;
        memcpy(copy, s->data, s->size);
        copy[s->size] = '\0';
        s->data = copy;
        copy += s->size + 1;
    }
    return true;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list list;
    char *text;
    int size;

    va_start(list, format);
    size = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (size < 0)
        return NULL;
    text = arena_alloc(arena, (size_t)size + 1);
    if (text == NULL)
        return NULL;
    va_start(list, format);
    (void)vsnprintf(text, (size_t)size + 1, format, list);
    va_end(list);
    return text;
}

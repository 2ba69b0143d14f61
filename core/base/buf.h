/* SPDX-License-Identifier: MIT */
/*
 * A byte buffer that grows up to a stated maximum. Failure (no memory, over the maximum) sticks, so
 * that a writer checks once, at the end. Wiped when freed. Knows no format.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <paa/types.h>
#include <stdbool.h>

struct buf {
    char *data; /* NUL-terminated once anything was added */
    size_t size;
    size_t capacity;
    size_t max;
    bool failed;
};

void buf_init(struct buf *buf, size_t max);
void buf_free(struct buf *buf);  /* wipes; may be used again after buf_init */
void buf_clear(struct buf *buf); /* wipes the content, keeps the memory, forgets failure */
void buf_add(struct buf *buf, const void *data, size_t size);
void buf_add_str(struct buf *buf, struct paa_str s);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char c);
PAA_PRINTF(2, 3) void buf_printf(struct buf *buf, const char *format, ...);
struct paa_str buf_str(const struct buf *buf); /* "" (present) while empty */
/* Lets the caller own data (free() it); the buffer is empty afterwards. NULL if failed. */
char *buf_detach(struct buf *buf);

#endif

/* SPDX-License-Identifier: MIT */
/* Memory that will be read soon, asked for while there is something else to do. A hint: any address will do. */
#ifndef BASE_NEAR_MEMORY_H
#define BASE_NEAR_MEMORY_H

#include <stddef.h>

enum { NEAR_LINE = 64 };

/* Up to three lines more than asked for. */
static inline void fetch_near(const void *data, size_t size)
{
    const char *at = (const char *)data;

    for (size_t i = 0; i < size; i += 4 * (size_t)NEAR_LINE) {
        __builtin_prefetch(at + i);
        __builtin_prefetch(at + i + NEAR_LINE);
        __builtin_prefetch(at + i + 2 * (size_t)NEAR_LINE);
        __builtin_prefetch(at + i + 3 * (size_t)NEAR_LINE);
    }
}

#endif

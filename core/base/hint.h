/* SPDX-License-Identifier: MIT */
/* What compiler and processor are told in advance, on the way that every request takes: which way a condition goes,
 * and which memory will be read soon. Hints: nothing depends on them. */
#ifndef BASE_HINT_H
#define BASE_HINT_H

#include <stddef.h>
#include <stdint.h>

#define LIKELY(condition)   __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

enum { NEAR_LINE = 64 };

/* Asked for while there is something else to do; up to three lines less than that: the processor sees by then where it
 * goes on. Any address will do. */
static inline void fetch_near(const void *data, size_t size)
{
    uintptr_t at =
        (uintptr_t)data; /* it may be none, or too short: pointers must not leave their object */

    for (size_t i = 0; i + 3 * (size_t)NEAR_LINE < size; i += 4 * (size_t)NEAR_LINE) {
        __builtin_prefetch((const void *)(at + i));
        __builtin_prefetch((const void *)(at + i + NEAR_LINE));
        __builtin_prefetch((const void *)(at + i + 2 * (size_t)NEAR_LINE));
        __builtin_prefetch((const void *)(at + i + 3 * (size_t)NEAR_LINE));
    }
}

#endif

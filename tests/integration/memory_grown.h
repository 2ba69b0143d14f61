/* SPDX-License-Identifier: MIT */
/* What a program has in use, before and after many of something that must leave nothing behind. After test.h. */
#ifndef TESTS_MEMORY_GROWN_H
#define TESTS_MEMORY_GROWN_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct memory {
    size_t resident;
    size_t allocated;
};

/* What is in use: of this thread's by malloc's own count. A sanitizer counts itself, and gives back late what is freed, so
 * that what is resident says nothing there. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void); /* gcc has no header for it */

enum { RESIDENT_SLACK = 1024 * 1024 * 1024 };

static inline size_t allocated_now(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
#include <malloc.h>

enum { RESIDENT_SLACK = 8 * 1024 * 1024 };

static inline size_t allocated_now(void)
{
    return mallinfo2().uordblks;
}
#endif

static inline struct memory memory_now(void)
{
    struct memory memory = { 0, allocated_now() };
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1 || fclose(file) != 0)
        abort();
    memory.resident = pages * (size_t)sysconf(_SC_PAGESIZE);
    return memory;
}

static inline void check_grown(const char *what, unsigned count, struct memory from)
{
    enum { ALLOCATED_SLACK = 256 * 1024 };
    struct memory now = memory_now();

    printf("%u %s: %zu KiB resident before, %zu KiB after; %zu KiB in use before, %zu KiB after\n",
           count, what, from.resident / 1024, now.resident / 1024, from.allocated / 1024,
           now.allocated / 1024);
    CHECK(now.allocated < from.allocated + ALLOCATED_SLACK);
    CHECK(now.resident < from.resident + RESIDENT_SLACK);
}

#endif

/* SPDX-License-Identifier: MIT */
#include "allocations.h"

#include "measure.h"

#include <errno.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

static __thread uint64_t count;

enum { COUNTED = 1000 };

void allocations_promise(const char *what, void (*run)(void *state, uint64_t count), void *state)
{
    uint64_t before;

#ifdef IS_SANITIZED
    printf("  under a sanitizer nothing is counted: ");
#endif
    run(state, COUNTED);
    before = count;
    run(state, COUNTED);
    printf("  %s: %.3f allocations a request\n", what, (double)(count - before) / COUNTED);
    if (count != before)
        bench_fail("a request in steady state allocates");
}

#ifndef IS_SANITIZED

/* glibc's own, under the names it exports for this purpose. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

#define INSTEAD __attribute__((visibility("default")))

INSTEAD void *malloc(size_t size);
INSTEAD void *calloc(size_t members, size_t size);
INSTEAD void *realloc(void *old, size_t size);
INSTEAD void *aligned_alloc(size_t alignment, size_t size);
INSTEAD int posix_memalign(void **ret_data, size_t alignment, size_t size);

void *malloc(size_t size)
{
    count++;
    return __libc_malloc(size);
}

void *calloc(size_t members, size_t size)
{
    count++;
    return __libc_calloc(members, size);
}

void *realloc(void *old, size_t size)
{
    count++;
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    count++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_data, size_t alignment, size_t size)
{
    void *data;

    count++;
    data = __libc_memalign(alignment, size);
    if (data == NULL)
        return ENOMEM;
    *ret_data = data;
    return 0;
}

#endif

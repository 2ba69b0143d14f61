/* SPDX-License-Identifier: MIT */
/* secret.h's memory: whole pages from the kernel, so that their advice and locks touch nothing else. */
#include "secret.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void secret_wipe(void *data, size_t size)
{
    if (data != NULL && size > 0)
        explicit_bzero(data, size);
}

bool secret_eq(struct paa_bytes a, struct paa_bytes b)
{
    volatile unsigned char difference = 0; /* volatile: no early way out may be found */

    if (a.data == NULL || b.data == NULL || a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        difference = (unsigned char)(difference | (a.data[i] ^ b.data[i]));
    return difference == 0;
}

/* Whole pages; 0: too large. */
static size_t page_size(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    if (size > SIZE_MAX - page)
        return 0;
    return size == 0 ? page : (size + page - 1) / page * page;
}

static void *pages(size_t size)
{
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return data != MAP_FAILED ? data : NULL;
}

/* Takes the pages over. */
static void *protect(void *data, size_t size)
{
    if (madvise(data, size, MADV_DONTDUMP) != 0) { /* a promise, unlike the lock */
        (void)munmap(data, size);
        return NULL;
    }
    (void)mlock(data, size);
    return data;
}

void *secret_alloc(size_t size)
{
    size_t whole = page_size(size);
    int saved_errno = errno;
    void *data = whole > 0 ? pages(whole) : NULL;

    if (data == NULL)
        return NULL;
    data = protect(data, whole);
    errno = saved_errno;
    return data;
}

void *secret_alloc_aligned(size_t size)
{
    int saved_errno = errno;
    unsigned char *data = pages(2 * size);
    size_t lead;

    if (data == NULL)
        return NULL;
    lead = (size - (uintptr_t)data % size) % size;
    if (lead > 0)
        (void)munmap(data, lead);
    (void)munmap(data + lead + size, size - lead);
    data = protect(data + lead, size);
    errno = saved_errno;
    return data;
}

void secret_free(void *data, size_t size)
{
    if (data == NULL)
        return;
    secret_wipe(data, size);
    (void)munmap(data, page_size(size));
}

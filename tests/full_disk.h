/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FULL_DISK_H
#define TESTS_FULL_DISK_H

#include <stdlib.h>
#include <sys/resource.h>

/* No file of this program may grow beyond so much: a disk that is full. */
static inline void allow_files(rlim_t size)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
        abort();
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        abort();
}

#endif

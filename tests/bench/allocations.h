/* SPDX-License-Identifier: MIT */
/* Counts what this thread allocates: malloc and its kin are the program's own, before glibc's. Under a sanitizer,
 * which has its own, nothing is counted. */
#ifndef BENCH_ALLOCATIONS_H
#define BENCH_ALLOCATIONS_H

#include <stdint.h>

/* Runs it warm, then counts over many operations, and ends the program unless that is 0. */
void allocations_promise(const char *what, void (*run)(void *state, uint64_t count), void *state);

#endif

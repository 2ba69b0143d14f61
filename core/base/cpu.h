/* SPDX-License-Identifier: MIT */
/* What this processor can do beyond what all of its kind can: for the few loops that read every byte of a token. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stdbool.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define CPU_HAS_AVX2  (__builtin_cpu_supports("avx2") != 0)
#define CPU_WITH_AVX2 __attribute__((target("avx2")))
#endif

#endif

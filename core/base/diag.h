/* SPDX-License-Identifier: MIT */
/* Findings: where, how bad, one sentence. Collected by whoever reads the policy, given to the host. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <paa/types.h>

struct where { /* in the policy; file lives as long as the policy */
    const char *file;
    uint32_t line; /* 0: the whole file */
};

struct diag {
    void (*fn)(enum paa_level level, struct where where, const char *sentence, void *user);
    void *user;
    uint32_t errors;
    uint32_t warnings;
    struct paa_error first; /* the first error, "FILE:LINE: sentence" */
};

/* Cut at 1 KiB. level: ERROR, WARNING or NOTICE. */
PAA_PRINTF(4, 5)
void diag_add(struct diag *diag, enum paa_level level, struct where where, const char *format, ...);

#define diag_error(d, where, ...) diag_add((d), PAA_LEVEL_ERROR, (where), __VA_ARGS__)
#define diag_warn(d, where, ...)  diag_add((d), PAA_LEVEL_WARNING, (where), __VA_ARGS__)

#endif

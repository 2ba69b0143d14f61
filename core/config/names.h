/* SPDX-License-Identifier: MIT */
/* From a name to its index, for as many names as were announced. Knows nothing of what they name. */
#ifndef CONFIG_NAMES_H
#define CONFIG_NAMES_H

#include "arena.h"

#include <stdbool.h>

struct names {
    const char **names; /* by index, in order of arrival */
    uint32_t *slots;    /* index + 1 */
    size_t mask;
    size_t count;
};

/* Room for max names. False: no memory. */
bool names_init(struct names *names, size_t max, struct arena *arena);
/* The index of the name, or -1. */
int32_t names_find(const struct names *names, const char *name);
/* The new index; the name was not there, and there is room. */
int32_t names_add(struct names *names, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A chain, ready to walk: includes expanded, substacks as nested levels, groups as sites of one step.
 */
#ifndef CONFIG_PROGRAM_H
#define CONFIG_PROGRAM_H

#include "control.h"
#include "diag.h"

#include <stdbool.h>

enum {
    PROGRAM_LEVELS_MAX = 16, /* of substacks */
    PROGRAM_INCLUDES_MAX = 16,
    PROGRAM_STEPS_MAX = 256, /* after expansion */
    PROGRAM_SITES_MAX = 256,
    GROUP_MAX = 16
};

enum { SITE_PERMIT = -1, SITE_DENY = -2 };

struct site {         /* one instance at one place of a chain */
    int32_t instance; /* index in the policy's instances, or SITE_PERMIT, SITE_DENY */
    uint32_t step;    /* the step it belongs to */
};

struct step {
    uint16_t action[RESULT_COUNT];
    uint8_t level;    /* 0: not in a substack */
    bool is_substack; /* opens the level above; runs nothing, counts as one for jumps */
    bool may_ignore;  /* IGNORE stays IGNORE; else it becomes ABSENT */
    uint16_t
        first_site; /* sites first_site .. first_site + site_count - 1: a group if more than one */
    uint16_t site_count;
    const char *control; /* as written: "required", "on" */
    struct where where;
};

struct program {
    const struct step *steps;
    uint32_t step_count;
    uint32_t site_count;
    const struct site *sites;
};

#endif

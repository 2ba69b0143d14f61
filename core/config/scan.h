/* SPDX-License-Identifier: MIT */
/*
 * The scan of a policy file before libconfig sees it: what libconfig 1.5 misreads is refused, and the skeleton
 * of what stands there is kept, so that node.c can see whether libconfig has read the same. Pure.
 */
#ifndef CONFIG_SCAN_H
#define CONFIG_SCAN_H

#include "node.h"

struct scan_value { /* in order of appearance; the first one is the root */
    enum node_type type;
    uint32_t line;
    uint32_t child_count;
    uint32_t first_member; /* GROUP: index in members, if there are children */
    uint32_t body_begin;   /* GROUP: the text between the brackets */
    uint32_t body_end;
    int64_t integer; /* INTEGER, BOOLEAN */
};

struct scan_member { /* a name in a group */
    uint32_t offset;
    uint32_t size;
    uint32_t line;
    uint32_t group; /* index in values */
    uint32_t next;  /* of the same group, in members; 0: the last one */
};

struct scan {
    struct paa_str text;
    const char *file;
    struct diag *diag;
    struct scan_value *values;
    size_t value_count;
    size_t value_room;
    struct scan_member *members;
    size_t member_count;
    size_t member_room;
};

/* False: one error in diag. scan_free is needed either way. text is borrowed. */
bool scan_text(struct scan *scan, struct paa_str text, const char *file, struct diag *diag);
void scan_free(struct scan *scan);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A policy file as a tree. node.c is the only file that includes libconfig.h. Pure: it is given bytes.
 *
 * Before libconfig sees the text, a scan of our own refuses what libconfig 1.5 misreads: adjacent strings,
 * integers beyond 32 bits or with a leading zero, comments that never close, @include; and what is no text:
 * NUL and control bytes, invalid UTF-8, nesting over NODE_DEPTH_MAX, more than NODE_COUNT_MAX values.
 */
#ifndef CONFIG_NODE_H
#define CONFIG_NODE_H

#include "arena.h"
#include "diag.h"

#include <stdbool.h>

enum {
    NODE_DEPTH_MAX = 16,
    NODE_COUNT_MAX = 1000000,
    NODE_TEXT_MAX = 16 * 1024 * 1024,
    NODE_STRING_MAX = 64 * 1024
};

enum node_type {
    NODE_GROUP = 1, /* { } */
    NODE_LIST,      /* ( ) of anything */
    NODE_ARRAY,     /* [ ] of scalars */
    NODE_STRING,
    NODE_INTEGER,
    NODE_FLOAT,
    NODE_BOOLEAN
};

struct node {
    enum node_type type;
    const char *name; /* NULL in lists and for the root */
    const char *list; /* where it has no name: that of the list it stands in; NULL: that has none */
    struct where where;
    struct paa_str string; /* STRING; NUL-terminated */
    int64_t integer;       /* INTEGER, BOOLEAN */
    double real;
    struct node *children; /* GROUP, LIST, ARRAY: an array */
    size_t child_count;
};

/* The root group, or NULL with at least one error in diag. All in arena; file is the name for messages. */
struct node *node_parse(struct paa_str text, const char *file, struct arena *arena,
                        struct diag *diag);
/* The member of that name, or NULL. */
const struct node *node_member(const struct node *group, const char *name);
/* "a string", "a list", …, for sentences. */
const char *node_type_text(enum node_type type);
/* An error for every member of group that is not among names, with the nearest right one. False: there was
 * one. */
bool node_only(const struct node *group, const char *const *names, size_t count, const char *what,
               struct diag *diag);

#endif

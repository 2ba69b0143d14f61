/* SPDX-License-Identifier: MIT */
/* What the files of json_tree.h share with each other and with nobody else: the state of one reading. */
#ifndef COMMON_JSON_INNER_H
#define COMMON_JSON_INNER_H

#include "json_tree.h"

struct json_reader {
    const char *text;
    const char *at;
    const char *end;
    char *spare;
    uint32_t spare_used;
    uint32_t count;
    uint32_t capacity;
    uint32_t depth;
    struct json_node *nodes;
    enum json_verdict fault;
};

/* Remembers the first fault; false. */
bool json_fail(struct json_reader *r, enum json_verdict fault);
/* A node that begins here; NULL, and a fault: no room. */
struct json_node *json_add(struct json_reader *r, enum json_type type);
/* The string whose quote is here, and what stands behind it next. */
bool json_read_string(struct json_reader *r);

#endif

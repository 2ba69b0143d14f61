/* SPDX-License-Identifier: MIT */
/*
 * The one strict reader of JSON (RFC 8259): tokens, key sets, responses. An object becomes an array of nodes in
 * the caller's memory; nothing is allocated. Writing is core/base/json.h's.
 *
 * Stricter than the RFC asks: the outermost value is an object; a member that is there twice, invalid UTF-8,
 * U+0000 and half a surrogate pair are refused; depth, members and size have limits. Numbers are kept as
 * written, however large: who asks for an integer gets one that fits, or a refusal.
 */
#ifndef COMMON_JSON_TREE_H
#define COMMON_JSON_TREE_H

#include <paa/types.h>
#include <stdbool.h>

enum {
    JSON_TEXT_MAX = 1024 * 1024, /* bytes */
    JSON_DEPTH_MAX = 32,         /* objects and arrays in each other */
    JSON_MEMBERS_MAX = 256       /* of one object */
};

enum json_verdict {
    JSON_READ = 1,
    JSON_SYNTAX,    /* not JSON, or something behind it */
    JSON_NOT_UTF8,  /* also: half a surrogate pair */
    JSON_NUL,       /* \u0000 */
    JSON_DUPLICATE, /* a member that is there twice */
    JSON_TOO_LARGE, /* text, depth, members, or more nodes than there is memory for */
    JSON_NOT_AN_OBJECT
};

enum json_type {
    JSON_NODE_OBJECT = 1,
    JSON_NODE_ARRAY,
    JSON_NODE_STRING,
    JSON_NODE_NUMBER,
    JSON_NODE_TRUE,
    JSON_NODE_FALSE,
    JSON_NODE_NULL
};

enum {                          /* flags of a node */
       JSON_IN_SPARE = 1u << 0, /* a string that had escapes */
       JSON_WHOLE = 1u << 1     /* a number without fraction and exponent */
};

struct json_node {
    uint32_t
        at; /* strings: in text or spare, without quotes and escapes; else in text, as written */
    uint32_t size;
    uint32_t next; /* index behind this node and all that is in it */
    uint16_t hash; /* of a member's name */
    uint8_t type;  /* enum json_type */
    uint8_t flags;
};

struct json_tree { /* node 0 is the outermost object; views live as long as text and spare */
    const char *text;
    const char *spare;
    const struct json_node *nodes;
    uint32_t count;
    uint32_t fault_at; /* offset of what was refused */
};

enum { JSON_NONE = 0 }; /* no such member: node 0 is nobody's member */

/* spare: text.size bytes, where strings with escapes are put without them; text and spare outlive the tree. */
enum json_verdict json_tree_read(struct json_tree *ret_tree, struct paa_str text, char *spare,
                                 struct json_node *nodes, size_t capacity);
/* What is wrong, as the end of a sentence: "is not JSON". */
const char *json_verdict_text(enum json_verdict verdict);
/* A text has no more nodes than this. */
size_t json_nodes_bound(struct paa_str text);

static inline enum json_type json_type_of(const struct json_tree *tree, uint32_t node)
{
    return (enum json_type)tree->nodes[node].type;
}

/* The value of that member of an object; JSON_NONE: there is none, or it is no object. */
uint32_t json_member(const struct json_tree *tree, uint32_t object, struct paa_str name);
/* In turn: of an object the names (each value is the node behind), of an array the elements.
 * json_first: JSON_NONE if empty; json_next: JSON_NONE after the last. */
uint32_t json_first(const struct json_tree *tree, uint32_t parent);
uint32_t json_next(const struct json_tree *tree, uint32_t parent, uint32_t child);

/* A string's text, present even if empty; absent if the node is no string or JSON_NONE. */
struct paa_str json_str_of(const struct json_tree *tree, uint32_t node);
/* As json_str_of of that member. */
struct paa_str json_member_str(const struct json_tree *tree, uint32_t object, struct paa_str name);
/* A number without fraction and exponent that fits; false: anything else. */
bool json_int_of(const struct json_tree *tree, uint32_t node, int64_t *ret_integer);
/* A NumericDate (RFC 7519 2): seconds, a fraction dropped (towards the past), what does not fit as the nearest
 * that does. False: no number. */
bool json_seconds_of(const struct json_tree *tree, uint32_t node, int64_t *ret_seconds);

#endif

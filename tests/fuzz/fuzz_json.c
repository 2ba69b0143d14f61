/* SPDX-License-Identifier: MIT */
/* The JSON reader beside jansson: both take a text, or neither does, and they read the same. Only what json_tree.h
 * says to be stricter may differ; numbers too large for jansson, which are kept as written here; and a NUL byte, which
 * jansson passes over behind a number. */
#include "fuzz.h"
#include "json_tree.h"
#include "str.h"

#include <jansson.h>
#include <math.h>

enum { TEXT_MAX = 64 * 1024 };

static void check_object(const struct json_tree *tree, uint32_t node, const json_t *peer);
static void check_array(const struct json_tree *tree, uint32_t node, const json_t *peer);

static void check_number(const struct json_tree *tree, uint32_t node, const json_t *peer)
{
    int64_t integer, seconds;
    double floored = floor(json_number_value(peer));

    HOLDS(json_seconds_of(tree, node, &seconds));
    if (json_is_integer(peer)) {
        HOLDS(json_int_of(tree, node, &integer) && integer == json_integer_value(peer));
        HOLDS(seconds == integer);
        return;
    }
    HOLDS(json_is_real(peer) && !json_int_of(tree, node, &integer));
    /* a double has 53 bits, and rounds: within that they agree */
    if (fabs(floored) < 1e15)
        HOLDS(fabs((double)seconds - json_real_value(peer)) <= 1);
    else if (fabs(floored) > 1e19)
        HOLDS(seconds == (floored > 0 ? INT64_MAX : INT64_MIN));
}

static void check_string(const struct json_tree *tree, uint32_t node, const json_t *peer)
{
    struct paa_str text = json_str_of(tree, node);

    HOLDS(json_is_string(peer) && text.data != NULL);
    HOLDS(text.size == json_string_length(peer) &&
          memcmp(text.data, json_string_value(peer), text.size) == 0);
}

static void check_value(const struct json_tree *tree, uint32_t node, const json_t *peer)
{
    switch (json_type_of(tree, node)) {
    case JSON_NODE_OBJECT:
        check_object(tree, node, peer);
        break;
    case JSON_NODE_ARRAY:
        check_array(tree, node, peer);
        break;
    case JSON_NODE_STRING:
        check_string(tree, node, peer);
        break;
    case JSON_NODE_NUMBER:
        check_number(tree, node, peer);
        break;
    case JSON_NODE_TRUE:
        HOLDS(json_is_true(peer));
        break;
    case JSON_NODE_FALSE:
        HOLDS(json_is_false(peer));
        break;
    case JSON_NODE_NULL:
    default:
        HOLDS(json_is_null(peer));
        break;
    }
}

static void check_object(const struct json_tree *tree, uint32_t node, const json_t *peer)
{
    size_t count = 0;

    HOLDS(json_is_object(peer));
    for (uint32_t i = json_first(tree, node); i != JSON_NONE; i = json_next(tree, node, i)) {
        struct paa_str name = json_str_of(tree, i);
        char *copy = malloc(name.size + 1);

        HOLDS(copy != NULL && json_member(tree, node, name) == i + 1);
        memcpy(copy, name.data, name.size);
        copy[name.size] = '\0';
        check_value(tree, i + 1, json_object_get(peer, copy));
        free(copy);
        count++;
    }
    HOLDS(count == json_object_size(peer));
}

static void check_array(const struct json_tree *tree, uint32_t node, const json_t *peer)
{
    size_t count = 0;

    HOLDS(json_is_array(peer));
    for (uint32_t i = json_first(tree, node); i != JSON_NONE; i = json_next(tree, node, i))
        check_value(tree, i, json_array_get(peer, count++));
    HOLDS(count == json_array_size(peer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);
    size_t capacity = json_nodes_bound(text);
    struct json_node *nodes;
    struct json_tree tree;
    enum json_verdict verdict;
    json_error_t error;
    json_t *peer;
    char *spare;

    if (size == 0 || size > TEXT_MAX)
        return 0;
    nodes = malloc(capacity * sizeof *nodes);
    spare = malloc(size);
    HOLDS(nodes != NULL && spare != NULL);
    verdict = json_tree_read(&tree, text, spare, nodes, capacity);
    peer = json_loadb(text.data, size, JSON_REJECT_DUPLICATES, &error);
    if (verdict == JSON_READ && peer != NULL)
        check_value(&tree, 0, peer);
    else if (verdict == JSON_READ)
        HOLDS(json_error_code(&error) == json_error_numeric_overflow);
    else if (verdict != JSON_TOO_LARGE && verdict != JSON_NOT_AN_OBJECT)
        HOLDS(peer == NULL || memchr(data, 0, size) != NULL);
    HOLDS(verdict == JSON_READ || tree.fault_at <= size);
    json_decref(peer);
    free(nodes);
    free(spare);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* See claims_kept.h. */
#include "claims_kept.h"

#include "str.h"

static void keep_array(struct json *json, const struct json_tree *claims, uint32_t node,
                       const char *name)
{
    for (uint32_t i = json_first(claims, node); i != JSON_NONE; i = json_next(claims, node, i))
        if (json_type_of(claims, i) != JSON_NODE_STRING)
            return;
    json_open(json, name, '[');
    for (uint32_t i = json_first(claims, node); i != JSON_NONE; i = json_next(claims, node, i))
        json_str(json, NULL, json_str_of(claims, i));
    json_close(json, ']');
}

void claims_keep(struct json *json, const struct json_tree *claims, const char *name)
{
    uint32_t node = json_member(claims, 0, paa_str_of(name));
    int64_t number;

    if (node == JSON_NONE)
        return;
    switch (json_type_of(claims, node)) {
    case JSON_NODE_STRING:
        json_str(json, name, json_str_of(claims, node));
        break;
    case JSON_NODE_NUMBER:
        if (json_int_of(claims, node, &number))
            json_int(json, name, number);
        break;
    case JSON_NODE_TRUE:
    case JSON_NODE_FALSE:
        json_bool(json, name, json_type_of(claims, node) == JSON_NODE_TRUE);
        break;
    case JSON_NODE_ARRAY:
        keep_array(json, claims, node, name);
        break;
    case JSON_NODE_OBJECT:
    case JSON_NODE_NULL:
    default:
        break;
    }
}

/* SPDX-License-Identifier: MIT */
/* What is asked of a tree that was read (json_tree.h): members, texts, numbers. */
#include "json_tree.h"

#include "str.h"

enum { EXPONENT_MAX = 1000000 };

uint32_t json_first(const struct json_tree *tree, uint32_t parent)
{
    return tree->nodes[parent].next > parent + 1 ? parent + 1 : JSON_NONE;
}

uint32_t json_next(const struct json_tree *tree, uint32_t parent, uint32_t child)
{
    uint32_t value = child + (json_type_of(tree, parent) == JSON_NODE_OBJECT ? 1 : 0);
    uint32_t next = tree->nodes[value].next;

    return next < tree->nodes[parent].next ? next : JSON_NONE;
}

struct paa_str json_str_of(const struct json_tree *tree, uint32_t node)
{
    const struct json_node *n = &tree->nodes[node];

    if (n->type != JSON_NODE_STRING)
        return STR_NONE;
    return paa_str_of_n(((n->flags & JSON_IN_SPARE) != 0 ? tree->spare : tree->text) + n->at,
                        n->size);
}

uint32_t json_member(const struct json_tree *tree, uint32_t object, struct paa_str name)
{
    if (json_type_of(tree, object) != JSON_NODE_OBJECT)
        return JSON_NONE;
    for (uint32_t i = json_first(tree, object); i != JSON_NONE; i = json_next(tree, object, i))
        if (tree->nodes[i].size == name.size && str_eq(json_str_of(tree, i), name))
            return i + 1;
    return JSON_NONE;
}

struct paa_str json_member_str(const struct json_tree *tree, uint32_t object, struct paa_str name)
{
    return json_str_of(tree, json_member(tree, object, name));
}

/* ---- numbers ----------------------------------------------------------------------------------- */

/* value * 10 + digit of the same sign; false: does not fit, and is the nearest that does. */
static bool add_digit(int64_t *value, int digit, bool is_negative)
{
    if (__builtin_mul_overflow(*value, (int64_t)10, value) ||
        __builtin_add_overflow(*value, (int64_t)(is_negative ? -digit : digit), value)) {
        *value = is_negative ? INT64_MIN : INT64_MAX;
        return false;
    }
    return true;
}

bool json_int_of(const struct json_tree *tree, uint32_t node, int64_t *ret_integer)
{
    const struct json_node *n = &tree->nodes[node];
    const char *at = tree->text + n->at, *end = at + n->size;
    int64_t value = 0;
    bool is_negative;

    if (n->type != JSON_NODE_NUMBER || (n->flags & JSON_WHOLE) == 0)
        return false;
    is_negative = *at == '-';
    for (at += is_negative ? 1 : 0; at < end; at++)
        if (!add_digit(&value, *at - '0', is_negative))
            return false;
    *ret_integer = value;
    return true;
}

struct decimal { /* digits with a point among them: value is 0.digits * 10^point */
    const char *at;
    const char *end; /* behind the last digit */
    int64_t point;
    bool is_negative;
};

static struct decimal decimal_of(struct paa_str number)
{
    const char *at = number.data, *end = at + number.size;
    struct decimal d = { .is_negative = *at == '-' };
    int64_t exponent = 0;
    bool is_small;

    d.at = at + (d.is_negative ? 1 : 0);
    for (at = d.at; at < end && *at != '.' && *at != 'e' && *at != 'E'; at++)
        d.point++;
    while (at < end && *at != 'e' && *at != 'E')
        at++;
    d.end = at;
    if (at == end)
        return d;
    is_small = at[1] == '-';
    for (at += at[1] == '-' || at[1] == '+' ? 2 : 1; at < end && exponent < EXPONENT_MAX; at++)
        exponent = exponent * 10 + (*at - '0');
    d.point += is_small ? -exponent : exponent;
    return d;
}

/* The digits before the point, then whether there is anything behind it. */
static int64_t decimal_floor(const struct decimal *d)
{
    int64_t value = 0, place = 0;
    bool is_rest = false;

    for (const char *at = d->at; at < d->end; at++) {
        if (*at == '.')
            continue;
        if (place++ >= d->point)
            is_rest = is_rest || *at != '0';
        else if (!add_digit(&value, *at - '0', d->is_negative))
            return value;
    }
    for (; value != 0 && place < d->point; place++)
        if (!add_digit(&value, 0, d->is_negative))
            return value;
    return d->is_negative && is_rest && value > INT64_MIN ? value - 1 : value;
}

bool json_seconds_of(const struct json_tree *tree, uint32_t node, int64_t *ret_seconds)
{
    const struct json_node *n = &tree->nodes[node];
    struct decimal d;

    if (n->type != JSON_NODE_NUMBER)
        return false;
    if (json_int_of(tree, node, ret_seconds))
        return true;
    d = decimal_of(paa_str_of_n(tree->text + n->at, n->size));
    *ret_seconds = decimal_floor(&d);
    return true;
}

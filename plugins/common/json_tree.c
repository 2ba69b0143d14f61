/* SPDX-License-Identifier: MIT */
/* json_tree.h's reading: one pass, a call deeper for each object or array. */
#include "json_inner.h"

#include "str.h"

enum { SEEN_WORDS = 4 };

static bool read_value(struct json_reader *r);

bool json_fail(struct json_reader *r, enum json_verdict fault)
{
    if (r->fault == 0)
        r->fault = fault;
    return false;
}

static void skip_blanks(struct json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

struct json_node *json_add(struct json_reader *r, enum json_type type)
{
    struct json_node *node;

    if (r->count == r->capacity) {
        (void)json_fail(r, JSON_TOO_LARGE);
        return NULL;
    }
    node = &r->nodes[r->count++];
    node->at = (uint32_t)(r->at - r->text);
    node->type = (uint8_t)type;
    node->flags = 0;
    node->hash = 0;
    node->next = r->count;
    return node;
}

/* ---- numbers and words ------------------------------------------------------------------------- */

static bool skip_digits(struct json_reader *r)
{
    const char *from = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > from || json_fail(r, JSON_SYNTAX);
}

static bool at_char(const struct json_reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

static bool read_number(struct json_reader *r)
{
    struct json_node *node = json_add(r, JSON_NODE_NUMBER);

    if (node == NULL)
        return false;
    node->flags = JSON_WHOLE;
    if (*r->at == '-')
        r->at++;
    if (at_char(r, '0'))
        r->at++; /* and no digit behind it: that would be no number's end */
    else if (!skip_digits(r))
        return false;
    if (at_char(r, '.')) {
        node->flags = 0;
        r->at++;
        if (!skip_digits(r))
            return false;
    }
    if (at_char(r, 'e') || at_char(r, 'E')) {
        node->flags = 0;
        r->at++;
        if (at_char(r, '+') || at_char(r, '-'))
            r->at++;
        if (!skip_digits(r))
            return false;
    }
    node->size = (uint32_t)(r->at - r->text) - node->at;
    return true;
}

static bool read_word(struct json_reader *r, struct paa_str word, enum json_type type)
{
    struct json_node *node = json_add(r, type);

    if (node == NULL)
        return false;
    if ((size_t)(r->end - r->at) < word.size || memcmp(r->at, word.data, word.size) != 0)
        return json_fail(r, JSON_SYNTAX);
    node->size = (uint32_t)word.size;
    r->at += word.size;
    return true;
}

/* ---- objects and arrays ------------------------------------------------------------------------ */

static struct paa_str node_text(const struct json_reader *r, const struct json_node *node)
{
    const char *base = (node->flags & JSON_IN_SPARE) != 0 ? r->spare : r->text;

    return paa_str_of_n(base + node->at, node->size);
}

/* Of its ends and its size: names of one object rarely agree in those. */
static uint16_t name_hash(struct paa_str name)
{
    uint64_t first = 0, last = 0;
    uint32_t head, tail;

    if (name.size >= sizeof first) {
        memcpy(&first, name.data, sizeof first);
        memcpy(&last, name.data + name.size - sizeof last, sizeof last);
    } else if (name.size >= sizeof head) {
        memcpy(&head, name.data, sizeof head);
        memcpy(&tail, name.data + name.size - sizeof tail, sizeof tail);
        first = head;
        last = tail;
    } else if (name.size > 0) {
        first = (unsigned char)name.data[0];
        last = (unsigned char)name.data[name.size - 1];
    }
    first = (first ^ name.size) * UINT64_C(0x9e3779b97f4a7c15);
    last = (first ^ last) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint16_t)(last >> 48);
}

/* seen: a bit for each hash so far. Only where it is set already the names before are looked at. */
static bool check_name(struct json_reader *r, uint32_t first, uint64_t seen[SEEN_WORDS])
{
    uint32_t index = r->count - 1;
    struct json_node *node = &r->nodes[index];
    struct paa_str name = node_text(r, node);
    uint64_t *word, bit;

    node->hash = name_hash(name);
    word = &seen[node->hash >> 6 & (SEEN_WORDS - 1)];
    bit = UINT64_C(1) << (node->hash & 63);
    if ((*word & bit) != 0)
        for (uint32_t i = first; i < index; i = r->nodes[i + 1].next)
            if (r->nodes[i].hash == node->hash && str_eq(node_text(r, &r->nodes[i]), name))
                return json_fail(r, JSON_DUPLICATE);
    *word |= bit;
    return true;
}

static bool read_member(struct json_reader *r, uint32_t first, uint64_t seen[SEEN_WORDS])
{
    skip_blanks(r);
    if (!at_char(r, '"'))
        return json_fail(r, JSON_SYNTAX);
    if (!json_read_string(r) || !check_name(r, first, seen))
        return false;
    skip_blanks(r);
    if (!at_char(r, ':'))
        return json_fail(r, JSON_SYNTAX);
    r->at++;
    return read_value(r);
}

/* What stands behind an element: false, with no fault, if it was the last. */
static bool read_comma(struct json_reader *r, char closing)
{
    skip_blanks(r);
    if (at_char(r, ',')) {
        r->at++;
        return true;
    }
    if (!at_char(r, closing))
        return json_fail(r, JSON_SYNTAX);
    return false;
}

static bool is_empty(struct json_reader *r, char closing)
{
    r->at++;
    skip_blanks(r);
    return at_char(r, closing);
}

static bool read_members(struct json_reader *r)
{
    uint64_t seen[SEEN_WORDS] = { 0 };
    uint32_t first = r->count;
    unsigned count = 0;

    if (is_empty(r, '}'))
        return true;
    do {
        if (++count > JSON_MEMBERS_MAX)
            return json_fail(r, JSON_TOO_LARGE);
        if (!read_member(r, first, seen))
            return false;
    } while (read_comma(r, '}'));
    return r->fault == 0;
}

static bool read_elements(struct json_reader *r)
{
    if (is_empty(r, ']'))
        return true;
    do {
        if (!read_value(r))
            return false;
    } while (read_comma(r, ']'));
    return r->fault == 0;
}

static bool read_nest(struct json_reader *r, enum json_type type)
{
    struct json_node *node = json_add(r, type);

    if (node == NULL)
        return false;
    if (++r->depth > JSON_DEPTH_MAX)
        return json_fail(r, JSON_TOO_LARGE);
    if (type == JSON_NODE_OBJECT ? !read_members(r) : !read_elements(r))
        return false;
    r->depth--;
    r->at++;
    node->next = r->count;
    node->size = (uint32_t)(r->at - r->text) - node->at;
    return true;
}

static bool read_value(struct json_reader *r)
{
    skip_blanks(r);
    if (r->at == r->end)
        return json_fail(r, JSON_SYNTAX);
    switch (*r->at) {
    case '"':
        return json_read_string(r);
    case '{':
        return read_nest(r, JSON_NODE_OBJECT);
    case '[':
        return read_nest(r, JSON_NODE_ARRAY);
    case 't':
        return read_word(r, STR("true"), JSON_NODE_TRUE);
    case 'f':
        return read_word(r, STR("false"), JSON_NODE_FALSE);
    case 'n':
        return read_word(r, STR("null"), JSON_NODE_NULL);
    default:
        return *r->at == '-' || (*r->at >= '0' && *r->at <= '9') ? read_number(r)
                                                                 : json_fail(r, JSON_SYNTAX);
    }
}

static enum json_verdict read_text(struct json_reader *r)
{
    if (r->end - r->text > JSON_TEXT_MAX)
        return JSON_TOO_LARGE;
    if (!read_value(r))
        return r->fault;
    skip_blanks(r);
    if (r->at != r->end)
        return JSON_SYNTAX;
    return r->nodes[0].type == JSON_NODE_OBJECT ? JSON_READ : JSON_NOT_AN_OBJECT;
}

enum json_verdict json_tree_read(struct json_tree *ret_tree, struct paa_str text, char *spare,
                                 struct json_node *nodes, size_t capacity)
{
    struct json_reader r = { .text = text.data,
                             .at = text.data,
                             .end = text.data + text.size,
                             .spare = spare,
                             .nodes = nodes,
                             .capacity = capacity < UINT32_MAX ? (uint32_t)capacity : UINT32_MAX };
    enum json_verdict verdict = text.size > 0 ? read_text(&r) : JSON_SYNTAX;

    *ret_tree = (struct json_tree){ .text = text.data,
                                    .spare = spare,
                                    .nodes = nodes,
                                    .count = verdict == JSON_READ ? r.count : 0,
                                    .fault_at = (uint32_t)(r.at - r.text) };
    return verdict;
}

const char *json_verdict_text(enum json_verdict verdict)
{
    switch (verdict) {
    case JSON_READ:
        return "is JSON";
    case JSON_NOT_UTF8:
        return "is not UTF-8";
    case JSON_NUL:
        return "has a string with U+0000";
    case JSON_DUPLICATE:
        return "has a member twice";
    case JSON_TOO_LARGE:
        return "is too large or too deep";
    case JSON_NOT_AN_OBJECT:
        return "is no JSON object";
    case JSON_SYNTAX:
    default:
        return "is not JSON";
    }
}

size_t json_nodes_bound(struct paa_str text)
{
    size_t count = 1; /* before each node but the first stands one of these four */

    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];

        count += (unsigned)(c == ',') + (unsigned)(c == ':') + (unsigned)(c == '[') +
                 (unsigned)(c == '{');
    }
    return count;
}

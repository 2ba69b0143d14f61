/* SPDX-License-Identifier: MIT */
/*
 * The one door to libconfig: text in, tree out. What libconfig made of the text is compared with what the scan
 * found there, value by value; lines are the scan's (libconfig 1.5 gives a string the line of the next word).
 *
 * libconfig looks through a whole group for a double of each new member: 30,000 members take 20 seconds. Long
 * groups are therefore given to it in pieces; the scan has looked for doubles.
 */
#include "node.h"
#include "json.h"
#include "near.h"
#include "scan.h"
#include "str.h"

#include <libconfig.h>
#include <stdlib.h>

enum { PIECE_MEMBERS = 256 };

struct door {
    struct scan scan;
    struct arena *arena;
    struct diag *diag;
    const char *file;
    size_t cursor; /* the next of scan.values */
};

static bool fill_node(struct door *door, const config_setting_t *setting, struct node *node);

static struct where where_of(const struct door *door, uint32_t line)
{
    return (struct where){ door->file, line };
}

static bool out_of_memory(struct door *door)
{
    diag_error(door->diag, where_of(door, 0), "out of memory");
    return false;
}

/* Never seen; if libconfig and the scan differ, the file is refused, not guessed at. */
static bool read_otherwise(struct door *door, uint32_t line)
{
    diag_error(door->diag, where_of(door, line),
               "libconfig reads this line in another way than PAA: write it more plainly");
    return false;
}

static enum node_type type_of(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return NODE_GROUP;
    case CONFIG_TYPE_LIST:
        return NODE_LIST;
    case CONFIG_TYPE_ARRAY:
        return NODE_ARRAY;
    case CONFIG_TYPE_STRING:
        return NODE_STRING;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return NODE_INTEGER;
    case CONFIG_TYPE_FLOAT:
        return NODE_FLOAT;
    default:
        return NODE_BOOLEAN;
    }
}

static bool is_long_group(const struct scan_value *value)
{
    return value->type == NODE_GROUP && value->child_count > PIECE_MEMBERS;
}

/* Overwrites the bodies of long groups inside text, which begins at `begin` of the file. */
static void blank_long_groups(const struct door *door, size_t begin, size_t end, char *text)
{
    for (size_t i = door->cursor; i < door->scan.value_count; i++) {
        const struct scan_value *value = &door->scan.values[i];

        if (value->type == NODE_GROUP && value->body_begin >= end)
            return;
        if (!is_long_group(value) || value->body_begin < begin)
            continue;
        for (size_t at = value->body_begin; at < value->body_end; at++)
            if (text[at - begin] != '\n')
                text[at - begin] = ' ';
    }
}

static char *piece_text(struct door *door, size_t begin, size_t end)
{
    size_t size = end - begin;
    char *text = malloc(size + 2);

    if (text == NULL)
        return NULL;
    if (size > 0)
        memcpy(text, door->scan.text.data + begin, size);
    text[size] = '\n'; /* libconfig fails on a comment that ends the file without one */
    text[size + 1] = '\0';
    blank_long_groups(door, begin, end, text);
    return text;
}

/* The members that stand in this part of the file, to the end of group->children. */
static bool fill_piece(struct door *door, size_t begin, size_t end, uint32_t line,
                       struct node *group, size_t room)
{
    char *text = piece_text(door, begin, end);
    bool is_done = false;
    config_setting_t *root;
    config_t config;

    if (text == NULL)
        return out_of_memory(door);
    config_init(&config);
    if (config_read_string(&config, text) == CONFIG_FALSE) {
        diag_error(door->diag, where_of(door, line + (uint32_t)config_error_line(&config) - 1),
                   "libconfig cannot read this: %s", config_error_text(&config));
        goto done;
    }
    root = config_root_setting(&config);
    for (unsigned i = 0; i < (unsigned)config_setting_length(root); i++) {
        if (group->child_count == room) {
            read_otherwise(door, line);
            goto done;
        }
        if (!fill_node(door, config_setting_get_elem(root, i),
                       &group->children[group->child_count]))
            goto done;
        group->child_count++;
    }
    is_done = true;
done:
    config_destroy(&config);
    free(text);
    return is_done;
}

static bool fill_long_group(struct door *door, const struct scan_value *value, struct node *group)
{
    const struct scan_member *members = door->scan.members;
    uint32_t member = value->first_member;
    size_t begin = value->body_begin;
    uint32_t line = value->line;

    do {
        uint32_t next = member;

        for (int i = 0; i < PIECE_MEMBERS && (next != 0 || i == 0); i++)
            next = members[next].next;
        if (!fill_piece(door, begin, next != 0 ? members[next].offset : value->body_end, line,
                        group, value->child_count))
            return false;
        member = next;
        begin = members[next].offset;
        line = members[next].line;
    } while (member != 0);
    return group->child_count == value->child_count || read_otherwise(door, value->line);
}

static bool fill_children(struct door *door, const config_setting_t *setting,
                          const struct scan_value *value, struct node *node)
{
    if (value->child_count > 0) {
        node->children = arena_array(door->arena, value->child_count, sizeof *node->children);
        if (node->children == NULL)
            return out_of_memory(door);
    }
    if (is_long_group(value))
        return fill_long_group(door, value, node);
    if ((uint32_t)config_setting_length(setting) != value->child_count)
        return read_otherwise(door, value->line);
    for (; node->child_count < value->child_count; node->child_count++) {
        struct node *child = &node->children[node->child_count];

        if (node->type != NODE_GROUP)
            child->list = node->name != NULL ? node->name : node->list;
        if (!fill_node(door, config_setting_get_elem(setting, (unsigned)node->child_count), child))
            return false;
    }
    return true;
}

static bool fill_string(struct door *door, const config_setting_t *setting, struct node *node)
{
    node->string = arena_str(door->arena, paa_str_of(config_setting_get_string(setting)));
    if (node->string.data == NULL)
        return out_of_memory(door);
    if (utf8_valid(node->string))
        return true;
    diag_error(door->diag, node->where, "the bytes that \\x gives in this string are not UTF-8");
    return false;
}

static bool fill_scalar(struct door *door, const config_setting_t *setting,
                        const struct scan_value *value, struct node *node)
{
    switch (node->type) {
    case NODE_STRING:
        return fill_string(door, setting, node);
    case NODE_FLOAT:
        node->real = config_setting_get_float(setting);
        return true;
    case NODE_BOOLEAN:
        node->integer = config_setting_get_bool(setting) != 0;
        break;
    default:
        node->integer = config_setting_get_int64(setting);
    }
    return node->integer == value->integer || read_otherwise(door, value->line);
}

static bool fill_node(struct door *door, const config_setting_t *setting, struct node *node)
{
    const char *name = config_setting_name(setting);
    const struct scan_value *value;

    if (door->cursor == door->scan.value_count)
        return read_otherwise(door, 0);
    value = &door->scan.values[door->cursor++];
    node->type = type_of(setting);
    node->where = where_of(door, value->line);
    if (node->type != value->type)
        return read_otherwise(door, value->line);
    if (name != NULL) {
        node->name = arena_str(door->arena, paa_str_of(name)).data;
        if (node->name == NULL)
            return out_of_memory(door);
    }
    if (config_setting_is_aggregate(setting))
        return fill_children(door, setting, value, node);
    return fill_scalar(door, setting, value, node);
}

/* The root is read as pieces too: one piece, unless it is long. */
static struct node *read_root(struct door *door)
{
    const struct scan_value *value = &door->scan.values[0];
    struct node *root = arena_zalloc(door->arena, sizeof *root);

    if (root != NULL && value->child_count > 0)
        root->children = arena_array(door->arena, value->child_count, sizeof *root->children);
    if (root == NULL || (value->child_count > 0 && root->children == NULL)) {
        out_of_memory(door);
        return NULL;
    }
    root->type = NODE_GROUP;
    root->where = where_of(door, 1);
    door->cursor = 1;
    if (value->child_count > 0 && !fill_long_group(door, value, root))
        return NULL;
    if (door->cursor != door->scan.value_count) {
        read_otherwise(door, 0);
        return NULL;
    }
    return root;
}

struct node *node_parse(struct paa_str text, const char *file, struct arena *arena,
                        struct diag *findings)
{
    struct door door = { .arena = arena, .diag = findings };
    struct node *root = NULL;

    door.file = arena_str(arena, paa_str_of(file)).data;
    if (door.file == NULL) {
        diag_error(findings, ((struct where){ file, 0 }), "out of memory");
        return NULL;
    }
    if (text.size > NODE_TEXT_MAX) {
        diag_error(findings, where_of(&door, 0),
                   "the file is larger than 16 MiB: part it in several");
        return NULL;
    }
    if (text.data == NULL)
        text = STR("");
    if (scan_text(&door.scan, text, door.file, findings))
        root = read_root(&door);
    scan_free(&door.scan);
    return root;
}

const struct node *node_member(const struct node *group, const char *name)
{
    for (size_t i = 0; i < group->child_count; i++)
        if (group->children[i].name != NULL && strcmp(group->children[i].name, name) == 0)
            return &group->children[i];
    return NULL;
}

const char *node_type_text(enum node_type type)
{
    switch (type) {
    case NODE_GROUP:
        return "a group { }";
    case NODE_LIST:
        return "a list ( )";
    case NODE_ARRAY:
        return "an array [ ]";
    case NODE_STRING:
        return "a string";
    case NODE_INTEGER:
        return "an integer";
    case NODE_FLOAT:
        return "a float";
    case NODE_BOOLEAN:
        return "a boolean";
    default:
        return "nothing";
    }
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

bool node_only(const struct node *group, const char *const *names, size_t count, const char *what,
               struct diag *findings)
{
    bool is_fine = true;

    for (size_t i = 0; i < group->child_count; i++) {
        const struct node *member = &group->children[i];
        const char *near;

        if (is_among(member->name, names, count))
            continue;
        near = near_word(paa_str_of(member->name), names, count);
        if (near != NULL)
            diag_error(findings, member->where, "%s has no \"%.64s\": did you mean \"%s\"?", what,
                       member->name, near);
        else
            diag_error(findings, member->where, "%s has no \"%.64s\"", what, member->name);
        is_fine = false;
    }
    return is_fine;
}

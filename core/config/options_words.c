/* SPDX-License-Identifier: MIT */
/*
 * Options from texts: a row's fallback, and a terminal's "name=value" words. Both become nodes, so that there is
 * one way to check a value.
 */
#include "buf.h"
#include "options_read.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 1000, FALLBACK_TEXT_MAX = 64 * 1024 };

static const struct where arguments = { "arguments", 0 };

static bool read_integer(struct paa_str text, int64_t *ret_integer)
{
    bool is_negative = text.size > 0 && text.data[0] == '-';
    uint64_t number;

    if (is_negative)
        text = str_slice(text, 1, text.size);
    if (!str_to_u64(text, INT64_MAX, &number))
        return false;
    *ret_integer = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* The scalar that the text would be in the policy; what it cannot be stays a string, for option_value_read to
 * refuse. */
static bool fill(struct options_reader *reader, const struct paa_option *row, struct paa_str text,
                 struct node *node)
{
    bool is_true = paa_str_eq(text, "true");

    node->type = NODE_STRING;
    if (row != NULL && row->type == PAA_OPTION_INTEGER && read_integer(text, &node->integer))
        node->type = NODE_INTEGER;
    if (row != NULL && row->type == PAA_OPTION_BOOLEAN && (is_true || paa_str_eq(text, "false"))) {
        node->type = NODE_BOOLEAN;
        node->integer = is_true;
    }
    node->string = arena_str(reader->expect.arena, text);
    if (node->string.data != NULL)
        return true;
    diag_error(reader->expect.diag, node->where, "out of memory");
    return false;
}

static void place(struct node *node, struct where where)
{
    node->where = where;
    for (size_t i = 0; i < node->child_count; i++)
        place(&node->children[i], where);
}

/* "[ \"a\", \"b\" ]" */
static struct node *parse_list(struct options_reader *reader, struct paa_str text,
                               struct where where)
{
    struct node *root = NULL;
    struct buf buf;

    buf_init(&buf, FALLBACK_TEXT_MAX);
    buf_add_text(&buf, "fallback = ");
    buf_add_str(&buf, text);
    if (!buf.failed)
        root = node_parse(buf_str(&buf), where.file, reader->expect.arena, reader->expect.diag);
    buf_free(&buf);
    if (root == NULL || root->child_count != 1)
        return NULL;
    place(root, where);
    return &root->children[0];
}

struct node *option_node(struct options_reader *reader, const struct paa_option *row,
                         struct paa_str text, struct where where)
{
    bool is_list = (row->flags & PAA_OPTION_LIST) != 0 && text.size > 0 &&
                   (text.data[0] == '[' || text.data[0] == '(');
    struct node *node =
        is_list ? parse_list(reader, text, where) : expect_memory(&reader->expect, 1, sizeof *node);

    if (node == NULL)
        return NULL;
    node->name = row->name;
    node->where = where;
    return is_list || fill(reader, row, text, node) ? node : NULL;
}

struct words {
    struct options_reader *reader;
    const struct option_rows *rows;
    struct node group;
};

static const struct paa_option *row_of(const struct words *words, const char *name)
{
    for (size_t i = 0; i < words->rows->count; i++)
        if (strcmp(words->rows->rows[i].name, name) == 0)
            return &words->rows->rows[i];
    return NULL;
}

/* A value for a list that may have some already. */
static bool append(struct words *words, const struct paa_option *row, struct paa_str text,
                   struct node *list, size_t max)
{
    struct expect *expect = &words->reader->expect;

    if (list->children == NULL)
        list->children = expect_memory(expect, max, sizeof *list->children);
    if (list->children == NULL)
        return false;
    list->type = NODE_LIST;
    list->children[list->child_count] = (struct node){ .list = row->name, .where = arguments };
    return fill(words->reader, row, text, &list->children[list->child_count++]);
}

static bool refuse(const struct words *words, const char *format, const char *name)
{
    char shown[HINT_MAX];
    struct diag *findings = words->reader->expect.diag;

    diag_error(findings, arguments, "%s %s", expect_shown(paa_str_of(name), shown), format);
    return false;
}

static struct node *find_or_add(struct words *words, const char *name, bool *ret_is_new)
{
    struct node *node = &words->group.children[words->group.child_count];

    for (size_t i = 0; i < words->group.child_count; i++)
        if (strcmp(words->group.children[i].name, name) == 0) {
            *ret_is_new = false;
            return &words->group.children[i];
        }
    *node = (struct node){ .name = name, .where = arguments, .type = NODE_STRING };
    words->group.child_count++;
    *ret_is_new = true;
    return node;
}

static bool add_word(struct words *words, const char *word, size_t max)
{
    struct paa_str text = paa_str_of(word);
    size_t equals = str_find(text, '=', 0);
    const char *name = arena_str(words->reader->expect.arena, str_slice(text, 0, equals)).data;
    const struct paa_option *row;
    struct node *node;
    bool is_new;

    if (name == NULL)
        return refuse(words, "does not fit into memory", "an argument");
    row = row_of(words, name);
    if (equals < text.size)
        text = str_slice(text, equals + 1, text.size);
    else if (row == NULL || row->type == PAA_OPTION_BOOLEAN)
        text = STR("true");
    else
        return refuse(words, "needs a value: write NAME=VALUE", name);
    node = find_or_add(words, name, &is_new);
    if (row != NULL && (row->flags & PAA_OPTION_LIST) != 0)
        return append(words, row, text, node, max);
    if (!is_new)
        return refuse(words, "is there twice", name);
    return fill(words->reader, row, text, node);
}

static struct paa_options *read_words(struct options_reader *reader, const char *const *list,
                                      size_t count, const struct option_rows *rows)
{
    struct words words = { .reader = reader };
    struct option_rows checked;

    if (!option_rows_read(reader, rows, arguments, NULL, &checked))
        return NULL;
    if (count > WORDS_MAX) {
        diag_error(reader->expect.diag, arguments, "there are more than %d arguments",
                   (int)WORDS_MAX);
        return NULL;
    }
    words.rows = &checked;
    words.group = (struct node){ .type = NODE_GROUP, .where = arguments };
    words.group.children = expect_memory(&reader->expect, count, sizeof *words.group.children);
    if (words.group.children == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (!add_word(&words, list[i], count))
            return NULL;
    return option_group_read(reader, &words.group, &checked, NULL, 0);
}

/* The first error's sentence alone: a terminal has no file and line. */
static void keep_first(enum paa_level level, struct where where, const char *sentence, void *user)
{
    struct paa_error *error = user;

    (void)where;
    if (level == PAA_LEVEL_ERROR && error->text[0] == '\0')
        (void)snprintf(error->text, sizeof error->text, "%s", sentence);
}

struct paa_options *options_from_words(const char *const *words, size_t count,
                                       const struct option_rows *rows, const char *owner,
                                       const char *folder, struct arena *arena,
                                       struct paa_error *error)
{
    struct diag findings = { .fn = keep_first, .user = error };
    struct options_reader reader = { .expect = { .arena = arena, .diag = &findings },
                                     .from_words = true };
    struct paa_options *options = NULL;

    error->text[0] = '\0';
    reader.owner = arena_str(arena, paa_str_of(owner)).data;
    reader.folder = arena_str(arena, paa_str_of(folder)).data;
    if (reader.owner != NULL && reader.folder != NULL)
        options = read_words(&reader, words, count, rows);
    if (options == NULL && error->text[0] == '\0')
        (void)snprintf(error->text, sizeof error->text, "out of memory");
    return options;
}

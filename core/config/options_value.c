/* SPDX-License-Identifier: MIT */
/* One value of one option: type, range, form. */
#include "options_read.h"
#include "str.h"

#include <stdio.h>

static bool refuse(struct options_reader *reader, const struct node *node, const char *sentence)
{
    char label[LABEL_MAX];

    diag_error(reader->expect.diag, node->where, "%s %s", expect_label(node, label), sentence);
    return false;
}

static bool read_integer(struct options_reader *reader, const struct paa_option *row,
                         const struct node *node, int64_t *ret_number)
{
    bool has_range = (row->min != 0 || row->max != 0) && (row->flags & PAA_OPTION_LIST) == 0;
    char label[LABEL_MAX];

    if (!expect_type(&reader->expect, node, NODE_INTEGER))
        return false;
    if (has_range && (node->integer < row->min || node->integer > row->max)) {
        diag_error(reader->expect.diag, node->where, "%s must be from %lld to %lld",
                   expect_label(node, label), (long long)row->min, (long long)row->max);
        return false;
    }
    *ret_number = node->integer;
    return true;
}

static bool read_duration(struct options_reader *reader, const struct paa_option *row,
                          const struct node *node, int64_t *ret_ms)
{
    bool has_range = (row->min != 0 || row->max != 0) && (row->flags & PAA_OPTION_LIST) == 0;

    return expect_duration(&reader->expect, node, has_range ? row->min : 0,
                           has_range ? row->max : INT64_MAX, ret_ms);
}

static bool read_boolean(struct options_reader *reader, const struct node *node,
                         int64_t *ret_number)
{
    bool value = false;

    if (!expect_boolean(&reader->expect, node, &value))
        return false;
    *ret_number = value;
    return true;
}

/* "one", "two" and "three" for a sentence, and the words for the hint. */
static void list_choices(const char *choices, struct arena *arena, char *ret_text, size_t size,
                         const char **ret_words, size_t max, size_t *ret_count)
{
    struct paa_str rest = paa_str_of(choices), word;
    size_t at = 0;

    ret_text[0] = '\0';
    *ret_count = 0;
    while (str_next(&rest, "|", &word)) {
        if (at < size)
            at += (size_t)snprintf(ret_text + at, size - at, "%s\"%.*s\"", at > 0 ? ", " : "",
                                   STR_ARGS(word));
        if (*ret_count == max)
            continue;
        ret_words[*ret_count] = arena_str(arena, word).data;
        *ret_count += ret_words[*ret_count] != NULL;
    }
}

enum { CHOICES_MAX = 64, CHOICES_TEXT_MAX = 500 };

static bool read_choice(struct options_reader *reader, const struct paa_option *row,
                        const struct node *node, struct option_value *value)
{
    struct paa_str rest = paa_str_of(row->choices), word;
    char text[CHOICES_TEXT_MAX], hint[HINT_MAX], shown[HINT_MAX], label[LABEL_MAX];
    const char *words[CHOICES_MAX];
    size_t count;

    if (!expect_string(&reader->expect, node, &value->string))
        return false;
    for (value->number = 0; str_next(&rest, "|", &word); value->number++)
        if (str_eq(word, value->string))
            return true;
    list_choices(row->choices, reader->expect.arena, text, sizeof text, words, CHOICES_MAX, &count);
    diag_error(reader->expect.diag, node->where, "%s cannot be %s: choose from %s%s",
               expect_label(node, label), expect_shown(value->string, shown), text,
               expect_hint(&reader->expect, value->string.data, words, count, hint));
    return false;
}

static bool read_group(struct options_reader *reader, const struct paa_option *row,
                       const struct node *node, struct paa_options **ret_group)
{
    struct option_rows rows = { row->members, row->member_count, sizeof(struct paa_option) };

    *ret_group = option_group_read(reader, node, &rows, NULL, 0);
    return *ret_group != NULL;
}

/* By name, which is found when all keys are known; or described here. */
static bool read_key(struct options_reader *reader, const struct node *node,
                     struct option_value *value)
{
    char label[LABEL_MAX];

    if (node->type == NODE_STRING && node->string.size > 0) {
        value->string = node->string;
        return true;
    }
    if (node->type != NODE_GROUP)
        return refuse(reader, node,
                      "must be the name of one of \"keys\", or a group such as "
                      "{ key = \"file:PATH\"; certificate = \"PATH\"; }");
    value->key = expect_memory(&reader->expect, 1, sizeof *value->key);
    return value->key != NULL &&
           option_key_read(reader, node, expect_label(node, label), value->key);
}

bool option_value_read(struct options_reader *reader, const struct paa_option *row,
                       const struct node *node, struct option_value *ret_value)
{
    *ret_value = (struct option_value){ .row = row, .where = node->where };
    switch (row->type) {
    case PAA_OPTION_INTEGER:
        return read_integer(reader, row, node, &ret_value->number);
    case PAA_OPTION_BOOLEAN:
        return read_boolean(reader, node, &ret_value->number);
    case PAA_OPTION_DURATION:
        return read_duration(reader, row, node, &ret_value->number);
    case PAA_OPTION_CHOICE:
        return read_choice(reader, row, node, ret_value);
    case PAA_OPTION_URL:
        return expect_url(&reader->expect, node, &ret_value->string);
    case PAA_OPTION_PATH:
        return option_path_read(reader, node, &ret_value->secret);
    case PAA_OPTION_SECRET:
        return option_secret_read(reader, node, &ret_value->secret);
    case PAA_OPTION_KEY:
        return read_key(reader, node, ret_value);
    case PAA_OPTION_TLS:
        return option_tls_read(reader, node, &ret_value->group);
    case PAA_OPTION_ENDPOINT:
        return expect_exact_path(&reader->expect, node, &ret_value->string);
    case PAA_OPTION_GROUP:
        return read_group(reader, row, node, &ret_value->group);
    default: /* an empty string is a value */
        ret_value->string = node->string;
        return expect_type(&reader->expect, node, NODE_STRING);
    }
}

/* SPDX-License-Identifier: MIT */
/* Typed reading of nodes: each sentence about a wrong type is made here. */
#include "expect.h"
#include "json.h"
#include "near.h"
#include "str.h"
#include "target.h"
#include "units.h"
#include "url.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_BYTES = 60 };

void *expect_memory(struct expect *expect, size_t count, size_t size)
{
    void *memory = arena_array(expect->arena, count > 0 ? count : 1, size);

    if (memory == NULL && !expect->out_of_memory) {
        diag_error(expect->diag, ((struct where){ "policy", 0 }), "out of memory");
        expect->out_of_memory = true;
    }
    return memory;
}

const char *expect_label(const struct node *node, char ret_label[LABEL_MAX])
{
    if (node->name == NULL && node->list == NULL)
        return "this value";
    if (node->name != NULL)
        (void)snprintf(ret_label, LABEL_MAX, "\"%.64s\"", node->name);
    else
        (void)snprintf(ret_label, LABEL_MAX, "a value of \"%.64s\"", node->list);
    return ret_label;
}

const char *expect_hint(const struct expect *expect, const char *word, const char *const *words,
                        size_t count, char ret_hint[HINT_MAX])
{
    const char *near = NULL;

    if (expect->diag->errors < HINTED_ERRORS_MAX)
        near = near_word(paa_str_of(word), words, count);
    ret_hint[0] = '\0';
    if (near != NULL)
        (void)snprintf(ret_hint, HINT_MAX, ": did you mean \"%.100s\"?", near);
    return ret_hint;
}

const char *expect_shown(struct paa_str text, char ret_shown[HINT_MAX])
{
    bool is_cut = text.size > SHOWN_BYTES;
    struct buf buf;

    while (text.size > SHOWN_BYTES)
        text.size--;
    while (is_cut && text.size > 0 && ((unsigned char)text.data[text.size] & 0xc0) == 0x80)
        text.size--;
    buf_init(&buf, 8 * SHOWN_BYTES);
    text_escape(&buf, text);
    (void)snprintf(ret_shown, HINT_MAX, "\"%.*s%s\"", HINT_MAX - 16, buf_str(&buf).data,
                   is_cut ? "..." : "");
    buf_free(&buf);
    return ret_shown;
}

bool expect_type(struct expect *expect, const struct node *node, enum node_type type)
{
    char label[LABEL_MAX];

    if (node->type == type)
        return true;
    diag_error(expect->diag, node->where, "%s must be %s, not %s", expect_label(node, label),
               node_type_text(type), node_type_text(node->type));
    return false;
}

bool expect_string(struct expect *expect, const struct node *node, struct paa_str *ret_string)
{
    char label[LABEL_MAX];

    if (!expect_type(expect, node, NODE_STRING))
        return false;
    if (node->string.size == 0) {
        diag_error(expect->diag, node->where, "%s is empty", expect_label(node, label));
        return false;
    }
    *ret_string = node->string;
    return true;
}

bool expect_boolean(struct expect *expect, const struct node *node, bool *ret_value)
{
    char label[LABEL_MAX];

    if (node->type != NODE_BOOLEAN) {
        diag_error(expect->diag, node->where, "%s must be true or false without quotes, not %s",
                   expect_label(node, label), node_type_text(node->type));
        return false;
    }
    *ret_value = node->integer != 0;
    return true;
}

static const struct duration_unit {
    int64_t ms;
    const char *name;
} duration_units[] = { { 604800000, "w" }, { 86400000, "d" }, { 3600000, "h" },
                       { 60000, "m" },     { 1000, "s" },     { 1, "ms" } };

const char *duration_text(int64_t ms, char ret_text[LABEL_MAX])
{
    size_t at = 0;

    if (ms <= 0)
        return "0s";
    for (size_t i = 0; i < sizeof duration_units / sizeof duration_units[0]; i++) {
        const struct duration_unit *unit = &duration_units[i];

        if (ms >= unit->ms && at < LABEL_MAX)
            at += (size_t)snprintf(ret_text + at, LABEL_MAX - at, "%lld%s",
                                   (long long)(ms / unit->ms), unit->name);
        ms %= unit->ms;
    }
    return ret_text;
}

static bool duration_of(struct expect *expect, const struct node *node, int64_t *ret_ms)
{
    char label[LABEL_MAX];

    if (node->type == NODE_INTEGER) {
        diag_error(expect->diag, node->where, "%s needs a unit and quotes: write \"%llds\"",
                   expect_label(node, label), (long long)node->integer);
        return false;
    }
    if (node->type != NODE_STRING) {
        diag_error(expect->diag, node->where, "%s must be a duration such as \"10s\", not %s",
                   expect_label(node, label), node_type_text(node->type));
        return false;
    }
    if (!duration_parse(node->string, ret_ms)) {
        diag_error(expect->diag, node->where,
                   "%s is no duration: write a number and ms, s, m, h, d or w, as in \"10s\" or "
                   "\"1h30m\"",
                   expect_label(node, label));
        return false;
    }
    return true;
}

bool expect_duration(struct expect *expect, const struct node *node, int64_t min_ms, int64_t max_ms,
                     int64_t *ret_ms)
{
    char label[LABEL_MAX], low[LABEL_MAX], high[LABEL_MAX];
    int64_t ms;

    if (!duration_of(expect, node, &ms))
        return false;
    if (ms < min_ms || ms > max_ms) {
        diag_error(expect->diag, node->where, "%s must be from %s to %s", expect_label(node, label),
                   duration_text(min_ms, low), duration_text(max_ms, high));
        return false;
    }
    *ret_ms = ms;
    return true;
}

struct sorted {
    struct paa_str string;
    const struct node *node;
};

static int compare_sorted(const void *a, const void *b)
{
    const struct sorted *left = a, *right = b;
    int order = str_compare(left->string, right->string);

    if (order != 0)
        return order;
    return (left->node > right->node) - (left->node < right->node);
}

/* Sorted, not pair by pair: a list may have 100,000 members. */
static bool none_twice(struct expect *expect, const struct node *node)
{
    struct sorted *sorted = expect_memory(expect, node->child_count, sizeof *sorted);
    bool is_fine = sorted != NULL;

    for (size_t i = 0; is_fine && i < node->child_count; i++)
        sorted[i] = (struct sorted){ node->children[i].string, &node->children[i] };
    if (is_fine)
        qsort(sorted, node->child_count, sizeof *sorted, compare_sorted);
    for (size_t i = 1; is_fine && i < node->child_count; i++) {
        char shown[HINT_MAX];

        if (!str_eq(sorted[i - 1].string, sorted[i].string))
            continue;
        diag_error(expect->diag, sorted[i].node->where, "%s is there twice",
                   expect_shown(sorted[i].string, shown));
        is_fine = false;
    }
    return is_fine;
}

static bool strings_of(struct expect *expect, const struct node *node, struct paa_str *strings)
{
    char label[LABEL_MAX];

    for (size_t i = 0; i < node->child_count; i++) {
        const struct node *child = &node->children[i];

        if (child->type != NODE_STRING) {
            diag_error(expect->diag, child->where, "%s must be a list of strings: here is %s",
                       expect_label(node, label), node_type_text(child->type));
            return false;
        }
        if (child->string.size == 0) {
            diag_error(expect->diag, child->where, "%s has an empty string",
                       expect_label(node, label));
            return false;
        }
        strings[i] = child->string;
    }
    return none_twice(expect, node);
}

bool expect_strings(struct expect *expect, const struct node *node,
                    const struct paa_str **ret_strings, size_t *ret_count)
{
    bool is_list = node->type == NODE_LIST || node->type == NODE_ARRAY;
    size_t count = is_list ? node->child_count : 1;
    char label[LABEL_MAX];
    struct paa_str *strings;

    if (!is_list && node->type != NODE_STRING) {
        diag_error(expect->diag, node->where, "%s must be a list of strings or one string, not %s",
                   expect_label(node, label), node_type_text(node->type));
        return false;
    }
    if (count == 0) {
        diag_error(expect->diag, node->where, "%s is an empty list: name something or leave it out",
                   expect_label(node, label));
        return false;
    }
    strings = expect_memory(expect, count, sizeof *strings);
    if (strings == NULL ||
        (is_list ? !strings_of(expect, node, strings) : !expect_string(expect, node, strings)))
        return false;
    *ret_strings = strings;
    *ret_count = count;
    return true;
}

const char *expect_path(struct expect *expect, const char *folder, struct paa_str path)
{
    size_t folder_size = path.data[0] == '/' ? 0 : strlen(folder);
    bool has_slash = folder_size == 0 || folder[folder_size - 1] == '/';
    char *text = expect_memory(expect, folder_size + path.size + 2, 1);

    if (text == NULL)
        return NULL;
    memcpy(text, folder, folder_size);
    if (!has_slash)
        text[folder_size++] = '/';
    memcpy(text + folder_size, path.data, path.size);
    return text;
}

bool expect_url(struct expect *expect, const struct node *node, struct paa_str *ret_url)
{
    char label[LABEL_MAX];
    const char *wrong;
    struct url url;

    if (!expect_string(expect, node, ret_url))
        return false;
    wrong = url_parse(*ret_url, expect->arena, &url);
    if (wrong != NULL)
        diag_error(expect->diag, node->where, "%s is no URL: %s", expect_label(node, label), wrong);
    return wrong == NULL;
}

bool expect_exact_path(struct expect *expect, const struct node *node, struct paa_str *ret_path)
{
    char label[LABEL_MAX];
    const char *wrong;

    if (!expect_string(expect, node, ret_path))
        return false;
    wrong = pattern_check(*ret_path, expect->arena, NULL);
    if (wrong == NULL && str_find(*ret_path, '*', 0) < ret_path->size)
        wrong = "it must be one path, without *";
    if (wrong != NULL)
        diag_error(expect->diag, node->where,
                   "%s is no path of this service such as \"/callback\": %s",
                   expect_label(node, label), wrong);
    return wrong == NULL;
}

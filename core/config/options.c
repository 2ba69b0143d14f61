/* SPDX-License-Identifier: MIT */
/* A group of options, checked against its rows. */
#include "options_read.h"
#include "str.h"

#include <stdlib.h>

static bool is_list(const struct paa_option *row)
{
    return (row->flags & PAA_OPTION_LIST) != 0;
}

/* Does the row concern an instance that is used this way? */
static bool concerns(const struct paa_option *row, uint32_t used)
{
    uint32_t ways = row->flags & (PAA_OPTION_INCOMING | PAA_OPTION_OUTGOING);

    return ways == 0 ||
           ((ways & PAA_OPTION_INCOMING) != 0 && (used & OPTIONS_USED_INCOMING) != 0) ||
           ((ways & PAA_OPTION_OUTGOING) != 0 && (used & OPTIONS_USED_OUTGOING) != 0);
}

static bool check_count(struct options_reader *reader, const struct paa_option *row,
                        const struct node *node, size_t count)
{
    bool has_range = row->min != 0 || row->max != 0;
    char label[LABEL_MAX];

    if (count == 0) {
        diag_error(reader->expect.diag, node->where,
                   "%s is an empty list: name something or leave it out",
                   expect_label(node, label));
        return false;
    }
    if (count > OPTION_VALUES_MAX) {
        diag_error(reader->expect.diag, node->where, "%s has more than %d values",
                   expect_label(node, label), (int)OPTION_VALUES_MAX);
        return false;
    }
    if (!has_range || ((int64_t)count >= row->min && (int64_t)count <= row->max))
        return true;
    diag_error(reader->expect.diag, node->where, "%s must have %lld to %lld values, not %zu",
               expect_label(node, label), (long long)row->min, (long long)row->max, count);
    return false;
}

static bool read_list(struct options_reader *reader, const struct paa_option *row,
                      const struct node *node, struct option_entry *entry)
{
    bool has_children = node->type == NODE_LIST || node->type == NODE_ARRAY;
    size_t count = has_children ? node->child_count : 1;
    bool is_fine = true;

    if (!check_count(reader, row, node, count))
        return false;
    entry->values = expect_memory(&reader->expect, count, sizeof *entry->values);
    if (entry->values == NULL)
        return false;
    entry->count = count;
    for (size_t i = 0; i < count; i++)
        if (!option_value_read(reader, row, has_children ? &node->children[i] : node,
                               &entry->values[i]))
            is_fine = false;
    return is_fine;
}

static bool read_entry(struct options_reader *reader, const struct paa_option *row,
                       const struct node *node, struct option_entry *entry)
{
    *entry = (struct option_entry){ .row = row, .where = node->where };
    if (is_list(row))
        return read_list(reader, row, node, entry);
    entry->values = expect_memory(&reader->expect, 1, sizeof *entry->values);
    if (entry->values == NULL)
        return false;
    entry->count = 1;
    return option_value_read(reader, row, node, entry->values);
}

static void warn_direction(struct options_reader *reader, const struct paa_option *row,
                           const struct node *node)
{
    bool is_incoming = (reader->used & OPTIONS_USED_INCOMING) != 0;

    if (reader->used != 0 && !concerns(row, reader->used))
        diag_warn(reader->expect.diag, node->where,
                  "%s: \"%s\" has no effect: it is for %s services, and the instance is used in %s "
                  "ones only",
                  reader->owner, row->name, is_incoming ? "outgoing" : "incoming",
                  is_incoming ? "incoming" : "outgoing");
}

static bool refuse_missing(struct options_reader *reader, const struct paa_option *row,
                           const struct node *group)
{
    char type[64];

    option_type_text(row, type);
    diag_error(reader->expect.diag, group->where, "%s must say \"%s\" (%s): %s", reader->owner,
               row->name, type, row->help);
    return false;
}

/* From the table: the plugin's own words, so what is wrong there is its author's mistake. */
static bool read_fallback(struct options_reader *reader, const struct paa_option *row,
                          const struct node *group, struct option_entry *entry)
{
    struct node *node = option_node(reader, row, paa_str_of(row->fallback), group->where);

    if (node != NULL && read_entry(reader, row, node, entry))
        return true;
    diag_error(reader->expect.diag, group->where,
               "%s: the fallback of \"%s\" in the plugin's option table is wrong; tell its author",
               reader->owner, row->name);
    return false;
}

/* False: an error was told. *ret_has: there is an entry. */
static bool read_row(struct options_reader *reader, const struct paa_option *row,
                     const struct node *group, struct option_entry *entry, bool *ret_has)
{
    const struct node *node = node_member(group, row->name);

    *ret_has = node != NULL || row->fallback != NULL;
    if (node != NULL) {
        warn_direction(reader, row, node);
        return read_entry(reader, row, node, entry);
    }
    if (row->fallback != NULL)
        return read_fallback(reader, row, group, entry);
    if ((row->flags & PAA_OPTION_REQUIRED) != 0 && concerns(row, reader->used))
        return refuse_missing(reader, row, group);
    return true;
}

static bool check_names(struct options_reader *reader, const struct node *group,
                        const struct option_rows *rows, const char *const *skip, size_t skip_count,
                        const char *what)
{
    const char **names = expect_memory(&reader->expect, rows->count + skip_count, sizeof *names);
    size_t count = 0;

    if (names == NULL)
        return false;
    for (size_t i = 0; i < rows->count; i++)
        names[count++] = rows->rows[i].name;
    for (size_t i = 0; i < skip_count; i++)
        names[count++] = skip[i];
    return node_only(group, names, count, what, reader->expect.diag);
}

static int compare_entries(const void *a, const void *b)
{
    const struct option_entry *left = a, *right = b;

    return strcmp(left->row->name, right->row->name);
}

/* The tree of groups shares the outermost one's diag and reads. */
static struct paa_options *new_options(struct options_reader *reader, const struct node *group,
                                       size_t rows)
{
    struct paa_options *options = expect_memory(&reader->expect, 1, sizeof *options);

    if (options == NULL)
        return NULL;
    options->entries = expect_memory(&reader->expect, rows, sizeof *options->entries);
    if (options->entries == NULL)
        return NULL;
    if (reader->top == NULL)
        reader->top = options;
    options->top = reader->top;
    options->where = group->where;
    options->owner = reader->owner;
    options->folder = reader->folder;
    return options;
}

struct paa_options *option_group_read(struct options_reader *reader, const struct node *group,
                                      const struct option_rows *rows, const char *const *skip,
                                      size_t skip_count)
{
    char label[LABEL_MAX];
    const char *what = reader->top == NULL ? reader->owner : expect_label(group, label);
    struct paa_options *options;
    bool is_fine;

    if (!expect_type(&reader->expect, group, NODE_GROUP))
        return NULL;
    options = new_options(reader, group, rows->count);
    if (options == NULL)
        return NULL;
    is_fine = check_names(reader, group, rows, skip, skip_count, what);
    for (size_t i = 0; i < rows->count; i++) {
        bool has_entry;

        if (!read_row(reader, &rows->rows[i], group, &options->entries[options->count], &has_entry))
            is_fine = false;
        else
            options->count += has_entry;
    }
    if (!is_fine)
        return NULL;
    if (options->count > 1)
        qsort(options->entries, options->count, sizeof *options->entries, compare_entries);
    return options;
}

static const char *plugin_of(const struct node *group)
{
    const struct node *plugin = group->type == NODE_GROUP ? node_member(group, "plugin") : NULL;

    return plugin != NULL && plugin->type == NODE_STRING ? plugin->string.data : NULL;
}

/* The caller's strings need not live as long as the options. */
static bool keep_texts(struct options_reader *reader, const char *owner, const char *folder)
{
    reader->owner = arena_str(reader->expect.arena, paa_str_of(owner)).data;
    reader->folder = arena_str(reader->expect.arena, paa_str_of(folder)).data;
    if (reader->owner != NULL && reader->folder != NULL)
        return true;
    diag_error(reader->expect.diag, ((struct where){ "policy", 0 }), "out of memory");
    return false;
}

struct paa_options *options_read(const struct node *group, const struct option_rows *rows,
                                 uint32_t used, const char *owner, const char *folder,
                                 const char *const *skip, size_t skip_count, struct arena *arena,
                                 struct diag *findings)
{
    struct options_reader reader = { .expect = { .arena = arena, .diag = findings }, .used = used };
    struct paa_options *options;
    struct option_rows checked;

    if (!keep_texts(&reader, owner, folder) ||
        !option_rows_read(&reader, rows, group->where, plugin_of(group), &checked))
        return NULL;
    options = option_group_read(&reader, group, &checked, skip, skip_count);
    if (options != NULL)
        options->diag = findings;
    return options;
}

static bool is_for_engine(const struct paa_option *row)
{
    return row->type == PAA_OPTION_SECRET || row->type == PAA_OPTION_PATH ||
           row->type == PAA_OPTION_KEY || row->type == PAA_OPTION_TLS ||
           row->type == PAA_OPTION_ENDPOINT || row->type == PAA_OPTION_URL;
}

bool options_each(struct paa_options *options,
                  bool (*fn)(struct option_entry *entry, struct option_value *value, void *arg),
                  void *arg)
{
    for (size_t i = 0; i < options->count; i++) {
        struct option_entry *entry = &options->entries[i];

        for (size_t k = 0; k < entry->count; k++) {
            struct option_value *value = &entry->values[k];

            if (value->group != NULL && !options_each(value->group, fn, arg))
                return false;
            if (is_for_engine(entry->row) && !fn(entry, value, arg))
                return false;
        }
    }
    return true;
}

/* A policy's option may be asked for on every request: halving, not walking. */
const struct option_entry *option_entry(const struct paa_options *options, const char *name)
{
    size_t low = 0, high = options->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(options->entries[middle].row->name, name);

        if (order == 0)
            return &options->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

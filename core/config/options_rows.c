/* SPDX-License-Identifier: MIT */
/*
 * A plugin's table of rows, brought into today's layout and checked. What an older minor lacks is zero; what a
 * newer one adds is refused if it is used, never dropped.
 */
#include "options_read.h"
#include "str.h"

enum {
    ROW_SIZE_MIN = offsetof(struct paa_option, flags) + sizeof(uint32_t),
    ROW_SIZE_MAX = 4096,
    FLAGS_KNOWN = PAA_OPTION_REQUIRED | PAA_OPTION_LIST | PAA_OPTION_GENERATE |
                  PAA_OPTION_INCOMING | PAA_OPTION_OUTGOING | PAA_OPTION_INSTANCE
};

struct table {
    struct options_reader *reader;
    struct where where;
    const char *plugin; /* NULL: not known */
    size_t row_size;
};

const struct paa_option *option_row(const struct option_rows *rows, size_t index)
{
    return (const struct paa_option *)(const void *)((const char *)rows->rows +
                                                     index * rows->row_size);
}

static bool refuse(const struct table *table, const char *option, const char *sentence)
{
    struct diag *findings = table->reader->expect.diag;
    const char *plugin = table->plugin != NULL ? table->plugin : table->reader->owner;

    if (option != NULL)
        diag_error(
            findings, table->where,
            "the option table of plugin \"%.64s\" is wrong at \"%.64s\": %s; tell its author",
            plugin, option, sentence);
    else
        diag_error(findings, table->where,
                   "the option table of plugin \"%.64s\" is wrong: %s; tell its author", plugin,
                   sentence);
    return false;
}

static bool is_name(const char *name)
{
    size_t size = strlen(name);

    if (size == 0 || size > 64 || name[0] < 'a' || name[0] > 'z')
        return false;
    for (size_t i = 0; i < size; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') &&
            name[i] != '_' && name[i] != '-')
            return false;
    return strcmp(name, "true") != 0 && strcmp(name, "false") != 0;
}

static bool is_cores(const struct paa_option *row)
{
    static const char *const names[] = { "plugin", "sha256", "store", "paa" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(row->name, names[i]) == 0)
            return true;
    return strcmp(row->name, "tls") == 0 && row->type != PAA_OPTION_TLS;
}

/* "one|two": at least one word, none empty. */
static bool are_choices(const char *choices)
{
    struct paa_str text = paa_str_of(choices);

    return text.size > 0 && text.data[0] != '|' && text.data[text.size - 1] != '|' &&
           strstr(choices, "||") == NULL;
}

static bool is_list(const struct paa_option *row)
{
    return (row->flags & PAA_OPTION_LIST) != 0;
}

static const char *judge_kind(const struct paa_option *row)
{
    if (row->type < PAA_OPTION_STRING || row->type > PAA_OPTION_GROUP)
        return "this core does not know its type";
    if ((row->flags & ~(uint32_t)FLAGS_KNOWN) != 0)
        return "this core does not know one of its flags";
    if (row->type == PAA_OPTION_CHOICE && (row->choices == NULL || !are_choices(row->choices)))
        return "a choice needs \"choices\" such as \"one|two\"";
    if (row->type == PAA_OPTION_GROUP && (row->members == NULL || row->member_count == 0))
        return "a group needs members";
    if ((row->flags & PAA_OPTION_GENERATE) != 0 && row->type != PAA_OPTION_SECRET)
        return "only a secret can be generated";
    if ((row->flags & PAA_OPTION_INSTANCE) != 0 && row->type != PAA_OPTION_STRING)
        return "only a string can name an instance";
    return NULL;
}

static const char *judge(const struct paa_option *row, int depth)
{
    const char *wrong = judge_kind(row);

    if (wrong != NULL)
        return wrong;
    if (row->help == NULL || row->help[0] == '\0')
        return "it has no help";
    if (depth == 0 && is_cores(row))
        return "that name is the core's";
    if ((row->flags & PAA_OPTION_REQUIRED) != 0 && row->fallback != NULL)
        return "what is required needs no fallback";
    if (row->fallback != NULL && (row->type == PAA_OPTION_GROUP || row->type == PAA_OPTION_TLS))
        return "a group cannot have a fallback";
    if (row->min > row->max && (row->min != 0 || row->max != 0))
        return "its min is greater than its max";
    if ((row->min != 0 || row->max != 0) && !is_list(row) && row->type != PAA_OPTION_INTEGER &&
        row->type != PAA_OPTION_DURATION)
        return "min and max go with integers, durations and lists only";
    return NULL;
}

/* Members of a newer minor must be zero: what they ask for is not understood. */
static bool has_tail(const unsigned char *row, size_t row_size)
{
    for (size_t i = sizeof(struct paa_option); i < row_size; i++)
        if (row[i] != 0)
            return true;
    return false;
}

static bool is_double(const struct paa_option *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, rows[count].name) == 0)
            return true;
    return false;
}

static bool copy_rows(struct table *table, const void *rows, size_t count, int depth,
                      struct paa_option **ret_rows)
{
    size_t known =
        table->row_size < sizeof(struct paa_option) ? table->row_size : sizeof(struct paa_option);
    struct paa_option *copy;

    if (count > OPTION_ROWS_MAX || depth > OPTION_DEPTH_MAX)
        return refuse(table, NULL, "it has over 256 rows, or groups nested over 8 deep");
    copy = expect_memory(&table->reader->expect, count, sizeof *copy);
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const unsigned char *row = (const unsigned char *)rows + i * table->row_size;
        const char *wrong;

        memcpy(&copy[i], row, known);
        if (copy[i].name == NULL || !is_name(copy[i].name))
            return refuse(table, NULL, "a name is missing, or not made of a to z, 0 to 9, - and _");
        wrong = judge(&copy[i], depth);
        if (wrong == NULL && has_tail(row, table->row_size))
            wrong = "it uses what only a newer core knows";
        if (wrong == NULL && is_double(copy, i))
            wrong = "it is there twice";
        if (wrong != NULL)
            return refuse(table, copy[i].name, wrong);
        if (copy[i].type == PAA_OPTION_GROUP) {
            struct paa_option *members;

            if (!copy_rows(table, copy[i].members, copy[i].member_count, depth + 1, &members))
                return false;
            copy[i].members = members;
        }
    }
    *ret_rows = copy;
    return true;
}

bool option_rows_read(struct options_reader *reader, const struct option_rows *rows,
                      struct where where, const char *plugin, struct option_rows *ret_rows)
{
    struct table table = { reader, where, plugin, rows->row_size };
    struct paa_option *copy = NULL;

    *ret_rows = (struct option_rows){ NULL, 0, sizeof(struct paa_option) };
    if (rows->count == 0)
        return true;
    if (rows->rows == NULL)
        return refuse(&table, NULL, "it is NULL, but its count is not 0");
    if (rows->row_size < ROW_SIZE_MIN || rows->row_size > ROW_SIZE_MAX)
        return refuse(&table, NULL, "its row size cannot be");
    if (!copy_rows(&table, rows->rows, rows->count, 0, &copy))
        return false;
    ret_rows->rows = copy;
    ret_rows->count = rows->count;
    return true;
}

void option_type_text(const struct paa_option *row, char ret_text[64])
{
    static const char *const texts[] = { "string",
                                         "integer",
                                         "boolean",
                                         "duration",
                                         "choice",
                                         "URL",
                                         "path",
                                         "secret",
                                         "private key",
                                         "TLS",
                                         "path of this service",
                                         "group" };
    bool is_known = row->type >= PAA_OPTION_STRING && row->type <= PAA_OPTION_GROUP;
    const char *text = is_known ? texts[row->type - PAA_OPTION_STRING] : "unknown";
    const char *prefix = is_list(row) ? "list of " : "";
    size_t prefix_size = strlen(prefix);

    memcpy(ret_text, prefix, prefix_size);
    memcpy(ret_text + prefix_size, text, strlen(text) + 1);
}

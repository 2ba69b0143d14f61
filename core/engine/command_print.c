/* SPDX-License-Identifier: MIT */
/* Records of a verb for people (a table, columns in order of first appearance) and for programs (JSON lines). */
#include "command.h"
#include "json.h"
#include "str.h"

enum { COLUMNS_MAX = 32 };

static void write_out(const struct command_run *run, const struct buf *buf)
{
    if (run->command->write_fn != NULL && !buf->failed)
        run->command->write_fn(buf->data, buf->size, run->command->user);
}

static enum paa_status emit_json(struct command_run *run, const struct paa_field *fields,
                                 size_t count)
{
    struct json json;
    struct buf buf;
    bool is_lost;

    buf_init(&buf, COMMAND_OUTPUT_MAX);
    json_init(&json, &buf);
    json_open(&json, NULL, '{');
    for (size_t i = 0; i < count; i++) {
        char name[64];

        (void)snprintf(name, sizeof name, "%.*s", STR_ARGS(fields[i].name));
        json_str(&json, name, fields[i].value);
    }
    json_close(&json, '}');
    buf_add_char(&buf, '\n');
    write_out(run, &buf);
    is_lost = buf.failed;
    buf_free(&buf);
    return is_lost ? PAA_STATUS_TOO_LARGE : PAA_STATUS_OK;
}

static enum paa_status keep_row(struct command_run *run, const struct paa_field *fields,
                                size_t count)
{
    struct command_row *row = arena_zalloc(&run->arena, sizeof *row + count * sizeof *fields);

    for (size_t i = 0; row != NULL && i < count; i++) {
        row->fields[i].name = arena_str(&run->arena, fields[i].name);
        row->fields[i].value = arena_str(&run->arena, fields[i].value);
        if (row->fields[i].name.data == NULL)
            return PAA_STATUS_TOO_LARGE;
    }
    if (row == NULL)
        return PAA_STATUS_TOO_LARGE;
    row->field_count = count;
    *run->rows_end = row;
    run->rows_end = &row->next;
    return PAA_STATUS_OK;
}

enum paa_status command_emit(struct command_run *run, const struct paa_field *fields, size_t count)
{
    return run->is_json ? emit_json(run, fields, count) : keep_row(run, fields, count);
}

/* ---- tables ------------------------------------------------------------------------------------ */

struct table {
    struct paa_str names[COLUMNS_MAX];
    size_t widths[COLUMNS_MAX];
    size_t count;
};

static size_t column_of(struct table *table, struct paa_str name)
{
    for (size_t i = 0; i < table->count; i++)
        if (str_eq(table->names[i], name))
            return i;
    if (table->count == COLUMNS_MAX)
        return COLUMNS_MAX;
    table->names[table->count] = name;
    table->widths[table->count] = name.size;
    return table->count++;
}

static void measure(struct table *table, const struct command_row *row)
{
    for (size_t i = 0; i < row->field_count; i++) {
        size_t column = column_of(table, row->fields[i].name);

        if (column < COLUMNS_MAX && row->fields[i].value.size > table->widths[column])
            table->widths[column] = row->fields[i].value.size;
    }
}

static void cell(struct buf *buf, struct paa_str text, size_t width, bool is_last)
{
    size_t start = buf->size;

    text_escape(buf, text);
    while (!is_last && !buf->failed && buf->size - start < width + 2)
        buf_add_char(buf, ' ');
}

static struct paa_str value_of(const struct command_row *row, struct paa_str name)
{
    for (size_t i = 0; i < row->field_count; i++)
        if (str_eq(row->fields[i].name, name))
            return row->fields[i].value;
    return STR_NONE;
}

static void print_row(const struct table *table, const struct command_row *row, struct buf *buf)
{
    for (size_t i = 0; i < table->count; i++)
        cell(buf, row != NULL ? value_of(row, table->names[i]) : table->names[i], table->widths[i],
             i + 1 == table->count);
    buf_add_char(buf, '\n');
}

/* One record reads better from top to bottom. */
static void print_record(const struct table *table, const struct command_row *row, struct buf *buf)
{
    size_t width = 0;

    for (size_t i = 0; i < table->count; i++)
        width = table->names[i].size > width ? table->names[i].size : width;
    for (size_t i = 0; i < table->count; i++) {
        cell(buf, table->names[i], width, false);
        cell(buf, value_of(row, table->names[i]), 0, true);
        buf_add_char(buf, '\n');
    }
}

void command_print(struct command_run *run)
{
    struct table table = { .count = 0 };
    struct buf buf;

    if (run->rows == NULL)
        return;
    buf_init(&buf, COMMAND_OUTPUT_MAX);
    for (const struct command_row *row = run->rows; row != NULL; row = row->next)
        measure(&table, row);
    if (run->rows->next == NULL) {
        print_record(&table, run->rows, &buf);
    } else {
        print_row(&table, NULL, &buf);
        for (const struct command_row *row = run->rows; row != NULL; row = row->next)
            print_row(&table, row, &buf);
    }
    write_out(run, &buf);
    buf_free(&buf);
}

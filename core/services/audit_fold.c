/* SPDX-License-Identifier: MIT */
#include "audit_fold.h"

#include "str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BEGINNING "{\"time\":"

/* The value of `time`, and all behind it. False: it does not begin with one. */
static bool part(struct paa_str line, struct paa_str *ret_time, struct paa_str *ret_rest)
{
    size_t end = str_find(line, ',', 0);

    if (!str_starts(line, STR(BEGINNING)) || end == line.size || line.data[line.size - 1] != '}')
        return false;
    *ret_time = str_slice(line, sizeof BEGINNING - 1, end);
    *ret_rest = str_slice(line, end, line.size);
    return ret_time->size < FOLD_TIME_MAX;
}

static void note_time(char ret_text[FOLD_TIME_MAX], struct paa_str time)
{
    (void)snprintf(ret_text, FOLD_TIME_MAX, "%.*s", STR_ARGS(time));
}

static struct fold_line *find(struct fold *fold, struct paa_str rest)
{
    for (size_t i = 0; i < FOLD_LINES_MAX; i++)
        if (fold->lines[i].text != NULL &&
            str_eq(paa_str_of_n(fold->lines[i].text, fold->lines[i].size), rest))
            return &fold->lines[i];
    return NULL;
}

static void remember(struct fold *fold, struct paa_str rest, int64_t now_ms)
{
    for (size_t i = 0; i < FOLD_LINES_MAX; i++) {
        struct fold_line *line = &fold->lines[i];

        if (line->text != NULL)
            continue;
        line->text = malloc(rest.size + 1);
        if (line->text == NULL)
            return;
        memcpy(line->text, rest.data, rest.size);
        line->text[rest.size] = '\0';
        line->size = rest.size;
        line->count = 0;
        line->due_ms = now_ms + FOLD_MS;
        return;
    }
}

bool fold_take(struct fold *fold, struct paa_str line, int64_t now_ms)
{
    struct paa_str time, rest;
    struct fold_line *known;

    if (!part(line, &time, &rest))
        return false;
    known = find(fold, rest);
    if (known == NULL) {
        remember(fold, rest, now_ms);
        return false;
    }
    if (known->count++ == 0)
        note_time(known->first, time);
    note_time(known->last, time);
    return true;
}

static void write_counted(const struct fold_line *line, struct buf *buf)
{
    buf_printf(buf, BEGINNING "%s%.*s,\"count\":%" PRIu64 ",\"first\":%s,\"last\":%s}", line->last,
               (int)(line->size - 1), line->text, line->count, line->first, line->last);
}

/* One that was not repeated meanwhile is forgotten; the others are counted anew. */
bool fold_give(struct fold *fold, int64_t now_ms, struct buf *buf)
{
    for (size_t i = 0; i < FOLD_LINES_MAX; i++) {
        struct fold_line *line = &fold->lines[i];

        if (line->text == NULL || line->due_ms > now_ms)
            continue;
        if (line->count > 0) {
            write_counted(line, buf);
            line->count = 0;
            line->due_ms = now_ms < INT64_MAX - FOLD_MS ? now_ms + FOLD_MS : now_ms;
            return true;
        }
        free(line->text);
        line->text = NULL;
    }
    return false;
}

int64_t fold_due_ms(const struct fold *fold)
{
    int64_t due_ms = INT64_MAX;

    for (size_t i = 0; i < FOLD_LINES_MAX; i++)
        if (fold->lines[i].text != NULL && fold->lines[i].due_ms < due_ms)
            due_ms = fold->lines[i].due_ms;
    return due_ms;
}

void fold_clear(struct fold *fold)
{
    for (size_t i = 0; i < FOLD_LINES_MAX; i++) {
        free(fold->lines[i].text);
        fold->lines[i].text = NULL;
    }
}

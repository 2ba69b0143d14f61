/* SPDX-License-Identifier: MIT */
/*
 * Audit lines that are equal but for their time are counted for a while instead of being written each: what an attack
 * repeats stays one line in ten seconds, and no count is lost. Plain data under its owner's lock; knows of a line only that it is
 * a JSON object that begins with the member `time`.
 */
#ifndef SERVICES_AUDIT_FOLD_H
#define SERVICES_AUDIT_FOLD_H

#include "buf.h"

enum {
    FOLD_LINES_MAX = 64, /* kept at a time; what is beyond is written as it comes */
    FOLD_MS = 10 * 1000,
    FOLD_TIME_MAX = 40
};

struct fold_line {
    char *text; /* from behind the time, with its "}"; NULL: free */
    size_t size;
    uint64_t count; /* since it was written last */
    int64_t due_ms;
    char first[FOLD_TIME_MAX]; /* of those counted, as JSON */
    char last[FOLD_TIME_MAX];
};

struct fold { /* zeroed at first */
    struct fold_line lines[FOLD_LINES_MAX];
};

/* True: counted, not to be written. False: to be written now; its equals will be counted if there is room and memory. */
bool fold_take(struct fold *fold, struct paa_str line, int64_t now_ms);
/* The next line that is due, appended to buf: with `count`, `first` and `last` of its equals. False: none is. */
bool fold_give(struct fold *fold, int64_t now_ms, struct buf *buf);
/* When the next is due; INT64_MAX: nothing is kept. */
int64_t fold_due_ms(const struct fold *fold);
void fold_clear(struct fold *fold);

#endif

/* SPDX-License-Identifier: MIT */
/* Reads a policy text in a test and keeps every finding as a line "error FILE:LINE: sentence". */
#ifndef TEST_READING_H
#define TEST_READING_H

#include "buf.h"
#include "policy.h"

enum { READING_MEMORY_MAX = 512 * 1024 * 1024 };

struct reading {
    struct arena arena;
    struct diag diag;
    struct buf findings;
    struct policy *policy;
};

static void reading_note(enum paa_level level, struct where where, const char *sentence, void *user)
{
    buf_printf(user, "%s %s:%u: %s\n", level == PAA_LEVEL_ERROR ? "error" : "warning", where.file,
               (unsigned)where.line, sentence);
}

static void reading_begin(struct reading *reading)
{
    memset(reading, 0, sizeof *reading);
    arena_init(&reading->arena, NULL, 0, READING_MEMORY_MAX);
    buf_init(&reading->findings, 64 * 1024 * 1024);
    reading->diag.fn = reading_note;
    reading->diag.user = &reading->findings;
}

static void reading_end(struct reading *reading)
{
    arena_free(&reading->arena);
    buf_free(&reading->findings);
}

static const char *reading_text(const struct reading *reading)
{
    return reading->findings.size > 0 ? reading->findings.data : "";
}

#endif

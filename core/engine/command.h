/* SPDX-License-Identifier: MIT */
/* One run of a plugin's verb (paa_context_run). */
#ifndef ENGINE_COMMAND_H
#define ENGINE_COMMAND_H

#include "buf.h"
#include "engine.h"

enum {
    COMMAND_ROWS_MAX = 1000000,
    COMMAND_OUTPUT_MAX = 256 * 1024 * 1024,
    COMMAND_LINE_MAX = 64 * 1024
};

struct command_row {
    struct command_row *next;
    size_t field_count;
    struct paa_field fields[];
};

struct command_run {     /* op->owner of OP_VERB */
    struct op_home home; /* first: ops post to it */
    struct paa_context *context;
    const struct paa_command *command;
    struct arena arena;
    struct pins pins;
    struct op op;
    bool is_json;
    struct command_row *rows; /* of a table: printed at the end, when the widths are known */
    struct command_row **rows_end;
    pthread_mutex_t lock;
    pthread_cond_t posted;
    bool is_posted;
};

/* The index-th verb of a plugin's table; false: the row has no name or no function. */
bool command_verb(const struct paa_plugin *slots, size_t index, struct paa_verb *ret_verb);

/* Gives records to the host: JSON lines at once, a table at the end. */
enum paa_status command_emit(struct command_run *run, const struct paa_field *fields, size_t count);
void command_print(struct command_run *run);

#endif

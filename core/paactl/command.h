/* SPDX-License-Identifier: MIT */
/*
 * The commands of paactl, by name. Each gets what args.c read and returns the exit status. All of
 * paactl knows <paa/paa.h> and, of the core's inside, only base: text, buffers and JSON.
 */
#ifndef PAACTL_COMMAND_H
#define PAACTL_COMMAND_H

#include "args.h"

/* The exit status; one meaning for all commands. */
enum {
    EXIT_YES = 0,
    EXIT_NO = 1,
    EXIT_USAGE = 2, /* called wrongly, or broken: nothing was decided */
    EXIT_UNAVAILABLE = 3
};

struct command {
    const char *name;
    enum command_bit bit;
    size_t least; /* arguments that are no options */
    size_t most;
    int (*run)(const struct args *args);
    const char *synopsis;
    const char *summary; /* one line */
    const char *detail;
    const char *examples;
};

int check_run(const struct args *args);
int explain_run(const struct args *args);
int plugins_run(const struct args *args);
int request_run(const struct args *args);
int run_run(const struct args *args);
int version_run(const struct args *args);

/* help.c */
extern const struct command commands[];
extern const size_t command_count;
/* NULL: there is none of that name. */
const struct command *command_find(const char *name);
int help_print(void);
int help_print_command(const struct command *command);

#endif

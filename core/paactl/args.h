/* SPDX-License-Identifier: MIT */
/* The command line as data: one table of options, from which parsing and help both come. Opens
 * no file. */
#ifndef PAACTL_ARGS_H
#define PAACTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

enum command_bit {
    COMMAND_CHECK = 1 << 0,
    COMMAND_EXPLAIN = 1 << 1,
    COMMAND_PLUGINS = 1 << 2,
    COMMAND_RUN = 1 << 3,
    COMMAND_VERSION = 1 << 4,
    COMMAND_REQUEST = 1 << 5,
    COMMAND_ALL = (1 << 6) - 1
};

struct texts { /* of argv */
    const char **items;
    size_t count;
};

struct args {
    bool help;
    bool json;
    bool online;
    bool reveal;
    bool no_browser;
    const char *policy;
    const char *plugin_dir;
    const char *at;
    const char *peer;
    const char *client;
    const char *data;
    struct texts headers;
    struct texts certs;
    struct texts allow_plugins;
    struct texts rest; /* what is no option */
};

struct option_row {
    char letter;       /* 0: none */
    const char *name;  /* without "--" */
    const char *value; /* what to call it in help; NULL: it takes none */
    unsigned commands; /* of enum command_bit */
    enum { TAKE_FLAG = 1, TAKE_TEXT, TAKE_LIST } take;
    size_t member; /* offset in struct args */
    const char *help;
};
extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* argv: what follows the command's name. Options and other arguments may be mixed; "--" ends the
 * options. False: it has complained. args_free in any case. */
bool args_parse(struct args *args, enum command_bit command, const char *command_name, int argc,
                const char *const *argv);
void args_free(struct args *args);

#endif

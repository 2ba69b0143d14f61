/* SPDX-License-Identifier: MIT */
/* What the files that read options share while they do. */
#ifndef CONFIG_OPTIONS_READ_H
#define CONFIG_OPTIONS_READ_H

#include "expect.h"
#include "options.h"

enum { OPTION_DEPTH_MAX = 8, OPTION_ROWS_MAX = 256, OPTION_VALUES_MAX = 10000 };

struct options_reader {
    struct expect expect;
    const char *owner;
    const char *folder;
    uint32_t used;
    bool in_key;             /* what unlocks a private key may not stand in the policy itself */
    bool from_words;         /* a terminal's arguments: no secret may stand there itself */
    struct paa_options *top; /* the outermost */
};

/* options_rows.c: whole rows in today's layout, checked. count of NULL rows is 0. False: the table is wrong, and
 * the error names the plugin. */
bool option_rows_read(struct options_reader *reader, const struct option_rows *rows,
                      struct where where, const char *plugin, struct option_rows *ret_rows);

/* options_value.c: one value from one node. False: one error. */
bool option_value_read(struct options_reader *reader, const struct paa_option *row,
                       const struct node *node, struct option_value *ret_value);
/* A node from a row's fallback or a terminal's word: as it would stand in the policy. NULL: one error. */
struct node *option_node(struct options_reader *reader, const struct paa_option *row,
                         struct paa_str text, struct where where);

/* options_secret.c */
bool option_secret_read(struct options_reader *reader, const struct node *node,
                        struct option_secret *ret_secret);
bool option_path_read(struct options_reader *reader, const struct node *node,
                      struct option_secret *ret_secret);

/* options_key.c: a group that describes a private key. what: its name in sentences. False: errors were told. */
bool option_key_read(struct options_reader *reader, const struct node *node, const char *what,
                     struct key_conf *ret_conf);

/* options_tls.c: the members of the core's own group. False: errors were told. */
bool option_tls_read(struct options_reader *reader, const struct node *node,
                     struct paa_options **ret_group);

/* options.c: the members of one group. NULL: errors were told. */
struct paa_options *option_group_read(struct options_reader *reader, const struct node *group,
                                      const struct option_rows *rows, const char *const *skip,
                                      size_t skip_count);
/* The entry of that name, or NULL. */
const struct option_entry *option_entry(const struct paa_options *options, const char *name);

#endif

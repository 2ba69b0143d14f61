/* SPDX-License-Identifier: MIT */
/*
 * What a key shall allow, as the arguments of mint and import say it. Knows no store and no key.
 */
#ifndef APIKEY_GRANT_H
#define APIKEY_GRANT_H

#include "record.h"

#include <paa/plugin.h>

struct grant {
    struct record record; /* without id and digest; views of the arguments and of alloc memory */
    unsigned char networks[RECORD_NETWORKS_MAX * RECORD_NETWORK_SIZE];
};

/* The rows that mint and import share. */
#define GRANT_ARGUMENTS                                                                            \
    { .name = "scope",                                                                             \
      .type = PAA_OPTION_STRING,                                                                   \
      .flags = PAA_OPTION_LIST,                                                                    \
      .help = "a scope it carries; repeat for more" },                                             \
        { .name = "instance",                                                                      \
          .type = PAA_OPTION_STRING,                                                               \
          .flags = PAA_OPTION_LIST | PAA_OPTION_INSTANCE,                                          \
          .help = "an instance that takes it; repeat for more. Default: the one that is run" },    \
        { .name = "label",                                                                         \
          .type = PAA_OPTION_STRING,                                                               \
          .help = "a note for people: who asked for it, and why" },                                \
        { .name = "not_before",                                                                    \
          .type = PAA_OPTION_STRING,                                                               \
          .help = "when it begins: a time (2026-12-01T00:00:00Z), or a duration from now (7d)" },  \
        { .name = "expires",                                                                       \
          .type = PAA_OPTION_STRING,                                                               \
          .help = "when it ends: a time or a duration from now (90d). Default: never" },           \
    {                                                                                              \
        .name = "network", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_LIST,                    \
        .help = "a network it may be used from, 192.0.2.0/24; repeat for more. Default: any"       \
    }

/* DONE, or what fail returned. */
enum paa_result grant_read(struct paa_op *op, const struct paa_options *arguments,
                           struct grant *ret_grant);

/* Space-separated scopes; false: one of them is none, or they are too many. */
bool grant_scope_valid(struct paa_str scope);

#endif

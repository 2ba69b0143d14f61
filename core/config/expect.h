/* SPDX-License-Identifier: MIT */
/*
 * Takes a value of one kind from a node, or says what was expected and what stands there. Knows nothing of
 * policies and options. Values are never printed here: they may be secrets.
 */
#ifndef CONFIG_EXPECT_H
#define CONFIG_EXPECT_H

#include "node.h"

struct expect {
    struct arena *arena;
    struct diag *diag;
    bool out_of_memory; /* said once */
};

enum { LABEL_MAX = 80, HINT_MAX = 160, HINTED_ERRORS_MAX = 50 };

/* count zeroed members; NULL: no memory, and the error was told. count may be 0. */
void *expect_memory(struct expect *expect, size_t count, size_t size);
/* "\"timeout\""; in a list "a value of \"origins\"", or "this value" where that has no name. */
const char *expect_label(const struct node *node, char ret_label[LABEL_MAX]);
/* ": did you mean \"x\"?" or "". After many errors always "": looking costs time. */
const char *expect_hint(const struct expect *expect, const char *word, const char *const *words,
                        size_t count, char ret_hint[HINT_MAX]);
/* Text from the policy for a sentence, cut, controls escaped. Never for what may be secret. */
const char *expect_shown(struct paa_str text, char ret_shown[HINT_MAX]);

/* All: false, and one error, if it is something else. */
bool expect_type(struct expect *expect, const struct node *node, enum node_type type);
bool expect_string(struct expect *expect, const struct node *node, struct paa_str *ret_string);
bool expect_boolean(struct expect *expect, const struct node *node, bool *ret_value);
/* A string with units, from min to max. An integer is an error that shows the string. */
bool expect_duration(struct expect *expect, const struct node *node, int64_t min_ms, int64_t max_ms,
                     int64_t *ret_ms);
/* [ "a", "b" ], ( "a", "b" ) or "a": at least one, none empty, none twice. */
bool expect_strings(struct expect *expect, const struct node *node,
                    const struct paa_str **ret_strings, size_t *ret_count);
/* "90s", "1h30m"; for sentences. */
const char *duration_text(int64_t ms, char ret_text[LABEL_MAX]);
/* An http or https URL. */
bool expect_url(struct expect *expect, const struct node *node, struct paa_str *ret_url);
/* One path as requests will show it: in normal form, no pattern. */
bool expect_exact_path(struct expect *expect, const struct node *node, struct paa_str *ret_path);
/* folder/path unless path is absolute; NULL: no memory. */
const char *expect_path(struct expect *expect, const char *folder, struct paa_str path);

#endif

/* SPDX-License-Identifier: MIT */
/* The path of a request target: one reading, or a sentence that says why there are two. Shared by
 * target.c (requests) and pattern.c (policies); knows neither. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include "target.h"

/* The path up to "?" or the end, normalised as target.h says; *ret_size says where it stopped. */
const char *path_parse(struct paa_str text, uint32_t flags, struct arena *arena,
                       struct paa_str *ret_path, size_t *ret_size);
/* NULL: the query holds nothing that target.h refuses. */
const char *query_check(struct paa_str query);
/* Percent-encodes what may not stand raw in a path; "%" too, if told. View of the path if nothing. */
const char *path_encode(struct paa_str path, bool encode_percent, struct arena *arena,
                        struct paa_str *ret_path);

extern const char PATH_NO_MEMORY[];

#endif

/* SPDX-License-Identifier: MIT */
/* The nearest right word for a misspelt one. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <paa/types.h>

/* The candidate at the smallest edit distance (Damerau: insert, delete, replace, swap), if that is at most
 * a third of the word's length rounded up; NULL: none is near. */
const char *near_word(struct paa_str word, const char *const *candidates, size_t count);

#endif

/* SPDX-License-Identifier: MIT */
/* near.h's distance: optimal string alignment, without case. */
#include "near.h"
#include "str.h"

enum { WORD_MAX = 64 }; /* nobody misspells longer words; it bounds time and stack */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t distance(struct paa_str a, struct paa_str b)
{
    size_t rows[3][WORD_MAX + 1]; /* two back, one back, this one */
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];

    for (size_t j = 0; j <= b.size; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t *oldest = before;
        char here = char_lower(a.data[i - 1]);

        before = last;
        last = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            char there = char_lower(b.data[j - 1]);

            row[j] = least(last[j], row[j - 1]) + 1;
            row[j] = least(row[j], last[j - 1] + (here != there));
            if (i > 1 && j > 1 && here == char_lower(b.data[j - 2]) &&
                char_lower(a.data[i - 2]) == there)
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[b.size];
}

const char *near_word(struct paa_str word, const char *const *candidates, size_t count)
{
    size_t best = (word.size + 2) / 3 + 1; /* one more than is near */
    const char *nearest = NULL;

    if (word.size > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct paa_str candidate = paa_str_of(candidates[i]);
        size_t far = candidate.size <= WORD_MAX ? distance(word, candidate) : best;

        if (far < best) {
            best = far;
            nearest = candidates[i];
        }
    }
    return nearest;
}

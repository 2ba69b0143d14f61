/* SPDX-License-Identifier: MIT */
/* What is asked of paa_str views again and again. ASCII only; no locale; nothing is copied. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "hint.h"

#include <paa/types.h>
#include <stdbool.h>

#define STR(literal) ((struct paa_str){ (literal), sizeof(literal) - 1 })
#define STR_ARGS(s)  (int)(s).size, (s).data != NULL ? (s).data : "" /* for "%.*s" */
#define STR_NONE     ((struct paa_str){ NULL, 0 })
#define BYTES_NONE   ((struct paa_bytes){ NULL, 0 })

static inline char char_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Absent equals absent only. Inline, as all that every request asks many times. */
static inline bool str_eq(struct paa_str a, struct paa_str b)
{
    if (a.size != b.size || (a.data == NULL) != (b.data == NULL))
        return false;
    return a.size == 0 || memcmp(a.data, b.data, a.size) == 0;
}

/* The same bytes of two texts, but for case. */
bool str_same_nocase(const char *a, const char *b, size_t size);
static inline bool str_eq_nocase(struct paa_str a, struct paa_str b)
{
    if (a.size != b.size || (a.data == NULL) != (b.data == NULL))
        return false;
    /* most names of one size differ in their first letter; bit 0x20 is all that case can be */
    if (a.size > 0 && (((unsigned char)a.data[0] ^ (unsigned char)b.data[0]) & ~0x20u) != 0)
        return false;
    return str_same_nocase(a.data, b.data, a.size);
}
bool str_starts(struct paa_str s, struct paa_str prefix);
bool str_starts_nocase(struct paa_str s, struct paa_str prefix);
/* Byte order; shorter first when one begins the other. */
int str_compare(struct paa_str a, struct paa_str b);
/* Index of the first c at or after from; s.size when there is none. */
size_t str_find(struct paa_str s, char c, size_t from);
/* Without leading and trailing SP and HTAB (RFC 9110 5.6.3 OWS). */
struct paa_str str_trim_blanks(struct paa_str s);
static inline bool char_is_blank(char c)
{
    return c == ' ' || c == '\t';
}
static inline struct paa_str str_trim(struct paa_str s)
{
    if (LIKELY(s.size > 0 && !char_is_blank(s.data[0]) && !char_is_blank(s.data[s.size - 1])))
        return s;
    return str_trim_blanks(s);
}

static inline struct paa_str str_slice(struct paa_str s, size_t from, size_t to)
{
    to = to < s.size ? to : s.size;
    from = from < to ? from : to;
    return s.data != NULL ? paa_str_of_n(s.data + from, to - from) : STR_NONE;
}
/* Takes the next member of a list parted by any of `parts`, empty members skipped; false: no more. */
bool str_next(struct paa_str *rest, const char *parts, struct paa_str *ret_member);
/* Is word one of the space-separated words of list? (scope, RFC 6749 3.3) */
bool str_has_word(struct paa_str list, struct paa_str word);
/* A number in decimal digits only, all of s, at most max; false otherwise. */
bool str_to_u64(struct paa_str s, uint64_t max, uint64_t *ret_number);

#endif

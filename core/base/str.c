/* SPDX-License-Identifier: MIT */
/* str.h's questions about views. */
#include "str.h"

#define EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

static inline uint64_t load_word(const char *data)
{
    uint64_t word;

    memcpy(&word, data, sizeof word);
    return word;
}

/* Of four to seven bytes: the halves overlap. */
static inline uint64_t load_short(const char *data, size_t size)
{
    uint32_t first, last;

    memcpy(&first, data, sizeof first);
    memcpy(&last, data + size - sizeof last, sizeof last);
    return (uint64_t)first << 32 | last;
}

/* Do they differ, if at all, in the case of letters only? */
static inline bool same_word_nocase(uint64_t a, uint64_t b)
{
    uint64_t low, letters, cases;

    if (LIKELY(a == b))
        return true;
    low = (a | EACH_BYTE(0x20)) & EACH_BYTE(0x7f);
    letters = (low + EACH_BYTE(0x80 - 'a')) & ~(low + EACH_BYTE(0x7f - 'z')) & ~a;
    cases = (letters & EACH_BYTE(0x80)) >> 2; /* bit 0x20 of each letter */
    return ((a ^ b) & ~cases) == 0;
}

bool str_same_nocase(const char *a, const char *b, size_t size)
{
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8)
            if (!same_word_nocase(load_word(a + i), load_word(b + i)))
                return false;
        return same_word_nocase(load_word(a + size - 8), load_word(b + size - 8));
    }
    if (size >= 4)
        return same_word_nocase(load_short(a, size), load_short(b, size));
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i] && char_lower(a[i]) != char_lower(b[i]))
            return false;
    return true;
}

bool str_starts(struct paa_str s, struct paa_str prefix)
{
    return s.data != NULL && prefix.data != NULL && s.size >= prefix.size &&
           memcmp(s.data, prefix.data, prefix.size) == 0;
}

bool str_starts_nocase(struct paa_str s, struct paa_str prefix)
{
    return s.data != NULL && prefix.data != NULL && s.size >= prefix.size &&
           str_eq_nocase(str_slice(s, 0, prefix.size), prefix);
}

struct paa_str str_trim_blanks(struct paa_str s)
{
    while (s.size > 0 && char_is_blank(s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size > 0 && char_is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

int str_compare(struct paa_str a, struct paa_str b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

    if (order != 0)
        return order < 0 ? -1 : 1;
    if (a.size != b.size)
        return a.size < b.size ? -1 : 1;
    return (a.data != NULL) - (b.data != NULL); /* absent before empty */
}

size_t str_find(struct paa_str s, char c, size_t from)
{
    const char *at;

    if (from >= s.size)
        return s.size;
    at = memchr(s.data + from, c, s.size - from);
    return at != NULL ? (size_t)(at - s.data) : s.size;
}

static bool is_part(char c, const char *parts)
{
    for (; *parts != '\0'; parts++)
        if (*parts == c)
            return true;
    return false;
}

static size_t end_of_member(struct paa_str s, size_t from, const char *parts)
{
    if (parts[0] != '\0' && parts[1] == '\0')
        return str_find(s, parts[0], from);
    while (from < s.size && !is_part(s.data[from], parts))
        from++;
    return from;
}

bool str_next(struct paa_str *rest, const char *parts, struct paa_str *ret_member)
{
    size_t from = 0;
    size_t to;

    while (from < rest->size && is_part(rest->data[from], parts))
        from++;
    to = end_of_member(*rest, from, parts);
    if (to == from)
        return false;
    *ret_member = str_slice(*rest, from, to);
    *rest = str_slice(*rest, to, rest->size);
    return true;
}

bool str_has_word(struct paa_str list, struct paa_str word)
{
    struct paa_str member;

    while (str_next(&list, " ", &member))
        if (str_eq(member, word))
            return true;
    return false;
}

bool str_to_u64(struct paa_str s, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (s.size == 0)
        return false;
    for (size_t i = 0; i < s.size; i++) {
        uint64_t digit = (uint64_t)(unsigned char)s.data[i] - '0';

        if (digit > 9 || digit > max || number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return true;
}

/* SPDX-License-Identifier: MIT */
/* fields.h's cookies (RFC 6265), as a server reads them from a Cookie field. */
#include "fields.h"
#include "str.h"

/* "name=value"; without "=" the value is absent, and lenient readers take the text for a name. */
static struct paa_field pair_of(struct paa_str text)
{
    size_t sign = str_find(text, '=', 0);
    struct paa_field pair = { str_trim(str_slice(text, 0, sign)), STR_NONE };

    if (sign < text.size)
        pair.value = str_trim(str_slice(text, sign + 1, text.size));
    return pair;
}

struct paa_str cookie_find(struct paa_str value, struct paa_str name, size_t index)
{
    struct paa_str text;

    while (str_next(&value, ";", &text)) {
        struct paa_field pair = pair_of(text);

        if (pair.value.data != NULL && str_eq(pair.name, name) && index-- == 0)
            return pair.value;
    }
    return STR_NONE;
}

static bool has_cookie(struct paa_str value, struct paa_str name)
{
    struct paa_str text;

    while (str_next(&value, ";", &text))
        if (str_eq(pair_of(text).name, name))
            return true;
    return false;
}

/* Without memory nothing is left: a cookie that must not travel on never does. */
struct paa_str cookie_without(struct paa_str value, struct paa_str name, struct arena *arena)
{
    struct paa_str text;
    char *left;
    size_t size = 0;

    if (!has_cookie(value, name))
        return value;
    left = arena_alloc(arena, 2 * value.size); /* "; " may be longer than what parted them */
    if (left == NULL)
        return STR_NONE;
    while (str_next(&value, ";", &text)) {
        text = str_trim(text);
        if (text.size == 0 || str_eq(pair_of(text).name, name))
            continue;
        if (size > 0) {
            left[size++] = ';';
            left[size++] = ' ';
        }
        memcpy(left + size, text.data, text.size);
        size += text.size;
    }
    return size > 0 ? paa_str_of_n(left, size) : STR_NONE;
}

/* RFC 6265 4.1.1: cookie-octet. */
static bool is_octet(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

bool is_cookie_value(struct paa_str s)
{
    if (s.data == NULL)
        return false;
    if (s.size >= 2 && s.data[0] == '"' && s.data[s.size - 1] == '"')
        s = str_slice(s, 1, s.size - 1);
    for (size_t i = 0; i < s.size; i++)
        if (!is_octet((unsigned char)s.data[i]))
            return false;
    return true;
}

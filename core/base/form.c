/* SPDX-License-Identifier: MIT */
/* fields.h's queries and forms (application/x-www-form-urlencoded). */
#include "fields.h"
#include "str.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = char_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character at text[*at], decoded; moves *at behind it. */
static char decode_next(struct paa_str text, size_t *at)
{
    char c = text.data[(*at)++];

    if (c == '+')
        return ' ';
    if (c == '%' && text.size - *at >= 2) {
        int high = hex_value(text.data[*at]);
        int low = hex_value(text.data[*at + 1]);

        if (high >= 0 && low >= 0) {
            *at += 2;
            return (char)(unsigned char)(high * 16 + low);
        }
    }
    return c;
}

/* Decoding makes nothing longer. */
static bool decodes_to(struct paa_str text, struct paa_str plain)
{
    size_t at = 0;
    size_t i = 0;

    if (text.size < plain.size)
        return false;
    while (at < text.size && i < plain.size)
        if (decode_next(text, &at) != plain.data[i++])
            return false;
    return at == text.size && i == plain.size;
}

static struct paa_str decode(struct paa_str text, struct arena *arena)
{
    size_t size = 0;
    char *plain;

    if (str_find(text, '%', 0) == text.size && str_find(text, '+', 0) == text.size)
        return text;
    plain = arena_alloc(arena, text.size);
    if (plain == NULL)
        return STR_NONE;
    for (size_t at = 0; at < text.size;)
        plain[size++] = decode_next(text, &at);
    return paa_str_of_n(plain, size);
}

static bool has_name(struct paa_str member, struct paa_str name, size_t *ret_sign)
{
    *ret_sign = str_find(member, '=', 0);
    return decodes_to(str_slice(member, 0, *ret_sign), name);
}

struct paa_str query_find(struct paa_str query, struct paa_str name, size_t index,
                          struct arena *arena)
{
    struct paa_str member;
    size_t sign;

    while (query.size >= name.size && str_next(&query, "&", &member))
        if (has_name(member, name, &sign) && index-- == 0)
            return decode(str_slice(member, sign + 1, member.size), arena);
    return STR_NONE;
}

/* Without memory nothing is left, as in cookie_without. */
struct paa_str query_without(struct paa_str query, struct paa_str name, struct arena *arena)
{
    struct paa_str rest = query;
    struct paa_str member;
    size_t size = 0;
    size_t sign;
    char *left;
    bool found = false;

    while (!found && str_next(&rest, "&", &member))
        found = has_name(member, name, &sign);
    if (!found)
        return query;
    left = arena_alloc(arena, query.size);
    if (left == NULL)
        return STR_NONE;
    while (str_next(&query, "&", &member)) {
        if (has_name(member, name, &sign))
            continue;
        if (size > 0)
            left[size++] = '&';
        memcpy(left + size, member.data, member.size);
        size += member.size;
    }
    return size > 0 ? paa_str_of_n(left, size) : STR_NONE;
}

bool form_next(struct paa_str *rest, struct arena *arena, struct paa_field *ret_field)
{
    struct paa_str member;
    size_t sign;

    if (!str_next(rest, "&", &member))
        return false;
    sign = str_find(member, '=', 0);
    ret_field->name = decode(str_slice(member, 0, sign), arena);
    ret_field->value = decode(str_slice(member, sign + 1, member.size), arena);
    return true;
}

void percent_encode(struct buf *buf, struct paa_str s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        const char encoded[3] = { '%', digits[c >> 4], digits[c & 15] };

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '-' || c == '.' || c == '_' || c == '~')
            buf_add_char(buf, s.data[i]);
        else
            buf_add(buf, encoded, sizeof encoded);
    }
}

void form_add(struct buf *buf, struct paa_str name, struct paa_str value)
{
    if (buf->size > 0)
        buf_add_char(buf, '&');
    percent_encode(buf, name);
    buf_add_char(buf, '=');
    percent_encode(buf, value);
}

/* SPDX-License-Identifier: MIT */
/* json.h's writing, and the escaping of text for people. */
#include "json.h"

#include <inttypes.h>

static const int32_t NOT_UTF8 = -1;

/* Well-formed (Unicode table 3-7)? The code point and its length, else NOT_UTF8 and 1. */
static int32_t utf8_at(struct paa_str s, size_t at, size_t *ret_length)
{
    static const int32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *in = (const unsigned char *)s.data + at;
    size_t length = in[0] >= 0xf0 ? 4 : in[0] >= 0xe0 ? 3 : 2;
    int32_t point;

    *ret_length = 1;
    if (in[0] < 0x80)
        return in[0];
    if (in[0] < 0xc2 || in[0] > 0xf4 || s.size - at < length)
        return NOT_UTF8;
    point = in[0] & (0x7f >> length);
    for (size_t i = 1; i < length; i++) {
        if ((in[i] & 0xc0) != 0x80)
            return NOT_UTF8;
        point = point << 6 | (in[i] & 0x3f);
    }
    if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return NOT_UTF8;
    *ret_length = length;
    return point;
}

bool utf8_valid(struct paa_str s)
{
    size_t length;

    for (size_t at = 0; at < s.size; at += length)
        if (utf8_at(s, at, &length) == NOT_UTF8)
            return false;
    return true;
}

/* What could end or turn around a line of a log or a terminal. */
static bool is_unsafe(int32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x61c || point == 0x200e ||
           point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069);
}

void text_escape(struct buf *buf, struct paa_str s)
{
    size_t length;

    for (size_t at = 0; at < s.size; at += length) {
        int32_t point = utf8_at(s, at, &length);

        if (point == NOT_UTF8)
            buf_printf(buf, "\\x%02x", (unsigned)(unsigned char)s.data[at]);
        else if (!is_unsafe(point))
            buf_add(buf, s.data + at, length);
        else
            buf_printf(buf, point < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)point);
    }
}

static void add_string(struct buf *buf, struct paa_str s)
{
    size_t length;

    buf_add_char(buf, '"');
    for (size_t at = 0; at < s.size; at += length) {
        int32_t point = utf8_at(s, at, &length);

        if (point == NOT_UTF8) {
            buf_add_text(buf, "\xef\xbf\xbd");
        } else if (is_unsafe(point)) {
            buf_printf(buf, "\\u%04x", (unsigned)point);
        } else {
            if (point == '"' || point == '\\')
                buf_add_char(buf, '\\');
            buf_add(buf, s.data + at, length);
        }
    }
    buf_add_char(buf, '"');
}

void json_init(struct json *json, struct buf *buf)
{
    json->buf = buf;
    json->need_comma = false;
}

/* All that stands before a value. */
static void begin_value(struct json *json, const char *name)
{
    if (json->need_comma)
        buf_add_char(json->buf, ',');
    if (name != NULL) {
        add_string(json->buf, paa_str_of(name));
        buf_add_char(json->buf, ':');
    }
    json->need_comma = true;
}

void json_open(struct json *json, const char *name, char bracket)
{
    begin_value(json, name);
    buf_add_char(json->buf, bracket);
    json->need_comma = false;
}

void json_close(struct json *json, char bracket)
{
    buf_add_char(json->buf, bracket);
    json->need_comma = true;
}

void json_str(struct json *json, const char *name, struct paa_str value)
{
    begin_value(json, name);
    if (value.data != NULL)
        add_string(json->buf, value);
    else
        buf_add_text(json->buf, "null");
}

void json_text(struct json *json, const char *name, const char *value)
{
    json_str(json, name, paa_str_of(value));
}

void json_int(struct json *json, const char *name, int64_t value)
{
    begin_value(json, name);
    buf_printf(json->buf, "%" PRId64, value);
}

void json_bool(struct json *json, const char *name, bool value)
{
    begin_value(json, name);
    buf_add_text(json->buf, value ? "true" : "false");
}

void json_null(struct json *json, const char *name)
{
    begin_value(json, name);
    buf_add_text(json->buf, "null");
}

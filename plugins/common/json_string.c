/* SPDX-License-Identifier: MIT */
/* The strings of json_tree.h's reading: UTF-8, and escapes. */
#include "json_inner.h"

#include "str.h"

#include <endian.h>

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/* Passes over what stands for itself: no quote, backslash, control, nor a byte of another script. Eight at a
 * time; the lowest bit set is exact, those above it need not be. */
static const char *skip_plain(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word, quote, backslash, special;

        memcpy(&word, at, sizeof word);
        word = le64toh(word);
        quote = word ^ EACH('"');
        backslash = word ^ EACH('\\');
        special =
            ((word - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1)) | word) & EACH(0x80);
        if (special != 0)
            return at + __builtin_ctzll(special) / 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)(*at - 0x20) < 0x60)
        at++;
    return at;
}

/* Length of the well-formed sequence (Unicode table 3-7) of two to four bytes there; 0: none. */
static unsigned utf8_sequence(const char *at, const char *end)
{
    const unsigned char *in = (const unsigned char *)at;
    unsigned length = in[0] >= 0xf0 ? 4 : in[0] >= 0xe0 ? 3 : 2;

    if (in[0] < 0xc2 || in[0] > 0xf4 || end - at < (ptrdiff_t)length)
        return 0;
    for (unsigned i = 1; i < length; i++)
        if ((in[i] & 0xc0) != 0x80)
            return 0;
    if ((in[0] == 0xe0 && in[1] < 0xa0) || (in[0] == 0xed && in[1] > 0x9f) ||
        (in[0] == 0xf0 && in[1] < 0x90) || (in[0] == 0xf4 && in[1] > 0x8f))
        return 0;
    return length;
}

/* To the next quote or backslash. */
static bool skip_text(struct json_reader *r)
{
    for (;;) {
        unsigned length;

        r->at = skip_plain(r->at, r->end);
        if (r->at == r->end || (unsigned char)*r->at < 0x20)
            return json_fail(r, JSON_SYNTAX);
        if (*r->at == '"' || *r->at == '\\')
            return true;
        length = utf8_sequence(r->at, r->end);
        if (length == 0)
            return json_fail(r, JSON_NOT_UTF8);
        r->at += length;
    }
}

static bool read_hex(struct json_reader *r, uint32_t *ret_unit)
{
    uint32_t unit = 0;

    if (r->end - r->at < 4)
        return json_fail(r, JSON_SYNTAX);
    for (unsigned i = 0; i < 4; i++, r->at++) {
        char c = char_lower(*r->at);

        if (c >= '0' && c <= '9')
            unit = unit << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            unit = unit << 4 | (uint32_t)(c - 'a' + 10);
        else
            return json_fail(r, JSON_SYNTAX);
    }
    *ret_unit = unit;
    return true;
}

static void put(struct json_reader *r, uint32_t byte)
{
    r->spare[r->spare_used++] = (char)(unsigned char)byte;
}

/* Never longer than the escape was: \u and four digits, or twice that, make at most three bytes, or four. */
static void put_point(struct json_reader *r, uint32_t point)
{
    if (point < 0x80) {
        put(r, point);
        return;
    }
    if (point < 0x800) {
        put(r, 0xc0 | point >> 6);
    } else if (point < 0x10000) {
        put(r, 0xe0 | point >> 12);
        put(r, 0x80 | (point >> 6 & 0x3f));
    } else {
        put(r, 0xf0 | point >> 18);
        put(r, 0x80 | (point >> 12 & 0x3f));
        put(r, 0x80 | (point >> 6 & 0x3f));
    }
    put(r, 0x80 | (point & 0x3f));
}

static bool read_point(struct json_reader *r)
{
    uint32_t point, low;

    if (!read_hex(r, &point))
        return false;
    if (point == 0)
        return json_fail(r, JSON_NUL);
    if (point >= 0xd800 && point <= 0xdfff) {
        if (point > 0xdbff || r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
            return json_fail(r, JSON_NOT_UTF8);
        r->at += 2;
        if (!read_hex(r, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return json_fail(r, JSON_NOT_UTF8);
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    }
    put_point(r, point);
    return true;
}

static bool read_escape(struct json_reader *r)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char means[] = "\"\\/\b\f\n\r\t";
    const char *letter;

    r->at++;
    if (r->at == r->end || *r->at == '\0')
        return json_fail(r, JSON_SYNTAX);
    if (*r->at == 'u') {
        r->at++;
        return read_point(r);
    }
    letter = strchr(letters, *r->at);
    if (letter == NULL)
        return json_fail(r, JSON_SYNTAX);
    put(r, (uint32_t)means[letter - letters]);
    r->at++;
    return true;
}

/* From its first escape on: copied to the spare memory, piece by piece. */
static bool read_escaped(struct json_reader *r, struct json_node *node)
{
    const char *from = r->text + node->at;

    node->at = r->spare_used;
    node->flags |= JSON_IN_SPARE;
    for (;;) {
        memcpy(r->spare + r->spare_used, from, (size_t)(r->at - from));
        r->spare_used += (uint32_t)(r->at - from);
        if (*r->at == '"')
            break;
        if (!read_escape(r))
            return false;
        from = r->at;
        if (!skip_text(r))
            return false;
    }
    node->size = r->spare_used - node->at;
    r->at++;
    return true;
}

bool json_read_string(struct json_reader *r)
{
    struct json_node *node;

    r->at++;
    node = json_add(r, JSON_NODE_STRING);
    if (node == NULL || !skip_text(r))
        return false;
    if (*r->at == '\\')
        return read_escaped(r, node);
    node->size = (uint32_t)(r->at - r->text) - node->at;
    r->at++;
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "json_scan.h"

#include "json.h"
#include "str.h"

/* A place in the text; `at` is its size when it has ended or is not JSON, `is_bad` tells these apart. */
struct scan {
    struct paa_str text;
    size_t at;
    bool is_bad;
};

static char peek(const struct scan *scan)
{
    return scan->at < scan->text.size ? scan->text.data[scan->at] : '\0';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->text.size && is_blank(peek(scan)))
        scan->at++;
}

static void refuse(struct scan *scan)
{
    scan->is_bad = true;
    scan->at = scan->text.size;
}

static bool take(struct scan *scan, char c)
{
    bool is_there = scan->at < scan->text.size && peek(scan) == c;

    scan->at += is_there;
    return is_there;
}

static void skip_word(struct scan *scan, struct paa_str word)
{
    if (str_starts(str_slice(scan->text, scan->at, scan->text.size), word))
        scan->at += word.size;
    else
        refuse(scan);
}

/* At least one. */
static void skip_digits(struct scan *scan)
{
    size_t begin = scan->at;

    while (peek(scan) >= '0' && peek(scan) <= '9')
        scan->at++;
    if (scan->at == begin)
        refuse(scan);
}

static void skip_number(struct scan *scan)
{
    (void)take(scan, '-');
    if (!take(scan, '0'))
        skip_digits(scan);
    if (take(scan, '.'))
        skip_digits(scan);
    if (take(scan, 'e') || take(scan, 'E')) {
        if (!take(scan, '+'))
            (void)take(scan, '-');
        skip_digits(scan);
    }
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (char_lower(c) >= 'a' && char_lower(c) <= 'f');
}

static void skip_escape(struct scan *scan)
{
    char c = peek(scan);

    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL) {
        refuse(scan);
        return;
    }
    scan->at++;
    for (int i = 0; c == 'u' && i < 4; i++) {
        if (!is_hex(peek(scan)))
            refuse(scan);
        else
            scan->at++;
    }
}

static void skip_string(struct scan *scan)
{
    scan->at++;
    while (scan->at < scan->text.size && peek(scan) != '"') {
        if ((unsigned char)peek(scan) < 0x20)
            refuse(scan);
        else if (take(scan, '\\'))
            skip_escape(scan);
        else
            scan->at++;
    }
    if (!take(scan, '"'))
        refuse(scan);
}

static void skip_value(struct scan *scan, int depth);

static void skip_members(struct scan *scan, char closing, int depth)
{
    scan->at++;
    skip_blanks(scan);
    if (take(scan, closing))
        return;
    do {
        skip_blanks(scan);
        if (closing == '}') {
            if (peek(scan) != '"')
                refuse(scan);
            else
                skip_string(scan);
            skip_blanks(scan);
            if (!take(scan, ':'))
                refuse(scan);
        }
        skip_value(scan, depth - 1);
    } while (take(scan, ','));
    if (!take(scan, closing))
        refuse(scan);
}

/* With the blanks around it. As deep as `depth` says. */
static void skip_value(struct scan *scan, int depth)
{
    skip_blanks(scan);
    switch (depth > 0 ? peek(scan) : '\0') {
    case '{':
        skip_members(scan, '}', depth);
        break;
    case '[':
        skip_members(scan, ']', depth);
        break;
    case '"':
        skip_string(scan);
        break;
    case 't':
        skip_word(scan, STR("true"));
        break;
    case 'f':
        skip_word(scan, STR("false"));
        break;
    case 'n':
        skip_word(scan, STR("null"));
        break;
    case '\0':
        refuse(scan);
        break;
    default:
        skip_number(scan);
    }
    skip_blanks(scan);
}

bool json_is_value(struct paa_str text)
{
    struct scan scan = { text, 0, false };

    if (text.data == NULL || !utf8_valid(text))
        return false;
    skip_value(&scan, JSON_SCAN_DEPTH_MAX);
    return !scan.is_bad && scan.at == text.size;
}

bool json_is_array(struct paa_str text)
{
    struct scan scan = { text, 0, false };

    skip_blanks(&scan);
    return peek(&scan) == '[';
}

bool json_element_next(struct paa_str *rest, struct paa_str *ret_element)
{
    struct scan scan = { *rest, 0, false };
    size_t begin;

    skip_blanks(&scan);
    if (!take(&scan, '[') && !take(&scan, ','))
        return false;
    skip_blanks(&scan);
    begin = scan.at;
    if (peek(&scan) == ']')
        return false;
    skip_value(&scan, JSON_SCAN_DEPTH_MAX);
    *ret_element = str_slice(*rest, begin, scan.at);
    while (ret_element->size > 0 && is_blank(ret_element->data[ret_element->size - 1]))
        ret_element->size--;
    *rest = str_slice(*rest, scan.at, rest->size);
    return !scan.is_bad;
}

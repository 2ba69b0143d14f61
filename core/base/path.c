/* SPDX-License-Identifier: MIT */
/*
 * path.h's reading. Most paths hold letters, digits and slashes, and are looked at eight bytes at a time. Others cost one
 * pass over a table of character classes, and only one that holds "%" is looked at again. What is plain is not copied.
 */
#include "path.h"

#include "hint.h"
#include "str.h"

enum {                 /* classes of characters; several may be seen in one path */
       SLASH = 1 << 0, /* the lowest bit: scan() relies on it */
       DOT = 1 << 1,
       PERCENT = 1 << 2,
       SEMICOLON = 1 << 3,
       MARK = 1 << 4,  /* "?" */
       QUERY = 1 << 5, /* fine in a query, not in a path */
       BACKSLASH = 1 << 6,
       NEVER = 1 << 7 /* controls, blanks, "#", bytes over 0x7f */
};

#define N8  NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER
#define N32 N8, N8, N8, N8

static const unsigned char class_of[256] = { N32,
                                             /*   ! " #  */ NEVER,
                                             0,
                                             QUERY,
                                             NEVER,
                                             /* $ % & ' */ 0,
                                             PERCENT,
                                             0,
                                             0,
                                             /* ( ) * + */ 0,
                                             0,
                                             0,
                                             0,
                                             /* , - . / */ 0,
                                             0,
                                             DOT,
                                             SLASH,
                                             /* 0-9 : ; */ 0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             SEMICOLON,
                                             /* < = > ? */ QUERY,
                                             0,
                                             QUERY,
                                             MARK,
                                             /* @ A-O   */ 0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             /* P-Z     */ 0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             /* [ \ ] ^ _ */ QUERY,
                                             BACKSLASH,
                                             QUERY,
                                             QUERY,
                                             0,
                                             /* ` a-o   */ QUERY,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             /* p-z     */ 0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             0,
                                             /* { | } ~ DEL */ QUERY,
                                             QUERY,
                                             QUERY,
                                             0,
                                             NEVER,
                                             N32,
                                             N32,
                                             N32,
                                             N32 };

const char PATH_NO_MEMORY[] = "there is no memory left to normalise the path";

static const char INCOMPLETE[] = "the target holds a \"%\" without two hexadecimal digits";
static const char DOT_SEGMENT[] = "the path holds a \".\" or \"..\" segment; send it resolved";
static const char TWICE[] =
    "the path is percent-encoded twice (\"%25\" before two hexadecimal digits)";

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = char_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that "%XY" at text[at] stands for; -1: incomplete. */
static int percent_value(struct paa_str text, size_t at)
{
    int high;
    int low;

    if (text.size - at < 3)
        return -1;
    high = hex_value(text.data[at + 1]);
    low = hex_value(text.data[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_unreserved(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/* Is first followed by second the beginning of an overlong form of UTF-8? A lenient reader takes
 * "%C0%AF" for "/". */
static bool is_overlong(int first, int second)
{
    if (first == 0xc0 || first == 0xc1)
        return second >= 0x80 && second <= 0xbf;
    return (first == 0xe0 && second >= 0x80 && second <= 0x9f) ||
           (first == 0xf0 && second >= 0x80 && second <= 0x8f);
}

static const char *encoded_byte_check(struct paa_str path, size_t at, int value)
{
    if (value < 0)
        return INCOMPLETE;
    if (value == '/')
        return "the path holds an encoded slash (\"%2F\")";
    if (value == '\\')
        return "the path holds an encoded backslash (\"%5C\")";
    if (value < 0x20 || value == 0x7f)
        return "the path holds an encoded control character";
    if (value >= 0xc0 && at + 3 < path.size && path.data[at + 3] == '%' &&
        is_overlong(value, percent_value(path, at + 3)))
        return "the path holds an overlong form of UTF-8";
    return NULL;
}

/* Judges every "%XY"; does the normal form differ? */
static const char *percent_check(struct paa_str path, bool *ret_differs)
{
    *ret_differs = false;
    for (size_t at = str_find(path, '%', 0); at < path.size; at = str_find(path, '%', at + 3)) {
        int value = percent_value(path, at);
        const char *wrong = encoded_byte_check(path, at, value);

        if (wrong != NULL)
            return wrong;
        if (is_unreserved(value) || path.data[at + 1] >= 'a' || path.data[at + 2] >= 'a')
            *ret_differs = true;
    }
    return NULL;
}

static char char_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
}

/* RFC 3986 6.2.2.1 and 6.2.2.2, on a path that percent_check found sound. */
static const char *percent_normalise(struct paa_str *path, struct arena *arena)
{
    char *text = arena_alloc(arena, path->size);
    size_t size = 0;

    if (text == NULL)
        return PATH_NO_MEMORY;
    for (size_t i = 0; i < path->size; i++) {
        int value = path->data[i] == '%' ? percent_value(*path, i) : -1;

        if (value < 0) {
            text[size++] = path->data[i];
        } else if (is_unreserved(value)) {
            text[size++] = (char)value;
            i += 2;
        } else {
            text[size++] = '%';
            text[size++] = char_upper(path->data[i + 1]);
            text[size++] = char_upper(path->data[i + 2]);
            i += 2;
        }
    }
    *path = paa_str_of_n(text, size);
    return NULL;
}

static bool has_dot_segment(struct paa_str path)
{
    struct paa_str segment;

    while (str_next(&path, "/", &segment))
        if (paa_str_eq(segment, ".") || paa_str_eq(segment, ".."))
            return true;
    return false;
}

/* On the normal form: decoding may have made the digits that follow "%25". */
static bool is_encoded_twice(struct paa_str path)
{
    for (size_t at = str_find(path, '%', 0); at < path.size; at = str_find(path, '%', at + 3))
        if (percent_value(path, at) == '%' && path.size - at >= 5 &&
            hex_value(path.data[at + 3]) >= 0 && hex_value(path.data[at + 4]) >= 0)
            return true;
    return false;
}

/* What stood in the path, and what stood right after a slash, as classes. */
struct seen {
    unsigned anywhere;
    unsigned after_slash;
};

static size_t scan(struct paa_str text, struct seen *ret_seen)
{
    unsigned anywhere = 0;
    unsigned after_slash = 0;
    unsigned before = 0;
    size_t i;

    for (i = 0; i < text.size; i++) {
        unsigned class = class_of[(unsigned char)text.data[i]];

        if (class == MARK)
            break;
        anywhere |= class;
        after_slash |= class & (0u - (before & SLASH));
        before = class;
    }
    *ret_seen = (struct seen){ anywhere, after_slash };
    return i;
}

static const char *seen_check(struct seen seen, uint32_t flags)
{
    if (seen.anywhere & NEVER)
        return "the target holds a control, a blank, \"#\" or a byte over 0x7f that is not encoded";
    if (seen.anywhere & BACKSLASH)
        return "the path holds a backslash";
    if (seen.anywhere & QUERY)
        return "the path holds a character that must be percent-encoded (RFC 3986 3.3)";
    if (seen.after_slash & SLASH)
        return "the path holds an empty segment (\"//\")";
    if ((seen.anywhere & SEMICOLON) && !(flags & TARGET_ALLOW_SEMICOLON))
        return "the path holds \";\", which some readers take for the end of a segment";
    return NULL;
}

typedef unsigned char chunk __attribute__((vector_size(8)));

static inline chunk load_chunk(const char *at)
{
    chunk bytes;

    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* 0 for a letter, a digit, "-", "_", "~" and a slash that no other follows. Reads one byte more than a chunk. */
static inline chunk odd_in(const char *at)
{
    chunk bytes = load_chunk(at), next = load_chunk(at + 1);
    chunk letter = (bytes | 0x20) - 'a', digit_or_slash = bytes - '/';
    chunk plain = (chunk)(letter < 26) | (chunk)(digit_or_slash < 11) | (chunk)(bytes == '-') |
                  (chunk)(bytes == '_') | (chunk)(bytes == '~');

    return ~plain | ((chunk)(bytes == '/') & (chunk)(next == '/'));
}

/* Of more than a chunk; the last one overlaps the one before. False: to be looked at closely. */
static bool is_plain(struct paa_str path)
{
    enum { CHUNK = sizeof(chunk) };
    chunk odd = odd_in(path.data + path.size - CHUNK - 1);
    uint64_t word;

    for (size_t i = 0; i + CHUNK < path.size; i += CHUNK)
        odd |= odd_in(path.data + i);
    memcpy(&word, &odd, sizeof word);
    return LIKELY(word == 0) && class_of[(unsigned char)path.data[path.size - 1]] == 0;
}

/* Up to "?" or the end. */
static struct paa_str plain_part(struct paa_str text)
{
    return str_slice(text, 0, str_find(text, '?', 0));
}

const char *path_parse(struct paa_str text, uint32_t flags, struct arena *arena,
                       struct paa_str *ret_path, size_t *ret_size)
{
    struct paa_str path = plain_part(text);
    struct seen seen;
    const char *wrong = NULL;
    bool differs = false;
    size_t size;

    if (LIKELY(path.size > sizeof(chunk) && path.data[0] == '/' && is_plain(path))) {
        *ret_path = path;
        *ret_size = path.size;
        return NULL;
    }
    size = scan(text, &seen);
    if (size == 0 || text.data[0] != '/')
        return "the path does not begin with \"/\"";
    path = paa_str_of_n(text.data, size);
    if (seen.anywhere & ~(unsigned)(SLASH | DOT | PERCENT) || seen.after_slash & SLASH)
        wrong = seen_check(seen, flags);
    if (wrong == NULL && (seen.anywhere & PERCENT)) {
        wrong = percent_check(path, &differs);
        if (wrong == NULL && differs)
            wrong = percent_normalise(&path, arena);
        if (wrong == NULL && is_encoded_twice(path))
            wrong = TWICE;
    }
    if (wrong == NULL && (differs || (seen.after_slash & DOT)) && has_dot_segment(path))
        wrong = DOT_SEGMENT;
    if (wrong != NULL)
        return wrong;
    *ret_path = path;
    *ret_size = size;
    return NULL;
}

const char *query_check(struct paa_str query)
{
    unsigned anywhere = 0;

    for (size_t i = 0; i < query.size; i++)
        anywhere |= class_of[(unsigned char)query.data[i]];
    if (anywhere & NEVER)
        return "the query holds a control, a blank, \"#\" or a byte over 0x7f that is not encoded";
    if (LIKELY(!(anywhere & PERCENT)))
        return NULL;
    for (size_t at = str_find(query, '%', 0); at < query.size; at = str_find(query, '%', at + 3))
        if (percent_value(query, at) < 0)
            return INCOMPLETE;
    return NULL;
}

static bool must_encode(char c, bool encode_percent)
{
    unsigned class = class_of[(unsigned char)c];

    return (class & (NEVER | QUERY | BACKSLASH | MARK)) || (encode_percent && class == PERCENT);
}

const char *path_encode(struct paa_str path, bool encode_percent, struct arena *arena,
                        struct paa_str *ret_path)
{
    size_t size = 0;
    char *text;

    for (size_t i = 0; i < path.size; i++)
        size += must_encode(path.data[i], encode_percent) ? 3 : 1;
    if (size == path.size) {
        *ret_path = path;
        return NULL;
    }
    text = arena_alloc(arena, size);
    if (text == NULL)
        return PATH_NO_MEMORY;
    *ret_path = paa_str_of_n(text, size);
    for (size_t i = 0; i < path.size; i++) {
        if (must_encode(path.data[i], encode_percent)) {
            *text++ = '%';
            *text++ = "0123456789ABCDEF"[(unsigned char)path.data[i] >> 4];
            *text++ = "0123456789ABCDEF"[(unsigned char)path.data[i] & 15];
        } else {
            *text++ = path.data[i];
        }
    }
    return NULL;
}

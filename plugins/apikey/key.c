/* SPDX-License-Identifier: MIT */
/* The shape, checksum and alphabet of a minted key (key.h). Knows no digest and no store. */
#include "key.h"

#include "codec.h"

/* The largest multiple of 62 that a byte can hold: what lies above would favour some characters. */
enum { KEY_BASE = 62, KEY_FAIR_BYTES = 256 - 256 % KEY_BASE };

/* What each stands for as a digit in base 62, and 1; 0: it is none. A table: a chain of comparisons costs half
 * a digest. */
static const unsigned char digit_and_one[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    ['G'] = 17, ['H'] = 18, ['I'] = 19, ['J'] = 20, ['K'] = 21, ['L'] = 22, ['M'] = 23, ['N'] = 24,
    ['O'] = 25, ['P'] = 26, ['Q'] = 27, ['R'] = 28, ['S'] = 29, ['T'] = 30, ['U'] = 31, ['V'] = 32,
    ['W'] = 33, ['X'] = 34, ['Y'] = 35, ['Z'] = 36, ['a'] = 37, ['b'] = 38, ['c'] = 39, ['d'] = 40,
    ['e'] = 41, ['f'] = 42, ['g'] = 43, ['h'] = 44, ['i'] = 45, ['j'] = 46, ['k'] = 47, ['l'] = 48,
    ['m'] = 49, ['n'] = 50, ['o'] = 51, ['p'] = 52, ['q'] = 53, ['r'] = 54, ['s'] = 55, ['t'] = 56,
    ['u'] = 57, ['v'] = 58, ['w'] = 59, ['x'] = 60, ['y'] = 61, ['z'] = 62,
};

static bool is_alphanumeric(char c)
{
    return digit_and_one[(unsigned char)c] != 0;
}

/* ---- eight characters at a time: every request's key comes by here ----------------------------------- */

#define EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

/* The highest bit of each byte of word, all under 0x80, that lies within from .. to. */
static inline uint64_t bytes_within(uint64_t word, unsigned from, unsigned to)
{
    return (word + EACH_BYTE(0x80 - from)) & ~(word + EACH_BYTE(0x7f - to)) & EACH_BYTE(0x80);
}

/* Likewise of each byte that is a letter or a digit. */
static inline uint64_t alphanumeric_in(const char *text)
{
    uint64_t word, low;

    memcpy(&word, text, sizeof word);
    low = word & EACH_BYTE(0x7f);
    return (bytes_within(low, '0', '9') | bytes_within(low | EACH_BYTE(0x20), 'a', 'z')) & ~word;
}

/* At least eight characters; the last eight may overlap those before. */
static bool all_alphanumeric(const char *text, size_t size)
{
    uint64_t all = alphanumeric_in(text + size - sizeof all);

    for (size_t i = 0; i + sizeof all <= size; i += sizeof all)
        all &= alphanumeric_in(text + i);
    return all == EACH_BYTE(0x80);
}

bool key_prefix_valid(struct paa_str prefix)
{
    if (prefix.size == 0 || prefix.size > KEY_PREFIX_MAX || !is_alphanumeric(prefix.data[0]))
        return false;
    for (size_t i = 1; i < prefix.size; i++)
        if (!is_alphanumeric(prefix.data[i]) && prefix.data[i] != '_')
            return false;
    return true;
}

bool key_id_valid(struct paa_str id)
{
    return id.size == KEY_ID_SIZE && all_alphanumeric(id.data, id.size);
}

static void checksum(struct paa_str body, char ret_text[KEY_CHECKSUM_SIZE])
{
    (void)base62_encode_u64(crc32_of(paa_bytes_of(body.data, body.size)), ret_text,
                            KEY_CHECKSUM_SIZE); /* 62^6 > 2^32: it fits */
}

static bool split(struct paa_str text, struct key_parts *parts)
{
    const char *tail;

    if (text.size <= KEY_TAIL_SIZE || text.size > KEY_TEXT_MAX)
        return false;
    tail = text.data + text.size - KEY_TAIL_SIZE;
    parts->body = paa_str_of_n(text.data, text.size - KEY_CHECKSUM_SIZE);
    parts->prefix = paa_str_of_n(text.data, text.size - KEY_TAIL_SIZE);
    parts->id = paa_str_of_n(tail + 1, KEY_ID_SIZE);
    parts->secret = paa_str_of_n(tail + 1 + KEY_ID_SIZE + 1, KEY_SECRET_SIZE);
    return tail[0] == '_' && tail[1 + KEY_ID_SIZE] == '_' && key_prefix_valid(parts->prefix) &&
           key_id_valid(parts->id) &&
           all_alphanumeric(parts->secret.data, KEY_SECRET_SIZE + KEY_CHECKSUM_SIZE);
}

/* The number that the checksum's text, all alphanumeric, says. */
static uint64_t checksum_read(const char *text)
{
    uint64_t number = 0;

    for (size_t i = 0; i < KEY_CHECKSUM_SIZE; i++)
        number = number * KEY_BASE + digit_and_one[(unsigned char)text[i]] - 1;
    return number;
}

struct paa_str key_id_place(struct paa_str text)
{
    if (text.size <= KEY_TAIL_SIZE || text.size > KEY_TEXT_MAX)
        return paa_str_of_n(NULL, 0);
    return paa_str_of_n(text.data + text.size - KEY_TAIL_SIZE + 1, KEY_ID_SIZE);
}

enum key_form key_parse(struct paa_str text, struct key_parts *ret_parts)
{
    struct key_parts parts;

    if (!split(text, &parts))
        return KEY_FOREIGN;
    if (checksum_read(text.data + parts.body.size) !=
        crc32_of(paa_bytes_of(parts.body.data, parts.body.size)))
        return KEY_BAD_CHECKSUM;
    *ret_parts = parts;
    return KEY_MINTED;
}

bool key_is_cut(struct paa_str text, struct paa_str prefix)
{
    size_t head = prefix.size + 1 + KEY_ID_SIZE + 1;
    const char *id = text.data + prefix.size + 1;

    if (text.size < head || memcmp(text.data, prefix.data, prefix.size) != 0 || id[-1] != '_' ||
        !all_alphanumeric(id, KEY_ID_SIZE) || id[KEY_ID_SIZE] != '_')
        return false;
    for (size_t i = head; i < text.size; i++)
        if (!is_alphanumeric(text.data[i]))
            return false;
    return text.size - head != KEY_SECRET_SIZE + KEY_CHECKSUM_SIZE;
}

size_t key_characters(struct paa_bytes random, char *ret_text, size_t size)
{
    static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    size_t count = 0;

    for (size_t i = 0; i < random.size && count < size; i++)
        if (random.data[i] < KEY_FAIR_BYTES)
            ret_text[count++] = alphabet[random.data[i] % KEY_BASE];
    return count;
}

size_t key_write(struct paa_str prefix, const char *chosen, char ret_text[KEY_TEXT_MAX])
{
    char *at = ret_text;

    memcpy(at, prefix.data, prefix.size);
    at += prefix.size;
    *at++ = '_';
    memcpy(at, chosen, KEY_ID_SIZE);
    at += KEY_ID_SIZE;
    *at++ = '_';
    memcpy(at, chosen + KEY_ID_SIZE, KEY_SECRET_SIZE);
    at += KEY_SECRET_SIZE;
    checksum(paa_str_of_n(ret_text, (size_t)(at - ret_text)), at);
    return (size_t)(at - ret_text) + KEY_CHECKSUM_SIZE;
}

/* SPDX-License-Identifier: MIT */
/* fields.h's names, values, credentials and challenges (RFC 9110). Cookies are in cookie.c, queries and
 * forms in form.c. */
#include "fields.h"

#include "cpu.h"
#include "hint.h"
#include "str.h"

#ifdef CPU_HAS_AVX2
#include <immintrin.h>
#endif

#define TOKEN_4(c)  [(c)] = 1, [(c) + 1] = 1, [(c) + 2] = 1, [(c) + 3] = 1
#define TOKEN_10(c) TOKEN_4(c), TOKEN_4((c) + 4), [(c) + 8] = 1, [(c) + 9] = 1
#define TOKEN_26(c)                                                                                \
    TOKEN_10(c), TOKEN_10((c) + 10), TOKEN_4((c) + 20), [(c) + 24] = 1, [(c) + 25] = 1

/* tchar of RFC 9110 5.6.2. */
static const unsigned char token_char[256] = {
    TOKEN_10('0'), TOKEN_26('A'), TOKEN_26('a'), ['!'] = 1, ['#'] = 1, ['$'] = 1,
    ['%'] = 1,     ['&'] = 1,     ['\''] = 1,    ['*'] = 1, ['+'] = 1, ['-'] = 1,
    ['.'] = 1,     ['^'] = 1,     ['_'] = 1,     ['`'] = 1, ['|'] = 1, ['~'] = 1,
};

/* Of token68 (RFC 9110 11.2), without the "=" at its end. */
static const unsigned char token68_char[256] = {
    TOKEN_10('0'), TOKEN_26('A'), TOKEN_26('a'), ['-'] = 1, ['.'] = 1,
    ['_'] = 1,     ['~'] = 1,     ['+'] = 1,     ['/'] = 1,
};

static bool has_only(const unsigned char chars[256], struct paa_str s)
{
    const unsigned char *at = (const unsigned char *)s.data;
    unsigned char all = s.size > 0;
    size_t i = 0;

    for (; i + 4 <= s.size; i += 4)
        all &= chars[at[i]] & chars[at[i + 1]] & chars[at[i + 2]] & chars[at[i + 3]];
    for (; i < s.size; i++)
        all &= chars[at[i]];
    return all == 1;
}

bool is_token(struct paa_str s)
{
    return has_only(token_char, s);
}

bool is_token68(struct paa_str s)
{
    while (s.size > 0 && s.data[s.size - 1] == '=')
        s.size--;
    return has_only(token68_char, s);
}

/* ---- eight bytes at a time ---------------------------------------------------------------------- */

#define EACH_BYTE(value) (0x0101010101010101u * (uint64_t)(value))

/* 0x01 in each byte of word that equals `byte`. */
static inline uint64_t bytes_equal(uint64_t word, unsigned byte)
{
    uint64_t x = word ^ EACH_BYTE(byte);
    uint64_t not_zero = ((x & EACH_BYTE(0x7f)) + EACH_BYTE(0x7f)) | x;

    return (~not_zero & EACH_BYTE(0x80)) >> 7;
}

/* Not 0 if a byte of word is a control other than HTAB. */
static inline uint64_t controls_in(uint64_t word)
{
    uint64_t under_blank = ~((word | EACH_BYTE(0x80)) - EACH_BYTE(0x20)) & ~word & EACH_BYTE(0x80);

    return (under_blank >> 7 & ~bytes_equal(word, '\t')) | bytes_equal(word, 0x7f);
}

/* ---- more bytes at a time ------------------------------------------------------------------------ */

#ifdef CPU_HAS_AVX2
enum { CHUNK = 32 };

/* The highest of what was and of the chunk's bytes, counted from 0x20 on: what is under it comes out over 0xdf. */
CPU_WITH_AVX2 static inline __m256i higher_avx2(__m256i highest, const char *at)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);

    return _mm256_max_epu8(highest, _mm256_sub_epi8(bytes, _mm256_set1_epi8(0x20)));
}

/* Is all of s from 0x20 to 0x7e? Of at least a chunk; the last one overlaps the one before. */
CPU_WITH_AVX2 static bool is_plain_avx2(struct paa_str s)
{
    const char *at = s.data, *last = s.data + s.size - CHUNK;
    __m256i even = _mm256_setzero_si256(), odd = even;

    for (; at + 3 * (size_t)CHUNK < last; at += 4 * (size_t)CHUNK) {
        even = higher_avx2(even, at);
        odd = higher_avx2(odd, at + CHUNK);
        even = higher_avx2(even, at + 2 * (size_t)CHUNK);
        odd = higher_avx2(odd, at + 3 * (size_t)CHUNK);
    }
    for (; at < last; at += CHUNK)
        even = higher_avx2(even, at);
    even = _mm256_max_epu8(even, higher_avx2(odd, last));
    /* none is changed by what takes the highest that may be */
    even = _mm256_subs_epu8(even, _mm256_set1_epi8(0x7e - 0x20));
    return _mm256_testz_si256(even, even) != 0;
}
#endif

static bool is_plain(struct paa_str s)
{
#ifdef CPU_HAS_AVX2
    return s.size >= CHUNK && CPU_HAS_AVX2 && is_plain_avx2(s);
#else
    (void)s;
    return false;
#endif
}

/* Visible ASCII, blanks, obs-text. Most long values hold nothing but the first; only others are looked at closely. */
static bool has_no_control(struct paa_str s)
{
    uint64_t found = 0, word;
    size_t i = 0;

    if (LIKELY(is_plain(s)))
        return true;
    for (; i + sizeof word <= s.size; i += sizeof word) {
        memcpy(&word, s.data + i, sizeof word);
        found |= controls_in(word);
    }
    for (; i < s.size; i++)
        found |= controls_in(EACH_BYTE((unsigned char)s.data[i]));
    return found == 0;
}

bool is_field_value(struct paa_str s)
{
    return s.data != NULL && LIKELY(has_no_control(s)) && str_trim(s).size == s.size;
}

static unsigned char fold(char c)
{
    return c == '_' || c == '.' ? '-' : (unsigned char)char_lower(c);
}

bool field_name_same(struct paa_str a, struct paa_str b)
{
    if (a.size != b.size || (a.data == NULL) != (b.data == NULL))
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (a.data[i] != b.data[i] && fold(a.data[i]) != fold(b.data[i]))
            return false;
    return true;
}

/* ---- the hash of a name -------------------------------------------------------------------------- */

/* Letters lose their case, "_" and "." become "-". Others may fall together too: it is a hash. */
static uint64_t fold_word(uint64_t word)
{
    uint64_t lower = word | EACH_BYTE(0x20);

    lower ^= bytes_equal(lower, '_' | 0x20) * (('_' | 0x20) ^ '-');
    lower ^= bytes_equal(lower, '.') * ('.' ^ '-');
    return lower;
}

static uint64_t load(const char *data, size_t size)
{
    uint64_t word = 0;
    uint32_t half;

    if (size >= 8) {
        memcpy(&word, data, 8);
    } else if (size >= 4) { /* the halves may overlap */
        memcpy(&half, data, 4);
        word = (uint64_t)half << 32;
        memcpy(&half, data + size - 4, 4);
        word |= half;
    } else if (size > 0) {
        word = (uint64_t)(unsigned char)data[0] << 16 |
               (uint64_t)(unsigned char)data[size / 2] << 8 | (unsigned char)data[size - 1];
    }
    return word;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ fold_word(word)) * 0x9e3779b97f4a7c15u; /* 2^64 divided by the golden ratio */
    return hash ^ hash >> 29;
}

uint32_t field_name_hash(struct paa_str name)
{
    uint64_t hash = name.size;
    size_t i = 0;

    for (; i + 8 < name.size; i += 8)
        hash = mix(hash, load(name.data + i, 8));
    if (name.size >= 8) /* the last eight, overlapping what was read */
        hash = mix(hash, load(name.data + name.size - 8, 8));
    else
        hash = mix(hash, load(name.data, name.size));
    hash ^= hash >> 32;
    return (uint32_t)hash != 0 ? (uint32_t)hash : 1;
}

/* ---- credentials and challenges ----------------------------------------------------------------- */

struct paa_str credentials_of(struct paa_str value, struct paa_str scheme)
{
    value = str_trim(value);
    if (scheme.size == 0 || !str_starts_nocase(value, scheme))
        return STR_NONE;
    if (value.size == scheme.size)
        return str_slice(value, value.size, value.size);
    if (!char_is_blank(value.data[scheme.size]))
        return STR_NONE;
    return str_trim(str_slice(value, scheme.size + 1, value.size));
}

static bool challenge_check(struct paa_str scheme, struct paa_str token68,
                            const struct paa_field *params, size_t param_count)
{
    if (!is_token(scheme))
        return false;
    if (token68.data != NULL)
        return param_count == 0 && is_token68(token68);
    for (size_t i = 0; i < param_count; i++)
        if (!is_token(params[i].name) || !has_no_control(params[i].value))
            return false;
    return true;
}

static void add_quoted(struct buf *buf, struct paa_str s)
{
    buf_add_char(buf, '"');
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] == '"' || s.data[i] == '\\')
            buf_add_char(buf, '\\');
        buf_add_char(buf, s.data[i]);
    }
    buf_add_char(buf, '"');
}

bool challenge_write(struct buf *buf, struct paa_str scheme, struct paa_str token68,
                     const struct paa_field *params, size_t param_count)
{
    const char *before = " ";

    if (!challenge_check(scheme, token68, params, param_count))
        return false;
    buf_add_str(buf, scheme);
    if (token68.data != NULL) {
        buf_add_text(buf, before);
        buf_add_str(buf, token68);
    }
    for (size_t i = 0; i < param_count; i++) {
        if (params[i].value.data == NULL)
            continue;
        buf_add_text(buf, before);
        buf_add_str(buf, params[i].name);
        buf_add_char(buf, '=');
        add_quoted(buf, params[i].value);
        before = ", ";
    }
    return true;
}

bool method_is_safe(struct paa_str method)
{
    return paa_str_eq(method, "GET") || paa_str_eq(method, "HEAD") ||
           paa_str_eq(method, "OPTIONS") || paa_str_eq(method, "TRACE");
}

/* SPDX-License-Identifier: MIT */
#include "base64.h"

enum { NO_DIGIT = 64 };

static unsigned digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : NO_DIGIT;
}

static size_t padding_of(struct paa_str text)
{
    size_t size = 0;

    while (size < 2 && size < text.size && text.data[text.size - 1 - size] == '=')
        size++;
    return size;
}

bool base64_decode(struct paa_str text, unsigned char *ret_bytes, size_t *ret_size)
{
    size_t padding = padding_of(text), digits = text.size - padding, size = 0;
    uint32_t bits = 0;

    if (text.size % 4 != 0)
        return false;
    for (size_t i = 0; i < digits; i++) {
        unsigned digit = digit_of(text.data[i]);

        if (digit == NO_DIGIT)
            return false;
        bits = bits << 6 | digit;
        if (i % 4 > 0) /* a byte is whole with each digit but the first of four */
            ret_bytes[size++] = (unsigned char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    }
    *ret_size = size;
    return padding == 0 || (bits & (padding == 1 ? 0x3u : 0xfu)) == 0;
}

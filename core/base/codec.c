/* SPDX-License-Identifier: MIT */
/* codec.h's text forms. */
#include "codec.h"

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(struct paa_bytes bytes, char *ret_text)
{
    const unsigned char *in = bytes.data;
    size_t left = bytes.size;

    for (; left >= 3; left -= 3, in += 3) {
        *ret_text++ = base64url[in[0] >> 2];
        *ret_text++ = base64url[(in[0] & 3) << 4 | in[1] >> 4];
        *ret_text++ = base64url[(in[1] & 15) << 2 | in[2] >> 6];
        *ret_text++ = base64url[in[2] & 63];
    }
    if (left == 0)
        return;
    *ret_text++ = base64url[in[0] >> 2];
    if (left == 1) {
        *ret_text = base64url[(in[0] & 3) << 4];
        return;
    }
    *ret_text++ = base64url[(in[0] & 3) << 4 | in[1] >> 4];
    *ret_text = base64url[(in[1] & 15) << 2];
}

/* A character's six bits, or 64 plus anything. Ranges of a table: C has no shorter way to say them all. */
#define NO_4  64, 64, 64, 64
#define NO_16 NO_4, NO_4, NO_4, NO_4
#define NO_64 NO_16, NO_16, NO_16, NO_16

static const unsigned char sextets[256] = {
    NO_16, NO_16, NO_4, NO_4, NO_4, 64, 62, 64, 64,                                     /* - */
    52,    53,    54,   55,   56,   57, 58, 59, 60, 61, 64, 64, NO_4,                   /* 0 */
    64,    0,     1,    2,    3,    4,  5,  6,  7,  8,  9,  10, 11,   12,    13,    14, /* A */
    15,    16,    17,   18,   19,   20, 21, 22, 23, 24, 25, 64, 64,   64,    64,    63, /* _ */
    64,    26,    27,   28,   29,   30, 31, 32, 33, 34, 35, 36, 37,   38,    39,    40, /* a */
    41,    42,    43,   44,   45,   46, 47, 48, 49, 50, 51, 64, NO_4, NO_64, NO_64,
};

/* What is no sextet is collected and looked at once, at the end: there is nothing to hide in bad texts, and
 * good ones are read without a branch a character. */
bool base64url_decode(struct paa_str text, unsigned char *ret_bytes, size_t *ret_size)
{
    const unsigned char *in = (const unsigned char *)text.data;
    unsigned char *out = ret_bytes;
    uint32_t wrong = 0, bits = 0;
    size_t left = text.size;

    if (text.data == NULL || left % 4 == 1)
        return false;
    for (; left >= 4; left -= 4, in += 4, out += 3) {
        uint32_t a = sextets[in[0]], b = sextets[in[1]], c = sextets[in[2]], d = sextets[in[3]];

        wrong |= a | b | c | d;
        bits = a << 18 | b << 12 | c << 6 | d;
        out[0] = (unsigned char)(bits >> 16);
        out[1] = (unsigned char)(bits >> 8);
        out[2] = (unsigned char)bits;
    }
    bits = 0;
    if (left > 0) { /* two or three: one byte or two, and the bits behind them are zero */
        uint32_t a = sextets[in[0]], b = sextets[in[1]], c = left == 3 ? sextets[in[2]] : 0;

        wrong |= a | b | c;
        bits = a << 12 | b << 6 | c;
        *out++ = (unsigned char)(bits >> 10);
        if (left == 3)
            *out++ = (unsigned char)(bits >> 2);
        bits &= left == 3 ? 0x3 : 0x3ff;
    }
    if ((wrong & 64) != 0 || bits != 0)
        return false;
    *ret_size = (size_t)(out - ret_bytes);
    return true;
}

void hex_encode(struct paa_bytes bytes, char *ret_text)
{
    for (size_t i = 0; i < bytes.size; i++) {
        *ret_text++ = "0123456789abcdef"[bytes.data[i] >> 4];
        *ret_text++ = "0123456789abcdef"[bytes.data[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_decode(struct paa_str text, unsigned char *ret_bytes)
{
    if (text.data == NULL || text.size % 2 != 0)
        return false;
    for (size_t i = 0; i < text.size; i += 2) {
        int high = hex_value(text.data[i]);
        int low = hex_value(text.data[i + 1]);

        if (high < 0 || low < 0)
            return false;
        *ret_bytes++ = (unsigned char)(high * 16 + low);
    }
    return true;
}

bool base62_encode_u64(uint64_t value, char *ret_text, size_t width)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    for (size_t i = width; i > 0; i--) {
        ret_text[i - 1] = digits[value % 62];
        value /= 62;
    }
    return value == 0;
}

/* ---- CRC-32, eight bytes a step ------------------------------------------------------------------
 * A CRC is linear: the entry of a byte is the sum of the entries of its bits, so eight numbers make a
 * table of 256. Table k is that of a byte with k zero bytes behind it. */

#define BIT(b, i, value) (((b) >> (i)&1) * (value))
#define TABLE_0(b)                                                                                 \
    (BIT(b, 0, 0x77073096u) ^ BIT(b, 1, 0xee0e612cu) ^ BIT(b, 2, 0x076dc419u) ^                    \
     BIT(b, 3, 0x0edb8832u) ^ BIT(b, 4, 0x1db71064u) ^ BIT(b, 5, 0x3b6e20c8u) ^                    \
     BIT(b, 6, 0x76dc4190u) ^ BIT(b, 7, 0xedb88320u))
#define TABLE_1(b)                                                                                 \
    (BIT(b, 0, 0x191b3141u) ^ BIT(b, 1, 0x32366282u) ^ BIT(b, 2, 0x646cc504u) ^                    \
     BIT(b, 3, 0xc8d98a08u) ^ BIT(b, 4, 0x4ac21251u) ^ BIT(b, 5, 0x958424a2u) ^                    \
     BIT(b, 6, 0xf0794f05u) ^ BIT(b, 7, 0x3b83984bu))
#define TABLE_2(b)                                                                                 \
    (BIT(b, 0, 0x01c26a37u) ^ BIT(b, 1, 0x0384d46eu) ^ BIT(b, 2, 0x0709a8dcu) ^                    \
     BIT(b, 3, 0x0e1351b8u) ^ BIT(b, 4, 0x1c26a370u) ^ BIT(b, 5, 0x384d46e0u) ^                    \
     BIT(b, 6, 0x709a8dc0u) ^ BIT(b, 7, 0xe1351b80u))
#define TABLE_3(b)                                                                                 \
    (BIT(b, 0, 0xb8bc6765u) ^ BIT(b, 1, 0xaa09c88bu) ^ BIT(b, 2, 0x8f629757u) ^                    \
     BIT(b, 3, 0xc5b428efu) ^ BIT(b, 4, 0x5019579fu) ^ BIT(b, 5, 0xa032af3eu) ^                    \
     BIT(b, 6, 0x9b14583du) ^ BIT(b, 7, 0xed59b63bu))

#define TABLE_4(b)                                                                                 \
    (BIT(b, 0, 0x3d6029b0u) ^ BIT(b, 1, 0x7ac05360u) ^ BIT(b, 2, 0xf580a6c0u) ^                    \
     BIT(b, 3, 0x30704bc1u) ^ BIT(b, 4, 0x60e09782u) ^ BIT(b, 5, 0xc1c12f04u) ^                    \
     BIT(b, 6, 0x58f35849u) ^ BIT(b, 7, 0xb1e6b092u))
#define TABLE_5(b)                                                                                 \
    (BIT(b, 0, 0xcb5cd3a5u) ^ BIT(b, 1, 0x4dc8a10bu) ^ BIT(b, 2, 0x9b914216u) ^                    \
     BIT(b, 3, 0xec53826du) ^ BIT(b, 4, 0x03d6029bu) ^ BIT(b, 5, 0x07ac0536u) ^                    \
     BIT(b, 6, 0x0f580a6cu) ^ BIT(b, 7, 0x1eb014d8u))
#define TABLE_6(b)                                                                                 \
    (BIT(b, 0, 0xa6770bb4u) ^ BIT(b, 1, 0x979f1129u) ^ BIT(b, 2, 0xf44f2413u) ^                    \
     BIT(b, 3, 0x33ef4e67u) ^ BIT(b, 4, 0x67de9cceu) ^ BIT(b, 5, 0xcfbd399cu) ^                    \
     BIT(b, 6, 0x440b7579u) ^ BIT(b, 7, 0x8816eaf2u))
#define TABLE_7(b)                                                                                 \
    (BIT(b, 0, 0xccaa009eu) ^ BIT(b, 1, 0x4225077du) ^ BIT(b, 2, 0x844a0efau) ^                    \
     BIT(b, 3, 0xd3e51bb5u) ^ BIT(b, 4, 0x7cbb312bu) ^ BIT(b, 5, 0xf9766256u) ^                    \
     BIT(b, 6, 0x299dc2edu) ^ BIT(b, 7, 0x533b85dau))

#define ROW_4(t, b)  t(b), t((b) + 1u), t((b) + 2u), t((b) + 3u)
#define ROW_16(t, b) ROW_4(t, b), ROW_4(t, (b) + 4u), ROW_4(t, (b) + 8u), ROW_4(t, (b) + 12u)
#define ROW_64(t, b) ROW_16(t, b), ROW_16(t, (b) + 16u), ROW_16(t, (b) + 32u), ROW_16(t, (b) + 48u)
#define ROW_256(t)   ROW_64(t, 0u), ROW_64(t, 64u), ROW_64(t, 128u), ROW_64(t, 192u)

static const uint32_t crc_table[8][256] = {
    { ROW_256(TABLE_0) }, { ROW_256(TABLE_1) }, { ROW_256(TABLE_2) }, { ROW_256(TABLE_3) },
    { ROW_256(TABLE_4) }, { ROW_256(TABLE_5) }, { ROW_256(TABLE_6) }, { ROW_256(TABLE_7) },
};

static uint32_t load_u32(const unsigned char *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

uint32_t crc32_of(struct paa_bytes bytes)
{
    const unsigned char *in = bytes.data;
    size_t left = bytes.size;
    uint32_t crc = 0xffffffffu;

    for (; left >= 8; left -= 8, in += 8) {
        uint32_t next = load_u32(in + 4); /* waits for nothing of the step before */

        crc ^= load_u32(in);
        crc = crc_table[7][crc & 255] ^ crc_table[6][crc >> 8 & 255] ^
              crc_table[5][crc >> 16 & 255] ^ crc_table[4][crc >> 24] ^ crc_table[3][next & 255] ^
              crc_table[2][next >> 8 & 255] ^ crc_table[1][next >> 16 & 255] ^
              crc_table[0][next >> 24];
    }
    for (; left > 0; left--)
        crc = crc_table[0][(crc ^ *in++) & 255] ^ crc >> 8;
    return ~crc;
}

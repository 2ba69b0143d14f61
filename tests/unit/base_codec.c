/* SPDX-License-Identifier: MIT */
/* codec.h and hash.h, against published values. */
#include "codec.h"
#include "hash.h"
#include "str.h"
#include "test.h"

TEST(base64url_has_the_values_of_rfc_4648_without_padding)
{
    static const char *const pairs[][2] = { { "", "" },
                                            { "f", "Zg" },
                                            { "fo", "Zm8" },
                                            { "foo", "Zm9v" },
                                            { "foob", "Zm9vYg" },
                                            { "fooba", "Zm9vYmE" },
                                            { "foobar", "Zm9vYmFy" },
                                            { "\xfb\xff\xfe", "-__-" } };

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        size_t size = strlen(pairs[i][0]);
        char text[16];
        unsigned char bytes[16];
        size_t decoded = 99;

        base64url_encode(paa_bytes_of(pairs[i][0], size), text);
        CHECK_STR(paa_str_of_n(text, BASE64URL_SIZE(size)), pairs[i][1]);
        CHECK(base64url_decode(paa_str_of(pairs[i][1]), bytes, &decoded));
        CHECK_STR(paa_str_of_n((const char *)bytes, decoded), pairs[i][0]);
    }
}

TEST(base64url_refuses_every_other_text)
{
    static const char *const texts[] = { "Z",      "Zg==", "Zh",    "Zm9",     "Zm 9v",
                                         "Zm9v\n", "+/+/", "Zm9vZ", "\xff\xff" };
    unsigned char bytes[16];
    size_t size;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (base64url_decode(paa_str_of(texts[i]), bytes, &size))
            TEST_FAIL("not refused: %s", texts[i]);
    CHECK(!base64url_decode(STR_NONE, bytes, &size));
}

TEST(hexadecimal_goes_there_and_back)
{
    char text[6];
    unsigned char bytes[3];

    hex_encode(paa_bytes_of("\x01\xab\xff", 3), text);
    CHECK_STR(paa_str_of_n(text, 6), "01abff");
    CHECK(hex_decode(STR("01aBFf"), bytes));
    CHECK(memcmp(bytes, "\x01\xab\xff", 3) == 0);
    CHECK(!hex_decode(STR("0"), bytes));
    CHECK(!hex_decode(STR("0g"), bytes));
    CHECK(!hex_decode(STR(" 0"), bytes));
    CHECK(!hex_decode(STR_NONE, bytes));
}

TEST(base62_is_padded_or_does_not_fit)
{
    char text[11];

    CHECK(base62_encode_u64(0, text, 6));
    CHECK_STR(paa_str_of_n(text, 6), "000000");
    CHECK(base62_encode_u64(UINT64_MAX, text, 11));
    CHECK_STR(paa_str_of_n(text, 11), "LygHa16AHYF");
    CHECK(base62_encode_u64(61, text, 1));
    CHECK_STR(paa_str_of_n(text, 1), "z");
    CHECK(!base62_encode_u64(62, text, 1));
    CHECK(base62_encode_u64(0xffffffff, text, 6));
}

TEST(crc32_is_that_of_zlib)
{
    unsigned char bytes[256];

    for (unsigned i = 0; i < 256; i++)
        bytes[i] = (unsigned char)i;
    CHECK_INT(crc32_of(paa_bytes_of("", 0)), 0);
    CHECK_INT(crc32_of(paa_bytes_of("123456789", 9)), 0xcbf43926);
    CHECK_INT(crc32_of(paa_bytes_of(bytes, 256)), 0x29058c73);
}

/* Made with an independent implementation that has the paper's value for SipHash-2-4. */
TEST(hash_is_siphash_1_3)
{
    static const struct {
        size_t size;
        uint64_t hash;
    } table[] = { { 0, 0xabac0158050fc4dcu },  { 1, 0xc9f49bf37d57ca93u },
                  { 7, 0xd3927d989bb11140u },  { 8, 0x369095118d299a8eu },
                  { 15, 0xd320d86d2a519956u }, { 16, 0xcc4fdd1a7d908b66u },
                  { 63, 0x9d199062b7bbb3a8u } };
    struct hash_key key = { { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u } };
    unsigned char bytes[64];

    for (unsigned i = 0; i < 64; i++)
        bytes[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        CHECK(hash_bytes(&key, bytes, table[i].size) == table[i].hash);
}

/* ---- the hash of long keys ---------------------------------------------------------------------- */

enum { LONG_MAX = 5000 };

static struct hash_long_key long_key;
static unsigned char long_data[LONG_MAX + 1];

static void begin_long(void)
{
    struct hash_key key = { { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u } };

    hash_long_key_make(&key, &long_key);
    for (unsigned i = 0; i < sizeof long_data; i++)
        long_data[i] = (unsigned char)(i * 7 + (i >> 8));
}

TEST(a_short_key_of_the_long_hash_is_hashed_by_siphash)
{
    begin_long();
    for (size_t size = 0; size < 32; size++)
        CHECK(hash_long(&long_key, long_data, size) == hash_bytes(&long_key.base, long_data, size));
}

TEST(every_byte_and_the_size_of_a_long_key_count)
{
    begin_long();
    for (size_t size = 32; size <= LONG_MAX; size += size < 400 ? 1 : 331) {
        uint64_t hash = hash_long(&long_key, long_data, size);

        CHECK(hash == hash_long(&long_key, long_data, size));
        CHECK(hash != hash_long(&long_key, long_data, size - 1));
        for (size_t i = 0; i < size; i += size < 400 ? 1 : 37) {
            long_data[i] ^= 0x40;
            CHECK(hash != hash_long(&long_key, long_data, size));
            long_data[i] ^= 0x40;
        }
    }
}

TEST(zeroes_at_the_end_of_a_long_key_count)
{
    static const unsigned char zeroes[LONG_MAX];
    uint64_t before = 0;

    begin_long();
    for (size_t size = 32; size <= LONG_MAX; size++) {
        uint64_t hash = hash_long(&long_key, zeroes, size);

        CHECK(hash != before);
        before = hash;
    }
}

TEST(a_long_key_hashes_alike_wherever_it_lies)
{
    static unsigned char other[LONG_MAX + 64];

    begin_long();
    for (size_t at = 0; at < 40; at++) {
        memcpy(other + at, long_data, LONG_MAX);
        CHECK(hash_long(&long_key, other + at, LONG_MAX) ==
              hash_long(&long_key, long_data, LONG_MAX));
        CHECK(hash_long(&long_key, other + at, 1356) == hash_long(&long_key, long_data, 1356));
    }
}

/* Of keys that differ in one byte: about as many per slot as chance gives. */
TEST(long_keys_fill_a_table_evenly)
{
    enum { SLOTS = 256, KEYS = 128 * SLOTS };
    static unsigned low[SLOTS], high[SLOTS];

    begin_long();
    for (unsigned i = 0; i < KEYS; i++) {
        uint64_t hash;

        long_data[100] = (unsigned char)i;
        long_data[700] = (unsigned char)(i >> 8);
        hash = hash_long(&long_key, long_data, 1000);
        low[hash % SLOTS]++;
        high[hash >> 56]++;
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        CHECK(low[i] > 64 && low[i] < 192);
        CHECK(high[i] > 64 && high[i] < 192);
    }
}

/* Under a key whose other words are 0: the words from `at` on. */
static uint64_t hash_of_words(const uint32_t *words, size_t count, size_t at, size_t size)
{
    static unsigned char text[LONG_MAX];

    memset(text, 0, sizeof text);
    memset(long_key.block, 0, sizeof long_key.block);
    memcpy(text + at, words, count * sizeof *words);
    return hash_long(&long_key, text, size);
}

/* In whole strides, in a turn of four of them, and in what is left over. */
TEST(a_long_key_is_the_sum_of_its_pairs_products)
{
    static const size_t places[] = { 0, 64, 128, 992, 1344, 1352 };
    const uint32_t small[] = { 3, 5, 7, 11 }, their_sum[] = { 1, 92 };
    const uint32_t large[] = { 0xffffffffu, 0xffffffffu };
    const uint32_t same[] = { 0xffffffffu, 0xfffffffeu, 0xffffffffu, 1 };
    uint64_t first;

    begin_long();
    first = hash_of_words(their_sum, 2, 0, 1368);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        CHECK(hash_of_words(small, 4, places[i], 1368) == first);
        CHECK(hash_of_words(large, 2, places[i], 1368) == hash_of_words(same, 4, 256, 1368));
        CHECK(hash_of_words(large, 2, places[i], 1368) != first);
    }
}

TEST(the_key_is_added_to_each_word_of_a_long_one)
{
    static const unsigned char zeroes[1376]; /* whole strides: no byte counts twice */
    uint64_t hash;
    uint32_t word;

    begin_long();
    hash = hash_long(&long_key, long_data, sizeof zeroes);
    for (size_t i = 0; i < sizeof zeroes / sizeof word; i++) {
        memcpy(&word, long_data + i * sizeof word, sizeof word);
        long_key.block[i] += word;
    }
    CHECK(hash_long(&long_key, zeroes, sizeof zeroes) == hash);
}

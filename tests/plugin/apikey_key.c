/* SPDX-License-Identifier: MIT */
/* The text of a key, and what is kept of it: shape, checksum, chance, digests. */
#include "codec.h"
#include "digest.h"
#include "key.h"
#include "str.h"
#include "test.h"

#include <errno.h>
#include <openssl/err.h>

/* id, then secret */
#define CHOSEN                                                                                     \
    "4Fq0ZrT1mKx8"                                                                                 \
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg"

static struct paa_str written(char memory[KEY_TEXT_MAX], const char *prefix)
{
    return paa_str_of_n(memory, key_write(paa_str_of(prefix), CHOSEN, memory));
}

TEST(a_written_key_is_read_in_its_parts)
{
    char memory[KEY_TEXT_MAX];
    struct paa_str text = written(memory, "paa");
    struct key_parts parts;

    CHECK_INT(text.size, 3 + KEY_TAIL_SIZE);
    REQUIRE(key_parse(text, &parts) == KEY_MINTED);
    CHECK_STR(parts.prefix, "paa");
    CHECK_STR(parts.id, "4Fq0ZrT1mKx8");
    CHECK_STR(parts.secret, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg");
    CHECK_STR(parts.body, "paa_"
                          "4Fq0ZrT1mKx8"
                          "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg");
}

TEST(the_checksum_is_the_crc_of_all_before_it_in_base_62)
{
    char memory[KEY_TEXT_MAX];
    struct paa_str text = written(memory, "paa");
    size_t body = text.size - KEY_CHECKSUM_SIZE;
    char expected[KEY_CHECKSUM_SIZE];

    REQUIRE(base62_encode_u64(crc32_of(paa_bytes_of(text.data, body)), expected, sizeof expected));
    CHECK(memcmp(text.data + body, expected, sizeof expected) == 0);
}

TEST(a_prefix_may_hold_underscores)
{
    char memory[KEY_TEXT_MAX];
    struct key_parts parts;

    REQUIRE(key_parse(written(memory, "acme_live_2"), &parts) == KEY_MINTED);
    CHECK_STR(parts.prefix, "acme_live_2");
}

TEST(any_changed_character_is_noticed)
{
    char memory[KEY_TEXT_MAX];
    struct paa_str text = written(memory, "paa");
    struct key_parts parts;

    for (size_t i = 0; i < text.size; i++) {
        char kept = memory[i];

        memory[i] = kept == 'x' ? 'y' : 'x';
        CHECK(key_parse(text, &parts) != KEY_MINTED);
        memory[i] = kept;
    }
    CHECK_INT(key_parse(text, &parts), KEY_MINTED);
}

TEST(two_swapped_neighbours_are_a_bad_checksum)
{
    char memory[KEY_TEXT_MAX];
    struct paa_str text = written(memory, "paa");
    struct key_parts parts;
    size_t at = text.size - 20;
    char kept = memory[at];

    REQUIRE(memory[at] != memory[at + 1]);
    memory[at] = memory[at + 1];
    memory[at + 1] = kept;
    CHECK_INT(key_parse(text, &parts), KEY_BAD_CHECKSUM);
}

#define LONG_PREFIX "a_prefix_of_25_characters"

TEST(other_shapes_are_foreign)
{
    static const char *const texts[] = {
        "",
        "paa",
        "paa_",
        "sk-live-0123456789abcdef0123456789abcdef",
        "_4Fq0ZrT1mKx8_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000",
        "paa-4Fq0ZrT1mKx8-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000",
        "paa_4Fq0ZrT1mKx8_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef-000000",
        LONG_PREFIX "_4Fq0ZrT1mKx8_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000",
    };
    char memory[KEY_TEXT_MAX];
    struct paa_str text = written(memory, "paa");
    struct key_parts parts;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        CHECK_INT(key_parse(paa_str_of(texts[i]), &parts), KEY_FOREIGN);
    text.size--; /* cut short: the underscores are not where they were */
    CHECK_INT(key_parse(text, &parts), KEY_FOREIGN);
}

TEST(a_key_is_cut_from_behind_its_id_on_or_has_something_behind_it)
{
    char memory[KEY_TEXT_MAX + 1];
    struct paa_str text = written(memory, "paa_1");
    size_t whole = text.size;

    for (text.size = 0; text.size <= whole; text.size++)
        CHECK(key_is_cut(text, STR("paa_1")) ==
              (text.size >= whole - KEY_SECRET_SIZE - KEY_CHECKSUM_SIZE && text.size < whole));
    memory[whole] = 'x';
    CHECK(key_is_cut(text, STR("paa_1")));
    CHECK(!key_is_cut(text, STR("paa_2")) && !key_is_cut(text, STR("paa")));
    memory[whole] = '-';
    CHECK(!key_is_cut(text, STR("paa_1")));
    CHECK(!key_is_cut(STR("paa_0123456789abc_defghijk"), STR("paa")));
    CHECK(!key_is_cut(STR("paa_0123456789-b_defghijk"), STR("paa")));
    CHECK(!key_is_cut(STR("paa-0123456789ab_defghijk"), STR("paa")));
}

TEST(prefixes_that_scanners_and_double_clicks_take_are_valid)
{
    CHECK(key_prefix_valid(STR("paa")));
    CHECK(key_prefix_valid(STR("a")));
    CHECK(key_prefix_valid(STR("Acme_live")));
    CHECK(key_prefix_valid(STR("123456789012345678901234")));
    CHECK(!key_prefix_valid(STR("1234567890123456789012345")));
    CHECK(!key_prefix_valid(STR("")));
    CHECK(!key_prefix_valid(STR_NONE));
    CHECK(!key_prefix_valid(STR("_a")));
    CHECK(!key_prefix_valid(STR("a-b")));
    CHECK(!key_prefix_valid(STR("a b")));
}

TEST(every_character_is_as_likely_as_any_other)
{
    unsigned char all[256];
    unsigned counts[256] = { 0 };
    char text[256];
    size_t size;

    for (unsigned i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)i;
    size = key_characters(paa_bytes_of(all, sizeof all), text, sizeof text);
    CHECK_INT(size, 248); /* 4 times 62: eight bytes are passed over */
    for (size_t i = 0; i < size; i++)
        counts[(unsigned char)text[i]]++;
    for (unsigned c = 0; c < 256; c++)
        CHECK(counts[c] == 0 || counts[c] == 4);
}

TEST(bytes_that_would_favour_some_characters_make_none)
{
    unsigned char high[8];
    char text[8];

    memset(high, 0xff, sizeof high);
    CHECK_INT(key_characters(paa_bytes_of(high, sizeof high), text, sizeof text), 0);
}

/* ---- digests ---------------------------------------------------------------------------------- */

static bool digest_of(struct digest_lane *lane, struct paa_str text, unsigned char *ret_digest)
{
    struct key_parts parts;

    return key_parse(text, &parts) == KEY_MINTED && digest_minted(lane, &parts, ret_digest);
}

/* Computed with another program from what digest.h says. */
#define DIGEST_MINTED   "fb669a85deeee0e390833765e09399416fb76795502fecd5ee37c9ad76c12227"
#define DIGEST_IMPORTED "cb15e65747f1ad6c5464aca7e92c9870a58fd58a0c48f0fb86d4b8604ada1693"
#define DIGEST_SHORT    "8f9fbf34879ab0a5246ccfd5d354352f91e952a91f3afe97462f91e4aa733ac7"

TEST(a_digest_is_the_documented_one)
{
    struct digest_lane lane;
    char memory[KEY_TEXT_MAX];
    unsigned char digest[DIGEST_SIZE];
    char hex[2 * DIGEST_SIZE];

    REQUIRE(digest_lane_init(&lane));
    REQUIRE(digest_of(&lane, written(memory, "paa"), digest));
    hex_encode(paa_bytes_of(digest, sizeof digest), hex);
    CHECK_STR(paa_str_of_n(hex, sizeof hex), DIGEST_MINTED);
    REQUIRE(digest_imported(&lane, STR("sk-live-0123456789abcdef"), digest));
    hex_encode(paa_bytes_of(digest, sizeof digest), hex);
    CHECK_STR(paa_str_of_n(hex, sizeof hex), DIGEST_IMPORTED);
    REQUIRE(digest_short(paa_bytes_of("sixteen bytes ok", 16), STR("hunter2x"), digest));
    hex_encode(paa_bytes_of(digest, sizeof digest), hex);
    CHECK_STR(paa_str_of_n(hex, sizeof hex), DIGEST_SHORT);
    digest_lane_done(&lane);
}

TEST(a_kept_context_gives_the_same_digest_each_time)
{
    struct digest_lane lane;
    char memory[KEY_TEXT_MAX];
    unsigned char first[DIGEST_SIZE];
    unsigned char other[DIGEST_SIZE];
    unsigned char again[DIGEST_SIZE];

    REQUIRE(digest_lane_init(&lane));
    CHECK(digest_of(&lane, written(memory, "paa"), first));
    CHECK(digest_of(&lane, written(memory, "paab"), other));
    CHECK(digest_of(&lane, written(memory, "paa"), again));
    CHECK(digest_eq(first, again));
    CHECK(!digest_eq(first, other)); /* the prefix counts: one text a key */
    digest_lane_done(&lane);
}

TEST(digests_of_one_kind_are_never_those_of_another)
{
    struct digest_lane lane;
    unsigned char plain[DIGEST_SIZE];
    unsigned char peppered[DIGEST_SIZE];

    REQUIRE(digest_lane_init(&lane));
    CHECK(digest_imported(&lane, STR("hunter2x"), plain));
    CHECK(digest_short(paa_bytes_of("sixteen bytes ok", 16), STR("hunter2x"), peppered));
    CHECK(!digest_eq(plain, peppered));
    digest_lane_done(&lane);
}

TEST(a_short_pepper_or_a_long_key_makes_no_peppered_digest)
{
    unsigned char digest[DIGEST_SIZE];

    CHECK(!digest_short(paa_bytes_of("fifteen bytes..", 15), STR("hunter2x"), digest));
    CHECK(
        !digest_short(paa_bytes_of("sixteen bytes ok", 16), STR("0123456789012345678901"), digest));
    CHECK(digest_short(paa_bytes_of("sixteen bytes ok", 16), STR("012345678901234567890"), digest));
}

TEST(the_error_queue_and_errno_are_left_as_found)
{
    struct digest_lane lane;
    unsigned char digest[DIGEST_SIZE];

    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 77);
    errno = E2BIG;
    REQUIRE(digest_lane_init(&lane));
    CHECK(digest_imported(&lane, STR("hunter2x"), digest));
    CHECK(digest_short(paa_bytes_of("sixteen bytes ok", 16), STR("hunter2x"), digest));
    CHECK_INT(errno, E2BIG);
    CHECK_INT(ERR_GET_REASON(ERR_get_error()), 77);
    CHECK_INT(ERR_get_error(), 0);
    digest_lane_done(&lane);
}

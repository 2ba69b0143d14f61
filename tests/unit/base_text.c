/* SPDX-License-Identifier: MIT */
/* str.h, list.h, near.h, diag.h, json.h. */
#include "diag.h"
#include "json.h"
#include "list.h"
#include "near.h"
#include "str.h"
#include "test.h"

TEST(absent_equals_absent_only)
{
    CHECK(str_eq(STR_NONE, STR_NONE));
    CHECK(!str_eq(STR_NONE, STR("")));
    CHECK(str_eq(STR("a"), STR("a")));
    CHECK(!str_eq(STR("a"), STR("b")));
    CHECK(!str_eq(STR("a"), STR("A")));
    CHECK(str_eq_nocase(STR("aZ["), STR("Az[")));
    CHECK(!str_eq_nocase(STR("["), STR("{"))); /* 0x20 apart, and no letters */
    CHECK(!str_eq_nocase(STR_NONE, STR("")));
}

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

TEST(case_is_ignored_of_letters_only_in_texts_of_any_size)
{
    char a[20], b[20];

    for (size_t size = 1; size <= sizeof a; size++)
        for (size_t at = 0; at < size; at++)
            for (unsigned byte = 0; byte < 256; byte++)
                for (unsigned bit = 0; bit < 8; bit++) {
                    bool is_same = bit == 5 && is_letter((unsigned char)byte);

                    memset(a, 'x', size);
                    memset(b, 'X', size);
                    a[at] = (char)byte;
                    b[at] = (char)(byte ^ 1u << bit);
                    if (str_eq_nocase(paa_str_of_n(a, size), paa_str_of_n(b, size)) != is_same)
                        TEST_FAIL("byte %u, bit %u at %zu of %zu", byte, bit, at, size);
                }
}

TEST(views_are_compared_searched_and_cut)
{
    CHECK(str_starts(STR("Bearer x"), STR("Bearer")));
    CHECK(!str_starts(STR("Be"), STR("Bearer")));
    CHECK(!str_starts(STR_NONE, STR("")));
    CHECK(str_starts_nocase(STR("bEARER"), STR("Bearer")));
    CHECK(str_compare(STR("a"), STR("ab")) < 0);
    CHECK(str_compare(STR("\xff"), STR("a")) > 0);
    CHECK(str_compare(STR_NONE, STR("")) < 0);
    CHECK_INT(str_compare(STR("x"), STR("x")), 0);
    CHECK_INT(str_find(STR("a=b="), '=', 2), 3);
    CHECK_INT(str_find(STR("abc"), '=', 0), 3);
    CHECK_INT(str_find(STR("abc"), 'a', 9), 3);
    CHECK_STR(str_trim(STR(" \t a b\t ")), "a b");
    CHECK_STR(str_trim(STR(" \t")), "");
    CHECK_STR(str_slice(STR("abcd"), 1, 3), "bc");
    CHECK_STR(str_slice(STR("abcd"), 3, 99), "d");
    CHECK_STR(str_slice(STR("abcd"), 9, 2), "");
}

TEST(list_members_come_one_by_one_without_the_empty)
{
    struct paa_str rest = STR(",a;;b,");
    struct paa_str member;

    REQUIRE(str_next(&rest, ",;", &member));
    CHECK_STR(member, "a");
    REQUIRE(str_next(&rest, ",;", &member));
    CHECK_STR(member, "b");
    CHECK(!str_next(&rest, ",;", &member));
    rest = paa_str_of_n("a\0b", 3);
    REQUIRE(str_next(&rest, ",", &member)); /* NUL parts nothing */
    CHECK_INT(member.size, 3);
}

TEST(a_word_is_in_a_scope_whole_or_not_at_all)
{
    CHECK(str_has_word(STR("a orders:read b"), STR("orders:read")));
    CHECK(!str_has_word(STR("orders:readall"), STR("orders:read")));
    CHECK(!str_has_word(STR("a b"), STR("")));
    CHECK(!str_has_word(STR_NONE, STR("a")));
}

TEST(numbers_are_digits_within_the_maximum)
{
    uint64_t number = 7;

    CHECK(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &number));
    CHECK(number == UINT64_MAX);
    CHECK(!str_to_u64(STR("18446744073709551616"), UINT64_MAX, &number));
    CHECK(str_to_u64(STR("010"), 10, &number));
    CHECK_INT(number, 10);
    CHECK(!str_to_u64(STR("11"), 10, &number));
    CHECK(!str_to_u64(STR("5"), 4, &number));
    CHECK(!str_to_u64(STR(""), 10, &number));
    CHECK(!str_to_u64(STR("+1"), 10, &number));
    CHECK(!str_to_u64(STR("1 "), 10, &number));
    CHECK_INT(number, 10);
}

TEST(a_link_can_be_removed_twice)
{
    struct entry {
        int number;
        struct list link;
    } entries[2] = { { 1, { NULL, NULL } }, { 2, { NULL, NULL } } };
    struct list head;

    list_init(&head);
    CHECK(list_take_first(&head) == NULL);
    list_add_last(&head, &entries[0].link);
    list_add_last(&head, &entries[1].link);
    list_remove(&entries[0].link);
    list_remove(&entries[0].link);
    CHECK_INT(LIST_ENTRY(list_take_first(&head), struct entry, link)->number, 2);
    CHECK(list_empty(&head));
}

TEST(the_nearest_word_is_found_or_none)
{
    static const char *const words[] = { "header", "cookie", "query", "audience" };

    CHECK_STR(paa_str_of(near_word(STR("haeder"), words, 4)), "header");
    CHECK_STR(paa_str_of(near_word(STR("cokie"), words, 4)), "cookie");
    CHECK_STR(paa_str_of(near_word(STR("AUDIENCE"), words, 4)), "audience");
    CHECK(near_word(STR("scope"), words, 4) == NULL);
    CHECK(near_word(STR("x"), words, 4) == NULL);
    CHECK(near_word(STR("query"), words, 0) == NULL);
}

struct heard {
    enum paa_level level;
    uint32_t line;
    size_t size;
};

static void hear(enum paa_level level, struct where where, const char *sentence, void *user)
{
    struct heard *heard = user;

    *heard = (struct heard){ level, where.line, strlen(sentence) };
}

TEST(the_first_error_is_kept_with_its_place)
{
    struct heard heard = { 0 };
    struct diag d = { .fn = hear, .user = &heard };
    struct where where = { "a.conf", 12 };

    diag_warn(&d, where, "careful");
    CHECK_INT(heard.level, PAA_LEVEL_WARNING);
    CHECK_STR(paa_str_of(d.first.text), "");
    diag_error(&d, where, "no %s", "plugin");
    where.line = 0;
    diag_error(&d, where, "second");
    CHECK_STR(paa_str_of(d.first.text), "a.conf:12: no plugin");
    CHECK_INT(d.errors, 2);
    CHECK_INT(d.warnings, 1);
    CHECK_INT(heard.line, 0);
}

TEST(a_long_finding_is_cut_between_characters)
{
    struct heard heard = { 0 };
    struct diag d = { .fn = hear, .user = &heard };
    char text[2000];

    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[1998] = '\0';
    diag_error(&d, ((struct where){ NULL, 0 }), "%s", text);
    CHECK_INT(heard.size, 1022);
    CHECK_INT(strlen(d.first.text), 510);
    CHECK(utf8_valid(paa_str_of(d.first.text)));
}

TEST(json_is_one_line_whatever_is_written)
{
    struct buf buf;
    struct json json;

    buf_init(&buf, 1000);
    json_init(&json, &buf);
    json_open(&json, NULL, '{');
    json_str(&json, "a\"", STR("x\n\"\\\x1b\xe2\x80\xa8\xff\x7f"));
    json_str(&json, "b", STR_NONE);
    json_open(&json, "c", '[');
    json_int(&json, NULL, INT64_MIN);
    json_bool(&json, NULL, true);
    json_null(&json, NULL);
    json_open(&json, NULL, '{');
    json_close(&json, '}');
    json_close(&json, ']');
    json_text(&json, "d", "\xc3\xa9");
    json_close(&json, '}');
    CHECK_STR(buf_str(&buf),
              "{\"a\\\"\":\"x\\u000a\\\"\\\\\\u001b\\u2028\xef\xbf\xbd\\u007f\",\"b\":null,"
              "\"c\":[-9223372036854775808,true,null,{}],\"d\":\"\xc3\xa9\"}");
    buf_free(&buf);
}

TEST(text_for_a_terminal_cannot_steer_it)
{
    struct buf buf;

    buf_init(&buf, 1000);
    text_escape(&buf, STR("a\x1b[2J\n\xe2\x80\xae\xc2\x9b\xff\xc3\xa9"));
    CHECK_STR(buf_str(&buf), "a\\x1b[2J\\x0a\\u202e\\u009b\\xff\xc3\xa9");
    buf_free(&buf);
}

TEST(utf8_is_valid_in_its_shortest_form_only)
{
    CHECK(utf8_valid(STR("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
    CHECK(!utf8_valid(STR("\xc0\xaf")));
    CHECK(!utf8_valid(STR("\xe0\x80\xaf")));
    CHECK(!utf8_valid(STR("\xed\xa0\x80"))); /* a surrogate */
    CHECK(!utf8_valid(STR("\xf4\x90\x80\x80")));
    CHECK(!utf8_valid(STR("\xe2\x82")));
    CHECK(!utf8_valid(STR("\x80")));
}

/* SPDX-License-Identifier: MIT */
/* JSON that is passed on as it stands: what counts as a value, and what stands in an array. */
#include "json_scan.h"
#include "str.h"
#include "test.h"

TEST(values_of_every_kind_are_known)
{
    static const char *const values[] = {
        "0",
        "-1",
        "1.5e-3",
        "1E+2",
        "true",
        "false",
        "null",
        "\"\"",
        "\"\\\"\\u00e9\"",
        " [ ] ",
        "[1,2]",
        "{\"a\":1}",
        "{ }",
        "[[[[[1]]]]]",
        "\"\xc3\xa9\"",
        "\t{ \"a\" : [ { \"b\" : \"c\" } , null ] }\r\n",
    };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (!json_is_value(paa_str_of(values[i])))
            TEST_FAIL("%s is a value", values[i]);
}

TEST(what_only_looks_like_a_value_is_refused)
{
    static const char *const others[] = {
        "",           " ",        "01",   "1.",   "-",           ".5",          "1e",
        "+1",         "tru",      "True", "\"",   "\"\\x\"",     "\"\\u00g0\"", "\"\n\"",
        "[",          "[1",       "[1,]", "[,1]", "{\"a\"}",     "{a:1}",       "{\"a\":}",
        "{\"a\":1,}", "{\"a\":1", "[1}",  "1 2",  "\"a\" \"b\"", "\"\xff\"",    "\"\xc3\"",
        "nulls",      "[1] x",    "{,}",  "'a'",
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (json_is_value(paa_str_of(others[i])))
            TEST_FAIL("%s is no value", others[i]);
    CHECK(!json_is_value(STR("1\0")));
    CHECK(!json_is_value(STR_NONE));
}

TEST(nesting_is_bounded)
{
    char text[2 * JSON_SCAN_DEPTH_MAX + 1];

    memset(text, '[', JSON_SCAN_DEPTH_MAX);
    memset(text + JSON_SCAN_DEPTH_MAX, ']', JSON_SCAN_DEPTH_MAX);
    CHECK(json_is_value(paa_str_of_n(text, 2 * (size_t)JSON_SCAN_DEPTH_MAX)));
    memset(text, '[', JSON_SCAN_DEPTH_MAX + 1);
    CHECK(!json_is_value(paa_str_of_n(text, sizeof text)));
    memset(text, '[', sizeof text);
    CHECK(!json_is_value(paa_str_of_n(text, sizeof text)));
}

TEST(elements_come_one_by_one_without_blanks)
{
    struct paa_str rest = STR(" [ \"a,b\" , [1,2],{\"c\":\"]\"} ] ");
    struct paa_str element;

    CHECK(json_is_array(rest));
    CHECK(!json_is_array(STR("{}")));
    REQUIRE(json_element_next(&rest, &element));
    CHECK_STR(element, "\"a,b\"");
    REQUIRE(json_element_next(&rest, &element));
    CHECK_STR(element, "[1,2]");
    REQUIRE(json_element_next(&rest, &element));
    CHECK_STR(element, "{\"c\":\"]\"}");
    CHECK(!json_element_next(&rest, &element));
    rest = STR("[ ]");
    CHECK(!json_element_next(&rest, &element));
}

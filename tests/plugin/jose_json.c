/* SPDX-License-Identifier: MIT */
/* The JSON reader: what it takes, what it refuses and why, and the values it gives. */
#include "json_tree.h"
#include "str.h"
#include "test.h"

enum { NODES = 2048 };

static struct json_node nodes[NODES];
static char spare[64 * 1024];

static enum json_verdict read_text(struct json_tree *tree, struct paa_str text)
{
    return json_tree_read(tree, text, spare, nodes, NODES);
}

static enum json_verdict verdict_of(const char *text)
{
    struct json_tree tree;

    return read_text(&tree, paa_str_of(text));
}

/* ---- what is refused --------------------------------------------------------------------------- */

struct refused {
    const char *text;
    enum json_verdict verdict;
};

static const struct refused refused[] = {
    { "", JSON_SYNTAX },
    { " ", JSON_SYNTAX },
    { "{", JSON_SYNTAX },
    { "}", JSON_SYNTAX },
    { "{]", JSON_SYNTAX },
    { "{\"a\":[}", JSON_SYNTAX },
    { "{\"a\"}", JSON_SYNTAX },
    { "{\"a\":}", JSON_SYNTAX },
    { "{\"a\" 1}", JSON_SYNTAX },
    { "{\"a\":1,}", JSON_SYNTAX },
    { "{,\"a\":1}", JSON_SYNTAX },
    { "{\"a\":1 \"b\":2}", JSON_SYNTAX },
    { "{a:1}", JSON_SYNTAX },
    { "{'a':1}", JSON_SYNTAX },
    { "{\"a\":1}}", JSON_SYNTAX },
    { "{\"a\":1}x", JSON_SYNTAX },
    { "{}{}", JSON_SYNTAX },
    { "{\"a\":[1,]}", JSON_SYNTAX },
    { "{\"a\":[1 2]}", JSON_SYNTAX },
    { "{\"a\":[,]}", JSON_SYNTAX },
    { "{\"a\":tru}", JSON_SYNTAX },
    { "{\"a\":True}", JSON_SYNTAX },
    { "{\"a\":nulll}", JSON_SYNTAX },
    { "{\"a\":NaN}", JSON_SYNTAX },
    { "{\"a\":Infinity}", JSON_SYNTAX },
    { "{\"a\":undefined}", JSON_SYNTAX },
    { "{\"a\":01}", JSON_SYNTAX },
    { "{\"a\":-}", JSON_SYNTAX },
    { "{\"a\":+1}", JSON_SYNTAX },
    { "{\"a\":.5}", JSON_SYNTAX },
    { "{\"a\":1.}", JSON_SYNTAX },
    { "{\"a\":1.e1}", JSON_SYNTAX },
    { "{\"a\":1e}", JSON_SYNTAX },
    { "{\"a\":1e+}", JSON_SYNTAX },
    { "{\"a\":0x10}", JSON_SYNTAX },
    { "{\"a\":1_000}", JSON_SYNTAX },
    { "{\"a\":\"x}", JSON_SYNTAX },
    { "{\"a\":\"x\\", JSON_SYNTAX },
    { "{\"a\":\"\\x41\"}", JSON_SYNTAX },
    { "{\"a\":\"\\u12\"}", JSON_SYNTAX },
    { "{\"a\":\"\\u12g4\"}", JSON_SYNTAX },
    { "{\"a\":\"\\U0041\"}", JSON_SYNTAX },
    { "{\"a\":\"tab\there\"}", JSON_SYNTAX },
    { "{\"a\":\"line\nhere\"}", JSON_SYNTAX },
    { "{\"a\":1/*no*/}", JSON_SYNTAX },
    { "//no\n{}", JSON_SYNTAX },
    { "\v{}", JSON_SYNTAX },
    { "\xef\xbb\xbf{}", JSON_SYNTAX },
    { "{\"a\":\"\\u0000\"}", JSON_NUL },
    { "{\"a\\u0000\":1}", JSON_NUL },
    { "{\"a\":\"\xc0\xaf\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\x80\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\xc3\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\xe0\x80\xaf\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\xed\xa0\x80\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\xf0\x80\x80\x80\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\xf4\x90\x80\x80\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\xf8\x88\x80\x80\x80\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\xff\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\\ud800\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\\udc00\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\\ud800\\u0041\"}", JSON_NOT_UTF8 },
    { "{\"a\":\"\\ud800x\"}", JSON_NOT_UTF8 },
    { "{\"a\":1,\"a\":2}", JSON_DUPLICATE },
    { "{\"a\":1,\"b\":{},\"a\":1}", JSON_DUPLICATE },
    { "{\"a\":1,\"\\u0061\":1}", JSON_DUPLICATE },
    { "{\"\":1,\"\":1}", JSON_DUPLICATE },
    { "{\"a\":{\"exp\":1,\"exp\":2}}", JSON_DUPLICATE },
    { "{\"a\":[{\"b\":1,\"b\":2}]}", JSON_DUPLICATE },
    { "[]", JSON_NOT_AN_OBJECT },
    { "\"x\"", JSON_NOT_AN_OBJECT },
    { "1", JSON_NOT_AN_OBJECT },
    { "null", JSON_NOT_AN_OBJECT },
};

TEST(what_is_not_strictly_json_is_refused_and_why)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        enum json_verdict verdict = verdict_of(refused[i].text);

        if (verdict != refused[i].verdict)
            TEST_FAIL("%s: verdict %d, not %d", refused[i].text, (int)verdict,
                      (int)refused[i].verdict);
    }
}

TEST(a_nul_byte_is_refused_wherever_it_stands)
{
    struct json_tree tree;

    CHECK_INT(read_text(&tree, STR("{\"a\":\"\0\"}")), JSON_SYNTAX);
    CHECK_INT(read_text(&tree, STR("{}\0")), JSON_SYNTAX);
    CHECK_INT(read_text(&tree, STR("{\"a\":\"\\\0\"}")), JSON_SYNTAX);
    CHECK_INT(read_text(&tree, STR("\0{}")), JSON_SYNTAX);
}

TEST(an_object_cut_anywhere_is_refused)
{
    static const char text[] = "{\"iss\":\"https:\\/\\/a\",\"aud\":[\"b\",\"\\u00e9\xc3\xa9\"],"
                               "\"exp\":1.5e9,\"x\":{\"y\":[true,false,null,{}]}}";
    struct json_tree tree;

    CHECK_INT(read_text(&tree, STR(text)), JSON_READ);
    for (size_t size = 0; size < sizeof text - 1; size++) {
        char *cut = malloc(size + 1); /* its own memory, so that ASan sees a step beyond */

        REQUIRE(cut != NULL);
        memcpy(cut, text, size);
        CHECK(read_text(&tree, paa_str_of_n(cut, size)) != JSON_READ);
        CHECK_INT(tree.count, 0);
        free(cut);
    }
}

TEST(depth_members_nodes_and_size_have_limits)
{
    static char text[JSON_TEXT_MAX + 2];
    struct json_tree tree;
    size_t size = 0;

    for (int levels = JSON_DEPTH_MAX; levels <= JSON_DEPTH_MAX + 1; levels++) {
        size = (size_t)snprintf(text, sizeof text, "{\"a\":");
        memset(text + size, '[', (size_t)levels - 1);
        memset(text + size + levels - 1, ']', (size_t)levels - 1);
        size += 2 * ((size_t)levels - 1);
        text[size++] = '}';
        CHECK_INT(read_text(&tree, paa_str_of_n(text, size)),
                  levels == JSON_DEPTH_MAX ? JSON_READ : JSON_TOO_LARGE);
    }
    for (int members = JSON_MEMBERS_MAX; members <= JSON_MEMBERS_MAX + 1; members++) {
        size = 0;
        for (int i = 0; i < members; i++)
            size += (size_t)snprintf(text + size, sizeof text - size, "%c\"%d\":0",
                                     i == 0 ? '{' : ',', i);
        text[size++] = '}';
        CHECK_INT(read_text(&tree, paa_str_of_n(text, size)),
                  members == JSON_MEMBERS_MAX ? JSON_READ : JSON_TOO_LARGE);
    }
    CHECK_INT(json_tree_read(&tree, STR("{\"a\":[1,2]}"), spare, nodes, 5), JSON_READ);
    CHECK_INT(json_tree_read(&tree, STR("{\"a\":[1,2]}"), spare, nodes, 4), JSON_TOO_LARGE);
    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    CHECK_INT(read_text(&tree, paa_str_of_n(text, JSON_TEXT_MAX)), JSON_READ);
    CHECK_INT(read_text(&tree, paa_str_of_n(text, JSON_TEXT_MAX + 1)), JSON_TOO_LARGE);
}

TEST(the_bound_of_nodes_is_never_too_small)
{
    static const char *const texts[] = { "{}", "{\"a\":1}", "{\"a\":[1,2,3],\"b\":{\"c\":[[],{}]}}",
                                         "{\"a,b\":\"[{\"}" };
    struct json_tree tree;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct paa_str text = paa_str_of(texts[i]);

        CHECK_INT(json_tree_read(&tree, text, spare, nodes, json_nodes_bound(text)), JSON_READ);
    }
}

/* ---- what is read ------------------------------------------------------------------------------ */

TEST(members_and_elements_are_found_in_turn)
{
    struct json_tree tree;
    uint32_t list, at;

    REQUIRE(read_text(&tree, STR(" { \"a\" : { \"b\" : 1 } , \"c\":[ \"x\", {\"y\":[]}, \"z\" ],"
                                 "\"\":false,\"n\":null } ")) == JSON_READ);
    CHECK_INT(json_type_of(&tree, 0), JSON_NODE_OBJECT);
    CHECK_INT(json_type_of(&tree, json_member(&tree, 0, STR("a"))), JSON_NODE_OBJECT);
    CHECK_INT(json_member(&tree, 0, STR("b")), JSON_NONE);
    CHECK_INT(json_type_of(&tree, json_member(&tree, 0, STR(""))), JSON_NODE_FALSE);
    CHECK_INT(json_type_of(&tree, json_member(&tree, 0, STR("n"))), JSON_NODE_NULL);
    list = json_member(&tree, 0, STR("c"));
    REQUIRE(json_type_of(&tree, list) == JSON_NODE_ARRAY);
    at = json_first(&tree, list);
    CHECK_STR(json_str_of(&tree, at), "x");
    at = json_next(&tree, list, at);
    CHECK_INT(json_type_of(&tree, at), JSON_NODE_OBJECT);
    CHECK_INT(json_first(&tree, json_member(&tree, at, STR("y"))), JSON_NONE);
    at = json_next(&tree, list, at);
    CHECK_STR(json_str_of(&tree, at), "z");
    CHECK_INT(json_next(&tree, list, at), JSON_NONE);
    CHECK_INT(json_member(&tree, list, STR("x")), JSON_NONE);
}

TEST(strings_come_without_their_escapes)
{
    static const struct {
        const char *text;
        const char *string;
    } rows[] = {
        { "{\"a\":\"\"}", "" },
        { "{\"a\":\"plain\"}", "plain" },
        { "{\"a\":\"sixteen plain by\"}", "sixteen plain by" },
        { "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "\"\\/\b\f\n\r\t" },
        { "{\"a\":\"https:\\/\\/example.com\"}", "https://example.com" },
        { "{\"a\":\"\\u0041\\u00e9\\u20AC\"}", "A\xc3\xa9\xe2\x82\xac" },
        { "{\"a\":\"\\ud83d\\uDE00!\"}", "\xf0\x9f\x98\x80!" },
        { "{\"a\":\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 longer than eight\"}",
          "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 longer than eight" },
        { "{\"a\":\"\x7f\"}", "\x7f" },
        { "{\"\\u0061\":\"name with an escape\"}", "name with an escape" },
    };
    struct json_tree tree;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        REQUIRE(read_text(&tree, paa_str_of(rows[i].text)) == JSON_READ);
        CHECK_STR(json_member_str(&tree, 0, STR("a")), rows[i].string);
    }
}

TEST(what_is_no_string_gives_no_text)
{
    struct json_tree tree;

    REQUIRE(read_text(&tree, STR("{\"a\":1,\"b\":[\"x\"],\"c\":null}")) == JSON_READ);
    CHECK(json_member_str(&tree, 0, STR("a")).data == NULL);
    CHECK(json_member_str(&tree, 0, STR("b")).data == NULL);
    CHECK(json_member_str(&tree, 0, STR("c")).data == NULL);
    CHECK(json_member_str(&tree, 0, STR("d")).data == NULL);
}

struct number {
    const char *text;
    bool is_integer;
    int64_t integer;
    int64_t seconds;
};

static const struct number numbers[] = {
    { "0", true, 0, 0 },
    { "-0", true, 0, 0 },
    { "1516239022", true, 1516239022, 1516239022 },
    { "-1", true, -1, -1 },
    { "9223372036854775807", true, INT64_MAX, INT64_MAX },
    { "-9223372036854775808", true, INT64_MIN, INT64_MIN },
    { "9223372036854775808", false, 0, INT64_MAX },
    { "-9223372036854775809", false, 0, INT64_MIN },
    { "340282366920938463463374607431768211456", false, 0, INT64_MAX },
    { "1.0", false, 0, 1 },
    { "1516239022.999", false, 0, 1516239022 },
    { "1.516239022e9", false, 0, 1516239022 },
    { "1.5162390229E9", false, 0, 1516239022 },
    { "15162390220e-1", false, 0, 1516239022 },
    { "1e300", false, 0, INT64_MAX },
    { "-1e300", false, 0, INT64_MIN },
    { "1e-300", false, 0, 0 },
    { "-1e-300", false, 0, -1 },
    { "-1.5", false, 0, -2 },
    { "-1.0", false, 0, -1 },
    { "0e999999999999", false, 0, 0 },
    { "1e999999999999", false, 0, INT64_MAX },
    { "1e-999999999999", false, 0, 0 },
    { "0.0000000000000000000015e30", false, 0, 1500000000 },
    { "9223372036854775807.5", false, 0, INT64_MAX },
    { "-9223372036854775808.5", false, 0, INT64_MIN },
};

TEST(numbers_are_exact_or_the_nearest_that_fits)
{
    struct json_tree tree;
    char text[128];

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const struct number *n = &numbers[i];
        int64_t integer = 0, seconds = 99;

        snprintf(text, sizeof text, "{\"a\":%s}", n->text);
        REQUIRE(read_text(&tree, paa_str_of(text)) == JSON_READ);
        if (json_int_of(&tree, 2, &integer) != n->is_integer || integer != n->integer)
            TEST_FAIL("%s as an integer is %lld", n->text, (long long)integer);
        if (!json_seconds_of(&tree, 2, &seconds) || seconds != n->seconds)
            TEST_FAIL("%s as seconds is %lld", n->text, (long long)seconds);
    }
}

TEST(what_is_no_number_is_no_time)
{
    struct json_tree tree;
    int64_t seconds;

    REQUIRE(read_text(&tree, STR("{\"a\":\"1516239022\",\"b\":true,\"c\":[1]}")) == JSON_READ);
    CHECK(!json_seconds_of(&tree, json_member(&tree, 0, STR("a")), &seconds));
    CHECK(!json_seconds_of(&tree, json_member(&tree, 0, STR("b")), &seconds));
    CHECK(!json_seconds_of(&tree, json_member(&tree, 0, STR("c")), &seconds));
    CHECK(!json_seconds_of(&tree, json_member(&tree, 0, STR("d")), &seconds));
}

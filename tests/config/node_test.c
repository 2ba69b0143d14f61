/* SPDX-License-Identifier: MIT */
/* The door to libconfig: what it would misread is refused, and the rest is read with the right lines. */
#include "node.h"
#include "reading.h"
#include "str.h"
#include "test.h"

static struct node *parse(struct reading *reading, struct paa_str text)
{
    reading_begin(reading);
    return node_parse(text, "t", &reading->arena, &reading->diag);
}

struct misreading {
    const char *text;
    const char *finding;
};

static void refuse_all(const struct misreading *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct reading reading;
        struct node *root = parse(&reading, paa_str_of(list[i].text));

        if (root != NULL)
            TEST_FAIL("was read: %s", list[i].text);
        CHECK_HAS(reading_text(&reading), list[i].finding);
        CHECK_INT(reading.diag.errors, 1);
        reading_end(&reading);
    }
}

#define REFUSE_ALL(list) refuse_all((list), sizeof(list) / sizeof((list)[0]))

TEST(integers_that_libconfig_cuts_are_refused)
{
    static const struct misreading list[] = {
        { "a = 4294967297;", "error t:1: this integer is beyond 32 bits" },
        { "a = 2147483648;", "beyond 32 bits" },
        { "\na = -2147483649;", "error t:2: this integer is beyond 32 bits" },
        { "a = 0xFFFFFFFF;", "beyond 32 bits" },
        { "a = 0640;", "this integer begins with 0" },
        { "a = -01;", "this integer begins with 0" },
        { "a = 00L;", "this integer begins with 0" },
        { "a = 99999999999999999999L;", "beyond 64 bits" },
        { "a = 0xFFFFFFFFFFFFFFFFFL;", "beyond 64 bits" },
        { "a = 0x8000000000000000L;", "beyond 64 bits" },
    };

    REFUSE_ALL(list);
}

TEST(adjacent_strings_are_refused)
{
    static const struct misreading list[] = {
        { "a = [ \"GET\" \"POST\" ];", "error t:1: two strings stand side by side" },
        { "a = ( \"GET\"\n \"POST\" );", "error t:2: two strings stand side by side" },
        { "a = \"GET\" \"POST\";", "which libconfig makes one: write one string" },
        { "a = \"GET\" /* x */ \"POST\";", "two strings stand side by side" },
    };

    REFUSE_ALL(list);
}

TEST(comments_and_strings_that_never_end_are_refused)
{
    static const struct misreading list[] = {
        { "a = 1;\n/* never\nb = 2;\n", "error t:2: the comment that begins here never ends" },
        { "a = 1; /*/", "the comment that begins here never ends" },
        { "a = 1;\nb = \"x;\n", "error t:2: the string that begins here never ends" },
        { "a = \"x\\", "this backslash" },
    };

    REFUSE_ALL(list);
}

TEST(include_is_refused)
{
    static const struct misreading list[] = {
        { "@include \"/etc/passwd\"\n", "error t:1: @include is not followed" },
        { "a = 1;\n  @include \"x\"\n", "error t:2: @include is not followed" },
    };

    REFUSE_ALL(list);
}

TEST(what_is_no_text_is_refused)
{
    static const char nul[] = "a = 1;\n\0b = 2;";
    static const struct misreading list[] = {
        { "a = 1;\n\x01", "error t:2: a control byte" },
        { "a = \"\x1b[31m\";", "a control byte" },
        { "a = \"\x7f\";", "a control byte" },
        { "a = 1; # x\rb = 2;\n", "a carriage return without a line feed" },
        { "\xef\xbb\xbf"
          "a = 1;",
          "byte order mark" },
        { "a = 1;\nb = \"\xff\";", "error t:2: this line is not UTF-8" },
        { "a = 1; # \xc3\x28\n", "not UTF-8" },
        { "a = \"\xed\xa0\x80\";", "not UTF-8" },
        { "a = \"\\xff\";", "the bytes that \\x gives in this string are not UTF-8" },
        { "a = \"x\\x00y\";", "this backslash in a string means nothing" },
        { "a = \"\\d\";", "this backslash in a string means nothing" },
        { "\xc3\xa9 = 1;", "letters beyond ASCII" },
    };
    struct reading reading;

    REFUSE_ALL(list);
    CHECK(parse(&reading, (struct paa_str){ nul, sizeof nul - 1 }) == NULL);
    CHECK_HAS(reading_text(&reading), "error t:2: a NUL byte: this is no text file");
    reading_end(&reading);
}

TEST(mistakes_of_form_are_named)
{
    static const struct misreading list[] = {
        { "a = x;", "a text needs quotes" },
        { "a = 10s;", "texts need quotes, as in \"10s\"" },
        { "a = .;", "this is no number" },
        { "a = 1.2.3;", "this is no number" },
        { "a = 1e;", "this is no number" },
        { "a = -0x10;", "this is no number" },
        { "a b = 1;", "= is missing" },
        { "a 1;", "= is missing" },
        { "a { }", "= is missing" },
        { "= 1;", "a name is missing before =" },
        { "a = ;", "a name has no value" },
        { "a = { b };", "a name has no value" },
        { "a = { b = };", "a name has no value" },
        { "a =", "the file ends where a value should stand" },
        { "1;", "a value stands here without a name" },
        { "a = 1 2;", "a value stands here without a name" },
        { "a = 1;;", "nothing stands before this" },
        { "a = [ , ];", "nothing stands before this" },
        { "a = [ 1, ];", "a list must not end with a comma" },
        { "a = [ 1; 2 ];", "parted by commas" },
        { "a = [ 1 2 ];", "a comma is missing" },
        { "a = ( {} {} );", "a comma is missing" },
        { "a = [ (1) ];", "[ ] holds plain values only" },
        { "a = ( b = 1 );", "a name stands in a list" },
        { "a = ( 1 };", "\"}\" stands where \")\" should close line 1" },
        { "a = 1; }", "\"}\" closes nothing" },
        { "\na = {\n b = 1;\n", "error t:2: the bracket that opens here is never closed" },
        { "a.b = 1;", "a dot is for strings only" },
        { "a = $x;", "this character has no meaning here" },
        { "true = 1;", "a value stands here without a name" },
        { "a = 1;\nb = { c = 1;\nc = 2; };", "error t:3: \"c\" is in line 2 already" },
        { "a = [ 1, \"x\" ];", "libconfig cannot read this: mismatched element type" },
    };

    REFUSE_ALL(list);
}

TEST(values_and_their_lines_are_read)
{
    static const char text[] = "a = [ \"x\",\n \"y\"\n\n];\nb = ( \"q\"\n\n, -1, { z = 0x1F } )\n"
                               "c: true, d = 5000000000L; e = 1.5e3\nf = \"\\\"\\\\\\n\\x41\";\n"
                               "g = {}; // end\nh = (); # end";
    struct reading reading;
    struct node *root = parse(&reading, STR(text));
    const struct node *a, *b;

    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(root != NULL);
    CHECK_INT(root->child_count, 8);
    a = node_member(root, "a");
    b = node_member(root, "b");
    REQUIRE(a != NULL && b != NULL && a->child_count == 2 && b->child_count == 3);
    CHECK_INT(a->type, NODE_ARRAY);
    CHECK_STR(a->children[1].string, "y");
    CHECK_INT(a->children[1].where.line, 2);
    CHECK_INT(b->where.line, 5);
    CHECK_INT(b->children[0].where.line, 5);
    CHECK_INT(b->children[1].integer, -1);
    CHECK_INT(b->children[1].where.line, 7);
    CHECK_INT(b->children[2].children[0].integer, 31);
    CHECK_INT(node_member(root, "c")->type, NODE_BOOLEAN);
    CHECK_INT(node_member(root, "c")->integer, 1);
    CHECK(node_member(root, "d")->integer == INT64_C(5000000000));
    CHECK(node_member(root, "e")->real == 1500.0);
    CHECK_STR(node_member(root, "f")->string, "\"\\\nA");
    CHECK_INT(node_member(root, "g")->type, NODE_GROUP);
    CHECK_INT(node_member(root, "h")->type, NODE_LIST);
    CHECK(node_member(root, "i") == NULL);
    reading_end(&reading);
}

TEST(extreme_integers_are_read_as_they_stand)
{
    struct reading reading;
    struct node *root = parse(&reading, STR("a = 2147483647; b = -2147483648; c = 0; d = +5;"
                                            "e = 9223372036854775807L; f = 0x7fffffff; g = 7LL;"
                                            "h = -9223372036854775808L; i = -0;"));

    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(root != NULL);
    CHECK_INT(root->children[0].integer, INT32_MAX);
    CHECK_INT(root->children[1].integer, INT32_MIN);
    CHECK_INT(root->children[3].integer, 5);
    CHECK(root->children[4].integer == INT64_MAX);
    CHECK_INT(root->children[5].integer, INT32_MAX);
    CHECK(root->children[7].integer == INT64_MIN);
    reading_end(&reading);
}

TEST(an_empty_text_is_an_empty_group)
{
    struct reading reading;
    struct node *root = parse(&reading, STR_NONE);

    REQUIRE(root != NULL);
    CHECK_INT(root->child_count, 0);
    reading_end(&reading);
    root = parse(&reading, STR("# nothing\n/* at all */\r\n"));
    REQUIRE(root != NULL);
    CHECK_INT(root->child_count, 0);
    reading_end(&reading);
}

static void add_repeated(struct buf *buf, const char *text, int times)
{
    for (int i = 0; i < times; i++)
        buf_add_text(buf, text);
}

TEST(nesting_is_bounded)
{
    struct reading reading;
    struct buf buf;

    buf_init(&buf, 1 << 20);
    buf_add_text(&buf, "a = ");
    add_repeated(&buf, "(", 16);
    add_repeated(&buf, ")", 16);
    CHECK(parse(&reading, buf_str(&buf)) != NULL);
    reading_end(&reading);
    buf_clear(&buf);
    buf_add_text(&buf, "a = ");
    add_repeated(&buf, "(", 100000);
    CHECK(parse(&reading, buf_str(&buf)) == NULL);
    CHECK_HAS(reading_text(&reading), "brackets are nested more than 16 deep");
    reading_end(&reading);
    buf_free(&buf);
}

TEST(a_huge_text_is_refused_in_one_sentence)
{
    size_t size = 100 * 1024 * 1024;
    char *text = calloc(size, 1);
    struct reading reading;

    REQUIRE(text != NULL);
    CHECK(parse(&reading, (struct paa_str){ text, size }) == NULL);
    CHECK_STR(paa_str_of(reading_text(&reading)),
              "error t:0: the file is larger than 16 MiB: part it in several\n");
    reading_end(&reading);
    free(text);
}

TEST(too_many_values_and_too_long_strings_are_refused)
{
    struct reading reading;
    struct buf buf;

    buf_init(&buf, 16 * 1024 * 1024);
    buf_add_text(&buf, "a = [ 1");
    add_repeated(&buf, ",1", NODE_COUNT_MAX);
    buf_add_text(&buf, "];");
    CHECK(parse(&reading, buf_str(&buf)) == NULL);
    CHECK_HAS(reading_text(&reading), "more than 1,000,000 values");
    reading_end(&reading);
    buf_clear(&buf);
    buf_add_text(&buf, "a = \"");
    add_repeated(&buf, "x", NODE_STRING_MAX + 1);
    buf_add_text(&buf, "\";");
    CHECK(parse(&reading, buf_str(&buf)) == NULL);
    CHECK_HAS(reading_text(&reading), "longer than 64 KiB");
    reading_end(&reading);
    buf_free(&buf);
}

/* Given to libconfig in pieces; also nested, and with something behind. */
TEST(long_groups_are_read_whole)
{
    static const int counts[] = { 255, 256, 257, 512, 513, 5000 };

    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        const struct node *outer, *inner;
        struct reading reading;
        struct node *root;
        struct buf buf;

        buf_init(&buf, 1 << 20);
        buf_add_text(&buf, "first = 1;\nouter = { # {\n");
        for (int i = 0; i < counts[c]; i++)
            buf_printf(&buf, "m%d = { s = \"} m1 = \"; }%s\n", i, i % 2 == 0 ? ";" : "");
        buf_add_text(&buf, "inner = {\n");
        for (int i = 0; i < counts[c]; i++)
            buf_printf(&buf, "i%d = %d,\n", i, i);
        buf_add_text(&buf, "}; };\nlast = 2;");
        root = parse(&reading, buf_str(&buf));
        CHECK_STR(paa_str_of(reading_text(&reading)), "");
        REQUIRE(root != NULL && root->child_count == 3);
        outer = &root->children[1];
        CHECK_INT(outer->child_count, counts[c] + 1);
        inner = &outer->children[counts[c]];
        REQUIRE((int)inner->child_count == counts[c]);
        CHECK_INT(inner->children[counts[c] - 1].integer, counts[c] - 1);
        CHECK_INT(inner->children[0].where.line, counts[c] + 4);
        CHECK_STR(paa_str_of(outer->children[7].name), "m7");
        CHECK_INT(outer->children[7].where.line, 10);
        CHECK_INT(root->children[2].integer, 2);
        reading_end(&reading);
        buf_free(&buf);
    }
}

TEST(an_error_deep_in_a_long_group_keeps_its_line)
{
    struct reading reading;
    struct buf buf;

    buf_init(&buf, 1 << 20);
    buf_add_text(&buf, "outer = {\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "m%d = [ %s ];\n", i, i == 700 ? "1, \"x\"" : "1");
    buf_add_text(&buf, "};");
    CHECK(parse(&reading, buf_str(&buf)) == NULL);
    CHECK_HAS(reading_text(&reading), "error t:702: libconfig cannot read this");
    reading_end(&reading);
    buf_free(&buf);
}

TEST(little_memory_is_an_error_and_no_crash)
{
    for (size_t max = 0; max < 4096; max += 16) {
        struct reading reading;

        reading_begin(&reading);
        reading.arena.max = max;
        if (node_parse(STR("a = { b = ( \"x\", 1 ); };"), "t", &reading.arena, &reading.diag) ==
            NULL)
            CHECK_HAS(reading_text(&reading), "out of memory");
        reading_end(&reading);
    }
}

TEST(unknown_members_get_the_nearest_name)
{
    static const char *const names[] = { "timeout", "origins" };
    struct reading reading;
    struct node *root = parse(&reading, STR("timeuot = 1;\nzzz = 2;\norigins = 3;"));

    REQUIRE(root != NULL);
    CHECK(!node_only(root, names, 2, "a service", &reading.diag));
    CHECK_STR(paa_str_of(reading_text(&reading)),
              "error t:1: a service has no \"timeuot\": did you mean \"timeout\"?\n"
              "error t:2: a service has no \"zzz\"\n");
    reading_end(&reading);
}

/* SPDX-License-Identifier: MIT */
/* target.h: what is read in one way, and what is refused because it could be read in two. */
#include "str.h"
#include "target.h"
#include "test.h"

struct reading {
    const char *text;
    const char *path; /* NULL: refused */
};

static struct arena arena;

__attribute__((constructor)) static void open_arena(void)
{
    arena_init(&arena, NULL, 0, 1024 * 1024);
}

__attribute__((destructor)) static void close_arena(void)
{
    arena_free(&arena);
}

static void check_reading(const struct reading *reading, uint32_t flags)
{
    struct target target;
    const char *wrong = target_parse(paa_str_of(reading->text), flags, &arena, &target);

    if (reading->path == NULL) {
        if (wrong == NULL)
            TEST_FAIL("not refused: %s", reading->text);
    } else if (wrong != NULL) {
        TEST_FAIL("%s is refused: %s", reading->text, wrong);
    } else {
        CHECK_STR(target.path, reading->path);
    }
}

#define CHECK_READINGS(table, flags)                                                               \
    for (size_t i = 0; i < sizeof(table) / sizeof(table)[0]; i++)                                  \
    check_reading(&(table)[i], (flags))

TEST(equal_targets_get_one_spelling)
{
    static const struct reading table[] = {
        { "/", "/" },
        { "/v1/orders/", "/v1/orders/" },
        { "/%61%7e%2D%5f", "/a~-_" },
        { "/%c3%a9", "/%C3%A9" },
        { "/a%20b%3f%23", "/a%20b%3F%23" },
        { "/a%3Bb", "/a%3Bb" },
        { "/100%25", "/100%25" },
        { "/100%25/a", "/100%25/a" },
        { "/100%25a", "/100%25a" },
        { "/.well-known/x", "/.well-known/x" },
        { "/a.b/..c/d../...", "/a.b/..c/d../..." },
        { "/a/%2e%2ec", "/a/..c" },
        { "/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,=" },
        { "*", "*" },
        { "/a?//../%2f;<>[]|\\^`{}\"?", "/a" },
    };

    CHECK_READINGS(table, 0);
}

TEST(what_could_be_read_in_two_ways_is_refused)
{
    static const struct reading table[] = {
        { "", NULL },
        { "a", NULL },
        { "?", NULL },
        { "**", NULL },
        { "/a//b", NULL },
        { "//", NULL },
        { "//a", NULL },
        { "/a//", NULL },
        { "/.", NULL },
        { "/..", NULL },
        { "/a/./b", NULL },
        { "/a/../b", NULL },
        { "/a/..?x", NULL },
        { "/%2e", NULL },
        { "/a/%2E%2e/b", NULL },
        { "/a/.%2e", NULL },
        { "/%2f", NULL },
        { "/a%2Fb", NULL },
        { "/a%5cb", NULL },
        { "/a\\b", NULL },
        { "/%00", NULL },
        { "/%1f", NULL },
        { "/%7f", NULL },
        { "/%2541", NULL },
        { "/%25%341", NULL },
        { "/%254%31", NULL },
        { "/%25%32%65", NULL },
        { "/%", NULL },
        { "/%4", NULL },
        { "/%zz", NULL },
        { "/%4?1", NULL },
        { "/a b", NULL },
        { "/a\tb", NULL },
        { "/a\x7f", NULL },
        { "/\xc3\xa9", NULL },
        { "/a#b", NULL },
        { "/a?b#c", NULL },
        { "/a?b c", NULL },
        { "/a?\xff", NULL },
        { "/a?%", NULL },
        { "/a?%g0", NULL },
        { "/a;b", NULL },
        { "/a<b", NULL },
        { "/a[1]", NULL },
        { "/a|b", NULL },
        { "/%c0%af", NULL },
        { "/%C1%81", NULL },
        { "/%e0%80%af", NULL },
        { "/%f0%80%80%af", NULL },
        { "/a\r\nb", NULL },
    };

    CHECK_READINGS(table, 0);
}

TEST(semicolons_pass_where_they_are_allowed)
{
    static const struct reading table[] = { { "/a;b", "/a;b" }, { "/..;/x", "/..;/x" } };

    CHECK_READINGS(table, TARGET_ALLOW_SEMICOLON);
}

TEST(a_plain_target_is_not_copied)
{
    struct target target;
    struct paa_str text = STR("/v1/orders/7?x=%61");
    size_t taken = arena.taken;

    REQUIRE(target_parse(text, 0, &arena, &target) == NULL);
    CHECK(target.path.data == text.data);
    CHECK_STR(target.path, "/v1/orders/7");
    CHECK_STR(target.query, "x=%61");
    CHECK(str_eq(target.wire, text));
    CHECK(target.scheme.data == NULL && target.authority.data == NULL);
    REQUIRE(target_parse(STR("/a%20b"), 0, &arena, &target) == NULL);
    CHECK(target.query.data == NULL);
    REQUIRE(target_parse(STR("/a?"), 0, &arena, &target) == NULL);
    CHECK_STR(target.query, "");
    CHECK_INT(arena.taken, taken);
}

TEST(a_nul_byte_is_refused_wherever_it_stands)
{
    static const char texts[][12] = { "/a\0b", "/a?\0", "http://a\0/", "http://\0a" };
    static const size_t sizes[] = { 4, 4, 10, 9 };
    struct target target;

    for (size_t i = 0; i < 4; i++)
        CHECK(target_parse(paa_str_of_n(texts[i], sizes[i]), 0, &arena, &target) != NULL);
}

TEST(a_target_of_16_kib_is_the_longest)
{
    static char text[TARGET_MAX + 1];
    struct target target;

    memset(text, 'a', sizeof text);
    text[0] = '/';
    CHECK(target_parse(paa_str_of_n(text, TARGET_MAX), 0, &arena, &target) == NULL);
    CHECK(target_parse(paa_str_of_n(text, TARGET_MAX + 1), 0, &arena, &target) != NULL);
}

TEST(an_absolute_target_is_taken_apart)
{
    struct target target;

    REQUIRE(target_parse(STR("HTTPS://Api.example.com:8443/a?b"), 0, &arena, &target) == NULL);
    CHECK_STR(target.scheme, "https");
    CHECK_STR(target.authority, "Api.example.com:8443");
    CHECK_STR(target.path, "/a");
    CHECK_STR(target.query, "b");
    CHECK_STR(target.wire, "/a?b");
    REQUIRE(target_parse(STR("http://h"), 0, &arena, &target) == NULL);
    CHECK_STR(target.wire, "/");
    REQUIRE(target_parse(STR("http://h?q"), 0, &arena, &target) == NULL);
    CHECK_STR(target.path, "/");
    CHECK_STR(target.wire, "/?q");
    CHECK(target_parse(STR("http://u:p@h/"), 0, &arena, &target) != NULL);
    CHECK(target_parse(STR("http:///a"), 0, &arena, &target) != NULL);
    CHECK(target_parse(STR("http://h\\@evil/"), 0, &arena, &target) != NULL);
    CHECK(target_parse(STR("http://h#x"), 0, &arena, &target) != NULL);
    CHECK(target_parse(STR("ftp://h/"), 0, &arena, &target) != NULL);
    CHECK(target_parse(STR("host:443"), 0, &arena, &target) != NULL);
}

/* Long paths are looked at several bytes at a time, short ones byte by byte: what a byte means depends on neither. */
TEST(a_byte_is_judged_alike_wherever_in_a_path_it_stands)
{
    enum { LONG = 40 };
    struct target target;

    for (unsigned byte = 0; byte < 256; byte++) {
        char brief[] = { '/', 'x', (char)byte, 'x' };
        bool is_fine = target_parse(paa_str_of_n(brief, 4), 0, &arena, &target) == NULL;

        for (size_t at = byte == '/' ? 2 : 1; at < LONG; at++) {
            char text[LONG];
            const char *wrong;

            memset(text, 'x', sizeof text);
            text[0] = '/';
            text[at] = (char)byte;
            wrong = target_parse(paa_str_of_n(text, LONG), 0, &arena, &target);
            CHECK((wrong == NULL) == is_fine);
            CHECK(wrong != NULL || target.path.size == (byte == '?' ? at : LONG));
        }
    }
}

/* Wherever one of the two chunks ends that the slashes stand in. */
TEST(an_empty_segment_is_found_wherever_it_stands)
{
    struct target target;

    for (size_t at = 0; at < 39; at++) {
        char text[40];

        memset(text, 'x', sizeof text);
        text[0] = text[at] = text[at + 1] = '/';
        CHECK_HAS(target_parse(paa_str_of_n(text, sizeof text), 0, &arena, &target), "//");
    }
}

TEST(without_memory_a_target_is_refused_rather_than_half_read)
{
    struct arena none;
    struct target target;

    arena_init(&none, NULL, 0, 0);
    CHECK(target_parse(STR("/a"), 0, &none, &target) == NULL);
    CHECK(target_parse(STR("/%61"), 0, &none, &target) != NULL);
    CHECK(target_parse(STR("http://h?q"), 0, &none, &target) != NULL);
    arena_free(&none);
}

TEST(a_decoded_route_equals_the_encoded_one)
{
    struct paa_str path;

    REQUIRE(target_route(STR("/caf\xc3\xa9 100%?#"), false, 0, &arena, &path) == NULL);
    CHECK_STR(path, "/caf%C3%A9%20100%25%3F%23");
    REQUIRE(target_route(STR("/caf%c3%a9"), true, 0, &arena, &path) == NULL);
    CHECK_STR(path, "/caf%C3%A9");
    REQUIRE(target_route(STR("*"), true, 0, &arena, &path) == NULL);
    CHECK(target_route(STR("/a?b"), true, 0, &arena, &path) != NULL);
    CHECK(target_route(STR("/%61?b"), true, 0, &arena, &path) != NULL);
    CHECK(target_route(STR("/%41"), false, 0, &arena, &path) != NULL);
    CHECK(target_route(STR("/a/../b"), false, 0, &arena, &path) != NULL);
    CHECK(target_route(STR("/a\\b"), false, 0, &arena, &path) != NULL);
    CHECK(target_route(STR("/a\nb"), false, 0, &arena, &path) != NULL);
    CHECK(target_route(STR("/\xc0\xaf"), false, 0, &arena, &path) != NULL);
    CHECK(target_route(STR("/a;b"), false, 0, &arena, &path) != NULL);
    CHECK(target_route(STR(""), false, 0, &arena, &path) != NULL);
}

TEST(authorities_get_one_spelling)
{
    static const struct {
        const char *text;
        const char *host;
        int port;
    } table[] = {
        { "api.example.com", "api.example.com", 443 },
        { "API.Example.com.:8443", "api.example.com", 8443 },
        { "h:", "h", 443 },
        { "127.0.0.1:80", "127.0.0.1", 80 },
        { "[::1]:1", "[::1]", 1 },
        { "[2001:DB8:0::7]", "[2001:db8::7]", 443 },
        { "a_b-c", "a_b-c", 443 },
        { "1.2.3.4a", "1.2.3.4a", 443 },
        { "h:65535", "h", 65535 },
    };
    struct origin origin;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        REQUIRE(authority_parse(paa_str_of(table[i].text), true, &arena, &origin) == NULL);
        CHECK_STR(origin.host, table[i].host);
        CHECK_INT(origin.port, table[i].port);
    }
    REQUIRE(authority_parse(STR("h"), false, &arena, &origin) == NULL);
    CHECK_INT(origin.port, 80);
}

TEST(doubtful_authorities_are_refused)
{
    static const char *const table[] = {
        "",          ".",           "..",        "a..b",      ".a",         "a..",    ":80",
        "h:0",       "h:65536",     "h:080",     "h:8a",      "h:1:2",      "h: 80",  "u@h",
        "u:p@h",     "a b",         "a%41",      "a/b",       "a,b",        "[::1",   "[::1]x",
        "[1.2.3.4]", "[fe80::1%1]", "[]",        "::1",       "2130706433", "0x7f.1", "0x7f000001",
        "127.1",     "1.2.3.256",   "1.2.3.4.5", "h\xc3\xa9", "0177.0.0.1", "a.0x1",
    };
    struct origin origin;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (authority_parse(paa_str_of(table[i]), true, &arena, &origin) == NULL)
            TEST_FAIL("not refused: %s", table[i]);
}

TEST(origins_are_equal_in_scheme_host_and_port)
{
    struct origin a;
    struct origin b;

    REQUIRE(origin_parse(STR("https://API.example.com"), &arena, &a) == NULL);
    REQUIRE(origin_parse(STR("HTTPS://api.example.com.:443"), &arena, &b) == NULL);
    CHECK(origin_eq(&a, &b));
    REQUIRE(origin_parse(STR("http://api.example.com:443"), &arena, &b) == NULL);
    CHECK(!origin_eq(&a, &b));
    REQUIRE(origin_parse(STR("https://api.example.com:8443"), &arena, &b) == NULL);
    CHECK(!origin_eq(&a, &b));
    CHECK(origin_parse(STR("https://h/"), &arena, &b) != NULL);
    CHECK(origin_parse(STR("https://h?x"), &arena, &b) != NULL);
    CHECK(origin_parse(STR("https://"), &arena, &b) != NULL);
    CHECK(origin_parse(STR("h"), &arena, &b) != NULL);
}

TEST(only_literals_are_loopback)
{
    static const char *const yes[] = { "http://127.0.0.1", "http://127.9.9.9:1", "http://[::1]",
                                       "http://[0:0::1]" };
    static const char *const no[] = { "http://localhost", "http://127.0.0.1.example.com",
                                      "http://128.0.0.1", "http://[::2]" };
    struct origin origin;

    for (size_t i = 0; i < 4; i++) {
        REQUIRE(origin_parse(paa_str_of(yes[i]), &arena, &origin) == NULL);
        CHECK(origin_is_loopback(&origin));
        REQUIRE(origin_parse(paa_str_of(no[i]), &arena, &origin) == NULL);
        CHECK(!origin_is_loopback(&origin));
    }
}

TEST(patterns_are_in_normal_form_or_the_better_one_is_named)
{
    static const struct {
        const char *pattern;
        const char *better; /* "ok", or NULL: refused without advice */
    } table[] = {
        { "/", "ok" },         { "/**", "ok" },          { "/v1/*/x/**", "ok" },
        { "*", "ok" },         { "/a/", "ok" },          { "/a;b", "ok" },
        { "/%61", "/a" },      { "/%c3%a9", "/%C3%A9" }, { "/\xc3\xa9", "/%C3%A9" },
        { "v1/**", "/v1/**" }, { "/a b", "/a%20b" },     { "/a*", NULL },
        { "/**/a", NULL },     { "/**/", NULL },         { "/***", NULL },
        { "/a//b", NULL },     { "/a/../b", NULL },      { "/a?b", NULL },
        { "", NULL },          { "/a%2fb", NULL },       { "**", "/**" },
    };
    struct paa_str better;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *wrong = pattern_check(paa_str_of(table[i].pattern), &arena, &better);
        bool fine = table[i].better != NULL && strcmp(table[i].better, "ok") == 0;

        if ((wrong == NULL) != fine)
            TEST_FAIL("%s: %s", table[i].pattern, wrong != NULL ? wrong : "not refused");
        if (fine || table[i].better == NULL)
            CHECK(better.data == NULL);
        else
            CHECK_STR(better, table[i].better);
    }
    CHECK(pattern_check(STR("/%61"), &arena, NULL) != NULL);
}

/* SPDX-License-Identifier: MIT */
/* Which rule a request falls under (match.h), rule by rule and request by request. */
#include "match.h"
#include "str.h"
#include "test.h"

enum { ASKED_RULES_MAX = 16, METHODS_MAX = 4, ARENA_MAX = 64 * 1024 * 1024 };

struct written { /* a rule as a test writes it; NULL: not said */
    const char *host;
    const char *path;
    const char *methods[METHODS_MAX];
    bool preflight;
};

struct table {
    struct arena arena;
    struct rule_conf rules[ASKED_RULES_MAX];
    struct paa_str methods[ASKED_RULES_MAX][METHODS_MAX];
    size_t count;
    struct matcher *matcher;
};

static void table_open(struct table *table, const struct written *rules, size_t count)
{
    memset(table, 0, sizeof *table);
    arena_init(&table->arena, NULL, 0, ARENA_MAX);
    for (size_t i = 0; i < count; i++) {
        struct rule_conf *rule = &table->rules[i];

        rule->host = paa_str_of(rules[i].host);
        rule->path = paa_str_of(rules[i].path);
        rule->preflight = rules[i].preflight;
        for (size_t k = 0; k < METHODS_MAX && rules[i].methods[k] != NULL; k++)
            table->methods[i][rule->method_count++] = paa_str_of(rules[i].methods[k]);
        rule->methods = rule->method_count > 0 ? table->methods[i] : NULL;
    }
    table->matcher = matcher_new(table->rules, count, &table->arena);
    if (table->matcher == NULL)
        abort();
}

static void table_close(struct table *table)
{
    arena_free(&table->arena);
}

#define OPEN(table, ...)                                                                           \
    do {                                                                                           \
        static const struct written written[] = { __VA_ARGS__ };                                   \
        table_open((table), written, sizeof written / sizeof written[0]);                          \
    } while (0)

static int32_t ask(const struct table *table, const char *method, const char *host,
                   const char *path)
{
    struct match_request request = { paa_str_of(host), paa_str_of(path), paa_str_of(method),
                                     false };
    int32_t pattern;

    return matcher_find(table->matcher, &request, &pattern);
}

static int32_t ask_preflight(const struct table *table, const char *path)
{
    struct match_request request = { STR("api.example.com"), paa_str_of(path), STR("OPTIONS"),
                                     true };
    int32_t pattern;

    return matcher_find(table->matcher, &request, &pattern);
}

#define GET(table, path) ask((table), "GET", "api.example.com", (path))

TEST(a_path_matches_as_a_whole_and_with_case)
{
    struct table t;

    OPEN(&t, { .path = "/v1/orders" }, { .path = "/" });
    CHECK_INT(GET(&t, "/v1/orders"), 0);
    CHECK_INT(GET(&t, "/"), 1);
    CHECK_INT(GET(&t, "/v1"), MATCH_NONE);
    CHECK_INT(GET(&t, "/v1/order"), MATCH_NONE);
    CHECK_INT(GET(&t, "/v1/orders1"), MATCH_NONE);
    CHECK_INT(GET(&t, "/v1/orders/7"), MATCH_NONE);
    CHECK_INT(GET(&t, "/V1/orders"), MATCH_NONE);
    table_close(&t);
}

TEST(a_trailing_slash_is_another_path)
{
    struct table t;

    OPEN(&t, { .path = "/a" }, { .path = "/a/" }, { .path = "/b/" });
    CHECK_INT(GET(&t, "/a"), 0);
    CHECK_INT(GET(&t, "/a/"), 1);
    CHECK_INT(GET(&t, "/b"), MATCH_NONE);
    CHECK_INT(GET(&t, "/b/"), 2);
    table_close(&t);
}

TEST(one_star_is_one_segment_that_is_not_empty)
{
    struct table t;

    OPEN(&t, { .path = "/v1/*/items" });
    CHECK_INT(GET(&t, "/v1/7/items"), 0);
    CHECK_INT(GET(&t, "/v1/*/items"), 0);
    CHECK_INT(GET(&t, "/v1//items"), MATCH_NONE);
    CHECK_INT(GET(&t, "/v1/items"), MATCH_NONE);
    CHECK_INT(GET(&t, "/v1/7/8/items"), MATCH_NONE);
    table_close(&t);
}

TEST(two_stars_are_everything_below_and_the_bare_prefix)
{
    struct table t;

    OPEN(&t, { .path = "/v1/**" });
    CHECK_INT(GET(&t, "/v1"), 0);
    CHECK_INT(GET(&t, "/v1/"), 0);
    CHECK_INT(GET(&t, "/v1/a"), 0);
    CHECK_INT(GET(&t, "/v1/a/b/c"), 0);
    CHECK_INT(GET(&t, "/v10"), MATCH_NONE);
    CHECK_INT(GET(&t, "/"), MATCH_NONE);
    table_close(&t);
}

TEST(a_branch_that_leads_nowhere_does_not_hide_another)
{
    struct table t;

    OPEN(&t, { .path = "/a/b/c" }, { .path = "/a/*/d" }, { .path = "/a/**" });
    CHECK_INT(GET(&t, "/a/b/c"), 0);
    CHECK_INT(GET(&t, "/a/b/d"), 1);
    CHECK_INT(GET(&t, "/a/b/e"), 2);
    table_close(&t);
}

TEST(the_first_rule_that_fits_decides_not_the_narrowest)
{
    struct table t;

    OPEN(&t, { .path = "/v1/**" }, { .path = "/v1/open" });
    CHECK_INT(GET(&t, "/v1/open"), 0);
    table_close(&t);
    OPEN(&t, { .path = "/v1/open" }, { .path = "/v1/**" });
    CHECK_INT(GET(&t, "/v1/open"), 0);
    CHECK_INT(GET(&t, "/v1/other"), 1);
    table_close(&t);
}

TEST(a_rule_without_path_takes_every_path_and_the_asterisk)
{
    struct table t;

    OPEN(&t, { .path = "/a" }, { .host = NULL });
    CHECK_INT(GET(&t, "/a"), 0);
    CHECK_INT(GET(&t, "/b/c"), 1);
    CHECK_INT(ask(&t, "OPTIONS", "api.example.com", "*"), 1);
    table_close(&t);
    OPEN(&t, { .path = "/**" });
    CHECK_INT(ask(&t, "OPTIONS", "api.example.com", "*"), MATCH_NONE);
    table_close(&t);
}

TEST(a_host_is_compared_whole_and_ranks_by_order_alone)
{
    struct table t;

    OPEN(&t, { .host = "a.example.com", .path = "/x" }, { .path = "/x" },
         { .host = "b.example.com", .path = "/x" });
    CHECK_INT(ask(&t, "GET", "a.example.com", "/x"), 0);
    CHECK_INT(ask(&t, "GET", "c.example.com", "/x"), 1);
    CHECK_INT(ask(&t, "GET", "b.example.com", "/x"), 1);
    CHECK_INT(ask(&t, "GET", "xa.example.com", "/x"), 1);
    table_close(&t);
}

TEST(a_method_that_does_not_fit_never_falls_to_a_laxer_rule)
{
    static const char *const others[] = { "POST", "PROPFIND", "get", "OPTIONS", "HEADS" };
    struct table t;

    OPEN(&t, { .path = "/admin/**", .methods = { "GET" } }, { .path = "/**" });
    CHECK_INT(GET(&t, "/admin/x"), 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        CHECK_INT(ask(&t, others[i], "api.example.com", "/admin/x"), MATCH_METHOD);
    CHECK_INT(ask(&t, "POST", "api.example.com", "/other"), 1);
    table_close(&t);
}

TEST(a_method_that_does_not_fit_may_fit_a_later_rule_of_the_same_pattern)
{
    struct table t;

    OPEN(&t, { .path = "/a/*", .methods = { "GET" } }, { .path = "/**" },
         { .path = "/a/*", .methods = { "DELETE" } });
    CHECK_INT(GET(&t, "/a/1"), 0);
    CHECK_INT(ask(&t, "DELETE", "api.example.com", "/a/1"), 2);
    CHECK_INT(ask(&t, "PUT", "api.example.com", "/a/1"), MATCH_METHOD);
    table_close(&t);
}

TEST(head_follows_get_and_nothing_else)
{
    struct table t;

    OPEN(&t, { .path = "/a", .methods = { "GET" } }, { .path = "/b", .methods = { "POST" } },
         { .path = "/c", .methods = { "HEAD" } });
    CHECK_INT(ask(&t, "HEAD", "h", "/a"), 0);
    CHECK_INT(ask(&t, "HEAD", "h", "/b"), MATCH_METHOD);
    CHECK_INT(ask(&t, "HEAD", "h", "/c"), 2);
    CHECK_INT(ask(&t, "GET", "h", "/c"), MATCH_METHOD);
    table_close(&t);
}

TEST(the_pattern_of_a_wrong_method_is_named)
{
    struct match_request request = { STR("h"), STR("/b"), STR("PUT"), false };
    struct table t;
    int32_t pattern = -1;

    OPEN(&t, { .path = "/a" }, { .path = "/b", .methods = { "GET" } });
    CHECK_INT(matcher_find(t.matcher, &request, &pattern), MATCH_METHOD);
    CHECK_INT(pattern, 1);
    request.path = STR("/none");
    CHECK_INT(matcher_find(t.matcher, &request, &pattern), MATCH_NONE);
    CHECK_INT(pattern, -1);
    table_close(&t);
}

TEST(allow_lists_the_methods_of_one_pattern_once_each)
{
    struct table t;
    struct buf allow;

    OPEN(&t, { .path = "/a", .methods = { "GET", "POST" } }, { .path = "/**" },
         { .path = "/a", .methods = { "POST", "DELETE" } }, { .path = "/a", .preflight = true });
    buf_init(&allow, 256);
    matcher_allow(t.matcher, 0, &allow);
    CHECK_STR(buf_str(&allow), "GET, HEAD, POST, DELETE, OPTIONS");
    buf_free(&allow);
    table_close(&t);
}

TEST(a_preflight_rule_takes_preflights_only)
{
    struct table t;

    OPEN(&t, { .path = "/v1/**", .preflight = true },
         { .path = "/v1/**", .methods = { "GET", "POST" } });
    CHECK_INT(ask_preflight(&t, "/v1/x"), 0);
    CHECK_INT(GET(&t, "/v1/x"), 1);
    CHECK_INT(ask(&t, "OPTIONS", "api.example.com", "/v1/x"), MATCH_METHOD);
    table_close(&t);
}

TEST(a_preflight_without_a_rule_of_its_own_is_a_request_like_others)
{
    struct table t;

    OPEN(&t, { .path = "/a", .methods = { "GET" } }, { .path = "/b" },
         { .path = "/b", .preflight = true });
    CHECK_INT(ask_preflight(&t, "/a"), MATCH_METHOD);
    CHECK_INT(ask_preflight(&t, "/b"), 1);
    table_close(&t);
}

TEST(a_preflight_rule_further_up_does_not_hide_later_rules_from_others)
{
    struct table t;

    OPEN(&t, { .path = "/**", .preflight = true }, { .path = "/a" });
    CHECK_INT(GET(&t, "/a"), 1);
    CHECK_INT(GET(&t, "/b"), MATCH_NONE);
    CHECK_INT(ask_preflight(&t, "/a"), 0);
    table_close(&t);
}

TEST(a_rule_under_a_wider_earlier_one_is_shadowed)
{
    struct table t;

    OPEN(&t, { .path = "/v1/**", .methods = { "GET" } }, { .path = "/v1/open" },
         { .path = "/v1/*/x" }, { .path = "/v2/*" }, { .path = "/v2/a" },
         { .host = "h", .path = "/v1/y" }, { .path = "/v3/**" });
    CHECK_INT(matcher_shadow(t.matcher, 0), -1);
    CHECK_INT(matcher_shadow(t.matcher, 1), 0);
    CHECK_INT(matcher_shadow(t.matcher, 2), 0);
    CHECK_INT(matcher_shadow(t.matcher, 3), -1);
    CHECK_INT(matcher_shadow(t.matcher, 4), 3);
    CHECK_INT(matcher_shadow(t.matcher, 5), 0);
    CHECK_INT(matcher_shadow(t.matcher, 6), -1);
    table_close(&t);
}

TEST(a_rule_is_not_shadowed_by_a_narrower_one_or_by_another_host)
{
    struct table t;

    OPEN(&t, { .path = "/v1/open" }, { .host = "h", .path = "/**" }, { .path = "/v1/**" },
         { .path = "/**" }, { .path = "/w/**", .preflight = true }, { .path = "/x/*" },
         { .path = "/x/**" });
    CHECK_INT(matcher_shadow(t.matcher, 2), -1);
    CHECK_INT(matcher_shadow(t.matcher, 3), -1);
    table_close(&t);
    OPEN(&t, { .path = "/x/*" }, { .path = "/x/**" });
    CHECK_INT(matcher_shadow(t.matcher, 1), -1);
    table_close(&t);
}

TEST(of_one_pattern_a_rule_is_shadowed_when_all_its_methods_are_taken)
{
    struct table t;

    OPEN(&t, { .path = "/a", .methods = { "GET", "POST" } },
         { .path = "/a", .methods = { "POST" } }, { .path = "/a", .methods = { "HEAD" } },
         { .path = "/a", .methods = { "POST", "PUT" } }, { .path = "/a" },
         { .path = "/a", .methods = { "PATCH" } }, { .path = "/a", .preflight = true },
         { .path = "/a", .preflight = true });
    CHECK_INT(matcher_shadow(t.matcher, 1), 0);
    CHECK_INT(matcher_shadow(t.matcher, 2), 0);
    CHECK_INT(matcher_shadow(t.matcher, 3), -1);
    CHECK_INT(matcher_shadow(t.matcher, 4), -1);
    CHECK_INT(matcher_shadow(t.matcher, 5), 4);
    CHECK_INT(matcher_shadow(t.matcher, 7), 6);
    table_close(&t);
}

TEST(among_ten_thousand_rules_each_finds_its_own)
{
    enum { MANY = 10000 };
    struct rule_conf *rules = calloc(MANY, sizeof *rules);
    struct matcher *matcher;
    struct arena arena;
    int32_t wrong = 0;

    REQUIRE(rules != NULL);
    arena_init(&arena, NULL, 0, ARENA_MAX);
    for (unsigned i = 0; i < MANY; i++)
        rules[i].path = paa_str_of(arena_printf(&arena, "/s%u/r%u/*", i % 100, i));
    matcher = matcher_new(rules, MANY, &arena);
    REQUIRE(matcher != NULL);
    for (unsigned i = 0; i < MANY; i++) {
        struct match_request request = { STR("h"),
                                         paa_str_of(arena_printf(&arena, "/s%u/r%u/x", i % 100, i)),
                                         STR("GET"), false };
        int32_t pattern;

        wrong += matcher_find(matcher, &request, &pattern) != (int32_t)i;
        request.path.size -= 2; /* without "/x" */
        wrong += matcher_find(matcher, &request, &pattern) != MATCH_NONE;
        wrong += matcher_shadow(matcher, (int32_t)i) != -1;
    }
    CHECK_INT(wrong, 0);
    arena_free(&arena);
    free(rules);
}

/* SPDX-License-Identifier: MIT */
/* Token responses, as servers send them and as they must not; and how a token is kept. */
#include "str.h"
#include "test.h"
#include "token_response.h"
#include "token_value.h"

#define JSON "application/json"
#define GOOD "{\"access_token\":\"2YotnFZFEjr1zCsicMWpAA\",\"token_type\":\"Bearer\""

static struct token_response response;

static enum token_answer answer_of(uint32_t code, const char *media_type, const char *body)
{
    static _Alignas(struct token_memory) char memory[sizeof(struct token_memory) + 128 * 1024];

    return token_response_read(code, paa_str_of(media_type), paa_bytes_of(body, strlen(body)),
                               (struct token_memory *)(void *)memory, &response);
}

/* RFC 6749 5.1 */
TEST(a_token_is_read_with_its_life_and_its_scope)
{
    CHECK_INT(answer_of(200, JSON, GOOD ",\"expires_in\":3600,\"example_parameter\":\"x\"}"),
              TOKEN_GIVEN);
    CHECK_STR(response.access_token, "2YotnFZFEjr1zCsicMWpAA");
    CHECK_INT(response.type, TOKEN_BEARER);
    CHECK_INT(response.expires_in_s, 3600);
    CHECK(response.scope.data == NULL && response.refresh_token.data == NULL);
    CHECK_INT(answer_of(200, "Application/JSON ; charset=utf-8",
                        "{\"access_token\":\"a\",\"token_type\":\"dPoP\",\"scope\":\"a b\","
                        "\"refresh_token\":\"r\",\"id_token\":null}"),
              TOKEN_GIVEN);
    CHECK_INT(response.type, TOKEN_DPOP);
    CHECK_INT(response.expires_in_s, -1);
    CHECK_STR(response.scope, "a b");
    CHECK_STR(response.refresh_token, "r");
}

TEST(a_life_beyond_all_measure_is_cut)
{
    CHECK_INT(answer_of(200, JSON, GOOD ",\"expires_in\":1e300}"), TOKEN_GIVEN);
    CHECK_INT(response.expires_in_s, TOKEN_EXPIRES_MAX);
    CHECK_INT(answer_of(200, JSON, GOOD ",\"expires_in\":59.9}"), TOKEN_GIVEN);
    CHECK_INT(response.expires_in_s, 59);
}

TEST(what_is_no_token_response_is_refused_with_a_reason)
{
    static const struct {
        uint32_t code;
        const char *media_type;
        const char *body;
        const char *why;
    } bad[] = {
        { 200, NULL, GOOD "}", "application/json" },
        { 200, "text/html", GOOD "}", "application/json" },
        { 200, "application/jsonp", GOOD "}", "application/json" },
        { 200, JSON, "", "empty" },
        { 200, JSON, "access_token=a&token_type=bearer", "JSON" },
        { 200, JSON, "[]", "object" },
        { 200, JSON, GOOD, "JSON" },
        { 200, JSON, GOOD "}x", "JSON" },
        { 200, JSON, GOOD ",\"access_token\":\"b\"}", "twice" },
        { 200, JSON, "{\"token_type\":\"Bearer\"}", "access_token" },
        { 200, JSON, "{\"access_token\":\"\",\"token_type\":\"Bearer\"}", "access_token" },
        { 200, JSON, "{\"access_token\":7,\"token_type\":\"Bearer\"}", "access_token" },
        { 200, JSON, "{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}", "access_token" },
        { 200, JSON, "{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\"}",
          "access_token" },
        { 200, JSON, "{\"access_token\":\"\xc3\xa9\",\"token_type\":\"Bearer\"}", "access_token" },
        { 200, JSON, "{\"access_token\":\"a\"}", "token_type" },
        { 200, JSON, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", "token_type" },
        { 200, JSON, "{\"access_token\":\"a\",\"token_type\":\"N_A\"}", "token_type" },
        { 200, JSON, GOOD ",\"expires_in\":\"3600\"}", "expires_in" },
        { 200, JSON, GOOD ",\"expires_in\":0}", "expires_in" },
        { 200, JSON, GOOD ",\"expires_in\":-1}", "expires_in" },
        { 200, JSON, GOOD ",\"expires_in\":true}", "expires_in" },
        { 200, JSON, GOOD ",\"scope\":[\"a\"]}", "scope" },
        { 200, JSON, GOOD ",\"scope\":\"a\\u0001\"}", "scope" },
        { 200, JSON, GOOD ",\"refresh_token\":\"a b\"}", "refresh_token" },
        { 200, JSON, GOOD ",\"id_token\":1}", "id_token" },
        { 200, JSON, "{\"error\":\"invalid_client\"}", "access_token" },
        { 302, JSON, GOOD "}", "redirect" },
        { 400, JSON, "{}", "error" },
        { 400, JSON, "{\"error\":\"\"}", "error" },
        { 400, JSON, "{\"error\":{}}", "error" },
        { 400, JSON, "{\"error\":\"a\\\"b\"}", "error" },
        { 400, JSON, "{\"error\":\"a\\nb\"}", "error" },
        { 401, "text/plain", "no", "application/json" },
        { 404, "text/html", "<html>", "application/json" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum token_answer answer = answer_of(bad[i].code, bad[i].media_type, bad[i].body);

        if (answer != TOKEN_MALFORMED)
            TEST_FAIL("case %zu: %d for %s", i, (int)answer, bad[i].body);
        else
            CHECK_HAS(response.why, bad[i].why);
    }
}

/* RFC 6749 5.2 */
TEST(an_error_is_a_refusal_unless_it_says_later)
{
    CHECK_INT(answer_of(401, JSON,
                        "{\"error\":\"invalid_client\",\"error_description\":\"who?\\u001b[31m\"}"),
              TOKEN_REFUSED);
    CHECK_STR(response.error, "invalid_client");
    CHECK_STR(response.description, "who?\x1b[31m");
    CHECK_INT(answer_of(400, JSON, "{\"error\":\"a word of their own\"}"), TOKEN_REFUSED);
    CHECK_INT(answer_of(400, JSON, "{\"error\":\"temporarily_unavailable\"}"), TOKEN_TROUBLE);
    CHECK_INT(answer_of(400, JSON, "{\"error\":\"server_error\"}"), TOKEN_TROUBLE);
    CHECK_INT(answer_of(500, JSON, "{\"error\":\"invalid_client\"}"), TOKEN_TROUBLE);
    CHECK_INT(answer_of(503, "text/html", "<html>"), TOKEN_TROUBLE);
    CHECK_INT(answer_of(429, NULL, ""), TOKEN_TROUBLE);
}

TEST(what_a_server_says_is_escaped_and_cut_before_it_is_told)
{
    char text[TOKEN_TOLD_MAX + 50];
    struct buf buf;

    buf_init(&buf, 4096);
    token_told(&buf, STR("a\nb\x1b"));
    CHECK(str_find(buf_str(&buf), '\n', 0) == buf.size);
    CHECK(str_find(buf_str(&buf), '\x1b', 0) == buf.size);
    buf_clear(&buf);
    memset(text, 'x', sizeof text);
    token_told(&buf, paa_str_of_n(text, sizeof text));
    CHECK_INT(buf.size, TOKEN_TOLD_MAX + 3);
    buf_free(&buf);
}

TEST(a_scope_covers_another_word_by_word)
{
    CHECK(token_scope_covers(STR("a b c"), STR("c a")));
    CHECK(token_scope_covers(STR("a"), STR("")));
    CHECK(!token_scope_covers(STR("ab"), STR("a")));
    CHECK(!token_scope_covers(STR(""), STR("a")));
}

TEST(a_kept_token_is_read_as_it_was_written_and_nothing_else_is)
{
    struct token_value value = { .state = TOKEN_AT_HAND,
                                 .asked_at_s = 5,
                                 .expires_at_s = INT64_MAX,
                                 .credentials = STR("Bearer abc"),
                                 .ath = STR("digest"),
                                 .scope = STR("a b"),
                                 .refresh = STR("refresh"),
                                 .subject = STR("248289761001"),
                                 .name = STR("Jane Doe") };
    struct token_value read;
    struct buf buf;

    buf_init(&buf, 4096);
    token_value_write(&buf, &value);
    REQUIRE(token_value_read(paa_bytes_of(buf.data, buf.size), &read));
    CHECK(read.state == TOKEN_AT_HAND && read.asked_at_s == 5 && read.expires_at_s == INT64_MAX);
    CHECK_STR(read.credentials, "Bearer abc");
    CHECK_STR(read.ath, "digest");
    CHECK_STR(read.scope, "a b");
    CHECK_STR(read.refresh, "refresh");
    CHECK_STR(read.subject, "248289761001");
    CHECK_STR(read.name, "Jane Doe");
    for (size_t size = 0; size < buf.size; size++)
        CHECK(!token_value_read(paa_bytes_of(buf.data, size), &read));
    buf.data[0] = 0;
    CHECK(!token_value_read(paa_bytes_of(buf.data, buf.size), &read));
    buf_free(&buf);
}

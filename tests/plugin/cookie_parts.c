/* SPDX-License-Identifier: MIT */
/* Cookies in chunks, attempts to log in, what a session is, kept claims, pages: the pure parts of logins by browser. */
#include "attempt.h"
#include "claims_kept.h"
#include "cookie_text.h"
#include "page.h"
#include "session_content.h"
#include "str.h"
#include "test.h"

/* ---- cookies -------------------------------------------------------------------------------------- */

TEST(a_text_is_parted_into_chunks_and_comes_together_again)
{
    static char text[COOKIE_TEXT_MAX], joined[COOKIE_TEXT_MAX + 1];
    const size_t sizes[] = { 1,
                             COOKIE_CHUNK_MAX - 1,
                             COOKIE_CHUNK_MAX,
                             2 * COOKIE_CHUNK_MAX - 1,
                             2 * COOKIE_CHUNK_MAX,
                             COOKIE_TEXT_MAX };
    const unsigned counts[] = { 1, 1, 2, 2, 3, 4 };
    struct buf buf;

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 23);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t at = 0;

        CHECK_INT(cookie_chunk_count(sizes[i]), counts[i]);
        for (unsigned k = 0; k < counts[i]; k++) {
            buf_init(&buf, COOKIE_CHUNK_MAX);
            cookie_chunk_write(&buf, paa_str_of_n(text, sizes[i]), counts[i], k);
            REQUIRE(!buf.failed && at + buf.size <= sizeof joined);
            memcpy(joined + at, buf.data, buf.size);
            at += buf.size;
            buf_free(&buf);
        }
        CHECK_INT(cookie_first_count(paa_str_of_n(joined, at)), counts[i]);
        CHECK(str_eq(cookie_first_text(paa_str_of_n(joined, at)), paa_str_of_n(text, sizes[i])));
    }
    CHECK_INT(cookie_chunk_count(0), 0);
    CHECK_INT(cookie_chunk_count(COOKIE_TEXT_MAX + 1), 0);
}

TEST(a_first_chunk_says_how_many_there_are)
{
    CHECK_INT(cookie_first_count(STR("1a")), 1);
    CHECK_INT(cookie_first_count(STR("4a")), 4);
    CHECK_INT(cookie_first_count(STR("5a")), 0);
    CHECK_INT(cookie_first_count(STR("0a")), 0);
    CHECK_INT(cookie_first_count(STR("1")), 0);
    CHECK_INT(cookie_first_count(STR("")), 0);
    CHECK_INT(cookie_first_count(STR_NONE), 0);
}

TEST(cookies_are_of_this_host_https_and_no_script)
{
    struct cookie_names names;
    struct buf buf;

    cookie_names_make(&names, STR("login"));
    CHECK_STR(names.chunks[0], "__Host-paa-login");
    CHECK_STR(names.chunks[3], "__Host-paa-login.3");
    buf_init(&buf, 512);
    cookie_set_write(&buf, names.chunks[0], STR("x"), COOKIE_NO_AGE);
    CHECK_STR(buf_str(&buf), "__Host-paa-login=x; Path=/; Secure; HttpOnly; SameSite=Lax");
    buf_clear(&buf);
    cookie_set_write(&buf, names.chunks[1], STR(""), 0);
    CHECK_STR(buf_str(&buf),
              "__Host-paa-login.1=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0");
    buf_free(&buf);
}

TEST(cookies_of_attempts_are_told_from_all_others)
{
    struct paa_str rest =
        STR("a=b; __Host-paa-login=1x; __Host-paa-login.login-abcdefgh=one;"
            "__Host-paa-login.login-short=x; __Host-paa-other.login-abcdefgh=x; "
            "__Host-paa-login.login-ABCDEFGH=two=2;__Host-paa-login.login-12345678");
    struct cookie_names names;
    struct paa_field cookie;

    cookie_names_make(&names, STR("login"));
    REQUIRE(cookie_next_attempt(&names, &rest, &cookie));
    CHECK_STR(cookie.name, "__Host-paa-login.login-abcdefgh");
    CHECK_STR(cookie.value, "one");
    REQUIRE(cookie_next_attempt(&names, &rest, &cookie));
    CHECK_STR(cookie.value, "two=2");
    CHECK(!cookie_next_attempt(&names, &rest, &cookie));
}

/* ---- attempts ------------------------------------------------------------------------------------- */

TEST(where_a_browser_goes_back_to_is_of_the_same_origin)
{
    static const char *const good[] = { "/", "/a", "/a?b=//c", "/a//b", "/%2f%2fevil.example" };
    static const char *const bad[] = { "",
                                       "a",
                                       "//evil.example",
                                       "/\\evil.example",
                                       "\\/evil.example",
                                       "https://evil.example/",
                                       "/a\tb",
                                       "/a\nb",
                                       "/a b",
                                       "/a#b",
                                       "/\x7f",
                                       "/\xc3\xa4",
                                       "javascript:alert(1)" };
    static char more[ATTEMPT_RETURN_MAX + 1];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(attempt_return_valid(paa_str_of(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(!attempt_return_valid(paa_str_of(bad[i])));
    memset(more, '/', 1);
    memset(more + 1, 'a', sizeof more - 1);
    CHECK(attempt_return_valid(paa_str_of_n(more, ATTEMPT_RETURN_MAX)));
    CHECK(!attempt_return_valid(paa_str_of_n(more, ATTEMPT_RETURN_MAX + 1)));
    CHECK(!attempt_return_valid(STR_NONE));
}

TEST(an_attempt_is_read_as_it_was_written)
{
    unsigned char chance[3 * AUTHORIZATION_CHANCE], bytes[ATTEMPT_BYTES_MAX];
    struct attempt attempt = { .made_at_s = 1000, .max_age_s = -1, .return_to = STR("/a?b") };
    struct attempt read;
    size_t size;

    for (size_t i = 0; i < sizeof chance; i++)
        chance[i] = (unsigned char)i;
    attempt_draw(&attempt, chance);
    CHECK(memcmp(attempt.state, attempt.nonce, AUTHORIZATION_TEXT_SIZE) != 0);
    CHECK(memcmp(attempt.nonce, attempt.verifier, AUTHORIZATION_TEXT_SIZE) != 0);
    size = attempt_write(&attempt, bytes);
    REQUIRE(size > 0);
    REQUIRE(attempt_read(paa_bytes_of(bytes, size), &read));
    CHECK(memcmp(read.verifier, attempt.verifier, AUTHORIZATION_TEXT_SIZE) == 0);
    CHECK_STR(read.return_to, "/a?b");
    CHECK_INT(read.max_age_s, -1);
    CHECK(!attempt_is_over(&read, 1000 + ATTEMPT_LIFE_S - 1));
    CHECK(attempt_is_over(&read, 1000 + ATTEMPT_LIFE_S));
    for (size_t cut = 0; cut < size; cut++)
        CHECK(!attempt_read(paa_bytes_of(bytes, cut), &read));
    attempt.return_to = STR("//evil.example");
    size = attempt_write(&attempt, bytes);
    CHECK(!attempt_read(paa_bytes_of(bytes, size), &read));
}

/* ---- sessions ------------------------------------------------------------------------------------- */

static struct session whole(void)
{
    return (struct session){ .id = { 1, 2, 3 },
                             .made_at_s = 1000,
                             .seen_at_s = 1100,
                             .auth_time_s = 900,
                             .token_ends_s = 1300,
                             .issuer = STR("https://id.example.com"),
                             .subject = STR("alice"),
                             .scope = STR(""),
                             .claims = STR("{}"),
                             .refresh_token = STR("rt") };
}

TEST(a_session_is_read_as_it_was_written)
{
    struct session session = whole(), read;
    unsigned char bytes[512];
    size_t size = session_write(&session, bytes, sizeof bytes);

    REQUIRE(size > 0);
    REQUIRE(session_read(paa_bytes_of(bytes, size), &read));
    CHECK(memcmp(read.id, session.id, SESSION_ID_SIZE) == 0);
    CHECK_INT(read.seen_at_s, 1100);
    CHECK_INT(read.token_ends_s, 1300);
    CHECK_STR(read.subject, "alice");
    CHECK_STR(read.scope, "");
    CHECK(read.sid.data == NULL && read.access_token.data == NULL);
    CHECK_STR(read.refresh_token, "rt");
    for (size_t cut = 0; cut < size; cut++)
        CHECK(!session_read(paa_bytes_of(bytes, cut), &read));
    bytes[size] = 0;
    CHECK(!session_read(paa_bytes_of(bytes, size + 1), &read));
    bytes[0]++;
    CHECK(!session_read(paa_bytes_of(bytes, size), &read));
    CHECK_INT(session_write(&session, bytes, size - 1), 0);
    session.subject = STR_NONE;
    size = session_write(&session, bytes, sizeof bytes);
    CHECK(!session_read(paa_bytes_of(bytes, size), &read));
}

TEST(a_session_ends_by_itself)
{
    const struct session_times times = { .lifetime_s = 3600, .idle_s = 600 };
    const struct session_times brief = { .lifetime_s = 3600, .idle_s = 40 };
    struct session session = whole();

    CHECK_INT(session_ends_s(&session, &times), 4600);
    CHECK_INT(session_age(&session, &times, 1100), SESSION_GOOD);
    CHECK_INT(session_age(&session, &times, 1159), SESSION_GOOD);
    CHECK_INT(session_age(&session, &times, 1160), SESSION_TO_WRITE);
    CHECK_INT(session_age(&session, &times, 1699), SESSION_TO_WRITE);
    CHECK_INT(session_age(&session, &times, 1700), SESSION_IDLE);
    CHECK_INT(session_age(&session, &brief, 1109), SESSION_GOOD);
    CHECK_INT(session_age(&session, &brief, 1110), SESSION_TO_WRITE);
    session.seen_at_s = 4599;
    CHECK_INT(session_age(&session, &times, 4599), SESSION_GOOD);
    CHECK_INT(session_age(&session, &times, 4600), SESSION_OVER);
}

/* ---- claims and pages ----------------------------------------------------------------------------- */

TEST(claims_are_kept_that_are_named_and_flat)
{
    static const struct paa_str text = {
        "{\"name\":\"A \\\"B\\\"\",\"n\":5,\"f\":1.5,\"t\":true,\"groups\":[\"x\",\"y\"],"
        "\"mixed\":[\"x\",1],\"deep\":{\"a\":1},\"none\":null,\"empty\":[]}",
        0
    };
    static const char *const names[] = { "name",  "n",    "f",    "t",     "groups",
                                         "mixed", "deep", "none", "empty", "missing" };
    struct paa_str whole_text = paa_str_of(text.data);
    struct json_node nodes[64];
    struct json_tree tree;
    char spare[256];
    struct json json;
    struct buf buf;

    REQUIRE(json_tree_read(&tree, whole_text, spare, nodes, 64) == JSON_READ);
    buf_init(&buf, 1024);
    json_init(&json, &buf);
    json_open(&json, NULL, '{');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        claims_keep(&json, &tree, names[i]);
    json_close(&json, '}');
    CHECK_STR(
        buf_str(&buf),
        "{\"name\":\"A \\\"B\\\"\",\"n\":5,\"t\":true,\"groups\":[\"x\",\"y\"],\"empty\":[]}");
    buf_free(&buf);
}

TEST(a_page_shows_strangers_words_as_text)
{
    struct page page = { .code = 403,
                         .title = "No",
                         .sentence = "No.",
                         .detail = STR("<script>\"'&\x01"),
                         .target = STR("/a?b=\"><script>"),
                         .button = "Go" };
    struct buf buf;

    buf_init(&buf, PAGE_MAX);
    page_write(&buf, &page);
    REQUIRE(!buf.failed);
    CHECK(strstr(buf.data, "<script") == NULL);
    CHECK_HAS(buf.data, "&#60;script&#62;&#34;&#39;&#38;");
    CHECK_HAS(buf.data, "href=\"/a?b=&#34;&#62;&#60;script&#62;\"");
    buf_free(&buf);
}

/* SPDX-License-Identifier: MIT */
/* What a loopback listener takes for a login's redirect, what it does not, and what it shows. */
#include "loopback_request.h"
#include "loopback_page.h"
#include "str.h"
#include "test.h"

static const struct loopback_wanted wanted = { { "127.0.0.1:49152", 15 }, { "/callback", 9 } };

#define HOST "Host: 127.0.0.1:49152\r\n"

static enum loopback_verdict judge(const char *text)
{
    struct paa_str query;

    return loopback_request_read(paa_str_of(text), &wanted, &query);
}

TEST(a_redirect_is_get_of_the_path_at_the_literal)
{
    struct paa_str query;

    CHECK_INT(judge("GET /callback HTTP/1.1\r\n" HOST "\r\n"), LOOPBACK_FITS);
    CHECK_INT(judge("GET /callback HTTP/1.1\r\nhost: \t127.0.0.1:49152 \r\nContent-Length: 0\r\n"
                    "Sec-Fetch-Mode: navigate\r\nCookie: a=b\r\n\r\nmore"),
              LOOPBACK_FITS);
    CHECK_INT(loopback_request_read(paa_str_of("GET /callback?code=a%20b&state=x HTTP/1.1\r\n" HOST
                                               "\r\n"),
                                    &wanted, &query),
              LOOPBACK_FITS);
    CHECK_STR(query, "code=a%20b&state=x");
}

TEST(a_head_that_has_not_ended_is_waited_for)
{
    const char text[] = "GET /callback?code=1 HTTP/1.1\r\n" HOST "Accept: */*\r\n\r\n";
    struct paa_str query;

    for (size_t size = 0; size < sizeof text - 1; size++)
        CHECK_INT(loopback_request_read(paa_str_of_n(text, size), &wanted, &query), LOOPBACK_MORE);
    CHECK_INT(judge(text), LOOPBACK_FITS);
}

TEST(everything_else_has_a_status_of_its_own)
{
    static const struct {
        const char *text;
        enum loopback_verdict verdict;
    } cases[] = {
        { "GET /favicon.ico HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_OTHER_PATH },
        { "GET / HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_OTHER_PATH },
        { "GET /callback/ HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_OTHER_PATH },
        { "GET /Callback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_OTHER_PATH },
        { "GET /%63allback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_OTHER_PATH },
        { "POST /callback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_OTHER_METHOD },
        { "HEAD /callback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_OTHER_METHOD },
        { "get /callback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_OTHER_METHOD },
        { "GET /callback HTTP/1.1\r\nHost: localhost:49152\r\n\r\n", LOOPBACK_OTHER_HOST },
        { "GET /callback HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", LOOPBACK_OTHER_HOST },
        { "GET /callback HTTP/1.1\r\nHost: 127.0.0.1:49153\r\n\r\n", LOOPBACK_OTHER_HOST },
        { "GET /callback HTTP/1.1\r\nHost: evil.example.com\r\n\r\n", LOOPBACK_OTHER_HOST },
        { "GET /callback HTTP/1.1\r\nHost:\r\n\r\n", LOOPBACK_OTHER_HOST },
        { "GET /callback HTTP/1.1\r\n" HOST "Sec-Fetch-Mode: no-cors\r\n\r\n", LOOPBACK_STRANGE },
        { "GET /callback HTTP/1.1\r\n" HOST "sec-fetch-mode: cors\r\n\r\n", LOOPBACK_STRANGE },
        { "GET /callback HTTP/1.1\r\n\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\r\n" HOST HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.0\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1 \r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET  /callback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET callback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET http://127.0.0.1:49152/callback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback#x HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback?a=%4 HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback?a=%zz HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback?a=%00 HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback?a=\x80 HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\nHost: 127.0.0.1:49152\n\n", LOOPBACK_MALFORMED },
        { "\r\n\r\nGET /callback HTTP/1.1\r\n" HOST "\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
          LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\r\n" HOST " folded: x\r\n\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\r\n" HOST "no colon\r\n\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\r\n" HOST "A : b\r\n\r\n", LOOPBACK_MALFORMED },
        { "GET /callback HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", LOOPBACK_MALFORMED },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (judge(cases[i].text) != cases[i].verdict)
            TEST_FAIL("%s is %d, not %d", cases[i].text, judge(cases[i].text), cases[i].verdict);
}

TEST(parameters_are_decoded_and_all_of_them_kept)
{
    struct paa_field *fields;
    struct arena arena;
    size_t count;

    arena_init(&arena, NULL, 0, 64 * 1024);
    fields =
        loopback_parameters(paa_str_of("code=a%26b+c&state=&&code=d&x&e%3Df=g"), &arena, &count);
    REQUIRE(fields != NULL);
    REQUIRE(count == 5);
    CHECK_STR(fields[0].name, "code");
    CHECK_STR(fields[0].value, "a&b c");
    CHECK_STR(fields[1].value, "");
    CHECK_STR(fields[2].name, "code");
    CHECK_STR(fields[2].value, "d");
    CHECK_STR(fields[3].name, "x");
    CHECK_STR(fields[3].value, "");
    CHECK_STR(fields[4].name, "e=f");
    fields = loopback_parameters(STR_NONE, &arena, &count);
    CHECK(fields != NULL && count == 0);
    arena_free(&arena);
}

TEST(more_parameters_than_a_login_has_are_refused)
{
    char query[3 * (LOOPBACK_PARAMETERS_MAX + 1)];
    struct arena arena;
    size_t count;

    for (size_t i = 0; i < sizeof query; i += 3)
        memcpy(query + i, "a=&", 3);
    arena_init(&arena, NULL, 0, 64 * 1024);
    CHECK(loopback_parameters(paa_str_of_n(query, sizeof query - 3), &arena, &count) != NULL);
    CHECK(loopback_parameters(paa_str_of_n(query, sizeof query), &arena, &count) == NULL);
    arena_free(&arena);
}

TEST(the_state_is_one_of_the_parameters_whole)
{
    static const struct paa_field fields[] = {
        { { "code", 4 }, { "s1", 2 } },
        { { "state", 5 }, { "s2", 2 } },
        { { "state", 5 }, { "s3", 2 } },
    };

    CHECK(loopback_state_fits(fields, 3, STR("s2")));
    CHECK(loopback_state_fits(fields, 3, STR("s3"))); /* that there are two is not judged here */
    CHECK(!loopback_state_fits(fields, 3, STR("s1")));
    CHECK(!loopback_state_fits(fields, 3, STR("s")));
    CHECK(!loopback_state_fits(fields, 1, STR("s2")));
    CHECK(!loopback_state_fits(NULL, 0, STR("s2")));
}

TEST(a_page_shows_its_sentence_as_text_and_runs_nothing)
{
    struct buf buf;
    const char *head, *content;
    char length[64];

    buf_init(&buf, LOOPBACK_RESPONSE_MAX);
    loopback_page_write(&buf, true, STR("You are <b>\"Alice\"</b> & it's\r\nfine"));
    head = buf.data;
    CHECK(strncmp(head, "HTTP/1.1 200 OK\r\n", 17) == 0);
    CHECK_HAS(head, "\r\nCache-Control: no-store\r\n");
    CHECK_HAS(head, "\r\nReferrer-Policy: no-referrer\r\n");
    CHECK_HAS(head, "\r\nContent-Security-Policy: default-src 'none';");
    CHECK_HAS(head, "\r\nContent-Type: text/html; charset=utf-8\r\n");
    CHECK_HAS(head, "<h1>Done</h1>");
    CHECK_HAS(head, "You are &#60;b&#62;&#34;Alice&#34;&#60;/b&#62; &#38; it&#39;s  fine");
    content = strstr(head, "\r\n\r\n");
    REQUIRE(content != NULL);
    (void)snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", strlen(content + 4));
    CHECK_HAS(head, length);
    buf_clear(&buf);
    loopback_page_write(&buf, false, STR("You said no."));
    CHECK(strncmp(buf.data, "HTTP/1.1 400 Bad Request\r\n", 26) == 0);
    CHECK_HAS(buf.data, "<h1>Not done</h1>");
    buf_free(&buf);
}

TEST(a_sentence_of_any_length_leaves_a_page)
{
    static char sentence[100000];
    struct buf buf;

    memset(sentence, '<', sizeof sentence);
    buf_init(&buf, LOOPBACK_RESPONSE_MAX);
    loopback_page_write(&buf, true, paa_str_of_n(sentence, sizeof sentence));
    CHECK(!buf.failed);
    CHECK_HAS(buf.data, "</html>");
    buf_free(&buf);
}

TEST(what_is_no_login_is_answered_shortly)
{
    struct buf buf;

    buf_init(&buf, LOOPBACK_RESPONSE_MAX);
    loopback_refusal_write(&buf, 405);
    CHECK_HAS(buf.data, "HTTP/1.1 405 Method Not Allowed\r\n");
    CHECK_HAS(buf.data, "\r\nAllow: GET\r\n");
    CHECK_HAS(buf.data, "\r\n\r\n405 Method Not Allowed\n");
    CHECK_HAS(buf.data, "\r\nCache-Control: no-store\r\n");
    buf_free(&buf);
}

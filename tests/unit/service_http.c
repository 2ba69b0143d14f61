/* SPDX-License-Identifier: MIT */
/* host->http: requests as they are sent, responses as they come, and what is refused before anything is sent. */
#include "http_bench.h"
#include "test.h"

TEST(a_response_comes_with_its_code_header_and_body)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer_with(&h, "/keys", 200, "{\"keys\":[]}");
    CHECK_INT(fetch_once(&h, &c, "/keys"), PAA_STATUS_OK);
    CHECK_INT(c.code, 200);
    CHECK_STR(paa_str_of(c.body), "{\"keys\":[]}");
    CHECK_STR(paa_str_of(c.type), "text/plain");
    CHECK_INT(c.header_count, 2);
    CHECK_INT(c.a.calls, 1);
    CHECK_INT(fetch_once(&h, &c, "/nothing"), PAA_STATUS_OK);
    CHECK_INT(c.code, 404);
    CHECK_INT(c.body_size, 0);
    http_bench_close(&h);
}

TEST(a_request_is_sent_as_it_was_asked_for_and_nothing_is_added)
{
    static const char body[] = "grant_type=client_credentials&x=%00";
    struct fault_request seen;
    struct http_bench h;
    struct caller c;
    char value[256];

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer_with(&h, "/a/../token", 200, "");
    caller_open(&c, &h, "/a/../token?q=%2f&r");
    c.request.method = STR("POST");
    c.request.body = bytes_of(body);
    c.fields[0] = paa_field_of("Authorization", "Basic eDp5");
    c.fields[1] = paa_field_of("X-Empty", "");
    c.fields[2] = paa_field_of("Content-Type", "application/x-www-form-urlencoded");
    c.request.header_count = 3;
    CHECK_INT(fetch(&c), PAA_STATUS_OK);
    CHECK_INT(c.code, 200);
    caller_close(&c);
    REQUIRE(fault_server_last(h.server, &seen));
    CHECK_STR(paa_str_of(seen.method), "POST");
    CHECK_STR(paa_str_of(seen.target), "/a/../token?q=%2f&r");
    CHECK_STR(paa_str_of(seen.body), body);
    CHECK(fault_request_header(&seen, "Authorization", value, sizeof value));
    CHECK_STR(paa_str_of(value), "Basic eDp5");
    CHECK(fault_request_header(&seen, "X-Empty", value, sizeof value));
    CHECK_STR(paa_str_of(value), "");
    CHECK(fault_request_header(&seen, "Content-Type", value, sizeof value));
    CHECK_STR(paa_str_of(value), "application/x-www-form-urlencoded");
    CHECK(!fault_request_header(&seen, "Expect", value, sizeof value));
    CHECK(!fault_request_header(&seen, "Cookie", value, sizeof value));
    CHECK(!fault_request_header(&seen, "Accept-Encoding", value, sizeof value));
    http_bench_close(&h);
}

TEST(methods_are_sent_as_they_are)
{
    static const char *const methods[] = { "GET", "HEAD",   "OPTIONS", "POST",
                                           "PUT", "DELETE", "PATCH" };
    struct fault_request seen;
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer_with(&h, "/m", 200, "body");
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        char type[64];

        caller_open(&c, &h, "/m");
        c.request.method = paa_str_of(methods[i]);
        if (i >= 3)
            c.request.body = bytes_of(i == 3 ? "" : "content");
        CHECK_INT(fetch(&c), PAA_STATUS_OK);
        CHECK_STR(paa_str_of(c.body), i == 1 ? "" : "body");
        caller_close(&c);
        CHECK(fault_server_last(h.server, &seen));
        CHECK_STR(paa_str_of(seen.method), methods[i]);
        CHECK(!fault_request_header(&seen, "Content-Type", type, sizeof type));
        CHECK_STR(paa_str_of(seen.body), i > 3 ? "content" : "");
    }
    CHECK_INT(fault_server_connections(h.server), 1);
    http_bench_close(&h);
}

/* ---- what is refused ---- */

static void check_refused(struct http_bench *h, const struct paa_http_request *request,
                          enum paa_status status, const char *part)
{
    struct caller c;

    caller_open(&c, h, "/");
    c.request = *request;
    caller_begin(&c);
    CHECK_INT(c.a.calls, 1); /* at hand */
    if (c.a.status != status || strstr(c.sentence, part) == NULL)
        TEST_FAIL("status %x: \"%s\", not \"%s\"", (unsigned)c.a.status, c.sentence, part);
    caller_close(&c);
}

TEST(what_could_smuggle_something_is_not_sent)
{
    static const struct paa_field fields[] = {
        { { "Host", 4 }, { "b", 1 } },
        { { "content-length", 14 }, { "1", 1 } },
        { { "Transfer_Encoding", 17 }, { "chunked", 7 } },
        { { "Proxy-Authorization", 19 }, { "x", 1 } },
        { { "X: y\r\nZ", 7 }, { "1", 1 } },
        { { "", 0 }, { "1", 1 } },
        { { "X", 1 }, { "a\r\nY: b", 7 } },
        { { "X", 1 }, { "a\nb", 3 } },
        { { "X", 1 }, { "a\0b", 3 } },
        { { "X", 1 }, { " a", 2 } },
    };
    struct paa_http_request request;
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    paa_init(&request, sizeof request);
    request.url = STR("https://127.0.0.1:9/secret?x");
    request.header_count = 1;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        request.headers = &fields[i];
        check_refused(&h, &request, PAA_STATUS_INVALID, "https://127.0.0.1:9/secret: ");
    }
    request.headers = NULL;
    check_refused(&h, &request, PAA_STATUS_INVALID, "64 header fields");
    request.header_count = 0;
    request.method = STR("GE T");
    check_refused(&h, &request, PAA_STATUS_INVALID, "no fetch has that method");
    request.method = STR("CONNECT");
    check_refused(&h, &request, PAA_STATUS_INVALID, "no fetch has that method");
    request.method = STR("GET");
    request.body = bytes_of("x");
    check_refused(&h, &request, PAA_STATUS_INVALID, "have no body");
    http_bench_close(&h);
}

TEST(too_much_is_refused_before_it_is_sent)
{
    static char big[HTTP_BODY_MAX + 1];
    struct paa_field field = { STR("X"), { big, HTTP_HEADER_MAX } };
    struct paa_http_request request;
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    memset(big, 'a', sizeof big);
    paa_init(&request, sizeof request);
    request.url = STR("https://127.0.0.1:9/");
    request.headers = &field;
    request.header_count = 1;
    check_refused(&h, &request, PAA_STATUS_INVALID, "over 16 KiB");
    request.header_count = 0;
    request.method = STR("POST");
    request.body = paa_bytes_of(big, sizeof big);
    check_refused(&h, &request, PAA_STATUS_INVALID, "over 1 MiB");
    request.body = BYTES_NONE;
    request.response_limit = HTTP_RESPONSE_MAX + 1;
    check_refused(&h, &request, PAA_STATUS_INVALID, "over 16 MiB");
    http_bench_close(&h);
}

TEST(what_is_no_url_is_not_fetched)
{
    static const char *const urls[] = { "",
                                        "id.example.com",
                                        "ftp://a/",
                                        "https://u:p@127.0.0.1/",
                                        "https://127.0.0.1/a b",
                                        "https://127.0.0.1/\r\n",
                                        "https://127.0.0.1#x",
                                        "https://0x7f000001/",
                                        "file:///etc/passwd" };
    struct paa_http_request request;
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    paa_init(&request, sizeof request);
    check_refused(&h, &request, PAA_STATUS_INVALID, "without a URL");
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        request.url = paa_str_of(urls[i]);
        check_refused(&h, &request, PAA_STATUS_INVALID, "no URL: ");
    }
    http_bench_close(&h);
}

TEST(a_flag_or_member_that_is_not_known_is_a_plugins_fault)
{
    struct {
        struct paa_http_request request;
        uint64_t newer;
    } longer;
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    for (int i = 0; i < 3; i++) {
        paa_init(&longer, sizeof longer);
        longer.request.url = STR("https://127.0.0.1:9/");
        longer.request.flags = i == 0 ? 1u << 30 : 0;
        longer.newer = i == 1;
        caller_open(&c, &h, "/");
        returned(&c.a, services_host_http.fetch(&c.a.op.pub, i < 2 ? &longer.request : NULL,
                                                on_answer, &c));
        CHECK_INT(c.a.status, PAA_STATUS_INVALID);
        CHECK_INT(c.a.result, PAA_FAULT);
        caller_close(&c);
    }
    http_bench_close(&h);
}

TEST(nothing_is_fetched_offline)
{
    static const uint32_t flags[] = { PAA_OPEN_OFFLINE, PAA_OPEN_CHECK };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    for (size_t i = 0; i < 2; i++) {
        h.b.services.flags = flags[i];
        CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_UNAVAILABLE);
        CHECK_HAS(c.sentence, "the context is offline");
    }
    CHECK_INT(fault_server_connections(h.server), 0);
    h.b.services.flags = 0;
    http_bench_close(&h);
}

/* ---- responses that are wrong ---- */

static void check_answer(struct http_bench *h, const struct fault_answer *answer, uint32_t limit,
                         enum paa_status status, const char *part)
{
    struct caller c;

    fault_server_forget(h->server, "/a");
    fault_server_answer(h->server, "/a", answer);
    pass_s(&h->b, 3600); /* no cool-down is left */
    caller_open(&c, h, "/a");
    c.request.response_limit = limit;
    CHECK_INT(fetch(&c), status);
    CHECK_HAS(c.sentence, part);
    CHECK(status == PAA_STATUS_OK || c.code == 0);
    caller_close(&c);
}

TEST(a_response_that_is_cut_short_is_none)
{
    struct fault_answer answer = { .body = "0123456789", .flags = FAULT_TRUNCATE };
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    check_answer(&h, &answer, 0, PAA_STATUS_UNAVAILABLE, "/a: ");
    answer.flags = FAULT_TOO_LONG;
    check_answer(&h, &answer, 0, PAA_STATUS_UNAVAILABLE, "cut short");
    answer.flags = FAULT_CLOSE;
    check_answer(&h, &answer, 0, PAA_STATUS_UNAVAILABLE, "/a: ");
    http_bench_close(&h);
}

TEST(what_is_sent_beyond_its_length_is_not_read)
{
    struct fault_answer answer = { .body = "0123456789", .flags = FAULT_TOO_SHORT };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &answer);
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(c.body), "012345678");
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_UNAVAILABLE); /* the rest begins no response */
    CHECK_HAS(c.sentence, "what came is no HTTP");
    pass_s(&h.b, 60);
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_OK);
    CHECK_INT(fault_server_connections(h.server), 2);
    http_bench_close(&h);
}

TEST(a_response_is_never_larger_than_was_asked_for)
{
    struct fault_answer answer = { .body = "0123456789" };
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    check_answer(&h, &answer, 10, PAA_STATUS_OK, "");
    check_answer(&h, &answer, 9, PAA_STATUS_TOO_LARGE, "larger than 9 bytes");
    answer.flags = FAULT_ENDLESS;
    check_answer(&h, &answer, 0, PAA_STATUS_TOO_LARGE, "larger than 65536 bytes");
    check_answer(&h, &answer, 100000, PAA_STATUS_TOO_LARGE, "larger than 100000 bytes");
    http_bench_close(&h);
}

static void fill_fields(char *text, int count, int size)
{
    char *at = text;

    for (int i = 0; i < count; i++)
        at += sprintf(at, "X-%d: %0*d\r\n", i, size, 1);
}

TEST(a_header_is_bounded_too)
{
    struct fault_answer answer = { .body = "x" };
    static char text[128 * 1024];
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer.headers = text;
    fill_fields(text, HTTP_RESPONSE_FIELDS_MAX - 1, 1); /* and Content-Length */
    check_answer(&h, &answer, 0, PAA_STATUS_OK, "");
    fill_fields(text, HTTP_RESPONSE_FIELDS_MAX, 1);
    check_answer(&h, &answer, 0, PAA_STATUS_UNAVAILABLE, "more than 128 fields");
    fill_fields(text, 10, 7000);
    check_answer(&h, &answer, 0, PAA_STATUS_UNAVAILABLE, "over 64 KiB");
    http_bench_close(&h);
}

TEST(what_is_no_http_is_no_response)
{
    static const char *const raws[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nBad Name: x\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: a\r\n folded\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: a\x01z\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nx",
        "HTTP/1.1 abc OK\r\n\r\n",
    };
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    for (size_t i = 0; i < sizeof raws / sizeof raws[0]; i++) {
        struct fault_answer answer = { .flags = FAULT_RAW, .body = raws[i] };

        check_answer(&h, &answer, 0, PAA_STATUS_UNAVAILABLE, "/a: ");
    }
    http_bench_close(&h);
}

TEST(heads_before_the_last_and_trailers_do_not_count)
{
    static const char raw[] =
        "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
        "HTTP/1.1 201 Created\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nhi\r\n0\r\nContent-Type: c/d\r\nX-Late: 1\r\n\r\n";
    struct fault_answer answer = { .flags = FAULT_RAW, .body = raw };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &answer);
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_OK);
    CHECK_INT(c.code, 201);
    CHECK_INT(c.header_count, 2);
    CHECK_STR(paa_str_of(c.type), "a/b");
    CHECK_STR(paa_str_of(c.body), "hi");
    http_bench_close(&h);
}

TEST(redirects_are_answers_and_are_not_followed)
{
    struct fault_answer answer = { .code = 302, .headers = "Location: /b\r\nSet-Cookie: a=b\r\n" };
    struct fault_request seen;
    struct http_bench h;
    struct caller c;
    char value[32];

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &answer);
    answer_with(&h, "/b", 200, "");
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_OK);
    CHECK_INT(c.code, 302);
    CHECK_INT(fault_server_requests(h.server), 1);
    CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_OK);
    CHECK(fault_server_last(h.server, &seen));
    CHECK(!fault_request_header(&seen, "Cookie", value, sizeof value)); /* nor are cookies kept */
    http_bench_close(&h);
}

/* ---- what operators read ---- */

TEST(a_sentence_names_the_url_without_its_query_and_for_secrets_the_origin_only)
{
    struct fault_answer answer = { .flags = FAULT_CLOSE };
    struct http_bench h;
    struct caller c;
    char url[FAULT_URL_MAX];

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/pa/th", &answer);
    CHECK_INT(fetch_once(&h, &c, "/pa/th?code=hunter2"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, fault_server_url(h.server, "/pa/th: ", url));
    CHECK(strstr(c.sentence, "hunter2") == NULL);
    pass_s(&h.b, 3600);
    caller_open(&c, &h, "/pa/th?code=hunter2");
    c.request.flags = PAA_HTTP_SECRET;
    c.request.method = STR("POST");
    c.request.body = bytes_of("password=hunter3");
    CHECK_INT(fetch(&c), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, fault_server_url(h.server, ": ", url));
    CHECK(strstr(c.sentence, "hunter") == NULL && strstr(c.sentence, "/pa/th") == NULL);
    caller_close(&c);
    http_bench_close(&h);
}

/* SPDX-License-Identifier: MIT */
/* host->http: cool-downs, turns and limits. Time is the test's; what is slow waits for the test. */
#include "http_bench.h"
#include "test.h"

static const struct fault_answer held = { .flags = FAULT_HOLD, .body = "late" };
static const struct fault_answer closing = { .flags = FAULT_CLOSE };

/* ---- cool-downs ---- */

TEST(a_server_that_fails_is_left_alone_for_longer_and_longer)
{
    static const int64_t waits_ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &closing);
    for (size_t i = 0; i < sizeof waits_ms / sizeof waits_ms[0]; i++) {
        CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_UNAVAILABLE);
        CHECK_INT(c.retry_after_ms, waits_ms[i]);
        pass_ms(&h.b, waits_ms[i] - 1);
        CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_LIMITED); /* the same origin */
        CHECK_INT(c.retry_after_ms, 1);
        CHECK_HAS(c.sentence, "asked again in 1 ms");
        pass_ms(&h.b, 1);
    }
    CHECK_INT(fault_server_requests(h.server), 8);
    fault_server_forget(h.server, "/a");
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_OK); /* it is back: all is forgotten */
    fault_server_answer(h.server, "/a", &closing);
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(c.retry_after_ms, 1000);
    http_bench_close(&h);
}

TEST(failures_at_the_same_time_count_once)
{
    struct fault_answer answer = held;
    struct caller c[4];
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    answer.flags |= FAULT_CLOSE;
    fault_server_answer(h.server, "/a", &answer);
    for (int i = 0; i < 4; i++) {
        caller_open(&c[i], &h, "/a");
        caller_begin(&c[i]);
    }
    fault_server_await(h.server, 4);
    fault_server_release(h.server);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(caller_await(&c[i]), PAA_STATUS_UNAVAILABLE);
        CHECK(c[i].retry_after_ms <= 1000);
        caller_close(&c[i]);
    }
    http_bench_close(&h);
}

static void check_retry_after(unsigned code, const char *headers, uint32_t seconds)
{
    struct fault_answer answer = { .code = code, .headers = headers };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &answer);
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_OK);
    CHECK_INT(c.code, code);
    CHECK_INT(c.retry_after_s, seconds);
    CHECK_INT(c.retry_after_ms, seconds * 1000);
    if (seconds > 0) {
        pass_ms(&h.b, seconds * 1000 - 1);
        CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_LIMITED);
        CHECK_INT(c.retry_after_ms, 1);
        pass_ms(&h.b, 1);
    }
    CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_OK);
    CHECK_INT(fault_server_requests(h.server), 2);
    http_bench_close(&h);
}

/* The clock of the bench begins at 1970-01-12T13:46:40Z. */
TEST(retry_after_is_obeyed_up_to_five_minutes)
{
    check_retry_after(429, "Retry-After: 7\r\n", 7);
    check_retry_after(503, "retry-after: 7\r\n", 7);
    check_retry_after(503, "Retry-After: Mon, 12 Jan 1970 13:46:50 GMT\r\n", 10);
    check_retry_after(429, "Retry-After: 86400\r\n", 300);
    check_retry_after(503, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n", 300);
    check_retry_after(503, "Retry-After: soon\r\n", 0);
    check_retry_after(500, NULL, 0);
}

TEST(what_waits_its_turn_is_told_when_the_server_fails)
{
    enum { MANY = HTTP_ORIGIN_RUNNING_MAX + 3 };
    struct fault_answer answer = { .flags = FAULT_HOLD,
                                   .code = 503,
                                   .headers = "Retry-After: 9\r\n" };
    static struct caller c[MANY];
    struct http_bench h;
    int limited = 0;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &answer);
    for (int i = 0; i < MANY; i++) {
        caller_open(&c[i], &h, "/a");
        caller_begin(&c[i]);
    }
    fault_server_await(h.server, HTTP_ORIGIN_RUNNING_MAX);
    fault_server_release(h.server);
    for (int i = 0; i < MANY; i++) {
        limited += caller_await(&c[i]) == PAA_STATUS_LIMITED;
        caller_close(&c[i]);
    }
    CHECK_INT(limited, 3);
    CHECK_INT(fault_server_requests(h.server), HTTP_ORIGIN_RUNNING_MAX);
    http_bench_close(&h);
}

/* ---- deadlines ---- */

TEST(a_fetch_ends_at_its_own_time_or_at_the_operations)
{
    static const struct {
        uint32_t timeout_ms;
        int64_t deadline_ms;
        int64_t ends_ms;
    } cases[] = {
        { 0, INT64_MAX, HTTP_TIMEOUT_MS },
        { 300, INT64_MAX, 300 },
        { 300, 200, 200 },
        { 0, 20000, HTTP_TIMEOUT_MS },
        { 0, 5000, 5000 },
        { 3600 * 1000, INT64_MAX, HTTP_TIMEOUT_MAX_MS },
    };
    struct http_bench h;
    struct caller c;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_bench_open(&h, FAULT_TLS_GOOD);
        fault_server_answer(h.server, "/a", &held);
        caller_open(&c, &h, "/a");
        c.request.timeout_ms = cases[i].timeout_ms;
        c.a.op.deadline_ms = cases[i].deadline_ms;
        caller_begin(&c);
        fault_server_await(h.server, 1);
        pass_ms(&h.b, cases[i].ends_ms - 1);
        CHECK(list_empty(&c.a.queue));
        pass_ms(&h.b, 1);
        CHECK_INT(caller_await(&c), PAA_STATUS_UNAVAILABLE);
        CHECK_HAS(c.sentence, "no answer came in time");
        CHECK_INT(c.a.calls, 1);
        caller_close(&c);
        http_bench_close(&h);
    }
}

TEST(a_body_that_never_ends_in_time_is_no_answer)
{
    struct fault_answer answer = { .flags = FAULT_HOLD_BODY, .body = "x" };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &answer);
    caller_open(&c, &h, "/a");
    caller_begin(&c);
    fault_server_await(h.server, 1);
    pass_ms(&h.b, HTTP_TIMEOUT_MS);
    CHECK_INT(caller_await(&c), PAA_STATUS_UNAVAILABLE);
    caller_close(&c);
    CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_LIMITED); /* it was slow: a failure */
    http_bench_close(&h);
}

TEST(who_had_no_time_cannot_tell_that_a_server_is_slow)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &held);
    caller_open(&c, &h, "/a");
    c.request.timeout_ms = 10;
    caller_begin(&c);
    fault_server_await(h.server, 1);
    pass_ms(&h.b, 10);
    CHECK_INT(caller_await(&c), PAA_STATUS_UNAVAILABLE);
    c.a.op.deadline_ms = 0;
    CHECK_INT(fetch(&c), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, "no time is left");
    caller_close(&c);
    CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_OK);
    http_bench_close(&h);
}

/* The process was stopped, or its machine. */
TEST(who_was_away_at_the_deadline_cannot_tell_that_a_server_is_slow)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &held);
    caller_open(&c, &h, "/a");
    caller_begin(&c);
    fault_server_await(h.server, 1);
    pass_ms(&h.b, HTTP_TIMEOUT_MS + 60000);
    CHECK_INT(caller_await(&c), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(c.retry_after_ms, 0);
    caller_close(&c);
    CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_OK);
    http_bench_close(&h);
}

/* ---- limits ---- */

enum { FLOOD = 1000 };

static struct caller flood[FLOOD];

/* A port where nobody listens: that of a server that has ended. */
static unsigned dead_port(void)
{
    struct fault_server *server = fault_server_start(FAULT_TLS_NONE);
    unsigned port = fault_server_port(server);

    fault_server_stop(server);
    return port;
}

TEST(a_thousand_fetches_to_a_dead_port_are_bounded)
{
    int counts[3] = { 0, 0, 0 };
    unsigned port = dead_port();
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    for (int i = 0; i < FLOOD; i++) {
        caller_open(&flood[i], &h, "/");
        snprintf(flood[i].url, sizeof flood[i].url, "https://127.0.0.1:%u/", port);
        flood[i].request.url = paa_str_of(flood[i].url);
        caller_begin(&flood[i]);
    }
    for (int i = 0; i < FLOOD; i++) {
        enum paa_status status = caller_await(&flood[i]);

        counts[status == PAA_STATUS_UNAVAILABLE ? 0 : status == PAA_STATUS_LIMITED ? 1 : 2]++;
        CHECK_INT(flood[i].a.calls, 1);
        caller_close(&flood[i]);
    }
    CHECK(counts[0] >= 1 && counts[0] <= HTTP_ORIGIN_RUNNING_MAX);
    CHECK_INT(counts[0] + counts[1], FLOOD);
    http_bench_close(&h);
}

TEST(an_instance_has_its_share_and_no_more)
{
    struct http_bench h;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_answer(h.server, "/a", &held);
    for (int i = 0; i < HTTP_INSTANCE_FETCHES_MAX + 1; i++) {
        caller_open(&flood[i], &h, "/a");
        caller_begin(&flood[i]);
    }
    CHECK_INT(flood[HTTP_INSTANCE_FETCHES_MAX - 1].a.calls, 0);
    CHECK_INT(flood[HTTP_INSTANCE_FETCHES_MAX].a.status, PAA_STATUS_LIMITED);
    CHECK_HAS(flood[HTTP_INSTANCE_FETCHES_MAX].sentence, "too many other fetches");
    fault_server_await(h.server, HTTP_ORIGIN_RUNNING_MAX);
    for (int i = HTTP_INSTANCE_FETCHES_MAX; i >= 0;
         i--) { /* those that wait before those that run */
        CHECK(flood[i].a.calls > 0 || caller_cancel(&flood[i]));
        caller_close(&flood[i]);
    }
    settle(&h);
    CHECK_INT(fetch_once(&h, &flood[0], "/b"),
              PAA_STATUS_OK); /* what was cancelled counts no more */
    CHECK(fault_server_requests(h.server) <= HTTP_ORIGIN_RUNNING_MAX + 1);
    http_bench_close(&h);
}

TEST(one_dead_issuer_takes_nobody_elses_turn)
{
    struct fault_server *other = fault_server_start(FAULT_TLS_GOOD);
    struct op_instance neighbour;
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    instance_init(&neighbour);
    neighbour.name = "neighbour";
    neighbour.tls = h.tls;
    fault_server_answer(h.server, "/a", &held);
    for (int i = 0; i < HTTP_INSTANCE_FETCHES_MAX - 1; i++) {
        caller_open(&flood[i], &h, "/a");
        caller_begin(&flood[i]);
    }
    fault_server_await(h.server, HTTP_ORIGIN_RUNNING_MAX);
    caller_open(&c, &h, "/");
    c.request.url = paa_str_of(fault_server_url(other, "/", c.url));
    CHECK_INT(fetch(&c), PAA_STATUS_OK); /* the same instance, another origin */
    c.a.op.instance = &neighbour;
    CHECK_INT(fetch(&c), PAA_STATUS_OK);
    c.request.url = paa_str_of(fault_server_url(h.server, "/b", c.url));
    CHECK_INT(fetch(&c), PAA_STATUS_OK); /* another instance, the same origin */
    caller_close(&c);
    for (int i = 0; i < HTTP_INSTANCE_FETCHES_MAX - 1; i++) {
        CHECK(caller_cancel(&flood[i]));
        caller_close(&flood[i]);
    }
    http_bench_close(&h);
    fault_server_stop(other);
}

TEST(cool_downs_are_an_instances_own)
{
    struct op_instance neighbour;
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    instance_init(&neighbour);
    neighbour.name = "neighbour";
    neighbour.tls = h.tls;
    fault_server_answer(h.server, "/a", &closing);
    CHECK_INT(fetch_once(&h, &c, "/a"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(fetch_once(&h, &c, "/b"), PAA_STATUS_LIMITED);
    caller_open(&c, &h, "/b");
    c.a.op.instance = &neighbour;
    CHECK_INT(fetch(&c), PAA_STATUS_OK);
    caller_close(&c);
    http_bench_close(&h);
}

/* Whoever makes an instance fetch from ever new places cannot fill the memory, nor anybody else's. */
TEST(origins_are_bounded_and_forgotten_when_nothing_is_to_be_remembered)
{
    struct http_bench h;
    struct caller c;
    int limited = 0;

    http_bench_open(&h, FAULT_TLS_GOOD);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < HTTP_INSTANCE_ORIGINS_MAX + 5; i++) {
            caller_open(&c, &h, "/");
            snprintf(c.url, sizeof c.url, "https://10.0.0.1:%d/", 1000 * (round + 1) + i);
            c.request.url = paa_str_of(c.url);
            c.request.flags = PAA_HTTP_FOREIGN_URL; /* denied, without a connection */
            limited += fetch(&c) == PAA_STATUS_LIMITED;
            caller_close(&c);
        }
    }
    CHECK_INT(limited, 0);
    for (int i = 0; i < HTTP_INSTANCE_ORIGINS_MAX + 5; i++) {
        caller_open(&c, &h, "/");
        snprintf(c.url, sizeof c.url, "https://127.0.0.%d:1/", i + 1);
        c.request.url = paa_str_of(c.url); /* nobody listens there, so it cools down */
        limited += fetch(&c) == PAA_STATUS_LIMITED;
        caller_close(&c);
    }
    CHECK_INT(limited, 5);
    CHECK_HAS(c.sentence, "too many other servers");
    pass_ms(&h.b, HTTP_COOLDOWN_MIN_MS + HTTP_COOLDOWN_MAX_MS);
    caller_open(&c, &h, "/");
    c.request.url = STR("https://127.0.1.1:1/");
    CHECK_INT(fetch(&c), PAA_STATUS_UNAVAILABLE);
    caller_close(&c);
    http_bench_close(&h);
}

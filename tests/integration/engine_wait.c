/* SPDX-License-Identifier: MIT */
/* Transactions that wait: how they go on, when they may not, and what becomes of plugins that wait wrongly. */
#include "host.h"
#include "test.h"

#include <errno.h>
#include <poll.h>

enum { TXNS = 12 };

static const char policy[] = "stores = { state = \"memory\"; };\n" POLICY(
    SCRIPT("w", "verify = \"script:X-W\"; table = \"state\"; store = \"state\"; produce = "
                "\"script:X after:1 product:v\";")
        SCRIPT("v", "verify = \"script:X-V\"; challenge = \"challenge:Basic\";"),
    API("rules = (\n"
        "{ path = \"/w\"; chain = ( { required = \"w\" } ); },\n"
        "{ path = \"/v\"; chain = ( { required = \"v\" } ); },\n"
        "{ path = \"/wv\"; identity = [ \"w\", \"v\" ]; chain = ( { required = \"w\" }, { required "
        "= \"v\" } ); },\n"
        "{ path = \"/optional\"; chain = ( { optional = \"w\" }, { required = \"permit\" } ); },\n"
        "{ path = \"/sufficient\"; chain = ( { sufficient = \"w\" }, { required = \"permit\" } ); "
        "} );"));

static enum paa_state begin(struct host *host, const char *target, const char *w, const char *v,
                            struct paa_txn **ret_txn)
{
    struct ask ask;

    ask_for(&ask, "GET", target, w, v, NULL);
    return paa_txn_begin(ret_txn, host->lane, host->api, &ask.request);
}

TEST(every_kind_of_wait_comes_back)
{
    static const char *const scripts[] = {
        "X-W: after:0 need:ok",
        "X-W: after:1 need:ok",
        "X-W: work:1 need:ok",
        "X-W: blocks:1 need:ok",
        "X-W: after:1*3 work:1*2 after:1 need:ok",
        "X-W: store_put:a=b need:ok store_get:a need:ok store_get:none need:none",
        "X-W: store_new:c=d need:ok store_new:c=e need:exists store_remove:c need:ok",
        "X-W: get:x need:ok get:x need:ok",
    };
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        unsigned code = code_of(&host, "GET", "/w", scripts[i], NULL);

        if (code != 200)
            TEST_FAIL("%s is answered %u", scripts[i], code);
    }
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

/* As an event loop does it. */
static void go_on(struct host *host)
{
    struct pollfd readable = { paa_lane_fd(host->lane), POLLIN, 0 };
    struct paa_txn *txn;

    CHECK(poll(&readable, 1, 60000) == 1);
    while ((txn = paa_lane_next(host->lane)) != NULL)
        CHECK(paa_txn_advance(txn) != 0);
}

TEST(an_event_loop_carries_many_transactions_on_one_lane)
{
    struct paa_txn *txns[TXNS];
    struct host host;
    char line[64];
    size_t left = TXNS;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (int i = 0; i < TXNS; i++) {
        (void)snprintf(line, sizeof line, "X-W: after:%d work:1 who:t%d", i % 3 + 1, i);
        CHECK_INT(begin(&host, "/w", line, NULL, &txns[i]), PAA_TXN_PENDING);
    }
    while (left > 0) {
        go_on(&host);
        left = 0;
        for (int i = 0; i < TXNS; i++)
            left += paa_txn_advance(txns[i]) == PAA_TXN_PENDING;
    }
    for (int i = 0; i < TXNS; i++) {
        (void)snprintf(line, sizeof line, "t%d", i);
        CHECK_INT(paa_txn_advance(txns[i]), PAA_TXN_ALLOW);
        if (paa_txn_principal(txns[i], 0) != NULL)
            CHECK_STR(paa_txn_principal(txns[i], 0)->subject, line);
        paa_txn_end(&txns[i]);
    }
    CHECK(paa_lane_next(host.lane) == NULL);
    host_close(&host);
}

/* ---- deadlines --------------------------------------------------------------------------------- */

TEST(a_request_whose_time_runs_out_is_answered_503)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &txn), PAA_TXN_PENDING);
    host_pass(&host, 9999);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_PENDING);
    host_pass(&host, 1);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 503);
    CHECK_STR(paa_txn_answer(txn)->reason, "deadline");
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ANSWER);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(the_host_may_set_a_shorter_time_and_wait_returns_when_it_is_over)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/w", "X-W: after:60000", NULL);
    ask.request.timeout_ms = 50;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    host_pass(&host, 50);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 503);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_deadline_is_one_for_all_waits_of_a_request_and_no_challenge_outlives_it)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/wv", "X-W: after:0*3", "X-V: after:60000", &txn), PAA_TXN_PENDING);
    host_pass(&host, 10000);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 503);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(each_transaction_that_is_late_is_handed_out_once)
{
    struct paa_txn *txns[3], *first, *second, *third;
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (int i = 0; i < 3; i++)
        CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &txns[i]), PAA_TXN_PENDING);
    CHECK(paa_lane_next(host.lane) == NULL);
    host_pass(&host, 10000);
    first = paa_lane_next(host.lane);
    second = paa_lane_next(host.lane);
    third = paa_lane_next(host.lane);
    CHECK(first != NULL && second != NULL && third != NULL);
    CHECK(first != second && second != third && first != third);
    CHECK(paa_lane_next(host.lane) == NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(paa_txn_advance(txns[i]), PAA_TXN_ANSWER);
        paa_txn_end(&txns[i]);
    }
    host_close(&host);
}

TEST(no_wait_starts_what_is_missing_and_answers_503)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/w", "X-W: after:1", NULL);
    ask.request.flags = PAA_REQUEST_NO_WAIT;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 503);
    CHECK(edit_of(txn, PAA_MESSAGE_RESPONSE, "Retry-After", 0) != NULL);
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "/w", "X-W: after:0", NULL);
    ask.request.flags = PAA_REQUEST_NO_WAIT;
    CHECK_INT(ask_code(&host, &ask), 200);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

/* ---- limits ------------------------------------------------------------------------------------ */

static bool open_limited(struct host *host, uint64_t max_pending, uint64_t max_bytes)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy))
        return false;
    host_options(host, &options);
    options.max_pending = max_pending;
    options.max_pending_bytes = max_bytes;
    return host_open_with(host, &options);
}

TEST(one_instance_may_hold_half_of_the_places_and_the_rest_is_503_at_once)
{
    struct paa_txn *w[2], *v[2], *more;
    struct host host;

    REQUIRE(open_limited(&host, 4, 0));
    for (int i = 0; i < 2; i++)
        CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &w[i]), PAA_TXN_PENDING);
    CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &more), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(more)->code, 503);
    paa_txn_end(&more);
    for (int i = 0; i < 2; i++)
        CHECK_INT(begin(&host, "/v", "X-V: after:60000", NULL, &v[i]), PAA_TXN_PENDING);
    paa_txn_end(&w[0]);
    CHECK_INT(begin(&host, "/v", "X-V: after:60000", NULL, &more), PAA_TXN_ANSWER);
    paa_txn_end(&more);
    CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &w[0]), PAA_TXN_PENDING);
    CHECK_INT(code_of(&host, "GET", "/w", NULL), 200); /* what need not wait is let in */
    host_close(&host);
}

TEST(a_transaction_holds_the_place_of_the_instance_it_waits_for_now)
{
    struct paa_txn *first[2], *second[2];
    struct host host;

    REQUIRE(open_limited(&host, 4, 0));
    host.is_live = true;
    for (int i = 0; i < 2; i++) {
        CHECK_INT(begin(&host, "/wv", "X-W: after:1", "X-V: after:60000", &first[i]),
                  PAA_TXN_PENDING);
        while (paa_txn_step(first[i], 0)->result == 0)
            go_on(&host);
    }
    for (int i = 0; i < 2; i++)
        CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &second[i]), PAA_TXN_PENDING);
    for (int i = 0; i < 2; i++) {
        paa_txn_end(&first[i]);
        paa_txn_end(&second[i]);
    }
    host_close(&host);
}

TEST(memory_taken_between_two_waits_counts_too)
{
    enum { FITS = 0, GREW = 1 };
    static const char *const scripts[] = { "X-W: after:1 after:1 accept",
                                           "X-W: after:1 alloc:200000 after:1 accept" };
    enum paa_state expected[] = { PAA_TXN_ALLOW, PAA_TXN_ANSWER };
    struct paa_txn *txn;
    struct host host;

    for (int i = FITS; i <= GREW; i++) {
        REQUIRE(open_limited(&host, 0, 100000));
        host.is_live = true;
        CHECK_INT(begin(&host, "/w", scripts[i], NULL, &txn), PAA_TXN_PENDING);
        CHECK_INT(paa_txn_wait(txn, -1), expected[i]);
        if (i == GREW)
            CHECK_STR(paa_txn_answer(txn)->reason, "limit");
        paa_txn_end(&txn);
        host_close(&host);
    }
    CHECK_INT(host_broken_promises(), 0);
}

TEST(what_waits_may_not_hold_more_memory_than_was_said)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(open_limited(&host, 0, 1000));
    CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &txn), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 503);
    CHECK_STR(paa_txn_answer(txn)->reason, "limit");
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- waking ------------------------------------------------------------------------------------ */

TEST(a_wait_ends_after_its_time_or_an_interrupt_and_leaves_errno_alone)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &txn), PAA_TXN_PENDING);
    errno = EDOM;
    CHECK_INT(paa_txn_wait(txn, 0), PAA_TXN_PENDING);
    paa_lane_interrupt(host.lane);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_PENDING);
    CHECK_INT(errno, EDOM);
    paa_lane_interrupt(NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

struct waiter {
    struct host *host;
    const char *script;
    pthread_barrier_t *both; /* begun; and woken, so that the lane lives until then */
    enum paa_state state;
    unsigned code;
};

static void *wait_in_thread(void *arg)
{
    struct waiter *waiter = arg;
    static struct host other;
    struct paa_txn *txn;

    host_share(waiter->host, &other);
    if (paa_lane_open(&other.lane, other.context, NULL) != 0)
        return NULL;
    waiter->host->lane = other.lane;
    (void)begin(&other, "/w", waiter->script, NULL, &txn);
    (void)pthread_barrier_wait(waiter->both);
    waiter->state = paa_txn_wait(txn, -1);
    (void)pthread_barrier_wait(waiter->both);
    waiter->code = txn_code(waiter->state, txn);
    paa_txn_end(&txn);
    paa_lane_close(&other.lane);
    return NULL;
}

static void wake_by(void (*wake)(struct host *host), struct waiter *waiter)
{
    struct paa_context_options options;
    pthread_barrier_t both;
    pthread_t thread;
    static struct host host;

    REQUIRE(host_init(&host) && host_write(&host, policy));
    host_options(&host, &options);
    REQUIRE(host_open_context(&host, &options));
    pthread_barrier_init(&both, NULL, 2);
    *waiter = (struct waiter){ &host, "X-W: after:60000", &both, 0, 0 };
    REQUIRE(pthread_create(&thread, NULL, wait_in_thread, waiter) == 0);
    (void)pthread_barrier_wait(&both);
    wake(&host);
    (void)pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&both);
    host.lane = NULL;
    host_close(&host);
}

static void interrupt(struct host *host)
{
    paa_lane_interrupt(host->lane);
}

static void stop(struct host *host)
{
    paa_context_stop(host->context);
}

TEST(another_thread_may_interrupt_a_wait)
{
    struct waiter waiter;

    wake_by(interrupt, &waiter);
    CHECK_INT(waiter.state, PAA_TXN_PENDING);
}

TEST(a_context_that_is_stopped_ends_what_waits_with_503)
{
    struct waiter waiter;

    wake_by(stop, &waiter);
    CHECK_INT(waiter.code, 503);
}

TEST(a_stop_wakes_event_loops_too)
{
    struct paa_txn *txns[3];
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (int i = 0; i < 3; i++)
        CHECK_INT(begin(&host, "/w", "X-W: after:60000", NULL, &txns[i]), PAA_TXN_PENDING);
    paa_context_stop(host.context);
    go_on(&host);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(paa_txn_advance(txns[i]), PAA_TXN_ANSWER);
        CHECK_INT(paa_txn_answer(txns[i])->code, 503);
        CHECK_STR(paa_txn_answer(txns[i])->reason, "stopped");
        paa_txn_end(&txns[i]);
    }
    host_close(&host);
}

/* ---- plugins that do it wrongly ------------------------------------------------------------------ */

TEST(a_result_that_may_not_be_is_a_fault_that_no_control_word_passes_over)
{
    static const char *const scripts[] = { "X-W: number:0", "X-W: number:99", "X-W: number:12289",
                                           "X-W: done", "X-W: after:1 number:0" };
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        unsigned code = code_of(&host, "GET", "/w", scripts[i], NULL);
        unsigned optional = code_of(&host, "GET", "/optional", scripts[i], NULL);
        unsigned sufficient = code_of(&host, "GET", "/sufficient", scripts[i], NULL);

        if (code != 500 || optional == 200 || sufficient == 200)
            TEST_FAIL("%s is answered %u; optional %u; sufficient %u", scripts[i], code, optional,
                      sufficient);
    }
    CHECK_HAS(host.log, "instance w: a result that may not be returned in verify");
    host_close(&host);
}

TEST(waiting_wrongly_is_a_fault_and_harms_nobody_else)
{
    static const char *const scripts[] = { "X-W: pending",           "X-W: two_waits",
                                           "X-W: wait_and:20481",    "X-W: after:1 pending",
                                           "X-W: after:1 two_waits", "X-W: work:1 wait_and:20481",
                                           "X-W: after:1 wait_and:0" };
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        unsigned code = code_of(&host, "GET", "/w", scripts[i], NULL);

        if (code != 500)
            TEST_FAIL("%s is answered %u", scripts[i], code);
        CHECK_INT(code_of(&host, "GET", "/w", "X-W: after:2 need:ok", NULL), 200);
    }
    CHECK_HAS(host.log, "instance w: PENDING without a wait in verify");
    CHECK_HAS(host.log, "instance w: a second wait while one is under way in verify");
    CHECK_HAS(host.log, "instance w: a result while a wait was under way in verify");
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->begun), atomic_load(&host_counts()->finished));
    CHECK_INT(host_broken_promises(), 0);
}

TEST(entries_left_in_openssls_queue_and_in_errno_change_no_later_answer)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (int i = 0; i < 3; i++)
        CHECK_INT(code_of(&host, "GET", "/wv", "X-W: openssl errno work:1 openssl accept",
                          "X-V: errno openssl accept", NULL),
                  200);
    CHECK_INT(code_of(&host, "GET", "/v", "X-V: reject", NULL), 401);
    CHECK_INT(paa_context_reload(host.context, 60000, NULL), 1);
    CHECK_INT(code_of(&host, "GET", "/v", NULL), 200);
    host_close(&host);
}

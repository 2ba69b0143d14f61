/* SPDX-License-Identifier: MIT */
/* Transactions that are given up at every point, lanes that close with requests under way, several lanes at once:
 * whatever begins also finishes, and no plugin is called after that. */
#include "host.h"
#include "test.h"

#include <poll.h>

enum { ADVANCES_MAX = 12, LANES = 4, ROUNDS = 60 };

static const char policy[] = "stores = { state = \"memory\"; };\n" POLICY(
    SCRIPT("w", "verify = \"script:X-W\"; challenge = \"after:1*2 work:1 challenge:Bearer\";\n"
                "table = \"state\"; store = \"state\"; produce = \"after:1 product:v\";")
        SCRIPT("k", "attach = \"after:1 work:1 credential:7 accept\"; answered = \"after:1 work:1 "
                    "after:1 done\";"),
    API("chain = ( { required = \"w\" } );") OUT("chain = ( { required = \"k\" } );"));

struct tally {
    unsigned long created, destroyed, begun, finished, lane_init, lane_done, broken;
};

static struct tally tally(void)
{
    const struct scripted_counts *c = host_counts();

    return (struct tally){ atomic_load(&c->created),   atomic_load(&c->destroyed),
                           atomic_load(&c->begun),     atomic_load(&c->finished),
                           atomic_load(&c->lane_init), atomic_load(&c->lane_done),
                           host_broken_promises() };
}

/* After a context was closed. */
static void check_all_over(void)
{
    struct tally now = tally();

    CHECK_INT(now.destroyed, now.created);
    CHECK_INT(now.finished, now.begun);
    CHECK_INT(now.lane_done, now.lane_init);
    CHECK_INT(now.broken, 0);
}

/* One continuation further, as an event loop would. */
static enum paa_state step(struct host *host, struct paa_txn *txn)
{
    struct pollfd readable = { paa_lane_fd(host->lane), POLLIN, 0 };
    struct paa_txn *next = NULL;

    while (next != txn) {
        next = paa_lane_next(host->lane);
        if (next == NULL && poll(&readable, 1, 60000) != 1)
            return PAA_TXN_PENDING;
    }
    return paa_txn_advance(txn);
}

/* False: it was decided before that many advances. */
static bool give_up_after(struct host *host, const char *line, int advances)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct ask ask;

    ask_for(&ask, "GET", "/x", line, NULL);
    state = paa_txn_begin(&txn, host->lane, host->api, &ask.request);
    for (int i = 0; i < advances && state == PAA_TXN_PENDING; i++)
        state = step(host, txn);
    paa_txn_end(&txn);
    CHECK(txn == NULL);
    return state == PAA_TXN_PENDING;
}

TEST(a_transaction_may_be_given_up_at_every_point_of_verify_and_challenge)
{
    static const char *const lines[] = {
        "X-W: after:1*3 work:1 store_put:a=b store_get:a accept",
        "X-W: work:1 blocks:1 after:1 reject",
        "X-W: get:fresh renew:fresh after:1 accept",
        "X-W: absent",
        "X-W: wait_and:20481",
        "X-W: two_waits",
    };
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        int advances = 0;

        while (advances < ADVANCES_MAX && give_up_after(&host, lines[i], advances))
            advances++;
        CHECK(advances < ADVANCES_MAX);
    }
    host_close(&host);
    check_all_over();
}

TEST(a_request_that_is_sent_may_be_given_up_at_every_point_of_attach_and_answered)
{
    struct paa_response response;
    struct paa_ticket ticket;
    enum paa_state state = PAA_TXN_PENDING;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    ask_for(&ask, "GET", "https://out.example.com/x", NULL);
    ask.request.authority = paa_str_of(NULL);
    for (int advances = 0; state == PAA_TXN_PENDING && advances < ADVANCES_MAX; advances++) {
        state = paa_txn_begin(&txn, host.lane, host.out, &ask.request);
        for (int i = 0; i < advances && state == PAA_TXN_PENDING; i++)
            state = step(&host, txn);
        paa_txn_ticket(txn, &ticket);
        paa_txn_end(&txn);
    }
    CHECK_INT(state, PAA_TXN_ALLOW);
    paa_init(&response, sizeof response);
    response.code = 401;
    state = PAA_TXN_PENDING;
    for (int advances = 0; state == PAA_TXN_PENDING && advances < ADVANCES_MAX; advances++) {
        state = paa_txn_retry(&txn, host.lane, host.out, &ask.request, &ticket, &response);
        for (int i = 0; i < advances && state == PAA_TXN_PENDING; i++)
            state = step(&host, txn);
        paa_txn_end(&txn);
    }
    CHECK_INT(state, PAA_TXN_ALLOW);
    host_close(&host);
    check_all_over();
}

TEST(a_lane_closes_with_transactions_at_every_point)
{
    static const char *const lines[] = { "X-W: after:60000", "X-W: work:50 accept",
                                         "X-W: blocks:50",   "X-W: store_put:a=b after:1 accept",
                                         "X-W: absent",      "X-W: accept" };
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (size_t i = 0; i < 3 * sizeof lines / sizeof lines[0]; i++) {
        ask_for(&ask, "GET", "/x", lines[i % (sizeof lines / sizeof lines[0])], NULL);
        CHECK(paa_txn_begin(&txn, host.lane, host.api, &ask.request) != 0);
    }
    host_close(&host);
    check_all_over();
}

TEST(what_ran_on_for_transactions_given_up_is_let_go_without_paa_lane_next)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (int i = 0; i < 50; i++)
        CHECK(give_up_after(&host, "X-W: work:20", 0));
    for (int i = 0; i < 20; i++) /* works behind them in the same queue */
        CHECK_INT(code_of(&host, "GET", "/x", "X-W: work:1", NULL), 200);
    for (int i = 0; i < 50; i++)
        CHECK(give_up_after(&host, "X-W: after:60000", 0));
    CHECK(tally().begun - tally().finished < 60);
    host_close(&host);
    check_all_over();
}

/* ---- several lanes ----------------------------------------------------------------------------- */

struct worker {
    struct host host;
    unsigned seed;
    unsigned wrong;
};

static const struct {
    const char *line;
    unsigned code;
} mixed[] = {
    { "X-W: accept", 200 },
    { "X-W: after:1 accept", 200 },
    { "X-W: work:2 after:1 accept", 200 },
    { "X-W: after:1 reject", 401 },
    { "X-W: store_put:a=b store_get:a need:ok accept", 200 },
    { "X-W: get:shared need:ok accept", 200 },
    { "X-W: after:1 number:0", 500 },
    { "X-W: unavailable", 503 },
};

static void *work_in_lane(void *arg)
{
    struct worker *worker = arg;

    if (paa_lane_open(&worker->host.lane, worker->host.context, NULL) != 0) {
        worker->wrong++;
        return NULL;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned kind = (i * 7 + worker->seed) % (sizeof mixed / sizeof mixed[0]);

        if (i % 5 == 4)
            (void)give_up_after(&worker->host, mixed[kind].line, (int)(i / 5) % 3);
        else if (code_of(&worker->host, "GET", "/x", mixed[kind].line, NULL) != mixed[kind].code)
            worker->wrong++;
    }
    paa_lane_close(&worker->host.lane);
    return NULL;
}

TEST(several_lanes_in_several_threads_do_not_get_in_each_others_way)
{
    static struct worker workers[LANES];
    pthread_t threads[LANES];
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (unsigned i = 0; i < LANES; i++) {
        host_share(&host, &workers[i].host);
        workers[i].seed = i;
        REQUIRE(pthread_create(&threads[i], NULL, work_in_lane, &workers[i]) == 0);
    }
    for (unsigned i = 0; i < LANES; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(workers[i].wrong, 0);
    }
    host_close(&host);
    check_all_over();
}

static void *finish_in_thread(void *arg)
{
    struct paa_txn *txn = arg;
    enum paa_state state = paa_txn_wait(txn, -1);

    paa_txn_end(&txn);
    return state == PAA_TXN_ALLOW ? arg : NULL;
}

TEST(a_lane_may_pass_from_thread_to_thread)
{
    void *passed = NULL;
    struct paa_txn *txn;
    pthread_t thread;
    struct ask ask;
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (int i = 0; i < 10; i++) {
        ask_for(&ask, "GET", "/x", "X-W: after:1 work:1 accept", NULL);
        CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
        REQUIRE(pthread_create(&thread, NULL, finish_in_thread, txn) == 0);
        pthread_join(thread, &passed);
        CHECK(passed == txn);
    }
    host_close(&host);
    check_all_over();
}

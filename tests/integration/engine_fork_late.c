/* SPDX-License-Identifier: MIT */
/* Forks with a lane open: it is the parent's alone, and the child opens its own. Not run under ThreadSanitizer, which
 * cannot follow threads of the child of a program that had some. */
#include "forking.h"
#include "test.h"

/* In the child: the parent's lane and transaction are no use, and do no harm. */
static int use_parents_lane(struct host *host)
{
    struct paa_txn *waiting = NULL, *txn;
    int failures = 0;
    struct ask ask;

    ask_for(&ask, "GET", "/x", "X-W: accept", NULL);
    failures += paa_txn_begin(&txn, host->lane, host->api, &ask.request) != PAA_TXN_ANSWER;
    failures += txn != NULL || paa_txn_answer(txn)->code != 503;
    failures += paa_lane_next(host->lane) != NULL;
    paa_txn_end(&waiting);
    paa_lane_close(&host->lane);
    failures += serve_and_close(host);
    return failures;
}

static int keep_parents_lane(struct host *host)
{
    struct paa_lane *parents = host->lane;
    int failures = serve_and_close(host);

    paa_lane_close(&parents);
    return failures;
}

TEST(a_lane_of_before_the_fork_answers_503_in_the_child_which_opens_its_own)
{
    struct host host;

    REQUIRE(open_before_fork(&host));
    REQUIRE(paa_lane_open(&host.lane, host.context, NULL) == 0);
    CHECK_INT(code_of(&host, "GET", "/x", WAITS, NULL), 200);
    CHECK_INT(in_child(use_parents_lane, &host), 0);
    CHECK_INT(in_child(keep_parents_lane, &host), 0);
    CHECK_INT(code_of(&host, "GET", "/x", WAITS, NULL), 200);
    host_close(&host);
}

static struct paa_txn *parents_txn;

static int end_parents_txn(struct host *host)
{
    enum paa_state state = paa_txn_advance(parents_txn);
    int failures = state != PAA_TXN_ANSWER || paa_txn_answer(parents_txn)->code != 503;

    failures += paa_txn_wait(parents_txn, -1) != PAA_TXN_ANSWER;

    paa_txn_end(&parents_txn);
    failures += parents_txn != NULL;
    paa_lane_close(&host->lane);
    return failures + serve_and_close(host);
}

TEST(a_transaction_of_before_the_fork_is_the_parents_alone)
{
    struct host host;
    struct ask ask;

    REQUIRE(open_before_fork(&host));
    REQUIRE(paa_lane_open(&host.lane, host.context, NULL) == 0);
    ask_for(&ask, "GET", "/x", "X-W: after:50 accept", NULL);
    CHECK_INT(paa_txn_begin(&parents_txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    CHECK_INT(in_child(end_parents_txn, &host), 0);
    CHECK_INT(paa_txn_wait(parents_txn, -1), PAA_TXN_ALLOW);
    paa_txn_end(&parents_txn);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

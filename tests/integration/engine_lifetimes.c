/* SPDX-License-Identifier: MIT */
/* What outlives what: transactions that are handed out, operations that are cut, memory of the host, handles of another
 * context. Each of these failed once. */
#include "host.h"
#include "test.h"

#include <poll.h>

static const char policy[] =
    POLICY(SCRIPT("w", "verify = \"script:X-W\"; challenge = \"log:asked after:60000\";"),
           API("rules = ( { path = \"/w\"; chain = ( { required = \"w\" } ); } );"));

TEST(a_transaction_whose_outcome_is_here_and_that_is_late_too_is_handed_out_once)
{
    struct pollfd readable;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/w", "X-W: work:1 accept", NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    readable = (struct pollfd){ paa_lane_fd(host.lane), POLLIN, 0 };
    CHECK(poll(&readable, 1, 60000) == 1);
    CHECK(paa_lane_next(host.lane) == txn);
    host_pass(&host, 60000);
    CHECK(paa_lane_next(host.lane) == NULL);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_challenge_that_is_cut_by_the_deadline_is_not_asked_again)
{
    const char *at;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;
    int asked = 0;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/w", "X-W: reject", NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    host_pass(&host, 60000);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ANSWER);
    for (at = host.log; (at = strstr(at, "asked")) != NULL; at++)
        asked++;
    CHECK_INT(asked, 1);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_target_of_any_size_does_not_keep_its_refusal_out_of_the_audit)
{
    static char target[40002] = "/";
    static char line[65536];
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 1; i + 1 < sizeof target; i += 2)
        memcpy(target + i, "\xc2\x80", 2);
    ask_for(&ask, "GET", target, NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_ANSWER);
    CHECK(paa_txn_audit(txn, line, sizeof line) > 0);
    CHECK_HAS(line, "\"status\":400");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_request_with_too_many_fields_leaves_nothing_of_the_hosts_memory_behind)
{
    char target[] = "/path", method[] = "GET", line[4096];
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, method, target, NULL);
    for (int i = 0; i < 300; i++)
        ask_add(&ask, "A: b");
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 431);
    memset(target, 'Z', sizeof target - 1);
    memset(method, 'Z', sizeof method - 1);
    CHECK(paa_txn_target(txn).size == 5 && memcmp(paa_txn_target(txn).data, "/path", 5) == 0);
    CHECK(paa_txn_audit(txn, line, sizeof line) > 0);
    CHECK_HAS(line, "\"method\":\"GET\"");
    CHECK_HAS(line, "\"path\":\"/path\"");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_service_or_peer_of_another_context_is_refused)
{
    struct paa_peer_options options;
    struct paa_peer *peer;
    struct paa_txn *txn;
    struct host host, other;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    REQUIRE(host_open(&other, policy));
    ask_for(&ask, "GET", "/w", "X-W: accept", NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, other.api, &ask.request), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 500);
    paa_txn_end(&txn);
    paa_init(&options, sizeof options);
    REQUIRE(paa_peer_open(&peer, other.context, &options) == 0);
    ask.request.peer = peer;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 500);
    paa_txn_end(&txn);
    paa_peer_close(&peer);
    host_close(&other);
    host_close(&host);
}

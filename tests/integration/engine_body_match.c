/* SPDX-License-Identifier: MIT */
/* Content that is compared with a digest after its request was let in; and transactions that are given up at every point of
 * their content. */
#include "host.h"
#include "test.h"

#include "host_content.h"

enum { LANES = 4, ROUNDS = 40, POINTS_MAX = 12 };

TEST(content_is_compared_while_it_is_passed_on)
{
    static const struct {
        const char *script, *content;
        enum paa_state state;
    } cases[] = {
        { "must_match:sha-256=" ABC_256, "abc", PAA_TXN_ALLOW },
        { "must_match:sha-512=" ABC_512, "abc", PAA_TXN_ALLOW },
        { "must_match:sha-256=" ABC_256 " must_match:sha-512=" ABC_512, "abc", PAA_TXN_ALLOW },
        { "must_match:sha-256=" ABC_256, "abd", PAA_TXN_ANSWER },
        { "must_match:sha-256=" ABC_256, "", PAA_TXN_ANSWER },
        { "must_match:sha-256=" ABC_256, "abcd", PAA_TXN_ANSWER },
        { "must_match:sha-256=" NOTHING_256 " must_match:sha-512=" ABC_512, "abc", PAA_TXN_ANSWER },
    };
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_INT(begin(&host, "accept", cases[i].script, &txn), PAA_TXN_ALLOW);
        CHECK_INT(paa_txn_wants(txn), PAA_WANTS_BODY);
        CHECK_INT(give(txn, cases[i].content, 0), PAA_TXN_ALLOW);
        CHECK_INT(give(txn, "", 1), cases[i].state);
        CHECK_INT(paa_txn_wants(txn), 0);
        if (cases[i].state == PAA_TXN_ANSWER)
            check_answer(txn, 400, "content-digest");
        CHECK_INT(give(txn, "later", 1), cases[i].state);
        paa_txn_end(&txn);
    }
    host_close(&host);
}

TEST(content_that_turns_out_wrong_is_told_as_any_refusal_and_names_nobody)
{
    char line[4096];
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "who:alice header:X-Up=1 must_match:sha-256=" ABC_256, "accept", &txn),
              PAA_TXN_ALLOW);
    CHECK(paa_txn_principal(txn, 0) != NULL);
    CHECK_INT(give(txn, "other", 1), PAA_TXN_ANSWER);
    CHECK(paa_txn_principal(txn, 0) == NULL);
    CHECK(edit_of(txn, PAA_MESSAGE_REQUEST, "X-Up", 0) == NULL);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "Cache-Control"), "no-store");
    CHECK_HAS(host.log, "denied with 400: content-digest");
    REQUIRE(paa_txn_audit(txn, line, sizeof line) < sizeof line);
    CHECK_HAS(line, "\"verdict\":\"deny\",\"status\":400,\"reason\":\"content-digest\"");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(content_that_was_read_before_is_compared_before_it_is_let_in)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(open_with(&host, ALL_CAN & ~(uint32_t)PAA_CAN_BODY_MATCH, 0));
    CHECK_INT(begin(&host, "body:9", "must_match:sha-256=" ABC_256, &txn), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "abc", 1), PAA_TXN_ALLOW);
    CHECK_INT(paa_txn_wants(txn), 0);
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "body:9", "must_match:sha-256=" ABC_256, &txn), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "abd", 1), PAA_TXN_ANSWER);
    check_answer(txn, 400, "content-digest");
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "accept", "must_match:sha-256=" ABC_256, &txn), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 500);
    CHECK_HAS(host.log, "PAA_CAN_BODY_MATCH");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(what_a_step_that_does_not_count_says_of_content_does_not_count)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    post(&ask, "must_match:sha-256=" ABC_256 " reject", "accept");
    ask.request.target = paa_str_of("/optional");
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_ALLOW);
    CHECK_INT(paa_txn_wants(txn), 0);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_digest_that_cannot_be_one_is_a_fault)
{
    static const char *const scripts[] = { "must_match:sha-256=00", "must_match:md5=" ABC_256,
                                           "must_match:sha-512=" ABC_256, "must_match:sha-256=" };
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        CHECK_INT(begin(&host, scripts[i], "accept", &txn), PAA_TXN_ANSWER);
        CHECK_INT(paa_txn_answer(txn)->code, 500);
        paa_txn_end(&txn);
    }
    host_close(&host);
}

/* ---- given up ----------------------------------------------------------------------------------- */

/* False: it was decided before that many steps of the host. */
static bool give_up_after(struct host *host, const char *a, const char *b, int points)
{
    struct paa_txn *txn;
    enum paa_state state = begin(host, a, b, &txn);

    for (int i = 0; i < points && (state == PAA_TXN_INPUT || state == PAA_TXN_PENDING ||
                                   (paa_txn_wants(txn) & PAA_WANTS_BODY) != 0);
         i++)
        state = state == PAA_TXN_PENDING ? paa_txn_wait(txn, -1) : give(txn, "piece", i > 4);
    bool is_open = state == PAA_TXN_INPUT || state == PAA_TXN_PENDING ||
                   (paa_txn_wants(txn) & PAA_WANTS_BODY) != 0;
    paa_txn_end(&txn);
    return is_open;
}

static const char *const scripts[][2] = {
    { "body:100 after:1 digest:sha-256 accept", "body:100 work:1 accept" },
    { "digest:sha-512 accept", "must_match:sha-256=" ABC_256 },
    { "accept", "must_match:sha-256=" ABC_256 },
    { "after:1 body:3 reject", "accept" },
};

TEST(a_transaction_may_be_given_up_at_every_point_of_its_content)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        int points = 0;

        while (points < POINTS_MAX && give_up_after(&host, scripts[i][0], scripts[i][1], points))
            points++;
        CHECK(points < POINTS_MAX);
    }
    CHECK_INT(begin(&host, "body:9", "accept", &(struct paa_txn *){ NULL }), PAA_TXN_INPUT);
    host_close(&host); /* with one that still waits */
    CHECK_INT(atomic_load(&host_counts()->finished), atomic_load(&host_counts()->begun));
    CHECK_INT(host_broken_promises(), 0);
}

static void *work_in_lane(void *arg)
{
    struct host *host = arg;

    if (paa_lane_open(&host->lane, host->context, NULL) != 0)
        return NULL;
    for (int i = 0; i < ROUNDS; i++)
        (void)give_up_after(host, scripts[i % 4][0], scripts[i % 4][1], i / 4 % POINTS_MAX);
    paa_lane_close(&host->lane);
    return arg;
}

TEST(several_lanes_read_content_at_once)
{
    static struct host hosts[LANES];
    pthread_t threads[LANES];
    struct host host;
    void *done;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (int i = 0; i < LANES; i++) {
        host_share(&host, &hosts[i]);
        REQUIRE(pthread_create(&threads[i], NULL, work_in_lane, &hosts[i]) == 0);
    }
    for (int i = 0; i < LANES; i++) {
        pthread_join(threads[i], &done);
        CHECK(done == &hosts[i]);
    }
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->finished), atomic_load(&host_counts()->begun));
    CHECK_INT(host_broken_promises(), 0);
}

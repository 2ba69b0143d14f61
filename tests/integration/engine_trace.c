/* SPDX-License-Identifier: MIT */
/* What `paactl explain` and hosts read of a walk: rule, steps in order, results, times. */
#include "host.h"
#include "test.h"

static const char policy[] =
    POLICY(SCRIPT("a", "verify = \"script:X-A\";") SCRIPT("b", "verify = \"script:X-B\";")
               SCRIPT("c", "verify = \"script:X-C\";"),
           API("rules = (\n"
               "{ path = \"/other\"; chain = ( { required = \"a\" } ); },\n"
               "{ path = \"/x/**\"; methods = [ \"GET\" ]; identity = [ \"a\", \"b\", \"c\" ];\n"
               "  chain = ( { requisite = \"a\" }, { required = [ \"b\", \"c\" ] }, { optional = "
               "\"permit\" } ); } );") "whole = { direction = \"incoming\"; chain = ( { required = "
                                       "\"a\" } ); };\n");

struct expected {
    const char *instance;
    const char *control;
    enum paa_result result; /* 0: not run */
    const char *reason;
};

static void check_steps(struct host *host, const char *const *lines,
                        const struct expected *expected, bool is_traced)
{
    const struct paa_step *step;
    struct paa_txn *txn;
    struct ask ask;
    size_t i;

    ask_for(&ask, "GET", "/x/y", lines[0], lines[1], lines[2], NULL);
    ask.request.flags = is_traced ? PAA_REQUEST_TRACE : 0;
    (void)!host_ask(host, &ask, &txn);
    for (i = 0; expected[i].instance != NULL; i++) {
        step = paa_txn_step(txn, i);
        REQUIRE(step != NULL);
        CHECK_STR(step->instance, expected[i].instance);
        CHECK_STR(step->control, expected[i].control);
        CHECK_INT(step->result, expected[i].result);
        CHECK_INT(step->line, 10);
        CHECK_HAS(step->file.data, "paa.conf");
        if (expected[i].reason != NULL)
            CHECK_STR(step->reason, expected[i].reason);
        else
            CHECK(step->reason.data == NULL);
        CHECK(is_traced ? step->time_ns >= 0 : step->time_ns == -1);
        CHECK_INT(step->flags & PAA_STEP_MEMBER, i == 2 ? PAA_STEP_MEMBER : 0);
    }
    CHECK(paa_txn_step(txn, i) == NULL);
    paa_txn_end(&txn);
}

TEST(steps_come_in_the_order_of_the_policy_with_what_each_said)
{
    static const struct expected all[] = { { "a", "requisite", PAA_ACCEPT, NULL },
                                           { "b", "required", PAA_ABSENT, NULL },
                                           { "c", "required", PAA_REJECT, "expired" },
                                           { "permit", "optional", PAA_ACCEPT, NULL },
                                           { NULL, NULL, 0, NULL } };
    static const char *const lines[] = { "X-A: accept", "X-B: absent", "X-C: reject:expired" };
    struct host host;

    REQUIRE(host_open(&host, policy));
    check_steps(&host, lines, all, false);
    check_steps(&host, lines, all, true);
    host_close(&host);
}

TEST(steps_that_did_not_run_are_there_without_a_result)
{
    static const struct expected some[] = { { "a", "requisite", PAA_REJECT, "wrong" },
                                            { "b", "required", 0, NULL },
                                            { "c", "required", 0, NULL },
                                            { "permit", "optional", 0, NULL },
                                            { NULL, NULL, 0, NULL } };
    static const char *const lines[] = { "X-A: reject:wrong", "X-B: accept", "X-C: accept" };
    struct host host;

    REQUIRE(host_open(&host, policy));
    check_steps(&host, lines, some, true);
    host_close(&host);
}

TEST(a_group_stops_at_its_first_member_that_has_something_to_say)
{
    static const struct expected some[] = { { "a", "requisite", PAA_ACCEPT, NULL },
                                            { "b", "required", PAA_REJECT, "wrong" },
                                            { "c", "required", 0, NULL },
                                            { "permit", "optional", PAA_ACCEPT, NULL },
                                            { NULL, NULL, 0, NULL } };
    static const char *const lines[] = { "X-A: accept", "X-B: reject:wrong", "X-C: accept" };
    struct host host;

    REQUIRE(host_open(&host, policy));
    check_steps(&host, lines, some, true);
    host_close(&host);
}

TEST(time_of_a_step_is_that_of_its_plugins_code_and_not_of_its_waits)
{
    const struct paa_step *step;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/other", "X-A: after:60000 accept", NULL);
    ask.request.flags = PAA_REQUEST_TRACE;
    ask.request.timeout_ms = 1000;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    host_pass(&host, 1000);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ANSWER);
    step = paa_txn_step(txn, 0);
    REQUIRE(step != NULL);
    CHECK_INT(step->time_ns, 0); /* the clock stood still while its code ran */
    CHECK_INT(step->result, PAA_UNAVAILABLE);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_sentence_is_kept_where_a_step_failed_and_everywhere_under_trace)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/other", "X-A: absent:nothing", NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ANSWER);
    CHECK(paa_txn_step(txn, 0)->sentence.data == NULL);
    CHECK_STR(paa_txn_step(txn, 0)->reason, "nothing");
    paa_txn_end(&txn);
    ask.request.flags = PAA_REQUEST_TRACE;
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ANSWER);
    CHECK_STR(paa_txn_step(txn, 0)->sentence, "scripted: nothing");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(the_rule_that_decided_is_named)
{
    const struct paa_rule *rule;
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/x/y/z", NULL);
    rule = paa_txn_rule(txn);
    REQUIRE(rule != NULL);
    CHECK_STR(rule->service, "api");
    CHECK_STR(rule->pattern, "/x/**");
    CHECK_INT(rule->index, 1);
    CHECK_INT(rule->line, 9);
    CHECK_STR(rule->file, host.policy);
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "POST", "/x/y", NULL);
    CHECK_INT(txn_code(state, txn), 405);
    CHECK(paa_txn_rule(txn) != NULL && paa_txn_rule(txn)->index == 1);
    CHECK(paa_txn_step(txn, 0) == NULL);
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/nowhere", NULL);
    CHECK(paa_txn_rule(txn) == NULL);
    paa_txn_end(&txn);
    host.api = paa_service_find(host.context, "whole", PAA_INCOMING, NULL);
    txn = txn_of(&host, &state, "GET", "/anything", NULL);
    CHECK(paa_txn_rule(txn) != NULL && paa_str_eq(paa_txn_rule(txn)->pattern, ""));
    paa_txn_end(&txn);
    host_close(&host);
}

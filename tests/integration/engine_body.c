/* SPDX-License-Identifier: MIT */
/* Content of requests: asked for by steps, given by the host piece by piece, shared and limited. */
#include "host.h"
#include "test.h"

#include "host_content.h"

/* ---- reading it --------------------------------------------------------------------------------- */

TEST(content_is_asked_for_and_comes_piece_by_piece)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "body:100 need:ok accept", "accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(paa_txn_wants(txn), PAA_WANTS_BODY);
    CHECK(paa_txn_prompt(txn) == NULL);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_INPUT);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "logout_token", 0), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "", 0), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "=abc", 0), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "", 1), PAA_TXN_ALLOW);
    CHECK_INT(paa_txn_wants(txn), 0);
    CHECK_STR(noted(txn, "body"), "logout_token=abc");
    CHECK_INT(give(txn, "more", 1), PAA_TXN_ALLOW); /* nobody cares any more */
    paa_txn_end(&txn);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(digests_are_those_of_the_algorithms_that_rfc_9530_names)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "digest:sha-256 need:ok", "accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "a", 0), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "bc", 1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "digest"), ABC_256);
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "digest:sha-512 need:ok", "accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "abc", 1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "digest"), ABC_512);
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "digest:md5 need:unsupported", "accept", &txn), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(what_has_no_content_is_at_hand_at_once)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "POST", "/x", "X-A: body:0 need:ok digest:sha-256 need:ok", NULL);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "body"), "");
    CHECK_STR(noted(txn, "digest"), NOTHING_256);
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "POST", "/x", "X-A: must_match:sha-256=" NOTHING_256, NULL);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK_INT(paa_txn_wants(txn), 0);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_flag_that_the_host_forgot_makes_no_content_of_none)
{
    static const char *const fields[] = { "Content-Length: 3", "Transfer-Encoding: chunked" };
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    for (int i = 0; i < 2; i++) {
        ask_for(&ask, "POST", "/x", "X-A: digest:sha-256 need:ok", fields[i], NULL);
        CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_INPUT);
        CHECK_INT(give(txn, "abc", 1), PAA_TXN_ALLOW);
        CHECK_STR(noted(txn, "digest"), ABC_256);
        paa_txn_end(&txn);
    }
    host_close(&host);
}

TEST(a_host_that_passes_no_content_makes_that_unsupported_but_where_there_can_be_none)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(open_with(&host, ALL_CAN & ~(uint32_t)PAA_CAN_BODY, 0));
    CHECK_INT(begin(&host, "body:9 need:unsupported digest:sha-256 need:unsupported", "accept",
                    &txn),
              PAA_TXN_ALLOW);
    CHECK_INT(give(txn, "abc", 1), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    CHECK_INT(code_of(&host, "POST", "/x", "X-A: body:9 need:unsupported", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/x", "X-A: body:9 need:ok", NULL), 200);
    ask_for(&ask, "GET", "/x", "X-A: body:9 need:unsupported", NULL);
    ask.request.flags = PAA_REQUEST_BODY;
    CHECK_INT(ask_code(&host, &ask), 200);
    host_close(&host);
}

TEST(only_slots_that_judge_or_serve_a_request_may_ask_for_its_content)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/x", "X-A: reject",
                      "X-C: body:9 need:unsupported challenge:Basic done", NULL),
              401);
    host_close(&host);
}

/* ---- sharing it --------------------------------------------------------------------------------- */

TEST(a_second_step_gets_what_the_first_one_read_at_once)
{
    static const char *const pairs[][2] = {
        { "body:9 need:ok", "body:3 need:ok digest:sha-256 need:ok digest:sha-512 need:ok" },
        { "digest:sha-512 need:ok", "body:3 need:ok digest:sha-256 need:ok" },
        { "body:1 need:too_large", "body:3 need:ok digest:sha-256 need:ok" },
    };
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        CHECK_INT(begin(&host, pairs[i][0], pairs[i][1], &txn), PAA_TXN_INPUT);
        CHECK_INT(give(txn, "ab", 0), PAA_TXN_INPUT);
        CHECK_INT(give(txn, "c", 1), PAA_TXN_ALLOW);
        CHECK_STR(noted(txn, "body"), "abc");
        paa_txn_end(&txn);
    }
    host_close(&host);
}

TEST(of_content_that_was_too_large_to_be_kept_every_digest_is_there_for_later_steps)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "digest:sha-512 need:ok", "digest:sha-256 need:ok", &txn),
              PAA_TXN_INPUT);
    CHECK_INT(give_many(txn, 1000000), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "digest"), MILLION_256);
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "digest:sha-256 need:ok", "body:1000000 need:too_large reject", &txn),
              PAA_TXN_INPUT);
    CHECK_INT(give_many(txn, 1000000), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 413);
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "digest:sha-256 need:ok", "body:65536 need:ok", &txn), PAA_TXN_INPUT);
    CHECK_INT(give_many(txn, 64 * KIB), PAA_TXN_ALLOW); /* small enough for everybody */
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "body:1000000 need:ok", "body:1000000 need:ok", &txn), PAA_TXN_INPUT);
    CHECK_INT(give_many(txn, 1000000), PAA_TXN_ALLOW);
    CHECK_INT(noted(txn, "body").size, 1000000);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(pieces_that_come_unasked_are_not_lost)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    CHECK_INT(begin(&host, "after:1 body:9 need:ok", "digest:sha-256 need:ok", &txn),
              PAA_TXN_PENDING);
    CHECK(give(txn, "a", 0) != 0);
    CHECK(give(txn, "b", 0) != 0);
    while (paa_txn_wait(txn, -1) != PAA_TXN_INPUT)
        continue;
    CHECK_INT(give(txn, "c", 1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "body"), "abc");
    CHECK_STR(noted(txn, "digest"), ABC_256);
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- limits ------------------------------------------------------------------------------------- */

TEST(content_over_the_steps_limit_is_answered_413_as_soon_as_that_is_known)
{
    static const char *const ends[] = { "reject", "unavailable", "fault", "need:ok" };
    struct paa_txn *txn;
    struct host host;
    struct ask ask;
    char script[64];

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        (void)snprintf(script, sizeof script, "body:4 %s", ends[i]);
        CHECK_INT(begin(&host, script, "accept", &txn), PAA_TXN_INPUT);
        CHECK_INT(give(txn, "1234", 0), PAA_TXN_INPUT);
        CHECK_INT(give(txn, "5", 0), PAA_TXN_ANSWER);
        CHECK_INT(paa_txn_answer(txn)->code, 413);
        CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_REQUEST);
        paa_txn_end(&txn);
    }
    post(&ask, "body:4 need:too_large reject:big", "accept");
    ask.request.body_size = 5;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_ANSWER);
    check_answer(txn, 413, "big");
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "body:4294967295 need:too_large reject", "accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(give_many(txn, 1024 * KIB + 1), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 413);
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "body:4294967295 need:ok", "accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(give_many(txn, 1024 * KIB), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_step_that_can_do_without_large_content_is_not_held_up)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "body:2 need:too_large accept", "digest:sha-256 need:ok", &txn),
              PAA_TXN_INPUT);
    CHECK_INT(give(txn, "ab", 0), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "c", 1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "digest"), ABC_256);
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "body:2 need:too_large reject:invalid_request", "accept", &txn),
              PAA_TXN_INPUT);
    CHECK_INT(give(txn, "abc", 1), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 413);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(content_that_is_not_as_long_as_it_was_said_to_be_is_unavailable)
{
    static const char *const pieces[] = { "ab", "abcd" };
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    for (int i = 0; i < 2; i++) {
        post(&ask, "digest:sha-256 need:unavailable unavailable", "accept");
        ask.request.body_size = 3;
        CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_INPUT);
        CHECK_INT(give(txn, pieces[i], 1), PAA_TXN_ANSWER);
        CHECK_INT(paa_txn_answer(txn)->code, 503);
        paa_txn_end(&txn);
    }
    host_close(&host);
}

TEST(content_that_comes_though_there_was_to_be_none_is_unavailable)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    post(&ask, "after:1 digest:sha-256 need:unavailable unavailable", "accept");
    ask.request.flags = 0;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    CHECK(give(txn, "abc", 1) != 0);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 503);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(time_runs_while_content_is_waited_for)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "body:9 need:ok", "accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "a", 0), PAA_TXN_INPUT);
    host_pass(&host, 10000);
    CHECK(paa_lane_next(host.lane) == txn);
    CHECK_INT(give(txn, "b", 0), PAA_TXN_ANSWER);
    check_answer(txn, 503, "deadline");
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "body:9 need:ok", "accept", &txn), PAA_TXN_INPUT);
    paa_context_stop(host.context);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ANSWER);
    check_answer(txn, 503, "stopped");
    paa_txn_end(&txn);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(what_is_kept_of_content_counts_among_the_memory_of_those_that_wait)
{
    struct paa_txn *first, *txn;
    struct host host;

    REQUIRE(open_with(&host, ALL_CAN, 100000));
    CHECK_INT(begin(&host, "body:100000 need:ok", "accept", &first), PAA_TXN_INPUT);
    CHECK_INT(give_many(first, 60000), PAA_TXN_ALLOW);
    CHECK_INT(begin(&host, "body:200000 need:ok", "accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(give_many(txn, 200000), PAA_TXN_ANSWER);
    check_answer(txn, 503, "limit");
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "digest:sha-256 need:ok", "accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(give_many(txn, 50000), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    paa_txn_end(&first);
    host_close(&host);
}

TEST(a_request_that_may_not_wait_may_be_asked_for_its_content)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    post(&ask, "body:9 need:ok", "accept");
    ask.request.flags |= (uint32_t)PAA_REQUEST_NO_WAIT;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "abc", 1), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- other slots -------------------------------------------------------------------------------- */

TEST(a_path_that_is_served_reads_the_form_that_came)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    post(&ask, "body:100 need:ok answer:200=gone done", "accept");
    ask.request.target = paa_str_of("/served");
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "logout_token=abc", 1), PAA_TXN_ANSWER);
    check_answer(txn, 200, "served");
    CHECK_STR(noted(txn, "body"), "logout_token=abc");
    paa_txn_end(&txn);
    post(&ask, "body:3 unavailable", "accept");
    ask.request.target = paa_str_of("/served");
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "logout_token=abc", 1), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 413);
    paa_txn_end(&txn);
    post(&ask, "must_match:sha-256=" ABC_256 " answer:200=x done", "accept");
    ask.request.target = paa_str_of("/served");
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 500);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_request_that_goes_out_is_signed_with_its_content)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    post(&ask, "digest:sha-256 need:ok header:X-Signed=1", "accept");
    ask.request.target = paa_str_of("https://out.example.com/x");
    ask.request.authority = paa_str_of(NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.out, &ask.request), PAA_TXN_INPUT);
    CHECK_INT(give(txn, "abc", 1), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "digest"), ABC_256);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Signed"), "1");
    paa_txn_end(&txn);
    host_close(&host);
}

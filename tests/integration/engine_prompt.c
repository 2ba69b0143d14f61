/* SPDX-License-Identifier: MIT */
/* Prompts inside a transaction: what the host sees and gives back, and whose time runs meanwhile. */
#include "host.h"
#include "test.h"

enum { LANES = 4, ROUNDS = 40, POINTS_MAX = 12, MINUTE_MS = 60 * 1000 };

static const char policy[] =
    POLICY(SCRIPT("w",
                  "verify = \"script:X-W\"; challenge = \"script:X-C\"; attach = \"script:X-W\"; "
                  "answered = \"script:X-R\"; path = \"/served\"; serve = \"script:X-W\";"),
           API("chain = ( { required = \"w\" } );") OUT("chain = ( { required = \"w\" } );"));

static enum paa_state begin(struct host *host, const char *target, const char *line,
                            struct paa_txn **ret_txn)
{
    struct ask ask;

    ask_for(&ask, "GET", target, line, NULL);
    return paa_txn_begin(ret_txn, host->lane, host->api, &ask.request);
}

static enum paa_state reply(struct paa_txn *txn, const char *text)
{
    paa_txn_reply(txn, paa_str_of(text));
    return paa_txn_advance(txn);
}

static struct paa_str noted(const struct paa_txn *txn, const char *name)
{
    const struct paa_field *note;

    for (size_t i = 0; (note = paa_txn_note(txn, i)) != NULL; i++)
        if (paa_str_eq(note->name, name))
            return note->value;
    return paa_str_of(NULL);
}

static void check_prompt(const struct paa_txn *txn, enum paa_prompt_kind kind, const char *text)
{
    const struct paa_prompt *prompt = paa_txn_prompt(txn);

    CHECK_INT(paa_txn_wants(txn), PAA_WANTS_PROMPT);
    REQUIRE(prompt != NULL);
    CHECK_INT(prompt->kind, kind);
    CHECK_STR(prompt->text, text);
    CHECK_STR(prompt->instance, "w");
}

/* ---- asking ------------------------------------------------------------------------------------- */

TEST(a_prompt_reaches_the_host_and_its_reply_the_step)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/x", "X-W: ask:your~name need:ok ask_secret:password need:ok", &txn),
              PAA_TXN_INPUT);
    check_prompt(txn, PAA_PROMPT_TEXT, "your name");
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_INPUT);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_INPUT);
    paa_txn_reply(txn, paa_str_of("alic"));
    CHECK_INT(reply(txn, "alice"), PAA_TXN_INPUT); /* the last one counts */
    CHECK_STR(noted(txn, "reply"), "alice");
    check_prompt(txn, PAA_PROMPT_SECRET, "password");
    CHECK_INT(reply(txn, ""), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "reply"), "");
    CHECK_INT(paa_txn_wants(txn), 0);
    CHECK(paa_txn_prompt(txn) == NULL);
    CHECK_INT(reply(txn, "too late"), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(what_only_shows_needs_no_reply_but_is_not_passed_over_unseen)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/x", "X-W: show:hello need:ok open:https://id.example.com need:ok",
                    &txn),
              PAA_TXN_INPUT);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_INPUT);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_INPUT);
    check_prompt(txn, PAA_PROMPT_INFO, "hello");
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_INPUT);
    check_prompt(txn, PAA_PROMPT_OPEN, "go there");
    CHECK_STR(paa_txn_prompt(txn)->url, "https://id.example.com");
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    CHECK(noted(txn, "reply").data == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_person_may_decline)
{
    static char huge[70000];
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/x", "X-W: ask:name need:denied open:x need:denied accept", &txn),
              PAA_TXN_INPUT);
    CHECK_INT(reply(txn, NULL), PAA_TXN_INPUT);
    CHECK_INT(reply(txn, NULL), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    memset(huge, 'x', sizeof huge - 1);
    CHECK_INT(begin(&host, "/x", "X-W: ask:name need:denied accept", &txn), PAA_TXN_INPUT);
    CHECK_INT(reply(txn, huge), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(where_there_is_nobody_to_ask_that_is_unsupported)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, policy));
    host_options(&host, &options);
    options.can &= ~(uint32_t)PAA_CAN_PROMPT;
    REQUIRE(host_open_with(&host, &options));
    CHECK_INT(code_of(&host, "GET", "/x", "X-W: ask:x need:unsupported show:x need:unsupported",
                      NULL),
              200);
    host_close(&host);
}

TEST(a_prompt_of_no_known_kind_is_put_to_nobody)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/x", "X-W: ask_kind:0 need:invalid ask_kind:99 need:invalid",
                      NULL),
              200);
    host_close(&host);
}

TEST(a_request_that_may_not_wait_may_ask)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/x", "X-W: ask:name need:ok", NULL);
    ask.request.flags = PAA_REQUEST_NO_WAIT;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_INPUT);
    CHECK_INT(reply(txn, "x"), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(every_slot_of_a_request_may_ask)
{
    struct paa_response response;
    struct paa_ticket ticket;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/x", "X-W: reject", "X-C: ask:why need:ok challenge:Basic done", NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_INPUT);
    CHECK_INT(reply(txn, "because"), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 401);
    paa_txn_end(&txn);
    CHECK_INT(begin(&host, "/served", "X-W: ask:x need:ok answer:200=x done", &txn), PAA_TXN_INPUT);
    CHECK_INT(reply(txn, "x"), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 200);
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "https://out.example.com/x", "X-W: ask:x need:ok credential:1 accept",
            "X-R: ask:x need:ok done", NULL);
    ask.request.authority = paa_str_of(NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.out, &ask.request), PAA_TXN_INPUT);
    CHECK_INT(reply(txn, "x"), PAA_TXN_ALLOW);
    paa_txn_ticket(txn, &ticket);
    paa_txn_end(&txn);
    paa_init(&response, sizeof response);
    response.code = 401;
    CHECK_INT(paa_txn_retry(&txn, host.lane, host.out, &ask.request, &ticket, &response),
              PAA_TXN_INPUT);
    CHECK_INT(reply(txn, "x"), PAA_TXN_INPUT); /* attach, once more */
    CHECK_INT(reply(txn, "x"), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(prompts_and_content_may_be_asked_for_in_turn)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "POST", "/x", "X-W: ask:x need:ok body:9 need:ok show:y need:ok", NULL);
    ask.request.flags = PAA_REQUEST_BODY;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_INPUT);
    CHECK_INT(paa_txn_body(txn, paa_bytes_of("ab", 2), 0), PAA_TXN_INPUT);
    CHECK_INT(paa_txn_wants(txn), PAA_WANTS_PROMPT);
    CHECK_INT(reply(txn, "x"), PAA_TXN_INPUT);
    CHECK_INT(paa_txn_wants(txn), PAA_WANTS_BODY);
    CHECK_INT(reply(txn, "nobody asked"), PAA_TXN_INPUT);
    CHECK_INT(paa_txn_body(txn, paa_bytes_of("c", 1), 1), PAA_TXN_INPUT);
    CHECK_STR(noted(txn, "body"), "abc");
    CHECK(paa_txn_prompt(txn) != NULL);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- time --------------------------------------------------------------------------------------- */

TEST(the_requests_time_stands_still_while_a_person_is_asked)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/x", "X-W: ask:name need:ok remaining:left after:60000 accept", &txn),
              PAA_TXN_INPUT);
    host_pass(&host, 4 * MINUTE_MS);
    CHECK(paa_lane_next(host.lane) == NULL);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_INPUT);
    CHECK_INT(reply(txn, "alice"), PAA_TXN_PENDING);
    CHECK_STR(noted(txn, "left"), "10000");
    host_pass(&host, 9999);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_PENDING);
    host_pass(&host, 1);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ANSWER);
    CHECK_STR(paa_txn_answer(txn)->reason, "deadline");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_person_who_takes_longer_than_five_minutes_is_given_up)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/x", "X-W: ask:name need:unavailable remaining:left accept", &txn),
              PAA_TXN_INPUT);
    host_pass(&host, 5 * MINUTE_MS - 1);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_INPUT);
    host_pass(&host, 1);
    CHECK(paa_lane_next(host.lane) == txn);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ALLOW);
    CHECK_STR(noted(txn, "left"), "10000");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(five_minutes_are_for_all_that_is_asked)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/x",
                    "X-W: ask:a need:ok ask:b need:unavailable ask:c need:unavailable accept",
                    &txn),
              PAA_TXN_INPUT);
    host_pass(&host, 4 * MINUTE_MS);
    CHECK_INT(reply(txn, "a"), PAA_TXN_INPUT);
    host_pass(&host, MINUTE_MS);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(among_those_that_wait_each_is_late_by_its_own_time)
{
    struct paa_txn *asks, *waits;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(begin(&host, "/x", "X-W: ask:name need:unavailable accept", &asks), PAA_TXN_INPUT);
    CHECK_INT(begin(&host, "/x", "X-W: after:60000", &waits), PAA_TXN_PENDING);
    host_pass(&host, 10000);
    CHECK(paa_lane_next(host.lane) == waits);
    CHECK(paa_lane_next(host.lane) == NULL);
    CHECK_INT(paa_txn_advance(waits), PAA_TXN_ANSWER);
    host_pass(&host, 5 * MINUTE_MS);
    CHECK(paa_lane_next(host.lane) == asks);
    CHECK_INT(paa_txn_wait(asks, -1), PAA_TXN_ALLOW);
    paa_txn_end(&waits);
    paa_txn_end(&asks);
    host_close(&host);
}

/* ---- given up ----------------------------------------------------------------------------------- */

static const char *const scripts[] = {
    "X-W: ask:a after:1 show:b work:1 ask_secret:c accept",
    "X-W: after:1 open:a after:1*2 reject",
};

static bool give_up_after(struct host *host, const char *line, int points)
{
    struct paa_txn *txn;
    enum paa_state state = begin(host, "/x", line, &txn);

    for (int i = 0; i < points && (state == PAA_TXN_INPUT || state == PAA_TXN_PENDING); i++)
        state = state == PAA_TXN_PENDING ? paa_txn_wait(txn, -1) : reply(txn, "reply");
    paa_txn_end(&txn);
    return state == PAA_TXN_INPUT || state == PAA_TXN_PENDING;
}

TEST(a_transaction_may_be_given_up_while_it_asks)
{
    struct paa_txn *left;
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (size_t i = 0; i < 2; i++) {
        int points = 0;

        while (points < POINTS_MAX && give_up_after(&host, scripts[i], points))
            points++;
        CHECK(points < POINTS_MAX);
    }
    CHECK_INT(begin(&host, "/x", "X-W: ask:a", &left), PAA_TXN_INPUT);
    paa_context_stop(host.context);
    CHECK_INT(paa_txn_advance(left), PAA_TXN_ANSWER);
    CHECK_STR(paa_txn_answer(left)->reason, "stopped");
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->finished), atomic_load(&host_counts()->begun));
    CHECK_INT(host_broken_promises(), 0);
}

static void *ask_in_lane(void *arg)
{
    struct host *host = arg;

    if (paa_lane_open(&host->lane, host->context, NULL) != 0)
        return NULL;
    for (int i = 0; i < ROUNDS; i++)
        (void)give_up_after(host, scripts[i % 2], i / 2 % POINTS_MAX);
    paa_lane_close(&host->lane);
    return arg;
}

TEST(several_lanes_ask_at_once)
{
    static struct host hosts[LANES];
    pthread_t threads[LANES];
    struct host host;
    void *done;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    for (int i = 0; i < LANES; i++) {
        host_share(&host, &hosts[i]);
        REQUIRE(pthread_create(&threads[i], NULL, ask_in_lane, &hosts[i]) == 0);
    }
    for (int i = 0; i < LANES; i++) {
        pthread_join(threads[i], &done);
        CHECK(done == &hosts[i]);
    }
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->finished), atomic_load(&host_counts()->begun));
    CHECK_INT(host_broken_promises(), 0);
}

/* ---- verbs -------------------------------------------------------------------------------------- */

static int64_t converse(const struct paa_prompt *prompt, char *ret_reply, size_t size, void *user)
{
    (void)user;
    if (size < 5 || paa_str_eq(prompt->text, "decline"))
        return -1;
    memcpy(ret_reply, "alice", 5);
    return 5;
}

static void ignore_output(const char *data, size_t size, void *user)
{
    (void)data;
    (void)size;
    (void)user;
}

TEST(a_verb_asks_whom_the_host_asks)
{
    static const char *const arguments[] = {
        "script=ask:name need:ok show:hello need:ok ask:decline need:denied done"
    };
    struct paa_context_options options;
    struct paa_command command;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, policy));
    host_options(&host, &options);
    options.converse_fn = converse;
    REQUIRE(host_open_context(&host, &options));
    paa_init(&command, sizeof command);
    command.instance = "w";
    command.verb = "run";
    command.arguments = arguments;
    command.argument_count = 1;
    command.write_fn = ignore_output;
    CHECK_INT(paa_context_run(host.context, &command, &host.error), 0);
    host_close(&host);
}

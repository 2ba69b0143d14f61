/* SPDX-License-Identifier: MIT */
/* Tokens that go out: what is asked, what is sent, when a new one is obtained, what is refused. */
#include "sends.h"
#include "test.h"

#include "host_keys.h"

#include <sched.h>

static const struct fault_answer first = TOKEN("one", ",\"expires_in\":600");
static const struct fault_answer second = TOKEN("two", ",\"expires_in\":600");
static const struct fault_answer broken = { .code = 500, .type = JSON_TYPE, .body = "{}" };
static const struct fault_answer no_client = {
    .code = 401,
    .type = JSON_TYPE,
    .body = "{\"error\":\"invalid_client\",\"error_description\":\"me? \\u001b[31m never\"}"
};

TEST(a_token_is_obtained_once_and_goes_with_each_request)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    fault_server_answer(place.server, "/token", &first);
    for (int i = 0; i < 5; i++)
        CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    CHECK_INT(fault_server_requests(place.server), 1);
    CHECK_INT(sends(&place.host).wants, 0);
    sends_end(&place);
}

/* RFC 6749 4.4.2, RFC 8707 2 */
TEST(the_request_for_a_token_says_what_the_policy_says)
{
    struct fault_request request;
    struct place place;
    char value[256];

    REQUIRE(sends_begin(&place, SENDS_PLAIN
                        "scope = [ \"a b\", \"c\" ]; audience = [ \"https://one\" ]; resource = "
                        "[ \"https://x/\", \"https://y/\" ]; parameters = [ \"tenant=blue "
                        "&=\" ];"));
    fault_server_answer(place.server, "/token", &first);
    CHECK_INT(sends(&place.host).code, 200);
    REQUIRE(fault_server_last(place.server, &request));
    CHECK_STR(paa_str_of(request.method), "POST");
    CHECK_STR(paa_str_of(request.body),
              "grant_type=client_credentials&scope=a%20b%20c&audience=https%3A%2F%2Fone&resource="
              "https%3A%2F%2Fx%2F&resource=https%3A%2F%2Fy%2F&tenant=blue%20%26%3D");
    REQUIRE(fault_request_header(&request, "Authorization", value, sizeof value));
    /* me:hush%3A%20100%25 */
    CHECK_STR(paa_str_of(value), "Basic bWU6aHVzaCUzQSUyMDEwMCUyNQ==");
    REQUIRE(fault_request_header(&request, "Content-Type", value, sizeof value));
    CHECK_STR(paa_str_of(value), "application/x-www-form-urlencoded");
    sends_end(&place);
}

TEST(another_client_authentication_puts_the_secret_into_the_form_or_nowhere)
{
    struct fault_request request;
    struct place place;
    char value[256];

    REQUIRE(sends_begin(&place, SENDS_PLAIN "client_auth = \"client_secret_post\";"));
    fault_server_answer(place.server, "/token", &first);
    CHECK_INT(sends(&place.host).code, 200);
    REQUIRE(fault_server_last(place.server, &request));
    CHECK_STR(paa_str_of(request.body), "grant_type=client_credentials&client_id=me&client_secret="
                                        "hush%3A%20100%25");
    CHECK(!fault_request_header(&request, "Authorization", value, sizeof value));
    sends_end(&place);
    REQUIRE(sends_begin(&place, "token_endpoint = \"@/token\"; client_auth = \"none\";"));
    fault_server_answer(place.server, "/token", &first);
    CHECK_INT(sends(&place.host).code, 200);
    REQUIRE(fault_server_last(place.server, &request));
    CHECK_STR(paa_str_of(request.body), "grant_type=client_credentials&client_id=me");
    sends_end(&place);
}

TEST(a_token_may_stand_in_another_field_and_without_a_scheme)
{
    struct place place;
    struct paa_txn *txn;
    struct ask ask;
    enum paa_state state;

    REQUIRE(sends_begin(&place, SENDS_PLAIN "header = \"X-Token\"; scheme = \"\";"));
    fault_server_answer(place.server, "/token", &first);
    sends_ask(&ask);
    state = paa_txn_begin(&txn, place.host.lane, place.host.out, &ask.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Token"), "one");
    paa_txn_end(&txn);
    sends_end(&place);
}

/* ---- its life ----------------------------------------------------------------------------------- */

/* Until it goes out: the renewal runs on a thread of its own. */
static void await_token(struct place *place, const char *authorization)
{
    while (strcmp(sends(&place->host).authorization, authorization) != 0)
        sched_yield();
}

TEST(a_token_is_renewed_before_it_ends_and_serves_meanwhile)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN "renew_before = \"100s\";"));
    fault_server_answer(place.server, "/token", &first);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    host_pass(&place.host, 400 * 1000);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    CHECK_INT(fault_server_requests(place.server), 1);
    fault_server_forget(place.server, "/token");
    fault_server_answer(place.server, "/token", &second);
    host_pass(&place.host, 101 * 1000);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    await_token(&place, "Bearer two");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(a_token_serves_until_its_end_while_renewal_fails)
{
    struct place place;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_PLAIN "renew_before = \"100s\";"));
    fault_server_answer(place.server, "/token", &first);
    fault_server_answer(place.server, "/token", &broken);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    host_pass(&place.host, 505 * 1000);
    CHECK(sends_until_log(&place, "it could not be made", 1, "Bearer one"));
    host_pass(&place.host, 65 * 1000);
    CHECK(sends_until_log(&place, "it could not be made", 2, "Bearer one"));
    CHECK_INT(fault_server_requests(place.server), 3);
    host_pass(&place.host, 64 * 1000); /* past 590 s: 10 before its end it is sent no more */
    sent = sends(&place.host);
    CHECK_INT(sent.code, 503);
    CHECK_STR(paa_str_of(sent.reason), "no-token");
    sends_end(&place);
}

TEST(a_token_at_hand_is_not_thrown_away_when_a_new_one_is_refused)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN "renew_before = \"100s\";"));
    fault_server_answer(place.server, "/token", &first);
    fault_server_answer(place.server, "/token", &no_client);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    host_pass(&place.host, 520 * 1000);
    CHECK(sends_until_log(&place, "it could not be made", 1, "Bearer one"));
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    sends_end(&place);
}

TEST(a_life_that_is_not_said_is_the_policys_default)
{
    static const struct fault_answer silent = TOKEN("one", "");
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN "default_lifetime = \"100s\";"));
    fault_server_answer(place.server, "/token", &silent);
    fault_server_answer(place.server, "/token", &second);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    host_pass(&place.host, 91 * 1000);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer two");
    sends_end(&place);
}

/* ---- refused by the peer ------------------------------------------------------------------------ */

TEST(a_refused_token_is_dropped_once_for_all_who_sent_it)
{
    struct place place;
    struct sent sent[3], again;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    fault_server_answer(place.server, "/token", &first);
    fault_server_answer(place.server, "/token", &second);
    for (int i = 0; i < 3; i++)
        sent[i] = sends(&place.host);
    for (int i = 0; i < 3; i++) {
        again = sends_again(&place.host, &sent[i], 401, NULL, 0);
        CHECK_INT(again.state, PAA_TXN_ALLOW);
        CHECK_STR(paa_str_of(again.authorization), "Bearer two");
    }
    CHECK_INT(fault_server_requests(place.server), 2);
    again = sends_again(&place.host, &again, 401, NULL, 0);
    CHECK_INT(again.state, PAA_TXN_OVER);
    CHECK_INT(fault_server_requests(place.server), 2);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer two");
    sends_end(&place);
}

TEST(a_peer_that_refuses_every_token_costs_one_in_half_a_minute)
{
    struct place place;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    fault_server_answer(place.server, "/token", &first);
    sent = sends(&place.host);
    for (int i = 0; i < 10; i++)
        if (sends_again(&place.host, &sent, 401, NULL, 0).state == PAA_TXN_ALLOW)
            sent = sends(&place.host);
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

/* ---- refused by the authorization server -------------------------------------------------------- */

TEST(a_refusal_is_a_rejection_with_the_servers_word_and_is_remembered)
{
    struct place place;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    fault_server_answer(place.server, "/token", &no_client);
    sent = sends(&place.host);
    CHECK_INT(sent.state, PAA_TXN_ANSWER);
    CHECK_STR(paa_str_of(sent.reason), "token-refused");
    CHECK_HAS(sent.sentence, "\"invalid_client\"");
    CHECK(strstr(sent.sentence, "never") == NULL);
    CHECK_HAS(place.host.log, "invalid_client: me? ");
    CHECK(strchr(place.host.log, '\x1b') == NULL);
    for (int i = 0; i < 5; i++)
        CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    CHECK_INT(fault_server_requests(place.server), 1);
    host_pass(&place.host, 31 * 1000);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(the_secret_is_read_again_for_each_token)
{
    struct fault_request request;
    struct place place;
    char value[256] = "";

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    fault_server_answer(place.server, "/token", &first);
    CHECK_INT(sends(&place.host).code, 200);
    sends_secret(&place, "other");
    while (strcmp(value, "Basic bWU6b3RoZXI=") != 0) { /* until the watcher has seen the new file */
        host_pass(&place.host, 600 * 1000);
        CHECK_INT(sends(&place.host).code, 200);
        REQUIRE(fault_server_last(place.server, &request));
        REQUIRE(fault_request_header(&request, "Authorization", value, sizeof value));
    }
    CHECK(strstr(place.host.log, "other") == NULL && strstr(place.host.log, "hush") == NULL);
    sends_end(&place);
}

TEST(less_scope_is_warned_of_or_refused)
{
    static const struct fault_answer less = TOKEN("one", ",\"expires_in\":600,\"scope\":\"a\"");
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN "scope = \"a b\";"));
    fault_server_answer(place.server, "/token", &less);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    CHECK_HAS(place.host.log, "permits less");
    sends_end(&place);
    REQUIRE(sends_begin(&place, SENDS_PLAIN "scope = \"a b\"; less_scope = \"refuse\";"));
    fault_server_answer(place.server, "/token", &less);
    CHECK_INT(sends(&place.host).code, 503);
    sends_end(&place);
}

/* ---- trouble ------------------------------------------------------------------------------------ */

struct trouble {
    const char *name;
    struct fault_answer answer;
};

static const struct trouble troubles[] = {
    { "500", { .code = 500, .type = JSON_TYPE, .body = "{\"error\":\"invalid_client\"}" } },
    { "closed", { .flags = FAULT_CLOSE } },
    { "truncated", { .type = JSON_TYPE, .flags = FAULT_TRUNCATE, .body = "{\"access_token\":1}" } },
    { "too long", { .type = JSON_TYPE, .flags = FAULT_TOO_LONG, .body = "{}" } },
    { "huge", { .type = JSON_TYPE, .flags = FAULT_ENDLESS, .body = "{\"a\":\"xxxxxxxxxxxxxx\"}" } },
    { "html",
      { .type = "text/html", .body = "{\"access_token\":\"x\",\"token_type\":\"Bearer\"}" } },
    { "redirect",
      { .code = 307, .type = JSON_TYPE, .headers = "Location: /elsewhere\r\n", .body = "{}" } },
    { "no HTTP", { .flags = FAULT_RAW, .body = "hello\r\n\r\n" } },
    { "another type",
      { .type = JSON_TYPE, .body = "{\"access_token\":\"x\",\"token_type\":\"mac\"}" } },
    { "a DPoP token",
      { .type = JSON_TYPE, .body = "{\"access_token\":\"x\",\"token_type\":\"DPoP\"}" } },
    { "a token with a line break",
      { .type = JSON_TYPE,
        .body = "{\"access_token\":\"x\\r\\ny: z\",\"token_type\":\"Bearer\"}" } },
    { "a doubled member",
      { .type = JSON_TYPE,
        .body = "{\"access_token\":\"x\",\"access_token\":\"y\",\"token_type\":\"Bearer\"}" } },
    { "it has ended", TOKEN("x", ",\"expires_in\":0") },
    { "404", { .code = 404, .type = "text/html", .body = "<html>" } },
};

TEST(whatever_else_a_token_endpoint_does_nothing_is_sent_and_it_is_left_alone)
{
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        struct place place;
        struct sent sent;

        REQUIRE(sends_begin(&place, SENDS_PLAIN));
        fault_server_answer(place.server, "/token", &troubles[i].answer);
        sent = sends(&place.host);
        if (sent.code != 503 || strcmp(sent.reason, "no-token") != 0 || sent.retry_after_s == 0)
            TEST_FAIL("%s: %u %s: %s", troubles[i].name, sent.code, sent.reason, sent.sentence);
        place.host.is_live = false;
        CHECK_INT(sends(&place.host).code, 503);
        CHECK_INT(fault_server_requests(place.server), 1);
        sends_end(&place);
    }
}

/* The memo of tokens is secret, and why a server cannot be asked is none. */
TEST(the_log_says_why_a_renewal_in_the_background_failed)
{
    static const struct fault_answer closed = { .flags = FAULT_CLOSE };
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN "renew_before = \"100s\";"));
    fault_server_answer(place.server, "/token", &first);
    fault_server_answer(place.server, "/token", &closed);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    host_pass(&place.host, 505 * 1000);
    CHECK(sends_until_log(&place, "instance mine: tokens: https://127.0.0.1:", 1, "Bearer one"));
    CHECK(strstr(place.host.log, "it could not be made") == NULL);
    CHECK(strstr(place.host.log, "/token") == NULL && strstr(place.host.log, "hush") == NULL);
    sends_end(&place);
}

TEST(retry_after_is_obeyed_and_passed_on)
{
    static const struct fault_answer busy = {
        .code = 429, .type = JSON_TYPE, .headers = "Retry-After: 100\r\n", .body = "{}"
    };
    struct place place;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    fault_server_answer(place.server, "/token", &busy);
    fault_server_answer(place.server, "/token", &first);
    sent = sends(&place.host);
    CHECK_INT(sent.code, 503);
    CHECK(sent.retry_after_s >= 100);
    host_pass(&place.host, 50 * 1000);
    CHECK_INT(sends(&place.host).code, 503);
    CHECK_INT(fault_server_requests(place.server), 1);
    host_pass(&place.host, 60 * 1000);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    sends_end(&place);
}

/* ---- verbs -------------------------------------------------------------------------------------- */

TEST(status_says_what_is_at_hand_and_never_the_token)
{
    struct host_output output;
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN "scope = \"a b\";"));
    fault_server_answer(place.server, "/token", &first);
    CHECK_INT(host_run(&place.host, "mine", "status", NULL, &output), 0);
    CHECK_HAS(output.text, "\"scope\":\"a b\"");
    CHECK_HAS(output.text, "\"client\":\"me\"");
    CHECK(strstr(output.text, "one") == NULL);
    CHECK_INT(host_run(&place.host, "mine", "drop", NULL, &output), 0);
    CHECK(host_run(&place.host, "mine", "drop", NULL, &output) != 0);
    CHECK_HAS(place.host.error.text, "no token is kept");
    sends_end(&place);
}

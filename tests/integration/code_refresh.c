/* SPDX-License-Identifier: MIT */
/* Tokens of people renew themselves: what is redeemed, what is kept, when somebody has to log in again. */
#include "key_exchanged.h"
#include "people.h"
#include "test.h"

#define GIVEN(word, refresh) TOKEN(word, ",\"expires_in\":600,\"refresh_token\":\"" refresh "\"")

static const struct fault_answer first = GIVEN("one", "fresh-1");
static const struct fault_answer second = GIVEN("two", "fresh-2");
static const struct fault_answer third = GIVEN("three", "fresh-3");
static const struct fault_answer bare = TOKEN("bare", ",\"expires_in\":600");
static const struct fault_answer broken = { .code = 500, .type = JSON_TYPE, .body = "{}" };
static const struct fault_answer cut = { .flags = FAULT_CLOSE };
static const struct fault_answer no_grant = { .code = 400,
                                              .type = JSON_TYPE,
                                              .body = "{\"error\":\"invalid_grant\"}" };
static const struct fault_answer no_client = { .code = 401,
                                               .type = JSON_TYPE,
                                               .body = "{\"error\":\"invalid_client\"}" };

static const struct fault_answer held = { .type = JSON_TYPE,
                                          .flags = FAULT_HOLD,
                                          .body = "{\"access_token\":\"two\",\"token_type\":"
                                                  "\"Bearer\",\"expires_in\":600,"
                                                  "\"refresh_token\":\"fresh-2\"}" };

enum { LIFE_MS = 601 * 1000 };

static void answers(struct place *place, const struct fault_answer *answer)
{
    fault_server_forget(place->server, "/token");
    fault_server_answer(place->server, "/token", answer);
}

static bool redeemed_was(struct place *place, const char *refresh_token)
{
    struct fault_request request;
    char body[256];

    (void)snprintf(body, sizeof body, "grant_type=refresh_token&refresh_token=%s&client_id=me",
                   refresh_token);
    return fault_server_last(place->server, &request) && strcmp(request.body, body) == 0;
}

TEST(a_rotated_refresh_token_takes_the_place_of_the_old_one)
{
    struct place place;
    unsigned requests;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &first, NULL));
    host_pass(&place.host, LIFE_MS);
    answers(&place, &second);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer two");
    CHECK(redeemed_was(&place, "fresh-1"));
    host_pass(&place.host, LIFE_MS);
    answers(&place, &third);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer three");
    CHECK(redeemed_was(&place, "fresh-2"));
    requests = fault_server_requests(place.server);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer three");
    CHECK_INT(fault_server_requests(place.server), requests);
    sends_end(&place);
}

/* RFC 6749 6 */
TEST(a_refresh_token_that_is_not_exchanged_stays)
{
    static const struct fault_answer same = GIVEN("same", "fresh-1");
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &first, NULL));
    host_pass(&place.host, LIFE_MS);
    answers(&place, &bare);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer bare");
    host_pass(&place.host, LIFE_MS);
    answers(&place, &same);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer same");
    CHECK(redeemed_was(&place, "fresh-1"));
    host_pass(&place.host, LIFE_MS);
    answers(&place, &second);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer two");
    CHECK(redeemed_was(&place, "fresh-1"));
    sends_end(&place);
}

static void *leave(void *place)
{
    people_leave((struct place *)place);
    return NULL;
}

/* A program that ends in an orderly way does not leave behind what looks as if it had been killed. */
TEST(a_close_while_a_refresh_token_is_redeemed_waits_for_what_comes)
{
    struct paa_txn *txn;
    struct place place;
    struct ask ask;
    unsigned requests;
    pthread_t closing;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &first, NULL));
    host_pass(&place.host, LIFE_MS);
    answers(&place, &held);
    requests = fault_server_requests(place.server);
    sends_ask(&ask);
    CHECK_INT(paa_txn_begin(&txn, place.host.lane, place.host.out, &ask.request), PAA_TXN_PENDING);
    fault_server_await(place.server, requests + 1);
    paa_txn_end(&txn); /* nobody waits for it any more */
    REQUIRE(pthread_create(&closing, NULL, leave, &place) == 0);
    for (int i = 0; i < 1000; i++)
        sched_yield();
    fault_server_release(place.server);
    (void)pthread_join(closing, NULL);
    REQUIRE(people_return(&place.host));
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer two");
    CHECK_INT(fault_server_requests(place.server), requests + 1);
    sends_end(&place);
}

/* Until `timeout`, here 60 s, however long who wanted it waits; then nothing is known of the refresh token, and the server
 * is asked. */
TEST(a_redemption_has_a_deadline_of_its_own_and_then_the_refresh_token_is_sent_again)
{
    enum { REQUEST_MS = 11 * 1000, MORE_MS = 45 * 1000, REST_MS = 5 * 1000 };
    struct paa_txn *txn;
    struct place place;
    struct sent sent;
    struct ask ask;
    unsigned requests;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &first, NULL));
    host_pass(&place.host, LIFE_MS);
    answers(&place, &held);
    requests = fault_server_requests(place.server);
    sends_ask(&ask);
    CHECK_INT(paa_txn_begin(&txn, place.host.lane, place.host.out, &ask.request), PAA_TXN_PENDING);
    fault_server_await(place.server, requests + 1);
    host_pass(&place.host, REQUEST_MS);
    sends_look(txn, paa_txn_advance(txn), &sent);
    CHECK_INT(sent.code, 503); /* at the request's own deadline */
    paa_txn_end(&txn);
    host_pass(&place.host, MORE_MS);
    CHECK_INT(paa_txn_begin(&txn, place.host.lane, place.host.out, &ask.request), PAA_TXN_PENDING);
    CHECK_INT(fault_server_requests(place.server), requests + 1);
    host_pass(&place.host, REST_MS);
    answers(&place, &second);
    (void)people_run(&place.host, "login",
                     "account=bob");               /* whatever comes of it: work wakes PAA */
    sends_look(txn, paa_txn_wait(txn, -1), &sent); /* the redemption's, which it waited for */
    CHECK_STR(paa_str_of(sent.reason), "no-token");
    paa_txn_end(&txn);
    fault_server_release(place.server);
    while (sends(&place.host).code != 200)
        host_pass(&place.host, 1000); /* the back-off */
    CHECK(redeemed_was(&place, "fresh-1"));
    sends_end(&place);
}

TEST(trouble_leaves_the_refresh_token_for_the_next_try)
{
    const struct fault_answer *const troubles[] = { &broken, &cut, &no_client };
    struct place place;

    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        REQUIRE(people_begin(&place, PEOPLE_PLAIN));
        REQUIRE(people_log_in(&place, &first, NULL));
        host_pass(&place.host, LIFE_MS);
        answers(&place, troubles[i]);
        CHECK_STR(paa_str_of(sends(&place.host).reason), "no-token");
        answers(&place, &second);
        while (sends(&place.host).code != 200)
            host_pass(&place.host, 1000); /* the back-off */
        CHECK(redeemed_was(&place, "fresh-1"));
        sends_end(&place);
    }
}

/* The key becomes one that cannot do that: what is wrong comes to light when an assertion is to be signed. */
#define CANNOT_SIGN                                                                                \
    "client_key = { key = \"file:client.key\"; }; assertion_algorithm = \"RS256\"; "               \
    "assertion_audience = \"token_endpoint\"; authorization_endpoint = \"@/auth\"; "               \
    "token_endpoint = \"@/token\";"

static bool returns_with(struct place *place, const char *options)
{
    people_leave(place);
    return people_write_policy(place, options, PEOPLE_STORE) && people_return(&place->host);
}

TEST(a_client_that_cannot_sign_what_goes_with_the_refresh_token_keeps_it)
{
    EVP_PKEY *good = made_key("RSA:2048"), *other_kind = made_key("P-256");
    struct place place;
    unsigned requests;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &first, NULL));
    key_file(&place.host, "client.key", good);
    REQUIRE(returns_with(&place, CANNOT_SIGN));
    key_exchange(&place.host, "client.key", other_kind);
    host_pass(&place.host, LIFE_MS);
    requests = fault_server_requests(place.server);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "no-token");
    CHECK_INT(fault_server_requests(place.server), requests);
    REQUIRE(returns_with(&place, PEOPLE_PLAIN));
    answers(&place, &second);
    while (sends(&place.host).code == 503)
        host_pass(&place.host, 1000); /* the back-off */
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer two");
    CHECK(redeemed_was(&place, "fresh-1"));
    sends_end(&place);
    EVP_PKEY_free(good);
    EVP_PKEY_free(other_kind);
}

TEST(a_login_that_is_over_is_told_with_the_command_that_helps)
{
    struct place place;
    struct sent sent;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &first, NULL));
    host_pass(&place.host, LIFE_MS);
    answers(&place, &no_grant);
    sent = sends(&place.host);
    CHECK_STR(paa_str_of(sent.reason), "login-ended");
    CHECK_HAS(sent.sentence, "paactl run -c FILE mine login");
    sent = sends(&place.host);
    CHECK_STR(paa_str_of(sent.reason), "no-login");
    CHECK_HAS(sent.sentence, "paactl run -c FILE mine login");
    CHECK_INT(people_run(&place.host, "status", NULL), 1);
    REQUIRE(people_log_in(&place, &second, NULL));
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer two");
    sends_end(&place);
}

TEST(a_refusal_in_the_background_leaves_the_access_token_its_time)
{
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN "renew_before = \"100s\";"));
    REQUIRE(people_log_in(&place, &first, NULL));
    answers(&place, &no_grant);
    host_pass(&place.host, 550 * 1000);
    do /* until what was said of it is what is kept */
        CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    while (people_run(&place.host, "status", NULL) == 0 &&
           strstr(people_output, "until it ends") == NULL);
    for (int i = 0; i < 5; i++)
        CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    host_pass(&place.host, 51 * 1000);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "login-ended");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(without_a_refresh_token_the_access_token_is_all_there_is)
{
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &bare, NULL));
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer bare");
    host_pass(&place.host, LIFE_MS);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "login-ended");
    CHECK_INT(fault_server_requests(place.server), 1);
    sends_end(&place);
}

TEST(a_token_that_the_peer_refuses_is_renewed_once)
{
    struct place place;
    struct sent sent, again;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &first, NULL));
    answers(&place, &second);
    sent = sends(&place.host);
    again = sends_again(&place.host, &sent, 401, NULL, 0);
    CHECK_STR(paa_str_of(again.authorization), "Bearer two");
    CHECK(redeemed_was(&place, "fresh-1"));
    again = sends_again(&place.host, &sent, 401, NULL, 0); /* another that went with the old one */
    CHECK_STR(paa_str_of(again.authorization), "Bearer two");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(each_account_has_a_login_of_its_own)
{
    static const struct fault_answer of_bob = GIVEN("bob", "fresh-b");
    struct place place;
    struct sent sent;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &first, "account=alice"));
    REQUIRE(people_log_in(&place, &of_bob, "account=bob"));
    CHECK_STR(paa_str_of(people_send(&place.host, "alice").authorization), "Bearer one");
    CHECK_STR(paa_str_of(people_send(&place.host, "bob").authorization), "Bearer bob");
    sent = people_send(&place.host, "carol");
    CHECK_STR(paa_str_of(sent.reason), "no-login");
    CHECK_HAS(sent.sentence, "mine login account=carol");
    CHECK_STR(paa_str_of(people_send(&place.host, NULL).reason), "no-login");
    CHECK_INT(people_run(&place.host, "logout", "account=bob"), 3); /* nothing answers there */
    CHECK_STR(paa_str_of(people_send(&place.host, "bob").reason), "no-login");
    CHECK_STR(paa_str_of(people_send(&place.host, "alice").authorization), "Bearer one");
    sends_end(&place);
}

/* Dropped, because the peer refused it, and not renewed: it is a login all the same, with a refresh token. */
TEST(a_login_whose_token_was_dropped_is_shown_and_revoked)
{
    static const char *const stores[] = { PEOPLE_STORE, "" };
    static const struct fault_answer done = { .code = 200 };
    struct fault_request request;
    struct place place;
    struct sent sent;
    unsigned requests;

    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        REQUIRE(people_begin_with(&place, PEOPLE_PLAIN, stores[i]));
        REQUIRE(people_log_in(&place, &first, NULL));
        answers(&place, &broken);
        fault_server_answer(place.server, "/revoke", &done);
        sent = sends(&place.host);
        CHECK_STR(paa_str_of(sends_again(&place.host, &sent, 401, NULL, 0).reason), "no-token");
        CHECK_INT(people_run(&place.host, "status", NULL), 0);
        CHECK_HAS(people_output, "renewed at its next use");
        requests = fault_server_requests(place.server);
        CHECK_INT(people_run(&place.host, "logout", NULL), 0);
        CHECK_INT(fault_server_requests(place.server), requests + 2);
        REQUIRE(fault_server_last(place.server, &request));
        CHECK_STR(paa_str_of(request.body), "token=one&token_type_hint=access_token&client_id=me");
        CHECK_INT(people_run(&place.host, "status", NULL), 1);
        sends_end(&place);
    }
}

/* RFC 7009 */
TEST(a_logout_revokes_both_tokens_and_forgets_them_in_any_case)
{
    static const struct fault_answer done = { .code = 200 };
    struct fault_request request;
    struct place place;
    unsigned requests;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    CHECK_INT(people_run(&place.host, "logout", NULL), 1);
    REQUIRE(people_log_in(&place, &first, NULL));
    fault_server_answer(place.server, "/revoke", &done);
    requests = fault_server_requests(place.server);
    CHECK_INT(people_run(&place.host, "logout", NULL), 0);
    CHECK_INT(fault_server_requests(place.server), requests + 2);
    REQUIRE(fault_server_last(place.server, &request));
    CHECK_STR(paa_str_of(request.body), "token=one&token_type_hint=access_token&client_id=me");
    CHECK_STR(paa_str_of(sends(&place.host).reason), "no-login");
    CHECK_INT(people_run(&place.host, "status", NULL), 1);
    REQUIRE(people_log_in(&place, &second, NULL));
    fault_server_forget(place.server, "/revoke");
    CHECK_INT(people_run(&place.host, "logout", NULL), 3);
    CHECK_HAS(place.host.error.text, "forgotten here");
    CHECK_STR(paa_str_of(sends(&place.host).reason), "no-login");
    sends_end(&place);
}

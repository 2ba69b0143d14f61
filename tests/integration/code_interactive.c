/* SPDX-License-Identifier: MIT */
/* A request for which nobody is logged in asks the person behind the host, if there is one (interactive = true). */
#include "people.h"
#include "test.h"

#define ASKS PEOPLE_PLAIN "interactive = true;"

static const struct fault_answer tokens =
    TOKEN("one", ",\"expires_in\":600,\"refresh_token\":\"fresh-1\"");

/* What a host does until the transaction is decided. */
static struct sent settle(struct paa_txn **txn, enum paa_state state)
{
    struct sent sent;

    while (state == PAA_TXN_PENDING || state == PAA_TXN_INPUT) {
        if (state == PAA_TXN_PENDING) {
            state = paa_txn_wait(*txn, -1);
            continue;
        }
        if (people_asked(paa_txn_prompt(*txn)) < 0)
            paa_txn_reply(*txn, paa_str_of(NULL));
        state = paa_txn_advance(*txn);
    }
    sends_look(*txn, state, &sent);
    paa_txn_end(txn);
    people_browsed();
    return sent;
}

static struct sent sends_asking(struct host *host)
{
    static struct ask ask;
    struct paa_txn *txn;
    enum paa_state state;

    sends_ask(&ask);
    state = paa_txn_begin(&txn, host->lane, host->out, &ask.request);
    return settle(&txn, state);
}

TEST(a_request_without_a_login_sends_the_person_there_and_goes_out)
{
    struct place place;

    REQUIRE(people_begin(&place, ASKS));
    fault_server_answer(place.server, "/token", &tokens);
    CHECK_STR(paa_str_of(sends_asking(&place.host).authorization), "Bearer one");
    CHECK_HAS(person.page, "You are logged in");
    CHECK_INT(person.asked, 1);
    CHECK_STR(paa_str_of(sends_asking(&place.host).authorization), "Bearer one");
    CHECK_INT(person.asked, 1);
    sends_end(&place);
}

TEST(of_two_requests_that_wait_for_the_same_login_one_asks)
{
    struct place place;
    struct paa_txn *txns[2];
    enum paa_state states[2];
    struct ask asks[2];

    REQUIRE(people_begin(&place, ASKS));
    fault_server_answer(place.server, "/token", &tokens);
    for (int i = 0; i < 2; i++) {
        sends_ask(&asks[i]);
        states[i] = paa_txn_begin(&txns[i], place.host.lane, place.host.out, &asks[i].request);
        if (i == 0 && states[i] == PAA_TXN_PENDING)
            states[i] = paa_txn_wait(txns[i], -1);
    }
    CHECK_INT(states[0], PAA_TXN_INPUT);
    CHECK_INT(states[1], PAA_TXN_PENDING);
    CHECK_STR(paa_str_of(settle(&txns[0], states[0]).authorization), "Bearer one");
    CHECK_STR(paa_str_of(settle(&txns[1], states[1]).authorization), "Bearer one");
    CHECK_INT(person.asked, 1);
    CHECK_INT(fault_server_requests(place.server), 1);
    sends_end(&place);
}

TEST(a_person_who_says_no_is_not_asked_again_by_the_same_request)
{
    struct place place;
    struct sent sent;

    REQUIRE(people_begin(&place, ASKS));
    person.brings = "error=access_denied&state=@";
    sent = sends_asking(&place.host);
    CHECK_STR(paa_str_of(sent.reason), "login-denied");
    CHECK_INT(person.asked, 1);
    person.declines = true;
    sent = sends_asking(&place.host);
    CHECK_STR(paa_str_of(sent.reason), "login-denied");
    CHECK_INT(person.asked, 2);
    sends_end(&place);
}

TEST(a_login_that_has_ended_is_begun_anew)
{
    static const struct fault_answer no_grant = { .code = 400,
                                                  .type = JSON_TYPE,
                                                  .body = "{\"error\":\"invalid_grant\"}" };
    struct place place;

    REQUIRE(people_begin(&place, ASKS));
    REQUIRE(people_log_in(&place, &tokens, NULL));
    host_pass(&place.host, 601 * 1000);
    fault_server_answer(place.server, "/token", &no_grant);
    fault_server_answer(place.server, "/token", &tokens);
    CHECK_STR(paa_str_of(sends_asking(&place.host).authorization), "Bearer one");
    CHECK_INT(person.asked, 2);
    sends_end(&place);
}

TEST(a_host_that_can_ask_nobody_is_told_who_can_log_in)
{
    struct paa_context_options context;
    struct place place;
    struct sent sent;

    REQUIRE(people_begin(&place, ASKS));
    people_leave(&place);
    host_options(&place.host, &context);
    context.can &= ~(uint32_t)PAA_CAN_PROMPT;
    REQUIRE(host_open_with(&place.host, &context));
    sent = sends_asking(&place.host);
    CHECK_STR(paa_str_of(sent.reason), "no-login");
    CHECK_HAS(sent.sentence, "paactl run -c FILE mine login");
    CHECK_INT(person.asked, 0);
    sends_end(&place);
}

TEST(a_policy_that_contradicts_itself_is_refused_with_a_sentence)
{
    static const struct {
        const char *options;
        const char *says;
    } wrong[] = {
        { "client_auth = \"none\";", "where tokens come from" },
        { PEOPLE_PLAIN "interactive = true; flow = \"device\";", "log in with the command" },
        { PEOPLE_PLAIN "scope = \"openid\";", "add issuer" },
        { PEOPLE_PLAIN "parameters = [ \"state=x\" ];", "options of their own" },
        { "client_auth = \"none\"; token_endpoint = \"@/token\"; authorization_endpoint = "
          "\"https://u:p@id.example.com/auth\";",
          "authorization_endpoint" },
    };
    struct place place;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!people_begin(&place, wrong[i].options));
        CHECK_HAS(place.host.error.text, wrong[i].says);
        sends_end(&place);
    }
}

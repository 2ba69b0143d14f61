/* SPDX-License-Identifier: MIT */
/* Requests that are sent: where credentials may go, when they are attached, and what a retry brings. */
#include "host.h"
#include "test.h"

static const char policy[] = POLICY(
    SCRIPT("k", "attach = \"script:X-K secret:Authorization=Bearer~k credential:7 accept\"; "
                "answered = \"done\";") SCRIPT("m", "attach = \"script:X-M header:X-M-Token=m "
                                                    "credential:8 accept\"; answered = \"absent\";")
        SCRIPT("slow", "attach = \"after:1 credential:9 accept\"; answered = \"after:1 done\";")
            SCRIPT("much", "attach = \"param:p=a~b param:q=%26 cookie:c=1 secret:X-S=1 "
                           "header:X-H=2 lasting:X-L=3 remove:X-Gone\";"),
    "out = { direction = \"outgoing\"; origins = [ \"https://out.example.com\", "
    "\"https://[2001:db8::1]:8443\" ];\n"
    "  chain = ( { required = \"k\" } ); };\n"
    "both = { direction = \"outgoing\"; origins = [ \"https://out.example.com\" ];\n"
    "  chain = ( { required = \"k\" }, { required = \"m\" } ); };\n"
    "group = { direction = \"outgoing\"; origins = [ \"https://out.example.com\" ];\n"
    "  chain = ( { required = [ \"k\", \"m\" ] } ); };\n"
    "sufficient = { direction = \"outgoing\"; origins = [ \"https://out.example.com\" ];\n"
    "  chain = ( { sufficient = \"k\" }, { required = \"m\" } ); };\n"
    "slow = { direction = \"outgoing\"; origins = [ \"https://out.example.com\" ];\n"
    "  chain = ( { required = \"slow\" } ); };\n"
    "much = { direction = \"outgoing\"; origins = [ \"https://out.example.com\" ];\n"
    "  chain = ( { required = \"much\" } ); };\n"
    "loop = { direction = \"outgoing\"; http_loopback = true;\n"
    "  origins = [ \"http://127.0.0.1:8080\", \"http://[::1]:8080\" ]; chain = ( { required = "
    "\"k\" } ); };\n");

static enum paa_state send_to(struct host *host, const char *service, struct ask *ask,
                              struct paa_txn **ret_txn)
{
    enum paa_state state;

    host->out = paa_service_find(host->context, service, PAA_OUTGOING, &host->error);
    if (host->out == NULL)
        TEST_FAIL("%s", host->error.text);
    ask->request.authority = paa_str_of(NULL);
    ask->request.scheme = paa_str_of(NULL);
    state = paa_txn_begin(ret_txn, host->lane, host->out, &ask->request);
    return state == PAA_TXN_PENDING ? paa_txn_wait(*ret_txn, -1) : state;
}

static bool is_sent(struct host *host, const char *service, const char *url)
{
    struct paa_txn *txn;
    struct ask ask;
    bool is_sent;

    ask_for(&ask, "GET", url, NULL);
    is_sent = send_to(host, service, &ask, &txn) == PAA_TXN_ALLOW;
    if (is_sent) {
        CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "Authorization"), "Bearer k");
    } else {
        CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_ORIGIN);
        CHECK(paa_txn_edit(txn, PAA_MESSAGE_REQUEST, 0) == NULL);
        CHECK(paa_txn_client_tls(txn) == NULL);
    }
    paa_txn_end(&txn);
    return is_sent;
}

TEST(credentials_leave_for_the_services_origins_and_for_nowhere_else)
{
    static const char *const theirs[] = {
        "https://out.example.com/x",          "https://OUT.example.com/x",
        "https://out.example.com:443/x?y=//", "https://out.example.com",
        "https://[2001:db8::1]:8443/x",       "https://[2001:DB8:0::1]:8443/x",
    };
    static const char *const others[] = {
        "http://out.example.com/x",
        "https://out.example.com:8443/x",
        "https://[2001:db8::1]/x",
        "https://evil.example.com/x",
        "https://sub.out.example.com/x",
        "https://out.example.com.evil.com/x",
        "https://evil.com/https://out.example.com/",
        "https://out.example.com@evil.com/x",
        "https://me:pw@out.example.com/x",
        "https://out.example.com:0443x/",
        "ftp://out.example.com/x",
        "wss://out.example.com/x",
        "/x",
    };
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        if (!is_sent(&host, "out", theirs[i]))
            TEST_FAIL("nothing is sent to %s", theirs[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (is_sent(&host, "out", others[i]))
            TEST_FAIL("a credential is sent to %s", others[i]);
    host_close(&host);
}

TEST(a_path_goes_to_the_authority_and_scheme_the_host_names)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/x", NULL);
    ask.request.authority = paa_str_of("out.example.com");
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.out, &ask.request), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    ask.request.scheme = paa_str_of("http");
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.out, &ask.request), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_ORIGIN);
    paa_txn_end(&txn);
    ask.request.scheme = paa_str_of("https");
    ask.request.authority = paa_str_of("evil.example.com");
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.out, &ask.request), PAA_TXN_ANSWER);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(plain_http_is_for_loopback_literals_that_the_policy_names)
{
    struct host host;
    struct paa_context_options options;
    static const char by_name[] =
        POLICY(SCRIPT("k", ""), "out = { direction = \"outgoing\"; http_loopback = true; origins = "
                                "[ \"http://localhost:8080\" ];\n"
                                "  chain = ( { required = \"k\" } ); };\n");
    static const char unsaid[] =
        POLICY(SCRIPT("k", ""),
               "out = { direction = \"outgoing\"; origins = [ \"http://127.0.0.1:8080\" ];\n"
               "  chain = ( { required = \"k\" } ); };\n");
    const char *const refused[] = { by_name, unsaid };

    REQUIRE(host_open(&host, policy));
    CHECK(is_sent(&host, "loop", "http://127.0.0.1:8080/x"));
    CHECK(is_sent(&host, "loop", "http://[::1]:8080/x"));
    CHECK(!is_sent(&host, "loop", "http://127.0.0.1/x"));
    CHECK(!is_sent(&host, "loop", "http://localhost:8080/x"));
    CHECK(!is_sent(&host, "loop", "https://127.0.0.1:8080/x"));
    host_close(&host);
    for (size_t i = 0; i < 2; i++) { /* either the policy or every request is refused */
        REQUIRE(host_init(&host) && host_write(&host, refused[i]));
        host_options(&host, &options);
        if (paa_context_open(&host.context, &options, &host.error) == 0 &&
            paa_lane_open(&host.lane, host.context, NULL) == 0)
            CHECK(!is_sent(&host, "out",
                           i == 0 ? "http://localhost:8080/x" : "http://127.0.0.1:8080/x"));
        else
            CHECK_HAS(host.error.text, "paa.conf:");
        host_close(&host);
    }
}

/* ---- staging ----------------------------------------------------------------------------------- */

static enum paa_state sent_with(struct host *host, const char *service, const char *k,
                                const char *m, struct paa_txn **ret_txn)
{
    struct ask ask;

    ask_for(&ask, "GET", "https://out.example.com/x", k, m, NULL);
    return send_to(host, service, &ask, ret_txn);
}

#define ATTACHED(txn, name) (edit_of((txn), PAA_MESSAGE_REQUEST, (name), 0) != NULL)

TEST(nothing_is_attached_unless_the_whole_chain_accepts)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(sent_with(&host, "both", "X-Y: 1", "X-Y: 2", &txn), PAA_TXN_ALLOW);
    CHECK(ATTACHED(txn, "Authorization") && ATTACHED(txn, "X-M-Token"));
    paa_txn_end(&txn);
    CHECK_INT(sent_with(&host, "both", "X-Y: 1", "X-M: absent", &txn), PAA_TXN_ANSWER);
    CHECK(paa_txn_edit(txn, PAA_MESSAGE_REQUEST, 0) == NULL);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_CREDENTIALS);
    CHECK_STR(paa_txn_target(txn), "https://out.example.com/x");
    paa_txn_end(&txn);
    CHECK_INT(sent_with(&host, "both", "X-Y: 1", "X-M: unavailable", &txn), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_UNAVAILABLE);
    CHECK(paa_txn_edit(txn, PAA_MESSAGE_REQUEST, 0) == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(what_a_step_wanted_before_it_failed_is_not_attached)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(sent_with(&host, "sufficient", "X-K: header:X-Leak=1 reject", "X-Y: 1", &txn),
              PAA_TXN_ALLOW);
    CHECK(!ATTACHED(txn, "X-Leak") && !ATTACHED(txn, "Authorization") &&
          ATTACHED(txn, "X-M-Token"));
    paa_txn_end(&txn);
    CHECK_INT(sent_with(&host, "sufficient", "X-Y: 1", "X-Y: 1", &txn), PAA_TXN_ALLOW);
    CHECK(ATTACHED(txn, "Authorization") && !ATTACHED(txn, "X-M-Token"));
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(in_a_group_the_first_member_that_has_a_credential_attaches_it)
{
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(sent_with(&host, "group", "X-K: absent", "X-Y: 1", &txn), PAA_TXN_ALLOW);
    CHECK(!ATTACHED(txn, "Authorization") && ATTACHED(txn, "X-M-Token"));
    paa_txn_end(&txn);
    CHECK_INT(sent_with(&host, "group", "X-Y: 1", "X-Y: 1", &txn), PAA_TXN_ALLOW);
    CHECK(ATTACHED(txn, "Authorization") && !ATTACHED(txn, "X-M-Token"));
    paa_txn_end(&txn);
    CHECK_INT(sent_with(&host, "group", "X-K: reject", "X-Y: 1", &txn), PAA_TXN_ANSWER);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(edits_reach_fields_cookies_and_the_target_and_secrets_are_marked)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;
    struct paa_str value;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "https://out.example.com/x?z=1", "Cookie: a=1", "X_Gone: 1", NULL);
    CHECK_INT(send_to(&host, "much", &ask, &txn), PAA_TXN_ALLOW);
    CHECK_STR(paa_txn_target(txn), "https://out.example.com/x?z=1&p=a%20b&q=%2526");
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "Cookie"), "a=1; c=1");
    CHECK_INT(field_after(txn, &ask, "X-Gone", &value), 0);
    REQUIRE(ATTACHED(txn, "X-S") && ATTACHED(txn, "X-H"));
    CHECK_INT(edit_of(txn, PAA_MESSAGE_REQUEST, "X-S", 0)->flags, PAA_EDIT_SECRET);
    CHECK_INT(edit_of(txn, PAA_MESSAGE_REQUEST, "X-H", 0)->flags, 0);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-L"), "3");
    CHECK_INT(edit_of(txn, PAA_MESSAGE_REQUEST, "X-L", 0)->flags, 0);
    CHECK(paa_txn_client_tls(txn) != NULL && paa_txn_client_tls(txn)->flags == 0);
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- retry ------------------------------------------------------------------------------------- */

struct sent {
    struct ask ask;
    struct paa_ticket ticket;
    struct paa_response response;
};

static bool sent_once(struct host *host, const char *service, struct sent *sent)
{
    struct paa_txn *txn;
    enum paa_state state;

    ask_for(&sent->ask, "GET", "https://out.example.com/x", NULL);
    state = send_to(host, service, &sent->ask, &txn);
    paa_txn_ticket(txn, &sent->ticket);
    paa_txn_end(&txn);
    paa_init(&sent->response, sizeof sent->response);
    sent->response.code = 401;
    return state == PAA_TXN_ALLOW;
}

static enum paa_state retried(struct host *host, struct sent *sent)
{
    struct paa_txn *txn;
    enum paa_state state = paa_txn_retry(&txn, host->lane, host->out, &sent->ask.request,
                                         &sent->ticket, &sent->response);

    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    if (state == PAA_TXN_ALLOW)
        paa_txn_ticket(txn, &sent->ticket);
    paa_txn_end(&txn);
    return state;
}

TEST(a_401_is_answered_with_a_second_attempt_and_never_with_a_third)
{
    struct host host;
    struct sent sent;

    REQUIRE(host_open(&host, policy));
    REQUIRE(sent_once(&host, "out", &sent));
    CHECK_INT(retried(&host, &sent), PAA_TXN_ALLOW);
    CHECK_INT(retried(&host, &sent), PAA_TXN_OVER);
    CHECK_INT(retried(&host, &sent), PAA_TXN_OVER);
    host_close(&host);
}

TEST(a_retry_may_wait)
{
    struct host host;
    struct sent sent;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    REQUIRE(sent_once(&host, "slow", &sent));
    CHECK_INT(retried(&host, &sent), PAA_TXN_ALLOW);
    CHECK_INT(retried(&host, &sent), PAA_TXN_OVER);
    CHECK_INT(atomic_load(&host_counts()->begun), atomic_load(&host_counts()->finished));
    host_close(&host);
}

TEST(the_response_stands_where_nobody_can_help)
{
    struct paa_ticket empty;
    struct paa_txn *txn;
    struct host host;
    struct sent sent;

    REQUIRE(host_open(&host, policy));
    REQUIRE(sent_once(&host, "out", &sent));
    sent.response.code = 200;
    CHECK_INT(retried(&host, &sent), PAA_TXN_OVER);
    sent.response.code = 403;
    CHECK_INT(retried(&host, &sent), PAA_TXN_OVER);
    sent.response.code = 401;
    sent.ask.request.target = paa_str_of("https://evil.example.com/x");
    CHECK_INT(retried(&host, &sent), PAA_TXN_OVER); /* a redirect is no retry */
    REQUIRE(sent_once(&host, "group", &sent));
    sent.ask.request.headers = NULL;
    memset(&empty, 0, sizeof empty);
    CHECK_INT(paa_txn_retry(&txn, host.lane, host.out, &sent.ask.request, &empty, &sent.response),
              PAA_TXN_OVER);
    CHECK(txn == NULL);
    CHECK_INT(paa_txn_retry(&txn, NULL, host.out, &sent.ask.request, &sent.ticket, &sent.response),
              PAA_TXN_OVER);
    CHECK(txn == NULL);
    host_close(&host);
}

TEST(a_ticket_survives_a_reload_unless_the_instance_it_came_from_changed)
{
    char *changed = strdup(policy), *at;
    struct host host;
    struct sent sent;

    REQUIRE(changed != NULL && host_open(&host, policy));
    REQUIRE(sent_once(&host, "out", &sent));
    CHECK_INT(paa_context_reload(host.context, 10000, NULL), 1);
    CHECK_INT(retried(&host, &sent), PAA_TXN_ALLOW);
    REQUIRE(sent_once(&host, "out", &sent));
    at = strstr(changed, "credential:7");
    REQUIRE(at != NULL);
    at[strlen("credential:")] = '6';
    REQUIRE(host_write(&host, changed));
    CHECK_INT(paa_context_reload(host.context, 10000, NULL), 1);
    CHECK_INT(retried(&host, &sent), PAA_TXN_OVER);
    free(changed);
    host_close(&host);
}

TEST(a_tickets_words_hold_no_credential_and_only_those_that_went_out_count)
{
    struct paa_ticket ticket;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(sent_with(&host, "both", "X-Y: 1", "X-M: absent", &txn), PAA_TXN_ANSWER);
    paa_txn_ticket(txn, &ticket);
    for (size_t i = 0; i < 8; i++)
        CHECK(ticket.word[i] == 0);
    paa_txn_end(&txn);
    CHECK_INT(sent_with(&host, "both", "X-Y: 1", "X-Y: 1", &txn), PAA_TXN_ALLOW);
    paa_txn_ticket(txn, &ticket);
    CHECK(ticket.word[1] == 7 && ticket.word[2] == 8);
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- on whose behalf --------------------------------------------------------------------------- */

TEST(a_plugin_sees_the_caller_after_a_wait_though_the_host_has_ended_it)
{
    static const char relaying[] = POLICY(
        SCRIPT("in", "verify = \"script:X-In\";")
            SCRIPT("relay",
                   "attach = \"need_who:alice after:1 need_who:alice after:1 need_who:alice\";"),
        API("chain = ( { required = \"in\" } );") OUT("chain = ( { required = \"relay\" } );"));
    struct paa_txn *caller, *txn, *other;
    enum paa_state state;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, relaying));
    host.is_live = true;
    caller = txn_of(&host, &state, "GET", "/x", "X-In: who:alice", NULL);
    CHECK_INT(state, PAA_TXN_ALLOW);
    ask_for(&ask, "GET", "https://out.example.com/x", NULL);
    ask.request.authority = paa_str_of(NULL);
    ask.request.caller = caller;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.out, &ask.request), PAA_TXN_PENDING);
    paa_txn_end(&caller);
    other = txn_of(&host, &state, "GET", "/x", "X-In: who:mallory", NULL);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    paa_txn_end(&txn);
    paa_txn_end(&other);
    host_close(&host);
}

TEST(an_outgoing_service_needs_no_host_that_answers_browsers)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host));
    REQUIRE(host_write(&host, POLICY(SCRIPT("s", "attach = \"accept\";"),
                                     OUT("chain = ( { required = \"s\" } );"))));
    host_options(&host, &options);
    options.can = 0;
    REQUIRE(host_open_with(&host, &options));
    CHECK(host.out !=
          NULL); /* the scripted plugin could log browsers in, were it asked who comes in */
    host_close(&host);
}

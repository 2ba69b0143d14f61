/* SPDX-License-Identifier: MIT */
/* Whose request it is: the primary principal, what rules require of it, what the application is told and what it
 * never gets to see. */
#include "host.h"
#include "test.h"

#define TWO "identity = [ \"b\", \"a\" ]; chain = ( { required = \"a\" }, { required = \"b\" } );"
#define UPSTREAM                                                                                   \
    "upstream = { subject = \"X-Auth-Subject\"; issuer = \"X-Auth-Issuer\"; scope = "              \
    "\"X-Auth-Scope\";"

static const char policy[] = POLICY(
    SCRIPT("a", "verify = \"script:X-A\"; challenge = \"challenge:Bearer\";")
        SCRIPT("b", "verify = \"script:X-B\"; challenge = \"challenge:Basic\";")
            SCRIPT("h", "create = \"reads:header=X-Api-Key\"; verify = "
                        "\"absent_unless:X-Api-Key who:key\";")
                SCRIPT("c",
                       "create = \"reads:cookie=sid reads:param=key\"; verify = \"script:X-C\";"),
    API(UPSTREAM "client_id = \"X-Auth-Client\"; instance = \"X-Auth-By\"; methods = "
                 "\"X-Auth-How\"; };\n"
                 "rules = (\n"
                 "{ path = \"/open\"; chain = ( { required = \"permit\" } ); },\n"
                 "{ path = \"/one\"; chain = ( { required = \"a\" } ); },\n"
                 "{ path = \"/two\"; " TWO " },\n"
                 "{ path = \"/same\"; same = [ \"client_id\" ]; " TWO " },\n"
                 "{ path = \"/optional\"; identity = [ \"a\", \"b\" ];\n"
                 "  chain = ( { optional = \"a\" }, { required = \"b\" } ); },\n"
                 "{ path = \"/scope\"; require = { scope = [ \"read\", \"write\" ]; }; "
                 "chain = ( { required = \"a\" } ); },\n"
                 "{ path = \"/subject\"; require = { subject = [ \"alice\", \"bob\" ]; "
                 "}; chain = ( { required = \"a\" } ); },\n"
                 "{ path = \"/issuer\"; require = { issuer = [ \"paa:a\" ]; }; chain = "
                 "( { required = \"a\" } ); },\n"
                 "{ path = \"/client\"; require = { client_id = [ \"app\" ]; }; chain = "
                 "( { required = \"a\" } ); },\n"
                 "{ path = \"/amr\"; require = { amr = [ \"mfa\" ]; }; chain = ( { "
                 "required = \"a\" } ); },\n"
                 "{ path = \"/age\"; require = { max_age = \"5m\"; }; chain = ( { "
                 "required = \"a\" } ); },\n"
                 "{ path = \"/of\"; require = { subject = [ \"bob\" ]; of = { a = { "
                 "subject = [ \"alice\" ]; }; }; }; " TWO " },\n"
                 "{ path = \"/key\"; chain = ( { required = \"h\" } ); },\n"
                 "{ path = \"/forward\"; forward = true; identity = [ \"h\", \"c\" ];\n"
                 "  chain = ( { required = \"h\" }, { required = \"c\" } ); },\n"
                 "{ path = \"/cookie\"; chain = ( { required = \"c\" } ); },\n"
                 "{ path = \"/either\"; chain = ( { required = [ \"h\", \"c\" ] } ); } "
                 ");") "ascii = { direction = \"incoming\"; " UPSTREAM " encoding = \"ascii\"; };\n"
                       "  chain = ( { required = \"a\" } ); };\n"
                       "base64 = { direction = \"incoming\"; " UPSTREAM
                       " encoding = \"base64url\"; };\n"
                       "  chain = ( { required = \"a\" } ); };\n");

/* ---- who --------------------------------------------------------------------------------------- */

TEST(the_rule_says_whose_statement_comes_first_and_the_others_follow_in_order)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/two", "X-A: scope:x who:alice", "X-B: scope:y who:bob",
                 NULL);
    CHECK_INT(state, PAA_TXN_ALLOW);
    REQUIRE(paa_txn_principal(txn, 1) != NULL);
    CHECK_STR(paa_txn_principal(txn, 0)->subject, "bob");
    CHECK_STR(paa_txn_principal(txn, 0)->scope, "y");
    CHECK_STR(paa_txn_principal(txn, 0)->instance, "b");
    CHECK_STR(paa_txn_principal(txn, 0)->issuer, "paa:b");
    CHECK_STR(paa_txn_principal(txn, 1)->subject, "alice");
    CHECK(paa_txn_principal(txn, 2) == NULL);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Auth-Subject"), "bob");
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Auth-By"), "b");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_statement_that_is_not_copied_is_told_like_any_other)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/one", "X-A: scope:x client:app lasting_who:alice", NULL);
    CHECK_INT(state, PAA_TXN_ALLOW);
    REQUIRE(paa_txn_principal(txn, 0) != NULL);
    CHECK_INT(paa_txn_principal(txn, 0)->flags, PAA_PRINCIPAL_MACHINE);
    CHECK_STR(paa_txn_principal(txn, 0)->subject, "alice");
    CHECK_STR(paa_txn_principal(txn, 0)->client_id, "app");
    CHECK_STR(paa_txn_principal(txn, 0)->scope, "x");
    CHECK_STR(paa_txn_principal(txn, 0)->issuer, "paa:a");
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Auth-Subject"), "alice");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(only_steps_that_carried_the_walk_name_anybody)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn =
        txn_of(&host, &state, "GET", "/optional", "X-A: who:mallory reject", "X-B: who:bob", NULL);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK_STR(paa_txn_principal(txn, 0)->subject, "bob");
    CHECK(paa_txn_principal(txn, 1) == NULL);
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/optional", "X-A: who:alice accept", "X-B: accept", NULL);
    CHECK_STR(paa_txn_principal(txn, 0)->subject, "alice");
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/one", "X-A: who:alice reject", NULL);
    CHECK(paa_txn_principal(txn, 0) == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(an_instance_cannot_claim_the_issuer_of_another)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/one", "X-A: issuer:paa:b who:alice", NULL), 500);
    CHECK_INT(code_of(&host, "GET", "/one", "X-A: issuer:https://id.example who:alice", NULL), 200);
    host_close(&host);
}

TEST(two_statements_that_contradict_each_other_let_nobody_in)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/two", "X-A: who:alice", "X-B: who:bob", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/two", "X-A: issuer:i who:bob", "X-B: issuer:i who:bob", NULL),
              200);
    txn = txn_of(&host, &state, "GET", "/two", "X-A: issuer:i who:alice", "X-B: issuer:i who:bob",
                 NULL);
    CHECK_INT(txn_code(state, txn), 403);
    CHECK_STR(paa_txn_answer(txn)->reason, "conflict");
    paa_txn_end(&txn);
    CHECK_INT(code_of(&host, "GET", "/two", "X-A: issuer:i client:c who:bob",
                      "X-B: issuer:i client:d who:bob", NULL),
              403);
    CHECK_INT(code_of(&host, "GET", "/same", "X-A: client:c who:alice", "X-B: client:d who:bob",
                      NULL),
              403);
    CHECK_INT(code_of(&host, "GET", "/same", "X-A: client:c who:alice", "X-B: who:bob", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/same", "X-A: client:c who:alice", "X-B: client:c who:bob",
                      NULL),
              200);
    host_close(&host);
}

/* ---- require ----------------------------------------------------------------------------------- */

TEST(require_judges_the_primary_principal)
{
    static const struct {
        const char *target;
        const char *a;
        unsigned code;
    } cases[] = {
        { "/scope", "X-A: scope:write~read~more who:alice", 200 },
        { "/scope", "X-A: scope:read who:alice", 403 },
        { "/scope", "X-A: scope:readwrite who:alice", 403 },
        { "/scope", "X-A: who:alice", 403 },
        { "/scope", "X-A: accept", 403 },
        { "/subject", "X-A: who:bob", 200 },
        { "/subject", "X-A: who:Bob", 403 },
        { "/subject", "X-A: who:alice2", 403 },
        { "/issuer", "X-A: who:alice", 200 },
        { "/issuer", "X-A: issuer:other who:alice", 403 },
        { "/client", "X-A: client:app who:alice", 200 },
        { "/client", "X-A: who:app", 403 },
        { "/amr", "X-A: methods:pwd~mfa who:alice", 200 },
        { "/amr", "X-A: methods:pwd who:alice", 401 },
        { "/age", "X-A: who:alice", 401 },
    };
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned code = code_of(&host, "GET", cases[i].target, cases[i].a, NULL);

        if (code != cases[i].code)
            TEST_FAIL("%s with %s is answered %u", cases[i].target, cases[i].a, code);
    }
    host_close(&host);
}

TEST(require_of_judges_another_contributor)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/of", "X-A: who:alice", "X-B: who:bob", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/of", "X-A: who:mallory", "X-B: who:bob", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/of", "X-A: who:bob", "X-B: who:alice", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/of", "X-A: accept", "X-B: who:bob", NULL), 403);
    host_close(&host);
}

TEST(a_missing_scope_is_told_to_bearers_of_tokens_only)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/scope", "X-A: methods:jwt scope:read who:alice", NULL);
    CHECK_INT(txn_code(state, txn), 403);
    CHECK_STR(paa_txn_answer(txn)->reason, "insufficient_scope");
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate"),
              "Bearer realm=\"scripted\"");
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/scope", "X-A: methods:apikey scope:read who:alice", NULL);
    CHECK_INT(txn_code(state, txn), 403);
    CHECK(edit_of(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate", 0) == NULL);
    CHECK_HAS(paa_txn_answer(txn)->sentence.data, "the scope \"write\" is required");
    CHECK_HAS(paa_txn_answer(txn)->sentence.data, "paa.conf:");
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- what the application is told --------------------------------------------------------------- */

TEST(forged_identity_fields_never_pass_whatever_they_are_called)
{
    static const char *const lines[] = { "X-Auth-Subject: root", "x-auth-subject: root",
                                         "X_AUTH_SUBJECT: root", "x_Auth-subject: root" };
    static const char *const targets[] = { "/one", "/open", "/key" };
    struct paa_str value;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        ask_for(&ask, "GET", targets[i], "X-A: who:alice", "X-Api-Key: k", NULL);
        for (size_t k = 0; k < sizeof lines / sizeof lines[0]; k++)
            ask_add(&ask, lines[k]);
        ask_add(&ask, "X-Auth-Client: root");
        CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
        CHECK_INT(field_after(txn, &ask, "X-Auth-Subject", &value), 1);
        CHECK_STR(value, i == 0 ? "alice" : i == 1 ? "" : "key");
        CHECK_INT(field_after(txn, &ask, "X-Auth-Client", &value), 1);
        CHECK_STR(value, "");
        paa_txn_end(&txn);
    }
    host_close(&host);
}

/* For hosts that go on by another way than PAA's (nginx, `satisfy any`). */
TEST(a_refused_request_loses_forged_identity_fields_too)
{
    struct paa_str value;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/one", "X-A: reject", "x_auth_subject: root", "X-Auth-Scope: all", NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ANSWER);
    CHECK_INT(field_after(txn, &ask, "X-Auth-Subject", &value), 0);
    CHECK_INT(field_after(txn, &ask, "X-Auth-Scope", &value), 0);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_connection_field_cannot_have_the_next_hop_drop_an_identity_field)
{
    struct paa_str value;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/one", "X-A: who:alice", "Connection: close, x_auth-SUBJECT , te", NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK_INT(field_after(txn, &ask, "Connection", &value), 1);
    CHECK_STR(value, "close, te");
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "/one", "X-A: who:alice", "Connection: x-auth-subject", NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK_INT(field_after(txn, &ask, "Connection", &value), 0);
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "/one", "X-A: who:alice", "Connection: close",
            "connection: X-Auth-Subject, te", NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK_INT(field_after(txn, &ask, "Connection", &value), 1);
    CHECK_STR(value, "close, te");
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "/one", "X-A: who:alice", "Connection: close, te", NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK(edit_of(txn, PAA_MESSAGE_REQUEST, "Connection", 0) == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

static void check_encoded(struct host *host, const char *service, const char *line,
                          const char *subject, const char *scope)
{
    enum paa_state state;
    struct paa_txn *txn;

    host->api = paa_service_find(host->context, service, PAA_INCOMING, NULL);
    txn = txn_of(host, &state, "GET", "/one", line, NULL);
    CHECK_INT(txn_code(state, txn), 200);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Auth-Subject"), subject);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Auth-Scope"), scope);
    paa_txn_end(&txn);
}

TEST(identity_is_encoded_so_that_no_value_can_break_a_field)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    check_encoded(&host, "api", "X-A: scope:a~b who:J\xc3\xbcrgen~50%\r\nx",
                  "J%C3%BCrgen%2050%25%0D%0Ax", "a b");
    check_encoded(&host, "base64", "X-A: scope:a~b who:J\xc3\xbcrgen", "SsO8cmdlbg", "YSBi");
    check_encoded(&host, "ascii", "X-A: scope:a~b who:alice%", "alice%", "a b");
    host.api = paa_service_find(host.context, "ascii", PAA_INCOMING, NULL);
    txn = txn_of(&host, &state, "GET", "/one", "X-A: who:J\xc3\xbcrgen", NULL);
    CHECK_INT(txn_code(state, txn), 500); /* it will not be better later */
    CHECK_STR(paa_txn_answer(txn)->reason, "encoding");
    CHECK(!has_edit(txn, PAA_MESSAGE_REQUEST, PAA_EDIT_SET, "X-Auth-Scope"));
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- what it never sees ------------------------------------------------------------------------ */

TEST(a_credential_does_not_reach_the_application_unless_the_rule_forwards_it)
{
    struct paa_str value;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/key", "X-Api-Key: k", NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK_INT(field_after(txn, &ask, "X-Api-Key", &value), 0);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "Vary"), "X-Api-Key");
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "Cache-Control"), "private");
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "/forward?key=1", "X-Api-Key: k", "Cookie: sid=1; a=2", NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK_INT(field_after(txn, &ask, "X-Api-Key", &value), 1);
    CHECK_INT(field_after(txn, &ask, "Cookie", &value), 1);
    CHECK_STR(value, "sid=1; a=2");
    CHECK_STR(paa_txn_target(txn), "/forward?key=1");
    paa_txn_end(&txn);
    host_close(&host);
}

static void check_stripped(struct host *host, const char *target, const char *cookie,
                           const char *target_after, const char *cookie_after)
{
    struct paa_str value;
    struct paa_txn *txn;
    struct ask ask;

    ask_for(&ask, "GET", target, cookie, NULL);
    CHECK_INT(host_ask(host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK_STR(paa_txn_target(txn), target_after);
    CHECK_INT(field_after(txn, &ask, "Cookie", &value), cookie_after != NULL);
    if (cookie_after != NULL)
        CHECK_STR(value, cookie_after);
    paa_txn_end(&txn);
}

TEST(credentials_in_cookies_and_in_the_query_are_taken_out_and_the_rest_stays)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    check_stripped(&host, "/cookie?x=1&key=k&y=%20", "Cookie: a=1; sid=s; b=2", "/cookie?x=1&y=%20",
                   "a=1; b=2");
    check_stripped(&host, "/cookie?key=k", "Cookie: sid=s", "/cookie", NULL);
    check_stripped(&host, "/cookie?k%65y=k&x", "Cookie: mysid=s", "/cookie?x", "mysid=s");
    check_stripped(&host, "/cookie?keys=1", "Cookie: a=1", "/cookie?keys=1", "a=1");
    host_close(&host);
}

TEST(a_place_in_a_request_has_a_name_and_the_connection_has_none)
{
    static const char *const wrong[] = { "reads:connection=x", "reads:header=", "reads:cookie=" };
    char text[1024];
    struct host host;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        (void)snprintf(text, sizeof text,
                       POLICY(SCRIPT("x", "create = \"%s\"; verify = \"who:x\";"),
                              API("chain = ( { required = \"x\" } );")),
                       wrong[i]);
        CHECK(!host_open(&host, text));
        host_close(&host);
    }
    REQUIRE(
        host_open(&host, POLICY(SCRIPT("x", "create = \"reads:connection\"; verify = \"user:x\";"),
                                API("chain = ( { required = \"x\" } );"))));
    CHECK_INT(code_of(&host, "POST", "/", "Sec-Fetch-Site: cross-site", NULL, NULL), 403);
    CHECK_INT(code_of(&host, "POST", "/", "Sec-Fetch-Site: none", NULL, NULL), 200);
    host_close(&host);
}

TEST(a_cookie_lets_no_unsafe_request_of_another_site_in)
{
    static const struct {
        const char *method;
        const char *line;
        unsigned code;
    } cases[] = {
        { "POST", "Origin: https://evil.example.com", 403 },
        { "POST", "Origin: null", 403 },
        { "POST", "Origin: http://api.example.com", 403 },
        { "POST", "Origin: https://api.example.com:8443", 403 },
        { "POST", "Origin: https://api.example.com", 200 },
        { "POST", "Origin: https://api.example.com:443", 200 },
        { "POST", "Sec-Fetch-Site: cross-site", 403 },
        { "POST", "Sec-Fetch-Site: same-site", 403 },
        { "POST", "Sec-Fetch-Site: same-origin", 200 },
        { "POST", "Sec-Fetch-Site: none", 200 },
        { "PROPFIND", "Sec-Fetch-Site: cross-site", 403 },
        { "GET", "Sec-Fetch-Site: cross-site", 200 },
        { "GET", "Origin: https://evil.example.com", 200 },
        { "DELETE", "X-Nothing: said", 200 },
    };
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned code =
            code_of(&host, cases[i].method, "/cookie", "Cookie: sid=1", cases[i].line, NULL);

        if (code != cases[i].code)
            TEST_FAIL("%s with %s is answered %u", cases[i].method, cases[i].line, code);
    }
    CHECK_INT(code_of(&host, "POST", "/either", "X-Api-Key: k", "Sec-Fetch-Site: cross-site", NULL),
              200);
    CHECK_INT(code_of(&host, "POST", "/either", "Cookie: sid=1", "Sec-Fetch-Site: cross-site",
                      NULL),
              403);
    host_close(&host);
}

/* SPDX-License-Identifier: MIT */
/* What is refused before any plugin sees it, and what of a request survives begin (paa.h, section 5). */
#include "host.h"
#include "test.h"

static const char policy[] =
    POLICY(SCRIPT("s", "create = \"reads:header=X-Api-Key reads:header=Authorization\";")
               SCRIPT("c", "create = \"reads:cookie=sid reads:param=key\";")
                   SCRIPT("slow", "verify = \"after:1 need_header:X-Late=still~here accept\";"),
           API("rules = ( { path = \"/v1/**\"; chain = ( { required = \"s\" } ); },\n"
               "          { path = \"/c/**\"; chain = ( { required = \"c\" } ); },\n"
               "          { path = \"/slow\"; chain = ( { required = \"slow\" } ); },\n"
               "          { path = \"/get\"; methods = [ \"GET\" ]; chain = ( { required = \"s\" } "
               "); } );") "soft = { direction = \"incoming\"; semicolons = true; chain = ( { "
                          "required = \"s\" } ); };\n");

struct refused {
    const char *target;
    const char *why;
};

TEST(a_target_that_can_be_read_in_two_ways_is_refused_before_any_plugin)
{
    static const struct refused targets[] = {
        { "/v1/../admin", "dot segment" },
        { "/v1/./x", "dot segment" },
        { "/v1/..", "dot segment" },
        { "/v1/%2e%2e/x", "encoded dot segment" },
        { "/v1/%2E/x", "encoded dot" },
        { "/v1/.%2e/x", "half encoded dots" },
        { "/v1/a%2fb", "encoded slash" },
        { "/v1/a%2Fb", "encoded slash" },
        { "/v1/a%5cb", "encoded backslash" },
        { "/v1/a\\b", "backslash" },
        { "/v1/a%00b", "encoded NUL" },
        { "/v1/a%1fb", "encoded control" },
        { "/v1/a%0d%0ab", "encoded CRLF" },
        { "/v1/a%7fb", "encoded DEL" },
        { "/v1/%252e", "doubly encoded" },
        { "/v1/%25%32e", "doubly encoded" },
        { "/v1//x", "empty segment" },
        { "//v1/x", "empty segment" },
        { "/v1/a;b=c", "semicolon" },
        { "/v1/\xc3\xa9", "raw byte over 0x7f" },
        { "/v1/a b", "blank" },
        { "/v1/a\tb", "control" },
        { "/v1/a#b", "fragment" },
        { "/v1/%zz", "no percent encoding" },
        { "/v1/%2", "cut percent encoding" },
        { "/v1/x?a=\x01", "control in the query" },
        { "", "empty" },
        { "v1/x", "no slash" },
        { "api.example.com:443", "authority-form" },
        { "https://me@api.example.com/v1/x", "userinfo" },
        { "https://other.example.com/v1/x", "another authority" },
        { "ftp://api.example.com/v1/x", "no http" },
        { "https:///v1/x", "no authority" },
    };
    struct host host;
    unsigned long begun;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/v1/x", NULL), 200);
    begun = atomic_load(&host_counts()->begun);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        unsigned code = code_of(&host, "GET", targets[i].target, NULL);

        if (code != 400)
            TEST_FAIL("%s (%s) is answered %u", targets[i].target, targets[i].why, code);
    }
    CHECK_INT(atomic_load(&host_counts()->begun), begun);
    host_close(&host);
}

TEST(a_nul_in_the_target_or_the_method_is_refused)
{
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "", NULL);
    ask.request.target = paa_str_of_n("/v1/x\0y", 7);
    CHECK_INT(ask_code(&host, &ask), 400);
    ask_for(&ask, "GET", "/v1/x", NULL);
    ask.request.method = paa_str_of_n("GE\0T", 4);
    CHECK_INT(ask_code(&host, &ask), 400);
    ask.request.method = paa_str_of(NULL);
    CHECK_INT(ask_code(&host, &ask), 400);
    CHECK_INT(code_of(&host, "", "/v1/x", NULL), 400);
    CHECK_INT(code_of(&host, "GET /v1/x", "/v1/x", NULL), 400);
    host_close(&host);
}

TEST(equivalent_spellings_of_a_target_match_the_same_rule)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/%76%31/x", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/v1/%7Ex", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/v1/a%20b?c=%2f..", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "https://api.example.com/v1/x", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "https://API.example.com:443/v1/x", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/V1/x", NULL), 403);
    CHECK_INT(code_of(&host, "OPTIONS", "*", NULL), 403); /* no rule asks for it */
    host_close(&host);
}

TEST(a_route_that_the_host_acts_on_is_judged_like_a_target)
{
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/anything", NULL);
    ask.request.route = paa_str_of("/v1/x");
    CHECK_INT(ask_code(&host, &ask), 200);
    ask.request.route = paa_str_of("/v1/../x");
    CHECK_INT(ask_code(&host, &ask), 400);
    ask.request.route = paa_str_of("/%76%31/x");
    CHECK(ask_code(&host, &ask) != 200);
    ask.request.flags = PAA_REQUEST_ROUTE_ENCODED;
    CHECK_INT(ask_code(&host, &ask), 200);
    ask.request.route = paa_str_of("/v1/a%2fb");
    CHECK_INT(ask_code(&host, &ask), 400);
    ask.request.target = paa_str_of("/a%2fb");
    ask.request.route = paa_str_of("/v1/x");
    CHECK_INT(ask_code(&host, &ask), 400);
    host_close(&host);
}

TEST(a_semicolon_is_allowed_where_the_service_says_so)
{
    struct host host;
    struct ask ask;
    struct paa_txn *txn;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/v1/a;b=c", NULL);
    host.api = paa_service_find(host.context, "soft", PAA_INCOMING, NULL);
    REQUIRE(host.api != NULL);
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK_STR(paa_txn_target(txn), "/v1/a;b=c");
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- Host -------------------------------------------------------------------------------------- */

static unsigned code_of_hosts(struct host *host, const char *authority, const char *first,
                              const char *second, const char *target)
{
    struct ask ask;

    ask_for(&ask, "GET", target, first, first != NULL ? second : NULL, NULL);
    ask.request.authority = paa_str_of(authority);
    return ask_code(host, &ask);
}

TEST(two_authorities_in_one_request_are_refused)
{
    static const char good[] = "Host: api.example.com";
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of_hosts(&host, NULL, good, NULL, "/v1/x"), 200);
    CHECK_INT(code_of_hosts(&host, "api.example.com", good, NULL, "/v1/x"), 200);
    CHECK_INT(code_of_hosts(&host, NULL, "hOsT: API.example.com:443", NULL, "/v1/x"), 200);
    CHECK_INT(code_of_hosts(&host, NULL, good, good, "/v1/x"), 400);
    CHECK_INT(code_of_hosts(&host, NULL, good, "HOST: api.example.com", "/v1/x"), 400);
    CHECK_INT(code_of_hosts(&host, "api.example.com", "Host: evil.example.com", NULL, "/v1/x"),
              400);
    CHECK_INT(code_of_hosts(&host, NULL, "Host: evil.example.com", NULL,
                            "https://api.example.com/v1/x"),
              400);
    CHECK_INT(code_of_hosts(&host, NULL, good, NULL, "https://evil.example.com/v1/x"), 400);
    CHECK_INT(code_of_hosts(&host, "api.example.com", NULL, NULL, "https://evil.example.com/v1/x"),
              400);
    CHECK_INT(code_of_hosts(&host, NULL, "Host: me@api.example.com", NULL, "/v1/x"), 400);
    CHECK_INT(code_of_hosts(&host, NULL, "Host: api.example.com/x", NULL, "/v1/x"), 400);
    CHECK_INT(code_of_hosts(&host, NULL, "Host:", NULL, "/v1/x"), 400);
    CHECK_INT(code_of_hosts(&host, "api.example.com:99999", NULL, NULL, "/v1/x"), 400);
    host_close(&host);
}

TEST(a_request_for_another_origin_is_misdirected)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of_hosts(&host, "other.example.com", NULL, NULL, "/v1/x"), 421);
    CHECK_INT(code_of_hosts(&host, "api.example.com:8443", NULL, NULL, "/v1/x"), 421);
    CHECK_INT(code_of_hosts(&host, NULL, NULL, NULL, "/v1/x"), 421);
    CHECK_INT(code_of_hosts(&host, NULL, NULL, NULL, "https://other.example.com/v1/x"), 421);
    host_close(&host);
}

/* ---- fields ------------------------------------------------------------------------------------ */

TEST(fields_beyond_64_kib_or_256_are_refused_with_431)
{
    static char big[64 * 1024 + 1];
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    memset(big, 'x', sizeof big - 1);
    ask_for(&ask, "GET", "/v1/x", "A: ", NULL);
    ask.fields[0].value = paa_str_of_n(big, sizeof big - 1);
    CHECK_INT(ask_code(&host, &ask), 431);
    ask.fields[0].value.size = 64 * 1024 - 1;
    CHECK_INT(ask_code(&host, &ask), 200);
    ask_for(&ask, "GET", "/v1/x", NULL);
    while (ask.request.header_count < 256)
        ask_add(&ask, "A: b");
    CHECK_INT(ask_code(&host, &ask), 200);
    ask_add(&ask, "A: b");
    CHECK_INT(ask_code(&host, &ask), 431);
    while (ask.request.header_count < 1000)
        ask_add(&ask, "A: b");
    CHECK_INT(ask_code(&host, &ask), 431);
    ask.request.flags = PAA_REQUEST_STABLE;
    CHECK_INT(ask_code(&host, &ask), 431);
    host_close(&host);
}

TEST(two_fields_of_a_name_that_carries_a_credential_are_refused_in_every_spelling)
{
    static const char *const names[] = { "X-Api-Key: b", "x-api-key: b", "X_Api_Key: b",
                                         "X-API_KEY: b", "x_api-key: " };
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/v1/x", "X-Api-Key: a", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/v1/x", "X-Api-Keys: a", "X-Api-Key: a", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/c/x", "X-Api-Key: a", "X-Api-Key: a", NULL), 200);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsigned after = code_of(&host, "GET", "/v1/x", "X-Api-Key: a", names[i], NULL);
        unsigned before = code_of(&host, "GET", "/v1/x", names[i], "X-Api-Key: a", NULL);

        if (after != 400 || before != 400)
            TEST_FAIL("a second \"%s\" is answered %u and %u", names[i], after, before);
    }
    CHECK_INT(code_of(&host, "GET", "/v1/x", "Authorization: a", "authorization: a", NULL), 400);
    CHECK_INT(code_of(&host, "GET", "/v1/x", "X_Api_Key: alone", NULL), 400);
    host_close(&host);
}

TEST(a_cookie_or_parameter_that_carries_a_credential_may_not_come_twice)
{
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/c/x?key=1", "Cookie: sid=1; other=2", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/c/x", "Cookie: sid=1; sid=2", NULL), 400);
    CHECK_INT(code_of(&host, "GET", "/c/x", "Cookie: sid=1", "Cookie: sid=2", NULL), 400);
    CHECK_INT(code_of(&host, "GET", "/c/x?key=1&key=2", NULL), 400);
    CHECK_INT(code_of(&host, "GET", "/c/x?key=1&k%65y=2", NULL), 400);
    CHECK_INT(code_of(&host, "GET", "/v1/x?key=1&key=2", "Cookie: sid=1; sid=2", NULL), 200);
    host_close(&host);
}

TEST(control_bytes_in_a_credential_are_refused)
{
    static const char *const values[] = { "a\x01z", "a\nz", "a\rz", "a\x7fz" };
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ask_for(&ask, "GET", "/v1/x", "X-Api-Key:", NULL);
        ask.fields[0].value = paa_str_of(values[i]);
        CHECK_INT(ask_code(&host, &ask), 400);
    }
    ask.fields[0].value = paa_str_of_n("a\0z", 3);
    CHECK_INT(ask_code(&host, &ask), 400);
    host_close(&host);
}

/* ---- method and early data --------------------------------------------------------------------- */

TEST(a_method_the_rule_does_not_name_is_405_with_allow_and_head_goes_with_get)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/get", NULL), 200);
    CHECK_INT(code_of(&host, "HEAD", "/get", NULL), 200);
    CHECK_INT(code_of(&host, "get", "/get", NULL), 405);
    txn = txn_of(&host, &state, "POST", "/get", NULL);
    CHECK_INT(txn_code(state, txn), 405);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_REQUEST);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "Allow"), "GET, HEAD");
    paa_txn_end(&txn);
    CHECK_INT(code_of(&host, "GET", "/nowhere", NULL), 403);
    host_close(&host);
}

TEST(an_unsafe_method_in_early_data_is_too_early)
{
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "POST", "/v1/x", "Early-Data: 1", NULL), 425);
    CHECK_INT(code_of(&host, "GET", "/v1/x", "Early-Data: 1", NULL), 200);
    ask_for(&ask, "PUT", "/v1/x", NULL);
    ask.request.flags = PAA_REQUEST_EARLY_DATA;
    CHECK_INT(ask_code(&host, &ask), 425);
    ask.request.method = paa_str_of("GET");
    CHECK_INT(ask_code(&host, &ask), 200);
    host_close(&host);
}

/* ---- the host's mistakes ----------------------------------------------------------------------- */

TEST(a_request_that_is_filled_wrongly_is_a_fault_and_says_nothing_of_the_one_before)
{
    struct host host;
    struct ask ask;
    struct paa_txn *txn;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/v1/x", NULL), 200);
    ask_for(&ask, "GET", "/v1/x", NULL);
    ask.request.flags = 1u << 30;
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 500);
    CHECK(paa_txn_target(txn).size == 0); /* the last request's memory is its host's again */
    CHECK(paa_txn_rule(txn) == NULL);
    CHECK(paa_txn_step(txn, 0) == NULL);
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "/v1/x", NULL);
    ask.request.headers = NULL;
    ask.request.header_count = 3;
    CHECK_INT(ask_code(&host, &ask), 500);
    host_close(&host);
}

TEST(without_stable_the_hosts_memory_may_change_as_soon_as_begin_has_returned)
{
    char method[] = "GET", target[] = "/slow?q=1", name[] = "X-Late", value[] = "still here";
    char attribute_name[] = "tenant", attribute_value[] = "t1", authority[] = "api.example.com";
    struct paa_field fields[1], attributes[1];
    struct paa_request request;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    paa_init(&request, sizeof request);
    fields[0] = paa_field_of(name, value);
    attributes[0] = paa_field_of(attribute_name, attribute_value);
    request.method = paa_str_of(method);
    request.scheme = paa_str_of("https");
    request.authority = paa_str_of(authority);
    request.target = paa_str_of(target);
    request.headers = fields;
    request.header_count = 1;
    request.attributes = attributes;
    request.attribute_count = 1;
    request.user = &host;
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &request), PAA_TXN_PENDING);
    memset(method, '!', sizeof method - 1);
    memset(target, '!', sizeof target - 1);
    memset(name, '!', sizeof name - 1);
    memset(value, '!', sizeof value - 1);
    memset(authority, '!', sizeof authority - 1);
    memset(fields, 0xa5, sizeof fields);
    memset(attributes, 0xa5, sizeof attributes);
    memset(&request, 0xa5, sizeof request);
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    CHECK_STR(paa_txn_target(txn), "/slow?q=1");
    CHECK(paa_txn_user(txn) == &host);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_stable_request_is_read_where_it_lies)
{
    struct host host;
    struct ask ask;
    struct paa_txn *txn;

    REQUIRE(host_open(&host, policy));
    host.is_live = true;
    ask_for(&ask, "GET", "/slow", "X-Late: still here", NULL);
    ask.request.flags = PAA_REQUEST_STABLE;
    CHECK_INT(host_ask(&host, &ask, &txn), PAA_TXN_ALLOW);
    CHECK(paa_txn_target(txn).data == ask.request.target.data);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_null_transaction_is_one_that_is_answered_503)
{
    struct paa_ticket ticket, empty;
    struct paa_txn *txn = NULL;
    char line[8] = "x";

    memset(&empty, 0, sizeof empty);
    memset(&ticket, 0xff, sizeof ticket);
    CHECK_INT(paa_txn_advance(NULL), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_wait(NULL, -1), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_body(NULL, paa_bytes_of("x", 1), 1), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(NULL)->code, 503);
    CHECK_INT(paa_txn_answer(NULL)->why, PAA_WHY_UNAVAILABLE);
    CHECK_INT(paa_txn_answer(NULL)->retry_after_s, 1);
    CHECK_STR(edit_value(NULL, PAA_MESSAGE_RESPONSE, "Cache-Control"), "no-store");
    CHECK_STR(edit_value(NULL, PAA_MESSAGE_RESPONSE, "Retry-After"), "1");
    CHECK(paa_txn_edit(NULL, PAA_MESSAGE_REQUEST, 0) == NULL);
    CHECK(paa_txn_user(NULL) == NULL && paa_txn_wants(NULL) == 0 && paa_txn_prompt(NULL) == NULL);
    paa_txn_reply(NULL, paa_str_of("x"));
    paa_txn_ticket(NULL, &ticket);
    CHECK(memcmp(&ticket, &empty, sizeof ticket) == 0);
    CHECK(paa_txn_principal(NULL, 0) == NULL && paa_txn_rule(NULL) == NULL);
    CHECK(paa_txn_step(NULL, 0) == NULL && paa_txn_client_tls(NULL) == NULL);
    CHECK(paa_txn_target(NULL).data == NULL);
    CHECK_INT(paa_txn_audit(NULL, line, sizeof line), 0);
    CHECK_INT(line[0], '\0');
    paa_txn_end(&txn);
}

TEST(begin_without_lane_service_or_request_gives_no_transaction)
{
    struct host host;
    struct ask ask;
    struct paa_txn *txn = (struct paa_txn *)&ask;

    REQUIRE(host_open(&host, policy));
    ask_for(&ask, "GET", "/v1/x", NULL);
    CHECK_INT(paa_txn_begin(&txn, NULL, host.api, &ask.request), PAA_TXN_ANSWER);
    CHECK(txn == NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, NULL, &ask.request), PAA_TXN_ANSWER);
    CHECK(txn == NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, NULL), PAA_TXN_ANSWER);
    CHECK(txn == NULL);
    paa_context_stop(host.context);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_ANSWER);
    CHECK(txn == NULL);
    host_close(&host);
}

/* SPDX-License-Identifier: MIT */
/* From what steps say to what is answered: the rows of README.md's table, as a host gets them. */
#include "host.h"
#include "test.h"

/* Each step does what the field named after it says. d has no challenge to offer. */
static const char policy[] = "stores = { keys = \"memory\"; };\n" POLICY(
    "keys = { plugin = \"apikey\"; store = \"keys\"; };\n" SCRIPT(
        "a", "verify = \"script:X-A\"; challenge = \"challenge:Bearer\";")
        SCRIPT("b", "verify = \"script:X-B\"; challenge = \"challenge:ApiKey\";")
            SCRIPT("c", "verify = \"script:X-C\"; challenge = \"challenge:Bearer\";")
                SCRIPT("d", "verify = \"script:X-D\";")
                    SCRIPT("login", "verify = \"script:X-L\"; challenge = "
                                    "\"redirect:https://id.example.com/go done\";"),
    API("rules = (\n"
        "{ path = \"/a\"; chain = ( { required = \"a\" } ); },\n"
        "{ path = \"/d\"; chain = ( { required = \"d\" } ); },\n"
        "{ path = \"/deny\"; chain = ( { required = \"deny\" } ); },\n"
        "{ path = \"/all\"; identity = [ \"a\", \"b\", \"c\" ];\n"
        "  chain = ( { required = \"a\" }, { required = \"b\" }, { required = \"c\" } ); },\n"
        "{ path = \"/requisite\"; identity = [ \"a\", \"b\" ];\n"
        "  chain = ( { requisite = \"a\" }, { required = \"b\" } ); },\n"
        "{ path = \"/sufficient\"; identity = [ \"a\", \"b\" ];\n"
        "  chain = ( { sufficient = \"a\" }, { required = \"b\" } ); },\n"
        "{ path = \"/group\"; identity = [ \"d\", \"a\", \"b\" ];\n"
        "  chain = ( { required = \"d\" }, { required = [ \"a\", \"b\" ] } ); },\n"
        "{ path = \"/web\"; identity = [ \"d\", \"login\" ];\n"
        "  chain = ( { required = \"d\" }, { required = \"login\" } ); },\n"
        "{ path = \"/both\"; identity = [ \"keys\", \"login\" ];\n"
        "  chain = ( { required = \"keys\" }, { required = \"login\" } ); } );") "quiet = { "
                                                                                 "direction = "
                                                                                 "\"incoming\"; "
                                                                                 "problem_json = "
                                                                                 "true; "
                                                                                 "failure_delay = "
                                                                                 "\"1s\";\n"
                                                                                 "  rules = ( { "
                                                                                 "path = \"/a\"; "
                                                                                 "chain = ( { "
                                                                                 "required = \"a\" "
                                                                                 "} ); } ); };\n");

static void check_no_store(const struct paa_txn *txn)
{
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "Cache-Control"), "no-store");
    CHECK(paa_txn_edit(txn, PAA_MESSAGE_REQUEST, 0) == NULL);
    CHECK(paa_txn_principal(txn, 0) == NULL);
}

static struct paa_str challenge_of(const struct paa_txn *txn, size_t index)
{
    const struct paa_edit *edit = edit_of(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate", index);

    return edit != NULL ? edit->value : paa_str_of(NULL);
}

TEST(a_401_offers_the_challenges_of_all_steps_in_policy_order_once_per_scheme_and_realm)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/all", "X-A: reject", "X-B: absent", "X-C: absent", NULL);
    CHECK_INT(txn_code(state, txn), 401);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_CREDENTIALS);
    CHECK_STR(challenge_of(txn, 0), "Bearer realm=\"scripted\"");
    CHECK_STR(challenge_of(txn, 1), "ApiKey realm=\"scripted\"");
    CHECK(challenge_of(txn, 2).data == NULL);
    check_no_store(txn);
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/all", "X-A: accept", "X-B: absent", "X-C: absent", NULL);
    CHECK_STR(challenge_of(txn, 0), "ApiKey realm=\"scripted\"");
    CHECK_STR(challenge_of(txn, 1), "Bearer realm=\"scripted\"");
    CHECK(challenge_of(txn, 2).data == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(steps_that_did_not_run_offer_their_challenge_too)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/requisite", "X-A: absent", NULL);
    CHECK_INT(txn_code(state, txn), 401);
    CHECK_STR(challenge_of(txn, 0), "Bearer realm=\"scripted\"");
    CHECK_STR(challenge_of(txn, 1), "ApiKey realm=\"scripted\"");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(without_a_challenge_to_offer_it_is_403)
{
    static const char *const targets[] = { "/d", "/deny", "/nowhere" };
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        txn = txn_of(&host, &state, "GET", targets[i], "X-D: absent", NULL);
        CHECK_INT(txn_code(state, txn), 403);
        CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_FORBIDDEN);
        CHECK(challenge_of(txn, 0).data == NULL);
        check_no_store(txn);
        paa_txn_end(&txn);
    }
    host_close(&host);
}

static int64_t retry_after_of(struct host *host, const char *line)
{
    enum paa_state state;
    struct paa_txn *txn = txn_of(host, &state, "GET", "/a", line, NULL);
    int64_t retry_after_s = paa_txn_answer(txn)->retry_after_s;
    char text[32];

    (void)snprintf(text, sizeof text, "%lld", (long long)retry_after_s);
    CHECK_INT(txn_code(state, txn), 503);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_UNAVAILABLE);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "Retry-After"), text);
    CHECK(challenge_of(txn, 0).data == NULL);
    check_no_store(txn);
    paa_txn_end(&txn);
    return retry_after_s;
}

TEST(a_503_says_when_to_come_back_within_1_to_300_seconds)
{
    struct host host;
    int64_t said;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(retry_after_of(&host, "X-A: unavailable"), 1);
    for (int i = 0; i < 50; i++) {
        said = retry_after_of(&host, "X-A: retry:20000 unavailable");
        CHECK(said >= 20 && said <= 30);
        said = retry_after_of(&host, "X-A: retry:90000000 unavailable");
        CHECK_INT(said, 300);
    }
    host_close(&host);
}

TEST(faults_limits_and_unreadable_credentials_have_their_own_answers)
{
    static const struct {
        const char *line;
        unsigned code;
        enum paa_why why;
    } cases[] = {
        { "X-A: fault", 500, PAA_WHY_FAULT },
        { "X-A: reject:rate_limited", 429, PAA_WHY_LIMITED },
        { "X-A: reject:invalid_request", 400, PAA_WHY_REQUEST },
        { "X-A: reject:invalid_token", 401, PAA_WHY_CREDENTIALS },
        { "X-A: ignore", 401, PAA_WHY_CREDENTIALS },
        { "X-A: absent:rate_limited", 401, PAA_WHY_CREDENTIALS },
    };
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        txn = txn_of(&host, &state, "GET", "/a", cases[i].line, NULL);
        CHECK_INT(txn_code(state, txn), cases[i].code);
        CHECK_INT(paa_txn_answer(txn)->why, cases[i].why);
        CHECK_INT(paa_txn_answer(txn)->retry_after_s > 0, cases[i].code == 429);
        check_no_store(txn);
        paa_txn_end(&txn);
    }
    host_close(&host);
}

TEST(a_400_carries_the_challenge_of_the_step_that_could_not_read_and_of_no_other)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/all", "X-A: absent", "X-B: reject:invalid_request",
                 "X-C: absent", NULL);
    CHECK_INT(txn_code(state, txn), 400);
    CHECK_STR(challenge_of(txn, 0), "ApiKey realm=\"scripted\"");
    CHECK(challenge_of(txn, 1).data == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

/* security.md, section 1, "Worked" and "Others". */
TEST(the_worked_examples_are_answered_as_worked_out)
{
    static const struct {
        const char *target;
        const char *a, *b, *d;
        unsigned code;
    } cases[] = {
        { "/group", "accept", "reject", "accept", 200 },
        { "/group", "absent", "accept", "accept", 200 },
        { "/group", "absent", "absent", "accept", 401 },
        { "/group", "absent", "reject", "accept", 401 },
        { "/group", "absent", "unavailable", "accept", 503 },
        { "/group", "absent", "fault", "accept", 500 },
        { "/group", "reject", "accept", "accept", 401 },
        { "/group", "unavailable", "accept", "accept", 503 },
        { "/group", "absent", "accept", "reject", 401 },
        { "/group", "absent", "accept", "unavailable", 503 },
        { "/group", "absent", "reject", "unavailable", 401 },
        { "/group", "absent", "accept", "fault", 500 },
        { "/group", "ignore", "ignore", "accept", 401 },
        { "/sufficient", "unavailable", "absent", "accept", 503 },
        { "/sufficient", "unavailable", "reject", "accept", 503 },
        { "/sufficient", "reject", "absent", "accept", 401 },
        { "/sufficient", "fault", "absent", "accept", 500 },
        { "/sufficient", "accept", "reject", "accept", 200 },
        { "/requisite", "unavailable", "accept", "accept", 503 },
        { "/requisite", "absent", "accept", "accept", 401 },
    };
    char a[64], b[64], d[64];
    struct host host;

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned code;

        (void)snprintf(a, sizeof a, "X-A: %s", cases[i].a);
        (void)snprintf(b, sizeof b, "X-B: %s", cases[i].b);
        (void)snprintf(d, sizeof d, "X-D: %s", cases[i].d);
        code = code_of(&host, "GET", cases[i].target, a, b, d, NULL);
        if (code != cases[i].code)
            TEST_FAIL("%s with %s, %s, %s is answered %u, not %u", cases[i].target, a, b, d, code,
                      cases[i].code);
    }
    host_close(&host);
}

TEST(only_a_browsers_navigation_is_sent_to_log_in_and_only_if_nothing_else_is_missing)
{
    static const char html[] = "Accept: text/html,*/*";
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/web", html, "X-L: absent", NULL);
    CHECK_INT(txn_code(state, txn), 302);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_LOGIN);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "Location"), "https://id.example.com/go");
    check_no_store(txn);
    paa_txn_end(&txn);
    CHECK_INT(code_of(&host, "GET", "/web", "Sec-Fetch-Mode: navigate", "X-L: reject", NULL), 302);
    CHECK_INT(code_of(&host, "GET", "/web", "Sec-Fetch-Mode: cors", html, "X-L: absent", NULL),
              403);
    CHECK_INT(code_of(&host, "POST", "/web", html, "X-L: absent", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/web", "X-L: absent", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/web", html, "Authorization: x", "X-L: absent", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/both", html, "X-L: absent", NULL), 401);
    host_close(&host);
}

TEST(what_a_step_says_on_denial_on_grant_or_on_both_goes_with_that)
{
    static const char both[] = "X-A: response:X-Yes=1 deny:X-No=2 both:X-Any=3 ";
    char line[128];
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    (void)snprintf(line, sizeof line, "%saccept", both);
    txn = txn_of(&host, &state, "GET", "/a", line, NULL);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "X-Yes"), "1");
    CHECK(edit_of(txn, PAA_MESSAGE_RESPONSE, "X-No", 0) == NULL);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "X-Any"), "3");
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/all", line, "X-B: absent", "X-C: absent", NULL);
    CHECK_INT(txn_code(state, txn), 401);
    CHECK(edit_of(txn, PAA_MESSAGE_RESPONSE, "X-Yes", 0) == NULL);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "X-No"), "2");
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "X-Any"), "3");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(problem_json_says_the_status_and_nothing_else)
{
    struct paa_bytes content;
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = txn_of(&host, &state, "GET", "/a", "X-A: reject:secret_reason", NULL);
    CHECK_STR(paa_txn_answer(txn)->media_type, "text/plain");
    content = paa_txn_answer(txn)->content;
    CHECK_STR(paa_str_of_n((const char *)content.data, content.size), "401 Unauthorized\n");
    CHECK_STR(paa_txn_answer(txn)->reason, "secret_reason");
    CHECK_STR(paa_txn_answer(txn)->sentence, "a: scripted: secret_reason");
    paa_txn_end(&txn);
    host.api = paa_service_find(host.context, "quiet", PAA_INCOMING, NULL);
    txn = txn_of(&host, &state, "GET", "/a", "X-A: reject:secret_reason", NULL);
    CHECK_STR(paa_txn_answer(txn)->media_type, "application/problem+json");
    content = paa_txn_answer(txn)->content;
    CHECK_STR(paa_str_of_n((const char *)content.data, content.size),
              "{\"type\":\"about:blank\",\"title\":\"Unauthorized\",\"status\":401}");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_failure_delay_is_spread_by_chance_and_goes_with_401_and_403_only)
{
    int64_t least = INT64_MAX, most = 0;
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK_INT(code_of(&host, "GET", "/a", NULL), 200);
    host.api = paa_service_find(host.context, "quiet", PAA_INCOMING, NULL);
    for (int i = 0; i < 100; i++) {
        int64_t delay_ms;

        txn = txn_of(&host, &state, "GET", "/a", "X-A: reject", NULL);
        delay_ms = paa_txn_answer(txn)->delay_ms;
        least = delay_ms < least ? delay_ms : least;
        most = delay_ms > most ? delay_ms : most;
        paa_txn_end(&txn);
    }
    CHECK(least >= 500 && most <= 1500 && most - least > 300);
    txn = txn_of(&host, &state, "GET", "/nowhere", NULL);
    CHECK(txn_code(state, txn) == 403 && paa_txn_answer(txn)->delay_ms >= 500);
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/a", "X-A: unavailable", NULL);
    CHECK(txn_code(state, txn) == 503 && paa_txn_answer(txn)->delay_ms == 0);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_service_of_the_other_direction_or_of_another_name_is_not_found)
{
    struct paa_error error;
    struct host host;

    REQUIRE(host_open(&host, policy));
    CHECK(paa_service_find(host.context, "api", PAA_OUTGOING, &error) == NULL);
    CHECK_HAS(error.text, "incoming, not outgoing");
    CHECK(paa_service_find(host.context, "apy", PAA_INCOMING, &error) == NULL);
    CHECK_HAS(error.text, "no service apy");
    host_close(&host);
}

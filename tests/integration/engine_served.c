/* SPDX-License-Identifier: MIT */
/* Paths that an instance serves: found before any rule, answered by its `serve`, told by check, never somebody else's too. */
#include "host.h"
#include "test.h"

/* Answers what the field X-S says. */
static const char policy[] = POLICY(
    SCRIPT("s", "path = [ \"/callback\", \"/logout\" ]; serve = \"script:X-S\";"),
    API("metadata = true; rules = ( { path = \"/**\"; chain = ( { required = \"s\" } ); } );"));

static struct paa_txn *served(struct host *host, enum paa_state *ret_state, const char *method,
                              const char *script)
{
    char line[512];

    (void)snprintf(line, sizeof line, "X-S: %s", script);
    return txn_of(host, ret_state, method, "/callback?code=1", line, NULL);
}

static struct paa_str response_of(const struct paa_txn *txn, const char *name)
{
    return edit_value(txn, PAA_MESSAGE_RESPONSE, name);
}

TEST(a_path_is_answered_by_the_instance_it_belongs_to)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = served(&host, &state, "GET",
                 "need_endpoint:path=0 response:X-Own=1 deny:Set-Cookie=a=b answer:200=hello done");
    CHECK_INT(txn_code(state, txn), 200);
    CHECK_INT(state, PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_SERVED);
    CHECK_STR(paa_txn_answer(txn)->media_type, "text/plain");
    CHECK(paa_txn_answer(txn)->content.size == 5);
    CHECK_STR(response_of(txn, "X-Own"), "1");
    CHECK_STR(response_of(txn, "Set-Cookie"), "a=b");
    CHECK_STR(response_of(txn, "Cache-Control"), "no-store");
    CHECK_STR(response_of(txn, "X-Content-Type-Options"), "nosniff");
    CHECK(paa_txn_rule(txn) == NULL && paa_txn_step(txn, 0) == NULL);
    CHECK(paa_txn_principal(txn, 0) == NULL);
    paa_txn_end(&txn);
    CHECK_INT(code_of(&host, "GET", "/logout", "X-S: need_endpoint:path=1 answer:201=x", NULL),
              201);
    CHECK_INT(code_of(&host, "GET", "/callback/more", "X-S: answer:201=x", NULL), 200);
    CHECK_INT(host_broken_promises(), 0);
    host_close(&host);
}

TEST(a_redirect_is_302_or_303_after_a_form)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = served(&host, &state, "GET", "redirect:/home done");
    CHECK_INT(txn_code(state, txn), 302);
    CHECK_STR(response_of(txn, "Location"), "/home");
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_SERVED);
    paa_txn_end(&txn);
    txn = served(&host, &state, "POST", "redirect:https://id.example.com/out done");
    CHECK_INT(txn_code(state, txn), 303);
    CHECK_STR(response_of(txn, "Location"), "https://id.example.com/out");
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(without_an_answer_of_its_own_the_core_says_what_it_was)
{
    static const struct {
        const char *script;
        unsigned code;
    } cases[] = {
        { "absent", 404 },
        { "reject", 403 },
        { "reject:invalid_request", 400 },
        { "retry:5000 reject:rate_limited", 429 },
        { "unavailable:down", 503 },
        { "fault", 500 },
        { "done", 500 },
        { "accept", 500 },
        { "answer:200=x answer:200=y done", 500 },
        { "answer:200=x redirect:/y done", 500 },
        { "answer:302=x done", 500 },
        { "answer:99=x done", 500 },
        { "header:X-Up=1 answer:200=x done", 500 },
        { "redirect://evil.example.com done", 500 },
        { "who:x answer:200=x done", 500 },
    };
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;
    char script[256];

    REQUIRE(host_open(&host, policy));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(script, sizeof script, "response:X-Own=1 %s", cases[i].script);
        txn = served(&host, &state, "GET", script);
        if (txn_code(state, txn) != cases[i].code)
            TEST_FAIL("%s is answered %u, not %u", cases[i].script, txn_code(state, txn),
                      cases[i].code);
        CHECK(response_of(txn, "X-Own").data == NULL);
        CHECK(response_of(txn, "Location").data == NULL);
        CHECK_STR(response_of(txn, "Cache-Control"), "no-store");
        paa_txn_end(&txn);
    }
    host_close(&host);
}

TEST(serve_may_wait_and_is_cut_off_by_the_request_s_time)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    txn = served(&host, &state, "GET", "work:1 answer:200=x done");
    CHECK_INT(txn_code(state, txn), 200);
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "/callback", "X-S: after:3600000 answer:200=x done", NULL);
    state = paa_txn_begin(&txn, host.lane, host.api, &ask.request);
    REQUIRE(state == PAA_TXN_PENDING);
    host_pass(&host, 11 * 1000);
    state = paa_txn_wait(txn, -1);
    CHECK_INT(txn_code(state, txn), 503);
    CHECK_STR(paa_txn_answer(txn)->reason, "deadline");
    paa_txn_end(&txn);
    state = paa_txn_begin(&txn, host.lane, host.api, &ask.request);
    CHECK_INT(state, PAA_TXN_PENDING);
    paa_txn_end(&txn); /* the host gave up */
    ask.request.flags |= (uint32_t)PAA_REQUEST_NO_WAIT;
    state = paa_txn_begin(&txn, host.lane, host.api, &ask.request);
    CHECK_INT(txn_code(state, txn), 503);
    paa_txn_end(&txn);
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->finished), atomic_load(&host_counts()->begun));
    CHECK_INT(host_broken_promises(), 0);
}

TEST(the_audit_says_that_it_was_served_and_what_was_noted)
{
    char line[2048];
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(host_open(&host, policy));
    txn = served(&host, &state, "GET", "note:sid=7 answer:200=x done");
    REQUIRE(paa_txn_audit(txn, line, sizeof line) < sizeof line);
    CHECK_HAS(line, "\"rule\":null");
    CHECK_HAS(line, "\"path\":\"/callback\"");
    CHECK_HAS(line, "\"verdict\":\"served\",\"status\":200,\"reason\":\"served\"");
    CHECK_HAS(line, "{\"instance\":\"s\",\"name\":\"sid\",\"value\":\"7\"}");
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- policies ---------------------------------------------------------------------------------- */

static void check_refused(const char *text, const char *sentence)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, text));
    host_options(&host, &options);
    if (host_open_context(&host, &options))
        TEST_FAIL("a policy was taken that should say: %s", sentence);
    CHECK_HAS(host.error.text, sentence);
    host_close(&host);
}

#define CHAIN(name) "chain = ( { required = \"" name "\" } );"

TEST(a_path_belongs_to_one_only)
{
    check_refused(POLICY(SCRIPT("s", "path = \"/in\";"),
                         API("rules = ( { path = \"/**\"; " CHAIN("s") " },\n"
                                                                       "{ path = \"/in\"; " CHAIN(
                                                                           "permit") " } );")),
                  ":6: PAA itself answers /in, for instance s (");
    check_refused(POLICY(SCRIPT("s", "path = \"/in\";") SCRIPT("t", "path = \"/in\";"),
                         API("chain = ( { required = [ \"s\", \"t\" ] } ); "
                             "identity = [ \"s\", \"t\" ];")),
                  "/in is to be answered for instance t and for instance s (");
    check_refused(POLICY(SCRIPT("s",
                                "path = [ \"/in\", \"/.well-known/oauth-protected-resource\" ];"),
                         API("metadata = true; " CHAIN("s"))),
                  "is to be answered for instance s and for \"metadata\" (");
    check_refused(
        POLICY("",
               API("metadata = true; rules = ( "
                   "{ path = \"/.well-known/oauth-protected-resource\"; " CHAIN("deny") " } );")),
        ":4: PAA itself answers /.well-known/oauth-protected-resource, for \"metadata\" (");
}

TEST(a_host_that_answers_no_browsers_gets_no_service_with_such_paths)
{
    struct paa_context_options options;
    struct paa_error error;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, policy));
    host_options(&host, &options);
    options.can &= ~(uint32_t)PAA_CAN_BROWSER;
    REQUIRE(host_open_context(&host, &options));
    CHECK(paa_service_find(host.context, "api", PAA_INCOMING, &error) == NULL);
    CHECK_HAS(error.text, "/callback is for PAA to answer");
    host_close(&host);
}

TEST(a_check_says_which_paths_no_rule_is_asked_for)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, policy));
    host_options(&host, &options);
    options.flags = PAA_OPEN_CHECK;
    options.allow_plugins = (const char *const[]){ SCRIPTED };
    options.allow_plugin_count = 1;
    REQUIRE(host_open_context(&host, &options));
    CHECK_HAS(host.log, "service api: PAA itself answers /logout, for instance s, without asking");
    CHECK_HAS(host.log, "answers /.well-known/oauth-protected-resource, for \"metadata\", without");
    host_close(&host);
}

/* SPDX-License-Identifier: MIT */
/* The metadata of a service as a protected resource (RFC 9728): the document, who adds to it, and where challenges point. */
#include "host.h"
#include "test.h"

#define DOCUMENT "/.well-known/oauth-protected-resource"

static const char tokens[] =
    "describe = \"metadata:authorization_servers=[\\\"https://id.example.com\\\"] "
    "metadata:bearer_methods_supported=[\\\"header\\\"] "
    "metadata:tls_client_certificate_bound_access_tokens=false done\";"
    "verify = \"script:X-A\"; challenge = \"why:Bearer done\";";
static const char logins[] =
    "describe = \"metadata:authorization_servers=[\\\"https://login.example.com\\\","
    "~\\\"https://id.example.com\\\"] metadata:bearer_methods_supported=[\\\"header\\\"] "
    "metadata:tls_client_certificate_bound_access_tokens=true done\";"
    "verify = \"script:X-B\"; challenge = \"why:DPoP done\";";

static void host_endpoint(struct paa_str path, void *user)
{
    char text[256];

    (void)snprintf(text, sizeof text, "endpoint %.*s", (int)path.size, path.data);
    host_log(PAA_LEVEL_INFO, paa_str_of(text), user);
}

/* The policy with two such instances; `members` of the service. */
static bool open_policy(struct host *host, const char *a, const char *b, const char *members)
{
    char text[8192];

    (void)snprintf(text, sizeof text,
                   "instances = { a = { plugin = \"" SCRIPTED "\"; %s };\n"
                   "b = { plugin = \"" SCRIPTED "\"; %s }; };\n"
                   "services = { api = { direction = \"incoming\"; origins = [ "
                   "\"https://api.example.com\", \"https://other.example.com:8443\" ]; %s };\n"
                   "};\n",
                   a, b, members);
    return host_open(host, text);
}

static const char rules[] =
    "rules = ( { path = \"/a\"; chain = ( { required = [ \"a\", \"b\" ] } ); identity = [ \"a\", "
    "\"b\" ];\n"
    "  require = { scope = [ \"orders:read\", \"orders:write\" ]; max_age = \"90s\" }; },\n"
    "  { path = \"/b\"; chain = ( { required = \"b\" } ); require = { scope = \"orders:read\" }; "
    "},\n"
    "  { path = \"/**\"; chain = ( { required = \"deny\" } ); } );";

static bool open_usual(struct host *host)
{
    char members[2048];

    (void)snprintf(members, sizeof members, "metadata = true; %s", rules);
    return open_policy(host, tokens, logins, members);
}

static struct paa_str content_of(const struct paa_txn *txn)
{
    const struct paa_answer *answer = paa_txn_answer(txn);

    return paa_str_of_n((const char *)answer->content.data, answer->content.size);
}

static struct paa_str response_of(const struct paa_txn *txn, const char *name)
{
    return edit_value(txn, PAA_MESSAGE_RESPONSE, name);
}

static void check_document(struct host *host, const char *target, const char *expected)
{
    enum paa_state state;
    struct paa_txn *txn = txn_of(host, &state, "GET", target, NULL);

    CHECK_INT(txn_code(state, txn), 200);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_SERVED);
    CHECK_STR(paa_txn_answer(txn)->media_type, "application/json");
    CHECK_STR(content_of(txn), expected);
    paa_txn_end(&txn);
}

TEST(the_document_joins_what_the_policy_and_its_instances_say)
{
    struct host host;

    REQUIRE(open_usual(&host));
    check_document(&host, DOCUMENT,
                   "{\"resource\":\"https://api.example.com\","
                   "\"scopes_supported\":[\"orders:read\",\"orders:write\"],"
                   "\"authorization_servers\":[\"https://id.example.com\","
                   "\"https://login.example.com\"],"
                   "\"bearer_methods_supported\":[\"header\"],"
                   "\"tls_client_certificate_bound_access_tokens\":true}");
    CHECK_INT(host_broken_promises(), 0);
    host_close(&host);
}

TEST(the_document_may_be_kept_and_read_by_everybody)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(open_usual(&host));
    txn = txn_of(&host, &state, "HEAD", DOCUMENT, NULL);
    CHECK_INT(txn_code(state, txn), 200);
    CHECK_STR(response_of(txn, "Cache-Control"), "public, max-age=300");
    CHECK_STR(response_of(txn, "X-Content-Type-Options"), "nosniff");
    CHECK_STR(response_of(txn, "Access-Control-Allow-Origin"), "*");
    CHECK(paa_txn_rule(txn) == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(other_methods_are_405)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(open_usual(&host));
    txn = txn_of(&host, &state, "POST", DOCUMENT, NULL);
    CHECK_INT(txn_code(state, txn), 405);
    CHECK_STR(response_of(txn, "Allow"), "GET, HEAD");
    CHECK_STR(response_of(txn, "Cache-Control"), "no-store");
    paa_txn_end(&txn);
    host_close(&host);
}

/* RFC 9728 3.1: the well-known part goes between host and path. */
TEST(a_resource_with_a_path_has_its_document_behind_the_well_known_part)
{
    struct host host;

    REQUIRE(open_policy(&host, "verify = \"absent\";", "verify = \"absent\";",
                        "metadata = { path = \"/v1\"; scopes_supported = [ \"x\" ];\n"
                        "resource_name = \"The \\\"orders\\\"\";\n"
                        "resource_documentation = \"https://docs.example.com/a\";\n"
                        "resource_policy_uri = \"https://docs.example.com/p\";\n"
                        "resource_tos_uri = \"https://docs.example.com/t\"; };\n"
                        "chain = ( { required = [ \"a\", \"b\" ] } );"));
    check_document(&host, DOCUMENT "/v1",
                   "{\"resource\":\"https://api.example.com/v1\",\"scopes_supported\":[\"x\"],"
                   "\"resource_name\":\"The \\\"orders\\\"\","
                   "\"resource_documentation\":\"https://docs.example.com/a\","
                   "\"resource_policy_uri\":\"https://docs.example.com/p\","
                   "\"resource_tos_uri\":\"https://docs.example.com/t\"}");
    CHECK_INT(code_of(&host, "GET", DOCUMENT, NULL), 403);
    host_close(&host);
}

/* ---- challenges -------------------------------------------------------------------------------- */

static struct paa_str challenge_of(const struct paa_txn *txn, size_t index)
{
    const struct paa_edit *edit = edit_of(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate", index);

    return edit != NULL ? edit->value : paa_str_of(NULL);
}

/* The challenge of `a` to what its verify does. */
static void check_challenge(struct host *host, const char *line, unsigned code,
                            const char *expected)
{
    enum paa_state state;
    struct paa_txn *txn = txn_of(host, &state, "GET", "/a", line, "X-B: absent", NULL);

    CHECK_INT(txn_code(state, txn), code);
    CHECK_STR(challenge_of(txn, 0), expected);
    paa_txn_end(&txn);
}

#define REALM "Bearer realm=\"api\""
#define REST                                                                                       \
    ", scope=\"orders:read orders:write\", max_age=\"90\", "                                       \
    "resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource\""

TEST(challenges_say_why_as_rfc_6750_9449_and_9470_want_it)
{
    struct host host;

    REQUIRE(open_usual(&host));
    check_challenge(&host, "X-A: absent", 401, REALM REST);
    check_challenge(&host, "X-A: reject", 401, REALM REST);
    check_challenge(&host, "X-A: reject:expired", 401, REALM REST);
    check_challenge(&host, "X-A: reject:invalid_token", 401,
                    REALM ", error=\"invalid_token\"" REST);
    check_challenge(&host, "X-A: reject:use_dpop_nonce", 401,
                    REALM ", error=\"use_dpop_nonce\"" REST);
    check_challenge(&host, "X-A: reject:invalid_request", 400,
                    REALM ", error=\"invalid_request\"" REST);
    check_challenge(&host, "X-A: reject:insufficient_user_authentication", 401,
                    REALM ", error=\"insufficient_user_authentication\"" REST);
    check_challenge(&host, "X-A: who:x accept", 401,
                    REALM ", error=\"insufficient_user_authentication\"" REST);
    host_close(&host);
}

TEST(a_missing_scope_is_said_by_the_token_it_is_missing_from_only)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(
        open_policy(&host, tokens, logins,
                    "chain = ( { required = [ \"a\", \"b\" ] } ); identity = [ \"a\", \"b\" ];\n"
                    "require = { scope = \"x\" };"));
    txn = txn_of(&host, &state, "GET", "/", "X-A: absent", "X-B: methods:jwt who:x accept", NULL);
    CHECK_INT(txn_code(state, txn), 403);
    CHECK_STR(challenge_of(txn, 0),
              "DPoP realm=\"api\", error=\"insufficient_scope\", scope=\"x\"");
    CHECK(challenge_of(txn, 1).data == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

/* F4: not the Host that a client sends, but the service's own origin, with its port. */
TEST(the_document_and_the_pointer_to_it_are_of_the_origin_that_was_asked)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(open_usual(&host));
    ask_for(&ask, "GET", "/a", "X-A: absent", "X-B: absent", NULL);
    ask.request.authority = paa_str_of("OTHER.example.com:8443");
    state = host_ask(&host, &ask, &txn);
    CHECK_INT(txn_code(state, txn), 401);
    CHECK_HAS(challenge_of(txn, 0).data,
              "resource_metadata=\"https://other.example.com:8443/.well-known/");
    paa_txn_end(&txn);
    ask_for(&ask, "GET", DOCUMENT, NULL);
    ask.request.authority = paa_str_of("other.example.com:8443");
    state = host_ask(&host, &ask, &txn);
    CHECK_INT(txn_code(state, txn), 200);
    CHECK_HAS(content_of(txn).data, "{\"resource\":\"https://other.example.com:8443\",");
    paa_txn_end(&txn);
    ask.request.authority = paa_str_of("evil.example.com");
    CHECK_INT(ask_code(&host, &ask), 421);
    host_close(&host);
}

TEST(several_schemes_of_one_instance_are_offered_each)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(open_policy(&host, "verify = \"absent\"; challenge = \"why:Bearer why:DPoP done\";",
                        "verify = \"absent\"; challenge = \"deny:X-B=1 why:Basic\";",
                        "chain = ( { required = [ \"a\", \"b\" ] } ); "
                        "identity = [ \"a\", \"b\" ];"));
    txn = txn_of(&host, &state, "GET", "/", NULL);
    CHECK_STR(challenge_of(txn, 0), "Bearer realm=\"api\"");
    CHECK_STR(challenge_of(txn, 1), "DPoP realm=\"api\"");
    CHECK(challenge_of(txn, 2).data ==
          NULL); /* b ended with ABSENT: what it said before is dropped */
    CHECK(response_of(txn, "X-B").data == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(of_one_scheme_and_realm_the_challenge_of_the_step_that_rejected_is_sent)
{
    static const char a[] = "verify = \"absent\"; challenge = \"why:Bearer done\";";
    static const char b[] = "verify = \"reject:invalid_token\"; challenge = \"why:Bearer done\";";
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(open_policy(&host, a, b,
                        "chain = ( { required = [ \"a\", \"b\" ] } ); "
                        "identity = [ \"a\", \"b\" ];"));
    txn = txn_of(&host, &state, "GET", "/", NULL);
    CHECK_STR(challenge_of(txn, 0), "Bearer realm=\"api\", error=\"invalid_token\"");
    CHECK(challenge_of(txn, 1).data == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_step_that_rejects_or_its_challenge_may_send_a_nonce_along)
{
    static const char a[] =
        "verify = \"script:X-A\"; challenge = \"deny:X-Second=2 why:DPoP done\";";
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(open_policy(&host, a, "verify = \"absent\";",
                        "chain = ( { required = \"a\" }, { optional = \"b\" } ); "
                        "identity = [ \"a\", \"b\" ];"));
    txn = txn_of(&host, &state, "GET", "/",
                 "X-A: deny:DPoP-Nonce=n1 response:X-Grant=1 header:X-Up=1 reject:use_dpop_nonce",
                 NULL);
    CHECK_INT(txn_code(state, txn), 401);
    CHECK_STR(response_of(txn, "DPoP-Nonce"), "n1");
    CHECK_STR(response_of(txn, "X-Second"), "2");
    CHECK(response_of(txn, "X-Grant").data == NULL);
    CHECK(edit_of(txn, PAA_MESSAGE_REQUEST, "X-Up", 0) == NULL);
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/", "X-A: deny:DPoP-Nonce=n1 unavailable", NULL);
    CHECK_INT(txn_code(state, txn), 503);
    CHECK(response_of(txn, "DPoP-Nonce").data == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- describe ---------------------------------------------------------------------------------- */

#define ALONE                                                                                      \
    "metadata = true; chain = ( { required = [ \"a\", \"b\" ] } ); identity = [ \"a\", \"b\" ];"
#define BARE "{\"resource\":\"https://api.example.com\"}"

static unsigned long asked(void)
{
    return atomic_load(&host_counts()->begun);
}

TEST(instances_are_asked_when_somebody_wants_to_know_and_again_later)
{
    static const char expected[] = "{\"resource\":\"https://api.example.com\",\"a\":1}";
    unsigned long before = asked();
    struct host host;

    REQUIRE(open_policy(&host, "describe = \"work:1 metadata:a=1 done\"; verify = \"absent\";",
                        "describe = \"absent\"; verify = \"absent\";", ALONE));
    CHECK_INT(asked(), before);
    check_document(&host, DOCUMENT, expected);
    CHECK_INT(asked(), before + 2);
    check_document(&host, DOCUMENT, expected);
    CHECK_INT(asked(), before + 2);
    host_pass(&host, INT64_C(90000) * 1000);
    check_document(&host, DOCUMENT, expected);
    CHECK_INT(asked(), before + 4);
    CHECK_INT(atomic_load(&host_counts()->finished), asked());
    CHECK_INT(host_broken_promises(), 0);
    host_close(&host);
}

static void check_partial(struct host *host, const char *expected)
{
    enum paa_state state;
    struct paa_txn *txn = txn_of(host, &state, "GET", DOCUMENT, NULL);

    CHECK_INT(txn_code(state, txn), 200);
    CHECK_STR(content_of(txn), expected);
    CHECK_STR(response_of(txn, "Cache-Control"), "no-store");
    paa_txn_end(&txn);
}

TEST(who_cannot_say_is_left_out_and_asked_again_after_a_while)
{
    unsigned long before = asked();
    struct host host;

    REQUIRE(open_policy(&host, "describe = \"metadata:x=1 unavailable:down\"; verify = \"absent\";",
                        "describe = \"metadata:b=true done\"; verify = \"absent\";", ALONE));
    check_partial(&host, "{\"resource\":\"https://api.example.com\",\"b\":true}");
    check_partial(&host, "{\"resource\":\"https://api.example.com\",\"b\":true}");
    CHECK_INT(asked(), before + 2);
    CHECK_HAS(host.log, "instance a: paa.describe");
    host_pass(&host, 61 * 1000);
    check_partial(&host, "{\"resource\":\"https://api.example.com\",\"b\":true}");
    CHECK_INT(asked(), before + 3);
    host_close(&host);
}

TEST(what_is_no_metadata_is_a_fault_of_the_instance)
{
    static const char *const scripts[] = {
        "metadata:a={ done",   "metadata:a=[1,] done", "metadata:resource=1 done",
        "metadata:a~b=1 done", "metadata:a= done",     "metadata:a=1*65 done",
    };
    char options[256];
    struct host host;

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        (void)snprintf(options, sizeof options, "describe = \"%s\"; verify = \"absent\";",
                       scripts[i]);
        REQUIRE(open_policy(&host, options, "verify = \"absent\";", ALONE));
        check_partial(&host, BARE);
        host_close(&host);
    }
}

TEST(metadata_from_another_slot_is_a_fault)
{
    struct host host;

    REQUIRE(open_policy(&host, "verify = \"metadata:a=1 accept\";", "verify = \"absent\";", ALONE));
    CHECK_INT(code_of(&host, "GET", "/", NULL), 500);
    host_close(&host);
}

TEST(a_slow_instance_holds_the_document_up_no_longer_than_the_request_may_take)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(open_policy(&host,
                        "describe = \"after:3600000 metadata:a=1 done\"; verify = \"absent\";",
                        "describe = \"metadata:b=1 done\"; verify = \"absent\";", ALONE));
    ask_for(&ask, "GET", DOCUMENT, NULL);
    state = paa_txn_begin(&txn, host.lane, host.api, &ask.request);
    REQUIRE(state == PAA_TXN_PENDING);
    host_pass(&host, 11 * 1000);
    state = paa_txn_wait(txn, -1);
    CHECK_INT(txn_code(state, txn), 200);
    CHECK_STR(response_of(txn, "Cache-Control"), "no-store");
    paa_txn_end(&txn);
    ask.request.flags |= (uint32_t)PAA_REQUEST_NO_WAIT;
    state = paa_txn_begin(&txn, host.lane, host.api, &ask.request);
    CHECK_INT(txn_code(state, txn), 200);
    paa_txn_end(&txn);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(a_reload_keeps_what_was_said_unless_options_changed)
{
    unsigned long before = asked();
    struct host host;

    REQUIRE(open_policy(&host, "describe = \"metadata:a=1 done\"; verify = \"absent\";",
                        "verify = \"absent\";", ALONE));
    check_document(&host, DOCUMENT, "{\"resource\":\"https://api.example.com\",\"a\":1}");
    CHECK_INT(paa_context_reload(host.context, 10000, &host.error), 1);
    check_document(&host, DOCUMENT, "{\"resource\":\"https://api.example.com\",\"a\":1}");
    CHECK_INT(asked(), before + 2); /* each once */
    host_close(&host);
}

/* ---- who may ask ------------------------------------------------------------------------------- */

TEST(paths_that_paa_answers_are_told_to_hosts)
{
    struct host host;

    REQUIRE(open_usual(&host));
    paa_service_endpoints(host.api, host_endpoint, &host);
    CHECK_HAS(host.log, "endpoint " DOCUMENT);
    host_close(&host);
}

TEST(a_person_or_a_machine_may_be_demanded)
{
    struct host host;

    REQUIRE(open_policy(&host, tokens, logins,
                        "rules = ( { path = \"/u\"; chain = ( { required = \"a\" } ); require = { "
                        "kind = \"user\" }; },"
                        "{ path = \"/m\"; chain = ( { required = \"a\" } ); require = { kind = "
                        "\"machine\" }; } );"));
    CHECK_INT(code_of(&host, "GET", "/u", "X-A: user:x accept", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/u", "X-A: who:x accept", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/m", "X-A: user:x accept", NULL), 403);
    CHECK_INT(code_of(&host, "GET", "/m", "X-A: who:x accept", NULL), 200);
    CHECK_INT(code_of(&host, "GET", "/m", "X-A: accept", NULL), 403);
    host_close(&host);
}

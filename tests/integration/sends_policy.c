/* SPDX-License-Identifier: MIT */
/* Tokens that go out: what a policy may not say, and what it is told when what it says has no effect. */
#include "sends.h"
#include "test.h"
#include "us.h"

#define SENDS   "token_endpoint = \"@/token\"; "
#define SIGNS   "assertion_audience = \"token_endpoint\"; "
#define A_KEY   "client_key = { key = \"file:us.key\"; }; "
#define SHOWN   "client_key = { key = \"file:us.key\"; certificate = \"us.pem\"; }; "
#define BY_TLS  "client_auth = \"tls_client_auth\"; "
#define PLAINLY "token_endpoint = \"http://127.0.0.1:9/\"; "

/* The instance stands in line 2, what the test says of it in line 3. */
static bool begin_at(struct place *place, enum fault_tls tls, const char *options,
                     const char *services)
{
    char filled[SENDS_POLICY_MAX], policy[2 * SENDS_POLICY_MAX];
    struct paa_context_options context;

    memset(place, 0, sizeof *place);
    place->server = fault_server_start(tls);
    if (!host_init(&place->host))
        return false;
    sends_secret(place, "hush: 100%");
    write_us(&place->host, "us.key", "us.pem");
    sends_fill(place, options, filled);
    (void)snprintf(policy, sizeof policy,
                   POLICY("mine = { plugin = \"oauth2-cc\"; client_id = \"me\"; tls = { ca = "
                          "\"%s\"; http_loopback = true; };\n%s };\n",
                          "%s"),
                   fault_server_ca(), filled, services);
    host_options(&place->host, &context);
    return host_write(&place->host, policy) && host_open_with(&place->host, &context);
}

static bool begin(struct place *place, const char *options)
{
    return begin_at(place, FAULT_TLS_GOOD, options, OUT("chain = ( { required = \"mine\" } );"));
}

TEST(a_policy_that_contradicts_itself_is_refused_with_a_sentence)
{
    static const struct {
        const char *options;
        const char *sentence;
    } bad[] = {
        { "client_secret = \"file:secret\";", "where tokens come from must be said" },
        { "issuer = \"http://id.example.com\"; client_secret = \"file:secret\";",
          "this is no URL of https" },
        { "token_endpoint = \"http://id.example.com/\"; client_secret = \"file:secret\";",
          "this is no URL of https" },
        { SENDS, "how the client proves who it is must be said" },
        { SENDS_PLAIN "client_auth = \"none\";", "no secret is used" },
        { SENDS "client_auth = \"client_secret_post\";", "needs client_secret" },
        { SENDS "client_auth = \"private_key_jwt\";", "needs client_key" },
        { SENDS_PLAIN "parameters = [ \"scope=a\" ];", "options of their own" },
        { SENDS_PLAIN "parameters = [ \"alone\" ];", "an equals sign" },
        { SENDS_PLAIN "header = \"a b\";", "no name of a header field" },
        { SENDS_PLAIN "dpop = \"required\"; header = \"X-Token\";", "RFC 9449" },
        { SENDS_PLAIN "dpop = \"optional\";",
          ":3: instance mine: \"dpop\": \"optional\" is for tokens that come in" },
        { SENDS_PLAIN "certificate_bound = true;", "client_key" },
        { SENDS_PLAIN "certificate_bound = true; " A_KEY,
          "\"client_key\": the key has no certificate to present: add certificate = \"FILE\"" },
        { SENDS BY_TLS A_KEY, "the key has no certificate to present" },
        { SENDS "client_auth = \"self_signed_tls_client_auth\"; " A_KEY,
          "the key has no certificate to present" },
        { PLAINLY BY_TLS SHOWN,
          "\"token_endpoint\": over plain http no certificate can be shown: use https" },
        { PLAINLY "client_secret = \"file:secret\"; certificate_bound = true; " SHOWN,
          "over plain http no certificate can be shown" },
        { SENDS SIGNS A_KEY "assertion_algorithm = \"ES256\";",
          ":3: instance mine: \"assertion_algorithm\": the client_key is an RSA key, which cannot "
          "do ES256: say RS256" },
        { SENDS_PLAIN "resource = \"notaurl\";",
          ":3: instance mine: \"resource\": \"notaurl\" is no absolute URI" },
        { SENDS_PLAIN "resource = [ \"https://x/\", \"https://x/#frag\" ];",
          "\"https://x/#frag\" is no absolute URI without a fragment (RFC 8707 2)" },
        { SENDS_PLAIN "resource = \"https://x/ y\";", "is no absolute URI" },
        { SENDS_PLAIN "resource = \"\";", "\"resource\": \"\" is no absolute URI" },
        { SENDS_PLAIN "audience = \"\";", "\"audience\": it is empty" },
        { SENDS_PLAIN "scope = \"a\\\"b\";",
          ":3: instance mine: \"scope\": \"a\"b\" has a character that no scope has" },
        { SENDS_PLAIN "scope = [ \"a\", \"caf\\xc3\\xa9\" ];",
          "has a character that no scope has" },
        { SENDS_PLAIN "scope = \"a\\tb\";", "has a character that no scope has" },
        { SENDS_PLAIN "scope = [ ];", ":3: \"scope\" is an empty list" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct place place;

        if (begin(&place, bad[i].options))
            TEST_FAIL("%s is taken", bad[i].options);
        CHECK_HAS(place.host.error.text, bad[i].sentence);
        CHECK_HAS(place.host.error.text, "paa.conf:");
        host_clear_folder(&place.host);
        fault_server_stop(place.server);
    }
}

/* Who wrote it believes that it counts. */
TEST(what_has_no_effect_is_told)
{
    static const struct {
        const char *options;
        const char *name;
        const char *why; /* NULL: it has one */
    } rows[] = {
        { SENDS_PLAIN A_KEY, "client_key", "the client proves by its client_secret who it is" },
        { SENDS_PLAIN "certificate_bound = true; " SHOWN, "client_key", NULL },
        { SENDS "client_auth = \"none\"; " A_KEY, "client_key",
          "client_auth says that no key is used" },
        { SENDS "client_auth = \"none\"; certificate_bound = true; " SHOWN, "client_key", NULL },
        { SENDS_PLAIN "assertion_algorithm = \"RS256\";", "assertion_algorithm",
          "it goes with client_auth = \"private_key_jwt\"" },
        { SENDS SIGNS A_KEY "assertion_algorithm = \"RS256\";", "assertion_algorithm", NULL },
        { SENDS_PLAIN SIGNS, "assertion_audience",
          "it goes with client_auth = \"private_key_jwt\"" },
        { SENDS SIGNS A_KEY, "assertion_audience", NULL },
    };
    char line[256];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct place place;

        REQUIRE(begin(&place, rows[i].options));
        (void)snprintf(line, sizeof line, ":3: instance mine: \"%s\": has no effect: %s",
                       rows[i].name, rows[i].why != NULL ? rows[i].why : "");
        if ((strstr(place.host.log, line) != NULL) != (rows[i].why != NULL))
            TEST_FAIL("%s: \"%s\", but %s", rows[i].options, line, place.host.log);
        sends_end(&place);
    }
}

TEST(what_a_token_is_for_is_any_absolute_uri)
{
    static const char *const good[] = { "https://x", "urn:example:orders", "a+b.c-1:x",
                                        "https://x/a?b=c%20d" };
    char options[256];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct place place;

        (void)snprintf(options, sizeof options, SENDS_PLAIN "resource = \"%s\";", good[i]);
        if (!begin(&place, options))
            TEST_FAIL("%s: %s", good[i], place.host.error.text);
        sends_end(&place);
    }
}

/* It is for one of them, and the other is told so. */
TEST(what_is_for_tokens_that_come_in_is_told_where_the_instance_sends_too)
{
    static const char services[] = OUT("chain = ( { required = \"mine\" } );")
        API("rules = ( { path = \"/**\"; chain = ( { required = \"mine\" } ); } );");
    struct place place;

    REQUIRE(begin_at(&place, FAULT_TLS_GOOD,
                     SENDS_PLAIN "issuer = \"https://id.example.com\"; audience = \"a\"; dpop = "
                                 "\"optional\";",
                     services));
    CHECK_HAS(place.host.log, ":3: instance mine: \"dpop\": \"optional\" is for tokens that come "
                              "in; those that go out are not bound");
    sends_end(&place);
}

/* Where metadata leads is not known when the policy is loaded. */
TEST(a_client_that_shows_its_certificate_asks_nobody_over_plain_http)
{
    static const char *const ways[] = { BY_TLS SHOWN, "client_secret = \"file:secret\"; "
                                                      "certificate_bound = true; " SHOWN };
    char url[FAULT_URL_MAX], text[1024];
    struct fault_answer metadata = { .type = JSON_TYPE, .body = text };
    struct place place;
    struct sent sent;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char options[1024];

        (void)snprintf(options, sizeof options, "issuer = \"@\"; %s", ways[i]);
        REQUIRE(
            begin_at(&place, FAULT_TLS_NONE, options, OUT("chain = ( { required = \"mine\" } );")));
        place.host.is_live = true;
        (void)fault_server_url(place.server, "", url);
        (void)snprintf(text, sizeof text, "{\"issuer\":\"%s\",\"token_endpoint\":\"%s/token\"}",
                       url, url);
        fault_server_answer(place.server, "/.well-known/oauth-authorization-server", &metadata);
        sent = sends(&place.host);
        CHECK_INT(sent.code, 503);
        CHECK_HAS(sent.sentence, "over plain http, where no certificate can be shown");
        CHECK_INT(fault_server_requests(place.server), 1);
        sends_end(&place);
    }
}

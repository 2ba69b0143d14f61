/* SPDX-License-Identifier: MIT */
/* Opaque tokens, about which an issuer is asked that says what a test wants (tests/server/fault_server.h): what is believed,
 * for how long, and what is not. */
#include "fault_server.h"
#include "test.h"
#include "tokens.h"

#include "memory_grown.h"

#define ENDPOINT "/introspect"
#define GOOD                                                                                       \
    "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE "\",\"sub\":\"robot\",\"client_id\":\"robot\"}"

struct place {
    struct fault_server *server;
    struct host host;
    char issuer[FAULT_URL_MAX];
};

static void says(struct place *place, const char *body, const char *type, unsigned code)
{
    struct fault_answer answer = { .code = code, .type = type, .body = body };

    fault_server_forget(place->server, ENDPOINT);
    fault_server_answer(place->server, ENDPOINT, &answer);
}

static bool begin(struct place *place, const char *options)
{
    char policy[4096];

    place->server = fault_server_start(FAULT_TLS_GOOD);
    (void)fault_server_url(place->server, "", place->issuer);
    (void)snprintf(policy, sizeof policy,
                   TOKENS("issuer = \"%s\"; introspection_endpoint = \"%s" ENDPOINT
                          "\"; tls = { ca = \"%s\"; }; client_id = \"api\"; client_secret = "
                          "\"file:jwks\"; token = \"introspection\"; %s"),
                   place->issuer, place->issuer, fault_server_ca(), options);
    says(place, GOOD, "application/json", 200);
    return tokens_open(&place->host, policy);
}

static void end(struct place *place)
{
    host_close(&place->host);
    fault_server_stop(place->server);
}

#define AUDIENCE "audience = \"" TOKEN_AUDIENCE "\"; "

TEST(the_issuer_is_asked_once_until_it_is_not_believed_any_more)
{
    struct fault_request request;
    struct place place;

    REQUIRE(begin(&place, AUDIENCE));
    CHECK_TOKEN(&place.host, "abc/+~=", 200, "good");
    CHECK_TOKEN(&place.host, "abc/+~=", 200, "good");
    CHECK_INT(fault_server_requests(place.server), 1);
    REQUIRE(fault_server_last(place.server, &request));
    CHECK_STR(paa_str_of(request.method), "POST");
    CHECK_STR(paa_str_of(request.body), "token=abc%2F%2B~%3D&token_type_hint=access_token");
    CHECK(strstr(request.headers, "Basic ") != NULL);
    host_pass(&place.host, 59 * 1000);
    CHECK_TOKEN(&place.host, "abc/+~=", 200, "good");
    CHECK_INT(fault_server_requests(place.server), 1);
    says(&place, "{\"active\":false}", "application/json", 200);
    host_pass(&place.host, 1000);
    CHECK_TOKEN(&place.host, "abc/+~=", 401, "inactive");
    CHECK_INT(fault_server_requests(place.server), 2);
    says(&place, GOOD, "application/json", 200);
    host_pass(&place.host, 9 * 1000);
    CHECK_TOKEN(&place.host, "abc/+~=", 401, "inactive");
    host_pass(&place.host, 1000);
    CHECK_TOKEN(&place.host, "abc/+~=", 200, "good");
    end(&place);
}

TEST(a_verdict_ends_with_its_token)
{
    struct place place;
    char body[256];

    REQUIRE(begin(&place, AUDIENCE "leeway = \"0\"; "));
    (void)snprintf(body, sizeof body,
                   "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE "\",\"exp\":%lld}",
                   (long long)HOST_TIME_S + 20);
    says(&place, body, "application/json", 200);
    CHECK_TOKEN(&place.host, "abc", 200, "good");
    says(&place, "{\"active\":false}", "application/json", 200);
    host_pass(&place.host, 20 * 1000);
    CHECK_TOKEN(&place.host, "abc", 401, "inactive");
    end(&place);
}

TEST(what_the_issuer_says_is_judged)
{
    static const struct {
        const char *body;
        unsigned code;
        const char *reason;
    } rows[] = {
        { GOOD, 200, "good" },
        { "{\"active\":true}", 401, "claim-missing" },
        { "{\"active\":true,\"aud\":\"other\"}", 401, "audience" },
        { "{\"active\":true,\"aud\":[\"x\",\"" TOKEN_AUDIENCE "\"]}", 200, "good" },
        { "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE "\",\"iss\":\"https://o.example\"}", 401,
          "issuer" },
        { "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE "\",\"nbf\":1767299999}", 401,
          "not-yet-valid" },
        { "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE
          "\",\"cnf\":{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}}",
          401, "binding" },
        { "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE "\",\"cnf\":\"x\"}", 401, "binding" },
        { "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE "\",\"cnf\":{\"x5t#S256\":\"short\"}}", 401,
          "binding" },
        { "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE "\",\"token_type\":\"DPoP\"}", 401,
          "binding" },
        { "{\"active\":true,\"aud\":[]}", 401, "claim-missing" },
        { "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE
          "\",\"sub\":null,\"client_id\":\"\",\"scope\":\"\",\"exp\":null,\"token_type\":"
          "\"Bearer\"}",
          200, "good" },
        { "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE "\",\"sub\":7}", 503, "introspection" },
        { "{\"active\":false}", 401, "inactive" },
        { "{\"active\":false,\"aud\":[],\"sub\":null,\"exp\":\"never\"}", 401, "inactive" },
        { "{\"active\":\"true\"}", 503, "introspection" },
        { "{\"active\":1}", 503, "introspection" },
        { "{}", 503, "introspection" },
        { "{\"active\":true,\"active\":true}", 503, "introspection" },
        { "", 503, "introspection" },
    };
    struct place place;
    char token[32];

    REQUIRE(begin(&place, AUDIENCE));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(token, sizeof token, "token-%zu", i);
        says(&place, rows[i].body, "application/json", 200);
        CHECK_TOKEN(&place.host, token, rows[i].code, rows[i].reason);
    }
    end(&place);
}

TEST(an_answer_that_is_none_lets_nobody_in)
{
    static const struct {
        const char *type;
        unsigned code;
    } rows[] = { { "text/html", 200 },        { NULL, 200 },
                 { "application/json", 401 }, { "application/json", 403 },
                 { "application/json", 500 }, { "application/json", 302 } };
    struct place place;
    char token[32];

    REQUIRE(begin(&place, AUDIENCE));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(token, sizeof token, "token-%zu", i);
        says(&place, GOOD, rows[i].type, rows[i].code);
        host_pass(&place.host, 90 * 1000);
        CHECK_TOKEN(&place.host, token, 503, "introspection");
    }
    end(&place);
}

/* ---- where it is asked --------------------------------------------------------------------------- */

/* The endpoint is to be found in the metadata, which name an alias for those who show a certificate. */
static void tell_endpoints(struct place *place)
{
    struct fault_answer metadata = { .type = "application/json" };
    struct fault_answer verdict = { .type = "application/json", .body = GOOD };
    char text[1024];

    (void)snprintf(text, sizeof text,
                   "{\"issuer\":\"%s\",\"introspection_endpoint\":\"%s" ENDPOINT
                   "\",\"mtls_endpoint_aliases\":{\"introspection_endpoint\":\"%s/mtls" ENDPOINT
                   "\"}}",
                   place->issuer, place->issuer, place->issuer);
    metadata.body = text;
    fault_server_answer(place->server, "/.well-known/oauth-authorization-server", &metadata);
    fault_server_answer(place->server, ENDPOINT, &verdict);
    fault_server_answer(place->server, "/mtls" ENDPOINT, &verdict);
}

/* auth: by a key with a certificate. NULL: by a secret. */
static bool begin_to_find(struct place *place, const char *auth)
{
    char credentials[1024] = "client_secret = \"file:jwks\"; ", policy[4096];

    place->server = fault_server_start(FAULT_TLS_ASKS);
    (void)fault_server_url(place->server, "", place->issuer);
    fault_server_make_client("api");
    tell_endpoints(place);
    if (auth != NULL)
        (void)snprintf(credentials, sizeof credentials,
                       "client_auth = \"%s\"; client_key = { key = \"file:%s/api.key\"; "
                       "certificate = \"%s/api.pem\"; }; ",
                       auth, fault_server_folder(), fault_server_folder());
    (void)snprintf(policy, sizeof policy,
                   TOKENS("issuer = \"%s\"; tls = { ca = \"%s\"; }; client_id = \"api\"; token = "
                          "\"introspection\"; " AUDIENCE "%s"),
                   place->issuer, fault_server_ca(), credentials);
    return tokens_open(&place->host, policy);
}

/* RFC 8705 5 */
TEST(who_shows_the_issuer_a_certificate_asks_the_alias_and_who_shows_none_does_not)
{
    static const struct {
        const char *auth;
        bool shows;
    } rows[] = {
        { NULL, false },
        { "private_key_jwt", false },
        { "tls_client_auth", true },
        { "self_signed_tls_client_auth", true },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault_request request;
        struct place place;

        REQUIRE(begin_to_find(&place, rows[i].auth));
        CHECK_TOKEN(&place.host, "abc", 200, "good");
        CHECK_INT(fault_server_requests(place.server), 2); /* the document, the verdict */
        REQUIRE(fault_server_last(place.server, &request));
        CHECK_STR(paa_str_of(request.target), rows[i].shows ? "/mtls" ENDPOINT : ENDPOINT);
        CHECK_STR(paa_str_of(request.client), rows[i].shows ? "api" : "");
        end(&place);
    }
}

/* ---- whom it is for, and strangers ---------------------------------------------------------------- */

TEST(any_audience_is_the_issuers_to_judge)
{
    struct place place;

    REQUIRE(begin(&place, "audience = \"any\"; "));
    says(&place, "{\"active\":true,\"client_id\":\"robot\"}", "application/json", 200);
    CHECK_TOKEN(&place.host, "abc", 200, "good");
    CHECK(strstr(place.host.log, "tokens that the issuer made for any other service") != NULL);
    end(&place);
}

/* Each is asked about once; of those that are worth nothing a thousand are remembered, and none pushes out a good one. */
TEST(invented_tokens_do_not_push_out_what_is_known)
{
    struct place place;
    char token[32];
    unsigned before;

    REQUIRE(begin(&place, AUDIENCE "introspection_lifetime = \"1h\"; "));
    CHECK_TOKEN(&place.host, "good-one", 200, "good");
    says(&place, "{\"active\":false}", "application/json", 200);
    for (int i = 0; i < 1500; i++) {
        char reason[64];

        (void)snprintf(token, sizeof token, "invented-%d", i);
        CHECK_INT(token_code(&place.host, "Bearer", token, NULL, reason), 401);
    }
    before = fault_server_requests(place.server);
    CHECK_TOKEN(&place.host, "good-one", 200, "good");
    CHECK_TOKEN(&place.host, "invented-1499", 401, "inactive");
    CHECK_INT(fault_server_requests(place.server), before);
    end(&place);
}

/* Fewer than in tokens_flood.c, since each is a request; once a thousand are remembered, no more is. */
TEST(invented_tokens_that_the_issuer_is_asked_about_leave_nothing_behind)
{
    enum { WARM = 1500, MORE = 3000 };
    struct memory before = { 0, 0 };
    struct place place;
    char token[32];

    REQUIRE(begin(&place, AUDIENCE));
    says(&place, "{\"active\":false}", "application/json", 200);
    for (unsigned i = 0; i < WARM + MORE; i++) {
        if (i == WARM)
            before = memory_now();
        (void)snprintf(token, sizeof token, "invented-%08u", i);
        CHECK_TOKEN(&place.host, token, 401, "inactive");
    }
    check_grown("invented tokens", MORE, before);
    CHECK_INT(fault_server_requests(place.server), WARM + MORE);
    end(&place);
}

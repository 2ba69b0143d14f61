/* SPDX-License-Identifier: MIT */
/* Which of a server's endpoints a client asks that shows it a certificate (RFC 8705), and which one that does not. */
#include "sends.h"
#include "test.h"

#define METADATA                                                                                   \
    "{\"issuer\":\"@\",\"token_endpoint\":\"@/token\",\"mtls_endpoint_aliases\":{"                 \
    "\"token_endpoint\":\"@/mtls/token\"}}"

static const struct fault_answer plain = TOKEN("plain", ",\"expires_in\":600");
static const struct fault_answer bound = TOKEN("bound", ",\"expires_in\":600");

static void answer_all(const struct place *place)
{
    struct fault_answer metadata = { .type = JSON_TYPE };
    char text[SENDS_POLICY_MAX];

    sends_fill(place, METADATA, text);
    metadata.body = text;
    fault_server_answer(place->server, "/.well-known/oauth-authorization-server", &metadata);
    fault_server_answer(place->server, "/token", &plain);
    fault_server_answer(place->server, "/mtls/token", &bound);
}

/* In place of "#": the folder that me.pem and me.key are in. */
static void fill_folder(const char *text, char *ret_text)
{
    size_t at = 0;

    for (; *text != '\0' && at + FAULT_URL_MAX < SENDS_POLICY_MAX; text++)
        if (*text == '#')
            at += (size_t)snprintf(ret_text + at, FAULT_URL_MAX, "%s", fault_server_folder());
        else
            ret_text[at++] = *text;
    ret_text[at] = '\0';
}

static bool begin(struct place *place, const char *options)
{
    struct paa_context_options context;
    char filled[SENDS_POLICY_MAX];

    place->server = fault_server_start(FAULT_TLS_ASKS);
    fault_server_make_client("me");
    answer_all(place);
    fill_folder(options, filled);
    if (!host_init(&place->host))
        return false;
    sends_secret(place, "hush");
    if (!sends_write(place, filled, ""))
        return false;
    host_options(&place->host, &context);
    return host_open_with(&place->host, &context);
}

#define ISSUER "issuer = \"@\"; "
#define SECRET "client_secret = \"file:secret\"; "
#define KEY    "client_key = { key = \"file:#/me.key\"; certificate = \"#/me.pem\"; }; "
#define BOUND  "certificate_bound = true; "

/* RFC 8705 5 */
TEST(who_shows_a_certificate_asks_the_alias_and_who_shows_none_does_not)
{
    static const struct {
        const char *options;
        bool shows;
    } rows[] = {
        { SECRET, false },
        { KEY "client_auth = \"private_key_jwt\"; ", false },
        { KEY "client_auth = \"tls_client_auth\"; ", true },
        { KEY "client_auth = \"self_signed_tls_client_auth\"; ", true },
        { SECRET KEY BOUND "client_auth = \"client_secret_basic\"; ", true },
        { KEY BOUND "client_auth = \"private_key_jwt\"; ", true },
    };
    char options[SENDS_POLICY_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault_request request;
        struct place place;
        struct sent sent;

        (void)snprintf(options, sizeof options, ISSUER "%s", rows[i].options);
        REQUIRE(begin(&place, options));
        sent = sends(&place.host);
        if (strcmp(sent.authorization, rows[i].shows ? "Bearer bound" : "Bearer plain") != 0)
            TEST_FAIL("%s: %u %s %s", options, sent.code, sent.authorization, sent.sentence);
        CHECK_INT(fault_server_requests(place.server), 2); /* the document, the token */
        REQUIRE(fault_server_last(place.server, &request));
        CHECK_STR(paa_str_of(request.target), rows[i].shows ? "/mtls/token" : "/token");
        CHECK_STR(paa_str_of(request.client), rows[i].shows ? "me" : "");
        sends_end(&place);
    }
}

/* RFC 8705 3: a token is bound to the certificate that was shown where it was asked for. */
TEST(who_wants_a_token_bound_to_its_certificate_shows_it_however_else_it_says_who_it_is)
{
    static const struct {
        const char *options;
        const char *says; /* who it is, in the header or in the form */
    } rows[] = {
        { SECRET "client_auth = \"client_secret_basic\"; ", "Authorization: Basic " },
        { SECRET "client_auth = \"client_secret_post\"; ", "client_secret=hush" },
        { "client_auth = \"private_key_jwt\"; assertion_audience = \"token_endpoint\"; ",
          "client_assertion=" },
        { "client_auth = \"none\"; ", "client_id=me" },
    };
    char options[SENDS_POLICY_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault_request request;
        struct place place;

        (void)snprintf(options, sizeof options, "token_endpoint = \"@/token\"; " KEY BOUND "%s",
                       rows[i].options);
        REQUIRE(begin(&place, options));
        CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer plain");
        REQUIRE(fault_server_last(place.server, &request));
        CHECK_STR(paa_str_of(request.client), "me");
        if (strstr(request.headers, rows[i].says) == NULL &&
            strstr(request.body, rows[i].says) == NULL)
            TEST_FAIL("\"%s\" is not in %s%s", rows[i].says, request.headers, request.body);
        sends_end(&place);
    }
}

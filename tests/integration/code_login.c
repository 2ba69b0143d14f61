/* SPDX-License-Identifier: MIT */
/* Login with a browser (RFC 8252) before a server that answers as the test says: what goes out, and every way in which
 * nobody is logged in. */
#include "people.h"
#include "test.h"

#include "authorization.h"
#include "codec.h"
#include "str.h"

static const struct fault_answer tokens = TOKEN("one", ",\"expires_in\":600,\"refresh_token\":"
                                                       "\"fresh-1\",\"scope\":\"read\"");

TEST(a_login_ends_with_a_token_that_goes_with_each_request)
{
    struct fault_request request;
    char value[256], challenge[AUTHORIZATION_TEXT_SIZE], body[FAULT_TEXT_MAX + 2];
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN "scope = \"read\"; resource = \"https://x/\"; "
                                              "parameters = [ \"prompt=consent\" ];"));
    CHECK(people_log_in(&place, &tokens, NULL));
    CHECK_HAS(person.page, "HTTP/1.1 200");
    CHECK_HAS(person.page, "You are logged in");
    CHECK_STR(paa_str_of(people_parameter(person.url, "response_type", value, 256)), "code");
    CHECK_STR(paa_str_of(people_parameter(person.url, "client_id", value, 256)), "me");
    CHECK_STR(paa_str_of(people_parameter(person.url, "scope", value, 256)), "read");
    CHECK_STR(paa_str_of(people_parameter(person.url, "resource", value, 256)), "https://x/");
    CHECK_STR(paa_str_of(people_parameter(person.url, "prompt", value, 256)), "consent");
    CHECK_STR(paa_str_of(people_parameter(person.url, "nonce", value, 256)), "");
    CHECK_STR(paa_str_of(people_parameter(person.url, "code_challenge_method", value, 256)),
              "S256");
    CHECK_INT(strlen(people_parameter(person.url, "state", value, 256)), AUTHORIZATION_TEXT_SIZE);
    REQUIRE(fault_server_last(place.server, &request));
    (void)snprintf(body, sizeof body, "?%s", request.body);
    CHECK_STR(paa_str_of(people_parameter(body, "grant_type", value, 256)), "authorization_code");
    CHECK_STR(paa_str_of(people_parameter(body, "code", value, 256)), "the-code");
    CHECK_STR(paa_str_of(people_parameter(body, "resource", value, 256)), "https://x/");
    CHECK_STR(paa_str_of(people_parameter(body, "client_id", value, 256)), "me");
    people_parameter(body, "code_verifier", value, 256);
    pkce_challenge(paa_str_of(value), challenge);
    CHECK_STR(paa_str_of_n(challenge, sizeof challenge),
              people_parameter(person.url, "code_challenge", value, 256));
    people_parameter(body, "redirect_uri", value, 256);
    CHECK(strncmp(value, "http://127.0.0.1:", strlen("http://127.0.0.1:")) == 0);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    CHECK_INT(fault_server_requests(place.server), 1);
    CHECK_INT(people_run(&place.host, "status", NULL), 0);
    CHECK_HAS(people_output, "logged in");
    CHECK_HAS(people_output, "read");
    CHECK_HAS(people_output, "2026-01-01T00:10:00Z"); /* it ends */
    CHECK(strstr(people_output, "one") == NULL && strstr(people_output, "fresh-1") == NULL);
    CHECK(strstr(place.host.log, "fresh-1") == NULL);
    sends_end(&place);
}

/* In how many files of the host's folder that text is. */
static int files_with(const struct host *host, const char *text)
{
    static char content[1024 * 1024];
    DIR *folder = opendir(host->folder);
    const struct dirent *entry;
    int count = 0;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char path[HOST_PATH_MAX + sizeof entry->d_name];
        FILE *file;
        size_t size;

        (void)snprintf(path, sizeof path, "%s/%s", host->folder, entry->d_name);
        file = fopen(path, "rb");
        if (file == NULL)
            continue;
        size = fread(content, 1, sizeof content, file);
        count += size > 0 && memmem(content, size, text, strlen(text)) != NULL;
        (void)fclose(file);
    }
    if (folder != NULL)
        (void)closedir(folder);
    return count;
}

TEST(tokens_of_people_are_in_no_file_and_in_no_log)
{
    static const struct fault_answer given =
        TOKEN("access-token-of-a-person", ",\"expires_in\":600,\"refresh_token\":"
                                          "\"refresh-token-of-a-person\",\"scope\":\"read\"");
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    REQUIRE(people_log_in(&place, &given, NULL));
    for (int i = 0; i < 2; i++) { /* in the log of the store, and in what that becomes */
        CHECK(files_with(&place.host, "secret:oauth2-code") > 0);
        CHECK_INT(files_with(&place.host, "token-of-a-person"), 0);
        CHECK(strstr(place.host.log, "token-of-a-person") == NULL);
        people_leave(&place);
        REQUIRE(people_return(&place.host));
    }
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer access-token-of-a-person");
    sends_end(&place);
}

TEST(a_login_that_no_other_process_will_see_is_warned_of)
{
    struct place place;

    REQUIRE(people_begin_with(&place, PEOPLE_PLAIN, ""));
    CHECK(people_log_in(&place, &tokens, NULL));
    CHECK_INT(sends_count_log(&place, "ends with this process"), 1);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    sends_end(&place);
    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    CHECK(people_log_in(&place, &tokens, NULL));
    CHECK_INT(sends_count_log(&place, "ends with this process"), 0);
    sends_end(&place);
}

struct return_row {
    const char *brings;
    const char *says; /* in the error */
};

/* RFC 9700 4: CSRF, code injection, mix-up, doubled parameters; and a person who says no. */
static const struct return_row returns[] = {
    { "code=the-code&state=@&state=@", "twice" },
    { "code=the-code&code=the-code&state=@", "twice" },
    { "state=@", "neither" },
    { "state=@&code=x&error=access_denied", "neither" },
    { "error=access_denied&state=@", "did not agree" },
    { "error=server_on_fire&error_description=%1b%5b31m&state=@", "server_on_fire" },
};

/* Nor does it end the login of somebody who comes back later: whoever sent the browser there does not know the state. */
static const char *const strays[] = {
    "code=the-code&state=another",
    "code=the-code",
    "error=access_denied&state=another",
    "",
};

TEST(whatever_else_a_browser_brings_back_logs_nobody_in)
{
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    fault_server_answer(place.server, "/token", &tokens);
    for (size_t i = 0; i < sizeof returns / sizeof returns[0]; i++) {
        person.brings = returns[i].brings;
        CHECK_INT(people_run(&place.host, "login", NULL), 1);
        CHECK_HAS(place.host.error.text, returns[i].says);
        CHECK_HAS(person.page, "You are not logged in");
        CHECK(strchr(person.page, 0x1b) == NULL);
    }
    CHECK_INT(fault_server_requests(place.server), 0);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "no-login");
    CHECK_HAS(sends(&place.host).sentence, "paactl run -c FILE mine login");
    sends_end(&place);
}

TEST(what_answers_another_question_neither_logs_in_nor_ends_the_login)
{
    struct fault_request request;
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++) {
        person.strays = strays[i];
        person.brings = "code=my-code&state=@";
        CHECK(people_log_in(&place, &tokens, NULL));
        CHECK_HAS(person.stray_page, "Not this login");
        CHECK_HAS(person.page, "You are logged in");
        REQUIRE(fault_server_last(place.server, &request));
        CHECK_HAS(request.body, "code=my-code&");
    }
    sends_end(&place);
}

TEST(a_code_that_was_used_before_logs_nobody_in)
{
    static const struct fault_answer used = { .code = 400,
                                              .type = JSON_TYPE,
                                              .body = "{\"error\":\"invalid_grant\"}" };
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    fault_server_answer(place.server, "/token", &used);
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK_HAS(place.host.error.text, "invalid_grant");
    CHECK_HAS(person.page, "You are not logged in");
    sends_end(&place);
}

TEST(who_declines_is_not_waited_for)
{
    struct place place;

    REQUIRE(people_begin(&place, PEOPLE_PLAIN));
    person.declines = true;
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK_HAS(place.host.error.text, "declined");
    sends_end(&place);
}

/* ---- metadata ----------------------------------------------------------------------------------- */

#define ISSUED "client_auth = \"none\"; issuer = \"@\"; timeout = \"60s\";"

static struct place *shown; /* whose server person.looks speaks to */

static void answer_metadata(struct place *place, const char *more)
{
    struct fault_answer answer = { .type = JSON_TYPE };
    char url[FAULT_URL_MAX], body[2048];

    (void)fault_server_url(place->server, "", url);
    (void)snprintf(body, sizeof body,
                   "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/auth\",\"token_endpoint\":"
                   "\"%s/token\",\"pushed_authorization_request_endpoint\":\"%s/par\"%s}",
                   url, url, url, url, more);
    answer.body = body;
    fault_server_answer(place->server, "/.well-known/oauth-authorization-server", &answer);
}

TEST(a_server_that_does_not_take_s256_is_not_asked)
{
    struct place place;

    REQUIRE(people_begin(&place, ISSUED));
    answer_metadata(&place, ",\"code_challenge_methods_supported\":[\"plain\"]");
    CHECK_INT(people_run(&place.host, "login", NULL), 3);
    CHECK_HAS(place.host.error.text, "S256");
    CHECK_INT(person.asked, 0);
    sends_end(&place);
}

TEST(a_response_of_another_issuer_is_a_mix_up)
{
    char good[FAULT_URL_MAX + 64], url[FAULT_URL_MAX];
    struct place place;

    REQUIRE(people_begin(&place, ISSUED));
    answer_metadata(&place, ",\"authorization_response_iss_parameter_supported\":true");
    fault_server_answer(place.server, "/token", &tokens);
    person.brings = "code=the-code&state=@&iss=https%3A%2F%2Fevil.example.com";
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK_HAS(place.host.error.text, "(iss)");
    person.brings = "code=the-code&state=@";
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK_HAS(place.host.error.text, "(iss)");
    (void)fault_server_url(place.server, "", url);
    (void)snprintf(good, sizeof good, "code=the-code&state=@&iss=%s", url);
    person.brings = good;
    CHECK_INT(people_run(&place.host, "login", NULL), 0);
    sends_end(&place);
}

/* RFC 9126 */
TEST(a_pushed_request_leaves_only_its_name_to_the_browser)
{
    static const struct fault_answer pushed = { .code = 201,
                                                .type = JSON_TYPE,
                                                .body = "{\"request_uri\":\"urn:r:1\",\"expires_"
                                                        "in\":60}" };
    struct fault_request request;
    struct place place;
    char value[256];

    REQUIRE(people_begin(&place, ISSUED));
    answer_metadata(&place, ",\"require_pushed_authorization_requests\":true");
    fault_server_answer(place.server, "/par", &pushed);
    person.declines = true;
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK_STR(paa_str_of(people_parameter(person.url, "request_uri", value, 256)), "urn:r:1");
    CHECK_STR(paa_str_of(people_parameter(person.url, "client_id", value, 256)), "me");
    CHECK_STR(paa_str_of(people_parameter(person.url, "state", value, 256)), "");
    CHECK_STR(paa_str_of(people_parameter(person.url, "code_challenge", value, 256)), "");
    REQUIRE(fault_server_last(place.server, &request));
    CHECK_HAS(request.body, "code_challenge_method=S256");
    CHECK_HAS(request.body, "client_id=me");
    CHECK_HAS(request.body, "state=");
    sends_end(&place);
}

/* ---- ID tokens ---------------------------------------------------------------------------------- */

static const char *told_nonce; /* NULL: the one that was sent */

/* The token endpoint's answer to come: an ID token for this login. */
static void answer_with_id_token(void)
{
    static char id_token[4096], claims[1024], body[8192];
    struct fault_answer answer = { .type = JSON_TYPE, .body = body };
    char url[FAULT_URL_MAX], nonce[256];
    const char *header = "{\"alg\":\"ES256\"}";
    size_t size;

    (void)fault_server_url(shown->server, "", url);
    people_parameter(person.url, "nonce", nonce, sizeof nonce);
    (void)snprintf(claims, sizeof claims,
                   "{\"iss\":\"%s\",\"sub\":\"alice\",\"aud\":\"me\",\"exp\":%lld,\"iat\":%lld,"
                   "\"nonce\":\"%s\",\"name\":\"Alice A.\"}",
                   url, (long long)HOST_TIME_S + 300, (long long)HOST_TIME_S,
                   told_nonce != NULL ? told_nonce : nonce);
    base64url_encode(paa_bytes_of(header, strlen(header)), id_token);
    size = BASE64URL_SIZE(strlen(header));
    id_token[size++] = '.';
    base64url_encode(paa_bytes_of(claims, strlen(claims)), id_token + size);
    size += BASE64URL_SIZE(strlen(claims));
    id_token[size++] = '.';
    memset(id_token + size, 'A', BASE64URL_SIZE(64)); /* the signature that nobody looks at */
    id_token[size + BASE64URL_SIZE(64)] = '\0';
    (void)snprintf(body, sizeof body,
                   "{\"access_token\":\"one\",\"token_type\":\"Bearer\",\"refresh_token\":\"r\","
                   "\"id_token\":\"%s\"}",
                   id_token);
    fault_server_forget(shown->server, "/token");
    fault_server_answer(shown->server, "/token", &answer);
}

TEST(an_id_token_says_who_it_is_if_it_is_of_this_login)
{
    struct place place;

    REQUIRE(people_begin(&place, ISSUED "scope = \"openid\";"));
    answer_metadata(&place, "");
    shown = &place;
    person.looks = answer_with_id_token;
    told_nonce = "of-another-login";
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK_HAS(place.host.error.text, "nonce");
    CHECK_STR(paa_str_of(sends(&place.host).reason), "no-login");
    told_nonce = NULL;
    CHECK_INT(people_run(&place.host, "login", NULL), 0);
    CHECK_HAS(people_output, "alice");
    CHECK_HAS(people_output, "Alice A.");
    person.looks = NULL;
    fault_server_forget(place.server, "/token");
    fault_server_answer(place.server, "/token", &tokens);
    CHECK_INT(people_run(&place.host, "login", NULL), 1);
    CHECK_HAS(place.host.error.text, "is missing");
    sends_end(&place);
}

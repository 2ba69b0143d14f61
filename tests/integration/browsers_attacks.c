/* SPDX-License-Identifier: MIT */
/* Attacks on logins and sessions (RFC 9700 4, RFC 6749 10): each fails, and closed. */
#include "browsers.h"
#include "test.h"

static struct provider provider;
static struct browser browser, other;
static struct page page;
static struct token_claims claims;

static bool begin(const char *instance)
{
    memset(&browser, 0, sizeof browser);
    memset(&other, 0, sizeof other);
    return provider_start(&provider, "", instance, PAGES);
}

static unsigned visits(struct browser *who)
{
    visit(&provider.host, who, &page, "GET", "/orders", "Accept: application/json", NULL);
    return page.code;
}

/* A login whose ID token has that claim instead; the status of the callback. */
static unsigned login_with(const char *claim, const char *value)
{
    struct attempt attempt;

    memset(&browser, 0, sizeof browser);
    if (!login_start(&provider, &browser, "/", &attempt))
        return 0;
    id_claims(&provider, attempt.nonce, &claims);
    if (claim != NULL)
        claims_set(&claims, claim, value);
    provider_give(&provider, &claims, "");
    login_back(&provider, &browser, &attempt, &page);
    return page.code;
}

/* ---- the answer to a login ------------------------------------------------------------------------ */

static void back_with(struct browser *who, const char *format, const struct attempt *attempt)
{
    char target[4096];
    size_t at = 0;

    for (; *format != '\0' && at + 1100 < sizeof target; format++)
        if (*format == '@')
            at += (size_t)snprintf(target + at, 1100, "%s", provider.name);
        else if (*format == '#')
            at += (size_t)snprintf(target + at, 1100, "%s", attempt->state);
        else
            target[at++] = *format;
    target[at] = '\0';
    visit(&provider.host, who, &page, "GET", target, NAVIGATES, NULL);
}

TEST(an_answer_of_another_server_is_refused)
{
    struct attempt attempt;

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    back_with(&browser, "/callback?code=c&state=#&iss=https://evil.example", &attempt);
    CHECK_INT(page.code, 403);
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    back_with(&browser, "/callback?code=c&state=#", &attempt); /* it always says who it is */
    CHECK_INT(page.code, 403);
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    CHECK_INT(jar_count(&browser, LOGIN_COOKIES), 0);
    provider_stop(&provider);
}

TEST(a_parameter_that_is_there_twice_is_refused)
{
    static const char *const targets[] = {
        "/callback?code=c&code=d&state=#&iss=@",
        "/callback?code=c&state=#&iss=@&iss=@",
        "/callback?code=c&state=#&iss=@&error=access_denied",
    };
    struct attempt attempt;

    REQUIRE(begin(LOGIN("")));
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        REQUIRE(login_start(&provider, &browser, "/", &attempt));
        back_with(&browser, targets[i], &attempt);
        CHECK_INT(page.code, 403);
        CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    }
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    back_with(&browser, "/callback?code=c&state=#&state=#&iss=@", &attempt);
    CHECK_INT(page.code, 400);
    provider_stop(&provider);
}

TEST(a_login_begun_elsewhere_is_not_finished_here)
{
    struct attempt attempt, mine;

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_start(&provider, &other, "/", &attempt)); /* the attacker's own */
    id_claims(&provider, attempt.nonce, &claims);
    provider_give(&provider, &claims, "");
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 400);
    CHECK_HAS(page.body, "not under way here");
    REQUIRE(login_start(&provider, &browser, "/", &mine));
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 400);
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    CHECK_INT(visits(&browser), 401);
    provider_stop(&provider);
}

/* The attacker's code in the victim's login: the nonce is another one (RFC 9700 4.5). */
TEST(an_injected_code_is_refused_by_its_nonce)
{
    struct attempt attempt, attackers;

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_start(&provider, &other, "/", &attackers));
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    id_claims(&provider, attackers.nonce, &claims);
    provider_give(&provider, &claims, "");
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 403);
    CHECK_HAS(provider.host.log, "nonce");
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    provider_stop(&provider);
}

TEST(an_answer_is_taken_once)
{
    struct attempt attempt;
    struct browser before;
    unsigned requests;

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    before = browser;
    id_claims(&provider, attempt.nonce, &claims);
    provider_give(&provider, &claims, "");
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 302);
    requests = fault_server_requests(provider.server);
    login_back(&provider, &browser, &attempt, &page); /* the page is loaded again */
    CHECK_INT(page.code, 400);
    login_back(&provider, &before, &attempt, &page); /* with the cookie that was taken away */
    CHECK_INT(page.code, 403);
    CHECK(jar_find(&before, SESSION_COOKIE) == NULL);
    CHECK_INT(fault_server_requests(provider.server), requests);
    CHECK_INT(visits(&browser), 200);
    provider_stop(&provider);
}

TEST(a_login_that_took_too_long_begins_again)
{
    struct attempt attempt;

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_start(&provider, &browser, "/orders?page=2", &attempt));
    host_pass(&provider.host, 600 * 1000);
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 403);
    CHECK_HAS(page.body, "href=\"/orders?page=2\"");
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    provider_stop(&provider);
}

TEST(a_person_who_says_no_gets_a_friendly_page)
{
    struct attempt attempt;

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_start(&provider, &browser, "/orders", &attempt));
    back_with(&browser, "/callback?error=access_denied&state=#&iss=@", &attempt);
    CHECK_INT(page.code, 403);
    CHECK_HAS(page.body, "You said no");
    CHECK_HAS(page.body, "href=\"/orders\"");
    CHECK_INT(jar_count(&browser, LOGIN_COOKIES), 0);
    REQUIRE(login_start(&provider, &browser, "/orders", &attempt));
    back_with(&browser, "/callback?error=login_required&error_description=%3Cb%3E&state=#&iss=@",
              &attempt);
    CHECK_INT(page.code, 403);
    CHECK_HAS(page.body, "<code>login_required</code>");
    CHECK(strstr(page.body, "<b>") == NULL);
    provider_stop(&provider);
}

TEST(a_provider_without_s256_is_not_logged_in_at)
{
    REQUIRE(begin(LOGIN("")));
    provider_describe(&provider, ",\"code_challenge_methods_supported\":[\"plain\"]");
    visit(&provider.host, &browser, &page, "GET", "/", NAVIGATES, NULL);
    CHECK_INT(page.code, 503);
    CHECK_STR(paa_str_of(page.location), "");
    CHECK_INT(page.set_count, 0);
    provider_stop(&provider);
}

TEST(nobody_is_sent_to_another_origin)
{
    static const char *const targets[] = { "/a?next=//evil.example",
                                           "/a?return_to=https://evil.example/" };
    static const char *const wrong[] = { "//evil.example/", "/%2f%2fevil.example",
                                         "/%2fevil.example", "/\\evil.example",
                                         "/%5cevil.example" };
    struct attempt attempt;

    REQUIRE(begin(LOGIN("")));
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        REQUIRE(login_start(&provider, &browser, targets[i], &attempt));
        id_claims(&provider, attempt.nonce, &claims);
        provider_give(&provider, &claims, "");
        back_with(&browser, "/callback?code=c&state=#&iss=@&return_to=//evil.example", &attempt);
        CHECK_INT(page.code, 302);
        CHECK_STR(paa_str_of(page.location), targets[i]);
        memset(&browser, 0, sizeof browser);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        visit(&provider.host, &browser, &page, "GET", wrong[i], NAVIGATES, NULL);
        if (page.code != 400)
            TEST_FAIL("%s gives %u and %s", wrong[i], page.code, page.location);
    }
    provider_stop(&provider);
}

/* ---- ID tokens ------------------------------------------------------------------------------------ */

TEST(an_id_token_must_be_of_this_login)
{
    static const struct {
        const char *claim;
        const char *value;
    } wrong[] = {
        { "iss", "\"https://evil.example\"" },
        { "aud", "\"another\"" },
        { "aud", "[\"" BROWSER_CLIENT "\",\"another\"]" }, /* without azp */
        { "azp", "\"another\"" },
        { "nonce", NULL },
        { "nonce", "\"x\"" },
        { "exp", "1" },
        { "exp", NULL },
        { "iat", "99999999999" },
        { "iat", NULL },
        { "sub", NULL },
        { "at_hash", "\"AAAAAAAAAAAAAAAAAAAAAA\"" },
        { "events", "{}" },
    };

    REQUIRE(begin(LOGIN("")));
    CHECK_INT(login_with(NULL, NULL), 302);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        unsigned code = login_with(wrong[i].claim, wrong[i].value);

        if (code != 403 || jar_find(&browser, SESSION_COOKIE) != NULL)
            TEST_FAIL("%s = %s gives %u", wrong[i].claim, wrong[i].value, code);
    }
    provider_stop(&provider);
}

TEST(an_id_token_must_be_signed_by_the_provider)
{
    static char token[SIGNER_TOKEN_MAX], body[SIGNER_TOKEN_MAX + 256];
    static const char *const headers[] = { "\"kid\":\"other\"", "\"kid\":\"rsa\"" };
    struct attempt attempt;

    REQUIRE(begin(LOGIN("")));
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *key = signer_key(KEY_P384); /* made anew: nobody's */

        REQUIRE(login_start(&provider, &browser, "/", &attempt));
        id_claims(&provider, attempt.nonce, &claims);
        token_sign(&claims, i < 2 ? headers[i] : "\"kid\":\"p384\"", i < 2 ? ALG_ES256 : ALG_ES384,
                   i < 2 ? NULL : key, token);
        (void)snprintf(body, sizeof body,
                       "{\"access_token\":\"at\",\"token_type\":\"Bearer\",\"id_token\":\"%s\"}",
                       token);
        provider_answer(&provider, "/token", 200, body);
        login_back(&provider, &browser, &attempt, &page);
        CHECK_INT(page.code, 403);
        CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
        EVP_PKEY_free(key);
    }
    provider_answer(&provider, "/token", 200,
                    "{\"access_token\":\"at\",\"token_type\":\"Bearer\"}");
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 403); /* no ID token at all */
    provider_stop(&provider);
}

TEST(how_and_when_people_proved_who_they_are_is_asked_for_and_judged)
{
    char value[1024];

    REQUIRE(begin(LOGIN("login_max_age = \"10m\"; acr_values = [ \"gold\", \"silver\" ];")));
    visit(&provider.host, &browser, &page, "GET", "/", NAVIGATES, NULL);
    CHECK_STR(paa_str_of(url_parameter(page.location, "max_age", value)), "600");
    CHECK_STR(paa_str_of(url_parameter(page.location, "acr_values", value)), "gold%20silver");
    CHECK_INT(login_with(NULL, NULL), 403); /* no acr */
    CHECK_INT(login_with("acr", "\"bronze\""), 403);
    CHECK_INT(login_with("acr", "\"silver\""), 302);
    claims_set(&claims, "acr", "\"gold\"");
    provider_stop(&provider);
    REQUIRE(begin(LOGIN("login_max_age = \"10m\";")));
    CHECK_INT(login_with("auth_time", "1"), 403);
    CHECK_INT(login_with("auth_time", NULL), 403);
    CHECK_INT(login_with(NULL, NULL), 302);
    provider_stop(&provider);
}

/* ---- cookies -------------------------------------------------------------------------------------- */

/* Claims so large that the session needs several cookies. */
static const char *large(void)
{
    static char text[8192];
    size_t at = (size_t)snprintf(text, sizeof text, ",\"refresh_token\":\"");

    for (size_t i = 0; i < 6000; i++)
        text[at++] = (char)('a' + i % 26);
    (void)snprintf(text + at, sizeof text - at, "\"");
    return text;
}

TEST(chunks_are_good_together_and_in_their_places_only)
{
    static struct browser whole, changed;
    char value[COOKIE_VALUE_MAX];

    REQUIRE(begin(LOGIN("upstream_token = true;")));
    REQUIRE(login_whole(&provider, &browser, large()));
    REQUIRE(login_whole(&provider, &other, large()));
    REQUIRE(jar_count(&browser, SESSION_COOKIE) >= 3);
    whole = browser;
    CHECK_INT(visits(&browser), 200);
    for (size_t i = 0; i < whole.count; i++) { /* another login's chunk in this one's place */
        changed = whole;
        jar_put(&changed, whole.jar[i].name, jar_find(&other, whole.jar[i].name)->value);
        CHECK_INT(visits(&changed), 401);
        CHECK_INT(jar_count(&changed, SESSION_COOKIE), 0); /* and it is taken away */
    }
    for (size_t i = 0; i < whole.count; i++) { /* one is missing */
        changed = whole;
        jar_drop(&changed, whole.jar[i].name);
        CHECK_INT(visits(&changed), 401);
    }
    changed = whole; /* two in each other's place */
    (void)snprintf(value, sizeof value, "%s", jar_find(&whole, SESSION_COOKIE ".1")->value);
    jar_put(&changed, SESSION_COOKIE ".1", jar_find(&whole, SESSION_COOKIE ".2")->value);
    jar_put(&changed, SESSION_COOKIE ".2", value);
    CHECK_INT(visits(&changed), 401);
    for (size_t at = 0; at < 3000; at += 397) { /* one letter is another */
        changed = whole;
        jar_find(&changed, SESSION_COOKIE)->value[at] ^= 1;
        CHECK(visits(&changed) == 401);
    }
    changed = whole; /* fewer than there are, said so */
    jar_find(&changed, SESSION_COOKIE)->value[0]--;
    CHECK_INT(visits(&changed), 401);
    browser = whole;
    CHECK_INT(visits(&browser), 200);
    provider_stop(&provider);
}

TEST(chunks_of_a_longer_session_before_are_taken_away)
{
    struct attempt attempt;

    REQUIRE(begin(LOGIN("upstream_token = true;")));
    REQUIRE(login_whole(&provider, &browser, large()));
    REQUIRE(jar_count(&browser, SESSION_COOKIE) >= 3);
    REQUIRE(login_start(&provider, &other, "/", &attempt));
    jar_put(&browser, other.jar[0].name, other.jar[0].value);
    id_claims(&provider, attempt.nonce, &claims);
    provider_give(&provider, &claims, "");
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 302);
    CHECK_INT(jar_count(&browser, SESSION_COOKIE), 1);
    CHECK_INT(visits(&browser), 200);
    provider_stop(&provider);
}

TEST(cookies_that_are_doubled_are_refused)
{
    char line[COOKIE_VALUE_MAX + 64];

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ""));
    (void)snprintf(line, sizeof line, "Cookie: a=b; %s=x", SESSION_COOKIE);
    visit(&provider.host, &browser, &page, "GET", "/orders", line, NULL); /* a second field */
    CHECK_INT(page.code, 400);
    jar_put(&browser, "a", "b; " SESSION_COOKIE "=x"); /* one field, the name twice */
    visit(&provider.host, &browser, &page, "GET", "/orders", NULL);
    CHECK_INT(page.code, 400);
    visit(&provider.host, &browser, &page, "GET", "/logout", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_INT(page.code, 302); /* no session is found */
    provider_stop(&provider);
}

TEST(a_flood_of_cookies_is_bounded_and_harms_nobody)
{
    char name[64], line[40 * 1024];
    struct attempt attempt;

    REQUIRE(begin(LOGIN("")));
    for (unsigned i = 0; i < 40; i++) { /* nobody's attempts */
        (void)snprintf(name, sizeof name, LOGIN_COOKIES "%08u", i);
        jar_put(&browser, name, "AYvR");
    }
    CHECK(login_start(&provider, &browser, "/", &attempt));
    CHECK_INT(jar_count(&browser, LOGIN_COOKIES), 40 - 16 + 1);
    memset(line, 'a', sizeof line - 1);
    memcpy(line, "Cookie: " SESSION_COOKIE "=4", sizeof "Cookie: " SESSION_COOKIE "=4" - 1);
    line[sizeof line - 1] = '\0';
    visit(&provider.host, &other, &page, "GET", "/orders", line, NULL);
    CHECK_INT(page.code, 401);
    provider_stop(&provider);
}

TEST(each_tab_has_its_own_login_and_old_ones_make_room)
{
    struct attempt attempts[7];

    REQUIRE(begin(LOGIN("")));
    for (size_t i = 0; i < 7; i++) {
        REQUIRE(login_start(&provider, &browser, "/", &attempts[i]));
        host_pass(&provider.host, 1000);
    }
    CHECK_INT(jar_count(&browser, LOGIN_COOKIES), 5);
    login_back(&provider, &browser, &attempts[1], &page); /* it made room */
    CHECK_INT(page.code, 400);
    for (size_t i = 6; i >= 2; i--) { /* in any order */
        id_claims(&provider, attempts[i].nonce, &claims);
        provider_give(&provider, &claims, "");
        login_back(&provider, &browser, &attempts[i], &page);
        CHECK_INT(page.code, 302);
        CHECK_INT(visits(&browser), 200);
    }
    CHECK_INT(jar_count(&browser, LOGIN_COOKIES), 0);
    provider_stop(&provider);
}

/* ---- sessions ------------------------------------------------------------------------------------- */

TEST(a_stolen_cookie_dies_with_the_logout)
{
    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ""));
    other = browser;
    host_pass(&provider.host, 120 * 1000);
    CHECK_INT(visits(&browser), 200); /* written anew meanwhile: the same session */
    CHECK_INT(page.set_count, 1);
    CHECK_INT(visits(&other), 200);
    visit(&provider.host, &browser, &page, "POST", "/logout", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_INT(page.code, 303);
    CHECK_INT(jar_count(&browser, SESSION_COOKIE), 0);
    CHECK_INT(visits(&browser), 401);
    CHECK_INT(visits(&other), 401);
    CHECK_STR(paa_str_of(page.reason), "revoked");
    provider_stop(&provider);
}

TEST(a_logout_goes_on_to_the_provider)
{
    char value[1024], wanted[FAULT_URL_MAX + 8];

    REQUIRE(begin(LOGIN("after_logout = \"/bye\";")));
    REQUIRE(login_whole(&provider, &browser, ""));
    visit(&provider.host, &browser, &page, "GET", "/logout", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_INT(page.code, 302);
    (void)snprintf(wanted, sizeof wanted, "%s/end?", provider.name);
    CHECK(strncmp(page.location, wanted, strlen(wanted)) == 0);
    CHECK_STR(paa_str_of(url_parameter(page.location, "client_id", value)), BROWSER_CLIENT);
    CHECK_STR(paa_str_of(url_parameter(page.location, "post_logout_redirect_uri", value)),
              "https%3A%2F%2Fapi.example.com%2Fbye");
    CHECK(strlen(url_parameter(page.location, "id_token_hint", value)) > 100);
    visit(&provider.host, &browser, &page, "GET", "/logout", "Sec-Fetch-Site: none", NULL);
    CHECK_STR(paa_str_of(page.location), "/bye"); /* no session: nothing to end */
    provider_stop(&provider);
}

TEST(another_site_logs_nobody_out)
{
    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ""));
    visit(&provider.host, &browser, &page, "GET", "/logout", "Sec-Fetch-Site: cross-site", NULL);
    CHECK_INT(page.code, 200);
    CHECK_HAS(page.body, "<form method=\"post\" action=\"/logout\">");
    visit(&provider.host, &browser, &page, "GET", "/logout", NULL); /* it does not say from where */
    CHECK_INT(page.code, 200);
    visit(&provider.host, &browser, &page, "POST", "/logout", "Origin: https://evil.example", NULL);
    CHECK_INT(page.code, 200);
    visit(&provider.host, &browser, &page, "POST", "/logout", "Origin: null", NULL);
    CHECK_INT(page.code, 200);
    CHECK_INT(visits(&browser), 200);
    visit(&provider.host, &browser, &page, "POST", "/logout", "Origin: https://api.example.com",
          NULL);
    CHECK_INT(page.code, 303);
    CHECK_INT(visits(&browser), 401);
    visit(&provider.host, &browser, &page, "DELETE", "/logout", NULL);
    CHECK_INT(page.code, 405);
    provider_stop(&provider);
}

TEST(another_site_s_unsafe_request_with_a_session_is_denied)
{
    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ""));
    visit(&provider.host, &browser, &page, "POST", "/orders", "Sec-Fetch-Site: cross-site", NULL);
    CHECK_INT(page.code, 403);
    visit(&provider.host, &browser, &page, "DELETE", "/orders", "Origin: https://evil.example",
          NULL);
    CHECK_INT(page.code, 403);
    visit(&provider.host, &browser, &page, "POST", "/orders", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_INT(page.code, 200);
    visit(&provider.host, &browser, &page, "GET", "/orders", "Sec-Fetch-Site: cross-site", NULL);
    CHECK_INT(page.code, 200);
    provider_stop(&provider);
}

/* A handshake is a GET; what it opens would act with the session for a sibling of this host. */
TEST(another_site_s_websocket_with_a_session_is_denied)
{
    static const char *const sites[] = { "cross-site", "same-site" };
    char line[64];

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ""));
    for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
        (void)snprintf(line, sizeof line, "Sec-Fetch-Site: %s", sites[i]);
        visit(&provider.host, &browser, &page, "GET", "/socket", "Upgrade: websocket",
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", line, NULL);
        CHECK_INT(page.code, 403);
        CHECK_STR(paa_str_of(page.reason), "cross-site");
    }
    visit(&provider.host, &browser, &page, "GET", "/socket", "Upgrade: websocket",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Origin: https://evil.example.com", NULL);
    CHECK_INT(page.code, 403);
    visit(&provider.host, &browser, &page, "GET", "/socket", "Upgrade: websocket",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Origin: https://api.example.com", NULL);
    CHECK_INT(page.code, 200);
    provider_stop(&provider);
}

TEST(what_a_client_says_in_authorization_never_looks_like_the_session_s_token)
{
    static const char before[] = LOGIN("cookie_key = \"file:cookie.key\";");
    static const char after[] = LOGIN("cookie_key = \"file:cookie.key\"; upstream_token = true;");

    REQUIRE(begin(before));
    REQUIRE(login_whole(&provider, &browser, "")); /* without an access token in it */
    REQUIRE(provider_reopen(&provider, "", after, PAGES));
    visit(&provider.host, &other, &page, "GET", "/public/x", "Authorization: Bearer forged", NULL);
    CHECK_INT(page.code, 200);
    CHECK_STR(paa_str_of(page.authorization), "-");
    visit(&provider.host, &browser, &page, "GET", "/orders", "Authorization: Bearer forged", NULL);
    CHECK_INT(page.code, 200);
    CHECK_STR(paa_str_of(page.authorization), "-");
    REQUIRE(login_whole(&provider, &other, ""));
    visit(&provider.host, &other, &page, "GET", "/orders", "Authorization: Bearer forged", NULL);
    CHECK_STR(paa_str_of(page.authorization), "Bearer at-1");
    provider_stop(&provider);
}

static void describe_pages(const char *scheme)
{
    static char document[2048];

    (void)
        snprintf(document, sizeof document,
                 "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s://id.example.com/authorize\","
                 "\"token_endpoint\":\"%s/token\",\"jwks_uri\":\"%s/jwks\","
                 "\"end_session_endpoint\":\"%s://id.example.com/end\"}",
                 provider.name, scheme, provider.name, provider.name, scheme);
    provider_answer(&provider, "/.well-known/oauth-authorization-server", 200, document);
}

TEST(no_browser_is_sent_to_the_provider_without_tls)
{
    REQUIRE(begin(LOGIN("after_logout = \"/bye\";")));
    describe_pages("http");
    visit(&provider.host, &browser, &page, "GET", "/orders", NAVIGATES, NULL);
    CHECK_INT(page.code, 503);
    provider_stop(&provider);
    REQUIRE(begin(LOGIN("cookie_key = \"file:cookie.key\"; after_logout = \"/bye\";")));
    REQUIRE(login_whole(&provider, &browser, ""));
    describe_pages("http");
    REQUIRE(provider_reopen(&provider, "",
                            LOGIN("cookie_key = \"file:cookie.key\"; after_logout = \"/bye\";"),
                            PAGES)); /* which asks for the metadata anew */
    visit(&provider.host, &browser, &page, "GET", "/logout", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_STR(paa_str_of(page.location), "/bye"); /* the ID token would have gone along */
    provider_stop(&provider);
}

TEST(a_session_is_of_one_service_and_one_instance)
{
    static const char two[] =
        "api = { direction = \"incoming\"; origins = [ \"https://api.example.com\" ]; chain = ( { "
        "required = \"login\" } ); };\n"
        "api2 = { direction = \"incoming\"; origins = [ \"https://api.example.com\" ]; chain = ( { "
        "required = \"login\" } ); };\n";
    struct paa_service *first;

    memset(&browser, 0, sizeof browser);
    REQUIRE(provider_start(&provider, "", LOGIN(""), two));
    REQUIRE(login_whole(&provider, &browser, ""));
    other = browser;
    CHECK_INT(visits(&browser), 200);
    first = provider.host.api;
    provider.host.api = paa_service_find(provider.host.context, "api2", PAA_INCOMING, NULL);
    CHECK_INT(visits(&browser), 401); /* though it is remembered as opened */
    provider.host.api = first;
    CHECK_INT(visits(&other), 200);
    provider_stop(&provider);
}

TEST(cookies_of_a_session_do_not_reach_the_application)
{
    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ""));
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.cookie), "-");
    jar_put(&browser, "theme", "dark");
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.cookie), "theme=dark");
    provider_stop(&provider);
}

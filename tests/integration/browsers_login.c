/* SPDX-License-Identifier: MIT */
/* Logins of people with a browser: the way there and back, and who is taken for whom. */
#include "browsers.h"
#include "test.h"

static struct provider provider;
static struct browser browser;
static struct page page;

static bool begin(const char *instance)
{
    memset(&browser, 0, sizeof browser);
    return provider_start(&provider, "", instance, PAGES);
}

TEST(a_navigation_without_a_session_is_sent_to_the_provider)
{
    char value[1024];

    REQUIRE(begin(LOGIN("scope = [ \"openid profile\", \"email\" ];")));
    visit(&provider.host, &browser, &page, "GET", "/orders?page=2", NAVIGATES, NULL);
    CHECK_INT(page.code, 302);
    CHECK(strncmp(page.location, provider.name, strlen(provider.name)) == 0);
    CHECK_STR(paa_str_of(url_parameter(page.location, "response_type", value)), "code");
    CHECK_STR(paa_str_of(url_parameter(page.location, "client_id", value)), BROWSER_CLIENT);
    CHECK_STR(paa_str_of(url_parameter(page.location, "scope", value)), "openid%20profile%20email");
    CHECK_STR(paa_str_of(url_parameter(page.location, "redirect_uri", value)),
              "https%3A%2F%2Fapi.example.com%2Fcallback");
    CHECK_STR(paa_str_of(url_parameter(page.location, "code_challenge_method", value)), "S256");
    CHECK_INT(strlen(url_parameter(page.location, "code_challenge", value)), 43);
    CHECK_INT(strlen(url_parameter(page.location, "nonce", value)), 43);
    CHECK_INT(strlen(url_parameter(page.location, "state", value)), 43);
    CHECK_INT(jar_count(&browser, LOGIN_COOKIES), 1);
    CHECK_INT(jar_count(&browser, SESSION_COOKIE), 1);
    CHECK(!browser.is_lax);
    provider_stop(&provider);
}

TEST(a_call_without_a_session_is_answered_401_and_gets_no_cookie)
{
    REQUIRE(begin(LOGIN("")));
    visit(&provider.host, &browser, &page, "GET", "/orders", "Accept: application/json", NULL);
    CHECK_INT(page.code, 401);
    CHECK_STR(paa_str_of(page.location), "");
    CHECK_HAS(page.challenge, "Cookie realm=\"api\"");
    CHECK_INT(page.set_count, 0);
    visit(&provider.host, &browser, &page, "POST", "/orders", NAVIGATES, NULL);
    CHECK_INT(page.code, 401);
    CHECK_INT(fault_server_requests(provider.server), 0);
    provider_stop(&provider);
}

TEST(a_person_logs_in_and_comes_back_to_where_they_were)
{
    struct fault_request request;

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ",\"scope\":\"openid\""));
    CHECK_INT(jar_count(&browser, LOGIN_COOKIES), 0);
    CHECK(!browser.is_lax);
    visit(&provider.host, &browser, &page, "GET", "/orders?page=2", NAVIGATES, NULL);
    CHECK_INT(page.code, 200);
    CHECK_STR(paa_str_of(page.subject), "alice");
    CHECK_STR(paa_str_of(page.issuer), provider.name);
    CHECK_STR(paa_str_of(page.methods), "pwd otp");
    CHECK_HAS(page.claims, "\"name\":\"Alice A.\"");
    CHECK_INT(page.auth_time_s, HOST_TIME_S - 5);
    CHECK_INT(page.expires_at_s, HOST_TIME_S + 12 * 3600);
    CHECK_STR(paa_str_of(page.authorization), "");
    CHECK_INT(page.set_count, 0);
    REQUIRE(fault_server_last(provider.server, &request));
    visit(&provider.host, &browser, &page, "POST", "/orders", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_INT(page.code, 200);
    provider_stop(&provider);
}

TEST(the_code_is_redeemed_by_the_client_with_its_verifier)
{
    static struct token_claims claims;
    struct fault_request request;
    struct attempt attempt;
    char value[256];

    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    id_claims(&provider, attempt.nonce, &claims);
    provider_give(&provider, &claims, "");
    provider_answer(&provider, "/jwks", 404, "");
    login_back(&provider, &browser, &attempt,
               &page); /* the keys are the last thing that is asked for */
    CHECK_INT(page.code, 503);
    provider_answer(&provider, "/token", 400, "{\"error\":\"invalid_grant\"}");
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 403);
    REQUIRE(fault_server_last(provider.server, &request));
    CHECK_STR(paa_str_of(request.target), "/token");
    CHECK_HAS(request.body, "grant_type=authorization_code&code=c-1");
    CHECK_HAS(request.body, "redirect_uri=https%3A%2F%2Fapi.example.com%2Fcallback");
    CHECK_HAS(request.body, "code_verifier=");
    REQUIRE(fault_request_header(&request, "Authorization", value, sizeof value));
    CHECK_HAS(value, "Basic ");
    provider_stop(&provider);
}

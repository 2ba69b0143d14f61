/* SPDX-License-Identifier: MIT */
/* Sessions over time: idle and over, restarts and rotated keys, stores, the access token behind them, an older login than
 * a rule wants. */
#include "browsers.h"
#include "test.h"

enum { S = 1000, MINUTE = 60 * S, HOUR = 60 * MINUTE };

#define STATE "stores = { state = \"state.db\"; };\n"

static struct provider provider;
static struct browser browser, other;
static struct page page;
static struct token_claims claims;

static bool begin_with(const char *stores, const char *instance, const char *services)
{
    memset(&browser, 0, sizeof browser);
    memset(&other, 0, sizeof other);
    return provider_start(&provider, stores, instance, services);
}

static bool begin(const char *instance)
{
    return begin_with("", instance, PAGES);
}

static unsigned visits(struct browser *who)
{
    visit(&provider.host, who, &page, "GET", "/orders", "Accept: application/json", NULL);
    return page.code;
}

/* ---- time ----------------------------------------------------------------------------------------- */

TEST(a_session_that_is_used_goes_on_until_its_end)
{
    REQUIRE(begin(LOGIN("idle = \"10m\"; lifetime = \"1h\";")));
    REQUIRE(login_whole(&provider, &browser, ""));
    for (int i = 0; i < 7; i++) {
        host_pass(&provider.host, 8 * MINUTE);
        CHECK_INT(visits(&browser), 200);
        CHECK_INT(page.set_count, 1);
        CHECK_INT(page.expires_at_s, HOST_TIME_S + 3600);
        CHECK_INT(visits(&browser), 200); /* once a minute at most */
        CHECK_INT(page.set_count, 0);
    }
    host_pass(&provider.host, 4 * MINUTE);
    CHECK_INT(visits(&browser), 401);
    CHECK_STR(paa_str_of(page.reason), "expired");
    CHECK_INT(jar_count(&browser, SESSION_COOKIE), 0);
    provider_stop(&provider);
}

TEST(a_session_that_is_not_used_ends)
{
    REQUIRE(begin(LOGIN("idle = \"10m\"; lifetime = \"1h\";")));
    REQUIRE(login_whole(&provider, &browser, ""));
    other = browser;
    host_pass(&provider.host, 10 * MINUTE - S);
    CHECK_INT(visits(&browser), 200);
    host_pass(&provider.host, S);
    CHECK_INT(visits(&browser), 200);
    CHECK_INT(visits(&other), 401);
    CHECK_STR(paa_str_of(page.reason), "idle");
    visit(&provider.host, &browser, &page, "GET", "/public/x", NULL);
    CHECK_INT(page.code, 200);
    provider_stop(&provider);
}

TEST(a_cookie_that_is_renewed_goes_out_with_a_refusal_too)
{
    REQUIRE(begin_with(
        "", LOGIN(""),
        API("chain = ( { required = \"login\" } ); require = { subject = [ \"bob\" ]; };")));
    REQUIRE(login_whole(&provider, &browser, ""));
    host_pass(&provider.host, 2 * MINUTE);
    CHECK_INT(visits(&browser), 403);
    CHECK_INT(page.set_count, 1);
    provider_stop(&provider);
}

TEST(an_older_login_than_the_rule_wants_is_done_anew)
{
    char value[1024];

    REQUIRE(
        begin_with("", LOGIN(""),
                   API("rules = ( { path = \"/pay/**\"; chain = ( { required = \"login\" } ); "
                       "require = { max_age = \"5m\"; }; }, { path = \"/otp/**\"; chain = ( { "
                       "required = \"login\" } ); require = { amr = [ \"hwk\" ]; }; }, { path = "
                       "\"/**\"; chain = ( { required = \"login\" } ); } );")));
    REQUIRE(login_whole(&provider, &browser, ""));
    visit(&provider.host, &browser, &page, "GET", "/pay/now", NAVIGATES, NULL);
    CHECK_INT(page.code, 200);
    host_pass(&provider.host, 6 * MINUTE);
    visit(&provider.host, &browser, &page, "GET", "/pay/now", NAVIGATES, NULL);
    CHECK_INT(page.code, 302);
    CHECK_STR(paa_str_of(url_parameter(page.location, "max_age", value)), "300");
    visit(&provider.host, &browser, &page, "GET", "/pay/now", NULL);
    CHECK_INT(page.code, 401);
    visit(&provider.host, &browser, &page, "GET", "/otp/now", NAVIGATES, NULL);
    CHECK_INT(page.code, 401); /* another login would change nothing */
    provider_stop(&provider);
}

/* ---- where it is kept ------------------------------------------------------------------------------ */

TEST(sessions_outlive_a_restart_with_a_key_of_the_policy)
{
    static const char with[] = LOGIN("cookie_key = \"file:cookie.key\";");
    static const char without[] = LOGIN("");

    REQUIRE(begin(with)); /* the file is made */
    REQUIRE(login_whole(&provider, &browser, ""));
    REQUIRE(provider_reopen(&provider, "", with, PAGES));
    CHECK_INT(visits(&browser), 200);
    CHECK(strstr(provider.host.log, "end with this program") == NULL);
    REQUIRE(provider_reopen(&provider, "", without, PAGES));
    CHECK_HAS(provider.host.log, "end with this program");
    other = browser;
    CHECK_INT(visits(&other), 401);
    CHECK_STR(paa_str_of(page.reason), "unknown-session");
    REQUIRE(login_whole(&provider, &other, ""));
    REQUIRE(provider_reopen(&provider, "", without, PAGES));
    CHECK_INT(visits(&other), 401);
    provider_stop(&provider);
}

TEST(keys_for_cookies_rotate)
{
    static const char first[] = LOGIN("cookie_key = \"file:one.key\";");
    static const char both[] = LOGIN("cookie_key = [ \"file:two.key\", \"file:one.key\" ];");
    static const char second[] = LOGIN("cookie_key = \"file:two.key\";");

    REQUIRE(begin(first));
    REQUIRE(login_whole(&provider, &browser, ""));
    other = browser;
    REQUIRE(provider_reopen(&provider, "", both, PAGES));
    host_pass(&provider.host, 2 * MINUTE);
    CHECK_INT(visits(&browser), 200);
    CHECK_INT(page.set_count, 1); /* under the new one */
    REQUIRE(provider_reopen(&provider, "", second, PAGES));
    CHECK_INT(visits(&browser), 200);
    CHECK_INT(visits(&other), 401);
    provider_stop(&provider);
}

TEST(a_session_in_the_store_is_a_number_in_its_cookie)
{
    static const char instance[] = LOGIN("session = \"store\"; idle = \"10m\";");

    REQUIRE(begin_with("", instance, PAGES));
    REQUIRE(login_whole(&provider, &browser, ""));
    CHECK_INT(strlen(jar_find(&browser, SESSION_COOKIE)->value), 43);
    other = browser;
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.subject), "alice");
    for (int i = 0; i < 3; i++) {
        host_pass(&provider.host, 8 * MINUTE);
        CHECK_INT(visits(&browser), 200);
        CHECK_INT(page.set_count, 0);
    }
    CHECK_INT(visits(&other), 200); /* the same one */
    jar_find(&other, SESSION_COOKIE)->value[5] ^= 1;
    CHECK_INT(visits(&other), 401);
    other = browser;
    visit(&provider.host, &browser, &page, "POST", "/logout", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_INT(page.code, 303);
    CHECK_INT(visits(&other), 401);
    REQUIRE(login_whole(&provider, &browser, ""));
    host_pass(&provider.host, 10 * MINUTE);
    CHECK_INT(visits(&browser), 401);
    provider_stop(&provider);
}

TEST(a_session_that_is_too_large_for_cookies_is_refused_with_what_to_do)
{
    static char more[14 * 1024];
    struct attempt attempt;
    size_t at = (size_t)snprintf(more, sizeof more, ",\"refresh_token\":\"");

    memset(more + at, 'r', 12 * 1024);
    (void)snprintf(more + at + 12 * 1024, 2, "\"");
    REQUIRE(begin(LOGIN("upstream_token = true;")));
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    id_claims(&provider, attempt.nonce, &claims);
    provider_give(&provider, &claims, more);
    login_back(&provider, &browser, &attempt, &page);
    CHECK_INT(page.code, 500);
    CHECK_STR(paa_str_of(page.reason), "session-size");
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    provider_stop(&provider);
    REQUIRE(begin(LOGIN("upstream_token = true; session = \"store\";")));
    REQUIRE(login_whole(&provider, &browser, more));
    CHECK_INT(visits(&browser), 200);
    provider_stop(&provider);
}

/* ---- the access token behind it -------------------------------------------------------------------- */

static void renewals_give(const char *word, const char *more)
{
    char body[512];

    (void)snprintf(body, sizeof body,
                   "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":300%s}", word,
                   more);
    provider_answer(&provider, "/token", 200, body);
}

TEST(the_application_gets_the_access_token_if_the_policy_says_so)
{
    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.authorization), "");
    provider_stop(&provider);
    REQUIRE(begin(LOGIN("upstream_token = true;")));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    visit(&provider.host, &browser, &page, "GET", "/orders", "Authorization: Basic Zm9yZ2Vk", NULL);
    CHECK_INT(page.code, 200);
    CHECK_STR(paa_str_of(page.authorization), "Bearer at-1");
    provider_stop(&provider);
}

TEST(an_access_token_that_ended_is_renewed_once_and_the_new_one_is_kept)
{
    struct fault_request request;
    unsigned requests;

    REQUIRE(begin(LOGIN("upstream_token = true;")));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    other = browser;
    renewals_give("at-2", ",\"refresh_token\":\"rt-2\"");
    requests = fault_server_requests(provider.server);
    host_pass(&provider.host, 300 * S);
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.authorization), "Bearer at-2");
    CHECK_INT(page.set_count, 1);
    REQUIRE(fault_server_last(provider.server, &request));
    CHECK_HAS(request.body, "grant_type=refresh_token&refresh_token=rt-1");
    CHECK_INT(visits(&other), 200); /* the old cookie, in another tab */
    CHECK_STR(paa_str_of(page.authorization), "Bearer at-2");
    CHECK_INT(visits(&browser), 200);
    CHECK_INT(fault_server_requests(provider.server), requests + 1);
    renewals_give("at-3", ",\"refresh_token\":\"rt-3\"");
    host_pass(&provider.host, 300 * S);
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.authorization), "Bearer at-3");
    REQUIRE(fault_server_last(provider.server, &request));
    CHECK_HAS(request.body, "refresh_token=rt-2");
    provider_stop(&provider);
}

/* RFC 6749 6: a refresh token that is not replaced serves again. */
TEST(a_refresh_token_that_stays_renews_one_access_token_after_another)
{
    static const char *const gives[] = { "", ",\"refresh_token\":\"rt-1\"" };

    for (size_t i = 0; i < 2; i++) {
        char word[16], shown[32];

        REQUIRE(begin(LOGIN("upstream_token = true;")));
        REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
        for (int turn = 2; turn < 6; turn++) {
            (void)snprintf(word, sizeof word, "at-%d", turn);
            (void)snprintf(shown, sizeof shown, "Bearer %s", word);
            renewals_give(word, gives[i]);
            host_pass(&provider.host, 300 * S);
            CHECK_INT(visits(&browser), 200);
            CHECK_STR(paa_str_of(page.authorization), shown);
        }
        provider_stop(&provider);
    }
}

/* A cookie of two renewals ago is led on, and spends nothing a second time. */
TEST(an_old_cookie_redeems_no_refresh_token_twice)
{
    unsigned requests;
    struct browser oldest;

    REQUIRE(begin(LOGIN("upstream_token = true;")));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    oldest = browser;
    renewals_give("at-2", ",\"refresh_token\":\"rt-2\"");
    host_pass(&provider.host, 300 * S);
    CHECK_INT(visits(&browser), 200);
    renewals_give("at-3", ",\"refresh_token\":\"rt-3\"");
    host_pass(&provider.host, 300 * S);
    CHECK_INT(visits(&browser), 200);
    requests = fault_server_requests(provider.server);
    CHECK_INT(visits(&oldest), 200);
    CHECK_STR(paa_str_of(page.authorization), "Bearer at-3");
    CHECK_INT(fault_server_requests(provider.server), requests);
    provider_stop(&provider);
}

/* ---- revoked at a logout (RFC 7009) ---------------------------------------------------------------- */

static void logs_out(void)
{
    visit(&provider.host, &browser, &page, "POST", "/logout", "Sec-Fetch-Site: same-origin", NULL);
}

static bool begin_to_revoke(void)
{
    char more[FAULT_URL_MAX + 64];

    if (!begin(LOGIN("upstream_token = true;")))
        return false;
    (void)snprintf(more, sizeof more, ",\"revocation_endpoint\":\"%s/revoke\"", provider.name);
    provider_describe(&provider, more);
    return true;
}

TEST(a_logout_revokes_the_newest_refresh_token_whichever_cookie_it_shows)
{
    struct fault_request request;
    unsigned requests;

    REQUIRE(begin_to_revoke());
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    other = browser;
    renewals_give("at-2", ",\"refresh_token\":\"rt-2\"");
    host_pass(&provider.host, 300 * S);
    CHECK_INT(visits(&other), 200);
    provider_answer(&provider, "/revoke", 200, "");
    requests = fault_server_requests(provider.server);
    logs_out();
    CHECK_INT(page.code, 303);
    CHECK_HAS(page.location, "/end?");
    CHECK_INT(fault_server_requests(provider.server), requests + 1);
    REQUIRE(fault_server_last(provider.server, &request));
    CHECK_STR(paa_str_of(request.target), "/revoke");
    CHECK_STR(paa_str_of(request.body), "token=rt-2&token_type_hint=refresh_token");
    CHECK_HAS(request.headers, "Authorization: Basic ");
    CHECK_INT(visits(&other), 401);
    provider_stop(&provider);
}

TEST(a_logout_revokes_the_access_token_where_there_is_no_other)
{
    struct fault_request request;

    REQUIRE(begin_to_revoke());
    REQUIRE(login_whole(&provider, &browser, ""));
    provider_answer(&provider, "/revoke", 200, "");
    logs_out();
    CHECK_INT(page.code, 303);
    REQUIRE(fault_server_last(provider.server, &request));
    CHECK_STR(paa_str_of(request.body), "token=at-1&token_type_hint=access_token");
    provider_stop(&provider);
}

TEST(a_provider_that_revokes_nothing_keeps_nobody_from_logging_out)
{
    static const unsigned codes[] = { 503, 400, 404 };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        REQUIRE(begin_to_revoke());
        REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
        provider_answer(&provider, "/revoke", codes[i], "{\"error\":\"unsupported_token_type\"}");
        other = browser;
        logs_out();
        CHECK_INT(page.code, 303);
        CHECK_HAS(page.location, "/end?");
        CHECK_INT(visits(&other), 401);
        host_close(&provider.host); /* what it has to say of it is in the log then */
        CHECK_HAS(provider.host.log, "did not revoke");
        CHECK(strstr(provider.host.log, "rt-1") == NULL);
        fault_server_stop(provider.server);
    }
}

TEST(a_refused_refresh_ends_the_session)
{
    REQUIRE(begin(LOGIN("upstream_token = true;")));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    other = browser;
    provider_answer(&provider, "/token", 400, "{\"error\":\"invalid_grant\"}");
    host_pass(&provider.host, 300 * S);
    visit(&provider.host, &browser, &page, "GET", "/orders", NAVIGATES, NULL);
    CHECK_INT(page.code, 302);
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    CHECK_INT(visits(&other), 401);
    CHECK_STR(paa_str_of(page.reason), "refresh");
    provider_stop(&provider);
}

TEST(while_the_provider_is_down_a_good_token_serves_and_an_ended_one_does_not)
{
    REQUIRE(begin(LOGIN("upstream_token = true;")));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    provider_answer(&provider, "/token", 503, "{}");
    host_pass(&provider.host, 295 * S);
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.authorization), "Bearer at-1");
    host_pass(&provider.host, 5 * S);
    CHECK_INT(visits(&browser), 503);
    CHECK(jar_find(&browser, SESSION_COOKIE) != NULL);
    provider_stop(&provider);
}

struct crowd {
    struct host view;
    struct browser who;
    atomic_int *good;
};

static void *crowd_visit(void *arg)
{
    struct crowd *crowd = arg;
    struct ask ask;
    struct paa_txn *txn;
    static _Thread_local char field[16 * 1024];
    enum paa_state state;

    (void)snprintf(field, sizeof field, "Cookie: %s=%s", SESSION_COOKIE,
                   jar_find(&crowd->who, SESSION_COOKIE)->value);
    if (paa_lane_open(&crowd->view.lane, crowd->view.context, NULL) != 0)
        return NULL;
    ask_for(&ask, "GET", "/orders", field, NULL);
    state = host_ask(&crowd->view, &ask, &txn);
    if (state == PAA_TXN_ALLOW && paa_str_eq(authorization_of(txn), "Bearer at-2"))
        atomic_fetch_add(crowd->good, 1);
    paa_txn_end(&txn);
    paa_lane_close(&crowd->view.lane);
    return NULL;
}

TEST(many_at_once_redeem_a_refresh_token_once)
{
    enum { THREADS = 8 };
    static struct crowd crowds[THREADS];
    pthread_t threads[THREADS];
    atomic_int good = 0;
    unsigned requests;

    REQUIRE(begin_with(STATE, LOGIN("upstream_token = true;"), PAGES));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    renewals_give("at-2", ",\"refresh_token\":\"rt-2\"");
    requests = fault_server_requests(provider.server);
    host_pass(&provider.host, 300 * S);
    for (size_t i = 0; i < THREADS; i++) {
        host_share(&provider.host, &crowds[i].view);
        crowds[i].who = browser;
        crowds[i].good = &good;
        REQUIRE(pthread_create(&threads[i], NULL, crowd_visit, &crowds[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    CHECK_INT(good, THREADS);
    CHECK_INT(fault_server_requests(provider.server), requests + 1);
    provider_stop(&provider);
}

/* ---- tokens beside sessions, and what a policy may not say ------------------------------------------ */

TEST(bearer_tokens_of_people_are_taken_beside_sessions)
{
    static char token[SIGNER_TOKEN_MAX], line[SIGNER_TOKEN_MAX + 32];
    char name[FAULT_URL_MAX + 2];

    REQUIRE(begin(LOGIN("audience = \"" TOKEN_AUDIENCE "\";")));
    (void)snprintf(name, sizeof name, "\"%s\"", provider.name);
    claims_init(&claims);
    claims_set(&claims, "iss", name);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    visit(&provider.host, &browser, &page, "GET", "/orders", line, NULL);
    CHECK_INT(page.code, 401); /* a machine's */
    CHECK_STR(paa_str_of(page.reason), "kind");
    claims_set(&claims, "sub", "\"bob\"");
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    visit(&provider.host, &browser, &page, "POST", "/orders", line, "Origin: https://app.example",
          NULL);
    CHECK_INT(page.code, 200); /* no browser adds that by itself */
    CHECK_STR(paa_str_of(page.subject), "bob");
    REQUIRE(login_whole(&provider, &browser, ""));
    visit(&provider.host, &browser, &page, "GET", "/orders", line, NULL);
    CHECK_STR(paa_str_of(page.subject), "bob");
    visit(&provider.host, &browser, &page, "GET", "/orders", "Authorization: Bearer wrong", NULL);
    CHECK_INT(page.code, 401); /* a wrong token is not rescued by a session */
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.subject), "alice");
    provider_stop(&provider);
}

TEST(the_request_is_pushed_where_the_provider_wants_that)
{
    struct fault_request request;
    char value[1024];

    REQUIRE(begin(LOGIN("")));
    provider_describe(&provider, ",\"require_pushed_authorization_requests\":true");
    provider_answer(&provider, "/par", 201,
                    "{\"request_uri\":\"urn:ietf:params:oauth:request_uri:x\",\"expires_in\":60}");
    visit(&provider.host, &browser, &page, "GET", "/", NAVIGATES, NULL);
    CHECK_INT(page.code, 302);
    CHECK_STR(paa_str_of(url_parameter(page.location, "request_uri", value)),
              "urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax");
    CHECK_STR(paa_str_of(url_parameter(page.location, "client_id", value)), BROWSER_CLIENT);
    CHECK_STR(paa_str_of(url_parameter(page.location, "state", value)), "");
    REQUIRE(fault_server_last(provider.server, &request));
    CHECK_HAS(request.body, "code_challenge=");
    CHECK_HAS(request.body, "client_id=" BROWSER_CLIENT);
    provider_answer(&provider, "/par", 400, "{\"error\":\"invalid_request\"}");
    visit(&provider.host, &browser, &page, "GET", "/", NAVIGATES, NULL);
    CHECK_INT(page.code, 503);
    provider_stop(&provider);
}

TEST(while_the_provider_is_down_sessions_serve_and_logins_are_503)
{
    REQUIRE(begin(LOGIN("")));
    provider_answer(&provider, "/.well-known/oauth-authorization-server", 503, "{}");
    provider_answer(&provider, "/.well-known/openid-configuration", 503, "{}");
    visit(&provider.host, &browser, &page, "GET", "/", NAVIGATES, NULL);
    CHECK_INT(page.code, 503);
    CHECK_INT(visits(&browser), 401);
    provider_stop(&provider);
    REQUIRE(begin(LOGIN("")));
    REQUIRE(login_whole(&provider, &browser, ""));
    provider_answer(&provider, "/token", 503, "{}");
    CHECK_INT(visits(&browser), 200);
    provider_stop(&provider);
}

TEST(a_login_over_plain_http_is_refused_but_on_this_machine)
{
    static struct ask ask;
    static const char services[] =
        "api = { direction = \"incoming\"; origins = [ \"http://api.example.com\", "
        "\"http://127.0.0.1:8080\", \"http://127.0.0.1.example.com\", "
        "\"http://localhost.example.com\" ]; chain = ( { required = \"login\" } ); };\n";

    REQUIRE(begin_with("", LOGIN(""), services));
    ask_for(&ask, "GET", "/", NAVIGATES, NULL);
    ask.request.scheme = paa_str_of("http");
    CHECK_INT(ask_code(&provider.host, &ask), 503);
    ask.request.authority = paa_str_of("127.0.0.1.example.com");
    CHECK_INT(ask_code(&provider.host, &ask), 503);
    ask.request.authority = paa_str_of("localhost.example.com");
    CHECK_INT(ask_code(&provider.host, &ask), 503);
    ask.request.authority = paa_str_of("127.0.0.1:8080");
    CHECK_INT(ask_code(&provider.host, &ask), 302);
    provider_stop(&provider);
}

TEST(a_policy_that_cannot_be_right_is_refused_with_a_sentence)
{
    static const struct {
        const char *instance;
        const char *said;
    } wrong[] = {
        { "login = { plugin = \"oauth2-code\"; issuer = \"@\"; callback = \"/cb\"; };\n",
          "client_id" },
        { "login = { plugin = \"oauth2-code\"; issuer = \"@\"; };\n", "audience" },
        { "login = { plugin = \"oauth2-code\"; issuer = \"@\"; audience = \"a\"; logout = \"/x\"; "
          "};\n",
          "callback" },
        { LOGIN("after_logout = \"//evil.example\";"), "after_logout" },
        { LOGIN("parameters = [ \"state=x\" ];"), "parameters" },
        { LOGIN("parameters = [ \"x\" ];"), "parameters" },
        { LOGIN("scope = \"a\\\"b\";"), "has a character that no scope has" },
        { LOGIN("cookie_key = \"env:SHORT\";"), "cookie_key" },
        { LOGIN("issuers = ( { issuer = \"https://a.example\"; audience = \"x\"; } );"), "issuer" },
    };

    (void)setenv("SHORT", "short", 1);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK(!begin(wrong[i].instance));
        if (strstr(provider.host.log, wrong[i].said) == NULL)
            TEST_FAIL("case %zu: %s", i, provider.host.log);
        provider_stop(&provider);
    }
}

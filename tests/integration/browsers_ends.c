/* SPDX-License-Identifier: MIT */
/* Sessions end with all copies of their cookie: when the browser logs in once more, and for good when a person logs out. */
#include "browsers.h"
#include "full_disk.h"
#include "key_exchanged.h"
#include "test.h"

#include <signal.h>

enum { MINUTE = 60 * 1000 };

#define STATE "stores = { state = \"state.db\"; };\n"
#define STEPS                                                                                      \
    API("rules = ( { path = \"/pay/**\"; chain = ( { required = \"login\" } ); require = { "       \
        "max_age = \"5m\"; }; }, { path = \"/**\"; chain = ( { required = \"login\" } ); } );")
#define EACH_MODE(i) for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)

static const char *const modes[] = {
    LOGIN("cookie_key = \"file:cookie.key\";"),
    LOGIN("cookie_key = \"file:cookie.key\"; session = \"store\";"),
};

static struct provider provider;
static struct browser browser, other;
static struct page page;
static struct token_claims claims;

static bool begin(const char *stores, const char *instance)
{
    memset(&browser, 0, sizeof browser);
    memset(&other, 0, sizeof other);
    return provider_start(&provider, stores, instance, STEPS);
}

static unsigned visits(struct browser *who)
{
    visit(&provider.host, who, &page, "GET", "/orders", "Accept: application/json", NULL);
    return page.code;
}

/* The status of the callback. */
static unsigned comes_back(struct browser *who, const struct attempt *attempt, const char *subject)
{
    id_claims(&provider, attempt->nonce, &claims);
    claims_set(&claims, "sub", subject);
    provider_give(&provider, &claims, "");
    login_back(&provider, who, attempt, &page);
    return page.code;
}

static void logs_out(void)
{
    visit(&provider.host, &browser, &page, "POST", "/logout", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_INT(page.code, 303);
}

/* ---- by another login ----------------------------------------------------------------------------- */

TEST(a_step_up_ends_the_session_before_it_and_the_logout_leaves_no_copy)
{
    struct attempt attempt;

    EACH_MODE(i)
    {
        REQUIRE(begin("", modes[i]));
        REQUIRE(login_whole(&provider, &browser, ""));
        other = browser;
        host_pass(&provider.host, 6 * MINUTE);
        CHECK_INT(visits(&other), 200);
        REQUIRE(login_start(&provider, &browser, "/pay/now", &attempt));
        CHECK_INT(comes_back(&browser, &attempt, "\"alice\""), 302);
        CHECK_STR(paa_str_of(page.location), "/pay/now");
        visit(&provider.host, &browser, &page, "GET", "/pay/now", NAVIGATES, NULL);
        CHECK_INT(page.code, 200);
        CHECK_INT(page.auth_time_s, HOST_TIME_S + 6 * 60 - 5);
        CHECK_INT(visits(&other), 401);
        logs_out();
        CHECK_INT(visits(&other), 401);
        CHECK_INT(visits(&browser), 401);
        provider_stop(&provider);
    }
}

TEST(a_login_in_a_second_tab_ends_the_session_of_the_first)
{
    struct attempt first, second;

    EACH_MODE(i)
    {
        REQUIRE(begin("", modes[i]));
        REQUIRE(login_start(&provider, &browser, "/", &first));
        REQUIRE(login_start(&provider, &browser, "/", &second));
        CHECK_INT(comes_back(&browser, &first, "\"alice\""), 302);
        other = browser;
        CHECK_INT(comes_back(&browser, &second, "\"alice\""), 302);
        CHECK_INT(visits(&other), 401);
        CHECK_INT(visits(&browser), 200);
        provider_stop(&provider);
    }
}

/* ---- by a login in spite of what was planted ------------------------------------------------------ */

/* What the attacker left in the browser, and holds, too: it names nobody when the victim has logged in. */
static void planted(const char *value)
{
    static char kept[COOKIE_VALUE_MAX];
    struct attempt attempt;

    (void)snprintf(kept, sizeof kept, "%s", value);
    memset(&browser, 0, sizeof browser);
    memset(&other, 0, sizeof other);
    REQUIRE(login_start(&provider, &browser, "/", &attempt));
    jar_put(&browser, SESSION_COOKIE, kept);
    jar_put(&other, SESSION_COOKIE, kept);
    CHECK_INT(comes_back(&browser, &attempt, "\"alice\""), 302);
    CHECK(strcmp(jar_find(&browser, SESSION_COOKIE)->value, kept) != 0);
    CHECK_INT(visits(&other), 401);
    CHECK_INT(visits(&browser), 200);
    CHECK_STR(paa_str_of(page.subject), "alice");
}

TEST(a_session_that_was_planted_names_nobody_after_a_login)
{
    static const char *const nobodys[] = {
        "1AYvRfixedbytheattacker",
        "fixedbytheattackerfixedbytheattackerfixedby", /* as long as a number */
    };
    struct attempt attempt;

    EACH_MODE(i)
    {
        REQUIRE(begin("", modes[i]));
        REQUIRE(login_start(&provider, &other, "/", &attempt));
        CHECK_INT(comes_back(&other, &attempt, "\"mallory\""), 302);
        CHECK_INT(visits(&other), 200);
        CHECK_STR(paa_str_of(page.subject), "mallory");
        planted(jar_find(&other, SESSION_COOKIE)->value);
        for (size_t at = 0; at < sizeof nobodys / sizeof nobodys[0]; at++)
            planted(nobodys[at]);
        provider_stop(&provider);
    }
}

/* ---- an end that cannot be written ---------------------------------------------------------------- */

static void *login_back_of(void *attempt)
{
    login_back(&provider, &browser, attempt, &page);
    return NULL;
}

/* The disk is full from the moment on when the code is redeemed. */
static void comes_back_to_a_full_disk(struct attempt *attempt)
{
    struct fault_answer held = { .type = "application/json", .flags = FAULT_HOLD };
    unsigned requests = fault_server_requests(provider.server);
    pthread_t coming;

    id_claims(&provider, attempt->nonce, &claims);
    held.body = tokens_given(&claims, "");
    fault_server_forget(provider.server, "/token");
    fault_server_answer(provider.server, "/token", &held);
    REQUIRE(pthread_create(&coming, NULL, login_back_of, attempt) == 0);
    fault_server_await(provider.server, requests + 1);
    allow_files(0);
    fault_server_release(provider.server);
    (void)pthread_join(coming, NULL);
    allow_files(RLIM_INFINITY);
}

TEST(no_login_takes_the_place_of_a_session_whose_end_cannot_be_written)
{
    static char before[COOKIE_VALUE_MAX];
    struct attempt attempt;

    (void)signal(SIGXFSZ, SIG_IGN);
    EACH_MODE(i)
    {
        REQUIRE(begin(STATE, modes[i]));
        REQUIRE(login_start(&provider, &browser, "/", &attempt));
        REQUIRE(login_whole(&provider, &other, ""));
        (void)snprintf(before, sizeof before, "%s", jar_find(&other, SESSION_COOKIE)->value);
        jar_put(&browser, SESSION_COOKIE, before);
        comes_back_to_a_full_disk(&attempt);
        CHECK_INT(page.code, 503);
        CHECK_STR(paa_str_of(jar_find(&browser, SESSION_COOKIE)->value), before);
        CHECK_INT(visits(&browser), 200);
        provider_stop(&provider);
    }
}

/* ---- for good ------------------------------------------------------------------------------------- */

TEST(a_logout_outlives_the_program)
{
    EACH_MODE(i)
    {
        REQUIRE(begin(STATE, modes[i]));
        REQUIRE(login_whole(&provider, &browser, ""));
        other = browser;
        REQUIRE(provider_reopen(&provider, STATE, modes[i], STEPS));
        CHECK_INT(visits(&other), 200);
        logs_out();
        REQUIRE(provider_reopen(&provider, STATE, modes[i], STEPS));
        CHECK_INT(visits(&other), 401);
        CHECK(strstr(provider.host.log, "logouts") == NULL);
        provider_stop(&provider);
    }
}

TEST(logouts_that_end_before_the_sessions_do_are_warned_of)
{
    static const char memory[] = "stores = { state = \"memory\"; };\n";

    REQUIRE(begin("", modes[0]));
    CHECK_HAS(provider.host.log, "logouts");
    CHECK_HAS(provider.host.log, "stores = { state = \"state.db\"; }");
    provider_stop(&provider);
    REQUIRE(begin(memory, modes[0]));
    CHECK_HAS(provider.host.log, "logouts");
    provider_stop(&provider);
    REQUIRE(begin("", LOGIN(""))); /* sessions end with the program, too */
    CHECK(strstr(provider.host.log, "logouts") == NULL);
    provider_stop(&provider);
}

/* The key becomes one that cannot do that: what is wrong comes to light when an assertion is to be signed. */
#define CANNOT_SIGN                                                                                \
    "login = { plugin = \"oauth2-code\"; issuer = \"@\"; client_id = \"" BROWSER_CLIENT            \
    "\"; client_key = { key = \"file:client.key\"; }; assertion_algorithm = \"RS256\"; callback "  \
    "= "                                                                                           \
    "\"/callback\"; logout = \"/logout\"; cookie_key = \"file:cookie.key\"; tls = { ca = \"$\"; "  \
    "}; "                                                                                          \
    "upstream_token = true; };\n"

TEST(a_client_that_cannot_say_who_it_is_at_a_logout_keeps_nobody_from_logging_out)
{
    char text[FAULT_URL_MAX + 64];
    EVP_PKEY *good = made_key("RSA:2048"), *other_kind = made_key("P-256");

    REQUIRE(begin("", LOGIN("cookie_key = \"file:cookie.key\"; upstream_token = true;")));
    REQUIRE(login_whole(&provider, &browser, ",\"refresh_token\":\"rt-1\""));
    other = browser;
    key_file(&provider.host, "client.key", good);
    (void)snprintf(text, sizeof text, ",\"revocation_endpoint\":\"%s/revoke\"", provider.name);
    provider_describe(&provider, text);
    REQUIRE(provider_reopen(&provider, "", CANNOT_SIGN, STEPS));
    key_exchange(&provider.host, "client.key", other_kind);
    CHECK_INT(visits(&browser), 200);
    logs_out();
    CHECK_HAS(page.location, "/end?");
    CHECK_INT(visits(&other), 401);
    host_close(&provider.host); /* what it has to say of it is in the log then */
    CHECK_HAS(provider.host.log, "did not revoke");
    fault_server_stop(provider.server);
    EVP_PKEY_free(good);
    EVP_PKEY_free(other_kind);
}

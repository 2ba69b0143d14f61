/* SPDX-License-Identifier: MIT */
/* The provider says that sessions ended (OpenID Connect Back-Channel Logout). */
#include "browsers.h"
#include "test.h"

#define TOLD      LOGIN("backchannel_logout = \"/told\";")
#define EVENTS    "{\"http://schemas.openid.net/event/backchannel-logout\":{}}"
#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded"

enum { MINUTE = 60 * 1000 };

static struct provider provider;
static struct browser browser, other;
static struct page page;
static struct token_claims claims;
static unsigned jti;

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

/* The provider posts that form; the status. */
static unsigned posts(const char *form, const char *type)
{
    static struct ask ask;
    struct paa_txn *txn;
    enum paa_state state;
    unsigned code;

    ask_for(&ask, "POST", "/told", type, NULL);
    ask.request.flags = PAA_REQUEST_BODY;
    state = paa_txn_begin(&txn, provider.host.lane, provider.host.api, &ask.request);
    if (state == PAA_TXN_INPUT)
        state = paa_txn_body(txn, paa_bytes_of(form, strlen(form)), 1);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    code = txn_code(state, txn);
    if (code == 400)
        CHECK_STR(paa_str_of_n((const char *)paa_txn_answer(txn)->content.data,
                               paa_txn_answer(txn)->content.size),
                  "{\"error\":\"invalid_request\"}");
    paa_txn_end(&txn);
    return code;
}

static void good_claims(void)
{
    static char name[32];
    int64_t now_s = host_real(&provider.host) / (1000 * MS_NS);

    id_claims(&provider, "", &claims);
    claims_set(&claims, "nonce", NULL);
    claims_set(&claims, "sid", NULL);
    claims_set(&claims, "events", EVENTS);
    claims_set_int(&claims, "iat", now_s);
    claims_set_int(&claims, "exp", now_s + 120);
    (void)snprintf(name, sizeof name, "\"jti-%u\"", ++jti);
    claims_set(&claims, "jti", name);
}

static unsigned tells(const char *header)
{
    static char token[SIGNER_TOKEN_MAX], form[SIGNER_TOKEN_MAX + 32];

    token_sign(&claims, header, ALG_ES256, NULL, token);
    (void)snprintf(form, sizeof form, "logout_token=%s", token);
    return posts(form, FORM_TYPE);
}

#define HEADER "\"typ\":\"logout+jwt\",\"kid\":\"p256\""

TEST(a_session_that_the_provider_names_ends)
{
    REQUIRE(begin(TOLD));
    REQUIRE(login_whole(&provider, &browser, "")); /* sid-1 */
    CHECK_INT(visits(&browser), 200);
    good_claims();
    claims_set(&claims, "sid", "\"sid-2\"");
    CHECK_INT(tells(HEADER), 200);
    CHECK_INT(visits(&browser), 200);
    good_claims();
    claims_set(&claims, "sid", "\"sid-1\"");
    claims_set(&claims, "sub", NULL);
    CHECK_INT(tells(HEADER), 200);
    CHECK_INT(visits(&browser), 401);
    CHECK_STR(paa_str_of(page.reason), "revoked");
    provider_stop(&provider);
}

TEST(all_sessions_of_a_person_end_and_later_ones_do_not)
{
    REQUIRE(begin(TOLD));
    REQUIRE(login_whole(&provider, &browser, ""));
    host_pass(&provider.host, MINUTE);
    good_claims();
    claims_set(&claims, "sub", "\"bob\"");
    CHECK_INT(tells(HEADER), 200);
    CHECK_INT(visits(&browser), 200);
    good_claims();
    CHECK_INT(tells(HEADER), 200);
    CHECK_INT(visits(&browser), 401);
    host_pass(&provider.host, MINUTE);
    REQUIRE(login_whole(&provider, &browser, ""));
    CHECK_INT(visits(&browser), 200);
    provider_stop(&provider);
}

TEST(sessions_in_the_store_end_as_well)
{
    REQUIRE(begin(LOGIN("backchannel_logout = \"/told\"; session = \"store\";")));
    REQUIRE(login_whole(&provider, &browser, ""));
    good_claims();
    CHECK_INT(tells(HEADER), 200);
    CHECK_INT(visits(&browser), 401);
    provider_stop(&provider);
}

TEST(a_logout_token_is_taken_once)
{
    REQUIRE(begin(TOLD));
    good_claims();
    CHECK_INT(tells(HEADER), 200);
    host_pass(&provider.host, MINUTE);
    REQUIRE(login_whole(&provider, &browser, ""));
    CHECK_INT(tells(HEADER), 400);
    CHECK_INT(visits(&browser), 200);
    provider_stop(&provider);
}

TEST(what_is_no_logout_token_of_the_provider_ends_nothing)
{
    static const struct {
        const char *claim;
        const char *value;
    } wrong[] = {
        { "iss", "\"https://evil.example\"" },
        { "aud", "\"another\"" },
        { "nonce", "\"n\"" },
        { "events", NULL },
        { "events", "{}" },
        { "events", "{\"http://schemas.openid.net/event/backchannel-logout\":1}" },
        { "jti", NULL },
        { "iat", NULL },
        { "iat", "99999999999" },
        { "exp", "1" },
        { "sub", NULL },
    };

    REQUIRE(begin(TOLD));
    REQUIRE(login_whole(&provider, &browser, ""));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        good_claims();
        claims_set(&claims, wrong[i].claim, wrong[i].value);
        if (tells(HEADER) != 400)
            TEST_FAIL("%s = %s is taken", wrong[i].claim, wrong[i].value);
    }
    good_claims();
    CHECK_INT(tells("\"typ\":\"at+jwt\",\"kid\":\"p256\""), 400);
    CHECK_INT(tells("\"typ\":\"logout+jwt\",\"kid\":\"rsa\""), 400); /* another key's */
    good_claims();
    claims_set(&claims, "exp", NULL);
    host_pass(&provider.host, 7 * MINUTE); /* one without end is good for five minutes */
    CHECK_INT(tells(HEADER), 400);
    CHECK_INT(visits(&browser), 200);
    provider_stop(&provider);
}

TEST(a_form_that_cannot_be_right_is_refused)
{
    static char large[40 * 1024];

    REQUIRE(begin(TOLD));
    CHECK_INT(posts("", FORM_TYPE), 400);
    CHECK_INT(posts("logout_token=", FORM_TYPE), 400);
    CHECK_INT(posts("logout_token=a&logout_token=b", FORM_TYPE), 400);
    CHECK_INT(posts("logout_token=%zz", FORM_TYPE), 400);
    CHECK_INT(posts("logout_token=a.b.c", "Content-Type: text/plain"), 400);
    memset(large, 'a', sizeof large - 1);
    memcpy(large, "logout_token=", sizeof "logout_token=" - 1);
    CHECK_INT(posts(large, FORM_TYPE), 400);
    visit(&provider.host, &browser, &page, "GET", "/told", NULL);
    CHECK_INT(page.code, 405);
    provider_stop(&provider);
}

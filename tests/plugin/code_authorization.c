/* SPDX-License-Identifier: MIT */
/* The authorization request, and every redirect that must not end in a login. */
#include "authorization.h"
#include "str.h"
#include "test.h"

/* RFC 7636 appendix B */
TEST(the_challenge_is_the_one_of_the_standard)
{
    char challenge[AUTHORIZATION_TEXT_SIZE];

    pkce_challenge(STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), challenge);
    CHECK_STR(paa_str_of_n(challenge, sizeof challenge),
              "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static const struct authorization whole = {
    .form = { "scope=a%20b&resource=https%3A%2F%2Fx%2F", 39 },
    .redirect_uri = { "http://127.0.0.1:5000/callback", 30 },
    .state = { "S", 1 },
    .challenge = { "C", 1 },
    .nonce = { "N", 1 },
    .thumbprint = { "J", 1 },
    .login_hint = { "bob@example.com", 15 },
};

TEST(the_request_says_all_that_the_server_must_know_once)
{
    struct authorization bare = whole;
    struct buf form;

    buf_init(&form, 4096);
    authorization_form(&form, &whole);
    CHECK_STR(buf_str(&form),
              "response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcallback&state=S&"
              "code_challenge=C&code_challenge_method=S256&nonce=N&dpop_jkt=J&login_hint=bob%40"
              "example.com&scope=a%20b&resource=https%3A%2F%2Fx%2F");
    buf_clear(&form);
    bare.form = STR("");
    bare.nonce = bare.thumbprint = bare.login_hint = STR_NONE;
    authorization_form(&form, &bare);
    CHECK_STR(buf_str(&form),
              "response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcallback&state=S&"
              "code_challenge=C&code_challenge_method=S256");
    buf_free(&form);
}

TEST(a_hint_of_the_policys_gives_way_to_that_of_the_login)
{
    struct authorization authorization = whole;
    struct buf form;

    authorization.form = STR("login_hint=all%40x&scope=a&login_hint=b&my_login_hint=c");
    buf_init(&form, 4096);
    authorization_form(&form, &authorization);
    CHECK_HAS(form.data, "&login_hint=bob%40example.com&scope=a&my_login_hint=c");
    CHECK(strstr(form.data, "all%40x") == NULL);
    buf_clear(&form);
    authorization.login_hint = STR_NONE;
    authorization.form = STR("login_hint=all%40x&scope=a");
    authorization_form(&form, &authorization);
    CHECK_HAS(form.data, "&login_hint=all%40x&scope=a");
    buf_free(&form);
}

TEST(an_endpoint_keeps_the_query_it_has)
{
    struct buf url;

    buf_init(&url, 4096);
    authorization_url(&url, STR("https://id.example.com/auth"), STR("my client"), STR("a=b"));
    CHECK_STR(buf_str(&url), "https://id.example.com/auth?client_id=my%20client&a=b");
    buf_clear(&url);
    authorization_url(&url, STR("https://id.example.com/auth?p=x"), STR("me"), STR("a=b"));
    CHECK_STR(buf_str(&url), "https://id.example.com/auth?p=x&client_id=me&a=b");
    buf_free(&url);
}

TEST(a_browser_is_sent_to_https_and_to_literals_of_loopback_only)
{
    static const char *const good[] = { "https://id.example.com/auth", "http://127.0.0.1:80/auth",
                                        "http://[::1]:5000/auth", "http://127.0.0.1",
                                        "http://127.0.0.1?x" };
    static const char *const bad[] = { "http://id.example.com/auth",
                                       "http://localhost/auth",
                                       "http://127.0.0.1.example.com/",
                                       "http://127.0.0.10/",
                                       "file:///etc/passwd",
                                       "javascript:alert(1)",
                                       "http://[::1].example.com/",
                                       "--version",
                                       "" };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!authorization_url_valid(paa_str_of(good[i])))
            TEST_FAIL("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (authorization_url_valid(paa_str_of(bad[i])))
            TEST_FAIL("taken: %s", bad[i]);
}

/* ---- and back ----------------------------------------------------------------------------------- */

enum { FIELDS_MAX = 8 };

#define STATE                                                                                      \
    {                                                                                              \
        "state", "the-state-of-this-login"                                                         \
    }
#define CODE                                                                                       \
    {                                                                                              \
        "code", "SplxlOBeZQQYbYS6WxSbIA"                                                           \
    }
#define ISSUER                                                                                     \
    {                                                                                              \
        "iss", "https://id.example.com"                                                            \
    }
#define DENIED                                                                                     \
    {                                                                                              \
        "error", "access_denied"                                                                   \
    }

struct come {
    enum redirect_verdict verdict;
    bool names_issuer;
    const char *fields[FIELDS_MAX][2];
};

static const struct come comes[] = {
    { REDIRECT_CODE, false, { STATE, CODE } },
    { REDIRECT_CODE, true, { CODE, ISSUER, STATE } },
    { REDIRECT_CODE, false, { STATE, CODE, { "session_state", "x" } } },
    { REDIRECT_ERROR, false, { STATE, DENIED } },
    { REDIRECT_ERROR, true, { STATE, DENIED, ISSUER, { "error_description", "\x1b[31m" } } },
    /* CSRF, and codes of others */
    { REDIRECT_STATE, false, { CODE } },
    { REDIRECT_STATE, false, { CODE, { "state", "" } } },
    { REDIRECT_STATE, false, { CODE, { "state", "the-state-of-this-logiN" } } },
    { REDIRECT_STATE, false, { CODE, { "state", "the-state-of-this-login " } } },
    { REDIRECT_STATE, false, { CODE, { "State", "the-state-of-this-login" } } },
    { REDIRECT_STATE, false, { DENIED } },
    /* mix-up (RFC 9207 2.4) */
    { REDIRECT_ISSUER, true, { STATE, CODE } },
    { REDIRECT_ISSUER, false, { STATE, CODE, { "iss", "https://evil.example.com" } } },
    { REDIRECT_ISSUER, false, { STATE, CODE, { "iss", "https://id.example.com/" } } },
    { REDIRECT_ISSUER, false, { STATE, CODE, { "iss", "" } } },
    { REDIRECT_ISSUER, true, { STATE, DENIED } },
    /* doubled (RFC 6749 3.1) */
    { REDIRECT_DOUBLED, false, { STATE, CODE, CODE } },
    { REDIRECT_DOUBLED, false, { STATE, CODE, { "code", "another" } } },
    { REDIRECT_DOUBLED, false, { STATE, { "state", "x" }, CODE } },
    { REDIRECT_DOUBLED, true, { STATE, CODE, ISSUER, ISSUER } },
    { REDIRECT_DOUBLED, false, { STATE, CODE, { "x", "1" }, { "x", "2" } } },
    /* neither, both, or none of its kind */
    { REDIRECT_MALFORMED, false, { STATE } },
    { REDIRECT_MALFORMED, false, { STATE, { "code", "" } } },
    { REDIRECT_MALFORMED, false, { STATE, { "code", "a\nb" } } },
    { REDIRECT_MALFORMED, false, { STATE, CODE, DENIED } },
    { REDIRECT_MALFORMED, false, { STATE, { "error", "" } } },
    { REDIRECT_MALFORMED, false, { STATE, { "error", "a\x7f" } } },
};

static enum redirect_verdict verdict_of(const struct come *come, struct redirect *ret_redirect)
{
    struct redirect_rules rules = { STR("the-state-of-this-login"), STR("https://id.example.com"),
                                    come->names_issuer };
    struct paa_field fields[FIELDS_MAX];
    size_t count = 0;

    for (; count < FIELDS_MAX && come->fields[count][0] != NULL; count++)
        fields[count] = paa_field_of(come->fields[count][0], come->fields[count][1]);
    return redirect_judge(fields, count, &rules, ret_redirect);
}

TEST(each_redirect_is_judged_by_state_issuer_and_form)
{
    struct redirect redirect;

    for (size_t i = 0; i < sizeof comes / sizeof comes[0]; i++) {
        enum redirect_verdict verdict = verdict_of(&comes[i], &redirect);

        if (verdict != comes[i].verdict)
            TEST_FAIL("redirect %zu %s", i, redirect_sentence(verdict));
        if (verdict == REDIRECT_CODE)
            CHECK_STR(redirect.code, "SplxlOBeZQQYbYS6WxSbIA");
        if (verdict == REDIRECT_ERROR)
            CHECK_STR(redirect.error, "access_denied");
    }
}

TEST(without_a_state_of_ones_own_nothing_is_an_answer)
{
    struct redirect_rules rules = { STR(""), STR_NONE, false };
    const struct paa_field fields[] = { paa_field_of("state", ""), paa_field_of("code", "x") };
    struct redirect redirect;

    CHECK_INT(redirect_judge(fields, 2, &rules, &redirect), REDIRECT_STATE);
}

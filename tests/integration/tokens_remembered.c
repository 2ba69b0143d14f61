/* SPDX-License-Identifier: MIT */
/* JWT access tokens whose signature was found good before, through the engine: what is judged again each time, and what
 * takes them out of memory. */
#include "test.h"
#include "tokens.h"

#include <sched.h>

/* ---- judged again each time ---------------------------------------------------------------------- */

TEST(a_remembered_token_ends_when_it_says)
{
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    sign_good(token);
    CHECK_TOKEN(&host, token, 200, "good");
    CHECK_TOKEN(&host, token, 200, "good");
    host_pass(&host, 659 * 1000);
    CHECK_TOKEN(&host, token, 200, "good");
    host_pass(&host, 1000);
    CHECK_TOKEN(&host, token, 401, "expired");
    host_close(&host);
}

/* Its signature stays good; what its claims mean is a matter of the hour. */
TEST(a_remembered_token_is_refused_once_the_clock_is_put_back_before_its_beginning)
{
    static const struct {
        const char *claim;
        const char *reason;
    } rows[] = { { "nbf", "not-yet-valid" }, { "iat", "issued-later" } };
    enum { LATER_S = 30, LEEWAY_S = 60 };
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        claims_init(&claims);
        claims_set_int(&claims, "iat", HOST_TIME_S - 1000);
        claims_set_int(&claims, rows[i].claim, HOST_TIME_S + LATER_S);
        token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
        CHECK_TOKEN(&host, token, 200, "good");
        atomic_store(&host.wrong_ns, -(LEEWAY_S - LATER_S) * 1000 * MS_NS);
        CHECK_TOKEN(&host, token, 200, "good");
        atomic_store(&host.wrong_ns, -(LEEWAY_S - LATER_S + 1) * 1000 * MS_NS);
        CHECK_TOKEN(&host, token, 401, rows[i].reason);
        atomic_store(&host.wrong_ns, 0);
        CHECK_TOKEN(&host, token, 200, "good");
    }
    host_close(&host);
}

/* A rule that requires that, and a comma. */
#define RULE(path, require)                                                                        \
    "{ path = \"" path "\"; chain = ( { required = \"tokens\" } ); require = { " require " }; }, "
#define RULES(some)                                                                                \
    POLICY("tokens = { plugin = \"oauth2-cc\"; " JWKS_OPTIONS " };\n",                             \
           API("rules = ( " some "{ path = \"/**\"; chain = ( { required = \"tokens\" } ); } );"))

static unsigned code_at(struct host *host, const char *path, const char *token)
{
    static char line[TOKEN_FIELD_MAX + 32];

    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    return code_of(host, "GET", path, line, NULL);
}

#define READ   RULE("/read", "scope = [ \"orders:read\" ];")
#define DELETE RULE("/delete", "scope = [ \"orders:delete\" ];")
#define BOTH   RULE("/both", "scope = [ \"orders:read\", \"orders:delete\" ];")
#define ROBOT  RULE("/robot", "client_id = [ \"robot\" ];")
#define OTHER  RULE("/other", "client_id = [ \"other\" ];")

TEST(a_remembered_token_opens_what_it_suffices_for_and_nothing_else)
{
    static const struct {
        const char *path;
        unsigned code;
    } rows[] = {
        { "/read", 200 },  { "/delete", 403 }, { "/both", 403 },
        { "/robot", 200 }, { "/other", 403 },  { "/read", 200 },
    };
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, RULES(READ DELETE BOTH ROBOT OTHER)));
    sign_good(token);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned code = code_at(&host, rows[i].path, token);

        if (code != rows[i].code)
            TEST_FAIL("%s: %u, not %u", rows[i].path, code, rows[i].code);
    }
    host_close(&host);
}

#define NEW RULE("/new", "max_age = \"5m\";")
#define OLD RULE("/old", "max_age = \"1h\";")

TEST(a_remembered_login_grows_too_old_for_what_wants_a_new_one)
{
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, RULES(NEW OLD)));
    claims_init(&claims);
    claims_set_int(&claims, "auth_time", HOST_TIME_S - 200);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
    CHECK_INT(code_at(&host, "/new", token), 200);
    CHECK_INT(code_at(&host, "/new", token), 200);
    host_pass(&host, 200 * 1000);
    CHECK_INT(code_at(&host, "/new", token), 401);
    CHECK_INT(code_at(&host, "/old", token), 200);
    host_close(&host);
}

/* ---- what takes it out of memory ----------------------------------------------------------------- */

/* A file is looked at again when the system says that it changed, so this one is waited for, by asking. */
static unsigned code_once_withdrawn(struct host *host, const char *token)
{
    unsigned code = 200;
    char reason[64];

    atomic_store(&host->is_live, true);
    while (code == 200) {
        sched_yield();
        code = token_code(host, "Bearer", token, NULL, reason);
    }
    CHECK_STR(paa_str_of(reason), "unknown-key");
    return code;
}

TEST(a_key_that_is_withdrawn_takes_what_was_remembered_with_it)
{
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX], other[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    sign_good(token);
    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, other);
    CHECK_TOKEN(&host, token, 200, "good");
    CHECK_TOKEN(&host, other, 200, "good");
    REQUIRE(tokens_write(&host, TOKEN_SET, tokens_set("p256")));
    CHECK_INT(code_once_withdrawn(&host, token), 401);
    CHECK_TOKEN(&host, other, 200, "good");
    host_close(&host);
}

/* What a signature was good under is the policy's too. */
TEST(a_reload_takes_what_was_remembered_with_it)
{
    static const char *const policies[][2] = {
        { TOKENS("issuer = \"" TOKEN_ISSUER
                 "\"; audience = \"other.example\"; jwks_file = \"" TOKEN_SET "\";"),
          "audience" },
        { TOKENS(JWKS_OPTIONS "algorithms = \"EdDSA\";"), "algorithm" },
        { TOKENS("issuer = \"https://other.example\"; audience = \"" TOKEN_AUDIENCE
                 "\"; jwks_file = \"" TOKEN_SET "\";"),
          "issuer" },
    };
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    sign_good(token);
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        CHECK_TOKEN(&host, token, 200, "good");
        CHECK_TOKEN(&host, token, 200, "good");
        CHECK(host_write(&host, policies[i][0]));
        CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
        CHECK_TOKEN(&host, token, 401, policies[i][1]);
        CHECK(host_write(&host, TOKENS(JWKS_OPTIONS)));
        CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    }
    host_close(&host);
}

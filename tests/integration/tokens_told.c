/* SPDX-License-Identifier: MIT */
/* What tokens tell of who stands behind them, and what the service tells of the tokens that it takes. */
#include "test.h"
#include "tokens.h"

/* ---- whose ---------------------------------------------------------------------------------------- */

TEST(a_policy_may_demand_a_person_or_a_machine)
{
    static const struct {
        const char *name, *value;
        unsigned machine, user;
    } rows[] = {
        { "sub", "\"robot\"", 200, 401 },
        { "sub", "\"alice\"", 401, 200 },
        { "gty", "\"client-credentials\"", 200, 401 },
        { "idtyp", "\"app\"", 200, 401 },
        { "auth_time", "1767200000", 401, 401 }, /* and yet the subject is the client */
    };
    static const char *const policies[] = { TOKENS(JWKS_OPTIONS "kind = \"machine\";"),
                                            TOKENS(JWKS_OPTIONS "kind = \"user\";") };
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX], reason[64];

    for (size_t k = 0; k < 2; k++) {
        REQUIRE(tokens_open(&host, policies[k]));
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            claims_init(&claims);
            claims_set(&claims, rows[i].name, rows[i].value);
            token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
            CHECK_INT(token_code(&host, "Bearer", token, NULL, reason),
                      k == 0 ? rows[i].machine : rows[i].user);
        }
        host_close(&host);
    }
}

/* Keycloak's machines are called "service-account-" and the client; whoever chooses his own name may call himself so. */
TEST(a_person_does_not_become_a_machine_by_a_name)
{
    static const struct {
        const char *azp, *name, *sid;
        unsigned code;
    } rows[] = {
        { "\"webapp\"", "\"service-account-webapp\"", NULL, 200 },
        { "\"webapp\"", "\"service-account-alice\"", NULL, 401 },
        { "\"webapp\"", "\"service-account-webapp2\"", NULL, 401 },
        { "\"webapp\"", "\"service-account-\"", NULL, 401 },
        { NULL, "\"service-account-webapp\"", NULL, 401 },
        { "\"webapp\"", "\"service-account-webapp\"", "\"a-browser\"", 401 },
    };
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX], reason[64];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS "profile = \"legacy\"; kind = \"machine\";")));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        claims_init(&claims);
        claims_set(&claims, "sub", "\"7a1f0c3e\"");
        claims_set(&claims, "client_id", NULL);
        claims_set(&claims, "azp", rows[i].azp);
        claims_set(&claims, "sid", rows[i].sid);
        claims_set(&claims, "preferred_username", rows[i].name);
        token_sign(&claims, "\"typ\":\"JWT\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
        CHECK_INT(token_code(&host, "Bearer", token, NULL, reason), rows[i].code);
    }
    host_close(&host);
}

TEST(without_a_clock_nobody_is_let_in)
{
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS "profile = \"legacy\";")));
    claims_init(&claims);
    claims_set(&claims, "iat", NULL);
    claims_set_int(&claims, "exp", HOST_TIME_S - 7 * 86400);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
    CHECK_TOKEN(&host, token, 401, "expired");
    atomic_store(&host.has_no_clock, true);
    CHECK_TOKEN(&host, token, 503, "clock");
    atomic_store(&host.has_no_clock, false);
    CHECK_TOKEN(&host, token, 401, "expired");
    host_close(&host);
}

/* ---- the metadata of the service ------------------------------------------------------------------ */

TEST(the_metadata_of_the_service_says_what_is_taken)
{
    static const char *const parts[] = {
        "\"authorization_servers\":[\"" TOKEN_ISSUER "\"]",
        "\"bearer_methods_supported\":[\"header\"]",
        "\"dpop_signing_alg_values_supported\":[\"RS256\",",
        "\"Ed25519\",\"EdDSA\"]",
        "\"dpop_bound_access_tokens_required\":true",
        "\"tls_client_certificate_bound_access_tokens\":true",
    };
    struct host host;
    struct paa_txn *txn;
    struct paa_bytes content;
    enum paa_state state;

    REQUIRE(tokens_open(
        &host, POLICY("tokens = { plugin = \"oauth2-cc\"; " JWKS_OPTIONS
                      "dpop = \"required\"; certificate_bound = true; };\n",
                      API("metadata = true; rules = ( { path = \"/**\"; chain = ( { required = "
                          "\"tokens\" } ); } );"))));
    txn = txn_of(&host, &state, "GET", "/.well-known/oauth-protected-resource", NULL);
    CHECK_INT(txn_code(state, txn), 200);
    content = paa_txn_answer(txn)->content;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (content.data == NULL ||
            memmem(content.data, content.size, parts[i], strlen(parts[i])) == NULL)
            TEST_FAIL("%s is not in %.*s", parts[i], (int)content.size, (const char *)content.data);
    paa_txn_end(&txn);
    txn = txn_of(&host, &state, "GET", "/", NULL);
    CHECK(memmem(edit_value(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate").data,
                 edit_value(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate").size,
                 "resource_metadata=\"https://api.example.com/.well-known/", 53) != NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

/* Who is a customer is nobody's business. */
TEST(the_metadata_of_the_service_names_no_tenant)
{
    static const char *const issuers[] = {
        "issuer_template = \"https://id.example.com/{tenant}\"; tenants = [ \"acme\", \"umbrella\" "
        "]; "
        "audience = \"" TOKEN_AUDIENCE "\";",
        "issuers = ( { issuer_template = \"https://id.example.com/{tenant}\"; tenants = [ \"acme\" "
        "]; "
        "audience = \"" TOKEN_AUDIENCE
        "\"; }, { issuer = \"https://own.example.com\"; audience = \"" TOKEN_AUDIENCE "\"; } );",
    };
    static const char *const told[] = { NULL,
                                        "\"authorization_servers\":[\"https://own.example.com\"]" };

    for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
        char policy[4096];
        struct host host;
        struct paa_bytes content;
        struct paa_txn *txn;
        enum paa_state state;

        (void)snprintf(
            policy, sizeof policy,
            POLICY("tokens = { plugin = \"oauth2-cc\"; %s };\n",
                   API("metadata = true; rules = ( { path = \"/**\"; chain = ( { required = "
                       "\"tokens\" } ); } );")),
            issuers[i]);
        REQUIRE(tokens_open(&host, policy));
        txn = txn_of(&host, &state, "GET", "/.well-known/oauth-protected-resource", NULL);
        CHECK_INT(txn_code(state, txn), 200);
        content = paa_txn_answer(txn)->content;
        CHECK(memmem(content.data, content.size, "acme", 4) == NULL);
        if (told[i] != NULL)
            CHECK(memmem(content.data, content.size, told[i], strlen(told[i])) != NULL);
        else
            CHECK(memmem(content.data, content.size, "authorization_servers", 21) == NULL);
        paa_txn_end(&txn);
        host_close(&host);
    }
}

/* SPDX-License-Identifier: MIT */
/* JWT access tokens through the engine, under keys of a file: which are taken, which are refused and why, what the
 * principal says, what the challenge says. What is remembered: tokens_remembered.c. */
#include "test.h"
#include "tokens.h"

TEST(three_lines_protect_a_service)
{
    struct host host;
    struct paa_txn *txn;
    enum paa_state state;
    const struct paa_principal *who;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    sign_good(token);
    txn = token_ask(&host, "Bearer", token, NULL, &state);
    CHECK_INT(state, PAA_TXN_ALLOW);
    who = paa_txn_principal(txn, 0);
    REQUIRE(who != NULL);
    CHECK_STR(who->subject, "robot");
    CHECK_STR(who->client_id, "robot");
    CHECK_STR(who->issuer, TOKEN_ISSUER);
    CHECK_STR(who->scope, "orders:read orders:write");
    CHECK_STR(who->methods, "jwt");
    CHECK_INT(who->expires_at_s, HOST_TIME_S + 600);
    CHECK_INT(who->flags, PAA_PRINCIPAL_MACHINE);
    CHECK(who->cnf.data == NULL);
    CHECK(memmem(who->claims.data, who->claims.size, "\"jti\":\"id-1\"", 12) != NULL);
    CHECK(has_edit(txn, PAA_MESSAGE_REQUEST, PAA_EDIT_REMOVE, "Authorization"));
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(each_algorithm_of_public_keys_is_taken)
{
    static const struct {
        enum jose_alg alg;
        const char *header;
    } rows[] = {
        { ALG_RS256, "\"typ\":\"at+jwt\",\"kid\":\"rsa\"" },
        { ALG_RS512, "\"typ\":\"at+jwt\",\"kid\":\"rsa\"" },
        { ALG_PS256, "\"typ\":\"at+jwt\",\"kid\":\"rsa\"" },
        { ALG_ES256, "\"typ\":\"application/at+jwt\"" },
        { ALG_ED25519, "\"typ\":\"at+jwt\",\"kid\":\"ed\"" },
    };
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    claims_init(&claims);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        token_sign(&claims, rows[i].header, rows[i].alg, NULL, token);
        CHECK_TOKEN(&host, token, 200, "good");
        CHECK_TOKEN(&host, token, 200, "good");
    }
    host_close(&host);
}

/* ---- what is refused ----------------------------------------------------------------------------- */

TEST(a_claim_that_is_wrong_is_refused_with_its_reason)
{
    static const struct {
        const char *name;
        const char *value; /* NULL: left out */
        const char *reason;
    } rows[] = {
        { "iss", "\"https://id.example.com/\"", "issuer" },
        { "iss", NULL, "claim-missing" },
        { "aud", "\"https://api.example.co\"", "audience" },
        { "aud", NULL, "claim-missing" },
        { "aud", "[]", "claim-missing" },
        { "sub", NULL, "claim-missing" },
        { "client_id", NULL, "claim-missing" },
        { "jti", NULL, "claim-missing" },
        { "exp", "1767225539", "expired" },
        { "exp", "-1e300", "expired" },
        { "exp", "\"1767299999\"", "claim-type" },
        { "nbf", "1767225700", "not-yet-valid" },
        { "iat", "1767229200", "issued-later" },
        { "cnf", "{}", "binding" },
        { "cnf", "{\"kid\":\"x\"}", "binding" },
        { "cnf", "{\"jkt\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}", "binding" },
        { "cnf", "{\"x5t#S256\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}", "certificate" },
        { "cnf", "{\"jkt\":\"short\"}", "claim-type" },
        { "events", "{}", "token-kind" },
    };
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        claims_init(&claims);
        claims_set(&claims, rows[i].name, rows[i].value);
        token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
        CHECK_TOKEN(&host, token, 401, rows[i].reason);
    }
    host_close(&host);
}

TEST(a_header_that_is_wrong_is_refused_with_its_reason)
{
    static const struct {
        const char *header;
        const char *reason;
    } rows[] = {
        { "\"typ\":\"JWT\",\"kid\":\"p256\"", "typ" },
        { "\"kid\":\"p256\"", "typ" },
        { "\"typ\":\"at+jwt\",\"kid\":\"gone\"", "unknown-key" },
        { "\"typ\":\"at+jwt\",\"kid\":\"rsa\"", "unknown-key" },
        { "\"typ\":\"at+jwt\",\"kid\":\"p256\",\"crit\":[\"x\"]", "critical" },
        { "\"typ\":\"at+jwt\",\"kid\":\"p256\",\"jwk\":{}", "embedded-key" },
        { "\"typ\":\"at+jwt\",\"kid\":\"p256\",\"jku\":\"https://evil.example\"", "embedded-key" },
        { "\"typ\":\"at+jwt\",\"kid\":\"p256\",\"kid\":\"p256\"", "json" },
    };
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    claims_init(&claims);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        token_sign(&claims, rows[i].header, ALG_ES256, NULL, token);
        CHECK_TOKEN(&host, token, 401, rows[i].reason);
    }
    host_close(&host);
}

TEST(a_signature_of_another_key_is_refused)
{
    struct token_claims claims;
    struct host host;
    EVP_PKEY *other = EVP_EC_gen("P-256");
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(other != NULL && tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, other, token);
    CHECK_TOKEN(&host, token, 401, "signature");
    token_sign(&claims, "\"typ\":\"at+jwt\"", ALG_ES256, other, token);
    CHECK_TOKEN(&host, token, 401, "signature");
    EVP_PKEY_free(other);
    host_close(&host);
}

TEST(absence_is_told_by_form_alone)
{
    struct host host;
    char reason[64], line[64];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    CHECK_INT(code_of(&host, "GET", "/", NULL), 401);
    CHECK_INT(code_of(&host, "GET", "/", "Authorization: Basic eDp5", NULL), 401);
    CHECK_INT(code_of(&host, "GET", "/", "Authorization: DPoP abc", NULL), 401);
    CHECK_INT(token_code(&host, "Bearer", "", NULL, reason), 400);
    CHECK_STR(paa_str_of(reason), "invalid_request");
    CHECK_INT(token_code(&host, "Bearer", "a b", NULL, reason), 400);
    CHECK_INT(token_code(&host, "bearer", "no-jwt-at-all", NULL, reason), 401);
    CHECK_STR(paa_str_of(reason), "no-jwt");
    (void)snprintf(line, sizeof line, "Authorization: Bearer x");
    CHECK_INT(code_of(&host, "GET", "/", line, line, NULL), 400);
    CHECK_INT(code_of(&host, "GET", "/?access_token=x", line, NULL), 400);
    CHECK_INT(code_of(&host, "GET", "/?access_token=x", NULL), 401);
    host_close(&host);
}

/* ---- what is said --------------------------------------------------------------------------------- */

static void challenge_is(struct host *host, const char *line, const char *expected)
{
    enum paa_state state;
    struct paa_txn *txn = txn_of(host, &state, "GET", "/", line, NULL);

    CHECK_INT(state, PAA_TXN_ANSWER);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate"), expected);
    paa_txn_end(&txn);
}

TEST(the_challenge_names_an_error_only_after_a_refusal)
{
    struct host host;

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS)));
    challenge_is(&host, NULL, "Bearer realm=\"api\"");
    challenge_is(&host, "Authorization: Bearer a.b.c",
                 "Bearer realm=\"api\", error=\"invalid_token\"");
    host_close(&host);
}

TEST(a_scope_that_is_missing_is_named)
{
    struct host host;
    struct paa_txn *txn;
    enum paa_state state;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(
        tokens_open(&host,
                    POLICY("tokens = { plugin = \"oauth2-cc\"; " JWKS_OPTIONS " };\n",
                           API("rules = ( { path = \"/**\"; chain = ( { required = \"tokens\" } ); "
                               "require = { scope = [ \"orders:delete\" ]; }; } );"))));
    sign_good(token);
    txn = token_ask(&host, "Bearer", token, NULL, &state);
    CHECK_INT(txn_code(state, txn), 403);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate"),
              "Bearer realm=\"api\", error=\"insufficient_scope\", scope=\"orders:delete\"");
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- options --------------------------------------------------------------------------------------- */

TEST(a_secret_verifies_hs_and_nothing_else)
{
    unsigned char bytes[64];
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX], secret[HOST_PATH_MAX + 4];
    size_t size = signer_secret_bytes(bytes);

    REQUIRE(host_init(&host));
    for (size_t i = 0; i < size; i++) /* a file of bytes: no newline at its end, no NUL in it */
        REQUIRE(bytes[i] != 0);
    (void)snprintf(secret, sizeof secret, "%s/s", host.folder);
    {
        FILE *file = fopen(secret, "w");

        REQUIRE(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
        REQUIRE(chmod(secret, 0600) == 0);
    }
    REQUIRE(host_write(&host, TOKENS("issuer = \"" TOKEN_ISSUER "\"; audience = \"" TOKEN_AUDIENCE
                                     "\"; secret = \"file:s\";")));
    {
        struct paa_context_options options;

        host_options(&host, &options);
        REQUIRE(host_open_with(&host, &options));
    }
    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"any\"", ALG_HS256, NULL, token);
    CHECK_TOKEN(&host, token, 200, "good");
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
    CHECK_TOKEN(&host, token, 401, "algorithm");
    host_close(&host);
}

TEST(several_issuers_and_tenants_share_an_instance_and_no_keys)
{
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(
        &host,
        TOKENS("issuers = ( { " JWKS_OPTIONS " }, { issuer_template = "
               "\"https://login.example.com/{tenant}/v2.0\"; tenants = [ \"acme\", \"umbrella\" ]; "
               "audience = \"orders\"; jwks_file = \"jwks\"; algorithms = \"EdDSA\"; } );")));
    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
    CHECK_TOKEN(&host, token, 200, "good");
    claims_set(&claims, "iss", "\"https://login.example.com/acme/v2.0\"");
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
    CHECK_TOKEN(&host, token, 401, "audience");
    claims_set(&claims, "aud", "\"orders\"");
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"p256\"", ALG_ES256, NULL, token);
    CHECK_TOKEN(&host, token, 401, "algorithm");
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
    CHECK_TOKEN(&host, token, 200, "good");
    claims_set(&claims, "iss", "\"https://login.example.com/evil/v2.0\"");
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
    CHECK_TOKEN(&host, token, 401, "issuer");
    host_close(&host);
}

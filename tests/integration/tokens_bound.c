/* SPDX-License-Identifier: MIT */
/* Tokens that are bound to a key: DPoP proofs (RFC 9449) and client certificates (RFC 8705), through the engine. */
#include "test.h"
#include "tokens_proof.h"
#include "unit/key_made.h"

#define WITH_DPOP  TOKENS(JWKS_OPTIONS "dpop = \"optional\";")
#define MUST_DPOP  TOKENS(JWKS_OPTIONS "dpop = \"required\";")
#define WITH_NONCE TOKENS(JWKS_OPTIONS "dpop = \"required\"; dpop_nonce = true;")

/* ---- proofs -------------------------------------------------------------------------------------- */

TEST(a_proof_is_good_once)
{
    struct token_claims claims;
    struct host host;
    struct paa_txn *txn;
    enum paa_state state;

    REQUIRE(tokens_open(&host, WITH_DPOP));
    client_init(NULL);
    proof_init(&claims);
    txn = token_ask(&host, "DPoP", client.token, proof_with(&claims, NULL, client.key), &state);
    REQUIRE(state == PAA_TXN_ALLOW);
    CHECK_STR(paa_txn_principal(txn, 0)->methods, "jwt dpop");
    CHECK(memmem(paa_txn_principal(txn, 0)->cnf.data, paa_txn_principal(txn, 0)->cnf.size,
                 client.jkt, 43) != NULL);
    CHECK(has_edit(txn, PAA_MESSAGE_REQUEST, PAA_EDIT_REMOVE, "DPoP"));
    paa_txn_end(&txn);
    shown_as(&host, "DPoP", proof_with(&claims, NULL, client.key), 401, "invalid_dpop_proof");
    claims_set(&claims, "jti", "\"proof-2\"");
    shown_as(&host, "DPoP", proof_with(&claims, NULL, client.key), 200, "good");
    client_done();
    host_close(&host);
}

TEST(a_bound_token_is_worth_nothing_without_its_proof)
{
    struct token_claims claims;
    struct host host;

    REQUIRE(tokens_open(&host, WITH_DPOP));
    client_init(NULL);
    proof_init(&claims);
    shown_as(&host, "Bearer", NULL, 401, "binding");
    shown_as(&host, "Bearer", proof_with(&claims, NULL, client.key), 401, "binding");
    shown_as(&host, "DPoP", NULL, 401, "invalid_dpop_proof");
    client_done();
    client_init("{\"x5t#S256\":\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"}");
    shown_as(&host, "DPoP", proof_with(&claims, NULL, client.key), 401, "binding");
    client_done();
    host_close(&host);
}

TEST(a_proof_that_is_wrong_is_refused)
{
    static const struct {
        const char *name;
        const char *value;
    } rows[] = {
        { "htm", "\"POST\"" },
        { "htm", "\"get\"" },
        { "htm", NULL },
        { "htu", "\"https://api.example.com/order\"" },
        { "htu", "\"http://api.example.com/orders\"" },
        { "htu", "\"https://api.example.com:8443/orders\"" },
        { "htu", "\"https://evil.example.com/orders\"" },
        { "htu", "\"/orders\"" },
        { "htu", "\"https://api.example.com/a/../orders\"" },
        { "htu", NULL },
        { "iat", "1767225479" },
        { "iat", "1767225661" },
        { "iat", NULL },
        { "jti", NULL },
        { "jti", "\"\"" },
        { "ath", NULL },
        { "ath", "\"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\"" },
    };
    struct token_claims claims;
    struct host host;

    REQUIRE(tokens_open(&host, MUST_DPOP));
    client_init(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        proof_init(&claims);
        claims_set(&claims, rows[i].name, rows[i].value);
        shown_as(&host, "DPoP", proof_with(&claims, NULL, client.key), 401, "invalid_dpop_proof");
    }
    proof_init(&claims);
    shown_as(&host, "DPoP", proof_with(&claims, NULL, client.key), 200, "good");
    client_done();
    host_close(&host);
}

TEST(what_proofs_may_write_otherwise_is_taken)
{
    static const char *const uris[] = { "\"HTTPS://API.example.com:443/orders\"",
                                        "\"https://api.example.com/%6Frders\"",
                                        "\"https://api.example.com/orders?y=2#z\"" };
    struct token_claims claims;
    struct host host;
    char jti[32];

    REQUIRE(tokens_open(&host, MUST_DPOP));
    client_init(NULL);
    for (size_t i = 0; i < sizeof uris / sizeof uris[0]; i++) {
        proof_init(&claims);
        (void)snprintf(jti, sizeof jti, "\"j%zu\"", i);
        claims_set(&claims, "jti", jti);
        claims_set(&claims, "htu", uris[i]);
        shown_as(&host, "DPoP", proof_with(&claims, NULL, client.key), 200, "good");
    }
    client_done();
    host_close(&host);
}

TEST(a_proofs_header_is_judged)
{
    char headers[6][1200];
    struct token_claims claims;
    struct host host;
    EVP_PKEY *other = EVP_EC_gen("P-256");

    REQUIRE(tokens_open(&host, MUST_DPOP));
    client_init(NULL);
    proof_init(&claims);
    (void)snprintf(headers[0], sizeof headers[0], "\"typ\":\"jwt\",\"jwk\":{%s}", client.jwk);
    (void)snprintf(headers[1], sizeof headers[1], "\"typ\":\"dpop+jwt\"");
    (void)snprintf(headers[2], sizeof headers[2], "\"typ\":\"dpop+jwt\",\"jwk\":{%s,\"d\":\"AQ\"}",
                   client.jwk);
    (void)snprintf(headers[3], sizeof headers[3], "\"typ\":\"dpop+jwt\",\"jwk\":{%s}", signer_rsa);
    (void)snprintf(headers[4], sizeof headers[4], "\"typ\":\"dpop+jwt\",\"jwk\":{%s}",
                   signer_ed25519);
    (void)snprintf(headers[5], sizeof headers[5],
                   "\"typ\":\"dpop+jwt\",\"jwk\":{%s},\"crit\":[\"a\"]", client.jwk);
    for (size_t i = 0; i < 6; i++)
        shown_as(&host, "DPoP", proof_with(&claims, headers[i], client.key), 401,
                 "invalid_dpop_proof");
    shown_as(&host, "DPoP", proof_with(&claims, NULL, other), 401, "invalid_dpop_proof");
    shown_as(&host, "DPoP", "DPoP: a.b.c", 401, "invalid_dpop_proof");
    shown_as(&host, "DPoP", "DPoP: ", 401, "invalid_dpop_proof");
    EVP_PKEY_free(other);
    client_done();
    host_close(&host);
}

TEST(two_proofs_are_refused_as_unreadable)
{
    struct token_claims claims;
    struct host host;
    char line[TOKEN_FIELD_MAX], authorization[TOKEN_FIELD_MAX + 32];

    REQUIRE(tokens_open(&host, MUST_DPOP));
    client_init(NULL);
    proof_init(&claims);
    (void)snprintf(line, sizeof line, "%s", proof_with(&claims, NULL, client.key));
    (void)snprintf(authorization, sizeof authorization, "Authorization: DPoP %s", client.token);
    CHECK_INT(code_of(&host, "GET", "/orders", authorization, line, line, NULL), 400);
    client_done();
    host_close(&host);
}

/* Host is the client's own word, unless the policy says what it may be: a server that was shown a token and a proof could show
 * both on, and name itself. */
TEST(a_proof_is_good_nowhere_if_the_policy_names_no_origin)
{
    static const char policy[] = POLICY(
        "tokens = { plugin = \"oauth2-cc\"; " JWKS_OPTIONS " dpop = \"optional\"; };\n",
        "api = { direction = \"incoming\"; rules = ( { path = \"/**\"; chain = ( { required = "
        "\"tokens\" } ); } ); };\n");
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, policy));
    client_init(NULL);
    proof_init(&claims);
    shown_as(&host, "DPoP", proof_with(&claims, NULL, client.key), 401, "origins");
    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
    CHECK_TOKEN(&host, token, 200, "good");
    client_done();
    host_close(&host);
}

TEST(plain_tokens_are_taken_where_proofs_are_optional_and_not_where_they_are_required)
{
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
    REQUIRE(tokens_open(&host, WITH_DPOP));
    CHECK_TOKEN(&host, token, 200, "good");
    host_close(&host);
    REQUIRE(tokens_open(&host, MUST_DPOP));
    CHECK_TOKEN(&host, token, 401, "unbound");
    host_close(&host);
}

/* ---- nonces -------------------------------------------------------------------------------------- */

/* The DPoP-Nonce of the response, quoted; "" without. */
static unsigned nonce_of(struct host *host, const struct token_claims *claims, char nonce[64],
                         char challenge[512])
{
    enum paa_state state;
    struct paa_txn *txn =
        token_ask(host, "DPoP", client.token, proof_with(claims, NULL, client.key), &state);
    struct paa_str value = edit_value(txn, PAA_MESSAGE_RESPONSE, "DPoP-Nonce");
    struct paa_str offered = edit_value(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate");
    unsigned code = txn_code(state, txn);

    (void)snprintf(nonce, 64, value.size > 0 ? "\"%.*s\"" : "%.*s", (int)value.size,
                   value.data != NULL ? value.data : "");
    (void)snprintf(challenge, 512, "%.*s", (int)offered.size,
                   offered.data != NULL ? offered.data : "");
    paa_txn_end(&txn);
    return code;
}

TEST(a_nonce_is_demanded_given_and_goes_stale)
{
    struct token_claims claims;
    struct host host;
    char nonce[64], other[64], challenge[512];

    REQUIRE(tokens_open(&host, WITH_NONCE));
    client_init(NULL);
    proof_init(&claims);
    CHECK_INT(nonce_of(&host, &claims, nonce, challenge), 401);
    CHECK(strstr(challenge, "DPoP ") == challenge);
    CHECK(strstr(challenge, "error=\"use_dpop_nonce\"") != NULL);
    CHECK(strstr(challenge, "algs=\"RS256 ") != NULL);
    CHECK_INT(strlen(nonce), 34);
    claims_set(&claims, "nonce", nonce);
    CHECK_INT(nonce_of(&host, &claims, other, challenge), 200);
    CHECK_STR(paa_str_of(other), "");
    /* in its second slot it still counts, and the next one comes with the answer */
    host_pass(&host, 150 * 1000);
    claims_set(&claims, "jti", "\"proof-2\"");
    claims_set_int(&claims, "iat", HOST_TIME_S + 150);
    CHECK_INT(nonce_of(&host, &claims, other, challenge), 200);
    CHECK(strcmp(other, nonce) != 0 && strlen(other) == 34);
    host_pass(&host, 150 * 1000);
    claims_set(&claims, "jti", "\"proof-3\"");
    claims_set_int(&claims, "iat", HOST_TIME_S + 300);
    CHECK_INT(nonce_of(&host, &claims, other, challenge), 401);
    CHECK(strstr(challenge, "error=\"use_dpop_nonce\"") != NULL);
    nonce[5] = nonce[5] == 'A' ? 'B' : 'A';
    claims_set(&claims, "nonce", nonce);
    CHECK_INT(nonce_of(&host, &claims, other, challenge), 401);
    client_done();
    host_close(&host);
}

static bool open_sharing(struct host *host, const char *folder, const char *keys)
{
    static char policy[4096];

    (void)snprintf(policy, sizeof policy,
                   TOKENS(JWKS_OPTIONS "dpop = \"required\"; dpop_nonce = true; %s"), keys);
    for (char *at = policy; (at = strstr(at, "FOLDER")) != NULL;) { /* where both have their keys */
        char rest[sizeof policy];

        (void)snprintf(rest, sizeof rest, "%s%s", folder, at + strlen("FOLDER"));
        (void)snprintf(at, sizeof policy - (size_t)(at - policy), "%s", rest);
    }
    return tokens_open(host, policy);
}

TEST(servers_that_share_a_key_take_each_others_nonces)
{
    static const struct {
        const char *keys;
        unsigned code;
    } rows[] = {
        { "dpop_nonce_key = \"file:FOLDER/one.key\";", 200 },
        { "dpop_nonce_key = [ \"file:FOLDER/two.key\", \"file:FOLDER/one.key\" ];", 200 },
        { "dpop_nonce_key = \"file:FOLDER/two.key\";", 401 },
    };
    struct token_claims claims;
    static struct host first, other;
    char nonce[64], next[64], challenge[512];

    REQUIRE(host_init(&other));
    (void)umask(077);
    REQUIRE(tokens_write(&other, "one.key", "one key that all of them have alike, or not") &&
            tokens_write(&other, "two.key", "another key that they may have beside it"));
    REQUIRE(open_sharing(&first, other.folder, rows[0].keys));
    client_init(NULL);
    proof_init(&claims);
    CHECK_INT(nonce_of(&first, &claims, nonce, challenge), 401);
    claims_set(&claims, "nonce", nonce);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host second;

        REQUIRE(open_sharing(&second, other.folder, rows[i].keys));
        CHECK_INT(nonce_of(&second, &claims, next, challenge), rows[i].code);
        host_close(&second);
    }
    client_done();
    host_close(&first);
    host_close(&other);
}

/* ---- certificates -------------------------------------------------------------------------------- */

struct shown {
    unsigned char der[4096];
    size_t size;
};

static void show(struct paa_peer *peer, void *user)
{
    const struct shown *shown = user;

    if (shown->size > 0)
        (void)paa_peer_cert(peer, paa_bytes_of(shown->der, shown->size));
}

static void make_certificate(struct shown *shown, const char *name)
{
    EVP_PKEY *key = made_key("P-256");
    X509 *leaf = made_cert(key, name, NULL, NULL, HOST_TIME_S - DAY_S, HOST_TIME_S + DAY_S);
    unsigned char *at = shown->der;
    int size = i2d_X509(leaf, NULL);

    REQUIRE(size > 0 && (size_t)size <= sizeof shown->der);
    (void)i2d_X509(leaf, &at);
    shown->size = (size_t)size;
    X509_free(leaf);
    EVP_PKEY_free(key);
}

static unsigned asked_over(struct host *host, const struct shown *shown, char reason[64])
{
    static struct ask ask;
    struct paa_peer_options options;
    struct paa_peer *peer;
    struct paa_txn *txn;
    enum paa_state state;
    unsigned code;
    char line[TOKEN_FIELD_MAX + 32];

    paa_init(&options, sizeof options);
    options.flags = PAA_PEER_TLS;
    options.cert_fn = show;
    options.user = (void *)(uintptr_t)shown;
    if (paa_peer_open(&peer, host->context, &options) != 0)
        return 0;
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", client.token);
    ask_for(&ask, "GET", "/orders", line, NULL);
    ask.request.peer = peer;
    state = host_ask(host, &ask, &txn);
    code = txn_code(state, txn);
    (void)snprintf(reason, 64, "%.*s", (int)paa_txn_step(txn, 0)->reason.size,
                   paa_txn_step(txn, 0)->reason.data != NULL ? paa_txn_step(txn, 0)->reason.data
                                                             : "");
    if (state == PAA_TXN_ALLOW)
        CHECK_STR(paa_txn_principal(txn, 0)->methods, "jwt mtls");
    paa_txn_end(&txn);
    paa_peer_close(&peer);
    return code;
}

TEST(a_token_of_a_certificate_wants_that_certificate)
{
    struct shown own, other, none = { .size = 0 };
    char cnf[128], x5t[44], reason[64];
    struct host host;

    make_certificate(&own, "own");
    make_certificate(&other, "other");
    digest_text(own.der, own.size, x5t);
    (void)snprintf(cnf, sizeof cnf, "{\"x5t#S256\":\"%s\"}", x5t);
    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS "certificate_bound = true;")));
    client_init(cnf);
    CHECK_INT(asked_over(&host, &own, reason), 200);
    CHECK_INT(asked_over(&host, &other, reason), 401);
    CHECK_STR(paa_str_of(reason), "certificate");
    CHECK_INT(asked_over(&host, &none, reason), 401);
    CHECK_STR(paa_str_of(reason), "certificate");
    CHECK_INT(asked_over(&host, &own, reason), 200);
    client_done();
    host_close(&host);
}

TEST(a_plain_token_is_refused_where_certificates_are_demanded)
{
    struct token_claims claims;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    REQUIRE(tokens_open(&host, TOKENS(JWKS_OPTIONS "certificate_bound = true;")));
    claims_init(&claims);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, token);
    CHECK_TOKEN(&host, token, 401, "unbound");
    host_close(&host);
}

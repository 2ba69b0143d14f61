/* SPDX-License-Identifier: MIT */
/*
 * Keys that are fetched: how long they serve, and what is served while an issuer is away. What strangers can cost is in
 * tokens_flood.c.
 */
#include "codec.h"
#include "test.h"
#include "tokens_issuer.h"

/* ---- the usual case ------------------------------------------------------------------------------ */

TEST(an_issuer_is_discovered_and_its_keys_are_fetched_once)
{
    struct issuer issuer;
    struct host host;
    char token[SIGNER_TOKEN_MAX], other[SIGNER_TOKEN_MAX];

    issuer_start(&issuer);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, token);
    token_of(&issuer, "ed", ALG_ED25519, other);
    CHECK_TOKEN(&host, token, 200, "good");
    CHECK_TOKEN(&host, token, 200, "good");
    CHECK_TOKEN(&host, other, 200, "good");
    CHECK_INT(fault_server_requests(issuer.server), 2); /* the document, the keys */
    host_close(&host);
    fault_server_stop(issuer.server);
}

static int same_chance(void *bytes, size_t size, void *user)
{
    (void)user;
    memset(bytes, 1, size);
    return 0;
}

static bool open_with_same_chance(struct host *host, const struct issuer *issuer)
{
    struct paa_context_options options;
    char policy[4096];

    issuer_policy(issuer, "", policy, sizeof policy);
    if (!host_init(host) || !host_write(host, policy))
        return false;
    host_options(host, &options);
    options.random_fn = same_chance;
    return host_open_with(host, &options);
}

/* Ten minutes less a moment of chance: 0x01010101 is 55 seconds of the 60 there may be. */
TEST(keys_are_renewed_behind_a_moment_of_chance_before_their_lifetime_ends)
{
    struct issuer issuer;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    issuer_start(&issuer);
    REQUIRE(open_with_same_chance(&host, &issuer));
    token_of(&issuer, "p256", ALG_ES256, token);
    CHECK_TOKEN(&host, token, 200, "good");
    host_pass(&host, 544 * 1000);
    CHECK_TOKEN(&host, token, 200, "good");
    CHECK_INT(fault_server_requests(issuer.server), 2); /* the document, the keys */
    host_pass(&host, 2 * 1000);
    CHECK_TOKEN(&host, token, 200, "good");
    fault_server_await(issuer.server, 3);
    host_close(&host);
    fault_server_stop(issuer.server);
}

/* ---- an hour without the issuer ------------------------------------------------------------------ */

enum change { NOTHING = 1, DIES, COMES_BACK, ROTATES, WITHDRAWS };

static void change(struct issuer *issuer, enum change what)
{
    switch (what) {
    case DIES:
        issuer_tells(issuer, FAULT_CLOSE);
        answer(issuer, "/jwks", "", 200, FAULT_CLOSE);
        break;
    case COMES_BACK:
        issuer_tells(issuer, 0);
        answer(issuer, "/jwks", tokens_set("rsa"), 200, 0);
        break;
    case ROTATES:
        answer(issuer, "/jwks", tokens_set(""), 200, 0);
        break;
    case WITHDRAWS:
        answer(issuer, "/jwks", tokens_set("p256"), 200, 0);
        break;
    case NOTHING:
    default:
        break;
    }
}

/* Soft lifetime ten minutes (the issuer says nothing), an hour more in an outage, a minute at most until it is asked
 * again after failures. */
TEST(an_issuer_dies_for_an_hour_comes_back_rotates_and_withdraws)
{
    static const struct {
        int64_t pass_s;
        enum change change;
        unsigned p256, rsa, ed; /* what tokens of these keys get */
    } rows[] = {
        { 0, COMES_BACK, 200, 401, 200 }, /* "rsa" is not there yet */
        { 300, NOTHING, 200, 401, 200 },  /* kept */
        { 400, DIES, 200, 401, 200 },     /* asked again for "rsa", in vain */
        { 3000, NOTHING, 200, 401, 200 }, /* past soft: the last good set, still */
        { 790, NOTHING, 200, 401, 200 },  /* fetched at 300 for "rsa": good until 4500 */
        { 20, NOTHING, 503, 503, 503 },   /* and no longer: who it is cannot be found out */
        { 3600, NOTHING, 503, 503, 503 }, /* however long that takes */
        { 120, COMES_BACK, 200, 401, 200 },
        { 60, ROTATES, 200, 200, 200 },  /* an unknown key asks for the set at once */
        { 5, WITHDRAWS, 200, 200, 200 }, /* nobody has told us */
        { 700, NOTHING, 401, 200,
          200 }, /* past soft, and nothing has failed: the new set, first of all */
        { 5, ROTATES, 401, 200, 200 },    /* nobody has told us */
        { 4300, NOTHING, 200, 200, 200 }, /* past soft and hard: likewise */
        { 5, WITHDRAWS, 200, 200, 200 },
        { 0, DIES, 200, 200, 200 },
        { 3000, NOTHING, 200, 200, 200 }, /* past soft, and nobody answers: the last good set */
    };
    struct issuer issuer;
    struct host host;
    char tokens[3][SIGNER_TOKEN_MAX], reason[64];

    issuer_start(&issuer);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, tokens[0]);
    token_of(&issuer, "rsa", ALG_RS256, tokens[1]);
    token_of(&issuer, "ed", ALG_ED25519, tokens[2]);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const unsigned expected[] = { rows[i].p256, rows[i].rsa, rows[i].ed };

        change(&issuer, rows[i].change);
        host_pass(&host, rows[i].pass_s * 1000);
        for (size_t k = 0; k < 3; k++) {
            unsigned code = token_code(&host, "Bearer", tokens[k], NULL, reason);

            if (code != expected[k])
                TEST_FAIL("step %zu, token %zu: %u (%s), not %u", i, k, code, reason, expected[k]);
        }
    }
    host_close(&host);
    fault_server_stop(issuer.server);
}

static void fails_once(const char *stores)
{
    struct issuer issuer;
    struct host host;
    char policy[4096], whole[5000], token[SIGNER_TOKEN_MAX];

    issuer_start(&issuer);
    issuer_policy(&issuer, "", policy, sizeof policy);
    (void)snprintf(whole, sizeof whole, "%s%s", stores, policy);
    REQUIRE(tokens_open(&host, whole));
    token_of(&issuer, "p256", ALG_ES256, token);
    CHECK_TOKEN(&host, token, 200, "good");
    answer(&issuer, "/jwks", "", 503, 0);
    host_pass(&host, 620 * 1000);
    CHECK_TOKEN(&host, token, 200, "good"); /* asked first, in vain: the last good set */
    answer(&issuer, "/jwks", tokens_set("p256"), 200, 0);
    CHECK_TOKEN(&host, token, 200, "good"); /* not asked again so soon */
    host_pass(&host, 1800 * 1000);
    CHECK_TOKEN(&host, token, 401, "unknown-key");
    host_close(&host);
    fault_server_stop(issuer.server);
}

TEST(a_failure_that_is_long_over_excuses_no_old_key)
{
    fails_once("");
    fails_once("stores = { state = \"state.db\"; };\n");
}

/* What was fetched before a reload is kept as bytes, and becomes keys again if nothing newer is to be had. */
TEST(a_reload_in_an_outage_keeps_the_last_set)
{
    static const char *const stores[] = { "", "stores = { state = \"state.db\"; };\n" };

    for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        struct issuer issuer;
        struct host host;
        char policy[4096], whole[5000], token[SIGNER_TOKEN_MAX];

        issuer_start(&issuer);
        issuer_policy(&issuer, "", policy, sizeof policy);
        (void)snprintf(whole, sizeof whole, "%s%s", stores[i], policy);
        REQUIRE(tokens_open(&host, whole));
        token_of(&issuer, "p256", ALG_ES256, token);
        CHECK_TOKEN(&host, token, 200, "good");
        change(&issuer, DIES);
        host_pass(&host, 700 * 1000);
        (void)snprintf(whole, sizeof whole, "%s%s# changed\n", stores[i], policy);
        CHECK(host_write(&host, whole));
        CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
        CHECK_TOKEN(&host, token, 200, "good");
        host_close(&host);
        fault_server_stop(issuer.server);
    }
}

/* ---- keys that nobody knows ---------------------------------------------------------------------- */

TEST(a_new_key_under_the_old_name_is_found)
{
    struct issuer issuer;
    struct host host;
    char token[SIGNER_TOKEN_MAX], set[4096];

    issuer_start(&issuer);
    (void)snprintf(set, sizeof set, "{\"keys\":[{\"kid\":\"one\",%s}]}", signer_rsa);
    answer(&issuer, "/jwks", set, 200, 0);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "one", ALG_RS256, token);
    CHECK_TOKEN(&host, token, 200, "good");
    (void)snprintf(set, sizeof set, "{\"keys\":[{\"kid\":\"one\",%s}]}", signer_ed25519);
    answer(&issuer, "/jwks", set, 200, 0);
    CHECK_TOKEN(&host, token, 200, "good");
    token_of(&issuer, "one", ALG_ED25519, token);
    CHECK_TOKEN(&host, token, 200, "good");
    host_close(&host);
    fault_server_stop(issuer.server);
}

/* Another key of Ed25519 than the RFC's, and the set that has it under that name. */
static EVP_PKEY *other_ed25519(const char *kid, char *ret_set, size_t size)
{
    static const unsigned char secret[32] = "thirty-two bytes of another key";
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, sizeof secret);
    unsigned char point[32];
    char x[44] = "";
    size_t point_size = sizeof point;

    CHECK(key != NULL && EVP_PKEY_get_raw_public_key(key, point, &point_size) == 1);
    base64url_encode(paa_bytes_of(point, point_size), x);
    (void)snprintf(
        ret_set, size,
        "{\"keys\":[{\"kid\":\"%s\",\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%.43s\"}]}", kid,
        x);
    return key;
}

/* Here a key fits by its name and its kind: nothing but the bad signature says that the set is out of date. */
TEST(a_new_key_of_the_same_kind_under_the_old_name_is_found_and_the_old_one_is_gone)
{
    struct issuer issuer;
    struct host host;
    EVP_PKEY *key;
    char old[SIGNER_TOKEN_MAX], new[SIGNER_TOKEN_MAX], set[4096];

    issuer_start(&issuer);
    (void)snprintf(set, sizeof set, "{\"keys\":[{\"kid\":\"one\",%s}]}", signer_ed25519);
    answer(&issuer, "/jwks", set, 200, 0);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "one", ALG_ED25519, old);
    CHECK_TOKEN(&host, old, 200, "good");
    key = other_ed25519("one", set, sizeof set);
    token_by(&issuer, "one", ALG_ED25519, key, new);
    answer(&issuer, "/jwks", set, 200, 0);
    CHECK_TOKEN(&host, old, 200, "good"); /* nobody has told us */
    CHECK_TOKEN(&host, new, 200, "good");
    CHECK_INT(fault_server_requests(issuer.server), 3); /* the document, the keys, the keys anew */
    CHECK_TOKEN(&host, old, 401, "signature");
    CHECK_TOKEN(&host, new, 200, "good");
    CHECK_INT(fault_server_requests(issuer.server), 3);
    EVP_PKEY_free(key);
    host_close(&host);
    fault_server_stop(issuer.server);
}

/* Each is a process of its own to the other: nothing but the store is theirs together. */
static bool open_two(struct host *one, struct host *other, const struct issuer *issuer)
{
    static const char stores[] = "stores = { state = \"state.db\"; };\n";
    struct paa_context_options options;
    char policy[4096 + sizeof stores];

    memcpy(policy, stores, sizeof stores);
    issuer_policy(issuer, "", policy + strlen(stores), sizeof policy - strlen(stores));
    if (!host_init(one) || !host_write(one, policy) || !host_init(other))
        return false;
    host_options(one, &options);
    if (!host_open_with(one, &options))
        return false;
    host_options(other, &options);
    options.policy = one->policy;
    return host_open_with(other, &options);
}

TEST(those_who_share_a_store_share_keys_and_cool_down)
{
    enum { COOL_DOWN_MS = 30 * 1000 };
    struct issuer issuer;
    struct host one, other;
    char known[SIGNER_TOKEN_MAX], late[SIGNER_TOKEN_MAX];

    issuer_start(&issuer);
    answer(&issuer, "/jwks", tokens_set("rsa"), 200, 0);
    REQUIRE(open_two(&one, &other, &issuer));
    token_of(&issuer, "p256", ALG_ES256, known);
    token_of(&issuer, "rsa", ALG_RS256, late);
    CHECK_TOKEN(&one, known, 200, "good");
    CHECK_TOKEN(&other, known, 200, "good");
    CHECK_INT(fault_server_requests(issuer.server), 2); /* the document, the keys */
    CHECK_TOKEN(&one, late, 401, "unknown-key");
    CHECK_TOKEN(&other, late, 401, "unknown-key");
    CHECK_INT(fault_server_requests(issuer.server), 3);
    answer(&issuer, "/jwks", tokens_set(""), 200, 0);
    host_pass(&one, COOL_DOWN_MS);
    host_pass(&other, COOL_DOWN_MS);
    CHECK_TOKEN(&one, late, 200, "good");
    CHECK_TOKEN(&other, late, 200, "good");
    CHECK_INT(fault_server_requests(issuer.server), 4);
    host_close(&other);
    host_close(&one);
    fault_server_stop(issuer.server);
}

/* ---- sets that are none -------------------------------------------------------------------------- */

TEST(what_is_no_key_set_leaves_the_last_one_in_place)
{
    static const struct {
        const char *body;
        const char *type;
        unsigned code;
        unsigned flags;
    } rows[] = {
        { "{\"keys\":[]}", "application/json", 200, 0 },
        { "{}", "application/json", 200, 0 },
        { "<html>", "text/html", 200, 0 },
        { "{\"keys\":[]}", "text/plain", 200, 0 },
        { "{\"keys\":[", "application/json", 200, 0 },
        { "", "application/json", 500, 0 },
        { "{\"keys\":[{}]}", "application/json", 200, FAULT_TRUNCATE },
        { "", "application/json", 302, 0 },
    };
    struct issuer issuer;
    struct host host;
    char token[SIGNER_TOKEN_MAX], invented[SIGNER_TOKEN_MAX];

    issuer_start(&issuer);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, token);
    token_of(&issuer, "invented", ALG_ES256, invented);
    CHECK_TOKEN(&host, token, 200, "good");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fault_answer given = {
            .code = rows[i].code, .flags = rows[i].flags, .type = rows[i].type, .body = rows[i].body
        };

        fault_server_forget(issuer.server, "/jwks");
        fault_server_answer(issuer.server, "/jwks", &given);
        host_pass(&host, 90 * 1000);
        CHECK_TOKEN(&host, invented, 401, "unknown-key");
        CHECK_TOKEN(&host, token, 200, "good");
    }
    host_close(&host);
    fault_server_stop(issuer.server);
}

TEST(without_any_set_nobody_is_judged)
{
    struct issuer issuer;
    struct host host;
    char token[SIGNER_TOKEN_MAX];

    issuer_start(&issuer);
    answer(&issuer, "/jwks", "{\"keys\":[]}", 200, 0);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, token);
    CHECK_TOKEN(&host, token, 503, "keys");
    answer(&issuer, "/jwks", tokens_set(""), 200, 0);
    host_pass(&host, 90 * 1000);
    CHECK_TOKEN(&host, token, 200, "good");
    host_close(&host);
    fault_server_stop(issuer.server);
}

/* It is asked again when it said so. Our clients are told to wait as long, and a moment of chance more. */
TEST(an_issuer_that_asks_to_be_left_alone_is_a_503_that_says_when_to_come_back)
{
    static const struct fault_answer busy = {
        .code = 429, .type = "application/json", .headers = "Retry-After: 100\r\n", .body = "{}"
    };
    struct issuer issuer;
    struct host host;
    struct paa_txn *txn;
    enum paa_state state;
    char token[SIGNER_TOKEN_MAX];

    issuer_start(&issuer);
    fault_server_forget(issuer.server, "/jwks");
    fault_server_answer(issuer.server, "/jwks", &busy);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, token);
    txn = token_ask(&host, "Bearer", token, NULL, &state);
    CHECK_INT(txn_code(state, txn), 503);
    CHECK(paa_txn_answer(txn)->retry_after_s >= 100 && paa_txn_answer(txn)->retry_after_s <= 150);
    CHECK(edit_value(txn, PAA_MESSAGE_RESPONSE, "Retry-After").data != NULL);
    CHECK(edit_value(txn, PAA_MESSAGE_RESPONSE, "WWW-Authenticate").data == NULL);
    paa_txn_end(&txn);
    answer(&issuer, "/jwks", tokens_set(""), 200, 0);
    host_pass(&host, 90 * 1000);
    CHECK_TOKEN(&host, token, 503, "keys");
    CHECK_INT(fault_server_requests(issuer.server), 2); /* the document, the keys */
    host_pass(&host, 20 * 1000);
    CHECK_TOKEN(&host, token, 200, "good");
    host_close(&host);
    fault_server_stop(issuer.server);
}

TEST(a_document_of_another_issuer_is_not_believed)
{
    struct issuer issuer;
    struct host host;
    char token[SIGNER_TOKEN_MAX], document[512];

    issuer_start(&issuer);
    (void)snprintf(document, sizeof document,
                   "{\"issuer\":\"https://other.example\",\"jwks_uri\":\"%s/jwks\"}", issuer.name);
    answer(&issuer, WELL_KNOWN, document, 200, 0);
    REQUIRE(issuer_open(&host, &issuer, ""));
    token_of(&issuer, "p256", ALG_ES256, token);
    CHECK_TOKEN(&host, token, 503, "keys");
    host_close(&host);
    fault_server_stop(issuer.server);
}

/* ---- others -------------------------------------------------------------------------------------- */

TEST(one_dead_issuer_leaves_others_served)
{
    static struct ask ask;
    struct issuer dead, well;
    struct host host;
    struct paa_txn *waiting;
    char policy[4096], token[SIGNER_TOKEN_MAX], line[TOKEN_FIELD_MAX + 32];

    issuer_start(&dead);
    issuer_start(&well);
    answer(&dead, "/jwks", tokens_set(""), 200, FAULT_HOLD);
    (void)snprintf(policy, sizeof policy,
                   TOKENS("issuers = ( { issuer = \"%s\"; audience = \"" TOKEN_AUDIENCE
                          "\"; }, { issuer = \"%s\"; audience = \"" TOKEN_AUDIENCE
                          "\"; } ); tls = { ca = \"%s\"; };"),
                   dead.name, well.name, fault_server_ca());
    REQUIRE(tokens_open(&host, policy));
    token_of(&dead, "p256", ALG_ES256, token);
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    ask_for(&ask, "GET", "/", line, NULL);
    CHECK_INT(paa_txn_begin(&waiting, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    token_of(&well, "p256", ALG_ES256, token);
    CHECK_TOKEN(&host, token, 200, "good");
    fault_server_await(dead.server, 2);
    fault_server_release(dead.server);
    CHECK_INT(paa_txn_wait(waiting, -1), PAA_TXN_ALLOW);
    paa_txn_end(&waiting);
    host_close(&host);
    fault_server_stop(dead.server);
    fault_server_stop(well.server);
}

/* SPDX-License-Identifier: MIT */
/* What happens to a client while it runs: the server becomes slow, its keys are exchanged. */
#include "sends_proof.h"
#include "test.h"
#include "unit/key_made.h"

static const struct fault_answer first = TOKEN("one", ",\"expires_in\":600");
static const struct fault_answer slow = { .type = JSON_TYPE,
                                          .flags = FAULT_HOLD,
                                          .body = "{\"access_token\":\"late\",\"token_type\":"
                                                  "\"Bearer\",\"expires_in\":600}" };

static struct paa_txn *begin(struct place *place)
{
    struct paa_txn *txn;
    struct ask ask;

    sends_ask(&ask);
    CHECK_INT(paa_txn_begin(&txn, place->host.lane, place->host.out, &ask.request),
              PAA_TXN_PENDING);
    return txn;
}

static struct sent end(struct paa_txn *txn)
{
    struct sent sent;

    sends_look(txn, paa_txn_wait(txn, -1), &sent);
    paa_txn_end(&txn);
    return sent;
}

/* ---- a slow server ------------------------------------------------------------------------------ */

enum { TIMEOUT_MS = 100, BACK_OFF_MS = 60 * 1000 };

#define SENDS_SOON SENDS_PLAIN "timeout = \"100ms\"; renew_before = \"100s\";"

/* Time stands still but for host_pass: a slow machine changes nothing. */
static bool begin_in_still_time(struct place *place)
{
    bool is_begun = sends_begin(place, SENDS_SOON);

    place->host.is_live = false;
    return is_begun;
}

TEST(a_token_that_comes_just_in_time_is_used)
{
    struct place place;
    struct paa_txn *txn;

    REQUIRE(begin_in_still_time(&place));
    fault_server_answer(place.server, "/token", &slow);
    txn = begin(&place);
    fault_server_await(place.server, 1);
    host_pass(&place.host, TIMEOUT_MS - 1);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_PENDING);
    fault_server_release(place.server);
    CHECK_STR(paa_str_of(end(txn).authorization), "Bearer late");
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer late");
    CHECK_INT(fault_server_requests(place.server), 1);
    sends_end(&place);
}

TEST(a_token_endpoint_that_is_too_slow_is_left_alone_for_a_while)
{
    struct place place;
    struct paa_txn *txn;
    struct sent sent;

    REQUIRE(begin_in_still_time(&place));
    fault_server_answer(place.server, "/token", &slow);
    fault_server_answer(place.server, "/token", &first);
    txn = begin(&place);
    fault_server_await(place.server, 1);
    host_pass(&place.host, TIMEOUT_MS);
    sent = end(txn);
    CHECK_INT(sent.code, 503);
    CHECK_STR(paa_str_of(sent.reason), "no-token");
    CHECK(sent.retry_after_s > 0);
    fault_server_release(place.server); /* what comes now comes too late */
    CHECK_INT(sends(&place.host).code, 503);
    CHECK_INT(fault_server_requests(place.server), 1);
    host_pass(&place.host, BACK_OFF_MS);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(a_token_at_hand_serves_while_its_renewal_is_slow)
{
    struct place place;

    REQUIRE(begin_in_still_time(&place));
    fault_server_answer(place.server, "/token", &first);
    fault_server_answer(place.server, "/token", &slow);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    host_pass(&place.host, 505 * 1000);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    fault_server_await(place.server, 2);
    for (int i = 0; i < 100; i++)
        CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    CHECK_INT(fault_server_requests(place.server), 2);
    fault_server_release(place.server);
    while (strcmp(sends(&place.host).authorization, "Bearer late") != 0)
        sched_yield();
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

/* ---- the client's key --------------------------------------------------------------------------- */

#define ASSERTION "client_assertion="

/* Whole or not at all, as an operator should. */
static void write_key(const struct place *place, EVP_PKEY *key)
{
    char path[HOST_PATH_MAX + 16], other[HOST_PATH_MAX + 24];

    (void)snprintf(path, sizeof path, "%s/client.key", place->host.folder);
    (void)snprintf(other, sizeof other, "%s.new", path);
    store_key(other, key, NULL);
    if (rename(other, path) != 0)
        abort();
}

/* Is the assertion of the last token request signed by that key (Ed25519)? */
static bool is_signed_by(struct place *place, EVP_PKEY *key)
{
    struct fault_request request;
    unsigned char signature[128];
    const char *text, *dot;
    size_t size = 0;

    if (!fault_server_last(place->server, &request) ||
        (text = strstr(request.body, ASSERTION)) == NULL)
        return false;
    text += strlen(ASSERTION);
    request.body[text - request.body + (ptrdiff_t)strcspn(text, "&")] = '\0';
    dot = strrchr(text, '.');
    return dot != NULL && strlen(dot + 1) <= BASE64URL_SIZE(64) &&
           base64url_decode(paa_str_of(dot + 1), signature, &size) && size == 64 &&
           verifies(key, NULL, false, paa_bytes_of(text, (size_t)(dot - text)),
                    paa_bytes_of(signature, size));
}

/* With private_key_jwt, and that key. */
static bool begin_with_key(struct place *place, EVP_PKEY *key)
{
    struct paa_context_options context;

    memset(place, 0, sizeof *place);
    place->server = fault_server_start(FAULT_TLS_GOOD);
    if (!host_init(&place->host))
        return false;
    write_key(place, key);
    host_options(&place->host, &context);
    place->host.is_live = true;
    return sends_write(place,
                       "token_endpoint = \"@/token\"; assertion_audience = \"token_endpoint\"; "
                       "client_key = { key = \"file:client.key\"; id = \"one\"; };",
                       "") &&
           host_open_with(&place->host, &context);
}

TEST(a_client_whose_key_is_exchanged_signs_with_the_new_one)
{
    EVP_PKEY *keys[] = { made_key("ED25519"), made_key("ED25519") };
    struct place place;

    REQUIRE(begin_with_key(&place, keys[0]));
    fault_server_answer(place.server, "/token", &first);
    CHECK_INT(sends(&place.host).code, 200);
    CHECK(is_signed_by(&place, keys[0]) && !is_signed_by(&place, keys[1]));
    write_key(&place, keys[1]);
    while (!is_signed_by(&place, keys[1])) { /* until the watcher has seen the new file */
        REQUIRE(is_signed_by(&place, keys[0]));
        host_pass(&place.host, 600 * 1000);
        REQUIRE(sends(&place.host).code == 200);
    }
    host_pass(&place.host, 600 * 1000);
    CHECK_INT(sends(&place.host).code, 200);
    CHECK(is_signed_by(&place, keys[1]));
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
    sends_end(&place);
}

/* ---- a client that the server refuses ----------------------------------------------------------- */

static const struct fault_answer no_client = { .code = 401,
                                               .type = JSON_TYPE,
                                               .body = "{\"error\":\"invalid_client\"}" };

/* Until the watcher has seen the new file; time all but stands still, so that the refusal does not end by itself. */
static void await_pardon(struct place *place, const char *authorization)
{
    struct sent sent = sends(&place->host);

    while (sent.code != 200) {
        REQUIRE(strcmp(sent.reason, "token-refused") == 0);
        sched_yield();
        sent = sends(&place->host);
    }
    CHECK_STR(paa_str_of(sent.authorization), authorization);
}

TEST(a_secret_that_was_mended_is_tried_at_once)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    fault_server_answer(place.server, "/token", &no_client);
    fault_server_answer(place.server, "/token", &first);
    for (int i = 0; i < 5; i++)
        CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    CHECK_INT(fault_server_requests(place.server), 1);
    sends_secret(&place, "mended");
    await_pardon(&place, "Bearer one");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(a_secret_that_is_wrong_again_is_refused_again_and_no_oftener)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_PLAIN));
    fault_server_answer(place.server, "/token", &no_client);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    sends_secret(&place, "wrong, too");
    while (fault_server_requests(place.server) == 1) /* until the watcher has seen the new file */
        CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    for (int i = 0; i < 5; i++)
        CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(a_key_that_was_mended_is_tried_at_once)
{
    EVP_PKEY *keys[] = { made_key("ED25519"), made_key("ED25519") };
    struct place place;

    REQUIRE(begin_with_key(&place, keys[0]));
    fault_server_answer(place.server, "/token", &no_client);
    fault_server_answer(place.server, "/token", &first);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    write_key(&place, keys[1]);
    await_pardon(&place, "Bearer one");
    CHECK(is_signed_by(&place, keys[1]));
    CHECK_INT(fault_server_requests(place.server), 2);
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
    sends_end(&place);
}

TEST(a_bound_tokens_client_is_tried_at_once_too)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &no_client);
    fault_server_answer(place.server, "/token", &bound);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    sends_secret(&place, "mended");
    await_pardon(&place, "DPoP one");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

/* ---- the key that tokens are bound to ----------------------------------------------------------- */

static const struct fault_answer bound_late = {
    .type = JSON_TYPE,
    .flags = FAULT_HOLD,
    .body = "{\"access_token\":\"one\",\"token_type\":\"DPoP\",\"expires_in\":600}"
};
static const struct fault_answer bound_again = {
    .type = JSON_TYPE,
    .body = "{\"access_token\":\"two\",\"token_type\":\"DPoP\",\"expires_in\":600}"
};

/* The thumbprint of the key that the last token request was proved with. */
static void asked_with(struct place *place, unsigned char ret_thumbprint[JWK_THUMBPRINT_SIZE])
{
    static struct proof proof;
    struct fault_request request;
    char text[SENDS_FIELD_MAX];

    REQUIRE(fault_server_last(place->server, &request) &&
            fault_request_header(&request, "DPoP", text, sizeof text) && proof_read(text, &proof));
    memcpy(ret_thumbprint, proof.thumbprint, JWK_THUMBPRINT_SIZE);
}

static bool is_proved_with(const struct sent *sent, const unsigned char *thumbprint)
{
    static struct proof proof;

    return proof_read(sent->dpop, &proof) &&
           memcmp(proof.thumbprint, thumbprint, JWK_THUMBPRINT_SIZE) == 0;
}

/* Other options: the key is made anew, the tokens are kept. */
static bool exchange_key(struct place *place)
{
    return sends_write(place, SENDS_DPOP "timeout = \"9s\";", "") &&
           paa_context_reload(place->host.context, 60000, &place->host.error) == 1;
}

TEST(a_token_never_goes_out_with_a_proof_of_another_key)
{
    unsigned char keys[2][JWK_THUMBPRINT_SIZE];
    struct place place;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &bound);
    fault_server_answer(place.server, "/token", &bound_again);
    sent = sends(&place.host);
    asked_with(&place, keys[0]);
    CHECK_STR(paa_str_of(sent.authorization), "DPoP one");
    CHECK(is_proved_with(&sent, keys[0]));
    REQUIRE(exchange_key(&place));
    sent = sends(&place.host);
    asked_with(&place, keys[1]);
    CHECK(memcmp(keys[0], keys[1], sizeof keys[0]) != 0);
    CHECK_STR(paa_str_of(sent.authorization), "DPoP two");
    CHECK(is_proved_with(&sent, keys[1]));
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(a_key_that_is_exchanged_while_a_token_is_fetched_leaves_that_one_its_own)
{
    unsigned char keys[2][JWK_THUMBPRINT_SIZE];
    struct place place;
    struct paa_txn *txn;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &bound_late);
    fault_server_answer(place.server, "/token", &bound_again);
    txn = begin(&place);
    while (fault_server_requests(place.server) == 0) { /* once the key is made, it is asked */
        CHECK_INT(paa_txn_advance(txn), PAA_TXN_PENDING);
        sched_yield();
    }
    asked_with(&place, keys[0]);
    REQUIRE(exchange_key(&place));
    fault_server_release(place.server);
    sent = end(txn);
    CHECK_STR(paa_str_of(sent.authorization), "DPoP one");
    CHECK(is_proved_with(&sent, keys[0]));
    sent = sends(&place.host);
    asked_with(&place, keys[1]);
    CHECK(memcmp(keys[0], keys[1], sizeof keys[0]) != 0);
    CHECK_STR(paa_str_of(sent.authorization), "DPoP two");
    CHECK(is_proved_with(&sent, keys[1]));
    sends_end(&place);
}

/* SPDX-License-Identifier: MIT */
/* Tokens that are bound to a key (RFC 9449), with nonces of both servers; metadata that is looked up, or lies. */
#include "sends_proof.h"
#include "test.h"

static const struct fault_answer wants_nonce = { .code = 400,
                                                 .type = JSON_TYPE,
                                                 .headers = "DPoP-Nonce: of-the-token-endpoint\r\n",
                                                 .body = "{\"error\":\"use_dpop_nonce\"}" };
static const struct fault_answer unbound = TOKEN("one", ",\"expires_in\":600");

TEST(a_bound_token_goes_out_with_a_proof_of_the_key_it_was_asked_with)
{
    static struct proof asked, sent_with;
    struct fault_request request;
    struct place place;
    struct sent sent;
    char proof[SENDS_FIELD_MAX], url[FAULT_URL_MAX];

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &bound);
    sent = sends(&place.host);
    CHECK_STR(paa_str_of(sent.authorization), "DPoP one");
    CHECK((sent.wants & PAA_WANTS_RESPONSE) != 0);
    REQUIRE(fault_server_last(place.server, &request));
    REQUIRE(fault_request_header(&request, "DPoP", proof, sizeof proof));
    REQUIRE(proof_read(proof, &asked) && proof_read(sent.dpop, &sent_with));
    CHECK(memcmp(asked.thumbprint, sent_with.thumbprint, sizeof asked.thumbprint) == 0);
    CHECK_STR(asked.jwt.texts[JWT_T_HTM], "POST");
    CHECK_STR(asked.jwt.texts[JWT_T_HTU], fault_server_url(place.server, "/token", url));
    CHECK(asked.jwt.texts[JWT_T_ATH].data == NULL && asked.jwt.texts[JWT_T_NONCE].data == NULL);
    CHECK_STR(sent_with.jwt.texts[JWT_T_HTM], "GET");
    CHECK_STR(sent_with.jwt.texts[JWT_T_HTU], "https://out.example.com/orders");
    /* SHA-256 of "one" */
    CHECK_STR(sent_with.jwt.texts[JWT_T_ATH], "dpLDrTVAu4A8Ags67mbNiIcSMjTqDG5xQ8Ct1z_0Me0");
    CHECK(sent_with.jwt.texts[JWT_T_NONCE].data == NULL);
    sends_end(&place);
}

TEST(each_proof_is_another)
{
    static struct proof a, b;
    struct place place;
    struct sent one, two;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &bound);
    one = sends(&place.host);
    two = sends(&place.host);
    REQUIRE(proof_read(one.dpop, &a) && proof_read(two.dpop, &b));
    CHECK(!str_eq(a.jwt.texts[JWT_T_JTI], b.jwt.texts[JWT_T_JTI]));
    CHECK_INT(fault_server_requests(place.server), 1);
    sends_end(&place);
}

TEST(a_token_endpoint_that_wants_a_nonce_is_asked_once_more)
{
    static struct proof asked;
    struct fault_request request;
    struct place place;
    char proof[SENDS_FIELD_MAX];

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &wants_nonce);
    fault_server_answer(place.server, "/token", &bound);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "DPoP one");
    CHECK_INT(fault_server_requests(place.server), 2);
    REQUIRE(fault_server_last(place.server, &request));
    REQUIRE(fault_request_header(&request, "DPoP", proof, sizeof proof));
    REQUIRE(proof_read(proof, &asked));
    CHECK_STR(asked.jwt.texts[JWT_T_NONCE], "of-the-token-endpoint");
    sends_end(&place);
}

TEST(a_token_endpoint_that_wants_a_nonce_for_ever_is_asked_twice)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &wants_nonce);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "token-refused");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(a_token_that_is_not_bound_is_not_used)
{
    struct place place;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &unbound);
    CHECK_STR(paa_str_of(sends(&place.host).reason), "no-token");
    sends_end(&place);
}

/* ---- nonces of the peer ------------------------------------------------------------------------- */

static void check_nonce(const char *text, const char *nonce)
{
    static struct proof proof;

    if (!proof_read(text, &proof))
        TEST_FAIL("no proof: %s", text);
    else
        CHECK_STR(proof.jwt.texts[JWT_T_NONCE], nonce);
}

/* RFC 9449 9 */
TEST(a_peer_that_wants_a_nonce_gets_the_same_token_with_it)
{
    struct paa_field fields[] = {
        paa_field_of("WWW-Authenticate", "Bearer, DPoP error=\"use_dpop_nonce\""),
        paa_field_of("DPoP-Nonce", "n-1"),
    };
    struct place place;
    struct sent sent, again;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &bound);
    sent = sends(&place.host);
    again = sends_again(&place.host, &sent, 401, fields, 2);
    CHECK_INT(again.state, PAA_TXN_ALLOW);
    CHECK_STR(paa_str_of(again.authorization), "DPoP one");
    check_nonce(again.dpop, "n-1");
    check_nonce(sends(&place.host).dpop, "n-1");
    CHECK_INT(fault_server_requests(place.server), 1);
    sends_end(&place);
}

/* RFC 9449 8.2 */
TEST(a_nonce_that_comes_with_a_good_response_is_shown_from_then_on)
{
    struct paa_field field = paa_field_of("dpop-nonce", "n-2");
    struct paa_field bad = paa_field_of("DPoP-Nonce", "not \"one\"");
    struct place place;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &bound);
    sent = sends(&place.host);
    CHECK_INT(sends_again(&place.host, &sent, 200, &field, 1).state, PAA_TXN_OVER);
    check_nonce(sends(&place.host).dpop, "n-2");
    CHECK_INT(sends_again(&place.host, &sent, 200, &bad, 1).state, PAA_TXN_OVER);
    check_nonce(sends(&place.host).dpop, "n-2");
    sends_end(&place);
}

TEST(a_bound_token_that_is_refused_is_dropped)
{
    struct paa_field field =
        paa_field_of("WWW-Authenticate", "DPoP error=\"invalid_token\", algs=\"ES256\"");
    struct place place;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &bound);
    sent = sends(&place.host);
    CHECK_INT(sends_again(&place.host, &sent, 401, &field, 1).state, PAA_TXN_ALLOW);
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

/* RFC 9449 8.2: also one that came with the token. */
TEST(a_nonce_that_comes_with_a_token_is_shown_where_the_next_one_is_asked_for)
{
    static const struct fault_answer next = {
        .type = JSON_TYPE,
        .headers = "DPoP-Nonce: the-next-one\r\n",
        .body = "{\"access_token\":\"two\",\"token_type\":\"DPoP\",\"expires_in\":600}"
    };
    static const char *const nonces[] = { "of-the-token-endpoint", "the-next-one" };
    struct fault_request request;
    struct place place;
    char proof[SENDS_FIELD_MAX];

    REQUIRE(sends_begin(&place, SENDS_DPOP));
    fault_server_answer(place.server, "/token", &bound);
    fault_server_answer(place.server, "/token", &next);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "DPoP one");
    for (size_t i = 0; i < 2; i++) {
        host_pass(&place.host, 601 * 1000);
        CHECK_STR(paa_str_of(sends(&place.host).authorization), "DPoP two");
        CHECK_INT(fault_server_requests(place.server), 2 + i);
        REQUIRE(fault_server_last(place.server, &request));
        REQUIRE(fault_request_header(&request, "DPoP", proof, sizeof proof));
        check_nonce(proof, nonces[i]);
    }
    sends_end(&place);
}

/* ---- one key for all who share a store ------------------------------------------------------------ */

/* Another context over the same policy: as another process, it shares the store and nothing else. */
static bool open_another(struct host *other, struct host *host)
{
    struct paa_context_options options;

    if (!host_init(other))
        return false;
    atomic_store(&other->chance, 1000000); /* what it draws is its own */
    other->is_live = true;
    host_options(other, &options);
    options.policy = host->policy;
    return host_open_with(other, &options);
}

static void check_key(const char *stores, bool is_shared)
{
    static struct proof one, two;
    struct place place;
    struct host other;
    struct sent sent;

    REQUIRE(sends_begin_with(&place, SENDS_DPOP, stores) && open_another(&other, &place.host));
    fault_server_answer(place.server, "/token", &bound);
    place.host.is_live = true;
    sent = sends(&place.host);
    REQUIRE(proof_read(sent.dpop, &one));
    sent = sends(&other);
    CHECK_STR(paa_str_of(sent.authorization), "DPoP one");
    REQUIRE(proof_read(sent.dpop, &two));
    CHECK_INT(memcmp(one.thumbprint, two.thumbprint, sizeof one.thumbprint) == 0, is_shared);
    CHECK_INT(fault_server_requests(place.server), is_shared ? 1 : 2);
    host_close(&other);
    sends_end(&place);
}

TEST(those_who_share_a_store_prove_with_one_key_and_those_who_do_not_with_their_own)
{
    check_key("stores = { state = \"state.db\"; };\n", true);
    check_key("", false);
}

/* ---- metadata ----------------------------------------------------------------------------------- */

#define SENDS_ISSUER "issuer = \"@\"; client_secret = \"file:secret\";"

static void answer_with(const struct place *place, const char *path, const char *type,
                        const char *document)
{
    struct fault_answer answer = { .type = type };
    char text[SENDS_POLICY_MAX];

    sends_fill(place, document, text);
    answer.body = text;
    fault_server_answer(place->server, path, &answer);
}

static void answer_document(const struct place *place, const char *path, const char *document)
{
    answer_with(place, path, JSON_TYPE, document);
}

#define OAUTH_PATH  "/.well-known/oauth-authorization-server"
#define OPENID_PATH "/.well-known/openid-configuration"
#define DOCUMENT    "{\"issuer\":\"@\",\"token_endpoint\":\"@/t\"}"

TEST(the_token_endpoint_is_found_where_either_standard_says)
{
    static const char *const paths[] = { OAUTH_PATH, OPENID_PATH };

    for (size_t i = 0; i < 2; i++) {
        struct place place;

        REQUIRE(sends_begin(&place, SENDS_ISSUER));
        answer_document(&place, paths[i], DOCUMENT);
        fault_server_answer(place.server, "/t", &unbound);
        CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
        CHECK_INT(fault_server_requests(place.server), 2 + i);
        sends_end(&place);
    }
}

/* A site may have a page for every path. What stands in it counts for nothing. */
TEST(a_page_is_no_metadata)
{
    struct place place;
    struct sent sent;

    REQUIRE(sends_begin(&place, SENDS_ISSUER));
    answer_with(&place, OAUTH_PATH, "text/html", DOCUMENT);
    answer_document(&place, OPENID_PATH, DOCUMENT);
    fault_server_answer(place.server, "/t", &unbound);
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    CHECK_INT(fault_server_requests(place.server), 3);
    sends_end(&place);
    REQUIRE(sends_begin(&place, SENDS_ISSUER));
    answer_with(&place, OAUTH_PATH, "text/html", DOCUMENT);
    answer_with(&place, OPENID_PATH, NULL, DOCUMENT);
    sent = sends(&place.host);
    CHECK_INT(sent.code, 503);
    CHECK_HAS(sent.sentence, "no application/json");
    CHECK_INT(fault_server_requests(place.server), 2);
    sends_end(&place);
}

TEST(metadata_that_lie_lead_nowhere)
{
    static const char *const documents[] = {
        "{\"issuer\":\"https://other.example.com\",\"token_endpoint\":\"@/t\"}",
        "{\"issuer\":\"@/\",\"token_endpoint\":\"@/t\"}",
        "{\"issuer\":\"@\"}",
        "{\"issuer\":\"@\",\"token_endpoint\":\"https://127.0.0.1:1/t\"}",
        "{\"issuer\":\"@\",\"token_endpoint\":\"file:///t\"}",
        "<html>",
    };

    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct place place;
        struct sent sent;

        REQUIRE(sends_begin(&place, SENDS_ISSUER));
        answer_document(&place, OAUTH_PATH, documents[i]);
        fault_server_answer(place.server, "/t", &unbound);
        sent = sends(&place.host);
        if (sent.code != 503)
            TEST_FAIL("%s: %u", documents[i], sent.code);
        CHECK_INT(fault_server_requests(place.server), 1);
        sends_end(&place);
    }
}

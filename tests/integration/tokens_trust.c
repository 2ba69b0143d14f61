/* SPDX-License-Identifier: MIT */
/* Issuers of one instance that are verified in different ways: what one's `tls` says holds for all that it is asked,
 * and for nobody else. */
#include "test.h"
#include "tokens_issuer.h"

enum { POLICY_MAX = 8192 };

struct pair {
    struct issuer good, other; /* under the one CA and the other */
    struct host host;
};

static void pair_start(struct pair *pair, enum fault_tls tls)
{
    issuer_start(&pair->good);
    issuer_start_with(&pair->other, tls);
}

/* What each of the two says beside its name, and the instance. */
static bool pair_open(struct pair *pair, const char *good, const char *other, const char *instance)
{
    char policy[POLICY_MAX];

    (void)snprintf(policy, sizeof policy,
                   TOKENS("issuers = ( { issuer = \"%s\"; audience = \"" TOKEN_AUDIENCE
                          "\"; %s }, { issuer = \"%s\"; audience = \"" TOKEN_AUDIENCE
                          "\"; %s } ); %s"),
                   pair->good.name, good, pair->other.name, other, instance);
    return tokens_open(&pair->host, policy);
}

static void pair_end(struct pair *pair)
{
    host_close(&pair->host);
    fault_server_stop(pair->good.server);
    fault_server_stop(pair->other.server);
}

/* "tls = { ca = …; more };" */
static const char *trust(const char *ca, const char *more)
{
    static char texts[4][512];
    static unsigned turn;
    char *text = texts[turn++ % 4];

    (void)snprintf(text, sizeof texts[0], "tls = { ca = \"%s\"; %s };", ca, more);
    return text;
}

static void gets(struct pair *pair, const struct issuer *issuer, unsigned code, const char *why)
{
    char token[SIGNER_TOKEN_MAX];

    token_of(issuer, "p256", ALG_ES256, token);
    CHECK_TOKEN(&pair->host, token, code, why);
}

TEST(each_issuer_is_verified_with_its_own_ca)
{
    struct pair pair;

    pair_start(&pair, FAULT_TLS_OTHER_CA);
    REQUIRE(pair_open(&pair, trust(fault_server_ca(), ""), trust(fault_server_other_ca(), ""), ""));
    gets(&pair, &pair.good, 200, "good");
    gets(&pair, &pair.other, 200, "good");
    CHECK_INT(fault_server_requests(pair.good.server), 2); /* the document, the keys */
    CHECK_INT(fault_server_requests(pair.other.server), 2);
    pair_end(&pair);
}

TEST(an_issuer_that_says_nothing_is_verified_as_the_instance_says)
{
    struct pair pair;

    pair_start(&pair, FAULT_TLS_OTHER_CA);
    REQUIRE(pair_open(&pair, "", trust(fault_server_other_ca(), ""), trust(fault_server_ca(), "")));
    gets(&pair, &pair.good, 200, "good");
    gets(&pair, &pair.other, 200, "good");
    pair_end(&pair);
}

TEST(the_ca_of_another_issuer_counts_for_nothing)
{
    struct pair pair;

    pair_start(&pair, FAULT_TLS_OTHER_CA);
    REQUIRE(pair_open(&pair, trust(fault_server_other_ca(), ""), "", trust(fault_server_ca(), "")));
    gets(&pair, &pair.good, 503, "keys");
    gets(&pair, &pair.other, 503, "keys");
    CHECK_INT(fault_server_requests(pair.good.server), 0);
    CHECK_INT(fault_server_requests(pair.other.server), 0);
    pair_end(&pair);
}

/* With jwks_uri nothing is discovered. */
TEST(an_issuers_own_ca_holds_for_its_keys_as_for_its_metadata)
{
    struct pair pair;
    char named[2][1024];

    pair_start(&pair, FAULT_TLS_OTHER_CA);
    (void)snprintf(named[0], sizeof named[0], "jwks_uri = \"%s/jwks\"; %s", pair.good.name,
                   trust(fault_server_other_ca(), ""));
    (void)snprintf(named[1], sizeof named[1], "jwks_uri = \"%s/jwks\"; %s", pair.other.name,
                   trust(fault_server_other_ca(), ""));
    REQUIRE(pair_open(&pair, named[0], named[1], trust(fault_server_ca(), "")));
    gets(&pair, &pair.good, 503, "keys");
    gets(&pair, &pair.other, 200, "good");
    CHECK_INT(fault_server_requests(pair.good.server), 0);
    CHECK_INT(fault_server_requests(pair.other.server), 1);
    pair_end(&pair);
}

/* What an issuer's document names may not be private, but for what the policy says of that issuer: one of them could have
 * others' servers asked whatever it likes. */
TEST(an_issuers_document_leads_to_no_private_server_of_another_issuer)
{
    struct pair pair;
    char document[2048];

    pair_start(&pair, FAULT_TLS_GOOD);
    (void)snprintf(document, sizeof document,
                   "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/jwks\",\"response_types_supported\":[]}",
                   pair.other.name, pair.good.name);
    answer(&pair.other, WELL_KNOWN, document, 200, 0);
    REQUIRE(pair_open(&pair, "", "", trust(fault_server_ca(), "")));
    gets(&pair, &pair.other, 503, "keys");
    CHECK_INT(fault_server_requests(pair.good.server), 0);
    gets(&pair, &pair.good, 200, "good");
    pair_end(&pair);
}

TEST(a_minimum_version_is_an_issuers_own)
{
    struct pair pair;

    pair_start(&pair, FAULT_TLS_1_2);
    REQUIRE(pair_open(&pair, "", trust(fault_server_ca(), "min_version = \"1.3\";"),
                      trust(fault_server_ca(), "")));
    gets(&pair, &pair.good, 200, "good");
    gets(&pair, &pair.other, 503, "keys");
    CHECK_INT(fault_server_requests(pair.other.server), 0);
    pair_end(&pair);
}

TEST(verification_is_given_up_for_one_issuer_alone_and_loudly)
{
    struct pair pair;

    pair_start(&pair, FAULT_TLS_SELF_SIGNED);
    REQUIRE(pair_open(&pair, trust(fault_server_other_ca(), ""),
                      "tls = { verify = false; insecure_reason = \"a test\"; };",
                      trust(fault_server_ca(), "")));
    CHECK(strstr(pair.host.log, "are not verified") != NULL);
    gets(&pair, &pair.good, 503, "keys");
    gets(&pair, &pair.other, 200, "good");
    pair_end(&pair);
}

/* ---- introspection ------------------------------------------------------------------------------ */

/* One issuer under the other CA, which is asked about a token. */
static unsigned introspected(const char *own, const char *instance, unsigned *ret_requests)
{
    static const char verdict[] = "{\"active\":true,\"aud\":\"" TOKEN_AUDIENCE
                                  "\",\"sub\":\"robot\",\"client_id\":\"robot\"}";
    struct issuer issuer;
    struct host host;
    char policy[POLICY_MAX], reason[64];
    unsigned code = 0;

    issuer_start_with(&issuer, FAULT_TLS_OTHER_CA);
    answer(&issuer, "/introspect", verdict, 200, 0);
    (void)snprintf(policy, sizeof policy,
                   TOKENS("issuers = ( { issuer = \"%s\"; audience = \"" TOKEN_AUDIENCE
                          "\"; %s } ); token = \"introspection\"; client_id = \"api\"; "
                          "client_secret = \"file:jwks\"; %s"),
                   issuer.name, own, instance);
    if (tokens_open(&host, policy)) {
        code = token_code(&host, "Bearer", "opaque", NULL, reason);
        host_close(&host);
    }
    *ret_requests = fault_server_requests(issuer.server);
    fault_server_stop(issuer.server);
    return code;
}

TEST(an_issuers_own_ca_holds_for_introspection)
{
    struct fault_server *keeper = fault_server_start(FAULT_TLS_GOOD); /* of the CAs' files */
    unsigned requests;

    CHECK_INT(introspected(trust(fault_server_other_ca(), ""), trust(fault_server_ca(), ""),
                           &requests),
              200);
    CHECK_INT(requests, 2); /* the document, the question */
    CHECK_INT(introspected(trust(fault_server_ca(), ""), trust(fault_server_other_ca(), ""),
                           &requests),
              503);
    CHECK_INT(requests, 0);
    fault_server_stop(keeper);
}

/* SPDX-License-Identifier: MIT */
/* ID tokens (OpenID Connect Core 3.1.3.7), each wrong in one way. */
#include "codec.h"
#include "id_token.h"
#include "str.h"
#include "test.h"

#define ISSUER "https://id.example.com"

enum { NOW = 1800000000 };

static struct jwt jwt;

/* An unverified signature of the right size. */
static bool read_token(const char *header, const char *claims)
{
    static char token[8192];
    static unsigned char memory[32 * 1024];
    static struct jwt_scratch scratch;
    static const struct jwt_accept accept = { .algs = ALGS_PUBLIC | ALGS_SECRET };
    size_t size = 0, signature = strstr(header, "384") != NULL ? 128 : 86;
    struct jwt_parts parts;

    base64url_encode(paa_bytes_of(header, strlen(header)), token);
    size = BASE64URL_SIZE(strlen(header));
    token[size++] = '.';
    base64url_encode(paa_bytes_of(claims, strlen(claims)), token + size);
    size += BASE64URL_SIZE(strlen(claims));
    token[size++] = '.';
    memset(token + size, 'A', signature);
    size += signature;
    return jwt_split(paa_str_of_n(token, size), &parts).verdict == JWT_GOOD &&
           jwt_memory(&parts) <= sizeof memory &&
           jwt_read(&parts, memory, &scratch, &accept, &jwt).verdict == JWT_GOOD;
}

#define ES256      "{\"alg\":\"ES256\"}"
#define TIMES      ",\"exp\":1800000300,\"iat\":1799999990"
#define WHO        "\"iss\":\"" ISSUER "\",\"sub\":\"alice\""
#define AUD        ",\"aud\":\"app\""
#define NONCE      ",\"nonce\":\"n-0S6_WzA2Mj\""
#define GOOD       "{" WHO AUD TIMES NONCE "}"
#define WITH(more) "{" WHO AUD TIMES NONCE more "}"

struct row {
    enum id_token_verdict verdict;
    const char *header;
    const char *claims;
};

static const struct row rows[] = {
    { ID_TOKEN_GOOD, ES256, GOOD },
    { ID_TOKEN_GOOD, "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", GOOD },
    { ID_TOKEN_TYP, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", GOOD },
    { ID_TOKEN_TYP, "{\"alg\":\"ES256\",\"typ\":\"logout+jwt\"}", GOOD },
    { ID_TOKEN_TYP, ES256, WITH(",\"events\":{\"x\":{}}") },
    { ID_TOKEN_MISSING, ES256, "{\"sub\":\"alice\"" AUD TIMES NONCE "}" },
    { ID_TOKEN_MISSING, ES256, "{\"iss\":\"" ISSUER "\"" AUD TIMES NONCE "}" },
    { ID_TOKEN_MISSING, ES256, "{" WHO TIMES NONCE "}" },
    { ID_TOKEN_MISSING, ES256, "{" WHO AUD NONCE ",\"iat\":1}" },
    { ID_TOKEN_MISSING, ES256, "{" WHO AUD NONCE ",\"exp\":1800000300}" },
    { ID_TOKEN_ISSUER, ES256,
      "{\"iss\":\"https://evil.example\",\"sub\":\"alice\"" AUD TIMES NONCE "}" },
    { ID_TOKEN_ISSUER, ES256, "{\"iss\":\"" ISSUER "/\",\"sub\":\"alice\"" AUD TIMES NONCE "}" },
    { ID_TOKEN_AUDIENCE, ES256, "{" WHO ",\"aud\":\"another\"" TIMES NONCE "}" },
    { ID_TOKEN_AUDIENCE, ES256, "{" WHO ",\"aud\":[\"apps\",\"ap\"]" TIMES NONCE "}" },
    { ID_TOKEN_GOOD, ES256, WITH(",\"azp\":\"app\"") },
    { ID_TOKEN_AZP, ES256, WITH(",\"azp\":\"another\"") },
    { ID_TOKEN_AZP, ES256, "{" WHO ",\"aud\":[\"app\",\"another\"]" TIMES NONCE "}" },
    { ID_TOKEN_GOOD, ES256,
      "{" WHO ",\"aud\":[\"another\",\"app\"],\"azp\":\"app\"" TIMES NONCE "}" },
    { ID_TOKEN_EXPIRED, ES256, "{" WHO AUD NONCE ",\"iat\":1,\"exp\":1799999940}" },
    { ID_TOKEN_GOOD, ES256, "{" WHO AUD NONCE ",\"iat\":1,\"exp\":1799999941}" },
    { ID_TOKEN_FUTURE, ES256, "{" WHO AUD NONCE ",\"iat\":1800000061,\"exp\":1800000300}" },
    { ID_TOKEN_FUTURE, ES256, WITH(",\"nbf\":1800000061") },
    { ID_TOKEN_NONCE, ES256, "{" WHO AUD TIMES "}" },
    { ID_TOKEN_NONCE, ES256, "{" WHO AUD TIMES ",\"nonce\":\"n-0S6_WzA2MJ\"}" },
    /* of "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y" (OpenID Connect Core A.3) */
    { ID_TOKEN_GOOD, ES256, WITH(",\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"") },
    { ID_TOKEN_AT_HASH, ES256, WITH(",\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RA\"") },
    { ID_TOKEN_AT_HASH, "{\"alg\":\"ES384\"}", WITH(",\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"") },
    { ID_TOKEN_AT_HASH, "{\"alg\":\"EdDSA\"}", WITH(",\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\"") },
};

static struct id_token_rules rules_of_login(void)
{
    return (struct id_token_rules){
        .issuer = STR(ISSUER),
        .client_id = STR("app"),
        .nonce = STR("n-0S6_WzA2Mj"),
        .access_token = STR("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
        .leeway_s = 60,
    };
}

TEST(each_rule_of_the_standard_is_kept)
{
    struct id_token_rules rules = rules_of_login();

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum id_token_verdict verdict;

        if (!read_token(rows[i].header, rows[i].claims))
            TEST_FAIL("cannot be read: %s", rows[i].claims);
        verdict = id_token_judge(&jwt, &rules, NOW);
        if (verdict != rows[i].verdict)
            TEST_FAIL("%s: %s", rows[i].claims, id_token_sentence(verdict));
    }
}

TEST(a_renewal_is_of_the_same_person_and_needs_no_nonce)
{
    struct id_token_rules rules = rules_of_login();

    rules.nonce = STR_NONE;
    rules.subject = STR("alice");
    REQUIRE(read_token(ES256, "{" WHO AUD TIMES "}"));
    CHECK_INT(id_token_judge(&jwt, &rules, NOW), ID_TOKEN_GOOD);
    rules.subject = STR("bob");
    CHECK_INT(id_token_judge(&jwt, &rules, NOW), ID_TOKEN_SUBJECT);
}

TEST(without_an_issuer_to_compare_with_no_token_is_good)
{
    struct id_token_rules rules = rules_of_login();

    rules.issuer = STR_NONE;
    REQUIRE(read_token(ES256, GOOD));
    CHECK_INT(id_token_judge(&jwt, &rules, NOW), ID_TOKEN_ISSUER);
}

TEST(people_are_called_by_a_name_that_can_be_shown)
{
    REQUIRE(read_token(ES256, WITH(",\"name\":\"Alice A.\",\"email\":\"a@example.com\"")));
    CHECK_STR(id_token_name(&jwt), "Alice A.");
    REQUIRE(read_token(ES256, WITH(",\"name\":\"\\u001b[2J\",\"email\":\"a@example.com\"")));
    CHECK_STR(id_token_name(&jwt), "a@example.com");
    REQUIRE(read_token(ES256, WITH(",\"name\":7,\"preferred_username\":\"al\"")));
    CHECK_STR(id_token_name(&jwt), "al");
    REQUIRE(read_token(ES256, GOOD));
    CHECK(id_token_name(&jwt).data == NULL);
}

TEST(nothing_unsigned_is_read)
{
    CHECK(!read_token("{\"alg\":\"none\"}", GOOD));
    CHECK(!read_token("{\"alg\":\"ES256\",\"jwk\":{}}", GOOD));
}

/* SPDX-License-Identifier: MIT */
/* Sets of keys: which keys are taken, why others are not, and which are tried for a token. */
#include "jwk.h"
#include "signer.h"
#include "str.h"
#include "test.h"

#include <openssl/x509.h>

enum { TEXT_MAX = 300 * 1024 };

static char text[TEXT_MAX];

static void remember(size_t index, struct paa_str kid, const char *why, void *context)
{
    const char **first = (const char **)context;

    (void)kid;
    if (index == 0)
        *first = why;
}

/* The set of one key; *ret_told: why it was left out. */
static struct jwk_set *set_of(const char *key, uint32_t flags, const char **ret_told)
{
    const char *why = NULL;
    struct jwk_set *set;

    *ret_told = NULL;
    snprintf(text, sizeof text, "{\"keys\":[%s]}", key);
    set = jwk_set_read(paa_bytes_of(text, strlen(text)), flags, remember, (void *)ret_told, &why);
    if (set == NULL && *ret_told == NULL)
        *ret_told = why;
    return set;
}

struct refused {
    const char *name;
    const char *key;
    const char *why; /* part of it */
};

#define P256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define P256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define A64    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A320   A64 A64 A64 A64 A64
/* 2048 bits, odd, and 2047 */
#define N_2048 "g" A320 "AAAAAAAAAAAAAAAAAAAAQ"
#define N_2047 "Q" A320 "AAAAAAAAAAAAAAAAAAAAQ"
#define N_EVEN "g" A320 "AAAAAAAAAAAAAAAAAAAAA"
#define N_1024 "g" A64 A64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQ"

static const struct refused refused[] = {
    { "no object", "1", "is no object" },
    { "an array", "[]", "is no object" },
    { "empty", "{}", "\"kty\"" },
    { "kty unknown", "{\"kty\":\"AKP\"}", "\"kty\"" },
    { "kty in small letters", "{\"kty\":\"rsa\"}", "\"kty\"" },
    { "kty a number", "{\"kty\":1}", "\"kty\"" },
    { "a secret", "{\"kty\":\"oct\",\"k\":\"" A64 "\"}", "is a secret" },
    { "RSA without n", "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "\"n\"" },
    { "RSA without e", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\"}", "\"e\"" },
    { "RSA with n in base64", "{\"kty\":\"RSA\",\"n\":\"+/" N_2048 "\",\"e\":\"AQAB\"}", "\"n\"" },
    { "RSA with a zero before n", "{\"kty\":\"RSA\",\"n\":\"AA" N_2048 "\",\"e\":\"AQAB\"}",
      "\"n\"" },
    { "RSA of 2047 bits", "{\"kty\":\"RSA\",\"n\":\"" N_2047 "\",\"e\":\"AQAB\"}", "2048 bits" },
    { "RSA of 1024 bits", "{\"kty\":\"RSA\",\"n\":\"" N_1024 "\",\"e\":\"AQAB\"}", "2048 bits" },
    { "RSA with n of one byte", "{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"}", "2048 bits" },
    { "RSA of 8200 bits",
      "{\"kty\":\"RSA\",\"n\":\"g" A320 A320 A320 A320
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE\""
      ",\"e\":\"AQAB\"}",
      "\"n\"" },
    { "RSA with an even n", "{\"kty\":\"RSA\",\"n\":\"" N_EVEN "\",\"e\":\"AQAB\"}",
      "even modulus" },
    { "RSA with e = 1", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQ\"}", "even or 1" },
    { "RSA with e = 0", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AA\"}", "\"e\"" },
    { "RSA with e = 2", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"Ag\"}", "even or 1" },
    { "RSA with e empty", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"\"}", "\"e\"" },
    { "RSA with e of 72 bits", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAAAAAAAAAB\"}",
      "\"e\"" },
    { "RSA with e as a number", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":65537}", "\"e\"" },
    { "RSA, private", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"d\":\"AQ\"}",
      "private" },
    { "RSA with a prime", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"p\":\"AQ\"}",
      "private" },
    { "RSA with a secret", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"k\":\"AQ\"}",
      "private" },
    { "EC without crv", "{\"kty\":\"EC\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}", "curve" },
    { "EC of secp256k1",
      "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}", "curve" },
    { "EC of P-224", "{\"kty\":\"EC\",\"crv\":\"P-224\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}",
      "curve" },
    { "EC without y", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\"}",
      "\"x\" and \"y\"" },
    { "EC with x too short", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQ\",\"y\":\"" P256_Y "\"}",
      "\"x\" and \"y\"" },
    { "EC with x too long",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA" P256_X "\",\"y\":\"" P256_Y "\"}",
      "\"x\" and \"y\"" },
    { "EC of another curve's size",
      "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\"}",
      "\"x\" and \"y\"" },
    { "EC off the curve",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_X "\"}", "no point" },
    { "EC at (0, 0)",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
      "\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
      "no point" },
    { "EC with x beyond the field",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"__________________________________________8\","
      "\"y\":\"" P256_Y "\"}",
      "no point" },
    { "EC, private",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y "\",\"d\":\"AQ\"}",
      "private" },
    { "OKP of X25519",
      "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
      "curve" },
    { "OKP of Ed448",
      "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
      "curve" },
    { "OKP with x too short", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qY\"}", "\"x\"" },
    { "OKP, private",
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\","
      "\"d\":\"AQ\"}",
      "private" },
    { "OKP, y = 0",
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
      "anybody" },
    { "OKP, the neutral point",
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
      "anybody" },
    { "OKP, the neutral point with a sign",
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA\"}",
      "anybody" },
    { "OKP, y = -1",
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"7P_______________________________________38\"}",
      "anybody" },
    { "OKP, y = p",
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"7f_______________________________________38\"}",
      "anybody" },
    { "OKP of order 8",
      "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU\"}",
      "anybody" },
    { "for encryption", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"use\":\"enc\"}",
      "not meant" },
    { "use of another case",
      "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"use\":\"SIG\"}", "not meant" },
    { "use a number", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"use\":1}",
      "not meant" },
    { "key_ops without verify",
      "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"key_ops\":[\"encrypt\"]}",
      "not meant" },
    { "key_ops empty", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"key_ops\":[]}",
      "not meant" },
    { "key_ops a string",
      "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"key_ops\":\"verify\"}", "not meant" },
    { "alg of another type",
      "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"alg\":\"ES256\"}", "\"alg\"" },
    { "alg of another curve",
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" P256_X "\",\"y\":\"" P256_Y
      "\",\"alg\":\"ES384\"}",
      "\"alg\"" },
    { "alg HS256 of a public key",
      "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"alg\":\"HS256\"}", "\"alg\"" },
    { "alg none", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"alg\":\"none\"}",
      "\"alg\"" },
    { "alg unknown", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"alg\":\"RSA-OAEP\"}",
      "\"alg\"" },
    { "alg a number", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"alg\":256}",
      "\"alg\"" },
    { "kid a number", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"kid\":1}",
      "\"kid\"" },
    { "kid empty", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"kid\":\"\"}",
      "\"kid\"" },
    { "issuer a number", "{\"kty\":\"RSA\",\"n\":\"" N_2048 "\",\"e\":\"AQAB\",\"issuer\":1}",
      "\"kid\" or \"issuer\"" },
    { "x5c alone", "{\"kty\":\"RSA\",\"x5c\":[\"MIIB\"]}", "\"n\"" },
};

TEST(weak_private_and_malformed_keys_are_left_out_and_why)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const char *told;
        struct jwk_set *set = set_of(refused[i].key, 0, &told);

        if (set != NULL || told == NULL || strstr(told, refused[i].why) == NULL)
            TEST_FAIL("%s: %s", refused[i].name, told != NULL ? told : "taken");
        jwk_set_free(set);
    }
}

TEST(keys_that_say_what_they_are_for_are_taken)
{
    static const struct {
        const char *more;
        uint32_t algs;
    } rows[] = {
        { "", ALG_BIT(ALG_ES256) },
        { ",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"ES256\"", ALG_BIT(ALG_ES256) },
        { ",\"key_ops\":[\"sign\",\"verify\"]", ALG_BIT(ALG_ES256) },
        { ",\"x5c\":[\"junk\"],\"x5u\":\"https://evil\",\"x5t\":1,\"other\":{}",
          ALG_BIT(ALG_ES256) },
    };
    char key[512];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *told;
        struct jwk_set *set;

        snprintf(key, sizeof key, "{%s%s}", signer_p256, rows[i].more);
        set = set_of(key, 0, &told);
        REQUIRE(set != NULL);
        CHECK_INT(set->count, 1);
        CHECK_INT(set->keys[0].algs, rows[i].algs);
        CHECK(set->bytes > sizeof *set);
        jwk_set_free(set);
    }
}

TEST(an_rsa_key_verifies_six_algorithms_unless_it_names_one)
{
    char key[1024];
    const char *told;
    struct jwk_set *set;

    snprintf(key, sizeof key, "{%s}", signer_rsa);
    set = set_of(key, 0, &told);
    REQUIRE(set != NULL);
    CHECK_INT(set->keys[0].algs, ALG_BIT(ALG_RS256) | ALG_BIT(ALG_RS384) | ALG_BIT(ALG_RS512) |
                                     ALG_BIT(ALG_PS256) | ALG_BIT(ALG_PS384) | ALG_BIT(ALG_PS512));
    jwk_set_free(set);
    snprintf(key, sizeof key, "{%s,\"alg\":\"PS512\"}", signer_rsa);
    set = set_of(key, 0, &told);
    REQUIRE(set != NULL);
    CHECK_INT(set->keys[0].algs, ALG_BIT(ALG_PS512));
    jwk_set_free(set);
}

/* ---- secrets ----------------------------------------------------------------------------------- */

TEST(a_secret_verifies_what_it_is_long_enough_for)
{
    static const struct {
        size_t size;
        uint32_t algs;
    } rows[] = { { 0, 0 },
                 { 31, 0 },
                 { 32, ALG_BIT(ALG_HS256) },
                 { 48, ALG_BIT(ALG_HS256) | ALG_BIT(ALG_HS384) },
                 { 64, ALGS_SECRET },
                 { JWK_SECRET_MAX, ALGS_SECRET },
                 { JWK_SECRET_MAX + 1, 0 } };
    static const unsigned char bytes[JWK_SECRET_MAX + 1] = { 1 };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = NULL;
        struct jwk key;
        bool is_made = jwk_of_secret(paa_bytes_of(bytes, rows[i].size), &key, &why);

        CHECK_INT(is_made, rows[i].algs != 0);
        CHECK(is_made || why != NULL);
        if (is_made) {
            CHECK_INT(key.algs, rows[i].algs);
            jwk_done(&key);
        }
    }
}

TEST(secrets_are_taken_from_sets_only_where_asked_for)
{
    char key[256];
    const char *told;
    struct jwk_set *set;

    snprintf(key, sizeof key, "{%s,\"alg\":\"HS256\"}", signer_secret);
    CHECK(set_of(key, 0, &told) == NULL);
    set = set_of(key, JWK_TAKES_SECRETS, &told);
    REQUIRE(set != NULL);
    CHECK_INT(set->keys[0].type, KEY_SECRET);
    CHECK_INT(set->keys[0].algs, ALG_BIT(ALG_HS256));
    jwk_set_free(set);
    CHECK(set_of("{\"kty\":\"oct\",\"k\":\"AAAA\"}", JWK_TAKES_SECRETS, &told) == NULL);
    CHECK_HAS(told, "32 bytes");
}

/* ---- sets -------------------------------------------------------------------------------------- */

TEST(a_text_that_is_no_set_is_refused_and_why)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        { "", "empty" },
        { "null", "no JSON object" },
        { "[]", "no JSON object" },
        { "{\"keys\"", "not JSON" },
        { "{}", "no array" },
        { "{\"keys\":{}}", "no array" },
        { "{\"keys\":null}", "no array" },
        { "{\"Keys\":[]}", "no array" },
        { "{\"keys\":[]}", "has no key" },
        { "{\"keys\":[],\"keys\":[]}", "twice" },
        { "{\"keys\":[{\"kty\":\"RSA\",\"kty\":\"EC\"}]}", "twice" },
        { "{\"keys\":[{},1,null]}", "no usable key" },
        { "<html>", "not JSON" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *why = NULL;

        CHECK(jwk_set_read(paa_bytes_of(rows[i].text, strlen(rows[i].text)), 0, NULL, NULL, &why) ==
              NULL);
        CHECK(why != NULL);
        CHECK_HAS(why != NULL ? why : "", rows[i].why);
    }
}

/* RFC 7517 A.1: the first key is for encryption. */
#define EC_7517                                                                                    \
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","      \
    "\"y\":"                                                                                       \
    "\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\""
#define SET_7517_A_1                                                                               \
    "{\"keys\":[{" EC_7517 ",\"use\":\"enc\",\"kid\":\"1\"},{\"kty\":\"RSA\",\"n\":"               \
    "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"    \
    "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"              \
    "65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"   \
    "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\","    \
    "\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}]}"
/* RFC 7517 A.2, its first key, but for "use", which would keep it out by itself: a private key. */
#define SET_7517_A_2                                                                               \
    "{\"keys\":[{" EC_7517                                                                         \
    ",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\",\"use\":\"sig\",\"kid\":\"1\"}]}"
/* RFC 7517 A.3: the first secret wraps keys. */
#define SET_7517_A_3                                                                               \
    "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"A128KW\",\"k\":\"GawgguFyGrWKav7AX4VKUg\"},{\"kty\":"   \
    "\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjA" \
    "zZr1Z9CAow\",\"kid\":\"HMAC key used in JWS spec Appendix A.1 example\"}]}"
/* RFC 7517 B. Its certificate has expired, and is nothing that keys are judged by. */
#define SET_7517_B                                                                                 \
    "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"kid\":\"1b94c\",\"n\":\"vrjOfz9Ccdgx5nQudyhdoR" \
    "17V-IubWMeOZCwX_jj0hgAsz2J_pqYW08PLbK_PdiVGKPrqzmDIsLI7sA25VEnHU1uCLNwBuUiCO11_-7dYbsr4iJmG0" \
    "Qu2j8DsVyT1azpJC_NG84Ty5KKthuCaPod7iI7w0LK9orSMhBEwwZDCxTWq4aYWAchc8t-emd9qOvWtVMDC2BXksRngh" \
    "6X5bUYLy6AyHKvj-nUy1wgzjYQDwHMTplCoLtU-o-8SNnZ1tmRoGE9uJkBLdh5gFENabWnU5m1ZqZPdwS-qo-meMvVfJ" \
    "b6jJVWRpl2SUtCnYG2C32qvbWbjZ_jBPD5eunqsIo1vQ\",\"e\":\"AQAB\",\"x5c\":[\"MIIDQjCCAiqgAwIBAgI" \
    "GATz/FuLiMA0GCSqGSIb3DQEBBQUAMGIxCzAJBgNVBAYTAlVTMQswCQYDVQQIEwJDTzEPMA0GA1UEBxMGRGVudmVyMRw" \
    "wGgYDVQQKExNQaW5nIElkZW50aXR5IENvcnAuMRcwFQYDVQQDEw5CcmlhbiBDYW1wYmVsbDAeFw0xMzAyMjEyMzI5MTV" \
    "aFw0xODA4MTQyMjI5MTVaMGIxCzAJBgNVBAYTAlVTMQswCQYDVQQIEwJDTzEPMA0GA1UEBxMGRGVudmVyMRwwGgYDVQQ" \
    "KExNQaW5nIElkZW50aXR5IENvcnAuMRcwFQYDVQQDEw5CcmlhbiBDYW1wYmVsbDCCASIwDQYJKoZIhvcNAQEBBQADggE" \
    "PADCCAQoCggEBAL64zn8/QnHYMeZ0LncoXaEde1fiLm1jHjmQsF/449IYALM9if6amFtPDy2yvz3YlRij66s5gyLCyO7" \
    "ANuVRJx1NbgizcAblIgjtdf/u3WG7K+IiZhtELto/A7Fck9Ws6SQvzRvOE8uSirYbgmj6He4iO8NCyvaK0jIQRMMGQws" \
    "U1quGmFgHIXPLfnpnfajr1rVTAwtgV5LEZ4Iel+W1GC8ugMhyr4/p1MtcIM42EA8BzE6ZQqC7VPqPvEjZ2dbZkaBhPbi" \
    "ZAS3YeYBRDWm1p1OZtWamT3cEvqqPpnjL1XyW+oyVVkaZdklLQp2Btgt9qr21m42f4wTw+Xrp6rCKNb0CAwEAATANBgk" \
    "qhkiG9w0BAQUFAAOCAQEAh8zGlfSlcI0o3rYDPBB07aXNswb4ECNIKG0CETTUxmXl9KUL+9gGlqCz5iWLOgWsnrcKcY0" \
    "vXPG9J1r9AqBNTqNgHq2G03X09266X5CpOe1zFo+Owb1zxtp3PehFdfQJ610CDLEaS9V9Rqp17hCyybEpOGVwe8fnk+f" \
    "bEL2Bo3UPGrpsHzUoaGpDftmWssZkhpBJKVMJyf/RuP2SmmaIzmnw9JiSlYhzo4tpzd5rFXhjRbg4zW9C+2qok+2+qDM" \
    "1iJ684gPHMIY8aLWrdgQTxkumGmTqgawR+N5MDtdPTEQ0XfIBc2cJEUyMTY5MPvACWpkA6SdS4xSvdXK3IVfOWA==\"]" \
    "}]}"

TEST(the_sets_of_rfc_7517_give_what_signatures_are_verified_with)
{
    static const struct {
        const char *set;
        uint32_t flags;
        const char *kid; /* of the one key that is taken; NULL: none */
        uint32_t algs;
    } rows[] = {
        { SET_7517_A_1, 0, "2011-04-29", ALG_BIT(ALG_RS256) },
        { SET_7517_A_2, 0, NULL, 0 },
        { SET_7517_A_3, 0, NULL, 0 },
        { SET_7517_A_3, JWK_TAKES_SECRETS, "HMAC key used in JWS spec Appendix A.1 example",
          ALGS_SECRET },
        { SET_7517_B, 0, "1b94c",
          ALG_BIT(ALG_RS256) | ALG_BIT(ALG_RS384) | ALG_BIT(ALG_RS512) | ALG_BIT(ALG_PS256) |
              ALG_BIT(ALG_PS384) | ALG_BIT(ALG_PS512) },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct paa_bytes bytes = paa_bytes_of(rows[i].set, strlen(rows[i].set));
        const char *why = NULL;
        struct jwk_set *set = jwk_set_read(bytes, rows[i].flags, NULL, NULL, &why);

        CHECK_INT(set != NULL, rows[i].kid != NULL);
        if (set == NULL)
            continue;
        CHECK_INT(set->count, 1);
        CHECK_STR(set->keys[0].kid, rows[i].kid);
        CHECK_INT(set->keys[0].algs, rows[i].algs);
        jwk_set_free(set);
    }
}

TEST(a_set_is_bounded_in_bytes_and_keys)
{
    const char *why = NULL, *told;
    struct jwk_set *set;
    size_t size = 0;

    memset(text, ' ', sizeof text);
    CHECK(jwk_set_read(paa_bytes_of(text, JWK_SET_TEXT_MAX + 1), 0, NULL, NULL, &why) == NULL);
    CHECK_HAS(why, "larger");
    for (int i = 0; i < JWK_SET_KEYS_MAX + 3; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s{%s}",
                                 i == 0 ? "{\"keys\":[" : ",", signer_ed25519);
    size += (size_t)snprintf(text + size, sizeof text - size, "]}");
    told = NULL;
    set = jwk_set_read(paa_bytes_of(text, size), 0, remember, (void *)&told, &why);
    REQUIRE(set != NULL);
    CHECK_INT(set->count, JWK_SET_KEYS_MAX);
    jwk_set_free(set);
}

TEST(good_keys_beside_bad_ones_are_used)
{
    char keys[2048];
    const char *told;
    struct jwk_set *set;

    snprintf(keys, sizeof keys, "{\"kty\":\"oct\",\"k\":\"AA\"},{%s,\"kid\":\"a\"},7", signer_p256);
    set = set_of(keys, 0, &told);
    REQUIRE(set != NULL);
    CHECK_INT(set->count, 1);
    CHECK_HAS(told, "secret");
    CHECK(jwk_set_has_kid(set, STR("a")));
    CHECK(!jwk_set_has_kid(set, STR("b")));
    jwk_set_free(set);
}

static size_t tries(const struct jwk_set *set, struct paa_str kid, const char *issuer,
                    enum jose_alg alg)
{
    struct jwk_query query = { .kid = kid, .issuer = paa_str_of(issuer), .alg = alg };
    size_t count = 0;

    while (jwk_set_next(set, &query) != NULL)
        count++;
    return count;
}

TEST(keys_are_found_by_kid_algorithm_and_issuer)
{
    char keys[4096];
    const char *told;
    struct jwk_set *set;

    snprintf(keys, sizeof keys,
             "{%s,\"kid\":\"a\"},{%s,\"kid\":\"a\"},{%s,\"kid\":\"b\",\"issuer\":\"https://i\"},"
             "{%s},{%s,\"kid\":\"t\",\"issuer\":\"https://l/{tenantid}/v2\"}",
             signer_p256, signer_p521, signer_p256, signer_p256, signer_p256);
    set = set_of(keys, 0, &told);
    REQUIRE(set != NULL);
    CHECK_INT(tries(set, STR("a"), "https://i", ALG_ES256), 1);
    CHECK_INT(tries(set, STR("a"), "https://i", ALG_ES512), 1);
    CHECK_INT(tries(set, STR("a"), "https://i", ALG_RS256), 0);
    CHECK_INT(tries(set, STR("A"), "https://i", ALG_ES256), 0);
    CHECK_INT(tries(set, STR("b"), "https://i", ALG_ES256), 1);
    CHECK_INT(tries(set, STR("b"), "https://j", ALG_ES256), 0);
    CHECK_INT(tries(set, STR("t"), "https://l/0f-9/v2", ALG_ES256), 1);
    CHECK_INT(tries(set, STR("t"), "https://l/0f/9/v2", ALG_ES256), 0);
    CHECK_INT(tries(set, STR("t"), "https://l//v2", ALG_ES256), 0);
    CHECK_INT(tries(set, STR("t"), "https://l/v2", ALG_ES256), 0);
    CHECK_INT(tries(set, STR("t"), "https://evil/0f/v2", ALG_ES256), 0);
    CHECK_INT(tries(set, STR_NONE, "https://i", ALG_ES256), 3);
    CHECK_INT(tries(set, STR(""), "https://i", ALG_ES256), 0);
    jwk_set_free(set);
}

TEST(a_token_is_tried_with_few_keys)
{
    size_t size = 0;
    const char *told;
    char keys[4096];
    struct jwk_set *set;

    for (int i = 0; i < JWK_TRIES_MAX + 3; i++)
        size += (size_t)snprintf(keys + size, sizeof keys - size, "%s{%s,\"kid\":\"a\"}",
                                 i == 0 ? "" : ",", signer_p256);
    set = set_of(keys, 0, &told);
    REQUIRE(set != NULL);
    CHECK_INT(tries(set, STR("a"), "x", ALG_ES256), JWK_TRIES_MAX);
    CHECK_INT(tries(set, STR_NONE, "x", ALG_ES256), JWK_TRIES_MAX);
    jwk_set_free(set);
}

TEST(der_that_is_no_key_for_jose_is_refused)
{
    static const unsigned char junk[] = { 0x30, 0x03, 0x02, 0x01, 0x00 };
    const char *why = NULL;
    struct jwk key;
    EVP_PKEY *made = EVP_EC_gen("secp256k1");
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(made, &der);

    CHECK(!jwk_of_spki(paa_bytes_of(junk, sizeof junk), &key, &why));
    CHECK(!jwk_of_spki(BYTES_NONE, &key, &why));
    REQUIRE(size > 0);
    CHECK(!jwk_of_spki(paa_bytes_of(der, (size_t)size), &key, &why));
    CHECK(key.key == NULL);
    OPENSSL_free(der);
    EVP_PKEY_free(made);
}

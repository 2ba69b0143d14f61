/* SPDX-License-Identifier: MIT */
/* Signatures and thumbprints as the RFCs print them; and each algorithm with every key that is not its own. */
#include "codec.h"
#include "jws.h"
#include "jwt.h"
#include "signer.h"
#include "str.h"
#include "test.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>

struct vector {
    const char *section;
    const char *key; /* members of a JWK */
    enum jose_alg alg;
    const char *token;
};

#define PAYLOAD_7515                                                                               \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define PAYLOAD_7520                                                                               \
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250" \
    "byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hl" \
    "cmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
#define RSA_7520                                                                                   \
    "\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"e\":\"AQAB\","   \
    "\"n\":\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZ" \
    "QHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpP" \
    "e7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_" \
    "vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\""

static const struct vector vectors[] = {
    { "RFC 7515 A.1", signer_secret, ALG_HS256,
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." PAYLOAD_7515
      ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" },
    { "RFC 7515 A.2", signer_rsa, ALG_RS256,
      "eyJhbGciOiJSUzI1NiJ9." PAYLOAD_7515
      ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W"
      "2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQ"
      "BMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeY"
      "I2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw" },
    { "RFC 7515 A.3", signer_p256, ALG_ES256,
      "eyJhbGciOiJFUzI1NiJ9." PAYLOAD_7515
      ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q" },
    { "RFC 7515 A.4", signer_p521, ALG_ES512,
      "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA"
      ".AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7Xdt"
      "AG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn" },
    { "RFC 7520 4.1", RSA_7520, ALG_RS256,
      "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." PAYLOAD_7520
      ".MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83x"
      "uglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5a"
      "AE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0K"
      "LUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg" },
    { "RFC 7520 4.2", RSA_7520, ALG_PS384,
      "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." PAYLOAD_7520
      ".cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6"
      "O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJ"
      "RmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAe"
      "QTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw" },
    { "RFC 7520 4.3",
      "\"kty\":\"EC\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"crv\":\"P-521\","
      "\"x\":\"AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-"
      "7ytDyRXYgCF5cj0K"
      "t\",\"y\":\"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGf"
      "P-HqHZR1\"",
      ALG_ES512,
      "eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9." PAYLOAD_7520
      ".AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJ"
      "AQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2" },
    { "RFC 7520 4.4",
      "\"kty\":\"oct\",\"kid\":\"018c0ae5-4d9b-471b-bfd6-eef314bc7037\",\"use\":\"sig\",\"alg\":"
      "\"HS256\",\"k\":\"hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg\"",
      ALG_HS256,
      "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9"
      "." PAYLOAD_7520 ".s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0" },
    { "RFC 8037 A.4 and A.5", signer_ed25519, ALG_ED25519,
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
      ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg" },
};

enum { VECTORS = sizeof vectors / sizeof vectors[0] };

static struct jwk_set *set_of(const char *members)
{
    char text[4096];
    const char *why = "";
    struct jwk_set *set;

    snprintf(text, sizeof text, "{\"keys\":[{%s}]}", members);
    set = jwk_set_read(paa_bytes_of(text, strlen(text)), JWK_TAKES_SECRETS, NULL, NULL, &why);
    if (set == NULL)
        TEST_FAIL("%s: %s", members, why);
    return set;
}

static enum jws_verdict verdict_of(struct jws_lane *lane, const struct jwk *key, enum jose_alg alg,
                                   const char *token)
{
    unsigned char signature[JWS_SIGNATURE_MAX + 2];
    struct jwt_parts parts;
    size_t size = 0;

    if (jwt_split(paa_str_of(token), &parts).verdict != JWT_GOOD ||
        !base64url_decode(parts.signature, signature, &size))
        return (enum jws_verdict)0;
    return jws_verify(lane, key, alg, parts.input, paa_bytes_of(signature, size));
}

TEST(signatures_of_the_rfcs_are_good_again_and_again)
{
    struct jws_lane lane = { 0 };

    for (int turn = 0; turn < 3; turn++)
        for (size_t i = 0; i < VECTORS; i++) {
            struct jwk_set *set = set_of(vectors[i].key);

            REQUIRE(set != NULL);
            if (verdict_of(&lane, &set->keys[0], vectors[i].alg, vectors[i].token) != JWS_GOOD)
                TEST_FAIL("%s, turn %d", vectors[i].section, turn);
            jwk_set_free(set);
        }
    jws_lane_done(&lane);
}

/* One bit of input or signature: never good, and the lane's context works on. */
TEST(a_signature_of_the_rfcs_with_one_bit_turned_is_bad)
{
    struct jws_lane lane = { 0 };
    char token[2048];

    for (size_t i = 0; i < VECTORS; i++) {
        struct jwk_set *set = set_of(vectors[i].key);
        size_t dot = strlen(vectors[i].token);

        REQUIRE(set != NULL);
        while (vectors[i].token[dot] != '.')
            dot--;
        strcpy(token, vectors[i].token);
        token[dot + 3] = token[dot + 3] == 'A' ? 'B' : 'A';
        CHECK_INT(verdict_of(&lane, &set->keys[0], vectors[i].alg, token), JWS_BAD);
        strcpy(token, vectors[i].token);
        token[dot - 3] = token[dot - 3] == 'A' ? 'B' : 'A';
        CHECK_INT(verdict_of(&lane, &set->keys[0], vectors[i].alg, token), JWS_BAD);
        CHECK_INT(verdict_of(&lane, &set->keys[0], vectors[i].alg, vectors[i].token), JWS_GOOD);
        jwk_set_free(set);
    }
    jws_lane_done(&lane);
}

TEST(every_algorithm_verifies_what_was_signed_by_it_and_by_no_other)
{
    static const char header[] = "{}", payload[] = "{\"a\":1}";
    static const char *const keys[] = { signer_rsa, signer_p256, signer_p521, signer_ed25519,
                                        signer_secret };
    struct jws_lane lane = { 0 };
    char token[SIGNER_TOKEN_MAX];

    for (unsigned signs = 1; signs < ALG_END; signs++) {
        if (alg_row((enum jose_alg)signs)->key == KEY_P384)
            continue;
        signer_token(STR(header), STR(payload), (enum jose_alg)signs, NULL, token);
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            struct jwk_set *set = set_of(keys[k]);

            REQUIRE(set != NULL);
            for (unsigned alg = 1; alg < ALG_END; alg++) {
                enum jws_verdict verdict =
                    verdict_of(&lane, &set->keys[0], (enum jose_alg)alg, token);

                if ((verdict == JWS_GOOD) !=
                    (alg == signs && set->keys[0].type == alg_row((enum jose_alg)alg)->key))
                    TEST_FAIL("signed by %u, key %zu, verified as %u: %d", signs, k, alg,
                              (int)verdict);
            }
            jwk_set_free(set);
        }
    }
    jws_lane_done(&lane);
}

TEST(a_p384_key_goes_through_der_and_json_and_verifies)
{
    EVP_PKEY *made = signer_key(KEY_P384);
    unsigned char *der = NULL;
    struct jws_lane lane = { 0 };
    char token[SIGNER_TOKEN_MAX];
    const char *why = "";
    struct jwk_set *set;
    struct jwk key;
    struct buf buf;
    int size = i2d_PUBKEY(made, &der);

    REQUIRE(size > 0);
    signer_token(STR("{}"), STR("{}"), ALG_ES384, made, token);
    REQUIRE(jwk_of_spki(paa_bytes_of(der, (size_t)size), &key, &why));
    CHECK_INT(verdict_of(&lane, &key, ALG_ES384, token), JWS_GOOD);
    buf_init(&buf, 4096);
    REQUIRE(jwk_write(&key, &buf));
    buf.data[buf.size - 1] = '\0'; /* without its brackets */
    set = set_of(buf.data + 1);
    REQUIRE(set != NULL);
    CHECK_INT(verdict_of(&lane, &set->keys[0], ALG_ES384, token), JWS_GOOD);
    CHECK(memcmp(set->keys[0].thumbprint, key.thumbprint, JWK_THUMBPRINT_SIZE) == 0);
    jwk_set_free(set);
    buf_free(&buf);
    jwk_done(&key);
    jws_lane_done(&lane);
    OPENSSL_free(der);
    EVP_PKEY_free(made);
}

/* ---- CVE-2022-21449 and its kin ---------------------------------------------------------------- */

TEST(an_ecdsa_signature_of_zeroes_or_of_the_order_is_bad)
{
    /* the order of P-256, and its number of bytes all ones */
    static const unsigned char order[32] = { 0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                             0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                             0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
    struct jwk_set *set = set_of(signer_p256);
    struct jws_lane lane = { 0 };
    unsigned char signature[64] = { 0 };

    REQUIRE(set != NULL);
    for (int i = 0; i < 4; i++) {
        if (i == 1)
            memset(signature, 0xff, sizeof signature);
        if (i == 2)
            memcpy(signature, order, sizeof order);
        if (i == 3)
            memcpy(signature + 32, order, sizeof order);
        CHECK_INT(jws_verify(&lane, &set->keys[0], ALG_ES256, STR("a.b"),
                             paa_bytes_of(signature, sizeof signature)),
                  JWS_BAD);
    }
    jws_lane_done(&lane);
    jwk_set_free(set);
}

TEST(a_signature_of_another_size_is_refused_before_anything_is_computed)
{
    static const char *const keys[] = { signer_rsa, signer_p256, signer_p521, signer_ed25519,
                                        signer_secret };
    static const enum jose_alg algs[] = { ALG_RS256, ALG_ES256, ALG_ES512, ALG_ED25519, ALG_HS256 };
    static const size_t sizes[] = { 256, 64, 132, 64, 32 };
    unsigned char signature[JWS_SIGNATURE_MAX + 1] = { 0 };
    struct jws_lane lane = { 0 };

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        struct jwk_set *set = set_of(keys[k]);

        REQUIRE(set != NULL);
        for (size_t size = 0; size <= sizeof signature; size++)
            if ((jws_verify(&lane, &set->keys[0], algs[k], STR("a.b"),
                            paa_bytes_of(signature, size)) == JWS_SIZE) != (size != sizes[k]))
                TEST_FAIL("key %zu, %zu bytes", k, size);
        jwk_set_free(set);
    }
    jws_lane_done(&lane);
}

/* ---- lanes ------------------------------------------------------------------------------------- */

TEST(a_lane_keeps_few_contexts_and_works_with_many_keys)
{
    enum { KEYS = JWS_CONTEXTS_MAX + 5 };
    struct jwk_set *sets[KEYS];
    struct jws_lane lane = { 0 };

    for (size_t i = 0; i < KEYS; i++)
        sets[i] = set_of(signer_p256);
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < KEYS; i++)
            CHECK_INT(verdict_of(&lane, &sets[i]->keys[0], ALG_ES256, vectors[2].token), JWS_GOOD);
    for (size_t i = 0; i < KEYS; i++)
        jwk_set_free(sets[i]);
    jws_lane_done(&lane);
}

struct sharing {
    const struct jwk_set *set;
    int bad;
};

static void *verify_often(void *arg)
{
    struct sharing *sharing = (struct sharing *)arg;
    struct jws_lane lane = { 0 };

    for (int i = 0; i < 20; i++)
        sharing->bad +=
            verdict_of(&lane, &sharing->set->keys[0], vectors[1].alg, vectors[1].token) != JWS_GOOD;
    jws_lane_done(&lane);
    return NULL;
}

TEST(threads_share_keys_and_have_lanes_of_their_own)
{
    enum { THREADS = 4 };
    struct jwk_set *set = set_of(vectors[1].key);
    struct sharing sharing[THREADS];
    pthread_t threads[THREADS];

    REQUIRE(set != NULL);
    for (size_t i = 0; i < THREADS; i++) {
        sharing[i] = (struct sharing){ .set = set };
        REQUIRE(pthread_create(&threads[i], NULL, verify_often, &sharing[i]) == 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_INT(sharing[i].bad, 0);
    }
    jwk_set_free(set);
}

/* nginx logs what others leave in the queue */
TEST(error_queue_and_errno_stay_as_they_were)
{
    static const char bad[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                              "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
                              "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}";
    unsigned char signature[256] = { 1 };
    struct jws_lane lane = { 0 };
    const char *why = NULL;
    struct jwk_set *set = set_of(vectors[1].key);
    struct jwk key;

    REQUIRE(set != NULL);
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, ERR_R_PASSED_NULL_PARAMETER);
    errno = EDOM;
    CHECK_INT(jws_verify(&lane, &set->keys[0], ALG_RS256, STR("a.b"),
                         paa_bytes_of(signature, sizeof signature)),
              JWS_BAD);
    CHECK(jwk_set_read(paa_bytes_of(bad, sizeof bad - 1), 0, NULL, NULL, &why) == NULL);
    CHECK(!jwk_of_spki(paa_bytes_of(bad, sizeof bad - 1), &key, &why));
    CHECK_INT(errno, EDOM);
    CHECK_INT(ERR_GET_REASON(ERR_get_error()), ERR_R_PASSED_NULL_PARAMETER);
    CHECK_INT(ERR_get_error(), 0);
    jws_lane_done(&lane);
    jwk_set_free(set);
}

/* ---- thumbprints and JSON ---------------------------------------------------------------------- */

static void check_thumbprint(const char *members, const char *expected)
{
    struct jwk_set *set = set_of(members);
    char text[BASE64URL_SIZE(JWK_THUMBPRINT_SIZE)];

    REQUIRE(set != NULL);
    base64url_encode(paa_bytes_of(set->keys[0].thumbprint, JWK_THUMBPRINT_SIZE), text);
    CHECK_STR(paa_str_of_n(text, sizeof text), expected);
    jwk_set_free(set);
}

TEST(thumbprints_are_those_of_rfc_7638_and_rfc_8037)
{
    /* RFC 7638 3.1 */
    check_thumbprint(
        "\"kty\":\"RSA\",\"n\":"
        "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPF"
        "FxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
        "RN5w6Cf0h4QyQ5v-6"
        "5YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
        "bFTWh"
        "AI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":"
        "\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"",
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    /* RFC 8037 A.3 */
    check_thumbprint(signer_ed25519, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    /* RFC 9449 6.1: the key of its examples (4.1) */
    check_thumbprint("\"kty\":\"EC\",\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\",\"y\":"
                     "\"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\",\"crv\":\"P-256\"",
                     "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
}

TEST(a_key_is_written_as_it_was_read)
{
    struct jwk_set *set = set_of(signer_p256);
    struct buf buf;

    REQUIRE(set != NULL);
    buf_init(&buf, 4096);
    REQUIRE(jwk_write(&set->keys[0], &buf));
    CHECK_STR(buf_str(&buf), "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":"
                             "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":"
                             "\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
    buf_free(&buf);
    jwk_set_free(set);
    set = set_of(signer_secret);
    REQUIRE(set != NULL);
    buf_init(&buf, 4096);
    CHECK(!jwk_write(&set->keys[0], &buf));
    buf_free(&buf);
    jwk_set_free(set);
}

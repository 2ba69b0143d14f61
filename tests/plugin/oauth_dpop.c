/* SPDX-License-Identifier: MIT */
/* DPoP proofs as a server reads them: with jwt.h and jws.h, which have no part in making them. */
#include "codec.h"
#include "dpop_proof.h"
#include "jws.h"
#include "jws_write.h"
#include "jwt.h"
#include "signer.h"
#include "str.h"
#include "test.h"

static const unsigned char chance[DPOP_CHANCE_SIZE] = { 1, 2, 3 };

static const struct dpop_proof with_all = { .method = { "POST", 4 },
                                            .origin = { "https://api.example.com", 23 },
                                            .target = { "/a/b?c=d", 8 },
                                            .ath = { "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
                                                     43 },
                                            .nonce = { "eyJ7S_zG.eyJH0-Z.HX4w-7v", 24 } };

static char jwk_text[512];
static size_t token_size;
static char token[SIGNER_TOKEN_MAX];

static bool sign(const struct dpop_proof *proof)
{
    static const char p256[] =
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
        "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}";
    struct buf buf;
    bool is_written;

    (void)snprintf(jwk_text, sizeof jwk_text, "%s", p256);
    buf_init(&buf, sizeof token);
    is_written = dpop_proof_write(&buf, paa_str_of(jwk_text), proof, chance, 1767225600);
    if (is_written) {
        memcpy(token, buf.data, buf.size);
        token[buf.size] = '\0';
        token_size = signer_sign(token, ALG_ES256, NULL);
    }
    buf_free(&buf);
    return is_written;
}

static bool read_proof(struct jwt *ret_jwt)
{
    static unsigned char memory[64 * 1024];
    static struct jwt_scratch scratch;
    struct jwt_accept accept = { .algs = ALG_BIT(ALG_ES256), .takes_jwk = true };
    struct jwt_parts parts;

    return jwt_split(paa_str_of_n(token, token_size), &parts).verdict == JWT_GOOD &&
           jwt_memory(&parts) <= sizeof memory &&
           jwt_read(&parts, memory, &scratch, &accept, ret_jwt).verdict == JWT_GOOD;
}

/* RFC 9449 4.2 */
TEST(a_proof_is_signed_by_the_key_in_it_and_says_what_it_is_for)
{
    static struct jws_lane lane;
    const char *why = NULL;
    struct jwt jwt;
    struct jwk key;

    REQUIRE(sign(&with_all) && read_proof(&jwt));
    REQUIRE(jwk_read(&jwt.header, json_member(&jwt.header, 0, STR("jwk")), 0, &key, &why));
    CHECK_INT(jws_verify(&lane, &key, ALG_ES256, jwt.input, jwt.signature), JWS_GOOD);
    CHECK_STR(jwt.texts[JWT_T_TYP], "dpop+jwt");
    CHECK_STR(jwt.texts[JWT_T_HTM], "POST");
    CHECK_STR(jwt.texts[JWT_T_HTU], "https://api.example.com/a/b");
    CHECK_STR(jwt.texts[JWT_T_ATH], "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    CHECK_STR(jwt.texts[JWT_T_NONCE], "eyJ7S_zG.eyJH0-Z.HX4w-7v");
    CHECK_STR(jwt.texts[JWT_T_JTI], "AQIDAAAAAAAAAAAAAAAAAA");
    CHECK_INT(jwt.times_s[JWT_IAT], 1767225600);
    jwk_done(&key);
    jws_lane_done(&lane);
}

TEST(a_proof_without_token_and_nonce_says_nothing_of_them)
{
    struct dpop_proof proof = with_all;
    struct jwt jwt;

    proof.ath = STR_NONE;
    proof.nonce = STR_NONE;
    proof.target = STR("/token");
    REQUIRE(sign(&proof) && read_proof(&jwt));
    CHECK(jwt.texts[JWT_T_ATH].data == NULL && jwt.texts[JWT_T_NONCE].data == NULL);
    CHECK_STR(jwt.texts[JWT_T_HTU], "https://api.example.com/token");
}

/* RFC 9449 4.1 and 7.1: the token and its ath of the examples */
TEST(the_digest_of_a_token_is_that_of_the_rfc)
{
    char ath[DPOP_TEXT_SIZE];

    dpop_ath(STR("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"), ath);
    CHECK_STR(paa_str_of_n(ath, sizeof ath), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
}

TEST(nonces_are_visible_ascii_and_bounded)
{
    static char longest[DPOP_NONCE_MAX + 1];

    memset(longest, 'n', sizeof longest);
    CHECK(dpop_nonce_valid(paa_str_of_n(longest, DPOP_NONCE_MAX)));
    CHECK(!dpop_nonce_valid(paa_str_of_n(longest, DPOP_NONCE_MAX + 1)));
    CHECK(!dpop_nonce_valid(STR("")) && !dpop_nonce_valid(STR_NONE));
    CHECK(!dpop_nonce_valid(STR("a b")) && !dpop_nonce_valid(STR("a\"b")));
    CHECK(!dpop_nonce_valid(STR("a\nb")) && !dpop_nonce_valid(STR("\xc3\xa9")));
}

TEST(a_target_that_is_too_long_gets_no_proof)
{
    static char longest[DPOP_PROOF_MAX];
    struct dpop_proof proof = with_all;

    memset(longest, '/', sizeof longest);
    proof.target = paa_str_of_n(longest, sizeof longest);
    CHECK(!sign(&proof));
}

TEST(a_kept_key_is_read_as_it_was_written_and_nothing_else_is)
{
    struct dpop_kept kept = { .thumbprint = with_all.ath,
                              .jwk = STR("{}"),
                              .private_key = { (const unsigned char *)"der", 3 } };
    struct dpop_kept read;
    struct buf buf;

    buf_init(&buf, 1024);
    dpop_kept_write(&buf, &kept);
    REQUIRE(!buf.failed && dpop_kept_read(paa_bytes_of(buf.data, buf.size), &read));
    CHECK(str_eq(read.thumbprint, kept.thumbprint) && str_eq(read.jwk, kept.jwk));
    CHECK(read.private_key.size == 3 && memcmp(read.private_key.data, "der", 3) == 0);
    for (size_t size = 0; size < DPOP_TEXT_SIZE + 1 + 2; size++)
        CHECK(!dpop_kept_read(paa_bytes_of(buf.data, size), &read));
    buf_free(&buf);
}

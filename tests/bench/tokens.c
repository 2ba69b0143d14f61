/* SPDX-License-Identifier: MIT */
#include "tokens.h"

#include "measure.h"
#include "signer.h"
#include "str.h"

#include <openssl/pem.h>
#include <stdio.h>

/* As an issuer of some size writes them: 899 bytes, so that a token by RS256 has 1605 characters. */
static const char payload[] =
    "{\"iss\":\"" TOKEN_ISSUER "\",\"sub\":\"5ba552d67f6c4f3c9d2c7a1e8b0f4a63\","
    "\"aud\":[\"" TOKEN_AUDIENCE "\",\"https://api.example.com/billing\"],"
    "\"exp\":1800000300,\"iat\":1799999990,\"nbf\":1799999990,\"auth_time\":1799999000,"
    "\"jti\":\"dbe39bf3-a3ba-4238-a513-f51d6e1691c4\",\"client_id\":\"s6BhdRkqt3-backend\","
    "\"scope\":\"openid profile orders:read orders:write billing:read shipments:track\","
    "\"acr\":\"urn:example:loa:2\",\"amr\":[\"pwd\",\"otp\"],"
    "\"azp\":\"s6BhdRkqt3-backend\",\"sid\":\"08a5019c-17e1-4977-8f42-65a12843ea02\","
    "\"tenant\":\"tenant-4711\",\"roles\":[\"customer\",\"reseller\",\"reports\"],"
    "\"groups\":[\"emea\",\"wholesale\"],\"email\":\"ada.lovelace@example.com\","
    "\"email_verified\":true,\"name\":\"Ada Lovelace\",\"locale\":\"en-GB\","
    "\"entitlements\":{\"orders\":{\"limit\":5000,\"currency\":\"EUR\"},\"regions\":[\"eu-west\","
    "\"eu-central\"]},\"session\":"
    "\"1f0c6d0e5f7b4a9c8e21b7d3c0aa45f69d3b7c52e1f80a6b4c9d2e7f1a3b5c6d8e9f0a1b2c3d4e5f607\"}";

static const char *members_of(enum jose_key type)
{
    return type == KEY_RSA       ? signer_rsa
           : type == KEY_P256    ? signer_p256
           : type == KEY_ED25519 ? signer_ed25519
                                 : signer_secret;
}

static void write_pem(struct token *token)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int size;

    if (bio == NULL || PEM_write_bio_PUBKEY(bio, token->key) != 1)
        bench_fail("a key cannot be written");
    size = BIO_read(bio, token->pem, TOKEN_PEM_MAX - 1);
    token->pem[size > 0 ? size : 0] = '\0';
    BIO_free(bio);
}

void token_make(struct token *ret_token, int alg, const char *typ)
{
    const struct alg_row *row = alg_row((enum jose_alg)alg);
    const char *name = row->key == KEY_ED25519 ? "EdDSA" : row->name.data;
    char header[128];

    memset(ret_token, 0, sizeof *ret_token);
    ret_token->alg = alg;
    ret_token->name = name;
    ret_token->key = signer_key(row->key);
    snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"%s\",\"kid\":\"2026-11\"}", name,
             typ);
    ret_token->size = signer_token(paa_str_of(header), STR(payload), (enum jose_alg)alg,
                                   ret_token->key, ret_token->text);
    ret_token->input_size = ret_token->size;
    while (ret_token->text[--ret_token->input_size] != '.')
        ;
    snprintf(ret_token->jwk, sizeof ret_token->jwk, "{%s,\"kid\":\"2026-11\"}",
             members_of(row->key));
    if (ret_token->key != NULL)
        write_pem(ret_token);
    else
        ret_token->secret_size = signer_secret_bytes(ret_token->secret);
}

/* Digits over digits: the size stays. */
static void put(char *text, const char *place, int64_t number)
{
    char *at = strstr(text, place);
    char digits[32];

    snprintf(digits, sizeof digits, "%0*lld", (int)strlen(place), (long long)number);
    if (at == NULL || strlen(digits) != strlen(place))
        bench_fail("the payload has no %s", place);
    memcpy(at, digits, strlen(place));
}

size_t token_vary(const struct token *token, unsigned number, int64_t now_s,
                  char ret_text[TOKEN_TEXT_MAX])
{
    char header[128], claims[sizeof payload];

    memcpy(claims, payload, sizeof payload);
    put(claims, "1800000300", now_s + 3600);
    put(claims, "1799999990", now_s - 10);
    put(claims, "1799999990", now_s - 10);
    put(claims, "1799999000", now_s - 1000);
    memcpy(strstr(claims, "dbe39bf3") + 8, "-00000000", 9);
    put(claims, "00000000", number);
    snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"at+jwt\",\"kid\":\"2026-11\"}",
             token->name);
    return signer_token(paa_str_of(header), paa_str_of_n(claims, sizeof claims - 1),
                        (enum jose_alg)token->alg, token->key, ret_text);
}

void token_free(struct token *token)
{
    EVP_PKEY_free(token->key);
}

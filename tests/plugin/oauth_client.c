/* SPDX-License-Identifier: MIT */
/* What authenticates a client: Basic credentials and assertions, as servers will read them. */
#include "oauth_client.h"
#include "codec.h"
#include "json_tree.h"
#include "jws.h"
#include "signer.h"
#include "str.h"
#include "test.h"

#include <openssl/err.h>
#include <openssl/evp.h>

enum { NODES_MAX = 64, TEXT_SIZE = 8192 };

/* ---- Basic -------------------------------------------------------------------------------------- */

/* What a server reads: decoded base64, split at the first colon, percent-decoded. */
static size_t percent_decode(struct paa_str text, char *ret_bytes)
{
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte == '%') {
            CHECK(i + 2 < text.size && hex_decode(str_slice(text, i + 1, i + 3), &byte));
            i += 2;
        }
        ret_bytes[size++] = (char)byte;
    }
    return size;
}

static void check_basic(struct paa_str id, struct paa_str secret)
{
    unsigned char pair[TEXT_SIZE];
    char read[TEXT_SIZE];
    struct paa_str text, whole;
    struct buf buf;
    size_t colon, size;
    int decoded;

    buf_init(&buf, TEXT_SIZE);
    oauth_basic_write(&buf, id, paa_bytes_of(secret.data, secret.size));
    REQUIRE(!buf.failed && str_starts(buf_str(&buf), STR("Basic ")));
    text = str_slice(buf_str(&buf), 6, buf.size);
    decoded = EVP_DecodeBlock(pair, (const unsigned char *)text.data, (int)text.size);
    REQUIRE(decoded > 0);
    while (text.size > 0 && text.data[text.size - 1] == '=') {
        text.size--;
        decoded--;
    }
    whole = paa_str_of_n((const char *)pair, (size_t)decoded);
    colon = str_find(whole, ':', 0);
    size = percent_decode(str_slice(whole, 0, colon), read);
    CHECK(str_eq(paa_str_of_n(read, size), id));
    size = percent_decode(str_slice(whole, colon + 1, whole.size), read);
    CHECK(str_eq(paa_str_of_n(read, size), secret));
    buf_free(&buf);
}

/* RFC 6749 2.3.1 */
TEST(basic_credentials_carry_every_byte_and_a_colon_parts_the_two)
{
    char every[256];

    for (size_t i = 0; i < sizeof every; i++)
        every[i] = (char)i;
    for (size_t i = 0; i < sizeof every; i++)
        check_basic(paa_str_of_n(every + i, 1), paa_str_of_n(every, i + 1));
    check_basic(STR("a:b"), STR("c:d:e"));
    check_basic(STR("id"), STR(" +%&="));
}

TEST(basic_credentials_are_base64_with_padding_and_without_line_breaks)
{
    char secret[200];
    struct buf buf;

    memset(secret, 's', sizeof secret);
    buf_init(&buf, TEXT_SIZE);
    oauth_basic_write(&buf, STR("s6BhdRkqt3"), paa_bytes_of("7Fjfp0ZBr1KtDRbnfVdmIw", 22));
    /* RFC 6749 2.3.1, its example */
    CHECK_STR(buf_str(&buf), "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
    buf_clear(&buf);
    oauth_basic_write(&buf, STR("ab"), paa_bytes_of(secret, sizeof secret));
    CHECK(str_find(buf_str(&buf), '\n', 0) == buf.size && buf.data[buf.size - 1] == '=');
    buf_free(&buf);
}

TEST(basic_credentials_that_are_too_large_fail)
{
    struct buf buf;

    buf_init(&buf, 16);
    oauth_basic_write(&buf, STR("client"), paa_bytes_of("secret", 6));
    CHECK(buf.failed);
    buf_free(&buf);
}

/* ---- assertions --------------------------------------------------------------------------------- */

struct part { /* header or claims, read again */
    struct json_tree tree;
    struct json_node nodes[NODES_MAX];
    char text[TEXT_SIZE];
    char spare[TEXT_SIZE];
};

static bool read_part(struct paa_str encoded, struct part *part)
{
    size_t size = 0;

    return base64url_decode(encoded, (unsigned char *)part->text, &size) &&
           json_tree_read(&part->tree, paa_str_of_n(part->text, size), part->spare, part->nodes,
                          NODES_MAX) == JSON_READ;
}

static const unsigned char chance[16] = { 0xff, 1, 2, 3 };

static struct oauth_assertion assertion_of(void)
{
    return (struct oauth_assertion){ .algorithm = STR("ES256"),
                                     .client_id = STR("orders \"service\""),
                                     .audience = STR("https://id.example.com"),
                                     .chance = paa_bytes_of(chance, sizeof chance),
                                     .now_s = 1767225600 };
}

/* RFC 7523 3 */
TEST(an_assertion_says_who_asks_whom_and_until_when)
{
    struct oauth_assertion assertion = assertion_of();
    static struct part header, claims;
    int64_t iat = 0, exp = 0;
    struct buf buf;
    size_t dot;

    assertion.key_id = STR("key-1");
    buf_init(&buf, TEXT_SIZE);
    REQUIRE(oauth_assertion_write(&buf, &assertion));
    dot = str_find(buf_str(&buf), '.', 0);
    REQUIRE(read_part(str_slice(buf_str(&buf), 0, dot), &header));
    REQUIRE(read_part(str_slice(buf_str(&buf), dot + 1, buf.size), &claims));
    CHECK_STR(json_member_str(&header.tree, 0, STR("alg")), "ES256");
    CHECK_STR(json_member_str(&header.tree, 0, STR("kid")), "key-1");
    CHECK(json_member(&header.tree, 0, STR("x5t#S256")) == JSON_NONE);
    CHECK_STR(json_member_str(&claims.tree, 0, STR("iss")), "orders \"service\"");
    CHECK_STR(json_member_str(&claims.tree, 0, STR("sub")), "orders \"service\"");
    CHECK_STR(json_member_str(&claims.tree, 0, STR("aud")), "https://id.example.com");
    CHECK_STR(json_member_str(&claims.tree, 0, STR("jti")), "_wECAwAAAAAAAAAAAAAAAA");
    CHECK(json_int_of(&claims.tree, json_member(&claims.tree, 0, STR("iat")), &iat));
    CHECK(json_int_of(&claims.tree, json_member(&claims.tree, 0, STR("exp")), &exp));
    CHECK_INT(iat, 1767225600);
    CHECK_INT(exp - iat, OAUTH_ASSERTION_LIFE_S);
    buf_free(&buf);
}

TEST(an_assertion_names_the_certificate_and_no_key_id_that_is_not_there)
{
    struct oauth_assertion assertion = assertion_of();
    static struct part header;
    struct buf buf;

    assertion.certificate = paa_bytes_of("abc", 3);
    buf_init(&buf, TEXT_SIZE);
    REQUIRE(oauth_assertion_write(&buf, &assertion));
    REQUIRE(read_part(str_slice(buf_str(&buf), 0, str_find(buf_str(&buf), '.', 0)), &header));
    CHECK(json_member(&header.tree, 0, STR("kid")) == JSON_NONE);
    /* FIPS 180-2 B.1: SHA-256 of "abc" */
    CHECK_STR(json_member_str(&header.tree, 0, STR("x5t#S256")),
              "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
    buf_free(&buf);
}

TEST(each_key_has_its_usual_algorithm)
{
    static const struct {
        enum jose_key type;
        const char *algorithm;
    } keys[] = { { KEY_RSA, "RS256" },
                 { KEY_P256, "ES256" },
                 { KEY_P384, "ES384" },
                 { KEY_P521, "ES512" },
                 { KEY_ED25519, "EdDSA" } };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        EVP_PKEY *key = signer_key(keys[i].type);
        unsigned char *der = NULL;
        int size = i2d_PUBKEY(key, &der);

        REQUIRE(size > 0);
        CHECK_STR(oauth_algorithm_of(paa_bytes_of(der, (size_t)size)), keys[i].algorithm);
        CHECK(oauth_algorithm_of(paa_bytes_of(der, (size_t)size - 1)).data == NULL);
        OPENSSL_free(der);
        EVP_PKEY_free(key);
    }
    CHECK(ERR_peek_error() == 0);
}

TEST(what_a_key_cannot_sign_is_told_with_what_it_can)
{
    static const struct {
        enum jose_key type;
        const char *algorithm;
        const char *why; /* NULL: it can */
    } rows[] = {
        { KEY_RSA, "PS512", NULL },
        { KEY_ED25519, "EdDSA", NULL },
        { KEY_ED25519, "Ed25519", NULL },
        { KEY_P384, "ES384", NULL },
        { KEY_RSA, "Ed25519",
          "the client_key is an RSA key, which cannot do Ed25519: say RS256, RS384, RS512, PS256, "
          "PS384, PS512, or leave it out" },
        { KEY_P384, "ES256",
          "the client_key is a key of P-384, which cannot do ES256: say ES384, or leave it out" },
        { KEY_ED25519, "ES256",
          "the client_key is a key of Ed25519, which cannot do ES256: say Ed25519, or leave it "
          "out" },
    };
    char why[OAUTH_KEY_WHY_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        EVP_PKEY *key = signer_key(rows[i].type);
        unsigned char *der = NULL;
        int size = i2d_PUBKEY(key, &der);

        REQUIRE(size > 0);
        CHECK_INT(oauth_key_can(paa_bytes_of(der, (size_t)size), paa_str_of(rows[i].algorithm),
                                why),
                  rows[i].why == NULL);
        if (rows[i].why != NULL)
            CHECK_STR(paa_str_of(why), rows[i].why);
        CHECK(!oauth_key_can(paa_bytes_of(der, (size_t)size - 1), STR("ES256"), why));
        CHECK_HAS(why, "the client_key ");
        OPENSSL_free(der);
        EVP_PKEY_free(key);
    }
    CHECK(ERR_peek_error() == 0);
}

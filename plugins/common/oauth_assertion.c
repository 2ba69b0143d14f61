/* SPDX-License-Identifier: MIT */
/* What authenticates a client, as text: Basic credentials and JWT assertions. Pure. */
#include "oauth_client.h"

#include "codec.h"
#include "fields.h"
#include "json.h"
#include "jwk.h"
#include "jws_write.h"
#include "secret.h"
#include "str.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

enum { JSON_MAX = 8 * 1024, CHANCE_MAX = 64, ALGORITHM_SHOWN_MAX = 16 };

/* Both are form-encoded first, so that a colon in the client_id is none of the separator's. */
void oauth_basic_write(struct buf *buf, struct paa_str id, struct paa_bytes secret)
{
    unsigned char *text;
    struct buf pair;
    size_t size;

    buf_init(&pair, buf->max);
    percent_encode(&pair, id);
    buf_add_char(&pair, ':');
    percent_encode(&pair, paa_str_of_n((const char *)secret.data, secret.size));
    size = (pair.size + 2) / 3 * 4 + 1; /* with a NUL */
    text = pair.failed ? NULL : (unsigned char *)secret_alloc(size);
    if (text == NULL) {
        buf->failed = true;
    } else {
        (void)EVP_EncodeBlock(text, (const unsigned char *)pair.data, (int)pair.size);
        buf_add_text(buf, "Basic ");
        buf_add(buf, text, size - 1);
    }
    secret_free(text, size);
    buf_free(&pair);
}

static void write_header(struct json *json, const struct oauth_assertion *assertion)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char text[BASE64URL_SIZE(SHA256_DIGEST_LENGTH)];

    json_open(json, NULL, '{');
    json_str(json, "alg", assertion->algorithm);
    json_text(json, "typ", "JWT");
    if (assertion->key_id.data != NULL)
        json_str(json, "kid", assertion->key_id);
    if (assertion->certificate.data != NULL) {
        (void)SHA256(assertion->certificate.data, assertion->certificate.size, digest);
        base64url_encode(paa_bytes_of(digest, sizeof digest), text);
        json_str(json, "x5t#S256", paa_str_of_n(text, sizeof text));
    }
    json_close(json, '}');
}

static void write_claims(struct json *json, const struct oauth_assertion *assertion)
{
    char jti[BASE64URL_SIZE(CHANCE_MAX)];
    struct paa_bytes chance = assertion->chance;

    chance.size = chance.size < CHANCE_MAX ? chance.size : CHANCE_MAX;
    base64url_encode(chance, jti);
    json_open(json, NULL, '{');
    json_str(json, "iss", assertion->client_id);
    json_str(json, "sub", assertion->client_id);
    json_str(json, "aud", assertion->audience);
    json_str(json, "jti", paa_str_of_n(jti, BASE64URL_SIZE(chance.size)));
    json_int(json, "iat", assertion->now_s);
    json_int(json, "exp", assertion->now_s + OAUTH_ASSERTION_LIFE_S);
    json_close(json, '}');
}

bool oauth_assertion_write(struct buf *buf, const struct oauth_assertion *assertion)
{
    struct buf part;
    struct json json;

    buf_init(&part, JSON_MAX);
    json_init(&json, &part);
    write_header(&json, assertion);
    jws_add_part(buf, &part);
    buf_add_char(buf, '.');
    json_init(&json, &part);
    write_claims(&json, assertion);
    jws_add_part(buf, &part);
    buf_free(&part);
    return !buf->failed;
}

struct paa_str oauth_algorithm_of(struct paa_bytes public_key)
{
    static const struct {
        enum jose_key type;
        struct paa_str name;
    } usual[] = {
        { KEY_RSA, { "RS256", 5 } },  { KEY_P256, { "ES256", 5 } },    { KEY_P384, { "ES384", 5 } },
        { KEY_P521, { "ES512", 5 } }, { KEY_ED25519, { "EdDSA", 5 } },
    };
    struct paa_str name = STR_NONE;
    const char *why = NULL;
    struct jwk key;

    if (!jwk_of_spki(public_key, &key, &why))
        return STR_NONE;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (usual[i].type == key.type)
            name = usual[i].name;
    jwk_done(&key);
    return name;
}

static const char *key_text(enum jose_key type)
{
    switch (type) {
    case KEY_RSA:
        return "an RSA key";
    case KEY_P256:
        return "a key of P-256";
    case KEY_P384:
        return "a key of P-384";
    case KEY_P521:
        return "a key of P-521";
    case KEY_ED25519:
    case KEY_SECRET:
    default:
        return "a key of Ed25519";
    }
}

bool oauth_key_can(struct paa_bytes public_key, struct paa_str algorithm,
                   char ret_why[OAUTH_KEY_WHY_SIZE])
{
    const char *why = NULL;
    uint32_t algs = 0;
    struct jwk key;
    int size;

    ret_why[0] = '\0';
    if (!jwk_of_spki(public_key, &key, &why)) {
        (void)snprintf(ret_why, OAUTH_KEY_WHY_SIZE, "the client_key %s", why);
        return false;
    }
    algs = algs_of_key(key.type);
    size = snprintf(ret_why, OAUTH_KEY_WHY_SIZE, "the client_key is %s, which cannot do %.*s: say ",
                    key_text(key.type), STR_ARGS(str_slice(algorithm, 0, ALGORITHM_SHOWN_MAX)));
    jwk_done(&key);
    for (unsigned alg = 1; alg < ALG_END; alg++)
        if ((algs & ALG_BIT(alg)) != 0)
            size += snprintf(ret_why + size, OAUTH_KEY_WHY_SIZE - (size_t)size, "%.*s, ",
                             STR_ARGS(alg_row((enum jose_alg)alg)->name));
    (void)snprintf(ret_why + size, OAUTH_KEY_WHY_SIZE - (size_t)size, "or leave it out");
    return (algs & ALG_BIT(alg_of(algorithm))) != 0;
}

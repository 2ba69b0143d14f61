/* SPDX-License-Identifier: MIT */
/* One key of jwk.h: from JSON, from DER, from bytes. Knows no set. */
#include "jwk.h"

#include "jwk_inner.h"

#include "codec.h"
#include "secret.h"
#include "str.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

enum {
    MODULUS_MAX = JWK_RSA_BITS_MAX / 8,
    EXPONENT_MAX = 8, /* bytes: a longer one would make each verification slow */
    COORDINATE_MAX = 66,
    ED25519_SIZE = 32
};

const struct curve_row jwk_curves[JWK_CURVES] = {
    { { "P-256", 5 }, "prime256v1", KEY_P256, 32 },
    { { "P-384", 5 }, "secp384r1", KEY_P384, 48 },
    { { "P-521", 5 }, "secp521r1", KEY_P521, 66 },
};

static bool refuse(const char **ret_why, const char *why)
{
    *ret_why = why;
    return false;
}

/* ---- making keys ------------------------------------------------------------------------------- */

static EVP_PKEY *key_of_params(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    return key;
}

static EVP_PKEY *rsa_key(struct paa_bytes modulus, struct paa_bytes exponent)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.size, NULL);
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.size, NULL);
    EVP_PKEY *key = NULL;

    if (builder != NULL && n != NULL && e != NULL &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        key = key_of_params("RSA", builder);
    BN_free(n);
    BN_free(e);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

/* NULL too for a point that is not on the curve. */
static EVP_PKEY *ec_key(const char *group, struct paa_bytes point)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *check;

    if (builder != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data,
                                         point.size) == 1)
        key = key_of_params("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    check = key != NULL ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) : NULL;
    if (check == NULL || EVP_PKEY_public_check_quick(check) != 1) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    EVP_PKEY_CTX_free(check);
    return key;
}

/* ---- members ----------------------------------------------------------------------------------- */

/* Of exactly, or at most, so many bytes; false: not there, not base64url, or another size. */
static bool member_bytes(const struct json_tree *tree, uint32_t object, struct paa_str name,
                         unsigned char *ret_bytes, size_t max, size_t *ret_size)
{
    struct paa_str text = json_member_str(tree, object, name);

    return text.size > 0 && BASE64URL_DECODED_MAX(text.size) <= max + 2 &&
           base64url_decode(text, ret_bytes, ret_size) && *ret_size <= max;
}

static unsigned top_bits(unsigned char byte)
{
    return byte == 0 ? 0 : 32 - (unsigned)__builtin_clz(byte);
}

static bool read_rsa(const struct json_tree *tree, uint32_t object, struct jwk *key,
                     const char **ret_why)
{
    unsigned char n[MODULUS_MAX + 2], e[EXPONENT_MAX + 2];
    size_t n_size, e_size;

    if (!member_bytes(tree, object, STR("n"), n, MODULUS_MAX, &n_size) || n[0] == 0)
        return refuse(ret_why, "has no \"n\" of 2048 to 8192 bits in base64url");
    if (!member_bytes(tree, object, STR("e"), e, EXPONENT_MAX, &e_size) || e[0] == 0)
        return refuse(ret_why, "has no \"e\" of at most 64 bits in base64url");
    if ((n_size - 1) * 8 + top_bits(n[0]) < JWK_RSA_BITS_MIN)
        return refuse(ret_why, "is shorter than 2048 bits");
    if ((n[n_size - 1] & 1) == 0)
        return refuse(ret_why, "has an even modulus");
    if ((e[e_size - 1] & 1) == 0 || (e_size == 1 && e[0] == 1))
        return refuse(ret_why, "has an exponent that is even or 1");
    key->type = KEY_RSA;
    key->key = rsa_key(paa_bytes_of(n, n_size), paa_bytes_of(e, e_size));
    return key->key != NULL || refuse(ret_why, "is refused by libcrypto");
}

static bool read_ec(const struct json_tree *tree, uint32_t object, struct jwk *key,
                    const char **ret_why)
{
    struct paa_str name = json_member_str(tree, object, STR("crv"));
    unsigned char point[1 + 2 * (COORDINATE_MAX + 2)] = { 4 };
    const struct curve_row *curve = jwk_curves;
    size_t x_size, y_size;

    while (curve < jwk_curves + JWK_CURVES && !str_eq(curve->name, name))
        curve++;
    if (curve == jwk_curves + JWK_CURVES)
        return refuse(ret_why, "is of a curve other than P-256, P-384 and P-521");
    /* RFC 7518 6.2.1.2: the whole size of the curve, with zeroes in front */
    if (!member_bytes(tree, object, STR("x"), point + 1, curve->size, &x_size) ||
        x_size != curve->size ||
        !member_bytes(tree, object, STR("y"), point + 1 + x_size, curve->size, &y_size) ||
        y_size != curve->size)
        return refuse(ret_why, "has no \"x\" and \"y\" of its curve's size in base64url");
    key->type = curve->type;
    key->key = ec_key(curve->group, paa_bytes_of(point, 1 + 2 * curve->size));
    return key->key != NULL || refuse(ret_why, "is no point of its curve");
}

/* The y of points of small order, and the forms of them beyond the field's prime: a key for which anybody can
 * sign. The highest bit, x's sign, is left out. */
static bool is_small_order(const unsigned char point[ED25519_SIZE])
{
    static const unsigned char order_8[2][ED25519_SIZE] = {
        { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
          0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
          0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
        { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
          0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
          0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    };
    unsigned char y[ED25519_SIZE];
    bool is_middle_zero = true, is_middle_full = true;

    memcpy(y, point, sizeof y);
    y[ED25519_SIZE - 1] &= 0x7f;
    if (memcmp(y, order_8[0], sizeof y) == 0 || memcmp(y, order_8[1], sizeof y) == 0)
        return true;
    for (size_t i = 1; i < ED25519_SIZE - 1; i++) {
        is_middle_zero = is_middle_zero && y[i] == 0;
        is_middle_full = is_middle_full && y[i] == 0xff;
    }
    if (is_middle_zero && y[ED25519_SIZE - 1] == 0)
        return y[0] <= 1;                                                 /* 0, 1 */
    return is_middle_full && y[ED25519_SIZE - 1] == 0x7f && y[0] >= 0xec; /* p - 1, p, … */
}

static bool read_okp(const struct json_tree *tree, uint32_t object, struct jwk *key,
                     const char **ret_why)
{
    unsigned char x[ED25519_SIZE + 2];
    size_t size;

    if (!paa_str_eq(json_member_str(tree, object, STR("crv")), "Ed25519"))
        return refuse(ret_why, "is of a curve other than Ed25519");
    if (!member_bytes(tree, object, STR("x"), x, ED25519_SIZE, &size) || size != ED25519_SIZE)
        return refuse(ret_why, "has no \"x\" of 32 bytes in base64url");
    if (is_small_order(x))
        return refuse(ret_why, "is a point for which anybody can sign");
    key->type = KEY_ED25519;
    key->key = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, x, size);
    return key->key != NULL || refuse(ret_why, "is refused by libcrypto");
}

/* ---- secrets ----------------------------------------------------------------------------------- */

bool jwk_of_secret(struct paa_bytes secret, struct jwk *ret_key, const char **ret_why)
{
    struct jwk key = { .type = KEY_SECRET };
    unsigned char *copy;

    for (enum jose_alg alg = ALG_HS256; alg <= ALG_HS512; alg++)
        if (secret.size >= alg_row(alg)->hash_size) /* RFC 7518 3.2 */
            key.algs |= ALG_BIT(alg);
    if (key.algs == 0)
        return refuse(ret_why, "is shorter than 32 bytes");
    if (secret.size > JWK_SECRET_MAX)
        return refuse(ret_why, "is longer than 1024 bytes");
    copy = secret_alloc(secret.size);
    if (copy == NULL)
        return refuse(ret_why, "finds no memory");
    memcpy(copy, secret.data, secret.size);
    key.secret = paa_bytes_of(copy, secret.size);
    *ret_key = key;
    return true;
}

static bool read_secret(const struct json_tree *tree, uint32_t object, struct jwk *key,
                        const char **ret_why)
{
    unsigned char k[JWK_SECRET_MAX + 2];
    size_t size;
    bool is_made = false;

    if (!member_bytes(tree, object, STR("k"), k, JWK_SECRET_MAX, &size))
        *ret_why = "has no \"k\" of at most 1024 bytes in base64url";
    else
        is_made = jwk_of_secret(paa_bytes_of(k, size), key, ret_why);
    secret_wipe(k, sizeof k);
    return is_made;
}

/* ---- what a key says of itself ----------------------------------------------------------------- */

static bool is_private(const struct json_tree *tree, uint32_t object)
{
    static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_member(tree, object, paa_str_of(names[i])) != JSON_NONE)
            return true;
    return false;
}

static bool is_for_verifying(const struct json_tree *tree, uint32_t object)
{
    uint32_t use = json_member(tree, object, STR("use"));
    uint32_t ops = json_member(tree, object, STR("key_ops"));

    if (use != JSON_NONE && !paa_str_eq(json_str_of(tree, use), "sig"))
        return false;
    if (ops == JSON_NONE)
        return true;
    if (json_type_of(tree, ops) != JSON_NODE_ARRAY)
        return false;
    for (uint32_t i = json_first(tree, ops); i != JSON_NONE; i = json_next(tree, ops, i))
        if (paa_str_eq(json_str_of(tree, i), "verify"))
            return true;
    return false;
}

/* *ret_text stays absent where the member is; false: no text of that size. */
static bool read_text(const struct json_tree *tree, uint32_t object, struct paa_str name,
                      struct paa_str *ret_text)
{
    uint32_t node = json_member(tree, object, name);

    *ret_text = json_str_of(tree, node);
    return node == JSON_NONE || (ret_text->size > 0 && ret_text->size <= JWK_KID_MAX);
}

/* The type gives a set of algorithms; the key's own "alg" leaves one of it. */
static bool bind_alg(const struct json_tree *tree, uint32_t object, struct jwk *key,
                     const char **ret_why)
{
    uint32_t node = json_member(tree, object, STR("alg"));
    enum jose_alg alg = alg_of(json_str_of(tree, node));

    if (key->type != KEY_SECRET)
        key->algs = algs_of_key(key->type);
    if (node == JSON_NONE)
        return true;
    key->algs &= alg != 0 ? ALG_BIT(alg) : 0;
    return key->algs != 0 || refuse(ret_why, "has an \"alg\" that such a key cannot verify");
}

static bool read_material(const struct json_tree *tree, uint32_t object, uint32_t flags,
                          struct jwk *key, const char **ret_why)
{
    struct paa_str type = json_member_str(tree, object, STR("kty"));

    if (paa_str_eq(type, "oct"))
        return (flags & JWK_TAKES_SECRETS) != 0
                   ? read_secret(tree, object, key, ret_why)
                   : refuse(ret_why, "is a secret, which no public set may hold");
    if (is_private(tree, object))
        return refuse(ret_why, "is a private key: publish its public half only");
    if (paa_str_eq(type, "RSA"))
        return read_rsa(tree, object, key, ret_why);
    if (paa_str_eq(type, "EC"))
        return read_ec(tree, object, key, ret_why);
    if (paa_str_eq(type, "OKP"))
        return read_okp(tree, object, key, ret_why);
    return refuse(ret_why, "has a \"kty\" other than RSA, EC and OKP");
}

static bool read_key(const struct json_tree *tree, uint32_t object, uint32_t flags, struct jwk *key,
                     const char **ret_why)
{
    struct paa_str kid, issuer;

    if (json_type_of(tree, object) != JSON_NODE_OBJECT)
        return refuse(ret_why, "is no object");
    if (!is_for_verifying(tree, object))
        return refuse(ret_why, "is not meant for signatures");
    if (!read_text(tree, object, STR("kid"), &kid) ||
        !read_text(tree, object, STR("issuer"), &issuer))
        return refuse(ret_why, "has a \"kid\" or \"issuer\" that is no text of 1 to 512 bytes");
    if (!read_material(tree, object, flags, key, ret_why))
        return false;
    key->kid = kid;
    key->issuer = issuer;
    return bind_alg(tree, object, key, ret_why) &&
           (jwk_print(key) || refuse(ret_why, "has no thumbprint: libcrypto failed"));
}

bool jwk_read(const struct json_tree *tree, uint32_t object, uint32_t flags, struct jwk *ret_key,
              const char **ret_why)
{
    int found_errno = errno;
    bool is_read;

    memset(ret_key, 0, sizeof *ret_key);
    ERR_set_mark();
    is_read = read_key(tree, object, flags, ret_key, ret_why);
    if (!is_read)
        jwk_done(ret_key);
    ERR_pop_to_mark();
    errno = found_errno;
    return is_read;
}

/* ---- from DER ---------------------------------------------------------------------------------- */

static enum jose_key type_of(const EVP_PKEY *key)
{
    char group[32];
    size_t size;

    if (EVP_PKEY_is_a(key, "RSA") == 1)
        return KEY_RSA;
    if (EVP_PKEY_is_a(key, "ED25519") == 1)
        return KEY_ED25519;
    if (EVP_PKEY_is_a(key, "EC") != 1 ||
        EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1)
        return (enum jose_key)0;
    for (size_t i = 0; i < JWK_CURVES; i++)
        if (strcmp(group, jwk_curves[i].group) == 0)
            return jwk_curves[i].type;
    return (enum jose_key)0;
}

static bool read_spki(struct paa_bytes der, struct jwk *key, const char **ret_why)
{
    const unsigned char *at = der.data;

    key->key = d2i_PUBKEY(NULL, &at, (long)der.size);
    if (key->key == NULL || at != der.data + der.size)
        return refuse(ret_why, "is no SubjectPublicKeyInfo");
    key->type = type_of(key->key);
    if (key->type == 0)
        return refuse(ret_why, "is of a type that JOSE signs with under no name");
    if (key->type == KEY_RSA && (EVP_PKEY_get_bits(key->key) < JWK_RSA_BITS_MIN ||
                                 EVP_PKEY_get_bits(key->key) > JWK_RSA_BITS_MAX))
        return refuse(ret_why, "is not of 2048 to 8192 bits");
    key->algs = algs_of_key(key->type);
    return jwk_print(key) || refuse(ret_why, "has no thumbprint: libcrypto failed");
}

bool jwk_of_spki(struct paa_bytes der, struct jwk *ret_key, const char **ret_why)
{
    int found_errno = errno;
    bool is_read;

    memset(ret_key, 0, sizeof *ret_key);
    ERR_set_mark();
    is_read = read_spki(der, ret_key, ret_why);
    if (!is_read)
        jwk_done(ret_key);
    ERR_pop_to_mark();
    errno = found_errno;
    return is_read;
}

void jwk_done(struct jwk *key)
{
    union {
        const unsigned char *borrowed;
        unsigned char *owned;
    } secret = { key->secret.data }; /* jwk_of_secret's */

    EVP_PKEY_free(key->key);
    secret_free(secret.owned, key->secret.size);
    memset(key, 0, sizeof *key);
}

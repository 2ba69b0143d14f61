/* SPDX-License-Identifier: MIT */
#include "issued.h"

#include <openssl/bn.h>
#include <openssl/conf.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ocsp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void need(bool is_done, const char *what)
{
    if (is_done)
        return;
    fprintf(stderr, "a certificate cannot be made: %s\n", what);
    abort();
}

/* ---- keys ---------------------------------------------------------------------------------------- */

/* RSA takes long, so each size is made once. */
static EVP_PKEY *rsa_key(const char *bits)
{
    static struct {
        char bits[8];
        EVP_PKEY *key;
    } made[4];
    size_t i = 0;

    while (made[i].key != NULL && strcmp(made[i].bits, bits) != 0)
        i++;
    if (made[i].key == NULL) {
        (void)snprintf(made[i].bits, sizeof made[i].bits, "%s", bits);
        made[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(bits));
    }
    need(made[i].key != NULL && EVP_PKEY_up_ref(made[i].key) == 1, "RSA key");
    return made[i].key;
}

/* Anybody can sign with it: m to the power of 1 is m. */
static EVP_PKEY *rsa_e1(void)
{
    EVP_PKEY *real = rsa_key("2048"), *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params;
    BIGNUM *n = NULL;

    need(EVP_PKEY_get_bn_param(real, OSSL_PKEY_PARAM_RSA_N, &n) == 1, "n");
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, BN_value_one());
    params = OSSL_PARAM_BLD_to_param(builder);
    need(EVP_PKEY_fromdata_init(context) == 1 &&
             EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) == 1,
         "RSA key with e = 1");
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(real);
    BN_free(n);
    return key;
}

static EVP_PKEY *make_key(const char *kind)
{
    EVP_PKEY *key;

    if (strncmp(kind, "RSA:", 4) == 0)
        return rsa_key(kind + 4);
    if (strcmp(kind, "RSA-E1") == 0)
        return rsa_e1();
    key = kind[0] == 'E' ? EVP_PKEY_Q_keygen(NULL, NULL, kind)
                         : EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind);
    need(key != NULL, kind);
    return key;
}

/* ---- signing ------------------------------------------------------------------------------------- */

#define PSS "PSS:"

/* Ready for X509_sign_ctx and its like; EVP_MD_CTX_free it. digest NULL: SHA-256. */
static EVP_MD_CTX *begin_signing(EVP_PKEY *key, const char *digest)
{
    bool is_pss = digest != NULL && strncmp(digest, PSS, sizeof PSS - 1) == 0;
    int id = EVP_PKEY_get_base_id(key);
    const EVP_MD *md = EVP_get_digestbyname(is_pss           ? digest + sizeof PSS - 1
                                            : digest != NULL ? digest
                                                             : "SHA256");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *of_key = NULL;

    if (id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448)
        md = NULL;
    need(context != NULL && EVP_DigestSignInit(context, &of_key, md, NULL, key) == 1 &&
             (!is_pss || EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING) == 1),
         "a signing context");
    return context;
}

/* With e = 1 the signature is the padded digest itself (RFC 8017 9.2). */
static void sign_with_e1(X509 *certificate)
{
    static const unsigned char prefix[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                                            0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                                            0x01, 0x05, 0x00, 0x04, 0x20 };
    enum { SIZE = 256, DIGEST = 32 };
    EVP_PKEY *real = rsa_key("2048");
    const ASN1_BIT_STRING *signature;
    unsigned char padded[SIZE], *tbs = NULL;
    int size;

    need(X509_sign(certificate, real, EVP_sha256()) > 0, "signing"); /* sets the algorithms */
    size = i2d_re_X509_tbs(certificate, &tbs);
    memset(padded, 0xff, sizeof padded);
    padded[0] = 0;
    padded[1] = 1;
    padded[SIZE - DIGEST - sizeof prefix - 1] = 0;
    memcpy(padded + SIZE - DIGEST - sizeof prefix, prefix, sizeof prefix);
    need(EVP_Digest(tbs, (size_t)size, padded + SIZE - DIGEST, NULL, EVP_sha256(), NULL) == 1,
         "digest");
    X509_get0_signature(&signature, NULL, certificate);
    ASN1_STRING_set((ASN1_STRING *)(uintptr_t)signature, padded, SIZE);
    OPENSSL_free(tbs);
    EVP_PKEY_free(real);
}

static void sign(X509 *certificate, EVP_PKEY *key, const struct recipe *recipe)
{
    const ASN1_BIT_STRING *signature;
    EVP_MD_CTX *context = NULL;
    BIGNUM *e = NULL;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_one(e))
        sign_with_e1(certificate);
    else
        need(X509_sign_ctx(certificate, context = begin_signing(key, recipe->digest)) > 0,
             "signing");
    EVP_MD_CTX_free(context);
    BN_free(e);
    if (!recipe->is_signature_broken)
        return;
    X509_get0_signature(&signature, NULL, certificate);
    signature->data[signature->length - 1] ^= 1;
}

/* ---- extensions ---------------------------------------------------------------------------------- */

static void add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    CONF *empty;

    if (value == NULL || value[0] == '\0')
        return;
    empty = NCONF_new(NULL); /* certificatePolicies wants one */
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509V3_set_nconf(&context, empty);
    extension = X509V3_EXT_nconf_nid(empty, &context, nid, value);
    NCONF_free(empty);
    need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void add_der(X509 *certificate, const char *oid, bool is_critical, struct paa_bytes der)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension;

    need(object != NULL && value != NULL &&
             ASN1_OCTET_STRING_set(value, der.data, (int)der.size) == 1,
         oid);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, is_critical, value);
    need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, oid);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static void add_extensions(X509 *certificate, X509 *issuer, const struct recipe *recipe)
{
    static const unsigned char null[] = { 0x05, 0x00 };

    add(certificate, issuer, NID_basic_constraints,
        recipe->basic != NULL ? recipe->basic : "CA:FALSE");
    add(certificate, issuer, NID_subject_key_identifier, "hash");
    add(certificate, issuer, NID_key_usage, recipe->usage);
    add(certificate, issuer, NID_ext_key_usage, recipe->extended);
    add(certificate, issuer, NID_subject_alt_name, recipe->names);
    add(certificate, issuer, NID_name_constraints, recipe->constraints);
    add(certificate, issuer, NID_certificate_policies, recipe->policies);
    add(certificate, issuer, NID_policy_constraints, recipe->asks_policies);
    add(certificate, issuer, NID_info_access, recipe->responder);
    if (recipe->broken != NULL)
        add_der(certificate, recipe->broken, false, paa_bytes_of(null, sizeof null));
    if (recipe->names_der.size > 0)
        add_der(certificate, "2.5.29.17", false, recipe->names_der);
    if (recipe->has_names_twice)
        add(certificate, issuer, NID_subject_alt_name, recipe->names);
    if (recipe->has_unknown_critical)
        add_der(certificate, "1.3.6.1.4.1.99999.1", true, paa_bytes_of(null, sizeof null));
}

/* ---- certificates -------------------------------------------------------------------------------- */

static void name(X509_NAME *subject, const char *field, const char *value)
{
    if (value != NULL && value[0] != '\0')
        need(X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, (const unsigned char *)value,
                                        -1, -1, 0) == 1,
             value);
}

static void fill(X509 *certificate, const struct recipe *recipe)
{
    static long serial = 1000;
    X509_NAME *subject = X509_get_subject_name(certificate);
    int64_t from_s = recipe->from_s != 0 ? recipe->from_s : -ISSUED_DAY_S;
    int64_t until_s = recipe->until_s != 0 ? recipe->until_s : 30 * (int64_t)ISSUED_DAY_S;

    X509_set_version(certificate, recipe->is_v1 ? X509_VERSION_1 : X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    name(subject, "O", recipe->organization);
    name(subject, "CN", recipe->name != NULL ? recipe->name : "robot");
    ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(ISSUED_NOW_S + from_s));
    ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(ISSUED_NOW_S + until_s));
}

/* Read back, as everybody else sees it. */
static X509 *read_back(X509 *certificate)
{
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);
    const unsigned char *at = der;
    X509 *copy = size > 0 ? d2i_X509(NULL, &at, size) : NULL;

    need(copy != NULL, "DER");
    OPENSSL_free(der);
    X509_free(certificate);
    return copy;
}

struct issued *issue(const struct recipe *recipe, const struct issued *signer)
{
    struct issued *issued = calloc(1, sizeof *issued);
    X509 *certificate = X509_new();
    EVP_PKEY *nobody;

    need(issued != NULL && certificate != NULL, "memory");
    issued->key = make_key(recipe->key != NULL ? recipe->key : "P-256");
    fill(certificate, recipe);
    X509_set_pubkey(certificate, issued->key);
    X509_set_issuer_name(certificate,
                         X509_get_subject_name(signer != NULL ? signer->x509 : certificate));
    if (!recipe->is_v1)
        add_extensions(certificate, signer != NULL ? signer->x509 : certificate, recipe);
    if (recipe->is_signed_by_nobody) {
        nobody = make_key(signer != NULL && EVP_PKEY_get_base_id(signer->key) == EVP_PKEY_RSA
                              ? "RSA:3072" /* those of 2048 bits are one */
                          : signer != NULL && EVP_PKEY_get_base_id(signer->key) == EVP_PKEY_ED25519
                              ? "ED25519"
                              : "P-256");
        sign(certificate, nobody, recipe);
        EVP_PKEY_free(nobody);
    } else {
        sign(certificate, signer != NULL ? signer->key : issued->key, recipe);
    }
    issued->x509 = read_back(certificate);
    return issued;
}

struct issued *issue_ca(const char *ca, const struct issued *signer)
{
    struct recipe recipe = { .name = ca,
                             .basic = "critical,CA:TRUE",
                             .usage = "critical,keyCertSign,cRLSign" };

    return issue(&recipe, signer);
}

struct issued *issue_client(const char *client, const struct issued *signer)
{
    struct recipe recipe = { .name = client, .extended = "clientAuth" };

    return issue(&recipe, signer);
}

void issued_free(struct issued *issued)
{
    if (issued == NULL)
        return;
    EVP_PKEY_free(issued->key);
    X509_free(issued->x509);
    free(issued);
}

struct paa_bytes issued_der(const struct issued *issued)
{
    unsigned char *der = NULL;
    int size = i2d_X509(issued->x509, &der);

    need(size > 0, "DER");
    return paa_bytes_of(der, (size_t)size);
}

void issued_pem(const struct issued *issued, char text[ISSUED_PEM_MAX])
{
    BIO *out = BIO_new(BIO_s_mem());
    size_t at = strlen(text);
    char *data;
    long size;

    need(out != NULL && PEM_write_bio_X509(out, issued->x509) == 1, "PEM");
    size = BIO_get_mem_data(out, &data);
    need(size > 0 && at + (size_t)size < ISSUED_PEM_MAX, "PEM, too much of it");
    memcpy(text + at, data, (size_t)size);
    text[at + (size_t)size] = '\0';
    BIO_free(out);
}

/* ---- revocation lists ---------------------------------------------------------------------------- */

static void revoke(X509_CRL *list, const ASN1_INTEGER *serial)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)(ISSUED_NOW_S - ISSUED_DAY_S));

    need(entry != NULL && when != NULL &&
             X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)(uintptr_t)serial) == 1 &&
             X509_REVOKED_set_revocationDate(entry, when) == 1 &&
             X509_CRL_add0_revoked(list, entry) == 1,
         "list entry");
    ASN1_TIME_free(when);
}

static void add_entries(X509_CRL *list, const struct list_recipe *recipe)
{
    ASN1_INTEGER *serial = ASN1_INTEGER_new();

    for (size_t i = 0; i < recipe->count; i++)
        revoke(list, X509_get0_serialNumber(recipe->revoked[i]->x509));
    for (size_t i = 0; i < recipe->more; i++) { /* 64 bits, spread out: as CAs write them */
        need(ASN1_INTEGER_set_uint64(serial, (i + 1) * UINT64_C(0x9e3779b97f4a7c15)) == 1,
             "serial");
        revoke(list, serial);
    }
    ASN1_INTEGER_free(serial);
}

static void add_to_list(X509_CRL *list, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    if (value == NULL)
        return;
    X509V3_set_ctx(&context, NULL, NULL, NULL, list, 0);
    X509V3_set_ctx_nodb(&context);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    need(extension != NULL && X509_CRL_add_ext(list, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

static void add_delta(X509_CRL *list)
{
    ASN1_INTEGER *base = ASN1_INTEGER_new();

    need(base != NULL && ASN1_INTEGER_set(base, 1) == 1 &&
             X509_CRL_add1_ext_i2d(list, NID_delta_crl, base, 1, 0) == 1,
         "delta list");
    ASN1_INTEGER_free(base);
}

struct paa_bytes issue_list(const struct list_recipe *recipe, const struct issued *issuer)
{
    X509_CRL *list = X509_CRL_new();
    int64_t from_s = recipe->from_s != 0 ? recipe->from_s : -3600;
    int64_t until_s = recipe->until_s != 0 ? recipe->until_s : ISSUED_DAY_S;
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(ISSUED_NOW_S + from_s));
    ASN1_TIME *until = ASN1_TIME_set(NULL, (time_t)(ISSUED_NOW_S + until_s));
    EVP_PKEY *nobody = make_key("P-256"), *key = recipe->is_signed_by_nobody ? nobody : issuer->key;
    unsigned char *der = NULL;
    EVP_MD_CTX *context;
    int size;

    need(list != NULL && from != NULL && until != NULL, "memory");
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->x509));
    X509_CRL_set1_lastUpdate(list, from);
    X509_CRL_set1_nextUpdate(list, until);
    add_entries(list, recipe);
    add_to_list(list, NID_issuing_distribution_point, recipe->scope);
    if (recipe->is_delta)
        add_delta(list);
    X509_CRL_sort(list);
    context = begin_signing(key, recipe->digest);
    need(X509_CRL_sign_ctx(list, context) > 0, "signing a list");
    EVP_MD_CTX_free(context);
    size = i2d_X509_CRL(list, &der);
    need(size > 0, "DER of a list");
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    EVP_PKEY_free(nobody);
    X509_CRL_free(list);
    return paa_bytes_of(der, (size_t)size);
}

/* ---- OCSP ---------------------------------------------------------------------------------------- */

static OCSP_BASICRESP *basic_response(const struct response_recipe *recipe)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, recipe->certificate->x509, recipe->issuer->x509);
    const struct issued *signer = recipe->signer != NULL ? recipe->signer : recipe->issuer;
    EVP_MD_CTX *context = begin_signing(signer->key, recipe->digest);
    int64_t from_s = recipe->from_s != 0 ? recipe->from_s : -3600;
    int64_t until_s = recipe->until_s != 0 ? recipe->until_s : ISSUED_DAY_S;
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(ISSUED_NOW_S + from_s));
    ASN1_TIME *until = until_s == -1 ? NULL : ASN1_TIME_set(NULL, (time_t)(ISSUED_NOW_S + until_s));

    need(basic != NULL && id != NULL &&
             OCSP_basic_add1_status(basic, id, recipe->status, OCSP_REVOKED_STATUS_NOSTATUS, from,
                                    from, until) != NULL &&
             OCSP_basic_sign_ctx(basic, signer->x509, context, NULL, 0) == 1,
         "OCSP response");
    EVP_MD_CTX_free(context);
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    return basic;
}

struct paa_bytes issue_response(const struct response_recipe *recipe)
{
    OCSP_BASICRESP *basic = recipe->error == 0 ? basic_response(recipe) : NULL;
    OCSP_RESPONSE *response = OCSP_response_create(recipe->error, basic);
    unsigned char *der = NULL;
    int size = response != NULL ? i2d_OCSP_RESPONSE(response, &der) : -1;

    need(size > 0, "DER of an OCSP response");
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    return paa_bytes_of(der, (size_t)size);
}

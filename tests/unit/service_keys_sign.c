/* SPDX-License-Identifier: MIT */
/* Signatures as JOSE has them, on whose thread they are made, and keys that plugins bring along. */
#include "test.h"

#include "key_stage.h"
#include "work.h"

static struct paa_bytes text_bytes(const char *text)
{
    return paa_bytes_of(text, strlen(text));
}

/* PKCS#8 of a key, as a plugin hands it over. */
static enum paa_status import(struct asker *a, EVP_PKEY *key, struct paa_bytes chain,
                              struct paa_key **ret_key)
{
    struct paa_key_material material;
    BIO *bio = BIO_new(BIO_s_mem());
    enum paa_status status;
    char *der;

    CHECK(i2d_PKCS8PrivateKeyInfo_bio(bio, key) == 1);
    paa_init(&material, sizeof material);
    material.private_key.size = (size_t)BIO_get_mem_data(bio, &der);
    material.private_key.data = (unsigned char *)der;
    material.chain = chain;
    status = services_host_keys.import(&a->op.pub, &material, ret_key);
    BIO_free(bio);
    return status;
}

static void let_go(struct paa_key *key)
{
    services_host_keys.release(key);
}

/* ---- algorithms ---- */

static const struct {
    const char *kind, *algorithm, *digest;
    bool is_pss;
    size_t size;
} algorithms[] = {
    { "RSA:2048", "RS256", "SHA256", false, 256 }, { "RSA:2048", "RS384", "SHA384", false, 256 },
    { "RSA:2048", "RS512", "SHA512", false, 256 }, { "RSA:2048", "PS256", "SHA256", true, 256 },
    { "RSA:2048", "PS384", "SHA384", true, 256 },  { "RSA:2048", "PS512", "SHA512", true, 256 },
    { "P-256", "ES256", "SHA256", false, 64 },     { "P-384", "ES384", "SHA384", false, 96 },
    { "P-521", "ES512", "SHA512", false, 132 },    { "ED25519", "EdDSA", NULL, false, 64 },
    { "ED25519", "Ed25519", NULL, false, 64 },
};

enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

TEST(every_algorithm_signs_what_libcrypto_verifies)
{
    static const char *const messages[] = { "", "a", "header.payload" };
    EVP_PKEY *made = NULL;
    struct paa_key *key = NULL;
    struct asker a;

    stage_open();
    open_asker(&a);
    for (size_t i = 0; i < ALGORITHMS; i++) {
        if (i == 0 || strcmp(algorithms[i].kind, algorithms[i - 1].kind) != 0) {
            EVP_PKEY_free(made);
            let_go(key);
            made = made_key(algorithms[i].kind);
            REQUIRE(import(&a, made, BYTES_NONE, &key) == PAA_STATUS_OK);
        }
        for (size_t k = 0; k < 3; k++) {
            struct signed_by by = sign(&a, key, algorithms[i].algorithm, text_bytes(messages[k]));

            CHECK_INT(by.status, PAA_STATUS_OK);
            CHECK_INT(by.signature.size, algorithms[i].size);
            if (!verifies(made, algorithms[i].digest, algorithms[i].is_pss, text_bytes(messages[k]),
                          by.signature))
                TEST_FAIL("%s of \"%s\" does not verify", algorithms[i].algorithm, messages[k]);
        }
    }
    EVP_PKEY_free(made);
    let_go(key);
    asker_close(&a);
    stage_close();
}

TEST(a_key_signs_by_the_algorithms_of_its_kind_only)
{
    static const char *const others[] = { "none", "HS256", "ES256K", "es256", "RS1", "" };
    struct asker a;

    stage_open();
    open_asker(&a);
    for (size_t i = 0; i < ALGORITHMS; i++) {
        EVP_PKEY *made;
        struct paa_key *key;

        if (i > 0 && strcmp(algorithms[i].kind, algorithms[i - 1].kind) == 0)
            continue;
        made = made_key(algorithms[i].kind);
        REQUIRE(import(&a, made, BYTES_NONE, &key) == PAA_STATUS_OK);
        for (size_t k = 0; k < ALGORITHMS; k++)
            if (strcmp(algorithms[i].kind, algorithms[k].kind) != 0)
                CHECK_INT(sign(&a, key, algorithms[k].algorithm, text_bytes("m")).status,
                          PAA_STATUS_UNSUPPORTED);
        for (size_t k = 0; k < sizeof others / sizeof others[0]; k++)
            CHECK_INT(sign(&a, key, others[k], text_bytes("m")).status, PAA_STATUS_UNSUPPORTED);
        EVP_PKEY_free(made);
        let_go(key);
    }
    asker_close(&a);
    stage_close();
}

TEST(what_cannot_be_signed_is_invalid)
{
    static const unsigned char long_message[KEY_MESSAGE_MAX + 1];
    struct paa_key *key;
    EVP_PKEY *made;
    struct asker a;

    stage_open();
    open_asker(&a);
    made = made_key("ED25519");
    REQUIRE(import(&a, made, BYTES_NONE, &key) == PAA_STATUS_OK);
    CHECK_INT(sign(&a, NULL, "EdDSA", text_bytes("m")).status, PAA_STATUS_INVALID);
    CHECK_INT(sign(&a, key, "EdDSA", paa_bytes_of(long_message, sizeof long_message)).status,
              PAA_STATUS_INVALID);
    CHECK_INT(sign(&a, key, "EdDSA", paa_bytes_of(long_message, KEY_MESSAGE_MAX)).status,
              PAA_STATUS_OK);
    EVP_PKEY_free(made);
    let_go(key);
    asker_close(&a);
    stage_close();
}

/* ---- vectors ---- */

static struct paa_bytes decoded(const char *text, unsigned char *room)
{
    size_t size = 0;

    if (!base64url_decode(paa_str_of(text), room, &size))
        abort();
    return paa_bytes_of(room, size);
}

static void signs_as(EVP_PKEY *made, const char *algorithm, const char *message,
                     const char *signature)
{
    unsigned char room[512];
    struct paa_bytes expected = decoded(signature, room);
    struct paa_key *key;
    struct signed_by by;
    struct asker a;

    stage_open();
    open_asker(&a);
    REQUIRE(import(&a, made, BYTES_NONE, &key) == PAA_STATUS_OK);
    by = sign(&a, key, algorithm, text_bytes(message));
    CHECK_INT(by.signature.size, expected.size);
    CHECK(by.signature.size == expected.size &&
          memcmp(by.signature.data, expected.data, expected.size) == 0);
    let_go(key);
    asker_close(&a);
    stage_close();
}

/* RFC 8037 A.1 (the key) and A.4 (the signature). */
TEST(ed25519_signs_as_rfc_8037_a_4)
{
    unsigned char room[64];
    struct paa_bytes d = decoded("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", room);
    EVP_PKEY *made = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, d.data, d.size);

    REQUIRE(made != NULL);
    signs_as(
        made, "EdDSA", "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    EVP_PKEY_free(made);
}

static BIGNUM *number_of(const char *text)
{
    unsigned char room[512];
    struct paa_bytes bytes = decoded(text, room);

    return BN_bin2bn(bytes.data, (int)bytes.size, NULL);
}

/* RFC 7515 A.2.1; what follows from n, e, d, p and q is worked out. */
static EVP_PKEY *rsa_of_rfc_7515(void)
{
    BIGNUM *n = number_of("ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4"
                          "qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2j"
                          "Z47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7W"
                          "TBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK"
                          "-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ");
    BIGNUM *d = number_of("Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKM"
                          "gvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaY"
                          "LU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0"
                          "ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDV"
                          "ZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ");
    BIGNUM *p = number_of("4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58B"
                          "Q3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn"
                          "-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc");
    BIGNUM *q = number_of("uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1"
                          "ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTl"
                          "tRJ11BKBBypeeF6689rjcJIDEz9RWdc");
    BIGNUM *dp = BN_new(), *dq = BN_new(), *qi = BN_new(), *e = number_of("AQAB");
    BN_CTX *scratch = BN_CTX_new();
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *made = NULL;
    OSSL_PARAM *params;

    BN_sub(dp, p, BN_value_one());
    BN_mod(dp, d, dp, scratch);
    BN_sub(dq, q, BN_value_one());
    BN_mod(dq, d, dq, scratch);
    BN_mod_inverse(qi, q, p, scratch);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_D, d);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR1, p);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_FACTOR2, q);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq);
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qi);
    params = OSSL_PARAM_BLD_to_param(builder);
    if (EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &made, EVP_PKEY_KEYPAIR, params) != 1)
        abort();
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_CTX_free(scratch);
    BN_free(n), BN_free(e), BN_free(d), BN_free(p), BN_free(q);
    BN_free(dp), BN_free(dq), BN_free(qi);
    return made;
}

/* RFC 7515 A.2.1. */
TEST(rs256_signs_as_rfc_7515_a_2)
{
    EVP_PKEY *made = rsa_of_rfc_7515();

    signs_as(made, "RS256",
             "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
             "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
             "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
             "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIA"
             "RNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPq"
             "vhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77"
             "Rw");
    EVP_PKEY_free(made);
}

/* ---- on whose thread ---- */

TEST(quick_algorithms_sign_at_once_and_slow_ones_on_a_worker_or_in_a_producer)
{
    struct paa_key *quick, *slow;
    EVP_PKEY *ec, *rsa;
    struct signed_by by;
    struct asker a;

    stage_open();
    open_asker(&a);
    ec = made_key("P-256");
    rsa = made_key("RSA:2048");
    REQUIRE(import(&a, ec, BYTES_NONE, &quick) == PAA_STATUS_OK);
    REQUIRE(import(&a, rsa, BYTES_NONE, &slow) == PAA_STATUS_OK);
    by = (struct signed_by){ .asker = &a };
    returned(&a, services_host_keys.sign(&a.op.pub, quick, STR("ES256"), text_bytes("m"), on_signed,
                                         &by));
    CHECK_INT(a.result, PAA_REJECT);
    CHECK_INT(by.calls, 1);
    returned(&a, services_host_keys.sign(&a.op.pub, slow, STR("RS256"), text_bytes("m"), on_signed,
                                         &by));
    CHECK_INT(a.result, PAA_PENDING);
    await_answer(&a);
    CHECK_INT(by.calls, 2);
    CHECK_INT(by.status, PAA_STATUS_OK);
    CHECK_INT(stage.services.jobs, 0);
    asker_close(&a);
    asker_open(&a, &stage, &stage.instance, OP_PRODUCE);
    by.asker = &a;
    returned(&a, services_host_keys.sign(&a.op.pub, slow, STR("RS256"), text_bytes("m"), on_signed,
                                         &by));
    CHECK_INT(by.calls, 3);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
    let_go(quick);
    let_go(slow);
    asker_close(&a);
    stage_close();
}

static void wait_at_gate(struct task *task, unsigned worker)
{
    (void)task;
    (void)worker;
    pass_gate();
}

TEST(a_signature_that_waits_is_called_off_and_keeps_its_key_while_it_does)
{
    struct task blocker = { .fn = wait_at_gate };
    struct signed_by by;
    struct paa_key *key;
    EVP_PKEY *rsa;
    struct asker a;

    stage_open();
    open_asker(&a);
    rsa = made_key("RSA:2048");
    REQUIRE(import(&a, rsa, BYTES_NONE, &key) == PAA_STATUS_OK);
    close_gate();
    CHECK(pool_add(stage.services.workers, &blocker));
    await_at_gate(1);
    by = (struct signed_by){ .asker = &a };
    returned(&a, services_host_keys.sign(&a.op.pub, key, STR("RS256"), text_bytes("m"), on_signed,
                                         &by));
    CHECK(a.op.wait.kind->cancel(&a.op));
    a.op.wait.state = OP_WAIT_NONE;
    CHECK_INT(stage.services.jobs, 0);
    returned(&a, services_host_keys.sign(&a.op.pub, key, STR("RS256"), text_bytes("m"), on_signed,
                                         &by));
    let_go(key); /* a plugin's mistake that must hurt nobody */
    open_gate();
    await_answer(&a);
    CHECK_INT(by.calls, 1);
    CHECK(verifies(rsa, "SHA256", false, text_bytes("m"), by.signature));
    CHECK(!a.op.wait.kind->cancel(&a.op));
    EVP_PKEY_free(rsa);
    asker_close(&a);
    stage_close();
}

TEST(a_full_queue_signs_nothing)
{
    struct task blocker = { .fn = wait_at_gate };
    struct paa_key *key;
    EVP_PKEY *rsa;
    struct asker a;

    stage_open();
    open_asker(&a);
    rsa = made_key("RSA:2048");
    REQUIRE(import(&a, rsa, BYTES_NONE, &key) == PAA_STATUS_OK);
    close_gate();
    CHECK(pool_add(stage.services.workers, &blocker));
    await_at_gate(1);
    atomic_store(&stage.services.jobs, WORK_QUEUE_MAX);
    CHECK_INT(sign(&a, key, "RS256", text_bytes("m")).status, PAA_STATUS_UNAVAILABLE);
    CHECK_INT(stage.services.jobs, WORK_QUEUE_MAX);
    atomic_store(&stage.services.jobs, 0);
    open_gate();
    EVP_PKEY_free(rsa);
    let_go(key);
    asker_close(&a);
    stage_close();
}

TEST(without_memory_nothing_is_signed)
{
    struct paa_key *key;
    EVP_PKEY *made;
    struct asker a;

    stage_open();
    open_asker(&a);
    made = made_key("ED25519");
    REQUIRE(import(&a, made, BYTES_NONE, &key) == PAA_STATUS_OK);
    a.arena.max = a.arena.taken;
    CHECK_INT(sign(&a, key, "EdDSA", text_bytes("m")).status, PAA_STATUS_UNAVAILABLE);
    EVP_PKEY_free(made);
    let_go(key);
    asker_close(&a);
    stage_close();
}

/* ---- imports ---- */

static void import_refused(struct asker *a, const void *key, size_t size, struct paa_bytes chain,
                           enum paa_status status, const char *sentence)
{
    struct paa_key *imported = NULL;
    struct paa_key_material material;

    paa_init(&material, sizeof material);
    material.private_key = paa_bytes_of(key, size);
    material.chain = chain;
    CHECK_INT(services_host_keys.import(&a->op.pub, &material, &imported), status);
    CHECK(imported == NULL);
    (void)bench_host.fail(&a->op.pub, PAA_UNAVAILABLE, "test", STR_NONE);
    CHECK_HAS(a->op.sentence.data != NULL ? a->op.sentence.data : "", sentence);
}

TEST(imports_that_are_no_good_are_refused_with_a_sentence)
{
    EVP_PKEY *weak, *ed, *other;
    struct paa_key_material material;
    struct paa_key *key = NULL;
    struct asker a;
    X509 *leaf;
    BIO *bio;
    char *pem;
    long size;

    stage_open();
    open_asker(&a);
    weak = made_key("RSA:1024");
    ed = made_key("ED25519");
    other = made_key("ED25519");
    import_refused(&a, "junk", 4, BYTES_NONE, PAA_STATUS_INVALID, "holds no private key");
    import_refused(&a, "pkcs11:token=x", 14, BYTES_NONE, PAA_STATUS_UNSUPPORTED, "");
    CHECK_INT(import(&a, weak, BYTES_NONE, &key), PAA_STATUS_UNSUPPORTED);
    leaf = made_cert(other, "leaf", NULL, NULL, BEGAN_S - 1, BEGAN_S + 90 * DAY_S);
    bio = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_X509(bio, leaf) == 1);
    size = BIO_get_mem_data(bio, &pem);
    CHECK_INT(import(&a, ed, paa_bytes_of(pem, (size_t)size), &key), PAA_STATUS_INVALID);
    CHECK(key == NULL);
    CHECK_INT(import(&a, other, paa_bytes_of(pem, (size_t)size), &key), PAA_STATUS_OK);
    let_go(key);
    key = NULL;
    paa_init(&material, sizeof material);
    CHECK_INT(services_host_keys.import(&a.op.pub, &material, &key), PAA_STATUS_INVALID);
    material.private_key = text_bytes("x");
    material.flags = 1;
    CHECK_INT(services_host_keys.import(&a.op.pub, &material, &key), PAA_STATUS_INVALID);
    BIO_free(bio);
    X509_free(leaf);
    EVP_PKEY_free(weak);
    EVP_PKEY_free(ed);
    EVP_PKEY_free(other);
    asker_close(&a);
    stage_close();
}

TEST(a_key_made_at_run_time_shows_its_public_part_and_a_version_of_its_own)
{
    struct paa_key *first, *second;
    struct paa_key_info info;
    unsigned char *der = NULL;
    EVP_PKEY *made;
    struct asker a;

    stage_open();
    open_asker(&a);
    made = made_key("P-256");
    REQUIRE(import(&a, made, BYTES_NONE, &first) == PAA_STATUS_OK);
    REQUIRE(import(&a, made, BYTES_NONE, &second) == PAA_STATUS_OK);
    CHECK_INT(info_of(&a, first, &info), PAA_STATUS_OK);
    CHECK_INT(info.public_key.size, i2d_PUBKEY(made, &der));
    CHECK(memcmp(info.public_key.data, der, info.public_key.size) == 0);
    CHECK(info.key_id.data == NULL);
    CHECK_INT(info.expires_at_s, 0);
    CHECK(info.version == key_version(first));
    CHECK(key_version(first) != key_version(second));
    CHECK_INT(info_of(&a, NULL, &info), PAA_STATUS_INVALID);
    info.struct_size = 8;
    CHECK_INT(services_host_keys.info(&a.op.pub, first, &info), PAA_STATUS_INVALID);
    OPENSSL_free(der);
    EVP_PKEY_free(made);
    let_go(first);
    let_go(second);
    let_go(NULL);
    asker_close(&a);
    stage_close();
}

/* SPDX-License-Identifier: MIT */
/* Keys of the policy: every form they are read in, and every refusal with its sentence. */
#include "test.h"

#include "key_stage.h"

#define NOW_S ((int64_t)BEGAN_S)

/* Opens it; nobody can use it, and the sentence has both parts. */
static void refused(struct paa_key *key, const char *part, const char *other)
{
    struct paa_key_info info;
    struct asker a;

    CHECK(key != NULL);
    CHECK_HAS(error.text, part);
    CHECK_HAS(error.text, other);
    CHECK_INT(key_version(key), 0);
    open_asker(&a);
    CHECK_INT(info_of(&a, key, &info), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(sign(&a, key, "EdDSA", paa_bytes_of("m", 1)).status, PAA_STATUS_UNAVAILABLE);
    asker_close(&a);
    key_close(key);
}

/* Opens it without a word; it signs with this algorithm. */
static void taken(struct paa_key *key, EVP_PKEY *made, const char *algorithm, const char *digest,
                  size_t chain_count)
{
    struct paa_bytes message = paa_bytes_of("to be signed", 12);
    struct paa_key_info info;
    struct signed_by by;
    struct asker a;

    CHECK_STR(paa_str_of(error.text), "");
    CHECK_STR(paa_str_of(warning.text), "");
    CHECK(key_version(key) > 0);
    open_asker(&a);
    CHECK_INT(info_of(&a, key, &info), PAA_STATUS_OK);
    CHECK_INT(info.chain_count, chain_count);
    CHECK((info.chain == NULL) == (chain_count == 0));
    CHECK_STR(info.key_id, "kid-1");
    CHECK_INT(info.version, key_version(key));
    by = sign(&a, key, algorithm, message);
    CHECK_INT(by.status, PAA_STATUS_OK);
    CHECK(verifies(made, digest, false, message, by.signature));
    asker_close(&a);
    key_close(key);
}

/* ---- forms ---- */

TEST(a_key_is_read_from_pem_of_every_make)
{
    EVP_PKEY *ec, *ed;
    BIO *bio;

    stage_open();
    ec = made_key("P-256");
    ed = made_key("ED25519");
    store_key(in("k"), ed, NULL);
    taken(open_key(in("k"), false, NULL, NULL), ed, "EdDSA", NULL, 0);
    store_key(in("k"), ed, "correct horse");
    taken(open_key(in("k"), false, "correct horse", NULL), ed, "EdDSA", NULL, 0);
    bio = BIO_new(BIO_s_mem()); /* SEC1, behind the parameters that `openssl ecparam` writes */
    CHECK(PEM_write_bio_PrivateKey_traditional(bio, ec, NULL, NULL, 0, NULL, NULL) == 1);
    store_bio(in("k"), bio, 0600);
    taken(open_key(in("k"), false, NULL, NULL), ec, "ES256", "SHA256", 0);
    bio = BIO_new(BIO_s_mem());
    CHECK(PEM_write_bio_PrivateKey_traditional(bio, ec, EVP_aes_128_cbc(),
                                               (const unsigned char *)"pw", 2, NULL, NULL) == 1);
    store_bio(in("k"), bio, 0600);
    taken(open_key(in("k"), false, "pw", NULL), ec, "ES256", "SHA256", 0);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(ed);
    stage_close();
}

TEST(a_key_is_read_from_pkcs_8_as_der)
{
    EVP_PKEY *ed;
    BIO *bio;

    stage_open();
    ed = made_key("ED25519");
    bio = BIO_new(BIO_s_mem());
    CHECK(i2d_PKCS8PrivateKeyInfo_bio(bio, ed) == 1);
    store_bio(in("k"), bio, 0600);
    taken(open_key(in("k"), false, NULL, NULL), ed, "Ed25519", NULL, 0);
    bio = BIO_new(BIO_s_mem());
    CHECK(i2d_PKCS8PrivateKeyInfo_bio(bio, ed) == 1 && BIO_write(bio, "x", 1) == 1);
    store_bio(in("k"), bio, 0600);
    refused(open_key(in("k"), false, NULL, NULL), "holds no private key", "PEM is needed");
    EVP_PKEY_free(ed);
    stage_close();
}

TEST(certificates_are_read_leaf_first_as_pem_and_one_as_der)
{
    X509 *certs[2];
    EVP_PKEY *ca, *key;
    struct paa_key_info info;
    struct paa_key *opened;
    unsigned char *der = NULL;
    struct asker a;
    BIO *bio;

    stage_open();
    ca = made_key("ED25519");
    key = made_key("P-256");
    certs[1] = made_cert(ca, "ca", NULL, NULL, NOW_S - 1, NOW_S + 900 * DAY_S);
    certs[0] = made_cert(key, "leaf", certs[1], ca, NOW_S - 1, NOW_S + 90 * DAY_S);
    store_key(in("k"), key, NULL);
    store_certs(in("c"), certs, 2);
    opened = open_key(in("k"), false, NULL, in("c"));
    open_asker(&a);
    CHECK_INT(info_of(&a, opened, &info), PAA_STATUS_OK);
    CHECK_INT(info.expires_at_s, NOW_S + 90 * DAY_S);
    CHECK_INT(info.chain[0].size, i2d_X509(certs[0], &der));
    CHECK(memcmp(info.chain[0].data, der, info.chain[0].size) == 0);
    OPENSSL_free(der);
    der = NULL;
    CHECK_INT(info.public_key.size, i2d_PUBKEY(key, &der));
    CHECK(memcmp(info.public_key.data, der, info.public_key.size) == 0);
    OPENSSL_free(der);
    asker_close(&a);
    taken(opened, key, "ES256", "SHA256", 2);
    bio = BIO_new(BIO_s_mem());
    CHECK(i2d_X509_bio(bio, certs[0]) == 1);
    store_bio(in("c"), bio, 0644);
    taken(open_key(in("k"), false, NULL, in("c")), key, "ES256", "SHA256", 1);
    X509_free(certs[0]);
    X509_free(certs[1]);
    EVP_PKEY_free(ca);
    EVP_PKEY_free(key);
    stage_close();
}

TEST(pkcs_12_has_its_chain_in_order_however_it_was_packed)
{
    X509 *leaf, *others[3];
    EVP_PKEY *root, *middle, *key;
    struct paa_key_info info;
    struct paa_key *opened;
    unsigned char *der = NULL;
    struct asker a;

    stage_open();
    root = made_key("ED25519");
    middle = made_key("ED25519");
    key = made_key("ED25519");
    others[0] = made_cert(root, "root", NULL, NULL, NOW_S - 1, NOW_S + 900 * DAY_S);
    others[2] = made_cert(middle, "middle", others[0], root, NOW_S - 1, NOW_S + 900 * DAY_S);
    others[1] = made_cert(root, "stranger", NULL, NULL, NOW_S - 1, NOW_S + 900 * DAY_S);
    leaf = made_cert(key, "leaf", others[2], middle, NOW_S - 1, NOW_S + 90 * DAY_S);
    store_pkcs12(in("p12"), "pw", key, leaf, others, 3);
    opened = open_key(in("p12"), true, "pw", NULL);
    open_asker(&a);
    CHECK_INT(info_of(&a, opened, &info), PAA_STATUS_OK);
    CHECK_INT(info.chain_count, 3);
    CHECK_INT(info.chain[1].size, i2d_X509(others[2], &der));
    CHECK(memcmp(info.chain[1].data, der, info.chain[1].size) == 0);
    OPENSSL_free(der);
    asker_close(&a);
    taken(opened, key, "EdDSA", NULL, 3);
    store_pkcs12(in("p12"), NULL, key, leaf, NULL, 0);
    taken(open_key(in("p12"), true, NULL, NULL), key, "EdDSA", NULL, 1);
    store_pkcs12(in("p12"), "", key, leaf, NULL, 0);
    taken(open_key(in("p12"), true, NULL, NULL), key, "EdDSA", NULL, 1);
    for (size_t i = 0; i < 3; i++)
        X509_free(others[i]);
    X509_free(leaf);
    EVP_PKEY_free(root);
    EVP_PKEY_free(middle);
    EVP_PKEY_free(key);
    stage_close();
}

/* ---- refusals ---- */

static void refuse_kind(const char *kind, const char *part)
{
    EVP_PKEY *key = made_key(kind);

    store_key(in("k"), key, NULL);
    refused(open_key(in("k"), false, NULL, NULL), part, "P-256, P-384 or P-521, and Ed25519");
    EVP_PKEY_free(key);
}

TEST(keys_that_are_weak_or_of_no_use_are_refused)
{
    stage_open();
    refuse_kind("RSA:1024", "an RSA key of 1024 bits");
    refuse_kind("secp256k1", "an EC key on another curve");
    refuse_kind("ED448", "a key of another kind");
    stage_close();
}

TEST(files_that_hold_no_key_are_refused)
{
    stage_open();
    refused(open_key(in("k"), false, NULL, NULL), in("k"), "does not exist");
    store_file(in("k"), "hello", 5, 0600);
    refused(open_key(in("k"), false, NULL, NULL), in("k"), "holds no private key");
    refused(open_key(in("k"), true, NULL, NULL), in("k"), "is no PKCS#12 file");
    store_file(in("k"), "", 0, 0600);
    refused(open_key(in("k"), false, NULL, NULL), in("k"), "is empty");
    store_file(in("k"), "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n", 59, 0600);
    refused(open_key(in("k"), false, NULL, NULL), in("k"), "holds no private key");
    stage_close();
}

TEST(a_key_that_others_may_read_is_refused_and_its_group_may)
{
    EVP_PKEY *key;

    stage_open();
    key = made_key("ED25519");
    store_key(in("k"), key, NULL);
    CHECK_INT(chmod(in("k"), 0604), 0);
    refused(open_key(in("k"), false, NULL, NULL), "can be read by every user", "chmod o-r");
    CHECK_INT(chmod(in("k"), 0640), 0);
    taken(open_key(in("k"), false, NULL, NULL), key, "EdDSA", NULL, 0);
    CHECK_INT(chmod(in("k"), 0660), 0);
    refused(open_key(in("k"), false, NULL, NULL), "is writable by its group", "chmod go-w");
    EVP_PKEY_free(key);
    stage_close();
}

TEST(a_passphrase_that_is_missing_or_wrong_is_told)
{
    EVP_PKEY *key;
    X509 *leaf;

    stage_open();
    key = made_key("ED25519");
    leaf = made_cert(key, "leaf", NULL, NULL, NOW_S - 1, NOW_S + 90 * DAY_S);
    store_key(in("k"), key, "right");
    refused(open_key(in("k"), false, NULL, NULL), "is encrypted", "where its passphrase is");
    refused(open_key(in("k"), false, "wrong-one", NULL), in("k"), "with this passphrase");
    CHECK(strstr(error.text, "wrong-one") == NULL);
    store_pkcs12(in("p12"), "right", key, leaf, NULL, 0);
    refused(open_key(in("p12"), true, NULL, NULL), in("p12"), "needs a passphrase");
    refused(open_key(in("p12"), true, "wrong-one", NULL), in("p12"), "does not open with this");
    X509_free(leaf);
    EVP_PKEY_free(key);
    stage_close();
}

TEST(pkcs_12_without_a_key_or_a_fitting_certificate_is_refused)
{
    EVP_PKEY *key, *other;
    X509 *leaf, *foreign;

    stage_open();
    key = made_key("ED25519");
    other = made_key("ED25519");
    leaf = made_cert(key, "leaf", NULL, NULL, NOW_S - 1, NOW_S + 90 * DAY_S);
    foreign = made_cert(other, "other", NULL, NULL, NOW_S - 1, NOW_S + 90 * DAY_S);
    store_pkcs12(in("p12"), "pw", NULL, leaf, NULL, 0);
    refused(open_key(in("p12"), true, "pw", NULL), in("p12"), "holds no private key");
    store_pkcs12(in("p12"), "pw", key, NULL, &foreign, 1);
    refused(open_key(in("p12"), true, "pw", NULL), in("p12"), "no certificate that fits");
    X509_free(leaf);
    X509_free(foreign);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    stage_close();
}

TEST(a_certificate_of_another_key_is_refused)
{
    EVP_PKEY *key, *other;
    X509 *leaf;

    stage_open();
    key = made_key("P-256");
    other = made_key("P-256");
    leaf = made_cert(other, "leaf", NULL, NULL, NOW_S - 1, NOW_S + 90 * DAY_S);
    store_key(in("k"), key, NULL);
    store_certs(in("c"), &leaf, 1);
    refused(open_key(in("k"), false, NULL, in("c")), "is not for the key in", in("c"));
    X509_free(leaf);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    stage_close();
}

TEST(certificates_that_cannot_be_read_are_refused)
{
    X509 *many[KEY_CHAIN_MAX + 1];
    EVP_PKEY *key;
    char text[8192];
    FILE *file;
    size_t size;

    stage_open();
    key = made_key("ED25519");
    store_key(in("k"), key, NULL);
    for (size_t i = 0; i <= KEY_CHAIN_MAX; i++)
        many[i] = made_cert(key, "leaf", NULL, NULL, NOW_S - 1, NOW_S + 90 * DAY_S);
    refused(open_key(in("k"), false, NULL, in("c")), in("c"), "does not exist");
    refused(open_key(in("k"), false, NULL, in("k")), in("k"), "holds no certificate");
    store_file(in("c"), "x", 1, 0644);
    refused(open_key(in("k"), false, NULL, in("c")), in("c"), "holds no certificate");
    store_certs(in("c"), many, KEY_CHAIN_MAX + 1);
    refused(open_key(in("k"), false, NULL, in("c")), in("c"), "more than 16 certificates");
    store_certs(in("c"), many, 2);
    file = fopen(in("c"), "r");
    size = fread(text, 1, sizeof text, file);
    fclose(file);
    text[size - 60] = '*'; /* in the second one's base64 */
    store_file(in("c"), text, size, 0644);
    refused(open_key(in("k"), false, NULL, in("c")), in("c"), "certificate 2 in it cannot be read");
    refused(open_key(in("k"), false, NULL, folder), "no folder", "certificates");
    for (size_t i = 0; i <= KEY_CHAIN_MAX; i++)
        X509_free(many[i]);
    EVP_PKEY_free(key);
    stage_close();
}

TEST(an_expired_certificate_is_refused_and_one_that_will_soon_be_is_told)
{
    EVP_PKEY *key;
    X509 *leaf;

    stage_open();
    key = made_key("ED25519");
    store_key(in("k"), key, NULL);
    leaf = made_cert(key, "leaf", NULL, NULL, NOW_S - DAY_S, NOW_S);
    store_certs(in("c"), &leaf, 1);
    X509_free(leaf);
    refused(open_key(in("k"), false, NULL, in("c")), in("c"), "expired on 1970-01-12: renew it");
    leaf = made_cert(key, "leaf", NULL, NULL, NOW_S - DAY_S, NOW_S + 14 * DAY_S);
    store_certs(in("c"), &leaf, 1);
    X509_free(leaf);
    key_close(open_key(in("k"), false, NULL, in("c")));
    CHECK_STR(paa_str_of(error.text), "");
    CHECK_HAS(warning.text, "expires on 1970-01-26: renew it");
    leaf = made_cert(key, "leaf", NULL, NULL, NOW_S + DAY_S, NOW_S + 90 * DAY_S);
    store_certs(in("c"), &leaf, 1);
    X509_free(leaf);
    key_close(open_key(in("k"), false, NULL, in("c")));
    CHECK_STR(paa_str_of(error.text), "");
    CHECK_HAS(warning.text, "is not valid before 1970-01-13");
    EVP_PKEY_free(key);
    stage_close();
}

static int64_t no_time(void *user) PAA_NOEXCEPT
{
    (void)user;
    return -1;
}

TEST(without_a_clock_no_certificate_is_believed)
{
    EVP_PKEY *key;
    X509 *leaf;

    stage_open();
    key = made_key("ED25519");
    leaf = made_cert(key, "leaf", NULL, NULL, NOW_S - DAY_S, NOW_S + 90 * DAY_S);
    store_key(in("k"), key, NULL);
    store_certs(in("c"), &leaf, 1);
    stage.services.clock.real_fn = no_time;
    refused(open_key(in("k"), false, NULL, in("c")), "the clock fails", in("c"));
    X509_free(leaf);
    EVP_PKEY_free(key);
    stage_close();
}

TEST(nothing_of_a_key_reaches_the_log)
{
    struct paa_key *opened;
    char text[4096];
    EVP_PKEY *key;
    FILE *file;
    size_t size;

    stage_open();
    key = made_key("ED25519");
    store_key(in("k"), key, NULL);
    file = fopen(in("k"), "r");
    size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    opened = open_key(in("k"), false, "passphrase", NULL);
    log_line(&stage.services.log, PAA_LEVEL_ERROR, "with %s", "passphrase");
    CHECK_HAS(log_text, "with ***");
    CHECK(strstr(log_text, "passphrase") == NULL);
    sources_mask(stage.services.sources, text);
    CHECK_STR(paa_str_of(text), "***");
    key_close(opened);
    EVP_PKEY_free(key);
    stage_close();
}

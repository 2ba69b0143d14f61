/* SPDX-License-Identifier: MIT */
/* Keys that stay in a token (SoftHSM's), through OpenSSL's engine: they sign, in every process, and what goes wrong is told
 * without the PIN. */
#define OPENSSL_SUPPRESS_DEPRECATED /* engines */
#include "test.h"

#include "fork.h"
#include "key_inner.h"
#include "key_sign.h"
#include "key_stage.h"
#include "key_token.h"
#include "token_made.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/wait.h>

#define NOW_S ((int64_t)BEGAN_S)
#define EC    "pkcs11:token=paa;object=ec;type=private"
#define RSA   "pkcs11:token=paa;object=rsa;type=private"

static const struct paa_bytes message = { (const unsigned char *)"to be signed", 12 };

static void token_stage(void)
{
    token_make();
    stage_open();
    stage.services.blocking = stage.services.workers;
}

/* With a certificate for `pair`, and the PIN in the file "pass". */
static struct paa_key *open_token_key(const char *uri, EVP_PKEY *pair, const char *pin,
                                      const char *module)
{
    struct source_spec specs[2];
    struct key_spec spec = { .specs = specs,
                             .count = 2,
                             .uri = uri,
                             .module = module,
                             .has_passphrase = true,
                             .id = "kid-1",
                             .warn_before_s = 14 * DAY_S };
    X509 *leaf = made_cert(pair, "leaf", NULL, NULL, NOW_S - 1, NOW_S + 90 * DAY_S);

    store_certs(in("c"), &leaf, 1);
    X509_free(leaf);
    store_file(in("pass"), pin, strlen(pin), 0600);
    specs[0] = file_spec(in("pass"), SOURCE_SECRET | SOURCE_PRIVATE);
    specs[1] = file_spec(in("c"), 0);
    return key_open(&stage.services, &spec, &error, &warning);
}

static struct paa_key *open_good(const char *uri, EVP_PKEY *pair)
{
    struct paa_key *key = open_token_key(uri, pair, TOKEN_PIN, SOFTHSM_MODULE);

    CHECK_STR(paa_str_of(error.text), "");
    return key;
}

static enum paa_status signs(const struct paa_key *key, EVP_PKEY *pair, const char *algorithm,
                             const char *digest)
{
    struct signed_by by;
    struct asker a;

    open_asker(&a);
    by = sign(&a, key, algorithm, message);
    if (by.status == PAA_STATUS_OK &&
        !verifies(pair, digest, algorithm[0] == 'P', message, by.signature))
        TEST_FAIL("%s: the signature is not the key's", algorithm);
    asker_close(&a);
    return by.status;
}

TEST(a_key_in_a_token_signs_and_is_not_touched_before)
{
    struct paa_key_info info;
    struct paa_key *ec, *rsa;
    struct asker a;
    bool was_touched;

    token_stage();
    was_touched = token_is_touched();
    ec = open_good(EC, token.ec);
    rsa = open_good(RSA, token.rsa);
    open_asker(&a);
    CHECK_INT(info_of(&a, ec, &info), PAA_STATUS_OK);
    CHECK_INT(info.chain_count, 1);
    CHECK_INT(info.expires_at_s, NOW_S + 90 * DAY_S);
    asker_close(&a);
    CHECK(was_touched || !token_is_touched());
    CHECK_INT(signs(ec, token.ec, "ES256", "SHA256"), PAA_STATUS_OK);
    CHECK_INT(signs(rsa, token.rsa, "RS256", "SHA256"), PAA_STATUS_OK);
    CHECK_INT(signs(rsa, token.rsa, "PS256", "SHA256"), PAA_STATUS_OK);
    CHECK_INT(signs(ec, token.ec, "RS256", "SHA256"), PAA_STATUS_UNSUPPORTED);
    CHECK_INT(signs(ec, token.ec, "ES256", "SHA256"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(log_text), "");
    CHECK(ERR_peek_error() == 0);
    key_close(ec);
    key_close(rsa);
    stage_close();
}

TEST(what_a_host_is_shown_of_it_is_the_uri)
{
    const struct key_shown *shown;
    struct paa_key *key;
    struct asker a;
    bool is_held;

    token_stage();
    key = open_good(EC, token.ec);
    open_asker(&a);
    shown = key_shown_of(&a.op, key, &is_held);
    REQUIRE(shown != NULL);
    CHECK(!is_held && shown->key_pem.data == NULL && shown->chain_pem.size > 0);
    CHECK_STR(shown->key_uri, EC);
    asker_close(&a);
    key_close(key);
    stage_close();
}

/* Between two contexts in memory. */
static bool shake_hands(SSL *client, SSL *server)
{
    BIO *up, *down;
    int client_done = 0, server_done = 0;

    BIO_new_bio_pair(&up, 0, &down, 0);
    SSL_set_bio(client, up, up);
    SSL_set_bio(server, down, down);
    for (int i = 0; i < 10 && !(client_done == 1 && server_done == 1); i++) {
        client_done = SSL_connect(client);
        server_done = SSL_accept(server);
    }
    return client_done == 1 && server_done == 1;
}

TEST(tls_proves_a_key_that_is_in_a_token)
{
    const char *const uris[] = { EC, RSA };
    EVP_PKEY *pairs[2];

    token_stage();
    pairs[0] = token.ec;
    pairs[1] = token.rsa;
    for (int i = 0; i < 2; i++) {
        SSL_CTX *contexts[2] = { SSL_CTX_new(TLS_server_method()),
                                 SSL_CTX_new(TLS_client_method()) };
        struct paa_key *key = open_good(uris[i], pairs[i]);
        SSL *ends[2];

        CHECK_INT(key_present(key, contexts[0]), 0);
        for (int k = 0; k < 2; k++)
            ends[k] = SSL_new(contexts[k]);
        CHECK(shake_hands(ends[1], ends[0]));
        for (int k = 0; k < 2; k++) {
            SSL_free(ends[k]);
            SSL_CTX_free(contexts[k]);
        }
        key_close(key);
    }
    stage_close();
}

static int count_in_log(const char *text)
{
    int count = 0;

    for (const char *at = log_text; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

TEST(a_wrong_pin_is_tried_once_for_a_token_locks_itself_after_few)
{
    struct paa_key *key;

    token_stage();
    if (token_is_touched()) { /* by a sentence before: who has logged in once stays so, for all of the process */
        stage_close();
        return;
    }
    key = open_token_key(EC, token.ec, "wrong-pin-0", SOFTHSM_MODULE);
    CHECK_STR(paa_str_of(error.text), "");
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(log_text, "the key \"" EC "\" cannot be used: PIN incorrect");
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(count_in_log("PIN incorrect"), 1);
    CHECK_HAS(log_text, "it is not tried again until the PIN's source changes");
    for (int i = 0; i < 3; i++) {
        go_on_ms(KEY_TOKEN_RETRY_MS);
        CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
    }
    CHECK_INT(count_in_log("PIN incorrect"), 1);
    /* a file that holds the right one counts at once */
    store_file(in("pass"), TOKEN_PIN, strlen(TOKEN_PIN), 0600);
    key_refresh(key);
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_OK);
    CHECK(strstr(log_text, "wrong-pin") == NULL && strstr(log_text, TOKEN_PIN) == NULL);
    CHECK(ERR_peek_error() == 0);
    key_close(key);
    stage_close();
}

struct mistake {
    const char *uri;
    const char *module;
    const char *sentence;
};

TEST(whatever_else_is_wrong_with_a_token_is_told_and_nothing_is_signed)
{
    static const struct mistake all[] = {
        { "pkcs11:token=paa;object=none", SOFTHSM_MODULE, "object not found" },
        { "pkcs11:token=nowhere;object=ec", SOFTHSM_MODULE, "object not found" },
        { EC, NULL, "say module = \"PATH\" for the engine" },
        { "nowhere:ec", SOFTHSM_MODULE, "has an OSSL_STORE for such URIs" },
    };
    struct paa_key *key;

    token_stage();
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        key = open_token_key(all[i].uri, token.ec, TOKEN_PIN, all[i].module);
        CHECK_STR(paa_str_of(error.text), "");
        CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
        CHECK_HAS(log_text, all[i].sentence);
        key_close(key);
    }
    key = open_token_key(EC, token.other, TOKEN_PIN, SOFTHSM_MODULE);
    CHECK_INT(signs(key, token.other, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(log_text, "its certificate is for another key");
    key_close(key);
    key = open_good(EC, token.ec);
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_OK);
    key_close(key);
    store_file(in("new"), "junk", 4, 0600);
    key = open_token_key(EC, token.ec, TOKEN_PIN, in("new"));
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(log_text, "there is one PKCS#11 module for a process");
    key_close(key);
    stage_close();
}

/* ---- a host's own TLS ---- */

static void is_refused(const char *uri, const char *module, const char *pin, const char *sentence)
{
    CHECK_INT(key_token_ready(uri, module, pin, &error), -1);
    CHECK_HAS(error.text, sentence);
    CHECK(strstr(error.text, TOKEN_PIN) == NULL && strstr(error.text, "another pin") == NULL);
}

TEST(a_pin_that_a_hosts_tls_was_promised_is_not_shown_to_another_token_nor_lost_to_one)
{
    static const char other[] = "pkcs11:token=other;object=ec",
                      rest[] = "holds another PIN, for \"pkcs11:";
    struct paa_key *key;

    token_stage();
    CHECK_INT(key_token_ready(EC, SOFTHSM_MODULE, TOKEN_PIN, &error), 0);
    is_refused(other, SOFTHSM_MODULE, "another pin", rest);
    is_refused(other, SOFTHSM_MODULE, NULL, rest);
    is_refused("pkcs11:object=ec", SOFTHSM_MODULE, "another pin", rest);
    key = open_token_key(other, token.ec, "another pin", SOFTHSM_MODULE);
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(log_text, rest);
    CHECK(strstr(log_text, "another pin") == NULL);
    key_close(key);
    /* the same token's may change, whichever of its keys is asked for */
    CHECK_INT(key_token_ready(RSA, SOFTHSM_MODULE, "another pin", &error), 0);
    CHECK_INT(key_token_ready("pkcs11:id=%01;token=paa", SOFTHSM_MODULE, TOKEN_PIN, &error), 0);
    key = open_good(EC, token.ec);
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_OK);
    key_close(key);
    /* but not once it is another token's too */
    CHECK_INT(key_token_ready(other, SOFTHSM_MODULE, TOKEN_PIN, &error), 0);
    is_refused(RSA, SOFTHSM_MODULE, "another pin", "if the PIN was changed, start this one anew");
    CHECK_INT(key_token_ready(RSA, SOFTHSM_MODULE, TOKEN_PIN, &error), 0);
    CHECK(ERR_peek_error() == 0);
    stage_close();
}

TEST(a_host_is_told_that_the_engine_wants_the_tokens_library)
{
    token_stage();
    is_refused(EC, NULL, TOKEN_PIN,
               "OpenSSL's engine \"pkcs11\" needs the PKCS#11 library of the token: say module = "
               "\"PATH\" beside its uri");
    stage_close();
}

/* In a process of its own, where no module is loaded yet: ctest gives each sentence one. */
TEST(a_module_that_others_may_write_or_that_is_none_gives_no_key)
{
    struct paa_key *key;

    token_stage();
    if (!token_is_touched()) {
        store_file(in("new"), "junk", 4, 0600);
        CHECK_INT(chmod(in("new"), 0622), 0);
        key = open_token_key(EC, token.ec, TOKEN_PIN, in("new"));
        CHECK_HAS(error.text, "chmod");
        CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
        key_close(key);
        key = open_token_key(EC, token.ec, TOKEN_PIN, in("none"));
        CHECK_HAS(error.text, "does not exist");
        CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
        key_close(key);
        CHECK_INT(chmod(in("new"), 0600), 0);
        key = open_token_key(EC, token.ec, TOKEN_PIN, in("new"));
        CHECK_STR(paa_str_of(error.text), "");
        CHECK_INT(chmod(in("new"), 0622), 0); /* since it was read */
        CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
        CHECK_HAS(log_text, "chmod");
        key_close(key);
        CHECK_INT(chmod(in("new"), 0600), 0);
        key = open_token_key(EC, token.ec, TOKEN_PIN, in("new"));
        CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_UNAVAILABLE);
        CHECK_INT(count_in_log("cannot be used"), 2);
        key_close(key);
    }
    key = open_good(EC, token.ec); /* what could not be used is in nobody's way */
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_OK);
    key_close(key);
    stage_close();
}

TEST(a_token_wants_its_certificate)
{
    struct source_spec specs[1];
    struct key_spec spec = { .specs = specs, .count = 1, .uri = EC, .has_passphrase = true };
    struct paa_key *key;

    token_stage();
    specs[0] = file_spec(in("pass"), SOURCE_SECRET | SOURCE_PRIVATE);
    store_file(in("pass"), TOKEN_PIN, strlen(TOKEN_PIN), 0600);
    key = key_open(&stage.services, &spec, &error, &warning);
    CHECK_HAS(error.text, EC " needs its certificate");
    key_close(key);
    stage_close();
}

/* ---- processes ---- */

static int sign_in_child(const struct paa_key *key)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        struct services *services = &stage.services;
        EVP_PKEY *pkey;
        struct asker a;
        const struct key_material *material;
        unsigned char signature[KEY_SIGNATURE_MAX];
        size_t size;
        int result = -1;

        pin_domain_forget(services->pins);
        open_asker(&a);
        material = source_object(&a.op, key->source);
        pkey = material != NULL ? key_private(services, material) : NULL;
        if (pkey != NULL)
            result =
                key_sign(pkey, key_algorithm_named(paa_str_of("ES256")), message, signature, &size);
        _exit(result == 0 &&
                      verifies(token.ec, "SHA256", false, message, paa_bytes_of(signature, size))
                  ? 0
                  : 1);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return status;
}

TEST(each_process_takes_the_key_for_itself)
{
    struct paa_key *key;

    token_stage();
    key = open_good(EC, token.ec);
    CHECK_INT(sign_in_child(key), 0); /* before its parent did */
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_OK);
    CHECK_INT(sign_in_child(key), 0); /* and after */
    CHECK_INT(signs(key, token.ec, "ES256", "SHA256"), PAA_STATUS_OK);
    key_close(key);
    stage_close();
}

int __real_ENGINE_ctrl_cmd_string(ENGINE *engine, const char *name, const char *value,
                                  int is_optional);
int __wrap_ENGINE_ctrl_cmd_string(ENGINE *engine, const char *name, const char *value,
                                  int is_optional);

static bool is_to_fork;
static int child_status = -1;

/* The child of a process that is telling the engine something. */
int __wrap_ENGINE_ctrl_cmd_string(ENGINE *engine, const char *name, const char *value,
                                  int is_optional)
{
    if (is_to_fork) {
        pid_t child;

        is_to_fork = false;
        child = calm_fork();
        if (child == 0)
            _exit(key_token_ready(EC, SOFTHSM_MODULE, TOKEN_PIN, &error) == -1 &&
                          strstr(error.text, "forked while another thread spoke") != NULL
                      ? 0
                      : 1);
        CHECK(child > 0 && waitpid(child, &child_status, 0) == child);
    }
    return __real_ENGINE_ctrl_cmd_string(engine, name, value, is_optional);
}

TEST(a_process_that_is_forked_while_the_engine_is_made_ready_asks_it_nothing)
{
    token_stage();
    CHECK_INT(key_token_ready(EC, SOFTHSM_MODULE, "another pin", &error), 0);
    is_to_fork = true;
    CHECK_INT(key_token_ready(EC, SOFTHSM_MODULE, TOKEN_PIN, &error), 0);
    CHECK_INT(child_status, 0);
    stage_close();
}

/* ---- threads ---- */

enum { THREADS = 4, ROUNDS = 25 };

struct crowd {
    const struct key_material *material;
    atomic_int good;
};

static void *sign_often(void *arg)
{
    struct crowd *crowd = arg;
    unsigned char signature[KEY_SIGNATURE_MAX];
    size_t size;

    for (int i = 0; i < ROUNDS; i++) {
        EVP_PKEY *pkey = key_private(&stage.services, crowd->material);

        if (pkey != NULL && key_sign(pkey, key_algorithm_named(paa_str_of("ES256")), message,
                                     signature, &size) == 0)
            (void)atomic_fetch_add(&crowd->good, 1);
        EVP_PKEY_free(pkey);
    }
    return NULL;
}

TEST(threads_sign_with_one_key_of_a_token)
{
    struct crowd crowd = { NULL, 0 };
    pthread_t threads[THREADS];
    struct paa_key *key;
    struct asker a;

    token_stage();
    key = open_good(EC, token.ec);
    open_asker(&a);
    crowd.material = source_object(&a.op, key->source);
    REQUIRE(crowd.material != NULL);
    for (int i = 0; i < THREADS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, sign_often, &crowd), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&crowd.good), THREADS * ROUNDS);
    asker_close(&a);
    key_close(key);
    stage_close();
}

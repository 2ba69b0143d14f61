/* SPDX-License-Identifier: MIT */
/* Keys whose files change, whose certificates end, and that many threads and a child use meanwhile. */
#include "fork.h"
#include "test.h"

#include "key_stage.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/wait.h>

#define NOW_S ((int64_t)BEGAN_S)

struct pair { /* a key and its certificate */
    EVP_PKEY *key;
    X509 *leaf;
};

static struct pair made_pair(const char *kind, int64_t lasts_s)
{
    struct pair pair = { made_key(kind), NULL };

    pair.leaf = made_cert(pair.key, "leaf", NULL, NULL, NOW_S - 1, NOW_S + lasts_s);
    return pair;
}

static void store_pair(const struct pair *pair)
{
    store_key(in("k"), pair->key, NULL);
    store_certs(in("c"), &pair->leaf, 1);
}

static void free_pair(const struct pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->leaf);
}

/* Does the key sign as this pair, for an operation that begins now? */
static bool is_pair(const struct paa_key *key, const struct pair *pair)
{
    struct paa_bytes message = paa_bytes_of("m", 1);
    struct signed_by by;
    struct asker a;
    bool is_good;

    open_asker(&a);
    by = sign(&a, key, "EdDSA", message);
    is_good = by.status == PAA_STATUS_OK && verifies(pair->key, NULL, false, message, by.signature);
    asker_close(&a);
    return is_good;
}

static int count_of(const char *part)
{
    int count = 0;

    for (const char *at = log_text; (at = strstr(at, part)) != NULL; at++)
        count++;
    return count;
}

TEST(renewed_files_count_at_once_and_operations_keep_what_they_began_with)
{
    struct pair old, new;
    struct paa_key_info info;
    struct paa_key *key;
    struct asker a;
    uint64_t version;

    stage_open();
    old = made_pair("ED25519", 90 * DAY_S);
    new = made_pair("ED25519", 180 * DAY_S);
    store_pair(&old);
    key = open_key(in("k"), false, NULL, in("c"));
    start_watching();
    version = key_version(key);
    open_asker(&a);
    CHECK_INT(info_of(&a, key, &info), PAA_STATUS_OK);
    CHECK(is_pair(key, &old));
    store_pair(&new);
    go_on_ms(SOURCE_SETTLE_MS);
    CHECK(is_pair(key, &new));
    CHECK(key_version(key) > version);
    CHECK_INT(info_of(&a, key, &info), PAA_STATUS_OK);
    CHECK_INT(info.version, version);
    CHECK_INT(info.expires_at_s, NOW_S + 90 * DAY_S);
    CHECK(verifies(old.key, NULL, false, paa_bytes_of("m", 1),
                   sign(&a, key, "EdDSA", paa_bytes_of("m", 1)).signature));
    asker_close(&a);
    CHECK_STR(paa_str_of(log_text), "");
    key_close(key);
    free_pair(&old);
    free_pair(&new);
    stage_close();
}

TEST(a_key_whose_certificate_has_not_come_yet_waits_and_the_old_pair_serves)
{
    struct pair old, new;
    struct paa_key *key;

    stage_open();
    old = made_pair("ED25519", 90 * DAY_S);
    new = made_pair("ED25519", 180 * DAY_S);
    store_pair(&old);
    key = open_key(in("k"), false, NULL, in("c"));
    start_watching();
    store_key(in("k"), new.key, NULL);
    go_on_ms(SOURCE_SETTLE_MS);
    CHECK(is_pair(key, &old));
    CHECK_HAS(log_text, "paa.conf:7: the first certificate in ");
    CHECK_HAS(log_text, "the value read before stays in use");
    store_certs(in("c"), &new.leaf, 1);
    go_on_ms(SOURCE_SETTLE_MS);
    CHECK(is_pair(key, &new));
    CHECK_HAS(log_text, "can be read again");
    key_close(key);
    free_pair(&old);
    free_pair(&new);
    stage_close();
}

TEST(what_is_put_in_the_place_of_a_good_key_is_judged_as_the_first_one_was)
{
    struct pair good, expired;
    struct paa_key *key;

    stage_open();
    good = made_pair("ED25519", 90 * DAY_S);
    expired = made_pair("ED25519", 0);
    store_pair(&good);
    key = open_key(in("k"), false, NULL, in("c"));
    start_watching();
    store_pair(&expired);
    go_on_ms(SOURCE_SETTLE_MS);
    CHECK_HAS(log_text, "expired on 1970-01-12");
    store_pair(&good);
    CHECK_INT(chmod(in("k"), 0604), 0);
    go_on_ms(SOURCE_SETTLE_MS);
    CHECK_HAS(log_text, "can be read by every user");
    CHECK_INT(unlink(in("k")), 0);
    go_on_ms(SOURCE_SETTLE_MS);
    CHECK_HAS(log_text, "does not exist");
    CHECK(is_pair(key, &good));
    key_close(key);
    free_pair(&good);
    free_pair(&expired);
    stage_close();
}

TEST(an_unread_key_begins_to_sign_when_its_file_is_mended)
{
    struct paa_key *key;
    struct pair pair;

    stage_open();
    pair = made_pair("ED25519", 90 * DAY_S);
    key = open_key(in("k"), false, NULL, in("c"));
    start_watching();
    CHECK(!is_pair(key, &pair));
    store_pair(&pair);
    go_on_ms(SOURCE_SETTLE_MS);
    CHECK(is_pair(key, &pair));
    key_close(key);
    free_pair(&pair);
    stage_close();
}

TEST(the_same_files_opened_again_have_the_same_version)
{
    struct paa_key *first, *second;
    struct pair pair;

    stage_open();
    pair = made_pair("ED25519", 90 * DAY_S);
    store_pair(&pair);
    first = open_key(in("k"), false, NULL, in("c"));
    second = open_key(in("k"), false, NULL, in("c"));
    CHECK(key_version(first) > 0);
    CHECK_INT(key_version(first), key_version(second));
    key_close(first);
    CHECK(is_pair(second, &pair));
    key_close(second);
    free_pair(&pair);
    stage_close();
}

/* Hours pass, one by one, as the timer wants it. */
static void pass_hours(int hours)
{
    for (int i = 0; i < hours; i++)
        go_on_ms(60 * 60 * 1000);
}

TEST(a_certificate_that_ends_while_the_program_runs_is_told_of_twice)
{
    struct paa_key *key;
    struct pair pair;

    stage_open();
    pair = made_pair("ED25519", 20 * DAY_S);
    store_pair(&pair);
    key = open_key(in("k"), false, NULL, in("c"));
    CHECK_STR(paa_str_of(warning.text), "");
    start_watching();
    pass_hours(5 * 24);
    CHECK_INT(count_of("renew it"), 0);
    pass_hours(2 * 24);
    CHECK_INT(count_of("expires on 1970-02-01: renew it"), 1);
    pass_hours(14 * 24);
    CHECK_INT(count_of("expires on 1970-02-01: renew it"), 1);
    CHECK_INT(count_of("expired on 1970-02-01: renew it"), 1);
    CHECK(is_pair(key, &pair)); /* the peer decides */
    key_close(key);
    free_pair(&pair);
    stage_close();
}

/* ---- TLS ---- */

/* Between two contexts in memory. 1: done. */
static int shake_hands(SSL *client, SSL *server)
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

TEST(tls_shows_the_leaf_with_its_chain_and_proves_the_key)
{
    SSL_CTX *server_ctx = SSL_CTX_new(TLS_server_method());
    SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
    SSL *server, *client;
    struct pair ca, other;
    struct paa_key *key;
    EVP_PKEY *leaf_key;
    X509 *certs[2];

    stage_open();
    ca = made_pair("ED25519", 900 * DAY_S);
    other = made_pair("P-256", 90 * DAY_S);
    leaf_key = made_key("P-256");
    certs[0] = made_cert(leaf_key, "leaf", ca.leaf, ca.key, NOW_S - 1, NOW_S + 90 * DAY_S);
    certs[1] = ca.leaf;
    store_pair(&other);
    key = open_key(in("k"), false, NULL, in("c"));
    CHECK_INT(key_present(key, server_ctx), 0);
    store_key(in("k"), leaf_key, NULL);
    store_certs(in("c"), certs, 2);
    key_refresh(key);
    CHECK_INT(key_present(key, server_ctx), 0); /* in the other one's place */
    server = SSL_new(server_ctx);
    client = SSL_new(client_ctx);
    CHECK(shake_hands(client, server));
    CHECK_INT(sk_X509_num(SSL_get_peer_cert_chain(client)), 2);
    CHECK_INT(X509_cmp(SSL_get0_peer_certificate(client), certs[0]), 0);
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(server_ctx);
    SSL_CTX_free(client_ctx);
    key_close(key);
    X509_free(certs[0]);
    EVP_PKEY_free(leaf_key);
    free_pair(&ca);
    free_pair(&other);
    stage_close();
}

TEST(tls_is_refused_a_key_without_a_certificate_and_no_error_is_left_behind)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct paa_key *key;
    struct pair pair;

    stage_open();
    pair = made_pair("ED25519", 90 * DAY_S);
    key = open_key(in("k"), false, NULL, NULL);
    CHECK_INT(key_present(key, ctx), -1);
    store_key(in("k"), pair.key, NULL);
    key_refresh(key);
    CHECK_INT(key_present(key, ctx), -1);
    store_file(in("k"), "junk", 4, 0600);
    key_refresh(key);
    CHECK(ERR_peek_error() == 0);
    SSL_CTX_free(ctx);
    key_close(key);
    free_pair(&pair);
    stage_close();
}

/* ---- many at once ---- */

enum { THREADS = 16, SIGNATURES = 60, ROTATIONS = 40 };

struct user { /* one thread */
    pthread_t thread;
    const struct paa_key *key;
    SSL_CTX *ctx;
    int wrong;
};

/* One operation: what info says and what sign does are of one reading. */
static bool signs_by_its_own_key(const struct paa_key *key)
{
    struct paa_bytes message = paa_bytes_of("message", 7);
    struct paa_key_info info;
    struct signed_by by;
    const unsigned char *at;
    struct asker a;
    EVP_PKEY *shown;
    bool is_good;

    open_asker(&a);
    is_good = info_of(&a, key, &info) == PAA_STATUS_OK;
    by = sign(&a, key, "EdDSA", message);
    at = info.public_key.data;
    shown = is_good ? d2i_PUBKEY(NULL, &at, (long)info.public_key.size) : NULL;
    is_good = shown != NULL && by.status == PAA_STATUS_OK &&
              verifies(shown, NULL, false, message, by.signature);
    EVP_PKEY_free(shown);
    asker_close(&a);
    return is_good;
}

static void *use(void *arg)
{
    struct user *user = arg;

    for (int i = 0; i < SIGNATURES; i++) {
        user->wrong += !signs_by_its_own_key(user->key);
        user->wrong += key_version(user->key) == 0;
        if (i % 8 == 0)
            user->wrong +=
                key_present(user->key, user->ctx) != 0 || SSL_CTX_check_private_key(user->ctx) != 1;
    }
    return NULL;
}

TEST(sixteen_threads_sign_while_the_files_rotate)
{
    struct user users[THREADS];
    struct pair pairs[2];
    struct paa_key *key;
    int wrong = 0;

    stage_open();
    for (int i = 0; i < 2; i++)
        pairs[i] = made_pair("ED25519", 90 * DAY_S);
    store_pair(&pairs[0]);
    key = open_key(in("k"), false, NULL, in("c"));
    for (int i = 0; i < THREADS; i++) {
        users[i] = (struct user){ .key = key, .ctx = SSL_CTX_new(TLS_client_method()) };
        if (pthread_create(&users[i].thread, NULL, use, &users[i]) != 0)
            abort();
    }
    for (int i = 1; i <= ROTATIONS; i++) {
        store_pair(&pairs[i % 2]);
        key_refresh(key);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_INT(pthread_join(users[i].thread, NULL), 0);
        SSL_CTX_free(users[i].ctx);
        wrong += users[i].wrong;
    }
    CHECK_INT(wrong, 0);
    CHECK(key_version(key) >= ROTATIONS);
    key_close(key);
    for (int i = 0; i < 2; i++)
        free_pair(&pairs[i]);
    stage_close();
}

/* ---- a child ---- */

TEST(a_child_signs_with_the_keys_its_parent_opened)
{
    struct paa_key *key;
    struct pair pair;
    int status = -1;
    pid_t child;

    stage_open();
    pair = made_pair("ED25519", 90 * DAY_S);
    store_pair(&pair);
    key = open_key(in("k"), false, NULL, in("c"));
    keys_start(stage.services.keys);
    child = calm_fork();
    if (child == 0) {
        bool is_good;

        pin_domain_forget(stage.services.pins);
        stage.services.reactor = reactor_new(&stage.services.clock);
        keys_start(stage.services.keys);
        is_good = is_pair(key, &pair) && key_version(key) > 0;
        keys_stop(stage.services.keys);
        _exit(is_good ? 0 : 1);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    CHECK(is_pair(key, &pair));
    key_close(key);
    free_pair(&pair);
    stage_close();
}

/* SPDX-License-Identifier: MIT */
/*
 * host->http with client keys: what is shown, and that connections never change keys. The key service is a stand-in
 * here (--wrap): http.c knows no more of it than these two functions.
 */
#include "http_bench.h"
#include "test.h"

#include <openssl/ssl.h>

struct paa_key {
    const char *name; /* of its files; NULL: it cannot be shown */
    uint64_t version;
};

int __wrap_key_present(const struct paa_key *key, SSL_CTX *ctx);
uint64_t __wrap_key_version(const struct paa_key *key);

int __wrap_key_present(const struct paa_key *key, SSL_CTX *ctx)
{
    char certificate[256], private_key[256];

    if (key->name == NULL)
        return -1;
    snprintf(certificate, sizeof certificate, "%s/%s.pem", fault_server_folder(), key->name);
    snprintf(private_key, sizeof private_key, "%s/%s.key", fault_server_folder(), key->name);
    return SSL_CTX_use_certificate_file(ctx, certificate, SSL_FILETYPE_PEM) == 1 &&
                   SSL_CTX_use_PrivateKey_file(ctx, private_key, SSL_FILETYPE_PEM) == 1
               ? 0
               : -1;
}

uint64_t __wrap_key_version(const struct paa_key *key)
{
    return key->version;
}

static enum paa_status fetch_as(struct http_bench *h, struct caller *c, const struct paa_key *key)
{
    enum paa_status status;

    caller_open(c, h, "/");
    c->request.client_key = key;
    status = fetch(c);
    caller_close(c);
    return status;
}

static void check_seen(struct http_bench *h, const char *client)
{
    struct fault_request seen;

    CHECK(fault_server_last(h->server, &seen));
    CHECK_STR(paa_str_of(seen.client), client);
}

TEST(a_server_that_demands_a_certificate_sees_the_keys)
{
    const struct paa_key alice = { "alice", 1 };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_CLIENT);
    fault_server_make_client("alice");
    CHECK_INT(fetch_as(&h, &c, &alice), PAA_STATUS_OK);
    check_seen(&h, "alice");
    CHECK_INT(fetch_as(&h, &c, &alice), PAA_STATUS_OK);
    CHECK_INT(fault_server_connections(h.server), 1);
    http_bench_close(&h);
}

TEST(connections_never_change_keys)
{
    const struct paa_key alice = { "alice", 1 }, bob = { "bob", 2 };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_CLIENT);
    fault_server_make_client("alice");
    fault_server_make_client("bob");
    for (int i = 0; i < 2; i++) {
        CHECK_INT(fetch_as(&h, &c, &alice), PAA_STATUS_OK);
        check_seen(&h, "alice");
        CHECK_INT(fetch_as(&h, &c, &bob), PAA_STATUS_OK);
        check_seen(&h, "bob");
    }
    CHECK_INT(fault_server_connections(h.server), 2);
    CHECK_INT(fetch_as(&h, &c, NULL), PAA_STATUS_UNAVAILABLE); /* no key of another one's */
    CHECK_HAS(c.sentence, "certificate required");
    http_bench_close(&h);
}

TEST(a_key_that_was_rotated_is_shown_on_a_new_connection)
{
    struct paa_key key = { "old", 1 };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_CLIENT);
    fault_server_make_client("old");
    fault_server_make_client("new");
    CHECK_INT(fetch_as(&h, &c, &key), PAA_STATUS_OK);
    key = (struct paa_key){ "new", 2 };
    CHECK_INT(fetch_as(&h, &c, &key), PAA_STATUS_OK);
    check_seen(&h, "new");
    CHECK_INT(fault_server_connections(h.server), 2);
    http_bench_close(&h);
}

TEST(a_key_that_cannot_be_read_or_shown_is_told_of)
{
    const struct paa_key unread = { "alice", 0 }, bare = { NULL, 3 };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    CHECK_INT(fetch_as(&h, &c, &unread), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, "the client key cannot be read at this time");
    CHECK_INT(fetch_as(&h, &c, &bare), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, "the client key has no certificate");
    CHECK_INT(fault_server_requests(h.server), 0);
    http_bench_close(&h);
}

/* Each key has connections of its own, and what nobody uses is closed when there are too many. */
TEST(many_keys_in_turn_keep_few_connections)
{
    enum { KEYS = 80 };
    struct paa_key key = { "alice", 1 };
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_CLIENT);
    fault_server_make_client("alice");
    for (; key.version <= KEYS; key.version++)
        CHECK_INT(fetch_as(&h, &c, &key), PAA_STATUS_OK);
    fault_server_await_closed(h.server, 64);
    http_bench_close(&h);
}

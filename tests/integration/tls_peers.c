/* SPDX-License-Identifier: MIT */
/* Real handshakes of servers by <paa/with_openssl.h>: what the policy is shown of the peer, whoever that is. */
#include "fault_server.h"
#include "host.h"
#include "test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <paa/with_openssl.h>

struct pair { /* both ends of one connection, on one thread */
    int listening;
    int fds[2]; /* server's, client's */
    SSL_CTX *contexts[2];
    SSL *ends[2];
};

static void pair_sockets(struct pair *pair)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;

    pair->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pair->fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(pair->listening, (struct sockaddr *)&at, sizeof at) == 0 &&
            listen(pair->listening, 1) == 0 &&
            getsockname(pair->listening, (struct sockaddr *)&at, &size) == 0 &&
            connect(pair->fds[1], (struct sockaddr *)&at, size) == 0);
    pair->fds[0] = accept(pair->listening, NULL, NULL);
    REQUIRE(pair->fds[0] >= 0);
    for (int i = 0; i < 2; i++)
        REQUIRE(fcntl(pair->fds[i], F_SETFL, O_NONBLOCK) == 0);
}

static const char *file_of(const char *name, const char *ending)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s.%s", fault_server_folder(), name, ending);
    return path;
}

static void use(SSL_CTX *ctx, const char *name)
{
    REQUIRE(SSL_CTX_use_certificate_chain_file(ctx, file_of(name, "pem")) == 1 &&
            SSL_CTX_use_PrivateKey_file(ctx, file_of(name, "key"), SSL_FILETYPE_PEM) == 1);
}

/* client NULL: shows no certificate. TLS 1.2, where the session is there when the handshake is. */
static void pair_contexts(struct pair *pair, const char *client)
{
    pair->contexts[0] = SSL_CTX_new(TLS_server_method());
    pair->contexts[1] = SSL_CTX_new(TLS_client_method());
    use(pair->contexts[0], "alice");
    CHECK_INT(paa_ssl_ctx_ask(pair->contexts[0], fault_server_ca()), 0);
    if (client != NULL)
        use(pair->contexts[1], client);
    (void)SSL_CTX_set_max_proto_version(pair->contexts[1], TLS1_2_VERSION);
}

static bool pair_connect(struct pair *pair, SSL_SESSION *session)
{
    int done[2] = { 0, 0 };

    pair_sockets(pair);
    for (int i = 0; i < 2; i++) {
        pair->ends[i] = SSL_new(pair->contexts[i]);
        CHECK_INT(SSL_set_fd(pair->ends[i], pair->fds[i]), 1);
    }
    SSL_set_accept_state(pair->ends[0]);
    SSL_set_connect_state(pair->ends[1]);
    CHECK_INT(paa_with_ssl(pair->ends[1], "api.example.com"), 0);
    if (session != NULL)
        CHECK_INT(SSL_set_session(pair->ends[1], session), 1);
    while (done[0] != 1 || done[1] != 1)
        for (int i = 0; i < 2; i++) {
            int reason;

            if (done[i] == 1)
                continue;
            done[i] = SSL_do_handshake(pair->ends[i]);
            reason = SSL_get_error(pair->ends[i], done[i]);
            if (done[i] != 1 && reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE)
                return false;
        }
    return true;
}

static void pair_disconnect(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        SSL_free(pair->ends[i]);
        (void)close(pair->fds[i]);
    }
    (void)close(pair->listening);
}

static void pair_free(struct pair *pair)
{
    SSL_CTX_free(pair->contexts[0]);
    SSL_CTX_free(pair->contexts[1]);
}

/* "NAME COUNT" of who the server's policy saw; "" if it let nobody in. */
static void seen_by_policy(struct host *host, SSL *ssl, uint32_t flags, char ret_who[128])
{
    struct sockaddr_storage address;
    struct paa_peer_options options;
    const struct paa_principal *who;
    struct paa_peer *peer;
    struct paa_txn *txn;
    enum paa_state state;
    struct ask ask;

    paa_ssl_peer(&options, ssl, &address);
    CHECK_INT(options.flags, flags);
    if (flags == PAA_PEER_TLS)
        CHECK_STR(options.server_name, "api.example.com");
    CHECK_INT(options.address.size, sizeof(struct sockaddr_in));
    CHECK_INT(((struct sockaddr_in *)&address)->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    REQUIRE(paa_peer_open(&peer, host->context, &options) == 0);
    ask_for(&ask, "GET", "/x", NULL);
    ask.request.peer = peer;
    state = host_ask(host, &ask, &txn);
    who = paa_txn_principal(txn, 0);
    ret_who[0] = '\0';
    if (state == PAA_TXN_ALLOW && who != NULL)
        (void)snprintf(ret_who, 128, "%.*s %.*s", (int)who->subject.size, who->subject.data,
                       (int)who->client_id.size, who->client_id.data);
    paa_txn_end(&txn);
    paa_peer_close(&peer);
}

#define SEES                                                                                       \
    POLICY("peers = { plugin = \"" PEER_NAME "\"; };\n",                                           \
           API("chain = ( { required = \"peers\" } );"))

TEST(a_server_hands_the_peers_chain_to_the_policy_and_a_resumed_session_its_leaf)
{
    struct fault_server *server = fault_server_start(FAULT_TLS_GOOD);
    SSL_SESSION *session;
    struct pair pair;
    struct host host;
    char who[128];

    fault_server_make_client("alice");
    REQUIRE(host_open(&host, SEES));
    pair_contexts(&pair, "alice");
    REQUIRE(SSL_CTX_load_verify_file(pair.contexts[1], fault_server_ca()) == 1);
    REQUIRE(pair_connect(&pair, NULL));
    seen_by_policy(&host, pair.ends[0], PAA_PEER_TLS, who);
    CHECK_STR(paa_str_of(who), "alice 2");
    session = SSL_get1_session(pair.ends[1]);
    CHECK_INT(SSL_shutdown(pair.ends[1]) >= 0, 1);
    pair_disconnect(&pair);
    REQUIRE(pair_connect(&pair, session));
    CHECK_INT(SSL_session_reused(pair.ends[0]), 1);
    seen_by_policy(&host, pair.ends[0], PAA_PEER_TLS | PAA_PEER_RESUMED, who);
    CHECK_STR(paa_str_of(who), "alice 1");
    SSL_SESSION_free(session);
    pair_disconnect(&pair);
    pair_free(&pair);
    host_close(&host);
    fault_server_stop(server);
}

TEST(clients_without_a_certificate_and_with_one_of_nobodys_reach_the_policy)
{
    struct fault_server *server = fault_server_start(FAULT_TLS_GOOD);
    struct pair pair;
    struct host host;
    char who[128];

    fault_server_make_client("alice");
    fault_server_make_stranger("mallory");
    REQUIRE(host_open(&host, SEES));
    pair_contexts(&pair, NULL);
    REQUIRE(pair_connect(&pair, NULL));
    seen_by_policy(&host, pair.ends[0], PAA_PEER_TLS, who);
    CHECK_STR(paa_str_of(who), "");
    CHECK_INT(sk_X509_NAME_num(SSL_get_client_CA_list(pair.ends[1])), 1);
    pair_disconnect(&pair);
    pair_free(&pair);
    pair_contexts(&pair, "mallory");
    REQUIRE(pair_connect(&pair, NULL));
    seen_by_policy(&host, pair.ends[0], PAA_PEER_TLS, who);
    CHECK_STR(paa_str_of(who), "mallory 1");
    CHECK_INT(ERR_peek_error(), 0);
    pair_disconnect(&pair);
    pair_free(&pair);
    host_close(&host);
    fault_server_stop(server);
}

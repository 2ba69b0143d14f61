/* SPDX-License-Identifier: MIT */
/* Real handshakes of clients by <paa/with_curl.h> and <paa/with_openssl.h>: who is verified, what is shown, and that no
 * connection carries a request that it was not made for. */
#include "fault_server.h"
#include "host.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <paa/with_curl.h>
#include <paa/with_openssl.h>
#include <sched.h>

enum { POLICY_MAX = 8192 };

struct place {
    struct host host;
    struct fault_server *server;
    CURL *curl;
};

static size_t ignore(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    (void)user;
    return size * count;
}

/* "@": the server's origin; "^": its CA; "~": its pin; "|": the folder with its keys. */
static void fill(const struct place *place, const char *pattern, char *text)
{
    char url[FAULT_URL_MAX], pin[FAULT_PIN_SIZE];
    size_t at = 0;

    (void)fault_server_url(place->server, "", url);
    fault_server_pin(place->server, pin);
    for (; *pattern != '\0' && at + FAULT_URL_MAX < POLICY_MAX; pattern++) {
        const char *word = *pattern == '@'   ? url
                           : *pattern == '^' ? fault_server_ca()
                           : *pattern == '~' ? pin
                           : *pattern == '|' ? fault_server_folder()
                                             : NULL;

        if (word != NULL)
            at += (size_t)snprintf(text + at, POLICY_MAX - at, "%s", word);
        else
            text[at++] = *pattern;
    }
    text[at] = '\0';
}

#define TO_SERVER "direction = \"outgoing\"; origins = [ \"@\" ]; "

static const char policy[] = POLICY(
    "alice = { plugin = \"mtls\"; client_key = { key = \"file:|/alice.key\"; certificate = "
    "\"|/alice.pem\"; }; };\n"
    "bob = { plugin = \"mtls\"; client_key = { key = \"file:|/bob.key\"; certificate = "
    "\"|/bob.pem\"; }; };\n",
    "alice = { " TO_SERVER "tls = { ca = \"^\"; }; chain = ( { required = \"alice\" } ); };\n"
    "bob = { " TO_SERVER "tls = { ca = \"^\"; }; chain = ( { required = \"bob\" } ); };\n"
    "nobody = { " TO_SERVER "tls = { ca = \"^\"; }; chain = ( { required = \"permit\" } ); };\n"
    "system = { " TO_SERVER "chain = ( { required = \"permit\" } ); };\n"
    "other = { " TO_SERVER
    "tls = { ca = \"|/alice.pem\"; }; chain = ( { required = \"permit\" } ); "
    "};\n"
    "pinned = { " TO_SERVER "tls = { ca = \"^\"; pins = [ \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3"
    "hSuFU=\", \"~\" ]; }; chain = ( { required = \"permit\" } ); };\n"
    "wrong = { " TO_SERVER "tls = { ca = \"^\"; pins = [ \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3"
    "hSuFU=\" ]; }; chain = ( { required = \"permit\" } ); };\n"
    "strict = { " TO_SERVER "tls = { ca = \"^\"; min_version = \"1.3\"; }; chain = ( { required = "
    "\"permit\" } ); };\n"
    "careless = { " TO_SERVER "tls = { verify = false; insecure_reason = \"test\"; }; chain = ( { "
    "required = \"permit\" } ); };\n"
    "half = { " TO_SERVER
    "tls = { verify = false; insecure_reason = \"test\"; pins = [ \"47DEQpj8HBS"
    "a+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\" ]; }; chain = ( { required = \"permit\" } ); };\n");

static bool begin(struct place *place, enum fault_tls tls)
{
    static const struct fault_answer answer = { .type = "text/plain", .body = "hello" };
    struct paa_context_options options;
    char text[POLICY_MAX];

    place->server = fault_server_start(tls);
    fault_server_answer(place->server, "/x", &answer);
    fault_server_make_client("alice");
    fault_server_make_client("bob");
    fill(place, policy, text);
    if (!host_init(&place->host) || !host_write(&place->host, text))
        return false;
    host_options(&place->host, &options);
    options.real_time_fn = NULL; /* the server's certificates are of today */
    place->curl = curl_easy_init();
    return place->curl != NULL && host_open_with(&place->host, &options);
}

static void end(struct place *place)
{
    curl_easy_cleanup(place->curl);
    host_close(&place->host);
    fault_server_stop(place->server);
}

/* The caller ends it. */
static struct paa_txn *allowed(struct place *place, const char *service)
{
    char url[FAULT_URL_MAX];
    struct paa_txn *txn;
    struct ask ask;
    enum paa_state state;

    ask_for(&ask, "GET", fault_server_url(place->server, "/x", url), NULL);
    ask.request.authority = ask.request.scheme = paa_str_of(NULL);
    state = paa_txn_begin(&txn, place->host.lane,
                          paa_service_find(place->host.context, service, PAA_OUTGOING,
                                           &place->host.error),
                          &ask.request);
    CHECK_INT(state, PAA_TXN_ALLOW);
    return txn;
}

/* ---- libcurl ------------------------------------------------------------------------------------- */

static CURLcode perform(struct place *place, const struct paa_client_tls *tls)
{
    char url[FAULT_URL_MAX];
    CURLcode code = paa_with_curl(place->curl, tls);

    CHECK_INT(code, CURLE_OK);
    (void)curl_easy_setopt(place->curl, CURLOPT_URL, fault_server_url(place->server, "/x", url));
    (void)curl_easy_setopt(place->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(place->curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(place->curl, CURLOPT_WRITEFUNCTION, ignore);
    return curl_easy_perform(place->curl);
}

/* The transaction has ended before the request is sent: libcurl has what it needs. */
static CURLcode sends(struct place *place, const char *service)
{
    struct paa_txn *txn = allowed(place, service);
    CURLcode code = paa_with_curl(place->curl, paa_txn_client_tls(txn));
    char url[FAULT_URL_MAX];

    paa_txn_end(&txn);
    CHECK_INT(code, CURLE_OK);
    (void)curl_easy_setopt(place->curl, CURLOPT_URL, fault_server_url(place->server, "/x", url));
    (void)curl_easy_setopt(place->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(place->curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(place->curl, CURLOPT_WRITEFUNCTION, ignore);
    return curl_easy_perform(place->curl);
}

static void check_seen(struct place *place, const char *client)
{
    struct fault_request seen;

    CHECK(fault_server_last(place->server, &seen));
    CHECK_STR(paa_str_of(seen.client), client);
}

TEST(one_curl_handle_never_sends_a_request_over_another_ones_connection)
{
    struct place place;

    REQUIRE(begin(&place, FAULT_TLS_CLIENT));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(sends(&place, "alice"), CURLE_OK);
        check_seen(&place, "alice");
        CHECK_INT(sends(&place, "bob"), CURLE_OK);
        check_seen(&place, "bob");
        CHECK(sends(&place, "nobody") != CURLE_OK);
    }
    CHECK_INT(fault_server_requests(place.server), 6);
    /* kept for whom they were made for: two, and one for each attempt without a certificate */
    CHECK_INT(fault_server_connections(place.server), 2 + 3);
    end(&place);
}

TEST(a_renewed_certificate_is_shown_on_a_new_curl_connection)
{
    struct paa_client_tls before;
    struct paa_txn *txn;
    struct place place;

    REQUIRE(begin(&place, FAULT_TLS_CLIENT));
    atomic_store(&place.host.is_live, true);
    CHECK_INT(sends(&place, "alice"), CURLE_OK);
    txn = allowed(&place, "alice");
    before = *paa_txn_client_tls(txn);
    paa_txn_end(&txn);
    fault_server_make_client("alice");
    for (uint64_t id = before.id; id == before.id;) {
        txn = allowed(&place, "alice");
        id = paa_txn_client_tls(txn)->id;
        paa_txn_end(&txn);
        (void)sched_yield();
    }
    CHECK_INT(sends(&place, "alice"), CURLE_OK);
    CHECK_INT(fault_server_connections(place.server), 2);
    CHECK_INT(sends(&place, "alice"), CURLE_OK);
    CHECK_INT(fault_server_connections(place.server), 2);
    end(&place);
}

TEST(curl_verifies_as_the_service_says_and_goes_back_to_the_systems_cas)
{
    struct place place;

    REQUIRE(begin(&place, FAULT_TLS_1_2));
    CHECK_INT(sends(&place, "nobody"), CURLE_OK);
    CHECK_INT(sends(&place, "system"), CURLE_PEER_FAILED_VERIFICATION);
    CHECK_INT(sends(&place, "other"), CURLE_PEER_FAILED_VERIFICATION);
    CHECK_INT(sends(&place, "pinned"), CURLE_OK);
    CHECK_INT(sends(&place, "wrong"), CURLE_SSL_PINNEDPUBKEYNOTMATCH);
    CHECK_INT(sends(&place, "strict"), CURLE_SSL_CONNECT_ERROR);
    CHECK_INT(sends(&place, "careless"), CURLE_OK);
    CHECK_INT(sends(&place, "half"), CURLE_SSL_PINNEDPUBKEYNOTMATCH);
    CHECK_INT(sends(&place, "nobody"), CURLE_OK);
    CHECK_INT(perform(&place, NULL), CURLE_PEER_FAILED_VERIFICATION);
    end(&place);
}

TEST(curl_refuses_servers_of_the_wrong_name_and_of_yesterday)
{
    static const enum fault_tls bad[] = { FAULT_TLS_EXPIRED, FAULT_TLS_SELF_SIGNED,
                                          FAULT_TLS_WRONG_NAME };
    struct place place;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REQUIRE(begin(&place, bad[i]));
        CHECK_INT(sends(&place, "nobody"), CURLE_PEER_FAILED_VERIFICATION);
        CHECK_INT(sends(&place, "careless"), CURLE_OK);
        end(&place);
    }
}

/* ---- OpenSSL, outgoing --------------------------------------------------------------------------- */

/* name NULL: a host that forgets to say whom it means. */
static SSL *connected(const struct place *place, SSL_CTX *ctx, const char *name)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)fault_server_port(place->server)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(ctx);

    CHECK(fd >= 0 && ssl != NULL && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK_INT(SSL_set_fd(ssl, fd), 1);
    if (name != NULL)
        CHECK_INT(paa_with_ssl(ssl, name), 0);
    return ssl;
}

static void disconnect(SSL *ssl)
{
    int fd = SSL_get_fd(ssl);

    SSL_free(ssl);
    (void)close(fd);
}

/* Connects, sends one request and reads the beginning of its answer. */
static bool speaks(struct place *place, const char *service, const char *name)
{
    static const char request[] = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
    struct paa_txn *txn = allowed(place, service);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char answer[256];
    bool is_good;
    SSL *ssl;

    CHECK_INT(paa_with_ssl_ctx(ctx, paa_txn_client_tls(txn)), 0);
    paa_txn_end(&txn);
    ssl = connected(place, ctx, name);
    is_good = SSL_connect(ssl) == 1 && SSL_write(ssl, request, (int)sizeof request - 1) > 0 &&
              SSL_read(ssl, answer, (int)sizeof answer) > 12 &&
              memcmp(answer, "HTTP/1.1 200", 12) == 0;
    disconnect(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return is_good;
}

TEST(openssl_shows_the_certificate_of_the_service)
{
    struct place place;

    REQUIRE(begin(&place, FAULT_TLS_CLIENT));
    CHECK(speaks(&place, "alice", "127.0.0.1"));
    check_seen(&place, "alice");
    CHECK(speaks(&place, "bob", "localhost"));
    check_seen(&place, "bob");
    CHECK(!speaks(&place, "nobody", "127.0.0.1"));
    end(&place);
}

TEST(openssl_verifies_as_the_service_says)
{
    struct place place;

    REQUIRE(begin(&place, FAULT_TLS_1_2));
    CHECK(speaks(&place, "nobody", "127.0.0.1"));
    CHECK(speaks(&place, "nobody", "localhost"));
    CHECK(!speaks(&place, "nobody", "127.0.0.2"));
    CHECK(!speaks(&place, "nobody", "example.com"));
    CHECK(!speaks(&place, "nobody", NULL));
    CHECK(!speaks(&place, "system", "127.0.0.1"));
    CHECK(!speaks(&place, "other", "127.0.0.1"));
    CHECK(speaks(&place, "pinned", "127.0.0.1"));
    CHECK(!speaks(&place, "wrong", "127.0.0.1"));
    CHECK(!speaks(&place, "strict", "127.0.0.1"));
    CHECK(speaks(&place, "careless", "127.0.0.1"));
    CHECK(speaks(&place, "careless", "example.com"));
    CHECK(speaks(&place, "careless", NULL));
    CHECK(!speaks(&place, "half", "127.0.0.1"));
    end(&place);
    REQUIRE(begin(&place, FAULT_TLS_EXPIRED));
    CHECK(!speaks(&place, "nobody", "127.0.0.1"));
    CHECK(speaks(&place, "careless", "127.0.0.1"));
    end(&place);
}

TEST(a_context_is_set_up_once_and_refuses_what_cannot_be_read)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct paa_client_tls tls;

    paa_init(&tls, sizeof tls);
    CHECK_INT(paa_with_ssl_ctx(ctx, NULL), -1);
    tls.trust_pem = paa_str_of("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n");
    CHECK_INT(paa_with_ssl_ctx(ctx, &tls), -1);
    tls.trust_pem = paa_str_of("");
    CHECK_INT(paa_with_ssl_ctx(ctx, &tls), -1);
    tls.trust_pem = paa_str_of(NULL);
    CHECK_INT(paa_with_ssl_ctx(ctx, &tls), 0);
    CHECK_INT(paa_with_ssl_ctx(ctx, &tls), -1);
    SSL_CTX_free(ctx);
    ctx = SSL_CTX_new(TLS_client_method());
    tls.chain_pem = paa_str_of("no PEM");
    CHECK_INT(paa_with_ssl_ctx(ctx, &tls), -1);
    SSL_CTX_free(ctx);
    ERR_clear_error();
}

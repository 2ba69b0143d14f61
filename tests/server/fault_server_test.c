/* SPDX-License-Identifier: MIT */
/* The fault server itself: what it is told, it does. A client of the test's own, in the clear and over TLS. */
#include "fault_server.h"
#include "test.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 4096 };

static int dial(const struct fault_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)fault_server_port(server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* All that comes until the server closes. */
static void ask(const struct fault_server *server, const char *request, char ret_answer[ANSWER_MAX])
{
    size_t size = 0;
    ssize_t got = 1;
    int fd = dial(server);

    CHECK(fd >= 0 && send(fd, request, strlen(request), 0) == (ssize_t)strlen(request));
    while (got > 0 && size < ANSWER_MAX - 1) {
        got = recv(fd, ret_answer + size, ANSWER_MAX - 1 - size, 0);
        size += got > 0 ? (size_t)got : 0;
    }
    ret_answer[size] = '\0';
    close(fd);
}

TEST(what_was_received_can_be_looked_at)
{
    struct fault_server *server = fault_server_start(FAULT_TLS_NONE);
    struct fault_answer answer = { .code = 201, .flags = FAULT_TOO_LONG, .type = "text/plain" };
    struct fault_request request;
    char text[ANSWER_MAX], value[32];

    CHECK(!fault_server_last(server, &request));
    fault_server_answer(server, "/a", &answer);
    ask(server, "PUT /a?b=c HTTP/1.1\r\nX-One: 1\r\ncontent-length: 3\r\n\r\nxyz", text);
    CHECK_HAS(text, "HTTP/1.1 201 ");
    CHECK_HAS(text, "Content-Length: 1\r\n");
    CHECK_HAS(text, "Content-Type: text/plain\r\n");
    REQUIRE(fault_server_last(server, &request));
    CHECK_STR(paa_str_of(request.method), "PUT");
    CHECK_STR(paa_str_of(request.target), "/a?b=c");
    CHECK_STR(paa_str_of(request.body), "xyz");
    CHECK(fault_request_header(&request, "x-one", value, sizeof value));
    CHECK_STR(paa_str_of(value), "1");
    CHECK(!fault_request_header(&request, "X-On", value, sizeof value));
    CHECK_INT(fault_server_requests(server), 1);
    CHECK_INT(fault_server_connections(server), 1);
    fault_server_stop(server);
}

TEST(answers_are_given_in_turn_and_the_last_one_stays)
{
    struct fault_server *server = fault_server_start(FAULT_TLS_NONE);
    static const char *const bodies[] = { "one", "two", "two" };
    struct fault_answer answer = { .flags = FAULT_TOO_SHORT, .body = "one" };
    char text[ANSWER_MAX];

    fault_server_answer(server, "/a", &answer);
    answer.body = "two";
    fault_server_answer(server, "/a", &answer);
    for (size_t i = 0; i < 3; i++) {
        ask(server, "GET /a HTTP/1.1\r\n\r\n", text);
        CHECK_HAS(text, bodies[i]);
    }
    fault_server_forget(server, "/a");
    answer = (struct fault_answer){ .flags = FAULT_RAW, .body = "nonsense" };
    fault_server_answer(server, "/a", &answer);
    ask(server, "GET /a HTTP/1.1\r\n\r\n", text);
    CHECK_STR(paa_str_of(text), "nonsense");
    fault_server_stop(server);
}

TEST(what_is_held_waits_for_the_test)
{
    struct fault_server *server = fault_server_start(FAULT_TLS_NONE);
    struct fault_answer answer = { .flags = FAULT_HOLD, .body = "late" };
    char text[64] = "";
    int fd;

    fault_server_answer(server, "/a", &answer);
    fd = dial(server);
    CHECK(send(fd, "GET /a HTTP/1.1\r\n\r\n", 19, 0) == 19);
    fault_server_await(server, 1);
    CHECK(recv(fd, text, sizeof text, MSG_DONTWAIT) < 0);
    fault_server_release(server);
    CHECK(recv(fd, text, sizeof text - 1, 0) > 0);
    CHECK_HAS(text, "HTTP/1.1 200 ");
    close(fd);
    fault_server_await_closed(server, 1);
    fault_server_stop(server);
}

/* The result of verifying the server, or -1: no handshake. */
static long shake(enum fault_tls tls, int max_version, const char *client)
{
    struct fault_server *server = fault_server_start(tls);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    char path[256], byte;
    long result = -1;
    int fd = dial(server);

    SSL_CTX_set_max_proto_version(context, max_version);
    CHECK(SSL_CTX_load_verify_locations(context, fault_server_ca(), NULL) == 1);
    if (client != NULL) {
        fault_server_make_client(client);
        (void)snprintf(path, sizeof path, "%s/%s.pem", fault_server_folder(), client);
        CHECK(SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM) == 1);
        (void)snprintf(path, sizeof path, "%s/%s.key", fault_server_folder(), client);
        CHECK(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1);
    }
    ssl = SSL_new(context);
    SSL_set1_host(ssl, "localhost");
    SSL_set_fd(ssl, fd);
    if (SSL_connect(ssl) == 1 && SSL_write(ssl, "GET / HTTP/1.1\r\n\r\n", 18) == 18 &&
        SSL_read(ssl, &byte, 1) == 1)
        result = SSL_get_verify_result(ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    fault_server_stop(server);
    return result;
}

TEST(certificates_are_as_bad_as_their_names)
{
    CHECK_INT(shake(FAULT_TLS_GOOD, 0, NULL), X509_V_OK);
    CHECK_INT(shake(FAULT_TLS_1_2, 0, NULL), X509_V_OK);
    CHECK_INT(shake(FAULT_TLS_EXPIRED, 0, NULL), X509_V_ERR_CERT_HAS_EXPIRED);
    CHECK_INT(shake(FAULT_TLS_SELF_SIGNED, 0, NULL), X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
    CHECK_INT(shake(FAULT_TLS_OTHER_CA, 0, NULL), X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
    CHECK_INT(shake(FAULT_TLS_WRONG_NAME, 0, NULL), X509_V_ERR_HOSTNAME_MISMATCH);
    CHECK_INT(shake(FAULT_TLS_OLD, 0, NULL), -1);
    CHECK_INT(shake(FAULT_TLS_ASKS, 0, NULL), X509_V_OK);
    CHECK_INT(shake(FAULT_TLS_ASKS, 0, "somebody"), X509_V_OK);
    CHECK_INT(shake(FAULT_TLS_CLIENT, 0, NULL), -1);
    CHECK_INT(shake(FAULT_TLS_CLIENT, 0, "somebody"), X509_V_OK);
}

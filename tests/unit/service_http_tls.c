/* SPDX-License-Identifier: MIT */
/* host->http: how servers are verified, what the environment may not change, and that connections are kept apart. */
#include "fork.h"
#include "http_bench.h"
#include "test.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- certificates ---- */

static void check_kind(enum fault_tls kind, enum paa_status status, const char *part)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, kind);
    answer_with(&h, "/", 200, "x");
    CHECK_INT(fetch_once(&h, &c, "/"), status);
    CHECK_HAS(c.sentence, part);
    http_bench_close(&h);
}

TEST(a_certificate_must_be_trusted_valid_and_for_that_host)
{
    check_kind(FAULT_TLS_GOOD, PAA_STATUS_OK, "");
    check_kind(FAULT_TLS_1_2, PAA_STATUS_OK, "");
    check_kind(FAULT_TLS_EXPIRED, PAA_STATUS_UNAVAILABLE,
               "the certificate is not trusted: certificate has expired");
    check_kind(FAULT_TLS_SELF_SIGNED, PAA_STATUS_UNAVAILABLE,
               "the certificate is not trusted: self-signed certificate; name its CA with tls.ca");
    check_kind(FAULT_TLS_WRONG_NAME, PAA_STATUS_UNAVAILABLE, "the certificate is for another host");
    check_kind(FAULT_TLS_OLD, PAA_STATUS_UNAVAILABLE, "127.0.0.1");
    check_kind(FAULT_TLS_CLIENT, PAA_STATUS_UNAVAILABLE, "certificate required");
}

TEST(without_a_ca_of_its_own_the_systems_are_asked_and_know_nothing_of_this_server)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    h.b.instance.tls = NULL;
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, "name its CA with tls.ca");
    CHECK_INT(fault_server_requests(h.server), 0);
    http_bench_close(&h);
}

TEST(a_minimum_version_is_kept)
{
    struct tls_spec spec = { .min_version = TLS_1_3 };
    struct http_bench h;
    struct paa_tls *tls;
    struct caller c;

    for (int is_old = 0; is_old <= 1; is_old++) {
        http_bench_open(&h, is_old ? FAULT_TLS_1_2 : FAULT_TLS_GOOD);
        spec.ca = h.ca;
        tls = tls_like(&spec);
        CHECK_INT(fetch_with(&h, &c, "/", tls), is_old ? PAA_STATUS_UNAVAILABLE : PAA_STATUS_OK);
        CHECK_INT(fault_server_requests(h.server), is_old ? 0 : 1);
        tls_free(tls);
        http_bench_close(&h);
    }
}

TEST(one_of_the_pins_must_fit)
{
    static const char wrong[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    struct tls_spec spec = { .min_version = TLS_1_2, .pin_count = 1 };
    char pin[FAULT_PIN_SIZE];
    struct http_bench h;
    struct paa_tls *tls;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    fault_server_pin(h.server, pin);
    spec.ca = h.ca;
    spec.pins[0] = paa_str_of(wrong);
    tls = tls_like(&spec);
    CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, "none of tls.pins");
    CHECK_INT(fault_server_requests(h.server), 0);
    tls_free(tls);
    pass_s(&h.b, 60);
    spec.pins[1] = paa_str_of(pin);
    spec.pin_count = 2;
    tls = tls_like(&spec);
    CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_OK);
    tls_free(tls);
    http_bench_close(&h);
}

TEST(verify_false_is_for_loopback_literals_unless_it_is_said_twice)
{
    struct tls_spec spec = { .min_version = TLS_1_2, .no_verify = true };
    struct http_bench h;
    struct paa_tls *tls;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_SELF_SIGNED);
    tls = tls_like(&spec);
    CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_OK);
    caller_open(&c, &h, "/");
    c.request.tls = tls;
    c.request.url = paa_str_of(fault_server_named_url(h.server, "/", c.url));
    CHECK_INT(fetch(&c), PAA_STATUS_DENIED);
    CHECK_HAS(c.sentence, "verify = false, which is for loopback addresses");
    caller_close(&c);
    tls_free(tls);
    spec.no_verify_anywhere = true;
    tls = tls_like(&spec);
    caller_open(&c, &h, "/");
    c.request.tls = tls;
    c.request.url = paa_str_of(fault_server_named_url(h.server, "/", c.url));
    CHECK_INT(fetch(&c), PAA_STATUS_OK);
    caller_close(&c);
    tls_free(tls);
    http_bench_close(&h);
}

/* ---- a CA file that changes ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (file == NULL || fputs(text, file) < 0 || fchmod(fileno(file), 0600) != 0 ||
        fclose(file) != 0)
        abort();
}

static void read_file(const char *path, char *ret_text, size_t size)
{
    FILE *file = fopen(path, "r");

    if (file == NULL)
        abort();
    ret_text[fread(ret_text, 1, size - 1, file)] = '\0';
    fclose(file);
}

TEST(a_ca_file_counts_from_when_it_was_read_and_old_connections_go_with_the_old_one)
{
    struct tls_spec spec = { .min_version = TLS_1_2 };
    char path[256], pem[4096];
    struct paa_source *ca;
    struct http_bench h;
    struct paa_tls *tls;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    snprintf(path, sizeof path, "%s/changing.pem", fault_server_folder());
    read_file(fault_server_ca(), pem, sizeof pem);
    write_file(path, "no certificate\n");
    spec.ca = ca = open_ca(&h, path);
    tls = tls_like(&spec);
    CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, "holds no certificate");
    pass_s(&h.b, 60);
    write_file(path, pem);
    source_refresh(ca);
    CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_OK);
    write_file(path, "no certificate\n");
    source_refresh(ca);
    CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(fault_server_requests(h.server), 1);
    tls_free(tls);
    source_close(ca);
    unlink(path);
    http_bench_close(&h);
}

/* ---- connections ---- */

TEST(connections_are_kept_and_never_shared_between_tls_groups)
{
    struct tls_spec spec = { .min_version = TLS_1_2 };
    struct http_bench h;
    struct paa_tls *tls;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    spec.ca = h.ca;
    tls = tls_like(&spec);
    for (int i = 0; i < 3; i++)
        CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_OK);
    CHECK_INT(fault_server_connections(h.server), 1);
    for (int i = 0; i < 3; i++)
        CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_OK);
    CHECK_INT(fault_server_connections(h.server), 2);
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_OK);
    CHECK_INT(fault_server_connections(h.server), 2);
    tls_free(tls);
    http_bench_close(&h);
}

TEST(what_was_not_verified_is_of_no_use_to_who_verifies)
{
    struct tls_spec spec = { .min_version = TLS_1_2, .no_verify = true };
    struct http_bench h;
    struct paa_tls *tls;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_SELF_SIGNED);
    tls = tls_like(&spec);
    CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_OK);
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(fault_server_requests(h.server), 1);
    tls_free(tls);
    http_bench_close(&h);
}

TEST(idle_connections_are_closed_after_a_while)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_GOOD);
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_OK);
    pass_ms(&h.b, HTTP_IDLE_MS);
    pass_ms(&h.b, HTTP_IDLE_MS);
    fault_server_await_closed(h.server, 1);
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_OK);
    CHECK_INT(fault_server_connections(h.server), 2);
    http_bench_close(&h);
}

/* ---- plain http ---- */

TEST(plain_http_is_for_loopback_literals_where_the_policy_allows_it)
{
    struct tls_spec spec = { .min_version = TLS_1_2 };
    struct http_bench h;
    struct paa_tls *tls;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_NONE);
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_OK);
    caller_open(&c, &h, "/");
    c.request.url = paa_str_of(fault_server_named_url(h.server, "/", c.url));
    CHECK_INT(fetch(&c), PAA_STATUS_DENIED); /* localhost is a name */
    CHECK_HAS(c.sentence, "http_loopback = true");
    caller_close(&c);
    caller_open(&c, &h, "/");
    c.request.flags = PAA_HTTP_FOREIGN_URL;
    CHECK_INT(fetch(&c), PAA_STATUS_DENIED);
    caller_close(&c);
    tls = tls_like(&spec);
    CHECK_INT(fetch_with(&h, &c, "/", tls), PAA_STATUS_DENIED);
    tls_free(tls);
    h.b.instance.tls = NULL;
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_DENIED);
    CHECK_INT(fault_server_requests(h.server), 1);
    http_bench_close(&h);
}

TEST(what_is_signed_may_come_by_plain_http_and_secrets_may_not)
{
    struct http_bench h;
    struct caller c;

    http_bench_open(&h, FAULT_TLS_NONE);
    h.b.instance.tls = NULL;
    caller_open(&c, &h, "/crl");
    c.request.flags = PAA_HTTP_SIGNED_CONTENT;
    CHECK_INT(fetch(&c), PAA_STATUS_OK);
    c.request.flags = PAA_HTTP_SIGNED_CONTENT | PAA_HTTP_SECRET;
    CHECK_INT(fetch(&c), PAA_STATUS_DENIED);
    caller_close(&c);
    http_bench_close(&h);
}

/* ---- the environment: each in a process of its own, where libcurl and OpenSSL have not begun yet ---- */

static void check_in_child(const char *name, const char *value, enum fault_tls kind,
                           enum paa_status status)
{
    pid_t child = calm_fork();
    int result = -1;

    if (child == 0) {
        struct http_bench h;
        struct caller c;
        unsigned requests = status == PAA_STATUS_OK ? 1 : 0;
        bool is_same;

        setenv(name, value, 1);
        http_bench_open(&h, kind);
        is_same = fetch_once(&h, &c, "/") == status && fault_server_requests(h.server) == requests;
        http_bench_close(&h);
        _exit(is_same ? 0 : 1);
    }
    CHECK(child > 0 && waitpid(child, &result, 0) == child);
    if (!WIFEXITED(result) || WEXITSTATUS(result) != 0)
        TEST_FAIL("%s=%s changes what a fetch does", name, value);
}

TEST(no_proxy_comes_from_the_environment)
{
    static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                         "http_proxy" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_in_child(names[i], "http://127.0.0.1:1", FAULT_TLS_GOOD, PAA_STATUS_OK);
    check_in_child("http_proxy", "http://127.0.0.1:1", FAULT_TLS_NONE, PAA_STATUS_OK);
}

TEST(no_key_of_a_connection_is_logged)
{
    char path[] = "/tmp/paa-keylog-XXXXXX";
    int fd = mkstemp(path);
    struct stat st;

    check_in_child("SSLKEYLOGFILE", path, FAULT_TLS_GOOD, PAA_STATUS_OK);
    CHECK(fstat(fd, &st) == 0);
    CHECK_INT(st.st_size, 0);
    close(fd);
    unlink(path);
}

/* The server's own certificate is what the environment would have the system trust. */
TEST(no_ca_comes_from_the_environment)
{
    struct fault_server *server = fault_server_start(FAULT_TLS_GOOD);
    static const char *const names[] = { "SSL_CERT_FILE", "CURL_CA_BUNDLE" };
    struct http_bench h;
    struct caller c;

    for (size_t i = 0; i < 2; i++)
        setenv(names[i], fault_server_ca(), 1);
    setenv("SSL_CERT_DIR", fault_server_folder(), 1);
    http_bench_open(&h, FAULT_TLS_GOOD); /* of the same CA */
    h.b.instance.tls = NULL;
    CHECK_INT(fetch_once(&h, &c, "/"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(c.sentence, "not trusted");
    http_bench_close(&h);
    fault_server_stop(server);
}

static const char weak_conf[] = "openssl_conf = all\n"
                                "[all]\nssl_conf = ssl\n"
                                "[ssl]\nsystem_default = weak\n"
                                "[weak]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n"
                                "VerifyMode = Peer\nOptions = UnsafeLegacyRenegotiation\n";

TEST(openssls_configuration_makes_no_connection_weaker)
{
    char path[] = "/tmp/paa-openssl-XXXXXX";
    int fd = mkstemp(path);

    CHECK(write(fd, weak_conf, sizeof weak_conf - 1) == (ssize_t)sizeof weak_conf - 1);
    close(fd);
    check_in_child("OPENSSL_CONF", path, FAULT_TLS_OLD, PAA_STATUS_UNAVAILABLE);
    check_in_child("OPENSSL_CONF", path, FAULT_TLS_GOOD, PAA_STATUS_OK);
    unlink(path);
}

/* ---- a proxy that the policy names ---- */

TEST(a_proxy_of_the_policy_is_asked_to_connect_and_sees_nothing_else)
{
    struct fault_answer answer = { .code = 403, .body = "no" };
    struct fault_server *proxy = fault_server_start(FAULT_TLS_NONE);
    struct tls_spec spec = { .min_version = TLS_1_2 };
    struct fault_request seen;
    struct http_bench h;
    struct paa_tls *tls;
    struct caller c;
    char url[64], text[64];

    http_bench_open(&h, FAULT_TLS_GOOD);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", fault_server_port(proxy));
    snprintf(text, sizeof text, "127.0.0.1:%u", fault_server_port(h.server));
    fault_server_answer(proxy, text, &answer);
    spec.ca = h.ca;
    spec.proxy = paa_str_of(url);
    tls = tls_like(&spec);
    setenv("no_proxy", "*", 1);
    CHECK_INT(fetch_with(&h, &c, "/secret", tls), PAA_STATUS_UNAVAILABLE);
    unsetenv("no_proxy");
    REQUIRE(fault_server_last(proxy, &seen));
    CHECK_STR(paa_str_of(seen.method), "CONNECT");
    CHECK_STR(paa_str_of(seen.target), text);
    CHECK_INT(fault_server_connections(h.server), 0);
    caller_open(&c, &h, "/");
    c.request.tls = tls;
    c.request.flags = PAA_HTTP_FOREIGN_URL;
    CHECK_INT(fetch(&c), PAA_STATUS_DENIED);
    CHECK_HAS(c.sentence, "through a proxy");
    caller_close(&c);
    tls_free(tls);
    http_bench_close(&h);
    fault_server_stop(proxy);
}

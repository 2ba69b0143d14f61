/* SPDX-License-Identifier: MIT */
/*
 * Client certificates that are refused, through the engine: what is remembered of that, and how it ends. Chains are long here,
 * so a worker judges them: who does not wait was not judged.
 */
#include "shown.h"
#include "test.h"

enum { LINKS = 3, LIFE_MS = 5000 /* of a refusal */ };

#define TRUST "trust = \"ca.pem\"; "

struct line { /* a CA, what stands between, and a client */
    struct issued *ca;
    struct issued *links[LINKS];
    struct issued *client;
};

static struct line line_make(void)
{
    struct line line = { .ca = issue_ca("CA", NULL) };

    for (size_t i = 0; i < LINKS; i++)
        line.links[i] = issue_ca(i == 0   ? "first"
                                 : i == 1 ? "second"
                                          : "third",
                                 i == 0 ? line.ca : line.links[i - 1]);
    line.client = issue_client("robot", line.links[LINKS - 1]);
    return line;
}

static void line_done(struct line *line)
{
    issued_free(line->ca);
    for (size_t i = 0; i < LINKS; i++)
        issued_free(line->links[i]);
    issued_free(line->client);
}

static bool connect_as(struct shown *shown, struct host *host, const struct line *line,
                       const struct issued *client)
{
    return shown_connect(shown, host, "192.0.2.1", client, line->links[2], line->links[1],
                         line->links[0], NULL);
}

/* With a CA that nobody here is of. */
static bool open_for_nobody(struct host *host, const char *policy)
{
    struct issued *other = issue_ca("other", NULL);
    bool is_done = shown_open(host, policy, other);

    issued_free(other);
    return is_done;
}

static void check_same(const struct told *told, const struct told *first)
{
    CHECK(!told->has_waited);
    CHECK_INT(told->code, 403);
    CHECK_STR(paa_str_of(told->reason), first->reason);
    CHECK_STR(paa_str_of(told->sentence), first->sentence);
}

TEST(a_refused_certificate_is_verified_once_and_refused_in_the_same_words)
{
    struct line line = line_make();
    struct told first, told;
    struct shown shown;
    struct host host;

    REQUIRE(open_for_nobody(&host, PEERS(TRUST)));
    REQUIRE(connect_as(&shown, &host, &line, line.client));
    first = shown_ask(&shown, &host);
    CHECK_INT(first.code, 403);
    CHECK_STR(paa_str_of(first.reason), "unknown-issuer");
    CHECK_HAS(first.sentence, "CN=CA");
    for (int64_t ms = 0; ms < LIFE_MS; ms += LIFE_MS / 10) {
        told = shown_ask(&shown, &host);
        check_same(&told, &first);
        host_pass(&host, LIFE_MS / 10);
    }
    told = shown_ask(&shown, &host);
    CHECK(told.has_waited);
    CHECK_STR(paa_str_of(told.reason), "unknown-issuer");
    told = shown_ask(&shown, &host);
    check_same(&told, &first);
    shown_close(&shown);
    host_close(&host);
    line_done(&line);
}

TEST(a_refused_certificate_is_not_verified_for_a_second_connection)
{
    struct line line = line_make();
    struct told first, told;
    struct shown shown;
    struct host host;

    REQUIRE(open_for_nobody(&host, PEERS(TRUST)));
    for (int i = 0; i < 2; i++) {
        REQUIRE(connect_as(&shown, &host, &line, line.client));
        told = shown_ask(&shown, &host);
        if (i == 0)
            first = told;
        else
            check_same(&told, &first);
        shown_close(&shown);
    }
    host_close(&host);
    line_done(&line);
}

TEST(who_it_is_not_is_remembered_like_a_bad_chain)
{
    struct line line = line_make();
    struct told first, told;
    struct shown shown;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST "subject = \"CN=boss\";"), line.ca));
    REQUIRE(connect_as(&shown, &host, &line, line.client));
    first = shown_ask(&shown, &host);
    CHECK_STR(paa_str_of(first.reason), "not-listed");
    told = shown_ask(&shown, &host);
    check_same(&told, &first);
    shown_close(&shown);
    host_close(&host);
    line_done(&line);
}

/* ---- how it ends ---------------------------------------------------------------------------------- */

/* A second is how long nobody looks whether anchors are still the same. */
TEST(a_refusal_ends_with_the_anchors_that_it_stood_on)
{
    struct line line = line_make();
    struct issued *client;
    struct shown last = { .count = 0 }, probe;
    struct told told;
    struct host host;

    REQUIRE(open_for_nobody(&host, PEERS(TRUST)));
    client = issue_client("0", line.links[2]);
    REQUIRE(connect_as(&last, &host, &line, client));
    CHECK_STR(paa_str_of(shown_ask(&last, &host).reason), "unknown-issuer");
    REQUIRE(shown_write_ca(&host, "ca.pem", line.ca, NULL));
    for (;;) { /* until the new ones are read: nobody has seen the certificate before */
        issued_free(client);
        client = issue_client("0", line.links[2]);
        REQUIRE(connect_as(&probe, &host, &line, client));
        if (strcmp(shown_ask(&probe, &host).reason, "good") == 0)
            break;
        shown_close(&last);
        last = probe;
        host_pass(&host, 10);
    }
    host_pass(&host, 1000);
    told = shown_ask(&last, &host);
    CHECK_STR(paa_str_of(told.reason), "good");
    shown_close(&probe);
    shown_close(&last);
    host_close(&host);
    issued_free(client);
    line_done(&line);
}

TEST(a_certificate_that_is_not_valid_yet_is_soon_let_in)
{
    struct recipe soon = { .name = "robot", .from_s = 2 };
    struct issued *ca = issue_ca("CA", NULL), *client = issue(&soon, ca);
    struct shown shown;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), ca));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", client, NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "not-yet-valid");
    host_pass(&host, LIFE_MS);
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    shown_close(&shown);
    host_close(&host);
    issued_free(ca);
    issued_free(client);
}

/* That nobody could say is no word against it. */
TEST(what_could_not_be_found_out_is_looked_at_anew_each_time)
{
    struct line line = line_make();
    struct list_recipe nobody = { .more = 1 };
    struct paa_bytes der = issue_list(&nobody, line.links[0]);
    struct paa_context_options options;
    struct shown shown;
    struct told told;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, PEERS(TRUST "crl = \"crl.der\";")) &&
            shown_write_ca(&host, "ca.pem", line.ca, NULL) &&
            shown_write_bytes(&host, "crl.der", der));
    host_options(&host, &options);
    REQUIRE(host_open_with(&host, &options));
    REQUIRE(connect_as(&shown, &host, &line, line.client));
    for (int i = 0; i < 3; i++) {
        told = shown_ask(&shown, &host);
        CHECK_INT(told.code, 503);
        CHECK_STR(paa_str_of(told.reason), "revocation");
        CHECK(told.has_waited);
    }
    shown_close(&shown);
    host_close(&host);
    OPENSSL_free((void *)(uintptr_t)der.data);
    line_done(&line);
}

/* ---- behind a proxy, where connections are of many ------------------------------------------------- */

static size_t put_bytes(char *to, const struct issued *issued)
{
    struct paa_bytes der = issued_der(issued);
    size_t size = 2;

    to[0] = ':';
    size += (size_t)EVP_EncodeBlock((unsigned char *)to + 1, der.data, (int)der.size);
    to[size - 1] = ':';
    to[size] = '\0';
    OPENSSL_free((void *)(uintptr_t)der.data);
    return size;
}

static struct told ask_by_proxy(struct host *host, const struct line *line)
{
    static char leaf[SHOWN_LINE_MAX], chain[SHOWN_LINE_MAX];
    static struct ask ask;
    struct told told = { .code = 0 };
    struct shown shown;
    size_t at;

    at = (size_t)sprintf(leaf, "Client-Cert: ");
    (void)put_bytes(leaf + at, line->client);
    at = (size_t)sprintf(chain, "Client-Cert-Chain: ");
    for (size_t i = LINKS; i-- > 0;) {
        at += put_bytes(chain + at, line->links[i]);
        at += (size_t)sprintf(chain + at, "%s", i > 0 ? ", " : "");
    }
    ask_for(&ask, "GET", "/orders", leaf, chain, NULL);
    if (!shown_connect(&shown, host, "192.0.2.7", NULL))
        return told;
    told = shown_ask_with(&shown, host, &ask, NULL);
    shown_close(&shown);
    return told;
}

#define BY_PROXY TRUST "source = \"client-cert\"; proxies = [ \"192.0.2.7\" ]; "

TEST(behind_a_proxy_a_refused_certificate_is_verified_once_as_well)
{
    struct line line = line_make();
    struct told first, told;
    struct host host;

    REQUIRE(open_for_nobody(&host, PEERS(BY_PROXY)));
    first = ask_by_proxy(&host, &line);
    CHECK_STR(paa_str_of(first.reason), "unknown-issuer");
    for (int64_t ms = 0; ms < LIFE_MS; ms += LIFE_MS / 5) {
        told = ask_by_proxy(&host, &line);
        check_same(&told, &first);
        host_pass(&host, LIFE_MS / 5);
    }
    CHECK(ask_by_proxy(&host, &line).has_waited);
    host_close(&host);
    line_done(&line);
}

/* What was found good is remembered for as long as the certificate is valid, and it must not be in the way. */
TEST(behind_a_proxy_a_refusal_is_remembered_of_whom_was_good_before)
{
    struct line line = line_make();
    struct issued *other = issue_ca("other", NULL);
    struct told first, told;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(BY_PROXY), line.ca));
    CHECK_STR(paa_str_of(ask_by_proxy(&host, &line).reason), "good");
    REQUIRE(shown_write_ca(&host, "ca.pem", other, NULL));
    while (strcmp((first = ask_by_proxy(&host, &line)).reason, "good") == 0)
        host_pass(&host, 10);
    CHECK_STR(paa_str_of(first.reason), "unknown-issuer");
    for (int i = 0; i < 3; i++) {
        told = ask_by_proxy(&host, &line);
        check_same(&told, &first);
        host_pass(&host, 1000);
    }
    REQUIRE(shown_write_ca(&host, "ca.pem", line.ca, NULL));
    while (strcmp(ask_by_proxy(&host, &line).reason, "good") != 0)
        host_pass(&host, 10);
    CHECK(!ask_by_proxy(&host, &line).has_waited);
    host_close(&host);
    issued_free(other);
    line_done(&line);
}

/* ---- strangers without end ------------------------------------------------------------------------ */

TEST(strangers_without_end_push_out_nobody_who_is_good)
{
    enum { STRANGERS = 1500 }; /* a MiB of what is remembered, and more */
    struct line line = line_make();
    struct issued *stranger = issue_client("mallory", NULL);
    struct shown shown;
    struct told told;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST "remembered_mib = 1;"), line.ca));
    REQUIRE(connect_as(&shown, &host, &line, line.client));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    shown_close(&shown);
    for (long i = 0; i < STRANGERS; i++) { /* its signature is as wrong as before */
        struct issued other = { stranger->key, X509_dup(stranger->x509) };

        (void)ASN1_INTEGER_set(X509_get_serialNumber(other.x509), 100000 + i);
        CHECK(i2d_re_X509_tbs(other.x509, NULL) > 0);
        CHECK_INT(shown_once(&host, &other, NULL).code, 403);
        X509_free(other.x509);
    }
    REQUIRE(connect_as(&shown, &host, &line, line.client));
    told = shown_ask(&shown, &host);
    CHECK_STR(paa_str_of(told.reason), "good");
    CHECK(!told.has_waited);
    shown_close(&shown);
    host_close(&host);
    issued_free(stranger);
    line_done(&line);
}

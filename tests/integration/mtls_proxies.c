/* SPDX-License-Identifier: MIT */
/*
 * Certificates that proxies pass on in fields, through the engine: believed from the policy's proxies only, and never seen
 * by the application, whoever wrote them and however.
 */
#include "shown.h"
#include "test.h"

#define TRUST "trust = \"ca.pem\"; "
#define EDGE  "proxies = [ \"192.0.2.7\", \"2001:db8::/64\", \"unix:\" ]; "

enum { EDGES = 4, STRANGERS = 4 };

static const char *const edges[EDGES] = { "192.0.2.7", "2001:db8::5",
                                          "unix:", "unix:/run/edge.sock" };
static const char *const strangers[STRANGERS] = { "192.0.2.8", "2001:db8:0:1::5", "127.0.0.1",
                                                  NULL };

struct source { /* a kind of field, as a policy names it and a proxy writes it */
    const char *options;
    const char *name;
    const char *chain_name; /* NULL: none */
};

static const struct source sources[] = {
    { "source = \"client-cert\"; ", "Client-Cert", "Client-Cert-Chain" },
    { "source = \"xfcc\"; ", "X-Forwarded-Client-Cert", NULL },
    { "source = \"pem\"; field = \"X-SSL-Client-Cert\"; ", "X-SSL-Client-Cert", NULL },
};

enum { CLIENT_CERT, XFCC, PEM, SOURCES };

struct party {
    struct issued *ca;
    struct issued *client;
    struct issued *stranger; /* of nobody's CA */
};

static struct party party_make(void)
{
    struct party party = { .ca = issue_ca("CA", NULL) };

    party.client = issue_client("robot", party.ca);
    party.stranger = issue_client("mallory", NULL);
    return party;
}

static void party_done(struct party *party)
{
    issued_free(party->ca);
    issued_free(party->client);
    issued_free(party->stranger);
}

static bool open_source(struct host *host, size_t source, const char *more, const struct issued *ca)
{
    char policy[2048];

    (void)snprintf(
        policy, sizeof policy,
        POLICY("peers = { plugin = \"mtls\"; " TRUST "%s%s };\n",
               API("rules = ( { path = \"/open\"; chain = ( { required = \"permit\" } ); },\n"
                   "{ path = \"/kept\"; forward = true; chain = ( { optional = \"peers\" }, "
                   "{ required = \"permit\" } ); },\n"
                   "{ path = \"/**\"; chain = ( { required = \"peers\" } ); } );")),
        sources[source].options, more);
    return shown_open(host, policy, ca);
}

/* ---- fields -------------------------------------------------------------------------------------- */

static void escape(const char *text, char *to)
{
    for (; *text != '\0'; text++)
        to += sprintf(to,
                      (*text >= 'A' && *text <= 'Z') || (*text >= 'a' && *text <= 'z') ? "%c"
                                                                                       : "%%%02X",
                      (unsigned char)*text);
    *to = '\0';
}

/* The value of the field that shows it. */
static const char *value_of(size_t source, const struct issued *issued)
{
    static char value[SHOWN_LINE_MAX], escaped[SHOWN_LINE_MAX];
    char pem[ISSUED_PEM_MAX] = "";
    struct paa_bytes der;

    if (source == CLIENT_CERT) {
        der = issued_der(issued);
        value[0] = ':';
        (void)EVP_EncodeBlock((unsigned char *)value + 1, der.data, (int)der.size);
        strcat(value, ":");
        OPENSSL_free((void *)(uintptr_t)der.data);
        return value;
    }
    issued_pem(issued, pem);
    escape(pem, escaped);
    (void)snprintf(value, sizeof value, source == XFCC ? "Hash=00;Cert=\"%s\";URI=" : "%s",
                   escaped);
    return value;
}

/* With that field under that name; repeated: twice. */
static struct told ask_field_of(const char *path, struct host *host, const char *address,
                                const char *name, const char *value, bool is_repeated)
{
    static char line[SHOWN_LINE_MAX + 64];
    static struct ask ask;
    struct told told = { .code = 0 };
    struct shown shown;

    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    ask_for(&ask, "GET", path, line, is_repeated ? line : NULL, NULL);
    if (!shown_connect(&shown, host, address, NULL))
        return told;
    told = shown_ask_with(&shown, host, &ask, name);
    shown_close(&shown);
    return told;
}

static struct told ask_field(struct host *host, const char *address, const char *name,
                             const char *value, bool is_repeated)
{
    return ask_field_of("/orders", host, address, name, value, is_repeated);
}

/* ---- who is believed ------------------------------------------------------------------------------ */

TEST(a_field_of_a_proxy_of_the_policys_names_the_client)
{
    struct party party = party_make();

    for (size_t s = 0; s < SOURCES; s++) {
        struct host host;

        REQUIRE(open_source(&host, s, EDGE, party.ca));
        for (size_t i = 0; i < EDGES; i++) {
            struct told told =
                ask_field(&host, edges[i], sources[s].name, value_of(s, party.client), false);

            CHECK_STR(paa_str_of(told.reason), "good");
            CHECK_STR(paa_str_of(told.subject), "CN=robot");
            CHECK_INT(told.fields_left, 0);
        }
        host_close(&host);
    }
    party_done(&party);
}

TEST(a_field_of_anybody_else_is_refused_and_says_who_wrote_it)
{
    struct party party = party_make();

    for (size_t s = 0; s < SOURCES; s++) {
        struct host host;

        REQUIRE(open_source(&host, s, EDGE, party.ca));
        for (size_t i = 0; i < STRANGERS; i++) {
            struct told told =
                ask_field(&host, strangers[i], sources[s].name, value_of(s, party.client), false);

            CHECK_INT(told.code, 403);
            CHECK_STR(paa_str_of(told.reason), "proxy");
            CHECK_HAS(told.sentence, sources[s].name);
            CHECK_STR(paa_str_of(told.subject), "");
        }
        host_close(&host);
    }
    party_done(&party);
}

/* The client says that it is the proxy; whoever believes addresses in fields is fooled. */
TEST(the_address_that_a_proxy_claims_for_its_client_makes_nobody_a_proxy)
{
    struct party party = party_make();
    static char line[SHOWN_LINE_MAX + 64];
    static struct ask ask;
    struct sockaddr_in claimed = { .sin_family = AF_INET };
    struct shown shown;
    struct told told;
    struct host host;

    (void)inet_pton(AF_INET, "192.0.2.7", &claimed.sin_addr);
    REQUIRE(open_source(&host, CLIENT_CERT, EDGE, party.ca));
    REQUIRE(shown_connect(&shown, &host, "198.51.100.1", NULL));
    (void)snprintf(line, sizeof line, "Client-Cert: %s", value_of(CLIENT_CERT, party.client));
    ask_for(&ask, "GET", "/", line, "X-Forwarded-For: 192.0.2.7", "Forwarded: for=192.0.2.7", NULL);
    ask.request.client = paa_bytes_of(&claimed, sizeof claimed);
    told = shown_ask_with(&shown, &host, &ask, "Client-Cert");
    CHECK_STR(paa_str_of(told.reason), "proxy");
    shown_close(&shown);
    host_close(&host);
    party_done(&party);
}

/* ---- every spelling ------------------------------------------------------------------------------- */

static const char *spelled(const char *name, unsigned how)
{
    static char text[64];
    size_t size = strlen(name);

    for (size_t i = 0; i <= size; i++) {
        char c = name[i];

        if (how % 3 == 1 && c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        if (how % 3 == 2 && c >= 'A' && c <= 'Z')
            c = (char)(c + 32);
        if (c == '-')
            c = how / 3 == 1 ? '_' : how / 3 == 2 ? '.' : '-';
        text[i] = c;
    }
    return text;
}

TEST(however_it_is_spelled_or_repeated_no_stranger_is_believed_and_no_application_sees_it)
{
    enum { SPELLINGS = 9 };
    struct party party = party_make();

    for (size_t s = 0; s < SOURCES; s++) {
        struct host host;

        REQUIRE(open_source(&host, s, EDGE, party.ca));
        for (unsigned how = 0; how < SPELLINGS; how++)
            for (int is_repeated = 0; is_repeated <= 1; is_repeated++)
                for (int is_chain = 0; is_chain <= (sources[s].chain_name != NULL); is_chain++) {
                    const char *name =
                        spelled(is_chain ? sources[s].chain_name : sources[s].name, how);
                    struct told told = ask_field(&host, strangers[0], name,
                                                 value_of(s, party.client), is_repeated);

                    if (told.code != 400 && told.code != 403)
                        TEST_FAIL("%s: %u", name, told.code);
                    CHECK_STR(paa_str_of(told.subject), "");
                }
        host_close(&host);
    }
    party_done(&party);
}

/* What a proxy says of a connection is for PAA: an application that looked for it would believe whoever wrote it. */
TEST(on_rules_that_do_not_ask_for_it_no_application_sees_it_either)
{
    enum { SPELLINGS = 9 };
    struct party party = party_make();

    for (size_t s = 0; s < SOURCES; s++) {
        struct host host;

        REQUIRE(open_source(&host, s, EDGE, party.ca));
        for (unsigned how = 0; how < SPELLINGS; how++)
            for (int k = 0; k < 4; k++) {
                const char *name =
                    spelled(k / 2 == 1 && sources[s].chain_name != NULL ? sources[s].chain_name
                                                                        : sources[s].name,
                            how);
                struct told told = ask_field_of("/open", &host, k == 3 ? edges[0] : strangers[0],
                                                name, value_of(s, party.client), k % 2 == 1);

                CHECK_INT(told.code, 200);
                CHECK_INT(told.fields_left, 0);
            }
        CHECK_INT(ask_field_of("/kept", &host, strangers[0], sources[s].name,
                               value_of(s, party.client), false)
                      .fields_left,
                  0);
        CHECK_INT(ask_field(&host, strangers[0], sources[s].name, value_of(s, party.client), false)
                      .fields_left,
                  0); /* refused, and let pass by the host all the same (nginx's satisfy any) */
        host_close(&host);
    }
    party_done(&party);
}

/* A client behind an honest proxy adds a field of its own, in another spelling, beside the proxy's. */
TEST(beside_the_field_of_a_proxy_no_second_one_passes)
{
    enum { SPELLINGS = 9 };
    static char genuine[SHOWN_LINE_MAX + 64], forged[SHOWN_LINE_MAX + 64];
    static struct ask ask;
    struct party party = party_make();

    for (size_t s = 0; s < SOURCES; s++) {
        struct host host;

        REQUIRE(open_source(&host, s, EDGE, party.ca));
        (void)snprintf(genuine, sizeof genuine, "%s: %s", sources[s].name,
                       value_of(s, party.client));
        for (unsigned how = 0; how < SPELLINGS; how++)
            for (int is_first = 0; is_first <= 1; is_first++) {
                struct shown shown;
                struct told told;

                (void)snprintf(forged, sizeof forged, "%s: %s", spelled(sources[s].name, how),
                               value_of(s, party.stranger));
                ask_for(&ask, "GET", "/", is_first ? forged : genuine, is_first ? genuine : forged,
                        NULL);
                REQUIRE(shown_connect(&shown, &host, edges[0], NULL));
                told = shown_ask_with(&shown, &host, &ask, NULL);
                CHECK_INT(told.code, 400);
                CHECK_STR(paa_str_of(told.subject), "");
                shown_close(&shown);
            }
        host_close(&host);
    }
    party_done(&party);
}

TEST(in_another_case_the_field_of_a_proxy_is_the_same_field)
{
    struct party party = party_make();
    struct host host;

    REQUIRE(open_source(&host, CLIENT_CERT, EDGE, party.ca));
    for (unsigned how = 0; how < 3; how++) {
        struct told told = ask_field(&host, edges[0], spelled("Client-Cert", how),
                                     value_of(CLIENT_CERT, party.client), false);

        CHECK_STR(paa_str_of(told.subject), "CN=robot");
        CHECK_INT(told.fields_left, 0);
    }
    host_close(&host);
    party_done(&party);
}

/* ---- what the field holds ------------------------------------------------------------------------- */

TEST(a_field_of_a_proxy_is_verified_like_any_certificate)
{
    struct party party = party_make();

    for (size_t s = 0; s < SOURCES; s++) {
        struct told told;
        struct host host;

        REQUIRE(open_source(&host, s, EDGE, party.ca));
        told = ask_field(&host, edges[0], sources[s].name, value_of(s, party.stranger), false);
        CHECK_INT(told.code, 403);
        CHECK_STR(paa_str_of(told.reason), "unknown-issuer");
        told = ask_field(&host, edges[0], sources[s].name, value_of(s, party.client), false);
        CHECK_STR(paa_str_of(told.reason), "good");
        host_close(&host);
    }
    party_done(&party);
}

TEST(a_field_that_cannot_be_read_is_a_bad_request_and_an_empty_one_too)
{
    static const char *const values[] = { "", "x", ":x:", "Hash=00", "%", "null", "(null)" };
    struct party party = party_make();

    for (size_t s = 0; s < SOURCES; s++) {
        struct host host;

        REQUIRE(open_source(&host, s, EDGE, party.ca));
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            struct told told = ask_field(&host, edges[0], sources[s].name, values[i], false);

            CHECK_INT(told.code, 400);
            CHECK_STR(paa_str_of(told.reason), "invalid_request");
        }
        host_close(&host);
    }
    party_done(&party);
}

TEST(without_the_field_there_is_no_certificate_whatever_tls_says_of_the_proxy)
{
    struct party party = party_make();
    struct shown shown;
    struct told told;
    struct host host;

    REQUIRE(open_source(&host, CLIENT_CERT, EDGE, party.ca));
    REQUIRE(shown_connect(&shown, &host, edges[0], party.client, NULL)); /* the proxy's own */
    told = shown_ask(&shown, &host);
    CHECK_INT(told.code, 403);
    CHECK_STR(paa_str_of(told.reason), "");
    shown_close(&shown);
    host_close(&host);
    party_done(&party);
}

TEST(a_chain_field_alone_is_a_bad_request_and_beside_the_leaf_it_helps)
{
    struct issued *root = issue_ca("root", NULL), *middle = issue_ca("middle", root);
    struct issued *client = issue_client("robot", middle);
    static char leaf[SHOWN_LINE_MAX + 64], chain[SHOWN_LINE_MAX + 64];
    static struct ask ask;
    struct shown shown;
    struct told told;
    struct host host;

    REQUIRE(open_source(&host, CLIENT_CERT, EDGE, root));
    (void)snprintf(leaf, sizeof leaf, "Client-Cert: %s", value_of(CLIENT_CERT, client));
    (void)snprintf(chain, sizeof chain, "Client-Cert-Chain: %s", value_of(CLIENT_CERT, middle));
    REQUIRE(shown_connect(&shown, &host, edges[0], NULL));
    ask_for(&ask, "GET", "/", leaf, NULL);
    CHECK_STR(paa_str_of(shown_ask_with(&shown, &host, &ask, NULL).reason), "unknown-issuer");
    ask_for(&ask, "GET", "/", leaf, chain, NULL);
    told = shown_ask_with(&shown, &host, &ask, "Client-Cert-Chain");
    CHECK_STR(paa_str_of(told.reason), "good");
    CHECK_INT(told.fields_left, 0);
    ask_for(&ask, "GET", "/", chain, NULL);
    CHECK_INT(shown_ask_with(&shown, &host, &ask, NULL).code, 400);
    shown_close(&shown);
    host_close(&host);
    issued_free(root);
    issued_free(middle);
    issued_free(client);
}

/* A connection of a proxy carries many clients: nothing of one may stick to the next. */
TEST(on_one_connection_of_a_proxy_each_client_is_its_own)
{
    struct party party = party_make();
    struct issued *other = issue_client("other", party.ca);

    for (size_t s = 0; s < SOURCES; s++) {
        static char lines[3][SHOWN_LINE_MAX + 64];
        static struct ask ask;
        struct shown shown;
        struct host host;

        REQUIRE(open_source(&host, s, EDGE, party.ca));
        for (size_t i = 0; i < 3; i++)
            (void)snprintf(lines[i], sizeof lines[i], "%s: %s", sources[s].name,
                           value_of(s, i == 0   ? party.client
                                       : i == 1 ? other
                                                : party.stranger));
        REQUIRE(shown_connect(&shown, &host, edges[0], NULL));
        for (int round = 0; round < 3; round++) {
            ask_for(&ask, "GET", "/", lines[0], NULL);
            CHECK_STR(paa_str_of(shown_ask_with(&shown, &host, &ask, NULL).subject), "CN=robot");
            ask_for(&ask, "GET", "/", lines[1], NULL);
            CHECK_STR(paa_str_of(shown_ask_with(&shown, &host, &ask, NULL).subject), "CN=other");
            ask_for(&ask, "GET", "/", lines[2], NULL);
            CHECK_STR(paa_str_of(shown_ask_with(&shown, &host, &ask, NULL).subject), "");
            ask_for(&ask, "GET", "/", NULL);
            CHECK_STR(paa_str_of(shown_ask_with(&shown, &host, &ask, NULL).subject), "");
        }
        shown_close(&shown);
        host_close(&host);
    }
    issued_free(other);
    party_done(&party);
}

/* ---- proxies that are known by their certificate --------------------------------------------------- */

static struct told ask_over(struct host *host, const struct issued *proxy,
                            const struct issued *client)
{
    static char line[SHOWN_LINE_MAX + 64];
    static struct ask ask;
    struct told told = { .code = 0 };
    struct shown shown;

    (void)snprintf(line, sizeof line, "Client-Cert: %s", value_of(CLIENT_CERT, client));
    if (!shown_connect(&shown, host, "198.51.100.9", proxy, NULL))
        return told;
    for (int i = 0; i < 2; i++) { /* the second time it is remembered */
        ask_for(&ask, "GET", "/", line, NULL);
        told = shown_ask_with(&shown, host, &ask, NULL);
    }
    shown_close(&shown);
    return told;
}

TEST(a_proxy_may_be_known_by_a_pin_of_its_own_certificate)
{
    struct party party = party_make();
    struct issued *edge = issue_client("edge", party.ca);
    struct paa_bytes der = issued_der(edge);
    unsigned char digest[32];
    char options[256];
    struct host host;
    size_t at;

    REQUIRE(EVP_Digest(der.data, der.size, digest, NULL, EVP_sha256(), NULL) == 1);
    at = (size_t)snprintf(options, sizeof options, "proxies = [ \"");
    for (size_t i = 0; i < sizeof digest; i++)
        at += (size_t)snprintf(options + at, sizeof options - at, "%02x", digest[i]);
    (void)snprintf(options + at, sizeof options - at, "\" ]; ");
    REQUIRE(open_source(&host, CLIENT_CERT, options, party.ca));
    CHECK_STR(paa_str_of(ask_over(&host, edge, party.client).subject), "CN=robot");
    CHECK_STR(paa_str_of(ask_over(&host, party.client, party.client).reason), "proxy");
    CHECK_STR(paa_str_of(ask_over(&host, NULL, party.client).reason), "proxy");
    OPENSSL_free((void *)(uintptr_t)der.data);
    host_close(&host);
    issued_free(edge);
    party_done(&party);
}

/* Of the same CA as its clients, the proxy must not be a second identity: its step decides nothing. */
TEST(a_proxy_may_be_known_by_an_earlier_step_that_accepted_it)
{
    static const char policy[] = POLICY(
        "edge = { plugin = \"mtls\"; trust = \"ca.pem\"; subject = \"CN=edge\"; };\n"
        "peers = { plugin = \"mtls\"; trust = \"ca.pem\"; source = \"client-cert\"; proxies = [ "
        "\"instance:edge\" ]; };\n",
        API("rules = ( { path = \"/**\"; chain = ( { use = \"edge\"; on = { accept = \"ignore\"; "
            "default = \"ignore\"; }; }, { required = \"peers\" } ); } );"));
    struct party party = party_make();
    struct issued *edge = issue_client("edge", party.ca);
    struct host host;

    REQUIRE(shown_open(&host, policy, party.ca));
    CHECK_STR(paa_str_of(ask_over(&host, edge, party.client).subject), "CN=robot");
    CHECK_INT(ask_over(&host, party.client, party.client).code, 403);
    CHECK_INT(ask_over(&host, NULL, party.client).code, 403);
    host_close(&host);
    issued_free(edge);
    party_done(&party);
}

/* SPDX-License-Identifier: MIT */
/* What hosts are handed for the connection that an outgoing request travels on: keys of steps, `tls` of services. */
#include "host.h"
#include "test.h"
#include "unit/key_made.h"

#include <sched.h>

#define K(n)    "{ key = \"file:k" n "\"; certificate = \"c" n "\"; }"
#define MTLS(n) "m" n " = { plugin = \"mtls\"; client_key = " K(n) "; };\n"
#define TO_OUT  "direction = \"outgoing\"; origins = [ \"https://out.example.com\" ]; "

static const char *at(const struct host *host, const char *name)
{
    static char paths[4][HOST_PATH_MAX + 16];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", host->folder, name);
    return path;
}

/* "k1" and "c1": a key and its certificate, good from a day before the host's time. */
static void write_pair(const struct host *host, const char *number)
{
    EVP_PKEY *key = made_key("P-256");
    X509 *leaf = made_cert(key, "leaf", NULL, NULL, HOST_TIME_S - DAY_S, HOST_TIME_S + 90 * DAY_S);
    char name[16];

    (void)snprintf(name, sizeof name, "k%s", number);
    store_key(at(host, name), key, NULL);
    (void)snprintf(name, sizeof name, "c%s", number);
    store_certs(at(host, name), &leaf, 1);
    X509_free(leaf);
    EVP_PKEY_free(key);
}

static bool begin_as(struct host *host, const char *policy, uint32_t can)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy))
        return false;
    write_pair(host, "1");
    write_pair(host, "2");
    host_options(host, &options);
    options.can = can;
    return host_open_with(host, &options);
}

static bool begin(struct host *host, const char *policy)
{
    return begin_as(host, policy, ALL_CAN);
}

/* The caller ends it. */
static struct paa_txn *send_to(struct host *host, const char *service, const char *field,
                               enum paa_state *ret_state)
{
    struct paa_service *handle =
        paa_service_find(host->context, service, PAA_OUTGOING, &host->error);
    struct paa_txn *txn;
    struct ask ask;

    ask_for(&ask, "GET", "https://out.example.com/", field, NULL);
    ask.request.authority = ask.request.scheme = paa_str_of(NULL);
    *ret_state = paa_txn_begin(&txn, host->lane, handle, &ask.request);
    if (*ret_state == PAA_TXN_PENDING)
        *ret_state = paa_txn_wait(txn, -1);
    return txn;
}

/* The connection's id; 0: it is not sent. */
static uint64_t id_of(struct host *host, const char *service)
{
    enum paa_state state;
    struct paa_txn *txn = send_to(host, service, NULL, &state);
    const struct paa_client_tls *tls = paa_txn_client_tls(txn);
    uint64_t id = tls != NULL ? tls->id : 0;

    CHECK((state == PAA_TXN_ALLOW) == (tls != NULL));
    paa_txn_end(&txn);
    return id;
}

static struct paa_str file_text(const struct host *host, const char *name, char *text, size_t size)
{
    FILE *file = fopen(at(host, name), "re");
    size_t got = file != NULL ? fread(text, 1, size, file) : 0;

    if (file != NULL)
        (void)fclose(file);
    return paa_str_of_n(text, got);
}

static bool same(struct paa_str a, struct paa_str b)
{
    return a.data != NULL && a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* ---- keys -------------------------------------------------------------------------------------- */

TEST(a_step_hands_its_certificate_and_key_to_the_host)
{
    char certificate[4096];
    enum paa_state state;
    struct host host;
    struct paa_txn *txn;
    const struct paa_client_tls *tls;
    BIO *bio;
    EVP_PKEY *key;

    REQUIRE(begin(&host, POLICY(MTLS("1"), OUT("chain = ( { required = \"m1\" } );"))));
    txn = send_to(&host, "out", NULL, &state);
    REQUIRE(state == PAA_TXN_ALLOW);
    tls = paa_txn_client_tls(txn);
    REQUIRE(tls != NULL);
    CHECK(same(tls->chain_pem, file_text(&host, "c1", certificate, sizeof certificate)));
    CHECK(strncmp(tls->key_pem.data, "-----BEGIN PRIVATE KEY-----", 27) == 0);
    CHECK(tls->trust_pem.data == NULL && tls->pins.data == NULL && tls->key_uri.data == NULL);
    CHECK_INT(tls->min_version, 0x0303);
    CHECK_INT(tls->flags, 0);
    bio = BIO_new_mem_buf(tls->key_pem.data, (int)tls->key_pem.size);
    key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    CHECK(key != NULL);
    EVP_PKEY_free(key);
    BIO_free(bio);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(the_id_is_the_same_for_the_same_key_and_differs_for_every_other)
{
    uint64_t ids[5];
    struct host host;

    REQUIRE(begin(
        &host,
        POLICY(
            MTLS("1") MTLS("2") "again = { plugin = \"mtls\"; client_key = " K("1") "; };\n",
            OUT("chain = ( { required = \"m1\" } );") "two = { " TO_OUT
                                                      "chain = ( { required = \"m2\" } ); };\n"
                                                      "again = { " TO_OUT
                                                      "chain = ( { required = \"again\" } ); };\n"
                                                      "none = { " TO_OUT
                                                      "chain = ( { required = \"permit\" } ); };\n"
                                                      "strict = { " TO_OUT
                                                      "tls = { min_version = \"1.3\"; };\n"
                                                      "chain = ( { required = \"m1\" } ); };\n")));
    ids[0] = id_of(&host, "out");
    CHECK(ids[0] == id_of(&host, "out"));
    CHECK(ids[0] == id_of(&host, "again"));
    ids[1] = id_of(&host, "two");
    ids[2] = id_of(&host, "none");
    ids[3] = id_of(&host, "strict");
    ids[4] = 0;
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < i; k++)
            CHECK(ids[i] != ids[k]);
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    CHECK(ids[0] == id_of(&host, "out"));
    host_close(&host);
}

static bool log_has(struct host *host, const char *text)
{
    bool is_there;

    pthread_mutex_lock(&host->lock);
    is_there = strstr(host->log, text) != NULL;
    pthread_mutex_unlock(&host->lock);
    return is_there;
}

/* Asked again until the files are read: a watcher sees them when it does. */
static uint64_t id_other_than(struct host *host, const char *service, uint64_t before)
{
    uint64_t id;

    while ((id = id_of(host, service)) == before)
        (void)sched_yield();
    return id;
}

TEST(a_renewed_certificate_is_another_connection_and_a_request_under_way_keeps_the_old_one)
{
    char before[4096], after[4096];
    struct paa_str old;
    const struct paa_client_tls *tls;
    enum paa_state state;
    struct paa_txn *txn, *next;
    struct host host;
    uint64_t id;

    REQUIRE(begin(&host, POLICY(MTLS("1"), OUT("chain = ( { required = \"m1\" } );"))));
    atomic_store(&host.is_live, true);
    old = file_text(&host, "c1", before, sizeof before);
    txn = send_to(&host, "out", NULL, &state);
    tls = paa_txn_client_tls(txn);
    REQUIRE(tls != NULL);
    id = tls->id;
    write_pair(&host, "1");
    (void)id_other_than(&host, "out", id);
    CHECK(tls->id == id && same(tls->chain_pem, old));
    next = send_to(&host, "out", NULL, &state);
    CHECK(same(paa_txn_client_tls(next)->chain_pem, file_text(&host, "c1", after, sizeof after)));
    paa_txn_end(&next);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(a_401_is_tried_again_if_the_certificate_was_renewed_since)
{
    struct paa_response response;
    struct paa_ticket ticket;
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;
    uint64_t id;

    REQUIRE(begin(&host, POLICY(MTLS("1"), OUT("chain = ( { required = \"m1\" } );"))));
    atomic_store(&host.is_live, true);
    txn = send_to(&host, "out", NULL, &state);
    id = paa_txn_client_tls(txn)->id;
    paa_txn_ticket(txn, &ticket);
    paa_txn_end(&txn);
    paa_init(&response, sizeof response);
    response.code = 401;
    ask_for(&ask, "GET", "https://out.example.com/", NULL);
    ask.request.authority = ask.request.scheme = paa_str_of(NULL);
    CHECK_INT(paa_txn_retry(&txn, host.lane, host.out, &ask.request, &ticket, &response),
              PAA_TXN_OVER);
    CHECK(paa_txn_client_tls(txn) == NULL);
    paa_txn_end(&txn);
    write_pair(&host, "1");
    id = id_other_than(&host, "out", id);
    CHECK_INT(paa_txn_retry(&txn, host.lane, host.out, &ask.request, &ticket, &response),
              PAA_TXN_ALLOW);
    CHECK(paa_txn_client_tls(txn)->id == id);
    paa_txn_end(&txn);
    host_close(&host);
}

static const char staged[] =
    POLICY(MTLS("1") MTLS("2") SCRIPT("no", "attach = \"absent\";")
               SCRIPT("x", "attach = \"script:X-Script\"; signer = " K("1") ";")
                   SCRIPT("bare", "attach = \"shows\"; signer = { key = \"file:k1\"; };"),
           "both = { " TO_OUT "chain = ( { required = \"m1\" }, { optional = \"m2\" } ); };\n"
           "twice = { " TO_OUT "chain = ( { required = \"m1\" }, { required = \"x\" } ); };\n"
           "first = { " TO_OUT "chain = ( { sufficient = \"x\" }, { required = \"m2\" } ); };\n"
           "bare = { " TO_OUT "chain = ( { required = \"bare\" } ); };\n"
           "second = { " TO_OUT "chain = ( { required = \"m2\" } ); };\n"
           "none = { " TO_OUT "chain = ( { required = \"m1\" }, { required = \"no\" } ); };\n"
           "out = { " TO_OUT "chain = ( { required = \"x\" } ); };\n");

static void check_refused(struct host *host, const char *service, const char *field,
                          const char *sentence)
{
    enum paa_state state;
    struct paa_txn *txn = send_to(host, service, field, &state);

    CHECK_INT(state, PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->why, PAA_WHY_FAULT);
    CHECK_HAS(paa_txn_answer(txn)->sentence.data, sentence);
    CHECK(paa_txn_client_tls(txn) == NULL);
    paa_txn_end(&txn);
}

TEST(two_keys_for_one_connection_are_refused_and_one_that_is_named_twice_is_not)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(begin(&host, staged));
    check_refused(&host, "both", NULL, "two steps of the chain show different client keys");
    txn = send_to(&host, "twice", "X-Script: shows accept", &state);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK(paa_txn_client_tls(txn)->chain_pem.size > 0);
    paa_txn_end(&txn);
    host_close(&host);
}

#define TOKEN                                                                                      \
    "t = { plugin = \"oauth2-cc\"; client_id = \"me\"; token_endpoint = "                          \
    "\"https://id.example.com/\"; "                                                                \
    "client_auth = \"tls_client_auth\"; certificate_bound = true; client_key = "

/* The steps stand in line 8. */
#define ONE_AND(instance, steps)                                                                   \
    POLICY(MTLS("1") instance "", OUT("chain = (\n{ required = \"m1\" },\n" steps " );"))

static void check_loads(const char *policy, bool loads, const char *finding)
{
    struct host host;

    CHECK_INT(begin(&host, policy), loads);
    CHECK_HAS(loads ? host.log : host.error.text, finding);
    host_close(&host);
}

TEST(two_keys_that_every_request_would_show_refuse_the_policy_at_the_step)
{
    static const char two[] = " shows another client key than \"m1\" at ";

    check_loads(ONE_AND(MTLS("2"), "{ required = \"m2\" }"), false,
                "paa.conf:8: \"m2\" shows another");
    check_loads(ONE_AND(TOKEN K("2") "; };\n", "{ required = \"t\" }"), false,
                "paa.conf:8: \"t\" shows another");
    check_loads(ONE_AND(TOKEN K("2") "; };\n", "{ required = \"t\" }"), false, two);
    check_loads(ONE_AND(TOKEN K("2") "; };\n", "{ optional = \"t\" }"), true, two);
    check_loads(ONE_AND(TOKEN K("1") "; };\n", "{ required = \"t\" }"), true, "");
}

TEST(a_reload_with_two_keys_for_one_connection_is_refused)
{
    struct host host;
    uint64_t id;

    REQUIRE(begin(&host, ONE_AND(MTLS("2"), "{ required = \"m1\" }")));
    CHECK(strstr(host.log, "client key") == NULL);
    id = id_of(&host, "out");
    CHECK(host_write(&host, ONE_AND(MTLS("2"), "{ required = \"m2\" }")));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), -1);
    CHECK_HAS(host.error.text, "paa.conf:8: \"m2\" shows another client key");
    CHECK(id != 0 && id == id_of(&host, "out"));
    host_close(&host);
}

TEST(a_key_counts_only_of_steps_that_carry_the_walk)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(begin(&host, staged));
    txn = send_to(&host, "first", "X-Script: shows reject", &state);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK(paa_txn_client_tls(txn)->id == id_of(&host, "second"));
    paa_txn_end(&txn);
    CHECK_INT(id_of(&host, "none"), 0);
    host_close(&host);
}

TEST(a_key_without_a_certificate_or_none_at_all_is_a_fault_that_says_so)
{
    struct host host;

    REQUIRE(begin(&host, staged));
    check_refused(&host, "bare", NULL, "a client key without a certificate is nothing that TLS");
    host_close(&host);
    REQUIRE(begin(&host, POLICY(SCRIPT("x", "attach = \"shows\";"),
                                OUT("chain = ( { required = \"x\" } );"))));
    check_refused(&host, "out", NULL, "no client key was named");
    host_close(&host);
    REQUIRE(begin(&host, POLICY(SCRIPT("x", "attach = \"shows\"; signer = " K("1") ";"),
                                "out = { direction = \"outgoing\"; http_loopback = true;\n"
                                "origins = [ \"http://127.0.0.1:80\" ];\n"
                                "chain = ( { required = \"x\" } ); };\n")));
    {
        struct paa_txn *txn;
        struct ask ask;

        ask_for(&ask, "GET", "http://127.0.0.1/", NULL);
        ask.request.authority = ask.request.scheme = paa_str_of(NULL);
        CHECK_INT(paa_txn_begin(&txn, host.lane, host.out, &ask.request), PAA_TXN_ANSWER);
        CHECK_HAS(paa_txn_answer(txn)->sentence.data, "plain http shows no client certificate");
        paa_txn_end(&txn);
    }
    host_close(&host);
}

TEST(a_key_that_its_plugin_has_released_is_shown_until_the_request_ends)
{
    enum paa_state state;
    struct paa_txn *txn, *other;
    struct host host;

    REQUIRE(begin(&host, staged));
    txn = send_to(&host, "out", "X-Script: shows_fresh need:ok accept", &state);
    REQUIRE(state == PAA_TXN_ALLOW);
    CHECK(strncmp(paa_txn_client_tls(txn)->key_pem.data, "-----BEGIN PRIVATE KEY-----", 27) == 0);
    other = send_to(&host, "out", "X-Script: shows_fresh need:ok accept", &state);
    REQUIRE(state == PAA_TXN_ALLOW);
    CHECK(paa_txn_client_tls(txn)->id != paa_txn_client_tls(other)->id);
    paa_txn_end(&other);
    CHECK(strncmp(paa_txn_client_tls(txn)->chain_pem.data, "-----BEGIN CERTIFICATE-----", 27) == 0);
    paa_txn_end(&txn);
    host_close(&host);
}

/* ---- hosts that cannot -------------------------------------------------------------------------- */

TEST(a_host_that_presents_no_certificates_is_told_when_it_looks_for_the_service)
{
    struct host host;

    REQUIRE(begin_as(&host, POLICY(MTLS("1"), OUT("chain = ( { required = \"m1\" } );")),
                     ALL_CAN & ~(uint32_t)PAA_CAN_CLIENT_KEY));
    CHECK(host.out == NULL);
    CHECK(paa_service_find(host.context, "out", PAA_OUTGOING, &host.error) == NULL);
    CHECK_HAS(host.error.text, "paa.conf:5: service out: m1 shows a client certificate, and this "
                               "host presents none (PAA_CAN_CLIENT_KEY)");
    host_close(&host);
    REQUIRE(begin_as(&host,
                     POLICY(SCRIPT("x", "attach = \"shows\"; signer = " K("1") ";"),
                            OUT("chain = ( { required = \"x\" } );")),
                     ALL_CAN & ~(uint32_t)PAA_CAN_CLIENT_KEY));
    check_refused(&host, "out", NULL, "this host presents no client certificates");
    host_close(&host);
}

TEST(mtls_refuses_a_key_without_a_certificate_at_its_line)
{
    struct host host;

    CHECK(!begin(&host, POLICY("m = { plugin = \"mtls\"; client_key = { key = \"file:k1\"; }; };\n",
                               OUT("chain = ( { required = \"m\" } );"))));
    CHECK_HAS(host.error.text,
              "paa.conf:2: instance m: \"client_key\": the key has no certificate to present");
    host_close(&host);
}

/* ---- tls of a service ---------------------------------------------------------------------------- */

#define PIN "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

TEST(a_service_says_how_its_servers_are_verified)
{
    char ca[4096];
    const struct paa_client_tls *tls;
    enum paa_state state;
    struct paa_txn *txn;
    struct host host;

    REQUIRE(
        begin(&host, POLICY("", OUT("tls = { ca = \"c1\"; min_version = \"1.3\"; pins = [ \"" PIN
                                    "\", \"" PIN "\" ]; };\n"
                                    "chain = ( { required = \"permit\" } );"))));
    txn = send_to(&host, "out", NULL, &state);
    REQUIRE(state == PAA_TXN_ALLOW);
    tls = paa_txn_client_tls(txn);
    CHECK(same(tls->trust_pem, file_text(&host, "c1", ca, sizeof ca)));
    CHECK_STR(tls->pins, "sha256//" PIN ";sha256//" PIN);
    CHECK_INT(tls->min_version, 0x0304);
    CHECK_INT(tls->flags, 0);
    CHECK(tls->chain_pem.data == NULL && tls->key_pem.data == NULL);
    paa_txn_end(&txn);
    host_close(&host);
}

TEST(cas_that_rotate_are_another_connection_and_broken_ones_leave_the_last_good_ones)
{
    struct host host;
    uint64_t id, next;

    REQUIRE(begin(&host, POLICY("", OUT("tls = { ca = \"c1\"; };\n"
                                        "chain = ( { required = \"permit\" } );"))));
    atomic_store(&host.is_live, true);
    id = id_of(&host, "out");
    write_pair(&host, "1");
    next = id_other_than(&host, "out", id);
    store_file(at(&host, "c1"), "-----BEGIN CERTIFICATE-----\njunk", 32, 0600);
    while (!log_has(&host, "holds a certificate that cannot be read"))
        (void)sched_yield();
    CHECK(id_of(&host, "out") == next);
    host_close(&host);
}

struct refusal {
    const char *tls;
    const char *sentence;
};

TEST(what_makes_a_service_less_safe_is_said_twice_or_refused)
{
    static const struct refusal all[] = {
        { "verify = false;", "paa.conf:4: service out: tls: verify = false needs insecure_reason" },
        { "verify = false; insecure_reason = \"lab\";",
          "paa.conf:4: service out: tls: verify = false counts for loopback addresses only, and "
          "\"https://out.example.com\" is none" },
        { "insecure_reason = \"lab\";", "go with verify = false only" },
        { "ca = \"none\";", "none does not exist" },
        { "ca = \"k1\";", "k1 holds no CA certificate" },
        { "min_version = \"1.1\";", "1.2" },
        { "pins = [ \"x\" ];", "a pin is base64 of a SHA-256" },
        { "proxy = \"http://p:1\";", "proxy" },
        { "http_loopback = true;", "http_loopback" },
    };
    char policy[1024];
    struct host host;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        (void)snprintf(policy, sizeof policy,
                       POLICY("", OUT("tls = { %s }; chain = ( { required = \"permit\" } );")),
                       all[i].tls);
        CHECK(!begin(&host, policy));
        CHECK_HAS(host.error.text, all[i].sentence);
        host_close(&host);
    }
    CHECK(!begin(&host, POLICY("", API("tls = { }; chain = ( { required = \"permit\" } );"))));
    CHECK_HAS(host.error.text, "\"tls\" only goes with direction = \"outgoing\"");
    host_close(&host);
}

struct seen {
    int unverified;
};

static void note_sample(const struct paa_sample *sample, void *user)
{
    struct seen *seen = user;

    if (strcmp(sample->name, "paa_tls_unverified") == 0 &&
        (strcmp(sample->service, "out") == 0 || strcmp(sample->instance, "x") == 0))
        seen->unverified += (int)sample->value;
}

TEST(servers_that_are_not_verified_are_told_of_at_load_in_the_counters_and_to_the_host)
{
    enum paa_state state;
    struct paa_txn *txn;
    struct seen seen = { 0 };
    struct host host;
    struct ask ask;

    REQUIRE(
        begin(&host, POLICY(SCRIPT("x", "tls = { verify = false; insecure_reason = \"lab\"; };"),
                            OUT("tls = { verify = false; insecure_reason = \"lab ends in May\"; "
                                "insecure_anywhere = true; }; chain = ( { required = \"permit\" } "
                                ");") "near = { direction = \"outgoing\"; origins = [ "
                                      "\"https://127.0.0.1:8443\" ];\n"
                                      "tls = { verify = false; insecure_reason = \"dev\"; };\n"
                                      "chain = ( { required = \"x\" } ); };\n")));
    CHECK_HAS(host.log, "service out: tls: certificates of ANY host are not verified");
    CHECK_HAS(host.log, "lab ends in May");
    CHECK_HAS(host.log, "service near: tls: certificates of loopback addresses are not verified");
    txn = send_to(&host, "out", NULL, &state);
    CHECK_INT(paa_txn_client_tls(txn)->flags, PAA_CLIENT_TLS_INSECURE);
    paa_txn_end(&txn);
    ask_for(&ask, "GET", "https://127.0.0.1:8443/", NULL);
    ask.request.authority = ask.request.scheme = paa_str_of(NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane,
                            paa_service_find(host.context, "near", PAA_OUTGOING, &host.error),
                            &ask.request),
              PAA_TXN_ALLOW);
    CHECK_INT(paa_txn_client_tls(txn)->flags, PAA_CLIENT_TLS_INSECURE);
    paa_txn_end(&txn);
    paa_context_counters(host.context, note_sample, &seen);
    CHECK_INT(seen.unverified, 2);
    host_close(&host);
}

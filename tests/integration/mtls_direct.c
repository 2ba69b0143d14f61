/* SPDX-License-Identifier: MIT */
/* Client certificates of the host's own TLS, through the engine: who is let in, as whom, and what is remembered. */
#include "shown.h"
#include "test.h"

#define TRUST    "trust = \"ca.pem\"; "
#define WITH_CRL TRUST "crl = \"crl.der\"; "

struct party { /* a CA and two of its clients */
    struct issued *ca;
    struct issued *client;
    struct issued *other;
};

static struct party party_make(void)
{
    struct party party = { .ca = issue_ca("CA", NULL) };

    party.client = issue_client("robot", party.ca);
    party.other = issue_client("other", party.ca);
    return party;
}

static void party_done(struct party *party)
{
    issued_free(party->ca);
    issued_free(party->client);
    issued_free(party->other);
}

static bool write_list(const struct host *host, const struct party *party, bool is_revoked)
{
    const struct issued *const revoked[] = { party->client };
    struct list_recipe recipe = { .revoked = revoked, .count = is_revoked, .more = 3 };
    struct paa_bytes der = issue_list(&recipe, party->ca);
    bool is_done = shown_write_bytes(host, "crl.der", der);

    OPENSSL_free((void *)(uintptr_t)der.data);
    return is_done;
}

/* Opened after the files are there. */
static bool open_with_list(struct host *host, const char *policy, const struct party *party,
                           bool is_revoked)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy) ||
        !shown_write_ca(host, "ca.pem", party->ca, NULL) || !write_list(host, party, is_revoked))
        return false;
    host_options(host, &options);
    return host_open_with(host, &options);
}

/* What is watched is read soon, on a thread of the context: asked again, in steps of that time, until it says so. */
static struct told ask_in_steps(struct shown *shown, struct host *host, const char *reason,
                                int64_t step_ms)
{
    struct told told = shown_ask(shown, host);

    while (strcmp(told.reason, reason) != 0) {
        host_pass(host, step_ms);
        told = shown_ask(shown, host);
    }
    return told;
}

static struct told ask_until(struct shown *shown, struct host *host, const char *reason)
{
    return ask_in_steps(shown, host, reason, 10);
}

/* ---- who ----------------------------------------------------------------------------------------- */

TEST(a_client_of_a_trusted_ca_is_let_in_as_its_subject)
{
    struct party party = party_make();
    struct told told;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), party.ca));
    told = shown_once(&host, party.client, NULL);
    CHECK_STR(paa_str_of(told.reason), "good");
    CHECK_STR(paa_str_of(told.subject), "CN=robot");
    CHECK_STR(paa_str_of(told.issuer), "CN=CA");
    host_close(&host);
    party_done(&party);
}

TEST(a_client_without_a_certificate_is_absent_and_gets_no_challenge)
{
    struct party party = party_make();
    struct told told;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), party.ca));
    told = shown_once(&host, NULL, NULL);
    CHECK_INT(told.code, 403);
    CHECK_STR(paa_str_of(told.reason), "");
    host_close(&host);
    party_done(&party);
}

/* Browsers show a certificate to whoever makes them ask (RFC 6454 7, Fetch Metadata). */
TEST(a_page_of_another_site_does_nothing_with_the_certificate_of_a_browser)
{
    static const struct {
        const char *method, *line;
        unsigned code;
    } rows[] = {
        { "POST", "Sec-Fetch-Site: cross-site", 403 },
        { "DELETE", "Origin: https://evil.example.com", 403 },
        { "GET", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", 200 }, /* of no browser */
        { "GET", "Sec-Fetch-Site: cross-site", 200 },
        { "POST", "Sec-Fetch-Site: same-origin", 200 },
        { "POST", "X-Nothing: said", 200 },
    };
    struct party party = party_make();
    struct shown shown;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), party.ca));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", party.client, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ask ask;
        struct told told;

        ask_for(&ask, rows[i].method, "/orders", rows[i].line, NULL);
        told = shown_ask_with(&shown, &host, &ask, NULL);
        if (told.code != rows[i].code)
            TEST_FAIL("%s with %s is answered %u", rows[i].method, rows[i].line, told.code);
    }
    shown_close(&shown);
    host_close(&host);
    party_done(&party);
}

TEST(a_gateways_certificate_is_no_browsers_if_the_policy_says_so)
{
    struct party party = party_make();
    struct shown shown;
    struct told told;
    struct host host;
    struct ask ask;

    REQUIRE(shown_open(&host, PEERS(TRUST "machines = true; "), party.ca));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", party.client, NULL));
    ask_for(&ask, "POST", "/orders", "Sec-Fetch-Site: cross-site", NULL);
    told = shown_ask_with(&shown, &host, &ask, NULL);
    CHECK_INT(told.code, 200);
    CHECK_STR(paa_str_of(told.subject), "CN=robot");
    shown_close(&shown);
    host_close(&host);
    party_done(&party);
}

TEST(a_stranger_is_refused_and_the_sentence_says_who)
{
    struct party party = party_make(), strangers = party_make();
    struct told told;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST "subject = \"CN=robot\";"), party.ca));
    told = shown_once(&host, strangers.client, NULL);
    CHECK_INT(told.code, 403);
    CHECK_STR(paa_str_of(told.reason), "signature"); /* a CA of that name, and not that key */
    CHECK_HAS(told.sentence, "CN=robot");
    told = shown_once(&host, party.other, NULL);
    CHECK_STR(paa_str_of(told.reason), "not-listed");
    CHECK_HAS(told.sentence, "CN=other");
    host_close(&host);
    party_done(&party);
    party_done(&strangers);
}

TEST(the_principal_carries_binding_expiry_and_notes)
{
    struct party party = party_make();
    const struct paa_principal *who;
    enum paa_state state;
    struct shown shown;
    struct paa_txn *txn;
    static struct ask ask;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), party.ca));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", party.client, NULL));
    ask_for(&ask, "GET", "/", NULL);
    ask.request.peer = shown.peer;
    state = host_ask(&host, &ask, &txn);
    CHECK_INT(state, PAA_TXN_ALLOW);
    who = paa_txn_principal(txn, 0);
    REQUIRE(who != NULL);
    CHECK_STR(who->methods, "mtls");
    CHECK_STR(who->instance, "peers");
    CHECK_INT(who->expires_at_s, HOST_TIME_S + 30 * (int64_t)ISSUED_DAY_S);
    CHECK_INT(strncmp(who->cnf.data, "{\"x5t#S256\":\"", 13), 0);
    CHECK_INT(who->cnf.size, 13 + 43 + 2);
    CHECK_STR(paa_txn_note(txn, 0)->name, "fingerprint");
    CHECK_STR(paa_txn_note(txn, 1)->name, "serial");
    paa_txn_end(&txn);
    shown_close(&shown);
    host_close(&host);
    party_done(&party);
}

TEST(intermediates_come_from_the_client_or_from_the_policy)
{
    struct issued *root = issue_ca("root", NULL), *middle = issue_ca("middle", root);
    struct issued *client = issue_client("robot", middle);
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), root));
    CHECK_STR(paa_str_of(shown_once(&host, client, middle).reason), "good");
    CHECK_STR(paa_str_of(shown_once(&host, client, NULL).reason), "unknown-issuer");
    host_close(&host);
    REQUIRE(host_init(&host) && host_write(&host, PEERS(TRUST "intermediates = \"middle.pem\";")) &&
            shown_write_ca(&host, "ca.pem", root, NULL) &&
            shown_write_ca(&host, "middle.pem", middle, NULL));
    struct paa_context_options options;
    host_options(&host, &options);
    REQUIRE(host_open_with(&host, &options));
    CHECK_STR(paa_str_of(shown_once(&host, client, NULL).reason), "good");
    host_close(&host);
    issued_free(root);
    issued_free(middle);
    issued_free(client);
}

/* Long chains are judged on a worker. */
TEST(a_long_chain_is_good_as_well)
{
    struct issued *made[5] = { issue_ca("0", NULL) };
    struct shown shown;
    struct host host;

    for (size_t i = 1; i < 4; i++)
        made[i] = issue_ca(i == 1 ? "1" : i == 2 ? "2" : "3", made[i - 1]);
    made[4] = issue_client("robot", made[3]);
    REQUIRE(shown_open(&host, PEERS(TRUST), made[0]));
    REQUIRE(shown_connect(&shown, &host, NULL, made[4], made[1], made[2], made[3], NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).subject), "CN=robot");
    shown_close(&shown);
    host_close(&host);
    for (size_t i = 0; i < 5; i++)
        issued_free(made[i]);
}

/* What a slot may not take the time for waits for a worker: more than two signatures, and those that take long. */
static bool waits(const char *policy, const struct issued *anchor, const struct issued *second,
                  const struct issued *third, const struct issued *signer)
{
    struct issued *first = issue_client("first", signer), *client = issue_client("robot", signer);
    char pem[ISSUED_PEM_MAX] = "";
    struct paa_context_options options;
    struct told told = { .code = 0 };
    struct host host;

    if (host_init(&host) && host_write(&host, policy) &&
        shown_write_ca(&host, "ca.pem", anchor, NULL)) {
        issued_pem(second, pem);
        issued_pem(third, pem);
        (void)shown_write(&host, "more.pem", pem);
        host_options(&host, &options);
        CHECK(host_open_with(&host, &options));
        CHECK_STR(paa_str_of(shown_once(&host, first, NULL).reason), "good"); /* files are read */
        told = shown_once(&host, client, NULL);
        CHECK_STR(paa_str_of(told.reason), "good");
    }
    host_close(&host);
    issued_free(first);
    issued_free(client);
    return told.has_waited;
}

TEST(a_chain_is_judged_on_a_worker_if_anything_in_it_takes_long)
{
    static const char alone[] = PEERS(TRUST), ours[] = PEERS(TRUST "intermediates = \"more.pem\";");
    static const char *const keys[] = { "P-256", "ED25519", "RSA:2048", "P-384", "P-521", "ED448" };
    struct issued *root = issue_ca("root", NULL), *one = issue_ca("one", root);
    struct issued *two = issue_ca("two", one);

    CHECK(!waits(alone, root, one, two, root));
    CHECK(waits(ours, root, one, two, root)); /* who knows which of them it will take */
    CHECK(waits(ours, root, one, two, two));
    CHECK(!waits(ours, root, one, root, one));
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct recipe recipe = { .name = "CA", .basic = "critical,CA:TRUE", .key = keys[i] };
        struct issued *ca = issue(&recipe, NULL);

        CHECK_INT(waits(alone, ca, one, two, ca), i >= 3);
        issued_free(ca);
    }
    issued_free(root);
    issued_free(one);
    issued_free(two);
}

TEST(anchors_that_are_intermediates_themselves_make_chains_longer)
{
    struct issued *root = issue_ca("root", NULL), *one = issue_ca("one", root);
    struct issued *two = issue_ca("two", one);
    struct issued *client = issue_client("robot", two), *first = issue_client("first", two);
    char pem[ISSUED_PEM_MAX] = "";
    struct host host;

    issued_pem(root, pem);
    issued_pem(one, pem);
    issued_pem(two, pem);
    REQUIRE(shown_open(&host, PEERS(TRUST), root));
    REQUIRE(shown_write(&host, "ca.pem", pem));
    while (strcmp(shown_once(&host, first, NULL).reason, "good") != 0)
        host_pass(&host, 10);
    CHECK(shown_once(&host, client, NULL).has_waited);
    host_close(&host);
    issued_free(root);
    issued_free(one);
    issued_free(two);
    issued_free(client);
    issued_free(first);
}

TEST(more_certificates_than_a_chain_has_are_refused)
{
    struct issued *ca = issue_ca("CA", NULL), *client = issue_client("robot", ca);
    struct shown shown;
    struct told told;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), ca));
    REQUIRE(
        shown_connect(&shown, &host, NULL, client, ca, ca, ca, ca, ca, ca, ca, ca, ca, ca, NULL));
    told = shown_ask(&shown, &host);
    CHECK_INT(told.code, 403);
    CHECK_STR(paa_str_of(told.reason), "chain-size");
    shown_close(&shown);
    host_close(&host);
    issued_free(ca);
    issued_free(client);
}

/* ---- what is remembered -------------------------------------------------------------------------- */

TEST(a_kept_connection_is_asked_for_its_certificates_once)
{
    struct party party = party_make();
    struct shown shown;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), party.ca));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", party.client, NULL));
    for (int i = 0; i < 5; i++) {
        CHECK_STR(paa_str_of(shown_ask(&shown, &host).subject), "CN=robot");
        CHECK_INT(shown.asked, 1);
    }
    shown_close(&shown);
    host_close(&host);
    party_done(&party);
}

/* Each piece behind its size, as source.c remembers what came in several. */
static void digest_chain(const struct shown *shown, unsigned char ret_digest[32])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    CHECK(EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < shown->count; i++)
        CHECK(EVP_DigestUpdate(context, &shown->chain[i].size, sizeof shown->chain[i].size) == 1 &&
              EVP_DigestUpdate(context, shown->chain[i].data, shown->chain[i].size) == 1);
    CHECK(EVP_DigestFinal_ex(context, ret_digest, NULL) == 1);
    EVP_MD_CTX_free(context);
}

TEST(the_digest_of_what_is_remembered_is_not_taken_for_it)
{
    struct issued *root = issue_ca("root", NULL), *middle = issue_ca("middle", root);
    struct issued *client = issue_client("robot", middle);
    unsigned char digest[32];
    struct shown shown;
    struct told told;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), root));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", client, middle, NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    digest_chain(&shown, digest);
    shown_close(&shown);
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", client, NULL));
    memcpy((void *)(uintptr_t)shown.chain[0].data, digest, sizeof digest);
    shown.chain[0].size = sizeof digest;
    told = shown_ask(&shown, &host);
    CHECK_INT(told.code, 403);
    CHECK_STR(paa_str_of(told.reason), "encoding");
    shown_close(&shown);
    host_close(&host);
    issued_free(root);
    issued_free(middle);
    issued_free(client);
}

TEST(what_is_remembered_expires_with_the_certificate)
{
    struct issued *ca = issue_ca("CA", NULL);
    struct recipe soon = { .name = "robot", .until_s = 60 };
    struct issued *client = issue(&soon, ca);
    struct shown shown;
    struct told told;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), ca));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", client, NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    host_pass(&host, 59 * 1000);
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    host_pass(&host, 1000);
    told = shown_ask(&shown, &host);
    CHECK_STR(paa_str_of(told.reason), "expired");
    CHECK_HAS(told.sentence, "CN=robot");
    CHECK_STR(paa_str_of(shown_once(&host, client, NULL).reason), "expired");
    shown_close(&shown);
    host_close(&host);
    issued_free(ca);
    issued_free(client);
}

TEST(an_anchor_that_is_taken_away_ends_kept_connections_too)
{
    struct party party = party_make();
    struct issued *next = issue_ca("next", NULL);
    struct shown shown;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST), party.ca));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", party.client, NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    REQUIRE(shown_write_ca(&host, "ca.pem", next, NULL));
    CHECK_INT(ask_until(&shown, &host, "unknown-issuer").code, 403);
    REQUIRE(shown_write_ca(&host, "ca.pem", next, party.ca));
    CHECK_INT(ask_until(&shown, &host, "good").code, 200);
    shown_close(&shown);
    host_close(&host);
    issued_free(next);
    party_done(&party);
}

TEST(anchors_that_cannot_be_read_leave_the_last_good_ones_for_the_outage_and_no_longer)
{
    struct party party = party_make();
    struct shown shown;
    struct host host;

    REQUIRE(shown_open(&host, PEERS(TRUST "outage = \"1h\";"), party.ca));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", party.client, NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    REQUIRE(shown_write(&host, "ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"));
    host_pass(&host, 30 * 60 * 1000);
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    for (int i = 0; i < 7; i++) /* it is noticed at some time, and an hour later it is over */
        host_pass(&host, 10 * 60 * 1000);
    CHECK_INT(ask_in_steps(&shown, &host, "trust", 1000).code, 503);
    CHECK_INT(shown_once(&host, party.client, NULL).code, 503);
    REQUIRE(shown_write_ca(&host, "ca.pem", party.ca, NULL));
    CHECK_INT(ask_until(&shown, &host, "good").code, 200);
    shown_close(&shown);
    host_close(&host);
    party_done(&party);
}

static bool write_list_of(const struct host *host, const char *name, const struct issued *ca,
                          const struct issued *revoked)
{
    struct list_recipe recipe = { .revoked = &revoked, .count = revoked != NULL };
    struct paa_bytes der = issue_list(&recipe, ca);
    bool is_done = shown_write_bytes(host, name, der);

    OPENSSL_free((void *)(uintptr_t)der.data);
    return is_done;
}

static bool make_folder(const struct host *host, const char *name)
{
    char path[HOST_PATH_MAX + 32];

    (void)snprintf(path, sizeof path, "%s/%s", host->folder, name);
    return mkdir(path, 0700) == 0;
}

TEST(anchors_and_lists_of_several_cas_may_lie_in_folders)
{
    struct party party = party_make();
    struct issued *ca = issue_ca("second", NULL), *client = issue_client("robot", ca);
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) &&
            host_write(&host, PEERS("trust = \"anchors\"; crl = \"lists\"; ")) &&
            make_folder(&host, "anchors") && make_folder(&host, "lists"));
    REQUIRE(shown_write_ca(&host, "anchors/first.pem", party.ca, NULL) &&
            shown_write_ca(&host, "anchors/second.pem", ca, NULL) &&
            write_list_of(&host, "lists/first.crl", party.ca, party.other) &&
            write_list_of(&host, "lists/second.crl", ca, NULL));
    host_options(&host, &options);
    REQUIRE(host_open_with(&host, &options));
    CHECK_STR(paa_str_of(shown_once(&host, party.client, NULL).reason), "good");
    CHECK_STR(paa_str_of(shown_once(&host, client, NULL).reason), "good");
    CHECK_STR(paa_str_of(shown_once(&host, party.other, NULL).reason), "revoked");
    CHECK_INT(shown_once(&host, party.other, NULL).code, 403);
    host_close(&host);
    issued_free(client);
    issued_free(ca);
    party_done(&party);
}

/* ---- revocation ---------------------------------------------------------------------------------- */

TEST(who_is_revoked_between_two_requests_of_a_connection_is_refused)
{
    struct party party = party_make();
    struct shown shown, other;
    struct told told;
    struct host host;

    REQUIRE(open_with_list(&host, PEERS(WITH_CRL), &party, false));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", party.client, NULL));
    REQUIRE(shown_connect(&other, &host, "192.0.2.1", party.other, NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    CHECK_STR(paa_str_of(shown_ask(&other, &host).reason), "good");
    REQUIRE(write_list(&host, &party, true));
    told = ask_until(&shown, &host, "revoked");
    CHECK_INT(told.code, 403);
    CHECK_HAS(told.sentence, "CN=robot");
    CHECK_STR(paa_str_of(shown_ask(&other, &host).reason), "good");
    REQUIRE(write_list(&host, &party, false)); /* it was on hold */
    CHECK_INT(ask_until(&shown, &host, "good").code, 200);
    shown_close(&shown);
    shown_close(&other);
    host_close(&host);
    party_done(&party);
}

TEST(a_list_that_grows_old_lets_nobody_in_if_revocation_is_hard)
{
    struct party party = party_make();
    struct shown shown;
    struct told told;
    struct host host;

    REQUIRE(open_with_list(&host, PEERS(WITH_CRL), &party, false));
    REQUIRE(shown_connect(&shown, &host, "192.0.2.1", party.client, NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &host).reason), "good");
    host_pass(&host, ISSUED_DAY_S * INT64_C(1000));
    told = shown_ask(&shown, &host);
    CHECK_INT(told.code, 503);
    CHECK_STR(paa_str_of(told.reason), "revocation");
    CHECK_INT(shown_once(&host, party.other, NULL).code, 503);
    shown_close(&shown);
    host_close(&host);
    party_done(&party);
}

TEST(a_list_that_grows_old_still_refuses_whom_it_names_if_revocation_is_soft)
{
    struct party party = party_make();
    struct host host;

    REQUIRE(open_with_list(&host, PEERS(WITH_CRL "revocation = \"soft\";"), &party, true));
    CHECK_STR(paa_str_of(shown_once(&host, party.client, NULL).reason), "revoked");
    CHECK_STR(paa_str_of(shown_once(&host, party.other, NULL).reason), "good");
    host_pass(&host, 2 * ISSUED_DAY_S * INT64_C(1000));
    CHECK_STR(paa_str_of(shown_once(&host, party.client, NULL).reason), "revoked");
    CHECK_STR(paa_str_of(shown_once(&host, party.other, NULL).reason), "good");
    host_close(&host);
    party_done(&party);
}

TEST(without_a_list_of_the_issuer_hard_lets_nobody_in_and_soft_everybody)
{
    static const char *const policies[] = { PEERS(WITH_CRL),
                                            PEERS(WITH_CRL "revocation = \"soft\";") };

    for (size_t i = 0; i < 2; i++) {
        struct party party = party_make(), strangers = party_make();
        struct told told;
        struct host host;

        REQUIRE(open_with_list(&host, policies[i], &strangers, true));
        REQUIRE(shown_write_ca(&host, "ca.pem", party.ca, NULL));
        told = shown_once(&host, party.client, NULL);
        while (strcmp(told.reason, "signature") == 0) { /* the old anchors still */
            host_pass(&host, 10);
            told = shown_once(&host, party.client, NULL);
        }
        CHECK_INT(told.code, i == 0 ? 503 : 200);
        CHECK_STR(paa_str_of(told.reason), i == 0 ? "revocation" : "good");
        host_close(&host);
        party_done(&party);
        party_done(&strangers);
    }
}

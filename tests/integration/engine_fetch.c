/* SPDX-License-Identifier: MIT */
/* Fetching through the whole engine: a plugin that fetches, a policy that says how, a server that misbehaves. */
#include "fault_server.h"
#include "host.h"
#include "test.h"

enum { MANY = 20 };

struct place { /* a host, and the server that its policy names */
    struct host host;
    struct fault_server *server;
};

#define WRONG_PIN "pins = \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\";"

static const struct fault_answer good = { .body = "hello" };
static const struct fault_answer held = { .flags = FAULT_HOLD, .body = "late" };
static const struct fault_answer closing = { .flags = FAULT_CLOSE };

struct
    wanted { /* a policy with one instance, which fetches /a and then is content with one status only */
    const char *word; /* NULL: "fetch" */
    const char *status;
    const char *tls; /* further members of the group; NULL: none */
    bool names_url;  /* an option of the instance has the URL too */
};

static bool write_policy(struct place *place, struct wanted wanted)
{
    char policy[4096], url[FAULT_URL_MAX], option[FAULT_URL_MAX + 16] = "";

    (void)fault_server_url(place->server, "/a", url);
    if (wanted.names_url)
        (void)snprintf(option, sizeof option, "url = \"%s\";", url);
    (void)snprintf(policy, sizeof policy,
                   POLICY(SCRIPT("w", "verify = \"%s:%s need:%s\"; tls = { ca = \"%s\"; %s }; %s"),
                          API("chain = ( { required = \"w\" } );")),
                   wanted.word != NULL ? wanted.word : "fetch", url, wanted.status,
                   fault_server_ca(), wanted.tls != NULL ? wanted.tls : "", option);
    return host_write(&place->host, policy);
}

static bool reload(struct place *place, struct wanted wanted)
{
    return write_policy(place, wanted) &&
           paa_context_reload(place->host.context, 60000, &place->host.error) == 1;
}

static bool begin(struct place *place, struct wanted wanted)
{
    struct paa_context_options options;

    place->server = fault_server_start(FAULT_TLS_GOOD);
    if (!host_init(&place->host) || !write_policy(place, wanted))
        return false;
    host_options(&place->host, &options);
    return host_open_with(&place->host, &options);
}

static void end(struct place *place)
{
    host_close(&place->host);
    fault_server_stop(place->server);
}

TEST(a_plugin_fetches_with_the_tls_group_of_its_instance)
{
    struct place place;

    REQUIRE(begin(&place, (struct wanted){ .status = "ok" }));
    fault_server_answer(place.server, "/a", &good);
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200);
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200);
    CHECK_INT(fault_server_requests(place.server), 2);
    CHECK_INT(fault_server_connections(place.server), 1);
    end(&place);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(a_reload_brings_another_tls_group_and_its_own_connections)
{
    struct place place;

    REQUIRE(begin(&place, (struct wanted){ .status = "ok" }));
    fault_server_answer(place.server, "/a", &good);
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200);
    CHECK(reload(&place, (struct wanted){ .status = "ok", .tls = "min_version = \"1.3\";" }));
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200);
    CHECK_INT(fault_server_connections(place.server), 2);
    CHECK(reload(&place, (struct wanted){ .status = "unavailable", .tls = WRONG_PIN }));
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200); /* it ended as the script needs it */
    CHECK_INT(fault_server_requests(place.server), 2);
    end(&place);
}

TEST(urls_from_outside_lead_where_the_policys_own_lead)
{
    struct place place;

    REQUIRE(begin(&place, (struct wanted){ .word = "foreign", .status = "denied" }));
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200);
    CHECK_INT(fault_server_connections(place.server), 0);
    end(&place);
    REQUIRE(begin(&place, (struct wanted){ .word = "foreign", .status = "ok", .names_url = true }));
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200);
    end(&place);
}

TEST(not_to_verify_is_warned_of_when_the_policy_is_opened)
{
    struct place place;

    REQUIRE(
        begin(&place, (struct wanted){ .status = "ok",
                                       .tls = "verify = false; insecure_reason = \"a test\";" }));
    CHECK_HAS(place.host.log, "certificates of loopback addresses are not verified");
    end(&place);
}

TEST(a_mistake_in_the_tls_group_has_file_and_line)
{
    struct place place;

    memset(&place, 0, sizeof place);
    CHECK(!begin(&place, (struct wanted){ .status = "ok", .tls = "verify = false;" }));
    CHECK_HAS(place.host.error.text, "paa.conf:2: instance w: tls: verify = false needs");
    host_clear_folder(&place.host);
    fault_server_stop(place.server);
}

TEST(offline_nothing_is_fetched)
{
    struct paa_context_options options;
    struct place place;

    place.server = fault_server_start(FAULT_TLS_GOOD);
    REQUIRE(host_init(&place.host) &&
            write_policy(&place, (struct wanted){ .status = "unavailable" }));
    host_options(&place.host, &options);
    options.flags |= PAA_OPEN_OFFLINE;
    REQUIRE(host_open_with(&place.host, &options));
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200);
    CHECK_INT(fault_server_connections(place.server), 0);
    end(&place);
}

TEST(what_waits_for_a_slow_server_ends_at_its_deadline)
{
    struct paa_txn *txn;
    struct place place;
    struct ask ask;

    REQUIRE(begin(&place, (struct wanted){ .status = "ok" }));
    fault_server_answer(place.server, "/a", &held);
    ask_for(&ask, "GET", "/", NULL);
    CHECK_INT(paa_txn_begin(&txn, place.host.lane, place.host.api, &ask.request), PAA_TXN_PENDING);
    fault_server_await(place.server, 1);
    host_pass(&place.host, 10000);
    CHECK_INT(paa_txn_advance(txn), PAA_TXN_ANSWER);
    CHECK_INT(paa_txn_answer(txn)->code, 503);
    paa_txn_end(&txn);
    end(&place);
}

TEST(a_server_that_fails_is_answered_for_with_503_and_is_left_alone)
{
    struct place place;

    REQUIRE(begin(&place, (struct wanted){ .status = "limited" }));
    fault_server_answer(place.server, "/a", &closing);
    CHECK_INT(code_of(&place.host, "GET", "/", NULL),
              500); /* unavailable, not as the script needs */
    CHECK_INT(code_of(&place.host, "GET", "/", NULL), 200);
    CHECK_INT(fault_server_requests(place.server), 1);
    end(&place);
}

TEST(a_context_closes_with_fetches_under_way)
{
    struct paa_txn *txns[MANY];
    struct place place;
    struct ask ask;

    REQUIRE(begin(&place, (struct wanted){ .status = "ok" }));
    fault_server_answer(place.server, "/a", &held);
    ask_for(&ask, "GET", "/", NULL);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(paa_txn_begin(&txns[i], place.host.lane, place.host.api, &ask.request),
                  PAA_TXN_PENDING);
    fault_server_await(place.server, 8);
    for (int i = 0; i < MANY; i++)
        paa_txn_end(&txns[i]);
    end(&place);
    CHECK_INT(host_broken_promises(), 0);
}

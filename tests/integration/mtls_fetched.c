/* SPDX-License-Identifier: MIT */
/* Revocation lists that are fetched, through the engine: when, how often, and what holds while their server is away. */
#include "fault_server.h"
#include "shown.h"
#include "test.h"

#define MINUTE_MS INT64_C(60000)

struct world {
    struct fault_server *server;
    struct issued *ca;
    struct issued *client;
    struct issued *other;
    struct host host;
};

static void serve_list(struct world *world, const struct list_recipe *recipe,
                       const struct issued *issuer)
{
    struct paa_bytes der = issue_list(recipe, issuer);
    struct fault_answer answer = { .type = "application/pkix-crl",
                                   .body = (const char *)der.data,
                                   .body_size = der.size };

    fault_server_forget(world->server, "/ca.crl");
    fault_server_answer(world->server, "/ca.crl", &answer);
    OPENSSL_free((void *)(uintptr_t)der.data);
}

static void serve(struct world *world, bool is_revoked)
{
    const struct issued *const revoked[] = { world->client };
    const struct list_recipe recipe = { .revoked = revoked, .count = is_revoked };

    serve_list(world, &recipe, world->ca);
}

static void serve_nothing(struct world *world, unsigned code, const char *body)
{
    struct fault_answer answer = { .code = code, .body = body };

    fault_server_forget(world->server, "/ca.crl");
    fault_server_answer(world->server, "/ca.crl", &answer);
}

static bool open_world(struct world *world, enum fault_tls tls, const char *options)
{
    char url[FAULT_URL_MAX], policy[2048];

    world->server = fault_server_start(tls);
    world->ca = issue_ca("CA", NULL);
    world->client = issue_client("robot", world->ca);
    world->other = issue_client("other", world->ca);
    (void)snprintf(policy, sizeof policy,
                   PEERS("trust = \"ca.pem\"; crl_url = \"%s\"; tls = { ca = \"%s\"; }; %s"),
                   fault_server_url(world->server, "/ca.crl", url), fault_server_ca(), options);
    return shown_open(&world->host, policy, world->ca);
}

static void close_world(struct world *world)
{
    host_close(&world->host);
    fault_server_stop(world->server);
    issued_free(world->ca);
    issued_free(world->client);
    issued_free(world->other);
}

/* A renewal runs behind the request that was late: asked again until it shows. Time passes meanwhile, so a renewal may even
 * be late itself, and be tried once more. */
static void ask_until(struct world *world, const char *reason)
{
    while (strcmp(shown_once(&world->host, world->client, NULL).reason, reason) != 0)
        host_pass(&world->host, 10);
}

TEST(a_list_is_fetched_once_over_https_or_plain_http)
{
    static const enum fault_tls kinds[] = { FAULT_TLS_GOOD, FAULT_TLS_NONE };

    for (size_t i = 0; i < 2; i++) {
        static struct world world;

        REQUIRE(open_world(&world, kinds[i], ""));
        serve(&world, true);
        CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "revoked");
        CHECK_STR(paa_str_of(shown_once(&world.host, world.other, NULL).reason), "good");
        CHECK_STR(paa_str_of(shown_once(&world.host, world.other, NULL).reason), "good");
        CHECK_INT(fault_server_requests(world.server), 1);
        close_world(&world);
    }
}

TEST(who_is_revoked_meanwhile_is_refused_once_the_list_is_renewed)
{
    static struct world world;

    REQUIRE(open_world(&world, FAULT_TLS_GOOD, ""));
    serve(&world, false);
    CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "good");
    serve(&world, true);
    host_pass(&world.host, 50 * MINUTE_MS);
    CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "good");
    CHECK_INT(fault_server_requests(world.server), 1);
    host_pass(&world.host, 11 * MINUTE_MS);
    ask_until(&world, "revoked");
    CHECK(fault_server_requests(world.server) >= 2);
    close_world(&world);
}

TEST(while_the_server_is_away_the_last_list_serves_until_its_next_update)
{
    static struct world world;
    struct told told;

    REQUIRE(open_world(&world, FAULT_TLS_GOOD, ""));
    serve(&world, false);
    CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "good");
    serve_nothing(&world, 500, "");
    host_pass(&world.host, 12 * 60 * MINUTE_MS);
    CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "good");
    host_pass(&world.host, 12 * 60 * MINUTE_MS);
    told = shown_once(&world.host, world.client, NULL);
    CHECK_INT(told.code, 503);
    CHECK_STR(paa_str_of(told.reason), "revocation");
    close_world(&world);
}

TEST(a_server_that_gives_no_list_leaves_hard_without_an_answer_and_soft_without_a_doubt)
{
    static const char *const bodies[] = { "", "hello", "0\x82\x01" };

    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        for (int is_soft = 0; is_soft <= 1; is_soft++) {
            static struct world world;
            struct told told;

            REQUIRE(open_world(&world, FAULT_TLS_GOOD, is_soft ? "revocation = \"soft\";" : ""));
            serve_nothing(&world, 200, bodies[i]);
            told = shown_once(&world.host, world.client, NULL);
            CHECK_INT(told.code, is_soft ? 200 : 503);
            CHECK_STR(paa_str_of(told.reason), is_soft ? "good" : "revocation");
            close_world(&world);
        }
}

/* Somebody between may answer plain http: with a list of his own under the CA's name or another one, with one of another CA
 * that is known, or with one of long ago. */
TEST(a_list_that_is_forged_foreign_or_older_does_not_take_the_place_of_a_good_one)
{
    enum { FORGED, FOREIGN, OF_ANOTHER, OLDER, KINDS };
    static const struct list_recipe newer = { .from_s = -60 }, older = { .from_s = -7200 };
    struct issued *twin = issue_ca("CA", NULL), *stranger = issue_ca("stranger", NULL);
    struct issued *known = issue_ca("known", NULL), *friend = issue_client("friend", known);

    for (int kind = 0; kind < KINDS; kind++) {
        static struct world world;
        bool is_said = false, is_revoked = true;

        REQUIRE(open_world(&world, FAULT_TLS_NONE, "revocation = \"soft\";"));
        serve(&world, true);
        REQUIRE(shown_write_ca(&world.host, "ca.pem", world.ca, known));
        while (strcmp(shown_once(&world.host, friend, NULL).reason, "good") != 0)
            host_pass(&world.host, 10);
        CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "revoked");
        serve_list(&world, kind == OLDER ? &older : &newer,
                   kind == FORGED       ? twin
                   : kind == FOREIGN    ? stranger
                   : kind == OF_ANOTHER ? known
                                        : world.ca);
        host_pass(&world.host, 61 * MINUTE_MS);
        while (!is_said && is_revoked) {
            host_pass(&world.host, 10);
            is_revoked = strcmp(shown_once(&world.host, world.client, NULL).reason, "revoked") == 0;
            pthread_mutex_lock(&world.host.lock);
            is_said = strstr(world.host.log, "what crl_url gave") != NULL;
            pthread_mutex_unlock(&world.host.lock);
        }
        CHECK(is_said);
        CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "revoked");
        close_world(&world);
    }
    issued_free(twin);
    issued_free(stranger);
    issued_free(known);
    issued_free(friend);
}

/* Somebody between may answer plain http: what the CA did not sign says nothing. */
TEST(a_list_that_somebody_else_signed_is_not_believed)
{
    static struct world world;
    struct issued *twin = issue_ca("CA", NULL), *ca;

    REQUIRE(open_world(&world, FAULT_TLS_NONE, ""));
    ca = world.ca;
    world.ca = twin;
    serve(&world, false);
    world.ca = ca;
    CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "revocation");
    close_world(&world);
    issued_free(twin);
}

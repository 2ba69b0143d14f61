/* SPDX-License-Identifier: MIT */
/* OCSP responders that are asked about clients, through the engine. */
#include "fault_server.h"
#include "shown.h"
#include "test.h"

#include <openssl/ocsp.h>

struct world {
    struct fault_server *server;
    struct issued *ca;
    struct issued *client;
    struct host host;
};

/* from_s: beside now; 0: an hour ago. */
static void say_of(struct world *world, int status, int64_t from_s)
{
    struct response_recipe recipe = {
        .certificate = world->client, .issuer = world->ca, .status = status, .from_s = from_s
    };
    struct paa_bytes der = issue_response(&recipe);
    struct fault_answer answer = { .type = "application/ocsp-response",
                                   .body = (const char *)der.data,
                                   .body_size = der.size };

    fault_server_forget(world->server, "/ocsp");
    fault_server_answer(world->server, "/ocsp", &answer);
    OPENSSL_free((void *)(uintptr_t)der.data);
}

static void say(struct world *world, int status)
{
    say_of(world, status, 0);
}

static void say_nothing(struct world *world, unsigned code)
{
    struct fault_answer answer = { .code = code };

    fault_server_forget(world->server, "/ocsp");
    fault_server_answer(world->server, "/ocsp", &answer);
}

static bool open_world(struct world *world, const char *options)
{
    char url[FAULT_URL_MAX], policy[2048];

    world->server = fault_server_start(FAULT_TLS_NONE);
    world->ca = issue_ca("CA", NULL);
    world->client = issue_client("robot", world->ca);
    (void)snprintf(policy, sizeof policy,
                   PEERS("trust = \"ca.pem\"; ocsp = true; ocsp_url = \"%s\"; %s"),
                   fault_server_url(world->server, "/ocsp", url), options);
    return shown_open(&world->host, policy, world->ca);
}

static void close_world(struct world *world)
{
    host_close(&world->host);
    fault_server_stop(world->server);
    issued_free(world->ca);
    issued_free(world->client);
}

TEST(a_responder_is_asked_once_and_its_word_counts)
{
    static struct world world;
    struct fault_request request;
    char type[64];

    REQUIRE(open_world(&world, ""));
    say(&world, V_OCSP_CERTSTATUS_GOOD);
    for (int i = 0; i < 3; i++)
        CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "good");
    CHECK_INT(fault_server_requests(world.server), 1);
    REQUIRE(fault_server_last(world.server, &request));
    CHECK_STR(paa_str_of(request.method), "POST");
    CHECK(fault_request_header(&request, "Content-Type", type, sizeof type));
    CHECK_STR(paa_str_of(type), "application/ocsp-request");
    close_world(&world);
}

TEST(who_is_revoked_is_refused_each_time)
{
    static struct world world;
    struct told told;

    REQUIRE(open_world(&world, ""));
    say(&world, V_OCSP_CERTSTATUS_REVOKED);
    for (int i = 0; i < 2; i++) {
        told = shown_once(&world.host, world.client, NULL);
        CHECK_INT(told.code, 403);
        CHECK_STR(paa_str_of(told.reason), "revoked");
        CHECK_HAS(told.sentence, "CN=robot");
    }
    close_world(&world);
}

TEST(who_is_revoked_meanwhile_is_refused_on_a_kept_connection)
{
    static struct world world;
    struct shown shown;

    REQUIRE(open_world(&world, ""));
    say(&world, V_OCSP_CERTSTATUS_GOOD);
    REQUIRE(shown_connect(&shown, &world.host, NULL, world.client, NULL));
    CHECK_STR(paa_str_of(shown_ask(&shown, &world.host).reason), "good");
    say(&world, V_OCSP_CERTSTATUS_REVOKED);
    host_pass(&world.host, 61 * 60 * 1000);
    while (strcmp(shown_ask(&shown, &world.host).reason, "revoked") != 0)
        host_pass(&world.host, 10);
    shown_close(&shown);
    close_world(&world);
}

/* Somebody between may answer plain http: with what the responder said before the certificate was revoked. */
TEST(an_older_word_does_not_take_the_place_of_a_newer_one)
{
    static struct world world;
    bool is_said = false, is_revoked = true;

    REQUIRE(open_world(&world, ""));
    say(&world, V_OCSP_CERTSTATUS_REVOKED);
    CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "revoked");
    say_of(&world, V_OCSP_CERTSTATUS_GOOD, -7200);
    host_pass(&world.host, 61 * 60 * 1000);
    while (!is_said && is_revoked) {
        host_pass(&world.host, 10);
        is_revoked = strcmp(shown_once(&world.host, world.client, NULL).reason, "revoked") == 0;
        pthread_mutex_lock(&world.host.lock);
        is_said = strstr(world.host.log, "is older than") != NULL;
        pthread_mutex_unlock(&world.host.lock);
    }
    CHECK(is_said);
    CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "revoked");
    close_world(&world);
}

TEST(without_a_word_hard_lets_nobody_in_and_soft_everybody)
{
    for (int is_soft = 0; is_soft <= 1; is_soft++) {
        static struct world world;
        struct told told;

        REQUIRE(open_world(&world, is_soft ? "revocation = \"soft\";" : ""));
        say_nothing(&world, 500);
        told = shown_once(&world.host, world.client, NULL);
        CHECK_INT(told.code, is_soft ? 200 : 503);
        CHECK_STR(paa_str_of(told.reason), is_soft ? "good" : "revocation");
        close_world(&world);
    }
}

TEST(a_word_that_is_too_old_is_no_word)
{
    static struct world world;
    struct told told;

    REQUIRE(open_world(&world, ""));
    say(&world, V_OCSP_CERTSTATUS_GOOD);
    CHECK_STR(paa_str_of(shown_once(&world.host, world.client, NULL).reason), "good");
    say_nothing(&world, 503);
    host_pass(&world.host, ISSUED_DAY_S * INT64_C(1000));
    told = shown_once(&world.host, world.client, NULL);
    CHECK_INT(told.code, 503);
    CHECK_STR(paa_str_of(told.reason), "revocation");
    close_world(&world);
}

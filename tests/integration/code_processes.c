/* SPDX-License-Identifier: MIT */
/* Many processes share one login; some of them are killed while they renew it. A refresh token is redeemed once. */
#include "fork.h"
#include "people.h"
#include "test.h"

#include <signal.h>

enum { PROCESSES = 4, THREADS = 16, KILLED_LATE = 19, LIFE_MS = 601 * 1000 };

#define GIVEN(word, refresh)                                                                       \
    {                                                                                              \
        .type = JSON_TYPE, .flags = FAULT_HOLD,                                                    \
        .body = "{\"access_token\":\"" word "\",\"token_type\":\"Bearer\",\"expires_in\":600,"     \
                "\"refresh_token\":\"" refresh "\"}"                                               \
    }

static const struct fault_answer first =
    TOKEN("one", ",\"expires_in\":600,\"refresh_token\":\"fresh-1\"");
static const struct fault_answer third =
    TOKEN("three", ",\"expires_in\":600,\"refresh_token\":\"fresh-3\"");
static const struct fault_answer held = GIVEN("two", "fresh-2");

/* Somebody is logged in, the access token has ended, and this process has no context any more. */
static bool begin(struct place *place, const char *options)
{
    if (!people_begin(place, options) || !people_log_in(place, &first, NULL))
        return false;
    people_leave(place);
    host_pass(&place->host, LIFE_MS);
    fault_server_answer(place->server, "/token", &held);
    return true;
}

static bool last_redeemed(struct place *place, const char *refresh_token)
{
    struct fault_request request;

    return fault_server_last(place->server, &request) &&
           strstr(request.body, refresh_token) != NULL;
}

/* ---- a storm ------------------------------------------------------------------------------------ */

struct sender {
    struct host host;
    pthread_t thread;
    bool is_right;
};

static void *send_one(void *arg)
{
    struct sender *sender = arg;
    struct paa_error error;

    if (paa_lane_open(&sender->host.lane, sender->host.context, &error) != 0)
        return NULL;
    sender->is_right = strcmp(sends(&sender->host).authorization, "Bearer two") == 0;
    paa_lane_close(&sender->host.lane);
    return NULL;
}

/* How many of the process's threads did not get the new token. */
static int storm(struct host *host)
{
    static struct sender senders[THREADS];
    struct paa_context_options options;
    int wrong = THREADS;

    host_options(host, &options);
    if (!host_open_context(host, &options))
        return THREADS;
    for (int i = 0; i < THREADS; i++) {
        host_share(host, &senders[i].host);
        if (pthread_create(&senders[i].thread, NULL, send_one, &senders[i]) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(senders[i].thread, NULL);
        wrong -= senders[i].is_right;
    }
    return wrong;
}

TEST(an_expired_token_of_four_processes_and_64_threads_costs_one_redemption)
{
    pid_t children[PROCESSES];
    struct place place;
    unsigned requests;
    int status, wrong = 0;

    REQUIRE(begin(&place, PEOPLE_PLAIN));
    requests = fault_server_requests(place.server);
    (void)fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = calm_fork();
        if (children[i] == 0)
            _exit(storm(&place.host));
    }
    fault_server_await(place.server, requests + 1);
    fault_server_release(place.server);
    for (int i = 0; i < PROCESSES; i++)
        wrong += waitpid(children[i], &status, 0) == children[i] && WIFEXITED(status)
                     ? WEXITSTATUS(status)
                     : THREADS;
    CHECK_INT(wrong, 0);
    CHECK_INT(fault_server_requests(place.server), requests + 1);
    CHECK(last_redeemed(&place, "fresh-1"));
    host_pass(&place.host, LIFE_MS);
    fault_server_forget(place.server, "/token");
    fault_server_answer(place.server, "/token", &third);
    REQUIRE(people_return(&place.host));
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer three");
    CHECK(last_redeemed(&place, "fresh-2"));
    sends_end(&place);
}

/* ---- killed ------------------------------------------------------------------------------------- */

static int send_and_end(struct host *host)
{
    struct paa_context_options options;

    host_options(host, &options);
    if (host_open_with(host, &options))
        (void)sends(host);
    return 0;
}

/* A process that is about to renew, once the server has been asked so often. */
static pid_t renewing(struct place *place, unsigned requests)
{
    pid_t child;

    (void)fflush(NULL);
    child = calm_fork();
    if (child == 0)
        _exit(send_and_end(&place->host));
    fault_server_await(place->server, requests);
    return child;
}

static void kill_now(pid_t child)
{
    int status;

    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
}

#define METADATA "/.well-known/oauth-authorization-server"

static void answer_metadata(struct place *place, unsigned flags)
{
    struct fault_answer answer = { .type = JSON_TYPE, .flags = flags };
    char url[FAULT_URL_MAX], body[2048];

    (void)fault_server_url(place->server, "", url);
    (void)snprintf(body, sizeof body,
                   "{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/auth\",\"token_endpoint\":"
                   "\"%s/token\",\"device_authorization_endpoint\":\"%s/device\"}",
                   url, url, url, url);
    answer.body = body;
    fault_server_forget(place->server, METADATA);
    fault_server_answer(place->server, METADATA, &answer);
}

TEST(killed_before_it_was_sent_a_refresh_token_is_as_good_as_before)
{
    struct place place;
    unsigned requests;

    REQUIRE(people_begin(&place, "client_auth = \"none\"; issuer = \"@\"; timeout = \"60s\";"));
    answer_metadata(&place, 0);
    REQUIRE(people_log_in(&place, &first, NULL));
    people_leave(&place);
    host_pass(&place.host, LIFE_MS);
    answer_metadata(&place, FAULT_HOLD);
    requests = fault_server_requests(place.server);
    kill_now(renewing(&place, requests + 1));
    fault_server_release(place.server);
    answer_metadata(&place, 0);
    fault_server_answer(place.server, "/token", &third);
    REQUIRE(people_return(&place.host));
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer three");
    CHECK(last_redeemed(&place, "fresh-1"));
    sends_end(&place);
}

TEST(killed_before_the_response_came_a_refresh_token_is_never_sent_again)
{
    struct place place;
    struct sent sent;
    unsigned requests;

    REQUIRE(begin(&place, PEOPLE_PLAIN));
    requests = fault_server_requests(place.server);
    kill_now(renewing(&place, requests + 1));
    fault_server_release(place.server);
    REQUIRE(people_return(&place.host));
    sent = sends(&place.host);
    CHECK_STR(paa_str_of(sent.reason), "login-ended");
    CHECK_HAS(sent.sentence, "may be spent");
    CHECK_HAS(sent.sentence, "paactl run -c FILE mine login");
    CHECK_STR(paa_str_of(sends(&place.host).reason), "no-login");
    CHECK_INT(fault_server_requests(place.server), requests + 1);
    REQUIRE(people_log_in(&place, &first, NULL));
    CHECK_STR(paa_str_of(sends(&place.host).authorization), "Bearer one");
    sends_end(&place);
}

/* Whenever it is killed, before or after what came is on disk: it was sent once. */
TEST(killed_at_any_moment_afterwards_it_costs_one_login_at_most)
{
    struct place place;
    struct sent sent;
    unsigned requests;
    int renewed = 0;

    for (int i = 0; i < KILLED_LATE; i++) {
        pid_t child;

        REQUIRE(begin(&place, PEOPLE_PLAIN));
        requests = fault_server_requests(place.server);
        child = renewing(&place, requests + 1);
        fault_server_release(place.server);
        for (int k = 0; k < 1 << i; k++)
            sched_yield();
        kill_now(child);
        REQUIRE(people_return(&place.host));
        sent = sends(&place.host);
        renewed += sent.code == 200;
        if (sent.code == 200)
            CHECK_STR(paa_str_of(sent.authorization), "Bearer two");
        else
            CHECK_STR(paa_str_of(sent.reason), "login-ended");
        CHECK_INT(fault_server_requests(place.server), requests + 1);
        sends_end(&place);
    }
    printf("%d of %d processes had saved what came when they were killed\n", renewed, KILLED_LATE);
}

/* SPDX-License-Identifier: MIT */
/* A policy that changes under running requests: whole or not at all, with nobody lost on the way. */
#include "host_keys.h"
#include "test.h"

#include <sched.h>

enum { THREADS = 8, REQUESTS = 150, RELOADS = 12, KEYS = 6 };

/* Both steps of one policy name the same number: a request that saw half of each would tell. */
#define NUMBERED(n)                                                                                \
    "stores = { keys = \"keys.db\"; };\n" POLICY(                                                  \
        "keys = { plugin = \"apikey\"; header = \"X-Api-Key\"; store = \"keys\"; };\n" SCRIPT(     \
            "a", "verify = \"script:X-Wait header:X-First=" n " accept\";")                        \
            SCRIPT("b", "verify = \"header:X-Second=" n " accept\";"),                             \
        API("rules = (\n"                                                                          \
            "{ path = \"/n\"; identity = [ \"a\", \"b\" ];\n"                                      \
            "  chain = ( { required = \"a\" }, { required = \"b\" } ); },\n"                       \
            "{ path = \"/k\"; identity = [ \"keys\", \"a\" ];\n"                                   \
            "  chain = ( { required = \"keys\" }, { required = \"a\" } ); } );"))

static const char one[] = NUMBERED("1");
static const char two[] = NUMBERED("2");

static bool number_of(struct host *host, const char *line, struct paa_str *ret_number,
                      unsigned *ret_code)
{
    static _Thread_local char text[8];
    enum paa_state state;
    struct paa_txn *txn = txn_of(host, &state, "GET", "/n", line, NULL);
    struct paa_str first = edit_value(txn, PAA_MESSAGE_REQUEST, "X-First");
    struct paa_str second = edit_value(txn, PAA_MESSAGE_REQUEST, "X-Second");
    bool is_whole = first.size == 1 && second.size == 1 && first.data[0] == second.data[0];

    (void)snprintf(text, sizeof text, "%.*s", (int)first.size,
                   first.data != NULL ? first.data : "");
    *ret_number = paa_str_of(text);
    *ret_code = txn_code(state, txn);
    paa_txn_end(&txn);
    return is_whole;
}

static bool is_number(struct host *host, const char *number)
{
    struct paa_str got;
    unsigned code;

    return number_of(host, NULL, &got, &code) && code == 200 && paa_str_eq(got, number);
}

TEST(a_reload_takes_for_the_next_request_and_running_ones_keep_theirs)
{
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, one));
    atomic_store(&host.is_live, true);
    CHECK_INT(paa_context_generation(host.context), 1);
    ask_for(&ask, "GET", "/n", "X-Wait: after:1*3 header:X-First=1 accept", NULL);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.api, &ask.request), PAA_TXN_PENDING);
    REQUIRE(host_write(&host, two));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    CHECK_INT(paa_context_generation(host.context), 2);
    CHECK(is_number(&host, "2"));
    CHECK_INT(paa_txn_wait(txn, -1), PAA_TXN_ALLOW);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Second"), "1");
    CHECK_HAS(paa_txn_rule(txn)->file.data, "paa.conf");
    paa_txn_end(&txn);
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(a_broken_file_leaves_the_old_policy_serving_and_says_why_with_file_and_line)
{
    static const char *const broken[] = {
        "instances = {\n a = { plugin = \"apikey\"; headr = \"X\"; };\n};\nservices = { };\n",
        "instances = {\n",
        "instances = { };\nservices = {\n api = { direction = \"sideways\"; }; };\n",
    };
    struct host host;

    REQUIRE(host_open(&host, one));
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        REQUIRE(host_write(&host, broken[i]));
        memset(&host.error, 0, sizeof host.error);
        CHECK_INT(paa_context_reload(host.context, 60000, &host.error), -1);
        CHECK_HAS(host.error.text, "paa.conf:");
        CHECK_INT(paa_context_generation(host.context), 1);
        CHECK(is_number(&host, "1"));
    }
    CHECK(unlink(host.policy) == 0);
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), -1);
    CHECK_HAS(host.error.text, "paa.conf");
    CHECK(is_number(&host, "1"));
    REQUIRE(host_write(&host, two));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    CHECK_INT(paa_context_generation(host.context), 2);
    CHECK(is_number(&host, "2"));
    CHECK_HAS(host.log, "not reloaded, the old policy serves on: ");
    host_close(&host);
}

/* The watcher looks once a second, of the host's time. */
static void let_time_pass(struct host *host)
{
    host_pass(host, 1);
    (void)sched_yield();
}

/* Until somebody reloaded without being asked. */
static void await_generation(struct host *host, uint64_t number)
{
    while (paa_context_generation(host->context) < number)
        let_time_pass(host);
}

static bool log_has(struct host *host, const char *text)
{
    bool is_there;

    pthread_mutex_lock(&host->lock);
    is_there = strstr(host->log, text) != NULL;
    pthread_mutex_unlock(&host->lock);
    return is_there;
}

static void watches(bool is_folder)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, one));
    host_options(&host, &options);
    options.flags |= PAA_OPEN_WATCH;
    options.policy = is_folder ? host.folder : host.policy;
    atomic_store(&host.is_live, true);
    REQUIRE(host_open_with(&host, &options));
    CHECK(is_number(&host, "1"));
    REQUIRE(host_write(&host, two));
    await_generation(&host, 2);
    CHECK(is_number(&host, "2"));
    REQUIRE(host_write(&host, "instances = {\n"));
    while (!log_has(&host, "not reloaded, the old policy serves on: "))
        let_time_pass(&host);
    CHECK(is_number(&host, "2"));
    host_close(&host);
}

TEST(a_policy_that_is_watched_is_loaded_when_its_file_changes)
{
    watches(false);
}

TEST(a_folder_of_policies_that_is_watched_is_loaded_when_one_changes)
{
    watches(true);
}

TEST(a_service_that_vanished_is_denied_and_served_again_when_it_is_back)
{
    static const char other[] =
        POLICY(SCRIPT("a", ""),
               "other = { direction = \"incoming\"; chain = ( { required = \"a\" } ); };\n");
    static const char turned[] =
        POLICY(SCRIPT("a", ""),
               "api = { direction = \"outgoing\"; origins = [ \"https://api.example.com\" ];\n"
               "  chain = ( { required = \"a\" } ); };\n");
    const char *const gone[] = { other, turned };
    struct host host;

    REQUIRE(host_open(&host, one));
    CHECK(is_number(&host, "1"));
    for (size_t i = 0; i < 2; i++) {
        REQUIRE(host_write(&host, gone[i]));
        CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
        CHECK_INT(code_of(&host, "GET", "/n", NULL), 500);
        CHECK(paa_service_find(host.context, "api", PAA_INCOMING, &host.error) == NULL);
        REQUIRE(host_write(&host, one));
        CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
        CHECK(is_number(&host, "1"));
    }
    CHECK(paa_service_find(host.context, "api", PAA_INCOMING, &host.error) == host.api);
    host_close(&host);
}

TEST(old_instances_are_destroyed_once_no_lane_holds_them)
{
    struct paa_lane *idle = NULL;
    struct host host;

    REQUIRE(host_open(&host, one));
    CHECK(is_number(&host, "1"));
    for (int i = 0; i < 5; i++) {
        CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
        CHECK(is_number(&host, "1"));
    }
    REQUIRE(paa_lane_open(&idle, host.context, NULL) == 0);
    paa_lane_close(&idle);
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->created), atomic_load(&host_counts()->destroyed));
    CHECK_INT(atomic_load(&host_counts()->lane_init), atomic_load(&host_counts()->lane_done));
}

TEST(a_stopped_context_is_not_reloaded)
{
    struct host host;

    REQUIRE(host_open(&host, one));
    paa_context_stop(host.context);
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), -1);
    CHECK_INT(paa_context_reload(NULL, 60000, &host.error), -1);
    host_close(&host);
}

TEST(a_context_without_a_lane_reloads_in_the_callers_thread)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, one));
    host_options(&host, &options);
    REQUIRE(host_open_context(&host, &options));
    REQUIRE(host_write(&host, two));
    CHECK_INT(paa_context_reload(host.context, 0, &host.error), 1);
    REQUIRE(paa_lane_open(&host.lane, host.context, NULL) == 0);
    CHECK(is_number(&host, "2"));
    host_close(&host);
}

static void *reload_three_times(void *arg)
{
    struct host *host = arg;
    bool is_done = true;

    for (int i = 0; i < 3; i++)
        is_done = paa_context_reload(host->context, 60000, NULL) == 1 && is_done;
    return is_done ? arg : NULL;
}

TEST(several_threads_may_ask_for_a_reload_at_once)
{
    pthread_t threads[4];
    void *done = NULL;
    struct host host;

    REQUIRE(host_open(&host, one));
    for (int i = 0; i < 4; i++)
        REQUIRE(pthread_create(&threads[i], NULL, reload_three_times, &host) == 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &done);
        CHECK(done == &host);
    }
    CHECK(paa_context_generation(host.context) >= 4);
    CHECK(paa_context_generation(host.context) <= 13);
    CHECK(is_number(&host, "1"));
    host_close(&host);
}

/* ---- under load -------------------------------------------------------------------------------- */

struct client {
    struct host host;
    const char *key;
    pthread_t thread;
    unsigned torn, lost, keyless;
};

static void *ask_on(void *arg)
{
    static const char *const lines[] = { NULL, "X-Other: 1", "X-Ignored: 2" };
    struct client *client = arg;
    struct paa_str number;
    unsigned code;

    if (paa_lane_open(&client->host.lane, client->host.context, NULL) != 0) {
        client->lost = REQUESTS;
        return NULL;
    }
    for (int i = 0; i < REQUESTS; i++) {
        if (!number_of(&client->host, lines[i % 3], &number, &code))
            client->torn++;
        if (code != 200)
            client->lost++;
        if (code_of(&client->host, "GET", "/k", client->key, NULL) != 200)
            client->keyless++;
    }
    paa_lane_close(&client->host.lane);
    return NULL;
}

static void *reload_on(void *arg)
{
    struct client *client = arg;
    struct host *host = &client->host;

    for (int i = 0; i < RELOADS; i++)
        if (!host_write(host, i % 3 == 2   ? "instances = {\n"
                              : i % 2 == 0 ? two
                                           : one) ||
            (paa_context_reload(host->context, 60000, NULL) == 1) != (i % 3 != 2))
            client->lost++;
    return NULL;
}

/* What is minted works at once, what is revoked no longer. */
static void *revoke_on(void *arg)
{
    struct client *client = arg;
    struct host_key key;

    if (paa_lane_open(&client->host.lane, client->host.context, NULL) != 0)
        return NULL;
    for (int i = 0; i < KEYS; i++) {
        if (!host_mint(&client->host, "short", &key) ||
            code_of(&client->host, "GET", "/k", key.line, NULL) != 200)
            client->lost++;
        else if (!host_revoke(&client->host, &key) ||
                 code_of(&client->host, "GET", "/k", key.line, NULL) != 401)
            client->keyless++;
    }
    paa_lane_close(&client->host.lane);
    return NULL;
}

static void check_client(struct client *client)
{
    pthread_join(client->thread, NULL);
    CHECK_INT(client->torn, 0);
    CHECK_INT(client->lost, 0);
    CHECK_INT(client->keyless, 0);
}

TEST(under_load_no_request_sees_half_a_policy_and_none_is_lost)
{
    static struct client clients[THREADS], reloader, revoker;
    static struct host_key key;
    struct host host;

    REQUIRE(host_open(&host, one));
    atomic_store(&host.is_live, true);
    REQUIRE(host_mint(&host, "lasting", &key));
    CHECK_INT(code_of(&host, "GET", "/k", key.line, NULL), 200);
    for (int i = 0; i < THREADS; i++) {
        host_share(&host, &clients[i].host);
        clients[i].key = key.line;
        REQUIRE(pthread_create(&clients[i].thread, NULL, ask_on, &clients[i]) == 0);
    }
    host_share(&host, &reloader.host);
    memcpy(reloader.host.policy, host.policy, sizeof host.policy);
    REQUIRE(pthread_create(&reloader.thread, NULL, reload_on, &reloader) == 0);
    host_share(&host, &revoker.host);
    REQUIRE(pthread_create(&revoker.thread, NULL, revoke_on, &revoker) == 0);
    for (int i = 0; i < THREADS; i++)
        check_client(&clients[i]);
    check_client(&reloader);
    check_client(&revoker);
    CHECK_INT(paa_context_generation(host.context), 1 + RELOADS - RELOADS / 3);
    host_close(&host);
    CHECK_INT(atomic_load(&host_counts()->created), atomic_load(&host_counts()->destroyed));
    CHECK_INT(host_broken_promises(), 0);
}

TEST(a_service_that_needs_what_the_host_cannot_do_is_not_found_nor_reloaded_to)
{
    static const char plain[] =
        POLICY(SCRIPT("a", ""),
               API("chain = ( { required = \"a\" } );") "told = { direction = \"incoming\"; "
                                                        "upstream = { subject = \"X-Who\"; };\n"
                                                        "  chain = ( { required = \"a\" } ); };\n");
    static const char more[] =
        POLICY(SCRIPT("a", ""),
               API("upstream = { subject = \"X-Who\"; }; chain = ( { required = \"a\" } );"));
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, plain));
    host_options(&host, &options);
    options.can = PAA_CAN_BROWSER; /* the scripted plugin may log in */
    REQUIRE(host_open_with(&host, &options));
    CHECK(host.api != NULL);
    CHECK(paa_service_find(host.context, "told", PAA_INCOMING, &host.error) == NULL);
    CHECK_HAS(host.error.text, "paa.conf:");
    CHECK_HAS(host.error.text, "PAA_CAN_UPSTREAM");
    REQUIRE(host_write(&host, more));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), -1);
    CHECK_HAS(host.error.text, "PAA_CAN_UPSTREAM");
    CHECK_INT(paa_context_generation(host.context), 1);
    host_close(&host);
}

/* SPDX-License-Identifier: MIT */
/*
 * Many show tokens of an issuer whose keys nobody has fetched yet: threads of one process, and of several that share a
 * store or nothing. The issuer withholds its keys until all wait for them.
 */
#include "fork.h"
#include "test.h"
#include "tokens_issuer.h"

#include <pthread.h>
#include <sys/wait.h>

enum { CROWD = 64, PROCESSES = 4, DOCUMENTS = 2 }; /* the issuer's metadata, its keys */

#define STORE "stores = { state = \"state.db\"; };\n"

static char authorization[TOKEN_FIELD_MAX + 32];
static int asked[2]; /* a byte for each thread that waits */

struct asker {
    struct host host; /* the crowd's context, a lane of its own */
    pthread_t thread;
    bool is_let_in;
};

/* ---- in one process ------------------------------------------------------------------------------ */

static void *show_token(void *arg)
{
    struct asker *asker = arg;
    struct paa_error error;
    struct paa_txn *txn;
    struct ask ask;
    enum paa_state state;

    if (paa_lane_open(&asker->host.lane, asker->host.context, &error) != 0)
        abort();
    ask_for(&ask, "GET", "/orders", authorization, NULL);
    state = paa_txn_begin(&txn, asker->host.lane, asker->host.api, &ask.request);
    if (write(asked[1], "x", 1) != 1)
        abort();
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    asker->is_let_in = state == PAA_TXN_ALLOW;
    paa_txn_end(&txn);
    paa_lane_close(&asker->host.lane);
    return NULL;
}

/* How many were turned away. */
static int show_tokens(struct host *host)
{
    static struct asker crowd[CROWD];
    int refused = 0;

    for (int i = 0; i < CROWD; i++) {
        host_share(host, &crowd[i].host);
        if (pthread_create(&crowd[i].thread, NULL, show_token, &crowd[i]) != 0)
            abort();
    }
    for (int i = 0; i < CROWD; i++) {
        (void)pthread_join(crowd[i].thread, NULL);
        refused += !crowd[i].is_let_in;
    }
    return refused;
}

/* ---- in all of them ------------------------------------------------------------------------------ */

/* Each opens the policy by itself: nothing but the store is shared. */
static pid_t begin(struct host *host)
{
    struct paa_context_options options;
    pid_t child;

    (void)fflush(NULL);
    child = calm_fork();
    if (child != 0)
        return child;
    host_options(host, &options);
    host->is_live = true;
    _exit(host_open_context(host, &options) ? show_tokens(host) : CROWD);
}

static int refused_in(pid_t child)
{
    int status;

    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : CROWD;
}

static void check_crowd(int processes, const char *stores, unsigned expected)
{
    char token[SIGNER_TOKEN_MAX], policy[4096], byte;
    pid_t children[PROCESSES];
    struct issuer issuer;
    struct host host;

    issuer_start(&issuer);
    answer(&issuer, "/jwks", tokens_set(""), 200, FAULT_HOLD);
    token_of(&issuer, "p256", ALG_ES256, token);
    (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", token);
    (void)snprintf(policy, sizeof policy, "%s", stores);
    issuer_policy(&issuer, "", policy + strlen(stores), sizeof policy - strlen(stores));
    REQUIRE(pipe(asked) == 0 && host_init(&host) && host_write(&host, policy));
    for (int i = 0; i < processes; i++)
        children[i] = begin(&host);
    for (int i = 0; i < processes * CROWD; i++)
        if (read(asked[0], &byte, 1) != 1)
            abort();
    fault_server_await(issuer.server, expected);
    fault_server_release(issuer.server);
    for (int i = 0; i < processes; i++)
        CHECK_INT(refused_in(children[i]), 0);
    CHECK_INT(fault_server_requests(issuer.server), expected);
    host_clear_folder(&host);
    fault_server_stop(issuer.server);
    (void)close(asked[0]);
    (void)close(asked[1]);
}

TEST(sixty_four_threads_before_an_issuers_keys_are_known_cost_one_fetch_of_them)
{
    check_crowd(1, "", DOCUMENTS);
}

TEST(four_processes_that_share_a_store_cost_one_fetch_together)
{
    check_crowd(PROCESSES, STORE, DOCUMENTS);
}

TEST(four_processes_without_a_store_cost_one_fetch_each)
{
    check_crowd(PROCESSES, "", PROCESSES * DOCUMENTS);
}

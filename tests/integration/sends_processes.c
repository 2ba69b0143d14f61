/* SPDX-License-Identifier: MIT */
/* Many ask at once in several processes, which share a store or nothing. */
#include "fork.h"
#include "sends_crowd.h"
#include "test.h"

enum { PROCESSES = 4 };

#define STORE "stores = { state = \"state.db\"; };\n"

struct trial {
    const char *stores;
    bool half_give_up; /* in each process */
    bool
        one_is_asleep; /* the first to ask never looks at what came of it while the others are served */
};

static int asked[2]; /* a byte for each process that has asked */
static int wake[2];  /* its end wakes the one that is asleep */

/* ---- in a process of its own --------------------------------------------------------------------- */

/* Each opens the policy by itself: nothing but the store is shared. */
static bool open_in_process(struct host *host)
{
    struct paa_context_options options;

    (void)close(wake[1]);
    host_options(host, &options);
    host->is_live = true;
    return host_open_context(host, &options);
}

/* These return how many were not answered rightly. */
static int ask_in_process(struct host *host, bool half_give_up)
{
    if (!open_in_process(host))
        return CROWD;
    crowd_begin(host, half_give_up);
    if (write(asked[1], "x", 1) != 1)
        return CROWD;
    return CROWD - crowd_end();
}

static int sleep_in_process(struct host *host)
{
    struct paa_error error;
    struct paa_txn *txn;
    struct ask ask;
    enum paa_state state;
    char byte;

    if (!open_in_process(host) || paa_lane_open(&host->lane, host->context, &error) != 0)
        return 1;
    sends_ask(&ask);
    state = paa_txn_begin(&txn, host->lane, host->out, &ask.request);
    if (state != PAA_TXN_PENDING || read(wake[0], &byte, 1) != 0)
        return 1;
    state = paa_txn_wait(txn, -1);
    paa_txn_end(&txn);
    return state == PAA_TXN_ALLOW ? 0 : 1;
}

/* ---- all of them --------------------------------------------------------------------------------- */

static pid_t begin(struct place *place, const struct trial *trial, bool is_asleep)
{
    pid_t child;

    (void)fflush(NULL);
    child = calm_fork();
    if (child == 0)
        _exit(is_asleep ? sleep_in_process(&place->host)
                        : ask_in_process(&place->host, trial->half_give_up));
    return child;
}

static int wrong_of(pid_t child)
{
    int status;

    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : CROWD;
}

/* The server answers when all have asked, and those who give up have gone. */
static int ask_in_processes(struct place *place, const struct trial *trial)
{
    pid_t children[PROCESSES];
    int first = trial->one_is_asleep ? 1 : 0, wrong = 0;
    char byte;

    if (trial->one_is_asleep) {
        children[0] = begin(place, trial, true);
        fault_server_await(place->server, 1);
    }
    for (int i = first; i < PROCESSES; i++)
        children[i] = begin(place, trial, false);
    for (int i = first; i < PROCESSES; i++)
        if (read(asked[0], &byte, 1) != 1)
            abort();
    fault_server_await(place->server, trial->stores[0] != '\0' ? 1 : PROCESSES);
    fault_server_release(place->server);
    for (int i = first; i < PROCESSES; i++)
        wrong += wrong_of(children[i]);
    (void)close(wake[1]);
    return trial->one_is_asleep ? wrong + wrong_of(children[0]) : wrong;
}

static void check_trial(const char *name, const struct trial *trial, unsigned expected)
{
    struct place place;
    unsigned fetches;

    memset(&place, 0, sizeof place);
    if (pipe(asked) != 0 || pipe(wake) != 0)
        abort();
    place.server = fault_server_start(FAULT_TLS_GOOD);
    fault_server_answer(place.server, "/token", &held);
    REQUIRE(host_init(&place.host));
    sends_secret(&place, "hush");
    REQUIRE(sends_write(&place, SENDS_PLAIN, trial->stores));
    CHECK_INT(ask_in_processes(&place, trial), 0);
    fetches = fault_server_requests(place.server);
    printf("fetches: %u for %d threads in %d processes%s\n", fetches, PROCESSES * CROWD, PROCESSES,
           name);
    CHECK_INT(fetches, expected);
    host_clear_folder(&place.host);
    fault_server_stop(place.server);
    (void)close(asked[0]);
    (void)close(asked[1]);
    (void)close(wake[0]);
}

TEST(four_processes_that_keep_it_in_a_store_cost_one_fetch_together)
{
    check_trial(" with a store", &(struct trial){ STORE, false, false }, 1);
}

TEST(four_processes_without_a_store_cost_one_fetch_each)
{
    check_trial("", &(struct trial){ "", false, false }, PROCESSES);
}

TEST(half_of_those_who_wait_in_four_processes_go_away_and_nothing_else_changes)
{
    check_trial(" with a store, half of which go away", &(struct trial){ STORE, true, false }, 1);
    check_trial(" of which half go away", &(struct trial){ "", true, false }, PROCESSES);
}

TEST(a_process_that_asked_and_never_looks_holds_nobody_up)
{
    check_trial(" with a store, one of which sleeps", &(struct trial){ STORE, false, true }, 1);
    check_trial(" of which one sleeps", &(struct trial){ "", false, true }, PROCESSES);
}

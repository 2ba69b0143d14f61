/* SPDX-License-Identifier: MIT */
/* Many ask at once in several processes, which share a store or nothing. */
#include "fork.h"
#include "sends_crowd.h"
#include "test.h"

enum { PROCESSES = 4 };

static int in_process(struct host *host)
{
    struct paa_context_options options;

    host_options(host, &options);
    host->is_live = true;
    if (!host_open_context(host, &options))
        return CROWD;
    return CROWD - crowd(host, NULL, false);
}

/* Each opens the policy by itself: nothing but the store is shared. */
static void ask_in_processes(struct place *place, const char *stores, int *ret_wrong)
{
    pid_t children[PROCESSES];
    int status;

    *ret_wrong = 0;
    (void)fflush(NULL);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = calm_fork();
        if (children[i] == 0)
            _exit(in_process(&place->host));
    }
    fault_server_await(place->server, stores[0] != '\0' ? 1 : PROCESSES);
    fault_server_release(place->server);
    for (int i = 0; i < PROCESSES; i++) {
        if (waitpid(children[i], &status, 0) != children[i] || !WIFEXITED(status))
            *ret_wrong += CROWD;
        else
            *ret_wrong += WEXITSTATUS(status);
    }
}

static unsigned fetches_of_processes(const char *stores, int *ret_wrong)
{
    struct place place;
    unsigned fetches = 0;

    memset(&place, 0, sizeof place);
    place.server = fault_server_start(FAULT_TLS_GOOD);
    fault_server_answer(place.server, "/token", &held);
    if (host_init(&place.host)) {
        sends_secret(&place, "hush");
        if (sends_write(&place, SENDS_PLAIN, stores))
            ask_in_processes(&place, stores, ret_wrong);
        fetches = fault_server_requests(place.server);
        host_clear_folder(&place.host);
    }
    fault_server_stop(place.server);
    return fetches;
}

TEST(four_processes_that_keep_it_in_a_store_cost_one_fetch_together)
{
    int wrong = -1;
    unsigned fetches = fetches_of_processes("stores = { state = \"state.db\"; };\n", &wrong);

    printf("%u fetch for %d threads in %d processes with a store\n", fetches, PROCESSES * CROWD,
           PROCESSES);
    CHECK_INT(fetches, 1);
    CHECK_INT(wrong, 0);
}

TEST(four_processes_without_a_store_cost_one_fetch_each)
{
    int wrong = -1;

    CHECK_INT(fetches_of_processes("", &wrong), PROCESSES);
    CHECK_INT(wrong, 0);
}

/* SPDX-License-Identifier: MIT */
/* Processes: a context opened before a fork, lanes on both sides of it, closing in either order. In engine_fork_late.c
 * the parent has a lane already. */
#include "fork.h"
#include "forking.h"
#include "test.h"

static int close_only(struct host *host)
{
    paa_context_close(&host->context);
    return host->context != NULL;
}

TEST(a_context_opened_before_the_fork_serves_parent_and_children)
{
    struct host host;

    REQUIRE(open_before_fork(&host));
    CHECK_INT(in_child(serve_and_close, &host), 0);
    CHECK_INT(in_child(close_only, &host), 0);
    REQUIRE(paa_lane_open(&host.lane, host.context, NULL) == 0);
    CHECK_INT(code_of(&host, "GET", "/x", WAITS, NULL), 200);
    CHECK_INT(in_child(close_only, &host), 0);
    CHECK_INT(code_of(&host, "GET", "/x", WAITS, NULL), 200);
    host_close(&host);
}

TEST(children_serve_after_the_parent_closed_its_context)
{
    int ready[2], status = -1;
    struct host host;
    char byte = 0;
    pid_t child;

    REQUIRE(open_before_fork(&host));
    REQUIRE(pipe(ready) == 0);
    child = calm_fork();
    if (child == 0) {
        close(ready[1]);
        _exit(read(ready[0], &byte, 1) != 0 || serve_and_close(&host) != 0);
    }
    close(ready[0]);
    paa_context_close(&host.context);
    close(ready[1]);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    host_close(&host);
}

static double allowed;

static void note_allowed(const struct paa_sample *sample, void *user)
{
    (void)user;
    if (strcmp(sample->name, "paa_decisions_total") == 0 && strcmp(sample->result, "allow") == 0)
        allowed = sample->value;
}

TEST(processes_that_share_their_counters_count_into_one_block)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, forking_policy));
    atomic_store(&host.is_live, true);
    host_options(&host, &options);
    options.flags |= PAA_OPEN_SHARED_COUNTERS;
    REQUIRE(host_open_context(&host, &options));
    CHECK_INT(in_child(serve_and_close, &host), 0);
    CHECK_INT(in_child(serve_and_close, &host), 0);
    REQUIRE(paa_lane_open(&host.lane, host.context, NULL) == 0);
    CHECK_INT(code_of(&host, "GET", "/x", NULL), 200);
    paa_context_counters(host.context, note_allowed, NULL);
    CHECK_INT(allowed, 5);
    host_close(&host);
}

/* SPDX-License-Identifier: MIT */
/* Services of a process: begun once, begun anew in a child, left behind by exit() without harm. */
#include "fork.h"
#include "memo_asker.h"
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

static int status_of(pid_t child)
{
    int status = -1;

    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status)
               ? WEXITSTATUS(status)
               : -1;
}

static void work(const void *self, void *lane, void *context)
{
    (void)self;
    (void)lane;
    (void)context;
    pass_gate();
}

static enum paa_result on_worked(struct paa_op *op, enum paa_status status, void *context)
{
    (void)op;
    (void)context;
    return status == PAA_STATUS_OK ? PAA_ACCEPT : PAA_FAULT;
}

TEST(starting_twice_starts_once)
{
    struct paa_error error;
    struct reactor *reactor;
    struct bench b;

    bench_open(&b);
    reactor = b.services.reactor;
    CHECK_INT(services_start(&b.services, &error), 0);
    CHECK(b.services.reactor == reactor);
    bench_close(&b);
}

#if !defined(__SANITIZE_THREAD__) /* TSan knows no threads that a child of threads begins */
static int child_of_started(struct bench *b, struct paa_memo *memo)
{
    struct paa_error error;
    struct asker a;
    bool is_good;

    play_init();
    if (services_start(&b->services, &error) != 0)
        return 2;
    asker_open(&a, b, &b->instance, OP_VERIFY);
    is_good = get(&a, memo, "a") == PAA_STATUS_OK && strcmp(a.object, "made 1") == 0;
    asker_close(&a);
    bench_close(b);
    return is_good && play.released == 1 && play.decoded == 1 ? 0 : 3;
}

TEST(a_child_of_a_started_process_starts_its_own_and_leaves_the_parents_objects)
{
    struct paa_memo_def def = def_decoded("tokens");
    struct paa_memo *memo;
    struct bench b;
    struct asker a;
    pid_t child;

    bench_open(&b);
    memo = memo_in(&b, &b.instance, &def, NULL);
    asker_open(&a, &b, &b.instance, OP_VERIFY);
    close_gate();
    begin_get(&a, memo, "under way", 0);
    await_at_gate(1);
    child = calm_fork();
    if (child == 0)
        _exit(child_of_started(&b, memo));
    CHECK_INT(status_of(child), 0);
    open_gate();
    await_answer(&a);
    CHECK_INT(a.status, PAA_STATUS_OK);
    asker_close(&a);
    bench_close(&b);
}

#endif

TEST(a_child_that_started_nothing_may_close)
{
    struct bench b;
    pid_t child;

    bench_open(&b);
    child = calm_fork();
    if (child == 0) {
        services_stop(&b.services);
        services_free(&b.services);
        _exit(0);
    }
    CHECK_INT(status_of(child), 0);
    bench_close(&b);
}

static void leave_in_the_middle(bool is_blocking)
{
    struct bench *b = malloc(sizeof *b);
    struct asker *a = malloc(sizeof *a);

    bench_open(b);
    asker_open(a, b, &b->instance, OP_VERIFY);
    close_gate();
    returned(a, services_host_work.run(&a->op.pub, work,
                                       is_blocking ? (uint32_t)PAA_WORK_BLOCKS : 0, on_worked, a));
    await_at_gate(1);
    if (!is_blocking)
        open_gate();
    exit(7);
}

TEST(exit_without_close_does_no_harm)
{
    pid_t child = calm_fork();

    if (child == 0)
        leave_in_the_middle(false);
    CHECK_INT(status_of(child), 7);
}

TEST(exit_waits_a_bounded_time_for_what_computes)
{
    pid_t child = calm_fork();

    if (child == 0)
        leave_in_the_middle(true);
    CHECK_INT(status_of(child), 7);
}

/* SPDX-License-Identifier: MIT */
/* host->work, host->clock->after, and the calls that this version refuses: each by the ordinary wait. */
#include "memo_asker.h"
#include "test.h"
#include "work.h"

static _Atomic int worked;

struct job { /* a function's context */
    struct asker *asker;
    bool waits;
    void *lane;
};

static void work(const void *self, void *lane, void *context)
{
    struct job *job = context;

    (void)self;
    job->lane = lane;
    if (job->waits)
        pass_gate();
    atomic_fetch_add(&worked, 1);
}

static enum paa_result on_worked(struct paa_op *op, enum paa_status status, void *context)
{
    struct job *job = context;

    (void)op;
    job->asker->status = status;
    job->asker->calls++;
    return PAA_ACCEPT;
}

static void begin_work(struct asker *a, struct job *job, uint32_t flags)
{
    job->asker = a;
    returned(a, services_host_work.run(&a->op.pub, work, flags, on_worked, job));
}

static int lanes[64];

static void *lane_of(struct op_instance *instance, unsigned worker)
{
    (void)instance;
    return worker < 64 ? &lanes[worker] : NULL;
}

TEST(a_function_runs_on_a_worker_with_its_lane_memory)
{
    struct bench b;
    struct asker a;
    struct job job = { NULL, false, NULL };

    bench_open(&b);
    b.instance.lane = lane_of;
    asker_open(&a, &b, &b.instance, OP_VERIFY);
    begin_work(&a, &job, 0);
    await_answer(&a);
    CHECK_INT(a.result, PAA_ACCEPT);
    CHECK_INT(a.status, PAA_STATUS_OK);
    CHECK(job.lane >= (void *)&lanes[0] && job.lane < (void *)&lanes[WORK_THREADS]);
    begin_work(&a, &job, PAA_WORK_BLOCKS);
    await_answer(&a);
    CHECK(job.lane >= (void *)&lanes[WORK_THREADS]);
    asker_close(&a);
    bench_close(&b);
}

TEST(a_function_that_runs_cannot_be_called_off_and_one_that_waits_can)
{
    struct asker a[WORK_THREADS + 1];
    struct job jobs[WORK_THREADS + 1];
    struct bench b;

    bench_open(&b);
    atomic_store(&worked, 0);
    close_gate();
    for (int i = 0; i <= WORK_THREADS; i++) {
        jobs[i] = (struct job){ NULL, true, NULL };
        asker_open(&a[i], &b, &b.instance, OP_VERIFY);
        begin_work(&a[i], &jobs[i], 0);
        if (i < WORK_THREADS)
            await_at_gate(i + 1);
    }
    CHECK(!a[0].op.wait.kind->cancel(&a[0].op));
    CHECK(a[WORK_THREADS].op.wait.kind->cancel(&a[WORK_THREADS].op));
    open_gate();
    for (int i = 0; i < WORK_THREADS; i++)
        await_answer(&a[i]);
    CHECK_INT(worked, WORK_THREADS);
    CHECK_INT(a[WORK_THREADS].calls, 0);
    CHECK_INT(b.services.jobs, 0);
    for (int i = 0; i <= WORK_THREADS; i++)
        asker_close(&a[i]);
    bench_close(&b);
}

static void fills_up(uint32_t flags, int threads)
{
    int many = WORK_QUEUE_MAX + threads + 1;
    struct asker *a = calloc((size_t)many, sizeof *a);
    struct job *jobs = calloc((size_t)many, sizeof *jobs);
    struct bench b;

    bench_open(&b);
    close_gate();
    for (int i = 0; i < many; i++) {
        jobs[i].waits = true;
        asker_open(&a[i], &b, &b.instance, OP_VERIFY);
        begin_work(&a[i], &jobs[i], flags);
        if (i < threads)
            await_at_gate(i + 1);
    }
    CHECK_INT(a[many - 1].result, PAA_ACCEPT);
    CHECK_INT(a[many - 1].status, PAA_STATUS_LIMITED);
    CHECK_INT(a[many - 2].result, PAA_PENDING);
    open_gate();
    for (int i = 0; i < many; i++) {
        await_answer(&a[i]);
        asker_close(&a[i]);
    }
    bench_close(&b);
    free(a);
    free(jobs);
}

TEST(a_full_queue_is_limited)
{
    fills_up(0, WORK_THREADS);
    fills_up(PAA_WORK_BLOCKS, WORK_BLOCKING_THREADS);
}

/* ---- after ---- */

static enum paa_result on_time(struct paa_op *op, enum paa_status status, void *context)
{
    struct asker *a = context;

    (void)op;
    a->status = status;
    a->calls++;
    return PAA_ACCEPT;
}

TEST(after_goes_on_when_the_time_has_come_and_not_before)
{
    struct bench b;
    struct asker a;

    bench_open(&b);
    asker_open(&a, &b, &b.instance, OP_VERIFY);
    returned(&a, services_host_clock.after(&a.op.pub, 500, on_time, &a));
    CHECK_INT(a.result, PAA_PENDING);
    pass_ms(&b, 499);
    CHECK(list_empty(&a.queue));
    pass_ms(&b, 1);
    await_answer(&a);
    CHECK_INT(a.status, PAA_STATUS_OK);
    returned(&a, services_host_clock.after(&a.op.pub, 0, on_time, &a));
    CHECK_INT(a.result, PAA_ACCEPT);
    CHECK_INT(a.calls, 2);
    asker_close(&a);
    bench_close(&b);
}

TEST(after_that_is_cancelled_never_comes)
{
    struct bench b;
    struct asker a;

    bench_open(&b);
    asker_open(&a, &b, &b.instance, OP_VERIFY);
    returned(&a, services_host_clock.after(&a.op.pub, 500, on_time, &a));
    CHECK(a.op.wait.kind->cancel(&a.op));
    a.op.wait.state = OP_WAIT_NONE;
    pass_ms(&b, 1000);
    CHECK(list_empty(&a.queue));
    returned(&a, services_host_clock.after(&a.op.pub, 500, on_time, &a));
    pass_ms(&b, 500);
    CHECK(!a.op.wait.kind->cancel(&a.op)); /* it was posted */
    await_answer(&a);
    asker_close(&a);
    bench_close(&b);
}

TEST(remaining_time_is_what_is_left_of_the_deadline)
{
    struct bench b;
    struct asker a;

    bench_open(&b);
    asker_open(&a, &b, &b.instance, OP_VERIFY);
    CHECK(services_host_clock.remaining_ms(&a.op.pub) == INT64_MAX);
    a.op.deadline_ms = 1000;
    pass_ms(&b, 400);
    CHECK_INT(services_host_clock.remaining_ms(&a.op.pub), 600);
    pass_ms(&b, 700);
    CHECK_INT(services_host_clock.remaining_ms(&a.op.pub), 0);
    CHECK_INT(services_host_clock.now_s(&a.op.pub), BEGAN_S + 1);
    CHECK_INT(services_host_clock.now_ms(&a.op.pub), 1100);
    asker_close(&a);
    bench_close(&b);
}

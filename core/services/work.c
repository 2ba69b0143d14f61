/* SPDX-License-Identifier: MIT */
/*
 * host->work: a slow function on a worker; the operation goes on when it has returned. Functions that wait for a worker
 * are bounded; what the core itself does there is not.
 */
#include "work.h"

#include "op.h"
#include "pool.h"
#include "services.h"

struct job { /* one run; in the operation's arena, which outlives whatever will be posted */
    struct task task;
    struct op *op;
    struct pool *pool;
    paa_work_fn fn;
    unsigned first_lane; /* blocking workers have lanes of their own behind the others' */
};

static enum paa_result resume_work(struct op *op)
{
    return op->wait.then.worked(&op->pub, op->wait.status, op->wait.context);
}

static void run_job(struct task *task, unsigned worker)
{
    struct job *job = LIST_ENTRY(task, struct job, task);
    struct op *op = job->op;
    struct services *services = op->services;
    void *lane = op->instance != NULL && op->instance->lane != NULL
                     ? op->instance->lane(op->instance, job->first_lane + worker)
                     : NULL;

    (void)atomic_fetch_sub(&services->jobs, 1);
    if (lane == NULL && op->instance != NULL && op->instance->lane != NULL) {
        op->wait.status = PAA_STATUS_UNAVAILABLE;
        op->wait.sentence = "the worker's lane memory could not be made";
    } else {
        job->fn(op->pub.self, lane, op->wait.context);
    }
    op_post(op);
}

/* Queued: it never runs. Running: it posts when it has returned. */
static bool cancel_work(struct op *op)
{
    struct job *job = op->wait.owner;

    if (job == NULL) /* refused */
        return true;
    if (!pool_remove(job->pool, &job->task))
        return false;
    (void)atomic_fetch_sub(&op->services->jobs, 1);
    return true;
}

static const struct op_wait_kind work_kind = { "work.run", resume_work, cancel_work };

static enum paa_result refuse(struct op *op, enum paa_status status, const char *sentence)
{
    op->wait.owner = NULL;
    op->wait.status = status;
    op->wait.sentence = sentence;
    op_wait_ready(op);
    return PAA_PENDING;
}

static enum paa_result host_run(struct paa_op *pub, paa_work_fn work, uint32_t flags,
                                paa_worked_fn then, void *context)
{
    struct op *op = op_of(pub);
    bool is_blocking = (flags & PAA_WORK_BLOCKS) != 0;
    struct pool *pool = is_blocking ? op->services->blocking : op->services->workers;
    struct job *job;

    if (!op_wait(op, &work_kind, context))
        return PAA_PENDING;
    op->wait.then.worked = then;
    op->wait.status = PAA_STATUS_OK;
    if ((flags & ~(uint32_t)PAA_WORK_BLOCKS) != 0 || work == NULL)
        return refuse(op, PAA_STATUS_INVALID, "work without a function, or with an unknown flag");
    if (pool == NULL || (job = arena_zalloc(op->arena, sizeof *job)) == NULL)
        return refuse(op, PAA_STATUS_UNAVAILABLE, "no worker runs");
    job->op = op;
    job->pool = pool;
    job->fn = work;
    job->task.fn = run_job;
    job->first_lane = is_blocking ? pool_threads(op->services->workers) : 0;
    op->wait.owner = job;
    if (atomic_fetch_add(&op->services->jobs, 1) >= WORK_QUEUE_MAX || !pool_add(pool, &job->task)) {
        (void)atomic_fetch_sub(&op->services->jobs, 1);
        return refuse(op, PAA_STATUS_LIMITED, "the queue for slow work is full");
    }
    return PAA_PENDING;
}

const struct paa_host_work services_host_work = {
    .struct_size = sizeof(struct paa_host_work),
    .run = host_run,
};

/* SPDX-License-Identifier: MIT */
/* Pools: order, bounds, taking back, stopping, and a home for operations. */
#include "test.h"

#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

struct gate { /* a task that stays until the test lets it go */
    struct task task;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_begun;
    bool may_end;
};

struct numbered {
    struct task task;
    int number;
};

static atomic_int ran;
static int order[64];
static atomic_int ops_gone_on;

static void on_gate(struct task *task, unsigned worker)
{
    struct gate *gate = (struct gate *)(void *)task;

    (void)worker;
    pthread_mutex_lock(&gate->lock);
    gate->has_begun = true;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->may_end)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_init(struct gate *gate)
{
    memset(gate, 0, sizeof *gate);
    gate->task.fn = on_gate;
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

static void gate_await(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    while (!gate->has_begun)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->may_end = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static void on_numbered(struct task *task, unsigned worker)
{
    (void)worker;
    order[atomic_fetch_add(&ran, 1)] = ((struct numbered *)(void *)task)->number;
}

static struct pool *begin(unsigned threads, size_t queue_max, struct gate *gate)
{
    struct pool *pool = pool_new("test", threads, queue_max);

    atomic_store(&ran, 0);
    atomic_store(&ops_gone_on, 0);
    gate_init(gate);
    if (pool == NULL || pool_start(pool) != 0 || !pool_add(pool, &gate->task))
        abort();
    gate_await(gate);
    return pool;
}

TEST(tasks_run_in_the_order_of_their_arrival)
{
    struct numbered tasks[20];
    struct gate gate;
    struct pool *pool = begin(1, 0, &gate);

    for (int i = 0; i < 20; i++) {
        tasks[i] = (struct numbered){ .task.fn = on_numbered, .number = i };
        CHECK(pool_add(pool, &tasks[i].task));
    }
    gate_open(&gate);
    pool_free(pool); /* runs what is queued */
    CHECK_INT(atomic_load(&ran), 20);
    for (int i = 0; i < 20; i++)
        CHECK_INT(order[i], i);
}

TEST(a_full_queue_refuses)
{
    struct numbered tasks[3];
    struct gate gate;
    struct pool *pool = begin(1, 2, &gate);

    for (int i = 0; i < 3; i++)
        tasks[i] = (struct numbered){ .task.fn = on_numbered, .number = i };
    CHECK(pool_add(pool, &tasks[0].task));
    CHECK(pool_add(pool, &tasks[1].task));
    CHECK(!pool_add(pool, &tasks[2].task));
    gate_open(&gate);
    pool_free(pool);
    CHECK_INT(atomic_load(&ran), 2);
}

TEST(a_task_that_has_not_begun_can_be_taken_back)
{
    struct numbered tasks[3];
    struct gate gate;
    struct pool *pool = begin(1, 3, &gate);

    for (int i = 0; i < 3; i++) {
        tasks[i] = (struct numbered){ .task.fn = on_numbered, .number = i };
        CHECK(pool_add(pool, &tasks[i].task));
    }
    CHECK(pool_remove(pool, &tasks[1].task));
    CHECK(!pool_remove(pool, &tasks[1].task));
    CHECK(!pool_remove(pool, &gate.task)); /* it runs */
    CHECK(pool_add(pool, &tasks[1].task)); /* there is room again, at the end */
    gate_open(&gate);
    pool_free(pool);
    CHECK_INT(atomic_load(&ran), 3);
    CHECK_INT(order[0], 0);
    CHECK_INT(order[1], 2);
    CHECK_INT(order[2], 1);
}

TEST(a_pool_that_was_not_started_takes_nothing)
{
    struct numbered task = { .task.fn = on_numbered };
    struct pool *pool = pool_new("idle", 1, 0);

    REQUIRE(pool != NULL);
    atomic_store(&ran, 0);
    CHECK(!pool_add(pool, &task.task));
    pool_free(pool);
    CHECK_INT(atomic_load(&ran), 0);
}

TEST(further_threads_come_when_tasks_wait)
{
    struct gate gates[4];
    struct pool *pool = begin(4, 0, &gates[0]);

    for (int i = 1; i < 4; i++) {
        gate_init(&gates[i]);
        CHECK(pool_add(pool, &gates[i].task));
    }
    /* every gate is closed: they begin only if each has a thread; two wait before one more comes */
    for (int i = 1; i < 3; i++)
        gate_await(&gates[i]);
    for (int i = 0; i < 4; i++)
        gate_open(&gates[i]);
    pool_free(pool);
    CHECK(gates[3].has_begun);
}

static sigset_t blocked;

static void look_at_signals(struct task *task, unsigned worker)
{
    (void)task;
    (void)worker;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
}

TEST(workers_block_every_signal)
{
    struct task task = { .fn = look_at_signals };
    struct gate gate;
    struct pool *pool = begin(1, 0, &gate);

    CHECK(pool_add(pool, &task));
    gate_open(&gate);
    pool_free(pool);
    CHECK_INT(sigismember(&blocked, SIGTERM), 1);
    CHECK_INT(sigismember(&blocked, SIGCHLD), 1);
    CHECK_INT(sigismember(&blocked, SIGUSR1), 1);
}

static void go_on(struct op *op, unsigned worker)
{
    (void)op;
    (void)worker;
    order[atomic_fetch_add(&ran, 1)] = -1;
    atomic_fetch_add(&ops_gone_on, 1);
}

TEST(posted_operations_go_on_before_tasks_begin)
{
    struct numbered task = { .task.fn = on_numbered, .number = 5 };
    struct gate gate;
    struct pool *pool = begin(1, 0, &gate);
    struct op_home *home = pool_home(pool, go_on);
    struct op op;

    memset(&op, 0, sizeof op);
    list_init(&op.ready);
    op.home = home;
    CHECK(pool_add(pool, &task.task));
    op_post(&op);
    gate_open(&gate);
    pool_free(pool);
    CHECK_INT(atomic_load(&ops_gone_on), 1);
    CHECK_INT(order[0], -1);
    CHECK_INT(order[1], 5);
}

/* ---- many threads --------------------------------------------------------------------------------- */

enum { ADDERS = 4, EACH = 500 };

static atomic_int counted;
static atomic_int taken_back;

struct adder {
    struct pool *pool;
    struct task tasks[EACH];
};

static void count(struct task *task, unsigned worker)
{
    (void)task;
    if (worker < 3)
        atomic_fetch_add(&counted, 1);
}

static void *add_all(void *arg)
{
    struct adder *adder = arg;

    for (int i = 0; i < EACH; i++) {
        adder->tasks[i].fn = count;
        if (!pool_add(adder->pool, &adder->tasks[i]))
            abort();
        if (i % 5 == 0 && pool_remove(adder->pool, &adder->tasks[i]))
            atomic_fetch_add(&taken_back, 1);
    }
    return NULL;
}

TEST(every_task_runs_once_or_is_taken_back_whoever_adds_it)
{
    static struct adder adders[ADDERS];
    pthread_t threads[ADDERS];
    struct pool *pool = pool_new("many", 3, 0);

    REQUIRE(pool != NULL && pool_start(pool) == 0);
    atomic_store(&counted, 0);
    atomic_store(&taken_back, 0);
    for (int i = 0; i < ADDERS; i++) {
        adders[i].pool = pool;
        pthread_create(&threads[i], NULL, add_all, &adders[i]);
    }
    for (int i = 0; i < ADDERS; i++)
        pthread_join(threads[i], NULL);
    pool_free(pool);
    CHECK_INT(atomic_load(&counted) + atomic_load(&taken_back), ADDERS * EACH);
}

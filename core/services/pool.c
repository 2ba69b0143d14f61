/* SPDX-License-Identifier: MIT */
/* Threads that take tasks, and posted operations first. Knows nothing of what these do. */
#include "pool.h"

#include "log.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POOL_THREADS_MAX = 32, POOL_HOMES_MAX = 4 };

struct pool_thread {
    struct pool *pool;
    pthread_t thread;
    unsigned number;
    bool is_joined;
};

struct pool_home {
    struct op_home home; /* first: ops post to it */
    struct pool *pool;
    void (*go_on)(struct op *op, unsigned worker);
};

struct pool {
    const char *name;
    struct pool_home homes[POOL_HOMES_MAX];
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct list tasks;
    struct list ops; /* posted */
    size_t waiting;  /* tasks */
    unsigned idle;   /* threads that wait for work */
    size_t posted;   /* ops */
    size_t queue_max;
    unsigned threads;
    unsigned started;
    bool may_start;
    bool is_stopping;
    bool is_halted; /* what waits is left alone */
    struct pool_thread thread[POOL_THREADS_MAX];
};

struct pool *pool_new(const char *name, unsigned threads, size_t queue_max)
{
    struct pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        return NULL;
    pool->name = name;
    pool->threads = threads < POOL_THREADS_MAX ? threads : (unsigned)POOL_THREADS_MAX;
    pool->queue_max = queue_max;
    list_init(&pool->tasks);
    list_init(&pool->ops);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    return pool;
}

unsigned pool_threads(const struct pool *pool)
{
    return pool->threads;
}

/* ---- the threads ------------------------------------------------------------------------------- */

static void go_on(struct op *op, unsigned worker)
{
    ((struct pool_home *)(void *)op->home)->go_on(op, worker);
}

/* One op or task; false: the pool stops and nothing is left. */
static bool run_one(struct pool *pool, unsigned worker)
{
    struct list *op, *link = NULL;
    struct task *task;

    pthread_mutex_lock(&pool->lock);
    while (list_empty(&pool->ops) && list_empty(&pool->tasks) && !pool->is_stopping) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    op = pool->is_halted ? NULL : list_take_first(&pool->ops);
    if (op != NULL)
        pool->posted--;
    else if (!pool->is_halted && (link = list_take_first(&pool->tasks)) != NULL)
        pool->waiting--;
    pthread_mutex_unlock(&pool->lock);
    if (op != NULL) {
        go_on(LIST_ENTRY(op, struct op, ready), worker);
    } else if (link != NULL) {
        task = LIST_ENTRY(link, struct task, link);
        task->fn(task, worker);
    }
    return op != NULL || link != NULL;
}

static void *run(void *arg)
{
    const struct pool_thread *self = arg;

    log_thread_is_core();
    while (run_one(self->pool, self->number))
        ;
    return NULL;
}

/* With the lock held. */
static void start_one(struct pool *pool)
{
    struct pool_thread *thread = &pool->thread[pool->started];
    sigset_t all, before;

    thread->pool = pool;
    thread->number = pool->started;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread->thread, NULL, run, thread) == 0)
        pool->started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int pool_start(struct pool *pool)
{
    int status;

    pthread_mutex_lock(&pool->lock);
    pool->may_start = true;
    if (pool->started == 0)
        start_one(pool);
    status = pool->started > 0 ? 0 : -1;
    pthread_mutex_unlock(&pool->lock);
    return status;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++)
        if (!pool->thread[i].is_joined)
            pthread_join(pool->thread[i].thread, NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void pool_halt(struct pool *pool, const struct timespec *until)
{
    pthread_mutex_lock(&pool->lock);
    pool->is_stopping = true;
    pool->is_halted = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->started; i++) {
        struct pool_thread *thread = &pool->thread[i];

        if (!thread->is_joined && !pthread_equal(thread->thread, pthread_self()))
            thread->is_joined = pthread_timedjoin_np(thread->thread, NULL, until) == 0;
    }
}

/* ---- tasks and operations ------------------------------------------------------------------------ */

/* With the lock held: a further thread where nobody is free to take what came. */
static void wake_locked(struct pool *pool, size_t waiting)
{
    if (pool->may_start && pool->started < pool->threads && waiting > pool->idle)
        start_one(pool);
    pthread_cond_signal(&pool->work);
}

bool pool_add(struct pool *pool, struct task *task)
{
    bool is_added;

    pthread_mutex_lock(&pool->lock);
    is_added = pool->may_start && !pool->is_stopping &&
               (pool->queue_max == 0 || pool->waiting < pool->queue_max);
    if (is_added) {
        list_add_last(&pool->tasks, &task->link);
        pool->waiting++;
        wake_locked(pool, pool->waiting + pool->posted);
    }
    pthread_mutex_unlock(&pool->lock);
    return is_added;
}

bool pool_remove(struct pool *pool, struct task *task)
{
    bool is_found;

    pthread_mutex_lock(&pool->lock);
    is_found = task->link.next != NULL && !list_empty(&task->link);
    if (is_found) {
        list_remove(&task->link);
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return is_found;
}

static void post(struct op_home *home, struct op *op)
{
    struct pool *pool = ((struct pool_home *)(void *)home)->pool;

    pthread_mutex_lock(&pool->lock);
    list_add_last(&pool->ops, &op->ready);
    pool->posted++;
    wake_locked(pool, pool->waiting + pool->posted);
    pthread_mutex_unlock(&pool->lock);
}

struct op_home *pool_home(struct pool *pool, void (*go_on_fn)(struct op *op, unsigned worker))
{
    struct pool_home *found = NULL;

    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < POOL_HOMES_MAX && found == NULL; i++)
        if (pool->homes[i].go_on == go_on_fn || pool->homes[i].go_on == NULL)
            found = &pool->homes[i];
    if (found != NULL) {
        found->home.post = post;
        found->pool = pool;
        found->go_on = go_on_fn;
    }
    pthread_mutex_unlock(&pool->lock);
    return found != NULL ? &found->home : NULL;
}

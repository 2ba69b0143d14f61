/* SPDX-License-Identifier: MIT */
/*
 * sources_watch_files: tells, on a worker and at most once a second, that one of the policy's own files changed.
 * Reads none of them.
 */
#include "source_inner.h"

#include <string.h>

static void run_files(struct task *task, unsigned worker)
{
    struct sources *sources = LIST_ENTRY(task, struct sources, files.task);
    struct file_watch *files = &sources->files;
    void (*fn)(void *arg);
    void *arg;

    (void)worker;
    pthread_mutex_lock(&sources->lock);
    files->is_queued = false;
    files->is_pending = false;
    files->is_running = true;
    files->runner = pthread_self();
    files->last_ms = clock_now_ms(&sources->services->clock);
    fn = files->fn;
    arg = files->arg;
    pthread_mutex_unlock(&sources->lock);
    watch_renew(sources->watcher, &files->watch);
    if (fn != NULL)
        fn(arg);
    pthread_mutex_lock(&sources->lock);
    files->is_running = false;
    pthread_cond_broadcast(&sources->idle);
    pthread_mutex_unlock(&sources->lock);
}

static void on_files_due(struct timer *timer)
{
    struct sources *sources = LIST_ENTRY(timer, struct sources, files.timer);
    struct file_watch *files = &sources->files;
    bool is_late = false;

    pthread_mutex_lock(&sources->lock);
    if (sources->is_started && !files->is_queued) {
        /* the run before may still be on: then later, and never two at once */
        files->is_queued = !files->is_running && pool_add(sources->services->workers, &files->task);
        is_late = !files->is_queued;
    }
    pthread_mutex_unlock(&sources->lock);
    if (is_late)
        (void)timer_set(sources->services->reactor, timer,
                        clock_now_ms(&sources->services->clock) + SOURCE_FILES_MS);
}

static void on_files_changed(struct watch *watch)
{
    struct sources *sources = LIST_ENTRY(watch, struct sources, files.watch);
    struct file_watch *files = &sources->files;
    int64_t now_ms = clock_now_ms(&sources->services->clock);
    int64_t due_ms = now_ms + SOURCE_SETTLE_MS;
    bool is_first;

    pthread_mutex_lock(&sources->lock);
    is_first = !files->is_pending;
    files->is_pending = true;
    if (files->last_ms != INT64_MIN && due_ms < files->last_ms + SOURCE_FILES_MS)
        due_ms = files->last_ms + SOURCE_FILES_MS;
    pthread_mutex_unlock(&sources->lock);
    if (is_first)
        (void)timer_set(sources->services->reactor, &files->timer, due_ms);
}

void source_files_settle(struct sources *sources)
{
    struct file_watch *files = &sources->files;
    struct services *services = sources->services;
    bool is_started;

    pthread_mutex_lock(&sources->lock);
    is_started = sources->is_started;
    pthread_mutex_unlock(&sources->lock);
    if (is_started)
        timer_clear(services->reactor, &files->timer);
    pthread_mutex_lock(&sources->lock);
    if (files->is_queued && pool_remove(services->workers, &files->task))
        files->is_queued = false;
    while ((files->is_queued || files->is_running) &&
           !(files->is_running && pthread_equal(files->runner, pthread_self())))
        pthread_cond_wait(&sources->idle, &sources->lock);
    files->is_pending = false;
    pthread_mutex_unlock(&sources->lock);
}

int sources_watch_files(struct sources *sources, const char *const *paths, size_t count,
                        void (*fn)(void *arg), void *arg)
{
    struct file_watch *files = &sources->files;

    if (paths == NULL) {
        watch_clear(sources->watcher, &files->watch);
        source_files_settle(sources);
    }
    pthread_mutex_lock(&sources->lock);
    files->fn = paths != NULL ? fn : NULL;
    files->arg = arg;
    pthread_mutex_unlock(&sources->lock);
    return paths != NULL ? watch_set(sources->watcher, &files->watch, paths, count) : 0;
}

void source_files_init(struct sources *sources)
{
    struct file_watch *files = &sources->files;

    files->watch.fn = on_files_changed;
    files->watch.suffix = ".conf"; /* beside them lie stores and logs, which change all the time */
    files->timer.fn = on_files_due;
    files->timer.place = 0;
    files->task.fn = run_files;
    files->last_ms = INT64_MIN;
    files->is_pending = false;
    files->is_queued = false;
    files->is_running = false;
}

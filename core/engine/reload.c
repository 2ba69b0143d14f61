/* SPDX-License-Identifier: MIT */
/* Whole generations take over from each other: published, reloaded on a worker, buried when nobody holds them. */
#include "decision.h"
#include "store.h"

#include <stdlib.h>
#include <time.h>

/* ---- generations that nobody holds --------------------------------------------------------------- */

void generation_drop(struct generation *generation)
{
    if (--generation->holders > 0)
        return;
    generation->next_dead = generation->context->dead;
    generation->context->dead = generation;
}

static void bury(struct task *task, unsigned worker)
{
    struct generation *generation = LIST_ENTRY(task, struct generation, burial);
    struct paa_context *context = generation->context;

    (void)worker;
    generation_free(generation);
    pthread_mutex_lock(&context->lock);
    context->burials--;
    pthread_cond_broadcast(&context->changed);
    pthread_mutex_unlock(&context->lock);
}

/* It may wait for what must end by itself, so it takes no worker from others. False: there is none for it. */
static bool bury_behind(struct paa_context *context, struct generation *dead)
{
    bool is_taken;

    dead->burial.fn = bury;
    pthread_mutex_lock(&context->lock);
    is_taken =
        context->process == process_number && pool_add(context->services.blocking, &dead->burial);
    context->burials += is_taken;
    pthread_mutex_unlock(&context->lock);
    return is_taken;
}

void context_bury(struct paa_context *context)
{
    struct generation *dead;

    for (;;) {
        pthread_mutex_lock(&context->lock);
        dead = context->dead;
        if (dead != NULL)
            context->dead = dead->next_dead;
        pthread_mutex_unlock(&context->lock);
        if (dead == NULL)
            return;
        if (!bury_behind(context, dead))
            generation_free(dead);
    }
}

struct generation *generation_hold(struct paa_context *context)
{
    struct generation *generation;

    pthread_mutex_lock(&context->lock);
    generation = atomic_load(&context->current);
    generation->holders++;
    pthread_mutex_unlock(&context->lock);
    return generation;
}

void generation_let_go(struct generation *generation)
{
    struct paa_context *context = generation->context;

    pthread_mutex_lock(&context->lock);
    generation_drop(generation);
    pthread_mutex_unlock(&context->lock);
    context_bury(context);
}

static struct instance *same_instance(struct generation *old, const struct instance *instance)
{
    for (size_t i = 0; old != NULL && i < old->instance_count; i++)
        if (strcmp(old->instances[i].id.name, instance->id.name) == 0 &&
            strcmp(old->instances[i].id.plugin, instance->id.plugin) == 0)
            return &old->instances[i];
    return NULL;
}

/* The new generation takes over: bytes of memos pass on, then every request that begins sees it. */
void context_publish(struct paa_context *context, struct generation *generation)
{
    struct generation *old = atomic_load(&context->current);

    for (size_t i = 0; i < generation->instance_count; i++) {
        struct instance *before = same_instance(old, &generation->instances[i]);

        memo_adopt(&generation->instances[i].id, before != NULL ? &before->id : NULL);
    }
    pthread_mutex_lock(&context->lock);
    generation->holders = 1;
    generation->number = ++context->generation_count;
    atomic_store_explicit(&context->current, generation, memory_order_release);
    if (old != NULL)
        generation_drop(old);
    pthread_mutex_unlock(&context->lock);
    context_bury(context);
}

uint64_t paa_context_generation(const struct paa_context *context)
{
    struct paa_context *locked = (struct paa_context *)(uintptr_t)context;
    const struct generation *generation;
    uint64_t number;

    if (context == NULL)
        return 0;
    pthread_mutex_lock(&locked->lock); /* else a reload might free it meanwhile */
    generation = atomic_load(&locked->current);
    number = generation != NULL ? generation->number : 0;
    pthread_mutex_unlock(&locked->lock);
    return number;
}

/* ---- reload ------------------------------------------------------------------------------------ */

void log_finding(enum paa_level level, struct where where, const char *sentence, void *user)
{
    struct paa_context *context = user;

    if (where.line > 0)
        log_queue(&context->services.log, level, "%s:%u: %s", where.file, where.line, sentence);
    else
        log_queue(&context->services.log, level, "%s: %s", where.file, sentence);
}

/* A plugin whose file changed under the running code keeps running: only a restart loads the new one. */
static void report_changed(struct paa_context *context, const struct generation *generation)
{
    struct paa_error error;

    for (size_t i = 0; i < generation->instance_count; i++)
        if (loader_changed(generation->instances[i].plugin, &error))
            log_queue(&context->services.log, PAA_LEVEL_WARNING, "%s", error.text);
}

/* In the file that was in force, so that one that takes the audit away or elsewhere is seen there; and in its own, if that
 * is another. */
static void audit_taken(struct paa_context *context, const struct generation *old,
                        const struct generation *taken)
{
    bool is_same = old->audit != NULL && taken->audit != NULL &&
                   strcmp(old->policy->audit_file, taken->policy->audit_file) == 0;

    if (old->audit != NULL && !is_same)
        decision_reload(context, old->audit, taken->number, NULL);
    if (taken->audit != NULL)
        decision_reload(context, taken->audit, taken->number, NULL);
}

static void reload_once(struct paa_context *context)
{
    struct diag findings = { .fn = log_finding, .user = context };
    struct generation *old = generation_hold(context);
    struct generation *generation = generation_load(context, &findings);

    if (generation != NULL) {
        context_publish(context, generation);
        audit_taken(context, old, generation);
        report_changed(context, generation);
        log_queue(&context->services.log, PAA_LEVEL_NOTICE, "%s: generation %llu is in force",
                  context->policy_path, (unsigned long long)generation->number);
    } else {
        log_queue(&context->services.log, PAA_LEVEL_ERROR,
                  "%s: not reloaded, the old policy serves on: %s", context->policy_path,
                  findings.first.text);
        if (old->audit != NULL)
            decision_reload(context, old->audit, old->number, findings.first.text);
    }
    generation_let_go(old);
    pthread_mutex_lock(&context->lock);
    context->reload_result = generation != NULL ? 1 : -1;
    context->reload_error = findings.first;
    context->reload_serial++;
    pthread_mutex_unlock(&context->lock);
}

/* Those who ask while one reload runs share the next one: at most two generations wait. */
static void reload_all(struct paa_context *context)
{
    bool is_done = false;

    while (!is_done) {
        reload_once(context);
        pthread_mutex_lock(&context->lock);
        is_done = !context->reload_again || atomic_load(&context->is_stopped);
        context->reload_again = false;
        context->is_reloading = !is_done;
        pthread_cond_broadcast(&context->changed);
        pthread_mutex_unlock(&context->lock);
    }
}

void reload_task(struct task *task, unsigned worker)
{
    (void)worker;
    reload_all(LIST_ENTRY(task, struct paa_context, reload));
}

static struct timespec after_ms(int32_t wait_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* 1, 0, -1 as paa_context_reload. */
static int await_reload(struct paa_context *context, uint64_t serial, int32_t wait_ms,
                        struct paa_error *error)
{
    struct timespec until = after_ms(wait_ms);
    int result = 0;

    pthread_mutex_lock(&context->lock);
    while (wait_ms > 0 && context->reload_serial < serial &&
           pthread_cond_timedwait(&context->changed, &context->lock, &until) == 0)
        ;
    if (context->reload_serial >= serial) {
        result = context->reload_result;
        if (result < 0 && error != NULL)
            *error = context->reload_error;
    }
    pthread_mutex_unlock(&context->lock);
    return result;
}

int paa_context_reload(struct paa_context *context, int32_t wait_ms, struct paa_error *error)
{
    bool has_workers, is_running;
    uint64_t serial;

    if (context == NULL || atomic_load(&context->is_stopped))
        return context_error(error, "the context is stopped");
    pthread_mutex_lock(&context->lock);
    has_workers = context->process == process_number;
    is_running = context->is_reloading;
    serial = context->reload_serial + (is_running ? 2 : 1);
    context->reload_again = is_running;
    context->is_reloading = true;
    pthread_mutex_unlock(&context->lock);
    if (!is_running && (!has_workers || !pool_add(context->services.workers, &context->reload)))
        reload_all(context);
    log_deliver(&context->services.log);
    return await_reload(context, serial, wait_ms, error);
}

static void on_policy_changed(void *arg)
{
    (void)paa_context_reload(arg, 0, NULL);
}

void watch_policy(struct paa_context *context)
{
    const char *path = context->policy_path;

    if ((context->flags & PAA_OPEN_WATCH) != 0 &&
        sources_watch_files(context->services.sources, &path, 1, on_policy_changed, context) != 0)
        log_line(&context->services.log, PAA_LEVEL_WARNING,
                 "%s: changes cannot be watched for: reload by hand", path);
}

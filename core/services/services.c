/* SPDX-License-Identifier: MIT */
/*
 * All services of one context: made inert, started with a process's first lane, stopped in reverse. Knows in which
 * process it is, so that no service needs to ask for more than that.
 */
#include "services.h"

#include "http.h"
#include "keys.h"
#include "loopback.h"
#include "memo.h"
#include "pool.h"
#include "reactor.h"
#include "sources.h"
#include "store.h"
#include "work.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_WAIT_S = 1 }; /* for all threads together, when a program exits without closing */

static void mask_secrets(char *text, void *sources)
{
    sources_mask(sources, text);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void prepare_process(void);

int services_init(struct services *services)
{
    (void)pthread_once(&once, prepare_process); /* before the engine's own fork handlers */
    services->pins = pin_domain_new();
    services->stores = stores_new(services);
    services->sources = sources_new(services);
    services->memos = memos_new(services);
    services->keys = keys_new(services);
    services->http = http_new(services);
    services->loopbacks = loopbacks_new(services);
    if (services->pins == NULL || services->stores == NULL || services->sources == NULL ||
        services->memos == NULL || services->keys == NULL || services->http == NULL ||
        services->loopbacks == NULL)
        return -1;
    services->log.mask_arg = services->sources;
    services->log.mask_fn = mask_secrets;
    return 0;
}

static int say(struct paa_error *error, const char *sentence)
{
    if (error != NULL)
        (void)snprintf(error->text, sizeof error->text, "%s", sentence);
    return -1;
}

/* ---- exit() without close, and fork ------------------------------------------------------------- */

static pthread_mutex_t started_lock = PTHREAD_MUTEX_INITIALIZER;
static struct services *started; /* those of a parent process too: their pid tells */

static void halt(const struct services *services, const struct timespec *until)
{
    reactor_halt(services->reactor, until);
    pool_halt(services->workers, until);
    pool_halt(services->blocking, until);
}

/* Threads that outlive exit handlers would meet libraries that are taken down already. All are told first, so that
 * one that cannot end takes no time from the others. */
static void halt_all(void)
{
    struct timespec until[] = { { 0, 0 }, { 0, 0 } };

    clock_gettime(CLOCK_REALTIME, &until[1]);
    until[1].tv_sec += EXIT_WAIT_S;
    pthread_mutex_lock(&started_lock);
    for (struct services *at = started; at != NULL; at = at->next)
        atomic_store(&at->is_halted, at->pid == getpid());
    for (size_t i = 0; i < 2; i++)
        for (const struct services *at = started; at != NULL; at = at->next)
            if (at->pid == getpid())
                halt(at, &until[i]);
    pthread_mutex_unlock(&started_lock);
}

static void lock_for_fork(void)
{
    pthread_mutex_lock(&started_lock);
}

static void unlock_after_fork(void)
{
    pthread_mutex_unlock(&started_lock);
}

static void prepare_process(void)
{
    (void)OPENSSL_init_crypto(0, NULL); /* its exit handler was first, so it comes last */
    (void)atexit(halt_all);
    (void)pthread_atfork(lock_for_fork, unlock_after_fork, unlock_after_fork);
}

/* The parent's threads are not here, and what they held at the fork stays as it is. */
static void forget_parent(struct services *services)
{
    if (services->reactor != NULL)
        reactor_forget(services->reactor);
    services->reactor = NULL;
    services->workers = NULL;
    services->blocking = NULL;
    atomic_store(&services->jobs, 0);
    http_forget(services->http);
    loopbacks_forget(services->loopbacks);
    log_forget(&services->log);
    pin_domain_forget(services->pins);
}

/* ---- starting and stopping ---------------------------------------------------------------------- */

static void take_down(struct services *services)
{
    pool_free(services->blocking);
    pool_free(services->workers);
    reactor_free(services->reactor);
    services->reactor = NULL;
    http_stop(services->http);
    loopbacks_stop(services->loopbacks);
    services->workers = NULL;
    services->blocking = NULL;
}

static int start(struct services *services, struct paa_error *error)
{
    services->reactor = reactor_new(&services->clock);
    services->workers = pool_new("workers", WORK_THREADS, 0);
    services->blocking = pool_new("blocking", WORK_BLOCKING_THREADS, WORK_QUEUE_MAX);
    if (services->reactor == NULL || services->workers == NULL || services->blocking == NULL)
        return say(error, "no memory or descriptor is left for the context's threads");
    if (memos_start(services->memos) != 0)
        return say(error, "no chance is to be had for the context's memos");
    if (pool_start(services->workers) != 0 || pool_start(services->blocking) != 0 ||
        reactor_start(services->reactor) != 0)
        return say(error, "no thread could be started for the context");
    if (sources_start(services->sources) != 0)
        return say(error, "files named by the policy cannot be watched");
    keys_start(services->keys);
    return 0;
}

static void enlist(struct services *services)
{
    for (const struct services *at = started; at != NULL; at = at->next)
        if (at == services) /* in the parent process */
            return;
    services->next = started;
    started = services;
}

static void strike_off(const struct services *services)
{
    struct services **at = &started;

    while (*at != NULL && *at != services)
        at = &(*at)->next;
    if (*at != NULL)
        *at = services->next;
}

int services_start(struct services *services, struct paa_error *error)
{
    int status = 0;

    pthread_mutex_lock(&started_lock);
    if (services->pid != getpid()) {
        if (services->pid != 0)
            forget_parent(services);
        services->pid = 0;
        status = start(services, error);
        if (status == 0) {
            services->pid = getpid();
            enlist(services);
        } else {
            take_down(services);
        }
    }
    pthread_mutex_unlock(&started_lock);
    return status;
}

void services_stop(struct services *services)
{
    bool is_own = services->pid == getpid();

    pthread_mutex_lock(&started_lock);
    strike_off(services);
    pthread_mutex_unlock(&started_lock);
    stores_stop(services->stores);
    if (services->pid != 0) {
        keys_stop(services->keys);
        sources_stop(services->sources);
    }
    if (is_own)
        take_down(services);
    else if (services->pid != 0)
        forget_parent(services);
    services->pid = 0;
}

void services_free(struct services *services)
{
    services->log.mask_fn = NULL;
    memos_free(services->memos);
    http_free(services->http);
    loopbacks_free(services->loopbacks);
    keys_free(services->keys);
    sources_free(services->sources);
    stores_free(services->stores);
    pin_domain_free(services->pins);
}

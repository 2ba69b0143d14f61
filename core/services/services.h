/* SPDX-License-Identifier: MIT */
/*
 * All services of one context, and the host table that plugins see. Effects live here and nowhere else.
 * Inert until services_start: no thread, socket, store or watch before a lane needs them.
 */
#ifndef SERVICES_SERVICES_H
#define SERVICES_SERVICES_H

#include "clock.h"
#include "log.h"
#include "op.h"
#include "pins.h"

#include <sys/types.h>

struct reactor;
struct pool;
struct stores;
struct sources;
struct memos;
struct keys;
struct http;
struct loopbacks;

struct services {
    struct clock clock;
    struct chance chance;
    struct log log;
    struct pin_domain *pins;
    struct reactor *reactor; /* timers, watched files; NULL until started */
    struct pool *workers;    /* producers, decoders, work, create at reload, destroy, verbs */
    struct pool *blocking;   /* work with BLOCKS */
    struct stores *stores;
    struct sources *sources;
    struct memos *memos;
    struct keys *keys;
    struct http *http;
    struct loopbacks *loopbacks;
    uint32_t flags;         /* PAA_OPEN_OFFLINE, PAA_OPEN_CHECK as the context was opened */
    _Atomic uint32_t jobs;  /* functions of plugins that wait for a worker */
    pid_t pid;              /* of the process whose threads run; 0: none */
    _Atomic bool is_halted; /* exit() has begun: nothing comes any more */
    struct services *next;  /* all that are started, for exit() */
};

/* clock, chance and log are filled already, all else is zero. Allocates; starts nothing. 0 or -1 (no memory). */
int services_init(struct services *services);
/* Starts the reactor and the pools, once per process; again after a fork. Any thread. 0 or -1. */
int services_start(struct services *services, struct paa_error *error);
/* Stops and joins what was started; then frees. After a fork, in a child that started nothing: frees only. */
void services_stop(struct services *services);
void services_free(struct services *services);

/* The slots of the host table that services provide; the engine has the others. */
extern const struct paa_host_memo services_host_memo;
extern const struct paa_host_store services_host_store;
extern const struct paa_host_work services_host_work;
extern const struct paa_host_clock services_host_clock;
extern const struct paa_host_random services_host_random;
extern const struct paa_host_log services_host_log;
extern const struct paa_host_sources services_host_sources;
extern const struct paa_host_keys services_host_keys;
extern const struct paa_host_http services_host_http;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A bench for memos: all services with injected clocks, one instance, and a producer that does as it is told.
 * Nothing waits for time: the test moves the clock.
 */
#ifndef TESTS_MEMO_BENCH_H
#define TESTS_MEMO_BENCH_H

#include "arena.h"
#include "memo_inner.h"
#include "pool.h"
#include "reactor.h"
#include "services.h"
#include "sources.h"
#include "store.h"
#include "str.h"

#include <paa/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { NS_IN_MS = 1000000, BEGAN_S = 1000000 };

static struct play { /* what producers do, and what became of them */
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool gate_closed; /* a run waits on its worker until it is opened */
    int at_gate;
    _Atomic int runs;
    _Atomic int ended; /* finish */
    _Atomic int decoded;
    _Atomic int released;
    _Atomic enum paa_result result; /* 0: DONE */
    _Atomic bool same_bytes;
    _Atomic bool no_product;
    _Atomic bool bad_bytes; /* decode fails */
    _Atomic bool waits;     /* for an hour, before it produces */
    _Atomic uint32_t product_flags;
    _Atomic int64_t fresh_s; /* from now */
    _Atomic int64_t usable_s;
    _Atomic int64_t keep_s;
    _Atomic uint32_t run_flags; /* of the last run */
    _Atomic uint64_t previous_version;
    char previous[64];
    char input[64];
    struct paa_memo *other; /* the producer asks this one first */
} play = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };

static const struct paa_host bench_host = {
    .abi = PAA_ABI,
    .struct_size = sizeof(struct paa_host),
    .fail = op_fail,
    .alloc = op_alloc,
    .memo = &services_host_memo,
    .clock = &services_host_clock,
    .work = &services_host_work,
    .log = &services_host_log,
};

struct bench {
    struct services services;
    struct op_instance instance;
    _Atomic int64_t now_ms;
};

/* ---- time ---- */

static inline int64_t bench_real(void *user)
{
    return (BEGAN_S * (int64_t)1000 + atomic_load(&((struct bench *)user)->now_ms)) * NS_IN_MS;
}

static inline int64_t bench_steady(void *user)
{
    return atomic_load(&((struct bench *)user)->now_ms) * NS_IN_MS;
}

struct poke { /* first the reactor wakes, then it runs what is due, then this once more */
    struct timer timer;
    struct reactor *reactor;
    int64_t due_ms;
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool is_woken;
    bool has_rung;
};

static inline void on_poke(struct timer *timer)
{
    struct poke *poke = (struct poke *)(void *)timer;

    if (!poke->is_woken) {
        poke->is_woken = true;
        (void)timer_set(poke->reactor, timer, poke->due_ms);
        return;
    }
    pthread_mutex_lock(&poke->lock);
    poke->has_rung = true;
    pthread_cond_signal(&poke->rung);
    pthread_mutex_unlock(&poke->lock);
}

/* The clock moves, and timers that are due by then have run when this returns. */
static inline void pass_ms(struct bench *b, int64_t ms)
{
    struct poke poke = { .timer = { 0, on_poke, 0 },
                         .reactor = b->services.reactor,
                         .lock = PTHREAD_MUTEX_INITIALIZER,
                         .rung = PTHREAD_COND_INITIALIZER };

    poke.due_ms = atomic_fetch_add(&b->now_ms, ms) + ms;
    if (!timer_set(b->services.reactor, &poke.timer, INT64_MIN))
        return;
    pthread_mutex_lock(&poke.lock);
    while (!poke.has_rung)
        pthread_cond_wait(&poke.rung, &poke.lock);
    pthread_mutex_unlock(&poke.lock);
    timer_clear(b->services.reactor, &poke.timer);
}

static inline void pass_s(struct bench *b, int64_t s)
{
    pass_ms(b, s * 1000);
}

/* ---- the bench ---- */

static inline void instance_init(struct op_instance *instance)
{
    memset(instance, 0, sizeof *instance);
    instance->name = "login";
    instance->plugin = "oidc";
    instance->host = &bench_host;
    instance->self = &play;
}

static inline void play_init(void)
{
    play.gate_closed = false;
    play.at_gate = 0;
    atomic_store(&play.runs, 0);
    atomic_store(&play.ended, 0);
    atomic_store(&play.decoded, 0);
    atomic_store(&play.released, 0);
    atomic_store(&play.result, PAA_DONE);
    atomic_store(&play.same_bytes, false);
    atomic_store(&play.no_product, false);
    atomic_store(&play.bad_bytes, false);
    atomic_store(&play.waits, false);
    atomic_store(&play.product_flags, 0);
    atomic_store(&play.fresh_s, 0);
    atomic_store(&play.usable_s, 60);
    atomic_store(&play.keep_s, 0);
    play.other = NULL;
    play.previous[0] = play.input[0] = '\0';
}

static inline void quiet(enum paa_level level, struct paa_str line, void *user)
{
    (void)level;
    (void)line;
    (void)user;
}

static inline void bench_open(struct bench *b)
{
    struct paa_error error;

    memset(b, 0, sizeof *b);
    play_init();
    b->services.clock = (struct clock){ bench_real, bench_steady, b };
    log_init(&b->services.log, quiet, NULL, true, PAA_LEVEL_WARNING);
    instance_init(&b->instance);
    if (services_init(&b->services) != 0 || services_start(&b->services, &error) != 0)
        abort();
}

static inline void bench_close(struct bench *b)
{
    memo_close_all(&b->instance);
    store_close_all(&b->instance);
    services_stop(&b->services);
    services_free(&b->services);
    log_free(&b->services.log);
}

/* ---- the producer ---- */

static inline struct paa_bytes bytes_of(const char *text)
{
    return paa_bytes_of(text, strlen(text));
}

static inline void copy_text(char *to, size_t size, struct paa_bytes bytes)
{
    if (bytes.data == NULL)
        (void)snprintf(to, size, "(absent)");
    else
        (void)snprintf(to, size, "%.*s", (int)bytes.size, (const char *)bytes.data);
}

static inline void pass_gate(void)
{
    pthread_mutex_lock(&play.lock);
    play.at_gate++;
    pthread_cond_broadcast(&play.moved);
    while (play.gate_closed)
        pthread_cond_wait(&play.moved, &play.lock);
    play.at_gate--;
    pthread_mutex_unlock(&play.lock);
}

static inline void close_gate(void)
{
    pthread_mutex_lock(&play.lock);
    play.gate_closed = true;
    pthread_mutex_unlock(&play.lock);
}

static inline void open_gate(void)
{
    pthread_mutex_lock(&play.lock);
    play.gate_closed = false;
    pthread_cond_broadcast(&play.moved);
    pthread_mutex_unlock(&play.lock);
}

static inline void await_at_gate(int count)
{
    pthread_mutex_lock(&play.lock);
    while (play.at_gate < count)
        pthread_cond_wait(&play.moved, &play.lock);
    pthread_mutex_unlock(&play.lock);
}

static inline enum paa_result make(struct paa_op *op)
{
    int64_t now_s = op->host->clock->now_s(op);
    int number = atomic_load(&play.same_bytes) ? 0 : atomic_load(&play.runs);
    struct paa_memo_product product;
    enum paa_result result = atomic_load(&play.result);
    char text[32];

    if (result != PAA_DONE)
        return op->host->fail(op, result, "script", STR("the script says so"));
    if (atomic_load(&play.no_product))
        return PAA_DONE;
    (void)snprintf(text, sizeof text, "made %d", number);
    paa_init(&product, sizeof product);
    product.flags = atomic_load(&play.product_flags);
    product.bytes = bytes_of(text);
    product.usable_until_s = now_s + atomic_load(&play.usable_s);
    if (atomic_load(&play.fresh_s) != 0)
        product.fresh_until_s = now_s + atomic_load(&play.fresh_s);
    if (atomic_load(&play.keep_s) != 0)
        product.keep_until_s = now_s + atomic_load(&play.keep_s);
    return op->host->memo->product(op, &product) == PAA_STATUS_OK ? PAA_DONE : PAA_FAULT;
}

static inline enum paa_result after_timer(struct paa_op *op, enum paa_status status, void *context)
{
    (void)status;
    (void)context;
    return make(op);
}

static inline enum paa_result after_other(struct paa_op *op, enum paa_status status,
                                          const struct paa_memo_value *value, void *context)
{
    (void)value;
    (void)context;
    return status == PAA_STATUS_OK ? make(op)
                                   : op->host->fail(op, PAA_UNAVAILABLE, "other", STR_NONE);
}

static inline enum paa_result produce(struct paa_op *op, const struct paa_memo_run *run)
{
    struct paa_memo_query query;

    atomic_fetch_add(&play.runs, 1);
    atomic_store(&play.run_flags, run->flags);
    atomic_store(&play.previous_version, run->previous_version);
    pthread_mutex_lock(&play.lock);
    copy_text(play.previous, sizeof play.previous, run->previous);
    copy_text(play.input, sizeof play.input, run->input);
    pthread_mutex_unlock(&play.lock);
    pass_gate();
    if (atomic_load(&play.waits))
        return op->host->clock->after(op, 3600 * 1000, after_timer, NULL);
    if (play.other == NULL)
        return make(op);
    paa_init(&query, sizeof query);
    query.key = run->key;
    return op->host->memo->get(op, play.other, &query, after_other, NULL);
}

static inline enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts,
                                     size_t part_count, void **ret_object, size_t *ret_weight)
{
    char *object = malloc(64);

    atomic_fetch_add(&play.decoded, 1);
    if (atomic_load(&play.bad_bytes)) {
        free(object);
        (void)op->host->fail(op, PAA_UNAVAILABLE, "script", STR("these bytes are no good"));
        return PAA_STATUS_INVALID;
    }
    copy_text(object, 64, part_count > 0 ? parts[0] : BYTES_NONE);
    *ret_object = object;
    *ret_weight = 64;
    return PAA_STATUS_OK;
}

static inline void release(void *object, const void *self)
{
    if (self == &play)
        atomic_fetch_add(&play.released, 1);
    free(object);
}

static inline void finish(struct paa_op *op)
{
    (void)op;
    atomic_fetch_add(&play.ended, 1);
}

static inline struct paa_memo_def def_named(const char *name)
{
    struct paa_memo_def def;

    paa_init(&def, sizeof def);
    def.name = name;
    def.produce = produce;
    def.finish = finish;
    def.cooldown_ms = 10000;
    def.timeout_ms = 20000;
    return def;
}

static inline struct paa_memo_def def_decoded(const char *name)
{
    struct paa_memo_def def = def_named(name);

    def.decode = decode;
    def.release = release;
    return def;
}

#endif

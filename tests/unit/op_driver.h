/* SPDX-License-Identifier: MIT */
/*
 * Operations for tests of services: a struct op whose home is a queue that the test pumps, with injected
 * clocks, and a continuation that copies what came. Waiting ends when something is posted, not by the clock.
 */
#ifndef TESTS_OP_DRIVER_H
#define TESTS_OP_DRIVER_H

#include "arena.h"
#include "services.h"
#include "store.h"

#include <paa/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { DRIVER_ARENA_MAX = 1024 * 1024 };

struct world { /* one context's services, as far as the store needs them */
    struct services services;
    struct op_instance instance;
    _Atomic int64_t now_s;
    _Atomic int64_t now_ms;
};

struct driver { /* one operation */
    struct op op;
    struct op_home home;
    struct arena arena;
    struct pins pins;
    pthread_mutex_t lock;
    pthread_cond_t posted;
    struct list queue;
    struct world *world;
    int calls; /* of the continuation */
    enum paa_status status;
    uint64_t version;
    int64_t expires_at_s;
    size_t key_size;
    size_t value_size;
    char key[256];
    char *value;
    char sentence[600];
};

/* Injected clocks count nanoseconds; -1: the clock fails. */
static inline int64_t world_real(void *user)
{
    int64_t now_s = atomic_load(&((struct world *)user)->now_s);

    return now_s < 0 ? -1 : now_s * 1000000000;
}

static inline int64_t world_steady(void *user)
{
    return atomic_load(&((struct world *)user)->now_ms) * 1000000;
}

static inline void world_pass(struct world *world, int64_t s)
{
    atomic_fetch_add(&world->now_s, s);
    atomic_fetch_add(&world->now_ms, s * 1000);
}

static inline void world_init(struct world *world, uint32_t flags)
{
    memset(world, 0, sizeof *world);
    atomic_store(&world->now_s, 1000000);
    world->services.clock = (struct clock){ world_real, world_steady, world };
    world->services.flags = flags;
    world->services.pins = pin_domain_new();
    world->services.stores = stores_new(&world->services);
    world->instance.name = "partner-keys";
    world->instance.plugin = "apikey";
    log_init(&world->services.log, NULL, NULL, false, PAA_LEVEL_ERROR);
}

static inline void world_free(struct world *world)
{
    stores_stop(world->services.stores);
    store_close_all(&world->instance);
    stores_free(world->services.stores);
    pin_domain_free(world->services.pins);
    log_free(&world->services.log);
}

static inline void driver_post(struct op_home *home, struct op *op)
{
    struct driver *driver = LIST_ENTRY(home, struct driver, home);

    pthread_mutex_lock(&driver->lock);
    list_add_last(&driver->queue, &op->ready);
    pthread_cond_signal(&driver->posted);
    pthread_mutex_unlock(&driver->lock);
}

static inline void driver_init(struct driver *driver, struct world *world, enum op_slot slot)
{
    memset(driver, 0, sizeof *driver);
    driver->world = world;
    driver->home.post = driver_post;
    pthread_mutex_init(&driver->lock, NULL);
    pthread_cond_init(&driver->posted, NULL);
    list_init(&driver->queue);
    arena_init(&driver->arena, NULL, 0, DRIVER_ARENA_MAX);
    pins_join(&driver->pins, world->services.pins);
    driver->value = calloc(1, 1);
    paa_init(&driver->op.pub, sizeof driver->op.pub);
    driver->op.services = &world->services;
    driver->op.home = &driver->home;
    driver->op.arena = &driver->arena;
    driver->op.pins = &driver->pins;
    driver->op.instance = &world->instance;
    driver->op.slot = slot;
    driver->op.deadline_ms = INT64_MAX;
    list_init(&driver->op.ready);
    list_init(&driver->op.wait.link);
}

static inline void driver_free(struct driver *driver)
{
    store_op_ended(&driver->op);
    pins_release(&driver->pins, 0);
    pins_leave(&driver->pins);
    arena_free(&driver->arena);
    free(driver->value);
    pthread_mutex_destroy(&driver->lock);
    pthread_cond_destroy(&driver->posted);
}

/* Slots that judge do not say DONE. */
static inline enum paa_result driver_end(const struct driver *driver)
{
    return driver->op.slot == OP_VERIFY ? PAA_REJECT : PAA_DONE;
}

static inline enum paa_result driver_then(struct paa_op *op, enum paa_status status,
                                          const struct paa_record *record, void *context)
{
    struct driver *driver = context;

    driver->calls++;
    driver->status = status;
    driver->sentence[0] = '\0';
    driver->version = 0;
    driver->key_size = driver->value_size = 0;
    if (op_of(op)->wait.sentence != NULL)
        snprintf(driver->sentence, sizeof driver->sentence, "%s", op_of(op)->wait.sentence);
    if (record != NULL) {
        driver->version = record->version;
        driver->expires_at_s = record->expires_at_s;
        driver->key_size = record->key.size;
        driver->value_size = record->value.size;
        if (record->key.size > 0)
            memcpy(driver->key, record->key.data, record->key.size);
        free(driver->value);
        driver->value = malloc(record->value.size + 1);
        if (record->value.size > 0)
            memcpy(driver->value, record->value.data, record->value.size);
        driver->key[record->key.size < 255 ? record->key.size : 255] = '\0';
        driver->value[record->value.size] = '\0';
    }
    return driver_end(driver);
}

/* One posted operation, waiting for it if `wait`. False: none was there. */
static inline bool driver_pump(struct driver *driver, bool wait)
{
    struct list *link;

    pthread_mutex_lock(&driver->lock);
    while (wait && list_empty(&driver->queue))
        pthread_cond_wait(&driver->posted, &driver->lock);
    link = list_take_first(&driver->queue);
    pthread_mutex_unlock(&driver->lock);
    if (link == NULL)
        return false;
    (void)op_go_on(LIST_ENTRY(link, struct op, ready));
    return true;
}

/* After a waiting call: until its continuation has run. */
static inline enum paa_status driver_settle(struct driver *driver, enum paa_result result)
{
    int calls = driver->calls;

    (void)op_settle(&driver->op, result);
    while (driver->calls == calls)
        driver_pump(driver, true);
    return driver->status;
}

/* ---- the store's calls, whole ---- */

static inline struct paa_bytes text_bytes(const char *text)
{
    return text != NULL ? paa_bytes_of(text, strlen(text)) : paa_bytes_of(NULL, 0);
}

static inline enum paa_status get_from(struct driver *d, struct paa_table *table, const char *key)
{
    return driver_settle(d, services_host_store.get(&d->op.pub, table, text_bytes(key), driver_then,
                                                    d));
}

static inline enum paa_status put_to(struct driver *d, struct paa_table *table, const char *key,
                                     const char *value, int64_t expires_at_s, uint32_t flags,
                                     uint64_t version)
{
    struct paa_record record;

    paa_init(&record, sizeof record);
    record.key = text_bytes(key);
    record.value = text_bytes(value);
    record.expires_at_s = expires_at_s;
    record.version = version;
    return driver_settle(d, services_host_store.put(&d->op.pub, table, &record, flags, driver_then,
                                                    d));
}

static inline enum paa_status remove_from(struct driver *d, struct paa_table *table,
                                          const char *key, uint64_t version)
{
    return driver_settle(d, services_host_store.remove(&d->op.pub, table, text_bytes(key), version,
                                                       driver_then, d));
}

static inline enum paa_status next_in(struct driver *d, struct paa_table *table, const char *prefix,
                                      const char *after)
{
    return driver_settle(d, services_host_store.next(&d->op.pub, table, text_bytes(prefix),
                                                     text_bytes(after), driver_then, d));
}

static inline enum paa_status lock_in(struct driver *d, struct paa_table *table, const char *key)
{
    return driver_settle(d, services_host_store.lock(&d->op.pub, table, text_bytes(key),
                                                     driver_then, d));
}

/* Twice, as plugins do. */
static inline void expect_in(struct driver *d, struct paa_table *table, const char *key)
{
    services_host_store.expect(&d->op.pub, table, text_bytes(key));
    services_host_store.expect(&d->op.pub, table, text_bytes(key));
}

/* As if an operation ended and another began: nothing is pinned or expected. */
static inline void driver_again(struct driver *d)
{
    pins_release(&d->pins, 0);
    memset(&d->op.expected, 0, sizeof d->op.expected);
}

/* Opens it as create would. NULL: refused; d->op.sentence says why. */
static inline struct paa_table *table_in(struct world *world, const char *name, uint32_t flags)
{
    struct driver driver;
    struct paa_table *table = NULL;

    driver_init(&driver, world, OP_CREATE);
    if (services_host_store.open(&driver.op.pub, name, flags, &table) != PAA_STATUS_OK)
        table = NULL;
    driver_free(&driver);
    return table;
}

#endif

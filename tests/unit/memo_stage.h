/* SPDX-License-Identifier: MIT */
/*
 * The stage for tests of memos: one context's services with workers that run, a reactor that the test drives, and
 * clocks that stand still. An asker is one operation and what its last call was told.
 */
#ifndef TESTS_MEMO_STAGE_H
#define TESTS_MEMO_STAGE_H

#include "op_driver.h"

#include "memo_home.h"
#include "pool.h"
#include "reactor.h"
#include "sources.h"

enum { STAGE_WORKERS = 2 };

struct stage {
    struct world world;
    struct paa_host host;
};

struct asker {
    struct driver d; /* first */
    bool has_value;
    const struct paa_memo_value *value; /* as it was given: lives until the asker ends */
    const void *object;
    struct paa_bytes bytes;
};

static inline void stage_begin(struct stage *stage)
{
    struct services *services = &stage->world.services;

    world_init(&stage->world, 0);
    atomic_store(&stage->world.now_ms, 5000);
    memset(&stage->host, 0, sizeof stage->host);
    stage->host.abi = PAA_ABI;
    stage->host.struct_size = sizeof stage->host;
    stage->host.fail = op_fail;
    stage->host.alloc = op_alloc;
    stage->host.memo = &services_host_memo;
    stage->host.sources = &services_host_sources;
    stage->host.clock = &services_host_clock;
    stage->host.work = &services_host_work;
    stage->world.instance.host = &stage->host;
    services->reactor = reactor_new(&services->clock);
    services->workers = pool_new("workers", STAGE_WORKERS, 0);
    services->sources = sources_new(services);
    services->memos = memos_new(services);
    if (services->reactor == NULL || services->workers == NULL || services->sources == NULL ||
        services->memos == NULL || memos_start(services->memos) != 0 ||
        pool_start(services->workers) != 0)
        abort();
}

/* Instances beside the stage's own are closed by who made them. */
static inline void stage_end(struct stage *stage)
{
    struct services *services = &stage->world.services;

    memo_close_all(&stage->world.instance);
    pool_free(services->workers);
    reactor_free(services->reactor);
    services->workers = NULL;
    services->reactor = NULL;
    memos_free(services->memos);
    sources_free(services->sources);
    world_free(&stage->world);
}

/* A waiter is told before the worker has retired what its run replaced. When this returns it has, whatever the
 * scheduler thinks of the worker. */
static inline void stage_rest(const struct stage *stage)
{
    memo_await_ended(stage->world.instance.memos->group);
}

static inline void stage_pass(struct stage *stage, int64_t seconds)
{
    atomic_fetch_add(&stage->world.now_s, seconds);
    atomic_fetch_add(&stage->world.now_ms, seconds * 1000);
    while (reactor_run_once(stage->world.services.reactor, 0) > 0)
        continue;
}

static inline int64_t stage_now(struct stage *stage)
{
    return atomic_load(&stage->world.now_s);
}

/* NULL: refused; *ret_status says how. */
static inline struct paa_memo *stage_open(struct stage *stage, struct op_instance *instance,
                                          const struct paa_memo_def *def,
                                          enum paa_status *ret_status)
{
    struct driver driver;
    struct paa_memo *memo = NULL;
    enum paa_status status;

    driver_init(&driver, &stage->world, OP_CREATE);
    driver.op.instance = instance;
    status = services_host_memo.open(&driver.op.pub, def, &memo);
    driver_free(&driver);
    if (ret_status != NULL)
        *ret_status = status;
    return status == PAA_STATUS_OK ? memo : NULL;
}

static inline void asker_begin(struct asker *asker, struct stage *stage,
                               struct op_instance *instance)
{
    memset(asker, 0, sizeof *asker);
    driver_init(&asker->d, &stage->world, OP_SERVE);
    asker->d.op.instance = instance;
    asker->d.op.pub.host = instance->host;
    asker->d.op.pub.self = instance->self;
    asker->d.op.pub.instance = paa_str_of(instance->name);
}

static inline void asker_end(struct asker *asker)
{
    driver_free(&asker->d);
}

static inline enum paa_result asker_then(struct paa_op *op, enum paa_status status,
                                         const struct paa_memo_value *value,
                                         void *context) PAA_NOEXCEPT
{
    struct asker *asker = context;
    const char *sentence = op_of(op)->wait.sentence;

    asker->d.calls++;
    asker->d.status = status;
    snprintf(asker->d.sentence, sizeof asker->d.sentence, "%s", sentence != NULL ? sentence : "");
    asker->has_value = value != NULL;
    asker->value = value;
    asker->d.version = value != NULL ? value->version : 0;
    asker->object = value != NULL ? value->object : NULL;
    asker->bytes = value != NULL ? value->bytes : paa_bytes_of(NULL, 0);
    return driver_end(&asker->d);
}

static inline struct paa_memo_query query_of(const char *key, uint64_t seen, uint32_t flags)
{
    struct paa_memo_query query;

    paa_init(&query, sizeof query);
    query.key = text_bytes(key);
    query.seen_version = seen;
    query.flags = flags;
    return query;
}

/* Not waited for: the result is for asker_await. */
static inline enum paa_result asker_start_get(struct asker *asker, struct paa_memo *memo,
                                              const char *key)
{
    struct paa_memo_query query = query_of(key, 0, 0);

    return services_host_memo.get(&asker->d.op.pub, memo, &query, asker_then, asker);
}

static inline enum paa_status asker_get(struct asker *asker, struct paa_memo *memo, const char *key,
                                        uint32_t flags)
{
    struct paa_memo_query query = query_of(key, 0, flags);

    return driver_settle(&asker->d,
                         services_host_memo.get(&asker->d.op.pub, memo, &query, asker_then, asker));
}

static inline enum paa_status asker_renew(struct asker *asker, struct paa_memo *memo,
                                          const char *key, uint64_t seen)
{
    struct paa_memo_query query = query_of(key, seen, 0);

    return driver_settle(&asker->d, services_host_memo.renew(&asker->d.op.pub, memo, &query,
                                                             asker_then, asker));
}

static inline enum paa_status asker_drop(struct asker *asker, struct paa_memo *memo,
                                         const char *key, uint64_t seen, uint32_t flags)
{
    struct paa_memo_query query = query_of(key, seen, flags);

    return driver_settle(&asker->d, services_host_memo.drop(&asker->d.op.pub, memo, &query,
                                                            asker_then, asker));
}

static inline enum paa_status asker_put(struct asker *asker, struct paa_memo *memo, const char *key,
                                        const char *bytes, int64_t until_s)
{
    struct paa_memo_product product;

    paa_init(&product, sizeof product);
    product.usable_until_s = until_s;
    product.bytes = text_bytes(bytes);
    return driver_settle(&asker->d, services_host_memo.put(&asker->d.op.pub, memo, text_bytes(key),
                                                           &product, asker_then, asker));
}

static inline bool asker_has(const struct asker *asker, const char *text)
{
    return asker->bytes.data != NULL && asker->bytes.size == strlen(text) &&
           memcmp(asker->bytes.data, text, asker->bytes.size) == 0;
}

#endif

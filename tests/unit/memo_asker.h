/* SPDX-License-Identifier: MIT */
/* Operations that ask memos: their home is a queue that the test pumps. And a stand: a bench, a memo, an operation. */
#ifndef TESTS_MEMO_ASKER_H
#define TESTS_MEMO_ASKER_H

#include "memo_bench.h"
#include "memo_home.h"

struct asker { /* one operation */
    struct op op;
    struct op_home home;
    struct arena arena;
    struct pins pins;
    pthread_mutex_t lock;
    pthread_cond_t posted;
    struct list queue;
    int calls;
    enum paa_status status;
    uint64_t version;
    const void *object;
    bool has_value;
    char text[64];
    char sentence[200];
    enum paa_result result;
};

static inline void asker_post(struct op_home *home, struct op *op)
{
    struct asker *a = LIST_ENTRY(home, struct asker, home);

    pthread_mutex_lock(&a->lock);
    list_add_last(&a->queue, &op->ready);
    pthread_cond_signal(&a->posted);
    pthread_mutex_unlock(&a->lock);
}

static inline void asker_open(struct asker *a, struct bench *b, struct op_instance *instance,
                              enum op_slot slot)
{
    memset(a, 0, sizeof *a);
    a->home.post = asker_post;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->posted, NULL);
    list_init(&a->queue);
    arena_init(&a->arena, NULL, 0, 1024 * 1024);
    pins_join(&a->pins, b->services.pins);
    a->op.pub.struct_size = sizeof a->op.pub;
    a->op.pub.host = &bench_host;
    a->op.pub.self = &play;
    a->op.services = &b->services;
    a->op.home = &a->home;
    a->op.arena = &a->arena;
    a->op.pins = &a->pins;
    a->op.instance = instance;
    a->op.slot = slot;
    a->op.deadline_ms = INT64_MAX;
    list_init(&a->op.ready);
    list_init(&a->op.wait.link);
}

static inline void asker_close(struct asker *a)
{
    pins_release(&a->pins, 0);
    pins_leave(&a->pins);
    arena_free(&a->arena);
    pthread_mutex_destroy(&a->lock);
    pthread_cond_destroy(&a->posted);
}

static inline enum paa_result then(struct paa_op *op, enum paa_status status,
                                   const struct paa_memo_value *value, void *context)
{
    struct asker *a = context;

    a->calls++;
    a->status = status;
    a->has_value = value != NULL;
    a->version = value != NULL ? value->version : 0;
    a->object = value != NULL ? value->object : NULL;
    copy_text(a->text, sizeof a->text, value != NULL ? value->bytes : BYTES_NONE);
    (void)snprintf(a->sentence, sizeof a->sentence, "%s",
                   op_of(op)->wait.sentence != NULL ? op_of(op)->wait.sentence : "");
    return PAA_REJECT;
}

/* The slot returned; runs what is at hand. */
static inline void returned(struct asker *a, enum paa_result result)
{
    a->result = op_settle(&a->op, result);
}

/* Until the continuation has run. */
static inline void await_answer(struct asker *a)
{
    struct list *link;

    while (a->result == PAA_PENDING) {
        pthread_mutex_lock(&a->lock);
        while (list_empty(&a->queue))
            pthread_cond_wait(&a->posted, &a->lock);
        link = list_take_first(&a->queue);
        pthread_mutex_unlock(&a->lock);
        a->result = op_go_on(LIST_ENTRY(link, struct op, ready));
    }
}

static inline struct paa_memo_query query_for(const char *key)
{
    struct paa_memo_query query;

    paa_init(&query, sizeof query);
    query.key = bytes_of(key);
    query.input = bytes_of("given");
    return query;
}

static inline void begin_get(struct asker *a, struct paa_memo *memo, const char *key,
                             uint32_t flags)
{
    struct paa_memo_query query = query_for(key);

    query.flags = flags;
    returned(a, services_host_memo.get(&a->op.pub, memo, &query, then, a));
}

static inline enum paa_status get(struct asker *a, struct paa_memo *memo, const char *key)
{
    begin_get(a, memo, key, 0);
    await_answer(a);
    return a->status;
}

static inline enum paa_status look(struct asker *a, struct paa_memo *memo, const char *key)
{
    begin_get(a, memo, key, PAA_QUERY_LOOK);
    await_answer(a);
    return a->status;
}

static inline enum paa_status renew(struct asker *a, struct paa_memo *memo, const char *key,
                                    uint64_t seen)
{
    struct paa_memo_query query = query_for(key);

    query.seen_version = seen;
    returned(a, services_host_memo.renew(&a->op.pub, memo, &query, then, a));
    await_answer(a);
    return a->status;
}

static inline enum paa_status drop(struct asker *a, struct paa_memo *memo, const char *key,
                                   uint64_t seen, uint32_t flags)
{
    struct paa_memo_query query = query_for(key);

    query.seen_version = seen;
    query.flags = flags;
    returned(a, services_host_memo.drop(&a->op.pub, memo, &query, then, a));
    await_answer(a);
    return a->status;
}

static inline enum paa_status put_bytes(struct bench *b, struct asker *a, struct paa_memo *memo,
                                        const char *key, struct paa_bytes bytes, uint32_t flags,
                                        int64_t usable_s)
{
    struct paa_memo_product product;

    paa_init(&product, sizeof product);
    product.flags = flags;
    product.bytes = bytes;
    product.usable_until_s =
        usable_s == PAA_FOREVER ? PAA_FOREVER : clock_now_s(&b->services.clock) + usable_s;
    returned(a, services_host_memo.put(&a->op.pub, memo, bytes_of(key), &product, then, a));
    await_answer(a);
    return a->status;
}

static inline enum paa_status put(struct bench *b, struct asker *a, struct paa_memo *memo,
                                  const char *key, const char *text)
{
    return put_bytes(b, a, memo, key, bytes_of(text), 0, 60);
}

/* Opens it as create would; *ret_status may be NULL. */
static inline struct paa_memo *memo_in(struct bench *b, struct op_instance *instance,
                                       const struct paa_memo_def *def, enum paa_status *ret_status)
{
    struct paa_memo *memo = NULL;
    enum paa_status status;
    struct asker a;

    asker_open(&a, b, instance, OP_CREATE);
    status = services_host_memo.open(&a.op.pub, def, &memo);
    if (ret_status != NULL)
        *ret_status = status;
    asker_close(&a);
    return memo;
}

/* Until no run is under way: everything they made is there. */
static inline void await_idle(const struct bench *b)
{
    memo_await_ended(b->instance.memos->group);
}

/* Until each run that began waits for its timer, which is armed then. */
static inline void await_waiting(const struct bench *b)
{
    memo_await_waiting(b->instance.memos->group);
}

/* ---- the stand ---- */

struct stand { /* a bench with one memo and one operation */
    struct bench b;
    struct asker a;
    struct paa_memo *memo;
};

static inline void stand_open(struct stand *s, const struct paa_memo_def *def)
{
    bench_open(&s->b);
    s->memo = memo_in(&s->b, &s->b.instance, def, NULL);
    if (s->memo == NULL)
        abort();
    asker_open(&s->a, &s->b, &s->b.instance, OP_VERIFY);
}

static inline void stand_open_plain(struct stand *s)
{
    struct paa_memo_def def = def_named("tokens");

    stand_open(s, &def);
}

static inline void stand_close(struct stand *s)
{
    asker_close(&s->a);
    bench_close(&s->b);
}

/* The operation ends, another begins. */
static inline void next_op(struct stand *s)
{
    asker_close(&s->a);
    asker_open(&s->a, &s->b, &s->b.instance, OP_VERIFY);
}

#endif

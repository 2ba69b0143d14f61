/* SPDX-License-Identifier: MIT */
/* Contexts that keep a memo in one file: what two of them in a process do to each other, two processes do. */
#ifndef TESTS_MEMO_SHARED_H
#define TESTS_MEMO_SHARED_H

#include "memo_asker.h"
#include "store_files.h"

static inline void pair_open_as(struct stand *s, const char *path, const struct paa_memo_def *def,
                                uint32_t flags)
{
    struct play *now = &play;
    int runs = atomic_load(&now->runs), decoded = atomic_load(&now->decoded);
    enum paa_result result = atomic_load(&now->result);

    bench_open(&s->b); /* which begins the play anew */
    atomic_store(&now->runs, runs);
    atomic_store(&now->decoded, decoded);
    if (result != 0)
        atomic_store(&now->result, result);
    s->b.services.flags = flags;
    if (stores_define(s->b.services.stores, "state", path, nowhere) != 0)
        abort();
    s->memo = memo_in(&s->b, &s->b.instance, def, NULL);
    if (s->memo == NULL)
        abort();
    asker_open(&s->a, &s->b, &s->b.instance, OP_VERIFY);
}

static inline void shared_open(struct stand *s, const struct shop *shop,
                               const struct paa_memo_def *def)
{
    pair_open_as(s, shop->path, def, 0);
}

static inline struct paa_memo_def def_shared(uint32_t flags)
{
    struct paa_memo_def def = def_decoded("tokens");

    def.flags = PAA_MEMO_SHARED | flags;
    return def;
}

struct two { /* contexts on one file */
    struct shop shop;
    struct stand one;
    struct stand other;
};

static inline void two_open(struct two *t, const struct paa_memo_def *def)
{
    play_init();
    shop_open(&t->shop);
    shared_open(&t->one, &t->shop, def);
    shared_open(&t->other, &t->shop, def);
}

static inline void two_close(struct two *t)
{
    stand_close(&t->one);
    stand_close(&t->other);
    shop_close(&t->shop);
}

static inline void two_pass_s(struct two *t, int64_t s)
{
    pass_s(&t->one.b, s);
    pass_s(&t->other.b, s);
}

#endif

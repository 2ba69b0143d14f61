/* SPDX-License-Identifier: MIT */
/* The reactor, driven by hand under a clock that the test owns; and once with its own thread. */
#include "test.h"

#include "reactor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static _Atomic int64_t now_ms;
static struct reactor *reactor;
static struct clock fake;
static char order[64];

struct named_timer {
    struct timer timer;
    char name;
    struct named_timer *then; /* set for `after_ms` later when this one runs */
    int64_t after_ms;
};

static int64_t steady_ns(void *user) PAA_NOEXCEPT
{
    (void)user;
    return atomic_load(&now_ms) * 1000000;
}

static void begin(void)
{
    atomic_store(&now_ms, 1000);
    memset(&fake, 0, sizeof fake);
    fake.monotonic_fn = steady_ns;
    order[0] = '\0';
    reactor = reactor_new(&fake);
    if (reactor == NULL)
        abort();
}

static void note(char name)
{
    size_t size = strlen(order);

    order[size] = name;
    order[size + 1] = '\0';
}

static void on_timer(struct timer *timer)
{
    struct named_timer *named = (struct named_timer *)(void *)timer;

    note(named->name);
    if (named->then != NULL)
        (void)timer_set(reactor, &named->then->timer, atomic_load(&now_ms) + named->after_ms);
}

static struct named_timer named(char name)
{
    struct named_timer timer;

    memset(&timer, 0, sizeof timer);
    timer.timer.fn = on_timer;
    timer.name = name;
    return timer;
}

static int pass(int64_t ms)
{
    atomic_fetch_add(&now_ms, ms);
    return reactor_run_once(reactor, 0);
}

/* ---- timers --------------------------------------------------------------------------------------- */

TEST(timers_run_when_due_and_earliest_first)
{
    struct named_timer a = named('a'), b = named('b'), c = named('c');

    begin();
    CHECK(timer_set(reactor, &a.timer, 1030));
    CHECK(timer_set(reactor, &b.timer, 1010));
    CHECK(timer_set(reactor, &c.timer, 1020));
    CHECK_INT(pass(9), 0);
    CHECK_INT(pass(1), 1);
    CHECK_STR(paa_str_of(order), "b");
    CHECK_INT(pass(100), 2);
    CHECK_STR(paa_str_of(order), "bca");
    CHECK_INT(pass(100), 0);
    reactor_free(reactor);
}

TEST(setting_a_timer_again_moves_it)
{
    struct named_timer a = named('a'), b = named('b');

    begin();
    (void)timer_set(reactor, &a.timer, 1010);
    (void)timer_set(reactor, &b.timer, 1020);
    (void)timer_set(reactor, &a.timer, 1030);
    CHECK_INT(pass(20), 1);
    CHECK_STR(paa_str_of(order), "b");
    (void)timer_set(reactor, &a.timer, 1000);
    CHECK_INT(pass(0), 1);
    reactor_free(reactor);
}

TEST(a_cleared_timer_does_not_run)
{
    struct named_timer a = named('a'), b = named('b');

    begin();
    (void)timer_set(reactor, &a.timer, 1010);
    (void)timer_set(reactor, &b.timer, 1010);
    timer_clear(reactor, &a.timer);
    timer_clear(reactor, &a.timer); /* twice does no harm */
    CHECK_INT(pass(10), 1);
    CHECK_STR(paa_str_of(order), "b");
    reactor_free(reactor);
}

TEST(a_timer_may_set_timers_itself_included)
{
    struct named_timer a = named('a');

    begin();
    a.then = &a;
    a.after_ms = 5;
    (void)timer_set(reactor, &a.timer, 1005);
    CHECK_INT(pass(5), 1);
    CHECK_INT(pass(5), 1);
    CHECK_INT(pass(4), 0);
    CHECK_INT(pass(1), 1);
    CHECK_STR(paa_str_of(order), "aaa");
    reactor_free(reactor);
}

TEST(a_thousand_timers_in_any_order_run_in_order)
{
    enum { MANY = 1000 };
    static struct timer many[MANY];
    struct timer *at;

    begin();
    memset(many, 0, sizeof many);
    for (int i = 0; i < MANY; i++) {
        at = &many[i];
        at->fn = NULL;
        CHECK(timer_set(reactor, at, 1001 + (i * 7919) % MANY));
    }
    for (int i = 0; i < MANY; i += 3) /* a third leaves from anywhere in the heap */
        timer_clear(reactor, &many[i]);
    for (int i = 0; i < MANY; i++)
        CHECK_INT(many[i].place != 0, i % 3 != 0);
    for (int i = 0; i < MANY; i++)
        timer_clear(reactor, &many[i]);
    CHECK_INT(pass(5000), 0);
    reactor_free(reactor);
}

static int64_t due_before;
static int out_of_order;

static void on_ordered(struct timer *timer)
{
    if (timer->due_ms < due_before)
        out_of_order++;
    due_before = timer->due_ms;
}

TEST(what_stays_in_a_heap_with_holes_still_runs_in_order)
{
    enum { MANY = 500 };
    static struct timer many[MANY];
    int left = 0;

    begin();
    memset(many, 0, sizeof many);
    due_before = 0;
    out_of_order = 0;
    for (int i = 0; i < MANY; i++) {
        many[i].fn = on_ordered;
        (void)timer_set(reactor, &many[i], 1001 + (i * 7919) % 997);
    }
    for (int i = 0; i < MANY; i += 4)
        timer_clear(reactor, &many[i]);
    for (int i = 0; i < MANY; i++)
        left += many[i].place != 0;
    CHECK_INT(pass(2000), left);
    CHECK_INT(out_of_order, 0);
    reactor_free(reactor);
}

/* ---- descriptors ---------------------------------------------------------------------------------- */

struct pipe_reader {
    int fd[2];
    int calls;
    bool leaves; /* unwatches itself when called */
};

static void on_ready(uint32_t events, void *arg)
{
    struct pipe_reader *reader = arg;
    char byte;

    CHECK((events & EPOLLIN) != 0);
    reader->calls++;
    if (reader->leaves)
        reactor_unwatch(reactor, reader->fd[0]);
    else
        CHECK_INT(read(reader->fd[0], &byte, 1), 1);
}

TEST(a_ready_descriptor_is_told_until_it_is_read_and_no_longer_watched)
{
    struct pipe_reader reader = { .calls = 0 };

    begin();
    REQUIRE(pipe(reader.fd) == 0);
    CHECK_INT(reactor_watch(reactor, reader.fd[0], EPOLLIN, on_ready, &reader), 0);
    CHECK_INT(reactor_run_once(reactor, 0), 0);
    CHECK_INT(write(reader.fd[1], "abc", 3), 3);
    CHECK_INT(reactor_run_once(reactor, 0), 1);
    CHECK_INT(reactor_run_once(reactor, 0), 1);
    reader.leaves = true;
    CHECK_INT(reactor_run_once(reactor, 0), 1);
    CHECK_INT(reactor_run_once(reactor, 0), 0);
    CHECK_INT(reader.calls, 3);
    close(reader.fd[0]);
    close(reader.fd[1]);
    reactor_free(reactor);
}

TEST(what_cannot_be_watched_is_refused)
{
    begin();
    CHECK_INT(reactor_watch(reactor, -1, EPOLLIN, on_ready, NULL), -1);
    CHECK_INT(reactor_run_once(reactor, 0), 0);
    reactor_free(reactor);
}

/* ---- its own thread ------------------------------------------------------------------------------- */

struct rendezvous {
    struct timer timer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool has_begun;
    bool may_end;
    bool has_ended;
};

static void set(struct rendezvous *r, bool *flag)
{
    pthread_mutex_lock(&r->lock);
    *flag = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static void await(struct rendezvous *r, const bool *flag)
{
    pthread_mutex_lock(&r->lock);
    while (!*flag)
        pthread_cond_wait(&r->changed, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

static void slow_timer(struct timer *timer)
{
    struct rendezvous *r = (struct rendezvous *)(void *)timer;

    set(r, &r->has_begun);
    await(r, &r->may_end);
    r->has_ended = true; /* without the lock: clear must have waited for us */
}

static void *let_it_end(void *arg)
{
    struct rendezvous *r = arg;

    set(r, &r->may_end);
    return NULL;
}

TEST(clear_waits_for_a_function_that_runs)
{
    struct rendezvous r;
    pthread_t thread;

    begin();
    memset(&r, 0, sizeof r);
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.changed, NULL);
    r.timer.fn = slow_timer;
    CHECK_INT(reactor_start(reactor), 0);
    CHECK(timer_set(reactor, &r.timer, 1000));
    await(&r, &r.has_begun);
    pthread_create(&thread, NULL, let_it_end, &r);
    timer_clear(reactor, &r.timer);
    CHECK(r.has_ended);
    pthread_join(thread, NULL);
    reactor_free(reactor);
    pthread_mutex_destroy(&r.lock);
    pthread_cond_destroy(&r.changed);
}

TEST(a_sleeping_reactor_wakes_for_a_nearer_timer_and_to_end)
{
    struct rendezvous r;

    begin();
    memset(&r, 0, sizeof r);
    pthread_mutex_init(&r.lock, NULL);
    pthread_cond_init(&r.changed, NULL);
    r.timer.fn = slow_timer;
    r.may_end = true;
    CHECK_INT(reactor_start(reactor), 0);
    CHECK(timer_set(reactor, &r.timer, INT64_MAX));
    CHECK(timer_set(reactor, &r.timer, 900)); /* due already */
    await(&r, &r.has_begun);
    timer_clear(reactor, &r.timer);
    CHECK(r.has_ended);
    reactor_free(reactor);
    pthread_mutex_destroy(&r.lock);
    pthread_cond_destroy(&r.changed);
}

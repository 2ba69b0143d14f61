/* SPDX-License-Identifier: MIT */
/* Pins: what is pinned stays, what is not goes, while threads read and replace. */
#include "fork.h"
#include "test.h"

#include "pins.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIVE = 0x600d, DEAD = 0xdead, READERS = 4, ROUNDS = 20000 };

struct thing {
    _Atomic int state;
    int number;
};

static struct pin_domain *domain;
static _Atomic(void *) place;
static atomic_int freed;
static atomic_int bad;
static atomic_bool is_over;

static void free_thing(void *object, void *arg)
{
    struct thing *thing = object;

    atomic_fetch_add((atomic_int *)arg, 1);
    atomic_store_explicit(&thing->state, DEAD, memory_order_relaxed);
    free(thing);
}

static struct thing *thing_new(int number)
{
    struct thing *thing = calloc(1, sizeof *thing);

    if (thing == NULL)
        abort();
    atomic_store_explicit(&thing->state, LIVE, memory_order_relaxed);
    thing->number = number;
    return thing;
}

static void begin(void)
{
    domain = pin_domain_new();
    if (domain == NULL)
        abort();
    atomic_store(&freed, 0);
    atomic_store(&bad, 0);
    atomic_store(&is_over, false);
    atomic_store(&place, NULL);
}

static void replace(struct thing *thing)
{
    void *old = atomic_exchange(&place, thing);

    if (old != NULL)
        pin_retire(domain, old, free_thing, &freed);
}

TEST(what_is_pinned_outlives_its_retirement)
{
    struct pins pins;
    struct thing *seen;

    begin();
    pins_join(&pins, domain);
    replace(thing_new(1));
    seen = pins_get(&pins, &place);
    REQUIRE(seen != NULL);
    replace(NULL);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), 0);
    CHECK_INT(seen->number, 1);
    pins_release(&pins, 0);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), 1);
    pins_leave(&pins);
    pin_domain_free(domain);
}

TEST(an_empty_place_pins_nothing)
{
    struct pins pins;

    begin();
    pins_join(&pins, domain);
    CHECK(pins_get(&pins, &place) == NULL);
    CHECK_INT(pins_mark(&pins), 0);
    pins_leave(&pins);
    pin_domain_free(domain);
}

TEST(release_to_a_mark_drops_only_what_came_after_it)
{
    struct pins pins;
    size_t mark;

    begin();
    pins_join(&pins, domain);
    replace(thing_new(1));
    CHECK(pins_get(&pins, &place) != NULL);
    mark = pins_mark(&pins);
    replace(thing_new(2));
    CHECK(pins_get(&pins, &place) != NULL);
    replace(NULL);
    pins_release(&pins, mark);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), 1);
    pins_leave(&pins);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), 2);
    pin_domain_free(domain);
}

TEST(a_set_grows_beyond_its_first_slots)
{
    enum { MANY = PINS_INLINE * 5 + 1 };
    struct pins pins;

    begin();
    pins_join(&pins, domain);
    for (int i = 0; i < MANY; i++) {
        replace(thing_new(i));
        CHECK(pins_get(&pins, &place) != NULL);
    }
    replace(NULL);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), 0);
    pins_release(&pins, PINS_INLINE);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), MANY - PINS_INLINE);
    pins_leave(&pins);
    pin_domain_free(domain);
    CHECK_INT(atomic_load(&freed), MANY);
}

TEST(retired_objects_are_freed_without_anybody_asking)
{
    begin();
    for (int i = 0; i < 1000; i++)
        replace(thing_new(i));
    CHECK(atomic_load(&freed) > 500);
    replace(NULL);
    pin_domain_free(domain);
    CHECK_INT(atomic_load(&freed), 1000);
}

TEST(a_child_of_a_fork_frees_nothing_of_the_parents)
{
    struct pins pins;
    int status = -1;
    pid_t pid;

    begin();
    pins_join(&pins, domain);
    replace(thing_new(1));
    CHECK(pins_get(&pins, &place) != NULL);
    replace(NULL);
    pid = calm_fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        pin_domain_forget(domain);
        pin_collect(domain);
        _exit(atomic_load(&freed));
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    pins_leave(&pins);
    pin_domain_free(domain);
    CHECK_INT(atomic_load(&freed), 1);
}

TEST(what_another_thread_puts_in_a_pins_place_is_pinned)
{
    struct pins pins;
    struct thing *thing = thing_new(2);
    size_t mark;

    begin();
    pins_join(&pins, domain);
    replace(thing_new(1));
    mark = pins_mark(&pins);
    CHECK(pins_get(&pins, &place) != NULL);
    pins_put(&pins, mark, thing);
    pin_retire(domain, thing, free_thing, &freed);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), 0);
    pins_leave(&pins);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), 1);
    replace(NULL);
    pin_domain_free(domain);
}

static void free_and_retire(void *object, void *arg)
{
    if (((struct thing *)object)->number > 0) {
        struct thing *next = thing_new(((struct thing *)object)->number - 1);

        pin_retire(domain, next, free_and_retire, arg);
    }
    free_thing(object, arg);
}

TEST(freeing_may_retire_more)
{
    begin();
    pin_retire(domain, thing_new(5), free_and_retire, &freed);
    pin_collect(domain);
    CHECK_INT(atomic_load(&freed), 6);
    pin_domain_free(domain);
}

/* ---- threads -------------------------------------------------------------------------------------- */

static void *read_on(void *arg)
{
    struct pins pins;

    pins_join(&pins, domain);
    while (!atomic_load(&is_over)) {
        for (int i = 0; i < 3; i++) {
            struct thing *thing = pins_get(&pins, &place);

            if (thing != NULL && atomic_load_explicit(&thing->state, memory_order_relaxed) != LIVE)
                atomic_fetch_add(&bad, 1);
        }
        pins_release(&pins, 0);
    }
    pins_leave(&pins);
    return arg;
}

static void *join_and_leave(void *arg)
{
    while (!atomic_load(&is_over)) {
        struct pins pins;
        struct thing *thing;

        pins_join(&pins, domain);
        for (int i = 0; i < PINS_INLINE + 2; i++)
            if ((thing = pins_get(&pins, &place)) != NULL &&
                atomic_load_explicit(&thing->state, memory_order_relaxed) != LIVE)
                atomic_fetch_add(&bad, 1);
        pins_leave(&pins);
    }
    return arg;
}

static void *write_on(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        replace(thing_new(i));
    return arg;
}

TEST(readers_never_see_what_is_freed_while_two_writers_replace)
{
    pthread_t readers[READERS], comer, writers[2];

    begin();
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_on, NULL);
    pthread_create(&comer, NULL, join_and_leave, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&writers[i], NULL, write_on, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(writers[i], NULL);
    atomic_store(&is_over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    pthread_join(comer, NULL);
    replace(NULL);
    pin_domain_free(domain);
    CHECK_INT(atomic_load(&bad), 0);
    CHECK_INT(atomic_load(&freed), 2 * ROUNDS);
}

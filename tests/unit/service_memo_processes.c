/* SPDX-License-Identifier: MIT */
/* SHARED memos in several processes: one run for all, holders that die, waiters that go. Forked before anything starts. */
#include "fork.h"
#include "memo_shared.h"
#include "test.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { PROCESSES = 4, THREADS = 16 };

static struct stage { /* in memory that all processes share */
    _Atomic int runs;
    _Atomic int good;
    _Atomic int bad;
} * stage;

static int began[2]; /* a byte for each producer that begins */
static int asked[2]; /* a byte for each operation that waits */
static int go[2];    /* its end lets producers go on */

static void stage_open(void)
{
    stage = mmap(NULL, sizeof *stage, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stage == MAP_FAILED || pipe(began) != 0 || pipe(asked) != 0 || pipe(go) != 0)
        abort();
    play_init();
}

static void stage_close(void)
{
    int *ends[] = { &began[0], &began[1], &asked[0], &asked[1], &go[0] };

    for (size_t i = 0; i < 5; i++)
        close(*ends[i]);
    munmap(stage, sizeof *stage);
}

static void say(int fd)
{
    if (write(fd, "x", 1) != 1)
        abort();
}

static void hear(int fd, int count)
{
    char byte;

    for (int i = 0; i < count; i++)
        if (read(fd, &byte, 1) != 1)
            abort();
}

static enum paa_result produce_slowly(struct paa_op *op, const struct paa_memo_run *run)
{
    char byte;

    (void)run;
    atomic_fetch_add(&play.runs, 1);
    atomic_fetch_add(&stage->runs, 1);
    say(began[1]);
    (void)!read(go[0], &byte, 1);
    return make(op);
}

static struct paa_memo_def def_slow(void)
{
    struct paa_memo_def def = def_shared(PAA_MEMO_SECRET);

    def.produce = produce_slowly;
    return def;
}

struct getter {
    struct stand *s;
    pthread_t thread;
    bool cancels;
};

static void *get_in_thread(void *arg)
{
    struct getter *getter = arg;
    struct asker a;

    asker_open(&a, &getter->s->b, &getter->s->b.instance, OP_VERIFY);
    begin_get(&a, getter->s->memo, "same", 0);
    say(asked[1]);
    if (getter->cancels) {
        if (a.result == PAA_PENDING && !a.op.wait.kind->cancel(&a.op))
            abort(); /* nothing can have come yet */
        a.op.wait.state = OP_WAIT_NONE;
    } else {
        await_answer(&a);
        atomic_fetch_add(a.status == PAA_STATUS_OK && strcmp(a.text, "made 1") == 0 ? &stage->good
                                                                                    : &stage->bad,
                         1);
    }
    asker_close(&a);
    return NULL;
}

static void run_process(const struct shop *shop, bool half_cancel)
{
    struct paa_memo_def def = def_slow();
    struct getter getters[THREADS];
    struct stand s;

    close(go[1]);
    shared_open(&s, shop, &def);
    for (int i = 0; i < THREADS; i++) {
        getters[i] = (struct getter){ .s = &s, .cancels = half_cancel && i % 2 == 1 };
        if (pthread_create(&getters[i].thread, NULL, get_in_thread, &getters[i]) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(getters[i].thread, NULL);
    stand_close(&s);
    _exit(0);
}

static void run_once_in_all(bool half_cancel)
{
    pid_t children[PROCESSES];
    struct shop shop;
    int status;

    stage_open();
    shop_open(&shop);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = calm_fork();
        if (children[i] == 0)
            run_process(&shop, half_cancel);
    }
    hear(asked[0], PROCESSES * THREADS);
    hear(began[0], 1);
    close(go[1]); /* all of them wait: let it be made */
    for (int i = 0; i < PROCESSES; i++) {
        waitpid(children[i], &status, 0);
        CHECK_INT(status, 0);
    }
    CHECK_INT(stage->runs, 1);
    CHECK_INT(stage->good, PROCESSES * THREADS / (half_cancel ? 2 : 1));
    CHECK_INT(stage->bad, 0);
    stage_close();
    shop_close(&shop);
}

TEST(of_sixteen_threads_in_four_processes_one_asks_the_producer)
{
    run_once_in_all(false);
}

TEST(half_of_them_may_go_before_it_came)
{
    run_once_in_all(true);
}

static void get_alone(const struct shop *shop)
{
    struct paa_memo_def def = def_slow();
    struct stand s;

    close(go[1]);
    shared_open(&s, shop, &def);
    begin_get(&s.a, s.memo, "same", 0);
    say(asked[1]);
    await_answer(&s.a);
    atomic_fetch_add(s.a.status == PAA_STATUS_OK ? &stage->good : &stage->bad, 1);
    stand_close(&s);
    _exit(0);
}

static pid_t start(const struct shop *shop)
{
    pid_t child = calm_fork();

    if (child == 0)
        get_alone(shop);
    return child;
}

TEST(a_process_killed_while_its_producer_runs_is_followed_by_another)
{
    struct shop shop;
    pid_t first, others[2];
    int status;

    stage_open();
    shop_open(&shop);
    first = start(&shop);
    hear(began[0], 1);
    hear(asked[0], 1);
    for (int i = 0; i < 2; i++)
        others[i] = start(&shop);
    hear(asked[0], 2);
    CHECK_INT(stage->runs, 1);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    hear(began[0], 1); /* one takes over */
    close(go[1]);
    for (int i = 0; i < 2; i++) {
        waitpid(others[i], &status, 0);
        CHECK_INT(status, 0);
    }
    CHECK_INT(stage->runs, 2);
    CHECK_INT(stage->good, 2);
    stage_close();
    shop_close(&shop);
}

/* Says what it has until the parent's value has come; each round wakes the store's thread. */
static void follow_in_child(const struct shop *shop)
{
    struct paa_memo_def def = def_shared(0);
    struct stand s;

    shared_open(&s, shop, &def);
    if (get(&s.a, s.memo, "k") != PAA_STATUS_OK)
        _exit(1);
    say(asked[1]);
    hear(go[0], 1); /* it was put */
    while (strcmp(s.a.text, "by the parent") != 0) {
        next_op(&s);
        if (look(&s.a, s.memo, "something else") != PAA_STATUS_NONE ||
            get(&s.a, s.memo, "k") != PAA_STATUS_OK)
            _exit(2);
    }
    say(asked[1]);
    hear(go[0], 1); /* it was forgotten */
    do {
        next_op(&s);
        (void)look(&s.a, s.memo, "something else");
    } while (look(&s.a, s.memo, "k") != PAA_STATUS_NONE);
    stand_close(&s);
    _exit(0);
}

TEST(another_process_sees_what_was_put_and_forgotten)
{
    struct paa_memo_def def = def_shared(0);
    struct shop shop;
    struct stand s;
    int status = -1;
    pid_t child;

    stage_open();
    shop_open(&shop);
    child = calm_fork();
    if (child == 0)
        follow_in_child(&shop);
    hear(asked[0], 1);
    shared_open(&s, &shop, &def);
    CHECK_INT(put(&s.b, &s.a, s.memo, "k", "by the parent"), PAA_STATUS_OK);
    say(go[1]);
    hear(asked[0], 1);
    CHECK_INT(drop(&s.a, s.memo, "k", 0, PAA_QUERY_FORGET), PAA_STATUS_OK);
    say(go[1]);
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
    stand_close(&s);
    close(go[1]);
    stage_close();
    shop_close(&shop);
}

/* SPDX-License-Identifier: MIT */
/* Runs of producers: one for all who wait, deadlines, cancellation, rings, bounds, the end of their instance. */
#include "memo_asker.h"
#include "test.h"

enum { THREADS = 16, ROUNDS = 200 };

/* Everything that began has ended. */
static void close_and_check(struct stand *s)
{
    stand_close(s);
    CHECK(play.ended >= play.runs); /* decoding what was put is a run, too */
    CHECK_INT(play.released, play.decoded);
}

static void stand_open_decoded(struct stand *s)
{
    struct paa_memo_def def = def_decoded("tokens");

    stand_open(s, &def);
}

static bool cancel(struct asker *a)
{
    bool is_cancelled = a->op.wait.kind->cancel(&a->op);

    a->op.wait.state = OP_WAIT_NONE;
    return is_cancelled;
}

/* ---- single flight ---- */

struct getter {
    struct stand *s;
    pthread_t thread;
    enum paa_status status;
    int wrong;
};

static void *get_one(void *arg)
{
    struct getter *getter = arg;
    struct asker a;

    asker_open(&a, &getter->s->b, &getter->s->b.instance, OP_VERIFY);
    getter->status = get(&a, getter->s->memo, "same");
    getter->wrong = strcmp(a.text, "made 1") != 0 || strcmp(a.object, "made 1") != 0;
    asker_close(&a);
    return NULL;
}

TEST(sixteen_threads_that_miss_wait_for_one_run)
{
    struct getter getters[THREADS];
    struct stand s;

    stand_open_decoded(&s);
    close_gate();
    for (int i = 0; i < THREADS; i++) {
        getters[i] = (struct getter){ .s = &s };
        REQUIRE(pthread_create(&getters[i].thread, NULL, get_one, &getters[i]) == 0);
    }
    await_at_gate(1);
    open_gate();
    for (int i = 0; i < THREADS; i++) {
        pthread_join(getters[i].thread, NULL);
        CHECK_INT(getters[i].status, PAA_STATUS_OK);
        CHECK_INT(getters[i].wrong, 0);
    }
    CHECK_INT(play.runs, 1);
    close_and_check(&s);
}

/* Hits, renewals, drops and puts of a few keys at once: every object is whole while its operation lasts. */
static void *stir(void *arg)
{
    struct getter *getter = arg;
    unsigned seed = (unsigned)(uintptr_t)getter;
    char key[8];
    struct asker a;

    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 1103515245 + 12345;
        (void)snprintf(key, sizeof key, "k%u", seed >> 16 & 7);
        asker_open(&a, &getter->s->b, &getter->s->b.instance, OP_VERIFY);
        switch (seed >> 20 & 15) {
        case 0:
            (void)drop(&a, getter->s->memo, key, 0, PAA_QUERY_FORGET);
            break;
        case 1:
            (void)renew(&a, getter->s->memo, key, 0);
            break;
        case 2:
            (void)put(&getter->s->b, &a, getter->s->memo, key, "put");
            break;
        default:
            if (get(&a, getter->s->memo, key) == PAA_STATUS_OK && strcmp(a.text, a.object) != 0)
                getter->wrong++;
        }
        asker_close(&a);
    }
    return NULL;
}

TEST(threads_that_get_renew_put_and_drop_see_whole_values_only)
{
    struct getter getters[THREADS];
    struct stand s;

    stand_open_decoded(&s);
    s.memo->max_bytes = 2048; /* so that values go, too */
    for (int i = 0; i < THREADS; i++) {
        getters[i] = (struct getter){ .s = &s };
        REQUIRE(pthread_create(&getters[i].thread, NULL, stir, &getters[i]) == 0);
    }
    for (int i = 0; i < 20; i++)
        pass_s(&s.b, 7);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(getters[i].thread, NULL);
        CHECK_INT(getters[i].wrong, 0);
    }
    close_and_check(&s);
}

TEST(a_renewal_joins_the_run_under_way)
{
    struct paa_memo_query query = query_for("a");
    struct stand s;
    struct asker other;

    stand_open_decoded(&s);
    asker_open(&other, &s.b, &s.b.instance, OP_ATTACH);
    close_gate();
    begin_get(&s.a, s.memo, "a", 0);
    CHECK_INT(s.a.result, PAA_PENDING);
    returned(&other, services_host_memo.renew(&other.op.pub, s.memo, &query, then, &other));
    CHECK_INT(other.result, PAA_PENDING);
    open_gate();
    await_answer(&s.a);
    await_answer(&other);
    CHECK_INT(other.status, PAA_STATUS_OK);
    CHECK_INT(play.runs, 1);
    asker_close(&other);
    close_and_check(&s);
}

/* ---- cancellation and deadlines ---- */

TEST(who_stops_waiting_harms_nobody)
{
    struct stand s;
    struct asker other;

    stand_open_decoded(&s);
    asker_open(&other, &s.b, &s.b.instance, OP_VERIFY);
    close_gate();
    begin_get(&s.a, s.memo, "a", 0);
    begin_get(&other, s.memo, "a", 0);
    CHECK(cancel(&s.a));
    open_gate();
    await_answer(&other);
    CHECK_INT(other.status, PAA_STATUS_OK);
    CHECK_INT(s.a.calls, 0);
    asker_close(&other);
    close_and_check(&s);
}

TEST(a_run_outlives_all_who_asked_for_it)
{
    struct stand s;

    stand_open_decoded(&s);
    close_gate();
    begin_get(&s.a, s.memo, "a", 0);
    CHECK(cancel(&s.a));
    open_gate();
    await_idle(&s.b);
    begin_get(&s.a, s.memo, "a", PAA_QUERY_LOOK);
    CHECK_INT(s.a.status, PAA_STATUS_OK);
    close_and_check(&s);
}

TEST(what_was_posted_cannot_be_taken_back)
{
    struct stand s;

    stand_open_decoded(&s);
    begin_get(&s.a, s.memo, "a", 0);
    await_idle(&s.b);
    CHECK(!s.a.op.wait.kind->cancel(&s.a.op));
    await_answer(&s.a);
    CHECK_INT(s.a.status, PAA_STATUS_OK);
    close_and_check(&s);
}

TEST(a_run_that_waits_beyond_its_deadline_is_unavailable)
{
    struct stand s;

    stand_open_decoded(&s);
    play.waits = true;
    begin_get(&s.a, s.memo, "a", 0);
    CHECK_INT(s.a.result, PAA_PENDING);
    await_waiting(&s.b);
    pass_s(&s.b, 21);
    await_answer(&s.a);
    CHECK_INT(s.a.status, PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(s.a.sentence, "in time");
    close_and_check(&s);
}

TEST(a_run_waits_and_goes_on)
{
    struct stand s;

    stand_open_decoded(&s);
    s.memo->timeout_ms = INT32_MAX;
    play.waits = true;
    begin_get(&s.a, s.memo, "a", 0);
    await_waiting(&s.b);
    pass_s(&s.b, 3600);
    await_answer(&s.a);
    CHECK(s.a.status == PAA_STATUS_OK);
    close_and_check(&s);
}

TEST(runs_end_with_their_instance_whatever_they_wait_for)
{
    struct stand s;

    stand_open_decoded(&s);
    play.waits = true;
    for (int i = 0; i < 8; i++) {
        char key[8];
        struct asker a;

        (void)snprintf(key, sizeof key, "%d", i);
        asker_open(&a, &s.b, &s.b.instance, OP_VERIFY);
        begin_get(&a, s.memo, key, 0);
        CHECK(cancel(&a));
        asker_close(&a);
    }
    close_and_check(&s); /* finish was called for each that had begun */
}

/* ---- what must be followed up ---- */

static struct paa_table *marks;

static enum paa_result on_marked(struct paa_op *op, enum paa_status status,
                                 const struct paa_record *record, void *context)
{
    (void)record;
    return status == PAA_STATUS_OK ? op->host->clock->after(op, 3600 * 1000, after_timer, context)
                                   : PAA_UNAVAILABLE;
}

static enum paa_result mark(struct paa_op *op, const struct paa_memo_run *run)
{
    struct paa_record record;

    atomic_fetch_add(&play.runs, 1);
    paa_init(&record, sizeof record);
    record.key = run->key;
    return services_host_store.put(op, marks, &record, PAA_PUT_NEW | PAA_PUT_DURABLE, on_marked,
                                   NULL);
}

static void *close_memos(void *instance)
{
    memo_close_all((struct op_instance *)instance);
    return NULL;
}

static void await_closing(struct memo_group *group)
{
    bool is_closing;

    do {
        pthread_mutex_lock(&group->home_lock);
        is_closing = group->is_closing;
        pthread_mutex_unlock(&group->home_lock);
    } while (!is_closing && sched_yield() == 0);
}

/* "This is being spent", and then it is spent. */
TEST(a_run_that_has_put_a_mark_on_disk_goes_on_when_its_instance_ends)
{
    struct paa_memo_def def = def_decoded("tokens");
    struct stand s;
    pthread_t closing;

    def.produce = mark;
    stand_open(&s, &def);
    s.memo->timeout_ms = INT32_MAX;
    s.a.op.slot = OP_CREATE;
    CHECK_INT(services_host_store.open(&s.a.op.pub, "marks", 0, &marks), PAA_STATUS_OK);
    s.a.op.slot = OP_VERIFY;
    begin_get(&s.a, s.memo, "a", 0);
    await_waiting(&s.b);
    CHECK(cancel(&s.a)); /* nobody waits for it any more */
    REQUIRE(pthread_create(&closing, NULL, close_memos, &s.b.instance) == 0);
    await_closing(s.b.instance.memos->group);
    pass_s(&s.b, 3600);
    pthread_join(closing, NULL);
    CHECK_INT(play.decoded, 1); /* it came to what it makes */
    close_and_check(&s);
}

/* ---- rings and bounds ---- */

TEST(a_producer_may_wait_for_another_memo)
{
    struct paa_memo_def def = def_named("metadata");
    struct stand s;

    stand_open_decoded(&s);
    def.finish = NULL;
    def.produce = NULL;
    play.other = memo_in(&s.b, &s.b.instance, &def, NULL);
    put(&s.b, &s.a, play.other, "a", "metadata");
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    close_and_check(&s);
}

TEST(a_ring_of_memos_is_invalid)
{
    struct stand s;

    stand_open_decoded(&s);
    play.other = s.memo; /* its producer asks for what it is to make */
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(play.runs, 1);
    close_and_check(&s);
}

TEST(a_ring_through_a_second_memo_is_invalid_too)
{
    struct paa_memo_def def = def_decoded("second");
    struct stand s;

    stand_open_decoded(&s);
    /* first asks second; second's producer, the same function, asks second again */
    play.other = memo_in(&s.b, &s.b.instance, &def, NULL);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(play.runs, 2);
    close_and_check(&s);
}

TEST(an_instance_runs_64_at_a_time_and_the_others_follow)
{
    enum { MANY = MEMO_RUNS_MAX + 10 };
    struct asker *askers = calloc(MANY, sizeof *askers);
    struct stand s;
    char key[8];

    stand_open_decoded(&s);
    close_gate();
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof key, "%d", i);
        asker_open(&askers[i], &s.b, &s.b.instance, OP_VERIFY);
        begin_get(&askers[i], s.memo, key, 0);
    }
    CHECK_INT(s.memo->group->running, MEMO_RUNS_MAX);
    open_gate();
    for (int i = 0; i < MANY; i++) {
        await_answer(&askers[i]);
        CHECK_INT(askers[i].status, PAA_STATUS_OK);
        asker_close(&askers[i]);
    }
    await_idle(&s.b);
    CHECK_INT(s.memo->group->running, 0);
    free(askers);
    close_and_check(&s);
}

TEST(too_many_who_wait_are_limited)
{
    struct asker *askers = calloc(MEMO_WAITERS_MAX + 1, sizeof *askers);
    struct stand s;

    stand_open_decoded(&s);
    close_gate();
    for (int i = 0; i <= MEMO_WAITERS_MAX; i++) {
        asker_open(&askers[i], &s.b, &s.b.instance, OP_VERIFY);
        begin_get(&askers[i], s.memo, "a", 0);
    }
    CHECK_INT(askers[MEMO_WAITERS_MAX].status, PAA_STATUS_LIMITED);
    open_gate();
    for (int i = 0; i <= MEMO_WAITERS_MAX; i++) {
        await_answer(&askers[i]);
        asker_close(&askers[i]);
    }
    CHECK_INT(s.memo->group->waiters, 0);
    free(askers);
    close_and_check(&s);
}

static struct bench *late; /* whose clock moves while a run ends; NULL: none */

static void finish_late(struct paa_op *op)
{
    finish(op);
    if (late != NULL)
        atomic_fetch_add(&late->now_ms, 61 * 1000);
}

TEST(a_value_that_ended_while_its_renewal_failed_is_given_to_nobody)
{
    struct paa_memo_def def = def_named("tokens");
    struct stand s;

    def.finish = finish_late;
    stand_open(&s, &def);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    atomic_store(&play.result, PAA_UNAVAILABLE);
    CHECK_INT(renew(&s.a, s.memo, "a", 0), PAA_STATUS_OK); /* the one at hand serves */
    pass_s(&s.b, 31);
    late = &s.b;
    CHECK_INT(renew(&s.a, s.memo, "a", 0), PAA_STATUS_UNAVAILABLE);
    late = NULL;
    CHECK_INT(play.runs, 3);
    stand_close(&s);
}

/* SPDX-License-Identifier: MIT */
/* Requests that wait: cancelled at every point, ended by a stop, bounded, and many threads at once. */
#include "store_files.h"
#include "test.h"

#include <sqlite3.h>

/* A store that another connection keeps locked, so that writes stay queued until it lets go. */
struct jam {
    struct shop shop;
    struct world world;
    struct paa_table *table;
    sqlite3 *db;
};

static void jam_open(struct jam *jam)
{
    struct driver d;

    shop_open(&jam->shop);
    jam->table = shop_world(&jam->shop, &jam->world, 0);
    driver_init(&d, &jam->world, OP_VERB);
    CHECK_INT(put_to(&d, jam->table, "key", "v", 0, 0, 0), PAA_STATUS_OK);
    driver_free(&d);
    CHECK_INT(sqlite3_open(jam->shop.path, &jam->db), SQLITE_OK);
    sqlite3_busy_timeout(jam->db, INT32_MAX); /* the store's thread may still be at work */
    CHECK_INT(sqlite3_exec(jam->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

static void jam_release(struct jam *jam)
{
    if (jam->db == NULL)
        return;
    CHECK_INT(sqlite3_exec(jam->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(jam->db);
    jam->db = NULL;
}

static void jam_close(struct jam *jam)
{
    jam_release(jam);
    world_free(&jam->world);
    shop_close(&jam->shop);
}

static void start_put(struct driver *d, struct paa_table *table, const char *key)
{
    struct paa_record record;

    paa_init(&record, sizeof record);
    record.key = text_bytes(key);
    record.value = text_bytes("late");
    (void)op_settle(&d->op, services_host_store.put(&d->op.pub, table, &record, 0, driver_then, d));
}

static void start_lock(struct driver *d, struct paa_table *table)
{
    (void)op_settle(&d->op,
                    services_host_store.lock(&d->op.pub, table, text_bytes("key"), driver_then, d));
}

/* As the engine does: true, nothing comes; false, it is posted once and not resumed. */
static bool cancel(struct driver *d)
{
    bool gone = d->op.wait.kind->cancel(&d->op);

    pthread_mutex_lock(&d->lock);
    while (!gone && list_empty(&d->queue))
        pthread_cond_wait(&d->posted, &d->lock);
    CHECK(gone == list_empty(&d->queue));
    (void)list_take_first(&d->queue);
    pthread_mutex_unlock(&d->lock);
    d->op.wait.state = OP_WAIT_NONE;
    return gone;
}

/* The thread has been round once, whole, since this was called: a walk is answered by it alone, first in a round. */
static void await_rounds(struct driver *d, struct paa_table *table)
{
    (void)next_in(d, table, "", NULL);
    (void)next_in(d, table, "", NULL);
}

TEST(a_queued_write_that_is_cancelled_never_happens)
{
    struct jam jam;
    struct driver d;

    jam_open(&jam);
    driver_init(&d, &jam.world, OP_VERB);
    start_put(&d, jam.table, "late");
    CHECK(cancel(&d));
    jam_release(&jam);
    CHECK_INT(put_to(&d, jam.table, "other", "v", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&d, jam.table, "late"), PAA_STATUS_NONE);
    driver_free(&d);
    jam_close(&jam);
}

TEST(a_write_waits_five_seconds_for_another_process_and_no_longer)
{
    struct jam jam;
    struct driver late;
    struct driver d;

    jam_open(&jam);
    driver_init(&d, &jam.world, OP_VERB);
    driver_init(&late, &jam.world, OP_VERB);
    start_put(&late, jam.table, "late");
    atomic_fetch_add(&jam.world.now_ms, STORE_BUSY_MS - 1);
    await_rounds(&d, jam.table);
    CHECK(!driver_pump(&late, false));
    atomic_fetch_add(&jam.world.now_ms, 1);
    while (late.calls == 0)
        driver_pump(&late, true);
    CHECK_INT(late.status, PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(late.sentence, "another process keeps the store locked");
    jam_release(&jam);
    CHECK_INT(get_from(&d, jam.table, "late"), PAA_STATUS_NONE);
    driver_free(&late);
    driver_free(&d);
    jam_close(&jam);
}

TEST(a_request_cancelled_at_any_moment_is_posted_once_or_never)
{
    struct jam jam;
    struct driver d;
    int late = 0;

    jam_open(&jam);
    jam_release(&jam);
    driver_init(&d, &jam.world, OP_VERB);
    for (int i = 0; i < 300; i++) {
        (void)op_settle(&d.op, services_host_store.next(&d.op.pub, jam.table, text_bytes(""),
                                                        text_bytes(NULL), driver_then, &d));
        for (int spin = 0; spin < i * 200; spin++)
            atomic_signal_fence(memory_order_seq_cst);
        late += !cancel(&d);
    }
    for (int i = 0; i < 50; i++) { /* posted already */
        (void)op_settle(&d.op, services_host_store.next(&d.op.pub, jam.table, text_bytes(""),
                                                        text_bytes(NULL), driver_then, &d));
        pthread_mutex_lock(&d.lock);
        while (list_empty(&d.queue))
            pthread_cond_wait(&d.posted, &d.lock);
        pthread_mutex_unlock(&d.lock);
        CHECK(!cancel(&d));
    }
    CHECK_INT(d.calls, 0);
    CHECK(late <= 300);
    CHECK_INT(get_from(&d, jam.table, "key"), PAA_STATUS_OK);
    driver_free(&d);
    jam_close(&jam);
}

TEST(a_stop_ends_every_wait_as_unavailable)
{
    struct jam jam;
    struct driver d[4];
    struct driver holder;

    jam_open(&jam);
    driver_init(&holder, &jam.world, OP_VERB);
    CHECK_INT(lock_in(&holder, jam.table, "key"), PAA_STATUS_OK);
    for (int i = 0; i < 4; i++) {
        driver_init(&d[i], &jam.world, OP_VERB);
        if (i < 2)
            start_put(&d[i], jam.table, "late");
        else
            start_lock(&d[i], jam.table);
    }
    stores_stop(jam.world.services.stores);
    for (int i = 0; i < 4; i++) {
        CHECK(driver_pump(&d[i], false));
        CHECK_INT(d[i].status, PAA_STATUS_UNAVAILABLE);
        CHECK_HAS(d[i].sentence, "closing");
    }
    CHECK_INT(put_to(&d[0], jam.table, "late", "v", 0, 0, 0), PAA_STATUS_UNAVAILABLE);
    for (int i = 0; i < 4; i++)
        driver_free(&d[i]);
    driver_free(&holder);
    jam_close(&jam);
}

TEST(more_requests_than_may_wait_are_limited)
{
    enum { COUNT = STORE_QUEUE_MAX + 1 };
    struct jam jam;
    struct driver *d = calloc(COUNT, sizeof *d);
    int limited = 0;
    int waiting = 0;

    jam_open(&jam);
    for (int i = 0; i < COUNT; i++) {
        driver_init(&d[i], &jam.world, OP_VERB);
        start_put(&d[i], jam.table, "late");
        if (d[i].calls == 0)
            waiting++;
        else
            limited += d[i].status == PAA_STATUS_LIMITED;
    }
    CHECK_INT(waiting, STORE_QUEUE_MAX);
    CHECK_INT(limited, 1);
    jam_release(&jam);
    for (int i = 0; i < COUNT; i++) {
        while (d[i].calls == 0)
            driver_pump(&d[i], true);
        CHECK(d[i].status == PAA_STATUS_OK || d[i].status == PAA_STATUS_LIMITED);
        driver_free(&d[i]);
    }
    free(d);
    jam_close(&jam);
}

static void one_at_a_time(bool in_file)
{
    struct shop shop;
    struct world world;
    struct driver a;
    struct driver b;
    struct driver c;
    struct paa_table *table;
    int calls;

    shop_open(&shop);
    world_init(&world, 0);
    if (in_file)
        CHECK_INT(stores_define(world.services.stores, "state", shop.path, nowhere), 0);
    table = table_in(&world, "tokens", 0);
    driver_init(&a, &world, OP_PRODUCE);
    driver_init(&b, &world, OP_PRODUCE);
    driver_init(&c, &world, OP_PRODUCE);
    CHECK_INT(lock_in(&a, table, "key"), PAA_STATUS_OK);
    start_lock(&b, table);
    start_lock(&c, table);
    CHECK_INT(put_to(&a, table, "key", "v", 0, 0, 0),
              PAA_STATUS_OK); /* the thread has been round */
    CHECK(b.calls == 0 && c.calls == 0);
    CHECK(cancel(&b));
    store_op_ended(&a.op);
    while (c.calls == 0)
        driver_pump(&c, true);
    CHECK_INT(c.status, PAA_STATUS_OK);
    calls = a.calls;
    a.op.deadline_ms = atomic_load(&world.now_ms) + 20;
    start_lock(&a, table);
    await_rounds(&b, table);
    CHECK_INT(a.calls, calls);
    atomic_fetch_add(&world.now_ms, 20);
    while (a.calls == calls)
        driver_pump(&a, true);
    CHECK_INT(a.status, PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(a.sentence, "the time is over");
    a.op.deadline_ms = INT64_MAX;
    CHECK_INT(lock_in(&a, table, "another"), PAA_STATUS_OK);
    driver_free(&c);
    driver_free(&b);
    driver_free(&a);
    world_free(&world);
    shop_close(&shop);
}

TEST(a_key_of_a_store_in_memory_is_held_by_one_operation_at_a_time)
{
    one_at_a_time(false);
}

TEST(a_key_of_a_store_in_a_file_is_held_by_one_operation_at_a_time)
{
    one_at_a_time(true);
}

/* ---- threads ---- */

enum { READERS = 4, KEYS = 64, WRITES = 1500 };

struct crowd {
    struct world *world;
    struct paa_table *table;
    _Atomic bool over;
    _Atomic int wrong;
    _Atomic long hits;
    pthread_barrier_t begun;
};

static void *read_much(void *arg)
{
    struct crowd *crowd = arg;
    struct driver d;
    char key[32];

    driver_init(&d, crowd->world, OP_VERIFY);
    pthread_barrier_wait(&crowd->begun);
    for (unsigned i = 0; i < 2 * KEYS || !atomic_load(&crowd->over); i++) {
        snprintf(key, sizeof key, "key%u", i * 7 % KEYS);
        if (i % 2 == 0)
            expect_in(&d, crowd->table, key);
        if (get_from(&d, crowd->table, key) == PAA_STATUS_OK) {
            atomic_fetch_add(&crowd->hits, 1);
            if (strncmp(d.value, key, strlen(key)) != 0 || strcmp(d.key, key) != 0)
                atomic_fetch_add(&crowd->wrong, 1);
        } else if (d.status != PAA_STATUS_NONE) {
            atomic_fetch_add(&crowd->wrong, 1);
        }
        if (i % 3 == 0)
            driver_again(&d);
    }
    driver_free(&d);
    return NULL;
}

static void write_much(struct crowd *crowd)
{
    struct driver d;
    char key[32];
    char value[64];

    driver_init(&d, crowd->world, OP_VERB);
    pthread_barrier_wait(&crowd->begun);
    for (unsigned i = 0; i < WRITES; i++) {
        snprintf(key, sizeof key, "key%u", i % KEYS);
        snprintf(value, sizeof value, "%s is %u", key, i);
        if (i % 5 == 4)
            (void)remove_from(&d, crowd->table, key, 0);
        else
            CHECK_INT(put_to(&d, crowd->table, key, value, 0, 0, 0), PAA_STATUS_OK);
        snprintf(key, sizeof key, "more%u", i); /* the image grows meanwhile */
        CHECK_INT(put_to(&d, crowd->table, key, "x", 0, 0, 0), PAA_STATUS_OK);
    }
    driver_free(&d);
}

static void many_threads(bool in_file)
{
    struct shop shop;
    struct world world;
    struct crowd crowd = { .world = &world };
    pthread_t threads[READERS];

    shop_open(&shop);
    world_init(&world, 0);
    if (in_file)
        CHECK_INT(stores_define(world.services.stores, "state", shop.path, nowhere), 0);
    crowd.table = table_in(&world, "busy", 0);
    pthread_barrier_init(&crowd.begun, NULL, READERS + 1);
    for (int i = 0; i < READERS; i++)
        pthread_create(&threads[i], NULL, read_much, &crowd);
    write_much(&crowd);
    atomic_store(&crowd.over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&crowd.begun);
    CHECK_INT(atomic_load(&crowd.wrong), 0);
    CHECK(atomic_load(&crowd.hits) > 0);
    world_free(&world);
    shop_close(&shop);
}

TEST(readers_and_a_writer_share_a_store_in_memory)
{
    many_threads(false);
}

TEST(readers_and_a_writer_share_a_store_in_a_file)
{
    many_threads(true);
}

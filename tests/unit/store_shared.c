/* SPDX-License-Identifier: MIT */
/* Several processes on one file: the word beside it, forks, writers that die, keys held by one of them. */
#include "fork.h"
#include "store_files.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/wait.h>

static void write_one(struct shop *shop, const char *key, const char *value)
{
    struct world world;
    struct driver d;
    struct paa_table *table = shop_world(shop, &world, 0);

    driver_init(&d, &world, OP_VERB);
    if (value != NULL)
        CHECK_INT(put_to(&d, table, key, value, 0, 0, 0), PAA_STATUS_OK);
    else
        CHECK_INT(remove_from(&d, table, key, 0), PAA_STATUS_OK);
    driver_free(&d);
    world_free(&world);
}

/* The same in a process of its own, which has inherited nothing that is open. */
static int write_in_child(struct shop *shop, const char *key, const char *value)
{
    int status = -1;
    pid_t child = calm_fork();

    if (child == 0) {
        test_failures = 0;
        write_one(shop, key, value);
        _exit(test_failures);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static _Atomic uint64_t *map_word(struct shop *shop)
{
    int fd = open(shop->gen, O_RDWR);
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    close(fd);
    return page;
}

TEST(a_revocation_in_another_process_counts_at_the_next_look_up)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct paa_table *table;

    shop_open(&shop);
    write_one(&shop, "key", "live");
    table = shop_world(&shop, &world, 0);
    driver_init(&d, &world, OP_VERIFY);
    for (int i = 0; i < 20; i++) {
        CHECK(becomes_hot(&d, table, "key"));
        CHECK_INT(d.status, PAA_STATUS_OK);
        CHECK_INT(write_in_child(&shop, "key", NULL), 0);
        CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_NONE);
        CHECK(becomes_hot(&d, table, "key"));
        CHECK_INT(d.status, PAA_STATUS_NONE);
        CHECK_INT(write_in_child(&shop, "key", "live"), 0);
        CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
    }
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

/* Until it is closed, nobody else writes. */
static sqlite3 *hold_write_lock(struct shop *shop)
{
    sqlite3 *db = NULL;

    CHECK_INT(sqlite3_open(shop->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, INT32_MAX); /* the store's thread may be at it */
    CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

TEST(while_the_word_is_odd_the_file_is_asked_and_the_word_is_repaired)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct paa_table *table;
    _Atomic uint64_t *word;
    uint64_t even;
    enum paa_result result;
    sqlite3 *writer;

    shop_open(&shop);
    write_one(&shop, "key", "live");
    table = shop_world(&shop, &world, 0);
    driver_init(&d, &world, OP_VERIFY);
    CHECK(becomes_hot(&d, table, "key"));
    word = map_word(&shop);
    even = atomic_load(word);
    CHECK_INT(even % 2, 0);
    writer = hold_write_lock(&shop); /* else the word may be repaired before anybody asks */
    atomic_store(word, even + 1);    /* as a writer that was killed before its commit leaves it */
    result = services_host_store.get(&d.op.pub, table, text_bytes("key"), driver_then, &d);
    CHECK(d.op.wait.state != OP_WAIT_READY);
    CHECK_INT(driver_settle(&d, result), PAA_STATUS_OK);
    sqlite3_close(writer);
    CHECK(becomes_hot(&d, table, "key"));
    CHECK_INT(atomic_load(word), even);
    atomic_store(word, even - 1); /* as one that was killed right after it */
    CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
    CHECK(becomes_hot(&d, table, "key"));
    CHECK_INT(atomic_load(word), even);
    atomic_store(word, even + 1000); /* as a crash of the machine may leave it */
    CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
    CHECK_INT(write_in_child(&shop, "key", "second"), 0);
    CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
    CHECK(strcmp(d.value, "second") == 0);
    munmap((void *)(uintptr_t)word, 4096);
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

/* Removes the key, and, long after, writes another one: the mark of the removal is purged with that. */
static void remove_and_purge(struct shop *shop)
{
    struct world world;
    struct driver d;
    struct paa_table *table = shop_world(shop, &world, 0);

    driver_init(&d, &world, OP_VERB);
    CHECK_INT(remove_from(&d, table, "key", 0), PAA_STATUS_OK);
    world_pass(&world, 100000);
    CHECK_INT(put_to(&d, table, "other", "v", 0, 0, 0), PAA_STATUS_OK);
    driver_free(&d);
    world_free(&world);
}

static int64_t purged_in(struct shop *shop)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t purged = -1;

    if (sqlite3_open(shop->path, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT purged FROM meta", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        purged = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return purged;
}

TEST(a_removal_is_seen_even_if_its_mark_was_purged_meanwhile)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct paa_table *table;
    int status = -1;
    pid_t child;

    shop_open(&shop);
    write_one(&shop, "key", "live");
    table = shop_world(&shop, &world, 0);
    driver_init(&d, &world, OP_VERIFY);
    CHECK(becomes_hot(&d, table, "key"));
    CHECK_INT(d.status, PAA_STATUS_OK);
    child = calm_fork();
    if (child == 0) {
        test_failures = 0;
        remove_and_purge(&shop);
        _exit(test_failures);
    }
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
    CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_NONE);
    CHECK(becomes_hot(&d, table, "key"));
    CHECK_INT(d.status, PAA_STATUS_NONE);
    CHECK(becomes_hot(&d, table, "other"));
    CHECK_INT(d.status, PAA_STATUS_OK);
    driver_free(&d);
    world_free(&world);
    CHECK(purged_in(&shop) > 0);
    shop_close(&shop);
}

/* Alternates one key between two values until it is killed; says each commit that returned. */
static void write_until_killed(struct shop *shop, _Atomic uint64_t *said)
{
    struct world world;
    struct driver d;
    struct paa_table *table = shop_world(shop, &world, 0);
    char value[32];

    driver_init(&d, &world, OP_VERB);
    for (uint64_t i = atomic_load(said) + 1;; i++) {
        snprintf(value, sizeof value, "%llu", (unsigned long long)i);
        if (put_to(&d, table, "key", value, 0, 0, 0) != PAA_STATUS_OK) {
            TEST_FAIL("refused: %s", d.sentence);
            _exit(1);
        }
        atomic_store(said, i);
    }
}

TEST(a_writer_killed_anywhere_loses_no_commit_and_leaves_no_stale_image)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct paa_table *table;
    _Atomic uint64_t *said =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    shop_open(&shop);
    write_one(&shop, "key", "0");
    table = shop_world(&shop, &world, 0);
    driver_init(&d, &world, OP_VERIFY);
    for (int round = 0; round < 30; round++) {
        uint64_t before = atomic_load(said);
        uint64_t known = before;
        pid_t child = calm_fork();

        if (child == 0)
            write_until_killed(&shop, said);
        while (known < before + 3 + (uint64_t)round % 5) { /* never older than what was said */
            uint64_t promised = atomic_load(said);

            CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
            known = strtoull(d.value, NULL, 10);
            CHECK(known >= promised);
            REQUIRE(waitpid(child, NULL, WNOHANG) == 0);
        }
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
        CHECK(strtoull(d.value, NULL, 10) >= atomic_load(said));
        CHECK(becomes_hot(&d, table, "key"));
        known = strtoull(d.value, NULL, 10);
        CHECK(known >= atomic_load(said));
        atomic_store(said, known);
    }
    munmap((void *)(uintptr_t)said, 4096);
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

TEST(after_a_fork_parent_and_child_both_go_on_with_the_store)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct paa_table *table;
    int status = -1;
    pid_t child;

#ifdef BUILT_FOR_TSAN
    return; /* its runtime ends children whose new threads reuse the number of one of the parent's */
#endif
    shop_open(&shop);
    write_one(&shop, "key", "before");
    table = shop_world(&shop, &world, 0);
    driver_init(&d, &world, OP_VERB);
    CHECK(becomes_hot(&d, table, "key"));
    child = calm_fork();
    if (child == 0) {
        test_failures = 0;
        CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
        CHECK_INT(put_to(&d, table, "key", "child", 0, 0, 0), PAA_STATUS_OK);
        CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
        CHECK(strcmp(d.value, "child") == 0);
        driver_free(&d);
        world_free(&world);
        _exit(test_failures);
    }
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
    CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
    CHECK(strcmp(d.value, "child") == 0);
    CHECK_INT(put_to(&d, table, "key", "parent", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
    CHECK(strcmp(d.value, "parent") == 0);
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

TEST(two_contexts_share_one_store_and_end_in_either_order)
{
    struct shop shop;
    struct world worlds[2];
    struct driver d[2];
    struct paa_table *table[2];

    shop_open(&shop);
    for (int i = 0; i < 2; i++) {
        table[i] = shop_world(&shop, &worlds[i], 0);
        driver_init(&d[i], &worlds[i], OP_VERB);
    }
    CHECK_INT(put_to(&d[0], table[0], "key", "first", 0, 0, 0), PAA_STATUS_OK);
    CHECK(becomes_hot(&d[1], table[1], "key"));
    for (int i = 0; i < 300; i++)
        CHECK_INT(put_to(&d[i % 2], table[i % 2], "key", i % 2 ? "odd" : "even", 0, 0, 0),
                  PAA_STATUS_OK);
    CHECK_INT(get_from(&d[0], table[0], "key"), PAA_STATUS_OK);
    CHECK(strcmp(d[0].value, "odd") == 0);
    driver_free(&d[0]);
    world_free(&worlds[0]);
    CHECK_INT(get_from(&d[1], table[1], "key"), PAA_STATUS_OK);
    driver_free(&d[1]);
    world_free(&worlds[1]);
    shop_close(&shop);
}

/* Holds the key until the parent closes the pipe's end, or is killed. */
static void hold_in_child(struct shop *shop, int say, int wait_for)
{
    struct world world;
    struct driver d;
    struct paa_table *table = shop_world(shop, &world, 0);
    char byte = 'x';

    driver_init(&d, &world, OP_VERB);
    if (lock_in(&d, table, "refresh") != PAA_STATUS_OK)
        _exit(1);
    if (write(say, &byte, 1) != 1 || read(wait_for, &byte, 1) < 0)
        _exit(2);
    driver_free(&d);
    world_free(&world);
    _exit(0);
}

static void lock_waits(bool kill_holder)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct driver other;
    struct paa_table *table;
    int said[2];
    int stop[2];
    char byte;
    pid_t child;

    shop_open(&shop);
    write_one(&shop, "key", "v");
    REQUIRE(pipe(said) == 0 && pipe(stop) == 0);
    child = calm_fork();
    if (child == 0) {
        close(stop[1]);
        hold_in_child(&shop, said[1], stop[0]);
    }
    CHECK_INT(read(said[0], &byte, 1), 1);
    table = shop_world(&shop, &world, 0);
    driver_init(&d, &world, OP_VERB);
    driver_init(&other, &world, OP_VERB);
    CHECK_INT(lock_in(&other, table, "another key"), PAA_STATUS_OK);
    other.op.deadline_ms = 0;
    CHECK_INT(lock_in(&other, table, "second"), PAA_STATUS_INVALID);
    (void)op_settle(&d.op, services_host_store.lock(&d.op.pub, table, text_bytes("refresh"),
                                                    driver_then, &d));
    CHECK_INT(get_from(&other, table, "key"), PAA_STATUS_OK);
    CHECK_INT(d.calls, 0);
    if (kill_holder)
        kill(child, SIGKILL);
    close(stop[1]);
    while (d.calls == 0)
        driver_pump(&d, true);
    CHECK_INT(d.status, PAA_STATUS_OK);
    waitpid(child, NULL, 0);
    close(said[0]);
    close(said[1]);
    close(stop[0]);
    driver_free(&other);
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

TEST(a_key_held_by_another_process_is_waited_for)
{
    lock_waits(false);
}

TEST(a_key_held_by_a_process_that_was_killed_is_free)
{
    lock_waits(true);
}

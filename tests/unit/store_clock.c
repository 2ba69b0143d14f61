/* SPDX-License-Identifier: MIT */
/* What a store throws away when a clock is right, and keeps when it is wrong: in one process, and in many short ones. */
#include "store_till.h"

#define IS_BEFORE "SELECT count(*) FROM records WHERE key = CAST('before' AS BLOB)"

enum { LIFE_S = 1200, BEGIN_S = 1000000, HOUR = 3600, DAY = 24 * HOUR };

struct clocks {
    int64_t wall_s;
    int64_t steady_s;
};

/* As a process that lives for one write: paactl, or a host that is started for each request. */
static void write_once(const struct shop *shop, const char *key, struct clocks at)
{
    struct till till;

    till_begin(&till, shop->path, 0);
    atomic_store(&till.world.now_s, at.wall_s);
    atomic_store(&till.world.now_ms, at.steady_s * 1000);
    till_go_on(&till);
    CHECK_INT(put_to(&till.d, till.table, key, "v", at.wall_s + LIFE_S, 0, 0), PAA_STATUS_OK);
    till_close(&till);
}

static int64_t records_in(const struct shop *shop)
{
    return number_in(shop->path, "SELECT count(*) FROM records");
}

TEST(what_expired_is_thrown_away_when_both_clocks_have_passed)
{
    struct shop shop;
    struct till till;

    shop_open(&shop);
    till_open(&till, shop.path, 0);
    CHECK_INT(put_to(&till.d, till.table, "old", "v", BEGIN_S + LIFE_S, 0, 0), PAA_STATUS_OK);
    world_pass(&till.world, LIFE_S + STORE_PURGE_AFTER_S - 1);
    CHECK_INT(put_one(&till, "new", "v"), PAA_STATUS_OK);
    CHECK_INT(records_in(&shop), 2);
    world_pass(&till.world, 1);
    CHECK_INT(put_one(&till, "newer", "v"), PAA_STATUS_OK);
    CHECK_INT(records_in(&shop), 2);
    till_close(&till);
    shop_close(&shop);
}

TEST(what_expired_is_thrown_away_by_processes_that_live_for_one_write)
{
    struct shop shop;

    shop_open(&shop);
    for (int i = 0; i < 5; i++) {
        char key[8];

        snprintf(key, sizeof key, "%d", i);
        write_once(&shop, key, (struct clocks){ BEGIN_S + i * HOUR, i * HOUR });
        CHECK_INT(records_in(&shop), 1);
    }
    shop_close(&shop);
}

TEST(a_process_that_lives_for_one_write_throws_nothing_away_by_a_wrong_clock)
{
    struct shop shop;

    shop_open(&shop);
    write_once(&shop, "before", (struct clocks){ BEGIN_S, 100 });
    write_once(&shop, "meanwhile", (struct clocks){ BEGIN_S + DAY, 110 });
    write_once(&shop, "booted", (struct clocks){ BEGIN_S + DAY, 10 });
    write_once(&shop, "after", (struct clocks){ BEGIN_S + 30, 20 });
    CHECK_INT(records_in(&shop), 4);
    CHECK_INT(number_in(shop.path, IS_BEFORE), 1);
    write_once(&shop, "later", (struct clocks){ BEGIN_S + HOUR, HOUR });
    CHECK_INT(number_in(shop.path, IS_BEFORE), 0);
    shop_close(&shop);
}

TEST(a_clock_that_stays_ahead_is_believed_in_the_end)
{
    struct shop shop;

    shop_open(&shop);
    write_once(&shop, "before", (struct clocks){ BEGIN_S, 0 });
    write_once(&shop, "woken", (struct clocks){ BEGIN_S + DAY, 60 }); /* the machine slept */
    write_once(&shop, "waited", (struct clocks){ BEGIN_S + DAY + 899, 959 });
    CHECK_INT(records_in(&shop), 3);
    write_once(&shop, "believed", (struct clocks){ BEGIN_S + DAY + 900, 960 });
    CHECK_INT(records_in(&shop), 3);
    CHECK_INT(number_in(shop.path, IS_BEFORE), 0);
    shop_close(&shop);
}

/* Overwritten cells tell nothing: what is there is asked for by a clock that was put right. */
static void stays_in_memory(const char *path)
{
    struct till till;
    char key[16];

    till_open(&till, path, 0);
    CHECK_INT(put_to(&till.d, till.table, "before", "v", BEGIN_S + LIFE_S, 0, 0), PAA_STATUS_OK);
    atomic_fetch_add(&till.world.now_s, DAY);
    for (int i = 0; i < 100; i++) { /* each looks at a part of the table */
        snprintf(key, sizeof key, "during-%d", i);
        CHECK_INT(put_one(&till, key, "v"), PAA_STATUS_OK);
    }
    CHECK_INT(get_from(&till.d, till.table, "before"), PAA_STATUS_NONE); /* by that clock */
    atomic_fetch_sub(&till.world.now_s, DAY);
    CHECK_INT(get_from(&till.d, till.table, "before"), PAA_STATUS_OK);
    CHECK_INT(put_to(&till.d, till.table, "before", "v", 0, PAA_PUT_NEW, 0), PAA_STATUS_EXISTS);
    till_close(&till);
}

TEST(a_clock_that_was_wrong_takes_nothing_out_of_memory)
{
    struct shop shop;

    shop_open(&shop);
    stays_in_memory(NULL);
    stays_in_memory(shop.path);
    shop_close(&shop);
}

TEST(a_table_that_was_loaded_by_a_wrong_clock_lacks_nothing)
{
    struct shop shop;
    struct till till;

    shop_open(&shop);
    write_once(&shop, "before", (struct clocks){ BEGIN_S, 0 });
    till_open(&till, shop.path, 0);
    atomic_store(&till.world.now_s, BEGIN_S + DAY);
    CHECK(becomes_hot(&till.d, till.table, "before"));
    CHECK_INT(till.d.status, PAA_STATUS_NONE);
    atomic_store(&till.world.now_s, BEGIN_S);
    CHECK(becomes_hot(&till.d, till.table, "before"));
    CHECK_INT(till.d.status, PAA_STATUS_OK);
    till_close(&till);
    shop_close(&shop);
}

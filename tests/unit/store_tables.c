/* SPDX-License-Identifier: MIT */
/* Tables of both kinds of store: every call, compare-and-set, expiry, refusals. */
#include "store_files.h"
#include "test.h"

#include <errno.h>

struct bench { /* one table of either kind, and two operations */
    struct shop shop;
    struct world world;
    struct driver d;
    struct paa_table *table;
    bool in_file;
};

static void bench_open(struct bench *b, bool in_file)
{
    b->in_file = in_file;
    shop_open(&b->shop);
    world_init(&b->world, 0);
    if (in_file && stores_define(b->world.services.stores, "state", b->shop.path, nowhere) != 0)
        abort();
    b->table = table_in(&b->world, "replays", 0);
    driver_init(&b->d, &b->world, OP_VERIFY);
}

static void bench_close(struct bench *b)
{
    driver_free(&b->d);
    world_free(&b->world);
    shop_close(&b->shop);
}

static void keeps_and_forgets(bool in_file)
{
    struct bench b;
    uint64_t first;

    bench_open(&b, in_file);
    REQUIRE(b.table != NULL);
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_NONE);
    CHECK_INT(put_to(&b.d, b.table, "a", "one", 0, 0, 0), PAA_STATUS_OK);
    first = b.d.version;
    CHECK(first != 0);
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_OK);
    CHECK_INT(b.d.version, first);
    CHECK(strcmp(b.d.value, "one") == 0 && strcmp(b.d.key, "a") == 0);
    CHECK_INT(put_to(&b.d, b.table, "a", "two", 0, 0, 0), PAA_STATUS_OK);
    CHECK(b.d.version > first);
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "two") == 0);
    CHECK_INT(remove_from(&b.d, b.table, "a", 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_NONE);
    CHECK_INT(remove_from(&b.d, b.table, "a", 0), PAA_STATUS_NONE);
    CHECK_INT(put_to(&b.d, b.table, "", "", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, b.table, ""), PAA_STATUS_OK);
    CHECK_INT(b.d.value_size, 0);
    bench_close(&b);
}

TEST(a_store_in_memory_keeps_and_forgets)
{
    keeps_and_forgets(false);
}

TEST(a_store_in_a_file_keeps_and_forgets)
{
    keeps_and_forgets(true);
}

static void compares_and_sets(bool in_file)
{
    struct bench b;
    uint64_t version;

    bench_open(&b, in_file);
    CHECK_INT(put_to(&b.d, b.table, "jti", "1", 0, PAA_PUT_NEW, 0), PAA_STATUS_OK);
    version = b.d.version;
    CHECK_INT(put_to(&b.d, b.table, "jti", "2", 0, PAA_PUT_NEW, 0), PAA_STATUS_EXISTS);
    CHECK_INT(get_from(&b.d, b.table, "jti"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "1") == 0);
    CHECK_INT(put_to(&b.d, b.table, "jti", "3", 0, PAA_PUT_SAME, version + 1), PAA_STATUS_EXISTS);
    CHECK_INT(put_to(&b.d, b.table, "jti", "3", 0, PAA_PUT_SAME, version), PAA_STATUS_OK);
    CHECK_INT(put_to(&b.d, b.table, "jti", "4", 0, PAA_PUT_SAME, version), PAA_STATUS_EXISTS);
    CHECK_INT(put_to(&b.d, b.table, "none", "4", 0, PAA_PUT_SAME, version), PAA_STATUS_EXISTS);
    CHECK_INT(remove_from(&b.d, b.table, "jti", version), PAA_STATUS_EXISTS);
    CHECK_INT(get_from(&b.d, b.table, "jti"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "3") == 0);
    version = b.d.version;
    CHECK_INT(remove_from(&b.d, b.table, "jti", version), PAA_STATUS_OK);
    CHECK_INT(put_to(&b.d, b.table, "jti", "5", 0, PAA_PUT_NEW, 0), PAA_STATUS_OK);
    CHECK(b.d.version > version);
    bench_close(&b);
}

TEST(a_store_in_memory_compares_and_sets)
{
    compares_and_sets(false);
}

TEST(a_store_in_a_file_compares_and_sets)
{
    compares_and_sets(true);
}

static void forgets_at_that_second(bool in_file)
{
    struct bench b;
    int64_t now_s;

    bench_open(&b, in_file);
    now_s = atomic_load(&b.world.now_s);
    CHECK_INT(put_to(&b.d, b.table, "k", "v", now_s + 10, 0, 0), PAA_STATUS_OK);
    CHECK_INT(put_to(&b.d, b.table, "far", "v", INT64_MAX, 0, 0), PAA_STATUS_OK);
    atomic_store(&b.world.now_s, now_s + 9);
    CHECK_INT(get_from(&b.d, b.table, "k"), PAA_STATUS_OK);
    CHECK_INT(put_to(&b.d, b.table, "k", "w", 0, PAA_PUT_NEW, 0), PAA_STATUS_EXISTS);
    atomic_store(&b.world.now_s, now_s + 10);
    CHECK_INT(get_from(&b.d, b.table, "k"), PAA_STATUS_NONE);
    CHECK_INT(next_in(&b.d, b.table, "k", NULL), PAA_STATUS_NONE);
    CHECK_INT(remove_from(&b.d, b.table, "k", 0), PAA_STATUS_NONE);
    CHECK_INT(put_to(&b.d, b.table, "k", "w", 0, PAA_PUT_NEW, 0), PAA_STATUS_OK);
    atomic_store(&b.world.now_s, now_s + 1000000);
    CHECK_INT(get_from(&b.d, b.table, "k"), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, b.table, "far"), PAA_STATUS_OK);
    atomic_store(&b.world.now_s, -1);
    CHECK_INT(get_from(&b.d, b.table, "far"), PAA_STATUS_UNAVAILABLE);
    bench_close(&b);
}

TEST(a_record_in_memory_is_gone_at_the_second_it_expires)
{
    forgets_at_that_second(false);
}

TEST(a_record_in_a_file_is_gone_at_the_second_it_expires)
{
    forgets_at_that_second(true);
}

static void walks_in_order(bool in_file)
{
    static const char *const keys[] = { "p/b", "q", "p/", "p/aa", "p/a", "o/z", "p" };
    static const char *const order[] = { "p/", "p/a", "p/aa", "p/b" };
    struct bench b;
    const char *after = NULL;
    char last[256];

    bench_open(&b, in_file);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        CHECK_INT(put_to(&b.d, b.table, keys[i], keys[i], 0, 0, 0), PAA_STATUS_OK);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        CHECK_INT(next_in(&b.d, b.table, "p/", after), PAA_STATUS_OK);
        CHECK(strcmp(b.d.key, order[i]) == 0 && strcmp(b.d.value, order[i]) == 0);
        snprintf(last, sizeof last, "%s", b.d.key);
        after = last;
    }
    CHECK_INT(next_in(&b.d, b.table, "p/", after), PAA_STATUS_NONE);
    CHECK_INT(next_in(&b.d, b.table, "", NULL), PAA_STATUS_OK);
    CHECK(strcmp(b.d.key, "o/z") == 0);
    CHECK_INT(next_in(&b.d, b.table, "p/", "a"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.key, "p/") == 0);
    bench_close(&b);
}

TEST(a_store_in_memory_is_walked_in_the_order_of_keys)
{
    walks_in_order(false);
}

TEST(a_store_in_a_file_is_walked_in_the_order_of_keys)
{
    walks_in_order(true);
}

static void bounds(bool in_file)
{
    struct bench b;
    char key[300];
    char *value = malloc(STORE_VALUE_MAX + 2);

    bench_open(&b, in_file);
    memset(key, 'k', sizeof key);
    memset(value, 'v', STORE_VALUE_MAX + 1);
    key[256] = '\0';
    value[STORE_VALUE_MAX + 1] = '\0';
    CHECK_INT(get_from(&b.d, b.table, key), PAA_STATUS_TOO_LARGE);
    CHECK_INT(put_to(&b.d, b.table, key, "v", 0, 0, 0), PAA_STATUS_TOO_LARGE);
    key[255] = '\0';
    CHECK_INT(put_to(&b.d, b.table, key, value, 0, 0, 0), PAA_STATUS_TOO_LARGE);
    value[STORE_VALUE_MAX] = '\0';
    CHECK_INT(put_to(&b.d, b.table, key, value, 0, 0, 0), PAA_STATUS_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(get_from(&b.d, b.table, key), PAA_STATUS_OK);
        CHECK_INT(b.d.value_size, STORE_VALUE_MAX);
        CHECK(memcmp(b.d.value, value, STORE_VALUE_MAX) == 0);
    }
    CHECK_INT(put_to(&b.d, b.table, "k", "v", -1, 0, 0), PAA_STATUS_INVALID);
    CHECK_INT(put_to(&b.d, b.table, "k", "v", 0, 1u << 30, 0), PAA_STATUS_INVALID);
    CHECK_INT(put_to(&b.d, b.table, "k", "v", 0, PAA_PUT_SAME, 0), PAA_STATUS_INVALID);
    CHECK_INT(put_to(&b.d, b.table, "k", "v", 0, PAA_PUT_SAME | PAA_PUT_NEW, 1),
              PAA_STATUS_INVALID);
    free(value);
    bench_close(&b);
}

TEST(a_store_in_memory_bounds_keys_and_values)
{
    bounds(false);
}

TEST(a_store_in_a_file_bounds_keys_and_values)
{
    bounds(true);
}

TEST(tables_are_parted_by_name_instance_and_trust)
{
    struct bench b;
    struct paa_table *other;
    struct paa_table *trusted;
    struct paa_table *wide;
    struct paa_table *wide_too;

    bench_open(&b, true);
    CHECK_INT(stores_define(b.world.services.stores, "keys", b.shop.path, nowhere), 0);
    other = table_in(&b.world, "others", 0);
    trusted = table_in(&b.world, "replays", PAA_TABLE_TRUSTED);
    wide = table_in(&b.world, "wide", PAA_TABLE_PLUGIN);
    b.world.instance.name = "second";
    wide_too = table_in(&b.world, "wide", PAA_TABLE_PLUGIN);
    REQUIRE(other != NULL && trusted != NULL && wide != NULL && wide_too != NULL);
    CHECK_INT(put_to(&b.d, b.table, "k", "v", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, other, "k"), PAA_STATUS_NONE);
    CHECK_INT(get_from(&b.d, trusted, "k"), PAA_STATUS_NONE);
    CHECK_INT(put_to(&b.d, wide, "k", "w", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, wide_too, "k"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "w") == 0);
    CHECK_INT(get_from(&b.d, table_in(&b.world, "replays", 0), "k"), PAA_STATUS_NONE);
    bench_close(&b);
}

TEST(a_trusted_table_needs_a_defined_store_and_is_written_by_verbs_only)
{
    struct world world;
    struct driver d;
    struct shop shop;
    struct paa_table *table = NULL, *memory;

    shop_open(&shop);
    world_init(&world, 0);
    driver_init(&d, &world, OP_CREATE);
    CHECK_INT(services_host_store.open(&d.op.pub, "records", PAA_TABLE_TRUSTED, &table),
              PAA_STATUS_INVALID);
    CHECK(table == NULL);
    CHECK(d.op.sentence.data != NULL);
    CHECK_HAS(d.op.sentence.data, "add `stores = { keys = \"/path/keys.db\"; };`");
    CHECK_INT(stores_define(world.services.stores, "keys", shop.path, nowhere), 0);
    CHECK_INT(services_host_store.open(&d.op.pub, "records", PAA_TABLE_TRUSTED, &table),
              PAA_STATUS_OK);
    CHECK_INT(services_host_store.open(&d.op.pub, "a/b", 0, &table), PAA_STATUS_INVALID);
    CHECK_INT(services_host_store.open(&d.op.pub, "x", 1u << 20, &table), PAA_STATUS_INVALID);
    driver_free(&d);
    table = table_in(&world, "records", PAA_TABLE_TRUSTED);
    memory = table_in(&world, "records", 0);
    REQUIRE(table != NULL && memory != NULL);
    driver_init(&d, &world, OP_VERIFY);
    CHECK_INT(services_host_store.lasts(&d.op.pub, table), 1);
    CHECK_INT(services_host_store.lasts(&d.op.pub, memory), 0);
    CHECK_INT(put_to(&d, table, "k", "v", 0, 0, 0), PAA_STATUS_INVALID);
    CHECK_INT(remove_from(&d, table, "k", 0), PAA_STATUS_INVALID);
    CHECK_INT(get_from(&d, table, "k"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(d.sentence, "does not exist");
    CHECK_INT(access(shop.path, F_OK), -1);
    CHECK_INT(services_host_store.open(&d.op.pub, "x", 0, &table), PAA_STATUS_INVALID);
    driver_free(&d);
    driver_init(&d, &world, OP_VERB);
    CHECK_INT(get_from(&d, table = world.instance.tables, "k"), PAA_STATUS_NONE);
    CHECK_INT(put_to(&d, table, "k", "v", 0, 0, 0), PAA_STATUS_OK);
    driver_free(&d);
    driver_init(&d, &world, OP_VERIFY);
    CHECK_INT(get_from(&d, table, "k"), PAA_STATUS_OK);
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

TEST(memory_outlives_reloads_and_a_changed_path_leaves_open_tables_alone)
{
    struct bench b;
    struct paa_table *again;

    bench_open(&b, false);
    CHECK_INT(put_to(&b.d, b.table, "k", "memory", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(stores_define(b.world.services.stores, "state", b.shop.path, nowhere), 0);
    again = table_in(&b.world, "replays", 0);
    CHECK_INT(get_from(&b.d, again, "k"), PAA_STATUS_NONE);
    CHECK_INT(get_from(&b.d, b.table, "k"), PAA_STATUS_OK);
    CHECK_INT(put_to(&b.d, again, "k", "file", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(stores_define(b.world.services.stores, "state", "memory", nowhere), 0);
    CHECK_INT(get_from(&b.d, table_in(&b.world, "replays", 0), "k"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "memory") == 0);
    CHECK_INT(stores_define(b.world.services.stores, "state", b.shop.path, nowhere), 0);
    CHECK_INT(get_from(&b.d, table_in(&b.world, "replays", 0), "k"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "file") == 0);
    CHECK_INT(stores_define(b.world.services.stores, "state", NULL, nowhere), 0);
    CHECK_INT(get_from(&b.d, again, "k"), PAA_STATUS_OK);
    bench_close(&b);
}

TEST(offline_reads_the_file_and_writes_nothing_to_it)
{
    struct bench b;
    struct world offline;
    struct driver d;
    struct paa_table *table;

    bench_open(&b, true);
    CHECK_INT(put_to(&b.d, b.table, "a", "1", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(put_to(&b.d, b.table, "c", "3", 0, 0, 0), PAA_STATUS_OK);
    world_init(&offline, PAA_OPEN_OFFLINE);
    CHECK_INT(stores_define(offline.services.stores, "state", b.shop.path, nowhere), 0);
    table = table_in(&offline, "replays", 0);
    REQUIRE(table != NULL);
    driver_init(&d, &offline, OP_VERIFY);
    CHECK_INT(get_from(&d, table, "a"), PAA_STATUS_OK);
    CHECK_INT(put_to(&d, table, "a", "new", 0, PAA_PUT_NEW, 0), PAA_STATUS_EXISTS);
    CHECK_INT(put_to(&d, table, "b", "2", 0, PAA_PUT_NEW, 0), PAA_STATUS_OK);
    CHECK_INT(put_to(&d, table, "b", "2", 0, PAA_PUT_NEW, 0), PAA_STATUS_EXISTS);
    CHECK_INT(remove_from(&d, table, "a", 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&d, table, "a"), PAA_STATUS_NONE);
    CHECK_INT(next_in(&d, table, "", NULL), PAA_STATUS_OK);
    CHECK(strcmp(d.key, "b") == 0);
    CHECK_INT(next_in(&d, table, "", "b"), PAA_STATUS_OK);
    CHECK(strcmp(d.key, "c") == 0);
    CHECK_INT(lock_in(&d, table, "a"), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, b.table, "b"), PAA_STATUS_NONE);
    driver_free(&d);
    world_free(&offline);
    bench_close(&b);
}

static enum paa_result then_again(struct paa_op *op, enum paa_status status,
                                  const struct paa_record *record, void *context)
{
    struct driver *driver = context;
    struct paa_bytes key = record != NULL ? record->key : text_bytes("none");

    if (status != PAA_STATUS_OK || driver->calls >= 20)
        return driver_then(op, status, record, context);
    driver->calls++;
    return services_host_store.get(op, driver->op.owner, key, then_again, context);
}

TEST(a_chain_of_look_ups_pins_no_more_than_it_must)
{
    struct bench b;

    bench_open(&b, false);
    CHECK_INT(put_to(&b.d, b.table, "k", "v", 0, 0, 0), PAA_STATUS_OK);
    b.d.op.owner = b.table;
    b.d.calls = 0;
    (void)op_settle(&b.d.op, services_host_store.get(&b.d.op.pub, b.table, text_bytes("k"),
                                                     then_again, &b.d));
    CHECK_INT(b.d.calls, 21);
    CHECK_INT(b.d.status, PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "v") == 0);
    pins_release(&b.d.pins, 0);
    CHECK_INT(get_from(&b.d, b.table, "k"), PAA_STATUS_OK);
    CHECK_INT(pins_mark(&b.d.pins), 0);
    bench_close(&b);
}

/* ---- what is expected ---- */

static void expects(bool in_file)
{
    struct bench b;
    char key[16];

    bench_open(&b, in_file);
    CHECK_INT(put_to(&b.d, b.table, "a", "one", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_OK);
    expect_in(&b.d, b.table, "a");
    CHECK_INT(pins_mark(&b.d.pins), 1);
    CHECK_INT(put_to(&b.d, b.table, "a", "two", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "two") == 0);
    for (int i = 0; i < 200; i++) { /* the image that was expected is replaced */
        snprintf(key, sizeof key, "more%d", i);
        CHECK_INT(put_to(&b.d, b.table, key, key, 0, 0, 0), PAA_STATUS_OK);
    }
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "two") == 0);
    expect_in(&b.d, b.table, "more7");
    CHECK_INT(get_from(&b.d, b.table, "more8"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "more8") == 0);
    CHECK_INT(remove_from(&b.d, b.table, "more7", 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, b.table, "more7"), PAA_STATUS_NONE);
    CHECK_INT(pins_mark(&b.d.pins), 1);
    driver_again(&b.d);
    expect_in(&b.d, b.table, "a key longer than those that are remembered");
    expect_in(&b.d, b.table, NULL);
    expect_in(&b.d, NULL, "a");
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_OK);
    bench_close(&b);
}

TEST(a_key_in_memory_that_was_expected_is_what_it_is_when_it_is_asked_for)
{
    expects(false);
}

TEST(a_key_in_a_file_that_was_expected_is_what_it_is_when_it_is_asked_for)
{
    expects(true);
}

/* Each store has a hash of its own; the way to a key in one leads nowhere in the other. */
TEST(what_is_expected_of_one_store_is_asked_for_in_another)
{
    struct bench b;
    struct paa_table *file;

    bench_open(&b, false);
    CHECK_INT(stores_define(b.world.services.stores, "state", b.shop.path, nowhere), 0);
    file = table_in(&b.world, "replays", 0);
    REQUIRE(file != NULL && file != b.table);
    CHECK_INT(put_to(&b.d, b.table, "a", "memory", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(put_to(&b.d, file, "a", "file", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&b.d, file, "a"), PAA_STATUS_OK);
    expect_in(&b.d, b.table, "a");
    CHECK_INT(get_from(&b.d, file, "a"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "file") == 0);
    expect_in(&b.d, file, "a");
    CHECK_INT(get_from(&b.d, b.table, "a"), PAA_STATUS_OK);
    CHECK(strcmp(b.d.value, "memory") == 0);
    bench_close(&b);
}

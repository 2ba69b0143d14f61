/* SPDX-License-Identifier: MIT */
/* SECRET tables in a file: what lies there, and what becomes of a record that was changed. */
#include "store_till.h"

/* ---- what lies there ---- */

TEST(a_secret_lies_sealed_in_the_file_and_another_process_reads_it)
{
    char key[160], wal[160];
    struct stat status;
    struct till till;
    struct shop shop;

    shop_open(&shop);
    key_path(&shop, key);
    snprintf(wal, sizeof wal, "%s-wal", shop.path);
    till_open(&till, shop.path, 0);
    CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_NONE);
    CHECK(access(key, F_OK) != 0); /* nothing was sealed yet */
    CHECK_INT(put_one(&till, "k", secret_text), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, secret_text) == 0);
    CHECK(!file_has(wal, secret_text) && !file_has(shop.path, secret_text));
    CHECK(file_has(wal, "secret:apikey/partner-keys/sessions"));
    CHECK(stat(key, &status) == 0 && (status.st_mode & 07777) == 0600);
    till_close(&till);
    CHECK(!file_has(shop.path, secret_text));
    till_open(&till, shop.path, 0);
    CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, secret_text) == 0);
    CHECK_INT(till.d.expires_at_s, 2000000);
    CHECK_INT(next_in(&till.d, till.table, "", NULL), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, secret_text) == 0);
    till_close(&till);
    shop_close(&shop);
}

TEST(values_of_any_size_come_back_from_the_file_and_from_memory)
{
    static const size_t sizes[] = { 0, 1, 15, 16, 17, 4000, 17000, STORE_VALUE_MAX };
    struct paa_record record;
    struct till till;
    struct shop shop;
    char *value = malloc(STORE_VALUE_MAX + 1);

    REQUIRE(value != NULL);
    for (size_t i = 0; i <= STORE_VALUE_MAX; i++)
        value[i] = (char)('a' + i % 23);
    shop_open(&shop);
    for (int from_memory = 0; from_memory < 2; from_memory++) {
        till_open(&till, from_memory ? "memory" : shop.path, 0);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            paa_init(&record, sizeof record);
            record.key = text_bytes("k");
            record.value = paa_bytes_of(value, sizes[i]);
            CHECK_INT(driver_settle(&till.d,
                                    services_host_store.put(&till.d.op.pub, till.table, &record, 0,
                                                            driver_then, &till.d)),
                      PAA_STATUS_OK);
            for (int again = 0; again < 3; again++) {
                CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_OK);
                CHECK_INT(till.d.value_size, sizes[i]);
                CHECK(memcmp(till.d.value, value, sizes[i]) == 0);
            }
            driver_again(&till.d);
        }
        till_close(&till);
    }
    free(value);
    shop_close(&shop);
}

TEST(a_secret_table_and_a_plain_one_of_the_same_name_are_two)
{
    struct paa_table *plain;
    struct till till;
    struct shop shop;

    shop_open(&shop);
    till_open(&till, shop.path, 0);
    plain = table_in(&till.world, "sessions", 0);
    CHECK_INT(put_one(&till, "k", secret_text), PAA_STATUS_OK);
    CHECK_INT(get_from(&till.d, plain, "k"), PAA_STATUS_NONE);
    till_close(&till);
    shop_close(&shop);
}

TEST(a_table_that_is_opened_when_its_records_are_in_memory_already_reads_them)
{
    struct paa_table *plain;
    struct till till;
    struct shop shop;

    shop_open(&shop);
    put_alone(shop.path, "k", secret_text);
    till_begin(&till, shop.path, 0);
    plain = table_in(&till.world, "other", 0);
    driver_init(&till.d, &till.world, OP_VERIFY);
    CHECK_INT(put_to(&till.d, plain, "a", "b", 0, 0, 0), PAA_STATUS_OK);
    till.table = table_in(&till.world, "sessions", PAA_TABLE_SECRET);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_OK);
        CHECK(strcmp(till.d.value, secret_text) == 0);
        CHECK_INT(put_to(&till.d, plain, "a", "c", 0, 0, 0), PAA_STATUS_OK);
    }
    till_close(&till);
    shop_close(&shop);
}

/* ---- what was changed ---- */

TEST(a_changed_byte_anywhere_in_a_record_shuts_it)
{
    int64_t size;
    struct shop shop;
    char sql[400];

    shop_open(&shop);
    put_alone(shop.path, "k", secret_text);
    size = number_in(shop.path, "SELECT length(value) FROM records");
    CHECK_INT(size, (int64_t)strlen(secret_text) + SEAL_EXTRA);
    for (int64_t at = 1; at <= size; at++) { /* format, id, nonce, text, tag */
        snprintf(sql, sizeof sql,
                 "UPDATE records SET value = CAST(substr(value, 1, %lld) || "
                 "CASE hex(substr(value, %lld, 1)) WHEN '00' THEN x'01' ELSE x'00' END || "
                 "substr(value, %lld) AS BLOB)",
                 (long long)at - 1, (long long)at, (long long)at + 1);
        REQUIRE(tamper(shop.path, sql) == 1);
        CHECK_INT(number_in(shop.path, "SELECT length(value) FROM records"), size);
        check_shut(shop.path, "k");
    }
    shop_close(&shop);
}

TEST(a_record_that_was_cut_emptied_or_lives_longer_is_shut)
{
    static const char *const changes[] = {
        "UPDATE records SET value = substr(value, 1, length(value) - 1)",
        "UPDATE records SET value = substr(value, 1, 32)",
        "UPDATE records SET value = x''",
        "UPDATE records SET value = CAST(value || x'00' AS BLOB)",
        "UPDATE records SET expires = expires + 1",
        "UPDATE records SET expires = 0",
        "UPDATE records SET seq = seq + 1",
    };
    struct shop shop;

    shop_open(&shop);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        put_alone(shop.path, "k", secret_text);
        CHECK_INT(tamper(shop.path, changes[i]), 1);
        check_shut(shop.path, "k");
    }
    shop_close(&shop);
}

TEST(a_record_of_another_key_does_not_open)
{
    struct shop shop;

    shop_open(&shop);
    put_alone(shop.path, "mine", "my session");
    put_alone(shop.path, "yours", secret_text);
    CHECK_INT(tamper(shop.path, "UPDATE records SET value = (SELECT value FROM records WHERE key = "
                                "CAST('yours' AS BLOB)) WHERE key = CAST('mine' AS BLOB)"),
              1);
    CHECK_INT(get_alone(shop.path, "yours"), PAA_STATUS_OK);
    check_shut(shop.path, "mine");
    shop_close(&shop);
}

TEST(a_record_of_another_table_or_instance_does_not_open)
{
    struct op_instance other;
    struct paa_table *tables[2];
    struct till till;
    struct shop shop;

    shop_open(&shop);
    till_open(&till, shop.path, 0);
    other = till.world.instance;
    tables[0] = table_in(&till.world, "drafts", PAA_TABLE_SECRET);
    till.world.instance.name = "staff-keys";
    tables[1] = table_in(&till.world, "sessions", PAA_TABLE_SECRET);
    till.world.instance.name = other.name;
    for (int i = 0; i < 2; i++) {
        char key[] = { (char)('a' + i), '\0' };

        CHECK_INT(put_to(&till.d, tables[i], key, secret_text, 2000000, 0, 0), PAA_STATUS_OK);
        CHECK_INT(put_one(&till, key, "x"), PAA_STATUS_OK);
    }
    till_close(&till);
    CHECK_INT(tamper(shop.path, "DELETE FROM records WHERE tbl = (SELECT id FROM tables WHERE "
                                "address = 'secret:apikey/partner-keys/sessions')"),
              2);
    CHECK_INT(tamper(shop.path, "UPDATE records SET tbl = (SELECT id FROM tables WHERE address = "
                                "'secret:apikey/partner-keys/sessions')"),
              2);
    check_shut(shop.path, "a");
    check_shut(shop.path, "b");
    shop_close(&shop);
}

TEST(a_record_of_another_store_with_the_same_key_does_not_open)
{
    char key[160], sql[400], other[160];
    struct till till;
    struct shop shop;

    shop_open(&shop);
    snprintf(key, sizeof key, "%s/k", shop.folder);
    snprintf(other, sizeof other, "%s/other.db", shop.folder);
    write_key(key, 'k');
    for (int i = 0; i < 2; i++) {
        till_begin(&till, i == 0 ? other : shop.path, 0);
        seal_by(&till, key, NULL);
        till_go_on(&till);
        CHECK_INT(put_one(&till, "k", secret_text), PAA_STATUS_OK);
        till_close(&till);
    }
    snprintf(sql, sizeof sql,
             "ATTACH '%s' AS other; UPDATE main.records SET value = (SELECT value FROM "
             "other.records)",
             other);
    CHECK_INT(tamper(shop.path, sql), 1);
    till_begin(&till, shop.path, 0);
    seal_by(&till, key, NULL);
    till_go_on(&till);
    CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_NONE);
    till_close(&till);
    shop_close(&shop);
}

static char log_text[4096];
static int log_lines;

static void keep_line(enum paa_level level, struct paa_str line, void *user)
{
    (void)level;
    (void)user;
    log_lines++;
    snprintf(log_text, sizeof log_text, "%.*s", (int)line.size, line.data);
}

TEST(many_records_that_do_not_open_make_one_line_and_name_no_secret)
{
    struct till till;
    struct shop shop;
    char key[8];

    shop_open(&shop);
    till_open(&till, shop.path, 0);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%02d", i);
        CHECK_INT(put_one(&till, key, secret_text), PAA_STATUS_OK);
    }
    till_close(&till);
    CHECK_INT(tamper(shop.path, "UPDATE records SET expires = expires + 5"), 20);
    log_lines = 0;
    till_begin(&till, shop.path, 0);
    log_free(&till.world.services.log);
    log_init(&till.world.services.log, keep_line, NULL, true, PAA_LEVEL_ERROR);
    till_go_on(&till);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "k%02d", i);
        CHECK_INT(get_from(&till.d, till.table, key), PAA_STATUS_NONE);
    }
    CHECK_INT(log_lines, 1);
    CHECK_HAS(log_text, "secret:apikey/partner-keys/sessions");
    CHECK_HAS(log_text, "was changed");
    CHECK(strstr(log_text, "token") == NULL && strstr(log_text, "k00") == NULL);
    till_close(&till);
    shop_close(&shop);
}

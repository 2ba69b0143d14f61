/* SPDX-License-Identifier: MIT */
/* Files that are damaged, foreign, locked, full or not ours: UNAVAILABLE with a sentence, and never a crash. */
#include "fork.h"
#include "store_files.h"
#include "store_parts.h"
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Writes `count` records k0, k1, … as a verb does. */
static void fill(struct shop *shop, int count)
{
    struct world world;
    struct driver d;
    struct paa_table *table = shop_world(shop, &world, 0);
    char key[32];

    driver_init(&d, &world, OP_VERB);
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "k%d", i);
        CHECK_INT(put_to(&d, table, key, "a value of some length, so that pages fill up", 0, 0, 0),
                  PAA_STATUS_OK);
    }
    driver_free(&d);
    world_free(&world);
}

/* What a request gets of key `k0` now. */
static enum paa_status ask(struct shop *shop, char *ret_sentence)
{
    struct world world;
    struct driver d;
    struct paa_table *table = shop_world(shop, &world, 0);
    enum paa_status status;

    driver_init(&d, &world, OP_VERIFY);
    status = get_from(&d, table, "k0");
    snprintf(ret_sentence, 600, "%s", d.sentence);
    driver_free(&d);
    world_free(&world);
    return status;
}

static void overwrite(const char *path, off_t from, size_t size, unsigned seed)
{
    int fd = open(path, O_WRONLY);

    for (size_t i = 0; i < size; i++) {
        unsigned char byte;

        seed = seed * 1103515245u + 12345u;
        byte = (unsigned char)(seed >> 16);
        if (pwrite(fd, &byte, 1, from + (off_t)i) != 1)
            break;
    }
    close(fd);
}

TEST(a_file_of_chance_bytes_is_unavailable)
{
    struct shop shop;
    char sentence[600];

    shop_open(&shop);
    close(open(shop.path, O_CREAT | O_WRONLY, 0600));
    overwrite(shop.path, 0, 8192, 7);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(sentence, "keys.db is damaged or no store");
    shop_close(&shop);
}

TEST(a_truncated_file_is_unavailable_and_an_empty_one_too)
{
    struct shop shop;
    char sentence[600];
    struct stat status;

    shop_open(&shop);
    fill(&shop, 200);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_OK);
    REQUIRE(stat(shop.path, &status) == 0);
    CHECK_INT(truncate(shop.path, status.st_size / 2 + 100), 0);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_UNAVAILABLE);
    CHECK(sentence[0] != '\0');
    CHECK_INT(truncate(shop.path, 0), 0);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(sentence, "is empty");
    shop_close(&shop);
}

TEST(chance_bytes_in_any_page_never_crash_and_never_invent_a_record)
{
    struct shop shop;
    struct stat status;
    char sentence[600];

    shop_open(&shop);
    fill(&shop, 100);
    REQUIRE(stat(shop.path, &status) == 0);
    for (off_t page = status.st_size - 4096; page >= 0; page -= 4096) {
        enum paa_status got;

        overwrite(shop.path, page, 4096, (unsigned)page + 1);
        got = ask(&shop, sentence);
        CHECK(got == PAA_STATUS_OK || got == PAA_STATUS_NONE || got == PAA_STATUS_UNAVAILABLE);
    }
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_UNAVAILABLE);
    shop_close(&shop);
}

TEST(a_database_of_another_program_is_refused)
{
    struct shop shop;
    sqlite3 *db = NULL;
    char sentence[600];

    shop_open(&shop);
    CHECK_INT(sqlite3_open(shop.path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "CREATE TABLE records (a)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    chmod(shop.path, 0600);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(sentence, "is not a store of PAA");
    shop_close(&shop);
}

TEST(a_file_that_others_may_write_or_that_has_two_names_is_refused)
{
    struct shop shop;
    char sentence[600];
    char second[160];

    shop_open(&shop);
    fill(&shop, 1);
    snprintf(second, sizeof second, "%s/second.db", shop.folder);
    CHECK_INT(link(shop.path, second), 0);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(sentence, "second name");
    unlink(second);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_OK);
    chmod(shop.path, 0666);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(sentence, shop.path);
    shop_close(&shop);
}

TEST(programs_that_know_nothing_of_the_word_cannot_write)
{
    struct shop shop;
    sqlite3 *db = NULL;

    shop_open(&shop);
    fill(&shop, 1);
    CHECK_INT(sqlite3_open(shop.path, &db), SQLITE_OK);
    CHECK(sqlite3_exec(db, "DELETE FROM records", NULL, NULL, NULL) != SQLITE_OK);
    CHECK_HAS(sqlite3_errmsg(db), "only_paactl_may_write_here");
    CHECK_INT(sqlite3_exec(db, "SELECT count(*) FROM records", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    shop_close(&shop);
}

TEST(another_process_that_keeps_the_lock_stops_writers_and_not_readers)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct driver late;
    struct paa_table *table;
    struct paa_record record;
    sqlite3 *db = NULL;

    shop_open(&shop);
    fill(&shop, 1);
    CHECK_INT(sqlite3_open(shop.path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    table = shop_world(&shop, &world, 0);
    driver_init(&d, &world, OP_VERIFY);
    driver_init(&late, &world, OP_VERB);
    paa_init(&record, sizeof record);
    record.key = text_bytes("new");
    (void)op_settle(&late.op,
                    services_host_store.put(&late.op.pub, table, &record, 0, driver_then, &late));
    CHECK_INT(get_from(&d, table, "k0"), PAA_STATUS_OK);
    CHECK_INT(get_from(&d, table, "new"), PAA_STATUS_NONE);
    CHECK_INT(late.calls, 0); /* and never is while the clock stands still */
    CHECK_INT(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    while (late.calls == 0)
        driver_pump(&late, true);
    CHECK_INT(late.status, PAA_STATUS_OK);
    CHECK_INT(get_from(&d, table, "new"), PAA_STATUS_OK);
    sqlite3_close(db);
    driver_free(&late);
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

/* Statuses a child ran into, as its exit code: 0 is what was hoped for. */
static int in_child(int (*run)(struct shop *shop), struct shop *shop)
{
    int status = -1;
    pid_t child = calm_fork();

    if (child == 0)
        _exit(run(shop));
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int run_on_full_disk(struct shop *shop)
{
    struct rlimit limit = { 1024 * 1024, 1024 * 1024 }; /* no file beyond it may grow */
    struct world world;
    struct driver d;
    struct paa_table *table = shop_world(shop, &world, 0);
    char *value = malloc(300001);
    char key[32];
    int ok = 0;
    int full = 0;

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    memset(value, 'v', 300000);
    value[300000] = '\0';
    driver_init(&d, &world, OP_VERB);
    for (int i = 0; i < 12; i++) {
        snprintf(key, sizeof key, "big%d", i);
        if (put_to(&d, table, key, value, 0, 0, 0) == PAA_STATUS_OK)
            ok++;
        else if (d.status == PAA_STATUS_UNAVAILABLE && d.sentence[0] != '\0')
            full++;
    }
    for (int i = 0; i < 12; i++) { /* every OK is kept, nothing else is */
        snprintf(key, sizeof key, "big%d", i);
        if (get_from(&d, table, key) == PAA_STATUS_OK)
            ok--;
    }
    if (get_from(&d, table, "k0") != PAA_STATUS_OK)
        return 4;
    driver_free(&d);
    world_free(&world);
    free(value);
    return full == 0 ? 1 : ok != 0 ? 2 : 0;
}

/* As where a full disk was in the way when it was opened, and is not any more. */
TEST(a_store_that_was_opened_for_reading_only_is_written_to_once_it_may_be)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct paa_table *table;
    struct store *store;

    shop_open(&shop);
    table = shop_world(&shop, &world, 0);
    store = table->attachment->store;
    driver_init(&d, &world, OP_VERB);
    CHECK_INT(put_to(&d, table, "key", "before", 0, 0, 0), PAA_STATUS_OK);
    pthread_mutex_lock(&store->disk_lock);
    store->writable = false;
    pthread_mutex_unlock(&store->disk_lock);
    CHECK_INT(put_to(&d, table, "key", "after", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(get_from(&d, table, "key"), PAA_STATUS_OK);
    CHECK(strcmp(d.value, "after") == 0);
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

TEST(on_a_full_disk_writes_fail_with_a_sentence_and_reads_go_on)
{
    struct shop shop;
    char sentence[600];

    shop_open(&shop);
    fill(&shop, 1);
    CHECK_INT(in_child(run_on_full_disk, &shop), 0);
    CHECK_INT(ask(&shop, sentence), PAA_STATUS_OK);
    fill(&shop, 3);
    shop_close(&shop);
}

static int run_as_stranger(struct shop *shop)
{
    struct world world;
    struct driver d;
    struct paa_table *table;
    int wrong = 0;

    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 9;
    table = shop_world(shop, &world, 0);
    driver_init(&d, &world, OP_VERB);
    if (get_from(&d, table, "k0") != PAA_STATUS_OK)
        wrong |= 1;
    if (get_from(&d, table, "k0") != PAA_STATUS_OK || strstr(d.value, "some length") == NULL)
        wrong |= 2;
    if (put_to(&d, table, "mine", "v", 0, 0, 0) != PAA_STATUS_UNAVAILABLE ||
        strstr(d.sentence, "cannot be written by this user") == NULL)
        wrong |= 4;
    driver_free(&d);
    world_free(&world);
    return wrong;
}

TEST(a_worker_without_write_permission_reads)
{
    struct shop shop;
    char beside[140];

    if (geteuid() != 0)
        return; /* needs to become somebody else */
    shop_open(&shop);
    chmod(shop.folder, 0755);
    fill(&shop, 3);
    chmod(shop.path, 0644);
    chmod(shop.gen, 0644);
    snprintf(beside, sizeof beside, "%s-wal", shop.path);
    chmod(beside, 0644);
    snprintf(beside, sizeof beside, "%s-shm", shop.path);
    chmod(beside, 0644);
    CHECK_INT(in_child(run_as_stranger, &shop), 0);
    shop_close(&shop);
}

static int run_unreadable(struct shop *shop)
{
    char sentence[600];

    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 9;
    return ask(shop, sentence) == PAA_STATUS_UNAVAILABLE && strstr(sentence, shop->path) != NULL
               ? 0
               : 1;
}

TEST(a_file_that_cannot_be_read_is_unavailable)
{
    struct shop shop;

    if (geteuid() != 0)
        return;
    shop_open(&shop);
    chmod(shop.folder, 0755);
    fill(&shop, 1);
    CHECK_INT(in_child(run_unreadable, &shop), 0);
    shop_close(&shop);
}

TEST(a_removed_word_file_is_made_anew_and_no_commit_is_missed)
{
    struct shop shop;
    struct world world;
    struct driver d;
    struct paa_table *table;

    shop_open(&shop);
    fill(&shop, 1);
    table = shop_world(&shop, &world, 0);
    driver_init(&d, &world, OP_VERB);
    CHECK_INT(get_from(&d, table, "k0"), PAA_STATUS_OK);
    unlink(shop.gen);
    CHECK_INT(put_to(&d, table, "k0", "second", 0, 0, 0), PAA_STATUS_OK);
    CHECK_INT(access(shop.gen, F_OK), 0);
    CHECK_INT(get_from(&d, table, "k0"), PAA_STATUS_OK);
    CHECK(strcmp(d.value, "second") == 0);
    driver_free(&d);
    world_free(&world);
    shop_close(&shop);
}

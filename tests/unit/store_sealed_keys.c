/* SPDX-License-Identifier: MIT */
/* The keys of SECRET tables: lost, exchanged, followed by others, made by several at once; and the cipher alone. */
#include "fork.h"
#include "store_till.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- keys ---- */

TEST(without_its_key_a_record_counts_as_absent_and_a_replay_memory_stays_shut)
{
    char key[160];
    struct shop shop;

    shop_open(&shop);
    key_path(&shop, key);
    put_alone(shop.path, "k", secret_text);
    CHECK_INT(unlink(key), 0);
    CHECK_INT(get_alone(shop.path, "k"), PAA_STATUS_NONE);
    CHECK(access(key, F_OK) != 0); /* reading makes none */
    check_shut(shop.path, "k");
    CHECK(access(key, F_OK) == 0);
    write_key(key, 'w');
    check_shut(shop.path, "k");
    shop_close(&shop);
}

TEST(a_key_that_cannot_be_had_answers_nothing)
{
    char key[160];
    struct till till;
    struct shop shop;

    shop_open(&shop);
    key_path(&shop, key);
    put_alone(shop.path, "k", secret_text);
    CHECK_INT(chmod(key, 0666), 0); /* anybody may have exchanged it */
    till_open(&till, shop.path, 0);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_UNAVAILABLE);
        CHECK_HAS(till.d.sentence, "cannot be opened");
        CHECK_HAS(till.d.sentence, "keys.db.key");
    }
    CHECK_INT(next_in(&till.d, till.table, "", NULL), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(put_one(&till, "k", "x"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(till.d.sentence, "nothing can be sealed");
    CHECK_INT(chmod(key, 0600), 0);
    CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, secret_text) == 0);
    till_close(&till);
    shop_close(&shop);
}

TEST(a_new_key_seals_and_the_old_one_still_opens)
{
    char old_key[160], new_key[160];
    struct till till;
    struct shop shop;

    shop_open(&shop);
    snprintf(old_key, sizeof old_key, "%s/old", shop.folder);
    snprintf(new_key, sizeof new_key, "%s/new", shop.folder);
    write_key(old_key, 'o');
    write_key(new_key, 'n');
    till_begin(&till, shop.path, 0);
    seal_by(&till, old_key, NULL);
    till_go_on(&till);
    CHECK_INT(put_one(&till, "a", "first"), PAA_STATUS_OK);
    CHECK_INT(put_one(&till, "b", "second"), PAA_STATUS_OK);
    seal_by(&till, new_key, old_key); /* as a reload does, while it serves */
    CHECK_INT(get_from(&till.d, till.table, "a"), PAA_STATUS_OK);
    CHECK_INT(put_one(&till, "b", "second"), PAA_STATUS_OK);
    seal_by(&till, new_key, NULL);
    CHECK_INT(get_from(&till.d, till.table, "a"), PAA_STATUS_NONE);
    CHECK_INT(get_from(&till.d, till.table, "b"), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, "second") == 0);
    seal_by(&till, old_key, NULL);
    CHECK_INT(get_from(&till.d, till.table, "a"), PAA_STATUS_OK);
    CHECK_INT(get_from(&till.d, till.table, "b"), PAA_STATUS_NONE);
    till_close(&till);
    shop_close(&shop);
}

TEST(a_key_that_is_short_or_missing_is_refused_and_the_old_one_stays)
{
    char key[160];
    struct source_spec spec;
    struct paa_error error;
    struct till till;
    struct shop shop;
    int fd;

    shop_open(&shop);
    snprintf(key, sizeof key, "%s/k", shop.folder);
    spec = file_spec(key);
    till_open(&till, shop.path, 0);
    CHECK_INT(put_one(&till, "k", secret_text), PAA_STATUS_OK);
    CHECK_INT(stores_seal(till.world.services.stores, "state", &spec, 1, &error), -1);
    CHECK_HAS(error.text, "does not exist");
    fd = open(key, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK_INT(write(fd, "password\n", 9), 9);
    close(fd);
    CHECK_INT(stores_seal(till.world.services.stores, "state", &spec, 1, &error), -1);
    CHECK_HAS(error.text, "at least 32 bytes");
    CHECK(strstr(error.text, "password") == NULL);
    CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_OK);
    till_close(&till);
    shop_close(&shop);
}

TEST(processes_that_seal_first_at_the_same_time_agree_on_one_key)
{
    enum { CHILDREN = 6 };
    pid_t children[CHILDREN];
    struct till till;
    struct shop shop;
    char key[8], byte;
    int gate[2], status;

    shop_open(&shop);
    REQUIRE(pipe(gate) == 0);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = calm_fork();
        if (children[i] == 0) {
            close(gate[1]);
            (void)!read(gate[0], &byte, 1);
            test_failures = 0;
            snprintf(key, sizeof key, "k%d", i);
            put_alone(shop.path, key, secret_text);
            _exit(test_failures);
        }
    }
    close(gate[1]);
    for (int i = 0; i < CHILDREN; i++) {
        waitpid(children[i], &status, 0);
        CHECK_INT(status, 0);
    }
    close(gate[0]);
    till_open(&till, shop.path, 0);
    for (int i = 0; i < CHILDREN; i++) {
        snprintf(key, sizeof key, "k%d", i);
        CHECK_INT(get_from(&till.d, till.table, key), PAA_STATUS_OK);
        CHECK(strcmp(till.d.value, secret_text) == 0);
    }
    till_close(&till);
    shop_close(&shop);
}

/* 0: some writes failed with a sentence, and every one that did not is there. */
static int run_on_full_disk(struct shop *shop)
{
    enum { SIZE = 300000, COUNT = 12 };
    struct rlimit limit = { 1024 * 1024, 1024 * 1024 }; /* no file beyond it may grow */
    char *value = malloc(SIZE + 1);
    int kept = 0, full = 0;
    struct till till;
    char key[8];

    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    memset(value, 'v', SIZE);
    value[SIZE] = '\0';
    till_open(&till, shop->path, 0);
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "k%d", i);
        if (put_one(&till, key, value) == PAA_STATUS_OK)
            kept++;
        else if (till.d.status == PAA_STATUS_UNAVAILABLE && till.d.sentence[0] != '\0')
            full++;
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "k%d", i);
        if (get_from(&till.d, till.table, key) == PAA_STATUS_OK)
            kept--;
    }
    till_close(&till);
    free(value);
    return full == 0 ? 1 : kept != 0 ? 2 : 0;
}

TEST(on_a_full_disk_secrets_are_refused_with_a_sentence_or_kept_whole)
{
    struct shop shop;
    int status = -1;
    pid_t child;

    shop_open(&shop);
    child = calm_fork();
    if (child == 0)
        _exit(run_on_full_disk(&shop));
    waitpid(child, &status, 0);
    CHECK_INT(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
    put_alone(shop.path, "k", secret_text);
    CHECK_INT(get_alone(shop.path, "k"), PAA_STATUS_OK);
    shop_close(&shop);
}

TEST(offline_no_key_is_made_and_nothing_is_written)
{
    char key[160];
    struct till till;
    struct shop shop;

    shop_open(&shop);
    key_path(&shop, key);
    till_open(&till, shop.path, PAA_OPEN_OFFLINE);
    CHECK_INT(put_one(&till, "k", secret_text), PAA_STATUS_OK);
    CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, secret_text) == 0);
    till_close(&till);
    CHECK(access(key, F_OK) != 0 && access(shop.path, F_OK) != 0);
    put_alone(shop.path, "k", "real");
    till_open(&till, shop.path, PAA_OPEN_OFFLINE);
    CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, "real") == 0);
    CHECK_INT(put_one(&till, "k", "as if"), PAA_STATUS_OK);
    till_close(&till);
    till_open(&till, shop.path, 0);
    CHECK_INT(get_from(&till.d, till.table, "k"), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, "real") == 0);
    till_close(&till);
    shop_close(&shop);
}

/* ---- the cipher, alone ---- */

static struct seal_ring *ring_of_text(const char *text)
{
    static const unsigned char salt[SEAL_SALT_SIZE] = { 1 };
    struct paa_bytes secret = text_bytes(text);
    struct paa_error error;
    struct seal_ring *ring = seal_ring_new(&secret, 1, &error);

    if (ring == NULL || !seal_ring_bind(ring, salt))
        abort();
    return ring;
}

TEST(two_seals_of_one_value_differ_and_each_age_has_a_key_of_its_own)
{
    struct seal_ring *ring = ring_of_text("a sealing key of some thirty-two bytes");
    struct seal_place place = { "secret:p/i/t", text_bytes("k"), 0, 7 };
    struct chance chance = { NULL, NULL };
    unsigned char sealed[2][1 + SEAL_EXTRA], value[1];
    struct paa_bytes first = paa_bytes_of(sealed[0], sizeof sealed[0]);

    for (int i = 0; i < 2; i++)
        REQUIRE(seal_close(ring, &chance, &place, paa_bytes_of("v", 1), sealed[i]));
    CHECK(memcmp(sealed[0] + SEAL_HEAD_SIZE, sealed[1] + SEAL_HEAD_SIZE, SEAL_NONCE_SIZE) != 0);
    CHECK(memcmp(sealed[0], sealed[1], SEAL_HEAD_SIZE) == 0);
    CHECK_INT(seal_open(ring, &place, first, value), SEAL_OK);
    CHECK_INT(value[0], 'v');
    place.version += (uint64_t)1 << SEAL_AGE_SHIFT;
    REQUIRE(seal_close(ring, &chance, &place, paa_bytes_of("w", 1), sealed[1]));
    CHECK_INT(seal_open(ring, &place, paa_bytes_of(sealed[1], sizeof sealed[1]), value), SEAL_OK);
    CHECK_INT(value[0], 'w');
    place.version -= (uint64_t)1 << SEAL_AGE_SHIFT; /* what is old opens as before */
    CHECK_INT(seal_open(ring, &place, first, value), SEAL_OK);
    CHECK_INT(value[0], 'v');
    seal_ring_free(ring);
}

static int no_chance(void *bytes, size_t size, void *user)
{
    (void)bytes;
    (void)size;
    (void)user;
    return -1;
}

TEST(without_chance_nothing_is_sealed)
{
    struct seal_ring *ring = ring_of_text("a sealing key of some thirty-two bytes");
    struct seal_place place = { "secret:p/i/t", text_bytes("k"), 0, 7 };
    struct chance chance = { no_chance, NULL };
    unsigned char sealed[1 + SEAL_EXTRA];

    CHECK(!seal_close(ring, &chance, &place, paa_bytes_of("v", 1), sealed));
    seal_ring_free(ring);
}

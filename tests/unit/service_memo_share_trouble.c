/* SPDX-License-Identifier: MIT */
/* SHARED memos in trouble: no store, a damaged record, a clock that jumped; offline; and the record itself. */
#include "full_disk.h"
#include "memo_shared.h"
#include "store_till.h"

#include <signal.h>
#include <sys/stat.h>

TEST(without_its_store_each_context_makes_its_own_and_says_so_where_it_matters)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    play_init();
    shop_open(&t.shop);
    CHECK_INT(mkdir(t.shop.path, 0700), 0); /* no file can be made there */
    shared_open(&t.one, &t.shop, &def);
    shared_open(&t.other, &t.shop, &def);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(play.runs, 2);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(play.runs, 2);
    CHECK_INT(put(&t.one.b, &t.one.a, t.one.memo, "k", "x"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(drop(&t.one.a, t.one.memo, "k", 0, PAA_QUERY_FORGET), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(drop(&t.other.a, t.other.memo, "k", 0, 0), PAA_STATUS_OK);
    rmdir(t.shop.path);
    two_close(&t);
}

static void without_store(uint32_t flags, enum paa_status expected)
{
    struct paa_memo_def def = def_shared(flags);
    struct shop shop;
    struct stand s;

    play_init();
    shop_open(&shop);
    shared_open(&s, &shop, &def);
    atomic_store(&play.fresh_s, 10);
    atomic_store(&play.keep_s, 1000);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    stores_stop(s.b.services.stores); /* from here on it answers nothing */
    pass_s(&s.b, 11);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK); /* stale, and at hand */
    await_idle(&s.b);
    pass_s(&s.b, 50);
    next_op(&s);
    CHECK_INT(get(&s.a, s.memo, "k"), expected);
    CHECK_INT(play.runs > 1, expected == PAA_STATUS_OK);
    stand_close(&s);
    shop_close(&shop);
}

TEST(without_its_store_a_value_at_hand_serves_and_then_each_process_asks)
{
    without_store(0, PAA_STATUS_OK);
}

TEST(without_its_store_a_secret_that_may_be_good_once_only_is_not_used)
{
    without_store(PAA_MEMO_SECRET, PAA_STATUS_UNAVAILABLE);
}

/* ---- what could not be saved --------------------------------------------------------------------- */

/* Both have the first value; then one makes the second while the disk is full. Versions say nothing of what is newer:
 * the clock of one is ahead of the other's, or behind. */
static void make_unsaved(struct two *t, bool is_ahead)
{
    struct paa_memo_def def = def_shared(0);

    (void)signal(SIGXFSZ, SIG_IGN);
    two_open(t, &def);
    pass_s(is_ahead ? &t->one.b : &t->other.b, 11);
    CHECK_INT(get(&t->other.a, t->other.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(get(&t->one.a, t->one.memo, "k"), PAA_STATUS_OK);
    allow_files(0);
    CHECK_INT(renew(&t->one.a, t->one.memo, "k", 0), PAA_STATUS_OK);
    allow_files(RLIM_INFINITY);
    next_op(&t->one);
    CHECK_INT(get(&t->one.a, t->one.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(t->one.a.text, "made 2") == 0);
}

TEST(what_could_not_be_saved_yields_to_what_another_process_saved_since)
{
    for (int ahead = 0; ahead < 2; ahead++) {
        struct two t;

        make_unsaved(&t, ahead != 0);
        CHECK_INT(put(&t.other.b, &t.other.a, t.other.memo, "k", "newer"), PAA_STATUS_OK);
        await_idle(&t.one.b); /* it heard of it */
        next_op(&t.one);
        CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
        CHECK(strcmp(t.one.a.text, "newer") == 0);
        CHECK_INT(play.runs, 2);
        two_close(&t);
    }
}

TEST(what_could_not_be_saved_does_not_yield_to_what_it_replaced)
{
    for (int ahead = 0; ahead < 2; ahead++) {
        struct two t;

        make_unsaved(&t, ahead != 0);
        two_pass_s(&t, 31); /* it may be forced again */
        next_op(&t.one);
        CHECK_INT(renew(&t.one.a, t.one.memo, "k", 0), PAA_STATUS_OK);
        CHECK(strcmp(t.one.a.text, "made 3") == 0);
        CHECK(strcmp(play.previous, "made 2") == 0); /* what the producer was shown */
        next_op(&t.other);
        await_idle(&t.other.b);
        CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
        CHECK(strcmp(t.other.a.text, "made 3") == 0);
        two_close(&t);
    }
}

TEST(what_could_not_be_saved_is_forgotten_when_another_process_forgets)
{
    for (int ahead = 0; ahead < 2; ahead++) {
        struct two t;

        make_unsaved(&t, ahead != 0);
        CHECK_INT(drop(&t.other.a, t.other.memo, "k", 0, PAA_QUERY_FORGET), PAA_STATUS_OK);
        next_op(&t.one);
        CHECK_INT(look(&t.one.a, t.one.memo, "k"), PAA_STATUS_NONE);
        two_close(&t);
    }
}

TEST(a_secret_record_that_was_tampered_with_is_made_anew)
{
    static const char *const changes[] = {
        "UPDATE records SET expires = expires + 1",
        "UPDATE records SET value = CAST(substr(value, 1, 60) || x'5a5a5a5a' || substr(value, 65) "
        "AS "
        "BLOB)",
        "UPDATE records SET value = x'00'",
    };
    struct paa_memo_def def = def_shared(PAA_MEMO_SECRET);
    struct shop shop;
    struct stand s;

    play_init();
    shop_open(&shop);
    shared_open(&s, &shop, &def);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    stand_close(&s);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(tamper(shop.path, changes[i]), 1);
        shared_open(&s, &shop, &def);
        CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
        CHECK_INT(play.runs, i + 2);
        stand_close(&s);
    }
    shop_close(&shop);
}

TEST(a_record_of_the_future_is_no_value_and_its_cool_downs_are_over)
{
    struct paa_memo_def def = def_shared(0);
    struct shop shop;
    struct stand s;

    play_init();
    shop_open(&shop);
    shared_open(&s, &shop, &def);
    pass_s(&s.b, 100000); /* its clock runs ahead */
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(renew(&s.a, s.memo, "k", 0), PAA_STATUS_OK);
    CHECK_INT(play.runs, 2);
    stand_close(&s);
    shared_open(&s, &shop, &def);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(play.runs, 3);
    CHECK_INT(renew(&s.a, s.memo, "k", 0), PAA_STATUS_OK);
    CHECK_INT(play.runs, 4);
    stand_close(&s);
    shop_close(&shop);
}

TEST(offline_it_reads_and_writes_nothing)
{
    struct paa_memo_def def = def_shared(0);
    struct shop shop;
    struct stand s;

    play_init();
    shop_open(&shop);
    shared_open(&s, &shop, &def);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    stand_close(&s);
    pair_open_as(&s, shop.path, &def, PAA_OPEN_OFFLINE);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(play.runs, 1);
    CHECK_INT(put(&s.b, &s.a, s.memo, "k", "as if"), PAA_STATUS_OK);
    CHECK_INT(drop(&s.a, s.memo, "k", 0, PAA_QUERY_FORGET), PAA_STATUS_OK);
    stand_close(&s);
    shared_open(&s, &shop, &def);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(s.a.text, "made 1") == 0);
    CHECK_INT(play.runs, 1);
    stand_close(&s);
    shop_close(&shop);
}

/* ---- the record -------------------------------------------------------------------------------- */

TEST(a_record_reads_as_it_was_written_and_not_otherwise)
{
    struct memo_record record = { .flags = MEMO_RECORD_HAS_BYTES,
                                  .format = 7,
                                  .version = UINT64_MAX - 1,
                                  .made_s = 1,
                                  .fresh_s = 2,
                                  .usable_s = PAA_FOREVER,
                                  .keep_s = PAA_FOREVER,
                                  .forced_ms = 5,
                                  .dropped_ms = 6,
                                  .retry_ms = 7,
                                  .failures = 8,
                                  .key = bytes_of("key"),
                                  .bytes = bytes_of("bytes") };
    unsigned char text[MEMO_RECORD_HEAD + 8];
    struct memo_record read;

    REQUIRE(memo_record_size(&record) == sizeof text);
    memo_record_write(&record, text);
    REQUIRE(memo_record_read(paa_bytes_of(text, sizeof text), &read));
    CHECK(read.version == record.version && read.usable_s == PAA_FOREVER && read.failures == 8);
    CHECK(read.retry_ms == 7 && read.format == 7 && read.made_s == 1);
    CHECK(read.key.size == 3 && memcmp(read.key.data, "key", 3) == 0);
    CHECK(read.bytes.size == 5 && memcmp(read.bytes.data, "bytes", 5) == 0);
    for (size_t size = 0; size < sizeof text; size++)
        CHECK(!memo_record_read(paa_bytes_of(text, size), &read));
    text[3] = 1; /* of another layout */
    CHECK(!memo_record_read(paa_bytes_of(text, sizeof text), &read));
    text[3] = 1;
    text[4] = 0x80; /* a flag from later */
    CHECK(!memo_record_read(paa_bytes_of(text, sizeof text), &read));
}

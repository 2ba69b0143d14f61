/* SPDX-License-Identifier: MIT */
/* Memos, sentence by sentence of paa/host/memo.h: lifetimes, failures, renewals, put and drop. */
#include "memo_asker.h"
#include "test.h"

/* ---- lifetimes ---- */

TEST(a_missing_value_is_produced_once_and_then_given_at_once)
{
    struct stand s;
    uint64_t version;

    stand_open_plain(&s);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "made 1");
    version = s.a.version;
    CHECK(version != 0);
    begin_get(&s.a, s.memo, "a", 0);
    CHECK_INT(s.a.result, PAA_REJECT); /* without a wait */
    CHECK_STR(paa_str_of(s.a.text), "made 1");
    CHECK(s.a.version == version);
    CHECK_INT(play.runs, 1);
    CHECK_STR(paa_str_of(play.previous), "(absent)");
    CHECK_STR(paa_str_of(play.input), "given");
    CHECK_INT(play.run_flags, 0);
    CHECK_INT(get(&s.a, s.memo, "b"), PAA_STATUS_OK);
    CHECK_INT(play.runs, 2);
    CHECK(s.a.version > version);
    stand_close(&s);
}

TEST(past_its_soft_lifetime_a_value_is_given_and_renewed_behind_by_exactly_one_run)
{
    struct stand s;
    uint64_t version;

    stand_open_plain(&s);
    play.fresh_s = 10;
    get(&s.a, s.memo, "a");
    version = s.a.version;
    pass_s(&s.b, 11);
    close_gate();
    for (int i = 0; i < 20; i++) {
        begin_get(&s.a, s.memo, "a", 0);
        CHECK_INT(s.a.result, PAA_REJECT);
        CHECK_STR(paa_str_of(s.a.text), "made 1");
    }
    await_at_gate(1);
    CHECK_INT(play.runs, 2);
    CHECK_INT(play.run_flags, PAA_RUN_BACKGROUND);
    CHECK_STR(paa_str_of(play.previous), "made 1");
    CHECK(play.previous_version == version);
    open_gate();
    await_idle(&s.b);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "made 2");
    CHECK_INT(play.runs, 2);
    stand_close(&s);
}

static enum paa_status check(struct asker *a, struct paa_memo *memo, const char *key,
                             uint64_t version)
{
    return services_host_memo.check(&a->op.pub, memo, bytes_of(key), version);
}

TEST(a_check_says_whether_get_would_give_that_version_at_once)
{
    struct stand s;

    stand_open_plain(&s);
    play.fresh_s = 10;
    CHECK_INT(check(&s.a, s.memo, "a", 1), PAA_STATUS_NONE);
    CHECK_INT(play.runs, 0); /* it begins none */
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_INT(check(&s.a, s.memo, "a", s.a.version), PAA_STATUS_OK);
    CHECK_INT(check(&s.a, s.memo, "a", s.a.version + 1), PAA_STATUS_NONE);
    CHECK_INT(check(&s.a, s.memo, "a", 0), PAA_STATUS_NONE);
    CHECK_INT(check(&s.a, s.memo, "b", s.a.version), PAA_STATUS_NONE);
    pass_s(&s.b, 11); /* it is given still, but get has a renewal to begin */
    CHECK_INT(check(&s.a, s.memo, "a", s.a.version), PAA_STATUS_NONE);
    CHECK_INT(play.runs, 1);
    stand_close(&s);
}

TEST(a_check_pins_nothing)
{
    struct stand s;
    size_t pinned;

    stand_open_plain(&s);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    pinned = pins_mark(s.a.op.pins);
    CHECK_INT(check(&s.a, s.memo, "a", s.a.version), PAA_STATUS_OK);
    CHECK_INT(check(&s.a, s.memo, "a", s.a.version + 1), PAA_STATUS_NONE);
    CHECK_INT(pins_mark(s.a.op.pins), pinned);
    stand_close(&s);
}

TEST(past_its_use_a_value_is_not_given_and_its_producer_sees_it_as_previous)
{
    struct stand s;
    uint64_t version;

    stand_open_plain(&s);
    play.keep_s = 1000;
    get(&s.a, s.memo, "a");
    version = s.a.version;
    pass_s(&s.b, 61);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_UNAVAILABLE); /* perhaps a value past its use */
    CHECK_STR(paa_str_of(s.a.text), "made 1");
    CHECK_INT(play.runs, 1);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "made 2");
    CHECK_STR(paa_str_of(play.previous), "made 1");
    CHECK(play.previous_version == version);
    stand_close(&s);
}

TEST(past_its_keeping_a_value_is_forgotten)
{
    struct stand s;

    stand_open_plain(&s);
    play.keep_s = 100;
    get(&s.a, s.memo, "a");
    pass_s(&s.b, 101);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_NONE);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(play.previous), "(absent)");
    stand_close(&s);
}

TEST(a_value_without_use_is_for_those_who_wait_now)
{
    struct stand s;

    stand_open_plain(&s);
    play.usable_s = -1;
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "made 1");
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "made 2");
    stand_close(&s);
}

TEST(a_lifetime_that_a_peer_states_is_a_day_at_most)
{
    struct stand s;

    stand_open_plain(&s);
    play.usable_s = INT32_MAX;
    get(&s.a, s.memo, "a");
    pass_s(&s.b, MEMO_LIFETIME_MAX_S - 1);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_OK);
    pass_s(&s.b, 2);
    CHECK(look(&s.a, s.memo, "a") != PAA_STATUS_OK);
    CHECK_INT(put_bytes(&s.b, &s.a, s.memo, "ever", bytes_of("x"), 0, PAA_FOREVER), PAA_STATUS_OK);
    pass_s(&s.b, MEMO_LIFETIME_MAX_S * 10);
    CHECK_INT(look(&s.a, s.memo, "ever"), PAA_STATUS_OK);
    stand_close(&s);
}

TEST(a_look_begins_no_run)
{
    struct stand s;

    stand_open_plain(&s);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_NONE);
    CHECK_INT(play.runs, 0);
    stand_close(&s);
}

/* ---- failures ---- */

TEST(a_failed_renewal_leaves_a_usable_value_and_the_next_try_comes_after_a_back_off)
{
    struct stand s;

    stand_open_plain(&s);
    play.fresh_s = 10;
    get(&s.a, s.memo, "a");
    play.result = PAA_UNAVAILABLE;
    pass_s(&s.b, 11);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    await_idle(&s.b);
    CHECK_INT(play.runs, 2);
    for (int i = 0; i < 5; i++)
        CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    await_idle(&s.b);
    CHECK_INT(play.runs, 2);
    play.result = PAA_DONE;
    pass_ms(&s.b, MEMO_BACKOFF_MIN_MS);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    await_idle(&s.b);
    CHECK_INT(play.runs, 3);
    get(&s.a, s.memo, "a");
    CHECK_STR(paa_str_of(s.a.text), "made 3");
    stand_close(&s);
}

TEST(a_failed_production_is_not_tried_again_at_once_and_says_why)
{
    struct stand s;

    stand_open_plain(&s);
    play.result = PAA_UNAVAILABLE;
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(s.a.sentence, "the script says so");
    CHECK(!s.a.has_value);
    CHECK(s.a.op.retry_after_ms >= MEMO_BACKOFF_MIN_MS);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(play.runs, 1);
    play.result = PAA_DONE;
    pass_ms(&s.b, MEMO_BACKOFF_MIN_MS);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_INT(play.runs, 2);
    stand_close(&s);
}

TEST(absent_is_none_and_reject_is_denied_and_drops_the_previous_value)
{
    struct stand s;

    stand_open_plain(&s);
    play.result = PAA_ABSENT;
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_NONE);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_NONE);
    CHECK_INT(play.runs, 2); /* nobody said it will stay so */
    play.result = PAA_DONE;
    play.keep_s = 1000;
    get(&s.a, s.memo, "a");
    pass_s(&s.b, 61);
    play.result = PAA_REJECT;
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_DENIED);
    CHECK_STR(paa_str_of(play.previous), "made 3");
    play.result = PAA_DONE;
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(play.previous), "(absent)");
    stand_close(&s);
}

TEST(done_without_a_product_is_a_fault)
{
    struct stand s;

    stand_open_plain(&s);
    play.no_product = true;
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(s.a.sentence, "without a product");
    CHECK_INT(play.ended, 1);
    stand_close(&s);
}

/* ---- renew ---- */

TEST(a_renewal_is_one_forced_run_and_within_the_cool_down_it_is_limited)
{
    struct stand s;
    uint64_t version;

    stand_open_plain(&s);
    get(&s.a, s.memo, "a");
    version = s.a.version;
    CHECK_INT(renew(&s.a, s.memo, "a", version), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "made 2");
    CHECK_INT(play.run_flags, PAA_RUN_FORCED);
    CHECK(s.a.version > version);
    CHECK_INT(renew(&s.a, s.memo, "a", version), PAA_STATUS_OK); /* newer than seen: at once */
    CHECK_INT(renew(&s.a, s.memo, "a", s.a.version), PAA_STATUS_LIMITED);
    CHECK_INT(renew(&s.a, s.memo, "a", 0), PAA_STATUS_LIMITED);
    CHECK_INT(play.runs, 2);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    pass_ms(&s.b, 10000);
    CHECK_INT(renew(&s.a, s.memo, "a", 0), PAA_STATUS_OK);
    CHECK_INT(play.runs, 3);
    stand_close(&s);
}

TEST(a_renewal_that_brings_the_same_bytes_keeps_the_version)
{
    struct stand s;
    uint64_t version;

    stand_open_plain(&s);
    play.same_bytes = true;
    get(&s.a, s.memo, "a");
    version = s.a.version;
    CHECK_INT(renew(&s.a, s.memo, "a", version), PAA_STATUS_OK);
    CHECK(s.a.version == version);
    CHECK_INT(play.runs, 2);
    stand_close(&s);
}

TEST(a_failed_renewal_gives_the_old_version_while_it_is_usable)
{
    struct stand s;
    uint64_t version;

    stand_open_plain(&s);
    get(&s.a, s.memo, "a");
    version = s.a.version;
    play.result = PAA_UNAVAILABLE;
    CHECK_INT(renew(&s.a, s.memo, "a", version), PAA_STATUS_OK);
    CHECK(s.a.version == version);
    stand_close(&s);
}

/* ---- put and drop ---- */

TEST(what_is_put_is_given_and_replaces_what_was_there)
{
    struct stand s;
    uint64_t version;

    stand_open_plain(&s);
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", "from a login"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "from a login");
    version = s.a.version;
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "from a login");
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", "from a login"), PAA_STATUS_OK);
    CHECK(s.a.version == version);
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", "another"), PAA_STATUS_OK);
    CHECK(s.a.version > version);
    CHECK_INT(play.runs, 0);
    stand_close(&s);
}

TEST(a_put_ends_the_back_off)
{
    struct stand s;

    stand_open_plain(&s);
    play.result = PAA_UNAVAILABLE;
    get(&s.a, s.memo, "a");
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", "x"), PAA_STATUS_OK);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    stand_close(&s);
}

TEST(what_is_dropped_is_not_given_but_is_the_previous_of_the_next)
{
    struct stand s;
    uint64_t version;

    stand_open_plain(&s);
    get(&s.a, s.memo, "a");
    version = s.a.version;
    CHECK_INT(drop(&s.a, s.memo, "a", version + 1, 0), PAA_STATUS_EXISTS);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_INT(drop(&s.a, s.memo, "a", version, 0), PAA_STATUS_OK);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_UNAVAILABLE);
    CHECK_STR(paa_str_of(s.a.text), "made 1"); /* shown, as one past its use */
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "made 2");
    CHECK_STR(paa_str_of(play.previous), "made 1");
    CHECK_INT(drop(&s.a, s.memo, "a", version, 0), PAA_STATUS_EXISTS);
    CHECK_INT(drop(&s.a, s.memo, "none", 0, 0), PAA_STATUS_OK);
    stand_close(&s);
}

TEST(within_its_cool_down_a_drop_is_limited_and_the_value_stays)
{
    struct stand s;

    stand_open_plain(&s);
    get(&s.a, s.memo, "a");
    drop(&s.a, s.memo, "a", 0, 0);
    get(&s.a, s.memo, "a");
    CHECK_INT(drop(&s.a, s.memo, "a", 0, 0), PAA_STATUS_LIMITED);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_OK);
    pass_ms(&s.b, 10000);
    CHECK_INT(drop(&s.a, s.memo, "a", 0, 0), PAA_STATUS_OK);
    stand_close(&s);
}

TEST(a_drop_that_forgets_takes_the_previous_too_and_knows_no_cool_down)
{
    struct stand s;

    stand_open_plain(&s);
    for (int i = 0; i < 3; i++) {
        get(&s.a, s.memo, "a");
        CHECK_STR(paa_str_of(play.previous), "(absent)");
        CHECK_INT(drop(&s.a, s.memo, "a", 0, PAA_QUERY_FORGET), PAA_STATUS_OK);
    }
    CHECK_INT(play.runs, 3);
    stand_close(&s);
}

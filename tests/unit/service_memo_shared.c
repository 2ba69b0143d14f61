/* SPDX-License-Identifier: MIT */
/* SHARED memos: what is kept in a file, and what one context does is the other's, too. */
#include "memo_shared.h"
#include "test.h"

/* ---- kept -------------------------------------------------------------------------------------- */

static void survives(uint32_t flags)
{
    struct paa_memo_def def = def_shared(flags);
    struct shop shop;
    struct stand s;
    uint64_t version;

    play_init();
    shop_open(&shop);
    shared_open(&s, &shop, &def);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    version = s.a.version;
    CHECK_INT(play.runs, 1);
    stand_close(&s);
    shared_open(&s, &shop, &def);
    CHECK_INT(look(&s.a, s.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(s.a.text, "made 1") == 0 && s.a.object != NULL);
    next_op(&s);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(s.a.version, version);
    CHECK_INT(look(&s.a, s.memo, "never"), PAA_STATUS_NONE);
    CHECK_INT(play.runs, 1);
    CHECK_INT(play.decoded, 2); /* once a context */
    stand_close(&s);
    shop_close(&shop);
}

TEST(a_value_outlives_its_process)
{
    survives(0);
}

TEST(a_secret_value_outlives_its_process_too)
{
    survives(PAA_MEMO_SECRET);
}

TEST(a_store_in_memory_makes_it_a_memo_like_any_other)
{
    struct paa_memo_def def = def_shared(PAA_MEMO_SECRET);
    struct stand s;

    play_init();
    pair_open_as(&s, "memory", &def, 0);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(play.runs, 1);
    stand_close(&s);
}

TEST(bytes_of_another_format_or_other_options_are_made_anew)
{
    struct paa_memo_def def = def_shared(0);
    struct shop shop;
    struct stand s;

    play_init();
    shop_open(&shop);
    for (int i = 0; i < 3; i++) {
        def.format = i == 1;
        def.name = "tokens";
        shared_open(&s, &shop, &def);
        if (i == 2)
            s.b.instance.digest[0] = 1;
        CHECK_INT(get(&s.a, s.memo, "k"), PAA_STATUS_OK);
        CHECK_INT(play.runs, i + 1);
        stand_close(&s);
    }
    shop_close(&shop);
}

TEST(what_cannot_be_decoded_is_never_saved)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    atomic_store(&play.bad_bytes, true);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_UNAVAILABLE);
    atomic_store(&play.bad_bytes, false);
    CHECK_INT(look(&t.other.a, t.other.memo, "k"), PAA_STATUS_NONE);
    two_close(&t);
}

TEST(a_negative_value_stays_with_who_made_it)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    atomic_store(&play.product_flags, PAA_PRODUCT_NEGATIVE);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(look(&t.other.a, t.other.memo, "k"), PAA_STATUS_NONE);
    two_close(&t);
}

/* ---- made once --------------------------------------------------------------------------------- */

TEST(one_producer_runs_and_the_other_context_waits_for_it)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    close_gate();
    begin_get(&t.one.a, t.one.memo, "k", 0);
    await_at_gate(1);
    begin_get(&t.other.a, t.other.memo, "k", 0);
    CHECK_INT(t.other.a.result, PAA_PENDING);
    open_gate();
    await_answer(&t.one.a);
    await_answer(&t.other.a);
    CHECK_INT(t.other.a.status, PAA_STATUS_OK);
    CHECK_INT(t.one.a.version, t.other.a.version);
    CHECK(strcmp(t.other.a.text, "made 1") == 0);
    CHECK_INT(play.runs, 1);
    two_close(&t);
}

TEST(whoever_waits_too_long_for_another_one_is_told_and_the_run_goes_on)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    close_gate();
    begin_get(&t.one.a, t.one.memo, "k", 0);
    await_at_gate(1);
    begin_get(&t.other.a, t.other.memo, "k", 0);
    pass_s(&t.other.b, 21);
    await_answer(&t.other.a);
    CHECK_INT(t.other.a.status, PAA_STATUS_UNAVAILABLE);
    open_gate();
    await_answer(&t.one.a);
    CHECK_INT(t.one.a.status, PAA_STATUS_OK);
    CHECK_INT(play.runs, 1);
    two_close(&t);
}

TEST(a_stale_value_is_renewed_by_one_of_them)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    atomic_store(&play.fresh_s, 10);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    two_pass_s(&t, 11);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    await_idle(&t.one.b);
    CHECK_INT(play.runs, 2);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    await_idle(&t.other.b);
    next_op(&t.other);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(t.other.a.text, "made 2") == 0);
    CHECK_INT(play.runs, 2);
    two_close(&t);
}

/* ---- what the other one did -------------------------------------------------------------------- */

TEST(what_one_puts_the_other_sees)
{
    struct paa_memo_def def = def_shared(PAA_MEMO_SECRET);
    struct two t;

    two_open(&t, &def);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(put(&t.one.b, &t.one.a, t.one.memo, "k", "by login"), PAA_STATUS_OK);
    await_idle(&t.other.b); /* the store told it before it answered */
    next_op(&t.other);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(t.other.a.text, "by login") == 0);
    CHECK_INT(t.one.a.version, t.other.a.version);
    CHECK_INT(play.runs, 1);
    two_close(&t);
}

TEST(what_one_drops_the_other_uses_no_more)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(drop(&t.one.a, t.one.memo, "k", t.other.a.version - 1, 0), PAA_STATUS_EXISTS);
    CHECK_INT(drop(&t.one.a, t.one.memo, "k", t.other.a.version, 0), PAA_STATUS_OK);
    next_op(&t.other);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(t.other.a.text, "made 2") == 0);
    CHECK(strcmp(play.previous, "made 1") == 0);
    CHECK_INT(play.runs, 2);
    two_close(&t);
}

TEST(drops_of_one_key_have_one_cool_down)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(drop(&t.one.a, t.one.memo, "k", 0, 0), PAA_STATUS_OK);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(drop(&t.other.a, t.other.memo, "k", 0, 0), PAA_STATUS_LIMITED);
    two_pass_s(&t, 11);
    CHECK_INT(drop(&t.other.a, t.other.memo, "k", 0, 0), PAA_STATUS_OK);
    two_close(&t);
}

TEST(what_one_forgets_is_gone_for_both_and_not_shown_to_the_producer)
{
    struct paa_memo_def def = def_shared(PAA_MEMO_SECRET);
    struct two t;

    two_open(&t, &def);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(drop(&t.one.a, t.one.memo, "k", 0, PAA_QUERY_FORGET), PAA_STATUS_OK);
    next_op(&t.other);
    CHECK_INT(look(&t.other.a, t.other.memo, "k"), PAA_STATUS_NONE);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(play.previous, "(absent)") == 0);
    CHECK_INT(play.runs, 2);
    two_close(&t);
}

TEST(a_forced_renewal_has_one_cool_down)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;
    uint64_t first;

    two_open(&t, &def);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    first = t.one.a.version;
    CHECK_INT(renew(&t.one.a, t.one.memo, "k", first), PAA_STATUS_OK);
    CHECK_INT(play.runs, 2);
    await_idle(&t.other.b);
    CHECK_INT(renew(&t.other.a, t.other.memo, "k", first), PAA_STATUS_OK); /* the other's */
    CHECK(t.other.a.version > first);
    CHECK_INT(renew(&t.other.a, t.other.memo, "k", t.other.a.version), PAA_STATUS_LIMITED);
    CHECK_INT(play.runs, 2);
    two_pass_s(&t, 11);
    CHECK_INT(renew(&t.other.a, t.other.memo, "k", t.one.a.version), PAA_STATUS_OK);
    CHECK_INT(play.runs, 3);
    two_close(&t);
}

TEST(a_failure_of_one_holds_the_other_back)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    atomic_store(&play.result, PAA_UNAVAILABLE);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(play.runs, 1);
    atomic_store(&play.result, PAA_DONE);
    two_pass_s(&t, 3);
    next_op(&t.other);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK_INT(play.runs, 2);
    two_close(&t);
}

TEST(a_refusal_takes_the_value_from_both)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    atomic_store(&play.keep_s, 1000);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    two_pass_s(&t, 61);
    atomic_store(&play.result, PAA_REJECT);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_DENIED);
    CHECK(strcmp(play.previous, "made 1") == 0);
    atomic_store(&play.result, PAA_DONE);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(play.previous, "(absent)") == 0);
    two_close(&t);
}

TEST(the_newest_that_is_kept_is_shown_to_the_producer_whoever_made_it)
{
    struct paa_memo_def def = def_shared(PAA_MEMO_SECRET);
    struct two t;

    two_open(&t, &def);
    atomic_store(&play.keep_s, 1000);
    CHECK_INT(get(&t.one.a, t.one.memo, "k"), PAA_STATUS_OK);
    two_pass_s(&t, 61);
    CHECK_INT(get(&t.other.a, t.other.memo, "k"), PAA_STATUS_OK);
    CHECK(strcmp(play.previous, "made 1") == 0);
    CHECK_INT(play.previous_version, t.one.a.version);
    two_close(&t);
}

/* ---- overtaken --------------------------------------------------------------------------------- */

TEST(what_was_put_while_a_producer_ran_is_not_overwritten)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    close_gate();
    begin_get(&t.one.a, t.one.memo, "k", 0);
    await_at_gate(1);
    CHECK_INT(put(&t.other.b, &t.other.a, t.other.memo, "k", "newer"), PAA_STATUS_OK);
    open_gate();
    await_answer(&t.one.a);
    CHECK_INT(t.one.a.status, PAA_STATUS_OK);
    CHECK(strcmp(t.one.a.text, "newer") == 0);
    CHECK_INT(t.one.a.version, t.other.a.version);
    CHECK_INT(play.runs, 1);
    two_close(&t);
}

TEST(what_was_forgotten_while_a_producer_ran_stays_forgotten)
{
    struct paa_memo_def def = def_shared(0);
    struct two t;

    two_open(&t, &def);
    close_gate();
    begin_get(&t.one.a, t.one.memo, "k", 0);
    await_at_gate(1);
    CHECK_INT(drop(&t.other.a, t.other.memo, "k", 0, PAA_QUERY_FORGET), PAA_STATUS_OK);
    open_gate();
    await_answer(&t.one.a);
    CHECK_INT(t.one.a.status, PAA_STATUS_NONE);
    CHECK_INT(look(&t.other.a, t.other.memo, "k"), PAA_STATUS_NONE);
    two_close(&t);
}

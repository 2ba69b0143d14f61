/* SPDX-License-Identifier: MIT */
/* What memos keep: bounds, objects, connections, secrets, a reload; and what open refuses. */
#include "memo_asker.h"
#include "test.h"

/* ---- limits ---- */

TEST(least_recently_used_values_go_first)
{
    struct paa_memo_def def = def_named("small");
    struct stand s;
    char key[16];

    def.max_bytes = 8 * 1024;
    def.produce = NULL;
    stand_open(&s, &def);
    put(&s.b, &s.a, s.memo, "hot", "x");
    for (int i = 0; i < 200; i++) {
        (void)snprintf(key, sizeof key, "cold %d", i);
        CHECK_INT(put(&s.b, &s.a, s.memo, key, "x"), PAA_STATUS_OK);
        CHECK_INT(get(&s.a, s.memo, "hot"), PAA_STATUS_OK);
        next_op(&s);
    }
    CHECK_INT(get(&s.a, s.memo, "cold 199"), PAA_STATUS_OK);
    CHECK_INT(get(&s.a, s.memo, "cold 0"), PAA_STATUS_NONE);
    CHECK(s.memo->bytes <= 8 * 1024);
    stand_close(&s);
}

TEST(a_negative_value_never_pushes_out_a_positive_one)
{
    struct paa_memo_def def = def_named("verdicts");
    struct stand s;
    char key[16];

    def.negative_entries = 10;
    def.produce = NULL;
    stand_open(&s, &def);
    put(&s.b, &s.a, s.memo, "good", "x");
    for (int i = 0; i < 100; i++) {
        (void)snprintf(key, sizeof key, "bad %d", i);
        CHECK_INT(put_bytes(&s.b, &s.a, s.memo, key, bytes_of("no"), PAA_PRODUCT_NEGATIVE, 60),
                  PAA_STATUS_OK);
    }
    CHECK_INT(get(&s.a, s.memo, "good"), PAA_STATUS_OK);
    CHECK_INT(get(&s.a, s.memo, "bad 99"), PAA_STATUS_OK);
    CHECK_INT(get(&s.a, s.memo, "bad 0"), PAA_STATUS_NONE);
    CHECK(s.memo->negatives <= 10);
    stand_close(&s);
}

TEST(many_keys_are_told_apart_and_all_of_each_counts)
{
    struct paa_memo_def def = def_named("many");
    struct stand s;
    char key[32];

    def.produce = NULL;
    stand_open(&s, &def);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof key, "key %d", i);
        put(&s.b, &s.a, s.memo, key, key);
    }
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof key, "key %d", i);
        CHECK_INT(get(&s.a, s.memo, key), PAA_STATUS_OK);
        CHECK_STR(paa_str_of(s.a.text), key);
        drop(&s.a, s.memo, key, 0, PAA_QUERY_FORGET);
        CHECK_INT(get(&s.a, s.memo, key), PAA_STATUS_NONE);
        next_op(&s);
    }
    stand_close(&s);
}

TEST(keys_and_values_that_are_too_large_are_refused)
{
    struct paa_memo_def def = def_named("small");
    char *large = calloc(1, MEMO_KEY_MAX + 2);
    struct stand s;

    def.max_bytes = 4096;
    stand_open(&s, &def);
    memset(large, 'k', MEMO_KEY_MAX + 1);
    CHECK_INT(get(&s.a, s.memo, large), PAA_STATUS_TOO_LARGE);
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", large), PAA_STATUS_TOO_LARGE);
    large[MEMO_KEY_MAX] = '\0';
    CHECK_INT(get(&s.a, s.memo, large), PAA_STATUS_OK);
    CHECK_INT(get(&s.a, s.memo, ""), PAA_STATUS_OK);
    stand_close(&s);
    free(large);
}

/* ---- objects ---- */

TEST(bytes_are_decoded_once_and_every_object_is_released)
{
    struct paa_memo_def def = def_decoded("keys");
    struct stand s;
    const void *object;

    stand_open(&s, &def);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    object = s.a.object;
    REQUIRE(object != NULL);
    CHECK_STR(paa_str_of(object), "made 1");
    get(&s.a, s.memo, "a");
    CHECK(s.a.object == object);
    CHECK_INT(play.decoded, 1);
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", "put"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.object), "put");
    pin_collect(s.b.services.pins);
    CHECK_INT(play.released, 0); /* the operation has not ended */
    CHECK_STR(paa_str_of(object), "made 1");
    next_op(&s);
    await_idle(&s.b);
    pin_collect(s.b.services.pins);
    CHECK_INT(play.released, 1);
    stand_close(&s);
    CHECK_INT(play.released, play.decoded);
}

TEST(bytes_that_cannot_be_decoded_count_as_not_produced)
{
    struct paa_memo_def def = def_decoded("keys");
    struct stand s;

    stand_open(&s, &def);
    play.bad_bytes = true;
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(s.a.sentence, "no good");
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", "x"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_NONE);
    play.bad_bytes = false;
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", "good"), PAA_STATUS_OK);
    play.bad_bytes = true;
    CHECK_INT(put(&s.b, &s.a, s.memo, "a", "bad"), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK); /* only what decodes replaces */
    CHECK_STR(paa_str_of(s.a.text), "good");
    stand_close(&s);
    CHECK_INT(play.released, 1);
}

TEST(an_object_that_is_kept_is_the_memos_until_it_is_released)
{
    struct paa_memo_def def = def_decoded("objects");
    struct stand s;
    char *object = strdup("mine");

    def.produce = NULL;
    stand_open(&s, &def);
    CHECK_INT(services_host_memo.keep(&s.a.op.pub, s.memo, bytes_of("a"), object, 10, BEGAN_S + 60),
              PAA_STATUS_OK);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK(s.a.object == object);
    CHECK_STR(paa_str_of(s.a.text), "(absent)");
    pass_s(&s.b, 61);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_NONE);
    CHECK_INT(play.released, 0);
    object = strdup("past");
    CHECK_INT(services_host_memo.keep(&s.a.op.pub, s.memo, bytes_of("a"), object, 10, BEGAN_S),
              PAA_STATUS_OK);
    pin_collect(s.b.services.pins);
    CHECK_STR(paa_str_of(object), "past"); /* at least until the operation ends */
    object = strdup("large");
    CHECK_INT(services_host_memo.keep(&s.a.op.pub, s.memo, bytes_of("a"), object, 1 << 30,
                                      BEGAN_S + 600),
              PAA_STATUS_TOO_LARGE);
    free(object); /* still mine */
    stand_close(&s);
    CHECK_INT(play.released, 2);
}

TEST(an_object_of_a_connection_is_its_own_and_goes_with_it)
{
    struct paa_memo_def def;
    struct memo_peer *peer, *other;
    struct stand s;

    paa_init(&def, sizeof def);
    def.name = "sessions";
    def.flags = PAA_MEMO_PEER;
    def.release = release;
    stand_open(&s, &def);
    peer = memo_peer_new(s.b.services.memos);
    other = memo_peer_new(s.b.services.memos);
    CHECK_INT(get(&s.a, s.memo, ""), PAA_STATUS_NONE); /* without a connection */
    s.a.op.peer = peer;
    CHECK_INT(get(&s.a, s.memo, ""), PAA_STATUS_NONE);
    CHECK_INT(services_host_memo.keep(&s.a.op.pub, s.memo, BYTES_NONE, strdup("one"), 1,
                                      PAA_FOREVER),
              PAA_STATUS_OK);
    CHECK_INT(get(&s.a, s.memo, ""), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.object), "one");
    s.a.op.peer = other;
    CHECK_INT(get(&s.a, s.memo, ""), PAA_STATUS_NONE);
    CHECK_INT(services_host_memo.keep(&s.a.op.pub, s.memo, BYTES_NONE, strdup("two"), 1,
                                      PAA_FOREVER),
              PAA_STATUS_OK);
    next_op(&s);
    memo_peer_free(peer);
    pin_collect(s.b.services.pins);
    CHECK_INT(play.released, 1);
    memo_close_all(&s.b.instance);
    CHECK_INT(play.released, 2); /* before destroy, though the connection is open yet */
    memo_peer_free(other);
    stand_close(&s);
}

/* ---- secrets ---- */

TEST(a_secret_memo_serves_like_any_other)
{
    struct paa_memo_def def = def_decoded("secrets");
    struct stand s;

    def.flags = PAA_MEMO_SECRET;
    stand_open(&s, &def);
    CHECK_INT(get(&s.a, s.memo, "a"), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(s.a.text), "made 1");
    CHECK_INT(drop(&s.a, s.memo, "a", 0, PAA_QUERY_FORGET), PAA_STATUS_OK);
    CHECK_INT(look(&s.a, s.memo, "a"), PAA_STATUS_NONE);
    stand_close(&s);
    CHECK_INT(play.released, 1);
}

/* ---- reload ---- */

static void after_reload(const char *digest, uint32_t flags, uint32_t format,
                         enum paa_status expected)
{
    struct paa_memo_def def = def_decoded("tokens");
    struct op_instance next;
    struct paa_memo *memo;
    struct stand s;
    uint64_t version;

    def.flags = flags;
    stand_open(&s, &def);
    instance_init(&next);
    memcpy(next.digest, digest, strlen(digest));
    get(&s.a, s.memo, "a");
    version = s.a.version;
    def.format = format;
    memo = memo_in(&s.b, &next, &def, NULL);
    memo_adopt(&next, &s.b.instance);
    next_op(&s);
    s.a.op.instance = &next;
    play.result = PAA_UNAVAILABLE;
    CHECK_INT(get(&s.a, memo, "a"), expected);
    if (expected == PAA_STATUS_OK) {
        CHECK_STR(paa_str_of(s.a.text), "made 1");
        CHECK(s.a.version == version);
        CHECK_INT(play.decoded, 2); /* objects are made anew */
    }
    asker_close(&s.a);
    memo_close_all(&next);
    bench_close(&s.b);
    CHECK_INT(play.released, play.decoded);
}

TEST(after_a_reload_bytes_stay_if_the_options_are_the_same)
{
    after_reload("", 0, 0, PAA_STATUS_OK);
}

TEST(after_a_reload_with_other_options_only_a_keep_memo_has_its_bytes)
{
    after_reload("other", 0, 0, PAA_STATUS_UNAVAILABLE);
    after_reload("other", PAA_MEMO_KEEP, 0, PAA_STATUS_OK);
}

TEST(after_a_reload_bytes_of_another_format_are_ignored)
{
    after_reload("", PAA_MEMO_KEEP, 1, PAA_STATUS_UNAVAILABLE);
}

/* ---- open ---- */

static void refused(struct paa_memo_def def, enum paa_status expected, const char *why)
{
    struct paa_memo *memo = NULL;
    struct bench b;
    struct asker a;

    bench_open(&b);
    asker_open(&a, &b, &b.instance, OP_CREATE);
    CHECK_INT(services_host_memo.open(&a.op.pub, &def, &memo), expected);
    CHECK(memo == NULL);
    CHECK_HAS(a.op.sentence.data != NULL ? a.op.sentence.data : "", why);
    asker_close(&a);
    bench_close(&b);
}

TEST(a_definition_that_cannot_work_is_refused_in_a_sentence)
{
    struct paa_memo_def def = def_named("x");

    def.flags = PAA_MEMO_SHARED;
    def.source = (const struct paa_source *)(const void *)&def;
    refused(def, PAA_STATUS_INVALID, "not SHARED");
    def.source = NULL;
    def.flags = 1u << 20;
    refused(def, PAA_STATUS_INVALID, "unknown flag");
    def.flags = 0;
    def.decode = decode;
    refused(def, PAA_STATUS_INVALID, "without release");
    def.decode = NULL;
    def.flags = PAA_MEMO_PEER;
    refused(def, PAA_STATUS_INVALID, "PEER");
    def.flags = 0;
    def.name = "";
    refused(def, PAA_STATUS_INVALID, "no name");
}

TEST(a_memo_is_opened_once_and_in_create_only)
{
    struct paa_memo_def def = def_named("tokens");
    struct paa_memo *memo = NULL;
    enum paa_status status;
    struct stand s;

    stand_open(&s, &def);
    CHECK(memo_in(&s.b, &s.b.instance, &def, &status) == NULL);
    CHECK_INT(status, PAA_STATUS_INVALID);
    CHECK_INT(services_host_memo.open(&s.a.op.pub, &def, &memo), PAA_STATUS_INVALID);
    CHECK(s.a.op.misused);
    stand_close(&s);
}

TEST(a_query_with_an_unknown_flag_is_invalid_and_the_operation_a_fault)
{
    struct stand s;

    stand_open_plain(&s);
    begin_get(&s.a, s.memo, "a", 1u << 9);
    CHECK_INT(s.a.status, PAA_STATUS_INVALID);
    CHECK_INT(s.a.result, PAA_FAULT);
    stand_close(&s);
}

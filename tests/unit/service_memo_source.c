/* SPDX-License-Identifier: MIT */
/* Memos of a source: what a get gives while the file changes, cannot be decoded, or is gone. */
#include "memo_stage.h"
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

enum { GRACE_S = 100, THREADS = 16 };

static struct stage stage;
static struct paa_source *source;
static struct paa_memo *memo;
static char folder[64];
static char path[128];
static atomic_int decoded;
static atomic_int released;
static atomic_int parts_seen;

/* ---- the stage ------------------------------------------------------------------------------------ */

static void write_file(const char *name, const char *text)
{
    char file[256];
    FILE *out;

    (void)snprintf(file, sizeof file, "%s/%s", folder, name);
    out = fopen(file, "w");
    if (out == NULL || fchmod(fileno(out), 0600) != 0 || fputs(text, out) < 0 || fclose(out) != 0)
        abort();
}

static void remove_file(const char *name)
{
    char file[256];

    (void)snprintf(file, sizeof file, "%s/%s", folder, name);
    (void)unlink(file);
}

/* "bad…" is no value. The object is a copy with a NUL. */
static enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts, size_t count,
                              void **ret_object, size_t *ret_weight) PAA_NOEXCEPT
{
    char *text;

    atomic_fetch_add(&decoded, 1);
    atomic_store(&parts_seen, (int)count);
    if (parts[0].size >= 3 && memcmp(parts[0].data, "bad", 3) == 0) {
        (void)op->host->fail(op, PAA_FAULT, "decode", paa_str_of("line 1 is no key"));
        return PAA_STATUS_INVALID;
    }
    text = calloc(1, parts[0].size + 1);
    if (text == NULL)
        return PAA_STATUS_UNAVAILABLE;
    memcpy(text, parts[0].data, parts[0].size);
    *ret_object = text;
    *ret_weight = parts[0].size + 1;
    return PAA_STATUS_OK;
}

static void release(void *object, const void *self) PAA_NOEXCEPT
{
    (void)self;
    atomic_fetch_add(&released, 1);
    free(object);
}

static void begin_at(const char *text, enum source_kind kind, bool has_decoder)
{
    struct source_spec spec;
    struct paa_memo_def def;
    struct paa_error error;

    stage_begin(&stage);
    atomic_store(&decoded, 0);
    atomic_store(&released, 0);
    (void)snprintf(folder, sizeof folder, "/tmp/paa-memo-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
    (void)snprintf(path, sizeof path, "%s%s", folder, kind == SOURCE_FOLDER ? "" : "/keys");
    if (text != NULL)
        write_file("keys", text);
    memset(&spec, 0, sizeof spec);
    spec.kind = kind;
    spec.text = paa_str_of(path);
    spec.where.file = "paa.conf";
    spec.where.line = 7;
    source = source_open(stage.world.services.sources, &spec, 1, &error);
    paa_init(&def, sizeof def);
    def.name = "keys";
    def.source = source;
    def.grace_s = GRACE_S;
    if (has_decoder) {
        def.decode = decode;
        def.release = release;
    }
    memo = stage_open(&stage, &stage.world.instance, &def, NULL);
    if (source == NULL || memo == NULL)
        abort();
}

static void begin(const char *text)
{
    begin_at(text, SOURCE_FILE, true);
}

static void end(void)
{
    memo_close_all(&stage.world.instance);
    source_close(source);
    stage_end(&stage);
    remove_file("keys");
    remove_file("more");
    (void)rmdir(folder);
}

static void change(const char *text)
{
    write_file("keys", text);
    source_refresh(source);
}

static enum paa_status get(struct asker *asker)
{
    asker_begin(asker, &stage, &stage.world.instance);
    return asker_get(asker, memo, NULL, 0);
}

static void check_object(const char *expected)
{
    struct asker asker;

    CHECK_INT(get(&asker), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(asker.object), expected);
    CHECK(asker_has(&asker, expected));
    asker_end(&asker);
}

/* ---- what is given -------------------------------------------------------------------------------- */

TEST(without_a_decoder_the_bytes_are_the_value)
{
    struct asker asker;
    uint64_t version;

    begin_at("one", SOURCE_FILE, false);
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    CHECK(asker_has(&asker, "one"));
    CHECK(asker.object == NULL);
    version = asker.d.version;
    CHECK(version > 0);
    asker_end(&asker);
    change("two");
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    CHECK(asker_has(&asker, "two"));
    CHECK(asker.d.version > version);
    asker_end(&asker);
    end();
}

TEST(a_source_is_decoded_once_for_all)
{
    begin("one");
    for (int i = 0; i < 5; i++)
        check_object("one");
    CHECK_INT(atomic_load(&decoded), 1);
    end();
    CHECK_INT(atomic_load(&released), 1);
}

static enum paa_status check(uint64_t version)
{
    struct asker asker;
    enum paa_status status;

    asker_begin(&asker, &stage, &stage.world.instance);
    status = services_host_memo.check(&asker.d.op.pub, memo, paa_bytes_of(NULL, 0), version);
    asker_end(&asker);
    return status;
}

TEST(a_check_knows_the_version_that_is_current)
{
    struct asker asker;
    uint64_t version;

    begin("one");
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    version = asker.d.version;
    asker_end(&asker);
    CHECK_INT(check(version), PAA_STATUS_OK);
    CHECK_INT(check(0), PAA_STATUS_NONE);
    change("two");
    CHECK_INT(check(version), PAA_STATUS_NONE);
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    CHECK_INT(check(asker.d.version), PAA_STATUS_OK);
    version = asker.d.version;
    asker_end(&asker);
    remove_file("keys");
    source_refresh(source);
    CHECK_INT(check(version), PAA_STATUS_OK);
    stage_pass(&stage, GRACE_S);
    CHECK_INT(check(version), PAA_STATUS_NONE);
    end();
}

TEST(it_is_decoded_anew_when_it_changes)
{
    begin("one");
    check_object("one");
    change("two");
    check_object("two");
    change("two"); /* read again, the same bytes */
    check_object("two");
    CHECK_INT(atomic_load(&decoded), 2);
    end();
    CHECK_INT(atomic_load(&released), 2);
}

TEST(what_an_operation_was_given_lives_until_it_ends)
{
    struct asker first, second;

    begin("one");
    CHECK_INT(get(&first), PAA_STATUS_OK);
    change("two");
    CHECK_INT(get(&second), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(second.object), "two");
    stage_rest(&stage); /* else 0 below could mean that nothing was retired yet */
    pin_collect(stage.world.services.pins);
    CHECK_INT(atomic_load(&released), 0);
    CHECK_STR(paa_str_of(first.object), "one");
    CHECK(asker_has(&first, "one"));
    CHECK_INT(first.value->version, first.d.version);
    asker_end(&first);
    pin_collect(stage.world.services.pins);
    CHECK_INT(atomic_load(&released), 1);
    asker_end(&second);
    end();
}

TEST(within_one_operation_object_and_version_are_those_of_its_first_reading)
{
    struct asker asker;
    uint64_t version;

    begin("one");
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    version = asker.d.version;
    change("two");
    CHECK_INT(asker_get(&asker, memo, NULL, 0), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(asker.object), "one");
    CHECK_INT(asker.d.version, version);
    asker_end(&asker);
    end();
}

TEST(a_folder_has_a_part_for_each_file_and_no_bytes_as_one)
{
    struct asker asker;

    begin_at("one", SOURCE_FOLDER, true);
    write_file("more", "two");
    source_refresh(source);
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    CHECK_INT(atomic_load(&parts_seen), 2);
    CHECK(asker.bytes.data == NULL);
    asker_end(&asker);
    end();
}

TEST(a_look_starts_nothing)
{
    struct asker asker;

    begin("one");
    asker_begin(&asker, &stage, &stage.world.instance);
    CHECK_INT(asker_get(&asker, memo, NULL, PAA_QUERY_LOOK), PAA_STATUS_UNAVAILABLE);
    CHECK(!asker.has_value);
    CHECK_INT(atomic_load(&decoded), 0);
    CHECK_INT(asker_get(&asker, memo, NULL, 0), PAA_STATUS_OK);
    CHECK_INT(asker_get(&asker, memo, NULL, PAA_QUERY_LOOK), PAA_STATUS_OK);
    asker_end(&asker);
    end();
}

/* ---- grace ---------------------------------------------------------------------------------------- */

TEST(bytes_that_cannot_be_decoded_leave_the_last_good_ones_for_the_grace)
{
    struct asker asker;

    begin("one");
    check_object("one");
    change("bad");
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    CHECK_STR(paa_str_of(asker.object), "one");
    CHECK(asker.bytes.data == NULL); /* the bytes of now are others */
    asker_end(&asker);
    stage_pass(&stage, GRACE_S - 1);
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    asker_end(&asker);
    CHECK_INT(atomic_load(&decoded), 2); /* what failed does not become better */
    stage_pass(&stage, 1);
    CHECK_INT(get(&asker), PAA_STATUS_UNAVAILABLE);
    CHECK(!asker.has_value);
    CHECK_HAS(asker.d.sentence, "line 1 is no key");
    asker_end(&asker);
    end();
}

TEST(the_grace_counts_from_the_first_failure)
{
    struct asker asker;

    begin("one");
    check_object("one");
    change("bad 1");
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    asker_end(&asker);
    stage_pass(&stage, GRACE_S - 1);
    change("bad 2");
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    asker_end(&asker);
    stage_pass(&stage, 1);
    CHECK_INT(get(&asker), PAA_STATUS_UNAVAILABLE);
    asker_end(&asker);
    change("mended");
    check_object("mended");
    end();
}

TEST(a_file_that_is_gone_serves_for_the_grace_and_again_when_it_is_back)
{
    struct asker asker;

    begin("one");
    check_object("one");
    remove_file("keys");
    source_refresh(source);
    stage_pass(&stage, GRACE_S - 1);
    check_object("one");
    stage_pass(&stage, 1);
    CHECK_INT(get(&asker), PAA_STATUS_UNAVAILABLE);
    asker_end(&asker);
    change("one");
    check_object("one");
    end();
}

TEST(bytes_without_a_decoder_end_with_the_grace_too)
{
    struct asker asker;

    begin_at("one", SOURCE_FILE, false);
    remove_file("keys");
    source_refresh(source);
    stage_pass(&stage, GRACE_S - 1);
    CHECK_INT(get(&asker), PAA_STATUS_OK);
    asker_end(&asker);
    stage_pass(&stage, 1);
    CHECK_INT(get(&asker), PAA_STATUS_UNAVAILABLE);
    CHECK(asker.bytes.data == NULL);
    asker_end(&asker);
    end();
}

TEST(a_source_that_was_never_readable_is_unavailable)
{
    struct asker asker;

    begin(NULL);
    CHECK_INT(get(&asker), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(asker.d.sentence, "never readable");
    CHECK_INT(atomic_load(&decoded), 0);
    asker_end(&asker);
    end();
}

TEST(the_first_bytes_may_be_bad_and_the_next_good)
{
    struct asker asker;

    begin("bad");
    CHECK_INT(get(&asker), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(asker.d.sentence, "line 1 is no key");
    asker_end(&asker);
    change("good");
    check_object("good");
    end();
}

/* ---- misuse --------------------------------------------------------------------------------------- */

TEST(renew_put_drop_and_keep_are_not_for_sources)
{
    struct asker asker;
    int object = 0;

    begin("one");
    asker_begin(&asker, &stage, &stage.world.instance);
    CHECK_INT(asker_renew(&asker, memo, NULL, 0), PAA_STATUS_INVALID);
    CHECK(asker.d.op.misused);
    CHECK_INT(asker_put(&asker, memo, NULL, "x", stage_now(&stage) + 5), PAA_STATUS_INVALID);
    CHECK_INT(asker_drop(&asker, memo, NULL, 0, 0), PAA_STATUS_INVALID);
    CHECK_INT(services_host_memo.keep(&asker.d.op.pub, memo, text_bytes("k"), &object, 1,
                                      stage_now(&stage) + 5),
              PAA_STATUS_INVALID);
    asker_end(&asker);
    end();
}

/* ---- threads -------------------------------------------------------------------------------------- */

static atomic_int wrong;

static void *get_often(void *arg)
{
    for (int i = 0; i < 200; i++) {
        struct asker asker;

        if (get(&asker) != PAA_STATUS_OK || asker.object == NULL ||
            (asker.bytes.data != NULL && !asker_has(&asker, asker.object)))
            atomic_fetch_add(&wrong, 1);
        asker_end(&asker);
    }
    return arg;
}

TEST(sixteen_threads_get_while_the_file_changes)
{
    pthread_t threads[THREADS];
    char text[32];

    begin("0");
    atomic_store(&wrong, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, get_often, NULL);
    for (int i = 1; i < 50; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        change(text);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    check_object("49");
    CHECK_INT(atomic_load(&wrong), 0);
    CHECK(atomic_load(&decoded) <= 50);
    end();
    CHECK_INT(atomic_load(&released), atomic_load(&decoded));
}

/* SPDX-License-Identifier: MIT */
/* What passes on after a reload and what does not; objects of connections; what a fork leaves behind. */
#include "fork.h"
#include "memo_stage.h"
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0 /* it starts no thread in the child of a process with threads */
#endif

enum { COOLDOWN_MS = 30000 };

static struct stage stage;
static struct op_instance next; /* the instance of the next generation */
static atomic_int decoded;
static atomic_int released;
static atomic_int produced;
static char last_previous[64];

/* ---- the stage ------------------------------------------------------------------------------------ */

static enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts, size_t count,
                              void **ret_object, size_t *ret_weight) PAA_NOEXCEPT
{
    char *text = calloc(1, parts[0].size + 1);

    (void)op;
    (void)count;
    if (text == NULL)
        return PAA_STATUS_UNAVAILABLE;
    memcpy(text, parts[0].data, parts[0].size);
    atomic_fetch_add(&decoded, 1);
    *ret_object = text;
    *ret_weight = 1;
    return PAA_STATUS_OK;
}

static void release(void *object, const void *self) PAA_NOEXCEPT
{
    (void)self;
    atomic_fetch_add(&released, 1);
    free(object);
}

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *run) PAA_NOEXCEPT
{
    struct paa_memo_product product;

    atomic_fetch_add(&produced, 1);
    (void)snprintf(last_previous, sizeof last_previous, "%.*s", (int)run->previous.size,
                   run->previous.data != NULL ? (const char *)run->previous.data : "");
    paa_init(&product, sizeof product);
    product.usable_until_s = op->host->clock->now_s(op) + 60;
    product.bytes = text_bytes("made");
    (void)op->host->memo->product(op, &product);
    return PAA_DONE;
}

static void begin(void)
{
    stage_begin(&stage);
    next = stage.world.instance;
    next.memos = NULL;
    atomic_store(&decoded, 0);
    atomic_store(&released, 0);
    atomic_store(&produced, 0);
    last_previous[0] = '\0';
}

static void end(void)
{
    memo_close_all(&next);
    stage_end(&stage);
}

static struct paa_memo_def def_of(const char *name, uint32_t flags, bool has_decoder)
{
    struct paa_memo_def def;

    paa_init(&def, sizeof def);
    def.name = name;
    def.flags = flags;
    def.cooldown_ms = COOLDOWN_MS;
    if (has_decoder)
        def.decode = decode;
    def.release = release;
    return def;
}

static struct paa_memo *open_in(struct op_instance *instance, const struct paa_memo_def *def)
{
    struct paa_memo *memo = stage_open(&stage, instance, def, NULL);

    if (memo == NULL)
        abort();
    return memo;
}

/* One call of its own operation. */
static enum paa_status put(struct op_instance *instance, struct paa_memo *memo, const char *key,
                           const char *bytes)
{
    struct asker asker;
    enum paa_status status;

    asker_begin(&asker, &stage, instance);
    status = asker_put(&asker, memo, key, bytes, stage_now(&stage) + 600);
    asker_end(&asker);
    return status;
}

static uint64_t version_in(struct op_instance *instance, struct paa_memo *memo, const char *key,
                           const char *expected)
{
    struct asker asker;
    uint64_t version;

    asker_begin(&asker, &stage, instance);
    CHECK_INT(asker_get(&asker, memo, key, 0), PAA_STATUS_OK);
    CHECK(asker_has(&asker, expected));
    version = asker.d.version;
    asker_end(&asker);
    return version;
}

static enum paa_status status_in(struct op_instance *instance, struct paa_memo *memo,
                                 const char *key)
{
    struct asker asker;
    enum paa_status status;

    asker_begin(&asker, &stage, instance);
    status = asker_get(&asker, memo, key, 0);
    asker_end(&asker);
    return status;
}

/* ---- the next generation -------------------------------------------------------------------------- */

TEST(bytes_and_versions_pass_on_when_the_options_are_the_same)
{
    struct paa_memo_def def = def_of("tokens", 0, false);
    struct paa_memo *old, *memo;
    uint64_t version;

    begin();
    old = open_in(&stage.world.instance, &def);
    memo = open_in(&next, &def);
    CHECK_INT(put(&stage.world.instance, old, "a", "one"), PAA_STATUS_OK);
    CHECK_INT(put(&stage.world.instance, old, "b", "two"), PAA_STATUS_OK);
    version = version_in(&stage.world.instance, old, "a", "one");
    memo_adopt(&next, &stage.world.instance);
    CHECK_INT(version_in(&next, memo, "a", "one"), version);
    (void)version_in(&next, memo, "b", "two");
    (void)version_in(&stage.world.instance, old, "a", "one"); /* running operations keep theirs */
    stage_pass(&stage, 600);
    CHECK_INT(status_in(&next, memo, "a"), PAA_STATUS_NONE); /* lifetimes do not begin anew */
    end();
}

TEST(objects_are_made_anew_in_the_next_generation)
{
    struct paa_memo_def def = def_of("tokens", 0, true);
    struct paa_memo *old, *memo;
    struct asker before, after;

    begin();
    old = open_in(&stage.world.instance, &def);
    memo = open_in(&next, &def);
    CHECK_INT(put(&stage.world.instance, old, "a", "one"), PAA_STATUS_OK);
    asker_begin(&before, &stage, &stage.world.instance);
    CHECK_INT(asker_get(&before, old, "a", 0), PAA_STATUS_OK);
    memo_adopt(&next, &stage.world.instance);
    CHECK_INT(atomic_load(&decoded), 1);
    asker_begin(&after, &stage, &next);
    CHECK_INT(asker_get(&after, memo, "a", 0), PAA_STATUS_OK);
    CHECK_INT(atomic_load(&decoded), 2);
    CHECK(after.object != NULL && after.object != before.object);
    CHECK_STR(paa_str_of(after.object), "one");
    CHECK_INT(after.d.version, before.d.version);
    asker_end(&after);
    CHECK_INT(status_in(&next, memo, "a"), PAA_STATUS_OK);
    CHECK_INT(atomic_load(&decoded), 2); /* once */
    asker_end(&before);
    end();
    CHECK_INT(atomic_load(&released), 2);
}

TEST(other_options_keep_nothing_unless_the_memo_says_so)
{
    struct paa_memo_def plain = def_of("plain", 0, false);
    struct paa_memo_def keeps = def_of("keeps", PAA_MEMO_KEEP, false);
    struct paa_memo *old_plain, *old_keeps, *memo_plain, *memo_keeps;

    begin();
    next.digest[0] ^= 1;
    old_plain = open_in(&stage.world.instance, &plain);
    old_keeps = open_in(&stage.world.instance, &keeps);
    memo_keeps = open_in(&next, &keeps);
    memo_plain = open_in(&next, &plain);
    CHECK_INT(put(&stage.world.instance, old_plain, "a", "one"), PAA_STATUS_OK);
    CHECK_INT(put(&stage.world.instance, old_keeps, "a", "two"), PAA_STATUS_OK);
    memo_adopt(&next, &stage.world.instance);
    CHECK_INT(status_in(&next, memo_plain, "a"), PAA_STATUS_NONE);
    (void)version_in(&next, memo_keeps, "a", "two");
    end();
}

TEST(another_format_name_or_plugin_keeps_nothing)
{
    struct paa_memo_def def = def_of("tokens", PAA_MEMO_KEEP, false);
    struct paa_memo_def newer = def_of("tokens", PAA_MEMO_KEEP, false);
    struct paa_memo_def renamed = def_of("verdicts", PAA_MEMO_KEEP, false);
    struct op_instance other;
    struct paa_memo *old, *memo, *verdicts, *foreign;

    begin();
    newer.format = 2;
    other = next;
    other.plugin = "bearer";
    old = open_in(&stage.world.instance, &def);
    memo = open_in(&next, &newer);
    verdicts = open_in(&next, &renamed);
    foreign = open_in(&other, &def);
    CHECK_INT(put(&stage.world.instance, old, "a", "one"), PAA_STATUS_OK);
    memo_adopt(&next, &stage.world.instance);
    memo_adopt(&other, &stage.world.instance);
    memo_adopt(&other, NULL);
    CHECK_INT(status_in(&next, memo, "a"), PAA_STATUS_NONE);
    CHECK_INT(status_in(&next, verdicts, "a"), PAA_STATUS_NONE);
    CHECK_INT(status_in(&other, foreign, "a"), PAA_STATUS_NONE);
    memo_close_all(&other);
    end();
}

TEST(kept_objects_do_not_pass_on)
{
    struct paa_memo_def def = def_of("handles", PAA_MEMO_KEEP, false);
    struct paa_memo *old, *memo;
    struct asker asker;

    begin();
    old = open_in(&stage.world.instance, &def);
    memo = open_in(&next, &def);
    asker_begin(&asker, &stage, &stage.world.instance);
    CHECK_INT(services_host_memo.keep(&asker.d.op.pub, old, text_bytes("a"), calloc(1, 1), 1,
                                      stage_now(&stage) + 60),
              PAA_STATUS_OK);
    asker_end(&asker);
    memo_adopt(&next, &stage.world.instance);
    CHECK_INT(status_in(&next, memo, "a"), PAA_STATUS_NONE);
    end();
    CHECK_INT(atomic_load(&released), 1);
}

TEST(a_reload_does_not_shorten_a_cool_down)
{
    struct paa_memo_def def = def_of("tokens", 0, false);
    struct paa_memo *old, *memo;
    struct asker asker;

    begin();
    def.produce = produce;
    old = open_in(&stage.world.instance, &def);
    memo = open_in(&next, &def);
    asker_begin(&asker, &stage, &stage.world.instance);
    CHECK_INT(asker_get(&asker, old, "a", 0), PAA_STATUS_OK);
    CHECK_INT(asker_renew(&asker, old, "a", asker.d.version), PAA_STATUS_OK);
    CHECK_INT(atomic_load(&produced), 2);
    memo_adopt(&next, &stage.world.instance);
    asker_end(&asker);
    asker_begin(&asker, &stage, &next);
    CHECK_INT(asker_get(&asker, memo, "a", 0), PAA_STATUS_OK);
    CHECK_INT(asker_renew(&asker, memo, "a", asker.d.version), PAA_STATUS_LIMITED);
    CHECK_INT(atomic_load(&produced), 2);
    asker_end(&asker);
    end();
}

TEST(a_dropped_value_passes_on_as_previous)
{
    struct paa_memo_def def = def_of("tokens", 0, false);
    struct paa_memo *old, *memo;
    struct asker asker;

    begin();
    def.produce = produce;
    old = open_in(&stage.world.instance, &def);
    memo = open_in(&next, &def);
    CHECK_INT(put(&stage.world.instance, old, "a", "login"), PAA_STATUS_OK);
    asker_begin(&asker, &stage, &stage.world.instance);
    CHECK_INT(asker_drop(&asker, old, "a", 0, 0), PAA_STATUS_OK);
    asker_end(&asker);
    memo_adopt(&next, &stage.world.instance);
    asker_begin(&asker, &stage, &next);
    CHECK_INT(asker_get(&asker, memo, "a", 0), PAA_STATUS_OK);
    CHECK(asker_has(&asker, "made"));
    CHECK_STR(paa_str_of(last_previous), "login");
    asker_end(&asker);
    end();
}

/* ---- connections ---------------------------------------------------------------------------------- */

static struct paa_memo *open_peer_memo(void)
{
    struct paa_memo_def def = def_of("chains", PAA_MEMO_PEER, false);

    return open_in(&stage.world.instance, &def);
}

static enum paa_status keep_at(struct memo_peer *peer, struct paa_memo *memo, const char *text)
{
    struct asker asker;
    char *object = strdup(text);
    enum paa_status status;

    asker_begin(&asker, &stage, &stage.world.instance);
    asker.d.op.peer = peer;
    status =
        services_host_memo.keep(&asker.d.op.pub, memo, text_bytes(NULL), object, 1, PAA_FOREVER);
    asker_end(&asker);
    if (status != PAA_STATUS_OK)
        free(object);
    return status;
}

static void get_at(struct asker *asker, struct memo_peer *peer, struct paa_memo *memo)
{
    asker_begin(asker, &stage, &stage.world.instance);
    asker->d.op.peer = peer;
    (void)asker_get(asker, memo, NULL, 0);
}

TEST(a_connection_has_an_object_of_its_own_until_it_closes)
{
    struct memo_peer *one, *two;
    struct paa_memo *memo;
    struct asker asker;

    begin();
    memo = open_peer_memo();
    one = memo_peer_new(stage.world.services.memos);
    two = memo_peer_new(stage.world.services.memos);
    get_at(&asker, one, memo);
    CHECK_INT(asker.d.status, PAA_STATUS_NONE);
    asker_end(&asker);
    CHECK_INT(keep_at(one, memo, "chain one"), PAA_STATUS_OK);
    CHECK_INT(keep_at(two, memo, "chain two"), PAA_STATUS_OK);
    get_at(&asker, one, memo);
    CHECK_INT(asker.d.status, PAA_STATUS_OK);
    CHECK_STR(paa_str_of(asker.object), "chain one");
    asker_end(&asker);
    get_at(&asker, two, memo);
    CHECK_STR(paa_str_of(asker.object), "chain two");
    asker_end(&asker);
    memo_peer_free(one);
    pin_collect(stage.world.services.pins);
    CHECK_INT(atomic_load(&released), 1);
    memo_peer_free(two);
    end();
    CHECK_INT(atomic_load(&released), 2);
}

TEST(without_a_connection_there_is_none)
{
    struct paa_memo *memo;
    struct asker asker;

    begin();
    memo = open_peer_memo();
    get_at(&asker, NULL, memo);
    CHECK_INT(asker.d.status, PAA_STATUS_NONE);
    asker_end(&asker);
    CHECK_INT(keep_at(NULL, memo, "nobody's"), PAA_STATUS_NONE);
    CHECK_INT(atomic_load(&released), 0);
    end();
}

TEST(a_replaced_object_of_a_connection_lives_until_its_users_end)
{
    struct memo_peer *peer;
    struct paa_memo *memo;
    struct asker asker;

    begin();
    memo = open_peer_memo();
    peer = memo_peer_new(stage.world.services.memos);
    CHECK_INT(keep_at(peer, memo, "old"), PAA_STATUS_OK);
    get_at(&asker, peer, memo);
    CHECK_INT(keep_at(peer, memo, "new"), PAA_STATUS_OK);
    pin_collect(stage.world.services.pins);
    CHECK_STR(paa_str_of(asker.object), "old");
    CHECK_INT(atomic_load(&released), 0);
    asker_end(&asker);
    pin_collect(stage.world.services.pins);
    CHECK_INT(atomic_load(&released), 1);
    memo_peer_free(peer);
    end();
}

TEST(a_connection_outlives_an_instance_and_serves_the_next)
{
    struct memo_peer *peer;
    struct paa_memo *memo;
    struct asker asker;

    begin();
    memo = open_peer_memo();
    peer = memo_peer_new(stage.world.services.memos);
    CHECK_INT(keep_at(peer, memo, "old"), PAA_STATUS_OK);
    memo_close_all(&stage.world.instance);
    CHECK_INT(atomic_load(&released), 1); /* before destroy */
    memo = open_peer_memo();
    get_at(&asker, peer, memo);
    CHECK_INT(asker.d.status, PAA_STATUS_NONE);
    asker_end(&asker);
    CHECK_INT(keep_at(peer, memo, "new"), PAA_STATUS_OK);
    get_at(&asker, peer, memo);
    CHECK_STR(paa_str_of(asker.object), "new");
    asker_end(&asker);
    memo_peer_free(peer);
    end();
    CHECK_INT(atomic_load(&released), 2);
}

TEST(connections_have_get_and_keep_only)
{
    struct memo_peer *peer;
    struct paa_memo *memo;
    struct asker asker;

    begin();
    memo = open_peer_memo();
    peer = memo_peer_new(stage.world.services.memos);
    asker_begin(&asker, &stage, &stage.world.instance);
    asker.d.op.peer = peer;
    CHECK_INT(asker_put(&asker, memo, NULL, "x", PAA_FOREVER), PAA_STATUS_INVALID);
    CHECK_INT(asker_renew(&asker, memo, NULL, 0), PAA_STATUS_INVALID);
    CHECK_INT(asker_drop(&asker, memo, NULL, 0, 0), PAA_STATUS_INVALID);
    asker_end(&asker);
    memo_peer_free(peer);
    end();
}

static struct memo_peer *shared_peer;
static struct paa_memo *shared_memo;
static atomic_int wrong;

static void *keep_and_get(void *arg)
{
    for (int i = 0; i < 500; i++) {
        struct asker asker;

        if (keep_at(shared_peer, shared_memo, "chain") != PAA_STATUS_OK)
            atomic_fetch_add(&wrong, 1);
        get_at(&asker, shared_peer, shared_memo);
        if (asker.object == NULL || strcmp(asker.object, "chain") != 0)
            atomic_fetch_add(&wrong, 1);
        asker_end(&asker);
    }
    return arg;
}

TEST(threads_share_a_connection)
{
    enum { THREADS = 8 };
    pthread_t threads[THREADS];

    begin();
    atomic_store(&wrong, 0);
    shared_memo = open_peer_memo();
    shared_peer = memo_peer_new(stage.world.services.memos);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, keep_and_get, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    memo_peer_free(shared_peer);
    end();
    CHECK_INT(atomic_load(&wrong), 0);
    CHECK_INT(atomic_load(&released), THREADS * 500);
}

/* ---- fork ----------------------------------------------------------------------------------------- */

/* As services_start does after a fork: the parent's threads are not here. Exit status 0: all as it should be. */
static int child(struct paa_memo *memo)
{
    struct services *services = &stage.world.services;
    int before = atomic_load(&decoded);

    pin_domain_forget(services->pins);
    services->reactor = reactor_new(&services->clock);
    services->workers = pool_new("workers", STAGE_WORKERS, 0);
    if (services->reactor == NULL || services->workers == NULL ||
        memos_start(services->memos) != 0 || pool_start(services->workers) != 0)
        return 2;
    if (status_in(&stage.world.instance, memo, "late") != PAA_STATUS_OK)
        return 3;
    if (atomic_load(&decoded) != before + 1)
        return 4;
    if (put(&stage.world.instance, memo, "mine", "own") != PAA_STATUS_OK ||
        status_in(&stage.world.instance, memo, "mine") != PAA_STATUS_OK)
        return 5;
    memo_close_all(&stage.world.instance);
    pool_free(services->workers);
    reactor_free(services->reactor);
    return atomic_load(&released) == 2 ? 0 : 6; /* its own two */
}

TEST(a_child_makes_its_own_objects_and_never_releases_the_parents)
{
    struct paa_memo_def def = def_of("tokens", 0, true);
    struct paa_memo *memo;
    int status = -1;
    pid_t pid;

    if (UNDER_TSAN)
        return;
    begin();
    def.produce = produce;
    memo = open_in(&stage.world.instance, &def);
    CHECK_INT(status_in(&stage.world.instance, memo, "late"), PAA_STATUS_OK);
    pid = calm_fork();
    REQUIRE(pid >= 0);
    if (pid == 0)
        _exit(child(memo));
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    CHECK_INT(status_in(&stage.world.instance, memo, "late"), PAA_STATUS_OK);
    CHECK_INT(atomic_load(&released), 0);
    end();
    CHECK_INT(atomic_load(&released), 1);
}

TEST(a_child_that_starts_nothing_may_close_what_its_parent_opened)
{
    struct paa_memo_def def = def_of("tokens", 0, true);
    struct paa_memo *memo;
    int status = -1;
    pid_t pid;

    if (UNDER_TSAN)
        return;
    begin();
    memo = open_in(&stage.world.instance, &def);
    CHECK_INT(put(&stage.world.instance, memo, "a", "one"), PAA_STATUS_OK);
    pid = calm_fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        pin_domain_forget(stage.world.services.pins);
        memo_close_all(&stage.world.instance);
        _exit(atomic_load(&released) == 0 ? 0 : 1);
    }
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    end();
}

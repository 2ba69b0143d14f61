/* SPDX-License-Identifier: MIT */
/* What happens to a key and to its waiters while a producer is at work: its gate opens when the test says so. */
#include "memo_stage.h"
#include "test.h"

enum { THREADS = 16 };

static struct stage stage;
static struct paa_memo *memo;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int begun;   /* runs so far; under lock, as the next */
static int allowed; /* runs that may end */
static atomic_int finished;
static atomic_int released;
static enum paa_result says;
static int64_t fresh_until_s;

/* ---- the stage ------------------------------------------------------------------------------------ */

static enum paa_result produce(struct paa_op *op, const struct paa_memo_run *run) PAA_NOEXCEPT
{
    struct paa_memo_product product;
    char text[32];
    int number;

    pthread_mutex_lock(&lock);
    number = ++begun;
    pthread_cond_broadcast(&changed);
    while (allowed < number)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    (void)run;
    if (says != PAA_DONE)
        return says;
    (void)snprintf(text, sizeof text, "run %d", number);
    paa_init(&product, sizeof product);
    product.fresh_until_s = fresh_until_s;
    product.usable_until_s = op->host->clock->now_s(op) + 60;
    product.bytes = text_bytes(text);
    (void)op->host->memo->product(op, &product);
    return PAA_DONE;
}

static void finish(struct paa_op *op) PAA_NOEXCEPT
{
    (void)op;
    atomic_fetch_add(&finished, 1);
}

static void release(void *object, const void *self) PAA_NOEXCEPT
{
    (void)self;
    atomic_fetch_add(&released, 1);
    free(object);
}

static enum paa_status decode(struct paa_op *op, const struct paa_bytes *parts, size_t count,
                              void **ret_object, size_t *ret_weight) PAA_NOEXCEPT
{
    (void)op;
    (void)count;
    *ret_object = calloc(1, parts[0].size + 1);
    if (*ret_object == NULL)
        return PAA_STATUS_UNAVAILABLE;
    memcpy(*ret_object, parts[0].data, parts[0].size);
    *ret_weight = parts[0].size;
    return PAA_STATUS_OK;
}

static void begin(void)
{
    struct paa_memo_def def;

    stage_begin(&stage);
    begun = 0;
    allowed = 0;
    says = PAA_DONE;
    fresh_until_s = 0;
    atomic_store(&finished, 0);
    atomic_store(&released, 0);
    paa_init(&def, sizeof def);
    def.name = "tokens";
    def.produce = produce;
    def.finish = finish;
    def.decode = decode;
    def.release = release;
    memo = stage_open(&stage, &stage.world.instance, &def, NULL);
    if (memo == NULL)
        abort();
}

static void allow(int runs)
{
    pthread_mutex_lock(&lock);
    allowed = runs;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void await_begun(int runs)
{
    pthread_mutex_lock(&lock);
    while (begun < runs)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

/* Its get waits when this returns; asker_done ends it. */
static void start(struct asker *asker)
{
    asker_begin(asker, &stage, &stage.world.instance);
    CHECK_INT(op_settle(&asker->d.op, asker_start_get(asker, memo, "a")), PAA_PENDING);
}

static enum paa_status wait_for(struct asker *asker)
{
    while (asker->d.calls == 0)
        (void)driver_pump(&asker->d, true);
    return asker->d.status;
}

/* ---- the key -------------------------------------------------------------------------------------- */

TEST(what_a_run_makes_of_a_forgotten_key_is_nobodys)
{
    struct asker before, dropper, after;

    begin();
    start(&before);
    await_begun(1);
    asker_begin(&dropper, &stage, &stage.world.instance);
    CHECK_INT(asker_drop(&dropper, memo, "a", 0, PAA_QUERY_FORGET), PAA_STATUS_OK);
    asker_end(&dropper);
    start(&after); /* the next get makes a new one */
    await_begun(2);
    allow(1);
    CHECK_INT(wait_for(&before), PAA_STATUS_NONE);
    CHECK(!before.has_value);
    allow(2);
    CHECK_INT(wait_for(&after), PAA_STATUS_OK);
    CHECK(asker_has(&after, "run 2"));
    asker_end(&before);
    asker_end(&after);
    stage_end(&stage);
    CHECK_INT(atomic_load(&finished), 2);
    CHECK_INT(atomic_load(&released), 2); /* both were decoded */
}

TEST(a_producer_that_rejects_does_not_drop_what_was_put_meanwhile)
{
    struct asker waiter, putter, getter;

    begin();
    says = PAA_REJECT;
    start(&waiter);
    await_begun(1);
    asker_begin(&putter, &stage, &stage.world.instance);
    CHECK_INT(asker_put(&putter, memo, "a", "login", stage_now(&stage) + 60), PAA_STATUS_OK);
    asker_end(&putter);
    allow(1);
    CHECK_INT(wait_for(&waiter), PAA_STATUS_DENIED);
    asker_end(&waiter);
    asker_begin(&getter, &stage, &stage.world.instance);
    CHECK_INT(asker_get(&getter, memo, "a", 0), PAA_STATUS_OK);
    CHECK(asker_has(&getter, "login"));
    asker_end(&getter);
    stage_end(&stage);
}

TEST(a_value_is_fresh_for_a_second_at_least)
{
    struct asker asker;

    begin();
    allow(100);
    fresh_until_s = 1; /* long past */
    asker_begin(&asker, &stage, &stage.world.instance);
    for (int i = 0; i < 5; i++)
        CHECK_INT(asker_get(&asker, memo, "a", 0), PAA_STATUS_OK);
    CHECK_INT(begun, 1);
    stage_pass(&stage, 1);
    CHECK_INT(asker_get(&asker, memo, "a", 0), PAA_STATUS_OK);
    await_begun(2);
    asker_end(&asker);
    stage_end(&stage);
}

/* ---- those who wait ------------------------------------------------------------------------------- */

TEST(cancelling_one_who_waits_harms_nobody)
{
    struct asker first, second;

    begin();
    start(&first);
    start(&second);
    await_begun(1);
    CHECK(first.d.op.wait.kind->cancel(&first.d.op));
    asker_end(&first);
    allow(1);
    CHECK_INT(wait_for(&second), PAA_STATUS_OK);
    CHECK_INT(begun, 1);
    asker_end(&second);
    stage_end(&stage);
    CHECK_INT(first.d.calls, 0);
}

TEST(one_who_was_posted_and_never_goes_on_leaves_nothing_behind)
{
    struct asker asker;

    begin();
    start(&asker);
    await_begun(1);
    allow(1);
    pthread_mutex_lock(&asker.d.lock);
    while (list_empty(&asker.d.queue))
        pthread_cond_wait(&asker.d.posted, &asker.d.lock);
    (void)list_take_first(&asker.d.queue);
    pthread_mutex_unlock(&asker.d.lock);
    asker_end(&asker);
    stage_end(&stage);
    CHECK_INT(atomic_load(&released), 1);
}

TEST(cancelling_what_was_posted_says_so)
{
    struct asker asker;

    begin();
    start(&asker);
    await_begun(1);
    allow(1);
    pthread_mutex_lock(&asker.d.lock);
    while (list_empty(&asker.d.queue))
        pthread_cond_wait(&asker.d.posted, &asker.d.lock);
    pthread_mutex_unlock(&asker.d.lock);
    CHECK(!asker.d.op.wait.kind->cancel(&asker.d.op));
    asker_end(&asker);
    stage_end(&stage);
}

TEST(an_operation_may_use_its_memory_while_what_it_waits_for_comes)
{
    begin();
    allow(1000);
    for (int i = 0; i < 200; i++) {
        struct asker asker;
        struct paa_memo_query query;
        char key[16];

        (void)snprintf(key, sizeof key, "key %d", i);
        query = query_of(key, 0, 0);
        asker_begin(&asker, &stage, &stage.world.instance);
        (void)services_host_memo.get(&asker.d.op.pub, memo, &query, asker_then, &asker);
        for (int n = 0; n < 50; n++)
            CHECK(op_alloc(&asker.d.op.pub, 64) != NULL);
        (void)op_settle(&asker.d.op, PAA_PENDING);
        CHECK_INT(wait_for(&asker), PAA_STATUS_OK);
        CHECK_STR(paa_str_of(asker.object), (char *)(uintptr_t)asker.value->object);
        asker_end(&asker);
    }
    stage_end(&stage);
}

TEST(a_failure_tells_everybody_why)
{
    struct asker first, second;

    begin();
    says = PAA_UNAVAILABLE;
    start(&first);
    start(&second);
    allow(1);
    CHECK_INT(wait_for(&first), PAA_STATUS_UNAVAILABLE);
    CHECK_INT(wait_for(&second), PAA_STATUS_UNAVAILABLE);
    CHECK_HAS(first.d.sentence, "could not be made");
    CHECK_HAS(second.d.sentence, "could not be made");
    CHECK(first.d.op.retry_after_ms > 0);
    asker_end(&first);
    asker_end(&second);
    stage_end(&stage);
}

/* ---- threads -------------------------------------------------------------------------------------- */

static atomic_int waiting;
static _Atomic uint64_t seen_version;
static atomic_int wrong;

static void *get_once(void *arg)
{
    struct asker asker;
    enum paa_result result;
    uint64_t none = 0;

    asker_begin(&asker, &stage, &stage.world.instance);
    result = op_settle(&asker.d.op, asker_start_get(&asker, memo, "a"));
    atomic_fetch_add(&waiting, 1);
    if (result != PAA_PENDING)
        atomic_fetch_add(&wrong, 1);
    if (atomic_load(&waiting) == THREADS)
        allow(1);
    if (wait_for(&asker) != PAA_STATUS_OK || !asker_has(&asker, "run 1"))
        atomic_fetch_add(&wrong, 1);
    if (!atomic_compare_exchange_strong(&seen_version, &none, asker.d.version) &&
        none != asker.d.version)
        atomic_fetch_add(&wrong, 1);
    asker_end(&asker);
    return arg;
}

TEST(sixteen_threads_wait_for_one_run)
{
    pthread_t threads[THREADS];

    begin();
    atomic_store(&waiting, 0);
    atomic_store(&wrong, 0);
    atomic_store(&seen_version, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, get_once, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(begun, 1);
    CHECK_INT(atomic_load(&wrong), 0);
    stage_end(&stage);
    CHECK_INT(atomic_load(&finished), 1);
    CHECK_INT(atomic_load(&released), 1);
}

static void *get_and_change(void *arg)
{
    for (int i = 0; i < 300; i++) {
        struct asker asker;
        char key[8];

        (void)snprintf(key, sizeof key, "%d", i % 7);
        asker_begin(&asker, &stage, &stage.world.instance);
        if (i % 11 == 3)
            (void)asker_drop(&asker, memo, key, 0, i % 2 != 0 ? PAA_QUERY_FORGET : 0);
        else if (i % 13 == 5)
            (void)asker_put(&asker, memo, key, "login", stage_now(&stage) + 60);
        else if (i % 17 == 7)
            (void)asker_renew(&asker, memo, key, 0);
        else if (asker_get(&asker, memo, key, 0) == PAA_STATUS_OK &&
                 !asker_has(&asker, asker.object))
            atomic_fetch_add(&wrong, 1);
        asker_end(&asker);
    }
    return arg;
}

TEST(threads_that_get_put_renew_and_drop_see_whole_values_only)
{
    pthread_t threads[THREADS];

    begin();
    allow(1 << 30);
    atomic_store(&wrong, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, get_and_change, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&wrong), 0);
    stage_end(&stage);
    CHECK_INT(atomic_load(&finished), begun); /* each run ended, once */
}

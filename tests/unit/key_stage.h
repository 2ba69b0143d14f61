/* SPDX-License-Identifier: MIT */
/* A stage for keys: a folder, services with injected clocks, and a reactor that the test turns by hand. */
#ifndef TESTS_KEY_STAGE_H
#define TESTS_KEY_STAGE_H

#include "key_made.h"
#include "key_material.h"
#include "keys.h"
#include "memo_asker.h"

static struct bench stage;
static struct paa_error error, warning;
static char folder[64];
static char log_text[16384];

static inline void on_log(enum paa_level level, struct paa_str line, void *user) PAA_NOEXCEPT
{
    size_t size = strlen(log_text);

    (void)level;
    (void)user;
    (void)snprintf(log_text + size, sizeof log_text - size, "%.*s\n", (int)line.size, line.data);
}

static inline void stage_open(void)
{
    struct services *services = &stage.services;

    memset(&stage, 0, sizeof stage);
    log_text[0] = '\0';
    services->clock = (struct clock){ bench_real, bench_steady, &stage };
    log_init(&services->log, on_log, NULL, true, PAA_LEVEL_DEBUG);
    instance_init(&stage.instance);
    if (services_init(services) != 0)
        abort();
    services->reactor = reactor_new(&services->clock);
    services->workers = pool_new("test", 1, 0);
    (void)snprintf(folder, sizeof folder, "/tmp/paa-keys-XXXXXX");
    if (services->reactor == NULL || services->workers == NULL ||
        pool_start(services->workers) != 0 || mkdtemp(folder) == NULL)
        abort();
}

static inline const char *in(const char *name)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];

    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static inline void stage_close(void)
{
    static const char *const names[] = { "k", "c", "d", "p12", "pass", "new" };
    struct services *services = &stage.services;

    keys_stop(services->keys);
    sources_stop(services->sources);
    pool_free(services->workers);
    reactor_free(services->reactor);
    services->workers = NULL;
    services->reactor = NULL;
    services_free(services);
    log_free(&services->log);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(in(names[i]));
    (void)rmdir(folder);
}

/* ---- time ---- */

struct passing {
    struct task task;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static inline void pass_by(struct task *task, unsigned worker)
{
    struct passing *passing = (struct passing *)(void *)task;

    (void)worker;
    pthread_mutex_lock(&passing->lock);
    passing->is_done = true;
    pthread_cond_signal(&passing->done);
    pthread_mutex_unlock(&passing->lock);
}

/* The one worker has done all that was queued before. */
static inline void wait_worker(void)
{
    struct passing passing = { .task.fn = pass_by,
                               .lock = PTHREAD_MUTEX_INITIALIZER,
                               .done = PTHREAD_COND_INITIALIZER };

    if (!pool_add(stage.services.workers, &passing.task))
        abort();
    pthread_mutex_lock(&passing.lock);
    while (!passing.is_done)
        pthread_cond_wait(&passing.done, &passing.lock);
    pthread_mutex_unlock(&passing.lock);
}

/* Time goes on; all that follows from it, and from events that are at hand, has happened after. */
static inline void go_on_ms(int64_t ms)
{
    while (reactor_run_once(stage.services.reactor, 0) > 0)
        continue;
    atomic_fetch_add(&stage.now_ms, ms);
    while (reactor_run_once(stage.services.reactor, 0) > 0)
        continue;
    wait_worker();
}

static inline void start_watching(void)
{
    CHECK_INT(sources_start(stage.services.sources), 0);
    keys_start(stage.services.keys);
    go_on_ms(SOURCE_SETTLE_MS);
}

/* ---- keys ---- */

static inline struct source_spec file_spec(const char *path, uint32_t flags)
{
    struct source_spec spec = {
        .kind = SOURCE_FILE, .flags = flags, .text = paa_str_of(path), .where = { "paa.conf", 7 }
    };

    return spec;
}

/* passphrase: a literal; certificate, passphrase: NULL for none. As the engine opens keys. */
static inline struct paa_key *open_key(const char *path, bool is_pkcs12, const char *passphrase,
                                       const char *certificate)
{
    struct source_spec specs[3];
    struct key_spec spec = { .specs = specs,
                             .is_pkcs12 = is_pkcs12,
                             .has_passphrase = passphrase != NULL,
                             .id = "kid-1",
                             .warn_before_s = 14 * DAY_S };

    specs[spec.count++] = file_spec(path, SOURCE_SECRET | SOURCE_PRIVATE | SOURCE_EXACT);
    if (passphrase != NULL) {
        specs[spec.count] = file_spec(passphrase, SOURCE_SECRET | SOURCE_PRIVATE);
        specs[spec.count++].kind = SOURCE_LITERAL;
    }
    if (certificate != NULL)
        specs[spec.count++] = file_spec(certificate, 0);
    return key_open(&stage.services, &spec, &error, &warning);
}

static inline void open_asker(struct asker *a)
{
    asker_open(a, &stage, &stage.instance, OP_VERIFY);
}

/* Filled for the operation a. */
static inline enum paa_status info_of(struct asker *a, const struct paa_key *key,
                                      struct paa_key_info *ret_info)
{
    paa_init(ret_info, sizeof *ret_info);
    return services_host_keys.info(&a->op.pub, key, ret_info);
}

struct signed_by { /* one signature and how it came */
    struct asker *asker;
    enum paa_status status;
    struct paa_bytes signature; /* the operation's */
    int calls;
};

static inline enum paa_result on_signed(struct paa_op *op, enum paa_status status,
                                        struct paa_bytes signature, void *context)
{
    struct signed_by *by = context;

    by->status = status;
    by->signature = signature;
    by->calls++;
    return op->host->fail(op, PAA_REJECT, "test", paa_str_of_n(NULL, 0));
}

static inline struct signed_by sign(struct asker *a, const struct paa_key *key, const char *name,
                                    struct paa_bytes message)
{
    struct signed_by by = { .asker = a };

    returned(a,
             services_host_keys.sign(&a->op.pub, key, paa_str_of(name), message, on_signed, &by));
    await_answer(a);
    CHECK_INT(by.calls, 1);
    return by;
}

#endif

/* SPDX-License-Identifier: MIT */
/* counters.h's totals: a table of names and sums that only grows, read and added to without a lock. */
#include "counters.h"

#include "control.h"
#include "engine.h"
#include "tls.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    TABLE_SIZE = 16384, /* a power of two; memory is taken only as far as it is used */
    FOLD_DECISIONS = 1024,
    FOLD_MS = 1000
};

enum entry_kind { ENTRY_DECISIONS = 1, ENTRY_RESULTS };

struct entry {
    _Atomic uint32_t kind; /* enum entry_kind; 0: free. Set last */
    uint32_t result;       /* enum answer_row, or a result index */
    _Atomic uint64_t sum;
    char name[NAME_MAX_SIZE + 8];
};

struct totals {
    pthread_mutex_t lock; /* of insertion; robust and shared by processes */
    _Atomic uint64_t latency_ns;
    _Atomic uint64_t latency_samples;
    _Atomic uint64_t suspended_total;
    _Atomic uint64_t lost;
    struct entry table[TABLE_SIZE];
};

struct counters {
    bool is_shared;
    struct totals *totals;
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics must work between processes");

/* Between processes it survives the death of whoever holds it; in one process the context's lock is enough. */
static bool init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    bool is_done;

    if (pthread_mutexattr_init(&attributes) != 0)
        return false;
    is_done = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
              pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
              pthread_mutex_init(lock, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    return is_done;
}

struct counters *counters_new(bool is_shared)
{
    struct counters *counters = calloc(1, sizeof *counters);
    int flags = MAP_ANONYMOUS | (is_shared ? MAP_SHARED : MAP_PRIVATE);
    void *memory;

    if (counters == NULL)
        return NULL;
    counters->is_shared = is_shared;
    memory = mmap(NULL, sizeof *counters->totals, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory == MAP_FAILED) {
        free(counters);
        return NULL;
    }
    counters->totals = memory;
    if (is_shared && !init_lock(&counters->totals->lock)) {
        counters_free(counters);
        return NULL;
    }
    return counters;
}

void counters_free(struct counters *counters)
{
    if (counters == NULL)
        return;
    (void)munmap(counters->totals, sizeof *counters->totals);
    free(counters);
}

/* ---- the table --------------------------------------------------------------------------------- */

/* Names come from the policy only, so no secret key is needed. */
static uint32_t place_of(enum entry_kind kind, const char *name, uint32_t result)
{
    uint64_t h = (uint64_t)kind << 32 | result;

    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    h *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32) & (TABLE_SIZE - 1);
}

static bool is_entry(const struct entry *entry, enum entry_kind kind, const char *name,
                     uint32_t result)
{
    return entry->kind == kind && entry->result == result && strcmp(entry->name, name) == 0;
}

/* The entry of that name, or the free place where it belongs; NULL: the table is full. */
static struct entry *probe(struct totals *totals, enum entry_kind kind, const char *name,
                           uint32_t result)
{
    uint32_t place = place_of(kind, name, result);

    for (uint32_t i = 0; i < TABLE_SIZE; i++) {
        struct entry *entry = &totals->table[(place + i) & (TABLE_SIZE - 1)];

        if (atomic_load_explicit(&entry->kind, memory_order_acquire) == 0 ||
            is_entry(entry, kind, name, result))
            return entry;
    }
    return NULL;
}

/* An owner that died left at most an entry that is still free. */
static bool lock_table(struct counters *counters)
{
    int error = counters->is_shared ? pthread_mutex_lock(&counters->totals->lock) : 0;

    if (error == EOWNERDEAD)
        error = pthread_mutex_consistent(&counters->totals->lock);
    return error == 0;
}

static void unlock_table(struct counters *counters)
{
    if (counters->is_shared)
        pthread_mutex_unlock(&counters->totals->lock);
}

static struct entry *insert(struct counters *counters, enum entry_kind kind, const char *name,
                            uint32_t result)
{
    struct entry *entry;

    if (strlen(name) >= sizeof entry->name || !lock_table(counters))
        return NULL;
    entry = probe(counters->totals, kind, name, result);
    if (entry != NULL && entry->kind == 0) {
        memcpy(entry->name, name, strlen(name) + 1);
        entry->result = result;
        atomic_store_explicit(&entry->kind, kind, memory_order_release);
    }
    unlock_table(counters);
    return entry;
}

static void add_to(struct counters *counters, enum entry_kind kind, const char *name,
                   uint32_t result, uint64_t count)
{
    struct entry *entry = probe(counters->totals, kind, name, result);

    if (entry == NULL || atomic_load_explicit(&entry->kind, memory_order_acquire) == 0)
        entry = insert(counters, kind, name, result);
    atomic_fetch_add_explicit(entry != NULL ? &entry->sum : &counters->totals->lost, count,
                              memory_order_relaxed);
}

/* ---- folding ----------------------------------------------------------------------------------- */

/* What was counted and is not in the totals yet; *folded moves on. */
static uint64_t take(const uint64_t *counter, uint64_t *folded)
{
    uint64_t value = __atomic_load_n(counter, __ATOMIC_RELAXED);
    uint64_t count = value - *folded;

    *folded = value;
    return count;
}

static const char *service_name(const struct generation *generation, size_t index)
{
    const struct paa_service *service = generation->context->first_service;

    if (generation->services[index].conf != NULL)
        return generation->services[index].conf->name;
    while (service != NULL && service->index != index)
        service = service->next;
    return service != NULL ? service->name : "";
}

static void fold_results(struct counters *counters, struct lane_generation *lg)
{
    const struct generation *generation = lg->generation;

    for (size_t i = 0; i < generation->instance_count * COUNTER_RESULTS; i++) {
        uint64_t none = 0;
        uint64_t count = take(&lg->results[i], lg->folded != NULL ? &lg->folded[i] : &none);

        if (count > 0)
            add_to(counters, ENTRY_RESULTS, generation->policy->instances[i / COUNTER_RESULTS].name,
                   (uint32_t)(i % COUNTER_RESULTS), count);
    }
}

static void fold_decisions(struct counters *counters, struct lane_generation *lg)
{
    const struct generation *generation = lg->generation;
    size_t begin = generation->instance_count * COUNTER_RESULTS;

    for (size_t i = 0; i < generation->service_count * COUNTER_ROWS; i++) {
        uint64_t none = 0;
        uint64_t count =
            take(&lg->decisions[i], lg->folded != NULL ? &lg->folded[begin + i] : &none);

        if (count > 0)
            add_to(counters, ENTRY_DECISIONS, service_name(generation, i / COUNTER_ROWS),
                   (uint32_t)(i % COUNTER_ROWS), count);
    }
}

/* Without memory for what is folded already nothing is: it stays for the next time. */
static void fold(struct counters *counters, struct lane_generation *lg)
{
    size_t size = lg->generation->instance_count * COUNTER_RESULTS +
                  lg->generation->service_count * COUNTER_ROWS;

    if (lg->folded == NULL)
        lg->folded = calloc(size + 1, sizeof *lg->folded);
    if (lg->folded == NULL)
        return;
    fold_results(counters, lg);
    fold_decisions(counters, lg);
}

void counters_fold(struct counters *counters, struct lane_generation *lg)
{
    fold_results(counters, lg);
    fold_decisions(counters, lg);
    free(lg->folded);
    lg->folded = NULL;
}

void counters_fold_latency(struct counters *counters, struct paa_lane *lane)
{
    struct totals *totals = counters->totals;
    struct lane_folded *folded = &lane->folded;

    atomic_fetch_add(&totals->latency_ns, take(&lane->latency_ns, &folded->latency_ns));
    atomic_fetch_add(&totals->latency_samples,
                     take(&lane->latency_samples, &folded->latency_samples));
    atomic_fetch_add(&totals->suspended_total,
                     take(&lane->suspended_total, &folded->suspended_total));
}

static void fold_lane(struct counters *counters, struct paa_lane *lane)
{
    counters_fold_latency(counters, lane);
    for (struct lane_generation *lg = lane->generation; lg != NULL; lg = lg->older)
        fold(counters, lg);
}

void counters_maybe_fold(struct paa_lane *lane)
{
    struct paa_context *context = lane->context;
    int64_t now_ms;

    if (lane->unfolded == 0 || !context->counters->is_shared)
        return;
    now_ms = clock_now_ms(&context->services.clock);
    if (lane->unfolded < FOLD_DECISIONS && now_ms - lane->folded_ms < FOLD_MS)
        return;
    if (pthread_mutex_trylock(&context->lock) != 0)
        return;
    fold_lane(context->counters, lane);
    pthread_mutex_unlock(&context->lock);
    lane->unfolded = 0;
    lane->folded_ms = now_ms;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static const char *const row_words[COUNTER_ROWS] = {
    [ROW_AMBIGUOUS] = "ambiguous",
    [ROW_SERVICE] = "service",
    [ROW_NO_RULE] = "no_rule",
    [ROW_PASS] = "allow",
    [ROW_AUTHENTICATION] = "authentication",
    [ROW_FORBIDDEN] = "forbidden",
    [ROW_INVALID] = "invalid",
    [ROW_TOO_LARGE] = "too_large",
    [ROW_UNAVAILABLE] = "unavailable",
    [ROW_FAULT] = "fault",
    [ROW_LIMITED] = "limited",
    [ROW_LOGIN] = "login",
    [ROW_CREDENTIALS] = "credentials",
    [ROW_SERVED] = "served",
};

struct sink {
    paa_sample_fn fn;
    void *user;
};

static void give(const struct sink *sink, const char *name, uint32_t flags, double value)
{
    struct paa_sample sample;

    paa_init(&sample, sizeof sample);
    sample.flags = flags;
    sample.name = name;
    sample.service = "";
    sample.instance = "";
    sample.result = "";
    sample.value = value;
    sink->fn(&sample, sink->user);
}

static const char *result_word(uint32_t result)
{
    if (result < RESULT_COUNT)
        return result_words[result];
    return result == CHAIN_FORBIDDEN ? "forbidden" : "denied";
}

static void give_entry(const struct sink *sink, const struct entry *entry, uint32_t kind)
{
    bool is_decision = kind == ENTRY_DECISIONS;
    const char *row = entry->result < COUNTER_ROWS ? row_words[entry->result] : NULL;
    struct paa_sample sample;

    paa_init(&sample, sizeof sample);
    sample.flags = PAA_SAMPLE_TOTAL;
    sample.name = is_decision ? "paa_decisions_total" : "paa_results_total";
    sample.service = is_decision ? entry->name : "";
    sample.instance = is_decision ? "" : entry->name;
    sample.result = !is_decision ? result_word(entry->result) : row != NULL ? row : "";
    sample.value = (double)atomic_load(&entry->sum);
    sink->fn(&sample, sink->user);
}

/* An exception of the policy that nobody should forget: servers whose certificates are not verified. */
static void give_unverified(const struct sink *sink, const char *service, const char *instance)
{
    struct paa_sample sample;

    paa_init(&sample, sizeof sample);
    sample.name = "paa_tls_unverified";
    sample.service = service;
    sample.instance = instance;
    sample.result = "";
    sample.value = 1;
    sink->fn(&sample, sink->user);
}

static void give_exceptions(const struct sink *sink, const struct generation *generation)
{
    for (size_t i = 0; i < generation->instance_count; i++) {
        const struct instance *instance = &generation->instances[i];

        for (size_t k = 0; k < instance->tls_count; k++)
            if (instance->tlses[k]->no_verify)
                give_unverified(sink, "", instance->id.name);
    }
    for (size_t i = 0; i < generation->service_count; i++) {
        const struct service_rules *service = &generation->services[i];

        if ((service->tls.plain.flags & PAA_CLIENT_TLS_INSECURE) != 0)
            give_unverified(sink, service->conf->name, "");
    }
}

struct now { /* gauges, read under the lock */
    uint64_t generation;
    uint64_t audit_lost;
    bool has_audit;
};

/* Lanes of before a fork are the parent's: it folds them. */
static struct now fold_all(struct paa_context *context)
{
    const struct generation *generation;
    struct now now = { 0, 0, false };

    pthread_mutex_lock(&context->lock);
    for (struct paa_lane *lane = context->first_lane; lane != NULL; lane = lane->next)
        if (lane->process == process_number)
            fold_lane(context->counters, lane);
    generation = atomic_load(&context->current);
    if (generation != NULL) {
        now.generation = generation->number;
        now.has_audit = generation->audit != NULL;
        now.audit_lost = now.has_audit ? audit_lost(generation->audit) : 0;
    }
    pthread_mutex_unlock(&context->lock);
    return now;
}

void paa_context_counters(struct paa_context *context, paa_sample_fn sample_fn, void *user)
{
    struct sink sink = { sample_fn, user };
    struct totals *totals = context->counters->totals;
    struct now now = fold_all(context);
    struct generation *generation;

    for (uint32_t i = 0; i < TABLE_SIZE; i++) {
        uint32_t kind = atomic_load_explicit(&totals->table[i].kind, memory_order_acquire);

        if (kind != 0)
            give_entry(&sink, &totals->table[i], kind);
    }
    give(&sink, "paa_latency_seconds_sum", PAA_SAMPLE_TOTAL,
         (double)atomic_load(&totals->latency_ns) / 1e9);
    give(&sink, "paa_latency_seconds_count", PAA_SAMPLE_TOTAL,
         (double)atomic_load(&totals->latency_samples));
    give(&sink, "paa_suspended_total", PAA_SAMPLE_TOTAL,
         (double)atomic_load(&totals->suspended_total));
    give(&sink, "paa_suspended", 0, (double)atomic_load(&context->pending));
    give(&sink, "paa_generation", 0, (double)now.generation);
    if (now.has_audit)
        give(&sink, "paa_audit_lost", 0, (double)now.audit_lost);
    generation = generation_hold(context);
    if (generation != NULL) {
        give_exceptions(&sink, generation);
        generation_let_go(generation);
    }
    give(&sink, "paa_counters_lost_total", PAA_SAMPLE_TOTAL, (double)atomic_load(&totals->lost));
}

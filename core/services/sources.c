/* SPDX-License-Identifier: MIT */
/*
 * sources.h: what is open, and who reads it again. How bytes are had is source_read.c's, what they become source_decode.c's, how changes are noticed
 * watch.c's, what plugins see source_host.c's.
 */
#include "source_inner.h"

#include "secret.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- bytes that live ------------------------------------------------------------------------- */

static void alive_add(struct sources *sources, struct source_bytes *bytes)
{
    bytes->sources = sources;
    pthread_mutex_lock(&sources->alive_lock);
    list_add_last(&sources->alive, &bytes->link);
    pthread_mutex_unlock(&sources->alive_lock);
}

static void alive_free(void *object, void *arg)
{
    struct source_bytes *bytes = object;
    struct sources *sources = arg;

    pthread_mutex_lock(&sources->alive_lock);
    list_remove(&bytes->link);
    pthread_mutex_unlock(&sources->alive_lock);
    source_bytes_free(bytes);
}

/* ---- reading again --------------------------------------------------------------------------- */

static bool same_specs(const struct paa_source *a, const struct paa_source *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (a->specs[i].kind != b->specs[i].kind || a->specs[i].kind == SOURCE_EXEC ||
            a->specs[i].flags != b->specs[i].flags || !str_eq(a->specs[i].text, b->specs[i].text))
            return false;
    }
    return true;
}

/* A reload opens the same place beside the old generation's: unchanged bytes keep their version there too. */
static uint64_t version_elsewhere(struct paa_source *source, const struct source_bytes *bytes)
{
    struct sources *sources = source->sources;
    uint64_t version = 0;

    pthread_mutex_lock(&sources->lock);
    for (struct list *at = sources->open.next; at != &sources->open && version == 0;
         at = at->next) {
        struct paa_source *other = LIST_ENTRY(at, struct paa_source, link);
        const struct source_bytes *theirs;

        if (other == source || !same_specs(source, other))
            continue;
        theirs = source_bytes_now(other);
        if (source_bytes_equal(theirs, bytes))
            version = theirs->version;
    }
    pthread_mutex_unlock(&sources->lock);
    return version;
}

static void publish(struct paa_source *source, struct source_bytes *bytes)
{
    struct sources *sources = source->sources;
    struct source_bytes *old = source_bytes_now(source);

    bytes->version = version_elsewhere(source, bytes);
    if (bytes->version <= (old != NULL ? old->version : 0))
        bytes->version = sources_next_version(sources);
    alive_add(sources, bytes);
    pthread_mutex_lock(&sources->lock);
    atomic_store_explicit(&source->now, bytes, memory_order_seq_cst);
    pthread_mutex_unlock(&sources->lock);
    atomic_store(&source->version, bytes->version);
    if (old != NULL)
        pin_retire(sources->services->pins, old, alive_free, sources);
}

/* Each failure once, not at every attempt. */
static void tell(struct paa_source *source, const struct paa_error *error)
{
    struct log *log = &source->sources->services->log;
    const struct where where = source->specs[0].where;

    if (strcmp(source->logged.text, error->text) == 0)
        return;
    if (error->text[0] == '\0')
        log_queue(log, PAA_LEVEL_NOTICE, "%s:%u: %s can be read again", where.file, where.line,
                  source_place(&source->specs[0]));
    else if (source_bytes_now(source) != NULL)
        log_queue(log, PAA_LEVEL_WARNING, "%s:%u: %s; the value read before stays in use",
                  where.file, where.line, error->text);
    else
        log_queue(log, PAA_LEVEL_ERROR, "%s:%u: %s; there is no value until that is mended",
                  where.file, where.line, error->text);
    source->logged = *error;
}

static void tell_exposed(const struct paa_source *source)
{
    const struct where where = source->specs[0].where;
    const char *place = source_place(&source->specs[0]);

    log_queue(&source->sources->services->log, PAA_LEVEL_WARNING,
              "%s:%u: the secret in %s can be read by every user of this machine: chmod o-r %s",
              where.file, where.line, place, place);
}

/* Since when it fails, once it has succeeded; read by anybody. */
static void note_failing(struct paa_source *source, bool is_failing)
{
    int64_t now_ms = clock_now_ms(&source->sources->services->clock);

    if (!is_failing)
        atomic_store(&source->failing_ms, 0);
    else if (atomic_load(&source->failing_ms) == 0)
        atomic_store(&source->failing_ms, now_ms > 0 ? now_ms : 1);
}

int64_t source_failing_ms(const struct paa_source *source)
{
    return atomic_load(&source->failing_ms);
}

/* The caller has made the source busy. */
static void read_again(struct paa_source *source, struct paa_error *error)
{
    struct sources *sources = source->sources;
    struct source_bytes *old = source_bytes_now(source);
    struct source_bytes *bytes;

    watch_renew(sources->watcher, &source->watch);
    bytes = source_read_new(source, old, error);
    watch_failing(sources->watcher, &source->watch, bytes == NULL && error->text[0] != '\0');
    note_failing(source, bytes == NULL && error->text[0] != '\0');
    if (bytes == NULL)
        return;
    if (bytes->is_exposed && (old == NULL || !old->is_exposed))
        tell_exposed(source);
    if (source_bytes_equal(old, bytes)) {
        /* published, but plugins do not look at this member */
        old->is_exposed = bytes->is_exposed;
        source_bytes_free(bytes);
    } else {
        publish(source, bytes);
    }
}

static void settle_soon(struct sources *sources)
{
    struct services *services = sources->services;

    (void)timer_set(services->reactor, &sources->settle,
                    clock_now_ms(&services->clock) + SOURCE_SETTLE_MS);
}

/* Under the lock. */
static void make_busy(struct paa_source *source)
{
    struct sources *sources = source->sources;

    while (source->is_busy)
        pthread_cond_wait(&sources->idle, &sources->lock);
    source->is_busy = true;
    source->is_dirty = false;
}

static void make_idle(struct paa_source *source)
{
    struct sources *sources = source->sources;

    bool is_dirty;

    pthread_mutex_lock(&sources->lock);
    source->is_busy = false;
    is_dirty = source->is_dirty && sources->is_started; /* it changed meanwhile */
    pthread_cond_broadcast(&sources->idle);
    pthread_mutex_unlock(&sources->lock);
    if (is_dirty)
        settle_soon(sources);
}

static struct paa_source *take_dirty(struct sources *sources)
{
    struct paa_source *found = NULL;

    pthread_mutex_lock(&sources->lock);
    for (struct list *at = sources->open.next; at != &sources->open && found == NULL;
         at = at->next) {
        struct paa_source *source = LIST_ENTRY(at, struct paa_source, link);

        if (source->is_dirty && !source->is_busy)
            found = source;
    }
    if (found != NULL) {
        make_busy(found);
    } else {
        sources->is_queued = false;
        pthread_cond_broadcast(&sources->idle);
    }
    pthread_mutex_unlock(&sources->lock);
    return found;
}

static void read_dirty(struct task *task, unsigned worker)
{
    struct sources *sources = LIST_ENTRY(task, struct sources, task);
    struct paa_source *source;

    (void)worker;
    while ((source = take_dirty(sources)) != NULL) {
        struct paa_error error;

        read_again(source, &error);
        tell(source, &error);
        make_idle(source);
    }
}

static void on_settled(struct timer *timer)
{
    struct sources *sources = LIST_ENTRY(timer, struct sources, settle);
    struct services *services = sources->services;
    bool is_late = false;

    pthread_mutex_lock(&sources->lock);
    if (sources->is_started && !sources->is_queued) {
        sources->is_queued = pool_add(services->workers, &sources->task);
        is_late = !sources->is_queued;
    }
    pthread_mutex_unlock(&sources->lock);
    if (is_late) /* the workers are full: the changes stay marked */
        (void)timer_set(services->reactor, timer, clock_now_ms(&services->clock) + SOURCE_FILES_MS);
}

static void on_changed(struct watch *watch)
{
    struct paa_source *source = LIST_ENTRY(watch, struct paa_source, watch);

    pthread_mutex_lock(&source->sources->lock);
    source->is_dirty = true;
    pthread_mutex_unlock(&source->sources->lock);
    settle_soon(source->sources);
}

/* ---- opening --------------------------------------------------------------------------------- */

static const char *copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_copy(arena, text, strlen(text) + 1) : NULL;
}

static bool copy_argv(struct arena *arena, const char *const *argv, const char *const **ret_argv)
{
    size_t count = 0;
    const char **copy;

    while (argv[count] != NULL)
        count++;
    copy = arena_array(arena, count + 1, sizeof *copy);
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = copy_text(arena, argv[i]);
        if (copy[i] == NULL)
            return false;
    }
    *ret_argv = copy;
    return copy != NULL && count > 0;
}

static bool copy_specs(struct paa_source *source, const struct source_spec *specs, size_t count)
{
    source->specs = arena_array(&source->arena, count, sizeof *specs);
    if (source->specs == NULL || count == 0)
        return false;
    source->count = count;
    for (size_t i = 0; i < count; i++) {
        struct source_spec *to = &source->specs[i];

        *to = specs[i];
        to->text = arena_str(&source->arena, specs[i].text);
        to->where.file =
            copy_text(&source->arena, specs[i].where.file != NULL ? specs[i].where.file : "policy");
        if ((specs[i].text.data != NULL && to->text.data == NULL) || to->where.file == NULL)
            return false;
        if (to->kind == SOURCE_EXEC
                ? specs[i].argv == NULL || !copy_argv(&source->arena, specs[i].argv, &to->argv)
                : to->text.data == NULL)
            return false;
    }
    return true;
}

static int watch_specs(struct paa_source *source)
{
    const char **paths = calloc(source->count, sizeof *paths);
    size_t count = 0;
    int result = -1;

    if (paths == NULL)
        return -1;
    for (size_t i = 0; i < source->count; i++)
        if (source->specs[i].kind == SOURCE_FILE || source->specs[i].kind == SOURCE_FOLDER)
            paths[count++] = source->specs[i].text.data;
    result = count > 0 ? watch_set(source->sources->watcher, &source->watch, paths, count) : 0;
    free(paths);
    return result;
}

struct paa_source *source_open(struct sources *sources, const struct source_spec *specs,
                               size_t count, struct paa_error *error)
{
    return source_open_decoded(sources, specs, count, NULL, error);
}

struct paa_source *source_open_decoded(struct sources *sources, const struct source_spec *specs,
                                       size_t count, const struct source_decoder *decoder,
                                       struct paa_error *error)
{
    struct paa_source *source = calloc(1, sizeof *source);

    error->text[0] = '\0';
    if (source == NULL)
        goto no_memory;
    source->self = source;
    source->sources = sources;
    source->watch.fn = on_changed;
    source->is_busy = true;
    if (decoder != NULL)
        source->decoder = *decoder;
    arena_init(&source->arena, NULL, 0, SOURCE_BYTES_MAX);
    if (!copy_specs(source, specs, count))
        goto no_memory;
    pthread_mutex_lock(&sources->lock);
    list_add_last(&sources->open, &source->link);
    pthread_mutex_unlock(&sources->lock);
    if (watch_specs(source) != 0) {
        make_idle(source);
        source_close(source);
        source = NULL;
        goto no_memory;
    }
    read_again(source, error);
    source->logged = *error; /* the caller tells this one */
    make_idle(source);
    return source;
no_memory:
    (void)snprintf(error->text, sizeof error->text,
                   "a source of the policy says nothing, or there is no memory for it");
    if (source != NULL)
        arena_free(&source->arena);
    free(source);
    return NULL;
}

void source_close(struct paa_source *source)
{
    struct sources *sources;
    struct source_bytes *bytes;

    if (source == NULL)
        return;
    sources = source->sources;
    watch_clear(sources->watcher, &source->watch);
    pthread_mutex_lock(&sources->lock);
    make_busy(source);
    list_remove(&source->link);
    bytes = atomic_exchange(&source->now, NULL);
    pthread_mutex_unlock(&sources->lock);
    if (bytes != NULL)
        pin_retire(sources->services->pins, bytes, alive_free, sources);
    arena_free(&source->arena);
    free(source);
}

void source_refresh(struct paa_source *source)
{
    struct paa_error error;

    pthread_mutex_lock(&source->sources->lock);
    make_busy(source);
    pthread_mutex_unlock(&source->sources->lock);
    read_again(source, &error);
    tell(source, &error);
    make_idle(source);
}

/* ---- all of them -------------------------------------------------------------------------------- */

struct sources *sources_new(struct services *services)
{
    struct sources *sources = calloc(1, sizeof *sources);

    if (sources == NULL)
        return NULL;
    sources->services = services;
    sources->watcher = watcher_new(services);
    sources->master = secret_alloc(SOURCE_MASTER_SIZE);
    if (sources->watcher == NULL || sources->master == NULL) {
        watcher_free(sources->watcher);
        secret_free(sources->master, SOURCE_MASTER_SIZE);
        free(sources);
        return NULL;
    }
    /* without chance nothing is derived; the rest works */
    sources->has_master = chance_fill(&services->chance, sources->master, SOURCE_MASTER_SIZE) == 0;
    pthread_mutex_init(&sources->lock, NULL);
    pthread_mutex_init(&sources->alive_lock, NULL);
    pthread_cond_init(&sources->idle, NULL);
    list_init(&sources->open);
    list_init(&sources->alive);
    sources->settle.fn = on_settled;
    sources->task.fn = read_dirty;
    source_files_init(sources);
    return sources;
}

void sources_free(struct sources *sources)
{
    if (sources == NULL)
        return;
    (void)sources_watch_files(sources, NULL, 0, NULL, NULL);
    if (sources->services->pins != NULL) /* NULL: services_init found no memory */
        pin_collect(sources->services->pins);
    watcher_free(sources->watcher);
    secret_free(sources->master, SOURCE_MASTER_SIZE);
    pthread_mutex_destroy(&sources->lock);
    pthread_mutex_destroy(&sources->alive_lock);
    pthread_cond_destroy(&sources->idle);
    free(sources);
}

/* A child: the parent's threads, and whatever they held, are not here. */
static void forget_parent(struct sources *sources)
{
    pthread_mutex_init(&sources->lock, NULL);
    pthread_mutex_init(&sources->alive_lock, NULL);
    pthread_cond_init(&sources->idle, NULL);
    for (struct list *at = sources->open.next; at != &sources->open; at = at->next)
        LIST_ENTRY(at, struct paa_source, link)->is_busy = false;
    sources->is_queued = false;
    sources->is_started = false;
    sources->settle.place = 0;
    sources->pid = 0;
    source_files_init(sources);
    watcher_forget(sources->watcher);
}

/* What changed between open and now was seen by nobody: all files are read once more. */
int sources_start(struct sources *sources)
{
    if (sources->pid != 0 && sources->pid != getpid())
        forget_parent(sources);
    sources->pid = getpid();
    pthread_mutex_lock(&sources->lock);
    sources->is_started = true;
    pthread_mutex_unlock(&sources->lock);
    watcher_start(sources->watcher);
    pthread_mutex_lock(&sources->lock);
    for (struct list *at = sources->open.next; at != &sources->open; at = at->next) {
        struct paa_source *source = LIST_ENTRY(at, struct paa_source, link);

        source->is_dirty = source->watch.is_set;
    }
    pthread_mutex_unlock(&sources->lock);
    settle_soon(sources);
    return 0;
}

void sources_stop(struct sources *sources)
{
    if (sources->pid != 0 && sources->pid != getpid()) {
        forget_parent(sources);
        return;
    }
    if (!sources->is_started)
        return;
    watcher_stop(sources->watcher);
    timer_clear(sources->services->reactor, &sources->settle);
    source_files_settle(sources);
    pthread_mutex_lock(&sources->lock);
    sources->is_started = false;
    if (sources->is_queued && pool_remove(sources->services->workers, &sources->task))
        sources->is_queued = false;
    while (sources->is_queued)
        pthread_cond_wait(&sources->idle, &sources->lock);
    pthread_mutex_unlock(&sources->lock);
    timer_clear(sources->services->reactor, &sources->settle);
    timer_clear(sources->services->reactor, &sources->files.timer);
}

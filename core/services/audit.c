/* SPDX-License-Identifier: MIT */
/* audit.h's queue and the file behind it. Knows nothing of what a line says. */
#include "audit.h"

#include "audit_fold.h"
#include "clock.h"
#include "log.h"
#include "pool.h"
#include "reactor.h"
#include "services.h"
#include "str.h"
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct line {
    struct line *next;
    size_t size;
    char text[]; /* '\n' (to end a torn line before it), the line, '\n' */
};

struct audit {
    struct services *services;
    char *path;
    const char *name; /* the last part of path */
    bool is_required;
    atomic_bool is_failing;
    _Atomic uint64_t lost;

    pthread_mutex_t lock; /* of the queue */
    pthread_cond_t idle;
    struct line *first;
    struct line **end;
    size_t count;
    bool is_scheduled; /* the task is in the pool, or runs */
    pid_t process;     /* whose the queue is */
    struct task task;
    struct fold fold;
    struct timer timer; /* what is folded is due */
    bool is_timed;

    int fd; /* -1: not open. The task's, or of audit_free when no task is left; as all below */
    dev_t device;
    ino_t inode;
    int64_t looked_ms; /* at the path */
    bool has_looked;
    bool is_torn; /* the file ends with half a line */
};

static void drain(struct task *task, unsigned worker);
static void on_due(struct timer *timer);

enum { FOLDED_LINE_MAX = 128 * 1024 };

struct audit *audit_new(struct services *services, const char *path, bool is_required)
{
    struct audit *audit = calloc(1, sizeof *audit);
    const char *slash = strrchr(path, '/');

    if (audit == NULL || slash == NULL || (audit->path = strdup(path)) == NULL) {
        free(audit);
        return NULL;
    }
    audit->services = services;
    audit->name = audit->path + (slash - path) + 1;
    audit->is_required = is_required;
    audit->end = &audit->first;
    audit->process = getpid();
    audit->task.fn = drain;
    audit->timer.fn = on_due;
    audit->fd = -1;
    list_init(&audit->task.link);
    pthread_mutex_init(&audit->lock, NULL);
    pthread_cond_init(&audit->idle, NULL);
    return audit;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static void close_file(struct audit *audit)
{
    if (audit->fd >= 0)
        close(audit->fd);
    audit->fd = -1;
}

static int cannot(const struct audit *audit, struct paa_error *error)
{
    (void)snprintf(error->text, sizeof error->text, "%.300s: %s", audit->path, strerror(errno));
    return -1;
}

static int open_folder(const struct audit *audit, struct paa_error *error)
{
    size_t size = (size_t)(audit->name - audit->path) - 1;
    char *folder = size > 0 ? strndup(audit->path, size) : strdup("/");
    struct stat st;
    int fd;

    if (folder == NULL)
        return cannot(audit, error);
    fd = trust_open(folder, TRUST_FOLDER, &st, NULL, error);
    free(folder);
    return fd;
}

/* Judged as opened, in a folder that was judged as opened. Not through a link; a pipe does not hold it up. */
static int open_file(struct audit *audit, struct paa_error *error)
{
    int folder = open_folder(audit, error);
    struct stat st;

    if (folder < 0)
        return -1;
    audit->fd =
        openat(folder, audit->name,
               O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
               0600);
    close(folder);
    if (audit->fd < 0 || fstat(audit->fd, &st) != 0) {
        (void)cannot(audit, error);
        close_file(audit);
        return -1;
    }
    if (trust_judge(&st, audit->path, TRUST_LEAF, 0, trust_who(), error) != 0) {
        close_file(audit);
        return -1;
    }
    if (audit->device != st.st_dev || audit->inode != st.st_ino)
        audit->is_torn = false;
    audit->device = st.st_dev;
    audit->inode = st.st_ino;
    return 0;
}

/* Does the path still lead to the file that is open? */
static bool is_in_place(const struct audit *audit)
{
    struct stat st;

    return stat(audit->path, &st) == 0 && st.st_dev == audit->device && st.st_ino == audit->inode;
}

/* The file open, and the one that the path names. `at_once`: whenever it was last tried. */
static int have_file(struct audit *audit, bool at_once, struct paa_error *error)
{
    int64_t now_ms = clock_now_ms(&audit->services->clock);
    bool is_due = at_once || !audit->has_looked || now_ms - audit->looked_ms >= AUDIT_LOOK_MS;

    if (!is_due && audit->fd >= 0)
        return 0;
    if (!is_due) {
        (void)snprintf(error->text, sizeof error->text,
                       "%.300s: it could not be opened a moment ago", audit->path);
        return -1;
    }
    audit->has_looked = true;
    audit->looked_ms = now_ms;
    if (audit->fd >= 0 && !is_in_place(audit))
        close_file(audit);
    return audit->fd >= 0 ? 0 : open_file(audit, error);
}

static ssize_t write_once(int fd, const char *data, size_t size)
{
    ssize_t written;

    do
        written = write(fd, data, size);
    while (written < 0 && errno == EINTR);
    return written;
}

static int write_line(struct audit *audit, const struct line *line, struct paa_error *error)
{
    size_t skip = audit->is_torn ? 0 : 1;
    size_t size = line->size - skip;
    ssize_t written = write_once(audit->fd, line->text + skip, size);

    if (written == (ssize_t)size) {
        audit->is_torn = false;
        return 0;
    }
    if (written < 0) {
        (void)cannot(audit, error);
    } else {
        audit->is_torn = audit->is_torn || written > 0;
        (void)snprintf(error->text, sizeof error->text,
                       "%.300s: only part of a line could be written", audit->path);
    }
    close_file(audit); /* to be judged anew, and not at once */
    return -1;
}

/* ---- draining ---------------------------------------------------------------------------------- */

/* Only the first of a row is told. */
static void note_failure(struct audit *audit, const struct paa_error *error)
{
    if (atomic_exchange(&audit->is_failing, true))
        return;
    log_line(&audit->services->log, PAA_LEVEL_ERROR, "the audit cannot be written: %s; %s",
             error->text,
             audit->is_required ? "the policy requires it, so every request is answered 503"
                                : "lines wait, and are lost when too many do");
}

static void note_success(struct audit *audit)
{
    if (!atomic_load_explicit(&audit->is_failing, memory_order_relaxed) ||
        !atomic_exchange(&audit->is_failing, false))
        return;
    log_line(&audit->services->log, PAA_LEVEL_NOTICE,
             "%s: the audit is written again; %llu lines were lost so far", audit->path,
             (unsigned long long)atomic_load(&audit->lost));
}

static struct line *first_line(struct audit *audit)
{
    struct line *line;

    pthread_mutex_lock(&audit->lock);
    line = audit->first;
    pthread_mutex_unlock(&audit->lock);
    return line;
}

static void drop_first(struct audit *audit)
{
    struct line *line;

    pthread_mutex_lock(&audit->lock);
    line = audit->first;
    audit->first = line->next;
    if (audit->first == NULL)
        audit->end = &audit->first;
    audit->count--;
    pthread_mutex_unlock(&audit->lock);
    free(line);
}

/* As many as can be written. False: the first that is left could not. */
static bool write_queued(struct audit *audit, bool at_once)
{
    struct paa_error error;
    struct line *line;

    while ((line = first_line(audit)) != NULL) {
        if (have_file(audit, at_once, &error) != 0 || write_line(audit, line, &error) != 0) {
            note_failure(audit, &error);
            return false;
        }
        at_once = false;
        drop_first(audit);
        note_success(audit);
    }
    return true;
}

/* Ends only when nothing is queued, seen under the lock, so that no line is left without a task. After a failure
 * the next line tries again. */
static void drain(struct task *task, unsigned worker)
{
    struct audit *audit = LIST_ENTRY(task, struct audit, task);
    bool is_done = false;

    (void)worker;
    while (!is_done) {
        bool is_written = write_queued(audit, false);

        pthread_mutex_lock(&audit->lock);
        is_done = !is_written || audit->first == NULL;
        if (is_done) {
            audit->is_scheduled = false;
            pthread_cond_broadcast(&audit->idle);
        }
        pthread_mutex_unlock(&audit->lock);
    }
}

/* ---- the queue --------------------------------------------------------------------------------- */

static void free_lines(struct audit *audit)
{
    struct line *line;

    while ((line = audit->first) != NULL) {
        audit->first = line->next;
        free(line);
    }
    audit->end = &audit->first;
    audit->count = 0;
}

/* After a fork: what is queued is the parent's to write, and its task does not run here. */
static void adopt(struct audit *audit)
{
    pid_t process = getpid();

    if (audit->process == process)
        return;
    audit->process = process;
    audit->is_scheduled = false;
    list_init(&audit->task.link);
    free_lines(audit);
    fold_clear(&audit->fold);
    audit->is_timed = false;
    audit->timer = (struct timer){ .fn = on_due };
}

static struct line *line_new(struct paa_str text)
{
    struct line *line = text.data != NULL ? malloc(sizeof *line + text.size + 2) : NULL;

    if (line == NULL)
        return NULL;
    line->next = NULL;
    line->size = text.size + 2;
    line->text[0] = '\n';
    memcpy(line->text + 1, text.data, text.size);
    line->text[text.size + 1] = '\n';
    return line;
}

static bool enqueue(struct audit *audit, struct line *line)
{
    if (line == NULL || audit->count >= AUDIT_QUEUE_MAX)
        return false;
    *audit->end = line;
    audit->end = &line->next;
    audit->count++;
    return true;
}

/* With the lock held. */
static void schedule(struct audit *audit)
{
    if (!audit->is_scheduled && audit->first != NULL && audit->services->workers != NULL)
        audit->is_scheduled = pool_add(audit->services->workers, &audit->task);
}

static void note_loss(struct audit *audit)
{
    struct paa_error error = { "a line was lost: too many wait, or no memory is left" };

    atomic_fetch_add(&audit->lost, 1);
    note_failure(audit, &error);
}

/* With the lock held. */
static bool add_line(struct audit *audit, struct paa_str text)
{
    struct line *line = line_new(text);

    if (enqueue(audit, line))
        return true;
    free(line);
    return false;
}

bool audit_write(struct audit *audit, struct paa_str text)
{
    bool is_kept;

    pthread_mutex_lock(&audit->lock);
    adopt(audit);
    is_kept = add_line(audit, text);
    schedule(audit);
    pthread_mutex_unlock(&audit->lock);
    if (!is_kept)
        note_loss(audit);
    return is_kept;
}

/* ---- equal lines ------------------------------------------------------------------------------- */

/* What is due is queued; the lock is held. How many were lost. */
static unsigned give_due(struct audit *audit, int64_t now_ms)
{
    unsigned lost = 0;
    struct buf buf;

    buf_init(&buf, FOLDED_LINE_MAX);
    while (fold_give(&audit->fold, now_ms, &buf)) {
        lost += !add_line(audit, buf.failed ? STR_NONE : buf_str(&buf));
        buf_clear(&buf);
    }
    buf_free(&buf);
    return lost;
}

/* The lock is held. */
static void set_timer(struct audit *audit)
{
    int64_t due_ms = fold_due_ms(&audit->fold);

    if (!audit->is_timed && due_ms != INT64_MAX && audit->services->reactor != NULL)
        audit->is_timed = timer_set(audit->services->reactor, &audit->timer, due_ms);
}

static void on_due(struct timer *timer)
{
    struct audit *audit = LIST_ENTRY(timer, struct audit, timer);
    unsigned lost;

    pthread_mutex_lock(&audit->lock);
    audit->is_timed = false;
    lost = give_due(audit, clock_now_ms(&audit->services->clock));
    schedule(audit);
    set_timer(audit);
    pthread_mutex_unlock(&audit->lock);
    for (; lost > 0; lost--)
        note_loss(audit);
}

/* While the file cannot be written each line tries it again, so none is held back. */
bool audit_write_once(struct audit *audit, struct paa_str text)
{
    int64_t now_ms = clock_now_ms(&audit->services->clock);
    bool is_failing = atomic_load_explicit(&audit->is_failing, memory_order_relaxed);
    bool is_kept;
    unsigned lost;

    pthread_mutex_lock(&audit->lock);
    adopt(audit);
    lost = give_due(audit, now_ms);
    is_kept = (text.data != NULL && !is_failing && fold_take(&audit->fold, text, now_ms)) ||
              add_line(audit, text);
    schedule(audit);
    set_timer(audit);
    pthread_mutex_unlock(&audit->lock);
    for (lost += !is_kept; lost > 0; lost--)
        note_loss(audit);
    return is_kept;
}

/* No timer runs when it returns. In a child it was the parent's. */
static void stop_timer(struct audit *audit)
{
    if (audit->process == getpid() && audit->services->reactor != NULL)
        timer_clear(audit->services->reactor, &audit->timer);
}

bool audit_blocks(const struct audit *audit)
{
    return audit->is_required && atomic_load_explicit(&audit->is_failing, memory_order_relaxed);
}

uint64_t audit_lost(const struct audit *audit)
{
    return atomic_load_explicit(&audit->lost, memory_order_relaxed);
}

/* The task taken out of the pool, or waited for. */
static void stop_task(struct audit *audit)
{
    pthread_mutex_lock(&audit->lock);
    adopt(audit);
    if (audit->is_scheduled && pool_remove(audit->services->workers, &audit->task))
        audit->is_scheduled = false;
    while (audit->is_scheduled)
        pthread_cond_wait(&audit->idle, &audit->lock);
    pthread_mutex_unlock(&audit->lock);
}

void audit_free(struct audit *audit)
{
    if (audit == NULL)
        return;
    stop_timer(audit);
    stop_task(audit);
    for (unsigned lost = give_due(audit, INT64_MAX); lost > 0; lost--)
        note_loss(audit);
    (void)write_queued(audit, true);
    if (audit->count > 0)
        log_line(&audit->services->log, PAA_LEVEL_ERROR, "%s: %zu lines of the audit are lost",
                 audit->path, audit->count);
    free_lines(audit);
    fold_clear(&audit->fold);
    close_file(audit);
    pthread_cond_destroy(&audit->idle);
    pthread_mutex_destroy(&audit->lock);
    free(audit->path);
    free(audit);
}

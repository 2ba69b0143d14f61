/* SPDX-License-Identifier: MIT */
/*
 * A lane: everything that one thread at a time writes. Requests that need no waiting touch neither its lock nor
 * its descriptors; other threads reach it through post only.
 */
#include "engine.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void signal_fd(int fd)
{
    uint64_t one = 1;
    int saved = errno;

    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}

static void clear_fd(int fd)
{
    uint64_t count;
    int saved = errno;

    while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    errno = saved;
}

/* ---- being woken ------------------------------------------------------------------------------- */

static void wake_locked(struct paa_lane *lane)
{
    if (!lane->is_signalled) {
        lane->is_signalled = true;
        signal_fd(lane->fd);
    }
    if (atomic_load(&lane->is_waited))
        signal_fd(lane->wait_fd);
}

void lane_wake(struct paa_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    wake_locked(lane);
    pthread_mutex_unlock(&lane->lock);
}

static void post(struct op_home *home, struct op *op)
{
    struct paa_lane *lane = (struct paa_lane *)(void *)home;

    pthread_mutex_lock(&lane->lock);
    list_add_last(&lane->ready, &op->ready);
    wake_locked(lane);
    pthread_mutex_unlock(&lane->lock);
}

static void on_deadline(struct timer *timer)
{
    lane_wake(LIST_ENTRY(timer, struct paa_lane, timer));
}

bool lane_take(struct paa_lane *lane, struct op *op)
{
    bool is_posted;

    pthread_mutex_lock(&lane->lock);
    is_posted = !list_empty(&op->ready);
    list_remove(&op->ready);
    pthread_mutex_unlock(&lane->lock);
    return is_posted;
}

/* ---- suspended transactions ---------------------------------------------------------------------- */

static struct instance *waited_for(const struct paa_txn *txn)
{
    return (struct instance *)(void *)txn->waiting->instance;
}

static uint64_t instance_share(const struct paa_context *context)
{
    return (context->max_pending + 1) / 2;
}

static uint64_t memory_of(const struct paa_txn *txn)
{
    return sizeof *txn + txn->arena.taken +
           (txn->content != NULL ? content_memory(txn->content) : 0);
}

static bool count_in(struct paa_txn *txn)
{
    struct paa_context *context = txn->lane->context;
    uint64_t bytes = memory_of(txn);
    bool fits = atomic_fetch_add(&context->pending, 1) < context->max_pending;

    fits = atomic_fetch_add(&context->pending_bytes, bytes) + bytes <= context->max_pending_bytes &&
           fits;
    fits = atomic_fetch_add(&waited_for(txn)->pending, 1) < instance_share(context) && fits;
    txn->counted_bytes = bytes;
    txn->counted_for = waited_for(txn);
    return fits;
}

static void count_out(struct paa_txn *txn)
{
    struct paa_context *context = txn->lane->context;

    atomic_fetch_sub(&context->pending, 1);
    atomic_fetch_sub(&context->pending_bytes, txn->counted_bytes);
    atomic_fetch_sub(&txn->counted_for->pending, 1);
}

static struct paa_txn *txn_of_link(struct list *link)
{
    return LIST_ENTRY(link, struct paa_txn, link);
}

/* Deadlines mostly come in order: looked for from the end. */
static void insert_by_deadline(struct paa_lane *lane, struct paa_txn *txn)
{
    struct list *after = lane->suspended.prev;

    while (after != &lane->suspended && txn_of_link(after)->deadline_ms > txn->deadline_ms)
        after = after->prev;
    list_add_last(after->next, &txn->link);
    if (lane->suspended.next == &txn->link)
        (void)timer_set(lane->context->services.reactor, &lane->timer, txn->deadline_ms);
}

void lane_redate(struct paa_txn *txn)
{
    if (!txn->is_suspended)
        return;
    list_remove(&txn->link);
    insert_by_deadline(txn->lane, txn);
}

bool lane_suspend(struct paa_txn *txn)
{
    if (!count_in(txn)) {
        count_out(txn);
        return false;
    }
    txn->is_suspended = true;
    txn->is_handed = false;
    insert_by_deadline(txn->lane, txn);
    __atomic_store_n(&txn->lane->suspended_total, txn->lane->suspended_total + 1, __ATOMIC_RELAXED);
    return true;
}

/* What it has copied since it was first counted. */
bool lane_has_room(struct paa_txn *txn)
{
    struct paa_context *context = txn->lane->context;
    uint64_t bytes = memory_of(txn);
    uint64_t grown = bytes > txn->counted_bytes ? bytes - txn->counted_bytes : 0;

    txn->counted_bytes += grown;
    return atomic_fetch_add(&context->pending_bytes, grown) + grown <= context->max_pending_bytes;
}

bool lane_suspend_again(struct paa_txn *txn)
{
    struct instance *now = waited_for(txn);

    if (!lane_has_room(txn))
        return false;

    if (now != txn->counted_for) {
        if (atomic_fetch_add(&now->pending, 1) >= instance_share(txn->lane->context)) {
            atomic_fetch_sub(&now->pending, 1);
            return false;
        }
        atomic_fetch_sub(&txn->counted_for->pending, 1);
        txn->counted_for = now;
    }
    txn->is_handed = false;
    if (lane_is_late(txn))
        lane_wake(txn->lane);
    return true;
}

void lane_resume(struct paa_txn *txn)
{
    count_out(txn);
    txn->is_suspended = false;
    list_remove(&txn->link);
}

bool lane_is_late(const struct paa_txn *txn)
{
    return txn->is_suspended &&
           clock_now_ms(&txn->lane->context->services.clock) >= txn->deadline_ms;
}

/* Each is handed out once, so that a host may gather all of them before it advances the first. */
static struct paa_txn *first_late(struct paa_lane *lane)
{
    bool is_stopped = atomic_load(&lane->context->is_stopped);

    for (struct list *link = lane->suspended.next; link != &lane->suspended; link = link->next) {
        struct paa_txn *txn = txn_of_link(link);

        if (txn->is_handed)
            continue;
        if (!is_stopped && !lane_is_late(txn)) {
            (void)timer_set(lane->context->services.reactor, &lane->timer, txn->deadline_ms);
            return NULL;
        }
        txn->is_handed = true;
        return txn;
    }
    return NULL;
}

/* The next op that somebody waits for; what was abandoned is let go on the way. */
static struct op *take_ready(struct paa_lane *lane)
{
    struct list *link;

    pthread_mutex_lock(&lane->lock);
    link = list_take_first(&lane->ready);
    if (list_empty(&lane->ready) && lane->is_signalled) {
        clear_fd(lane->fd);
        lane->is_signalled = false;
    }
    pthread_mutex_unlock(&lane->lock);
    return link != NULL ? LIST_ENTRY(link, struct op, ready) : NULL;
}

/* Nobody waits for it any more, and now nothing of it runs either. */
static void let_go(struct op *op)
{
    struct paa_txn *txn = op->owner;

    op->abandoned = false;
    op->wait.state = OP_WAIT_NONE;
    txn->zombies--;
    if (txn->is_ended && txn->zombies == 0)
        txn_free(txn);
}

/* For hosts that never ask paa_lane_next: what was abandoned goes back before new memory is taken. */
static void let_all_go(struct paa_lane *lane)
{
    struct list gone, *link, *next;

    list_init(&gone);
    pthread_mutex_lock(&lane->lock);
    for (link = lane->ready.next; link != &lane->ready; link = next) {
        next = link->next;
        if (!LIST_ENTRY(link, struct op, ready)->abandoned)
            continue;
        list_remove(link);
        list_add_last(&gone, link);
    }
    pthread_mutex_unlock(&lane->lock);
    while ((link = list_take_first(&gone)) != NULL)
        let_go(LIST_ENTRY(link, struct op, ready));
}

struct paa_txn *paa_lane_next(struct paa_lane *lane)
{
    struct paa_txn *txn;
    struct op *op;

    if (lane == NULL || lane->process != process_number)
        return NULL;
    log_deliver(&lane->context->services.log);
    counters_maybe_fold(lane);
    while ((op = take_ready(lane)) != NULL) {
        txn = op->owner;
        if (op->abandoned) {
            let_go(op);
            continue;
        }
        txn->is_runnable = true;
        if (txn->is_handed) /* as late, a moment ago */
            continue;
        txn->is_handed = true;
        return txn;
    }
    return first_late(lane);
}

int paa_lane_fd(const struct paa_lane *lane)
{
    return lane != NULL ? lane->fd : -1;
}

void paa_lane_interrupt(struct paa_lane *lane)
{
    if (lane == NULL)
        return;
    atomic_store(&lane->is_interrupted, true);
    signal_fd(lane->wait_fd);
}

/* ---- life -------------------------------------------------------------------------------------- */

struct paa_txn *lane_new_txn(struct paa_lane *lane)
{
    struct paa_txn *txn;

    if (lane->free_txns == NULL && lane->zombies > 0)
        let_all_go(lane);
    txn = lane->free_txns;
    if (txn != NULL) {
        lane->free_txns = txn->next_free;
        return txn;
    }
    if (posix_memalign((void **)&txn, 64, sizeof *txn) != 0)
        return NULL;
    memset(txn, 0, sizeof *txn);
    txn->lane = lane;
    arena_init(&txn->arena, txn->block, sizeof txn->block, TXN_ARENA_MAX);
    pins_join(&txn->pins, lane->context->services.pins);
    list_init(&txn->link);
    txn->next_all = lane->all_txns;
    lane->all_txns = txn;
    return txn;
}

static bool open_fds(struct paa_lane *lane)
{
    lane->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    lane->wait_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return lane->fd >= 0 && lane->wait_fd >= 0;
}

static void close_fds(struct paa_lane *lane)
{
    if (lane->fd >= 0)
        close(lane->fd);
    if (lane->wait_fd >= 0)
        close(lane->wait_fd);
}

int paa_lane_open(struct paa_lane **ret_lane, struct paa_context *context, struct paa_error *error)
{
    struct paa_lane *lane;

    *ret_lane = NULL;
    if (context_start(context, error) != 0)
        return -1;
    if (posix_memalign((void **)&lane, 64, sizeof *lane) != 0)
        return context_error(error, "no memory is left for a lane");
    memset(lane, 0, sizeof *lane);
    lane->home.post = post;
    lane->context = context;
    lane->process = process_number;
    lane->timer.fn = on_deadline;
    list_init(&lane->suspended);
    list_init(&lane->ready);
    pthread_mutex_init(&lane->lock, NULL);
    if (!open_fds(lane)) {
        close_fds(lane);
        free(lane);
        return context_error(error, "no descriptor is left for a lane");
    }
    pthread_mutex_lock(&context->lock);
    lane->next = context->first_lane;
    context->first_lane = lane;
    pthread_mutex_unlock(&context->lock);
    *ret_lane = lane;
    return 0;
}

static void end_all(struct paa_lane *lane)
{
    struct pollfd woken = { lane->fd, POLLIN, 0 };

    for (struct paa_txn *txn = lane->all_txns; txn != NULL; txn = txn->next_all)
        if (txn->is_used && !txn->is_ended)
            txn_release(txn);
    while (lane->zombies > 0) { /* what computes for them cannot be stopped: it is waited for */
        (void)poll(&woken, 1, -1);
        (void)paa_lane_next(lane);
    }
}

static void leave_context(struct paa_lane *lane)
{
    struct paa_lane **at = &lane->context->first_lane;

    pthread_mutex_lock(&lane->context->lock);
    while (*at != NULL && *at != lane)
        at = &(*at)->next;
    if (*at != NULL)
        *at = lane->next;
    counters_fold_latency(lane->context->counters, lane);
    pthread_mutex_unlock(&lane->context->lock);
}

static void free_txns(struct paa_lane *lane)
{
    struct paa_txn *txn;

    while ((txn = lane->all_txns) != NULL) {
        lane->all_txns = txn->next_all;
        pins_leave(&txn->pins);
        arena_free(&txn->arena);
        free(txn);
    }
}

/* In a child of the process that opened it, only memory is freed: its waits belong to the parent. */
void paa_lane_close(struct paa_lane **ret_lane)
{
    struct paa_lane *lane = *ret_lane;
    struct lane_generation *lg;

    *ret_lane = NULL;
    if (lane == NULL)
        return;
    if (lane->process != process_number) {
        close_fds(lane);
        return;
    }
    end_all(lane);
    leave_context(lane);
    timer_clear(lane->context->services.reactor, &lane->timer);
    while ((lg = lane->generation) != NULL) {
        lane->generation = lg->older;
        lane_generation_free(lane->context, lg);
    }
    free_txns(lane);
    close_fds(lane);
    pthread_mutex_destroy(&lane->lock);
    free(lane);
}

/* SPDX-License-Identifier: MIT */
/* Timers in a heap, descriptors in an epoll set, one round at a time. Knows nothing of what they are for. */
#include "reactor.h"

#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 16, HEAP_FIRST = 64 };

struct watched {
    struct watched *next;
    int fd;
    void (*fn)(uint32_t events, void *arg);
    void *arg;
};

struct reactor {
    const struct clock *clock;
    int epoll_fd;
    int wake_fd;
    pthread_mutex_t lock;
    pthread_cond_t idle; /* a function has returned */
    struct timer **heap; /* 1-based */
    size_t count;
    size_t capacity;
    struct watched *watches;
    struct timer *running; /* whose function runs now */
    int running_fd;        /* likewise; -1: none */
    pthread_t thread;
    pthread_t runner; /* who runs a function now: may clear what it runs without waiting */
    bool is_started;
    atomic_bool is_stopping;
};

/* ---- the heap: earliest first --------------------------------------------------------------------- */

static void put(struct reactor *r, size_t place, struct timer *timer)
{
    r->heap[place] = timer;
    timer->place = place;
}

static void sift_up(struct reactor *r, size_t place)
{
    struct timer *timer = r->heap[place];

    while (place > 1 && r->heap[place / 2]->due_ms > timer->due_ms) {
        put(r, place, r->heap[place / 2]);
        place /= 2;
    }
    put(r, place, timer);
}

static void sift_down(struct reactor *r, size_t place)
{
    struct timer *timer = r->heap[place];

    for (;;) {
        size_t child = place * 2;

        if (child < r->count && r->heap[child + 1]->due_ms < r->heap[child]->due_ms)
            child++;
        if (child > r->count || r->heap[child]->due_ms >= timer->due_ms)
            break;
        put(r, place, r->heap[child]);
        place = child;
    }
    put(r, place, timer);
}

static void take_out(struct reactor *r, struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last = r->heap[r->count--];

    timer->place = 0;
    if (last == timer)
        return;
    put(r, place, last);
    sift_up(r, place);
    sift_down(r, last->place);
}

static bool make_room(struct reactor *r)
{
    size_t capacity = r->capacity > 0 ? r->capacity * 2 : HEAP_FIRST;
    struct timer **heap;

    if (r->count + 1 < r->capacity)
        return true;
    heap = realloc(r->heap, capacity * sizeof *heap);
    if (heap == NULL)
        return false;
    r->heap = heap;
    r->capacity = capacity;
    return true;
}

/* ---- timers ------------------------------------------------------------------------------------ */

static void wake(struct reactor *r)
{
    uint64_t one = 1;
    int saved = errno;

    (void)!write(r->wake_fd, &one, sizeof one);
    errno = saved;
}

bool timer_set(struct reactor *r, struct timer *timer, int64_t due_ms)
{
    bool is_first, is_set = true;

    pthread_mutex_lock(&r->lock);
    if (timer->place != 0)
        take_out(r, timer);
    timer->due_ms = due_ms;
    if (make_room(r)) {
        put(r, ++r->count, timer);
        sift_up(r, r->count);
    } else {
        is_set = false;
    }
    is_first = is_set && timer->place == 1;
    pthread_mutex_unlock(&r->lock);
    if (is_first)
        wake(r);
    return is_set;
}

void timer_clear(struct reactor *r, struct timer *timer)
{
    pthread_mutex_lock(&r->lock);
    if (timer->place != 0)
        take_out(r, timer);
    while (r->running == timer && !pthread_equal(r->runner, pthread_self()))
        pthread_cond_wait(&r->idle, &r->lock);
    pthread_mutex_unlock(&r->lock);
}

/* One due timer; false: none. */
static bool run_timer(struct reactor *r)
{
    struct timer *timer = NULL;
    int64_t now = clock_now_ms(r->clock);

    pthread_mutex_lock(&r->lock);
    if (r->count > 0 && r->heap[1]->due_ms <= now) {
        timer = r->heap[1];
        take_out(r, timer);
        r->running = timer;
        r->runner = pthread_self();
    }
    pthread_mutex_unlock(&r->lock);
    if (timer == NULL)
        return false;
    timer->fn(timer);
    pthread_mutex_lock(&r->lock);
    r->running = NULL;
    pthread_cond_broadcast(&r->idle);
    pthread_mutex_unlock(&r->lock);
    return true;
}

static int until_next(struct reactor *r, int wait_ms)
{
    int64_t left = INT32_MAX;

    pthread_mutex_lock(&r->lock);
    if (r->count > 0)
        left = r->heap[1]->due_ms > 0 ? r->heap[1]->due_ms - clock_now_ms(r->clock) : 0;
    pthread_mutex_unlock(&r->lock);
    if (left < 0)
        left = 0;
    if (wait_ms >= 0 && wait_ms < left)
        return wait_ms;
    return left >= INT32_MAX ? wait_ms : (int)left + (left > 0);
}

/* ---- descriptors ------------------------------------------------------------------------------- */

int reactor_watch(struct reactor *r, int fd, uint32_t events,
                  void (*fn)(uint32_t events, void *arg), void *arg)
{
    struct watched *watch = calloc(1, sizeof *watch);
    struct epoll_event event = { .events = events, .data.fd = fd };

    if (watch == NULL)
        return -1;
    *watch = (struct watched){ NULL, fd, fn, arg };
    pthread_mutex_lock(&r->lock);
    watch->next = r->watches;
    r->watches = watch;
    if (epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        r->watches = watch->next;
        free(watch);
        watch = NULL;
    }
    pthread_mutex_unlock(&r->lock);
    return watch != NULL ? 0 : -1;
}

void reactor_unwatch(struct reactor *r, int fd)
{
    struct watched **at = &r->watches, *gone;

    pthread_mutex_lock(&r->lock);
    while (*at != NULL && (*at)->fd != fd)
        at = &(*at)->next;
    gone = *at;
    if (gone != NULL) {
        *at = gone->next;
        (void)epoll_ctl(r->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    }
    while (r->running_fd == fd && !pthread_equal(r->runner, pthread_self()))
        pthread_cond_wait(&r->idle, &r->lock);
    pthread_mutex_unlock(&r->lock);
    free(gone);
}

static bool run_watch(struct reactor *r, const struct epoll_event *event)
{
    struct watched *watch, copy = { NULL, -1, NULL, NULL };

    pthread_mutex_lock(&r->lock);
    for (watch = r->watches; watch != NULL && watch->fd != event->data.fd; watch = watch->next)
        ;
    if (watch != NULL) {
        copy = *watch;
        r->running_fd = copy.fd;
        r->runner = pthread_self();
    }
    pthread_mutex_unlock(&r->lock);
    if (copy.fn == NULL)
        return false;
    copy.fn(event->events, copy.arg);
    pthread_mutex_lock(&r->lock);
    r->running_fd = -1;
    pthread_cond_broadcast(&r->idle);
    pthread_mutex_unlock(&r->lock);
    return true;
}

int reactor_run_once(struct reactor *r, int wait_ms)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    uint64_t count;
    int ran = 0, ready;

    while (run_timer(r))
        ran++;
    ready = epoll_wait(r->epoll_fd, events, EVENTS_AT_ONCE, ran > 0 ? 0 : until_next(r, wait_ms));
    for (int i = 0; i < ready; i++) {
        if (events[i].data.fd == r->wake_fd)
            (void)!read(r->wake_fd, &count, sizeof count);
        else
            ran += run_watch(r, &events[i]);
    }
    while (run_timer(r))
        ran++;
    return ran;
}

/* ---- life -------------------------------------------------------------------------------------- */

struct reactor *reactor_new(const struct clock *clock)
{
    struct reactor *r = calloc(1, sizeof *r);
    struct epoll_event event = { .events = EPOLLIN };

    if (r == NULL)
        return NULL;
    r->clock = clock;
    r->running_fd = -1;
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->idle, NULL);
    event.data.fd = r->wake_fd;
    if (r->epoll_fd < 0 || r->wake_fd < 0 ||
        epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->wake_fd, &event) != 0) {
        reactor_free(r);
        return NULL;
    }
    return r;
}

static void *run(void *arg)
{
    struct reactor *r = arg;

    log_thread_is_core();
    while (!atomic_load(&r->is_stopping))
        (void)reactor_run_once(r, -1);
    return NULL;
}

int reactor_start(struct reactor *r)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r->is_started = pthread_create(&r->thread, NULL, run, r) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r->is_started ? 0 : -1;
}

void reactor_halt(struct reactor *r, const struct timespec *until)
{
    atomic_store(&r->is_stopping, true);
    if (!r->is_started || pthread_equal(r->thread, pthread_self()))
        return;
    wake(r);
    if (pthread_timedjoin_np(r->thread, NULL, until) == 0)
        r->is_started = false;
}

void reactor_forget(struct reactor *r)
{
    close(r->epoll_fd);
    close(r->wake_fd);
}

void reactor_free(struct reactor *r)
{
    struct watched *watch;

    if (r == NULL)
        return;
    atomic_store(&r->is_stopping, true);
    if (r->is_started) {
        wake(r);
        pthread_join(r->thread, NULL);
    }
    while ((watch = r->watches) != NULL) {
        r->watches = watch->next;
        free(watch);
    }
    if (r->epoll_fd >= 0)
        close(r->epoll_fd);
    if (r->wake_fd >= 0)
        close(r->wake_fd);
    free(r->heap);
    pthread_cond_destroy(&r->idle);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

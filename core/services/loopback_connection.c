/* SPDX-License-Identifier: MIT */
/* The reactor's side of a loopback listener: connections that come, ask, wait for a page or are turned away. */
#include "loopback_inner.h"

#include "secret.h"
#include "str.h"
#include "units.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    struct list link; /* of its listener, or departing */
    struct loopbacks *home;
    struct loopback *of; /* NULL: it departs alone */
    struct timer timer;
    int fd;
    bool is_watched;
    enum { READING = 1, CHOSEN, SENDING, DRAINING } state;
    struct buf out;
    size_t sent;
    size_t size;
    char head[LOOPBACK_HEAD_MAX];
};

static struct reactor *reactor_of(const struct loopbacks *loopbacks)
{
    return loopbacks->services->reactor;
}

static int64_t now_ms(const struct loopbacks *loopbacks)
{
    return clock_now_ms(&loopbacks->services->clock);
}

/* ---- sockets ---------------------------------------------------------------------------------------- */

static void unwatch(struct connection *c)
{
    if (c->is_watched && reactor_of(c->home) != NULL)
        reactor_unwatch(reactor_of(c->home), c->fd);
    c->is_watched = false;
}

static void drop(struct connection *c)
{
    unwatch(c);
    if (reactor_of(c->home) != NULL)
        timer_clear(reactor_of(c->home), &c->timer);
    if (c->of != NULL)
        c->of->connection_count--;
    list_remove(&c->link);
    loopback_close_fd(c->home, c->fd);
    buf_free(&c->out);
    secret_wipe(c->head, sizeof c->head);
    free(c);
}

static void on_events(uint32_t events, void *arg);

/* False: it is gone. */
static bool watch(struct connection *c, uint32_t events)
{
    unwatch(c);
    if (reactor_of(c->home) == NULL) /* it is the end: nobody waits any more */
        return true;
    if (reactor_watch(reactor_of(c->home), c->fd, events, on_events, c) != 0) {
        drop(c);
        return false;
    }
    c->is_watched = true;
    return true;
}

/* ---- answering -------------------------------------------------------------------------------------- */

/* As much as goes without waiting; behind it what the client may still say is read, or closing would take the page back. */
static void send_on(struct connection *c)
{
    ssize_t size = 0;

    while (c->sent < c->out.size && size >= 0) {
        size =
            send(c->fd, c->out.data + c->sent, c->out.size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        c->sent += size > 0 ? (size_t)size : 0;
    }
    if (c->sent < c->out.size) {
        if (errno != EAGAIN && errno != EINTR)
            drop(c);
        return;
    }
    (void)shutdown(c->fd, SHUT_WR);
    c->state = DRAINING;
    (void)watch(c, EPOLLIN);
}

static void answer(struct connection *c)
{
    c->state = SENDING;
    if (reactor_of(c->home) != NULL)
        (void)timer_set(reactor_of(c->home), &c->timer,
                        time_add(now_ms(c->home), LOOPBACK_CONNECTION_MS));
    if (watch(c, EPOLLOUT))
        send_on(c);
}

static void turn_away(struct connection *c, unsigned code)
{
    loopback_refusal_write(&c->out, code);
    answer(c);
}

static void drain(struct connection *c)
{
    ssize_t size = recv(c->fd, c->head, sizeof c->head, MSG_DONTWAIT);

    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
        drop(c);
}

/* ---- reading ---------------------------------------------------------------------------------------- */

/* A page that leads here cannot know the state, and ends no login: not the first few times. */
static bool is_stranger(struct loopback *loopback, const struct paa_field *fields, size_t count)
{
    struct paa_str state = paa_str_of_n(loopback->state, loopback->state_size);

    return state.size > 0 && loopback->strangers < LOOPBACK_STRANGERS_MAX &&
           !loopback_state_fits(fields, count, state);
}

static void turn_stranger_away(struct connection *c)
{
    c->of->strangers++;
    arena_reset(&c->of->arena);
    loopback_stranger_write(&c->out);
    answer(c);
}

static void choose(struct connection *c, struct paa_str query)
{
    struct loopback *loopback = c->of;
    size_t count;
    struct paa_field *fields = loopback_parameters(query, &loopback->arena, &count);

    /* The query is in the head, which stays as long as the connection: the operation gets a copy. */
    for (size_t i = 0; fields != NULL && i < count; i++)
        if (!arena_strs(&loopback->arena, (struct paa_str *[]){ &fields[i].name, &fields[i].value },
                        2))
            fields = NULL;
    if (fields == NULL) {
        arena_reset(&loopback->arena);
        turn_away(c, LOOPBACK_MALFORMED);
        return;
    }
    if (is_stranger(loopback, fields, count)) {
        turn_stranger_away(c);
        return;
    }
    if (!loopback_arrived(loopback, fields, count)) {
        turn_away(c, LOOPBACK_OTHER_PATH);
        return;
    }
    c->state = CHOSEN;
    timer_clear(reactor_of(c->home), &c->timer); /* the operation has a deadline of its own */
    (void)watch(c, 0);
    loopback_close(loopback);
}

static void judge(struct connection *c)
{
    struct loopback_wanted wanted = { paa_str_of(c->of->host), paa_str_of(c->of->path) };
    struct paa_str query;
    enum loopback_verdict verdict =
        loopback_request_read(paa_str_of_n(c->head, c->size), &wanted, &query);

    if (verdict == LOOPBACK_FITS)
        choose(c, query);
    else if (verdict != LOOPBACK_MORE)
        turn_away(c, verdict);
    else if (c->size == sizeof c->head)
        turn_away(c, 431);
}

static void read_on(struct connection *c)
{
    ssize_t size = recv(c->fd, c->head + c->size, sizeof c->head - c->size, MSG_DONTWAIT);

    if (size > 0) {
        c->size += (size_t)size;
        judge(c);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        drop(c);
    }
}

static void on_events(uint32_t events, void *arg)
{
    struct connection *c = arg;

    (void)events;
    switch (c->state) {
    case READING:
        read_on(c);
        break;
    case SENDING:
        send_on(c);
        break;
    case DRAINING:
        drain(c);
        break;
    case CHOSEN: /* its browser has gone; the redirect counts all the same */
    default:
        drop(c);
        break;
    }
}

static void on_time(struct timer *timer)
{
    drop(LIST_ENTRY(timer, struct connection, timer));
}

/* ---- accepting -------------------------------------------------------------------------------------- */

static void unwatch_listener(struct loopback *loopback)
{
    if (loopback->is_watched && reactor_of(loopback->home) != NULL)
        reactor_unwatch(reactor_of(loopback->home), loopback->fd);
    loopback->is_watched = false;
}

/* fd is the connection's, or closed. */
static void welcome(struct loopback *loopback, int fd)
{
    struct loopbacks *home = loopback->home;
    struct connection *c = calloc(1, sizeof *c);

    if (c == NULL) {
        close(fd);
        return;
    }
    if (loopback->connection_count == LOOPBACK_CONNECTIONS_MAX)
        drop(LIST_ENTRY(loopback->connections.next, struct connection, link));
    c->home = home;
    c->of = loopback;
    c->fd = fd;
    c->state = READING;
    c->timer.fn = on_time;
    buf_init(&c->out, LOOPBACK_RESPONSE_MAX);
    list_add_last(&loopback->connections, &c->link);
    loopback->connection_count++;
    pthread_mutex_lock(&home->lock);
    loopback_note(home, fd);
    pthread_mutex_unlock(&home->lock);
    if (timer_set(reactor_of(home), &c->timer, time_add(now_ms(home), LOOPBACK_CONNECTION_MS)))
        (void)watch(c, EPOLLIN);
    else
        drop(c);
}

/* Without a descriptor the listener stays readable: it is looked at again later. */
static void pause_listener(struct loopback *loopback)
{
    unwatch_listener(loopback);
    (void)timer_set(reactor_of(loopback->home), &loopback->kick,
                    time_add(now_ms(loopback->home), LOOPBACK_PAUSE_MS));
}

static void on_accept(uint32_t events, void *arg)
{
    struct loopback *loopback = arg;
    int fd = accept4(loopback->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)events;
    if (fd >= 0)
        welcome(loopback, fd);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_listener(loopback);
}

bool loopback_open(struct loopback *loopback)
{
    if (reactor_watch(reactor_of(loopback->home), loopback->fd, EPOLLIN, on_accept, loopback) != 0)
        return false;
    loopback->is_watched = true;
    return true;
}

/* ---- ending ----------------------------------------------------------------------------------------- */

static struct connection *chosen_of(struct loopback *loopback)
{
    for (struct list *at = loopback->connections.next; at != &loopback->connections; at = at->next)
        if (LIST_ENTRY(at, struct connection, link)->state == CHOSEN)
            return LIST_ENTRY(at, struct connection, link);
    return NULL;
}

void loopback_close(struct loopback *loopback)
{
    struct list *next;

    unwatch_listener(loopback);
    if (loopback->fd >= 0)
        loopback_close_fd(loopback->home, loopback->fd);
    loopback->fd = -1;
    for (struct list *at = loopback->connections.next; at != &loopback->connections; at = next) {
        struct connection *c = LIST_ENTRY(at, struct connection, link);

        next = at->next;
        if (c->state == READING)
            drop(c);
    }
}

static void show_page(struct loopback *loopback)
{
    struct connection *c = chosen_of(loopback);

    if (c == NULL)
        return;
    if (loopback->has_page)
        buf_add_str(&c->out, buf_str(&loopback->page));
    else
        loopback_page_write(&c->out, false, STR("The login was not finished."));
    answer(c);
}

/* What is being answered goes on without its listener. */
static void let_depart(struct loopback *loopback)
{
    struct list *link;

    while ((link = list_take_first(&loopback->connections)) != NULL) {
        LIST_ENTRY(link, struct connection, link)->of = NULL;
        list_add_last(&loopback->home->departing, link);
    }
}

void loopback_depart(struct loopback *loopback)
{
    struct loopbacks *home = loopback->home;

    loopback_close(loopback);
    show_page(loopback);
    let_depart(loopback);
    pthread_mutex_lock(&home->lock);
    list_remove(&loopback->link);
    home->count--;
    pthread_mutex_unlock(&home->lock);
    if (reactor_of(home) != NULL) {
        timer_clear(reactor_of(home), &loopback->kick);
        timer_clear(reactor_of(home), &loopback->deadline);
    }
    arena_free(&loopback->arena);
    buf_free(&loopback->page);
    free(loopback);
}

void loopback_flush(struct loopbacks *loopbacks)
{
    while (!list_empty(&loopbacks->departing))
        drop(LIST_ENTRY(loopbacks->departing.next, struct connection, link));
}

void loopback_on_kick(struct timer *timer)
{
    struct loopback *loopback = LIST_ENTRY(timer, struct loopback, kick);
    bool is_ended, has_page;

    pthread_mutex_lock(&loopback->home->lock);
    is_ended = loopback->is_ended;
    has_page = loopback->has_page;
    pthread_mutex_unlock(&loopback->home->lock);
    if (is_ended)
        loopback_depart(loopback);
    else if (has_page)
        show_page(loopback);
    else if (loopback->fd >= 0 && !loopback->is_watched)
        (void)loopback_open(loopback);
}

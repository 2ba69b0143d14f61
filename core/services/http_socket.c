/* SPDX-License-Identifier: MIT */
/*
 * What libcurl waits for, on the reactor: its sockets, and its timers by the system's clock. Knows neither what they are
 * for nor libcurl.
 */
#include "http_inner.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct http_socket {
    struct http *http;
    int fd;
    uint32_t events; /* 0: not watched */
    void (*fn)(void *arg, int fd, uint32_t events);
    void *arg;
};

static void on_events(uint32_t events, void *arg)
{
    const struct http_socket *watched = arg;

    watched->fn(watched->arg, watched->fd, events); /* which may free it */
}

static void unwatch(struct http_socket *watched)
{
    struct reactor *reactor = watched->http->services->reactor;

    if (watched->events != 0 && reactor != NULL) /* at the end it has gone before */
        reactor_unwatch(reactor, watched->fd);
    watched->events = 0;
}

/* ---- connections, for the child that is not to have them ---- */

int socket_open(struct http *http, int family, int type, int protocol)
{
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);

    for (size_t i = 0; fd >= 0 && i < HTTP_SOCKETS_MAX; i++)
        if (http->sockets[i] == 0) {
            http->sockets[i] = fd;
            break;
        }
    return fd;
}

int socket_close(struct http *http, int fd)
{
    for (size_t i = 0; i < HTTP_SOCKETS_MAX; i++)
        if (http->sockets[i] == fd)
            http->sockets[i] = 0;
    return close(fd);
}

void sockets_forget(struct http *http)
{
    for (size_t i = 0; i < HTTP_SOCKETS_MAX; i++)
        if (http->sockets[i] > 0)
            close(http->sockets[i]);
}

/* ---- watched ---- */

struct http_socket *socket_new(struct http *http, int fd,
                               void (*fn)(void *arg, int fd, uint32_t events), void *arg)
{
    struct http_socket *watched = calloc(1, sizeof *watched);

    if (watched != NULL)
        *watched = (struct http_socket){ http, fd, 0, fn, arg };
    return watched;
}

int socket_watch(struct http_socket *watched, uint32_t events)
{
    struct reactor *reactor = watched->http->services->reactor;

    if (watched->events == events)
        return 0;
    unwatch(watched);
    if (reactor == NULL || reactor_watch(reactor, watched->fd, events, on_events, watched) != 0)
        return -1;
    watched->events = events;
    return 0;
}

void socket_free(struct http_socket *watched)
{
    if (watched != NULL)
        unwatch(watched);
    free(watched);
}

struct http_alarm {
    struct http *http;
    int fd;
    void (*fn)(void *arg);
    void *arg;
};

static void on_alarm(uint32_t events, void *arg)
{
    const struct http_alarm *alarm = arg;
    uint64_t count;

    (void)events;
    if (read(alarm->fd, &count, sizeof count) > 0)
        alarm->fn(alarm->arg); /* which may free it */
}

struct http_alarm *alarm_new(struct http *http, void (*fn)(void *arg), void *arg)
{
    struct http_alarm *alarm = calloc(1, sizeof *alarm);

    if (alarm == NULL)
        return NULL;
    *alarm = (struct http_alarm){ http, -1, fn, arg };
    alarm->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (alarm->fd >= 0 &&
        reactor_watch(http->services->reactor, alarm->fd, EPOLLIN, on_alarm, alarm) == 0)
        return alarm;
    if (alarm->fd >= 0)
        close(alarm->fd);
    free(alarm);
    return NULL;
}

int alarm_set(const struct http_alarm *alarm, long timeout_ms)
{
    struct itimerspec when = { { 0, 0 }, { 0, 0 } }; /* disarmed */

    if (timeout_ms >= 0) {
        when.it_value.tv_sec = timeout_ms / 1000;
        when.it_value.tv_nsec = timeout_ms % 1000 * 1000000 + (timeout_ms == 0);
    }
    return timerfd_settime(alarm->fd, 0, &when, NULL);
}

void alarm_free(struct http_alarm *alarm)
{
    if (alarm == NULL)
        return;
    if (alarm->http->services->reactor != NULL)
        reactor_unwatch(alarm->http->services->reactor, alarm->fd);
    close(alarm->fd);
    free(alarm);
}

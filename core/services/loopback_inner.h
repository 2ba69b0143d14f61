/* SPDX-License-Identifier: MIT */
/*
 * What the files of loopback share; for nobody else.
 *
 *   loopback.c             the operation's side: listens, waits, says what is shown, ends
 *   loopback_connection.c  the reactor's side: connections from being accepted to being closed
 *   loopback_socket.c      sockets, noted for a child
 *   loopback_request.c     what came, judged
 *   loopback_page.c        what is answered
 *
 * Sockets, connections and freeing are the reactor's thread's. The operation's side writes what stands under the lock
 * and kicks. Locks, outer first: loopbacks->lock, the operation's home, the reactor's.
 */
#ifndef SERVICES_LOOPBACK_INNER_H
#define SERVICES_LOOPBACK_INNER_H

#include "arena.h"
#include "buf.h"
#include "list.h"
#include "loopback.h"
#include "loopback_page.h"
#include "loopback_request.h"
#include "op.h"
#include "reactor.h"
#include "services.h"

#include <pthread.h>

enum {
    LOOPBACK_HOST_MAX = 32,
    LOOPBACK_PATH_MAX = 256,
    LOOPBACK_SOCKETS_MAX = 512, /* noted for a child; more than that cannot be */
    LOOPBACK_PAUSE_MS = 1000    /* no descriptor is left: later */
};

struct connection;

struct loopbacks {
    struct services *services;
    pthread_mutex_t lock;
    struct list all;       /* struct loopback; under the lock */
    unsigned count;        /* likewise */
    struct list departing; /* connections that outlive their listener; the reactor's thread only */
    int sockets[LOOPBACK_SOCKETS_MAX]; /* open ones; 0: none; under the lock */
};

struct loopback {
    struct list link;
    struct loopbacks *home;
    char host[LOOPBACK_HOST_MAX];
    char path[LOOPBACK_PATH_MAX];
    char uri[LOOPBACK_HOST_MAX + LOOPBACK_PATH_MAX + 8];
    char state[LOOPBACK_STATE_MAX];
    size_t state_size; /* 0: any will do */

    /* the reactor's thread only, once it is watched */
    int fd; /* -1: closed */
    bool is_watched;
    struct list connections;
    unsigned connection_count;
    unsigned strangers; /* that were shown so */
    struct arena arena; /* what arrived; the operation's too, once that was told */

    /* under the lock */
    struct timer kick;     /* something is to be done on the reactor's thread */
    struct timer deadline; /* of the wait */
    struct op *op;         /* that waits; NULL: none */
    struct paa_field *fields;
    size_t field_count;
    bool has_arrived;
    bool is_told; /* the operation has had it */
    bool has_page;
    bool is_ended;
    struct buf page;
};

/* ---- loopback_connection.c, on the reactor's thread ------------------------------------------------ */

/* Begins to accept. False: it cannot be watched. Any thread, before that. */
bool loopback_open(struct loopback *loopback);
void loopback_on_kick(struct timer *timer);
/* No more connections, and none but the chosen one stays. */
void loopback_close(struct loopback *loopback);
/* Frees it; its chosen connection is shown the page, or that it came to nothing. */
void loopback_depart(struct loopback *loopback);
/* Everything that departs is sent as far as that needs no waiting, then closed. */
void loopback_flush(struct loopbacks *loopbacks);
/* ---- loopback_socket.c -------------------------------------------------------------------------- */

/* A socket that listens on the literal of that family (AF_INET, AF_INET6) and a free port; -1: there is none. */
int loopback_socket(int family, char ret_host[LOOPBACK_HOST_MAX]);
/* Noted, so that a child can close it; under the lock. */
void loopback_note(struct loopbacks *loopbacks, int fd);
/* Not under the lock. */
void loopback_close_fd(struct loopbacks *loopbacks, int fd);

/* ---- loopback.c ------------------------------------------------------------------------------------ */

/* On the reactor's thread. False: another one came first, or nobody wants it any more. fields are in its arena. */
bool loopback_arrived(struct loopback *loopback, struct paa_field *fields, size_t count);

#endif

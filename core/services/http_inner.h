/* SPDX-License-Identifier: MIT */
/*
 * What the files of http share; for nobody else.
 *
 *   http.c          the waiting call: accepted, limited or refused; cancelled; gone on with
 *   http_request.c  a request judged and copied
 *   http_site.c     who may fetch how much, and when again: instances and their origins
 *   http_turn.c     the reactor's side: whose turn it is, deadlines, how a fetch ends
 *   http_answer.c   a response as it comes
 *   http_trust.c    CAs, as OpenSSL wants them
 *   http_wire.c     libcurl
 *   http_socket.c   its sockets and timers on the reactor
 *
 * A fetch is the reactor's until it is posted, the operation's from then on. A cancelled one is the reactor's to free.
 * One lock guards what both sides see; no plugin code runs and libcurl is not called under it, but for a client key,
 * which lives only as long as the operation.
 *
 * Locks, outer first: http->lock, then the key's, the operation's home, the reactor's.
 */
#ifndef SERVICES_HTTP_INNER_H
#define SERVICES_HTTP_INNER_H

#include "buf.h"
#include "http.h"
#include "keys.h"
#include "list.h"
#include "net.h"
#include "op.h"
#include "reactor.h"
#include "services.h"
#include "tls.h"
#include "url.h"

#include <pthread.h>

enum { HTTP_SHOWN_MAX = 240, HTTP_SENTENCE_MAX = 512, HTTP_SOCKETS_MAX = 1024 };

struct http_wire; /* http_wire.c's */
struct transfer;  /* likewise */
struct http_alarm;
struct http_socket;
struct http_trust;

struct http {
    struct services *services;
    pthread_mutex_t lock; /* all below but the last three */
    struct list parties;
    struct list sites;  /* all; whose turn it is comes first */
    struct list active; /* fetches that run */
    struct list dead;   /* cancelled ones */
    struct list trusts; /* CAs in use */
    unsigned fetches;
    unsigned running;
    unsigned site_count;
    struct timer kick;             /* something is to be done on the reactor's thread */
    struct timer sweep;            /* connections that nobody used for a while */
    struct http_wire *wire;        /* the reactor's thread only; NULL until the first fetch */
    bool is_swept;                 /* likewise: sweep is set */
    int sockets[HTTP_SOCKETS_MAX]; /* likewise: open connections; 0: none */
};

/* ---- who may fetch ------------------------------------------------------------------------------- */

struct http_party { /* an instance, by name: it outlives reloads */
    struct list link;
    unsigned fetches;
    unsigned running;
    unsigned site_count;
    char name[]; /* NUL-terminated */
};

struct http_site { /* an origin as one instance uses it */
    struct list link;
    struct http_party *party;
    struct list waiting; /* fetches, first come first served */
    unsigned fetches;    /* that name it, in whatever state */
    unsigned running;
    unsigned failures; /* in a row */
    int64_t until_ms;  /* not before that */
    size_t origin_size;
    char origin[];
};

/* All under the lock. The site; NULL: too many are in use. */
struct http_site *site_get(struct http *http, const char *instance, struct paa_str origin);
/* No response came to a fetch that began then. */
void site_failed(struct http_site *site, int64_t began_ms, int64_t now_ms);
/* A response came; retry_after_ms is what a 429 or 503 asked for. */
void site_answered(struct http_site *site, int64_t retry_after_ms, int64_t now_ms);
/* The next fetch that may run, in http->active and counted as running; NULL: none. */
struct http_fetch *sites_next(struct http *http);
void sites_free(struct http *http);

/* ---- one fetch ----------------------------------------------------------------------------------- */

enum fetch_state {
    FETCH_REFUSED = 1, /* the operation's from the start */
    FETCH_WAITING,
    FETCH_RUNNING,
    FETCH_DEAD, /* cancelled */
    FETCH_POSTED
};

struct answer_field { /* in struct http_answer, header */
    uint32_t name;
    uint32_t name_size;
    uint32_t value;
    uint32_t value_size;
};

struct http_answer {
    struct buf header; /* names and values, one behind the other */
    struct answer_field fields[HTTP_RESPONSE_FIELDS_MAX];
    size_t field_count;
    unsigned char *body; /* secret memory */
    size_t body_size;
    size_t body_capacity;
    size_t limit;
    uint32_t code;
    bool has_head; /* the empty line came: what follows are trailers, or another head */
    bool is_too_large;
    const char *wrong; /* what makes it no HTTP; NULL: nothing */
};

struct http_fetch {
    struct list link; /* of a site's waiting, http->active or http->dead */
    struct http *http;
    struct op *op; /* NULL once cancelled */
    struct http_site *site;
    struct transfer *transfer; /* while RUNNING; the reactor's thread only */
    struct timer timer;        /* the deadline */
    enum fetch_state state;
    enum paa_status status;
    int64_t began_ms; /* on the wire; INT64_MIN: not yet */
    int64_t deadline_ms;
    int64_t retry_after_ms;

    /* what is asked; constant */
    bool is_secret;
    bool is_strict; /* public addresses only */
    bool is_plain;  /* http */
    bool has_body;
    const char *method; /* all text is in the block, NUL-terminated */
    const char *url;
    const char *headers[HTTP_FIELDS_MAX]; /* "Name: value", as libcurl wants them */
    size_t header_count;
    struct paa_bytes body;
    uint64_t tls_id; /* 0: no tls group */
    enum tls_version min_version;
    const char *pins;
    const char *proxy;
    bool no_verify;
    struct http_trust *trust;  /* NULL: nothing is verified */
    const struct paa_key *key; /* under the lock, while there is an op */
    uint64_t key_version;
    void *block; /* secret memory */
    size_t block_size;

    struct http_answer answer;
    char shown[HTTP_SHOWN_MAX]; /* the URL in sentences: without query */
    char sentence[HTTP_SENTENCE_MAX];
};

/* http_request.c. Judged and copied, on the operation's thread. NULL: no memory. state REFUSED: with status and
 * sentence. Else WAITING, and not in any list. */
struct http_fetch *fetch_new(struct op *op, const struct paa_http_request *request);
/* Wipes. Not while it is in a list, or has a timer or a transfer. NULL is fine. */
void fetch_free(struct http_fetch *fetch);
/* "URL: …" */
PAA_PRINTF(2, 3) void fetch_say(struct http_fetch *fetch, const char *format, ...);
/* fetch_say with a status; always false. */
PAA_PRINTF(3, 4)
bool fetch_refuse(struct http_fetch *fetch, enum paa_status status, const char *format, ...);

/* http_turn.c, on the reactor's thread */
void on_kick(struct timer *timer);
void on_sweep(struct timer *timer);
void on_deadline(struct timer *timer);
/* Its transfer has ended (or never began): fetch->status, sentence and answer say how. Not under the lock. */
void fetch_end(struct http_fetch *fetch);
/* Frees what was cancelled, then starts what may start. Not under the lock. */
void http_turn(struct http *http);
/* Any thread: http_turn soon. */
void http_kick(struct http *http);

/* http_answer.c. False: no more of it, answer says why. */
void answer_init(struct http_answer *answer, size_t limit);
void answer_free(struct http_answer *answer);
bool answer_line(struct http_answer *answer, struct paa_str line);
bool answer_body(struct http_answer *answer, struct paa_bytes bytes);
struct paa_field answer_field_at(const struct http_answer *answer, size_t index);
/* The first field of that name; absent: none. */
struct paa_str answer_find(const struct http_answer *answer, struct paa_str name);

/* ---- trust --------------------------------------------------------------------------------------- */

/* Under the lock. The CAs of that tls group in that version; the system's for 0, 0. NULL: none is in use so far. */
struct http_trust *trust_find(struct http *http, uint64_t tls_id, uint64_t version);
/* Under the lock. One more; pem is copied. NULL: no memory. */
struct http_trust *trust_add(struct http *http, uint64_t tls_id, uint64_t version,
                             struct paa_str pem);
void trust_hold(struct http_trust *trust);
void trust_drop(struct http_trust *trust); /* NULL is fine */
/* On the reactor's thread. False: *ret_why, which lives as long as trust. */
bool trust_is_ready(struct http_trust *trust, const char **ret_why);
/* What no configuration from outside may change: nothing is logged, nothing weak is allowed, and these CAs and no
 * others. trust NULL: no CAs. False: OpenSSL refuses. */
bool trust_apply(struct http_trust *trust, void *ssl_ctx);
/* What an OpenSSL verification result means. */
const char *trust_words(long verified);

/* ---- sockets ------------------------------------------------------------------------------------- */

/* On the reactor's thread. Connections are noted, so that a child after fork can let go of them: else the server would
 * not see the parent close. More than HTTP_SOCKETS_MAX are not. */
int socket_open(struct http *http, int family, int type, int protocol);
int socket_close(struct http *http, int fd);
void sockets_forget(struct http *http);

/* On the reactor's thread. fn gets what epoll says. NULL: no memory. */
struct http_socket *socket_new(struct http *http, int fd,
                               void (*fn)(void *arg, int fd, uint32_t events), void *arg);
/* For these events and no others from now on. 0 or -1. */
int socket_watch(struct http_socket *watched, uint32_t events);
void socket_free(struct http_socket *watched); /* NULL is fine */
/* Likewise: fn when the time has come, by the system's clock. Negative: never. */
struct http_alarm *alarm_new(struct http *http, void (*fn)(void *arg), void *arg);
int alarm_set(const struct http_alarm *alarm, long timeout_ms);
void alarm_free(struct http_alarm *alarm); /* NULL is fine */

/* ---- libcurl; all on the reactor's thread --------------------------------------------------------- */

struct http_wire *wire_new(struct http *http); /* NULL: no memory */
/* No fetch runs any more. The reactor may be gone. NULL is fine. */
void wire_free(struct http_wire *wire);
/* False: it did not begin; fetch->status and sentence say why. Else fetch_end will be called, never in here. */
bool wire_start(struct http_wire *wire, struct http_fetch *fetch);
/* Ends the transfer without fetch_end. */
void wire_drop(struct http_fetch *fetch);
/* Closes what was idle since then. True: there is more. */
bool wire_sweep(struct http_wire *wire, int64_t since_ms);

#endif

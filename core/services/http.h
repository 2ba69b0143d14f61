/* SPDX-License-Identifier: MIT */
/*
 * paa/host/http.h for plugins. For the services of a context: made inert; the first fetch of a process starts what it
 * needs, on the reactor's thread. http_inner.h says which file does what.
 */
#ifndef SERVICES_HTTP_H
#define SERVICES_HTTP_H

struct http;
struct op;
struct services;

enum {
    HTTP_TIMEOUT_MS = 10 * 1000, /* where a request says none */
    HTTP_TIMEOUT_MAX_MS = 60 * 1000,
    HTTP_RESPONSE_BYTES = 64 * 1024, /* likewise */
    HTTP_RESPONSE_MAX = 16 * 1024 * 1024,
    HTTP_RESPONSE_FIELDS_MAX = 128,
    HTTP_RESPONSE_HEADER_MAX = 64 * 1024, /* bytes, of all fields */
    HTTP_BODY_MAX = 1024 * 1024,          /* of a request */
    HTTP_FIELDS_MAX = 64,                 /* of a request; http.h of the public headers says so */
    HTTP_HEADER_MAX = 16 * 1024,          /* bytes, of all fields of a request */
    HTTP_FETCHES_MAX = 1024,              /* of a context, those that wait their turn included */
    HTTP_INSTANCE_FETCHES_MAX = 256,
    HTTP_RUNNING_MAX = 128, /* at once */
    HTTP_INSTANCE_RUNNING_MAX = 32,
    HTTP_ORIGIN_RUNNING_MAX = 8, /* of one instance */
    HTTP_ORIGINS_MAX = 256,      /* remembered: those that run, wait or cool down */
    HTTP_INSTANCE_ORIGINS_MAX = 64,
    HTTP_RETRY_AFTER_MAX_S = 300, /* a longer Retry-After is cut */
    HTTP_COOLDOWN_MIN_MS = 1000,  /* after a failure; doubled with each further one */
    HTTP_COOLDOWN_MAX_MS = 60 * 1000,
    HTTP_IDLE_MS = 60 * 1000 /* connections without a fetch are closed then */
};

struct http *http_new(struct services *services);
/* The reactor is gone: what is under way ends, and nobody is told. NULL is fine. */
void http_stop(struct http *http);
void http_free(struct http *http);
/* In a child after fork: what the parent fetched stays behind. */
void http_forget(struct http *http);
/* The operation has ended, and had op->fetch: what came is wiped. */
void http_op_ended(struct op *op);

#endif

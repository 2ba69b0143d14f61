/* SPDX-License-Identifier: MIT */
/*
 * A listener on a loopback literal for the one request that a login's redirect is (RFC 8252 7.3). It belongs to an
 * operation and ends with it; what it listens for, reads and answers happens on the reactor's thread.
 */
#ifndef SERVICES_LOOPBACK_H
#define SERVICES_LOOPBACK_H

#include <paa/plugin.h>
#include <stdbool.h>

enum {
    LOOPBACK_LISTENERS_MAX = 32,       /* of a context at a time */
    LOOPBACK_CONNECTIONS_MAX = 8,      /* of a listener at a time; one more ends the oldest */
    LOOPBACK_STATE_MAX = 256,          /* bytes of a login's state */
    LOOPBACK_STRANGERS_MAX = 16,       /* requests with another state; the next one counts */
    LOOPBACK_CONNECTION_MS = 10 * 1000 /* for a request to come, and for a page to go */
};

struct loopbacks;
struct op;
struct services;

struct loopbacks *loopbacks_new(struct services *services); /* NULL: no memory */
/* The reactor is gone, and no operation is left. Pages that wait are sent as far as that needs no waiting. */
void loopbacks_stop(struct loopbacks *loopbacks);
/* In a child after fork: what is the parent's is closed here, and left to it. */
void loopbacks_forget(struct loopbacks *loopbacks);
void loopbacks_free(struct loopbacks *loopbacks); /* NULL is fine */

/* state: of the login; absent: any request is its redirect. OK; INVALID: no path, no such state, or the operation has a
 * listener; LIMITED; UNAVAILABLE. The URI lives as long as the operation. */
enum paa_status loopback_listen(struct op *op, struct paa_str path, struct paa_str state,
                                struct paa_str *ret_uri);
/* Waiting: the redirect, once. UNAVAILABLE after that deadline (INT64_MAX: somebody else looks after it). */
enum paa_result loopback_redirected(struct op *op, int64_t deadline_ms, paa_reply_fn then,
                                    void *context);
/* What its browser is shown; once. INVALID: nobody is there to be shown anything. */
enum paa_status loopback_page(struct op *op, bool success, struct paa_str sentence);
/* A browser that still waits is told that it came to nothing. */
void loopback_op_ended(struct op *op);

#endif

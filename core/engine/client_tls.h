/* SPDX-License-Identifier: MIT */
/*
 * What a host presents and verifies on the connection that an outgoing request travels on: what the service's `tls` says,
 * and the key that a step of the chain handed over. Made ready with the policy and with the key, so that a request only
 * points to it. Knows no TLS library's types.
 */
#ifndef ENGINE_CLIENT_TLS_H
#define ENGINE_CLIENT_TLS_H

#include <paa/paa.h>
#include <stdbool.h>

struct diag;
struct generation;
struct key_shown;
struct op;
struct paa_key;
struct service_rules;

struct client_tls {              /* a service's */
    struct paa_client_tls plain; /* without CAs of its own, and without a key */
    struct paa_source *ca;       /* NULL: the system's */
};

struct staged_key { /* what a step wants shown; in the transaction's arena */
    struct staged_key *next;
    const struct key_shown *shown;
    uint16_t site;
    bool is_held; /* to be let go with the transaction */
};

/* Of an outgoing service. Errors go to diag; closed by client_tls_close in any case. */
void client_tls_make(struct generation *generation, struct service_rules *service,
                     struct diag *diag);
void client_tls_close(struct client_tls *tls);

/* outcome->client_key of create: which services then need a host that can, and which chains would show two, is known
 * before the first request. */
enum paa_status client_tls_announce(struct op *op, const struct paa_key *key);
/* outcome->client_key of attach. Not OK: *ret_sentence says why. */
enum paa_status client_tls_stage(struct paa_txn *txn, struct op *op, const struct paa_key *key,
                                 const char **ret_sentence);
/* The chain accepted: what its steps wanted shown counts. NULL, or a sentence that says why it cannot be sent so. */
const char *client_tls_commit(struct paa_txn *txn);
void client_tls_let_go(struct paa_txn *txn);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of this plugin share: the instance and the state of one request. Every effect goes through op->host.
 *
 * The way of a request (verify.c): what the connection is known by → else what was presented (source.c) → else what is
 * remembered of that → anchors and lists as they are now (inputs.c) → judged anew if they changed, or nothing was
 * remembered (judge.c: cert_chain.h, identity.h) → the principal, or a refusal (settle.c).
 *
 * Of a verdict that is remembered, times are judged each time, and once in a second whether anchors and lists are still
 * those that it was found under. A refusal, which may stand on the clock alone, is remembered for seconds only.
 */
#ifndef MTLS_MTLS_H
#define MTLS_MTLS_H

#include "proxy.h"
#include "verdict.h"

#include <paa/plugin.h>

enum { PROXIES_MAX = 32, PINS_MAX = 64, MTLS_FIELDS_MAX = 2 };

/* The choices of the option, in order. */
enum source { SOURCE_TLS, SOURCE_CLIENT_CERT, SOURCE_XFCC, SOURCE_PEM };

struct input { /* a memo that the judgement hangs on */
    struct paa_memo *memo;
    struct paa_str key; /* of lists that are fetched: the URL */
};

struct judging { /* incoming: how certificates are judged */
    enum source source;
    struct paa_str fields[MTLS_FIELDS_MAX]; /* names; absent: none */
    struct proxy proxies[PROXIES_MAX];
    size_t proxy_count;
    struct pin pins[PINS_MAX];
    struct cert_chain_rules rules;
    struct identity_rules identity;
    struct input inputs[INPUTS_MAX]; /* anchors, if there are any; intermediates; lists */
    size_t input_count;
    bool has_anchors;
    bool has_intermediates;
    bool is_of_machines; /* a SPIFFE ID names a workload; of others the policy says so */
    int64_t outage_s;
    struct paa_memo *peers;     /* verdicts of connections */
    struct paa_memo *responses; /* of OCSP responders; NULL: none is asked */
    struct paa_memo *chains;    /* good verdicts by what was presented */
    struct paa_memo *refusals;  /* the others, likewise: strangers push out nobody who is good */
    struct paa_memo *proved;    /* digests of proxies' own certificates; NULL: none is pinned */
};

struct instance {
    struct judging judging;    /* incoming */
    const struct paa_key *key; /* outgoing; NULL: not used so */
};

struct weighing { /* what a request is judged with that no verdict is known of, or an old one */
    struct presented presented; /* count 0: not read yet */
    struct cert_chain_finding finding;
    uint64_t versions[INPUTS_MAX];
    const void *objects[INPUTS_MAX];
    size_t asked; /* inputs that have come */
};

struct state { /* of one request; zeroed, so it is small */
    struct weighing *weighing;
    struct paa_bytes key; /* what was presented, as it is remembered by */
    struct paa_str field; /* of a proxy */
    struct paa_str chain_field;
    const struct verdict *known; /* a memo's */
    struct verdict *made;        /* this request's */
    int64_t now_s;
    bool is_of_connection; /* known is what the connection is known by */
};

static inline const struct judging *judging_of(struct paa_op *op)
{
    return &((const struct instance *)op->self)->judging;
}

static inline struct state *state_of(struct paa_op *op)
{
    return (struct state *)op->state;
}

/* ---- create.c ----------------------------------------------------------------------------------- */

enum paa_status judging_create(struct paa_op *op, struct judging *judging);

/* ---- inputs.c ----------------------------------------------------------------------------------- */

enum paa_status inputs_create(struct paa_op *op, struct judging *judging);
/* From create. INVALID: a file of trust, intermediates or crl is none. */
enum paa_status inputs_check(struct paa_op *op);
/* Waiting. All inputs of the judgement, as they are now; then verify_with_inputs. */
enum paa_result inputs_ask(struct paa_op *op, struct state *state);

/* ---- responder.c -------------------------------------------------------------------------------- */

enum paa_status responder_create(struct paa_op *op, struct judging *judging);
/* Waiting. What a responder says of who is known or was judged now; then settle_grant or settle_refuse. */
enum paa_result responder_ask(struct paa_op *op, struct state *state);

/* ---- source.c ----------------------------------------------------------------------------------- */

/* Finds what was presented: reads the connection's certificates, and what they are remembered by; or finds the fields.
 * PENDING: there is something. Else the slot's result. */
enum paa_result source_look(struct paa_op *op, struct state *state);
/* Is the other end of the connection a proxy of the policy's? own: of its own certificate; NULL: not looked at. */
bool source_is_trusted(struct paa_op *op, const struct pin_subject *own);
/* REJECT. */
enum paa_result source_distrust(struct paa_op *op);
/* The digests of the connection's own certificate, to be freed; NULL: it has none that can be read. */
struct pin_subject *source_prove(struct paa_op *op);
/* What the fields are remembered by. PENDING, or the slot's result. */
enum paa_result source_key(struct paa_op *op, struct state *state);
/* Reads what was presented. PENDING, or the slot's result. */
enum paa_result source_read(struct paa_op *op, struct state *state);

/* ---- settle.c ----------------------------------------------------------------------------------- */

/* Was it found to be of the anchors and lists in force within this second? */
bool settle_was_looked_at(const struct verdict *verdict, int64_t now_s);
/* state->known was. */
enum paa_result settle_known(struct paa_op *op, struct state *state);
/* May wait. It is, just now, or it was made of them just now. */
enum paa_result settle_current(struct paa_op *op, struct state *state);
/* May wait. What came of judge. */
enum paa_result settle_judged(struct paa_op *op, struct state *state);
/* Lists and responders have nothing against it. */
enum paa_result settle_grant(struct paa_op *op, struct state *state);
/* REJECT; what: behind the name. */
enum paa_result settle_refuse(struct paa_op *op, const struct state *state, const char *reason,
                              const char *what);

/* ---- verify.c ----------------------------------------------------------------------------------- */

enum paa_result mtls_verify(struct paa_op *op);
void mtls_finish(struct paa_op *op);
/* state->weighing, made when it is first wanted; NULL: no memory. */
struct weighing *weighing_of(struct paa_op *op, struct state *state);
/* The inputs have come. */
enum paa_result verify_with_inputs(struct paa_op *op, struct state *state);

/* ---- judge.c ------------------------------------------------------------------------------------ */

/* Pure: sets state->made, or says in the finding why not. Any thread. */
void judge(const struct judging *judging, struct state *state);

#endif

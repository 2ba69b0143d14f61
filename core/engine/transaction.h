/* SPDX-License-Identifier: MIT */
/* One request being authenticated (struct paa_txn), and what its operations have told so far. Written by its lane's thread
 * only. */
#ifndef ENGINE_TRANSACTION_H
#define ENGINE_TRANSACTION_H

#include "answer.h"
#include "chain.h"
#include "client_tls.h"
#include "content.h"
#include "op.h"

#include <paa/paa.h>

enum {
    TXN_BLOCK = 6 * 1024, /* arena bytes that every transaction has at hand */
    CREDENTIALS_MAX = 4,  /* that a ticket carries */
};

enum txn_phase { PHASE_WALK = 1, PHASE_ANSWERED, PHASE_CHALLENGE, PHASE_SERVE, PHASE_OVER };

struct dialogue; /* dialogue.h */
struct expected; /* body.h */

struct effect { /* what an operation wants; kept aside until the chain is decided */
    struct effect *next;
    enum effect_kind {
        EFFECT_HEADER_SET = 1,
        EFFECT_HEADER_ADD,
        EFFECT_HEADER_REMOVE,
        EFFECT_PARAMETER_ADD,
        EFFECT_PARAMETER_REMOVE,
        EFFECT_COOKIE_ADD,
        EFFECT_COOKIE_REMOVE
    } kind;
    enum paa_message where;
    uint32_t flags;
    uint16_t site;
    bool is_answer; /* of challenge or serve: goes with the answer, not with the grant */
    struct paa_str name;
    struct paa_str value;
};

struct fact {
    struct fact *next;
    uint16_t site;
    struct paa_str name;
    struct paa_bytes value;
};

struct identity { /* a principal, and the site that vouched */
    struct identity *next;
    uint16_t site;
    struct paa_principal principal;
};

struct note {
    struct note *next;
    struct paa_field field;
    uint16_t site;
};

struct credential {
    uint64_t version;
    uint32_t flags;
    uint16_t site;
};

struct challenge_text { /* one rendered auth-scheme */
    struct challenge_text *next;
    struct paa_str scheme;
    struct paa_str realm;
    struct paa_str text;
    uint16_t site;
};

struct served {      /* what a path of PAA's own is answered with */
    uint32_t code;   /* 0: nothing yet */
    bool is_lasting; /* a metadata document that lacks nothing: may be kept */
    struct paa_str media_type;
    struct paa_bytes content;
    struct paa_bytes *told; /* by teller of the metadata; absent: not known */
};

struct site_state {  /* one site of the walk */
    struct op *op;   /* NULL: not run, or built in */
    int64_t time_ns; /* -1: not timed */
};

struct paa_txn {
    struct paa_lane *lane;
    struct lane_generation *generation;
    const struct paa_service *handle;
    const struct service_rules *service;
    void *user;
    struct paa_txn *next_free;
    struct paa_txn *next_all; /* every one the lane ever made */
    bool is_used;

    /* Zeroed by begin, from here to `fresh_end`. */
    const struct rule *rule;   /* NULL: none matched yet */
    const struct route *route; /* NULL: a rule decides */
    const struct program *program;
    enum paa_state state;
    enum txn_phase phase;
    enum answer_row row;
    uint32_t flags;   /* PAA_REQUEST_ */
    uint32_t attempt; /* 1, or 2 after a retry */
    uint32_t zombies; /* ops that were abandoned and will still be posted */
    uint16_t member;  /* of the step's group, to be run next */
    uint16_t site;    /* running, or whose challenge or answered runs */
    uint16_t asked;   /* challenge: next site; answered: next credential of the ticket; serve: next
                        * teller of the metadata */
    uint16_t origin;  /* incoming: of the service's, the one it came for */
    bool is_walk_cut; /* the deadline ended the walk */
    bool is_login_unavailable; /* a browser was to be sent to log in, and could not be */
    bool is_suspended;         /* in the lane's list, counted among the context's pending */
    bool is_handed;            /* paa_lane_next gave it out since it began to wait */
    bool is_ended;             /* by the host; only zombies keep it */
    bool is_decided;
    bool is_runnable; /* its op was taken from the queue */
    bool may_retry;   /* answered: somebody said DONE */
    bool wants_responses;
    bool is_matching; /* allowed: its content is passed on, and compared at its end */
    bool
        is_viewed; /* view, peer, client, given_target are this request's, no longer the last one's */
    uint32_t wants; /* PAA_WANTS_ that the op waits for; 0: it does not wait for the host */
    enum content_algorithm body_algorithm; /* with WANTS_BODY: what the op asked for */
    size_t body_limit;
    struct content *content;   /* NULL: nobody asked for it, and nothing came */
    struct dialogue *dialogue; /* NULL: nobody was asked so far */
    struct expected *expected; /* body_must_match, the last one first */
    struct op *waiting;        /* the op that waits, if state is PENDING or INPUT */
    int64_t deadline_ms;       /* of all suspensions together; 0: not suspended yet */
    int64_t timeout_ms;
    int64_t began_ns; /* 0: not sampled */
    uint64_t counted_bytes;
    struct instance *counted_for;
    struct site_state *sites; /* NULL: the walk has not begun */
    uint8_t *results;         /* by site */
    uint8_t *reasons;
    const char *sentence; /* why, for operators */
    const char *reason;
    int64_t retry_after_ms;
    struct effect *effects;
    struct effect **effects_end;
    uint32_t effect_count; /* of all there ever were: room for so many is enough */
    bool edits_content;    /* one of them is of cookies or parameters */
    struct fact *facts;
    struct identity *identities;
    struct identity **identities_end;
    struct note *notes;
    struct staged_key *staged_keys;
    struct challenge_text *challenges;
    uint32_t credential_count;
    uint32_t contributor_count;
    const struct identity **contributors; /* primary first; made when the walk is over */
    struct op *answered[CREDENTIALS_MAX]; /* operations of `answered`, or that of `serve` */
    uint32_t answered_count;
    uint32_t edit_count[2];
    struct paa_edit *edits[2]; /* request, response; beyond the rule's own */
    char *client_text;         /* address texts, in the arena when asked for */
    struct served *served;     /* NULL: no path of PAA's own was asked for */
    uint16_t redirect_site;
    struct paa_str redirect;
    struct paa_str target;
    struct paa_request_view view;
    const struct paa_field *headers;
    size_t header_count;
    const struct paa_field *attributes;
    size_t attribute_count;
    struct paa_peer *peer;
    const struct paa_txn *caller; /* only until begin or retry returns: its host may end it then */
    struct paa_principal
        *caller_kept; /* and so these are its principals, once the transaction waits */
    size_t caller_count;
    struct paa_str given_target; /* outgoing: as the host gave it */
    struct paa_bytes client;
    uint32_t fresh_end;

    enum require_verdict require;
    struct answer_plan plan;
    struct credential credentials[CREDENTIALS_MAX];
    struct paa_ticket ticket; /* answered: what the host gave back */
    struct paa_response response;
    struct paa_answer answer;
    struct paa_client_tls tls; /* outgoing, once it is allowed */
    struct paa_step step_view; /* what paa_txn_step hands out */
    struct chain chain;
    struct list link; /* lane: suspended or zombies */
    struct arena arena;
    struct pins pins;
    unsigned char block[TXN_BLOCK] __attribute__((aligned(16)));
};

#endif

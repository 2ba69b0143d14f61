/* SPDX-License-Identifier: MIT */
/*
 * From a finished walk to the answer: a pure table, first row that applies wins. The rows are those of
 * README.md, "What is answered". Knows no plugin, no header and no clock.
 */
#ifndef ENGINE_ANSWER_H
#define ENGINE_ANSWER_H

#include "program.h"

#include <paa/paa.h>
#include <paa/plugin.h>

enum answer_row {
    ROW_AMBIGUOUS = 1,  /* 400, before any plugin: what could be read in two ways */
    ROW_SERVICE,        /* 500: the host or the policy is wrong about the service */
    ROW_NO_RULE,        /* 403; 405 when only the method did not fit */
    ROW_PASS,           /* go on */
    ROW_AUTHENTICATION, /* 401 insufficient_user_authentication (RFC 9470) */
    ROW_FORBIDDEN, /* 403: `require`, a conflict, a cross-site request with an ambient credential */
    ROW_INVALID, /* 400: a step could not read its credential, or found two; or the content is another */
    ROW_TOO_LARGE,   /* 413: a step asked for the content, and it was more than the step takes */
    ROW_UNAVAILABLE, /* 503: would accept were the unavailable steps to accept */
    ROW_FAULT,       /* 500: likewise with faults */
    ROW_LIMITED,     /* 429 */
    ROW_LOGIN,       /* 302: only a login stands between this browser and acceptance */
    ROW_CREDENTIALS, /* 401; 403 when no step has a challenge to offer */
    ROW_SERVED       /* a path that PAA itself answers: no rule and no chain was asked */
};

/* the reasons that decide an answer */
enum reason {
    REASON_NONE = 0,
    REASON_INVALID_REQUEST,
    REASON_INVALID_TOKEN,
    REASON_USE_DPOP_NONCE,
    REASON_INSUFFICIENT_USER_AUTHENTICATION,
    REASON_INSUFFICIENT_SCOPE,
    REASON_RATE_LIMITED,
    REASON_TOO_LARGE /* no word of a plugin's: what became of the content it asked for */
};
enum reason reason_of(const char *word);
/* The word again; NULL: none of these. */
const char *reason_word(enum reason reason);

/* of an accepted walk */
enum require_verdict {
    REQUIRE_MET = 1,
    REQUIRE_SCOPE,          /* a scope is missing */
    REQUIRE_AUTHENTICATION, /* too long ago, or not in the way that is asked for */
    REQUIRE_OTHER,
    REQUIRE_CONFLICT, /* two contributors contradict each other */
    REQUIRE_CROSS_SITE /* an unsafe method from another site with a credential browsers add by themselves */
};

struct answer_facts {
    const struct program *program;
    const uint8_t *results; /* by site: result index, CHAIN_FORBIDDEN or CHAIN_NOT_RUN */
    const uint8_t *reasons; /* by site: enum reason */
    const uint8_t
        *logs_in; /* by site: 1 if its challenge may send a browser to log in; NULL: none does */
    int status;   /* chain_status */
    enum require_verdict require; /* with status ACCEPT */
    bool primary_is_token;        /* came by Bearer or DPoP: insufficient_scope is its answer */
    bool is_navigation;           /* a browser asks for a page, without Authorization */
    bool primary_logs_in; /* whose statement did not suffice may send a browser to log in anew */
};

struct answer_plan {
    enum answer_row row;
    enum paa_why why;
    uint16_t code;        /* CREDENTIALS and LOGIN: if some step has something to offer; else 403 */
    bool asks_challenges; /* every step that did not accept is to be asked */
    bool says_scope;      /* the challenge carries insufficient_scope */
};

void answer_decide(const struct answer_facts *facts, struct answer_plan *ret_plan);
/* "would the chain accept if every result of `set` (bit per result index) and every step that did not run
 * accepted?" False if the walk holds none of the set. */
bool answer_would(const struct program *program, const uint8_t *results, uint32_t set);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A person is asked while a transaction runs: its deadline stands still meanwhile, and the dialogue has its own, which
 * is one for all that the transaction asks.
 */
#ifndef ENGINE_DIALOGUE_H
#define ENGINE_DIALOGUE_H

#include "engine.h"

enum {
    DIALOGUE_MS = 5 * 60 * 1000, /* conversation.h says so */
    DIALOGUE_REPLY_MAX = 64 * 1024
};

struct dialogue { /* in the transaction's arena, from the first question on */
    struct paa_prompt prompt;
    struct paa_str reply;
    bool is_open;    /* the deadline is the dialogue's */
    bool is_shown;   /* the host has looked at the prompt */
    bool is_replied; /* it has said something to it */
    int64_t began_ms;
    int64_t used_ms;
    int64_t left_ms; /* of the transaction's own time */
};

/* Is there somebody to ask? */
bool dialogue_can(const struct paa_txn *txn);
/* Does the prompt want no reply? */
bool dialogue_only_shows(const struct paa_prompt *prompt);
/* Is it one that may be put to a person? */
bool dialogue_understands(const struct paa_prompt *prompt);
/* Waiting. */
enum paa_result dialogue_ask(struct op *op, const struct paa_prompt *prompt, paa_reply_fn then,
                             void *context);
/* op has begun to wait for a person. False: no memory, or there is no time for that left. */
bool dialogue_begin(struct paa_txn *txn, struct op *op);
/* It goes on, or is given up. */
void dialogue_end(struct paa_txn *txn);
/* The host has shown or answered what the waiting op asked: it can go on. */
bool dialogue_is_answered(struct paa_txn *txn);
/* It was the dialogue's time that ran out: the op is told so and can go on. False: the transaction's own. */
bool dialogue_is_over(struct paa_txn *txn);

#endif

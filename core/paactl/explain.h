/* SPDX-License-Identifier: MIT */
/*
 * What came of one transaction, gathered for writing: plain data, so that both writers are pure.
 * Texts are views of the transaction and of the command line.
 */
#ifndef PAACTL_EXPLAIN_H
#define PAACTL_EXPLAIN_H

#include "given.h"
#include "out.h"

#include <paa/paa.h>

enum { NOTES_MAX = 16 };

struct explanation {
    const struct given *given;
    enum paa_direction direction;
    bool is_online;
    bool reveals;
    enum paa_state state; /* ALLOW or ANSWER */
    bool has_rule;
    struct paa_rule rule;
    struct paa_step *steps;
    size_t step_count;
    struct paa_principal *principals; /* the primary one first */
    size_t principal_count;
    struct paa_field notes[NOTES_MAX]; /* details that steps told: key ids */
    size_t note_count;
    struct paa_edit *request_edits;
    size_t request_edit_count;
    struct paa_edit *response_edits;
    size_t response_edit_count;
    struct paa_answer answer;
    struct paa_str target; /* with ALLOW */
    bool has_tls;          /* of an outgoing request that may be sent, unless by plain http */
    struct paa_client_tls tls;
    struct paa_str audit; /* a line of JSON; absent: there was no memory for it */
    size_t ignored_body;  /* the chain asked for the content, and there was none to give */
};

/* Copies out of a finished transaction. False: no memory. explanation_free in any case. */
bool explanation_collect(struct explanation *explanation, struct paa_txn *txn);
void explanation_free(struct explanation *explanation);

void explain_text(const struct explanation *explanation, struct out *out);
void explain_json(const struct explanation *explanation, struct buf *buf);

/* ---- words that both writers use ---- */

const char *why_word(enum paa_why why);
const char *result_word(enum paa_result result); /* "not run" for 0 */
const char *status_phrase(uint32_t code);        /* "" for codes PAA does not answer with */
const char *edit_word(enum paa_edit_kind kind);
/* Did the step fail without its failure counting? What an allowed request's steps said, and what
 * `sufficient` and `optional` said of any. */
bool step_is_swallowed(const struct explanation *explanation, const struct paa_step *step);
/* Why a step did not run, in a few words. index: of the step. */
const char *step_not_run(const struct explanation *explanation, size_t index);
/* Is the target another than was given, hence perhaps secret? */
bool target_is_edited(const struct explanation *explanation);

#endif

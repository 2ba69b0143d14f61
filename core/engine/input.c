/* SPDX-License-Identifier: MIT */
/* What a host gives to a transaction that has begun: content (paa.h, section 6). */
#include "body.h"
#include "decision.h"
#include "str.h"

uint32_t paa_txn_wants(const struct paa_txn *txn)
{
    if (txn == NULL)
        return 0;
    if (txn->state == PAA_TXN_INPUT)
        return txn->wants;
    if (txn->state != PAA_TXN_ALLOW)
        return 0;
    return (txn->wants_responses ? (uint32_t)PAA_WANTS_RESPONSE : 0) |
           (txn->is_matching ? (uint32_t)PAA_WANTS_BODY : 0);
}

/* It was let in, and what it let in is something else: that is told like any refusal. */
static void match(struct paa_txn *txn, struct paa_bytes piece, bool is_last)
{
    body_match(txn, piece, is_last);
    if (txn->state == PAA_TXN_ALLOW)
        return;
    txn->began_ns = 0; /* it has been timed */
    decision_made(txn);
}

/* Content that nobody asked for so far is taken too: a later step may want it. */
enum paa_state paa_txn_body(struct paa_txn *txn, struct paa_bytes piece, int last)
{
    if (txn == NULL || txn->lane->process != process_number)
        return PAA_TXN_ANSWER;
    if (txn->state == PAA_TXN_ALLOW && txn->is_matching)
        match(txn, piece, last != 0);
    if (txn->state != PAA_TXN_INPUT && txn->state != PAA_TXN_PENDING)
        return txn->state;
    if (body_take(txn, piece, last != 0))
        txn->is_runnable = true;
    else if (!lane_has_room(txn))
        return txn_settle_cut(txn, "limit", "no memory is left for the content of those that wait");
    return paa_txn_advance(txn);
}

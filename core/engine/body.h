/* SPDX-License-Identifier: MIT */
/*
 * The content of a request, for the steps that ask for it (host->request->body, body_digest) or say what it must be
 * (outcome->body_must_match). The host gives it piece by piece, once; all steps share what was read.
 */
#ifndef ENGINE_BODY_H
#define ENGINE_BODY_H

#include "content.h"
#include "engine.h"

struct expected { /* a digest that the content must have */
    struct expected *next;
    enum content_algorithm algorithm;
    uint16_t site;
    unsigned char digest[CONTENT_DIGEST_MAX];
};

/* Waiting calls. CONTENT_BYTES: the bytes, at most `limit`; else a digest. */
enum paa_result body_ask(struct op *op, enum content_algorithm algorithm, size_t limit,
                         paa_body_fn then, void *context);
/* Can it be compared: is it known, or does the host pass it on after ALLOW too? */
bool body_may_match(const struct paa_txn *txn);
/* False: no memory. */
bool body_expect(struct paa_txn *txn, enum content_algorithm algorithm, struct paa_bytes digest);
/* The transaction has just been allowed: a wrong content turns that into a refusal, one that is still to come is
 * compared at its end (txn->is_matching). */
void body_judge(struct paa_txn *txn);
/* A piece of it, while the transaction is not decided. True: the step that waits for it can go on. */
bool body_take(struct paa_txn *txn, struct paa_bytes piece, bool is_last);
/* Likewise, while it is being matched. */
void body_match(struct paa_txn *txn, struct paa_bytes piece, bool is_last);
void body_free(struct paa_txn *txn);

#endif

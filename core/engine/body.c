/* SPDX-License-Identifier: MIT */
/* body.h: between the steps that ask for content, the host that gives it, and content.c, which reads it. */
#include "body.h"

#include "hint.h"
#include "secret.h"
#include "str.h"

enum { ACCEPT_INDEX = 0 };

/* ---- is there any? ------------------------------------------------------------------------------- */

/* What fields say counts beside what the host says: one that forgets its flag must not turn content into none. */
static bool has_content(const struct paa_txn *txn)
{
    struct paa_str length = request_header(txn, STR("content-length"), 0);

    return (txn->view.flags & PAA_VIEW_BODY) != 0 ||
           (length.data != NULL && !paa_str_eq(length, "0")) ||
           request_header(txn, STR("transfer-encoding"), 0).data != NULL;
}

static bool host_can(const struct paa_txn *txn, uint32_t can)
{
    return (txn->lane->context->can & can) != 0;
}

/* A host that passes no content does not say either whether there is some: only of these methods it is known. */
static bool is_known_empty(const struct paa_txn *txn)
{
    return (host_can(txn, PAA_CAN_BODY) || paa_str_eq(txn->view.method, "GET") ||
            paa_str_eq(txn->view.method, "HEAD")) &&
           !has_content(txn);
}

/* The content, begun when first wanted. NULL: no memory. */
static struct content *content_of(struct paa_txn *txn)
{
    bool is_empty = is_known_empty(txn);

    if (txn->content != NULL)
        return txn->content;
    txn->content = arena_alloc(&txn->arena, sizeof *txn->content);
    if (txn->content == NULL)
        return NULL;
    content_init(txn->content, is_empty ? 0 : txn->view.body_size > 0 ? txn->view.body_size : -1);
    if (is_empty)
        content_end(txn->content);
    return txn->content;
}

void body_free(struct paa_txn *txn)
{
    if (UNLIKELY(txn->content != NULL))
        content_free(txn->content);
    txn->content = NULL;
}

/* ---- asking -------------------------------------------------------------------------------------- */

static enum paa_result resume_body(struct op *op)
{
    struct paa_txn *txn = op->owner;

    txn->wants = 0;
    return op->wait.then.body(&op->pub, op->wait.status, op->wait.came.bytes, op->wait.context);
}

static bool cancel_body(struct op *op)
{
    struct paa_txn *txn = op->owner;

    txn->wants = 0;
    return true; /* the host's own calls bring the outcome, and they are over */
}

static const struct op_wait_kind body_kind = { "request.body", resume_body, cancel_body };

/* The outcome is at hand. Always true. */
static bool answer(struct op *op, enum paa_status status, struct paa_bytes bytes,
                   const char *sentence)
{
    op->wait.status = status;
    op->wait.came.bytes = bytes;
    op->wait.sentence = sentence;
    op->is_too_large = status == PAA_STATUS_TOO_LARGE;
    return true;
}

static bool answer_bytes(struct op *op, const struct paa_txn *txn, const struct content *content)
{
    uint64_t size = content->size;

    if (content->stated > 0 && (uint64_t)content->stated > size)
        size = (uint64_t)content->stated;
    if (size > txn->body_limit || size > CONTENT_MAX)
        return answer(op, PAA_STATUS_TOO_LARGE, BYTES_NONE,
                      "the content is larger than the step takes");
    if (content->is_let_go)
        return answer(op, PAA_STATUS_TOO_LARGE, BYTES_NONE,
                      "the content was too large to be kept for this step, which asks for it after "
                      "another one");
    return content->is_ended && answer(op, PAA_STATUS_OK, content_bytes(content), NULL);
}

static bool answer_digest(struct op *op, const struct paa_txn *txn, struct content *content)
{
    struct paa_bytes digest;

    if (!content->is_ended)
        return false;
    digest = content_digest(content, txn->body_algorithm);
    if (digest.data == NULL)
        return answer(op, PAA_STATUS_UNAVAILABLE, BYTES_NONE, "libcrypto makes no digest");
    return answer(op, PAA_STATUS_OK, digest, NULL);
}

/* What the waiting step is told, if that is known already. */
static bool is_answered(struct op *op, const struct paa_txn *txn)
{
    struct content *content = txn->content;

    if (content->has_failed)
        return answer(op, PAA_STATUS_UNAVAILABLE, BYTES_NONE,
                      "the content is not as long as it was said to be, or no memory is left for "
                      "it");
    return txn->body_algorithm == CONTENT_BYTES ? answer_bytes(op, txn, content)
                                                : answer_digest(op, txn, content);
}

static bool is_answered_at_once(struct op *op, struct paa_txn *txn)
{
    if (op->slot != OP_VERIFY && op->slot != OP_ATTACH && op->slot != OP_SERVE)
        return answer(op, PAA_STATUS_UNSUPPORTED, BYTES_NONE,
                      "only verify, attach and serve may ask for content");
    if (!is_known_empty(txn) && !host_can(txn, PAA_CAN_BODY))
        return answer(op, PAA_STATUS_UNSUPPORTED, BYTES_NONE,
                      "this host passes no content (PAA_CAN_BODY)");
    if (content_of(txn) == NULL)
        return answer(op, PAA_STATUS_UNAVAILABLE, BYTES_NONE, "no memory is left for content");
    if (txn->body_algorithm == CONTENT_BYTES)
        content_want(txn->content, txn->body_limit);
    return is_answered(op, txn);
}

enum paa_result body_ask(struct op *op, enum content_algorithm algorithm, size_t limit,
                         paa_body_fn then, void *context)
{
    struct paa_txn *txn = op->owner;

    if (!op_wait(op, &body_kind, context))
        return PAA_PENDING;
    op->wait.then.body = then;
    txn->body_limit = limit;
    txn->body_algorithm = algorithm;
    if (is_answered_at_once(op, txn))
        op_wait_ready(op);
    else
        txn->wants = PAA_WANTS_BODY;
    return PAA_PENDING;
}

bool body_take(struct paa_txn *txn, struct paa_bytes piece, bool is_last)
{
    if (!host_can(txn, PAA_CAN_BODY) || content_of(txn) == NULL)
        return false;
    content_add(txn->content, piece);
    if (is_last)
        content_end(txn->content);
    return txn->wants == PAA_WANTS_BODY && is_answered(txn->waiting, txn);
}

/* ---- content that must be what was signed --------------------------------------------------------- */

bool body_may_match(const struct paa_txn *txn)
{
    return host_can(txn, PAA_CAN_BODY_MATCH) || is_known_empty(txn) ||
           (txn->content != NULL && txn->content->is_ended);
}

bool body_expect(struct paa_txn *txn, enum content_algorithm algorithm, struct paa_bytes digest)
{
    struct expected *expected = arena_alloc(&txn->arena, sizeof *expected);

    if (expected == NULL || content_of(txn) == NULL)
        return false;
    expected->algorithm = algorithm;
    expected->site = txn->site;
    memcpy(expected->digest, digest.data, digest.size);
    expected->next = txn->expected;
    txn->expected = expected;
    return true;
}

/* Of a step whose acceptance carries the walk, as all that a step says. */
static bool counts(const struct paa_txn *txn, const struct expected *expected)
{
    return txn->results[expected->site] == ACCEPT_INDEX &&
           chain_granted(&txn->chain, txn->program->sites[expected->site].step);
}

static unsigned algorithms_that_count(const struct paa_txn *txn)
{
    unsigned algorithms = 0;

    for (const struct expected *e = txn->expected; e != NULL; e = e->next)
        if (counts(txn, e))
            algorithms |= 1u << e->algorithm;
    return algorithms;
}

static bool fits(const struct paa_txn *txn, const struct expected *expected)
{
    struct paa_bytes digest = content_digest(txn->content, expected->algorithm);

    return secret_eq(digest, paa_bytes_of(expected->digest, digest.size));
}

static void compare(struct paa_txn *txn)
{
    for (const struct expected *e = txn->expected; e != NULL; e = e->next)
        if (counts(txn, e) && !fits(txn, e)) {
            (void)reply_refuse(txn, ROW_INVALID, 400, PAA_WHY_REQUEST, "content-digest",
                               "the content is not the one whose digest a step vouched for");
            return;
        }
}

void body_judge(struct paa_txn *txn)
{
    unsigned algorithms = UNLIKELY(txn->expected != NULL) ? algorithms_that_count(txn) : 0;

    if (algorithms == 0 || txn->state != PAA_TXN_ALLOW)
        return;
    if (txn->content->is_ended) {
        compare(txn);
        return;
    }
    txn->is_matching = true;
    content_let_go(txn->content, algorithms);
}

void body_match(struct paa_txn *txn, struct paa_bytes piece, bool is_last)
{
    content_add(txn->content, piece);
    if (!is_last)
        return;
    content_end(txn->content);
    txn->is_matching = false;
    compare(txn);
}

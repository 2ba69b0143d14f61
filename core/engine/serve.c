/* SPDX-License-Identifier: MIT */
/*
 * A request for a path that PAA itself answers: `serve` of the instance that owns it, or the metadata document. No rule and
 * no chain is asked. Knows no JSON.
 */
#include "metadata.h"
#include "str.h"

/* ---- the metadata document ------------------------------------------------------------------------ */

static enum paa_result on_told(struct paa_op *pub, enum paa_status status,
                               const struct paa_memo_value *value, void *context)
{
    (void)pub;
    if (status == PAA_STATUS_OK)
        *(struct paa_bytes *)context = value->bytes;
    return PAA_DONE;
}

static enum paa_result ask_teller(struct op *op, struct instance *instance, struct paa_bytes *told)
{
    struct paa_memo_query query;

    paa_init(&query, sizeof query);
    query.key = paa_bytes_of("", 0);
    return op_settle(op,
                     services_host_memo.get(&op->pub, instance->described, &query, on_told, told));
}

/* What it said is at hand, mostly. Who cannot say is left out: the memo logs why. False: it waits. */
static bool hear_teller(struct paa_txn *txn, uint16_t index)
{
    struct instance *instance = txn->service->metadata->tellers[index];
    struct op *op = txn->waiting;
    enum paa_result result;

    if (op == NULL && (op = op_new(txn, instance, OP_SERVE)) == NULL)
        return true;
    result =
        txn->waiting != NULL ? op_go_on(op) : ask_teller(op, instance, &txn->served->told[index]);
    if (result == PAA_PENDING && !txn->is_walk_cut && txn_may_wait(txn, op))
        return false;
    if (op->wait.state == OP_WAIT_ARMED)
        op_abandon(txn, op);
    txn->waiting = NULL;
    return true;
}

static void answer_document(struct paa_txn *txn)
{
    const struct metadata *metadata = txn->service->metadata;
    struct served *served = txn->served;
    struct paa_str document = metadata_document(metadata, txn->origin, served->told, &txn->arena);

    if (document.data == NULL) {
        (void)reply_refuse(txn, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE, "memory",
                           "no memory is left for the metadata");
        return;
    }
    served->is_lasting = true;
    for (uint32_t i = 0; i < metadata->teller_count; i++)
        served->is_lasting = served->is_lasting && served->told[i].data != NULL;
    served->code = 200;
    served->media_type = STR("application/json");
    served->content = paa_bytes_of(document.data, document.size);
    reply_served(txn);
}

static bool metadata_on(struct paa_txn *txn)
{
    const struct metadata *metadata = txn->service->metadata;

    if (!paa_str_eq(txn->view.method, "GET") && !paa_str_eq(txn->view.method, "HEAD")) {
        (void)reply_refuse(txn, ROW_NO_RULE, 405, PAA_WHY_REQUEST, "method",
                           "the metadata of the service is there for GET and HEAD only");
        return true;
    }
    if (txn->served->told == NULL)
        txn->served->told =
            arena_array(&txn->arena, metadata->teller_count + 1, sizeof *txn->served->told);
    for (; txn->asked < metadata->teller_count && txn->served->told != NULL; txn->asked++)
        if (!hear_teller(txn, txn->asked))
            return false;
    if (txn->served->told != NULL)
        answer_document(txn);
    else
        (void)reply_refuse(txn, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE, "memory",
                           "no memory is left for the metadata");
    return true;
}

/* ---- what an instance serves ------------------------------------------------------------------------ */

/* No answer of its own: the core's, by what the slot said. */
static const struct {
    enum paa_result result;
    enum reason reason; /* NONE: any */
    enum answer_row row;
    unsigned code;
    enum paa_why why;
} pages[] = {
    { PAA_REJECT, REASON_INVALID_REQUEST, ROW_INVALID, 400, PAA_WHY_REQUEST },
    { PAA_REJECT, REASON_RATE_LIMITED, ROW_LIMITED, 429, PAA_WHY_LIMITED },
    { PAA_REJECT, REASON_NONE, ROW_FORBIDDEN, 403, PAA_WHY_FORBIDDEN },
    { PAA_ABSENT, REASON_NONE, ROW_NO_RULE, 404, PAA_WHY_REQUEST },
    { PAA_UNAVAILABLE, REASON_NONE, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE },
    { PAA_PENDING, REASON_NONE, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE }, /* cut off */
};

static bool is_page_for(size_t index, const struct op *op, enum paa_result result)
{
    enum reason reason = reason_of(op->reason);

    return pages[index].result == result &&
           (pages[index].reason == REASON_NONE || pages[index].reason == reason);
}

/* It asked for the content, and could not do without. */
static bool is_too_large(const struct op *op, enum paa_result result)
{
    return op->is_too_large &&
           (result == PAA_REJECT || result == PAA_UNAVAILABLE || result == PAA_FAULT);
}

static void answer_page(struct paa_txn *txn, const struct op *op, enum paa_result result)
{
    const char *reason = txn->reason != NULL  ? txn->reason
                         : op->reason != NULL ? op->reason
                                              : "endpoint";
    const char *sentence = txn->sentence != NULL       ? txn->sentence
                           : op->sentence.data != NULL ? op->sentence.data
                                                       : "the path's own instance did not answer";

    if (op->retry_after_ms > txn->retry_after_ms)
        txn->retry_after_ms = op->retry_after_ms;
    if (is_too_large(op, result)) {
        (void)reply_refuse(txn, ROW_TOO_LARGE, 413, PAA_WHY_REQUEST, reason, sentence);
        return;
    }
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (is_page_for(i, op, result)) {
            (void)reply_refuse(txn, pages[i].row, pages[i].code, pages[i].why, reason, sentence);
            return;
        }
    (void)reply_refuse(txn, ROW_FAULT, 500, PAA_WHY_FAULT, reason, sentence);
}

static void answer_endpoint(struct paa_txn *txn, const struct op *op, enum paa_result result)
{
    bool has_answer = txn->served->code != 0 || txn->redirect.data != NULL;

    if (result == PAA_DONE && has_answer) {
        reply_served(txn);
        return;
    }
    outcome_drop(txn, 0);
    answer_page(txn, op, result);
}

static enum paa_result call_serve(struct paa_txn *txn, struct op *op)
{
    const struct endpoint *endpoint = txn->route->endpoint;
    struct paa_endpoint asked;

    paa_init(&asked, sizeof asked);
    asked.option = endpoint->option;
    asked.index = endpoint->index;
    return op_settle(op, txn->route->instance->slots->serve(&op->pub, &asked));
}

/* After a cut the operation is there, and waits no more. */
static bool endpoint_on(struct paa_txn *txn)
{
    struct op *op = txn->answered_count > 0 ? txn->answered[0] : NULL;
    enum paa_result result = PAA_PENDING;

    if (op == NULL) {
        op = op_new(txn, txn->route->instance, OP_SERVE);
        if (op == NULL) {
            (void)reply_refuse(txn, ROW_FAULT, 500, PAA_WHY_FAULT, "memory",
                               "no memory is left for the instance that serves the path");
            return true;
        }
        txn->answered[txn->answered_count++] = op;
        result = call_serve(txn, op);
    } else if (txn->waiting != NULL) {
        result = op_go_on(op);
    }
    if (result == PAA_PENDING && !txn->is_walk_cut && txn_may_wait(txn, op))
        return false;
    if (op->wait.state == OP_WAIT_ARMED)
        op_abandon(txn, op);
    txn->waiting = NULL;
    answer_endpoint(txn, op, result);
    return true;
}

bool serve_on(struct paa_txn *txn)
{
    if (txn->served == NULL)
        txn->served = arena_zalloc(&txn->arena, sizeof *txn->served);
    if (txn->served == NULL) {
        (void)reply_refuse(txn, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE, "memory",
                           "no memory is left for the answer");
        return true;
    }
    return txn->route->kind == ROUTE_METADATA ? metadata_on(txn) : endpoint_on(txn);
}

/* SPDX-License-Identifier: MIT */
/* What came of a transaction, as hosts read it (paa.h, section 7). Changes nothing. */
#include "engine.h"
#include "str.h"

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

static const struct paa_answer no_transaction = {
    .struct_size = sizeof no_transaction,
    .why = PAA_WHY_UNAVAILABLE,
    .code = 503,
    .retry_after_s = 1,
    .media_type = TEXT("text/plain"),
    .content = { (const unsigned char *)"503 Service Unavailable\n", 24 },
    .reason = TEXT("no-transaction"),
    .sentence =
        TEXT("no transaction could be begun: no memory, a lane of before a fork, or a stopped "
             "context"),
};

/* What a NULL transaction is answered with, beside the answer. */
static const struct paa_edit no_transaction_edits[] = {
    { .struct_size = sizeof(struct paa_edit),
      .kind = PAA_EDIT_SET,
      .where = PAA_MESSAGE_RESPONSE,
      .name = TEXT("Retry-After"),
      .value = TEXT("1") },
    { .struct_size = sizeof(struct paa_edit),
      .kind = PAA_EDIT_SET,
      .where = PAA_MESSAGE_RESPONSE,
      .name = TEXT("Cache-Control"),
      .value = TEXT("no-store") },
};

void *paa_txn_user(const struct paa_txn *txn)
{
    return txn != NULL ? txn->user : NULL;
}

const struct paa_principal *paa_txn_principal(const struct paa_txn *txn, size_t index)
{
    if (txn == NULL || txn->state != PAA_TXN_ALLOW || index >= txn->contributor_count)
        return NULL;
    return &txn->contributors[index]->principal;
}

const struct paa_answer *paa_txn_answer(const struct paa_txn *txn)
{
    return txn != NULL && txn->state == PAA_TXN_ANSWER ? &txn->answer : &no_transaction;
}

/* Of a refused incoming request, that is: its identity fields go, whoever wrote them. */
static const struct paa_edit *forgery(const struct paa_txn *txn, size_t index)
{
    if (txn->state != PAA_TXN_ANSWER || txn->handle->direction == PAA_OUTGOING ||
        txn->service == NULL || index >= txn->service->forgery_count)
        return NULL;
    return &txn->service->forgeries[index];
}

const struct paa_edit *paa_txn_edit(const struct paa_txn *txn, enum paa_message where, size_t index)
{
    size_t side = (size_t)where - (size_t)PAA_MESSAGE_REQUEST;
    uint32_t fixed;

    if (side > 1)
        return NULL;
    if (txn == NULL)
        return side == 1 && index < 2 ? &no_transaction_edits[index] : NULL;
    if (side == 0 && txn->state != PAA_TXN_ALLOW)
        return forgery(txn, index);
    fixed = side == 0 && txn->rule != NULL ? txn->rule->edit_count : 0;
    if (index < fixed)
        return &txn->rule->edits[index];
    index -= fixed;
    return index < txn->edit_count[side] ? &txn->edits[side][index] : NULL;
}

struct paa_str paa_txn_target(const struct paa_txn *txn)
{
    if (txn == NULL)
        return STR_NONE;
    return txn->target.data != NULL ? txn->target : txn->given_target;
}

const struct paa_client_tls *paa_txn_client_tls(const struct paa_txn *txn)
{
    if (txn == NULL || txn->state != PAA_TXN_ALLOW || txn->handle->direction != PAA_OUTGOING)
        return NULL;
    return &txn->tls;
}

const struct paa_rule *paa_txn_rule(const struct paa_txn *txn)
{
    return txn != NULL && txn->rule != NULL ? &txn->rule->info : NULL;
}

static const enum paa_result result_of_index[RESULT_COUNT] = { PAA_ACCEPT, PAA_ABSENT,
                                                               PAA_REJECT, PAA_UNAVAILABLE,
                                                               PAA_IGNORE, PAA_FAULT };

static void fill_step(struct paa_step *view, const struct paa_txn *txn, size_t index)
{
    const struct site *site = &txn->program->sites[index];
    const struct step *step = &txn->program->steps[site->step];
    const struct op *op = txn->sites[index].op;
    uint8_t result = txn->results[index];

    paa_init(view, sizeof *view);
    if (index > 0 && txn->program->sites[index - 1].step == site->step)
        view->flags |= (uint32_t)PAA_STEP_MEMBER;
    if (result != CHAIN_NOT_RUN)
        view->result = result < RESULT_COUNT ? result_of_index[result] : PAA_FAULT;
    view->line = step->where.line;
    view->file = paa_str_of(step->where.file);
    view->control = paa_str_of(step->control);
    if (site->instance >= 0) {
        const struct instance *instance = &txn->generation->generation->instances[site->instance];

        view->instance = paa_str_of(instance->id.name);
        view->plugin = paa_str_of(instance->id.plugin);
    } else {
        view->instance = site->instance == SITE_PERMIT ? STR("permit") : STR("deny");
        view->plugin = view->instance;
    }
    if (op != NULL && op->reason != NULL)
        view->reason = paa_str_of(op->reason);
    if (op != NULL)
        view->sentence = op->sentence;
    view->time_ns = (txn->flags & PAA_REQUEST_TRACE) != 0 ? txn->sites[index].time_ns : -1;
}

/* One at a time: the view is the transaction's, and its next call overwrites it. */
const struct paa_step *paa_txn_step(const struct paa_txn *txn, size_t index)
{
    struct paa_step *view;

    if (txn == NULL || txn->sites == NULL || index >= txn->program->site_count)
        return NULL;
    view = (struct paa_step *)(uintptr_t)&txn->step_view;
    fill_step(view, txn, index);
    return view;
}

const struct paa_field *paa_txn_note(const struct paa_txn *txn, size_t index)
{
    const struct note *note = txn != NULL ? txn->notes : NULL;

    while (note != NULL && index-- > 0)
        note = note->next;
    return note != NULL ? &note->field : NULL;
}

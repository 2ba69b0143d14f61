/* SPDX-License-Identifier: MIT */
/*
 * The doer beside chain.c and answer.c: runs the steps of a transaction's chain, asks for challenges after a
 * denial, tells `answered` of responses; stops where an operation waits and goes on from there.
 */
#include "body.h"
#include "hint.h"
#include "metadata.h"
#include "str.h"

static const enum paa_result result_of_index[RESULT_COUNT] = { PAA_ACCEPT, PAA_ABSENT,
                                                               PAA_REJECT, PAA_UNAVAILABLE,
                                                               PAA_IGNORE, PAA_FAULT };

enum { ACCEPT_INDEX, ABSENT_INDEX, REJECT_INDEX, UNAVAILABLE_INDEX, IGNORE_INDEX, FAULT_INDEX };

enum { WAITING = -1, MS_PER_S = 1000 };

static struct instance *instance_of(const struct paa_txn *txn, uint16_t site)
{
    int32_t index = txn->program->sites[site].instance;

    return LIKELY(index >= 0) ? &txn->generation->generation->instances[index] : NULL;
}

static enum paa_result call_slot(struct op *op, const struct paa_plugin *slots)
{
    return op->slot == OP_ATTACH ? slots->attach(&op->pub) : slots->verify(&op->pub);
}

/* ---- one site ---------------------------------------------------------------------------------- */

static void count_result(const struct paa_txn *txn, const struct instance *instance, int result)
{
    uint64_t *counter =
        &txn->generation->results[instance->index * COUNTER_RESULTS + (uint32_t)result];

    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

static void note_time(struct paa_txn *txn, uint16_t site, int64_t began_ns)
{
    if (UNLIKELY((txn->flags & PAA_REQUEST_TRACE) != 0))
        txn->sites[site].time_ns += clock_exact_ns(&txn->lane->context->services.clock) - began_ns;
}

static int64_t trace_clock(const struct paa_txn *txn)
{
    return UNLIKELY((txn->flags & PAA_REQUEST_TRACE) != 0)
               ? clock_exact_ns(&txn->lane->context->services.clock)
               : 0;
}

/* Records what the operation came to. Returns the result's index, or CHAIN_FORBIDDEN. */
static int record(struct paa_txn *txn, uint16_t site, const struct instance *instance,
                  const struct op *op, enum paa_result result)
{
    const struct step *step = &txn->program->steps[txn->program->sites[site].step];
    int index = UNLIKELY(op->forbidden) ? CHAIN_FORBIDDEN : result_index(result);

    if (UNLIKELY(index == IGNORE_INDEX) && !step->may_ignore)
        index = ABSENT_INDEX;
    txn->results[site] = (uint8_t)index;
    if (UNLIKELY(index > ABSENT_INDEX))
        txn->reasons[site] = (uint8_t)(op->is_too_large ? REASON_TOO_LARGE : reason_of(op->reason));
    if (UNLIKELY(op->retry_after_ms > txn->retry_after_ms))
        txn->retry_after_ms = op->retry_after_ms;
    count_result(txn, instance, index);
    return index;
}

bool txn_may_wait(struct paa_txn *txn, struct op *op)
{
    if ((txn->flags & PAA_REQUEST_NO_WAIT) != 0 && txn->wants == 0)
        return false;
    txn->waiting = op;
    return txn->is_suspended ? lane_suspend_again(txn) : lane_suspend(txn);
}

static int unavailable(struct paa_txn *txn, uint16_t site, const struct instance *instance,
                       const char *reason)
{
    txn->results[site] = UNAVAILABLE_INDEX;
    txn->reason = reason;
    count_result(txn, instance, UNAVAILABLE_INDEX);
    return UNAVAILABLE_INDEX;
}

static int after_call(struct paa_txn *txn, uint16_t site, const struct instance *instance,
                      struct op *op, enum paa_result result, int64_t began_ns)
{
    note_time(txn, site, began_ns);
    if (UNLIKELY(result == PAA_PENDING) && txn_may_wait(txn, op))
        return WAITING;
    if (UNLIKELY(result == PAA_PENDING)) {
        op_abandon(txn, op);
        txn->is_walk_cut = true;
        return unavailable(txn, site, instance,
                           (txn->flags & PAA_REQUEST_NO_WAIT) != 0 ? "no-wait" : "limit");
    }
    if (UNLIKELY(op->wait.state == OP_WAIT_ARMED))
        op_abandon(txn, op);
    txn->waiting = NULL;
    return record(txn, site, instance, op, result);
}

static int run_site(struct paa_txn *txn, uint16_t site)
{
    struct instance *instance = instance_of(txn, site);
    int64_t began_ns = trace_clock(txn);
    struct op *op = txn->waiting;

    txn->site = site;
    if (UNLIKELY(op != NULL))
        return after_call(txn, site, instance, op, op_go_on(op), began_ns);
    if (UNLIKELY(instance == NULL)) { /* permit and deny are the core's own */
        bool is_permit = txn->program->sites[site].instance == SITE_PERMIT;

        txn->results[site] = is_permit ? ACCEPT_INDEX : REJECT_INDEX;
        return txn->results[site];
    }
    op = op_new(txn, instance, txn->handle->direction == PAA_OUTGOING ? OP_ATTACH : OP_VERIFY);
    if (UNLIKELY(op == NULL)) { /* no memory, or its lane_init failed */
        txn->results[site] = FAULT_INDEX;
        count_result(txn, instance, FAULT_INDEX);
        return FAULT_INDEX;
    }
    txn->sites[site].op = op;
    return after_call(txn, site, instance, op, op_settle(op, call_slot(op, instance->slots)),
                      began_ns);
}

/* ---- the walk ---------------------------------------------------------------------------------- */

/* False: it waits. */
static bool run_step(struct paa_txn *txn, const struct step *step)
{
    int said;

    do {
        int result = run_site(txn, (uint16_t)(step->first_site + txn->member));

        if (UNLIKELY(result == WAITING))
            return false;
        txn->member++;
        said = LIKELY(step->site_count == 1)
                   ? result
                   : group_result(result, txn->member == step->site_count);
    } while (UNLIKELY(said < 0) && !txn->is_walk_cut);
    txn->member = 0;
    chain_say(&txn->chain, txn->program, said < 0 ? UNAVAILABLE_INDEX : said);
    return true;
}

static bool walk_on(struct paa_txn *txn)
{
    int step;

    while (LIKELY(!txn->is_walk_cut) && (step = chain_step(&txn->chain, txn->program)) >= 0)
        if (!run_step(txn, &txn->program->steps[step]))
            return false;
    return true;
}

static bool begin_walk(struct paa_txn *txn)
{
    uint32_t count = txn->program->site_count;

    txn->sites = arena_alloc(&txn->arena, count * (sizeof *txn->sites + 2));
    if (UNLIKELY(txn->sites == NULL) && count > 0)
        return false;
    txn->results = (uint8_t *)(txn->sites + count);
    txn->reasons = txn->results + count;
    for (uint32_t i = 0; i < count; i++) {
        txn->sites[i] = (struct site_state){ NULL, 0 };
        txn->results[i] = CHAIN_NOT_RUN;
        txn->reasons[i] = REASON_NONE;
    }
    chain_begin(&txn->chain);
    return true;
}

/* A walk that was cut short lets nobody in, whatever its steps have said so far. */
static int walk_status(struct paa_txn *txn)
{
    int status = chain_status(&txn->chain);

    if (UNLIKELY(txn->is_walk_cut) && status == ACCEPT_INDEX &&
        chain_step(&txn->chain, txn->program) >= 0)
        return CHAIN_DENIED;
    return status;
}

/* An older login than the rule wants: may the step that says so send a browser to a new one? */
static bool primary_logs_in(const struct paa_txn *txn)
{
    const struct identity *primary = grant_primary(txn);

    return txn->rule->logs_in != NULL && primary != NULL && txn->rule->logs_in[primary->site] != 0;
}

static void decide(struct paa_txn *txn)
{
    struct answer_facts facts = {
        .program = txn->program,
        .results = txn->results,
        .reasons = txn->reasons,
        .logs_in = txn->rule->logs_in,
        .status = walk_status(txn),
    };

    txn->require = REQUIRE_MET;
    if (LIKELY(facts.status == ACCEPT_INDEX))
        txn->require = grant_judge(txn);
    if (UNLIKELY(txn->require == REQUIRE_AUTHENTICATION))
        facts.primary_logs_in = primary_logs_in(txn);
    if (UNLIKELY(facts.status != ACCEPT_INDEX || facts.primary_logs_in) &&
        txn->handle->direction == PAA_INCOMING)
        facts.is_navigation = txn->rule->logs_in != NULL && request_is_navigation(txn);
    facts.require = txn->require;
    facts.primary_is_token = txn->require == REQUIRE_SCOPE && grant_is_token(txn);
    answer_decide(&facts, &txn->plan);
    txn->row = txn->plan.row;
    if (LIKELY(txn->row == ROW_PASS)) {
        reply_allow(txn);
        body_judge(txn);
        txn->phase = PHASE_OVER;
    } else if (txn->plan.asks_challenges && txn->handle->direction == PAA_INCOMING) {
        txn->phase = PHASE_CHALLENGE;
    } else {
        reply_answer(txn);
        txn->phase = PHASE_OVER;
    }
}

/* ---- challenges -------------------------------------------------------------------------------- */

/* Once per instance, and not of steps that accepted, unless it is their statement that did not suffice. */
static bool is_to_be_asked(const struct paa_txn *txn, uint16_t site)
{
    const struct instance *instance = instance_of(txn, site);
    const struct identity *primary = grant_primary(txn);
    const struct op *op = txn->sites[site].op;

    if (instance == NULL || instance->slots->challenge == NULL ||
        (op != NULL && op->wait.state == OP_WAIT_ARMED))
        return false;
    for (uint16_t i = 0; i < site; i++)
        if (instance_of(txn, i) == instance)
            return false;
    if (txn->results[site] == ACCEPT_INDEX)
        return txn->chain.impression == CHAIN_POSITIVE && primary != NULL && primary->site == site;
    if (txn->row == ROW_FORBIDDEN)
        return false; /* another credential was good, and is what the 403 is about */
    return txn->row != ROW_INVALID || txn->reasons[site] == REASON_INVALID_REQUEST;
}

/* RFC 6750 3.1: no error without a credential. Of what was accepted it says what `require` misses. */
static const char *error_for(const struct paa_txn *txn, uint16_t site)
{
    uint8_t result = txn->results[site];

    if (result == ACCEPT_INDEX && txn->plan.says_scope)
        return PAA_REASON_INSUFFICIENT_SCOPE;
    if (result == ACCEPT_INDEX && (txn->row == ROW_AUTHENTICATION || txn->row == ROW_LOGIN))
        return PAA_REASON_INSUFFICIENT_USER_AUTHENTICATION;
    if (result == REJECT_INDEX && txn->reasons[site] != REASON_RATE_LIMITED)
        return reason_word((enum reason)txn->reasons[site]);
    return NULL;
}

static struct paa_denial denial_for(const struct paa_txn *txn, uint16_t site)
{
    const struct require_conf *require = txn->rule->conf->require;
    uint8_t result = txn->results[site];
    struct paa_denial why;

    paa_init(&why, sizeof why);
    why.code = txn->plan.code;
    if (result < RESULT_COUNT)
        why.result = result_of_index[result];
    why.error = paa_str_of(error_for(txn, site));
    if (require != NULL) {
        why.scope = txn->rule->scope_text;
        why.max_age_s = (require->max_age_ms + MS_PER_S - 1) / MS_PER_S;
    }
    if (txn->service->metadata != NULL)
        why.resource_metadata = txn->service->metadata->urls[txn->origin];
    why.realm = paa_str_of(txn->service->conf->realm != NULL ? txn->service->conf->realm
                                                             : txn->service->conf->name);
    return why;
}

/* False: it waits. */
static bool ask_challenge(struct paa_txn *txn, uint16_t site)
{
    struct instance *instance = instance_of(txn, site);
    struct op *op = txn->waiting;
    enum paa_result result;
    struct paa_denial why;

    txn->site = site;
    if (op != NULL) {
        result = op_go_on(op);
    } else {
        why = denial_for(txn, site);
        op = txn->sites[site].op;
        if (op == NULL && (op = op_new(txn, instance, OP_CHALLENGE)) == NULL)
            return true;
        txn->sites[site].op = op;
        op->slot = OP_CHALLENGE;
        op->deadline_ms = txn->deadline_ms; /* a dialogue may have put it off */
        op->read_ms = 0;
        op->broken = false;
        op->is_untimed = false;
        op->misused = false;
        op->forbidden = false;
        result = op_settle(op, instance->slots->challenge(&op->pub, &why));
    }
    if (result == PAA_PENDING && !txn->is_walk_cut && txn_may_wait(txn, op))
        return false;
    if (op->wait.state == OP_WAIT_ARMED)
        op_abandon(txn, op);
    txn->waiting = NULL;
    if (result != PAA_DONE)
        outcome_drop(txn, site);
    if (result != PAA_DONE && txn->row == ROW_LOGIN && op->reason != NULL &&
        result == PAA_UNAVAILABLE) {
        txn->is_login_unavailable = true;
        txn->retry_after_ms = op->retry_after_ms;
        txn->reason = op->reason;
        txn->sentence = op->sentence.data;
    }
    return true;
}

static bool challenge_on(struct paa_txn *txn)
{
    for (; txn->asked < txn->program->site_count; txn->asked++)
        if ((txn->waiting != NULL || is_to_be_asked(txn, txn->asked)) &&
            !ask_challenge(txn, txn->asked))
            return false;
    return true;
}

/* ---- answered ---------------------------------------------------------------------------------- */

/* The first site of the instance that the ticket's credential came from, in today's chain; -1: gone. */
static int site_of_tag(const struct paa_txn *txn, uint32_t tag)
{
    for (uint16_t i = 0; i < txn->program->site_count; i++) {
        const struct instance *instance = instance_of(txn, i);

        if (instance != NULL && instance->tag == tag)
            return i;
    }
    return -1;
}

static bool tell_answered(struct paa_txn *txn, uint16_t index)
{
    int site = site_of_tag(txn, ticket_tag(&txn->ticket, index));
    bool wants = txn->response.code == 401 || ticket_wants_every(&txn->ticket, index);
    struct op *op = txn->waiting;
    struct instance *instance;
    enum paa_result result;

    if (op == NULL && (site < 0 || !wants))
        return true;
    if (op != NULL) {
        result = op_go_on(op);
    } else {
        instance = instance_of(txn, (uint16_t)site);
        if (instance->slots->answered == NULL || (op = op_new(txn, instance, OP_ANSWERED)) == NULL)
            return true;
        txn->site = (uint16_t)site;
        txn->answered[txn->answered_count++] = op;
        txn->response.version = ticket_version(&txn->ticket, index);
        result = op_settle(op, instance->slots->answered(&op->pub, &txn->response));
    }
    if (result == PAA_PENDING && txn_may_wait(txn, op))
        return false;
    if (op->wait.state == OP_WAIT_ARMED)
        op_abandon(txn, op);
    txn->waiting = NULL;
    txn->may_retry = txn->may_retry || result == PAA_DONE;
    return true;
}

static bool answered_on(struct paa_txn *txn)
{
    for (; txn->asked < ticket_count(&txn->ticket) && !txn->is_walk_cut; txn->asked++)
        if (!tell_answered(txn, txn->asked))
            return false;
    txn->asked = 0;
    return true;
}

static void after_answered(struct paa_txn *txn)
{
    if (txn->may_retry && txn->response.code == 401 && txn->attempt == 2 && !txn->is_walk_cut) {
        txn->phase = PHASE_WALK;
        return;
    }
    txn->phase = PHASE_OVER;
    txn->state = PAA_TXN_OVER;
}

/* ---- all of it --------------------------------------------------------------------------------- */

/* One phase as far as it goes. False: it waits. */
static bool phase_on(struct paa_txn *txn)
{
    switch (txn->phase) {
    case PHASE_ANSWERED:
        if (!answered_on(txn))
            return false;
        after_answered(txn);
        return true;
    case PHASE_WALK:
        if (LIKELY(txn->sites == NULL) && UNLIKELY(!begin_walk(txn))) {
            (void)reply_refuse(txn, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE, "memory",
                               "no memory is left for the walk");
            return true;
        }
        if (UNLIKELY(!walk_on(txn)))
            return false;
        decide(txn);
        return true;
    case PHASE_CHALLENGE:
        if (!challenge_on(txn))
            return false;
        reply_answer(txn);
        txn->phase = PHASE_OVER;
        return true;
    case PHASE_SERVE:
        if (!serve_on(txn))
            return false;
        txn->phase = PHASE_OVER;
        return true;
    case PHASE_OVER:
    default:
        return true;
    }
}

enum paa_state txn_walk(struct paa_txn *txn)
{
    while (txn->phase != PHASE_OVER)
        if (UNLIKELY(!phase_on(txn)))
            return txn->state = txn->wants != 0 ? PAA_TXN_INPUT : PAA_TXN_PENDING;
    if (UNLIKELY(txn->is_suspended))
        lane_resume(txn);
    return txn->state;
}

enum paa_state txn_cut(struct paa_txn *txn, const char *reason, const char *sentence)
{
    struct op *op = txn->waiting;

    txn->is_walk_cut = true;
    if (op != NULL)
        op_abandon(txn, op);
    if (txn->phase == PHASE_WALK && op != NULL) {
        (void)unavailable(txn, txn->site, instance_of(txn, txn->site), reason);
        txn->sentence = sentence;
        chain_say(&txn->chain, txn->program, UNAVAILABLE_INDEX);
    }
    if (txn->phase == PHASE_CHALLENGE && op != NULL) {
        outcome_drop(txn, txn->asked);
        txn->asked++; /* it was asked, and is not asked again */
    }
    if (txn->phase == PHASE_SERVE && op != NULL) {
        txn->asked++; /* likewise */
        txn->reason = reason;
        txn->sentence = sentence;
    }
    return txn_walk(txn);
}

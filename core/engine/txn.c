/* SPDX-License-Identifier: MIT */
/* Transactions as hosts see them: begin, advance, wait, end, retry (paa.h, section 6). */
#include "body.h"
#include "decision.h"
#include "dialogue.h"
#include "engine.h"
#include "hint.h"
#include "store.h"
#include "str.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum {
    REQUEST_FLAGS = PAA_REQUEST_STABLE | PAA_REQUEST_NO_WAIT | PAA_REQUEST_TRACE |
                    PAA_REQUEST_EARLY_DATA | PAA_REQUEST_ROUTE_ENCODED | PAA_REQUEST_BODY,
    SAMPLE_EVERY = 256
};

bool struct_fits(const void *s, size_t size)
{
    const unsigned char *bytes = s;
    uint32_t stated;

    if (s == NULL)
        return false;
    memcpy(&stated, s, sizeof stated);
    for (size_t i = size; UNLIKELY(i < stated); i++)
        if (bytes[i] != 0)
            return false;
    return stated >= size;
}

/* ---- beginning --------------------------------------------------------------------------------- */

static void fresh(struct paa_txn *txn, const struct paa_request *request, uint32_t attempt)
{
    size_t from = offsetof(struct paa_txn, rule);

    memset((unsigned char *)txn + from, 0, offsetof(struct paa_txn, fresh_end) - from);
    txn->is_used = true;
    txn->attempt = attempt;
    txn->phase = PHASE_WALK;
    txn->row = ROW_SERVICE;
    txn->effects_end = &txn->effects;
    txn->identities_end = &txn->identities;
    txn->user = request->user;
    txn->flags = request->flags;
}

static void sample(struct paa_txn *txn)
{
    if (++txn->lane->sampled < SAMPLE_EVERY)
        return;
    txn->lane->sampled = 0;
    txn->began_ns = clock_exact_ns(&txn->lane->context->services.clock);
}

/* The service in the transaction's generation. False: answered. */
static bool find_service(struct paa_txn *txn, const struct paa_service *handle)
{
    const struct generation *generation = txn->generation->generation;

    txn->handle = handle;
    txn->service =
        handle->context == generation->context && handle->index < generation->service_count
            ? &generation->services[handle->index]
            : NULL;
    if (txn->service != NULL && txn->service->conf != NULL &&
        txn->service->conf->direction == handle->direction)
        return true;
    txn->service = NULL;
    (void)reply_refuse(txn, ROW_SERVICE, 500, PAA_WHY_FAULT, "service",
                       "the policy in force has no such service in this direction");
    return false;
}

static bool is_open(struct paa_txn *txn)
{
    const struct generation *generation = txn->generation->generation;

    if (LIKELY(generation->audit == NULL) || !audit_blocks(generation->audit))
        return true;
    (void)reply_refuse(txn, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE, "audit",
                       "the audit file cannot be written, and the policy requires it");
    return false;
}

static bool is_understood(struct paa_txn *txn, const struct paa_request *request)
{
    if (struct_fits(request, sizeof *request) && (request->flags & ~(uint32_t)REQUEST_FLAGS) == 0 &&
        (LIKELY(request->headers != NULL) || request->header_count == 0) &&
        (LIKELY(request->attribute_count == 0) || request->attributes != NULL) &&
        (LIKELY(request->peer == NULL) || request->peer->context == txn->lane->context))
        return true;
    (void)reply_refuse(txn, ROW_SERVICE, 500, PAA_WHY_FAULT, "request",
                       "the host filled the request wrongly: an unknown flag or member, or another "
                       "context's peer");
    return false;
}

static struct paa_txn *new_txn(struct paa_lane *lane)
{
    struct paa_txn *txn;
    struct lane_generation *generation;

    if (lane == NULL || lane->process != process_number ||
        atomic_load_explicit(&lane->context->is_stopped, memory_order_relaxed))
        return NULL;
    generation = lane_pin(lane);
    if (generation == NULL)
        return NULL;
    txn = lane_new_txn(lane);
    if (txn == NULL) {
        lane_unpin(lane, generation);
        return NULL;
    }
    txn->generation = generation;
    return txn;
}

/* Everything up to the walk. False: answered already. */
static bool prepare(struct paa_txn *txn, struct paa_service *service,
                    const struct paa_request *request)
{
    if (!find_service(txn, service) || !is_understood(txn, request) || !is_open(txn))
        return false;
    txn->timeout_ms =
        UNLIKELY(request->timeout_ms > 0) ? request->timeout_ms : txn->service->conf->timeout_ms;
    return request_read(txn, request) && request_check_reads(txn);
}

static enum paa_state settle(struct paa_txn *txn)
{
    bool waits = UNLIKELY(txn->state == PAA_TXN_PENDING || txn->state == PAA_TXN_INPUT);

    if (waits && txn->caller != NULL)
        request_keep_caller(txn);
    if (LIKELY((txn->state == PAA_TXN_ALLOW || txn->state == PAA_TXN_ANSWER) && !txn->is_decided)) {
        txn->is_decided = true;
        decision_made(txn);
    }
    return txn->state;
}

enum paa_state txn_settle_cut(struct paa_txn *txn, const char *reason, const char *sentence)
{
    (void)txn_cut(txn, reason, sentence);
    return settle(txn);
}

enum paa_state paa_txn_begin(struct paa_txn **ret_txn, struct paa_lane *lane,
                             struct paa_service *service, const struct paa_request *request)
{
    struct paa_txn *txn = service != NULL && request != NULL ? new_txn(lane) : NULL;

    *ret_txn = txn;
    if (txn == NULL)
        return PAA_TXN_ANSWER;
    fresh(txn, request, 1);
    sample(txn);
    if (LIKELY(prepare(txn, service, request)))
        (void)txn_walk(txn);
    return settle(txn);
}

/* ---- retry ------------------------------------------------------------------------------------- */

static bool copy_response(struct paa_txn *txn, const struct paa_response *response)
{
    struct paa_field *fields = arena_array(&txn->arena, response->header_count + 1, sizeof *fields);

    if (fields == NULL)
        return false;
    for (size_t i = 0; i < response->header_count; i++) {
        fields[i].name = arena_str(&txn->arena, response->headers[i].name);
        fields[i].value = arena_str(&txn->arena, response->headers[i].value);
    }
    txn->response = *response;
    txn->response.struct_size = sizeof txn->response;
    txn->response.headers = fields;
    return true;
}

enum paa_state paa_txn_retry(struct paa_txn **ret_txn, struct paa_lane *lane,
                             struct paa_service *service, const struct paa_request *request,
                             const struct paa_ticket *ticket, const struct paa_response *response)
{
    bool is_valid = service != NULL && service->direction == PAA_OUTGOING && request != NULL &&
                    ticket != NULL && ticket_is_valid(ticket) &&
                    struct_fits(response, sizeof *response) && response->header_count <= FIELDS_MAX;
    struct paa_txn *txn = is_valid ? new_txn(lane) : NULL;

    *ret_txn = txn;
    if (txn == NULL)
        return PAA_TXN_OVER;
    fresh(txn, request, ticket_attempt(ticket) + 1);
    if (prepare(txn, service, request) && copy_response(txn, response)) {
        txn->ticket = *ticket;
        txn->response.attempt = ticket_attempt(ticket);
        txn->phase = PHASE_ANSWERED;
        (void)txn_walk(txn);
    } else {
        txn->state = PAA_TXN_OVER; /* it would not be sent again: the response stands */
    }
    return settle(txn);
}

void paa_txn_ticket(const struct paa_txn *txn, struct paa_ticket *ret_ticket)
{
    memset(ret_ticket, 0, sizeof *ret_ticket);
    if (txn == NULL || txn->state != PAA_TXN_ALLOW)
        return;
    ret_ticket->word[7] = TICKET_MARK;
    ret_ticket->word[0] = txn->attempt;
    for (uint32_t i = 0, n = 0; i < txn->credential_count; i++) {
        const struct credential *credential = &txn->credentials[i];
        int32_t instance = txn->program->sites[credential->site].instance;

        if (!chain_granted(&txn->chain, txn->program->sites[credential->site].step) ||
            txn->results[credential->site] != 0)
            continue; /* it did not go out */
        ret_ticket->word[1 + n] = credential->version;
        ret_ticket->word[5 + n / 2] |=
            (uint64_t)txn->generation->generation->instances[instance].tag << (n % 2 * 32);
        if ((credential->flags & PAA_CREDENTIAL_EVERY_RESPONSE) != 0)
            ret_ticket->word[0] |= UINT64_C(1) << (16 + n);
        n++;
        ret_ticket->word[0] = (ret_ticket->word[0] & ~UINT64_C(0xff00)) | (uint64_t)n << 8;
    }
}

/* ---- going on ---------------------------------------------------------------------------------- */

static void go_on(struct paa_txn *txn)
{
    txn->is_runnable = false;
    dialogue_end(txn);
    (void)txn_walk(txn);
}

enum paa_state paa_txn_advance(struct paa_txn *txn)
{
    if (txn == NULL)
        return PAA_TXN_ANSWER;
    if (txn->state != PAA_TXN_PENDING && txn->state != PAA_TXN_INPUT)
        return txn->state;
    if (txn->lane->process != process_number)
        return PAA_TXN_ANSWER; /* what it waits for stayed behind in the parent */
    if (!txn->is_runnable && (dialogue_is_answered(txn) || lane_take(txn->lane, txn->waiting)))
        txn->is_runnable = true;
    if (txn->is_runnable) {
        go_on(txn);
    } else if (atomic_load(&txn->lane->context->is_stopped)) {
        (void)txn_cut(txn, "stopped", "the context was stopped while the request waited");
    } else if (lane_is_late(txn) && dialogue_is_over(txn)) {
        go_on(txn);
    } else if (lane_is_late(txn)) {
        (void)txn_cut(txn, "deadline", "the request's time ran out while a step waited");
    }
    return settle(txn);
}

/* How long to sleep at most: until the deadline or the caller's limit. */
static int sleep_ms(const struct paa_txn *txn, int64_t until_ms)
{
    int64_t now = clock_now_ms(&txn->lane->context->services.clock);
    int64_t left = txn->deadline_ms - now;

    if (until_ms - now < left)
        left = until_ms - now;
    return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

static void sleep_on(struct paa_lane *lane, int ms)
{
    struct pollfd fds[2] = { { lane->wait_fd, POLLIN, 0 }, { lane->context->stop_fd, POLLIN, 0 } };
    uint64_t count;
    int saved = errno;

    if (poll(fds, 2, ms) > 0 && (fds[0].revents & POLLIN) != 0)
        (void)!read(lane->wait_fd, &count, sizeof count);
    errno = saved;
}

enum paa_state paa_txn_wait(struct paa_txn *txn, int32_t wait_ms)
{
    struct paa_lane *lane = txn != NULL ? txn->lane : NULL;
    enum paa_state state = paa_txn_advance(txn);
    int64_t until_ms = INT64_MAX;

    if (state != PAA_TXN_PENDING)
        return state;
    if (wait_ms >= 0)
        until_ms = time_add(clock_now_ms(&lane->context->services.clock), wait_ms);
    atomic_store(&lane->is_waited, true);
    while ((state = paa_txn_advance(txn)) == PAA_TXN_PENDING &&
           !atomic_exchange(&lane->is_interrupted, false)) {
        if (wait_ms >= 0 && clock_now_ms(&lane->context->services.clock) >= until_ms)
            break;
        sleep_on(lane, sleep_ms(txn, until_ms));
    }
    atomic_store(&lane->is_waited, false);
    log_deliver(&lane->context->services.log);
    return state;
}

/* ---- ending ------------------------------------------------------------------------------------ */

static void end_ops(struct paa_txn *txn)
{
    for (uint32_t i = 0; txn->sites != NULL && i < txn->program->site_count; i++)
        if (txn->sites[i].op != NULL)
            op_end(txn->sites[i].op);
    for (uint32_t i = 0; UNLIKELY(i < txn->answered_count); i++)
        op_end(txn->answered[i]);
}

void txn_free(struct paa_txn *txn)
{
    struct paa_lane *lane = txn->lane;

    end_ops(txn);
    client_tls_let_go(txn);
    body_free(txn);
    pins_release(&txn->pins, 0);
    arena_reset(&txn->arena);
    if (UNLIKELY(txn->is_ended))
        lane->zombies--;
    txn->is_ended = false;
    txn->is_used = false;
    lane_unpin(lane, txn->generation);
    txn->next_free = lane->free_txns;
    lane->free_txns = txn;
}

void txn_release(struct paa_txn *txn)
{
    if (txn->waiting != NULL)
        op_abandon(txn, txn->waiting);
    if (txn->is_suspended)
        lane_resume(txn);
    if (LIKELY(txn->zombies == 0)) {
        txn_free(txn);
        return;
    }
    txn->is_ended = true;
    txn->lane->zombies++;
}

void paa_txn_end(struct paa_txn **txn)
{
    struct paa_txn *gone = *txn;

    *txn = NULL;
    if (LIKELY(gone != NULL && gone->lane->process == process_number))
        txn_release(gone);
}

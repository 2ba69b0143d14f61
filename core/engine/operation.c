/* SPDX-License-Identifier: MIT */
/* Begins and ends the operations of a transaction: one slot of one instance with all its continuations. */
#include "dialogue.h"
#include "engine.h"
#include "hint.h"
#include "http.h"
#include "loopback.h"
#include "store.h"

#include <string.h>

/* Of all its waits together, counted from the first operation. */
static void set_deadline(struct paa_txn *txn, struct op *op)
{
    if (LIKELY(txn->deadline_ms == 0)) {
        op->read_ms = clock_now_ms(&txn->lane->context->services.clock);
        txn->deadline_ms = time_add(op->read_ms, txn->timeout_ms);
    }
    op->deadline_ms = txn->deadline_ms;
}

struct op *op_new(struct paa_txn *txn, struct instance *instance, enum op_slot slot)
{
    size_t state_size = instance->slots->state_size;
    struct op *op = arena_alloc(&txn->arena, sizeof *op);
    void *lane = lane_memory(txn->generation, instance);

    if (op == NULL || lane == NULL)
        return NULL;
    memset(op, 0, offsetof(struct op, wait));
    op->wait.state = OP_WAIT_NONE;
    op->wait.sentence = NULL;
    op->wait.retry_after_ms = 0;
    op->pub.struct_size = sizeof op->pub;
    op->pub.direction = txn->handle->direction;
    op->pub.attempt = txn->attempt;
    op->pub.host = instance->id.host;
    op->pub.options = instance->options;
    op->pub.self = instance->id.self;
    op->pub.lane = lane;
    op->pub.instance = instance->name;
    op->services = &txn->lane->context->services;
    op->home = &txn->lane->home;
    op->arena = &txn->arena;
    op->pins = &txn->pins;
    op->instance = &instance->id;
    op->peer = UNLIKELY(txn->peer != NULL) ? txn->peer->memos : NULL;
    op->owner = txn;
    op->slot = slot;
    op->trace = (txn->flags & PAA_REQUEST_TRACE) != 0;
    set_deadline(txn, op);
    list_init(&op->ready);
    if (LIKELY(state_size > 0) &&
        UNLIKELY((op->pub.state = arena_zalloc(&txn->arena, state_size)) == NULL))
        return NULL;
    return op;
}

/* Nobody waits for op any more; what it waits for goes on without it. */
void op_abandon(struct paa_txn *txn, struct op *op)
{
    bool was_taken = txn->is_runnable;

    dialogue_end(txn);
    txn->waiting = NULL;
    txn->is_runnable = false;
    if (op->wait.kind->cancel(op) || was_taken || lane_take(txn->lane, op)) {
        op->wait.state = OP_WAIT_NONE; /* called off, or its outcome is here and nobody wants it */
        return;
    }
    op->abandoned = true; /* it will be posted: a function of its runs on a worker */
    txn->zombies++;
}

void op_end(struct op *op)
{
    const struct instance *instance = (const struct instance *)(const void *)op->instance;

    if (UNLIKELY(instance->slots->finish != NULL))
        instance->slots->finish(&op->pub);
    if (UNLIKELY(op->store_lock != NULL))
        store_op_ended(op);
    if (UNLIKELY(op->fetch != NULL))
        http_op_ended(op);
    if (UNLIKELY(op->loopback != NULL))
        loopback_op_ended(op);
}

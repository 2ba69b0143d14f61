/* SPDX-License-Identifier: MIT */
/*
 * Values that plugins bring: put (made elsewhere), product (of a run), keep (a ready object). Knows no run but the
 * one that decodes what was put.
 */
#include "memo_inner.h"

#include "str.h"

/* OK and *ret_value, which is not published. */
static enum paa_status value_of(struct paa_memo *memo, struct paa_bytes key,
                                const struct paa_memo_product *product,
                                struct memo_value **ret_value)
{
    struct memo_now now = memo_now(memo->group->memos);
    struct memo_value *value;

    if (!op_understands(product, sizeof *product, PAA_PRODUCT_NEGATIVE))
        return PAA_STATUS_INVALID;
    if (product->bytes.size > memo->max_bytes || key.size > MEMO_KEY_MAX)
        return PAA_STATUS_TOO_LARGE;
    if (now.s < 0)
        return PAA_STATUS_UNAVAILABLE;
    value = memo_value_new(memo, memo_hash(memo, key), key, product->bytes);
    if (value == NULL)
        return PAA_STATUS_UNAVAILABLE;
    value->life = memo_life_of(product, now);
    value->is_negative = (product->flags & PAA_PRODUCT_NEGATIVE) != 0;
    *ret_value = value;
    return PAA_STATUS_OK;
}

/* Under the group's lock; takes the value. */
static void put(struct op *op, struct paa_memo *memo, struct memo_value *value,
                struct memo_bin *bin)
{
    bool needs_decoder = !value->is_decoded && !(value->is_negative && value->size == 0);
    struct memo_entry *entry = NULL;
    struct memo_run *run = NULL;

    if (memo->kept_in != NULL && !value->is_negative) {
        memo_share_put(op, memo, value, bin);
        return;
    }
    if (needs_decoder && memo->group->waiters < MEMO_WAITERS_MAX)
        run = memo_run_decode(memo, value);
    else if (!needs_decoder)
        entry = memo_make(memo, value->hash, paa_bytes_of(value->data, value->key_size), bin);
    if (run != NULL) {
        (void)memo_run_await(run, op);
        return;
    }
    if (entry == NULL) {
        memo_answer(op, PAA_STATUS_UNAVAILABLE, NULL, "no memory or worker is left for it", 0);
        memo_bin_add(bin, value);
        return;
    }
    if (!memo_accept(entry, value, bin))
        memo_bin_add(bin, value); /* for this operation only, which pins it first */
    memo_answer(op, PAA_STATUS_OK, value, NULL, 0);
}

/* What a verb leaves behind (a login) is for processes to come. */
static void warn_of_memory(const struct op *op, const struct paa_memo *memo)
{
    if (op->slot != OP_VERB || (memo->def.flags & PAA_MEMO_SHARED) == 0 || memo->kept_in != NULL)
        return;
    log_queue(&op->services->log, PAA_LEVEL_WARNING,
              "instance %s: what is kept now ends with this process: add stores = { state = "
              "\"state.db\"; }",
              memo->group->instance->name);
}

static const struct op_wait_kind put_kind = { "memo.put", memo_resume, memo_cancel };

enum paa_result memo_call_put(struct paa_op *pub, struct paa_memo *memo, struct paa_bytes key,
                              const struct paa_memo_product *product, paa_memo_fn then,
                              void *context)
{
    struct op *op = op_of(pub);
    struct memo_bin bin = { NULL };
    struct memo_value *value = NULL;
    enum paa_status status;

    if (!op_wait(op, &put_kind, context))
        return PAA_PENDING;
    op->wait.then.memo = then;
    if (!memo_is_own(op, memo)) {
        memo_answer_invalid(op, "a memo of another instance");
        return PAA_PENDING;
    }
    if (!memo_accept_keyed(op, memo))
        return PAA_PENDING;
    status = value_of(memo, key, product, &value);
    if (status == PAA_STATUS_INVALID) {
        memo_answer_invalid(op, "a product with an unknown flag or member");
    } else if (status != PAA_STATUS_OK) {
        memo_answer(op, status, NULL, "the value is too large, or no memory is left for it", 0);
    } else {
        warn_of_memory(op, memo);
        pthread_mutex_lock(&memo->group->lock);
        put(op, memo, value, &bin);
        pthread_mutex_unlock(&memo->group->lock);
        memo_bin_empty(memo->group->memos, &bin);
    }
    return PAA_PENDING;
}

enum paa_status memo_call_product(struct paa_op *pub, const struct paa_memo_product *product)
{
    struct op *op = op_of(pub);
    struct memo_run *run = memo_run_of(op);
    struct memo_value *value = NULL;
    enum paa_status status;

    if (run == NULL || run->memo->def.source != NULL) {
        op_misuse(op, "memo->product, which is for producers,");
        return PAA_STATUS_INVALID;
    }
    status = value_of(run->memo, run->asked.key, product, &value);
    if (status == PAA_STATUS_INVALID)
        op_misuse(op, "a product with an unknown flag or member");
    if (status != PAA_STATUS_OK)
        return status;
    memo_value_free(run->value); /* the last one counts */
    run->value = value;
    return PAA_STATUS_OK;
}

/* The value, with its object, is the memo's if OK. */
static enum paa_status keep(struct op *op, struct paa_memo *memo, struct memo_value *value,
                            struct memo_bin *bin)
{
    struct paa_bytes key = paa_bytes_of(value->data, value->key_size);
    enum paa_status status = PAA_STATUS_UNAVAILABLE;
    _Atomic(void *) place = value;
    struct memo_entry *entry;

    if ((memo->def.flags & PAA_MEMO_PEER) != 0) {
        if (op->peer == NULL)
            return PAA_STATUS_NONE;
        value->version = memo_version_new(memo->group->memos);
        return memo_peer_keep(op, memo, value, bin) ? PAA_STATUS_OK : status;
    }
    pthread_mutex_lock(&memo->group->lock);
    entry = memo_make(memo, value->hash, key, bin);
    if (entry != NULL && pins_get(op->pins, &place) != NULL) {
        status = PAA_STATUS_OK;
        if (!memo_accept(entry, value, bin))
            memo_bin_add(bin, value); /* pinned until the operation ends */
    }
    pthread_mutex_unlock(&memo->group->lock);
    return status;
}

enum paa_status memo_call_keep(struct paa_op *pub, struct paa_memo *memo, struct paa_bytes key,
                               void *object, size_t weight, int64_t until_s)
{
    struct paa_memo_product life = { .usable_until_s = until_s };
    struct op *op = op_of(pub);
    struct memo_bin bin = { NULL };
    struct memo_value *value;
    enum paa_status status;

    if (!memo_is_own(op, memo) || memo->def.release == NULL || memo->def.source != NULL ||
        object == NULL || op->slot == OP_CREATE || op->slot == OP_DECODE) {
        op_misuse(op, "memo->keep where it may not be called, or of a memo without release,");
        return PAA_STATUS_INVALID;
    }
    if (weight > memo->max_bytes || key.size > MEMO_KEY_MAX)
        return PAA_STATUS_TOO_LARGE;
    if ((memo->def.flags & PAA_MEMO_PEER) != 0)
        key = BYTES_NONE;
    value = memo_value_new(memo, memo_hash(memo, key), key, BYTES_NONE);
    if (value == NULL)
        return PAA_STATUS_UNAVAILABLE;
    value->life = memo_life_of(&life, memo_now(memo->group->memos));
    value->weight += weight;
    value->is_decoded = true;
    value->object = object;
    status = keep(op, memo, value, &bin);
    memo_bin_empty(memo->group->memos, &bin);
    if (status != PAA_STATUS_OK) {
        value->object = NULL; /* still the caller's */
        memo_value_free(value);
    }
    return status;
}

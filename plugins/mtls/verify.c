/* SPDX-License-Identifier: MIT */
/* One request: from the connection, or the field of a proxy, to the principal. mtls.h has the way. */
#include "mtls.h"

#include "str.h"

#include <stdlib.h>

enum {
    INLINE_CERTIFICATES_MAX = 2,      /* more take longer than a slot may */
    INLINE_LIST_BYTES_MAX = 64 * 1024 /* likewise: the signature of a list */
};

/* ---- judging ------------------------------------------------------------------------------------- */

struct weighing *weighing_of(struct paa_op *op, struct state *state)
{
    if (state->weighing == NULL)
        state->weighing = (struct weighing *)op->host->alloc(op, sizeof *state->weighing);
    return state->weighing;
}

static void work(const void *self, void *lane, void *context)
{
    (void)lane;
    judge(&((const struct instance *)self)->judging, (struct state *)context);
}

static enum paa_result on_worked(struct paa_op *op, enum paa_status status, void *context)
{
    return status == PAA_STATUS_OK ? settle_judged(op, (struct state *)context)
                                   : op->host->fail(op, PAA_UNAVAILABLE, "work", STR_NONE);
}

/* By what a chain may be built of, for nobody knows yet what it will be. */
static bool is_quick(const struct judging *judging, const struct weighing *weighing)
{
    size_t lists_from = (size_t)judging->has_anchors + judging->has_intermediates;
    size_t count = weighing->presented.count, slow = 0, bytes = 0;

    for (size_t i = 0; i < lists_from; i++) {
        const struct anchors *ours = (const struct anchors *)weighing->objects[i];

        count += ours->links;
        slow += ours->slow;
    }
    for (size_t i = lists_from; i < judging->input_count; i++)
        if (weighing->objects[i] != NULL)
            bytes += crl_set_bytes((const struct crl_set *)weighing->objects[i]);
    return count <= INLINE_CERTIFICATES_MAX && slow == 0 && bytes <= INLINE_LIST_BYTES_MAX;
}

/* Work may go on when the request is gone, so it gets certificates of its own. False: no memory. */
static bool take_certificates(struct paa_op *op, struct presented *presented)
{
    unsigned char *at = (unsigned char *)op->host->alloc(op, presented->bytes);

    for (size_t i = 0; at != NULL && i < presented->count; i++) {
        memcpy(at, presented->der[i].data, presented->der[i].size);
        presented->der[i].data = at;
        at += presented->der[i].size;
    }
    return at != NULL;
}

static enum paa_result judge_aside(struct paa_op *op, struct state *state)
{
    if (!take_certificates(op, &state->weighing->presented))
        return paa_fail(op, PAA_FAULT, "memory", "no memory is left to judge a certificate");
    return op->host->work->run(op, work, 0, on_worked, state);
}

static enum paa_result judge_now(struct paa_op *op, struct state *state)
{
    if (state->now_s < 0)
        return paa_fail(op, PAA_UNAVAILABLE, "clock", "the clock failed");
    if (!is_quick(judging_of(op), state->weighing))
        return judge_aside(op, state);
    judge(judging_of(op), state);
    return settle_judged(op, state);
}

/* ---- what is remembered -------------------------------------------------------------------------- */

static enum paa_result use_or_judge(struct paa_op *op, struct state *state)
{
    return state->known != NULL && settle_was_looked_at(state->known, state->now_s)
               ? settle_known(op, state)
               : inputs_ask(op, state);
}

static enum paa_result look(struct paa_op *op, struct state *state, struct paa_memo *memo,
                            paa_memo_fn then)
{
    struct paa_memo_query query;

    paa_init(&query, sizeof query);
    query.flags = PAA_QUERY_LOOK;
    query.key = state->key;
    return op->host->memo->get(op, memo, &query, then, state);
}

static enum paa_result on_refusal(struct paa_op *op, enum paa_status status,
                                  const struct paa_memo_value *value, void *context)
{
    struct state *state = (struct state *)context;

    if (status == PAA_STATUS_OK)
        state->known = (const struct verdict *)value->object;
    return use_or_judge(op, state);
}

static enum paa_result on_chain(struct paa_op *op, enum paa_status status,
                                const struct paa_memo_value *value, void *context)
{
    struct state *state = (struct state *)context;

    if (status != PAA_STATUS_OK)
        return look(op, state, judging_of(op)->refusals, on_refusal);
    state->known = (const struct verdict *)value->object;
    return use_or_judge(op, state);
}

static enum paa_result look_by_chain(struct paa_op *op, struct state *state)
{
    return look(op, state, judging_of(op)->chains, on_chain);
}

static enum paa_result present(struct paa_op *op, struct state *state)
{
    enum paa_result result = source_look(op, state);

    return result == PAA_PENDING ? look_by_chain(op, state) : result;
}

static bool is_current(const struct verdict *verdict, const struct weighing *weighing, size_t count)
{
    return memcmp(verdict->versions, weighing->versions, count * sizeof verdict->versions[0]) == 0;
}

enum paa_result verify_with_inputs(struct paa_op *op, struct state *state)
{
    struct weighing *weighing = state->weighing;
    enum paa_result result;

    if (state->known != NULL && is_current(state->known, weighing, judging_of(op)->input_count))
        return settle_current(op, state);
    if (state->is_of_connection) { /* another connection may have had it judged anew */
        state->is_of_connection = false;
        state->known = NULL;
        weighing->asked = 0;
        return present(op, state);
    }
    result = source_read(op, state);
    return result == PAA_PENDING ? judge_now(op, state) : result;
}

static enum paa_result on_peer(struct paa_op *op, enum paa_status status,
                               const struct paa_memo_value *value, void *context)
{
    struct state *state = (struct state *)context;

    state->now_s = op->host->clock->now_s(op);
    if (status != PAA_STATUS_OK)
        return present(op, state);
    state->known = (const struct verdict *)value->object;
    state->is_of_connection = true;
    return use_or_judge(op, state);
}

/* ---- fields of proxies --------------------------------------------------------------------------- */

static enum paa_result believe(struct paa_op *op, struct state *state)
{
    enum paa_result result = source_key(op, state);

    state->now_s = op->host->clock->now_s(op);
    return result == PAA_PENDING ? look_by_chain(op, state) : result;
}

static enum paa_result on_proved(struct paa_op *op, enum paa_status status,
                                 const struct paa_memo_value *value, void *context)
{
    struct state *state = (struct state *)context;
    struct pin_subject *made = NULL;
    const struct pin_subject *own;
    bool is_trusted;

    own = status == PAA_STATUS_OK ? (const struct pin_subject *)value->object
                                  : (made = source_prove(op));
    is_trusted = own != NULL && source_is_trusted(op, own);
    if (made != NULL && op->host->memo->keep(op, judging_of(op)->proved, BYTES_NONE, made,
                                             sizeof *made, PAA_FOREVER) != PAA_STATUS_OK)
        free(made);
    return is_trusted ? believe(op, state) : source_distrust(op);
}

static enum paa_result by_field(struct paa_op *op, struct state *state)
{
    enum paa_result result = source_look(op, state);
    struct paa_memo_query query;

    if (result != PAA_PENDING)
        return result;
    if (source_is_trusted(op, NULL))
        return believe(op, state);
    if (judging_of(op)->proved == NULL)
        return source_distrust(op);
    paa_init(&query, sizeof query);
    return op->host->memo->get(op, judging_of(op)->proved, &query, on_proved, state);
}

/* ---- the slots ----------------------------------------------------------------------------------- */

enum paa_result mtls_verify(struct paa_op *op)
{
    const struct judging *judging = judging_of(op);
    struct state *state = state_of(op);
    struct paa_memo_query query;

    if (judging->source != SOURCE_TLS)
        return by_field(op, state);
    paa_init(&query, sizeof query);
    return op->host->memo->get(op, judging->peers, &query, on_peer, state);
}

void mtls_finish(struct paa_op *op)
{
    verdict_release(state_of(op)->made);
}

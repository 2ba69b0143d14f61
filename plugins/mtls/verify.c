/* SPDX-License-Identifier: MIT */
/* One request: from the connection, or the field of a proxy, to the principal. mtls.h has the way. */
#include "mtls.h"

#include "str.h"

#include <stdlib.h>

enum {
    REFUSAL_LIFE_S = 5,               /* what stands on the clock ends no later than that */
    INLINE_CERTIFICATES_MAX = 2,      /* more take longer than a slot may */
    INLINE_LIST_BYTES_MAX = 64 * 1024 /* likewise: the signature of a list */
};

/* ---- who it is ----------------------------------------------------------------------------------- */

static enum paa_result refuse_late(struct paa_op *op, const struct verdict *verdict,
                                   enum paa_result result, const char *reason, const char *what)
{
    return paa_fail(op, result, reason, "\"%.*s\" (serial %.*s) %s",
                    verdict->subject.size > 128 ? 128 : (int)verdict->subject.size,
                    verdict->subject.data, STR_ARGS(verdict->serial), what);
}

static void tell(struct paa_op *op, const struct verdict *verdict)
{
    const struct judging *judging = judging_of(op);
    const struct paa_host_outcome *outcome = op->host->outcome;
    struct paa_principal who;

    paa_init(&who, sizeof who);
    if (judging->identity.identity == IDENTITY_SPIFFE)
        who.flags = PAA_PRINCIPAL_MACHINE; /* a SPIFFE ID names a workload */
    who.expires_at_s = verdict->not_after_s;
    who.subject = verdict->subject;
    who.issuer = verdict->issuer;
    who.methods = STR("mtls");
    who.cnf = verdict->cnf;
    outcome->principal(op, &who);
    outcome->note(op, STR("serial"), verdict->serial);
    outcome->note(op, STR("fingerprint"), verdict->fingerprint);
    if (judging->source != SOURCE_TLS) /* else it is known already */
        outcome->fact(op, STR(PAA_FACT_PEER_CERTIFICATE), verdict->leaf);
}

/* Times count each time, whatever is remembered. */
static enum paa_result grant(struct paa_op *op, const struct verdict *verdict, int64_t now_s)
{
    if (now_s < 0)
        return paa_fail(op, PAA_UNAVAILABLE, "clock", "the clock failed");
    if (now_s >= verdict->not_after_s)
        return refuse_late(op, verdict, PAA_REJECT, "expired",
                           "has expired, or one that vouches for it has");
    if (now_s < verdict->not_before_s)
        return refuse_late(op, verdict, PAA_REJECT, "not-yet-valid", "is not valid yet");
    if (now_s >= verdict->lists_until_s)
        return refuse_late(op, verdict, PAA_UNAVAILABLE, "revocation",
                           "stood on no revocation list, and that list is not current any more");
    tell(op, verdict);
    return PAA_ACCEPT;
}

static enum paa_result refuse_again(struct paa_op *op, const struct verdict *verdict)
{
    return paa_fail(op, PAA_REJECT, verdict->refusal, "%.*s", STR_ARGS(verdict->sentence));
}

/* ---- remembering --------------------------------------------------------------------------------- */

/* What is not kept is made anew next time. */
static void keep(struct paa_op *op, struct paa_memo *memo, struct paa_bytes key,
                 const struct verdict *verdict)
{
    struct verdict *held = memo != NULL ? verdict_hold(verdict) : NULL;

    if (held != NULL &&
        op->host->memo->keep(op, memo, key, held, held->size, held->not_after_s) != PAA_STATUS_OK)
        verdict_release(held);
}

/* Written once a second at most; whoever reads an older time looks once more. */
static void note_look(const struct verdict *verdict, int64_t now_s)
{
    atomic_store_explicit(&((struct verdict *)(uintptr_t)verdict)->looked_s, now_s,
                          memory_order_relaxed);
}

static bool was_looked_at(const struct verdict *verdict, int64_t now_s)
{
    return now_s >= 0 && atomic_load_explicit(&verdict->looked_s, memory_order_relaxed) == now_s;
}

static const struct verdict *verdict_of(const struct state *state)
{
    return state->made != NULL ? state->made : state->known;
}

static void keep_for_connection(struct paa_op *op, const struct state *state)
{
    if (!state->is_of_connection)
        keep(op, judging_of(op)->peers, BYTES_NONE, verdict_of(state));
}

/* Whoever else has that verdict asks at once, too. */
enum paa_result verify_refuse(struct paa_op *op, const struct state *state, const char *reason,
                              const char *what)
{
    note_look(verdict_of(state), NEVER_S);
    keep_for_connection(op, state);
    return refuse_late(op, verdict_of(state), PAA_REJECT, reason, what);
}

/* Waiting may have taken long: what ended meanwhile counts no more. */
enum paa_result verify_grant(struct paa_op *op, struct state *state)
{
    state->now_s = op->host->clock->now_s(op);
    note_look(verdict_of(state), state->now_s);
    keep_for_connection(op, state);
    return grant(op, verdict_of(state), state->now_s);
}

/* Of these anchors and lists. */
static enum paa_result settle_refusal(struct paa_op *op, struct state *state)
{
    note_look(verdict_of(state), state->now_s);
    keep_for_connection(op, state);
    return refuse_again(op, verdict_of(state));
}

/* The verdict is of these anchors and lists. */
static enum paa_result settle(struct paa_op *op, struct state *state)
{
    if (verdict_of(state)->refusal != NULL)
        return settle_refusal(op, state);
    return judging_of(op)->responses != NULL ? responder_ask(op, state) : verify_grant(op, state);
}

/* It takes the place of a verdict that it overturns; else strangers push out each other. */
static struct paa_memo *memo_for_refusal(struct paa_op *op, const struct state *state)
{
    return state->known != NULL && state->known->refusal == NULL ? judging_of(op)->chains
                                                                 : judging_of(op)->refusals;
}

static enum paa_result conclude_refusal(struct paa_op *op, struct state *state)
{
    const struct weighing *weighing = state->weighing;

    state->now_s = op->host->clock->now_s(op);
    if (state->now_s >= 0)
        state->made = verdict_of_refusal(&weighing->finding, weighing->versions,
                                         state->now_s + REFUSAL_LIFE_S);
    if (state->made == NULL) /* then it is judged anew next time */
        return paa_fail(op, PAA_REJECT, weighing->finding.reason, "%s", weighing->finding.sentence);
    keep(op, memo_for_refusal(op, state), state->key, state->made);
    return settle(op, state);
}

static enum paa_result conclude(struct paa_op *op, struct state *state)
{
    const struct judging *judging = judging_of(op);
    const struct chain_finding *finding = &state->weighing->finding;

    if (finding->verdict == CHAIN_GOOD && state->made != NULL) {
        keep(op, judging->chains, state->key, state->made);
        return settle(op, state);
    }
    if (finding->verdict == CHAIN_REFUSED)
        return conclude_refusal(op, state);
    if (finding->verdict == CHAIN_UNKNOWN)
        return paa_fail(op, PAA_UNAVAILABLE, finding->reason, "%s", finding->sentence);
    return paa_fail(op, PAA_FAULT, "libcrypto", "%s",
                    finding->verdict == CHAIN_FAULT ? finding->sentence
                                                    : "no memory is left to keep a verdict");
}

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
    return status == PAA_STATUS_OK ? conclude(op, (struct state *)context)
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
    return conclude(op, state);
}

/* ---- what is remembered -------------------------------------------------------------------------- */

static enum paa_result use(struct paa_op *op, struct state *state)
{
    keep_for_connection(op, state);
    return state->known->refusal != NULL ? refuse_again(op, state->known)
                                         : grant(op, state->known, state->now_s);
}

static enum paa_result use_or_judge(struct paa_op *op, struct state *state)
{
    return state->known != NULL && was_looked_at(state->known, state->now_s)
               ? use(op, state)
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
        return settle(op, state);
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

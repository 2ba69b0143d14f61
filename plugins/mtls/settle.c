/* SPDX-License-Identifier: MIT */
/* From a verdict to the result of the slot, and what is remembered of it. */
#include "mtls.h"

#include "str.h"

enum { REFUSAL_LIFE_S = 5 }; /* what stands on the clock ends no later than that */

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
    if (judging->is_of_machines)
        who.flags = PAA_PRINCIPAL_MACHINE;
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

bool settle_was_looked_at(const struct verdict *verdict, int64_t now_s)
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
enum paa_result settle_refuse(struct paa_op *op, const struct state *state, const char *reason,
                              const char *what)
{
    note_look(verdict_of(state), NEVER_S);
    keep_for_connection(op, state);
    return refuse_late(op, verdict_of(state), PAA_REJECT, reason, what);
}

/* Waiting may have taken long: what ended meanwhile counts no more. */
enum paa_result settle_grant(struct paa_op *op, struct state *state)
{
    state->now_s = op->host->clock->now_s(op);
    note_look(verdict_of(state), state->now_s);
    keep_for_connection(op, state);
    return grant(op, verdict_of(state), state->now_s);
}

/* ---- settling ------------------------------------------------------------------------------------ */

enum paa_result settle_known(struct paa_op *op, struct state *state)
{
    keep_for_connection(op, state);
    return state->known->refusal != NULL ? refuse_again(op, state->known)
                                         : grant(op, state->known, state->now_s);
}

/* Of these anchors and lists. */
static enum paa_result settle_refusal(struct paa_op *op, struct state *state)
{
    note_look(verdict_of(state), state->now_s);
    keep_for_connection(op, state);
    return refuse_again(op, verdict_of(state));
}

/* The verdict is of these anchors and lists. */
enum paa_result settle_current(struct paa_op *op, struct state *state)
{
    if (verdict_of(state)->refusal != NULL)
        return settle_refusal(op, state);
    return judging_of(op)->responses != NULL ? responder_ask(op, state) : settle_grant(op, state);
}

/* In the place of a verdict that it overturns; else where strangers push out strangers only. */
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
    return settle_current(op, state);
}

enum paa_result settle_judged(struct paa_op *op, struct state *state)
{
    const struct judging *judging = judging_of(op);
    const struct cert_chain_finding *finding = &state->weighing->finding;

    if (finding->verdict == CERT_CHAIN_GOOD && state->made != NULL) {
        keep(op, judging->chains, state->key, state->made);
        return settle_current(op, state);
    }
    if (finding->verdict == CERT_CHAIN_REFUSED)
        return conclude_refusal(op, state);
    if (finding->verdict == CERT_CHAIN_UNKNOWN)
        return paa_fail(op, PAA_UNAVAILABLE, finding->reason, "%s", finding->sentence);
    return paa_fail(op, PAA_FAULT, "libcrypto", "%s",
                    finding->verdict == CERT_CHAIN_FAULT ? finding->sentence
                                                         : "no memory is left to keep a verdict");
}

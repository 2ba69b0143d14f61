/* SPDX-License-Identifier: MIT */
/* From what was presented to a verdict. Pure, and on whatever thread there is time for it. */
#include "mtls.h"

static struct cert_chain_input input_of(const struct judging *judging,
                                        const struct weighing *weighing, int64_t now_s)
{
    struct cert_chain_input input = { .rules = &judging->rules, .now_s = now_s };
    size_t at = 0;

    if (judging->has_anchors)
        input.anchors = (const struct anchors *)weighing->objects[at++];
    if (judging->has_intermediates)
        input.intermediates = (const struct anchors *)weighing->objects[at++];
    for (; at < judging->input_count; at++)
        input.crls[input.crl_count++] = (const struct crl_set *)weighing->objects[at];
    return input;
}

void judge(const struct judging *judging, struct state *state)
{
    struct weighing *weighing = state->weighing;
    struct cert_chain_input input = input_of(judging, weighing, state->now_s);
    struct identified who = { NULL, NULL };
    struct cert_chain_result chain;

    weighing->finding = cert_chain_verify(&weighing->presented, &input, &chain);
    if (weighing->finding.verdict == CERT_CHAIN_GOOD)
        weighing->finding = identity_of(&chain, &judging->identity, &who);
    if (weighing->finding.verdict == CERT_CHAIN_GOOD)
        state->made = verdict_new(&chain, &who, weighing->presented.der[0], weighing->versions);
    identity_done(&who);
    cert_chain_done(&chain);
}

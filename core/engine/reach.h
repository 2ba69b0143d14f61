/* SPDX-License-Identifier: MIT */
/*
 * Every state that a chain can be in before each of its steps, whatever its instances answer. For the linter. Uses
 * chain.c itself for each move, so that the semantics stand in one place. Knows no request, no finding.
 *
 * States that act alike from here on are one: impression, status, and the marks that a `reset` may still go back
 * to. Their grants are joined, so that in a joined state a set bit means "on some walk to here". For steps in
 * `exact` they are not joined: there a bit means "on every walk to here".
 */
#ifndef ENGINE_REACH_H
#define ENGINE_REACH_H

#include "chain.h"

enum { REACH_STATES_MAX = 32768, REACH_STEP_STATES_MAX = 512 };

struct step_set {
    uint64_t word[PROGRAM_STEPS_MAX / 64];
};

struct reach_state {
    struct chain chain;
    int32_t next; /* of the same step; -1: the last */
};

struct reach {
    struct reach_state *states;
    size_t count;
    size_t capacity;
    int32_t
        first[PROGRAM_STEPS_MAX + 1]; /* by step; [step_count]: the ends. -1: cannot be reached */
    bool is_cut; /* too many states, or no memory: what was found is true, more may be */
};

struct reach_ask {
    const struct program *program;
    const uint8_t *inputs; /* by step: what it may say, a bit per result index */
    struct step_set exact;
    struct step_set barred; /* a walk that one of these steps carries is not followed */
    const struct reach
        *from; /* begin with its states before step `at`; NULL: with the chain's begin */
    uint32_t at;
};

void reach_init(struct reach *reach);
void reach_free(struct reach *reach);
/* What was in ret_reach is forgotten. */
void reach_run(const struct reach_ask *ask, struct reach *ret_reach);
/* Some walk ends in acceptance. */
bool reach_accepts(const struct reach *reach, const struct program *program);
/* What a step may say, given that every instance may say anything and permit and deny say what they always do. */
uint8_t reach_inputs(const struct program *program, uint32_t step);

static inline void step_set_add(struct step_set *set, uint32_t step)
{
    set->word[step / 64] |= (uint64_t)1 << (step % 64);
}

static inline bool step_set_has(const struct step_set *set, uint32_t step)
{
    return (set->word[step / 64] >> (step % 64) & 1) != 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/* The walk. Where a line looks odd, Linux-PAM 1.5.2 does the same; tests/chain runs both. */
#include "chain.h"

#include "hint.h"

#include <string.h>

enum { ACCEPT_INDEX = 0, ABSENT_INDEX = 1, IGNORE_INDEX = 4, FAULT_INDEX = 5 };

void chain_begin(struct chain *chain)
{
    chain->impression = CHAIN_UNDECIDED;
    chain->status = CHAIN_DENIED;
    chain->level = 0;
    chain->step = 0;
    memset(chain->grants, 0, sizeof chain->grants);
    chain->marks[0] = (struct chain_mark){ CHAIN_UNDECIDED, CHAIN_DENIED, 0 };
}

int chain_step(struct chain *chain, const struct program *program)
{
    const struct step *step;

    for (; chain->step < program->step_count; chain->step++) {
        step = &program->steps[chain->step];
        if (UNLIKELY(step->level > chain->level))
            chain->marks[step->level] =
                (struct chain_mark){ chain->impression, chain->status, (uint16_t)chain->step };
        chain->level = step->level;
        if (LIKELY(!step->is_substack))
            return (int)chain->step;
    }
    return -1;
}

static void grant(struct chain *chain, uint32_t step)
{
    chain->grants[step / 64] |= (uint64_t)1 << (step % 64);
}

static void say_ok(struct chain *chain, int result)
{
    if (LIKELY(chain->impression == CHAIN_UNDECIDED) ||
        (chain->impression == CHAIN_POSITIVE && chain->status == ACCEPT_INDEX)) {
        chain->impression = CHAIN_POSITIVE;
        chain->status = (uint8_t)result;
    }
    if (chain->impression == CHAIN_POSITIVE && result == ACCEPT_INDEX)
        grant(chain, chain->step);
}

/* The first failure is the one that is reported. */
static void say_bad(struct chain *chain, int status)
{
    if (chain->impression == CHAIN_NEGATIVE)
        return;
    chain->impression = CHAIN_NEGATIVE;
    chain->status = (uint8_t)(status == IGNORE_INDEX ? CHAIN_DENIED : status);
}

/* As before this substack; what was granted inside it no longer carries anything. */
static void say_reset(struct chain *chain)
{
    const struct chain_mark *mark = &chain->marks[chain->level];

    chain->impression = mark->impression;
    chain->status = mark->status;
    for (uint32_t step = mark->step; step <= chain->step; step++)
        chain->grants[step / 64] &= ~((uint64_t)1 << (step % 64));
}

static bool is_inside(const struct program *program, uint32_t step, uint8_t level)
{
    return step < program->step_count && program->steps[step].level >= level;
}

/* Leaves the chain, or the substack it is in. */
static void leave(struct chain *chain, const struct program *program)
{
    while (is_inside(program, chain->step + 1, chain->level))
        chain->step++;
}

/* Skips `count` steps of this level, a substack as one. Too few of them: denied. */
static void jump(struct chain *chain, const struct program *program, uint16_t count)
{
    for (; count > 0 && is_inside(program, chain->step + 1, chain->level); count--)
        do
            chain->step++;
        while (is_inside(program, chain->step + 1, (uint8_t)(chain->level + 1)));
    if (count > 0) {
        chain->impression = CHAIN_NEGATIVE;
        chain->status = CHAIN_DENIED;
    }
}

void chain_say(struct chain *chain, const struct program *program, int result)
{
    const struct step *step = &program->steps[chain->step];
    bool is_forbidden = UNLIKELY(result >= RESULT_COUNT);
    int status = is_forbidden ? FAULT_INDEX : result;
    uint16_t action = is_forbidden ? (uint16_t)ACTION_BAD : step->action[result];

    if (LIKELY(action == ACTION_OK)) { /* nearly always: not through the switch's table */
        say_ok(chain, status);
        chain->step++;
        return;
    }
    switch (action) {
    case ACTION_DONE:
        say_ok(chain, status);
        if (chain->impression == CHAIN_POSITIVE)
            leave(chain, program);
        break;
    case ACTION_BAD:
        say_bad(chain, status);
        break;
    case ACTION_DIE:
        say_bad(chain, status);
        leave(chain, program);
        break;
    case ACTION_IGNORE:
        break;
    case ACTION_RESET:
        say_reset(chain);
        break;
    default:
        jump(chain, program, action);
    }
    chain->step++;
}

int chain_status(const struct chain *chain)
{
    if (UNLIKELY(chain->impression != CHAIN_POSITIVE) && chain->status == ACCEPT_INDEX)
        return CHAIN_DENIED;
    return chain->status;
}

int group_result(int result, bool is_last)
{
    if (result != ABSENT_INDEX && result != IGNORE_INDEX)
        return result;
    return is_last ? ABSENT_INDEX : -1;
}

static int step_result(const struct step *step, const uint8_t *results)
{
    int result = -1;

    if (step->site_count == 1)
        return results[step->first_site];
    for (uint16_t i = 0; i < step->site_count && result < 0; i++)
        result = group_result(results[step->first_site + i], i + 1 == step->site_count);
    return result;
}

int chain_replay(const struct program *program, const uint8_t *results)
{
    struct chain chain;
    int step;

    chain_begin(&chain);
    while ((step = chain_step(&chain, program)) >= 0)
        chain_say(&chain, program, step_result(&program->steps[step], results));
    return chain_status(&chain);
}

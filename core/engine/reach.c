/* SPDX-License-Identifier: MIT */
/* reach.h's exploring: steps only lead forward, so one pass in their order is enough. */
#include "reach.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64, GRANT_WORDS = PROGRAM_STEPS_MAX / 64 };

enum {
    ACCEPT_INDEX = 0,
    REJECT_INDEX = 2,
    IGNORE_INDEX = 4,
    EVERY_RESULT = (1 << RESULT_COUNT) - 1
};

void reach_init(struct reach *reach)
{
    memset(reach, 0, sizeof *reach);
}

void reach_free(struct reach *reach)
{
    free(reach->states);
    reach_init(reach);
}

/* ---- what a step may say ----------------------------------------------------------------------- */

static uint8_t site_inputs(const struct site *site, const struct step *step)
{
    if (site->instance == SITE_PERMIT)
        return 1u << ACCEPT_INDEX;
    if (site->instance == SITE_DENY)
        return 1u << REJECT_INDEX;
    return (uint8_t)(step->may_ignore ? EVERY_RESULT : EVERY_RESULT & ~(1u << IGNORE_INDEX));
}

uint8_t reach_inputs(const struct program *program, uint32_t index)
{
    const struct step *step = &program->steps[index];
    const struct site *sites = &program->sites[step->first_site];
    bool goes_on = true;
    unsigned set = 0;

    if (step->site_count == 1)
        return site_inputs(&sites[0], step);
    for (uint16_t i = 0; i < step->site_count && goes_on; i++) {
        uint8_t inputs = site_inputs(&sites[i], step);

        goes_on = false;
        for (int result = 0; result < RESULT_COUNT; result++) {
            int said = group_result(result, i + 1 == step->site_count);

            if ((inputs >> result & 1) == 0)
                continue;
            if (said < 0)
                goes_on = true;
            else
                set |= 1u << said;
        }
    }
    return (uint8_t)set;
}

/* ---- states ------------------------------------------------------------------------------------ */

struct search {
    const struct reach_ask *ask;
    struct reach *reach;
    uint32_t resets; /* a bit per level: some step of that level may reset */
};

static uint32_t reset_levels(const struct program *program)
{
    uint32_t levels = 0;

    for (uint32_t i = 0; i < program->step_count; i++)
        for (int result = 0; result < RESULT_COUNT; result++)
            if (program->steps[i].action[result] == ACTION_RESET)
                levels |= 1u << program->steps[i].level;
    return levels;
}

/* Nothing in it but what the rest of the chain depends on. */
static void normalise(struct chain *chain, uint32_t resets, bool is_end)
{
    if (is_end)
        chain->level = 0;
    for (uint8_t level = 0; level <= PROGRAM_LEVELS_MAX; level++)
        if (level > chain->level || (resets >> level & 1) == 0)
            memset(&chain->marks[level], 0, sizeof chain->marks[level]);
}

static bool meets(const struct chain *chain, const struct step_set *set)
{
    for (int i = 0; i < GRANT_WORDS; i++)
        if ((chain->grants[i] & set->word[i]) != 0)
            return true;
    return false;
}

static bool act_alike(const struct chain *a, const struct chain *b, const struct step_set *exact)
{
    for (int i = 0; i < GRANT_WORDS; i++)
        if (((a->grants[i] ^ b->grants[i]) & exact->word[i]) != 0)
            return false;
    return a->impression == b->impression && a->status == b->status && a->level == b->level &&
           memcmp(a->marks, b->marks, sizeof a->marks) == 0;
}

static struct reach_state *new_state(struct reach *reach)
{
    size_t capacity = reach->capacity > 0 ? reach->capacity * 2 : FIRST_CAPACITY;
    struct reach_state *grown;

    if (reach->count < reach->capacity)
        return &reach->states[reach->count++];
    if (capacity > REACH_STATES_MAX ||
        (grown = realloc(reach->states, capacity * sizeof *grown)) == NULL)
        return NULL;
    reach->states = grown;
    reach->capacity = capacity;
    return &reach->states[reach->count++];
}

/* Files the state under the step that it runs next. */
static void add_state(const struct search *search, struct chain chain)
{
    const struct program *program = search->ask->program;
    struct reach *reach = search->reach;
    int step = chain_step(&chain, program);
    uint32_t place = step >= 0 ? (uint32_t)step : program->step_count;
    struct reach_state *state;
    uint32_t others = 0;

    if (meets(&chain, &search->ask->barred))
        return;
    normalise(&chain, search->resets, step < 0);
    for (int32_t i = reach->first[place]; i >= 0; i = reach->states[i].next) {
        struct chain *known = &reach->states[i].chain;

        others++;
        if (!act_alike(known, &chain, &search->ask->exact))
            continue;
        for (int word = 0; word < GRANT_WORDS; word++)
            known->grants[word] |= chain.grants[word];
        return;
    }
    state = others < REACH_STEP_STATES_MAX ? new_state(reach) : NULL;
    if (state == NULL) {
        reach->is_cut = true;
        return;
    }
    *state = (struct reach_state){ chain, reach->first[place] };
    reach->first[place] = (int32_t)(state - reach->states);
}

static void seed(const struct search *search)
{
    const struct reach_ask *ask = search->ask;
    struct chain chain;

    if (ask->from == NULL) {
        memset(&chain, 0, sizeof chain);
        chain_begin(&chain);
        add_state(search, chain);
        return;
    }
    search->reach->is_cut = ask->from->is_cut;
    for (int32_t i = ask->from->first[ask->at]; i >= 0; i = ask->from->states[i].next) {
        chain = ask->from->states[i].chain;
        memset(chain.grants, 0, sizeof chain.grants);
        add_state(search, chain);
    }
}

void reach_run(const struct reach_ask *ask, struct reach *ret_reach)
{
    const struct program *program = ask->program;
    struct search search = { ask, ret_reach, reset_levels(program) };

    ret_reach->count = 0;
    ret_reach->is_cut = false;
    for (uint32_t i = 0; i <= program->step_count; i++)
        ret_reach->first[i] = -1;
    seed(&search);
    for (uint32_t step = 0; step < program->step_count; step++)
        for (int32_t i = ret_reach->first[step]; i >= 0; i = ret_reach->states[i].next)
            for (int result = 0; result < RESULT_COUNT; result++) {
                struct chain chain = ret_reach->states[i].chain;

                if ((ask->inputs[step] >> result & 1) == 0)
                    continue;
                chain_say(&chain, program, result);
                add_state(&search, chain);
            }
}

bool reach_accepts(const struct reach *reach, const struct program *program)
{
    for (int32_t i = reach->first[program->step_count]; i >= 0; i = reach->states[i].next)
        if (chain_status(&reach->states[i].chain) == ACCEPT_INDEX)
            return true;
    return false;
}

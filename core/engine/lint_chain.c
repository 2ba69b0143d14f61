/* SPDX-License-Identifier: MIT */
/*
 * Judges a chain by the states it can come to: steps that never run, acceptance that nobody earned. Reads a
 * compiled program; knows no request and no plugin.
 */
#include "lint.h"

#include <string.h>

enum { ACCEPT_INDEX = 0, ABSENT_INDEX = 1, REJECT_INDEX = 2, IGNORE_INDEX = 4 };

static bool demands(const struct step *step)
{
    return step->action[ABSENT_INDEX] == ACTION_BAD || step->action[ABSENT_INDEX] == ACTION_DIE;
}

/* `sufficient`, and what is written in brackets and does the same when it accepts or finds nothing. */
static bool is_alternative(const struct step *step)
{
    return !step->is_substack && step->action[ACCEPT_INDEX] == ACTION_DONE &&
           step->action[ABSENT_INDEX] == ACTION_IGNORE;
}

/* The end of the substack (or chain) that `step` stands in. */
static uint32_t block_end(const struct program *program, uint32_t step)
{
    uint8_t level = program->steps[step].level;

    while (step < program->step_count && program->steps[step].level >= level)
        step++;
    return step;
}

/* ---- what never happens ------------------------------------------------------------------------ */

static bool check_accepts(const struct lint *lint)
{
    if (lint->whole.is_cut || reach_accepts(&lint->whole, lint->program))
        return true;
    if (!lint_is_all(lint->program, SITE_DENY))
        diag_error(lint->diag, lint->rule->where,
                   "this chain can never accept, so every request is denied: if that is meant, say "
                   "chain = ( { required = \"deny\" } )");
    return false;
}

static void check_reachable(struct lint *lint)
{
    const struct program *program = lint->program;

    for (uint32_t i = 0; i < program->step_count; i++) {
        const struct step *step = &program->steps[i];

        if (step->is_substack || lint->whole.first[i] >= 0 ||
            lint_is_told(lint, step->where, FINDING_UNREACHABLE))
            continue;
        diag_warn(
            lint->diag, step->where,
            "this step never runs in the chain of the rule at %s:%u: the steps before it have "
            "always decided or jumped over it",
            lint->rule->where.file, lint->rule->where.line);
    }
}

/* ---- requests without a credential ------------------------------------------------------------- */

/* What the step says to a request that carries no credential at all, as a set of one. */
static uint8_t input_of_nobody(const struct program *program, const struct step *step)
{
    int said = -1;

    for (uint16_t i = 0; i < step->site_count && said < 0; i++) {
        int32_t instance = program->sites[step->first_site + i].instance;
        int result = instance == SITE_PERMIT ? ACCEPT_INDEX
                     : instance == SITE_DENY ? REJECT_INDEX
                                             : ABSENT_INDEX;

        said = step->site_count == 1 ? result : group_result(result, i + 1 == step->site_count);
    }
    return (uint8_t)(said < 0 ? 0 : 1u << said);
}

static void tell_anonymous(struct lint *lint, const struct step *step)
{
    struct buf names;

    if (lint_is_told(lint, step->where, FINDING_ANONYMOUS))
        return;
    buf_init(&names, LINT_TEXT_MAX);
    lint_names(lint, 0, lint->program->step_count, &names);
    diag_warn(lint->diag, step->where,
              "this permit %s without any credential, and perhaps with a wrong one: if the first "
              "alone is "
              "meant, make it the last of a group, { required = [ %s, \"permit\" ] }",
              lint->service->direction == PAA_OUTGOING ? "sends requests" : "lets requests in",
              names.data != NULL ? names.data : "");
    buf_free(&names);
}

/* Only a permit can accept nobody. Alone, or as the last of a group, it says so itself. */
static void check_anonymous(struct lint *lint)
{
    const struct program *program = lint->program;
    uint8_t inputs[PROGRAM_STEPS_MAX];
    struct reach_ask ask = { .program = program, .inputs = inputs };
    const struct chain *end;

    if (lint_is_all(program, SITE_PERMIT))
        return;
    for (uint32_t i = 0; i < program->step_count; i++)
        inputs[i] = input_of_nobody(program, &program->steps[i]);
    reach_run(&ask, &lint->part);
    if (!reach_accepts(&lint->part, program))
        return;
    end = &lint->part.states[lint->part.first[program->step_count]].chain;
    for (uint32_t i = 0; i < program->step_count; i++)
        if (chain_granted(end, i) && program->steps[i].site_count == 1)
            tell_anonymous(lint, &program->steps[i]);
}

/* ---- runs of `sufficient` ---------------------------------------------------------------------- */

/* Is the chain accepted though each step of the run was asked and none accepted, and nothing that follows in its
 * block did either? Then what stands elsewhere in the chain carried it. */
static bool is_carried(struct lint *lint, uint32_t begin, uint32_t end)
{
    uint8_t inputs[PROGRAM_STEPS_MAX];
    struct reach_ask ask = {
        .program = lint->program, .inputs = inputs, .from = &lint->whole, .at = begin
    };

    memcpy(inputs, lint->inputs, sizeof inputs);
    for (uint32_t i = begin; i < end; i++)
        inputs[i] = (uint8_t)(inputs[i] & ~(1u << ACCEPT_INDEX));
    for (uint32_t i = end; i < block_end(lint->program, begin); i++)
        step_set_add(&ask.barred, i);
    reach_run(&ask, &lint->part);
    return reach_accepts(&lint->part, lint->program);
}

static void check_carried(struct lint *lint, uint32_t begin, uint32_t end)
{
    struct where where = lint->program->steps[begin].where;
    struct buf names;

    if (!is_carried(lint, begin, end) || lint_is_told(lint, where, FINDING_CARRIED))
        return;
    buf_init(&names, LINT_TEXT_MAX);
    lint_names(lint, begin, end, &names);
    diag_warn(
        lint->diag, where,
        "the chain of the rule at %s:%u also accepts when none of %s does, since another step's "
        "success carries it: to demand one of them, say { required = [ %s ] }",
        lint->rule->where.file, lint->rule->where.line, names.data != NULL ? names.data : "",
        names.data != NULL ? names.data : "");
    buf_free(&names);
}

/* Does the step, or the substack it opens, fail a request without a credential? *ret_end: what follows it. */
static bool element_demands(const struct program *program, uint32_t step, uint32_t *ret_end)
{
    uint8_t level = program->steps[step].level;
    bool is_demanding = demands(&program->steps[step]);

    for (step++; step < program->step_count && program->steps[step].level > level; step++)
        is_demanding = is_demanding || demands(&program->steps[step]);
    *ret_end = step;
    return is_demanding;
}

/* The second demanding element behind the run: the first closes it and is the last alternative. *ret_close: where
 * that one ends. False: there are no two. */
static bool find_skipped(const struct program *program, uint32_t end, uint32_t block,
                         uint32_t *ret_close, uint32_t *ret_skipped)
{
    uint32_t found = 0, next;

    for (uint32_t i = end; i < block; i = next) {
        if (!element_demands(program, i, &next))
            continue;
        if (++found == 1)
            *ret_close = next;
        *ret_skipped = i;
        if (found == 2)
            return true;
    }
    return false;
}

/* Is the chain accepted by the ACCEPT of that step, with nothing that follows in its block asked? */
static bool ends_with(struct lint *lint, uint32_t step, uint32_t block)
{
    uint8_t inputs[PROGRAM_STEPS_MAX];
    struct reach_ask ask = {
        .program = lint->program, .inputs = inputs, .from = &lint->whole, .at = step
    };

    memcpy(inputs, lint->inputs, sizeof inputs);
    inputs[step] &= 1u << ACCEPT_INDEX;
    for (uint32_t i = step + 1; i < block; i++)
        inputs[i] = 0;
    reach_run(&ask, &lint->part);
    return reach_accepts(&lint->part, lint->program);
}

static void tell_skips(struct lint *lint, uint32_t step, uint32_t begin, uint32_t close,
                       uint32_t skipped)
{
    const struct step *steps = lint->program->steps;
    struct buf names, accepted, missed;
    uint32_t after;

    if (lint_is_told(lint, steps[begin].where, FINDING_SKIPS))
        return;
    buf_init(&names, LINT_TEXT_MAX);
    buf_init(&accepted, LINT_TEXT_MAX);
    buf_init(&missed, LINT_TEXT_MAX);
    (void)element_demands(lint->program, skipped, &after);
    lint_names(lint, begin, close, &names);
    lint_names(lint, step, step + 1, &accepted);
    lint_names(lint, skipped, after, &missed);
    diag_warn(
        lint->diag, steps[begin].where,
        "once %s accepts, %s in line %u is never asked: if %s are alternatives and it is none, "
        "say { required = [ %s ] }",
        accepted.data != NULL ? accepted.data : "", missed.data != NULL ? missed.data : "",
        steps[skipped].where.line, names.data != NULL ? names.data : "",
        names.data != NULL ? names.data : "");
    buf_free(&names);
    buf_free(&accepted);
    buf_free(&missed);
}

static void check_skips(struct lint *lint, uint32_t begin, uint32_t end)
{
    uint32_t block = block_end(lint->program, begin);
    uint32_t close, skipped;

    if (!find_skipped(lint->program, end, block, &close, &skipped))
        return;
    for (uint32_t i = begin; i < end; i++)
        if (ends_with(lint, i, block)) {
            tell_skips(lint, i, begin, close, skipped);
            return;
        }
}

static void check_runs(struct lint *lint)
{
    const struct step *steps = lint->program->steps;
    uint32_t count = lint->program->step_count;
    uint32_t end;

    for (uint32_t begin = 0; begin < count; begin = end) {
        end = begin + 1;
        if (!is_alternative(&steps[begin]))
            continue;
        while (end < count && steps[end].level == steps[begin].level && is_alternative(&steps[end]))
            end++;
        check_carried(lint, begin, end);
        check_skips(lint, begin, end);
    }
}

/* ---- IGNORE ------------------------------------------------------------------------------------ */

static void check_ignore(struct lint *lint)
{
    for (uint32_t i = 0; i < lint->program->step_count; i++) {
        const struct step *step = &lint->program->steps[i];

        if (!step->may_ignore || step->site_count != 1 || !demands(step) ||
            step->action[IGNORE_INDEX] == ACTION_BAD || step->action[IGNORE_INDEX] == ACTION_DIE ||
            lint_is_told(lint, step->where, FINDING_SAYS_NOTHING))
            continue;
        diag_warn(
            lint->diag, step->where,
            "with may_ignore this step may have no opinion, and then it demands nothing: leave "
            "may_ignore out unless other steps suffice without it");
    }
}

bool lint_chain(struct lint *lint)
{
    struct reach_ask ask = { .program = lint->program, .inputs = lint->inputs };

    for (uint32_t i = 0; i < lint->program->step_count; i++)
        lint->inputs[i] = reach_inputs(lint->program, i);
    reach_run(&ask, &lint->whole);
    if (!check_accepts(lint))
        return false;
    if (lint->whole.is_cut)
        diag_warn(
            lint->diag, lint->rule->where,
            "this chain branches too much to be checked whole: use fewer `reset` and substacks");
    else
        check_reachable(lint);
    check_anonymous(lint);
    check_runs(lint);
    check_ignore(lint);
    return true;
}

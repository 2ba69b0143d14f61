/* SPDX-License-Identifier: MIT */
/*
 * From raw steps to a program: includes at the same level, substacks one level up, jumps checked. Bounded in
 * depth and in work, whatever the chains say: an include of empty chains costs as much as a step.
 */
#include "buf.h"
#include "reader.h"

#include <stdio.h>

enum { NESTING_MAX = PROGRAM_LEVELS_MAX + PROGRAM_INCLUDES_MAX, CYCLE_TEXT_MAX = 600 };

struct frame {
    struct chain_conf *chain;
    uint8_t level;
    uint8_t includes;
};

struct expander {
    struct reader *reader;
    struct where where; /* of the outermost chain */
    bool is_strict;
    struct step steps[PROGRAM_STEPS_MAX];
    struct raw_step *origins[PROGRAM_STEPS_MAX];
    uint8_t depths[PROGRAM_STEPS_MAX]; /* of the frame that the step stands in */
    size_t step_count;
    struct site sites[PROGRAM_SITES_MAX];
    size_t site_count;
    size_t entered; /* includes and substacks so far */
    struct frame frames[NESTING_MAX + 1];
    size_t depth;
};

static bool expand_frame(struct expander *expander);

static bool refuse(struct expander *expander, struct where where, const char *sentence, int number)
{
    diag_error(expander->reader->expect.diag, where, "%s %d", sentence, number);
    return false;
}

static bool add_sites(struct expander *expander, const struct raw_step *raw, struct step *step)
{
    if (expander->site_count + raw->instance_count > PROGRAM_SITES_MAX)
        return refuse(expander, expander->where,
                      "with its includes and substacks this chain names instances more often than",
                      PROGRAM_SITES_MAX);
    step->first_site = (uint16_t)expander->site_count;
    step->site_count = raw->instance_count;
    for (uint16_t i = 0; i < raw->instance_count; i++)
        expander->sites[expander->site_count++] =
            (struct site){ raw->instances[i], (uint32_t)expander->step_count };
    return true;
}

/* A step, or the marker that opens a substack. */
static bool add_step(struct expander *expander, struct raw_step *raw)
{
    struct step *step = &expander->steps[expander->step_count];

    if (expander->step_count == PROGRAM_STEPS_MAX)
        return refuse(expander, expander->where,
                      "with its includes and substacks this chain has more steps than",
                      PROGRAM_STEPS_MAX);
    *step = (struct step){ .level = expander->frames[expander->depth].level,
                           .is_substack = raw->kind == RAW_SUBSTACK,
                           .may_ignore = raw->may_ignore,
                           .control = raw->control,
                           .where = raw->where };
    for (int i = 0; i < RESULT_COUNT; i++)
        step->action[i] = raw->kind == RAW_SUBSTACK ? (uint16_t)ACTION_IGNORE : raw->action[i];
    if (!add_sites(expander, raw, step))
        return false;
    expander->origins[expander->step_count] = raw;
    expander->depths[expander->step_count] = (uint8_t)expander->depth;
    expander->step_count++;
    return true;
}

/* Prints the cycle once and marks its chains, so that it is not told again from each of them. */
static bool refuse_cycle(struct expander *expander, const struct raw_step *raw, size_t from)
{
    char text[CYCLE_TEXT_MAX];
    size_t at = 0;

    for (size_t i = from; i <= expander->depth; i++) {
        struct chain_conf *chain = expander->frames[i].chain;

        if (at < sizeof text)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s -> ", chain->name);
        chain->is_broken = true;
    }
    diag_error(expander->reader->expect.diag, raw->where, "chains go round in a circle: %.500s%s",
               text, expander->frames[from].chain->name);
    return false;
}

static bool check_depth(struct expander *expander, const struct raw_step *raw,
                        const struct frame *frame)
{
    if (frame->level > PROGRAM_LEVELS_MAX)
        return refuse(expander, raw->where, "substacks are nested deeper than", PROGRAM_LEVELS_MAX);
    if (frame->includes > PROGRAM_INCLUDES_MAX)
        return refuse(expander, raw->where, "includes are nested deeper than",
                      PROGRAM_INCLUDES_MAX);
    if (++expander->entered > PROGRAM_STEPS_MAX)
        return refuse(expander, expander->where,
                      "includes and substacks of this chain are more than", PROGRAM_STEPS_MAX);
    return true;
}

static bool enter(struct expander *expander, const struct raw_step *raw)
{
    struct chain_conf *chain = &expander->reader->chains[raw->chain];
    const struct frame *outer = &expander->frames[expander->depth];
    struct frame frame = { chain, outer->level, outer->includes };
    bool is_done;

    if (chain->is_broken)
        return false;
    for (size_t i = 0; i <= expander->depth; i++)
        if (expander->frames[i].chain == chain)
            return refuse_cycle(expander, raw, i);
    if (raw->kind == RAW_SUBSTACK)
        frame.level++;
    else
        frame.includes++;
    if (!check_depth(expander, raw, &frame)) {
        for (size_t i = 0; i <= expander->depth; i++)
            expander->frames[i].chain->is_broken = true;
        return false;
    }
    expander->frames[++expander->depth] = frame;
    is_done = expand_frame(expander);
    expander->depth--;
    return is_done;
}

static uint16_t farthest_jump(const struct step *step)
{
    uint16_t far = 0;

    for (int i = 0; i < RESULT_COUNT; i++)
        if (step->action[i] <= ACTION_JUMP_MAX && step->action[i] > far)
            far = step->action[i];
    return far;
}

/* Steps of the same level behind `index`, up to `end` or the end of its substack. */
static size_t steps_left(const struct expander *expander, size_t index, size_t end)
{
    uint8_t level = expander->steps[index].level;
    size_t left = 0;

    for (size_t i = index + 1; i < end && expander->steps[i].level >= level; i++)
        left += expander->steps[i].level == level;
    return left;
}

/* Of the steps since `begin`, those of this very include that jump out of it. */
static void warn_leaving(struct expander *expander, size_t begin)
{
    for (size_t i = begin; i < expander->step_count; i++) {
        struct raw_step *raw = expander->origins[i];
        uint16_t jump = farthest_jump(&expander->steps[i]);

        if (expander->depths[i] != expander->depth || raw->told_leaving || jump == 0 ||
            jump <= steps_left(expander, i, expander->step_count))
            continue;
        diag_warn(expander->reader->expect.diag, raw->where,
                  "a jump of %d leaves chain \"%s\" for the chain that includes it", (int)jump,
                  expander->frames[expander->depth].chain->name);
        raw->told_leaving = true;
    }
}

static bool expand_frame(struct expander *expander)
{
    const struct frame *frame = &expander->frames[expander->depth];
    size_t begin = expander->step_count;
    bool is_include = expander->depth > 0 && frame->level == frame[-1].level;

    if (frame->chain->is_broken)
        return false;
    for (size_t i = 0; i < frame->chain->step_count; i++) {
        struct raw_step *raw = &frame->chain->steps[i];

        if (raw->kind != RAW_INCLUDE && !add_step(expander, raw))
            return false;
        if (raw->kind != RAW_STEP && !enter(expander, raw))
            return false;
    }
    if (is_include && expander->is_strict)
        warn_leaving(expander, begin);
    return true;
}

static bool check_jumps(struct expander *expander)
{
    bool is_fine = true;

    for (size_t i = 0; i < expander->step_count; i++) {
        uint16_t jump = farthest_jump(&expander->steps[i]);
        struct raw_step *raw = expander->origins[i];
        size_t left = jump > 0 ? steps_left(expander, i, expander->step_count) : 0;

        if (jump <= left)
            continue;
        is_fine = false;
        if (!raw->told_far)
            diag_error(expander->reader->expect.diag, raw->where,
                       "a jump of %d goes beyond the end: %zu steps of this level follow",
                       (int)jump, left);
        raw->told_far = true;
    }
    return is_fine;
}

static bool keep(struct expander *expander, struct program *ret_program)
{
    struct expect *expect = &expander->reader->expect;
    struct step *steps = expect_memory(expect, expander->step_count, sizeof *steps);
    struct site *sites = expect_memory(expect, expander->site_count, sizeof *sites);

    if (steps == NULL || sites == NULL)
        return false;
    memcpy(steps, expander->steps, expander->step_count * sizeof *steps);
    memcpy(sites, expander->sites, expander->site_count * sizeof *sites);
    *ret_program = (struct program){ .steps = steps,
                                     .step_count = (uint32_t)expander->step_count,
                                     .site_count = (uint32_t)expander->site_count,
                                     .sites = sites };
    return true;
}

bool expand_chain(struct reader *reader, struct chain_conf *chain, bool strict,
                  struct program *ret_program)
{
    struct expander expander;

    expander.reader = reader;
    expander.where = chain->where;
    expander.is_strict = strict;
    expander.step_count = 0;
    expander.site_count = 0;
    expander.entered = 0;
    expander.depth = 0;
    expander.frames[0] = (struct frame){ chain, 0, 0 };
    if (!expand_frame(&expander))
        return false;
    return !strict || (check_jumps(&expander) && keep(&expander, ret_program));
}

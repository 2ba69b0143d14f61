/* SPDX-License-Identifier: MIT */
#include "stack.h"

#include <stdlib.h>
#include <string.h>

static void must(bool is_so)
{
    if (!is_so)
        abort(); /* the test itself is wrong */
}

void tree_begin(struct tree *tree)
{
    tree->count = 1;
    tree->stack[0].count = 0;
}

static struct line *add(struct tree *tree, int stack, enum line_kind kind)
{
    struct stack *to = &tree->stack[stack];
    struct line *line = &to->line[to->count];

    must(stack < tree->count && to->count < STACK_LINES_MAX);
    memset(line, 0, sizeof *line);
    line->kind = kind;
    to->count++;
    return line;
}

struct line *tree_add_group(struct tree *tree, int stack, int word, int count, const int *results)
{
    struct line *line = add(tree, stack, LINE_STEP);

    must(count > 0 && count <= STACK_MEMBERS_MAX);
    line->word = word;
    line->member_count = count;
    for (int i = 0; i < count; i++)
        line->result[i] = (uint8_t)results[i];
    for (int i = 0; i < RESULT_COUNT && word != WORD_NONE; i++)
        line->action[i] = control_words[word].action[i];
    return line;
}

struct line *tree_add(struct tree *tree, int stack, int word, int result)
{
    return tree_add_group(tree, stack, word, 1, &result);
}

int tree_add_child(struct tree *tree, int stack, enum line_kind kind)
{
    must(tree->count < TREE_STACKS_MAX);
    add(tree, stack, kind)->child = tree->count;
    tree->stack[tree->count].count = 0;
    return tree->count++;
}

void line_unname(struct line *line)
{
    line->word = WORD_NONE;
}

static void build_step(const struct line *line, uint8_t level, struct built *built)
{
    struct step *step = &built->step[built->program.step_count];

    must(built->program.step_count < PROGRAM_STEPS_MAX);
    memset(step, 0, sizeof *step);
    memcpy(step->action, line->action, sizeof step->action);
    step->level = level;
    step->is_substack = line->kind == LINE_SUBSTACK;
    step->may_ignore = true;
    step->first_site = (uint16_t)built->program.site_count;
    step->site_count = (uint16_t)line->member_count;
    for (int i = 0; i < line->member_count; i++) {
        uint32_t site = built->program.site_count++;

        must(site < PROGRAM_SITES_MAX);
        built->site[site] = (struct site){ (int32_t)site, built->program.step_count };
        built->result[site] = line->result[i];
    }
    built->program.step_count++;
}

static void build_stack(const struct tree *tree, int stack, uint8_t level, struct built *built)
{
    for (int i = 0; i < tree->stack[stack].count; i++) {
        const struct line *line = &tree->stack[stack].line[i];

        if (line->kind != LINE_INCLUDE)
            build_step(line, level, built);
        if (line->kind != LINE_STEP)
            build_stack(tree, line->child,
                        line->kind == LINE_SUBSTACK ? (uint8_t)(level + 1) : level, built);
    }
}

void tree_build(const struct tree *tree, struct built *ret_built)
{
    ret_built->program = (struct program){ ret_built->step, 0, 0, ret_built->site };
    build_stack(tree, 0, 0, ret_built);
}

static int ask(const struct built *built, const struct step *step, uint8_t *results)
{
    int result = -1;

    for (int i = 0; i < step->site_count && result < 0; i++) {
        int site = step->first_site + i;

        results[site] = built->result[site];
        result = step->site_count == 1 ? results[site]
                                       : group_result(results[site], i + 1 == step->site_count);
    }
    return result;
}

int built_walk(const struct built *built, struct chain *ret_chain, uint8_t *ret_results)
{
    int step;

    memset(ret_results, CHAIN_NOT_RUN, built->program.site_count);
    chain_begin(ret_chain);
    while ((step = chain_step(ret_chain, &built->program)) >= 0)
        chain_say(ret_chain, &built->program, ask(built, &built->step[step], ret_results));
    return chain_status(ret_chain);
}

uint32_t chance_below(struct chance *chance, uint32_t limit)
{
    uint64_t z = chance->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) % limit);
}

/* ---- at random ---- */

enum { ANY_LINES_MAX = 6, ANY_JUMP_MAX = 3 };

static uint16_t any_action(struct chance *chance)
{
    uint32_t action = chance_below(chance, 6 + ANY_JUMP_MAX);

    return action < 6 ? action_words[action].action : (uint16_t)(action - 5);
}

/* More often ACCEPT than anything else, or hardly a long stack would be accepted. */
static int any_result(struct chance *chance)
{
    return chance_below(chance, 3) == 0 ? ACCEPT : (int)chance_below(chance, RESULT_COUNT);
}

static void write_on(struct chance *chance, struct line *line)
{
    uint16_t fallback = any_action(chance);

    line_unname(line);
    for (int i = 0; i < RESULT_COUNT; i++)
        line->action[i] = chance_below(chance, 4) == 0 ? fallback : any_action(chance);
    if (chance_below(chance, 2) == 0)
        line->action[ACCEPT] = ACTION_OK;
}

static void add_any_step(struct chance *chance, struct tree *tree, int stack, int members_max)
{
    int results[STACK_MEMBERS_MAX];
    int count = 1 + (int)chance_below(chance, (uint32_t)members_max);
    int word = (int)chance_below(chance, WORD_COUNT);
    struct line *line;

    for (int i = 0; i < count; i++)
        results[i] = any_result(chance);
    line = tree_add_group(tree, stack, word, count, results);
    if (chance_below(chance, 2) == 0)
        write_on(chance, line);
}

void tree_add_any(struct tree *tree, struct chance *chance, int stack, int depth, int members_max)
{
    int count = 1 + (int)chance_below(chance, ANY_LINES_MAX);

    for (int i = 0; i < count; i++) {
        bool is_include = members_max == 1 && chance_below(chance, 2) == 0;

        if (depth >= TREE_DEPTH_MAX || tree->count >= TREE_STACKS_MAX ||
            chance_below(chance, 4) > 0)
            add_any_step(chance, tree, stack, members_max);
        else
            tree_add_any(tree, chance,
                         tree_add_child(tree, stack, is_include ? LINE_INCLUDE : LINE_SUBSTACK),
                         depth + 1, members_max);
    }
}

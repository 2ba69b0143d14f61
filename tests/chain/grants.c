/* SPDX-License-Identifier: MIT */
/*
 * Contributors: the steps whose ACCEPT carries the verdict. They name whose request it is, so a step too many
 * is as wrong as one too few.
 */
#include "stack.h"
#include "test.h"

enum { RESULTS = 7, CHOICES = WORD_COUNT * RESULTS, RANDOM_STACKS = 200000 };

struct walk {
    struct tree tree;
    struct built built;
    struct chain chain;
    uint8_t results[PROGRAM_SITES_MAX];
};

/* Returns the status. */
static int walk_run(struct walk *walk)
{
    tree_build(&walk->tree, &walk->built);
    return built_walk(&walk->built, &walk->chain, walk->results);
}

/* A member of a group that accepts is the last that is asked, so the group accepts as well. */
static bool has_accepted(const struct walk *walk, const struct step *step)
{
    for (int i = 0; i < step->site_count; i++)
        if (walk->results[step->first_site + i] == ACCEPT)
            return true;
    return false;
}

static struct line *add_on(struct walk *walk, int stack, int result, uint16_t action)
{
    struct line *line = tree_add(&walk->tree, stack, OPTIONAL, result);

    line_unname(line);
    line->action[result] = action;
    return line;
}

/* "101": the first and the third step of the program carry the verdict. */
static void check_granted(const struct walk *walk, const char *expected)
{
    char granted[PROGRAM_STEPS_MAX + 1] = { 0 };

    for (uint32_t i = 0; i < walk->built.program.step_count; i++)
        granted[i] = chain_granted(&walk->chain, i) ? '1' : '0';
    CHECK_STR(paa_str_of(granted), expected);
}

TEST(in_every_accepted_walk_of_three_steps_those_carry_it_that_ran_and_accepted)
{
    static const int results[RESULTS] = { ACCEPT, ABSENT, REJECT,   UNAVAILABLE,
                                          IGNORE, FAULT,  FORBIDDEN };
    static struct walk walk;
    int accepted = 0;

    for (int all = 0; all < CHOICES * CHOICES * CHOICES; all++) {
        tree_begin(&walk.tree);
        for (int i = 0, rest = all; i < 3; i++, rest /= CHOICES)
            tree_add(&walk.tree, 0, rest % CHOICES / RESULTS, results[rest % RESULTS]);
        if (walk_run(&walk) != ACCEPT)
            continue;
        accepted++;
        for (uint32_t i = 0; i < 3; i++)
            CHECK_INT(chain_granted(&walk.chain, i), walk.results[i] == ACCEPT);
    }
    printf("%d accepted walks\n", accepted);
    CHECK(accepted > 0);
}

TEST(whatever_the_stack_an_accepted_walk_has_contributors_and_all_of_them_accepted)
{
    static struct walk walk;
    struct chance chance = { 5 };
    int accepted = 0;

    for (int stack = 0; stack < RANDOM_STACKS; stack++) {
        int carried = 0, strange = 0;

        tree_begin(&walk.tree);
        tree_add_any(&walk.tree, &chance, 0, 0, 1 + stack % 3);
        if (walk_run(&walk) != ACCEPT)
            continue;
        accepted++;
        for (uint32_t i = 0; i < walk.built.program.step_count; i++) {
            const struct step *step = &walk.built.step[i];
            bool is_granted = chain_granted(&walk.chain, i);
            bool may = has_accepted(&walk, step) &&
                       (step->action[ACCEPT] == ACTION_OK || step->action[ACCEPT] == ACTION_DONE);

            carried += is_granted;
            strange += is_granted && !may;
        }
        CHECK(carried > 0);
        CHECK_INT(strange, 0);
    }
    printf("%d accepted walks of %d\n", accepted, RANDOM_STACKS);
    CHECK(accepted > RANDOM_STACKS / 10);
}

TEST(an_optional_step_that_accepts_contributes)
{
    static struct walk walk;

    tree_begin(&walk.tree);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    tree_add(&walk.tree, 0, OPTIONAL, ACCEPT);
    tree_add(&walk.tree, 0, OPTIONAL, REJECT);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "110");
}

TEST(a_sufficient_step_ends_the_chain_and_what_comes_after_does_not_contribute)
{
    static struct walk walk;

    tree_begin(&walk.tree);
    tree_add(&walk.tree, 0, SUFFICIENT, ABSENT);
    tree_add(&walk.tree, 0, SUFFICIENT, ACCEPT);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "010");
}

TEST(an_accept_that_is_ignored_or_jumped_on_does_not_contribute)
{
    static struct walk walk;

    tree_begin(&walk.tree);
    add_on(&walk, 0, ACCEPT, ACTION_IGNORE);
    add_on(&walk, 0, ACCEPT, 1);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT); /* jumped over */
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "0001");
}

TEST(a_reset_clears_the_contributors_before_it)
{
    static struct walk walk;

    tree_begin(&walk.tree);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    add_on(&walk, 0, ABSENT, ACTION_RESET);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "001");
}

TEST(a_reset_at_the_end_leaves_no_contributor_and_no_verdict)
{
    static struct walk walk;

    tree_begin(&walk.tree);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    add_on(&walk, 0, ACCEPT, ACTION_RESET);
    CHECK_INT(walk_run(&walk), DENIED);
    check_granted(&walk, "00");
}

TEST(a_reset_in_a_substack_spares_what_was_before_the_substack)
{
    static struct walk walk;
    int inner;

    tree_begin(&walk.tree);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    inner = tree_add_child(&walk.tree, 0, LINE_SUBSTACK); /* step 1, which runs nothing */
    tree_add(&walk.tree, inner, REQUIRED, ACCEPT);
    add_on(&walk, inner, REJECT, ACTION_RESET);
    tree_add(&walk.tree, inner, OPTIONAL, ACCEPT);
    tree_add(&walk.tree, 0, OPTIONAL, ACCEPT);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "100011");
}

TEST(a_reset_after_a_substack_clears_what_was_granted_inside)
{
    static struct walk walk;
    int inner, innermost;

    tree_begin(&walk.tree);
    inner = tree_add_child(&walk.tree, 0, LINE_SUBSTACK);
    tree_add(&walk.tree, inner, REQUIRED, ACCEPT);
    innermost = tree_add_child(&walk.tree, inner, LINE_SUBSTACK);
    tree_add(&walk.tree, innermost, REQUIRED, ACCEPT);
    add_on(&walk, 0, REJECT, ACTION_RESET);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "000001");
}

TEST(a_reset_in_a_second_substack_spares_the_first)
{
    static struct walk walk;
    int first, second;

    tree_begin(&walk.tree);
    first = tree_add_child(&walk.tree, 0, LINE_SUBSTACK);
    tree_add(&walk.tree, first, REQUIRED, ACCEPT);
    second = tree_add_child(&walk.tree, 0, LINE_SUBSTACK);
    tree_add(&walk.tree, second, REQUIRED, ACCEPT);
    add_on(&walk, second, REJECT, ACTION_RESET);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "01000");
}

TEST(an_accept_after_a_failure_does_not_contribute_even_if_a_reset_forgives_the_failure)
{
    static struct walk walk;

    tree_begin(&walk.tree);
    tree_add(&walk.tree, 0, REQUIRED, REJECT);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    add_on(&walk, 0, ABSENT, ACTION_RESET);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "0001");
}

TEST(an_accept_after_a_failure_carries_nothing)
{
    static struct walk walk;

    tree_begin(&walk.tree);
    tree_add(&walk.tree, 0, REQUIRED, REJECT);
    tree_add(&walk.tree, 0, REQUIRED, ACCEPT);
    CHECK_INT(walk_run(&walk), REJECT);
    check_granted(&walk, "00");
}

TEST(ok_on_a_failure_grants_nothing)
{
    static struct walk walk;

    tree_begin(&walk.tree);
    add_on(&walk, 0, REJECT, ACTION_OK);
    CHECK_INT(walk_run(&walk), REJECT);
    check_granted(&walk, "0");
}

TEST(a_group_contributes_as_one_step)
{
    static struct walk walk;
    const int members[] = { ABSENT, ACCEPT, REJECT };

    tree_begin(&walk.tree);
    tree_add_group(&walk.tree, 0, REQUIRED, 3, members);
    tree_add(&walk.tree, 0, OPTIONAL, ABSENT);
    CHECK_INT(walk_run(&walk), ACCEPT);
    check_granted(&walk, "10");
}

/* Beyond one word of the set, and up to its last bit. */
TEST(the_last_of_as_many_steps_as_there_may_be_can_contribute_and_be_cleared)
{
    static struct built built;
    struct chain chain;

    for (uint32_t i = 0; i < PROGRAM_STEPS_MAX; i++) {
        memcpy(built.step[i].action, control_words[REQUIRED].action, sizeof built.step[i].action);
        built.step[i].site_count = 1;
    }
    built.step[PROGRAM_STEPS_MAX - 1].action[REJECT] = ACTION_RESET;
    built.program = (struct program){ built.step, PROGRAM_STEPS_MAX, 0, built.site };
    for (int last = ACCEPT; last <= REJECT; last += REJECT) {
        chain_begin(&chain);
        for (int step; (step = chain_step(&chain, &built.program)) >= 0;)
            chain_say(&chain, &built.program, step == PROGRAM_STEPS_MAX - 1 ? last : ACCEPT);
        for (uint32_t i = 0; i < PROGRAM_STEPS_MAX; i++)
            CHECK_INT(chain_granted(&chain, i), last == ACCEPT);
    }
}

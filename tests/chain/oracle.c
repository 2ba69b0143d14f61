/* SPDX-License-Identifier: MIT */
/*
 * The chain against the real Linux-PAM: the same stack through both, and the whole return code compared.
 * Every stack of up to three steps, and many random ones; always the same, since chance is seeded.
 */
#include "pam_run.h"
#include "test.h"

enum { SHOWN_MAX = 3, RANDOM_STACKS = 20000, RANDOM_GROUPS = 6000 };
enum { SEED_STACKS = 1, SEED_GROUPS = 2 };

struct oracle {
    struct pam_run *run;
    enum pam_how how;
    bool forbidden_is_fault; /* ours says FAULT where PAM says perm_denied: see compare() */
    int compared;
    int differ;
    int accepted;
};

static void oracle_open(struct oracle *oracle, enum pam_how how)
{
    *oracle = (struct oracle){ .run = pam_run_open(), .how = how };
}

static void oracle_close(struct oracle *oracle, int expected_count)
{
    printf("%d stacks compared, %d differ, %d accepted\n", oracle->compared, oracle->differ,
           oracle->accepted);
    CHECK_INT(oracle->compared, expected_count);
    CHECK_INT(oracle->differ, 0);
    CHECK(oracle->accepted > 0 && oracle->accepted < oracle->compared);
    pam_run_close(&oracle->run);
}

/*
 * The mapping: results and DENIED have a PAM code each. A result out of range is `bad` in both; PAM calls it
 * perm_denied, we call it FAULT, because it is the plugin's error. Stacks that compare this hold no step
 * that says FAULT by itself, so that FAULT can be nothing else.
 */
static void compare(struct oracle *oracle, const struct tree *tree)
{
    struct built built;
    int status, code, pam;

    tree_build(tree, &built);
    status = chain_replay(&built.program, built.result);
    code = pam_code_of(status == FAULT && oracle->forbidden_is_fault ? DENIED : status);
    pam = pam_run_stack(oracle->run, tree, oracle->how);
    oracle->compared++;
    oracle->accepted += status == ACCEPT;
    if (code == pam)
        return;
    oracle->differ++;
    if (oracle->differ > SHOWN_MAX)
        return;
    TEST_FAIL("the chain says %d, libpam %d (-1: it complained) to this stack:", code, pam);
    pam_run_print(oracle->run);
}

/* ---- every stack of the words ---- */

/* Choices of one step: the words times these results. */
static const int all_results[] = { ACCEPT, ABSENT, REJECT, UNAVAILABLE, IGNORE, FAULT };
static const int with_forbidden[] = { ACCEPT, ABSENT, REJECT, UNAVAILABLE, IGNORE, FORBIDDEN };
enum { CHOICES = WORD_COUNT * RESULT_COUNT };

static void add_choice(struct tree *tree, int choice, const int *results)
{
    tree_add(tree, 0, choice / RESULT_COUNT, results[choice % RESULT_COUNT]);
}

static void compare_choices(struct oracle *oracle, const int *results, int steps)
{
    int count = 1;

    for (int i = 0; i < steps; i++)
        count *= CHOICES;
    for (int all = 0; all < count; all++) {
        struct tree tree;

        tree_begin(&tree);
        for (int i = 0, rest = all; i < steps; i++, rest /= CHOICES)
            add_choice(&tree, rest % CHOICES, results);
        compare(oracle, &tree);
    }
}

TEST(pam_debug_knows_each_code_by_the_name_we_write)
{
    struct pam_run *run = pam_run_open();

    REQUIRE(run != NULL);
    for (int result = ACCEPT; result <= DENIED; result++)
        CHECK_INT(pam_run_code(run, result), pam_code_of(result));
    CHECK_INT(pam_code_of(ACCEPT), 0);
    CHECK_INT(pam_code_of(DENIED), 6);
    CHECK_INT(pam_run_code(run, FORBIDDEN), 6); /* despite default=ok */
    pam_run_close(&run);
}

TEST(a_stack_that_libpam_cannot_load_is_noticed)
{
    struct pam_run *run = pam_run_open();
    struct tree tree;

    REQUIRE(run != NULL);
    tree_begin(&tree);
    tree_add(&tree, 0, OPTIONAL, ACCEPT);
    CHECK_INT(pam_run_stack(run, &tree, PAM_PLAIN), 0);
    for (int depth = 0, stack = 0; depth < TREE_STACKS_MAX - 1; depth++)
        stack = tree_add_child(&tree, stack, LINE_SUBSTACK);
    tree.stack[tree.count - 1].line[0] = (struct line){ .kind = LINE_SUBSTACK, .child = 77 };
    tree.stack[tree.count - 1].count = 1;
    CHECK_INT(pam_run_stack(run, &tree, PAM_PLAIN), -1); /* there is no s77 */
    pam_run_close(&run);
}

TEST(every_stack_of_one_two_and_three_steps_over_the_four_words_is_as_in_linux_pam)
{
    struct oracle oracle;

    oracle_open(&oracle, PAM_PLAIN);
    REQUIRE(oracle.run != NULL);
    for (int steps = 1; steps <= 3; steps++)
        compare_choices(&oracle, all_results, steps);
    oracle_close(&oracle, CHOICES + CHOICES * CHOICES + CHOICES * CHOICES * CHOICES);
}

TEST(the_bracket_form_of_each_word_means_the_same_to_linux_pam)
{
    struct oracle oracle;

    oracle_open(&oracle, PAM_IN_BRACKETS);
    REQUIRE(oracle.run != NULL);
    compare_choices(&oracle, all_results, 1);
    compare_choices(&oracle, all_results, 2);
    oracle_close(&oracle, CHOICES + CHOICES * CHOICES);
}

TEST(a_forbidden_result_is_bad_whatever_the_word_as_a_code_out_of_range_in_linux_pam)
{
    struct oracle oracle;

    oracle_open(&oracle, PAM_PLAIN);
    REQUIRE(oracle.run != NULL);
    oracle.forbidden_is_fault = true;
    compare_choices(&oracle, with_forbidden, 1);
    compare_choices(&oracle, with_forbidden, 2);
    oracle_close(&oracle, CHOICES + CHOICES * CHOICES);
}

TEST(a_forbidden_result_has_the_status_fault_as_default_bad_on_service_err_in_linux_pam)
{
    struct oracle oracle;

    oracle_open(&oracle, PAM_AS_BAD_FAULT);
    REQUIRE(oracle.run != NULL);
    compare_choices(&oracle, with_forbidden, 1);
    compare_choices(&oracle, with_forbidden, 2);
    oracle_close(&oracle, CHOICES + CHOICES * CHOICES);
}

/* ---- random stacks ---- */

TEST(random_stacks_with_on_jumps_reset_include_and_substack_four_deep_are_as_in_linux_pam)
{
    struct chance chance = { SEED_STACKS };
    struct oracle oracle;
    struct tree tree;

    oracle_open(&oracle, PAM_PLAIN);
    REQUIRE(oracle.run != NULL);
    for (int i = 0; i < RANDOM_STACKS; i++) {
        tree_begin(&tree);
        tree_add_any(&tree, &chance, 0, 0, 1);
        compare(&oracle, &tree);
    }
    oracle_close(&oracle, RANDOM_STACKS);
}

/* The policy refuses such a jump when it is read; the chain denies all the same. */
TEST(a_jump_of_exactly_the_rest_is_legal_and_one_more_is_denied_as_in_linux_pam)
{
    struct oracle oracle;
    struct tree tree;
    int compared = 0;

    oracle_open(&oracle, PAM_PLAIN);
    REQUIRE(oracle.run != NULL);
    for (int rest = 0; rest < 4; rest++)
        for (uint16_t jump = 1; jump <= 6; jump++)
            for (int kind = LINE_STEP; kind <= LINE_SUBSTACK; kind++, compared++) {
                int stack = 0;

                tree_begin(&tree);
                tree_add(&tree, 0, REQUIRED, ACCEPT);
                if (kind != LINE_STEP)
                    stack = tree_add_child(&tree, 0, (enum line_kind)kind);
                tree_add(&tree, stack, OPTIONAL, ACCEPT)->action[ACCEPT] = jump;
                line_unname(&tree.stack[stack].line[tree.stack[stack].count - 1]);
                for (int i = 0; i < rest; i++)
                    tree_add(&tree, stack, REQUIRED, i == 1 ? REJECT : ACCEPT);
                if (kind != LINE_STEP)
                    tree_add(&tree, 0, REQUIRED, ACCEPT);
                compare(&oracle, &tree);
            }
    oracle_close(&oracle, compared);
}

/* ---- groups ---- */

static void add_neighbour(struct tree *tree, int choice)
{
    if (choice < CHOICES)
        add_choice(tree, choice, all_results);
}

/* Any step or none, the group of two, any step or none. */
static void compare_groups(struct oracle *oracle, int word, const int *results, int stride)
{
    enum { NEIGHBOURS = CHOICES + 1, PAIRS = RESULT_COUNT * RESULT_COUNT };

    for (int all = 0; all < NEIGHBOURS * NEIGHBOURS * PAIRS; all += stride) {
        int pair = all % PAIRS, around = all / PAIRS;
        int members[] = { results[pair / RESULT_COUNT], results[pair % RESULT_COUNT] };
        struct tree tree;

        tree_begin(&tree);
        add_neighbour(&tree, around / NEIGHBOURS);
        tree_add_group(&tree, 0, word, 2, members);
        add_neighbour(&tree, around % NEIGHBOURS);
        compare(oracle, &tree);
    }
}

TEST(a_required_group_is_the_substack_of_alternatives_closed_by_an_absent_step)
{
    struct oracle oracle;

    oracle_open(&oracle, PAM_AS_SUBSTACK);
    REQUIRE(oracle.run != NULL);
    compare_groups(&oracle, REQUIRED, all_results, 1);
    oracle_close(&oracle, 25 * 36 * 25);
}

/* Every eleventh: all the pairs and all the neighbours come up, in turns (11 divides none of the counts). */
TEST(a_group_with_any_word_is_the_jump_table_that_finds_its_first_member_in_linux_pam)
{
    enum { STRIDE = 11 };
    struct oracle oracle;

    oracle_open(&oracle, PAM_PLAIN);
    REQUIRE(oracle.run != NULL);
    for (int word = 0; word < WORD_COUNT; word++)
        compare_groups(&oracle, word, all_results, STRIDE);
    oracle_close(&oracle, WORD_COUNT * ((25 * 36 * 25 + STRIDE - 1) / STRIDE));
}

TEST(a_forbidden_result_of_a_member_is_that_of_its_group_as_in_linux_pam)
{
    static const int results[] = { ACCEPT, ABSENT, REJECT, UNAVAILABLE, IGNORE, FORBIDDEN };
    struct oracle oracle;
    struct tree tree;

    oracle_open(&oracle, PAM_PLAIN);
    REQUIRE(oracle.run != NULL);
    oracle.forbidden_is_fault = true;
    for (int word = 0; word < WORD_COUNT; word++)
        for (int all = 0; all < 6 * 6 * 6; all++) {
            int members[] = { results[all % 6], results[all / 6 % 6], results[all / 36] };

            tree_begin(&tree);
            tree_add_group(&tree, 0, word, 3, members);
            compare(&oracle, &tree);
        }
    oracle_close(&oracle, WORD_COUNT * 6 * 6 * 6);
}

TEST(random_stacks_with_groups_under_on_and_in_substacks_are_as_in_linux_pam)
{
    struct chance chance = { SEED_GROUPS };
    struct oracle oracle;
    struct tree tree;

    oracle_open(&oracle, PAM_PLAIN);
    REQUIRE(oracle.run != NULL);
    for (int i = 0; i < RANDOM_GROUPS; i++) {
        tree_begin(&tree);
        tree_add_any(&tree, &chance, 0, 2, 3);
        compare(&oracle, &tree);
    }
    oracle_close(&oracle, RANDOM_GROUPS);
}

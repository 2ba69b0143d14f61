/* SPDX-License-Identifier: MIT */
/*
 * The answer to every walk of three steps, against a second reading of its table: written from the rows as
 * sentences, without the chain's states, slow and plain. Knows the rules, not how answer.c goes about them.
 */
#include "answer.h"

#include "stack.h"
#include "test.h"

enum { STEPS = 3, SITES_MAX = STEPS * STACK_MEMBERS_MAX, SHOWN_MAX = 3 };

/* One walk, as the chain leaves it. */
struct walk {
    struct tree tree;
    struct built built;
    uint8_t results[SITES_MAX];
    uint8_t reasons[SITES_MAX];
    uint8_t logs_in[SITES_MAX];
    int status;
};

static void walk_run(struct walk *walk)
{
    struct chain chain;

    tree_build(&walk->tree, &walk->built);
    memset(walk->reasons, REASON_NONE, sizeof walk->reasons);
    memset(walk->logs_in, 0, sizeof walk->logs_in);
    walk->status = built_walk(&walk->built, &chain, walk->results);
}

static struct answer_facts facts_of(const struct walk *walk)
{
    return (struct answer_facts){ .program = &walk->built.program,
                                  .results = walk->results,
                                  .reasons = walk->reasons,
                                  .logs_in = walk->logs_in,
                                  .status = walk->status,
                                  .require = REQUIRE_MET };
}

/* ---- the second reading ---- */

/* What a step says: of a group the first member that is neither ABSENT nor IGNORE, else ABSENT. */
static int said(const struct line *line, const uint8_t *results)
{
    if (line->member_count == 1)
        return results[0];
    for (int i = 0; i < line->member_count; i++)
        if (results[i] != ABSENT && results[i] != IGNORE)
            return results[i];
    return ABSENT;
}

static bool is_legal(int result)
{
    return result <= FAULT;
}

/* Does the step count against the request? What is no result does, whatever the word. */
static bool counts_against(int word, int result)
{
    bool must_accept = word == REQUIRED || word == REQUISITE;

    return !is_legal(result) || (must_accept && result != ACCEPT && result != IGNORE);
}

/*
 * A stack of the four words accepts if something in it accepted and nothing counted against it, up to where it
 * ends: at a requisite step that did not accept, or a sufficient one that did while all was well.
 */
static bool accepts(const struct tree *tree, const uint8_t *results, int *ret_steps_run)
{
    bool is_well = true, has_accepted = false;

    *ret_steps_run = 0;
    for (int i = 0; i < tree->stack[0].count; i++) {
        const struct line *line = &tree->stack[0].line[i];
        int result = said(line, results);
        bool ends_here;

        ends_here =
            (line->word == SUFFICIENT && result == ACCEPT && is_well) ||
            (line->word == REQUISITE && counts_against(REQUISITE, result) && is_legal(result));
        is_well = is_well && !counts_against(line->word, result);
        has_accepted = has_accepted || result == ACCEPT;
        results += line->member_count;
        *ret_steps_run = i + 1;
        if (ends_here)
            break;
    }
    return is_well && has_accepted;
}

static bool is_accepted(const struct tree *tree, const uint8_t *results)
{
    int steps_run;

    return accepts(tree, results, &steps_run);
}

static int site_count(const struct walk *walk)
{
    return (int)walk->built.program.site_count;
}

/* "the same chain run again with every result in set S turned to ACCEPT and every step not run turned to
 * ACCEPT; true only if the walk held a member of S" */
static bool would(const struct walk *walk, bool with_unavailable, bool with_fault)
{
    uint8_t turned[SITES_MAX];
    bool has_member = false;

    for (int i = 0; i < site_count(walk); i++) {
        bool is_member =
            (with_unavailable && walk->results[i] == UNAVAILABLE) ||
            (with_fault && (walk->results[i] == FAULT || walk->results[i] == FORBIDDEN));

        has_member = has_member || is_member;
        turned[i] = walk->results[i];
        if (is_member || walk->results[i] == CHAIN_NOT_RUN)
            turned[i] = ACCEPT;
    }
    return has_member && is_accepted(&walk->tree, turned);
}

/* "a failing (bad/die) step gave reason …". ABSENT and IGNORE say that nothing was presented, and what is no
 * result has no reason: those do not count. */
static bool a_failing_step_said(const struct walk *walk, enum reason reason)
{
    for (int i = 0; i < site_count(walk); i++) {
        int line = (int)walk->built.site[i].step;
        int result = walk->results[i];
        bool is_presented = result == REJECT || result == UNAVAILABLE || result == FAULT;

        if (is_presented && walk->reasons[i] == reason &&
            counts_against(walk->tree.stack[0].line[line].word, result))
            return true;
    }
    return false;
}

/* "turning only the login steps' ABSENT/REJECT to ACCEPT would accept". What did not run is not known, hence
 * no acceptance; but `permit` always accepts. */
static bool only_a_login_is_missing(const struct walk *walk)
{
    uint8_t turned[SITES_MAX];
    bool has_login = false;

    for (int i = 0; i < site_count(walk); i++) {
        turned[i] = walk->results[i];
        if (walk->logs_in[i] != 0 && (turned[i] == ABSENT || turned[i] == REJECT)) {
            turned[i] = ACCEPT;
            has_login = true;
        }
        if (turned[i] == CHAIN_NOT_RUN && walk->built.site[i].instance == SITE_PERMIT)
            turned[i] = ACCEPT;
    }
    return has_login && is_accepted(&walk->tree, turned);
}

static enum answer_row row_of(const struct walk *walk, const struct answer_facts *facts)
{
    if (is_accepted(&walk->tree, walk->results)) {
        if (facts->require == REQUIRE_MET)
            return ROW_PASS;
        return facts->require != REQUIRE_AUTHENTICATION         ? ROW_FORBIDDEN
               : facts->is_navigation && facts->primary_logs_in ? ROW_LOGIN
                                                                : ROW_AUTHENTICATION;
    }
    if (a_failing_step_said(walk, REASON_INVALID_REQUEST))
        return ROW_INVALID;
    if (a_failing_step_said(walk, REASON_TOO_LARGE))
        return ROW_TOO_LARGE;
    if (would(walk, true, false))
        return ROW_UNAVAILABLE;
    if (would(walk, true, true))
        return ROW_FAULT;
    if (a_failing_step_said(walk, REASON_RATE_LIMITED))
        return ROW_LIMITED;
    if (facts->is_navigation && only_a_login_is_missing(walk))
        return ROW_LOGIN;
    return ROW_CREDENTIALS;
}

/* ---- everything compared ---- */

struct tally {
    long count;
    int differ;
    long rows[ROW_CREDENTIALS + 1];
};

static void print_walk(const struct walk *walk)
{
    for (int i = 0; i < site_count(walk); i++) {
        const struct line *line = &walk->tree.stack[0].line[walk->built.site[i].step];

        fprintf(stderr, "  %s: result %d, reason %d%s\n",
                line->word == WORD_NONE ? "on" : control_words[line->word].word, walk->results[i],
                walk->reasons[i], walk->logs_in[i] != 0 ? ", logs in" : "");
    }
}

static void compare(struct tally *tally, const struct walk *walk, const struct answer_facts *facts)
{
    enum answer_row expected = row_of(walk, facts);
    struct answer_plan plan;

    answer_decide(facts, &plan);
    tally->count++;
    tally->rows[expected]++;
    if (plan.row == expected || ++tally->differ > SHOWN_MAX)
        return;
    TEST_FAIL("row %d, not %d, for the status %d of:", (int)plan.row, (int)expected, walk->status);
    print_walk(walk);
}

static void tally_close(const struct tally *tally, long expected_count)
{
    printf("%ld answers compared, %d differ; by row:", tally->count, tally->differ);
    for (int row = ROW_PASS; row <= ROW_CREDENTIALS; row++)
        printf(" %d: %ld", row, tally->rows[row]);
    printf("\n");
    CHECK_INT(tally->count, expected_count);
    CHECK_INT(tally->differ, 0);
}

enum { RESULTS = 7, CHOICES = WORD_COUNT * RESULTS };
static const int results_of_choice[RESULTS] = { ACCEPT, ABSENT, REJECT,   UNAVAILABLE,
                                                IGNORE, FAULT,  FORBIDDEN };

static void begin_single(struct walk *walk, int all)
{
    tree_begin(&walk->tree);
    for (int i = 0; i < STEPS; i++, all /= CHOICES)
        tree_add(&walk->tree, 0, all % CHOICES / RESULTS, results_of_choice[all % RESULTS]);
    walk_run(walk);
}

/* Each of the three steps gives one of four reasons; no navigation, or one where these steps log in. */
static void compare_reasons_and_logins(struct tally *tally, struct walk *walk)
{
    static const uint8_t reasons[] = { REASON_NONE, REASON_INVALID_REQUEST, REASON_RATE_LIMITED,
                                       REASON_TOO_LARGE };
    struct answer_facts facts = facts_of(walk);

    for (int reason = 0; reason < 64; reason++) {
        walk->reasons[0] = reasons[reason % 4];
        walk->reasons[1] = reasons[reason / 4 % 4];
        walk->reasons[2] = reasons[reason / 16];
        for (int login = 0; login < 8; login++) {
            for (int i = 0; i < STEPS; i++)
                walk->logs_in[i] = (uint8_t)(login >> i & 1);
            facts.is_navigation = true;
            compare(tally, walk, &facts);
        }
        facts.is_navigation = false;
        compare(tally, walk, &facts);
    }
}

TEST(every_walk_of_three_steps_with_all_reasons_and_logins_is_answered_as_the_table_says)
{
    static struct walk walk;
    struct tally tally = { 0 };

    for (int all = 0; all < CHOICES * CHOICES * CHOICES; all++) {
        begin_single(&walk, all);
        compare_reasons_and_logins(&tally, &walk);
    }
    tally_close(&tally, (long)CHOICES * CHOICES * CHOICES * 64 * 9);
    for (int row = ROW_PASS; row <= ROW_CREDENTIALS; row++) /* with `require` met */
        CHECK((tally.rows[row] > 0) == (row != ROW_AUTHENTICATION && row != ROW_FORBIDDEN));
}

/* What a step may say, a group of two included: its second member is asked if the first is ABSENT or IGNORE. */
enum {
    DECIDERS = 5,
    SAYINGS = RESULTS + DECIDERS + 2 * RESULTS,
    GROUP_CHOICES = WORD_COUNT * SAYINGS
};

static void add_saying(struct tree *tree, int word, int saying)
{
    static const int deciders[DECIDERS] = { ACCEPT, REJECT, UNAVAILABLE, FAULT, FORBIDDEN };
    int members[2] = { ABSENT, ACCEPT };

    if (saying < RESULTS) {
        tree_add(tree, 0, word, results_of_choice[saying]);
        return;
    }
    saying -= RESULTS;
    if (saying < DECIDERS) {
        members[0] = deciders[saying];
    } else {
        saying -= DECIDERS;
        members[0] = saying < RESULTS ? ABSENT : IGNORE;
        members[1] = results_of_choice[saying % RESULTS];
    }
    tree_add_group(tree, 0, word, 2, members);
}

static void begin_grouped(struct walk *walk, int all)
{
    tree_begin(&walk->tree);
    for (int i = 0; i < STEPS; i++, all /= GROUP_CHOICES)
        add_saying(&walk->tree, all % GROUP_CHOICES / SAYINGS, all % SAYINGS);
    walk_run(walk);
}

/* Which of them ran was said by the chain: is it what the second reading says? */
static bool ran_as_read(const struct walk *walk)
{
    int steps_run;

    if (accepts(&walk->tree, walk->built.result, &steps_run) != (walk->status == ACCEPT))
        return false;
    for (int i = 0; i < site_count(walk); i++) {
        const struct step *step = &walk->built.step[walk->built.site[i].step];
        int first = walk->built.result[step->first_site];
        bool is_asked = i == step->first_site || first == ABSENT || first == IGNORE;
        bool runs = (int)walk->built.site[i].step < steps_run && is_asked;

        if (walk->results[i] != (runs ? walk->built.result[i] : CHAIN_NOT_RUN))
            return false;
    }
    return true;
}

/* Reasons, logins, `permit` and `deny` where their result allows it. */
static void dress(struct walk *walk, struct chance *chance)
{
    for (int i = 0; i < site_count(walk); i++) {
        int result = walk->built.result[i];
        bool is_fixed = (result == ACCEPT || result == REJECT) && chance_below(chance, 4) == 0;

        walk->built.site[i].instance = i;
        walk->reasons[i] = REASON_NONE;
        walk->logs_in[i] = !is_fixed && chance_below(chance, 3) == 0;
        if (is_fixed)
            walk->built.site[i].instance = result == ACCEPT ? SITE_PERMIT : SITE_DENY;
        else if (chance_below(chance, 3) == 0)
            walk->reasons[i] = (uint8_t)chance_below(chance, REASON_TOO_LARGE + 1);
    }
}

TEST(every_walk_of_three_steps_or_groups_is_answered_as_the_table_says)
{
    enum { SEED = 4, DRESSES = 2 };
    static struct walk walk;
    struct chance chance = { SEED };
    struct tally tally = { 0 };
    int misread = 0;

    for (int all = 0; all < GROUP_CHOICES * GROUP_CHOICES * GROUP_CHOICES; all++) {
        struct answer_facts facts;

        begin_grouped(&walk, all);
        misread += !ran_as_read(&walk);
        facts = facts_of(&walk);
        compare(&tally, &walk, &facts);
        for (int i = 0; i < DRESSES; i++) {
            dress(&walk, &chance);
            facts.is_navigation = chance_below(&chance, 4) != 0;
            compare(&tally, &walk, &facts);
        }
    }
    CHECK_INT(misread, 0);
    tally_close(&tally, (long)GROUP_CHOICES * GROUP_CHOICES * GROUP_CHOICES * (1 + DRESSES));
}

/* Rows 4 to 6, and what the answer carries. */
TEST(an_accepted_walk_is_judged_by_what_the_rule_requires)
{
    static struct walk walk;
    struct tally tally = { 0 };
    long accepted = 0;

    for (int all = 0; all < CHOICES * CHOICES * CHOICES; all++) {
        struct answer_facts facts;

        begin_single(&walk, all);
        if (walk.status != ACCEPT)
            continue;
        accepted++;
        facts = facts_of(&walk);
        for (int require = REQUIRE_MET; require <= REQUIRE_CROSS_SITE; require++)
            for (int more = 0; more < 8; more++) {
                bool is_scope = require == REQUIRE_SCOPE && (more & 1) != 0;
                struct answer_plan plan;

                facts.require = (enum require_verdict)require;
                facts.primary_is_token = (more & 1) != 0;
                facts.is_navigation = (more & 2) != 0;
                facts.primary_logs_in = (more & 4) != 0;
                compare(&tally, &walk, &facts);
                answer_decide(&facts, &plan);
                CHECK_INT(plan.says_scope, is_scope);
                CHECK_INT(plan.asks_challenges, is_scope || require == REQUIRE_AUTHENTICATION);
            }
    }
    CHECK(accepted > 0);
    tally_close(&tally, accepted * 8 * REQUIRE_CROSS_SITE);
}

/* SPDX-License-Identifier: MIT */
/*
 * The worked examples of the answer's table, each by itself: the walk, PAM's code for it, and the answer. Also
 * what each row of the table looks like, and the reasons' words.
 */
#include "answer.h"

#include "stack.h"
#include "test.h"

enum {
    ALTERNATIVE = WORD_COUNT,
    GROUP_OF_TWO = 16
}; /* GROUP_OF_TWO + word: of this and the next result */
enum { STEPS_MAX = 3, SITES_MAX = 3, NONE = CHAIN_NOT_RUN };

struct example {
    const char *about;
    int words[STEPS_MAX]; /* -1: no more */
    int results[SITES_MAX];
    bool is_not_run[SITES_MAX];
    int code; /* libpam's; -1: the example names none */
    enum answer_row row;
};

#define PKT                                                                                        \
    {                                                                                              \
        REQUIRED, ALTERNATIVE, REQUIRED                                                            \
    }
#define REST_NOT_RUN                                                                               \
    {                                                                                              \
        false, false, true                                                                         \
    }

/* Where an example says "-", the step holds what would change the answer if it were asked. */
static const struct example examples[] = {
    /* {required peers}, {alternative keys}, {required tokens} */
    { "ACC ACC -", PKT, { ACCEPT, ACCEPT, REJECT }, REST_NOT_RUN, 0, ROW_PASS },
    { "ACC ABS ACC", PKT, { ACCEPT, ABSENT, ACCEPT }, { 0 }, 0, ROW_PASS },
    { "ACC ABS ABS", PKT, { ACCEPT, ABSENT, ABSENT }, { 0 }, 15, ROW_CREDENTIALS },
    { "ACC ABS REJ", PKT, { ACCEPT, ABSENT, REJECT }, { 0 }, 7, ROW_CREDENTIALS },
    { "ACC ABS UNA", PKT, { ACCEPT, ABSENT, UNAVAILABLE }, { 0 }, 9, ROW_UNAVAILABLE },
    { "ACC ABS FLT", PKT, { ACCEPT, ABSENT, FAULT }, { 0 }, 3, ROW_FAULT },
    { "ACC REJ -", PKT, { ACCEPT, REJECT, ACCEPT }, REST_NOT_RUN, 7, ROW_CREDENTIALS },
    { "ACC UNA -", PKT, { ACCEPT, UNAVAILABLE, ACCEPT }, REST_NOT_RUN, 9, ROW_UNAVAILABLE },
    { "ABS ACC ACC (all run)", PKT, { ABSENT, ACCEPT, ACCEPT }, { 0 }, 15, ROW_CREDENTIALS },
    { "ABS REJ -", PKT, { ABSENT, REJECT, ACCEPT }, REST_NOT_RUN, 15, ROW_CREDENTIALS },
    { "REJ UNA -", PKT, { REJECT, UNAVAILABLE, ACCEPT }, REST_NOT_RUN, 7, ROW_CREDENTIALS },
    { "UNA ABS ACC", PKT, { UNAVAILABLE, ABSENT, ACCEPT }, { 0 }, 9, ROW_UNAVAILABLE },
    { "UNA ABS REJ", PKT, { UNAVAILABLE, ABSENT, REJECT }, { 0 }, 9, ROW_CREDENTIALS },
    { "UNA REJ -", PKT, { UNAVAILABLE, REJECT, ACCEPT }, REST_NOT_RUN, 9, ROW_CREDENTIALS },
    { "FLT ABS ACC", PKT, { FAULT, ABSENT, ACCEPT }, { 0 }, 3, ROW_FAULT },
    { "ACC IGN IGN: pass on the certificate alone",
      PKT,
      { ACCEPT, IGNORE, IGNORE },
      { 0 },
      0,
      ROW_PASS },

    /* the other chains */
    { "sufficient, required: UNA ABS",
      { SUFFICIENT, REQUIRED, -1 },
      { UNAVAILABLE, ABSENT },
      { 0 },
      -1,
      ROW_UNAVAILABLE },
    { "sufficient, required: UNA REJ",
      { SUFFICIENT, REQUIRED, -1 },
      { UNAVAILABLE, REJECT },
      { 0 },
      -1,
      ROW_UNAVAILABLE },
    { "sufficient, required: REJ ABS",
      { SUFFICIENT, REQUIRED, -1 },
      { REJECT, ABSENT },
      { 0 },
      -1,
      ROW_CREDENTIALS },
    { "sufficient, required: FLT ABS",
      { SUFFICIENT, REQUIRED, -1 },
      { FAULT, ABSENT },
      { 0 },
      -1,
      ROW_FAULT },
    { "requisite, required: UNA -",
      { REQUISITE, REQUIRED, -1 },
      { UNAVAILABLE, REJECT },
      { false, true },
      -1,
      ROW_UNAVAILABLE },
    { "requisite, required: ABS -",
      { REQUISITE, REQUIRED, -1 },
      { ABSENT, ACCEPT },
      { false, true },
      -1,
      ROW_CREDENTIALS },
    { "optional, required: REJ ACC",
      { OPTIONAL, REQUIRED, -1 },
      { REJECT, ACCEPT },
      { 0 },
      0,
      ROW_PASS },
    { "optional, required: UNA ABS",
      { OPTIONAL, REQUIRED, -1 },
      { UNAVAILABLE, ABSENT },
      { 0 },
      -1,
      ROW_CREDENTIALS },
    { "optional, required: REJ UNA",
      { OPTIONAL, REQUIRED, -1 },
      { REJECT, UNAVAILABLE },
      { 0 },
      -1,
      ROW_UNAVAILABLE },
    { "optional, optional: ABS ABS",
      { OPTIONAL, OPTIONAL, -1 },
      { ABSENT, ABSENT },
      { 0 },
      -1,
      ROW_CREDENTIALS },
    { "optional, optional: REJ UNA",
      { OPTIONAL, OPTIONAL, -1 },
      { REJECT, UNAVAILABLE },
      { 0 },
      -1,
      ROW_UNAVAILABLE },
    { "optional, optional: ACC REJ",
      { OPTIONAL, OPTIONAL, -1 },
      { ACCEPT, REJECT },
      { 0 },
      0,
      ROW_PASS },

    /* why the status of the first failure does not decide */
    { "required peers UNA, alternative keys REJ",
      { REQUIRED, ALTERNATIVE, -1 },
      { UNAVAILABLE, REJECT },
      { 0 },
      9,
      ROW_CREDENTIALS },

    /* F1: alternatives at the end are open; the group is not */
    { "F1: ACC ABS ABS",
      { REQUIRED, ALTERNATIVE, ALTERNATIVE },
      { ACCEPT, ABSENT, ABSENT },
      { 0 },
      0,
      ROW_PASS },
    { "F1: alternative first, then required",
      { ALTERNATIVE, REQUIRED, REQUIRED },
      { ACCEPT, REJECT, REJECT },
      { false, true, true },
      0,
      ROW_PASS },
    { "F1: ACC, group ABS ABS",
      { REQUIRED, GROUP_OF_TWO + REQUIRED, -1 },
      { ACCEPT, ABSENT, ABSENT },
      { 0 },
      15,
      ROW_CREDENTIALS },
    { "group: a wrong key is not rescued",
      { REQUIRED, GROUP_OF_TWO + REQUIRED, -1 },
      { ACCEPT, REJECT, ACCEPT },
      REST_NOT_RUN,
      7,
      ROW_CREDENTIALS },
    { "group: nor is one that cannot be looked up",
      { REQUIRED, GROUP_OF_TWO + REQUIRED, -1 },
      { ACCEPT, UNAVAILABLE, ACCEPT },
      REST_NOT_RUN,
      9,
      ROW_UNAVAILABLE },

    /* F2: IGNORE makes `required` vacuous */
    { "F2: IGN ACC -", PKT, { IGNORE, ACCEPT, REJECT }, REST_NOT_RUN, 0, ROW_PASS },
};

/* [success=done cred_unavail=ignore ignore=ignore default=die] */
static void add_alternative(struct tree *tree, int result)
{
    struct line *line = tree_add(tree, 0, REQUIRED, result);

    line_unname(line);
    for (int i = 0; i < RESULT_COUNT; i++)
        line->action[i] = ACTION_DIE;
    line->action[ACCEPT] = ACTION_DONE;
    line->action[ABSENT] = ACTION_IGNORE;
    line->action[IGNORE] = ACTION_IGNORE;
}

static void write_example(const struct example *example, struct tree *ret_tree)
{
    const int *result = example->results;

    tree_begin(ret_tree);
    for (int i = 0; i < STEPS_MAX && example->words[i] >= 0; i++) {
        int word = example->words[i];

        if (word == ALTERNATIVE)
            add_alternative(ret_tree, *result++);
        else if (word < ALTERNATIVE)
            tree_add(ret_tree, 0, word, *result++);
        else {
            tree_add_group(ret_tree, 0, word - GROUP_OF_TWO, 2, result);
            result += 2;
        }
    }
}

static void check_example(const struct example *example)
{
    static const int codes[] = { 0, 15, 7, 9, 25, 3, 6 }; /* Linux-PAM's, by status; 6: DENIED */
    static const uint8_t no_reasons[SITES_MAX];
    uint8_t results[SITES_MAX];
    struct tree tree;
    struct built built;
    struct chain chain;
    struct answer_facts facts = {
        .program = &built.program, .results = results, .reasons = no_reasons, .require = REQUIRE_MET
    };
    struct answer_plan plan;
    int failures = test_failures;

    write_example(example, &tree);
    tree_build(&tree, &built);
    facts.status = built_walk(&built, &chain, results);
    answer_decide(&facts, &plan);
    CHECK_INT(plan.row, example->row);
    if (example->code >= 0)
        CHECK_INT(codes[facts.status], example->code);
    for (uint32_t i = 0; i < built.program.site_count; i++)
        CHECK_INT(results[i] == NONE, example->is_not_run[i]);
    CHECK_INT(chain_replay(&built.program, results), facts.status);
    if (test_failures > failures)
        fprintf(stderr, "  in the example %s\n", example->about);
}

TEST(each_worked_example_has_the_code_of_linux_pam_and_the_answer_that_was_worked_out)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        check_example(&examples[i]);
}

/* ---- what each row looks like ---- */

struct face {
    enum reason reason;
    enum require_verdict require;
    int result;
    bool logs_in;
    struct answer_plan plan;
};

/* One required step that says `result`. */
static const struct face faces[] = {
    { REASON_NONE, REQUIRE_MET, ACCEPT, false, { ROW_PASS, 0, 200, false, false } },
    { REASON_NONE,
      REQUIRE_AUTHENTICATION,
      ACCEPT,
      false,
      { ROW_AUTHENTICATION, PAA_WHY_CREDENTIALS, 401, true, false } },
    { REASON_NONE,
      REQUIRE_SCOPE,
      ACCEPT,
      false,
      { ROW_FORBIDDEN, PAA_WHY_FORBIDDEN, 403, false, false } },
    { REASON_NONE,
      REQUIRE_OTHER,
      ACCEPT,
      false,
      { ROW_FORBIDDEN, PAA_WHY_FORBIDDEN, 403, false, false } },
    { REASON_INVALID_REQUEST, 0, REJECT, true, { ROW_INVALID, PAA_WHY_REQUEST, 400, true, false } },
    { REASON_INVALID_REQUEST, 0, FAULT, true, { ROW_INVALID, PAA_WHY_REQUEST, 400, true, false } },
    { REASON_RATE_LIMITED,
      0,
      UNAVAILABLE,
      true,
      { ROW_UNAVAILABLE, PAA_WHY_UNAVAILABLE, 503, false, false } },
    { REASON_RATE_LIMITED, 0, FAULT, true, { ROW_FAULT, PAA_WHY_FAULT, 500, false, false } },
    { REASON_NONE, 0, FORBIDDEN, true, { ROW_FAULT, PAA_WHY_FAULT, 500, false, false } },
    { REASON_RATE_LIMITED, 0, REJECT, true, { ROW_LIMITED, PAA_WHY_LIMITED, 429, false, false } },
    { REASON_NONE, 0, ABSENT, true, { ROW_LOGIN, PAA_WHY_LOGIN, 302, true, false } },
    { REASON_INVALID_TOKEN, 0, REJECT, true, { ROW_LOGIN, PAA_WHY_LOGIN, 302, true, false } },
    { REASON_INVALID_TOKEN,
      0,
      REJECT,
      false,
      { ROW_CREDENTIALS, PAA_WHY_CREDENTIALS, 401, true, false } },
    { REASON_INVALID_REQUEST,
      0,
      ABSENT,
      false,
      { ROW_CREDENTIALS, PAA_WHY_CREDENTIALS, 401, true, false } },
    { REASON_NONE, 0, IGNORE, true, { ROW_CREDENTIALS, PAA_WHY_CREDENTIALS, 401, true, false } },
};

static void check_face(const struct face *face)
{
    uint8_t reason = (uint8_t)face->reason, logs_in = face->logs_in, result = (uint8_t)face->result;
    struct answer_plan plan;
    struct tree tree;
    struct built built;

    tree_begin(&tree);
    tree_add(&tree, 0, REQUIRED, face->result);
    tree_build(&tree, &built);
    answer_decide(&(struct answer_facts){ .program = &built.program,
                                          .results = &result,
                                          .reasons = &reason,
                                          .logs_in = &logs_in,
                                          .status = chain_replay(&built.program, &result),
                                          .require = face->require,
                                          .is_navigation = true },
                  &plan);
    CHECK_INT(plan.row, face->plan.row);
    CHECK_INT(plan.code, face->plan.code);
    CHECK_INT(plan.why, face->plan.why);
    CHECK_INT(plan.asks_challenges, face->plan.asks_challenges);
    CHECK_INT(plan.says_scope, face->plan.says_scope);
}

TEST(each_row_has_its_status_its_why_and_its_challenges)
{
    for (size_t i = 0; i < sizeof faces / sizeof faces[0]; i++)
        check_face(&faces[i]);
}

TEST(a_conflict_or_a_cross_site_request_is_forbidden_without_a_challenge)
{
    for (int require = REQUIRE_CONFLICT; require <= REQUIRE_CROSS_SITE; require++)
        check_face(
            &(struct face){ .require = (enum require_verdict)require,
                            .result = ACCEPT,
                            .plan = { ROW_FORBIDDEN, PAA_WHY_FORBIDDEN, 403, false, false } });
}

TEST(a_reason_is_known_by_its_whole_word)
{
    CHECK_INT(reason_of("invalid_request"), REASON_INVALID_REQUEST);
    CHECK_INT(reason_of("invalid_token"), REASON_INVALID_TOKEN);
    CHECK_INT(reason_of("use_dpop_nonce"), REASON_USE_DPOP_NONCE);
    CHECK_INT(reason_of("insufficient_user_authentication"),
              REASON_INSUFFICIENT_USER_AUTHENTICATION);
    CHECK_INT(reason_of("insufficient_scope"), REASON_INSUFFICIENT_SCOPE);
    CHECK_INT(reason_of("rate_limited"), REASON_RATE_LIMITED);
    CHECK_INT(reason_of("rate_limite"), REASON_NONE);
    CHECK_INT(reason_of("rate_limited_"), REASON_NONE);
    CHECK_INT(reason_of(""), REASON_NONE);
    CHECK_INT(reason_of(NULL), REASON_NONE);
}

/* ---- navigation ---- */

/* {first word: login}, {second word: key}: the row for a browser's navigation. */
static enum answer_row row_of_login(int word, int result, int second_word, int second_result,
                                    bool second_is_permit, bool is_navigation)
{
    static const uint8_t no_reasons[SITES_MAX], logs_in[SITES_MAX] = { 1, 0, 0 };
    uint8_t results[SITES_MAX];
    struct tree tree;
    struct built built;
    struct chain chain;
    struct answer_facts facts = { .program = &built.program,
                                  .results = results,
                                  .reasons = no_reasons,
                                  .logs_in = logs_in,
                                  .is_navigation = is_navigation };
    struct answer_plan plan;

    tree_begin(&tree);
    tree_add(&tree, 0, word, result);
    tree_add(&tree, 0, second_word, second_result);
    tree_build(&tree, &built);
    if (second_is_permit)
        built.site[1].instance = SITE_PERMIT;
    facts.status = built_walk(&built, &chain, results);
    answer_decide(&facts, &plan);
    return plan.row;
}

TEST(a_browser_is_sent_to_log_in_only_if_nothing_else_is_missing)
{
    CHECK_INT(row_of_login(REQUIRED, ABSENT, REQUIRED, ACCEPT, false, true), ROW_LOGIN);
    CHECK_INT(row_of_login(REQUIRED, REJECT, REQUIRED, ACCEPT, false, true), ROW_LOGIN);
    CHECK_INT(row_of_login(REQUIRED, ABSENT, OPTIONAL, ABSENT, false, true), ROW_LOGIN);
    CHECK_INT(row_of_login(SUFFICIENT, ABSENT, REQUIRED, ABSENT, false, true), ROW_LOGIN);
    CHECK_INT(row_of_login(REQUIRED, ABSENT, REQUIRED, ABSENT, false, true), ROW_CREDENTIALS);
    CHECK_INT(row_of_login(REQUIRED, ABSENT, REQUIRED, REJECT, false, true), ROW_CREDENTIALS);
    CHECK_INT(row_of_login(REQUIRED, UNAVAILABLE, REQUIRED, ACCEPT, false, true), ROW_UNAVAILABLE);
}

TEST(no_one_is_sent_to_log_in_who_is_not_a_browser_on_its_way_to_a_page)
{
    CHECK_INT(row_of_login(REQUIRED, ABSENT, REQUIRED, ACCEPT, false, false), ROW_CREDENTIALS);
    CHECK_INT(row_of_login(SUFFICIENT, ABSENT, REQUIRED, ABSENT, false, false), ROW_CREDENTIALS);
}

TEST(a_step_that_was_not_asked_is_not_taken_for_granted_but_permit_is)
{
    CHECK_INT(row_of_login(REQUISITE, ABSENT, REQUIRED, ACCEPT, false, true), ROW_CREDENTIALS);
    CHECK_INT(row_of_login(REQUISITE, ABSENT, REQUIRED, ACCEPT, true, true), ROW_LOGIN);
}

TEST(a_result_out_of_range_fails_the_chain_with_the_status_fault_whatever_its_word)
{
    for (int word = 0; word < WORD_COUNT; word++) {
        struct tree tree;
        struct built built;

        tree_begin(&tree);
        tree_add(&tree, 0, word, FORBIDDEN);
        tree_add(&tree, 0, REQUIRED, ACCEPT);
        tree_build(&tree, &built);
        CHECK_INT(chain_replay(&built.program, built.result), FAULT);
    }
}

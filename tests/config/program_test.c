/* SPDX-License-Identifier: MIT */
/* From steps to programs: levels, jumps, groups, cycles, bounds. */
#include "reading.h"
#include "str.h"
#include "test.h"

/* chains and the steps of the only rule. */
static const struct program *expand(struct reading *reading, const char *chains, const char *steps)
{
    struct policy_file file = { "t", "/", STR_NONE };
    struct buf buf;

    reading_begin(reading);
    buf_init(&buf, 1 << 20);
    buf_printf(&buf,
               "instances = { a = { plugin = \"x\"; }; b = { plugin = \"x\"; }; c = { plugin = "
               "\"x\"; }; };\nchains = { %s };\nservices = { s = { direction = \"incoming\"; chain "
               "=\n%s; }; };",
               chains, steps);
    file.text = buf_str(&buf);
    reading->policy = policy_parse(&file, 1, &reading->arena, &reading->diag);
    buf_free(&buf);
    return reading->policy != NULL ? &reading->policy->services[0].rules[0].program : NULL;
}

/* "a0 [0 b1 c0": instances with their level, "[" a substack's marker. */
static void show(const struct program *program, struct buf *buf)
{
    for (uint32_t i = 0; i < program->step_count; i++) {
        const struct step *step = &program->steps[i];

        if (step->is_substack)
            buf_add_text(buf, "[");
        for (uint16_t k = 0; k < step->site_count; k++)
            buf_add_char(buf, (char)('a' + program->sites[step->first_site + k].instance));
        buf_printf(buf, "%d ", step->level);
    }
}

static void check_shape(const char *chains, const char *steps, const char *shape)
{
    struct reading reading;
    const struct program *program = expand(&reading, chains, steps);
    struct buf buf;

    buf_init(&buf, 1 << 16);
    if (program == NULL)
        TEST_FAIL("was refused: %s", reading_text(&reading));
    else
        show(program, &buf);
    CHECK_STR(buf_str(&buf), shape);
    buf_free(&buf);
    reading_end(&reading);
}

static void check_refused(const char *chains, const char *steps, const char *finding)
{
    struct reading reading;

    if (expand(&reading, chains, steps) != NULL)
        TEST_FAIL("was read: %s", steps);
    CHECK_HAS(reading_text(&reading), finding);
    CHECK_INT(reading.diag.errors, 1);
    reading_end(&reading);
}

#define JUMP(n) "{ use = \"a\"; on = { accept = " n "; default = \"bad\"; } }"
#define A       "{ required = \"a\" }"
#define B       "{ required = \"b\" }"

TEST(includes_expand_at_the_same_level)
{
    check_shape("x = ( " B ", { include = \"y\" } ); y = ( { optional = \"c\" } );",
                "( " A ", { include = \"x\" }, " A " )", "a0 b0 c0 a0 ");
}

TEST(substacks_open_a_level)
{
    check_shape("x = ( " B ", { substack = \"y\" }, " B " ); y = ( { optional = \"c\" } );",
                "( " A ", { substack = \"x\" }, " A " )", "a0 [0 b1 [1 c2 b1 a0 ");
    check_shape("x = ();", "( { substack = \"x\" }, " A " )", "[0 a0 ");
}

TEST(a_rule_may_name_its_chain)
{
    check_shape("x = ( " B ", " A " );", "\"x\"", "b0 a0 ");
}

TEST(a_group_is_one_step_with_several_sites)
{
    check_shape("", "( { sufficient = [ \"a\", \"b\", \"c\" ] }, " B " )", "abc0 b0 ");
}

TEST(control_words_mean_what_linux_pam_means)
{
    static const struct {
        const char *word;
        uint16_t action[RESULT_COUNT];
    } words[] = {
        { "required",
          { ACTION_OK, ACTION_BAD, ACTION_BAD, ACTION_BAD, ACTION_IGNORE, ACTION_BAD } },
        { "requisite",
          { ACTION_OK, ACTION_DIE, ACTION_DIE, ACTION_DIE, ACTION_IGNORE, ACTION_DIE } },
        { "sufficient",
          { ACTION_DONE, ACTION_IGNORE, ACTION_IGNORE, ACTION_IGNORE, ACTION_IGNORE,
            ACTION_IGNORE } },
        { "optional",
          { ACTION_OK, ACTION_IGNORE, ACTION_IGNORE, ACTION_IGNORE, ACTION_IGNORE,
            ACTION_IGNORE } },
    };

    for (size_t i = 0; i < 4; i++) {
        const struct program *program;
        struct reading reading;
        char steps[64];

        (void)snprintf(steps, sizeof steps, "( { %s = \"a\" } )", words[i].word);
        program = expand(&reading, "", steps);
        REQUIRE(program != NULL);
        CHECK_STR(paa_str_of(program->steps[0].control), words[i].word);
        for (int k = 0; k < RESULT_COUNT; k++)
            CHECK_INT(program->steps[0].action[k], words[i].action[k]);
        reading_end(&reading);
    }
}

TEST(on_without_default_is_bad_for_everything_unnamed_ignore_included)
{
    struct reading reading;
    const struct program *program =
        expand(&reading, "",
               "( { use = \"a\"; on = { accept = \"done\"; absent = 1; } }, " B ", " B " )");

    REQUIRE(program != NULL);
    CHECK_INT(program->steps[0].action[0], ACTION_DONE);
    CHECK_INT(program->steps[0].action[1], 1);
    for (int k = 2; k < RESULT_COUNT; k++)
        CHECK_INT(program->steps[0].action[k], ACTION_BAD);
    CHECK_STR(paa_str_of(program->steps[0].control), "on");
    reading_end(&reading);
}

TEST(on_with_default_covers_ignore_too)
{
    struct reading reading;
    const struct program *program = expand(
        &reading, "",
        "( { use = \"a\"; on = { accept = \"ok\"; fault = \"ignore\"; default = \"die\"; } } )");

    REQUIRE(program != NULL);
    CHECK_INT(program->steps[0].action[4], ACTION_DIE);
    CHECK_INT(program->steps[0].action[5], ACTION_IGNORE);
    reading_end(&reading);
}

TEST(a_jump_of_exactly_the_rest_is_legal)
{
    check_shape("", "( " JUMP("2") ", " A ", " B " )", "a0 a0 b0 ");
    check_shape("x = ( " A ", " A " );", "( " JUMP("2") ", { substack = \"x\" }, " B " )",
                "a0 [0 a1 a1 b0 ");
    check_shape("x = ( " A ", " A " );", "( " JUMP("3") ", { include = \"x\" }, " B " )",
                "a0 a0 a0 b0 ");
}

TEST(a_jump_beyond_the_rest_of_its_level_is_refused)
{
    check_refused("", "( " JUMP("3") ", " A ", " B " )",
                  "error t:4: a jump of 3 goes beyond the end: 2 steps of this level follow");
    check_refused("x = ( " A ", " A " );", "( " JUMP("3") ", { substack = \"x\" }, " B " )",
                  "a jump of 3 goes beyond the end: 2 steps");
    check_refused("x = ( " JUMP("1") " );", "( { substack = \"x\" }, " B " )",
                  "error t:2: a jump of 1 goes beyond the end: 0 steps");
}

TEST(a_jump_that_leaves_its_include_is_warned_of_once)
{
    struct reading reading;

    CHECK(expand(&reading, "x = ( " JUMP("1") " );",
                 "( { include = \"x\" }, " A ", { include = \"x\" }, " B " )") != NULL);
    CHECK_INT(reading.diag.warnings, 2); /* and instance c */
    CHECK_HAS(reading_text(&reading), "warning t:2: a jump of 1 leaves chain \"x\"");
    reading_end(&reading);
}

TEST(cycles_are_refused_and_printed)
{
    check_refused("x = ( { include = \"y\" } ); y = ( " A ", { substack = \"x\" } );",
                  "( { include = \"x\" } )", "chains go round in a circle: x -> y -> x");
    check_refused("x = ( { include = \"x\" } );", "( " A " )",
                  "error t:2: chains go round in a circle: x -> x");
}

/* c0 comes to c1, c1 to c2, ...: n chains, the last one plain. */
static void add_line(struct buf *buf, const char *word, int n)
{
    for (int i = 0; i < n - 1; i++)
        buf_printf(buf, "c%d = ( { %s = \"c%d\" } );", i, word, i + 1);
    buf_printf(buf, "c%d = ( " A " );", n - 1);
}

TEST(nesting_of_includes_and_substacks_is_bounded)
{
    static const char *const words[] = { "include", "substack" };

    for (int w = 0; w < 2; w++)
        for (int n = 16; n <= 17; n++) {
            struct reading reading;
            struct buf buf;
            char steps[40];

            buf_init(&buf, 1 << 16);
            add_line(&buf, words[w], n);
            (void)snprintf(steps, sizeof steps, "( { %s = \"c0\" } )", words[w]);
            CHECK((expand(&reading, buf.data, steps) != NULL) == (n == 16));
            if (n == 17)
                CHECK_HAS(reading_text(&reading), "nested deeper than 16");
            buf_free(&buf);
            reading_end(&reading);
        }
}

TEST(a_very_long_line_of_chains_is_refused_and_crashes_nothing)
{
    struct reading reading;
    struct buf buf;

    buf_init(&buf, 1 << 20);
    add_line(&buf, "include", 5000);
    CHECK(expand(&reading, buf.data, "\"c0\"") == NULL);
    CHECK_HAS(reading_text(&reading), "includes are nested deeper than 16");
    buf_free(&buf);
    reading_end(&reading);
}

/* Sixteen chains of a hundred includes each, the last one empty: 100^16 entries if nobody counts. */
TEST(work_is_bounded_even_where_no_step_comes_of_it)
{
    struct reading reading;
    struct buf buf;

    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 15; i++) {
        buf_printf(&buf, "c%d = ( { include = \"c%d\" }", i, i + 1);
        for (int k = 1; k < 100; k++)
            buf_printf(&buf, ", { include = \"c%d\" }", i + 1);
        buf_add_text(&buf, " );");
    }
    buf_add_text(&buf, "c15 = ();");
    CHECK(expand(&reading, buf.data, "( " A " )") == NULL);
    CHECK_HAS(reading_text(&reading), "includes and substacks of this chain are more than 256");
    buf_free(&buf);
    reading_end(&reading);
}

TEST(programs_and_groups_are_bounded)
{
    struct reading reading;
    struct buf steps, chain;

    buf_init(&steps, 1 << 20);
    buf_init(&chain, 1 << 20);
    buf_add_text(&chain, "x = ( " A);
    for (int i = 1; i < 129; i++)
        buf_add_text(&chain, ", " A);
    buf_add_text(&chain, " );");
    CHECK(expand(&reading, chain.data, "( { include = \"x\" }, { include = \"x\" } )") == NULL);
    CHECK_HAS(reading_text(&reading), "this chain has more steps than 256");
    reading_end(&reading);
    buf_add_text(&steps, "( " A);
    for (int i = 0; i < 256; i++)
        buf_add_text(&steps, ", " A);
    buf_add_text(&steps, " )");
    CHECK(expand(&reading, "", steps.data) == NULL);
    CHECK_HAS(reading_text(&reading), "a chain has at most 256 steps");
    reading_end(&reading);
    buf_free(&steps);
    buf_free(&chain);
    check_refused("",
                  "( { required = [ \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\", "
                  "\"10\", \"11\", \"12\", \"13\", \"14\", \"15\", \"16\", \"17\" ] } )",
                  "a group has at most 16 instances");
}

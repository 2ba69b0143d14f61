/* SPDX-License-Identifier: MIT */
/* abi_check over made-up tables: versions, sizes, names, slots, rows. */
#include "test.h"

#include "loader.h"

static struct paa_error error;
static struct paa_plugin slots;

static enum paa_result verify(struct paa_op *op)
{
    (void)op;
    return PAA_ABSENT;
}

static enum paa_result run(struct paa_op *op, const struct paa_options *arguments)
{
    (void)op;
    (void)arguments;
    return PAA_DONE;
}

static struct paa_plugin good(void)
{
    struct paa_plugin table;

    memset(&table, 0, sizeof table);
    table.abi = PAA_ABI;
    table.struct_size = sizeof table;
    table.name = "x-y";
    table.version = "1";
    table.summary = "s";
    table.verify = verify;
    return table;
}

static int check_as(const struct paa_plugin *table, uint32_t core_abi)
{
    memset(&slots, 0xff, sizeof slots);
    return abi_check(table, "x-y", "/p/x-y.so", core_abi, &slots, &error);
}

static const char *refusal(const struct paa_plugin *table)
{
    CHECK_INT(check_as(table, PAA_ABI), -1);
    return error.text;
}

TEST(a_good_table_is_copied)
{
    struct paa_plugin table = good();

    CHECK_INT(check_as(&table, PAA_ABI), 0);
    CHECK(slots.verify == verify);
    CHECK_INT(slots.struct_size, sizeof slots);
    CHECK_INT(error.text[0], 0);
}

TEST(no_table_is_refused)
{
    CHECK_HAS(refusal(NULL), "/p/x-y.so: its function gives no table");
}

TEST(the_major_decides_before_anything_else_is_read)
{
    struct paa_plugin table = good();

    table.abi = 2u << 16 | 3u;
    table.struct_size = 4;
    CHECK_HAS(refusal(&table), "plugin ABI 2, but this core has ABI 1");
}

TEST(a_newer_minor_works_if_the_plugin_can_live_with_the_core_s)
{
    struct paa_plugin table = good();

    table.abi = 1u << 16 | 5u;
    CHECK_INT(check_as(&table, 1u << 16 | 4u), -1);
    CHECK_HAS(error.text, "needs PAA's plugin ABI 1.5 or later, but this core has 1.4");
    table.needs_abi = 1u << 16 | 4u;
    CHECK_INT(check_as(&table, 1u << 16 | 4u), 0);
    CHECK_INT(check_as(&table, 1u << 16 | 3u), -1);
    CHECK_HAS(error.text, "needs PAA's plugin ABI 1.4");
    table.needs_abi = 2u << 16;
    CHECK_INT(check_as(&table, 1u << 16 | 4u), -1);
    CHECK_HAS(error.text, "its needs_abi is wrong");
}

TEST(an_older_minor_s_shorter_table_gets_null_for_what_it_lacks)
{
    struct paa_plugin table = good();

    table.struct_size = offsetof(struct paa_plugin, challenge);
    table.finish = (paa_finish_fn)NULL;
    table.describe = verify; /* beyond its size */
    CHECK_INT(check_as(&table, 1u << 16 | 9u), 0);
    CHECK(slots.verify == verify && slots.describe == NULL && slots.finish == NULL);
}

TEST(a_table_that_is_too_short_or_cut_within_a_member_is_refused)
{
    struct paa_plugin table = good();

    table.struct_size = offsetof(struct paa_plugin, attach);
    CHECK_HAS(refusal(&table), "which no release's table has");
    table.struct_size = sizeof table - 1;
    CHECK_HAS(refusal(&table), "which no release's table has");
    table.struct_size = UINT32_MAX;
    CHECK_HAS(refusal(&table), "which no release's table has");
}

TEST(a_longer_table_works_if_its_tail_is_zero)
{
    struct {
        struct paa_plugin table;
        void *later;
    } longer;

    memset(&longer, 0, sizeof longer);
    longer.table = good();
    longer.table.struct_size = sizeof longer;
    CHECK_INT(check_as(&longer.table, PAA_ABI), 0);
    longer.later = &longer;
    CHECK_HAS(refusal(&longer.table), "uses slots that this core does not know");
}

TEST(unknown_flags_are_refused)
{
    struct paa_plugin table = good();

    table.flags = 1u << 7;
    CHECK_HAS(refusal(&table), "sets flags that this core does not know (0x80)");
}

TEST(a_login_without_challenge_is_refused)
{
    struct paa_plugin table = good();

    table.flags = PAA_PLUGIN_LOGIN;
    CHECK_HAS(refusal(&table), "no challenge slot");
}

TEST(names_must_agree)
{
    struct paa_plugin table = good();

    table.name = "x-z";
    CHECK_HAS(refusal(&table), "calls it \"x-z\", but it was loaded as \"x-y\"");
    table.name = "X";
    CHECK_HAS(refusal(&table), "no name of the form [a-z0-9-]+");
    table.name = NULL;
    CHECK_HAS(refusal(&table), "no name of the form");
    table = good();
    table.summary = NULL;
    CHECK_HAS(refusal(&table), "lacks summary");
    table.version = NULL;
    CHECK_HAS(refusal(&table), "lacks version");
}

TEST(verify_or_attach_is_mandatory)
{
    struct paa_plugin table = good();

    table.attach = table.verify;
    table.verify = NULL;
    CHECK_INT(check_as(&table, PAA_ABI), 0);
    table.attach = NULL;
    CHECK_HAS(refusal(&table), "has neither verify nor attach");
}

TEST(absurd_memory_is_refused)
{
    struct paa_plugin table = good();

    table.state_size = 1024 * 1024;
    CHECK_INT(check_as(&table, PAA_ABI), 0);
    table.state_size++;
    CHECK_HAS(refusal(&table), "1048577 bytes of state");
    table.state_size = 0;
    table.lane_size = 1024 * 1024 + 1;
    CHECK_HAS(refusal(&table), "1048577 bytes of lane memory");
}

static const char *option_refusal(struct paa_option option)
{
    static struct paa_option rows[1];
    struct paa_plugin table = good();

    rows[0] = option;
    table.options = rows;
    table.option_count = 1;
    table.option_size = sizeof rows[0];
    return refusal(&table);
}

TEST(options_are_checked_row_by_row)
{
    static const struct paa_option member = { .name = "m", .type = PAA_OPTION_STRING };
    struct paa_option option = { .name = "o", .type = PAA_OPTION_STRING };

    option.type = PAA_OPTION_GROUP + 1;
    CHECK_HAS(option_refusal(option), "option o has a type that this core does not know");
    option.type = PAA_OPTION_STRING;
    option.flags = 1u << 9;
    CHECK_HAS(option_refusal(option), "option o has flags that this core does not know (0x200)");
    option.flags = PAA_OPTION_GENERATE;
    CHECK_HAS(option_refusal(option), "is to be generated but is no secret");
    option.flags = PAA_OPTION_INSTANCE;
    CHECK_HAS(option_refusal(option), "option o names an instance, which strings of verbs do only");
    option.flags = 0;
    option.min = 2;
    option.max = 1;
    CHECK_HAS(option_refusal(option), "a minimum above its maximum");
    option.min = option.max = 0;
    option.type = PAA_OPTION_CHOICE;
    CHECK_HAS(option_refusal(option), "is a choice of nothing");
    option.type = PAA_OPTION_GROUP;
    CHECK_HAS(option_refusal(option), "is a group without members");
    option.type = PAA_OPTION_STRING;
    option.members = &member;
    option.member_count = 1;
    CHECK_HAS(option_refusal(option), "has members but is no group");
    option.members = NULL;
    option.member_count = 0;
    option.type = PAA_OPTION_ENDPOINT;
    CHECK_HAS(option_refusal(option), "has an ENDPOINT option but no serve slot");
    option.type = PAA_OPTION_STRING;
    option.name = "sha256";
    CHECK_HAS(option_refusal(option), "option sha256 has a name that is the core's own");
    option.name = "tls";
    CHECK_HAS(option_refusal(option), "option tls has a name that is the core's own");
    option.name = NULL;
    CHECK_HAS(option_refusal(option), "its option 1 has no name");
}

TEST(a_plugin_that_fetches_has_a_row_tls)
{
    static const struct paa_option rows[] = {
        { .name = "tls", .help = "h", .type = PAA_OPTION_TLS }
    };
    struct paa_plugin table = good();

    table.options = rows;
    table.option_count = 1;
    table.option_size = sizeof rows[0];
    CHECK_INT(check_as(&table, PAA_ABI), 0);
}

TEST(a_group_that_holds_itself_is_refused)
{
    static struct paa_option rows[1];

    rows[0].name = "g";
    rows[0].type = PAA_OPTION_GROUP;
    rows[0].members = rows;
    rows[0].member_count = 1;
    CHECK_HAS(option_refusal(rows[0]), "groups in groups more than 4 deep");
}

TEST(rows_state_their_size)
{
    static struct {
        struct paa_option option;
        int64_t later;
    } rows[2];
    struct paa_plugin table = good();

    rows[0].option = (struct paa_option){ .name = "a", .type = PAA_OPTION_STRING };
    rows[1].option = (struct paa_option){ .name = "b", .type = PAA_OPTION_STRING };
    table.options = &rows[0].option;
    table.option_count = 2;
    table.option_size = sizeof rows[0];
    CHECK_INT(check_as(&table, PAA_ABI), 0);
    CHECK_INT(slots.option_size, sizeof rows[0]);
    rows[1].later = 1;
    CHECK_HAS(refusal(&table), "options use members that this core does not know");
    rows[1].later = 0;
    rows[1].option.name = "a";
    CHECK_HAS(refusal(&table), "its option a is there twice");
    table.option_size = sizeof(struct paa_option) - sizeof(void *);
    CHECK_HAS(refusal(&table), "which no release's rows have");
    table.option_size = sizeof(struct paa_option);
    table.option_count = 100000;
    CHECK_HAS(refusal(&table), "which is too many");
    table.options = NULL;
    table.option_count = 1;
    CHECK_HAS(refusal(&table), "but is not there");
}

TEST(verbs_need_a_name_and_a_function)
{
    static struct paa_verb verbs[1];
    static const struct paa_option argument = { .name = "store", .type = PAA_OPTION_STRING };
    struct paa_plugin table = good();

    table.verbs = verbs;
    table.verb_count = 1;
    table.verb_size = sizeof verbs[0];
    CHECK_HAS(refusal(&table), "its verb 1 has no name");
    verbs[0].name = "list";
    CHECK_HAS(refusal(&table), "its verb list has no run function");
    verbs[0].run = run;
    verbs[0].state_size = (size_t)1 << 40;
    CHECK_HAS(refusal(&table), "its verb list asks for");
    verbs[0].state_size = 0;
    verbs[0].arguments = &argument;
    verbs[0].argument_count = 1;
    CHECK_INT(check_as(&table, PAA_ABI), 0);
    CHECK_INT(slots.option_size, sizeof argument);
}

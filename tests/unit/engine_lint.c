/* SPDX-License-Identifier: MIT */
/*
 * What the linter says of a policy, and of which it says nothing. Policies are parsed as always; in the place of
 * loaded plugins stands one table with a `verify`.
 */
#include "engine.h"
#include "str.h"
#include "test.h"

enum { FOUND_MAX = 16384, ARENA_MAX = 16 * 1024 * 1024, INSTANCES_MAX = 32, TEXT_MAX = 65536 };

static char found[FOUND_MAX]; /* "LEVEL LINE: sentence\n" of each finding */
static size_t found_size;
static struct paa_plugin slots;

static void keep_finding(enum paa_level level, struct where where, const char *sentence, void *user)
{
    int size = snprintf(found + found_size, sizeof found - found_size, "%s %u: %s\n",
                        level == PAA_LEVEL_ERROR ? "ERROR" : "WARNING", where.line, sentence);

    (void)user;
    if (size > 0 && (size_t)size < sizeof found - found_size)
        found_size += (size_t)size;
}

static enum paa_result accepts(struct paa_op *op) PAA_NOEXCEPT
{
    (void)op;
    return PAA_ACCEPT;
}

/* What each is said to show: "one" and "uno" the same key, "two" and "three" others; the rest none, or nothing is known. */
static uint64_t key_of(const char *name)
{
    static const struct {
        const char *name;
        uint64_t id;
    } keys[] = { { "one", 1 }, { "uno", 1 }, { "two", 2 }, { "three", 3 } };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(keys[i].name, name) == 0)
            return keys[i].id;
    return 0;
}

static bool fill(struct generation *generation, struct paa_context *context)
{
    struct policy *policy = generation->policy;

    generation->context = context;
    generation->instance_count = policy->instance_count;
    generation->instances =
        arena_array(&generation->arena, INSTANCES_MAX, sizeof *generation->instances);
    generation->service_count = policy->service_count;
    generation->services =
        arena_array(&generation->arena, policy->service_count + 1, sizeof *generation->services);
    if (generation->instances == NULL || generation->services == NULL)
        return false;
    slots.verify = accepts;
    for (size_t i = 0; i < policy->instance_count; i++) {
        generation->instances[i].slots = &slots;
        generation->instances[i].client_key_id = key_of(policy->instances[i].name);
    }
    for (size_t i = 0; i < policy->service_count; i++) {
        const struct service_conf *conf = &policy->services[i];

        generation->services[i].conf = conf;
        generation->services[i].matcher =
            matcher_new(conf->rules, conf->rule_count, &generation->arena);
    }
    return true;
}

/* The findings of the linter alone: what the parser warns of is not kept. */
static const char *lint(const char *text)
{
    struct policy_file file = { "p.conf", "/policy", paa_str_of(text) };
    struct generation *generation = calloc(1, sizeof *generation);
    struct paa_context *context = calloc(1, sizeof *context);
    struct diag parsed = { .fn = NULL }, judged = { .fn = keep_finding };

    found_size = 0;
    found[0] = '\0';
    if (generation == NULL || context == NULL)
        abort();
    arena_init(&generation->arena, NULL, 0, ARENA_MAX);
    generation->policy = policy_parse(&file, 1, &generation->arena, &parsed);
    if (generation->policy == NULL || !fill(generation, context)) {
        (void)snprintf(found, sizeof found, "NOT PARSED: %s", parsed.first.text);
        goto done;
    }
    lint_generation(generation, &judged);
done:
    arena_free(&generation->arena);
    free(generation);
    free(context);
    return found;
}

#define INSTANCES                                                                                  \
    "instances = { peers = { plugin = \"x\"; }; keys = { plugin = \"x\"; }; tokens = { plugin = "  \
    "\"x\"; }; more = { plugin = \"x\"; }; };\n"
#define INCOMING "direction = \"incoming\"; origins = [ \"https://api.example.com\" ];\n"

/* One incoming service with one rule: the service stands in line 2, its members begin in line 3. */
static const char *lint_rule(const char *members)
{
    static char text[TEXT_MAX];

    (void)snprintf(text, sizeof text, INSTANCES "services = { s = { " INCOMING "%s }; };\n",
                   members);
    return lint(text);
}

TEST(a_sensible_policy_is_not_found_fault_with)
{
    CHECK_STR(
        paa_str_of(
            lint(INSTANCES
                 "services = { s = { " INCOMING
                 "rules = ( { path = \"/healthz\"; chain = ( { required = \"permit\" } ); },\n"
                 "{ path = \"/closed/**\"; chain = ( { required = \"deny\" } ); },\n"
                 "{ path = \"/v1/**\"; chain = ( { required = \"peers\" }, { required = [ "
                 "\"keys\", \"tokens\" ] } ); identity = [ \"tokens\", \"keys\" ];\n"
                 "require = { scope = \"read\"; }; },\n"
                 "{ chain = ( { sufficient = \"keys\" }, { required = \"tokens\" } ); } ); }; };")),
        "");
}

TEST(a_chain_that_can_never_accept_is_an_error)
{
    CHECK_HAS(lint_rule("chain = ( { required = \"keys\" }, { required = \"deny\" } );"),
              "ERROR 2: this chain can never accept");
    CHECK_HAS(
        lint_rule(
            "chain = ( { use = \"keys\"; on = { accept = \"ignore\"; default = \"die\"; } } );"),
        "can never accept");
    CHECK_STR(paa_str_of(lint_rule("chain = ( { required = \"deny\" } );")), "");
}

TEST(a_chain_with_jumps_and_reset_that_can_accept_is_left_alone)
{
    CHECK_STR(paa_str_of(lint_rule(
                  "chain = ( { use = \"keys\"; on = { accept = 1; default = \"bad\"; } },\n"
                  "{ required = \"deny\" }, { required = \"keys\" } );")),
              "");
    /* What `deny` did is forgiven by the reset. */
    CHECK_STR(paa_str_of(lint_rule(
                  "chain = ( { required = \"deny\" }, { use = \"keys\"; on = { accept = \"reset\"; "
                  "default = \"bad\"; } }, { required = \"keys\" } );")),
              "");
}

TEST(a_step_behind_one_that_always_decides_never_runs)
{
    const char *said =
        lint_rule("chain = (\n{ sufficient = \"permit\" },\n{ required = \"keys\" } );");

    CHECK_HAS(said, "WARNING 5: this step never runs in the chain of the rule at p.conf:");
    said = lint_rule("chain = (\n{ use = \"permit\"; on = { accept = 1; default = \"die\"; } },\n"
                     "{ required = \"tokens\" },\n{ required = \"keys\" } );");
    CHECK_HAS(said, "WARNING 5: this step never runs");
    CHECK(strstr(said, "WARNING 6: this step never runs") == NULL);
}

TEST(what_stands_behind_a_permit_in_its_group_is_never_asked)
{
    CHECK_HAS(lint_rule("chain = (\n{ sufficient = [ \"permit\", \"keys\" ] },\n{ required = "
                        "\"tokens\" } );"),
              "WARNING 5: this step never runs");
}

TEST(a_step_of_a_shared_chain_is_found_fault_with_once)
{
    const char *said = lint(
        INSTANCES "chains = { c = (\n{ sufficient = \"permit\" },\n{ required = \"keys\" } ); };\n"
                  "services = { s = { " INCOMING "rules = ( { path = \"/a\"; chain = \"c\"; }, "
                  "{ path = \"/b\"; chain = \"c\"; } ); }; };");
    const char *first = strstr(said, "never runs");

    REQUIRE(first != NULL);
    CHECK(strstr(first + 1, "never runs") == NULL);
}

TEST(a_permit_that_lets_in_nobody_s_requests_is_warned_of)
{
    CHECK_HAS(lint_rule("chain = (\n{ sufficient = \"tokens\" },\n{ required = \"permit\" } );"),
              "WARNING 5: this permit lets requests in without any credential");
    CHECK_HAS(found, "{ required = [ \"tokens\", \"permit\" ] }");
    CHECK_STR(paa_str_of(lint_rule("chain = ( { required = [ \"tokens\", \"permit\" ] } );")), "");
    CHECK_STR(paa_str_of(
                  lint_rule("chain = ( { required = \"permit\" }, { required = \"keys\" } );")),
              "");
}

TEST(an_outgoing_service_that_may_send_bare_requests_is_warned_of)
{
    CHECK_HAS(lint(INSTANCES
                   "services = { s = { direction = \"outgoing\"; origins = [ \"https://a.b\" ];\n"
                   "chain = ( { sufficient = \"keys\" }, { required = \"permit\" } ); }; };"),
              "this permit sends requests without any credential");
}

TEST(a_run_of_sufficient_that_another_step_carries_is_warned_of)
{
    const char *said = lint_rule("identity = [ \"keys\" ]; chain = (\n{ required = \"peers\" },\n"
                                 "{ sufficient = \"keys\" },\n{ sufficient = \"tokens\" } );");

    CHECK_HAS(said,
              "WARNING 5: the chain of the rule at p.conf:2 also accepts when none of \"keys\", "
              "\"tokens\" does");
    CHECK_HAS(said, "say { required = [ \"keys\", \"tokens\" ] }");
    /* In a substack they leave things open, and what follows it decides alone. */
    said = lint(
        INSTANCES
        "chains = { either = (\n{ sufficient = \"keys\" },\n{ sufficient = \"tokens\" } ); };\n"
        "services = { s = { " INCOMING "identity = [ \"keys\" ]; chain = ( { substack = "
        "\"either\" }, { required = \"peers\" } ); }; };");
    CHECK_HAS(said, "WARNING 3: the chain of the rule at");
}

TEST(a_run_of_sufficient_that_something_closes_is_left_alone)
{
    static const char *const closings[] = { "{ required = \"more\" }", "{ requisite = \"more\" }",
                                            "{ required = \"deny\" }",
                                            "{ required = [ \"more\", \"peers\" ] }" };

    for (size_t i = 0; i < sizeof closings / sizeof closings[0]; i++) {
        char members[512];

        (void)
            snprintf(members, sizeof members,
                     "identity = [ \"peers\" ]; chain = ( { required = \"peers\" }, { sufficient = "
                     "\"keys\" }, { sufficient = \"tokens\" }, %s );",
                     closings[i]);
        CHECK_STR(paa_str_of(lint_rule(members)), "");
    }
    CHECK_HAS(lint_rule(
                  "identity = [ \"peers\" ]; chain = ( { required = \"peers\" },\n{ sufficient = "
                  "\"keys\" }, { optional = \"more\" } );"),
              "WARNING 4: the chain of the rule");
}

TEST(a_sufficient_that_skips_a_later_required_is_warned_of)
{
    CHECK_HAS(lint_rule("identity = [ \"keys\" ]; chain = (\n{ sufficient = \"keys\" },\n"
                        "{ required = \"tokens\" },\n{ required = \"peers\" } );"),
              "WARNING 4: once \"keys\" accepts, \"peers\" in line 6 is never asked: if \"keys\", "
              "\"tokens\" are alternatives");
    CHECK_STR(paa_str_of(
                  lint_rule("chain = ( { sufficient = \"keys\" }, { required = \"tokens\" } );")),
              "");
    /* Brackets that do the same are the same. */
    CHECK_HAS(lint_rule(
                  "identity = [ \"keys\" ]; chain = (\n{ use = \"keys\"; on = { accept = \"done\"; "
                  "absent = \"ignore\"; default = \"die\"; } },\n{ required = \"tokens\" },\n"
                  "{ required = \"peers\" } );"),
              "once \"keys\" accepts, \"peers\"");
}

TEST(a_sufficient_that_can_never_end_the_chain_skips_nothing)
{
    CHECK(strstr(lint_rule(
                     "identity = [ \"keys\" ]; chain = ( { required = \"deny\" }, { sufficient = "
                     "\"keys\" }, { use = \"more\"; on = { default = \"reset\"; } }, { required = "
                     "\"tokens\" }, { required = \"peers\" } );"),
                 "never asked") == NULL);
    CHECK(strstr(found, "NOT PARSED") == NULL);
}

TEST(a_sufficient_in_a_substack_skips_only_what_is_in_it)
{
    CHECK_STR(
        paa_str_of(lint(
            INSTANCES
            "chains = { either = ( { sufficient = \"keys\" }, { required = \"tokens\" } ); };\n"
            "services = { s = { " INCOMING "identity = [ \"keys\" ]; chain = ( { substack = "
            "\"either\" }, { required = \"peers\" }, { required = \"more\" } ); }; };")),
        "");
    CHECK_HAS(lint(INSTANCES
                   "chains = { two = ( { required = \"tokens\" }, { required = \"more\" } ); };\n"
                   "services = { s = { " INCOMING
                   "identity = [ \"keys\" ]; chain = ( { sufficient = "
                   "\"keys\" }, { required = \"peers\" }, { substack = \"two\" } ); }; };"),
              "once \"keys\" accepts, \"tokens\", \"more\" in line");
}

TEST(a_demanding_step_that_may_ignore_is_warned_of)
{
    CHECK_HAS(lint_rule(
                  "chain = ( { use = \"keys\"; may_ignore = true; on = { accept = \"ok\"; ignore = "
                  "\"ignore\"; default = \"bad\"; } } );"),
              "with may_ignore this step may have no opinion");
    CHECK_STR(paa_str_of(lint_rule("chain = ( { required = \"keys\" } );")), "");
}

TEST(a_rule_that_never_matches_names_the_one_that_takes_its_requests)
{
    CHECK_HAS(lint(INSTANCES
                   "services = { s = { " INCOMING
                   "rules = (\n{ path = \"/v1/**\"; chain = ( { required = \"keys\" } ); },\n"
                   "{ path = \"/v1/open\"; chain = ( { required = \"tokens\" } ); } ); }; };"),
              "WARNING 5: this rule never matches: the one at p.conf:4 takes");
}

TEST(an_incoming_service_without_origins_is_warned_of)
{
    CHECK_HAS(lint(
                  INSTANCES
                  "services = { s = { direction = \"incoming\";\nchain = ( { required = \"keys\" } "
                  "); }; };"),
              "service \"s\" does not say what it is called from outside");
}

TEST(two_instances_that_may_both_vouch_need_identity)
{
    CHECK_HAS(lint_rule(
                  "chain = ( { required = \"peers\" }, { required = [ \"keys\", \"tokens\" ] } );"),
              "ERROR 2: \"peers\" and \"keys\" may both vouch for one request");
    CHECK_HAS(found, "add identity = [ \"peers\", \"keys\" ]");
    CHECK_HAS(lint_rule("chain = ( { optional = \"peers\" }, { required = \"keys\" } );"),
              "ERROR 2:");
    CHECK_STR(paa_str_of(lint_rule(
                  "identity = [ \"keys\" ]; chain = ( { required = \"peers\" }, { required "
                  "= \"keys\" } );")),
              "");
}

TEST(two_that_meet_on_one_of_several_ways_need_identity)
{
    CHECK_HAS(
        lint_rule(
            "chain = ( { required = \"peers\" }, { use = \"more\"; on = { accept = 1; default = "
            "\"ignore\"; } }, { required = \"keys\" } );"),
        "\"peers\" and \"keys\" may both vouch");
}

TEST(instances_of_which_only_one_can_contribute_need_no_identity)
{
    static const char *const chains[] = {
        "{ required = [ \"keys\", \"tokens\" ] }",
        "{ sufficient = \"keys\" }, { required = \"tokens\" }",
        "{ required = \"keys\" }, { requisite = \"keys\" }",
        "{ required = \"permit\" }, { required = \"keys\" }",
        /* an ACCEPT that only jumps carries nothing */
        "{ use = \"peers\"; on = { accept = 1; default = \"ignore\"; } }, { required = \"deny\" }, "
        "{ required = \"keys\" }",
        /* nor does one that was reset */
        "{ required = \"peers\" }, { use = \"keys\"; on = { default = \"reset\"; } }, { required = "
        "\"keys\" }",
        /* behind a permit of its group nobody is asked */
        "{ required = [ \"permit\", \"peers\" ] }, { required = \"keys\" }",
    };

    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        char members[512];

        (void)snprintf(members, sizeof members, "chain = ( %s );", chains[i]);
        CHECK(strstr(lint_rule(members), "may both vouch") == NULL);
        CHECK(strstr(found, "NOT PARSED") == NULL);
    }
}

TEST(an_outgoing_chain_needs_no_identity)
{
    CHECK_STR(paa_str_of(lint(INSTANCES
                              "services = { s = { direction = \"outgoing\"; origins = [ "
                              "\"https://a.b\" ];\nchain = ( { required = \"keys\" }, { required = "
                              "\"peers\" } ); }; };")),
              "");
}

TEST(require_where_permit_alone_suffices_is_an_error)
{
    CHECK_HAS(
        lint_rule(
            "require = { scope = \"a\"; };\nchain = ( { required = [ \"keys\", \"permit\" ] } );"),
        "ERROR 3: `require` asks something of a principal, but permit alone");
    CHECK_HAS(lint_rule("require = { scope = \"a\"; }; chain = ( { required = \"permit\" } );"),
              "but permit alone");
    CHECK(strstr(
              lint_rule(
                  "require = { scope = \"a\"; }; chain = ( { required = \"permit\" }, { required = "
                  "\"keys\" } );"),
              "permit alone") == NULL);
    CHECK(strstr(lint_rule("require = { scope = \"a\"; }; chain = ( { required = \"keys\" } );"),
                 "permit alone") == NULL);
}

TEST(require_is_judged_rightly_where_a_reset_takes_a_grant_back)
{
    CHECK_HAS(lint_rule(
                  "require = { scope = \"a\"; }; chain = ( { requisite = \"keys\" }, { use = "
                  "\"tokens\"; on = { default = \"reset\"; } }, { required = \"permit\" } );"),
              "but permit alone");
}

/* As many steps as a chain may have, of two instances, then `last`. */
static const char *lint_long(const char *members, const char *on, const char *last)
{
    static char text[TEXT_MAX / 2];
    size_t size = (size_t)snprintf(text, sizeof text, "%s chain = (", members);

    for (int i = 0; i < PROGRAM_STEPS_MAX - 1; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "{ use = \"%s\"; on = { %s } }, ",
                                 i % 2 == 0 ? "keys" : "tokens", on);
    (void)snprintf(text + size, sizeof text - size, "%s );", last);
    return lint_rule(text);
}

TEST(the_longest_chains_are_checked_whole)
{
    static const char resets[] =
        "accept = \"ok\"; absent = \"ignore\"; reject = \"bad\"; default = \"reset\";";
    static const char either[] = "accept = 1; default = \"ignore\";";

    CHECK_STR(paa_str_of(lint_long("identity = [ \"keys\" ];", resets, "{ required = \"keys\" }")),
              "");
    CHECK_HAS(lint_long("", resets, "{ required = \"keys\" }"), "may both vouch for one request");
    CHECK_STR(paa_str_of(lint_long("", either, "{ required = \"keys\" }")), "");
}

/* Which of 255 grants are in force can be too much to follow: then the worse is believed. */
TEST(what_cannot_be_followed_is_refused)
{
    static const char resets[] = "accept = \"ok\"; absent = \"ignore\"; default = \"reset\";";

    CHECK_HAS(lint_long("identity = [ \"keys\" ]; require = { scope = \"a\"; };", resets,
                        "{ required = \"permit\" }"),
              "but permit alone");
    CHECK(strstr(lint_long("identity = [ \"keys\" ]; require = { scope = \"a\"; };", resets,
                           "{ required = \"keys\" }"),
                 "permit alone") == NULL);
}

/* ---- client keys ------------------------------------------------------------------------------- */

/* One outgoing service whose chain begins in line 3, with a line for each step. */
static const char *lint_sending(const char *steps)
{
    static char text[TEXT_MAX];

    (void)snprintf(text, sizeof text,
                   "instances = { one = { plugin = \"x\"; }; uno = { plugin = \"x\"; }; two = { "
                   "plugin = \"x\"; }; three = { plugin = \"x\"; }; keys = { plugin = \"x\"; }; "
                   "};\nservices = { s = { direction = \"outgoing\"; origins = [ \"https://a.b\" "
                   "]; chain = (\n%s ); }; };\n",
                   steps);
    return lint(text);
}

TEST(a_chain_whose_every_walk_shows_two_client_keys_is_an_error)
{
    CHECK_STR(
        paa_str_of(lint_sending("{ required = \"one\" },\n{ required = \"two\" }")),
        "ERROR 4: \"two\" shows another client key than \"one\" at p.conf:3, and a connection "
        "has one, so every request of this chain is refused: give both the same key, or each "
        "a service of its own\n");
    /* the walks differ, and two keys are shown on all of them */
    CHECK_HAS(lint_sending("{ required = \"one\" },\n{ optional = \"keys\" },\n{ sufficient = "
                           "\"two\" },\n{ required = \"three\" }"),
              "ERROR 5: \"two\" shows another client key than \"one\" at p.conf:3");
    CHECK_HAS(lint_sending("{ required = [ \"one\", \"uno\" ] },\n{ required = \"keys\" },\n{ "
                           "required = [ \"two\", \"three\" ] }"),
              "ERROR 5: \"two\" shows another client key than \"one\"");
}

TEST(a_chain_of_which_some_walks_show_two_client_keys_is_warned_of)
{
    static const char *const chains[] = {
        "{ required = \"one\" },\n{ optional = \"two\" }",
        "{ required = \"one\" },\n{ required = [ \"keys\", \"two\" ] }",
        "{ required = [ \"one\", \"two\" ] },\n{ required = \"two\" }",
        "{ optional = \"one\" },\n{ sufficient = \"two\" },\n{ required = \"keys\" }",
    };

    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        CHECK_HAS(lint_sending(chains[i]),
                  "WARNING 4: \"two\" shows another client key than \"one\" at p.conf:3, and a "
                  "connection has one, so a request for which both accept is refused: ");
        CHECK(strstr(found, "ERROR") == NULL);
    }
}

TEST(chains_that_show_one_client_key_at_a_time_are_not_found_fault_with)
{
    static const char *const chains[] = {
        "{ required = \"one\" },\n{ required = \"uno\" }",
        "{ required = \"one\" },\n{ required = \"one\" }",
        "{ required = \"one\" },\n{ required = \"keys\" }",
        "{ required = [ \"one\", \"two\" ] }",
        "{ sufficient = \"one\" },\n{ required = \"two\" }",
        "{ required = [ \"one\", \"permit\", \"two\" ] },\n{ required = \"one\" }",
        ("{ use = \"one\"; on = { accept = 1; default = \"ignore\"; } },\n{ required = \"two\" "
         "},\n{ required = \"keys\" }"),
    };

    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        const char *said = lint_sending(chains[i]);

        if (strstr(said, "client key") != NULL || strstr(said, "NOT PARSED") != NULL)
            TEST_FAIL("%s: %s", chains[i], said);
    }
}

TEST(two_client_keys_in_a_shared_chain_are_told_once_and_of_incoming_services_never)
{
    static const char chain[] =
        "instances = { one = { plugin = \"x\"; }; two = { plugin = \"x\"; }; };\n"
        "chains = { c = (\n{ required = \"one\" },\n{ optional = \"two\" } ); };\n";
    char text[4096];
    const char *first;

    (void)snprintf(text, sizeof text,
                   "%sservices = { a = { direction = \"outgoing\"; origins = [ \"https://a.b\" ]; "
                   "chain = \"c\"; }; b = { direction = \"outgoing\"; origins = [ \"https://a.b\" "
                   "]; chain = \"c\"; }; };",
                   chain);
    first = strstr(lint(text), "another client key");
    REQUIRE(first != NULL);
    CHECK(strstr(first + 1, "another client key") == NULL);
    (void)snprintf(text, sizeof text,
                   "%sservices = { a = { " INCOMING "identity = [ \"one\" ]; chain = \"c\"; }; };",
                   chain);
    CHECK(strstr(lint(text), "client key") == NULL && strstr(found, "NOT PARSED") == NULL);
}

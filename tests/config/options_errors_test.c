/* SPDX-License-Identifier: MIT */
/* Options that are wrong, tables that are wrong, and that no secret is ever printed. */
#include "options.h"
#include "reading.h"
#include "str.h"
#include "test.h"

static const struct paa_option member_rows[] = {
    { .name = "hash", .help = "h", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_REQUIRED },
};

static const struct paa_option rows[] = {
    { .name = "header", .help = "h", .type = PAA_OPTION_STRING },
    { .name = "count", .help = "h", .type = PAA_OPTION_INTEGER, .min = 1, .max = 9 },
    { .name = "strict", .help = "h", .type = PAA_OPTION_BOOLEAN },
    { .name = "leeway", .help = "h", .type = PAA_OPTION_DURATION, .min = 1000, .max = 90000 },
    { .name = "mode", .help = "h", .type = PAA_OPTION_CHOICE, .choices = "fast|slow" },
    { .name = "issuer", .help = "h", .type = PAA_OPTION_URL },
    { .name = "ca", .help = "h", .type = PAA_OPTION_PATH },
    { .name = "secret", .help = "h", .type = PAA_OPTION_SECRET },
    { .name = "signer", .help = "h", .type = PAA_OPTION_KEY },
    { .name = "tls", .help = "h", .type = PAA_OPTION_TLS },
    { .name = "callback", .help = "h", .type = PAA_OPTION_ENDPOINT },
    { .name = "pin",
      .help = "h",
      .type = PAA_OPTION_GROUP,
      .members = member_rows,
      .member_count = 1 },
    { .name = "few",
      .help = "h",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_LIST,
      .min = 1,
      .max = 2 },
    { .name = "in",
      .help = "the way in",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_REQUIRED },
    { .name = "out", .help = "h", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_OUTGOING },
};

static const struct option_rows table = { rows, sizeof rows / sizeof rows[0], sizeof rows[0] };
static const char *const skip[] = { "plugin" };

static bool read_with(struct reading *reading, const struct option_rows *with, uint32_t used,
                      const char *text)
{
    struct node *root;

    reading_begin(reading);
    root = node_parse(paa_str_of(text), "t", &reading->arena, &reading->diag);
    return root != NULL && options_read(root, with, used, "instance x", "/etc/paa", skip, 1,
                                        &reading->arena, &reading->diag) != NULL;
}

static const struct {
    const char *text;
    const char *finding;
} mistakes[] = {
    { "\nheder = \"X\";", "error t:2: instance x has no \"heder\": did you mean \"header\"?" },
    { "header = 1;", "\"header\" must be a string, not an integer" },
    { "header = [ \"a\" ];", "\"header\" must be a string, not an array [ ]" },
    { "count = \"1\";", "\"count\" must be an integer, not a string" },
    { "count = 1.0;", "\"count\" must be an integer, not a float" },
    { "count = 0;", "\"count\" must be from 1 to 9" },
    { "count = 10;", "\"count\" must be from 1 to 9" },
    { "strict = 1;", "\"strict\" must be true or false without quotes, not an integer" },
    { "strict = \"true\";", "\"strict\" must be true or false without quotes, not a string" },
    { "leeway = 10;", "\"leeway\" needs a unit and quotes: write \"10s\"" },
    { "leeway = \"x\";", "\"leeway\" is no duration" },
    { "leeway = \"2m\";", "\"leeway\" must be from 1s to 1m30s" },
    { "mode = \"fats\";",
      "\"mode\" cannot be \"fats\": choose from \"fast\", \"slow\": did you mean \"fast\"?" },
    { "mode = 1;", "\"mode\" must be a string" },
    { "issuer = \"id.example\";", "\"issuer\" is no URL: it begins with neither" },
    { "issuer = \"https://\";", "\"issuer\" is no URL: the authority is empty" },
    { "issuer = \"https://u@h/\";", "userinfo" },
    { "issuer = \"https://h/#x\";", "\"issuer\" is no URL: it holds a blank, a fragment" },
    { "ca = \"env:CA\";", "it must be a path" },
    { "ca = \"\";", "\"ca\" is empty" },
    { "ca = \"file:\";", "\"file:\" needs a path" },
    { "ca = 1;", "\"ca\" must be a string" },
    { "secret = \"\";", "\"secret\" is empty" },
    { "secret = 12345678;", "\"secret\" must be a string, not an integer" },
    { "secret = \"env:\";", "\"env:\" needs the name" },
    { "secret = \"env:A-B\";", "\"env:\" needs the name" },
    { "secret = \"file:\";", "\"file:\" needs a path" },
    { "secret = \"exec:\";", "\"exec:\" needs an absolute path" },
    { "secret = \"exec:get-key\";", "\"exec:\" needs an absolute path" },
    { "secret = [ ];", "a list must be [ \"exec:/path\"" },
    { "secret = [ \"/bin/x\" ];", "a list must be [ \"exec:/path\"" },
    { "secret = ( \"exec:/bin/x\", 1 );", "a list must be [ \"exec:/path\"" },
    { "secret = \"File:/x\";", "in lower case" },
    { "signer = 1;", "\"signer\" must be the name of one of \"keys\", or a group such as { key" },
    { "signer = \"\";", "\"signer\" must be the name of one of \"keys\"" },
    { "signer = { };",
      "\"signer\" must say one of key = \"file:PATH\", pkcs12 = \"PATH\" and uri" },
    { "signer = { key = \"file:a\"; pkcs12 = \"b\" };", "\"signer\" must say one of key" },
    { "signer = { pkcs12 = \"b\"; certificate = \"c\" };", "leave out \"certificate\"" },
    { "signer = {\n keys = \"file:a\"; };",
      "error t:2: \"signer\" has no \"keys\": did you mean \"key\"?" },
    { "signer = { key = \"a.pem\" };", "\"key\": it may not stand in the policy itself" },
    { "signer = { key = \"file:a\"; passphrase = \"hunter2\" };",
      "\"passphrase\": it may not stand in the policy itself: say \"file:PATH\"" },
    { "signer = { key = \"file:a\"; certificate = [ ] };",
      "\"certificate\" is an empty list: name something or leave it out" },
    { "signer = { key = \"file:a\"; certificate = \"env:A\" };", "it must be a path" },
    { "signer = { key = \"file:a\"; warn_before = 14 };", "\"warn_before\"" },
    { "signer = { key = \"file:a\"; id = \"\" };", "needs an \"id\" of 1 to 255 bytes" },
    { "tls = \"x\";", "\"tls\" must be a group { }" },
    { "callback = \"cb\";", "\"callback\" is no path of this service" },
    { "callback = \"/cb/*\";", "it must be one path, without *" },
    { "pin = \"x\";", "\"pin\" must be a group { }" },
    { "pin = { };", "must say \"hash\" (string): h" },
    { "pin = { hsh = \"1\"; hash = \"1\" };", "\"pin\" has no \"hsh\": did you mean \"hash\"?" },
    { "few = [ ];", "\"few\" is an empty list: name something or leave it out" },
    { "few = [ \"a\", \"b\", \"c\" ];", "\"few\" must have 1 to 2 values, not 3" },
    { "few = ( \"a\",\n 1 );", "error t:2: a value of \"few\" must be a string, not an integer" },
};

TEST(every_mistake_in_options_is_named)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct reading reading;

        if (read_with(&reading, &table, 0, mistakes[i].text))
            TEST_FAIL("was read: %s", mistakes[i].text);
        CHECK_HAS(reading_text(&reading), mistakes[i].finding);
        if (reading.diag.errors != 1)
            TEST_FAIL("not one error but %s", reading_text(&reading));
        reading_end(&reading);
    }
}

TEST(required_holds_for_the_directions_it_names)
{
    struct reading reading;

    CHECK(read_with(&reading, &table, OPTIONS_USED_OUTGOING, ""));
    reading_end(&reading);
    CHECK(!read_with(&reading, &table, OPTIONS_USED_INCOMING, ""));
    CHECK_HAS(reading_text(&reading), "error t:1: instance x must say \"in\" (string): the way in");
    reading_end(&reading);
}

TEST(an_option_of_the_other_direction_is_warned_of)
{
    struct reading reading;

    CHECK(read_with(&reading, &table, OPTIONS_USED_INCOMING, "in = \"a\";\nout = \"b\";"));
    CHECK_STR(
        paa_str_of(reading_text(&reading)),
        "warning t:2: instance x: \"out\" has no effect: it is for outgoing services, and the "
        "instance is used in incoming ones only\n");
    reading_end(&reading);
    CHECK(read_with(&reading, &table, OPTIONS_USED_INCOMING | OPTIONS_USED_OUTGOING,
                    "in = \"a\"; out = \"b\";"));
    CHECK_INT(reading.diag.warnings, 0);
    reading_end(&reading);
}

TEST(a_literal_secret_is_warned_of_and_never_printed)
{
    static const char *const texts[] = {
        "secret = \"hunter2\";",         "secret = \"hunter2:x\";",
        "secret = \"hunter 2\";",        "secret = \"ENV:hunter2\";",
        "secret = [ \"hunter2\" ];",     "secret = hunter2;",
        "secret = { a = \"hunter2\" };", "secret = \"hunter2\" \"hunter2\";",
        "secret = \"env:hunter2 x\";"
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct reading reading;

        (void)read_with(&reading, &table, 0, texts[i]);
        CHECK(reading.diag.warnings + reading.diag.errors == 1);
        CHECK(strstr(reading_text(&reading), "hunter") == NULL);
        reading_end(&reading);
    }
}

TEST(a_literal_secret_says_what_to_do)
{
    struct reading reading;

    CHECK(read_with(&reading, &table, 0, "secret = \"hunter2\";"));
    CHECK_HAS(reading_text(&reading),
              "\"secret\" is a literal: keep secrets out of the policy, say \"env:NAME\"");
    reading_end(&reading);
    CHECK(read_with(&reading, &table, 0, "secret = \"vault:kv/x\";"));
    CHECK_HAS(reading_text(&reading), "(what stands before its colon is no known kind)");
    reading_end(&reading);
}

static void refuse_row(struct paa_option row, const char *finding)
{
    struct option_rows one = { &row, 1, sizeof row };
    struct reading reading;

    CHECK(!read_with(&reading, &one, 0, "plugin = \"sample\";"));
    CHECK_HAS(reading_text(&reading), finding);
    reading_end(&reading);
}

#define NO_MORE .member_count = 0
#define ROW(row_name, row_help, row_type, ...)                                                     \
    ((struct paa_option){ .name = (row_name), .help = (row_help), .type = (row_type), __VA_ARGS__ })

TEST(mistakes_in_a_plugins_table_are_named)
{
    static const struct paa_option member[] = {
        { .name = "o", .help = "h", .type = PAA_OPTION_STRING }
    };

    refuse_row(ROW(NULL, "h", PAA_OPTION_STRING, NO_MORE),
               "the option table of plugin \"sample\" is wrong: a name is missing");
    refuse_row(ROW("A B", "h", PAA_OPTION_STRING, NO_MORE), "a name is missing, or not made of");
    refuse_row(ROW("plugin", "h", PAA_OPTION_STRING, NO_MORE),
               "wrong at \"plugin\": that name is the core's");
    refuse_row(ROW("tls", "h", PAA_OPTION_STRING, NO_MORE), "that name is the core's");
    refuse_row(ROW("o", NULL, PAA_OPTION_STRING, NO_MORE), "wrong at \"o\": it has no help");
    refuse_row(ROW("o", "h", 0, NO_MORE), "this core does not know its type");
    refuse_row(ROW("o", "h", PAA_OPTION_STRING, .flags = 1u << 30),
               "this core does not know one of its flags");
    refuse_row(ROW("o", "h", PAA_OPTION_CHOICE, NO_MORE), "a choice needs \"choices\"");
    refuse_row(ROW("o", "h", PAA_OPTION_CHOICE, .choices = "a||b"), "a choice needs \"choices\"");
    refuse_row(ROW("o", "h", PAA_OPTION_GROUP, NO_MORE), "a group needs members");
    refuse_row(ROW("o", "h", PAA_OPTION_GROUP, .fallback = "x", .members = member,
                   .member_count = 1),
               "a group cannot have a fallback");
    refuse_row(ROW("o", "h", PAA_OPTION_STRING, .flags = PAA_OPTION_GENERATE),
               "only a secret can be generated");
    refuse_row(ROW("o", "h", PAA_OPTION_INTEGER, .flags = PAA_OPTION_INSTANCE),
               "only a string can name an instance");
    refuse_row(ROW("o", "h", PAA_OPTION_STRING, .flags = PAA_OPTION_REQUIRED, .fallback = "x"),
               "what is required needs no fallback");
    refuse_row(ROW("o", "h", PAA_OPTION_INTEGER, .min = 2, .max = 1), "its min is greater");
    refuse_row(ROW("o", "h", PAA_OPTION_STRING, .min = 1, .max = 2),
               "min and max go with integers");
    refuse_row(ROW("o", "h", PAA_OPTION_DURATION, .fallback = "soon"),
               "the fallback of \"o\" in the plugin's option table is wrong");
    refuse_row(ROW("o", "h", PAA_OPTION_STRING, .flags = PAA_OPTION_LIST, .fallback = "[ 1 ]"),
               "the fallback of \"o\"");
    refuse_row(ROW("o", "h", PAA_OPTION_STRING, .flags = PAA_OPTION_LIST, .fallback = "[ "),
               "the fallback of \"o\"");
}

TEST(a_table_that_cannot_be_is_refused)
{
    struct paa_option doubled[] = { ROW("o", "h", PAA_OPTION_STRING, NO_MORE),
                                    ROW("o", "h", PAA_OPTION_STRING, NO_MORE) };
    struct paa_option endless[] = { ROW("o", "h", PAA_OPTION_GROUP, .member_count = 1) };
    struct option_rows tables[] = { { doubled, 2, sizeof doubled[0] },
                                    { NULL, 1, sizeof doubled[0] },
                                    { doubled, 1, 8 },
                                    { doubled, 1, 100000 },
                                    { doubled, SIZE_MAX, sizeof doubled[0] },
                                    { endless, 1, sizeof endless[0] } };
    static const char *const findings[] = { "it is there twice",      "it is NULL",
                                            "its row size cannot be", "its row size cannot be",
                                            "over 256 rows",          "groups nested over 8 deep" };

    endless[0].members = endless;
    for (size_t i = 0; i < 6; i++) {
        struct reading reading;

        CHECK(!read_with(&reading, &tables[i], 0, ""));
        CHECK_HAS(reading_text(&reading), findings[i]);
        reading_end(&reading);
    }
}

static void refuse_words(const char *first, const char *second, const char *finding)
{
    const char *const words[] = { first, second };
    struct paa_error error;
    struct reading reading;

    reading_begin(&reading);
    CHECK(options_from_words(words, second != NULL ? 2 : 1, &table, "mint", "/", &reading.arena,
                             &error) == NULL);
    CHECK_HAS(error.text, finding);
    CHECK(strstr(error.text, "hunter") == NULL);
    reading_end(&reading);
}

TEST(mistakes_in_words_are_named)
{
    refuse_words("heder=x", NULL, "mint has no \"heder\": did you mean \"header\"?");
    refuse_words("heder", NULL, "mint has no \"heder\": did you mean \"header\"?");
    refuse_words("header", NULL, "\"header\" needs a value: write NAME=VALUE");
    refuse_words("header=x", "header=y", "\"header\" is there twice");
    refuse_words("count=x", NULL, "\"count\" must be an integer, not a string");
    refuse_words("count=99999999999999999999", NULL, "\"count\" must be an integer");
    refuse_words("strict=yes", NULL, "\"strict\" must be true or false");
    refuse_words("secret=hunter2", NULL, "a secret in an argument is seen by every user");
    refuse_words("pin=x", NULL, "\"pin\" must be a group { }");
    refuse_words("", NULL, "mint has no \"\"");
    refuse_words("=x", NULL, "mint has no \"\"");
}

TEST(little_memory_is_an_error_and_no_crash)
{
    static const char text[] =
        "header = \"x\"; secret = [ \"exec:/a\", \"b\" ]; pin = { hash = \"1\" };";
    bool was_read = false;

    for (size_t max = 0; max < 64 * 1024 && !was_read; max += 32) {
        struct reading reading;
        struct node *root;

        reading_begin(&reading);
        root = node_parse(STR(text), "t", &reading.arena, &reading.diag);
        REQUIRE(root != NULL);
        reading.arena.max = reading.arena.taken + max;
        was_read = options_read(root, &table, 0, "instance x", "/", skip, 1, &reading.arena,
                                &reading.diag) != NULL;
        CHECK(was_read || reading.diag.errors > 0);
        reading_end(&reading);
    }
    CHECK(was_read);
}

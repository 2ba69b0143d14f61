/* SPDX-License-Identifier: MIT */
/* Options as a plugin reads them: every type, defaults, lists, groups, the host table, digests, words. */
#include "options.h"
#include "options_read.h"
#include "reading.h"
#include "str.h"
#include "test.h"

static const struct paa_option pin_rows[] = {
    { .name = "hash", .help = "h", .type = PAA_OPTION_STRING, .flags = PAA_OPTION_REQUIRED },
    { .name = "key", .help = "h", .type = PAA_OPTION_SECRET },
};

static const struct paa_option rows[] = {
    { .name = "header", .help = "h", .fallback = "X-API-Key", .type = PAA_OPTION_STRING },
    { .name = "count",
      .help = "h",
      .type = PAA_OPTION_INTEGER,
      .fallback = "-3",
      .min = -5,
      .max = 9 },
    { .name = "strict", .help = "h", .type = PAA_OPTION_BOOLEAN, .fallback = "true" },
    { .name = "leeway", .help = "h", .type = PAA_OPTION_DURATION, .fallback = "1m" },
    { .name = "mode",
      .help = "h",
      .type = PAA_OPTION_CHOICE,
      .choices = "one|two|three",
      .fallback = "two" },
    { .name = "issuer", .help = "h", .type = PAA_OPTION_URL },
    { .name = "ca", .help = "h", .type = PAA_OPTION_PATH },
    { .name = "secret", .help = "h", .type = PAA_OPTION_SECRET },
    { .name = "secrets", .help = "h", .type = PAA_OPTION_SECRET, .flags = PAA_OPTION_LIST },
    { .name = "signer", .help = "h", .type = PAA_OPTION_KEY },
    { .name = "tls", .help = "h", .type = PAA_OPTION_TLS },
    { .name = "callback", .help = "h", .type = PAA_OPTION_ENDPOINT },
    { .name = "pins",
      .help = "h",
      .type = PAA_OPTION_GROUP,
      .flags = PAA_OPTION_LIST,
      .members = pin_rows,
      .member_count = 2 },
    { .name = "scopes",
      .help = "h",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_LIST,
      .fallback = "[ \"a\", \"b\" ]" },
    { .name = "in-only",
      .help = "h",
      .type = PAA_OPTION_STRING,
      .flags = PAA_OPTION_INCOMING | PAA_OPTION_REQUIRED },
};

static const struct option_rows table = { rows, sizeof rows / sizeof rows[0], sizeof rows[0] };
static const char *const skip[] = { "plugin" };
static const struct paa_host_options *const host = &config_host_options;

static struct paa_options *read_with(struct reading *reading, const struct option_rows *with,
                                     uint32_t used, const char *text)
{
    struct node *root;

    reading_begin(reading);
    root = node_parse(paa_str_of(text), "t", &reading->arena, &reading->diag);
    if (root == NULL)
        return NULL;
    return options_read(root, with, used, "instance x", "/etc/paa", skip, 1, &reading->arena,
                        &reading->diag);
}

TEST(fallbacks_are_read_as_if_they_stood_in_the_policy)
{
    struct reading reading;
    struct paa_options *options = read_with(&reading, &table, OPTIONS_USED_OUTGOING, "");

    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(options != NULL);
    CHECK_STR(host->string(options, "header", 0), "X-API-Key");
    CHECK_INT(host->number(options, "count", 0), -3);
    CHECK_INT(host->number(options, "strict", 0), 1);
    CHECK_INT(host->number(options, "leeway", 0), 60000);
    CHECK_INT(host->number(options, "mode", 0), 1);
    CHECK_STR(host->string(options, "mode", 0), "two");
    CHECK_INT(host->count(options, "scopes"), 2);
    CHECK_STR(host->string(options, "scopes", 1), "b");
    CHECK_INT(host->count(options, "issuer"), 0);
    CHECK(host->string(options, "issuer", 0).data == NULL);
    reading_end(&reading);
}

TEST(every_type_is_read)
{
    struct reading reading;
    struct paa_options *options = read_with(
        &reading, &table, OPTIONS_USED_INCOMING,
        "plugin = \"p\"; header = \"\"; count = 9; strict = false; leeway = \"0\"; mode = "
        "\"three\";\n"
        "issuer = \"https://id.example.com/t?x=1\"; ca = \"ca.pem\"; secret = \"env:API_KEY\";\n"
        "secrets = ( \"file:a\", \"file:/b\", \"exec:/bin/get  one two\", [ \"exec:/bin/get\", \"a "
        "b\" ] );\n"
        "signer = { key = \"file:k.pem\" }; tls = { ca = \"x\" }; callback = \"/cb\";\n"
        "pins = ( { hash = \"1\"; key = \"file:p\" }, { hash = \"2\" } ); scopes = \"only\"; "
        "in-only = \"y\";");
    const struct paa_options *pin;
    const struct option_entry *secrets = NULL;

    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(options != NULL);
    CHECK(host->string(options, "header", 0).data != NULL);
    CHECK_INT(host->string(options, "header", 0).size, 0);
    CHECK_INT(host->number(options, "count", 0), 9);
    CHECK_INT(host->number(options, "strict", 0), 0);
    CHECK_INT(host->number(options, "mode", 0), 2);
    CHECK_STR(host->string(options, "issuer", 0), "https://id.example.com/t?x=1");
    CHECK_STR(host->string(options, "callback", 0), "/cb");
    CHECK_INT(host->count(options, "scopes"), 1);
    CHECK_INT(host->count(options, "pins"), 2);
    pin = host->group(options, "pins", 1);
    REQUIRE(pin != NULL);
    CHECK_STR(host->string(pin, "hash", 0), "2");
    CHECK(host->group(options, "pins", 2) == NULL);
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->entries[i].row->name, "secrets") == 0)
            secrets = &options->entries[i];
    REQUIRE(secrets != NULL && secrets->count == 4);
    CHECK_INT(secrets->values[0].secret.kind, OPTION_FILE);
    CHECK_STR(secrets->values[0].secret.text, "/etc/paa/a");
    CHECK_STR(secrets->values[1].secret.text, "/b");
    CHECK_INT(secrets->values[2].secret.kind, OPTION_EXEC);
    CHECK_STR(secrets->values[2].secret.text, "/bin/get");
    CHECK_STR(paa_str_of(secrets->values[2].secret.argv[2]), "two");
    CHECK(secrets->values[2].secret.argv[3] == NULL);
    CHECK_STR(paa_str_of(secrets->values[3].secret.argv[1]), "a b");
    CHECK(secrets->values[3].secret.argv[2] == NULL);
    reading_end(&reading);
}

TEST(what_is_not_there_or_of_another_type_is_absent)
{
    struct reading reading;
    struct paa_options *options =
        read_with(&reading, &table, 0, "secret = \"env:A\"; secrets = \"env:B\";");

    REQUIRE(options != NULL);
    CHECK(host->string(options, "nobody", 0).data == NULL);
    CHECK(host->string(options, "secret", 0).data == NULL);
    CHECK(host->string(options, NULL, 0).data == NULL);
    CHECK_INT(host->number(options, "nobody", 0), 0);
    CHECK_INT(host->count(options, "nobody"), 0);
    CHECK(host->source(options, "nobody", 0) == NULL);
    CHECK(host->source(options, "nobody", PAA_ALL) == NULL);
    CHECK(host->group(options, "header", 0) == NULL);
    CHECK(host->string(options, "header", 1).data == NULL);
    CHECK(host->key(options, "secret", 0) == NULL);
    CHECK(host->string(NULL, "header", 0).data == NULL);
    reading_end(&reading);
}

static bool bind(struct option_entry *entry, struct option_value *value, void *arg)
{
    int *count = arg;

    value->handle = value;
    entry->all = entry;
    return ++*count < 100;
}

static bool stop(struct option_entry *entry, struct option_value *value, void *arg)
{
    (void)entry;
    (void)value;
    ++*(int *)arg;
    return false;
}

TEST(what_is_bound_outside_is_visited_in_groups_too)
{
    struct reading reading;
    struct paa_options *options = read_with(
        &reading, &table, 0,
        "secret = \"env:A\"; secrets = [ \"env:B\", \"env:C\" ]; ca = \"x\"; signer = \"k\";\n"
        "tls = {}; callback = \"/cb\"; pins = ( { hash = \"1\"; key = \"env:D\" } );");
    int count = 0;

    REQUIRE(options != NULL);
    CHECK(options_each(options, bind, &count));
    CHECK_INT(count, 8);
    CHECK(host->source(options, "secret", 0) != NULL);
    CHECK(host->source(options, "secrets", 1) != NULL);
    CHECK(host->source(options, "secrets", 2) == NULL);
    CHECK(host->source(options, "secrets", PAA_ALL) != NULL);
    CHECK(host->source(options, "ca", 0) != NULL);
    CHECK(host->source(options, "signer", 0) == NULL);
    CHECK(host->key(options, "signer", 0) != NULL);
    CHECK(host->tls(options, "tls", 0) != NULL);
    CHECK(host->source(host->group(options, "pins", 0), "key", 0) != NULL);
    count = 0;
    CHECK(!options_each(options, stop, &count));
    CHECK_INT(count, 1);
    reading_end(&reading);
}

static enum paa_status note_reads(void *arg, enum paa_place place, struct paa_str name)
{
    *(struct paa_str *)arg = name;
    return place == PAA_PLACE_HEADER ? PAA_STATUS_OK : PAA_STATUS_UNSUPPORTED;
}

TEST(reads_refuse_and_warn_work_during_create_only)
{
    struct reading reading;
    struct paa_options *options =
        read_with(&reading, &table, 0, "\nheader = \"X\";\npins = ( { hash = \"1\" } );");
    const struct paa_options *pin;
    struct paa_str seen = STR_NONE;

    REQUIRE(options != NULL);
    pin = host->group(options, "pins", 0);
    CHECK_INT(host->reads(options, PAA_PLACE_HEADER, STR("X")), PAA_STATUS_INVALID);
    options->reads_arg = &seen;
    options->reads_fn = note_reads;
    CHECK_INT(host->reads(options, PAA_PLACE_HEADER, STR("X")), PAA_STATUS_OK);
    CHECK_STR(seen, "X");
    CHECK_INT(host->reads(pin, PAA_PLACE_COOKIE, STR("Y")), PAA_STATUS_UNSUPPORTED);
    CHECK_INT(host->warn(options, "header", STR("is odd")), PAA_STATUS_OK);
    CHECK_INT(host->refuse(pin, "hash", STR("is short")), PAA_STATUS_INVALID);
    CHECK_INT(host->refuse(options, NULL, STR("no")), PAA_STATUS_INVALID);
    CHECK_STR(paa_str_of(reading_text(&reading)), "warning t:2: instance x: \"header\": is odd\n"
                                                  "error t:3: instance x: \"hash\": is short\n"
                                                  "error t:1: instance x: no\n");
    options->diag = NULL;
    options->reads_fn = NULL;
    CHECK_INT(host->reads(pin, PAA_PLACE_HEADER, STR("X")), PAA_STATUS_INVALID);
    CHECK_INT(host->warn(options, "header", STR("late")), PAA_STATUS_INVALID);
    CHECK_INT(host->refuse(pin, "hash", STR("late")), PAA_STATUS_INVALID);
    CHECK_INT(reading.diag.errors, 2);
    reading_end(&reading);
}

static void add_bytes(void *arg, const void *data, size_t size)
{
    buf_add(arg, data, size);
}

static bool same_digest(const char *a, const char *b)
{
    struct reading first, second;
    struct paa_options *left = read_with(&first, &table, 0, a);
    struct paa_options *right = read_with(&second, &table, 0, b);
    struct buf x, y;
    bool same;

    buf_init(&x, 1 << 16);
    buf_init(&y, 1 << 16);
    if (left == NULL || right == NULL)
        TEST_FAIL("was refused: %s %s", reading_text(&first), reading_text(&second));
    else {
        options_digest(left, add_bytes, &x);
        options_digest(right, add_bytes, &y);
    }
    same = str_eq(buf_str(&x), buf_str(&y));
    buf_free(&x);
    buf_free(&y);
    reading_end(&first);
    reading_end(&second);
    return same;
}

TEST(a_key_is_described_in_place)
{
    struct reading reading;
    struct paa_options *options = read_with(
        &reading, &table, 0,
        "signer = { key = \"file:k.pem\"; certificate = [ \"c.pem\", \"/etc/ssl/ca.pem\" ];\n"
        "  passphrase = \"exec:/bin/ask me\"; id = \"2026\"; warn_before = \"1d\"; };");
    const struct key_conf *key;

    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(options != NULL);
    key = option_entry(options, "signer")->values[0].key;
    REQUIRE(key != NULL);
    CHECK(key->name == NULL && !key->is_pkcs12);
    CHECK_INT(key->key->kind, OPTION_FILE);
    CHECK_STR(key->key->text, "/etc/paa/k.pem");
    CHECK_INT(key->certificate_count, 2);
    CHECK_STR(key->certificates[0].text, "/etc/paa/c.pem");
    CHECK_STR(key->certificates[1].text, "/etc/ssl/ca.pem");
    CHECK_INT(key->passphrase->kind, OPTION_EXEC);
    CHECK_STR(paa_str_of(key->id), "2026");
    CHECK_INT(key->warn_before_ms, 24 * 60 * 60 * 1000);
    reading_end(&reading);
    options = read_with(&reading, &table, 0, "signer = { pkcs12 = \"k.p12\"; };");
    REQUIRE(options != NULL);
    key = option_entry(options, "signer")->values[0].key;
    CHECK(key->is_pkcs12 && key->passphrase == NULL && key->certificate_count == 0);
    CHECK_STR(key->key->text, "/etc/paa/k.p12");
    CHECK_INT(key->warn_before_ms, INT64_C(14) * 24 * 60 * 60 * 1000);
    reading_end(&reading);
}

TEST(the_digest_depends_on_what_the_options_say)
{
    CHECK(same_digest("header = \"X\"; count = 1;", "count = 1; header = \"X\";"));
    CHECK(same_digest("", "count = -3;"));
    CHECK(!same_digest("header = \"X\";", "header = \"Y\";"));
    CHECK(!same_digest("scopes = [ \"ab\", \"c\" ];", "scopes = [ \"a\", \"bc\" ];"));
    CHECK(!same_digest("secret = \"env:A\";", "secret = \"env:B\";"));
    CHECK(!same_digest("secret = \"exec:/a b\";", "secret = \"exec:/a c\";"));
    CHECK(same_digest("secret = \"hunter2\";", "secret = \"hunter3\";"));
    CHECK(!same_digest("signer = \"a\";", "signer = \"b\";"));
    CHECK(!same_digest("signer = { key = \"file:a\" };", "signer = { key = \"file:b\" };"));
    CHECK(!same_digest("signer = { key = \"file:a\" };", "signer = { pkcs12 = \"a\" };"));
    CHECK(!same_digest("signer = { key = \"file:a\" };",
                       "signer = { key = \"file:a\"; id = \"x\" };"));
    CHECK(same_digest("signer = { key = \"file:a\"; id = \"x\" };",
                      "signer = { id = \"x\"; key = \"file:a\" };"));
    CHECK(!same_digest("tls = { ca = \"a\" };", "tls = { ca = \"b\" };"));
    CHECK(same_digest("tls = { };", "tls = { min_version = \"1.2\" };"));
    CHECK(!same_digest("pins = ( { hash = \"1\" } );", "pins = ( { hash = \"2\" } );"));
}

TEST(words_are_read_as_options)
{
    static const char *const words[] = { "header=a=b", "strict",        "count=4",  "scopes=x",
                                         "scopes=y",   "secret=file:k", "leeway=2s" };
    struct paa_options *options;
    struct paa_error error;
    struct reading reading;

    reading_begin(&reading);
    options = options_from_words(words, 7, &table, "mint", "/home/u", &reading.arena, &error);
    CHECK_STR(paa_str_of(error.text), "");
    REQUIRE(options != NULL);
    CHECK_STR(host->string(options, "header", 0), "a=b");
    CHECK_INT(host->number(options, "strict", 0), 1);
    CHECK_INT(host->number(options, "count", 0), 4);
    CHECK_INT(host->number(options, "leeway", 0), 2000);
    CHECK_INT(host->count(options, "scopes"), 2);
    CHECK_STR(host->string(options, "scopes", 1), "y");
    CHECK_INT(host->refuse(options, "header", STR("late")), PAA_STATUS_INVALID);
    reading_end(&reading);
}

TEST(types_have_names)
{
    char text[64];

    option_type_text(&rows[0], text);
    CHECK_STR(paa_str_of(text), "string");
    option_type_text(&rows[13], text);
    CHECK_STR(paa_str_of(text), "list of string");
    option_type_text(&rows[12], text);
    CHECK_STR(paa_str_of(text), "list of group");
    CHECK(option_row(&table, 3) == &rows[3]);
}

struct long_row { /* of a core's later minor */
    struct paa_option row;
    int64_t later;
};

TEST(rows_of_another_size_are_read_to_their_end_only)
{
    enum { SHORT = offsetof(struct paa_option, min) };
    unsigned char small[2 * SHORT];
    struct long_row large[2] = { { rows[0], 0 }, { rows[3], 0 } };
    struct option_rows short_table = { (const void *)small, 2, SHORT };
    struct option_rows long_table = { &large[0].row, 2, sizeof large[0] };
    struct paa_options *options;
    struct reading reading;

    memcpy(small, &rows[1], SHORT); /* "count", without its range */
    memcpy(small + SHORT, &rows[3], SHORT);
    options = read_with(&reading, &short_table, 0, "count = 1000;");
    REQUIRE(options != NULL);
    CHECK_INT(host->number(options, "count", 0), 1000);
    CHECK_INT(host->number(options, "leeway", 0), 60000);
    reading_end(&reading);
    options = read_with(&reading, &long_table, 0, "");
    REQUIRE(options != NULL);
    CHECK_INT(host->number(options, "leeway", 0), 60000);
    reading_end(&reading);
    large[1].later = 1;
    CHECK(read_with(&reading, &long_table, 0, "") == NULL);
    CHECK_HAS(reading_text(&reading), "wrong at \"leeway\": it uses what only a newer core knows");
    reading_end(&reading);
}

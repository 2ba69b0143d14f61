/* SPDX-License-Identifier: MIT */
/* The core's own group, `tls`: what it may say, and every mistake in it. */
#include "options.h"
#include "reading.h"
#include "test.h"

static const struct paa_option rows[] = { { .name = "tls", .help = "h", .type = PAA_OPTION_TLS } };
static const struct option_rows table = { rows, 1, sizeof rows[0] };
static const struct paa_host_options *const host = &config_host_options;

#define PIN "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

/* The group, or NULL. */
static const struct paa_options *read_tls(struct reading *reading, const char *text)
{
    struct paa_options *options = NULL;
    struct node *root;

    reading_begin(reading);
    root = node_parse(paa_str_of(text), "t", &reading->arena, &reading->diag);
    if (root != NULL)
        options = options_read(root, &table, 0, "instance x", "/etc/paa", NULL, 0, &reading->arena,
                               &reading->diag);
    return options != NULL ? options->entries[0].values[0].group : NULL;
}

TEST(an_empty_group_verifies_with_tls_1_2)
{
    struct reading reading;
    const struct paa_options *tls = read_tls(&reading, "tls = { };");

    REQUIRE(tls != NULL);
    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    CHECK_INT(host->number(tls, "verify", 0), 1);
    CHECK_STR(host->string(tls, "min_version", 0), "1.2");
    CHECK_INT(host->number(tls, "http_loopback", 0), 0);
    CHECK_INT(host->count(tls, "pins"), 0);
    reading_end(&reading);
}

TEST(all_of_it_is_read)
{
    struct reading reading;
    const struct paa_options *tls =
        read_tls(&reading, "tls = { ca = \"ca.pem\"; min_version = \"1.3\"; pins = [ \"" PIN
                           "\", \"" PIN "\" ]; proxy = \"http://proxy:3128\";"
                           " http_loopback = true; };");

    REQUIRE(tls != NULL);
    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    CHECK_INT(host->number(tls, "min_version", 0), 1);
    CHECK_INT(host->count(tls, "pins"), 2);
    CHECK_STR(host->string(tls, "pins", 1), PIN);
    CHECK_STR(host->string(tls, "proxy", 0), "http://proxy:3128");
    CHECK_INT(host->number(tls, "http_loopback", 0), 1);
    reading_end(&reading);
}

TEST(not_to_verify_is_warned_of_with_its_reason)
{
    struct reading reading;

    CHECK(read_tls(&reading, "tls = {\n verify = false; insecure_reason = \"a test\" };") != NULL);
    CHECK_HAS(reading_text(&reading), "warning t:2: instance x: tls: certificates of loopback "
                                      "addresses are not verified");
    CHECK_HAS(reading_text(&reading), "a test");
    reading_end(&reading);
    CHECK(read_tls(&reading, "tls = { verify = false; insecure_reason = \"w\"; insecure_anywhere = "
                             "true };") != NULL);
    CHECK_HAS(reading_text(&reading), "certificates of ANY host are not verified");
    reading_end(&reading);
}

static const struct {
    const char *text;
    const char *finding;
} mistakes[] = {
    { "tls = \"x\";", "\"tls\" must be a group { }" },
    { "tls = { cb = \"x\" };", "\"tls\" has no \"cb\": did you mean \"ca\"?" },
    { "tls = { ca = 1 };", "\"ca\" must be a string" },
    { "tls = { min_version = \"1.1\" };", "\"min_version\" cannot be \"1.1\"" },
    { "tls = { pins = [ ] };", "\"pins\" is an empty list: name something or leave it out" },
    { "tls = { pins = [ \"x\" ] };", "instance x: tls: a pin is base64 of a SHA-256" },
    { "tls = { pins = [\n\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=\" ] };", "error t:2: " },
    { "tls = { pins = \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\" };", "a pin is base64" },
    { "tls = { pins = \"sha256//" PIN "\" };", "a pin is base64" },
    { "tls = { proxy = \"https://proxy\" };", "proxy must be \"http://host:port\"" },
    { "tls = { proxy = \"http://proxy/\" };", "proxy must be \"http://host:port\"" },
    { "tls = { proxy = \"http://u:p@proxy\" };", "userinfo" },
    { "tls = { verify = false };", "verify = false needs insecure_reason" },
    { "tls = {\n verify = false; insecure_reason = \"\" };", "error t:2: instance x: tls: verify" },
    { "tls = { insecure_reason = \"x\" };", "go with verify = false only" },
    { "tls = { insecure_anywhere = true };", "go with verify = false only" },
};

TEST(every_mistake_in_it_is_named)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct reading reading;

        if (read_tls(&reading, mistakes[i].text) != NULL)
            TEST_FAIL("was read: %s", mistakes[i].text);
        CHECK_HAS(reading_text(&reading), mistakes[i].finding);
        if (reading.diag.errors != 1)
            TEST_FAIL("not one error but %s", reading_text(&reading));
        reading_end(&reading);
    }
}

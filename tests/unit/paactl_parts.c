/* SPDX-License-Identifier: MIT */
/* paactl's pure parts: what it reads from the command line, and what it writes about a walk. No context. */
#include "args.h"
#include "explain.h"
#include "str.h"
#include "test.h"

#include <netinet/in.h>

/* ---- the command line ---- */

static bool parse(struct args *args, int argc, const char *const *argv)
{
    return args_parse(args, COMMAND_EXPLAIN, "explain", argc, argv);
}

TEST(options_and_arguments_may_be_mixed)
{
    const char *const argv[] = { "svc", "-c", "p.conf", "--json", "GET", "-Ha: b", "--at=7", "/" };
    struct args args;

    REQUIRE(parse(&args, 8, argv));
    CHECK_STR(paa_str_of(args.policy), "p.conf");
    CHECK_STR(paa_str_of(args.at), "7");
    CHECK(args.json);
    CHECK(!args.online);
    CHECK_INT(args.headers.count, 1);
    CHECK_STR(paa_str_of(args.headers.items[0]), "a: b");
    CHECK_INT(args.rest.count, 3);
    CHECK_STR(paa_str_of(args.rest.items[2]), "/");
    args_free(&args);
}

TEST(two_dashes_end_the_options)
{
    const char *const argv[] = { "--", "--json" };
    struct args args;

    REQUIRE(parse(&args, 2, argv));
    CHECK(!args.json);
    CHECK_STR(paa_str_of(args.rest.items[0]), "--json");
    args_free(&args);
}

static void check_refused(int argc, const char *const *argv)
{
    struct args args;

    CHECK(!parse(&args, argc, argv));
    args_free(&args);
}

TEST(a_wrong_option_is_refused)
{
    const char *const unknown[] = { "--onlin" };
    const char *const letter[] = { "-x" };
    const char *const other_commands[] = { "--allow-plugin", "/x" };
    const char *const no_value[] = { "--at" };
    const char *const needless_value[] = { "--json=yes" };
    const char *const twice[] = { "--at", "1", "--at", "2" };

    check_refused(1, unknown);
    check_refused(1, letter);
    check_refused(2, other_commands);
    check_refused(1, no_value);
    check_refused(1, needless_value);
    check_refused(4, twice);
}

/* ---- the request ---- */

TEST(a_url_is_taken_apart)
{
    struct given_url url;

    REQUIRE(given_url_parse(STR("https://api.example.com:8443/v1?a=b"), &url) == NULL);
    CHECK_STR(url.scheme, "https");
    CHECK_STR(url.authority, "api.example.com:8443");
    CHECK_STR(url.target, "/v1?a=b");
    REQUIRE(given_url_parse(STR("http://h"), &url) == NULL);
    CHECK_STR(url.target, "/");
}

TEST(a_path_has_no_authority)
{
    struct given_url url;

    REQUIRE(given_url_parse(STR("/v1?u=https://x"), &url) == NULL);
    CHECK_STR(url.target, "/v1?u=https://x");
    CHECK(url.scheme.data == NULL);
    CHECK(url.authority.data == NULL);
}

TEST(what_is_no_url_is_refused)
{
    static const char *const wrong[] = { "",         "v1",         "://h/",        "https:/h",
                                         "https://", "https:///p", "https://h/#f", "https://h?q" };
    struct given_url url;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(given_url_parse(paa_str_of(wrong[i]), &url) != NULL);
}

TEST(a_field_is_parted_at_its_first_colon)
{
    struct paa_field field;

    REQUIRE(given_field_parse(STR("Host: \t a:80 "), &field));
    CHECK_STR(field.name, "Host");
    CHECK_STR(field.value, "a:80");
    REQUIRE(given_field_parse(STR("X:"), &field));
    CHECK_STR(field.value, "");
    CHECK(!given_field_parse(STR("no colon"), &field));
    CHECK(!given_field_parse(STR(": no name"), &field));
}

TEST(addresses_are_numeric_or_unix)
{
    struct sockaddr_storage address;

    CHECK_INT(given_address_parse("192.0.2.7", &address), sizeof(struct sockaddr_in));
    CHECK_INT(address.ss_family, AF_INET);
    CHECK_INT(given_address_parse("2001:db8::7", &address), sizeof(struct sockaddr_in6));
    CHECK_INT(address.ss_family, AF_INET6);
    CHECK(given_address_parse("unix:", &address) > 0);
    CHECK_INT(address.ss_family, AF_UNIX);
    CHECK_INT(given_address_parse("localhost", &address), 0);
    CHECK_INT(given_address_parse("192.0.2.7:80", &address), 0);
    CHECK_INT(given_address_parse("", &address), 0);
}

#define PEM(base64) "-----BEGIN CERTIFICATE-----\n" base64 "\n-----END CERTIFICATE-----\n"

TEST(certificates_come_out_of_pem_in_order)
{
    struct pem_certs certs;

    pem_init(&certs);
    CHECK(pem_read(&certs, STR("junk\n" PEM("AQID") "between\n" PEM("BAU=\r\n"))) == NULL);
    CHECK(pem_read(&certs, STR(PEM("Bg=="))) == NULL);
    REQUIRE(certs.count == 3);
    CHECK_INT(certs.items[0].size, 3);
    CHECK(memcmp(certs.items[0].data, "\1\2\3", 3) == 0);
    CHECK_INT(certs.items[1].size, 2);
    CHECK(memcmp(certs.items[1].data, "\4\5", 2) == 0);
    CHECK_INT(certs.items[2].size, 1);
    CHECK_INT(certs.items[2].data[0], 6);
    pem_free(&certs);
}

TEST(broken_pem_is_refused)
{
    static const char *const wrong[] = { "",          "no certificate",
                                         PEM(""),     PEM("AQI"),
                                         PEM("AQ=D"), PEM("===="),
                                         PEM("A*ID"), "-----BEGIN CERTIFICATE-----\nAQID\n" };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct pem_certs certs;

        pem_init(&certs);
        CHECK(pem_read(&certs, paa_str_of(wrong[i])) != NULL);
        pem_free(&certs);
    }
}

/* ---- what is written about a walk ---- */

struct example {
    struct given given;
    struct paa_step steps[4];
    struct paa_edit edit;
    struct explanation explanation;
    struct out out;
};

static void set_step(struct paa_step *step, const char *control, const char *instance,
                     enum paa_result result)
{
    paa_init(step, sizeof *step);
    step->control = paa_str_of(control);
    step->instance = paa_str_of(instance);
    step->plugin = paa_str_of("apikey");
    step->result = result;
    step->time_ns = 12345;
    step->file = STR("p.conf");
    step->line = 9;
}

/* optional a: UNAVAILABLE; required [ b: ACCEPT, c: not run ]; required d: not run; a secret is attached. */
static void set_up(struct example *example)
{
    memset(example, 0, sizeof *example);
    example->given.service = "svc";
    example->given.method = "GET";
    example->given.whole_url = "https://h.example/p?key=query-secret";
    (void)given_url_parse(paa_str_of(example->given.whole_url), &example->given.url);
    set_step(&example->steps[0], "optional", "a", PAA_UNAVAILABLE);
    example->steps[0].sentence = STR("line\none\033[31m");
    set_step(&example->steps[1], "required", "b", PAA_ACCEPT);
    set_step(&example->steps[2], "required", "c", 0);
    example->steps[2].flags = PAA_STEP_MEMBER;
    set_step(&example->steps[3], "required", "d", 0);
    paa_init(&example->edit, sizeof example->edit);
    example->edit.kind = PAA_EDIT_SET;
    example->edit.flags = PAA_EDIT_SECRET;
    example->edit.name = STR("X-API-Key");
    example->edit.value = STR("header-secret");
    example->explanation = (struct explanation){ .given = &example->given,
                                                 .direction = PAA_OUTGOING,
                                                 .state = PAA_TXN_ALLOW,
                                                 .steps = example->steps,
                                                 .step_count = 4,
                                                 .request_edits = &example->edit,
                                                 .request_edit_count = 1 };
    example->explanation.target = paa_str_of(example->given.whole_url);
    buf_init(&example->out.buf, OUT_MAX);
}

static const char *text_of(struct example *example)
{
    buf_clear(&example->out.buf);
    explain_text(&example->explanation, &example->out);
    return example->out.buf.data;
}

static const char *json_of(struct example *example)
{
    buf_clear(&example->out.buf);
    explain_json(&example->explanation, &example->out.buf);
    return example->out.buf.data;
}

TEST(a_walk_is_written_step_by_step)
{
    struct example example;
    const char *text;

    set_up(&example);
    text = text_of(&example);
    CHECK_HAS(text, "! optional  a (apikey)    unavailable  12.3 us  p.conf:9\n");
    CHECK_HAS(text, "this failure did not count: the chain let it pass\n");
    CHECK_HAS(text, "+ required  b (apikey)    accept       12.3 us  p.conf:9\n");
    CHECK_HAS(text, ". required  - c (apikey)  not run: an earlier member of its group decided\n");
    CHECK_HAS(text, ". required  d (apikey)    not run: the walk had ended\n");
    CHECK_HAS(text, "ALLOW  the request may be sent to https://h.example\n");
    buf_free(&example.out.buf);
}

TEST(text_has_no_control_bytes_but_newlines)
{
    struct example example;
    const char *text;

    set_up(&example);
    text = text_of(&example);
    for (const char *c = text; *c != '\0'; c++)
        CHECK((unsigned char)*c >= 0x20 || *c == '\n');
    CHECK_HAS(text, "line\\x0aone\\x1b[31m\n");
    buf_free(&example.out.buf);
}

TEST(colours_mark_a_failure_that_was_let_pass)
{
    struct example example;

    set_up(&example);
    example.out.has_colours = true;
    CHECK_HAS(text_of(&example), "\033[33munavailable\033[0m");
    CHECK_HAS(text_of(&example), "\033[32maccept\033[0m");
    CHECK_HAS(text_of(&example), "\033[2mnot run: \033[0m");
    buf_free(&example.out.buf);
}

TEST(secrets_are_masked_unless_revealed)
{
    struct example example;

    set_up(&example);
    CHECK_HAS(text_of(&example), "set    X-API-Key: ***  (13 bytes, secret)\n");
    CHECK(strstr(text_of(&example), "header-secret") == NULL);
    CHECK(strstr(text_of(&example), "query-secret") == NULL);
    CHECK(strstr(json_of(&example), "header-secret") == NULL);
    CHECK(strstr(json_of(&example), "query-secret") == NULL);
    example.explanation.reveals = true;
    CHECK_HAS(text_of(&example), "header-secret");
    CHECK_HAS(text_of(&example), "query-secret");
    CHECK_HAS(json_of(&example), "\"value\":\"header-secret\"");
    CHECK_HAS(json_of(&example), "query-secret");
    buf_free(&example.out.buf);
}

TEST(json_tells_every_step)
{
    struct example example;
    const char *json;

    set_up(&example);
    json = json_of(&example);
    CHECK_HAS(json, "\"verdict\":\"allow\",\"status\":null");
    CHECK_HAS(json, "{\"instance\":\"a\",\"plugin\":\"apikey\",\"control\":\"optional\",\"result\":"
                    "\"unavailable\","
                    "\"reason\":null,\"sentence\":\"line\\u000aone\\u001b[31m\",\"time_ns\":12345,"
                    "\"file\":\"p.conf\",\"line\":9,\"same_group\":false,\"swallowed\":true}");
    CHECK_HAS(json, "\"result\":\"not_run\",\"reason\":null,"
                    "\"sentence\":\"an earlier member of its group decided\",\"time_ns\":null");
    CHECK_HAS(json, "\"audit\":null}");
    buf_free(&example.out.buf);
}

TEST(a_failure_that_decided_is_not_swallowed)
{
    struct example example;

    set_up(&example);
    example.explanation.state = PAA_TXN_ANSWER;
    set_step(&example.steps[1], "required", "b", PAA_REJECT);
    CHECK(!step_is_swallowed(&example.explanation, &example.steps[1]));
    CHECK(step_is_swallowed(&example.explanation, &example.steps[0]));
    set_step(&example.steps[0], "optional", "a", PAA_ABSENT);
    CHECK(!step_is_swallowed(&example.explanation, &example.steps[0]));
    CHECK_HAS(text_of(&example), "x required  b (apikey)    reject");
    buf_free(&example.out.buf);
}

TEST(an_answer_names_status_why_and_sentence)
{
    struct example example;

    set_up(&example);
    example.explanation.direction = PAA_INCOMING;
    example.explanation.state = PAA_TXN_ANSWER;
    example.explanation.answer.code = 401;
    example.explanation.answer.why = PAA_WHY_CREDENTIALS;
    example.explanation.answer.reason = STR("revoked");
    example.explanation.answer.sentence = STR("the key was revoked");
    CHECK_HAS(text_of(&example), "Verdict    ANSWER  401 Unauthorized  credentials, revoked\n"
                                 "           the key was revoked\n");
    CHECK_HAS(json_of(&example), "\"verdict\":\"answer\",\"status\":401,\"why\":\"credentials\","
                                 "\"reason\":\"revoked\",\"sentence\":\"the key was revoked\"");
    buf_free(&example.out.buf);
}

/* SPDX-License-Identifier: MIT */
/* Policies that are right: the design's example, several files, size; and what is only warned of. */
#include "options.h"
#include "reading.h"
#include "str.h"
#include "test.h"

#include <time.h>

static void read_one(struct reading *reading, const char *text)
{
    struct policy_file file = { "t", "/etc/paa", paa_str_of(text) };

    reading_begin(reading);
    reading->policy = policy_parse(&file, 1, &reading->arena, &reading->diag);
}

static const char example[] =
    "instances = {\n"
    "  partner-keys = { plugin = \"apikey\";    header = \"X-API-Key\"; };\n"
    "  tokens       = { plugin = \"oauth2-cc\"; issuer = \"https://id.example.com\"; "
    "audience = \"https://api.example.com\"; };\n"
    "  peers        = { plugin = \"mtls\";      trust = \"peers-ca.pem\"; uri_san = [ "
    "\"spiffe://example.com/*\" ]; };\n"
    "  billing      = { plugin = \"oauth2-cc\"; issuer = \"https://id.example.com\"; client_id = "
    "\"orders\";\n"
    "                   client_secret = \"file:/run/secrets/billing\"; scope = \"invoice:read\"; "
    "};\n"
    "};\n"
    "services = {\n"
    "  orders-api = { direction = \"incoming\"; origins = [ \"https://api.example.com\" ];\n"
    "    rules = (\n"
    "      { path = \"/healthz\";      chain = ( { required = \"permit\" } ); },\n"
    "      { path = \"/v1/orders/**\"; methods = [ \"GET\", \"POST\" ];\n"
    "        chain    = ( { required = \"peers\" }, { required = [ \"partner-keys\", \"tokens\" ] "
    "} "
    ");\n"
    "        identity = [ \"tokens\", \"partner-keys\" ];\n"
    "        require  = { scope = [ \"orders:read\" ]; }; }\n"
    "    ); };\n"
    "  billing-api = { direction = \"outgoing\"; origins = [ \"https://billing.example.com\" ];\n"
    "    chain = ( { required = \"billing\" } ); };\n"
    "};\n";

static void check_example_rule(const struct rule_conf *rule)
{
    CHECK_STR(rule->path, "/v1/orders/**");
    CHECK_INT(rule->where.line, 12);
    CHECK_INT(rule->method_count, 2);
    CHECK_STR(rule->methods[1], "POST");
    CHECK_INT(rule->program.step_count, 2);
    CHECK_INT(rule->program.site_count, 3);
    CHECK_INT(rule->program.steps[1].first_site, 1);
    CHECK_INT(rule->program.steps[1].site_count, 2);
    CHECK_INT(rule->program.sites[0].instance, 2);
    CHECK_INT(rule->program.sites[1].instance, 0);
    CHECK_INT(rule->program.sites[2].instance, 1);
    CHECK_INT(rule->program.sites[2].step, 1);
    CHECK_INT(rule->program.steps[0].action[0], ACTION_OK);
    CHECK_INT(rule->program.steps[0].action[4], ACTION_IGNORE);
    CHECK_STR(paa_str_of(rule->program.steps[0].control), "required");
    CHECK_INT(rule->identity_count, 2);
    CHECK_INT(rule->identity[0], 1);
    CHECK_INT(rule->identity[1], 0);
    REQUIRE(rule->require != NULL);
    CHECK_INT(rule->require->scope_count, 1);
    CHECK_STR(rule->require->scope[0], "orders:read");
}

TEST(the_example_of_the_design_is_read_without_a_finding)
{
    const struct service_conf *orders, *billing;
    struct reading reading;

    read_one(&reading, example);
    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(reading.policy != NULL);
    CHECK_INT(reading.policy->instance_count, 4);
    CHECK_INT(reading.policy->service_count, 2);
    CHECK_STR(paa_str_of(reading.policy->instances[1].name), "tokens");
    CHECK_STR(paa_str_of(reading.policy->instances[1].plugin), "oauth2-cc");
    CHECK(reading.policy->instances[1].used_incoming &&
          !reading.policy->instances[1].used_outgoing);
    CHECK(!reading.policy->instances[3].used_incoming &&
          reading.policy->instances[3].used_outgoing);
    CHECK_INT(policy_instance(reading.policy, "billing"), 3);
    CHECK_INT(policy_instance(reading.policy, "nobody"), -1);
    orders = &reading.policy->services[0];
    CHECK_INT(orders->direction, PAA_INCOMING);
    CHECK_INT(orders->timeout_ms, 10000);
    CHECK_INT(orders->rule_count, 2);
    CHECK_STR(orders->origins[0].host, "api.example.com");
    CHECK_INT(orders->rules[0].program.sites[0].instance, SITE_PERMIT);
    check_example_rule(&orders->rules[1]);
    billing = &reading.policy->services[1];
    CHECK_INT(billing->direction, PAA_OUTGOING);
    CHECK_INT(billing->rule_count, 1);
    CHECK(billing->rules[0].path.data == NULL);
    CHECK_INT(billing->rules[0].program.sites[0].instance, 3);
    reading_end(&reading);
}

TEST(a_store_may_say_what_seals_it)
{
    struct reading reading;
    const struct store_conf *store;

    read_one(&reading, "stores = { state = { path = \"state.db\"; seal = [ \"file:new.key\", "
                       "\"exec:/bin/key old\" ]; }; other = { path = \"/x\"; seal = \"env:K\"; }; "
                       "plain = { path = \"p\"; }; };");
    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(reading.policy != NULL && reading.policy->store_count == 3);
    store = reading.policy->stores;
    CHECK_STR(paa_str_of(store[0].path), "/etc/paa/state.db");
    REQUIRE(store[0].seal_count == 2 && store[1].seal_count == 1);
    CHECK_INT(store[0].seal[0].kind, OPTION_FILE);
    CHECK_STR(store[0].seal[0].text, "/etc/paa/new.key");
    CHECK_INT(store[0].seal[1].kind, OPTION_EXEC);
    CHECK_STR(paa_str_of(store[0].seal[1].argv[1]), "old");
    CHECK_INT(store[1].seal[0].kind, OPTION_ENV);
    CHECK_INT(store[2].seal_count, 0);
    CHECK_STR(paa_str_of(store[2].path), "/etc/paa/p");
    reading_end(&reading);
}

TEST(every_member_of_a_service_reaches_the_model)
{
    struct reading reading;
    const struct service_conf *service;
    const struct rule_conf *rule;

    read_one(
        &reading,
        "instances = { a = { plugin = \"/x/a.so\"; store = \"keys\"; sha256 = "
        "\"ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef0123456789\"; }; };\n"
        "stores = { keys = \"keys.db\"; state = \"memory\"; abs = \"/var/x\"; };\n"
        "audit = { file = \"audit.log\"; required = true; };\n"
        "services = { s = { direction = \"incoming\"; origins = \"http://[::1]:8080\";\n"
        "timeout = \"1m30s\"; realm = \"orders\"; problem_json = true; semicolons = true;\n"
        "failure_delay = \"2s\"; upstream = { subject = \"X-Auth-Subject\"; methods = "
        "\"X-Auth-Methods\"; encoding = \"base64url\"; };\n"
        "metadata = { path = \"/v1\"; scopes_supported = [ \"x\" ]; resource_name = "
        "\"Orders\"; resource_tos_uri = \"https://example.com/tos\"; };\n"
        "rules = ( { path = \"/a\"; host = \"API.example.com\"; preflight = true; forward = "
        "true; chain = ( { required = \"a\"; may_ignore = true } ); same = [ \"subject\", "
        "\"issuer\" ];\n"
        "require = { subject = \"x\"; issuer = [ \"i\", \"j\" ]; client_id = ( \"c\" ); amr = "
        "\"pwd\"; max_age = \"1h\"; kind = \"user\"; of = { a = { scope = \"b\" } } } } ); }; };");
    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(reading.policy != NULL);
    CHECK_STR(paa_str_of(reading.policy->stores[0].path), "/etc/paa/keys.db");
    CHECK_STR(paa_str_of(reading.policy->stores[1].path), "memory");
    CHECK_STR(paa_str_of(reading.policy->stores[2].path), "/var/x");
    CHECK_STR(paa_str_of(reading.policy->audit_file), "/etc/paa/audit.log");
    CHECK(reading.policy->audit_required);
    CHECK_STR(paa_str_of(reading.policy->instances[0].store), "keys");
    CHECK_STR(paa_str_of(reading.policy->instances[0].sha256),
              "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789");
    service = &reading.policy->services[0];
    CHECK_INT(service->timeout_ms, 90000);
    CHECK_INT(service->failure_delay_ms, 2000);
    CHECK_STR(paa_str_of(service->realm), "orders");
    CHECK(service->problem_json && service->semicolons && !service->http_loopback);
    CHECK_STR(service->upstream[UPSTREAM_SUBJECT], "X-Auth-Subject");
    CHECK_STR(service->upstream[UPSTREAM_METHODS], "X-Auth-Methods");
    CHECK(service->upstream[UPSTREAM_SCOPE].data == NULL);
    CHECK_INT(service->encoding, UPSTREAM_BASE64URL);
    REQUIRE(service->metadata != NULL);
    CHECK_STR(service->metadata->path, "/v1");
    CHECK_STR(service->metadata->scopes[0], "x");
    CHECK_STR(service->metadata->texts[METADATA_NAME], "Orders");
    CHECK_STR(service->metadata->texts[METADATA_TOS_URI], "https://example.com/tos");
    CHECK(service->metadata->texts[METADATA_POLICY_URI].data == NULL);
    CHECK_INT(service->origins[0].port, 8080);
    rule = &service->rules[0];
    CHECK_STR(rule->host, "api.example.com");
    CHECK(rule->preflight && rule->forward);
    CHECK_INT(rule->same, SAME_SUBJECT | SAME_ISSUER);
    CHECK(rule->program.steps[0].may_ignore);
    REQUIRE(rule->require != NULL && rule->require->of_count == 1);
    CHECK_INT(rule->require->issuer_count, 2);
    CHECK_INT(rule->require->max_age_ms, 3600000);
    CHECK_INT(rule->require->kind, PAA_PRINCIPAL_USER);
    CHECK_STR(rule->require->of[0].require.scope[0], "b");
    CHECK_INT(rule->require->of[0].instance, 0);
    reading_end(&reading);
}

TEST(metadata_is_published_if_the_service_says_so)
{
    struct reading reading;

    read_one(
        &reading,
        "instances = { a = { plugin = \"apikey\"; }; };\n"
        "services = { yes = { direction = \"incoming\"; origins = \"https://a.example\"; "
        "metadata = true; chain = ( { required = \"a\" } ); };\n"
        "no = { direction = \"incoming\"; metadata = false; chain = ( { required = \"a\" } ); };\n"
        "silent = { direction = \"incoming\"; chain = ( { required = \"a\" } ); }; };");
    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(reading.policy != NULL);
    REQUIRE(reading.policy->services[0].metadata != NULL);
    CHECK(reading.policy->services[0].metadata->path.data == NULL);
    CHECK(reading.policy->services[1].metadata == NULL);
    CHECK(reading.policy->services[2].metadata == NULL);
    reading_end(&reading);
}

TEST(files_are_read_as_one_policy)
{
    static const char one[] = "services = { s = { direction = \"incoming\"; chain = \"c\"; }; };\n"
                              "stores = { k = \"k.db\" };";
    static const char two[] = "instances = { a = { plugin = \"apikey\"; store = \"k\"; }; };";
    static const char three[] = "chains = { c = ( { required = \"a\" } ); };";
    struct policy_file files[] = { { "1.conf", "/one", STR(one) },
                                   { "2.conf", "/two", STR(two) },
                                   { "3.conf", "/three/", STR(three) } };
    struct reading reading;

    reading_begin(&reading);
    reading.policy = policy_parse(files, 3, &reading.arena, &reading.diag);
    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    REQUIRE(reading.policy != NULL);
    CHECK_STR(paa_str_of(reading.policy->stores[0].path), "/one/k.db");
    CHECK_INT(reading.policy->services[0].rules[0].program.step_count, 1);
    CHECK_STR(paa_str_of(reading.policy->services[0].rules[0].program.steps[0].where.file),
              "3.conf");
    reading_end(&reading);
}

TEST(doubles_in_two_files_name_both_places)
{
    static const char one[] =
        "instances = {\n a = { plugin = \"x\"; }; };\nstores = { k = \"k\"; };\n"
        "chains = { c = (); };\n"
        "services = { s = { direction = \"incoming\"; chain = \"c\"; }; };\n"
        "audit = { file = \"f\"; };";
    struct policy_file files[] = { { "1.conf", "/", STR(one) }, { "2.conf", "/", STR(one) } };
    struct reading reading;

    reading_begin(&reading);
    CHECK(policy_parse(files, 2, &reading.arena, &reading.diag) == NULL);
    CHECK_INT(reading.diag.errors, 5);
    CHECK_HAS(reading_text(&reading), "error 2.conf:2: instance \"a\" is in 1.conf:2 already");
    CHECK_HAS(reading_text(&reading), "error 2.conf:3: store \"k\" is in 1.conf:3 already");
    CHECK_HAS(reading_text(&reading), "error 2.conf:4: chain \"c\" is in 1.conf:4 already");
    CHECK_HAS(reading_text(&reading), "error 2.conf:5: service \"s\" is in 1.conf:5 already");
    CHECK_HAS(reading_text(&reading), "error 2.conf:6: \"audit\" is in 1.conf:6 already");
    reading_end(&reading);
}

TEST(a_broken_file_says_nothing_false_about_the_others)
{
    struct policy_file files[] = { { "1.conf", "/",
                                     STR("instances = { a = { plugin = \"x\"; }; }; @") },
                                   { "2.conf", "/",
                                     STR("services = { s = { direction = \"incoming\"; chain = ( { "
                                         "required = \"a\" } ); }; };") } };
    struct reading reading;

    reading_begin(&reading);
    CHECK(policy_parse(files, 2, &reading.arena, &reading.diag) == NULL);
    CHECK_INT(reading.diag.errors, 1);
    reading_end(&reading);
}

TEST(no_file_and_an_empty_file_are_an_empty_policy)
{
    struct reading reading;

    read_one(&reading, "");
    REQUIRE(reading.policy != NULL);
    CHECK_INT(reading.policy->service_count, 0);
    reading_end(&reading);
    reading_begin(&reading);
    CHECK(policy_parse(NULL, 0, &reading.arena, &reading.diag) != NULL);
    reading_end(&reading);
}

#define POLICY(members)                                                                            \
    "instances = { a = { plugin = \"x\"; }; };\nservices = { s = { direction = "                   \
    "\"incoming\";\n" members " }; };"

static void warn_only(const char *text, const char *finding)
{
    struct reading reading;

    read_one(&reading, text);
    if (reading.policy == NULL)
        TEST_FAIL("was refused: %s", reading_text(&reading));
    CHECK_HAS(reading_text(&reading), finding);
    CHECK_INT(reading.diag.warnings, 1);
    reading_end(&reading);
}

TEST(what_surprises_is_warned_of)
{
    warn_only(POLICY("methods = \"get\"; chain = ( { required = \"a\" } );"),
              "warning t:3: \"get\" is not a well-known method: did you mean \"GET\"?");
    warn_only(POLICY("methods = \"ZAP\"; chain = ( { required = \"a\" } );"),
              "warning t:3: \"ZAP\" is not a well-known method");
    warn_only(POLICY("chain = ( { use = \"a\"; on = { accept = \"ok\"; absent = \"ok\"; }; } );"),
              "absent = \"ok\" lets nobody in");
    warn_only(POLICY(
                  "chain = ( { use = \"a\"; on = { accept = \"ok\"; default = \"done\"; }; } );"),
              "default = \"done\" lets nobody in");
    warn_only(POLICY(
                  "chain = ( { use = \"a\"; on = { accept = \"ok\"; reject = \"reset\"; }; } );"),
              "reset forgives every failure before it");
}

TEST(what_nothing_uses_is_warned_of)
{
    warn_only("instances = { a = { plugin = \"x\"; }; };",
              "warning t:1: no service uses instance \"a\"");
    warn_only("chains = { c = ( { required = \"deny\" } ); };",
              "warning t:1: no service uses chain \"c\"");
    warn_only("services = { s = { direction = \"incoming\"; rules = (); }; };",
              "service \"s\" has no rules: every request is denied");
}

static double seconds_for(const char *text, size_t size, struct reading *reading)
{
    struct policy_file file = { "t", "/", { text, size } };
    struct timespec begin, end;

    reading_begin(reading);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    reading->policy = policy_parse(&file, 1, &reading->arena, &reading->diag);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

/* Names that KEY options say, as an instance's table of options would. */
static bool names_key(struct reading *reading, const char *name)
{
    static const struct paa_option rows[] = {
        { .name = "signer", .help = "h", .type = PAA_OPTION_KEY }
    };
    const struct option_rows table = { PAA_ROWS(rows) };
    char *text = arena_printf(&reading->arena, "signer = \"%s\";", name);
    struct node *root = node_parse(paa_str_of(text), "i", &reading->arena, &reading->diag);
    struct paa_options *options = options_read(root, &table, 0, "instance x", "/etc/paa", NULL, 0,
                                               &reading->arena, &reading->diag);

    return options_name_keys(options, &reading->policy->keys, &reading->diag);
}

TEST(keys_are_found_by_name_and_those_that_nothing_names_are_warned_of)
{
    struct reading reading;

    read_one(&reading, "keys = {\n client = { key = \"file:k.pem\"; certificate = \"c.pem\"; };\n"
                       " spare = { pkcs12 = \"s.p12\"; };\n};");
    REQUIRE(reading.policy != NULL);
    CHECK_INT(reading.policy->keys.count, 2);
    CHECK_STR(paa_str_of(reading.policy->keys.keys[0].name), "client");
    CHECK_STR(reading.policy->keys.keys[0].key->text, "/etc/paa/k.pem");
    CHECK_INT(reading.policy->keys.keys[1].where.line, 3);
    CHECK(names_key(&reading, "client"));
    CHECK_STR(paa_str_of(reading_text(&reading)), "");
    policy_warn_keys(reading.policy, &reading.diag);
    CHECK_STR(paa_str_of(reading_text(&reading)), "warning t:3: no instance uses key \"spare\"\n");
    CHECK(!names_key(&reading, "clint"));
    CHECK_HAS(reading_text(&reading), "error i:1: signer: there is no key \"clint\" in \"keys\": "
                                      "did you mean \"client\"?");
    reading_end(&reading);
}

/* The square of what 10,000 instances cost would be over a minute. */
TEST(large_policies_are_read_in_reasonable_time)
{
    struct reading reading;
    struct buf buf;
    double seconds;

    buf_init(&buf, 32 * 1024 * 1024);
    buf_add_text(&buf, "instances = {\n");
    for (int i = 0; i < 100000; i++)
        buf_printf(&buf, "instance-%d = { plugin = \"apikey\"; };\n", i);
    buf_add_text(&buf, "};\nservices = { s = { direction = \"incoming\"; rules = (\n");
    for (int i = 0; i < 10000; i++)
        buf_printf(&buf,
                   "%s{ path = \"/v1/%d/**\"; chain = ( { required = \"instance-%d\" } ); }\n",
                   i > 0 ? "," : "", i, i * 10);
    buf_add_text(&buf, "); }; };\n");
    seconds = seconds_for(buf.data, buf.size, &reading);
    REQUIRE(reading.policy != NULL);
    CHECK_INT(reading.policy->instance_count, 100000);
    CHECK_INT(reading.policy->services[0].rule_count, 10000);
    CHECK_INT(reading.policy->services[0].rules[9999].program.sites[0].instance, 99990);
    CHECK(seconds < 20);
    reading_end(&reading);
    buf_free(&buf);
}

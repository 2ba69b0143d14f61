/* SPDX-License-Identifier: MIT */
/* Every error sentence of the grammar, one case each: where, what was expected, the nearest right name. */
#include "reading.h"
#include "str.h"
#include "test.h"

struct mistake {
    const char *text;
    const char *finding;
};

static void refuse_all(const struct mistake *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct policy_file file = { "t", "/etc/paa", paa_str_of(list[i].text) };
        struct reading reading;

        reading_begin(&reading);
        if (policy_parse(&file, 1, &reading.arena, &reading.diag) != NULL)
            TEST_FAIL("was read: %s", list[i].text);
        CHECK_HAS(reading_text(&reading), list[i].finding);
        if (reading.diag.errors != 1)
            TEST_FAIL("not one error but %s", reading_text(&reading));
        reading_end(&reading);
    }
}

#define REFUSE_ALL(list) refuse_all((list), sizeof(list) / sizeof((list)[0]))

#define INSTANCES                                                                                  \
    "instances = { keys = { plugin = \"x\"; }; tokens = { plugin = \"x\"; }; };\n"                 \
    "chains = { web = ( { required = \"keys\" } ); };\n"
#define INCOMING(members)                                                                          \
    INSTANCES "services = { s = { direction = \"incoming\";\n" members " }; };"
#define OUTGOING(members)                                                                          \
    INSTANCES                                                                                      \
    "services = { s = { direction = \"outgoing\"; origins = \"https://a.example\";\n" members      \
    " }; };"
#define CHAIN(steps)  INCOMING("chain = ( " steps " );")
#define ON(members)   CHAIN("{ use = \"keys\"; on = { " members " } }")
#define RULE(members) INCOMING("chain = ( { required = \"keys\" } ); " members)

TEST(mistakes_at_the_top_are_named)
{
    static const struct mistake list[] = {
        { "servics = { };", "error t:1: a policy has no \"servics\": did you mean \"services\"?" },
        { "instances = 3;", "\"instances\" must be a group { }, not an integer" },
        { "services = ( );", "\"services\" must be a group { }, not a list ( )" },
        { "stores = \"x\";", "\"stores\" must be a group { }, not a string" },
        { "audit = true;", "\"audit\" must be a group { }, not a boolean" },
        { "chains = 1.5;", "\"chains\" must be a group { }, not a float" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_instances_are_named)
{
    static const struct mistake list[] = {
        { "instances = {\n Keys = { plugin = \"x\"; }; };",
          "error t:2: \"Keys\" cannot name an instance: use a to z" },
        { "instances = { a123456789012345678901234567890123456789012345678901234567890123x = { "
          "plugin = \"x\"; }; };",
          "at most 64 characters" },
        { "instances = { permit = { plugin = \"x\"; }; };",
          "\"permit\" is built in: give the instance another name" },
        { "instances = { a = \"apikey\"; };", "\"a\" must be a group { }, not a string" },
        { "instances = { a = { }; };", "instance \"a\" must say plugin = \"NAME\"" },
        { "instances = { a = { plugin = 1; }; };", "\"plugin\" must be a string, not an integer" },
        { "instances = { a = { plugin = \"\"; }; };", "\"plugin\" is empty" },
        { "instances = { a = { plugin = \"deny\"; }; };",
          "\"deny\" is built in: name it in a chain" },
        { "instances = { a = { plugin = \"./a.so\"; }; };",
          "\"plugin\" must be a name of a to z, 0 to 9 and -, or an absolute path" },
        { "instances = { a = { plugin = \"x\"; sha256 = \"12\"; }; };",
          "\"sha256\" must be 64 hexadecimal digits" },
        { "instances = { a = { plugin = \"x\"; sha256 = "
          "\"g000000000000000000000000000000000000000000000000000000000000000\"; }; };",
          "\"sha256\" must be 64 hexadecimal digits" },
        { "stores = { keys = \"k\"; };\ninstances = { a = { plugin = \"x\";\n store = \"kyes\"; }; "
          "};",
          "error t:3: there is no store \"kyes\" in \"stores\": did you mean \"keys\"?" },
        { "instances = { a = { plugin = \"x\"; store = 1; }; };",
          "\"store\" must be a string, not an integer" },
        { "instances = { a = { plugin = \"x\"; };\n a = { plugin = \"y\"; }; };",
          "error t:2: \"a\" is in line 1 already" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_keys_are_named)
{
    static const struct mistake list[] = {
        { "keys = 1;", "\"keys\" must be a group { }, not an integer" },
        { "keys = { a = \"file:k\"; };", "\"a\" must be a group { }, not a string" },
        { "keys = { A = { key = \"file:k\"; }; };", "\"A\" cannot name a key" },
        { "keys = {\n a = { };\n };", "error t:2: key a must say one of key" },
        { "keys = {\n a = { kee = \"file:k\"; };\n };",
          "error t:2: key a has no \"kee\": did you mean \"key\"?" },
        { "keys = { a = { key = \"-----BEGIN PRIVATE KEY-----\"; }; };",
          "key a: \"key\": it may not stand in the policy itself" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_stores_and_audit_are_named)
{
    static const struct mistake list[] = {
        { "stores = { KEYS = \"k\"; };", "\"KEYS\" cannot name a store" },
        { "stores = { keys = 1; };", "\"keys\" must be a string, not an integer" },
        { "stores = { keys = { }; };", "store \"keys\" must say path = \"PATH\"" },
        { "stores = { s = { path = \"s\"; sael = \"file:k\"; }; };",
          "store \"s\" has no \"sael\": did you mean \"seal\"?" },
        { "stores = { s = { path = \"s\";\n seal = [ ]; }; };",
          "error t:2: \"seal\" is an empty list" },
        { "stores = { s = { path = \"s\"; seal = 1; }; };",
          "\"seal\" must be a list of strings or one string, not an integer" },
        { "stores = { s = { path = \"s\"; seal = [ \"file:\" ]; }; };",
          "store s: a value of \"seal\": \"file:\" needs a path" },
        { "stores = { s = { path = \"memory\"; seal = \"file:k\"; }; };",
          "store \"s\" is in memory, where nothing is sealed: leave `seal` out" },
        { "stores = { s = { path = \"s\"; seal = [ \"env:A\", \"env:B\", \"env:C\", \"env:D\", "
          "\"env:E\", \"env:F\", \"env:G\", \"env:H\", \"env:I\" ]; }; };",
          "store \"s\" has more than 8 sealing keys" },
        { "stores = { keys = \"\"; };", "\"keys\" is empty" },
        { "audit = { };", "\"audit\" must say file = \"PATH\"" },
        { "audit = { file = 1; };", "\"file\" must be a string, not an integer" },
        { "audit = { file = \"a\"; required = \"yes\"; };",
          "\"required\" must be true or false without quotes, not a string" },
        { "audit = { flie = \"a\"; file = \"a\"; };",
          "\"audit\" has no \"flie\": did you mean \"file\"?" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_services_are_named)
{
    static const struct mistake list[] = {
        { "services = { s = 1; };", "\"s\" must be a group { }, not an integer" },
        { "services = { S = { direction = \"incoming\"; chain = (); }; };",
          "\"S\" cannot name a service" },
        { "services = {\n s = { chain = (); }; };",
          "error t:2: service \"s\" must say direction = \"incoming\" or \"outgoing\"" },
        { "services = { s = { direction = \"incomming\"; }; };",
          "\"incomming\" is no direction: use \"incoming\" or \"outgoing\": did you mean "
          "\"incoming\"?" },
        { "services = { s = { direction = 1; }; };", "\"direction\" must be a string" },
        { RULE("timeuot = \"1s\";"), "a service has no \"timeuot\": did you mean \"timeout\"?" },
        { RULE("timeout = 10;"), "error t:4: \"timeout\" needs a unit and quotes: write \"10s\"" },
        { RULE("timeout = 1.5;"), "\"timeout\" must be a duration such as \"10s\", not a float" },
        { RULE("timeout = \"soon\";"), "\"timeout\" is no duration" },
        { RULE("timeout = \"0\";"), "\"timeout\" must be from 1ms to 1h" },
        { RULE("timeout = \"2h\";"), "\"timeout\" must be from 1ms to 1h" },
        { RULE("failure_delay = \"2m\";"), "\"failure_delay\" must be from 0s to 1m" },
        { RULE("realm = \"a\\nb\";"), "\"realm\" must be text that a header field can hold" },
        { RULE("problem_json = 1;"), "\"problem_json\" must be true or false" },
        { RULE("semicolons = \"true\";"), "\"semicolons\" must be true or false" },
        { RULE("http_loopback = true;"),
          "\"http_loopback\" only goes with direction = \"outgoing\"" },
        { INCOMING(""), "service \"s\" must have rules = ( RULE ... ), or a chain" },
        { INCOMING("rules = 1;"), "\"rules\" must be a list ( ), not an integer" },
        { INCOMING("rules = { };"), "\"rules\" must be a list ( ), not a group" },
        { INCOMING("rules = ( 1 );"), "a rule must be a group { }, not an integer" },
        { INCOMING("rules = ( { chain = \"web\" } ); path = \"/\";"),
          "\"path\" stands beside \"rules\": put it into a rule" },
        { INCOMING("rules = ( { chian = 1; chain = \"web\" } );"),
          "a rule has no \"chian\": did you mean \"chain\"?" },
        { INCOMING("rules = (\n{ path = \"/\" } );"), "error t:5: a rule must have chain" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_origins_are_named)
{
    static const struct mistake list[] = {
        { INSTANCES "services = { s = { direction = \"outgoing\"; chain = \"web\"; }; };",
          "service \"s\" must say where credentials may go" },
        { RULE("origins = 1;"), "\"origins\" must be a list of strings or one string" },
        { RULE("origins = [ ];"), "\"origins\" is an empty list" },
        { RULE("origins = [ 1 ];"), "\"origins\" must be a list of strings: here is an integer" },
        { RULE("origins = [ \"\" ];"), "\"origins\" has an empty string" },
        { RULE("origins = [ \"https://a.example\",\n\"https://a.example\" ];"),
          "error t:5: \"https://a.example\" is there twice" },
        { RULE("origins = [ \"https://a.example\", \"https://A.example:443\" ];"),
          "\"https://A.example:443\" is no origin for this service: it is there twice" },
        { RULE("origins = \"https://a.example/x\";"),
          "\"https://a.example/x\" is no origin for this service: an origin ends with" },
        { RULE("origins = \"a.example\";"), "an origin begins with" },
        { INSTANCES "services = { s = { direction = \"outgoing\"; chain = \"web\"; origins = "
                    "\"http://a.example\"; http_loopback = true; }; };",
          "credentials go out over https only" },
        { INSTANCES "services = { s = { direction = \"outgoing\"; chain = \"web\"; origins = "
                    "\"http://127.0.0.1:80\"; }; };",
          "unless the service says http_loopback = true" },
        { INSTANCES "services = { s = { direction = \"outgoing\"; chain = \"web\"; origins = "
                    "\"http://localhost\"; http_loopback = true; }; };",
          "credentials go out over https only" },
    };

    REFUSE_ALL(list);
}

TEST(what_goes_with_incoming_only_is_refused_outgoing)
{
    static const struct mistake list[] = {
        { OUTGOING("chain = \"web\"; methods = \"GET\";"), "\"methods\" only goes with direction" },
        { OUTGOING("chain = \"web\"; require = { scope = \"a\" };"), "\"require\" only goes with" },
        { OUTGOING("chain = \"web\"; identity = \"keys\";"), "\"identity\" only goes with" },
        { OUTGOING("chain = \"web\"; same = \"subject\";"), "\"same\" only goes with" },
        { OUTGOING("chain = \"web\"; forward = true;"), "\"forward\" only goes with" },
        { OUTGOING("chain = \"web\"; preflight = true;"), "\"preflight\" only goes with" },
        { OUTGOING("chain = \"web\"; upstream = { subject = \"X-S\" };"),
          "\"upstream\" only goes with" },
        { OUTGOING("chain = \"web\"; metadata = true;"), "\"metadata\" only goes with" },
        { OUTGOING("chain = \"web\"; realm = \"r\";"), "\"realm\" only goes with" },
        { OUTGOING("chain = \"web\"; problem_json = true;"), "\"problem_json\" only goes with" },
        { OUTGOING("chain = \"web\"; failure_delay = \"1s\";"),
          "\"failure_delay\" only goes with" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_rules_are_named)
{
    static const struct mistake list[] = {
        { RULE("path = 1;"), "\"path\" must be a string" },
        { RULE("path = \"v1\";"),
          "\"v1\" is not in normal form (the path does not begin with \"/\"): write \"/v1\"" },
        { RULE("path = \"/**/x\";"),
          "\"/**/x\" is no path pattern: \"**\" stands for all the rest" },
        { RULE("path = \"/%61\";"), "\"/%61\" is not in normal form" },
        { RULE("path = \"/%61\";"), "write \"/a\"" },
        { RULE("host = \"a b\";"), "\"a b\" is no host: " },
        { RULE("host = \"a.example:80\";"), "leave the port out" },
        { RULE("methods = [ ];"), "\"methods\" is an empty list" },
        { RULE("methods = [ \"GET\", \"GET\" ];"), "\"GET\" is there twice" },
        { RULE("methods = \"G T\";"), "\"G T\" is no method" },
        { RULE("methods = \"GET\"; preflight = true;"),
          "\"preflight\" and \"methods\" exclude each other" },
        { RULE("preflight = \"x\";"), "\"preflight\" must be true or false" },
        { RULE("forward = \"x\";"), "\"forward\" must be true or false" },
        { RULE("same = \"subjekt\";"), "did you mean \"subject\"?" },
        { RULE("identity = \"kyes\";"),
          "\"kyes\" is no instance of this rule's chain: did you mean \"keys\"?" },
        { RULE("identity = \"tokens\";"), "\"tokens\" is no instance of this rule's chain" },
        { RULE("identity = { };"), "\"identity\" must be a list of strings or one string" },
        { INCOMING("chain = \"wbe\";"),
          "there is no chain \"wbe\" in \"chains\": did you mean \"web\"?" },
        { INCOMING("chain = 1;"), "\"chain\" must be a list of steps" },
        { INCOMING("chain = { required = \"keys\" };"), "\"chain\" must be a list of steps" },
        { INCOMING("chain = [ \"keys\" ];"), "\"chain\" must be a list of steps" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_require_are_named)
{
    static const struct mistake list[] = {
        { RULE("require = 1;"), "\"require\" must be a group { }" },
        { RULE("require = { };"), "\"require\" is empty and would ask for nothing" },
        { RULE("require = { scopes = \"a\"; };"),
          "\"require\" has no \"scopes\": did you mean \"scope\"?" },
        { RULE("require = { scope = 1; };"), "\"scope\" must be a list of strings" },
        { RULE("require = { scope = [ ]; };"), "\"scope\" is an empty list" },
        { RULE("require = { scope = \"a b\"; };"),
          "\"a b\" is not one word of \"scope\": write a list" },
        { RULE("require = { amr = \"a b\"; };"), "is not one word of \"amr\"" },
        { RULE("require = { subject = \"\"; };"), "\"subject\" is empty" },
        { RULE("require = { max_age = 60; };"), "write \"60s\"" },
        { RULE("require = { max_age = \"0\"; };"), "\"max_age\" must be from 1ms" },
        { RULE("require = { kind = \"robot\"; };"),
          "\"robot\" is no kind of principal: use \"user\" or \"machine\"" },
        { RULE("require = { kind = \"machin\"; };"), "did you mean \"machine\"?" },
        { RULE("require = { kind = [ \"user\" ]; };"), "\"kind\" must be a string" },
        { RULE("require = { of = \"keys\"; };"), "\"of\" must be a group" },
        { RULE("require = { of = { }; };"), "\"of\" is empty" },
        { RULE("require = { of = { tokens = { scope = \"a\" } }; };"),
          "\"tokens\" is no instance of this rule's chain" },
        { RULE("require = { of = { keys = { } }; };"), "is empty and would ask for nothing" },
        { RULE("require = { of = { keys = { scope = \"a\"; of = { }; } }; };"),
          "what \"of\" asks of an instance has no \"of\"" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_steps_are_named)
{
    static const struct mistake list[] = {
        { CHAIN("\"keys\""),
          "a step must be a group such as { required = \"NAME\" }, not a string" },
        { CHAIN("{ }"), "a step needs a control word" },
        { CHAIN("{ may_ignore = true }"), "a step needs a control word" },
        { CHAIN("{ requird = \"keys\" }"),
          "a step has no \"requird\": did you mean \"required\"?" },
        { CHAIN("{ required = \"keys\"; optional = \"keys\" }"),
          "a step has one control word: here are \"required\" and \"optional\"" },
        { CHAIN("{ required = \"keys\"; use = \"keys\" }"), "a step has one control word" },
        { CHAIN("{ required = \"kyes\" }"),
          "there is no instance \"kyes\": did you mean \"keys\"?" },
        { CHAIN("{ required = \"web\" }"),
          "\"web\" is a chain, not an instance: write { include = \"web\" }" },
        { CHAIN("{ required = 1 }"), "\"required\" must be a list of strings or one string" },
        { CHAIN("{ required = [ ] }"), "\"required\" is an empty list" },
        { CHAIN("{ required = [ \"keys\", \"keys\" ] }"), "\"keys\" is there twice" },
        { CHAIN("{ required = [ \"keys\",\n\"tokns\" ] }"),
          "error t:5: there is no instance \"tokns\": did you mean \"tokens\"?" },
        { CHAIN("{ required = \"keys\"; may_ignore = 1 }"),
          "\"may_ignore\" must be true or false" },
        { CHAIN("{ include = \"web\"; may_ignore = true }"),
          "\"may_ignore\" does not go with \"include\"" },
        { CHAIN("{ include = \"wbe\" }"),
          "there is no chain \"wbe\" in \"chains\": did you mean \"web\"?" },
        { CHAIN("{ substack = [ \"web\" ] }"), "\"substack\" must be a string, not an array" },
        { CHAIN("{ use = \"keys\" }"), "\"use\" needs on = {" },
        { CHAIN("{ on = { } }"), "a step needs a control word: required, requisite" },
        { CHAIN("{ required = \"keys\"; on = { } }"), "\"on\" goes with \"use\"" },
        { CHAIN("{ use = \"keys\"; on = 1 }"), "\"on\" must be a group { }" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_on_are_named)
{
    static const struct mistake list[] = {
        { ON("acept = \"ok\""), "\"on\" has no \"acept\": did you mean \"accept\"?" },
        { ON("accept = \"okay\""), "\"okay\" is no action" },
        { ON("accept = \"dnoe\""), "did you mean \"done\"?" },
        { ON("accept = 0"), "\"accept\" = 0 jumps nowhere" },
        { ON("accept = -1"), "\"accept\" must jump over 1 to 16383 steps" },
        { ON("accept = 16384"), "\"accept\" must jump over 1 to 16383 steps" },
        { ON("default = \"2\""), "a jump is a number without quotes: write default = 2" },
        { ON("accept = true"), "\"accept\" must be an action such as \"ok\", or a number" },
        { ON("default = ( )"), "\"default\" must be an action" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_chains_are_named)
{
    static const struct mistake list[] = {
        { "chains = { Web = ( ); };", "\"Web\" cannot name a chain" },
        { "chains = { web = { }; };", "\"web\" must be a list of steps" },
        { "chains = { web = \"x\"; };", "\"web\" must be a list of steps" },
        { "chains = { web = ( { required = \"nobody\" } ); };", "there is no instance \"nobody\"" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_metadata_are_named)
{
#define PUBLISHED(members) RULE("origins = \"https://a.example\"; metadata = " members ";")
    static const struct mistake list[] = {
        { RULE("metadata = true;"), "names the service to clients by its origins: add origins" },
        { PUBLISHED("\"yes\""), "\"metadata\" must be true or false without quotes" },
        { PUBLISHED("{ resource_nam = \"x\" }"),
          "\"metadata\" has no \"resource_nam\": did you mean \"resource_name\"?" },
        { PUBLISHED("{ resource_name = 1 }"), "\"resource_name\" must be a string" },
        { PUBLISHED("{ resource_tos_uri = \"tos.html\" }"), "\"resource_tos_uri\" is no URL" },
        { PUBLISHED("{ scopes_supported = \"a b\" }"), "is not one word of \"scopes_supported\"" },
        { PUBLISHED("{ path = \"v1\" }"), "\"path\" is no path of this service" },
        { PUBLISHED("{ path = \"/v1/*\" }"), "it must be one path, without *" },
        { PUBLISHED("{ path = \"/\" }"), "ends with \"/\": take that off" },
        { PUBLISHED("{ path = \"/v1/\" }"), "ends with \"/\": take that off" },
    };

    REFUSE_ALL(list);
}

TEST(mistakes_in_upstream_are_named)
{
    static const struct mistake list[] = {
        { RULE("upstream = 1;"), "\"upstream\" must be a group { }" },
        { RULE("upstream = { };"), "\"upstream\" names no field" },
        { RULE("upstream = { subjct = \"X\"; subject = \"X\" };"), "did you mean \"subject\"?" },
        { RULE("upstream = { subject = \"X S\" };"), "\"X S\" is no field name" },
        { RULE("upstream = { subject = \"host\" };"),
          "\"host\" is a field that HTTP itself needs" },
        { RULE("upstream = { subject = \"X-Who\"; issuer = \"x_who\" };"),
          "\"x_who\" is the field of \"subject\" already" },
        { RULE("upstream = { subject = \"X\"; encoding = \"base64\" };"),
          "\"base64\" is no encoding" },
        { RULE("upstream = { subject = 1 };"), "\"subject\" must be a string" },
    };

    REFUSE_ALL(list);
}

TEST(an_escape_in_a_value_reaches_no_terminal)
{
    static const struct mistake list[] = {
        { CHAIN("{ required = \"a\\x1b[31m\" }"), "there is no instance \"a\\x" },
    };

    REFUSE_ALL(list);
}

TEST(little_memory_is_an_error_and_no_crash)
{
    struct policy_file file = { "t", "/",
                                STR(CHAIN("{ required = \"keys\" }, { include = \"web\" }")) };
    bool was_read = false;

    for (size_t max = 0; max < 64 * 1024 && !was_read; max += 64) {
        struct reading reading;

        reading_begin(&reading);
        reading.arena.max = max;
        was_read = policy_parse(&file, 1, &reading.arena, &reading.diag) != NULL;
        CHECK(was_read || reading.diag.errors > 0);
        reading_end(&reading);
    }
    CHECK(was_read);
}

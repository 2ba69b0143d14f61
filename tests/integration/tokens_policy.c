/* SPDX-License-Identifier: MIT */
/* Tokens that come in: what a policy may not say, and what it is told when what it says has no effect. */
#include "test.h"
#include "tokens.h"
#include "us.h"

#define ISSUER_OPTIONS "issuer = \"" TOKEN_ISSUER "\"; audience = \"" TOKEN_AUDIENCE "\"; "
#define TEMPLATE       "issuer_template = \"https://x.example/{tenant}\"; audience = \"a\"; "
#define ASKS           ISSUER_OPTIONS "token = \"introspection\"; client_id = \"me\"; "
#define SHORT_SECRET   "0123456789abcdef0123456789abcdef01234567" /* 40 bytes */

/* Beside the key set: files that are something else, and a key; its certificate may be named or not. */
static bool write_files(const struct host *host)
{
    write_us(host, "rsa.key", "rsa.pem");
    return tokens_write(host, TOKEN_SET, tokens_set("")) &&
           tokens_write(host, "empty", "{\"keys\":[]}") &&
           tokens_write(host, "text", "-----BEGIN PUBLIC KEY-----\n") &&
           tokens_write(host, "weak",
                        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}") &&
           tokens_write(host, "short", "hush") && tokens_write(host, "fair", SHORT_SECRET);
}

/* Is it said, by an error or in the log? */
static bool says(const char *options, const char *said, struct host *host, bool *ret_is_open)
{
    struct paa_context_options context;
    char policy[4096];

    (void)snprintf(policy, sizeof policy, TOKENS("\n%s"), options);
    *ret_is_open = false;
    if (!host_init(host) || !host_write(host, policy) || !write_files(host))
        return false;
    host_options(host, &context);
    context.log_level = PAA_LEVEL_NOTICE;
    *ret_is_open = paa_context_open(&host->context, &context, &host->error) == 0;
    return strstr(host->log, said) != NULL || strstr(host->error.text, said) != NULL;
}

/* ---- what is refused ----------------------------------------------------------------------------- */

TEST(what_cannot_be_right_is_refused_with_its_line)
{
    static const struct {
        const char *options;
        const char *said;
    } rows[] = {
        { "issuer = \"https://id.example.com\";", "tokens for every other service" },
        { "audience = \"a\";", "it needs one of issuer" },
        { JWKS_OPTIONS "secret = \"file:jwks\";", "keys come from one place" },
        { JWKS_OPTIONS "algorithms = \"HS256\";", "a public key is no secret" },
        { JWKS_OPTIONS "algorithms = [ ];", ":3: \"algorithms\" is an empty list" },
        { JWKS_OPTIONS "dpop_nonce = true;", "it goes with dpop" },
        { "issuer = \"http://id.example.com\"; audience = \"a\";", "this is no URL of https" },
        { ISSUER_OPTIONS "jwks_uri = \"http://id.example.com/\";", "this is no URL of https" },
        { JWKS_OPTIONS "token = \"auto\"; introspection_endpoint = \"http://id.example.com/\"; "
                       "client_id = \"a\"; client_auth = \"none\";",
          "this is no URL of https" },
        { JWKS_OPTIONS "tenants = \"t\";", "they go with issuer_template" },
        { JWKS_OPTIONS "token = \"auto\";", "must be told who asks" },
        { JWKS_OPTIONS "issuer_template = \"https://x.example/{tenant}\"; tenants = \"t\";",
          ":3: instance tokens: \"issuer_template\": it stands in place of issuer: keep one" },
        { "issuer_template = \"https://x.example/a\"; audience = \"a\"; tenants = \"t\";",
          "it is no URL with {tenant}" },
        { "issuer_template = \"https://x.example/{tenant}/{tenant}\"; audience = \"a\"; tenants = "
          "\"t\";",
          "{tenant} stands in it twice" },
        { TEMPLATE, "it needs tenants" },
        { TEMPLATE "tenants = \"a/b\";", "a tenant is made of" },
        { TEMPLATE "\ntenants = [ \"t\", \"u\", \"t\" ];",
          ":4: instance tokens: \"tenants\": with \"t\" the same issuer is there twice" },
        { "issuers = ( { " JWKS_OPTIONS " }, { " JWKS_OPTIONS " } );",
          "\"issuer\": \"" TOKEN_ISSUER "\" is there twice: remove one" },
        { "issuers = ( { token = \"auto\" } );", "a value of \"issuers\" has no \"token\"" },
        { "issuers = [ \"" TOKEN_ISSUER "\" ];", "a value of \"issuers\" must be a group" },
        { "issuer = \"" TOKEN_ISSUER "\"; audience = \"\";", "\"audience\": it is empty" },
        { "issuer = \"" TOKEN_ISSUER "\"; audience = [ \"any\", \"a\" ];",
          "\"audience\": \"any\" takes everybody's tokens" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host host;
        bool is_open;

        if (!says(rows[i].options, rows[i].said, &host, &is_open) || is_open)
            TEST_FAIL("\"%s\" is not said, but %s %s", rows[i].said, host.error.text, host.log);
        CHECK_HAS(host.error.text, "paa.conf:");
        host_close(&host);
    }
}

TEST(keys_that_can_verify_nothing_are_told_when_the_policy_is_loaded)
{
    static const struct {
        const char *options;
        const char *said; /* NULL: it is taken */
    } rows[] = {
        { "secret = \"file:short\";",
          ":3: instance tokens: \"secret\": it has fewer than 32 bytes" },
        { "secret = \"file:short\"; algorithms = \"HS256\";", "fewer than 32 bytes" },
        { "secret = \"file:fair\";", NULL },
        { "secret = \"file:fair\"; algorithms = \"HS256\";", NULL },
        { "secret = \"file:fair\"; algorithms = [ \"HS256\", \"HS384\" ];",
          "\"algorithms\": HS384 needs a secret of 48 bytes or more" },
        { "jwks_file = \"empty\";", ":3: instance tokens: \"jwks_file\": the file has no key" },
        { "jwks_file = \"text\";", "\"jwks_file\": the file is not JSON" },
        { "jwks_file = \"weak\";", "\"jwks_file\": the file has no usable key: the first one is" },
        { "jwks_file = \"nowhere\";", "does not exist" },
        { "jwks_file = \"jwks\";", NULL },
    };
    char options[512];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host host;
        bool is_open;

        (void)snprintf(options, sizeof options, ISSUER_OPTIONS "%s", rows[i].options);
        if (!says(options, rows[i].said != NULL ? rows[i].said : "", &host, &is_open) ||
            is_open != (rows[i].said == NULL))
            TEST_FAIL("%s: %s %s", rows[i].options, host.error.text, host.log);
        host_close(&host);
    }
}

TEST(who_asks_must_be_able_to_show_who_it_is)
{
    static const struct {
        const char *options;
        const char *said;
    } rows[] = {
        { "client_auth = \"tls_client_auth\"; client_key = { key = \"file:rsa.key\"; };",
          "\"client_key\": the key has no certificate to present: add certificate = \"FILE\"" },
        { "client_auth = \"tls_client_auth\"; client_key = { key = \"file:rsa.key\"; certificate = "
          "\"rsa.pem\"; }; introspection_endpoint = \"http://127.0.0.1:9/\";",
          "\"introspection_endpoint\": over plain http no certificate can be shown: use https" },
        { "assertion_algorithm = \"ES256\"; client_key = { key = \"file:rsa.key\"; };",
          "\"assertion_algorithm\": the client_key is an RSA key, which cannot do ES256" },
    };
    char options[512];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host host;
        bool is_open;

        (void)snprintf(options, sizeof options, ASKS "%s", rows[i].options);
        if (!says(options, rows[i].said, &host, &is_open) || is_open)
            TEST_FAIL("%s: %s %s", rows[i].options, host.error.text, host.log);
        host_close(&host);
    }
}

TEST(a_plugin_that_is_misspelt_is_told_with_those_there_are)
{
    static const char *const rows[][2] = {
        { "oauth2-c", "oauth2-c.so does not exist: did you mean \"oauth2-cc\"?" },
        { "oauth2", "oauth2.so does not exist; the plugins there are " },
        { "oauth2", "oauth2-cc" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host host;
        char policy[1024];

        (void)snprintf(policy, sizeof policy,
                       POLICY("t = { plugin = \"%s\"; };\n",
                              API("chain = ( { required = \"t\" } );")),
                       rows[i][0]);
        CHECK(!host_open(&host, policy));
        CHECK_HAS(host.error.text, rows[i][1]);
        CHECK_HAS(host.error.text, "paa.conf:2: instance t: ");
        host_close(&host);
    }
}

/* ---- what has no effect -------------------------------------------------------------------------- */

/* Who wrote it believes that it counts. */
TEST(what_has_no_effect_is_told)
{
#define OF_JWT    "with token = \"jwt\" nobody is asked"
#define OF_ASKING "with token = \"introspection\" the issuer is asked, and no signature is verified"
    static const struct {
        const char *options;
        const char *name;
        const char *why;
    } rows[] = {
        { JWKS_OPTIONS "client_id = \"me\";", "client_id", OF_JWT },
        { JWKS_OPTIONS "client_secret = \"file:fair\";", "client_secret", OF_JWT },
        { JWKS_OPTIONS "client_key = { key = \"file:rsa.key\"; };", "client_key", OF_JWT },
        { JWKS_OPTIONS "client_auth = \"none\";", "client_auth", OF_JWT },
        { JWKS_OPTIONS "assertion_algorithm = \"RS256\";", "assertion_algorithm", OF_JWT },
        { JWKS_OPTIONS "assertion_audience = \"token_endpoint\";", "assertion_audience", OF_JWT },
        { JWKS_OPTIONS "introspection_lifetime = \"60s\";", "introspection_lifetime", OF_JWT },
        { JWKS_OPTIONS "introspection_endpoint = \"https://id.example.com/i\";",
          "introspection_endpoint", OF_JWT },
        { ASKS "client_auth = \"none\"; jwks_file = \"jwks\";", "jwks_file", OF_ASKING },
        { ASKS "client_auth = \"none\"; jwks_uri = \"https://id.example.com/k\";", "jwks_uri",
          OF_ASKING },
        { ASKS "client_auth = \"none\"; secret = \"file:fair\";", "secret", OF_ASKING },
        { ASKS "client_auth = \"none\"; algorithms = \"RS256\";", "algorithms", OF_ASKING },
        { "issuers = ( { " ISSUER_OPTIONS
          "algorithms = \"RS256\"; } ); token = \"introspection\"; client_id = \"me\"; "
          "client_auth = \"none\";",
          "algorithms", OF_ASKING },
        { ASKS "client_secret = \"file:fair\"; client_key = { key = \"file:rsa.key\"; };",
          "client_key", "the client proves by its client_secret who it is" },
        { ASKS "client_auth = \"none\"; client_key = { key = \"file:rsa.key\"; };", "client_key",
          "client_auth says that no key is used" },
        { ASKS "client_secret = \"file:fair\"; assertion_algorithm = \"RS256\";",
          "assertion_algorithm", "it goes with client_auth = \"private_key_jwt\"" },
        { ASKS "client_secret = \"file:fair\"; assertion_audience = \"token_endpoint\";",
          "assertion_audience", "it goes with client_auth = \"private_key_jwt\"" },
    };
    char line[256];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host host;
        bool is_open;

        (void)snprintf(line, sizeof line, ":3: instance tokens: \"%s\": has no effect: %s",
                       rows[i].name, rows[i].why);
        if (!says(rows[i].options, line, &host, &is_open) || !is_open)
            TEST_FAIL("\"%s\" is not said, but %s %s", line, host.error.text, host.log);
        host_close(&host);
    }
}

TEST(what_has_an_effect_is_taken_without_a_word)
{
    static const char *const rows[] = {
        /* a name only */
        "issuer = \"http://id.example.com\"; audience = \"a\"; jwks_file = \"jwks\";",
        ASKS "client_secret = \"file:fair\"; introspection_lifetime = \"5s\";",
        ASKS "client_key = { key = \"file:rsa.key\"; }; assertion_algorithm = \"PS256\";",
        ISSUER_OPTIONS "token = \"auto\"; client_id = \"me\"; client_auth = \"none\"; "
                       "jwks_file = \"jwks\"; algorithms = \"ES256\";",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host host;
        bool is_open;

        CHECK(!says(rows[i], "has no effect", &host, &is_open));
        if (!is_open)
            TEST_FAIL("%s: %s", rows[i], host.error.text);
        host_close(&host);
    }
}

/* SPDX-License-Identifier: MIT */
/* An authorization server's metadata: where it is looked for, what is read of it, what is refused. */
#include "oauth_metadata.h"
#include "str.h"
#include "test.h"

#define ISSUER "https://id.example.com/realms/a"

static void check_url(const char *issuer, enum oauth_well_known kind, const char *url)
{
    struct buf buf;

    buf_init(&buf, 4096);
    oauth_well_known_url(paa_str_of(issuer), kind, &buf);
    CHECK_STR(buf_str(&buf), url);
    buf_free(&buf);
}

/* RFC 8414 3.1, OpenID Connect Discovery 4 */
TEST(the_document_is_between_host_and_path_or_behind_the_path)
{
    check_url("https://id.example.com", OAUTH_WELL_KNOWN_OAUTH,
              "https://id.example.com/.well-known/oauth-authorization-server");
    check_url("https://id.example.com/", OAUTH_WELL_KNOWN_OAUTH,
              "https://id.example.com/.well-known/oauth-authorization-server");
    check_url("https://id.example.com/issuer1", OAUTH_WELL_KNOWN_OAUTH,
              "https://id.example.com/.well-known/oauth-authorization-server/issuer1");
    check_url("https://id.example.com/issuer1/", OAUTH_WELL_KNOWN_OPENID,
              "https://id.example.com/issuer1/.well-known/openid-configuration");
    check_url("https://[::1]:8443", OAUTH_WELL_KNOWN_OPENID,
              "https://[::1]:8443/.well-known/openid-configuration");
}

TEST(urls_have_a_scheme_a_host_and_nothing_that_hides)
{
    static const char *const good[] = { "https://a", "http://127.0.0.1:1/x", "https://[::1]:2/y?z",
                                        "https://a/%20" };
    static const char *const bad[] = { "",
                                       "https://",
                                       "https:///x",
                                       "ftp://a",
                                       "HTTPS://a",
                                       "//a",
                                       "https://u@a",
                                       "https://a#b",
                                       "https://a b",
                                       "https://a\n",
                                       "https://a\"",
                                       "https://:80",
                                       "https://\xc3\xa9",
                                       "https://?a" };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(oauth_url_valid(paa_str_of(good[i]), false));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK(!oauth_url_valid(paa_str_of(bad[i]), false));
    CHECK(oauth_url_valid(STR("http://a/x"), false) &&
          !oauth_url_reachable(STR("http://a/x"), false));
    CHECK(!oauth_url_reachable(STR("http://127.a/x"), false));
    CHECK(!oauth_url_reachable(STR("http://localhost/x"), false));
    CHECK(oauth_url_reachable(STR("http://127.1.2.3:80/x"), false));
    CHECK(oauth_url_reachable(STR("http://[::1]"), true));
    CHECK(oauth_url_reachable(STR("https://a?b"), false));
    CHECK(!oauth_url_reachable(STR("https://a?b"), true));
    CHECK(!oauth_url_valid(STR("https://a?b"), true));
    CHECK(oauth_url_valid(STR("https://a/b"), true));
}

static struct oauth_metadata *read_text(const char *text, char why[OAUTH_WHY_SIZE])
{
    return oauth_metadata_read(paa_bytes_of(text, strlen(text)), STR(ISSUER), why);
}

TEST(endpoints_are_read_and_aliases_are_for_those_with_a_certificate)
{
    char why[OAUTH_WHY_SIZE];
    struct oauth_metadata *metadata = read_text(
        "{\"issuer\":\"https:\\/\\/id.example.com/realms/a\",\"token_endpoint\":\"https://id/t\","
        "\"jwks_uri\":\"https://id/k\",\"introspection_endpoint\":null,\"extra\":[1,{}],"
        "\"authorization_response_iss_parameter_supported\":true,"
        "\"mtls_endpoint_aliases\":{\"token_endpoint\":\"https://mtls/t\"}}",
        why);

    REQUIRE(metadata != NULL);
    CHECK_STR(metadata->issuer, ISSUER);
    CHECK_STR(oauth_endpoint_of(metadata, OAUTH_TOKEN, false), "https://id/t");
    CHECK_STR(oauth_endpoint_of(metadata, OAUTH_TOKEN, true), "https://mtls/t");
    CHECK_STR(oauth_endpoint_of(metadata, OAUTH_JWKS, true), "https://id/k");
    CHECK(oauth_endpoint_of(metadata, OAUTH_INTROSPECTION, true).data == NULL);
    CHECK(metadata->names_issuer);
    CHECK(metadata->weight > sizeof *metadata);
    oauth_metadata_free(metadata);
}

TEST(what_logins_go_by_is_read)
{
    static const struct {
        const char *more;
        bool wants_pushed;
        bool refuses_s256;
    } rows[] = {
        { "", false, false },
        { ",\"require_pushed_authorization_requests\":true", true, false },
        { ",\"code_challenge_methods_supported\":[\"plain\",\"S256\"]", false, false },
        { ",\"code_challenge_methods_supported\":null", false, false },
        { ",\"code_challenge_methods_supported\":[\"plain\",\"s256\"]", false, true },
        { ",\"code_challenge_methods_supported\":[]", false, true },
    };
    char text[512], why[OAUTH_WHY_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int size = snprintf(text, sizeof text, "{\"issuer\":\"" ISSUER "\"%s}", rows[i].more);
        struct oauth_metadata *metadata =
            oauth_metadata_read(paa_bytes_of(text, (size_t)size), STR(ISSUER), why);

        REQUIRE(metadata != NULL);
        CHECK_INT(metadata->wants_pushed, rows[i].wants_pushed);
        CHECK_INT(metadata->refuses_s256, rows[i].refuses_s256);
        oauth_metadata_free(metadata);
    }
}

TEST(a_document_that_lies_or_is_malformed_is_refused_with_a_reason)
{
    static const struct {
        const char *text;
        const char *why;
    } bad[] = {
        { "", "empty" },
        { "[]", "object" },
        { "{", "JSON" },
        { "{}", "no \"issuer\"" },
        { "{\"issuer\":1}", "\"issuer\"" },
        { "{\"issuer\":\"https://id.example.com/realms/b\"}", "byte by byte" },
        { "{\"issuer\":\"https://id.example.com/realms/b\"}",
          "of \"https://id.example.com/realms/b\"," },
        { "{\"issuer\":\"https://id.example.com/\\u001b[31m\"}", "no URL of https" },
        { "{\"issuer\":\"" ISSUER "/\"}", "byte by byte" },
        { "{\"issuer\":\"" ISSUER "\",\"issuer\":\"" ISSUER "\"}", "twice" },
        { "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":5}", "\"token_endpoint\"" },
        { "{\"issuer\":\"" ISSUER "\",\"token_endpoint\":\"file:///etc/passwd\"}",
          "\"token_endpoint\"" },
        { "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://u:p@id/k\"}", "\"jwks_uri\"" },
        { "{\"issuer\":\"" ISSUER "\",\"mtls_endpoint_aliases\":[]}", "mtls_endpoint_aliases" },
        { "{\"issuer\":\"" ISSUER "\",\"mtls_endpoint_aliases\":{\"token_endpoint\":\"x\"}}",
          "\"token_endpoint\"" },
        { "{\"issuer\":\"" ISSUER "\",\"authorization_response_iss_parameter_supported\":1}",
          "neither true nor false" },
        { "{\"issuer\":\"" ISSUER "\",\"require_pushed_authorization_requests\":\"yes\"}",
          "neither true nor false" },
        { "{\"issuer\":\"" ISSUER "\",\"code_challenge_methods_supported\":\"S256\"}", "no array" },
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char why[OAUTH_WHY_SIZE] = "";
        struct oauth_metadata *metadata = read_text(bad[i].text, why);

        CHECK(metadata == NULL);
        CHECK_HAS(why, bad[i].why);
        oauth_metadata_free(metadata);
    }
}

TEST(an_issuer_that_is_not_the_one_asked_for_is_shown_cut)
{
    char text[1024], why[OAUTH_WHY_SIZE];

    (void)snprintf(text, sizeof text, "{\"issuer\":\"https://evil.example/%0600d\"}", 0);
    CHECK(oauth_metadata_read(paa_bytes_of(text, strlen(text)), STR(ISSUER), why) == NULL);
    CHECK_HAS(why, "of \"https://evil.example/000");
    CHECK_HAS(why, "000...\", not");
    CHECK_HAS(why, "a \"/\" at the end counts");
}

TEST(a_document_over_64_kib_is_refused)
{
    static char text[OAUTH_DOCUMENT_MAX + 2];
    char why[OAUTH_WHY_SIZE];

    memset(text, ' ', sizeof text);
    CHECK(oauth_metadata_read(paa_bytes_of(text, OAUTH_DOCUMENT_MAX + 1), STR_NONE, why) == NULL);
    CHECK_HAS(why, "64 KiB");
}

/* SPDX-License-Identifier: MIT */
/* Tokens of a real authorization server (idp.h), by each client authentication. */
#include "host.h"
#include "sends.h"
#include "test.h"

#include "idp.h"

struct way { /* to be known to the server */
    const char *name;
    const char *secret; /* NULL: none */
    const char *key;    /* its file, without ".key"; NULL: none */
    bool has_certificate;
    bool at_mtls; /* the endpoint that asks for certificates, named in the policy */
    const char *options;
};

static const struct way ways[] = {
    { "basic", "the secret: of basic+100%", NULL, false, false, "" },
    { "post", "the secret: of post+100%", NULL, false, false,
      "client_auth = \"client_secret_post\";" },
    { "jwt", NULL, "jwt-rsa", false, false, "" },
    { "jwt", NULL, "jwt-rsa", false, false, "assertion_algorithm = \"PS384\";" },
    { "jwt", NULL, "jwt-p256", false, false, "" },
    { "jwt", NULL, "jwt-ed25519", false, false, "" },
    { "jwt", NULL, "jwt-p256", false, false, "assertion_audience = \"token_endpoint\";" },
    { "mtls", NULL, "mtls", true, true, "client_auth = \"tls_client_auth\";" },
    { "selfsigned", NULL, "selfsigned", true, true,
      "client_auth = \"self_signed_tls_client_auth\";" },
    { "dpop", "the-secret-of-dpop", NULL, false, false, "dpop = \"required\";" },
};

static bool copy_file(const struct idp *idp, const struct host *host, const char *name)
{
    char from[128], to[HOST_PATH_MAX + 128], text[8192];
    FILE *in, *out;
    size_t size = 0;
    bool is_done;

    (void)snprintf(from, sizeof from, "%s/%s", idp->folder, name);
    (void)snprintf(to, sizeof to, "%s/%s", host->folder, name);
    in = fopen(from, "re");
    if (in != NULL) {
        size = fread(text, 1, sizeof text, in);
        (void)fclose(in);
    }
    out = fopen(to, "we");
    if (out == NULL)
        return false;
    is_done = fchmod(fileno(out), 0600) == 0 && fwrite(text, 1, size, out) == size && size > 0;
    return fclose(out) == 0 && is_done;
}

static bool write_credentials(const struct idp *idp, struct place *place, const struct way *way,
                              char *ret_option, size_t size)
{
    char name[64], more[128] = "";
    bool is_done = true;

    ret_option[0] = '\0';
    if (way->secret != NULL) {
        sends_secret(place, way->secret);
        (void)snprintf(ret_option, size, "client_secret = \"file:secret\";");
    }
    if (way->key == NULL)
        return true;
    (void)snprintf(name, sizeof name, "%s.key", way->key);
    is_done = copy_file(idp, &place->host, name);
    if (way->has_certificate) {
        (void)snprintf(name, sizeof name, "%s.crt", way->key);
        is_done = copy_file(idp, &place->host, name) && is_done;
        (void)snprintf(more, sizeof more, "certificate = \"%s\";", name);
    } else {
        (void)snprintf(more, sizeof more, "id = \"%s\";", way->key + strlen("jwt-"));
    }
    (void)snprintf(ret_option, size, "client_key = { key = \"file:%s.key\"; %s };", way->key, more);
    return is_done;
}

static bool begin(const struct idp *idp, struct place *place, const struct way *way,
                  const char *more)
{
    struct paa_context_options context;
    char credentials[512], endpoint[128] = "", policy[4096];

    memset(place, 0, sizeof *place);
    if (!host_init(&place->host) || !copy_file(idp, &place->host, "ca.crt") ||
        !write_credentials(idp, place, way, credentials, sizeof credentials))
        return false;
    if (way->at_mtls)
        (void)snprintf(endpoint, sizeof endpoint, "token_endpoint = \"%s/token\";", idp->mtls);
    (void)snprintf(policy, sizeof policy,
                   POLICY("mine = { plugin = \"oauth2-cc\"; issuer = \"%s\"; client_id = \"%s\"; "
                          "%s %s %s %s tls = { ca = \"ca.crt\"; }; };\n",
                          OUT("chain = ( { required = \"mine\" } );")),
                   idp->issuer, way->name, credentials, endpoint, way->options, more);
    host_options(&place->host, &context);
    context.real_time_fn = NULL; /* the server's clock is the real one */
    context.monotonic_fn = NULL;
    context.random_fn = NULL; /* it remembers every jti */
    return host_write(&place->host, policy) && host_open_with(&place->host, &context);
}

TEST(each_client_authentication_gets_a_token_from_a_real_server)
{
    struct place place;
    struct sent sent;
    struct idp idp;

    REQUIRE(idp_make_folder(&idp));
    CHECK(idp_start(&idp, "{\"dpop_nonce\":true}"));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const char *scheme = strstr(ways[i].options, "dpop") != NULL ? "DPoP " : "Bearer ";

        CHECK(begin(&idp, &place, &ways[i],
                    "resource = \"https://rs256.test/\"; scope = "
                    "\"orders:read\"; less_scope = \"refuse\";"));
        sent = sends(&place.host);
        if (sent.code != 200)
            TEST_FAIL("%s, %s: %u %s\n%s", ways[i].name, ways[i].options, sent.code, sent.sentence,
                      place.host.log);
        CHECK(strncmp(sent.authorization, scheme, strlen(scheme)) == 0);
        CHECK_STR(paa_str_of(sends(&place.host).authorization), sent.authorization);
        host_close(&place.host);
    }
    idp_stop(&idp);
}

TEST(a_real_server_refuses_a_wrong_secret_and_a_scope_that_is_not_there)
{
    struct way wrong = ways[0];
    struct place place;
    struct sent sent;
    struct idp idp;

    wrong.secret = "not it";
    REQUIRE(idp_make_folder(&idp));
    CHECK(idp_start(&idp, "{}"));
    CHECK(begin(&idp, &place, &wrong, ""));
    sent = sends(&place.host);
    CHECK_STR(paa_str_of(sent.reason), "token-refused");
    CHECK_HAS(sent.sentence, "\"invalid_client\"");
    host_close(&place.host);
    CHECK(begin(&idp, &place, &ways[0], "resource = \"https://nowhere.test/\";"));
    sent = sends(&place.host);
    CHECK_HAS(sent.sentence, "\"invalid_target\"");
    host_close(&place.host);
    CHECK(begin(&idp, &place, &ways[0], ""));
    CHECK(idp_order(&idp, "down"));
    sent = sends(&place.host);
    CHECK_INT(sent.code, 503);
    host_close(&place.host);
    idp_stop(&idp);
}

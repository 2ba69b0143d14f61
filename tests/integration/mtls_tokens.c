/* SPDX-License-Identifier: MIT */
/* Tokens that are bound to a certificate (RFC 8705) behind a proxy that ended TLS: the certificate that the proxy passed on
 * is the one that counts, and not the proxy's own. */
#include "codec.h"
#include "shown.h"
#include "test.h"
#include "tokens.h"

static const char policy[] = POLICY(
    "peers = { plugin = \"mtls\"; trust = \"ca.pem\"; source = \"client-cert\"; proxies = [ "
    "\"192.0.2.7\" ]; };\n"
    "tokens = { plugin = \"oauth2-cc\"; " JWKS_OPTIONS "certificate_bound = true; };\n",
    API("rules = ( { path = \"/**\"; chain = ( { required = \"peers\" }, { required = \"tokens\" } "
        "); identity = [ \"tokens\", \"peers\" ]; } );"));

static void bound_token(const struct issued *issued, char ret_token[SIGNER_TOKEN_MAX])
{
    struct paa_bytes der = issued_der(issued);
    unsigned char digest[32];
    char text[64] = "", cnf[128];
    struct token_claims claims;

    CHECK(EVP_Digest(der.data, der.size, digest, NULL, EVP_sha256(), NULL) == 1);
    base64url_encode(paa_bytes_of(digest, sizeof digest), text);
    (void)snprintf(cnf, sizeof cnf, "{\"x5t#S256\":\"%s\"}", text);
    claims_init(&claims);
    claims_set(&claims, "cnf", cnf);
    token_sign(&claims, "\"typ\":\"at+jwt\",\"kid\":\"ed\"", ALG_ED25519, NULL, ret_token);
    OPENSSL_free((void *)(uintptr_t)der.data);
}

/* Over a connection of the proxy, whose own certificate is `own`. */
static unsigned ask_with(struct host *host, const struct issued *own, const struct issued *client,
                         const char *token)
{
    static char field[SHOWN_LINE_MAX], line[TOKEN_FIELD_MAX + 32];
    static struct ask ask;
    struct paa_bytes der = issued_der(client);
    struct shown shown;
    struct told told;

    strcpy(field, "Client-Cert: :");
    (void)EVP_EncodeBlock((unsigned char *)field + strlen(field), der.data, (int)der.size);
    strcat(field, ":");
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    ask_for(&ask, "GET", "/orders", field, line, NULL);
    OPENSSL_free((void *)(uintptr_t)der.data);
    if (!shown_connect(&shown, host, "192.0.2.7", own, NULL))
        return 0;
    told = shown_ask_with(&shown, host, &ask, NULL);
    shown_close(&shown);
    return told.code;
}

TEST(a_bound_token_wants_the_certificate_that_the_proxy_passed_on)
{
    struct issued *ca = issue_ca("CA", NULL), *edge = issue_client("edge", ca);
    struct issued *client = issue_client("robot", ca), *other = issue_client("other", ca);
    static char clients[SIGNER_TOKEN_MAX], edges[SIGNER_TOKEN_MAX];
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, policy) &&
            tokens_write(&host, TOKEN_SET, tokens_set("")) &&
            shown_write_ca(&host, "ca.pem", ca, NULL));
    struct paa_context_options options;
    host_options(&host, &options);
    REQUIRE(host_open_with(&host, &options));
    bound_token(client, clients);
    bound_token(edge, edges);
    CHECK_INT(ask_with(&host, edge, client, clients), 200);
    CHECK_INT(ask_with(&host, edge, other, clients), 401);
    CHECK_INT(ask_with(&host, edge, client, edges), 401);
    CHECK_INT(ask_with(&host, edge, client, clients), 200);
    host_close(&host);
    issued_free(ca);
    issued_free(edge);
    issued_free(client);
    issued_free(other);
}

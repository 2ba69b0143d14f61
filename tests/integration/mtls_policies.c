/* SPDX-License-Identifier: MIT */
/* What a policy may say of client certificates, and what it is told when it cannot be meant. */
#include "shown.h"
#include "test.h"

#define PIN "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define KEY "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static const struct {
    const char *options;
    const char *told; /* a part of what is said; NULL: it is taken */
} cases[] = {
    { "trust = \"ca.pem\";", NULL },
    { "pins = [ \"" PIN "\" ];", NULL },
    { "pins = [ \"" KEY "\" ];", NULL },
    { "trust = \"ca.pem\"; pins = [ \"" KEY "\" ]; identity = \"cn\";", NULL },
    { "pins = [ \"" PIN "\" ]; identity = \"subject\";", NULL },
    { "trust = \"ca.pem\"; uri_san = [ \"spiffe://example.com/*\" ];", NULL },
    { "trust = \"ca.pem\"; uri_san = \"spiffe://example.com/*\";", NULL },
    { "trust = \"ca.pem\"; trust_domain = \"example.com\";", NULL },
    { "trust = \"ca.pem\"; source = \"xfcc\"; proxies = [ \"unix:\" ];", NULL },
    { "trust = \"ca.pem\"; source = \"pem\"; field = \"X-Cert\"; proxies = [ \"::1\" ];", NULL },
    { "trust = \"ca.pem\"; ocsp = true; revocation = \"soft\";", NULL },
    { "trust = \"ca.pem\"; ocsp_url = \"http://ocsp.example.com/\";", "goes with ocsp = true" },
    { "pins = [ \"" PIN "\" ]; ocsp = true;", "the pins alone count" },
    { "", "whose certificates are taken" },
    { "trust = \"nowhere.pem\";", "does not exist" },
    { "trust = \"ca.pem\"; pins = [ \"abc\" ];", "\"abc\" is neither" },
    { "pins = [ \"" KEY "\" ]; identity = \"subject\";", "whoever holds a pinned key" },
    { "trust = \"ca.pem\"; identity = \"pin\";", "goes with the option pins" },
    { "pins = [ \"" PIN "\" ]; depth = 2;", "the pins alone count" },
    { "pins = [ \"" PIN "\" ]; crl_url = \"https://x.example.com/\";", "the pins alone count" },
    { "trust = \"ca.pem\"; revocation = \"hard\";", "nothing says what is revoked" },
    { "trust = \"ca.pem\"; source = \"xfcc\";", "only from proxies that are named" },
    { "trust = \"ca.pem\"; proxies = [ \"unix:\" ];", "no field is read" },
    { "trust = \"ca.pem\"; source = \"xfcc\"; proxies = [ \"edge.example.com\" ];",
      "\"edge.example.com\" is no address" },
    { "trust = \"ca.pem\"; source = \"xfcc\"; proxies = [ \"192.0.2.7/24\" ];", "is no address" },
    { "trust = \"ca.pem\"; source = \"pem\"; proxies = [ \"unix:\" ];", "goes with source" },
    { "trust = \"ca.pem\"; source = \"xfcc\"; field = \"X\"; proxies = [ \"unix:\" ];",
      "goes with source" },
    { "trust = \"ca.pem\"; source = \"pem\"; field = \"X Y\"; proxies = [ \"unix:\" ];",
      "no name of a field" },
    { "trust = \"ca.pem\"; uri_san = [ \"spiffe://a/*\", \"spiffe://b/*\" ];", "one trust domain" },
    { "trust = \"ca.pem\"; identity = \"spiffe\";", "say whose bundle" },
    { "trust = \"ca.pem\"; trust_domain = \"Example.com\";", "small letters" },
    { "trust = \"ca.pem\"; trust_domain = \"a\"; identity = \"dns\";", "goes with identity" },
    { "trust = \"ca.pem\"; uri_san = [ \"*\" ];", "is no URI" },
    { "trust = \"ca.pem\"; dns_san = [ \"a*.example.com\" ];", "is no DNS name" },
    { "trust = \"ca.pem\"; email_san = [ \"example.com\" ];", "is no e-mail address" },
    { "trust = \"ca.pem\"; subject = [ \"robot\" ];", "is no distinguished name" },
    { "trust = \"ca.pem\"; source = \"header\";", "source" },
    { "trust = \"paa.conf\";", "the file of `trust`" },
    { "trust = \"ca.pem\"; intermediates = \"paa.conf\";", "the file of `intermediates`" },
    { "trust = \"ca.pem\"; crl = \"ca.pem\";", "crl" },
    { "trust = \"ca.pem\"; depth = 10;", "depth" },
    { "trust = \"ca.pem\"; trusted = true;", "trusted" },
};

TEST(what_cannot_be_meant_is_refused_at_its_line)
{
    struct issued *ca = issue_ca("CA", NULL);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct paa_context_options options;
        static struct host host;
        char policy[2048];
        bool is_open;

        (void)snprintf(policy, sizeof policy, PEERS("%s"), cases[i].options);
        REQUIRE(host_init(&host) && host_write(&host, policy) &&
                shown_write_ca(&host, "ca.pem", ca, NULL));
        host_options(&host, &options);
        is_open = paa_context_open(&host.context, &options, &host.error) == 0;
        if (is_open != (cases[i].told == NULL) ||
            (!is_open && (strstr(host.error.text, cases[i].told) == NULL ||
                          strstr(host.error.text, "paa.conf:2: ") == NULL)))
            TEST_FAIL("%s: %s", cases[i].options, is_open ? "taken" : host.error.text);
        host_close(&host);
    }
    issued_free(ca);
}

/* A self-signed certificate that the operator was given by hand. */
TEST(a_pinned_certificate_needs_no_ca)
{
    struct recipe alone = { .name = "robot", .basic = "critical,CA:TRUE" };
    struct issued *own = issue(&alone, NULL), *again = issue(&alone, NULL);
    struct paa_bytes der = issued_der(own);
    unsigned char digest[32];
    char policy[1024], hex[65];
    struct told told;
    struct host host;

    REQUIRE(EVP_Digest(der.data, der.size, digest, NULL, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    (void)snprintf(policy, sizeof policy, PEERS("pins = [ \"%s\" ];"), hex);
    REQUIRE(shown_open(&host, policy, own));
    told = shown_once(&host, own, NULL);
    CHECK_STR(paa_str_of(told.reason), "good");
    CHECK_HAS(told.subject, "sha256:");
    CHECK_HAS(told.subject, hex);
    CHECK_STR(paa_str_of(told.issuer), "paa:peers");
    CHECK_STR(paa_str_of(shown_once(&host, again, NULL).reason), "pin");
    OPENSSL_free((void *)(uintptr_t)der.data);
    host_close(&host);
    issued_free(own);
    issued_free(again);
}

TEST(a_workload_of_the_trust_domain_is_let_in_as_its_spiffe_id)
{
    struct recipe here = { .names = "URI:spiffe://example.com/orders", .name = "" };
    struct recipe there = { .names = "URI:spiffe://other.org/orders", .name = "" };
    struct issued *ca = issue_ca("CA", NULL), *own = issue(&here, ca), *foreign = issue(&there, ca);
    struct told told;
    struct host host;

    REQUIRE(shown_open(&host,
                       PEERS("trust = \"ca.pem\"; uri_san = [ \"spiffe://example.com/*\" ];"), ca));
    told = shown_once(&host, own, NULL);
    CHECK_STR(paa_str_of(told.subject), "spiffe://example.com/orders");
    CHECK_STR(paa_str_of(told.issuer), "spiffe://example.com");
    CHECK_STR(paa_str_of(shown_once(&host, foreign, NULL).reason), "not-listed");
    host_close(&host);
    issued_free(ca);
    issued_free(own);
    issued_free(foreign);
}

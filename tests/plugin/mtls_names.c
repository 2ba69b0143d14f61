/* SPDX-License-Identifier: MIT */
/* Whom a certificate names, by every choice of `identity`; names that are there to mislead (plugins/mtls/identity.h). */
#include "identity.h"
#include "issued.h"
#include "str.h"
#include "test.h"

#include <openssl/err.h>

static struct name_list list_of(const char *pattern)
{
    struct name_list list = { .count = pattern != NULL };

    list.patterns[0] = paa_str_of(pattern);
    return list;
}

/* "good" and the subject, or the reason. */
static const char *named(const struct recipe *recipe, const struct identity_rules *rules,
                         char ret_subject[512])
{
    static struct issued *ca;
    struct issued *issued;
    struct cert_chain_result chain = { .leaf = NULL };
    struct cert_chain_finding finding;
    struct identified who;

    if (ca == NULL)
        ca = issue_ca("CA", NULL);
    issued = issue(recipe, ca);
    chain.leaf = issued->x509;
    chain.certificates = sk_X509_new_null();
    chain.pinned = PIN_CERTIFICATE;
    finding = identity_of(&chain, rules, &who);
    (void)snprintf(ret_subject, 512, "%s", who.subject != NULL ? who.subject : "");
    if (finding.verdict == CERT_CHAIN_GOOD && who.issuer == NULL)
        TEST_FAIL("a subject without an issuer");
    if (finding.verdict != CERT_CHAIN_GOOD && finding.sentence[0] == '\0')
        TEST_FAIL("no sentence");
    CHECK_INT(ERR_peek_error(), 0);
    identity_done(&who);
    sk_X509_free(chain.certificates);
    issued_free(issued);
    return finding.verdict == CERT_CHAIN_GOOD ? "good" : finding.reason;
}

struct naming {
    struct recipe recipe;
    enum identity identity;
    const char *pattern; /* of the list of that kind; NULL: none */
    const char *expected;
    const char *subject; /* if good */
};

static struct identity_rules rules_of(const struct naming *naming)
{
    struct identity_rules rules = { .identity = naming->identity };
    struct name_list list = list_of(naming->pattern);

    if (naming->identity == IDENTITY_SPIFFE || naming->identity == IDENTITY_URI)
        rules.uris = list;
    else if (naming->identity == IDENTITY_DNS)
        rules.dns = list;
    else if (naming->identity == IDENTITY_EMAIL)
        rules.emails = list;
    else
        rules.subjects = list;
    if (naming->identity == IDENTITY_SPIFFE)
        rules.trust_domain = STR("example.com");
    return rules;
}

static void try_all(const struct naming *namings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct identity_rules rules = rules_of(&namings[i]);
        char subject[512];
        const char *reason = named(&namings[i].recipe, &rules, subject);

        if (strcmp(reason, namings[i].expected) != 0)
            TEST_FAIL("case %zu (%s): %s, not %s", i,
                      namings[i].recipe.names != NULL ? namings[i].recipe.names
                                                      : namings[i].recipe.name,
                      reason, namings[i].expected);
        else if (namings[i].subject != NULL && strcmp(subject, namings[i].subject) != 0)
            TEST_FAIL("case %zu: \"%s\", not \"%s\"", i, subject, namings[i].subject);
    }
}

#define TRY(namings) try_all(namings, sizeof(namings) / sizeof(namings)[0])

TEST(an_x509_svid_has_one_uri_of_the_bundles_trust_domain)
{
#define SVID(...) { __VA_ARGS__ }, IDENTITY_SPIFFE
    static const struct naming namings[] = {
        { SVID(.names = "URI:spiffe://example.com/robot"), NULL, "good",
          "spiffe://example.com/robot" },
        { SVID(.names = "URI:spiffe://example.com/robot,DNS:robot.example.com"), NULL, "good",
          NULL },
        { SVID(.names = "URI:spiffe://example.com/robot", .name = ""), NULL, "good", NULL },
        { SVID(.names = "URI:spiffe://example.com/a/b"), "spiffe://example.com/*", "not-listed",
          NULL },
        { SVID(.names = "URI:spiffe://example.com/a/b"), "spiffe://example.com/**", "good", NULL },
        { SVID(.names = "URI:spiffe://example.com/a,URI:spiffe://example.com/b"), NULL, "spiffe",
          NULL },
        { SVID(.names = "URI:spiffe://example.com/a,URI:https://example.com/"), NULL, "spiffe",
          NULL },
        { SVID(.names = "DNS:robot.example.com"), NULL, "identity", NULL },
        { SVID(.names = NULL), NULL, "identity", NULL },
        { SVID(.names = "URI:spiffe://other.org/robot"), NULL, "trust-domain", NULL },
        { SVID(.names = "URI:spiffe://example.com.other.org/robot"), NULL, "trust-domain", NULL },
        { SVID(.names = "URI:spiffe://example.com"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com/"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com/a/"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com//a"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com/../a"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com:8443/a"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://me@example.com/a"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com/a?b"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com/a#b"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com/%61"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://EXAMPLE.com/a"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:SPIFFE://example.com/a"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:https://example.com/a"), NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com/a", .usage = "digitalSignature"), NULL, "good",
          NULL },
        { SVID(.names = "URI:spiffe://example.com/a", .usage = "digitalSignature,keyCertSign"),
          NULL, "spiffe", NULL },
        { SVID(.names = "URI:spiffe://example.com/a", .usage = "digitalSignature,cRLSign"), NULL,
          "spiffe", NULL },
    };

    TRY(namings);
}

TEST(each_kind_of_name_can_be_the_subject)
{
    static const struct naming namings[] = {
        { { .names = "URI:urn:x:1" }, IDENTITY_URI, NULL, "good", "urn:x:1" },
        { { .names = "URI:urn:x:1,URI:urn:x:2" }, IDENTITY_URI, "urn:x:2", "good", "urn:x:2" },
        { { .names = "URI:urn:x:1" }, IDENTITY_URI, "urn:x:2", "not-listed", NULL },
        { { .names = "DNS:Robot.Example.com" }, IDENTITY_DNS, NULL, "good", "robot.example.com" },
        { { .names = "DNS:a.org,DNS:b.example.com" },
          IDENTITY_DNS,
          "*.example.com",
          "good",
          "b.example.com" },
        { { .names = "DNS:*.example.com" }, IDENTITY_DNS, NULL, "not-listed", NULL },
        { { .names = "DNS:*.example.com,DNS:b.example.com" },
          IDENTITY_DNS,
          NULL,
          "good",
          "b.example.com" },
        { { .names = "DNS:a.org" }, IDENTITY_DNS, "*.example.com", "not-listed", NULL },
        { { .names = "URI:urn:x:1" }, IDENTITY_DNS, NULL, "identity", NULL },
        { { .names = "email:a@example.com" }, IDENTITY_EMAIL, NULL, "good", "a@example.com" },
        { { .names = "email:a@example.com" },
          IDENTITY_EMAIL,
          "*@example.com",
          "good",
          "a@example.com" },
        { { .names = "email:a@evil.org" }, IDENTITY_EMAIL, "*@example.com", "not-listed", NULL },
        { { .names = NULL }, IDENTITY_EMAIL, NULL, "identity", NULL },
        { { .name = "robot", .organization = "Example" },
          IDENTITY_SUBJECT,
          NULL,
          "good",
          "CN=robot,O=Example" },
        { { .name = "robot", .organization = "Example" },
          IDENTITY_SUBJECT,
          "CN=robot,O=Example",
          "good",
          NULL },
        { { .name = "robot", .organization = "Evil" },
          IDENTITY_SUBJECT,
          "CN=robot,O=Example",
          "not-listed",
          NULL },
        { { .name = "" }, IDENTITY_SUBJECT, NULL, "identity", NULL },
        { { .name = "robot" }, IDENTITY_CN, NULL, "good", "robot" },
        { { .name = "", .organization = "Example" }, IDENTITY_CN, NULL, "identity", NULL },
    };

    TRY(namings);
}

/* What a reader of the subject could take for another one. */
TEST(names_cannot_be_injected)
{
    static const struct naming namings[] = {
        { { .name = "robot,O=Example" },
          IDENTITY_SUBJECT,
          "CN=robot,O=Example",
          "not-listed",
          NULL },
        { { .name = "robot,O=Example" }, IDENTITY_SUBJECT, NULL, "good", "CN=robot\\,O=Example" },
        { { .name = "robot+O=Example" }, IDENTITY_SUBJECT, NULL, "good", "CN=robot\\+O=Example" },
        { { .name = "a\"b\\c<d>;e" }, IDENTITY_SUBJECT, NULL, "good", "CN=a\\\"b\\\\c\\<d\\>\\;e" },
        { { .name = " robot" }, IDENTITY_SUBJECT, "CN=robot", "not-listed", NULL },
        { { .name = "robot " }, IDENTITY_SUBJECT, "CN=robot", "not-listed", NULL },
        { { .name = "#robot" }, IDENTITY_SUBJECT, NULL, "good", "CN=\\#robot" },
        { { .name = "r\xc3\xb6"
                    "bot" },
          IDENTITY_SUBJECT,
          NULL,
          "good",
          "CN=r\\C3\\B6bot" },
        { { .name = "robot\nadmin" }, IDENTITY_SUBJECT, NULL, "names", NULL },
        { { .name = "robot\x7f" }, IDENTITY_SUBJECT, NULL, "names", NULL },
        { { .name = "robot\x01" }, IDENTITY_CN, NULL, "names", NULL },
        { { .name = "r\xc3\xb6"
                    "bot" },
          IDENTITY_CN,
          NULL,
          "names",
          NULL },
        { { .names = "DNS:a b.example.com" }, IDENTITY_DNS, NULL, "names", NULL },
        { { .names = "DNS:good.example.com,DNS:a/b" }, IDENTITY_DNS, NULL, "names", NULL },
        { { .names = "DNS:.example.com" }, IDENTITY_DNS, "*.example.com", "names", NULL },
        { { .names = "URI:urn:a b" }, IDENTITY_URI, NULL, "names", NULL },
        { { .names = "DNS:good.example.com,URI:urn:a b" }, IDENTITY_DNS, NULL, "names", NULL },
        { { .names = "DNS:a.example.com", .has_names_twice = true },
          IDENTITY_DNS,
          NULL,
          "names",
          NULL },
        { { .names = "DNS:a.example.com", .has_names_twice = true },
          IDENTITY_SUBJECT,
          NULL,
          "names",
          NULL },
    };

    TRY(namings);
}

#define DER(...)                                                                                   \
    {                                                                                              \
        .names_der = {                                                                             \
            (const unsigned char[]){ __VA_ARGS__ },                                                \
            sizeof((const unsigned char[]){ __VA_ARGS__ })                                         \
        }                                                                                          \
    }

/* GeneralNames: [2] DNS, [6] URI, [1] e-mail. */
TEST(names_with_nul_or_broken_der_are_refused)
{
    const struct naming namings[] = {
        { DER(0x30, 0x0b, 0x82, 0x09, 'g', 'o', 'o', 'd', 0, 'e', 'v', 'i', 'l'), IDENTITY_DNS,
          NULL, "names", NULL },
        { DER(0x30, 0x0b, 0x86, 0x09, 'u', ':', 'o', 'd', 0, 'e', 'v', 'i', 'l'), IDENTITY_URI,
          NULL, "names", NULL },
        { DER(0x30, 0x0b, 0x81, 0x09, 'a', '@', 'o', 'd', 0, 'e', 'v', 'i', 'l'), IDENTITY_EMAIL,
          NULL, "names", NULL },
        { DER(0x30, 0x07, 0x82, 0x05, 'g', 'o', 'o', 'd', '\n'), IDENTITY_DNS, NULL, "names",
          NULL },
        { DER(0x30, 0x02, 0x82, 0x00), IDENTITY_DNS, NULL, "names", NULL },
        { DER(0x30, 0x02, 0x86, 0x00), IDENTITY_URI, NULL, "names", NULL },
        { DER(0x30, 0x05, 0x82, 0x05, 'g', 'o', 'o'), IDENTITY_DNS, NULL, "names", NULL },
        { DER(0x05, 0x00), IDENTITY_DNS, NULL, "names", NULL },
        { DER(0x30, 0x00), IDENTITY_DNS, NULL, "identity", NULL },
        { DER(0x30, 0x06, 0x82, 0x04, 'g', 'o', 'o', 'd'), IDENTITY_DNS, NULL, "good", "good" },
    };

    TRY(namings);
}

TEST(every_list_that_is_given_must_be_satisfied)
{
    struct recipe both = { .names = "URI:urn:x:1,DNS:robot.example.com" };
    struct recipe one = { .names = "URI:urn:x:1" };
    struct identity_rules rules = { .identity = IDENTITY_URI };
    char subject[512];

    rules.uris = list_of("urn:x:1");
    rules.dns = list_of("*.example.com");
    CHECK_STR(paa_str_of(named(&both, &rules, subject)), "good");
    CHECK_STR(paa_str_of(subject), "urn:x:1");
    CHECK_STR(paa_str_of(named(&one, &rules, subject)), "identity");
    rules.dns = list_of("*.example.org");
    CHECK_STR(paa_str_of(named(&both, &rules, subject)), "not-listed");
}

TEST(more_names_than_anybody_needs_are_refused)
{
    struct identity_rules rules = { .identity = IDENTITY_DNS };
    char names[4096] = "", subject[512];
    struct recipe many = { .names = names };

    for (int i = 0; i < IDENTITY_NAMES_MAX; i++)
        (void)snprintf(names + strlen(names), sizeof names - strlen(names), "%sDNS:n%d.example.com",
                       i > 0 ? "," : "", i);
    CHECK_STR(paa_str_of(named(&many, &rules, subject)), "good");
    strcat(names, ",DNS:one.too.many");
    CHECK_STR(paa_str_of(named(&many, &rules, subject)), "names");
}

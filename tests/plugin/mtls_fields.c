/* SPDX-License-Identifier: MIT */
/* The fields that proxies write, read strictly; and what policies name: proxies, pins, patterns, SPIFFE IDs. */
#include "base64.h"
#include "issued.h"
#include "name_match.h"
#include "pin.h"
#include "presented.h"
#include "proxy.h"
#include "spiffe.h"
#include "str.h"
#include "test.h"

enum { TEXT_MAX = 128 * 1024 };

/* ---- base64 -------------------------------------------------------------------------------------- */

static bool decodes(const char *text)
{
    unsigned char bytes[64];
    size_t size;

    return base64_decode(paa_str_of(text), bytes, &size);
}

TEST(base64_has_one_text_for_each_value)
{
    static const char *const good[] = { "", "AAAA", "AA==", "AAA=", "+/+/", "Zm9v", "Zg==" };
    static const char *const bad[] = { "A",     "AA",    "AAA",    "AB==",  "AAB=",    "A===",
                                       "====",  "AA=A",  "AA==A",  "AAAA=", "-_-_",    "AA A",
                                       " AAAA", "AAAA ", "AA\n==", "Zh==",  "AA==AA==" };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!decodes(good[i]))
            TEST_FAIL("\"%s\" is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (decodes(bad[i]))
            TEST_FAIL("\"%s\" is taken", bad[i]);
}

TEST(base64_gives_back_what_libcrypto_wrote)
{
    unsigned char bytes[100], back[256];
    char text[256];
    size_t size;

    for (size_t length = 0; length < sizeof bytes; length++) {
        for (size_t i = 0; i < length; i++)
            bytes[i] = (unsigned char)(i * 73 + length);
        (void)EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
        CHECK(base64_decode(paa_str_of(text), back, &size));
        CHECK_INT(size, length);
        CHECK_INT(memcmp(back, bytes, length), 0);
    }
}

/* ---- what fields hold ---------------------------------------------------------------------------- */

struct sample { /* three certificates as bytes, PEM, percent-encoded PEM and byte sequences */
    struct issued *made[3];
    struct paa_bytes der[3];
    char pem[3][8192];
    char escaped[3][16384];
    char sequence[3][8192];
};

static void escape(const char *text, char *to)
{
    for (; *text != '\0'; text++)
        if ((*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
            (*text >= 'a' && *text <= 'z') || strchr("-._~", *text) != NULL)
            *to++ = *text;
        else
            to += sprintf(to, "%%%02X", (unsigned char)*text);
    *to = '\0';
}

static struct sample *sample_make(void)
{
    static struct sample sample;
    static char pem[ISSUED_PEM_MAX];

    if (sample.made[0] != NULL)
        return &sample;
    for (size_t i = 0; i < 3; i++) {
        sample.made[i] = i == 0 ? issue_ca("CA", NULL) : issue_client("robot", sample.made[0]);
        sample.der[i] = issued_der(sample.made[i]);
        pem[0] = '\0';
        issued_pem(sample.made[i], pem);
        (void)snprintf(sample.pem[i], sizeof sample.pem[i], "%s", pem);
        escape(pem, sample.escaped[i]);
        sample.sequence[i][0] = ':';
        (void)EVP_EncodeBlock((unsigned char *)sample.sequence[i] + 1, sample.der[i].data,
                              (int)sample.der[i].size);
        strcat(sample.sequence[i], ":");
    }
    return &sample;
}

static struct presented presented;
static unsigned char memory[PRESENTED_MEMORY(TEXT_MAX)];

static bool is_der(size_t index, const struct sample *sample, size_t which)
{
    return index < presented.count && presented.der[index].size == sample->der[which].size &&
           memcmp(presented.der[index].data, sample->der[which].data, sample->der[which].size) == 0;
}

typedef const char *(*read_fn)(const char *text);

static const char *read_pem(const char *text)
{
    memset(&presented, 0, sizeof presented);
    return pem_read(paa_str_of(text), memory, &presented);
}

static const char *read_escaped(const char *text)
{
    memset(&presented, 0, sizeof presented);
    return pem_field_read(paa_str_of(text), memory, &presented);
}

static const char *read_xfcc(const char *text)
{
    memset(&presented, 0, sizeof presented);
    return xfcc_read(paa_str_of(text), memory, &presented);
}

static const char *read_client_cert(const char *cert, const char *chain)
{
    memset(&presented, 0, sizeof presented);
    return client_cert_read(paa_str_of(cert), paa_str_of(chain), memory, &presented);
}

/* A field of pieces: %0 to %2 of `texts`. */
static const char *filled(const char *pattern, const struct sample *sample)
{
    static char text[TEXT_MAX];
    char *to = text;

    for (; *pattern != '\0'; pattern++)
        if (pattern[0] == '#' && pattern[1] >= '0' && pattern[1] <= '2')
            to += sprintf(to, "%s", sample->escaped[*++pattern - '0']);
        else if (pattern[0] == '!' && pattern[1] >= '0' && pattern[1] <= '2')
            to += sprintf(to, "%s", sample->pem[*++pattern - '0']);
        else
            *to++ = *pattern;
    *to = '\0';
    return text;
}

struct reading {
    const char *pattern;
    const char *why; /* a part of what is said; NULL: good */
    size_t count;
};

static void try_readings(read_fn read, const struct reading *readings, size_t count)
{
    const struct sample *sample = sample_make();

    for (size_t i = 0; i < count; i++) {
        const char *why = read(filled(readings[i].pattern, sample));

        if ((why == NULL) != (readings[i].why == NULL) ||
            (why != NULL && strstr(why, readings[i].why) == NULL))
            TEST_FAIL("\"%s\": %s, not %s", readings[i].pattern, why != NULL ? why : "good",
                      readings[i].why != NULL ? readings[i].why : "good");
        else if (why == NULL && presented.count != readings[i].count)
            TEST_FAIL("\"%s\": %zu certificates", readings[i].pattern, presented.count);
    }
}

#define TRY(read, readings) try_readings(read, readings, sizeof(readings) / sizeof(readings)[0])

TEST(pem_is_certificates_and_blank_lines_only)
{
    static const struct reading readings[] = {
        { "!1", NULL, 1 },
        { "!1!0", NULL, 2 },
        { "\n!1\n\n!0\n", NULL, 2 },
        { "", "holds no PEM", 0 },
        { "\n", "holds no PEM", 0 },
        { "hello\n!1", "holds no PEM", 0 },
        { "!1 ", "holds no PEM", 0 },
        { "!1 x", "holds no PEM", 0 },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n", "without its end", 0 },
        { "-----BEGIN CERTIFICATE-----\nAAAA\nAA==\n-----END CERTIFICATE-----\n", NULL, 1 },
        { "-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----", NULL, 1 },
        { "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "empty", 0 },
        { "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n", "canonical", 0 },
        { "-----BEGIN CERTIFICATE-----\nAB==\n-----END CERTIFICATE-----\n", "canonical", 0 },
        { "-----BEGIN CERTIFICATE-----\nAA==\nAAAA\n-----END CERTIFICATE-----\n", "canonical", 0 },
        { "-----BEGIN CERTIFICATE-----\nProc-Type: 4\n\nAAAA\n-----END CERTIFICATE-----\n",
          "holds no PEM", 0 },
        { "-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n",
          "holds no PEM", 0 },
        { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no PEM", 0 },
        { "!1!1!1!1!1!1!1!1!1!1", NULL, 10 },
        { "!1!1!1!1!1!1!1!1!1!1!1", "more than 10", 0 },
    };

    TRY(read_pem, readings);
    CHECK(read_pem(filled("!1!0", sample_make())) == NULL);
    CHECK(is_der(0, sample_make(), 1) && is_der(1, sample_make(), 0));
}

TEST(escaped_pem_is_what_nginx_writes)
{
    static const struct reading readings[] = {
        { "#1", NULL, 1 },
        { "#1#0", NULL, 2 },
        { "-----BEGIN CERTIFICATE-----%0AAAAA%0A-----END CERTIFICATE-----%0A", NULL, 1 },
        { "-----BEGIN%20CERTIFICATE-----%0aA%41A%41%0a-----END%20CERTIFICATE-----", NULL, 1 },
        { "#1%", "percent-encoded", 0 },
        { "#1%4", "percent-encoded", 0 },
        { "#1%4g", "percent-encoded", 0 },
        { "#1%00", "holds no PEM", 0 },
        { "%2523", "holds no PEM", 0 },
        { "-----BEGIN+CERTIFICATE-----%0AAAAA%0A-----END+CERTIFICATE-----", "holds no PEM", 0 },
        { "-----BEGIN CERTIFICATE----- AAAA -----END CERTIFICATE-----", "holds no PEM", 0 },
        { "#1\x01", "percent-encoded", 0 },
        { "#1\xc3\xa4", "percent-encoded", 0 },
    };

    TRY(read_escaped, readings);
    CHECK(read_escaped(filled("#1", sample_make())) == NULL);
    CHECK(is_der(0, sample_make(), 1));
}

TEST(xfcc_takes_the_certificate_of_the_nearest_proxy)
{
    static const struct reading readings[] = {
        { "Cert=\"#1\"", NULL, 1 },
        { "cert=#1", NULL, 1 },
        { "By=spiffe://x/y;Hash=00;Cert=\"#1\";Subject=\"CN=\\\"a\\\",O=b\";URI=;DNS=a;DNS=b", NULL,
          1 },
        { "Cert=\"#1\";Chain=\"#1#0\"", NULL, 2 },
        { "Chain=\"#1#0\"", NULL, 2 },
        { "Hash=aa;Subject=\"CN=x\",Cert=\"#1\"", NULL, 1 },
        { "Cert=\"#0\" , Cert=\"#1\"", NULL, 1 },
        { "New=thing;Cert=\"#1\"", NULL, 1 },
        { "Hash=00;Subject=\"CN=robot\";URI=spiffe://example.com/robot", "without showing", 0 },
        { "Cert=\"#1\",Hash=00", "without showing", 0 },
        { "Cert=\"#1\";Chain=\"#2#0\"", "one certificate as Cert and another", 0 },
        { "Cert=\"#1#0\";Chain=\"#1#0\"", "one certificate as Cert and another", 0 },
        { "Cert=\"#1\";Cert=\"#1\"", "twice", 0 },
        { "Cert=\"#1\";CERT=#2", "twice", 0 },
        { "Chain=\"#1\";chain=\"#2\"", "twice", 0 },
        { "Cert=\"#1", "without its end", 0 },
        { "Cert=\"#1\\\"", "without its end", 0 },
        { "Cert=\"#1\\n\"", "not written", 0 },
        { "Cert=\"#1\"x", "not written", 0 },
        { "Cert=x\"#1\"", "not written", 0 },
        { "", "not written", 0 },
        { ",", "not written", 0 },
        { ";", "not written", 0 },
        { "Cert", "not written", 0 },
        { "=#1", "not written", 0 },
        { "Ce rt=#1", "not written", 0 },
        { "Cert=\"#1\";", "not written", 0 },
        { "Cert=\"#1\",", "not written", 0 },
        { "Cert=", "holds no PEM", 0 },
        { "Cert=\"\"", "holds no PEM", 0 },
        { "Cert=\"%\"", "percent-encoded", 0 },
        { "a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,Cert=#1", NULL, 1 },
        { "a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,a=,Cert=#1", "16 elements", 0 },
    };

    TRY(read_xfcc, readings);
    CHECK(read_xfcc(filled("Cert=\"#0\",Cert=\"#1\";Chain=\"#1#0\"", sample_make())) == NULL);
    CHECK(is_der(0, sample_make(), 1) && is_der(1, sample_make(), 0));
}

TEST(client_cert_is_one_byte_sequence_and_its_chain_a_list_of_them)
{
    const struct sample *sample = sample_make();
    static char chain[TEXT_MAX];

    CHECK(read_client_cert(sample->sequence[1], NULL) == NULL);
    CHECK(presented.count == 1 && is_der(0, sample, 1));
    (void)snprintf(chain, sizeof chain, "%s, %s", sample->sequence[0], sample->sequence[2]);
    CHECK(read_client_cert(sample->sequence[1], chain) == NULL);
    CHECK(presented.count == 3 && is_der(0, sample, 1) && is_der(1, sample, 0) &&
          is_der(2, sample, 2));
    (void)snprintf(chain, sizeof chain, "  %s\t,\t%s  ", sample->sequence[0], sample->sequence[2]);
    CHECK(read_client_cert(sample->sequence[1], chain) == NULL);
}

TEST(what_is_no_byte_sequence_is_refused)
{
    static const char *const bad[] = {
        "",        ":",       "::",       ":AAAA",      "AAAA:",
        "AAAA",    ":AAA:",   ":AB==:",   ":AAAA:;a=1", ":AAAA: :AAAA:",
        ":AAAA:,", ":AAAA:x", "\"AAAA\"", ":AA AA:",    ":AAAA:,:AAAA:",
        ":-_-_:",  ": AAAA:", ":AAAA :",  "?1",         "*AAAA*"
    };
    static const char *const bad_lists[] = {
        "",         ",",     ":AAAA:,",  ",:AAAA:",       ":AAAA::AAAA:",
        ":AAAA:;x", ":AAA:", "(:AAAA:)", ":AAAA:,,:AAAA:"
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (read_client_cert(bad[i], NULL) == NULL)
            TEST_FAIL("Client-Cert \"%s\" is taken", bad[i]);
    for (size_t i = 0; i < sizeof bad_lists / sizeof bad_lists[0]; i++)
        if (read_client_cert(":AAAA:", bad_lists[i]) == NULL)
            TEST_FAIL("Client-Cert-Chain \"%s\" is taken", bad_lists[i]);
}

TEST(certificates_over_their_bounds_are_refused_whatever_the_field)
{
    static char big[TEXT_MAX], list[TEXT_MAX];
    size_t size = 0;

    big[0] = ':';
    memset(big + 1, 'A', 4 * (PRESENTED_DER_MAX / 3 + 1));
    strcat(big, ":");
    CHECK_HAS(read_client_cert(big, NULL), "more than 16 KiB");
    big[1 + 4 * (PRESENTED_DER_MAX / 3)] = ':';
    big[2 + 4 * (PRESENTED_DER_MAX / 3)] = '\0';
    CHECK(read_client_cert(big, NULL) == NULL);
    for (int i = 0; i < 4; i++)
        size += (size_t)snprintf(list + size, sizeof list - size, "%s%s", i > 0 ? "," : "", big);
    CHECK_HAS(read_client_cert(big, list), "more than 64 KiB");
}

/* ---- proxies and pins ----------------------------------------------------------------------------- */

TEST(proxies_are_addresses_sockets_instances_and_pins)
{
    static const struct {
        const char *text;
        enum proxy_kind kind; /* 0: refused */
    } cases[] = {
        { "192.0.2.7", PROXY_NETWORK },
        { "192.0.2.0/24", PROXY_NETWORK },
        { "2001:db8::/32", PROXY_NETWORK },
        { "::1", PROXY_NETWORK },
        { "unix:", PROXY_UNIX },
        { "instance:edge", PROXY_INSTANCE },
        { "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", PROXY_PIN },
        { "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:"
          "52:"
          "B8:55",
          PROXY_PIN },
        { "192.0.2.7/24", 0 },
        { "192.0.2.0/33", 0 },
        { "proxy.example.com", 0 },
        { "*", 0 },
        { "", 0 },
        { "unix:/run/edge.sock", 0 },
        { "instance:", 0 },
        { "any", 0 },
        { "sha256//short", 0 },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct proxy proxy = { .kind = 0 };
        const char *why = proxy_parse(paa_str_of(cases[i].text), &proxy);

        if ((why == NULL) != (cases[i].kind != 0) || proxy.kind != cases[i].kind)
            TEST_FAIL("\"%s\": %s", cases[i].text, why != NULL ? why : "taken");
    }
}

static bool has(const char *text, const char *address)
{
    struct proxy proxy;

    return proxy_parse(paa_str_of(text), &proxy) == NULL &&
           proxy_has_address(&proxy, paa_str_of(address));
}

TEST(a_proxy_is_known_by_the_address_of_the_connection)
{
    CHECK(has("192.0.2.0/24", "192.0.2.200"));
    CHECK(!has("192.0.2.0/24", "192.0.3.1"));
    CHECK(has("127.0.0.1", "::ffff:127.0.0.1"));
    CHECK(!has("127.0.0.1", "127.0.0.11"));
    CHECK(has("unix:", "unix:"));
    CHECK(has("unix:", "unix:/run/edge.sock"));
    CHECK(!has("unix:", "192.0.2.1"));
    CHECK(!has("192.0.2.0/24", "unix:"));
    CHECK(!has("192.0.2.0/24", NULL));
    CHECK(!has("unix:", NULL));
    CHECK(!has("instance:edge", "instance:edge"));
    CHECK(!has("0.0.0.0/0", "unix:"));
}

TEST(pins_are_sha256_in_the_two_usual_forms)
{
    static const char *const bad[] = {
        "",
        "sha256//",
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=",
        "SHA256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8555",
        "g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    };
    struct pin a, b, c;

    CHECK(pin_parse(STR("sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), &a));
    CHECK(pin_parse(STR("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"), &b));
    CHECK(pin_parse(STR("E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:"
                        "A4:95:99:1B:78:52:B8:55"),
                    &c));
    CHECK_INT(a.kind, PIN_KEY);
    CHECK_INT(b.kind, PIN_CERTIFICATE);
    CHECK(memcmp(a.digest, b.digest, sizeof a.digest) == 0);
    CHECK(memcmp(b.digest, c.digest, sizeof b.digest) == 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (pin_parse(paa_str_of(bad[i]), &a))
            TEST_FAIL("\"%s\" is taken for a pin", bad[i]);
}

/* ---- names in policies ---------------------------------------------------------------------------- */

TEST(allow_lists_match_whole_names)
{
    static const struct {
        enum name_kind kind;
        const char *pattern;
        const char *name;
        bool matches;
    } cases[] = {
        { NAME_URI, "spiffe://example.com/*", "spiffe://example.com/a", true },
        { NAME_URI, "spiffe://example.com/*", "spiffe://example.com/a/b", false },
        { NAME_URI, "spiffe://example.com/*", "spiffe://example.com/", false },
        { NAME_URI, "spiffe://example.com/*", "spiffe://example.com", false },
        { NAME_URI, "spiffe://example.com/*", "spiffe://example.com.evil.com/a", false },
        { NAME_URI, "spiffe://example.com/**", "spiffe://example.com/a/b/c", true },
        { NAME_URI, "spiffe://example.com/**", "spiffe://example.com/a", true },
        { NAME_URI, "spiffe://example.com/**", "spiffe://example.com", false },
        { NAME_URI, "spiffe://example.com/ns/*/sa/x", "spiffe://example.com/ns/a/sa/x", true },
        { NAME_URI, "spiffe://example.com/ns/*/sa/x", "spiffe://example.com/ns/a/b/sa/x", false },
        { NAME_URI, "spiffe://example.com/a", "spiffe://example.com/A", false },
        { NAME_URI, "urn:x:robot", "urn:x:robot", true },
        { NAME_URI, "urn:x:robot", "urn:x:robots", false },
        { NAME_DNS, "a.example.com", "A.Example.COM", true },
        { NAME_DNS, "*.example.com", "a.example.com", true },
        { NAME_DNS, "*.example.com", "a.b.example.com", false },
        { NAME_DNS, "*.example.com", "example.com", false },
        { NAME_DNS, "*.example.com", ".example.com", true }, /* which is no name: name_is_clean */
        { NAME_DNS, "example.com", "evilexample.com", false },
        { NAME_EMAIL, "*@example.com", "a@example.com", true },
        { NAME_EMAIL, "*@example.com", "a@EXAMPLE.com", true },
        { NAME_EMAIL, "*@example.com", "a@evil.com", false },
        { NAME_EMAIL, "a@example.com", "A@example.com", false },
        { NAME_EMAIL, "a@example.com", "ba@example.com", false },
        { NAME_SUBJECT, "CN=robot,O=Example", "CN=robot,O=Example", true },
        { NAME_SUBJECT, "CN=robot", "CN=robot,O=Example", false },
        { NAME_SUBJECT, "CN=robot", "CN=Robot", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (name_matches(cases[i].kind, paa_str_of(cases[i].pattern), paa_str_of(cases[i].name)) !=
            cases[i].matches)
            TEST_FAIL("\"%s\" and \"%s\"", cases[i].pattern, cases[i].name);
}

TEST(patterns_that_cannot_be_meant_are_refused)
{
    static const struct {
        enum name_kind kind;
        const char *pattern;
        bool is_good;
    } cases[] = {
        { NAME_URI, "spiffe://example.com/ns/*", true },
        { NAME_URI, "spiffe://example.com/**", true },
        { NAME_URI, "urn:uuid:0", true },
        { NAME_URI, "spiffe://*/a", false },
        { NAME_URI, "spiffe://*.example.com/a", false },
        { NAME_URI, "*", false },
        { NAME_URI, "*://example.com/", false },
        { NAME_URI, "spiffe://example.com/a*", false },
        { NAME_URI, "spiffe://example.com/**/b", false },
        { NAME_URI, "example.com/a", false },
        { NAME_URI, "urn:*", false },
        { NAME_URI, "", false },
        { NAME_DNS, "*.example.com", true },
        { NAME_DNS, "a_b.example.com", true },
        { NAME_DNS, "*", false },
        { NAME_DNS, "a.*.com", false },
        { NAME_DNS, "a*.example.com", false },
        { NAME_DNS, "", false },
        { NAME_DNS, "a..b", false },
        { NAME_DNS, "a.", false },
        { NAME_DNS, "-a.com", false },
        { NAME_EMAIL, "*@example.com", true },
        { NAME_EMAIL, "a@example.com", true },
        { NAME_EMAIL, "a*@example.com", false },
        { NAME_EMAIL, "a@*", false },
        { NAME_EMAIL, "example.com", false },
        { NAME_EMAIL, "@example.com", false },
        { NAME_SUBJECT, "CN=robot", true },
        { NAME_SUBJECT, "robot", false },
        { NAME_SUBJECT, "", false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if ((name_pattern_check(cases[i].kind, paa_str_of(cases[i].pattern)) == NULL) !=
            cases[i].is_good)
            TEST_FAIL("\"%s\"", cases[i].pattern);
}

TEST(spiffe_ids_are_read_as_the_standard_says)
{
    static const char *const good[] = { "spiffe://example.com/a", "spiffe://example.com",
                                        "spiffe://a_b-c.d1/A/b.c/_-", "spiffe://1/..." };
    static const char *const bad[] = { "",
                                       "spiffe:",
                                       "spiffe://",
                                       "spiffe:///a",
                                       "SPIFFE://example.com/a",
                                       "https://example.com/a",
                                       "spiffe://Example.com/a",
                                       "spiffe://example.com:443/a",
                                       "spiffe://user@example.com/a",
                                       "spiffe://exa%6Dple.com/a",
                                       "spiffe://example.com/",
                                       "spiffe://example.com/a/",
                                       "spiffe://example.com//a",
                                       "spiffe://example.com/.",
                                       "spiffe://example.com/a/../b",
                                       "spiffe://example.com/a?b",
                                       "spiffe://example.com?b",
                                       "spiffe://example.com/a#b",
                                       "spiffe://example.com/%61",
                                       "spiffe://example.com/a b",
                                       "spiffe://example.com/a:b",
                                       "spiffe://example.com/\xc3\xa4" };
    struct spiffe_id id;
    char longest[3000];

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (spiffe_parse(paa_str_of(good[i]), &id) != NULL)
            TEST_FAIL("\"%s\" is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (spiffe_parse(paa_str_of(bad[i]), &id) == NULL)
            TEST_FAIL("\"%s\" is taken", bad[i]);
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "spiffe://example.com/", 21);
    CHECK(spiffe_parse(paa_str_of_n(longest, SPIFFE_ID_MAX), &id) == NULL);
    CHECK(spiffe_parse(paa_str_of_n(longest, SPIFFE_ID_MAX + 1), &id) != NULL);
    memset(longest + 9, 'a', sizeof longest - 9);
    longest[9 + SPIFFE_DOMAIN_MAX] = '/';
    CHECK(spiffe_parse(paa_str_of_n(longest, 9 + SPIFFE_DOMAIN_MAX + 2), &id) == NULL);
    longest[9 + SPIFFE_DOMAIN_MAX] = 'a';
    longest[9 + SPIFFE_DOMAIN_MAX + 1] = '/';
    CHECK(spiffe_parse(paa_str_of_n(longest, 9 + SPIFFE_DOMAIN_MAX + 3), &id) != NULL);
}

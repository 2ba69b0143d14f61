/* SPDX-License-Identifier: MIT */
/* What must hold of a chain as a whole: digests, lengths, policies, order, who signed whom. */
#include "staged.h"

static struct issued *ca_with(const char *name, const char *basic, const char *digest,
                              const struct issued *signer)
{
    struct recipe recipe = {
        .name = name, .basic = basic, .usage = "critical,keyCertSign,cRLSign", .digest = digest
    };

    return issue(&recipe, signer);
}

TEST(a_signature_over_sha1_counts_nowhere_but_on_an_anchor)
{
    for (int place = 0; place < 3; place++) {
        struct recipe leaf = { .digest = place == 2 ? "SHA1" : NULL };
        struct stage stage = { .count = 0 };

        stage_add(&stage, ca_with("root", "critical,CA:TRUE", place == 0 ? "SHA1" : NULL, NULL));
        stage_add(&stage,
                  ca_with("middle", "critical,CA:TRUE", place == 1 ? "SHA1" : NULL, stage.made[0]));
        stage_add(&stage, issue(&leaf, stage.made[1]));
        stage_present(&stage);
        CHECK_STR(paa_str_of(reason_of(&stage)), place == 0 ? "good" : "weak-signature");
        stage_done(&stage);
    }
}

static struct issued *rsa_ca(const char *name, const char *digest, const struct issued *signer)
{
    struct recipe recipe = {
        .name = name, .basic = "critical,CA:TRUE", .key = "RSA:2048", .digest = digest
    };

    return issue(&recipe, signer);
}

TEST(a_weak_digest_counts_nowhere_when_it_is_named_by_pss_parameters)
{
    static const char *const weak[] = { "PSS:SHA1", "PSS:SHA224" };

    for (int place = 0; place < 3; place++)
        for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
            struct recipe leaf = { .digest = place == 2 ? weak[i] : "PSS:SHA256" };
            struct stage stage = { .count = 0 };

            stage_add(&stage, rsa_ca("root", "PSS:SHA256", NULL));
            stage_add(&stage, rsa_ca("middle", place == 1 ? weak[i] : "PSS:SHA256", stage.made[0]));
            stage_add(&stage, issue(&leaf, stage.made[1]));
            stage_present(&stage);
            CHECK_STR(paa_str_of(reason_of(&stage)), place == 0 ? "good" : "weak-signature");
            stage_done(&stage);
        }
}

TEST(a_path_length_bounds_the_intermediates_below_it)
{
    for (int allowed = 0; allowed <= 2; allowed++)
        for (size_t below = 0; below <= 2; below++) {
            struct stage stage = { .count = 0 };
            char basic[48];

            (void)snprintf(basic, sizeof basic, "critical,CA:TRUE,pathlen:%d", allowed);
            stage_add(&stage, issue_ca("root", NULL));
            stage_add(&stage, ca_with("bounded", basic, NULL, stage.made[0]));
            for (size_t i = 0; i < below; i++)
                stage_add(&stage, issue_ca(i == 0 ? "below" : "further", stage.made[1 + i]));
            stage_add(&stage, issue_client("robot", stage.made[1 + below]));
            stage_present(&stage);
            CHECK_STR(paa_str_of(reason_of(&stage)),
                      below <= (size_t)allowed ? "good" : "path-length");
            stage_done(&stage);
        }
}

/* RFC 5280 4.2.1.10; and common names, which libcrypto looks at only where there is no DNS name. */
TEST(names_outside_a_cas_constraints_are_refused_whatever_their_kind)
{
    static const struct {
        const char *constraints, *common_name, *names;
        bool is_good;
    } rows[] = {
        { "permitted;DNS:example.com", "robot", "DNS:a.example.com", true },
        { "permitted;DNS:example.com", "robot", "DNS:a.example.org", false },
        { "permitted;DNS:example.com", "a.example.com", "DNS:a.example.com", true },
        { "permitted;DNS:example.com", "evil.example.org", "DNS:a.example.com", false },
        { "excluded;DNS:example.org", "evil.example.org", "DNS:a.example.com", false },
        { "permitted;URI:example.com", "robot", "URI:spiffe://example.com/a", true },
        { "permitted;URI:example.com", "robot", "URI:spiffe://example.org/a", false },
        { "excluded;URI:example.org", "robot", "URI:spiffe://example.org/a", false },
        { "permitted;email:example.com", "robot", "email:a@example.com", true },
        { "permitted;email:example.com", "robot", "email:a@example.org", false },
        { "excluded;email:example.org", "robot", "email:a@example.org", false },
        { "permitted;DNS:example.com", "robot", "URI:spiffe://example.org/a",
          true }, /* not said of */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct recipe bounded = { .name = "bounded",
                                  .basic = "critical,CA:TRUE",
                                  .usage = "critical,keyCertSign,cRLSign" };
        struct recipe leaf = { .name = rows[i].common_name, .names = rows[i].names };
        struct stage stage = { .count = 0 };
        char constraints[64];
        const char *reason;

        (void)snprintf(constraints, sizeof constraints, "critical,%s", rows[i].constraints);
        bounded.constraints = constraints;
        stage_add(&stage, issue_ca("root", NULL));
        stage_add(&stage, issue(&bounded, stage.made[0]));
        stage_add(&stage, issue(&leaf, stage.made[1]));
        stage_present(&stage);
        reason = reason_of(&stage);
        if (!paa_str_eq(paa_str_of(reason), rows[i].is_good ? "good" : "name-constraints"))
            TEST_FAIL("%s, CN=%s, %s: %s", rows[i].constraints, rows[i].common_name, rows[i].names,
                      reason);
        stage_done(&stage);
    }
}

/* RFC 5280 6.1.5: a CA may ask for a policy that everybody below it was issued under. All that ask have one themselves:
 * of others, whose clients nobody could ever let in, libcrypto 3.0 loses a few bytes. */
TEST(a_ca_that_asks_for_a_policy_is_heeded)
{
    static const struct {
        const char *of_middle;
        const char *of_leaf;
        const char *expected;
    } cases[] = {
        { "1.2.3.4", NULL, "policy" },        { "1.2.3.4", "1.2.3.5", "policy" },
        { "1.2.3.4", "1.2.3.4", "good" },     { "1.2.3.4,1.2.3.5", "1.2.3.5", "good" },
        { "2.5.29.32.0", "1.2.3.5", "good" }, /* anyPolicy */
    };

    for (int asks = 0; asks <= 1; asks++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct recipe middle = { .name = "middle",
                                     .basic = "critical,CA:TRUE",
                                     .policies = cases[i].of_middle,
                                     .asks_policies =
                                         asks ? "critical,requireExplicitPolicy:0" : NULL };
            struct recipe leaf = { .policies = cases[i].of_leaf };
            struct stage stage = { .count = 0 };

            stage_add(&stage, issue_ca("root", NULL));
            stage_add(&stage, issue(&middle, stage.made[0]));
            stage_add(&stage, issue(&leaf, stage.made[1]));
            stage_present(&stage);
            CHECK_STR(paa_str_of(reason_of(&stage)), asks ? cases[i].expected : "good");
            stage_done(&stage);
        }
}

TEST(depth_bounds_the_intermediates_of_all)
{
    for (size_t depth = 0; depth <= DEPTHS; depth++)
        for (int allowed = 0; allowed <= DEPTHS; allowed++) {
            struct cert_chain_rules rules = { .depth = allowed };
            struct stage stage = { .count = 0 };
            struct cert_chain_finding finding;

            stage_good(&stage, "P-256", depth);
            CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)),
                      depth <= (size_t)allowed ? "good" : "depth");
            stage_done(&stage);
        }
}

TEST(a_missing_intermediate_is_named_by_who_should_have_signed)
{
    for (size_t missing = 1; missing <= 3; missing++) {
        struct stage stage = { .count = 0 };
        struct cert_chain_finding finding;
        struct cert_chain_rules rules = { .depth = DEPTHS };

        stage_good(&stage, "P-256", 3);
        for (size_t i = 4 - missing; i + 1 < stage.presented.count; i++)
            stage.presented.der[i] = stage.presented.der[i + 1];
        stage.presented.count--;
        CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "unknown-issuer");
        CHECK_HAS(finding.sentence, "was issued by \"CN=CA");
        stage_done(&stage);
    }
}

TEST(intermediates_may_come_in_any_order_and_beside_strangers)
{
    struct stage stage = { .count = 0 }, other = { .count = 0 };
    struct paa_bytes first;

    stage_good(&stage, "P-256", 3);
    stage_good(&other, "P-256", 2);
    first = stage.presented.der[1];
    stage.presented.der[1] = stage.presented.der[3];
    stage.presented.der[3] = first;
    CHECK(presented_add(&stage.presented, other.presented.der[1]) == NULL);
    CHECK(presented_add(&stage.presented, stage.ders[0]) == NULL); /* the anchor came along */
    CHECK_STR(paa_str_of(reason_of(&stage)), "good");
    stage_done(&stage);
    stage_done(&other);
}

TEST(a_chain_of_another_anchor_of_the_same_name_is_refused)
{
    struct stage stage = { .count = 0 };
    struct issued *impostor = issue_ca("CA 0", NULL);

    stage_good(&stage, "P-256", 0);
    stage_add(&stage, issue_client("robot", impostor));
    stage.presented.count = 0;
    CHECK(presented_add(&stage.presented, stage.ders[2]) == NULL);
    CHECK_STR(paa_str_of(reason_of(&stage)), "signature");
    CHECK(presented_add(&stage.presented, issued_der(impostor)) == NULL); /* its own root along */
    CHECK(strcmp(reason_of(&stage), "good") != 0);
    OPENSSL_free((void *)(uintptr_t)stage.presented.der[1].data);
    stage_done(&stage);
    issued_free(impostor);
}

TEST(a_self_signed_certificate_is_nobodys)
{
    struct stage stage = { .count = 0 };
    struct recipe alone = { .name = "robot" };

    stage_add(&stage, issue_ca("root", NULL));
    stage_add(&stage, issue(&alone, NULL));
    stage_present(&stage);
    CHECK_STR(paa_str_of(reason_of(&stage)), "unknown-issuer");
    stage_done(&stage);
}

/* A signs B and B signs A: a builder without bounds walks for ever. */
TEST(loops_end)
{
    struct stage stage = { .count = 0 };
    struct issued *a = issue_ca("A", NULL), *b = issue_ca("B", a), again = *a;
    struct recipe crossed = { .name = "A",
                              .basic = "critical,CA:TRUE",
                              .usage = "critical,keyCertSign" };
    struct issued *cross;

    stage_add(&stage, issue_ca("root", NULL));
    cross = issue(&crossed, b);
    X509_set_pubkey(cross->x509, again.key);
    CHECK(X509_sign(cross->x509, b->key, EVP_sha256()) > 0);
    stage_add(&stage, cross);
    stage_add(&stage, b);
    stage_add(&stage, issue_client("robot", b));
    stage_present(&stage);
    CHECK_STR(paa_str_of(reason_of(&stage)), "unknown-issuer");
    stage_done(&stage);
    issued_free(a);
}

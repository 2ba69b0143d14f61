/* SPDX-License-Identifier: MIT */
/* Hundreds of chains, made on the spot, each with what must come of it and why (plugins/mtls/cert_chain.h). */
#include "cert_chain.h"
#include "issued.h"
#include "str.h"
#include "test.h"

#include <openssl/err.h>

enum { LENGTH_MAX = 120, DEPTHS = 4 };

struct stage { /* certificates that a test made, anchor first, and what they are judged with */
    struct issued *made[LENGTH_MAX];
    size_t count;
    struct paa_bytes ders[LENGTH_MAX];
    struct anchors *anchors;
    struct presented presented;
};

static void stage_add(struct stage *stage, struct issued *issued)
{
    stage->ders[stage->count] = issued_der(issued);
    stage->made[stage->count++] = issued;
}

/* Trusts the first one, presents the others from the last on. */
static void stage_present(struct stage *stage)
{
    char pem[ISSUED_PEM_MAX] = "", why[ANCHORS_WHY_SIZE] = "";
    struct paa_bytes part;

    issued_pem(stage->made[0], pem);
    part = paa_bytes_of(pem, strlen(pem));
    stage->anchors = anchors_read(&part, 1, "trust", why);
    memset(&stage->presented, 0, sizeof stage->presented);
    for (size_t i = stage->count; i-- > 1;)
        if (presented_add(&stage->presented, stage->ders[i]) != NULL)
            break;
}

static void stage_done(struct stage *stage)
{
    for (size_t i = 0; i < stage->count; i++) {
        OPENSSL_free((void *)(uintptr_t)stage->ders[i].data);
        issued_free(stage->made[i]);
    }
    anchors_free(stage->anchors);
    memset(stage, 0, sizeof *stage);
}

static const char *reason_with(const struct stage *stage, const struct cert_chain_rules *rules,
                               struct cert_chain_finding *ret_finding)
{
    struct cert_chain_input input = { .rules = rules,
                                      .anchors = stage->anchors,
                                      .now_s = ISSUED_NOW_S };
    struct cert_chain_result result;

    *ret_finding = cert_chain_verify(&stage->presented, &input, &result);
    cert_chain_done(&result);
    CHECK_INT(ERR_peek_error(), 0);
    return ret_finding->verdict == CERT_CHAIN_GOOD ? "good" : ret_finding->reason;
}

static const char *reason_of(const struct stage *stage)
{
    static const struct cert_chain_rules rules = { .depth = DEPTHS };
    static struct cert_chain_finding finding;
    const char *reason = reason_with(stage, &rules, &finding);

    if (finding.verdict != CERT_CHAIN_GOOD && finding.sentence[0] == '\0')
        TEST_FAIL("\"%s\" comes without a sentence", reason);
    return reason;
}

/* ---- every defect, at every place, at every depth, with every kind of key -------------------------- */

struct defect {
    const char *name;
    void (*apply)(struct recipe *recipe);
    const char *as_leaf; /* what comes of it there; NULL: it is none there */
    const char *as_ca;
};

static void expired(struct recipe *recipe)
{
    recipe->from_s = -10 * ISSUED_DAY_S;
    recipe->until_s = -1;
}

static void not_yet(struct recipe *recipe)
{
    recipe->from_s = 1;
}

static void ends_now(struct recipe *recipe)
{
    recipe->until_s = -2;
}

static void broken(struct recipe *recipe)
{
    recipe->is_signature_broken = true;
}

static void nobody(struct recipe *recipe)
{
    recipe->is_signed_by_nobody = true;
}

static void critical(struct recipe *recipe)
{
    recipe->has_unknown_critical = true;
}

static void server_only(struct recipe *recipe)
{
    recipe->extended = "serverAuth";
}

static void signs_code(struct recipe *recipe)
{
    recipe->extended = "codeSigning,emailProtection";
}

static void no_signatures(struct recipe *recipe)
{
    recipe->usage = "critical,keyEncipherment";
}

static void short_rsa(struct recipe *recipe)
{
    recipe->key = "RSA:1024";
}

static void odd_curve(struct recipe *recipe)
{
    recipe->key = "secp256k1";
}

static void small_curve(struct recipe *recipe)
{
    recipe->key = "P-224";
}

static void everybodys_key(struct recipe *recipe)
{
    recipe->key = "RSA-E1";
}

static void is_ca(struct recipe *recipe)
{
    recipe->basic = "critical,CA:TRUE";
    recipe->usage = "critical,keyCertSign,digitalSignature";
}

static void is_no_ca(struct recipe *recipe)
{
    recipe->basic = "critical,CA:FALSE";
}

static void says_nothing(struct recipe *recipe)
{
    recipe->basic = "";
    recipe->usage = "";
}

static void may_not_sign(struct recipe *recipe)
{
    recipe->usage = "critical,cRLSign";
}

static void is_v1(struct recipe *recipe)
{
    recipe->is_v1 = true;
}

static void other_names(struct recipe *recipe)
{
    recipe->constraints = "critical,permitted;DNS:elsewhere.example";
}

static void no_such_names(struct recipe *recipe)
{
    recipe->constraints = "critical,excluded;DNS:example.com";
}

static const struct defect defects[] = {
    { "expired", expired, "expired", "expired" },
    { "ended two seconds ago", ends_now, "expired", "expired" },
    { "not yet valid", not_yet, "not-yet-valid", "not-yet-valid" },
    { "broken signature", broken, "signature", "signature" },
    { "signed by another key", nobody, "signature", "signature" },
    { "unknown critical extension", critical, "critical", "critical" },
    { "for servers only", server_only, "purpose", "purpose" },
    { "for code and mail only", signs_code, "purpose", "purpose" },
    { "may not sign", no_signatures, "purpose", "no-ca" },
    { "RSA of 1024 bits", short_rsa, "weak-key", "weak-key" },
    { "a curve of coins", odd_curve, "weak-key", "weak-key" },
    { "P-224", small_curve, "weak-key", "weak-key" },
    { "e = 1", everybodys_key, "weak-key", "weak-key" },
    { "a CA", is_ca, "ca-as-leaf", NULL },
    { "no CA", is_no_ca, NULL, "no-ca" },
    { "neither", says_nothing, NULL, "no-ca" },
    { "may sign no certificates", may_not_sign, NULL, "no-ca" },
    { "X.509 version 1", is_v1, NULL, "no-ca" },
    { "may vouch for other names", other_names, NULL, "name-constraints" },
    { "may not vouch for this name", no_such_names, NULL, "name-constraints" },
};

enum { DEFECTS = sizeof defects / sizeof defects[0], NOWHERE = 1000 };

/* Certificate 0 is the anchor, `depth` + 1 the leaf; the defect is in the one at `place`. */
static void build(struct stage *stage, const char *key, size_t depth, const struct defect *defect,
                  size_t place)
{
    for (size_t i = 0; i <= depth + 1; i++) {
        struct recipe recipe = { .name = i == depth + 1 ? "robot" : "CA", .key = key };
        char name[16];

        (void)snprintf(name, sizeof name, "CA %zu", i);
        if (i <= depth) {
            recipe.name = name;
            recipe.basic = "critical,CA:TRUE";
            recipe.usage = "critical,keyCertSign,cRLSign";
        } else {
            recipe.names = "DNS:robot.example.com";
            recipe.extended = "clientAuth";
        }
        if (i == place)
            defect->apply(&recipe);
        stage_add(stage, issue(&recipe, i > 0 ? stage->made[i - 1] : NULL));
    }
    stage_present(stage);
}

static void try_at(const char *key, size_t depth, const struct defect *defect, size_t place)
{
    const char *expected = place == depth + 1 ? defect->as_leaf : defect->as_ca;
    struct stage stage = { .count = 0 };
    const char *reason;

    if (expected == NULL)
        return;
    build(&stage, key, depth, defect, place);
    reason = reason_of(&stage);
    if (strcmp(reason, expected) != 0)
        TEST_FAIL("%s, depth %zu, place %zu, %s: %s, not %s", key, depth, place, defect->name,
                  reason, expected);
    stage_done(&stage);
}

static void try_all(const char *key)
{
    for (size_t depth = 0; depth < DEPTHS; depth++)
        for (size_t place = 1; place <= depth + 1; place++)
            for (size_t i = 0; i < DEFECTS; i++)
                try_at(key, depth, &defects[i], place);
}

TEST(each_defect_of_each_certificate_in_ec_chains_is_found_and_named)
{
    try_all("P-256");
}

TEST(each_defect_of_each_certificate_in_eddsa_chains_is_found_and_named)
{
    try_all("ED25519");
}

TEST(each_defect_of_each_certificate_in_rsa_chains_is_found_and_named)
{
    try_all("RSA:2048");
}

TEST(chains_without_a_defect_are_good)
{
    static const char *const keys[] = { "P-256", "P-384", "P-521", "ED25519", "ED448", "RSA:2048" };

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        for (size_t depth = 0; depth <= DEPTHS; depth++) {
            struct stage stage = { .count = 0 };

            build(&stage, keys[k], depth, NULL, NOWHERE);
            CHECK_STR(paa_str_of(reason_of(&stage)), "good");
            stage_done(&stage);
        }
}

/* ---- chains as a whole --------------------------------------------------------------------------- */

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

/* RFC 5280 6.1.5: a CA may ask for a policy that everybody below it was issued under. */
TEST(a_ca_that_asks_for_a_policy_is_heeded)
{
    static const struct {
        const char *of_middle;
        const char *of_leaf;
        const char *expected;
    } cases[] = {
        { NULL, NULL, "policy" },
        { "1.2.3.4", NULL, "policy" },
        { NULL, "1.2.3.4", "policy" },
        { "1.2.3.4", "1.2.3.5", "policy" },
        { "1.2.3.4", "1.2.3.4", "good" },
        { "1.2.3.4,1.2.3.5", "1.2.3.5", "good" },
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

TEST(an_extension_that_cannot_be_read_is_named_as_such)
{
    static const char *const oids[] = { "2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.17",
                                        "2.5.29.30", "2.5.29.32", "2.5.29.36", "2.5.29.35" };

    for (int place = 1; place <= 2; place++)
        for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++) {
            struct recipe middle = { .name = "middle", .basic = "critical,CA:TRUE" };
            struct recipe leaf = { .name = "robot" };
            struct stage stage = { .count = 0 };
            struct recipe *bad = place == 1 ? &middle : &leaf;

            bad->broken = oids[i];
            if (strcmp(oids[i], "2.5.29.19") == 0)
                bad->basic = "";
            stage_add(&stage, issue_ca("root", NULL));
            stage_add(&stage, issue(&middle, stage.made[0]));
            stage_add(&stage, issue(&leaf, stage.made[1]));
            stage_present(&stage);
            if (strcmp(reason_of(&stage), "encoding") != 0)
                TEST_FAIL("%s in %d: %s", oids[i], place, reason_of(&stage));
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

            build(&stage, "P-256", depth, NULL, NOWHERE);
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

        build(&stage, "P-256", 3, NULL, NOWHERE);
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

    build(&stage, "P-256", 3, NULL, NOWHERE);
    build(&other, "P-256", 2, NULL, NOWHERE);
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

    build(&stage, "P-256", 0, NULL, NOWHERE);
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

TEST(a_hundred_intermediates_are_refused_before_any_is_read)
{
    struct stage stage = { .count = 0 };
    const char *why = NULL;

    for (size_t i = 0; i < 101; i++)
        stage_add(&stage, issue_ca("CA", i > 0 ? stage.made[i - 1] : NULL));
    memset(&stage.presented, 0, sizeof stage.presented);
    for (size_t i = 0; i < 101 && why == NULL; i++)
        why = presented_add(&stage.presented, stage.ders[i]);
    CHECK_STR(paa_str_of(why), "holds more than 10 certificates");
    CHECK_INT(stage.presented.count, PRESENTED_MAX);
    stage_done(&stage);
}

TEST(what_is_no_certificate_is_refused)
{
    static const unsigned char noise[] = { 0x30, 0x82, 0xff, 0xff, 0x00 };
    struct stage stage = { .count = 0 };
    unsigned char longer[4096];
    struct paa_bytes der;

    build(&stage, "P-256", 0, NULL, NOWHERE);
    der = stage.presented.der[0];
    REQUIRE(der.size < sizeof longer);
    memcpy(longer, der.data, der.size);
    longer[der.size] = 0;
    stage.presented.der[0] = paa_bytes_of(longer, der.size + 1);
    CHECK_STR(paa_str_of(reason_of(&stage)), "encoding");
    stage.presented.der[0] = paa_bytes_of(der.data, der.size - 1);
    CHECK_STR(paa_str_of(reason_of(&stage)), "encoding");
    stage.presented.der[0] = paa_bytes_of(noise, sizeof noise);
    CHECK_STR(paa_str_of(reason_of(&stage)), "encoding");
    stage.presented.der[0] = der;
    CHECK(presented_add(&stage.presented, paa_bytes_of(noise, sizeof noise)) == NULL);
    CHECK_STR(paa_str_of(reason_of(&stage)), "encoding");
    stage_done(&stage);
}

/* The outer length in one byte more than it needs: the same certificate to a lenient reader, with another fingerprint. */
TEST(a_certificate_in_another_encoding_than_der_is_refused)
{
    struct stage stage = { .count = 0 };
    unsigned char copy[4096];
    struct paa_bytes der;

    build(&stage, "P-256", 0, NULL, NOWHERE);
    der = stage.presented.der[0];
    REQUIRE(der.size + 1 < sizeof copy && der.data[1] == 0x82);
    copy[0] = der.data[0];
    copy[1] = 0x83;
    copy[2] = 0;
    memcpy(copy + 3, der.data + 2, der.size - 2);
    stage.presented.der[0] = paa_bytes_of(copy, der.size + 1);
    CHECK_STR(paa_str_of(reason_of(&stage)), "encoding");
    stage_done(&stage);
}

/* Any byte of a good leaf, changed: never good, and never a crash. */
TEST(no_changed_byte_goes_unnoticed)
{
    struct stage stage = { .count = 0 };
    unsigned char copy[4096];
    struct paa_bytes der;

    build(&stage, "P-256", 1, NULL, NOWHERE);
    der = stage.presented.der[0];
    REQUIRE(der.size < sizeof copy);
    memcpy(copy, der.data, der.size);
    stage.presented.der[0] = paa_bytes_of(copy, der.size);
    for (size_t i = 0; i < der.size; i++) {
        copy[i] ^= 0x01;
        if (strcmp(reason_of(&stage), "good") == 0)
            TEST_FAIL("byte %zu of %zu may be changed", i, der.size);
        copy[i] ^= 0x01;
    }
    CHECK_STR(paa_str_of(reason_of(&stage)), "good");
    stage_done(&stage);
}

/* ---- pins ---------------------------------------------------------------------------------------- */

static struct pin pin_of(const struct stage *stage, size_t index, enum pin_kind kind)
{
    struct pin pin = { .kind = kind };
    struct pin_subject digests;

    CHECK(pin_subject_of(stage->ders[index], stage->made[index]->x509, &digests));
    memcpy(pin.digest, kind == PIN_KEY ? digests.key : digests.certificate, sizeof pin.digest);
    return pin;
}

TEST(pins_narrow_what_anchors_vouch_for)
{
    for (enum pin_kind kind = PIN_CERTIFICATE; kind <= PIN_KEY; kind++) {
        struct stage stage = { .count = 0 };
        struct cert_chain_finding finding;
        struct pin pin;
        struct cert_chain_rules rules = { .depth = 4, .pins = &pin, .pin_count = 1 };

        build(&stage, "P-256", 1, NULL, NOWHERE);
        pin = pin_of(&stage, 2, kind);
        CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "good");
        pin = pin_of(&stage, 1, kind);
        CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "pin");
        stage_done(&stage);
    }
}

/* By `openssl req -x509` it is a CA, too. */
TEST(a_pin_alone_vouches_for_a_self_signed_certificate)
{
    struct recipe alone = { .name = "robot", .basic = "critical,CA:TRUE" };
    struct stage stage = { .count = 0 };
    struct cert_chain_finding finding;
    struct pin pin;
    struct cert_chain_rules rules = { .pins = &pin, .pin_count = 1 };

    stage_add(&stage, issue_ca("unused", NULL));
    stage_add(&stage, issue(&alone, NULL));
    stage_present(&stage);
    anchors_free(stage.anchors);
    stage.anchors = NULL;
    pin = pin_of(&stage, 1, PIN_CERTIFICATE);
    CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "good");
    pin.digest[0] ^= 1;
    CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "pin");
    stage_done(&stage);
}

TEST(a_pin_alone_does_not_outlast_the_certificate_or_make_it_strong)
{
    static const struct {
        struct recipe recipe;
        const char *expected;
    } cases[] = {
        { { .until_s = -1, .from_s = -100 }, "expired" },
        { { .from_s = 1 }, "not-yet-valid" },
        { { .extended = "serverAuth" }, "purpose" },
        { { .key = "RSA:1024" }, "weak-key" },
        { { .key = "secp256k1" }, "weak-key" },
        { { .digest = "SHA1" }, "weak-signature" },
        { { .has_unknown_critical = true }, "critical" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct stage stage = { .count = 0 };
        struct cert_chain_finding finding;
        struct pin pin;
        struct cert_chain_rules rules = { .pins = &pin, .pin_count = 1 };

        stage_add(&stage, issue_ca("unused", NULL));
        stage_add(&stage, issue(&cases[i].recipe, NULL));
        stage_present(&stage);
        anchors_free(stage.anchors);
        stage.anchors = NULL;
        pin = pin_of(&stage, 1, PIN_CERTIFICATE);
        CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), cases[i].expected);
        stage_done(&stage);
    }
}

TEST(an_intermediate_is_an_anchor_only_where_leaves_are_pinned)
{
    struct stage stage = { .count = 0 };
    char pem[ISSUED_PEM_MAX] = "", why[ANCHORS_WHY_SIZE];
    struct cert_chain_finding finding;
    struct pin pin;
    struct cert_chain_rules rules = { .depth = 4, .pins = &pin };
    struct paa_bytes part;

    build(&stage, "P-256", 1, NULL, NOWHERE);
    anchors_free(stage.anchors);
    issued_pem(stage.made[1], pem);
    part = paa_bytes_of(pem, strlen(pem));
    stage.anchors = anchors_read(&part, 1, "trust", why);
    pin = pin_of(&stage, 2, PIN_KEY);
    CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "unknown-issuer");
    rules.pin_count = 1;
    CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "good");
    stage_done(&stage);
}

/* ---- anchors ------------------------------------------------------------------------------------- */

static struct anchors *anchors_of(const char *text, char why[ANCHORS_WHY_SIZE])
{
    struct paa_bytes part = paa_bytes_of(text, strlen(text));

    why[0] = '\0';
    return anchors_read(&part, 1, "trust", why);
}

TEST(a_file_without_anchors_is_refused_in_a_sentence)
{
    char why[ANCHORS_WHY_SIZE], pem[ISSUED_PEM_MAX] = "";
    struct recipe weak = { .name = "old", .basic = "critical,CA:TRUE", .key = "RSA:1024" };
    struct issued *old = issue(&weak, NULL);

    CHECK(anchors_of("", why) == NULL);
    CHECK_HAS(why, "holds no PEM certificate");
    CHECK(anchors_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", why) ==
          NULL);
    CHECK_HAS(why, "cannot be read");
    issued_pem(old, pem);
    CHECK(anchors_of(pem, why) == NULL);
    CHECK_HAS(why, "strong enough");
    CHECK_INT(ERR_peek_error(), 0);
    issued_free(old);
}

TEST(weak_anchors_are_left_out_of_a_set_and_a_broken_one_spoils_it)
{
    char why[ANCHORS_WHY_SIZE], pem[ISSUED_PEM_MAX] = "";
    struct recipe weak = { .name = "old", .basic = "critical,CA:TRUE", .key = "RSA:1024" };
    struct issued *old = issue(&weak, NULL), *good = issue_ca("good", NULL);
    struct anchors *anchors;

    issued_pem(old, pem);
    issued_pem(good, pem);
    anchors = anchors_of(pem, why);
    REQUIRE(anchors != NULL);
    CHECK_INT(anchors->weak, 1);
    CHECK_INT(sk_X509_num(anchors->certificates), 1);
    anchors_free(anchors);
    strcat(pem, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    CHECK(anchors_of(pem, why) == NULL);
    issued_free(old);
    issued_free(good);
}

TEST(without_anchors_and_pins_nobody_is_good)
{
    struct cert_chain_rules rules = { .depth = 4 };
    struct stage stage = { .count = 0 };
    struct cert_chain_finding finding;

    build(&stage, "P-256", 0, NULL, NOWHERE);
    anchors_free(stage.anchors);
    stage.anchors = NULL;
    CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "unknown-issuer");
    stage_done(&stage);
}

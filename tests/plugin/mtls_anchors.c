/* SPDX-License-Identifier: MIT */
/* Whom a policy trusts: anchors, pins beside them, and pins alone. */
#include "staged.h"

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

        stage_good(&stage, "P-256", 1);
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
        { { .broken = "2.5.29.15" }, "encoding" },
        { { .broken = "2.5.29.37" }, "encoding" },
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

    stage_good(&stage, "P-256", 1);
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

    stage_good(&stage, "P-256", 0);
    anchors_free(stage.anchors);
    stage.anchors = NULL;
    CHECK_STR(paa_str_of(reason_with(&stage, &rules, &finding)), "unknown-issuer");
    stage_done(&stage);
}

/* SPDX-License-Identifier: MIT */
/* What is no certificate, or not written as one, and too many of them. */
#include "staged.h"

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

    stage_good(&stage, "P-256", 0);
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

    stage_good(&stage, "P-256", 0);
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

    stage_good(&stage, "P-256", 1);
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

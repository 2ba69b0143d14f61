/* SPDX-License-Identifier: MIT */
/* The challenges that a peer sends. */
#include "challenge.h"
#include "str.h"
#include "test.h"

/* "scheme/token68/error" of each, parted by "; " */
static void read_all(const char *field, char ret_text[256])
{
    struct paa_str rest = paa_str_of(field);
    struct challenge challenge;
    size_t at = 0;

    ret_text[0] = '\0';
    while (challenge_next(&rest, &challenge)) {
        struct paa_str error = challenge_param(&challenge, STR("error"));

        at += (size_t)snprintf(ret_text + at, 256 - at, "%s%.*s/%.*s/%.*s", at > 0 ? "; " : "",
                               STR_ARGS(challenge.scheme), STR_ARGS(challenge.token68),
                               STR_ARGS(error));
    }
}

/* RFC 9110 11.6.1 */
TEST(challenges_are_told_from_their_parameters)
{
    static const struct {
        const char *field;
        const char *read;
    } cases[] = {
        { "Bearer", "Bearer//" },
        { "Bearer error=\"invalid_token\"", "Bearer//invalid_token" },
        { "Bearer realm=\"a, b\", error=invalid_token", "Bearer//invalid_token" },
        { "DPoP algs=\"ES256\", ERROR = \"use_dpop_nonce\" , Bearer error=\"x\"",
          "DPoP//use_dpop_nonce; Bearer//x" },
        { "Basic realm=\"\\\"\", Bearer error=\"x\"", "Basic//; Bearer//x" },
        { "Negotiate a87421000==, DPoP error=\"y\"", "Negotiate/a87421000==/; DPoP//y" },
        { "Negotiate , Bearer", "Negotiate//; Bearer//" },
        { ", ,Bearer error=\"x\",,", "Bearer//x" },
        { "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
          "Newauth//; Basic//" },
    };
    char read[256];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_all(cases[i].field, read);
        CHECK_STR(paa_str_of(read), cases[i].read);
    }
}

TEST(what_is_no_challenge_ends_the_reading)
{
    static const char *const broken[] = { "",        "=",          "\"Bearer\"",
                                          "Bearer;", "Bearer\x01", "Bearer error=\"x" };
    char read[256];

    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        read_all(broken[i], read);
        CHECK_STR(paa_str_of(read), "");
    }
}

TEST(a_quoted_word_is_no_parameter_of_another_name)
{
    struct paa_str rest = STR("DPoP error_description=\"error=use_dpop_nonce\"");
    struct challenge challenge;

    REQUIRE(challenge_next(&rest, &challenge));
    CHECK(challenge_param(&challenge, STR("error")).data == NULL);
    CHECK_STR(challenge_param(&challenge, STR("error_description")), "error=use_dpop_nonce");
    CHECK(!challenge_next(&rest, &challenge));
}

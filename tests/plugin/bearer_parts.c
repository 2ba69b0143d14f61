/* SPDX-License-Identifier: MIT */
/* The pure parts of the verifier: DPoP proofs as the RFC prints them, and how long responses may be kept. */
#include "dpop_check.h"
#include "lifetime.h"
#include "str.h"
#include "test.h"

/* ---- DPoP ----------------------------------------------------------------------------------------- */

/* RFC 9449 7.1, figure 12. */
static const char proof[] =
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUk"
    "lDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUw"
    "Q2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1Ijoia"
    "HR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjo"
    "iZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRi"
    "mPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";

static const struct dpop_want rfc = { .algs = ALGS_PUBLIC,
                                      .method = { "GET", 3 },
                                      .scheme = { "https", 5 },
                                      .authority = { "resource.example.org", 20 },
                                      .target = { "/protectedresource?page=2", 25 },
                                      .token = { "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
                                                 43 },
                                      .jkt = { "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", 43 },
                                      .now_s = 1562262618,
                                      .leeway_s = 0 };

static enum dpop_verdict checked(const char *text, const struct dpop_want *want)
{
    static struct jwt_scratch scratch;
    struct dpop_proof found;
    char *memory = malloc(dpop_memory(paa_str_of(text)));
    enum dpop_verdict verdict = dpop_read(paa_str_of(text), want, &scratch, memory, &found);

    if (verdict == DPOP_GOOD)
        verdict = dpop_verify(&found);
    dpop_done(&found);
    free(memory);
    return verdict;
}

TEST(the_proof_of_rfc9449_is_good)
{
    CHECK_INT(checked(proof, &rfc), DPOP_GOOD);
}

TEST(each_thing_that_a_proof_is_for_is_looked_at)
{
    struct dpop_want want = rfc;

    want.method = STR("HEAD");
    CHECK_INT(checked(proof, &want), DPOP_METHOD);
    want = rfc;
    want.scheme = STR("http");
    CHECK_INT(checked(proof, &want), DPOP_URI);
    want = rfc;
    want.target = STR("/protectedresource/");
    CHECK_INT(checked(proof, &want), DPOP_URI);
    want = rfc;
    want.token = STR("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxV");
    CHECK_INT(checked(proof, &want), DPOP_TOKEN);
    want = rfc;
    want.jkt = STR("1ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    CHECK_INT(checked(proof, &want), DPOP_OTHER_KEY);
    want = rfc;
    want.now_s = 1562262618 + DPOP_AGE_MAX_S - 1;
    CHECK_INT(checked(proof, &want), DPOP_GOOD);
    want.now_s++;
    CHECK_INT(checked(proof, &want), DPOP_TIME);
    want.now_s = 1562262617;
    CHECK_INT(checked(proof, &want), DPOP_TIME);
}

TEST(another_signature_is_refused_last)
{
    char other[sizeof proof];

    memcpy(other, proof, sizeof proof);
    other[sizeof proof - 10] = other[sizeof proof - 10] == 'A' ? 'B' : 'A';
    CHECK_INT(checked(other, &rfc), DPOP_SIGNATURE);
}

/* ---- lifetimes ------------------------------------------------------------------------------------ */

TEST(a_response_says_how_long_it_may_be_kept)
{
    static const struct {
        const char *cache_control, *expires, *age;
        int64_t life_s;
    } rows[] = {
        { NULL, NULL, NULL, -1 },
        { "max-age=300", NULL, NULL, 300 },
        { "public, Max-Age=300 , immutable", NULL, NULL, 300 },
        { "max-age=300", NULL, "120", 180 },
        { "max-age=300", NULL, "999", 0 },
        { "max-age=300", "Sun, 06 Nov 1994 08:49:37 GMT", NULL, 300 },
        { "no-store, max-age=300", NULL, NULL, 0 },
        { "no-cache", NULL, NULL, 0 },
        { "max-age=99999999999999999999", NULL, NULL, -1 },
        { "max-age=9999999999", NULL, NULL, 315360000 },
        { "max-age=-1", NULL, NULL, -1 },
        { NULL, "Sun, 06 Nov 1994 09:49:37 GMT", NULL, 3600 },
        { NULL, "Sun, 06 Nov 1994 08:00:00 GMT", NULL, 0 },
        { NULL, "0", NULL, 0 },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct paa_field fields[4] = {
            paa_field_of("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            paa_field_of(rows[i].cache_control != NULL ? "CACHE-control" : "x",
                         rows[i].cache_control),
            paa_field_of(rows[i].expires != NULL ? "expires" : "x", rows[i].expires),
            paa_field_of(rows[i].age != NULL ? "age" : "x", rows[i].age),
        };
        struct paa_http_response response;

        paa_init(&response, sizeof response);
        response.headers = fields;
        response.header_count = 4;
        if (response_lifetime_s(&response, 784111777) != rows[i].life_s)
            TEST_FAIL("row %zu: %lld", i, (long long)response_lifetime_s(&response, 784111777));
    }
}

TEST(a_lifetime_ends_up_to_a_tenth_early)
{
    CHECK_INT(lifetime_early_s(600, 0), 600);
    CHECK_INT(lifetime_early_s(600, 60), 540);
    CHECK_INT(lifetime_early_s(600, 61), 600);
    CHECK_INT(lifetime_early_s(9, 1), 9);
    for (uint32_t chance = 0; chance < 1000; chance++) {
        int64_t life_s = lifetime_early_s(3600, UINT32_MAX - chance);

        CHECK(life_s >= 3240 && life_s <= 3600);
    }
}

TEST(json_is_told_by_its_media_type)
{
    static const struct {
        const char *type;
        bool is_json;
    } rows[] = { { "application/json", true },
                 { "Application/JSON ; charset=utf-8", true },
                 { "application/jwk-set+json", true },
                 { "application/jsonp", false },
                 { "text/json", false },
                 { "text/html", false },
                 { "", false } };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct paa_field field = paa_field_of("content-type", rows[i].type);
        struct paa_http_response response;

        paa_init(&response, sizeof response);
        response.headers = &field;
        response.header_count = 1;
        CHECK_INT(response_is_json(&response), rows[i].is_json);
    }
}

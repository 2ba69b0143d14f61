/* SPDX-License-Identifier: MIT */
/* What the RFCs print as an example of something else than a token or key that verifies: it must be refused, as it stands. */
#include "judging.h"

/* ---- tokens ------------------------------------------------------------------------------------ */

#define PAYLOAD_7515                                                                               \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define HEADER_7515_E                                                                              \
    "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6Ly9l" \
    "eGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0"
#define HEADER_7520_4_5                                                                            \
    "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9"

static const struct {
    const char *section;
    const char *token;
    enum jwt_verdict verdict;
} tokens[] = {
    { "RFC 7515 A.5, unsecured", "eyJhbGciOiJub25lIn0." PAYLOAD_7515 ".", JWT_UNSIGNED },
    { "RFC 7515 A.6, JSON, the second signature",
      "{\"payload\":\"" PAYLOAD_7515
      "\",\"signatures\":[{\"protected\":\"eyJhbGciOiJFUzI1NiJ9\",\"header\":{\"kid\":\"e9bc097a-"
      "ce51-4036-9562-d2ade882db0d\"},\"signature\":\"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
      "F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q\"}]}",
      JWT_NO_JWT },
    { "RFC 7515 A.7, flattened JSON",
      "{\"payload\":\"" PAYLOAD_7515
      "\",\"protected\":\"eyJhbGciOiJFUzI1NiJ9\",\"header\":{\"kid\":\"e9bc097a-ce51-4036-9562-"
      "d2ade882db0d\"},\"signature\":\"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-"
      "F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q\"}",
      JWT_NO_JWT },
    { "RFC 7515 E, crit", HEADER_7515_E ".RkFJTA.", JWT_CRITICAL },
    { "RFC 7520 4.5, detached content",
      HEADER_7520_4_5 "..s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0", JWT_NO_JWT },
};

TEST(tokens_that_the_rfcs_print_for_other_uses_are_refused)
{
    enum signature signature;
    struct judging j;

    judging_init(&j, JWT_LEGACY);
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        struct jwt_finding found = judging_token(&j, paa_str_of(tokens[i].token), &signature);

        if (found.verdict != tokens[i].verdict || signature != SIGNATURE_UNASKED)
            TEST_FAIL("%s: %s, signature %d", tokens[i].section, jwt_reason(found.verdict),
                      (int)signature);
    }
    judging_done(&j);
}

/* ---- keys -------------------------------------------------------------------------------------- */

static const struct {
    const char *section;
    const char *key;
    const char *why; /* part of it */
} keys[] = {
    { "RFC 8037 A.1, a private key",
      "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","
      "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"",
      "private" },
    { "RFC 8037 A.6, for key agreement",
      "\"kty\":\"OKP\",\"crv\":\"X25519\",\"kid\":\"Bob\",\"x\":\"3p7bfXt9wbTTW2HC7OQ1Nz-"
      "DQ8hbeGdNrfx-FG-IK08\"",
      "curve" },
    { "RFC 8037 A.7, for key agreement",
      "\"kty\":\"OKP\",\"crv\":\"X448\",\"kid\":\"Dave\",\"x\":\"PreoKbDNIPW8_AtZm2_"
      "sz22kYnEHvbDU80W0MCfYuXL8PjT7QjKhPKcG3LV67D2uB73BxnvzNgk\"",
      "curve" },
};

static void remember(size_t index, struct paa_str kid, const char *why, void *context)
{
    (void)index;
    (void)kid;
    *(const char **)context = why;
}

TEST(keys_that_the_rfcs_print_for_other_uses_are_refused)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *told = NULL, *why = NULL;
        char text[512];
        struct jwk_set *set;

        snprintf(text, sizeof text, "{\"keys\":[{%s}]}", keys[i].key);
        set = jwk_set_read(paa_bytes_of(text, strlen(text)), JWK_TAKES_SECRETS, remember,
                           (void *)&told, &why);
        if (set != NULL || told == NULL || strstr(told, keys[i].why) == NULL)
            TEST_FAIL("%s: %s", keys[i].section, told != NULL ? told : "taken");
        jwk_set_free(set);
    }
}

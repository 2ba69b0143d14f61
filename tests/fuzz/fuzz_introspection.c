/* SPDX-License-Identifier: MIT */
/* What an issuer says of a token (RFC 7662 2.2). What is read judges the same when it is judged again, and is only active
 * if it says so. */
#include "bearer_inner.h"
#include "fuzz.h"

enum { NOW_S = 1800000000 };

static void check(const struct bearer_verdict *verdict, size_t weight, struct paa_str text)
{
    static const struct paa_str audience = { "orders", 6 };
    struct jwt_rules rules = { .profile = JWT_INTROSPECTED,
                               .issuer = STR("https://issuer.example"),
                               .audiences = &audience,
                               .audience_count = 1,
                               .leeway_s = 60 };
    const struct jwt *jwt = &verdict->claims.jwt;
    struct jwt_finding found = jwt_judge(jwt, &rules, NOW_S);

    HOLDS(weight >= sizeof *verdict + text.size);
    if (!verdict->is_active) /* nothing else counts then */
        return;
    HOLDS(verdict->claims.json.size == text.size);
    HOLDS(memmem(text.data, text.size, "true", 4) != NULL);
    HOLDS(found.verdict >= JWT_GOOD && found.verdict < JWT_VERDICTS);
    if (found.verdict == JWT_GOOD)
        HOLDS(jwt->texts[JWT_T_AUD].size > 0);
    for (size_t i = 0; i < JWT_T_COUNT; i++)
        HOLDS(jwt->texts[i].size <= text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jwt_finding found;
    size_t weight = 0;
    struct bearer_verdict *verdict = bearer_verdict_read(paa_bytes_of(data, size), &weight, &found);

    if (verdict != NULL)
        check(verdict, weight, paa_str_of_n((const char *)data, size));
    else
        HOLDS(found.verdict > JWT_GOOD && found.verdict < JWT_VERDICTS && found.name != NULL);
    free(verdict);
    return 0;
}

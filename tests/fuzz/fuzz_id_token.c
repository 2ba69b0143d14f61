/* SPDX-License-Identifier: MIT */
/* Claims of an ID token, as JSON: whatever is good was said by the issuer, to us, about somebody, and has not ended. */
#include "fuzz.h"
#include "id_token.h"
#include "str.h"

enum { NOW = 1800000000, TEXT_MAX = 8 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char memory[2 * TEXT_MAX];
    static struct jwt_scratch scratch;
    const struct id_token_rules rules = { .issuer = STR("https://id.example.com"),
                                          .client_id = STR("app"),
                                          .nonce = STR("N"),
                                          .access_token = STR("token"),
                                          .leeway_s = 60 };
    enum id_token_verdict verdict;
    struct paa_str name;
    struct jwt jwt;

    if (size > TEXT_MAX ||
        jwt_read_claims(paa_str_of_n((const char *)data, size), memory, &scratch, &jwt).verdict !=
            JWT_GOOD)
        return 0;
    jwt.alg = ALG_ES256;
    verdict = id_token_judge(&jwt, &rules, NOW);
    HOLDS(id_token_sentence(verdict) != NULL);
    name = id_token_name(&jwt);
    for (size_t i = 0; i < name.size; i++)
        HOLDS((unsigned char)name.data[i] >= ' ' && name.data[i] != 0x7f);
    if (verdict != ID_TOKEN_GOOD)
        return 0;
    HOLDS(str_eq(jwt.texts[JWT_T_ISS], rules.issuer) && jwt.texts[JWT_T_SUB].size > 0);
    HOLDS(str_eq(jwt.texts[JWT_T_NONCE], rules.nonce));
    HOLDS(jwt.times_s[JWT_EXP] > NOW - rules.leeway_s);
    return 0;
}

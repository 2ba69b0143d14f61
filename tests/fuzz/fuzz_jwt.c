/* SPDX-License-Identifier: MIT */
/* A token from a stranger. A first byte of '{' is not a token's: then the input is the claims, and the header is
 * made, so that the reading of claims is reached. What is judged good has what it must have. */
#include "codec.h"
#include "fuzz.h"
#include "jwt.h"
#include "str.h"

enum { NOW_S = 1800000000 };

static struct jwt_scratch scratch;

static void check_good(const struct jwt *jwt, enum jwt_profile profile)
{
    HOLDS(str_eq(jwt->texts[JWT_T_ISS], STR("https://issuer.example")));
    HOLDS((jwt->times & 1u << JWT_EXP) != 0 && jwt->times_s[JWT_EXP] > NOW_S - 60);
    HOLDS(profile == JWT_LEGACY || jwt->texts[JWT_T_CLIENT_ID].size > 0);
    HOLDS((jwt->flags & (JWT_HAS_EVENTS | JWT_IS_NO_ACCESS)) == 0);
}

static void check_read(const struct jwt *jwt)
{
    static const struct paa_str audience = { "orders", 6 };
    size_t size = jwt_kept_size(jwt);
    char *memory = malloc(size + 1);
    struct jwt kept;

    HOLDS(memory != NULL && jwt->alg > 0 && jwt->alg < ALG_END);
    jwt_keep(jwt, memory, &kept);
    for (unsigned profile = JWT_RFC9068; profile <= JWT_LEGACY; profile++) {
        struct jwt_rules rules = { .profile = (enum jwt_profile)profile,
                                   .issuer = STR("https://issuer.example"),
                                   .audiences = &audience,
                                   .audience_count = 1,
                                   .leeway_s = 60 };
        struct jwt_finding found = jwt_judge(jwt, &rules, NOW_S);
        struct jwt_finding again = jwt_judge(&kept, &rules, NOW_S);

        HOLDS(found.verdict == again.verdict && found.name == again.name);
        if (found.verdict == JWT_GOOD)
            check_good(jwt, (enum jwt_profile)profile);
    }
    free(memory);
}

static void check_token(struct paa_str token)
{
    static const struct jwt_accept accept = { .algs = ALGS_PUBLIC | ALGS_SECRET };
    char sentence[JWT_SENTENCE_SIZE];
    struct jwt_parts parts;
    struct jwt jwt;
    struct jwt_finding found = jwt_split(token, &parts);
    void *memory;

    if (found.verdict == JWT_GOOD) {
        memory = malloc(jwt_memory(&parts));
        HOLDS(memory != NULL);
        found = jwt_read(&parts, memory, &scratch, &accept, &jwt);
        if (found.verdict == JWT_GOOD)
            check_read(&jwt);
        free(memory);
    }
    HOLDS(found.verdict >= JWT_GOOD && found.verdict < JWT_VERDICTS && found.name != NULL);
    jwt_sentence(&found, sentence);
    HOLDS(strlen(sentence) > 0 && jwt_reason(found.verdict) != NULL);
}

/* {"alg":"ES256","typ":"at+jwt"} before, a signature's size behind. */
static void check_claims(struct paa_str claims)
{
    static const char head[] = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.";
    enum { HEAD = sizeof head - 1, SIGNATURE = 86 };
    size_t size = HEAD + BASE64URL_SIZE(claims.size) + 1 + SIGNATURE;
    char *token = malloc(size);

    HOLDS(token != NULL);
    memcpy(token, head, HEAD);
    base64url_encode(paa_bytes_of(claims.data, claims.size), token + HEAD);
    token[size - SIGNATURE - 1] = '.';
    memset(token + size - SIGNATURE, 'A', SIGNATURE);
    check_token(paa_str_of_n(token, size));
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);

    if (size > 0 && data[0] == '{')
        check_claims(text);
    else
        check_token(text);
    return 0;
}

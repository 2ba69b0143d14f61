/* SPDX-License-Identifier: MIT */
/* A token's whole way, as a plugin goes it: split, read, judge, find the keys, verify. */
#ifndef TEST_JUDGING_H
#define TEST_JUDGING_H

#include "jws.h"
#include "jwt.h"
#include "signer.h"
#include "str.h"
#include "test.h"

enum { NOW = 1800000000 };

#define ISSUER "https://issuer.example"

struct judging {
    struct jwk_set *set;
    struct jws_lane lane;
    struct jwt_scratch scratch;
    struct jwt_accept accept;
    struct jwt_rules rules;
    struct jwt jwt; /* of the last token */
    void *memory;
};

static const struct paa_str judging_audiences[] = { { "https://api.example", 19 },
                                                    { "orders", 6 } };

/* Every key of signer.h, each under a kid: "rsa", "p256", "p521", "ed". */
static void judging_init(struct judging *j, enum jwt_profile profile)
{
    char text[4096];
    const char *why = "";

    memset(j, 0, sizeof *j);
    snprintf(text, sizeof text,
             "{\"keys\":[{\"kid\":\"rsa\",%s},{\"kid\":\"p256\",%s},{\"kid\":\"p521\",%s},"
             "{\"kid\":\"ed\",%s},{\"kid\":\"bound\",\"alg\":\"PS256\",%s}]}",
             signer_rsa, signer_p256, signer_p521, signer_ed25519, signer_rsa);
    j->set = jwk_set_read(paa_bytes_of(text, strlen(text)), 0, NULL, NULL, &why);
    if (j->set == NULL)
        TEST_FAIL("the set of keys %s", why);
    j->accept.algs = ALGS_PUBLIC;
    j->rules = (struct jwt_rules){ .profile = profile,
                                   .issuer = STR(ISSUER),
                                   .audiences = judging_audiences,
                                   .audience_count = 2,
                                   .leeway_s = 60 };
}

static void judging_done(struct judging *j)
{
    free(j->memory);
    jws_lane_done(&j->lane);
    jwk_set_free(j->set);
}

enum signature { SIGNATURE_UNASKED = 1, SIGNATURE_GOOD, SIGNATURE_BAD, SIGNATURE_NO_KEY };

/* The finding before any public-key work; *ret_signature of those that were found good. */
static struct jwt_finding judging_token(struct judging *j, struct paa_str token,
                                        enum signature *ret_signature)
{
    struct jwk_query query = { .issuer = j->rules.issuer };
    struct jwt_parts parts;
    struct jwt_finding found = jwt_split(token, &parts);
    const struct jwk *key;

    *ret_signature = SIGNATURE_UNASKED;
    free(j->memory);
    j->memory = NULL;
    if (found.verdict != JWT_GOOD)
        return found;
    j->memory = malloc(jwt_memory(&parts)); /* of its exact size, so that ASan sees a step beyond */
    found = jwt_read(&parts, j->memory, &j->scratch, &j->accept, &j->jwt);
    if (found.verdict == JWT_GOOD)
        found = jwt_judge(&j->jwt, &j->rules, NOW);
    if (found.verdict != JWT_GOOD)
        return found;
    query.kid = j->jwt.texts[JWT_T_KID];
    query.alg = j->jwt.alg;
    *ret_signature = SIGNATURE_NO_KEY;
    while ((key = jwk_set_next(j->set, &query)) != NULL) {
        *ret_signature = SIGNATURE_BAD;
        if (jws_verify(&j->lane, key, j->jwt.alg, j->jwt.input, j->jwt.signature) == JWS_GOOD) {
            *ret_signature = SIGNATURE_GOOD;
            break;
        }
    }
    return found;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Chains made on the spot, and what the judge of chains says of them (plugins/mtls/cert_chain.h). */
#ifndef TESTS_STAGED_H
#define TESTS_STAGED_H

#include "cert_chain.h"
#include "issued.h"
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

static inline void stage_add(struct stage *stage, struct issued *issued)
{
    stage->ders[stage->count] = issued_der(issued);
    stage->made[stage->count++] = issued;
}

/* Trusts the first one, presents the others from the last on. */
static inline void stage_present(struct stage *stage)
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

static inline void stage_done(struct stage *stage)
{
    for (size_t i = 0; i < stage->count; i++) {
        OPENSSL_free((void *)(uintptr_t)stage->ders[i].data);
        issued_free(stage->made[i]);
    }
    anchors_free(stage->anchors);
    memset(stage, 0, sizeof *stage);
}

static inline const char *reason_with(const struct stage *stage,
                                      const struct cert_chain_rules *rules,
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

static inline const char *reason_of(const struct stage *stage)
{
    static const struct cert_chain_rules rules = { .depth = DEPTHS };
    static struct cert_chain_finding finding;
    const char *reason = reason_with(stage, &rules, &finding);

    if (finding.verdict != CERT_CHAIN_GOOD && finding.sentence[0] == '\0')
        TEST_FAIL("\"%s\" comes without a sentence", reason);
    return reason;
}

typedef void spoil_fn(struct recipe *recipe);

/* Certificate 0 is the anchor, `depth` + 1 the leaf; the one at `place` is spoiled. */
static inline void stage_spoiled(struct stage *stage, const char *key, size_t depth,
                                 spoil_fn *spoil, size_t place)
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
            spoil(&recipe);
        stage_add(stage, issue(&recipe, i > 0 ? stage->made[i - 1] : NULL));
    }
    stage_present(stage);
}

static inline void stage_good(struct stage *stage, const char *key, size_t depth)
{
    stage_spoiled(stage, key, depth, NULL, SIZE_MAX);
}

#endif

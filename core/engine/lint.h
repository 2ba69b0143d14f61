/* SPDX-License-Identifier: MIT */
/* What the files of the linter share: one rule under judgement, and what its chain can come to. */
#ifndef ENGINE_LINT_H
#define ENGINE_LINT_H

#include "buf.h"
#include "engine.h"
#include "reach.h"

/* kinds that stand at a step: chains with a name are shared, and each is told once */
enum finding {
    FINDING_UNREACHABLE = 1,
    FINDING_ANONYMOUS,
    FINDING_CARRIED,
    FINDING_SKIPS,
    FINDING_SAYS_NOTHING,
    FINDING_TWO_KEYS,
    FINDING_TWO_KEYS_SOMETIMES
};

enum { LINT_TOLD_MAX = 256, LINT_TEXT_MAX = 4096 };

struct told {
    struct where where;
    enum finding finding;
};

struct lint {
    const struct generation *generation;
    struct diag *diag;
    const struct service_conf *service;
    const struct rule_conf *rule;
    const struct program *program; /* the rule's */
    uint8_t inputs[PROGRAM_STEPS_MAX];
    struct reach whole;              /* with every input */
    struct reach part;               /* for one question at a time */
    struct told told[LINT_TOLD_MAX]; /* the last ones, a ring */
    size_t told_count;
};

/* Has this been said before? Then it is not said again. */
bool lint_is_told(struct lint *lint, struct where where, enum finding finding);
/* Appends "\"a\", \"b\"": the sites of steps from .. end - 1, each instance once. */
void lint_names(const struct lint *lint, uint32_t from, uint32_t end, struct buf *buf);
static inline bool lint_is_all(const struct program *program, int32_t instance)
{
    for (uint32_t i = 0; i < program->site_count; i++)
        if (program->sites[i].instance != instance)
            return false;
    return program->site_count > 0;
}

/* Can this site be the one whose ACCEPT is its step's? Not behind a permit or deny of the same group. */
bool lint_can_decide(const struct program *program, uint32_t site);

/* lint_chain.c: what is odd about the chain of the rule, whoever stands in it. False: it can never accept. */
bool lint_chain(struct lint *lint);
/* lint_keys.c: two client keys for one connection. */
void lint_keys(struct lint *lint);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What can be known of a policy before the first request: rules that never match, chains that let in too much or
 * nobody (lint_chain.c), identities that are left open, connections with two keys (lint_keys.c). Executes nothing.
 */
#include "lint.h"

#include <stdlib.h>

enum { ACCEPT_INDEX = 0 };

bool lint_is_told(struct lint *lint, struct where where, enum finding finding)
{
    size_t count = lint->told_count < LINT_TOLD_MAX ? lint->told_count : LINT_TOLD_MAX;

    for (size_t i = 0; i < count; i++)
        if (lint->told[i].finding == finding && lint->told[i].where.file == where.file &&
            lint->told[i].where.line == where.line)
            return true;
    lint->told[lint->told_count++ % LINT_TOLD_MAX] = (struct told){ where, finding };
    return false;
}

static const char *instance_name(const struct lint *lint, int32_t instance)
{
    return lint->generation->policy->instances[instance].name;
}

static bool is_first(const struct program *program, uint32_t begin, uint32_t site)
{
    for (uint32_t i = begin; i < site; i++)
        if (program->sites[i].instance == program->sites[site].instance)
            return false;
    return true;
}

void lint_names(const struct lint *lint, uint32_t from, uint32_t end, struct buf *buf)
{
    const struct program *program = lint->program;
    uint32_t begin = program->step_count > from ? program->steps[from].first_site : 0;

    for (uint32_t i = begin; i < program->site_count && program->sites[i].step < end; i++)
        if (program->sites[i].instance >= 0 && is_first(program, begin, i))
            buf_printf(buf, "%s\"%s\"", buf->size > 0 ? ", " : "",
                       instance_name(lint, program->sites[i].instance));
}

/* ---- who it was -------------------------------------------------------------------------------- */

bool lint_can_decide(const struct program *program, uint32_t site)
{
    uint32_t first = program->steps[program->sites[site].step].first_site;

    for (uint32_t i = first; i < site; i++)
        if (program->sites[i].instance < 0)
            return false;
    return program->sites[site].instance != SITE_DENY;
}

static bool names_somebody(const struct lint *lint, uint32_t site)
{
    int32_t instance = lint->program->sites[site].instance;

    return instance >= 0 && lint->generation->instances[instance].slots->verify != NULL &&
           lint_can_decide(lint->program, site);
}

/* A site of that step that can name a principal and is of another instance than `other`; -1: none. */
static int32_t namer(const struct lint *lint, uint32_t index, int32_t other)
{
    const struct step *step = &lint->program->steps[index];

    for (uint32_t i = step->first_site; i < (uint32_t)step->first_site + step->site_count; i++)
        if (names_somebody(lint, i) && lint->program->sites[i].instance != other)
            return (int32_t)i;
    return -1;
}

/* Two sites of these steps, of two instances. False: all that can be named is one instance's. */
static bool two_namers(const struct lint *lint, uint32_t a, uint32_t b, uint32_t ret_sites[2])
{
    const struct step *step = &lint->program->steps[a];

    for (uint32_t i = step->first_site; i < (uint32_t)step->first_site + step->site_count; i++) {
        int32_t other =
            names_somebody(lint, i) ? namer(lint, b, lint->program->sites[i].instance) : -1;

        if (other < 0)
            continue;
        ret_sites[0] = i;
        ret_sites[1] = (uint32_t)other;
        return true;
    }
    return false;
}

/* Among the accepted ends that step a carries: another step that carries one of them, with another name. Where there
 * are too many states to know, any two will do. */
static bool find_partner(struct lint *lint, uint32_t a, uint32_t ret_sites[2])
{
    const struct program *program = lint->program;
    struct reach_ask ask = { .program = program, .inputs = lint->inputs };
    bool is_cut;

    step_set_add(&ask.exact, a);
    if (!lint->whole.is_cut)
        reach_run(&ask, &lint->part);
    is_cut = lint->whole.is_cut || lint->part.is_cut;
    for (uint32_t b = a + 1; is_cut && b < program->step_count; b++)
        if (two_namers(lint, a, b, ret_sites))
            return true;
    for (int32_t i = is_cut ? -1 : lint->part.first[program->step_count]; i >= 0;
         i = lint->part.states[i].next) {
        const struct chain *end = &lint->part.states[i].chain;

        if (chain_status(end) != ACCEPT_INDEX || !chain_granted(end, a))
            continue;
        for (uint32_t b = a + 1; b < program->step_count; b++)
            if (chain_granted(end, b) && two_namers(lint, a, b, ret_sites))
                return true;
    }
    return false;
}

static void check_identity(struct lint *lint)
{
    const struct program *program = lint->program;
    uint32_t sites[2];

    if (lint->rule->identity_count > 0 || lint->service->direction != PAA_INCOMING)
        return;
    for (uint32_t a = 0; a < program->step_count; a++) {
        const char *names[2];

        if (namer(lint, a, SITE_DENY) < 0 || !find_partner(lint, a, sites))
            continue;
        names[0] = instance_name(lint, program->sites[sites[0]].instance);
        names[1] = instance_name(lint, program->sites[sites[1]].instance);
        diag_error(
            lint->diag, lint->rule->where,
            "\"%s\" and \"%s\" may both vouch for one request, and the rule does not say whose "
            "name counts: add identity = [ \"%s\", \"%s\" ], or the other way round",
            names[0], names[1], names[0], names[1]);
        return;
    }
}

/* ---- require ----------------------------------------------------------------------------------- */

static bool can_permit(const struct program *program, const struct step *step)
{
    for (uint32_t i = step->first_site; i < (uint32_t)step->first_site + step->site_count; i++)
        if (program->sites[i].instance == SITE_PERMIT && lint_can_decide(program, i))
            return true;
    return false;
}

static bool has_reset(const struct program *program)
{
    for (uint32_t i = 0; i < program->step_count; i++)
        for (int result = 0; result < RESULT_COUNT; result++)
            if (program->steps[i].action[result] == ACTION_RESET)
                return true;
    return false;
}

static bool is_carried_by(const struct chain *chain, const struct step_set *set)
{
    for (size_t i = 0; i < sizeof set->word / sizeof set->word[0]; i++)
        if ((chain->grants[i] & set->word[i]) != 0)
            return true;
    return false;
}

/* Does some accepted walk rest on permit alone? Without `reset` a grant stays, so walks with another one need not
 * be followed; with it, they are told apart. */
static bool rests_on_permit(struct lint *lint)
{
    const struct program *program = lint->program;
    struct reach_ask ask = { .program = program, .inputs = lint->inputs };
    struct step_set named = { { 0 } };
    bool has_permit = false;

    for (uint32_t i = 0; i < program->step_count; i++)
        if (can_permit(program, &program->steps[i]))
            has_permit = true;
        else
            step_set_add(&named, i);
    if (has_reset(program))
        ask.exact = named;
    else
        ask.barred = named;
    reach_run(&ask, &lint->part);
    for (int32_t i = lint->part.first[program->step_count]; i >= 0; i = lint->part.states[i].next) {
        const struct chain *end = &lint->part.states[i].chain;

        if (chain_status(end) == ACCEPT_INDEX && !is_carried_by(end, &named))
            return true;
    }
    return lint->part.is_cut && has_permit;
}

static void check_require(struct lint *lint)
{
    if (lint->rule->require != NULL && rests_on_permit(lint))
        diag_error(
            lint->diag, lint->rule->require->where,
            "`require` asks something of a principal, but permit alone, which names nobody, can "
            "satisfy this chain: take the permit out of it, or leave out `require`");
}

/* ---- rules and services ------------------------------------------------------------------------ */

static void check_shadow(struct lint *lint, const struct matcher *matcher, uint32_t index)
{
    int32_t earlier = matcher_shadow(matcher, (int32_t)index);

    if (earlier >= 0)
        diag_warn(
            lint->diag, lint->rule->where,
            "this rule never matches: the one at %s:%u takes every request that it could; put it "
            "before that one, or leave it out",
            lint->service->rules[earlier].where.file, lint->service->rules[earlier].where.line);
}

static void lint_rule(struct lint *lint, const struct rule_conf *rule)
{
    lint->rule = rule;
    lint->program = &rule->program;
    if (!lint_chain(lint))
        return;
    check_identity(lint);
    check_require(lint);
    lint_keys(lint);
}

static void lint_service(struct lint *lint, const struct service_rules *service)
{
    lint->service = service->conf;
    if (lint->service->direction == PAA_INCOMING && lint->service->origin_count == 0)
        diag_warn(lint->diag, lint->service->where,
                  "service \"%s\" does not say what it is called from outside, so Host is not "
                  "checked, and "
                  "a DPoP proof is refused: add origins = [ \"https://HOST\" ]",
                  lint->service->name);
    for (uint32_t i = 0; i < lint->service->rule_count; i++) {
        lint_rule(lint, &lint->service->rules[i]);
        check_shadow(lint, service->matcher, i);
    }
}

void lint_generation(const struct generation *generation, struct diag *diag)
{
    struct lint *lint = calloc(1, sizeof *lint);
    struct where whole = { generation->context->policy_path, 0 };

    if (lint == NULL) {
        diag_error(diag, whole, "no memory is left to check the policy");
        return;
    }
    lint->generation = generation;
    lint->diag = diag;
    reach_init(&lint->whole);
    reach_init(&lint->part);
    for (size_t i = 0; i < generation->service_count; i++)
        if (generation->services[i].conf != NULL)
            lint_service(lint, &generation->services[i]);
    reach_free(&lint->whole);
    reach_free(&lint->part);
    free(lint);
}

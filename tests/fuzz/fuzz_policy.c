/* SPDX-License-Identifier: MIT */
/* Policies: no text crashes the reader, PAA and libconfig read alike, and what is read keeps its promises. */
#include "fuzz.h"
#include "policy.h"

#include <string.h>

enum { MEMORY_MAX = 64 * 1024 * 1024 };

static void judge_finding(enum paa_level level, struct where where, const char *sentence,
                          void *user)
{
    (void)level;
    (void)user;
    HOLDS(where.file != NULL);
    HOLDS(strncmp(sentence, "libconfig reads", strlen("libconfig reads")) != 0);
    for (const char *c = sentence; *c != '\0'; c++)
        HOLDS((unsigned char)*c >= 0x20 && *c != 0x7f);
}

static uint32_t steps_left(const struct program *program, uint32_t index)
{
    uint8_t level = program->steps[index].level;
    uint32_t left = 0;

    for (uint32_t i = index + 1; i < program->step_count && program->steps[i].level >= level; i++)
        left += program->steps[i].level == level;
    return left;
}

static void judge_program(const struct policy *policy, const struct program *program)
{
    HOLDS(program->step_count <= PROGRAM_STEPS_MAX && program->site_count <= PROGRAM_SITES_MAX);
    for (uint32_t i = 0; i < program->step_count; i++) {
        const struct step *step = &program->steps[i];

        HOLDS(step->level <= PROGRAM_LEVELS_MAX);
        HOLDS(step->is_substack ? step->site_count == 0
                                : step->site_count >= 1 && step->site_count <= GROUP_MAX);
        HOLDS(step->first_site + step->site_count <= (int)program->site_count);
        for (int r = 0; r < RESULT_COUNT; r++)
            HOLDS(step->action[r] >= ACTION_OK
                      ? step->action[r] <= ACTION_RESET
                      : step->action[r] > 0 && step->action[r] <= steps_left(program, i));
    }
    for (uint32_t i = 0; i < program->site_count; i++)
        HOLDS(program->sites[i].step < program->step_count &&
              program->sites[i].instance >= SITE_DENY &&
              program->sites[i].instance < (int32_t)policy->instance_count);
}

static void judge_policy(const struct policy *policy)
{
    for (size_t i = 0; i < policy->instance_count; i++)
        HOLDS(policy->instances[i].plugin != NULL);
    for (size_t i = 0; i < policy->service_count; i++) {
        const struct service_conf *service = &policy->services[i];

        HOLDS(service->direction == PAA_INCOMING || service->direction == PAA_OUTGOING);
        HOLDS(service->direction == PAA_INCOMING || service->origin_count > 0);
        for (size_t k = 0; k < service->rule_count; k++)
            judge_program(policy, &service->rules[k].program);
    }
}

/* A form feed, which no policy may hold, parts the input into two files. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n(size > 0 ? (const char *)data : "", size);
    const char *cut = memchr(text.data, '\f', size);
    size_t first = cut != NULL ? (size_t)(cut - text.data) : size;
    struct policy_file files[2] = {
        { "1.conf", "/etc/paa", { text.data, first } },
        { "2.conf", "/etc/paa", { cut != NULL ? cut + 1 : "", cut != NULL ? size - first - 1 : 0 } }
    };
    struct diag findings = { .fn = judge_finding };
    struct policy *policy;
    struct arena arena;

    arena_init(&arena, NULL, 0, MEMORY_MAX);
    policy = policy_parse(files, cut != NULL ? 2 : 1, &arena, &findings);
    HOLDS((policy == NULL) == (findings.errors > 0));
    if (policy != NULL)
        judge_policy(policy);
    arena_free(&arena);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * A connection shows one client certificate: chains whose steps would show two. What an instance shows it has said in
 * `create`; of one that then had no key to be read, or several, nothing is known here, and the request decides.
 */
#include "lint.h"

enum { ACCEPT_INDEX = 0 };

enum clash { CLASH_NONE, CLASH_MAY, CLASH_MUST }; /* of two steps that both accepted */

struct pair { /* sites that show different keys */
    uint32_t first;
    uint32_t second;
};

/* 0: none, or it is not known. */
static uint64_t key_of(const struct lint *lint, uint32_t site)
{
    int32_t instance = lint->program->sites[site].instance;

    return instance >= 0 ? lint->generation->instances[instance].client_key_id : 0;
}

static uint32_t sites_end(const struct step *step)
{
    return (uint32_t)step->first_site + step->site_count;
}

/* Whichever of its sites has accepted for each: they must clash if all of those do, and may if some do. */
static enum clash clash_of(const struct lint *lint, uint32_t a, uint32_t b, struct pair *ret_pair)
{
    const struct step *first = &lint->program->steps[a], *second = &lint->program->steps[b];
    bool is_certain = true, is_there = false;

    for (uint32_t i = first->first_site; i < sites_end(first); i++)
        for (uint32_t k = second->first_site; k < sites_end(second); k++) {
            uint64_t keys[2] = { key_of(lint, i), key_of(lint, k) };

            if (!lint_can_decide(lint->program, i) || !lint_can_decide(lint->program, k))
                continue;
            if (keys[0] == 0 || keys[1] == 0 || keys[0] == keys[1])
                is_certain = false;
            else if (!is_there)
                *ret_pair = (struct pair){ i, k };
            is_there = is_there || (keys[0] != 0 && keys[1] != 0 && keys[0] != keys[1]);
        }
    return !is_there ? CLASH_NONE : is_certain ? CLASH_MUST : CLASH_MAY;
}

/* The worst of what the steps that carry this walk come to; of those the first. */
static enum clash worst_of(const struct lint *lint, const struct chain *end, struct pair *ret_pair)
{
    enum clash worst = CLASH_NONE;

    for (uint32_t a = 0; a < lint->program->step_count; a++)
        for (uint32_t b = a + 1; chain_granted(end, a) && b < lint->program->step_count; b++) {
            struct pair pair = { 0, 0 };
            enum clash clash = chain_granted(end, b) ? clash_of(lint, a, b, &pair) : CLASH_NONE;

            if (clash <= worst)
                continue;
            worst = clash;
            *ret_pair = pair;
        }
    return worst;
}

static const char *name_at(const struct lint *lint, uint32_t site)
{
    return lint->generation->policy->instances[lint->program->sites[site].instance].name;
}

static void tell(struct lint *lint, const struct pair *pair, bool is_always)
{
    const struct program *program = lint->program;
    struct where first = program->steps[program->sites[pair->first].step].where;
    struct where second = program->steps[program->sites[pair->second].step].where;

    if (lint_is_told(lint, second, is_always ? FINDING_TWO_KEYS : FINDING_TWO_KEYS_SOMETIMES))
        return;
    if (is_always)
        diag_error(
            lint->diag, second,
            "\"%s\" shows another client key than \"%s\" at %s:%u, and a connection has one, "
            "so every request of this chain is refused: give both the same key, or each a "
            "service of its own",
            name_at(lint, pair->second), name_at(lint, pair->first), first.file, first.line);
    else
        diag_warn(lint->diag, second,
                  "\"%s\" shows another client key than \"%s\" at %s:%u, and a connection has one, "
                  "so a request for which both accept is refused: give both the same key, or each "
                  "a service of its own",
                  name_at(lint, pair->second), name_at(lint, pair->first), first.file, first.line);
}

static bool is_before(const struct pair *a, const struct pair *b)
{
    return a->first != b->first ? a->first < b->first : a->second < b->second;
}

/* The ends of lint->part. Where states were too many to be followed, nothing is certain. */
static void judge_ends(struct lint *lint)
{
    bool is_always = !lint->part.is_cut, is_found = false;
    struct pair found = { 0, 0 };

    for (int32_t i = lint->part.first[lint->program->step_count]; i >= 0;
         i = lint->part.states[i].next) {
        const struct chain *end = &lint->part.states[i].chain;
        struct pair pair = { 0, 0 };
        enum clash worst;

        if (chain_status(end) != ACCEPT_INDEX)
            continue;
        worst = worst_of(lint, end, &pair);
        is_always = is_always && worst == CLASH_MUST;
        if (worst != CLASH_NONE && (!is_found || is_before(&pair, &found)))
            found = pair;
        is_found = is_found || worst != CLASH_NONE;
    }
    if (is_found)
        tell(lint, &found, is_always);
}

/* The steps that show a key we know. False: all of them show the same one. */
static bool find_shown(const struct lint *lint, struct step_set *ret_steps)
{
    uint64_t first = 0;
    bool is_other = false;

    for (uint32_t i = 0; i < lint->program->site_count; i++) {
        uint64_t key = key_of(lint, i);

        if (key == 0)
            continue;
        step_set_add(ret_steps, lint->program->sites[i].step);
        is_other = is_other || (first != 0 && key != first);
        first = key;
    }
    return is_other;
}

void lint_keys(struct lint *lint)
{
    struct reach_ask ask = { .program = lint->program, .inputs = lint->inputs };

    if (lint->service->direction != PAA_OUTGOING || !find_shown(lint, &ask.exact))
        return;
    reach_run(&ask, &lint->part);
    judge_ends(lint);
}

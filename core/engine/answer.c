/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include "chain.h"

#include <string.h>

enum { ACCEPT_INDEX, ABSENT_INDEX, REJECT_INDEX, UNAVAILABLE_INDEX, IGNORE_INDEX, FAULT_INDEX };

static const struct {
    const char *word;
    enum reason reason;
} reason_words[] = {
    { PAA_REASON_INVALID_REQUEST, REASON_INVALID_REQUEST },
    { PAA_REASON_INVALID_TOKEN, REASON_INVALID_TOKEN },
    { PAA_REASON_USE_DPOP_NONCE, REASON_USE_DPOP_NONCE },
    { PAA_REASON_INSUFFICIENT_USER_AUTHENTICATION, REASON_INSUFFICIENT_USER_AUTHENTICATION },
    { PAA_REASON_INSUFFICIENT_SCOPE, REASON_INSUFFICIENT_SCOPE },
    { PAA_REASON_RATE_LIMITED, REASON_RATE_LIMITED },
};

enum reason reason_of(const char *word)
{
    for (size_t i = 0; word != NULL && i < sizeof reason_words / sizeof reason_words[0]; i++)
        if (strcmp(word, reason_words[i].word) == 0)
            return reason_words[i].reason;
    return REASON_NONE;
}

const char *reason_word(enum reason reason)
{
    for (size_t i = 0; i < sizeof reason_words / sizeof reason_words[0]; i++)
        if (reason_words[i].reason == reason)
            return reason_words[i].word;
    return NULL;
}

static bool is_in(uint32_t set, uint8_t result)
{
    uint8_t index = result == CHAIN_FORBIDDEN ? (uint8_t)FAULT_INDEX : result;

    return index < RESULT_COUNT && (set >> index & 1) != 0;
}

bool answer_would(const struct program *program, const uint8_t *results, uint32_t set)
{
    uint8_t would[PROGRAM_SITES_MAX];
    bool has_member = false;

    for (uint32_t i = 0; i < program->site_count; i++) {
        bool is_member = is_in(set, results[i]);

        has_member = has_member || is_member;
        would[i] = is_member || results[i] == CHAIN_NOT_RUN ? (uint8_t)ACCEPT_INDEX : results[i];
    }
    return has_member && chain_replay(program, would) == ACCEPT_INDEX;
}

/* Did a step that counted against the request give this reason? */
static bool failed_with(const struct answer_facts *facts, enum reason reason)
{
    for (uint32_t i = 0; i < facts->program->site_count; i++) {
        const struct step *step = &facts->program->steps[facts->program->sites[i].step];
        uint8_t result = facts->results[i];

        if (result >= RESULT_COUNT || facts->reasons[i] != reason)
            continue;
        if (result != ABSENT_INDEX && result != IGNORE_INDEX &&
            (step->action[result] == ACTION_BAD || step->action[result] == ACTION_DIE))
            return true;
    }
    return false;
}

/* Are the login steps all that is missing? What did not run is not taken for granted. */
static bool login_helps(const struct answer_facts *facts)
{
    uint8_t would[PROGRAM_SITES_MAX];
    bool has_login = false;

    if (!facts->is_navigation || facts->logs_in == NULL)
        return false;
    for (uint32_t i = 0; i < facts->program->site_count; i++) {
        bool is_open = facts->logs_in[i] != 0 &&
                       (facts->results[i] == ABSENT_INDEX || facts->results[i] == REJECT_INDEX);
        bool is_permit = facts->program->sites[i].instance == SITE_PERMIT;

        has_login = has_login || is_open;
        would[i] = is_open || is_permit ? (uint8_t)ACCEPT_INDEX : facts->results[i];
    }
    return has_login && chain_replay(facts->program, would) == ACCEPT_INDEX;
}

static const struct answer_plan plans[] = {
    [ROW_PASS] = { ROW_PASS, 0, 200, false, false },
    [ROW_AUTHENTICATION] = { ROW_AUTHENTICATION, PAA_WHY_CREDENTIALS, 401, true, false },
    [ROW_FORBIDDEN] = { ROW_FORBIDDEN, PAA_WHY_FORBIDDEN, 403, false, false },
    [ROW_INVALID] = { ROW_INVALID, PAA_WHY_REQUEST, 400, true, false },
    [ROW_TOO_LARGE] = { ROW_TOO_LARGE, PAA_WHY_REQUEST, 413, false, false },
    [ROW_UNAVAILABLE] = { ROW_UNAVAILABLE, PAA_WHY_UNAVAILABLE, 503, false, false },
    [ROW_FAULT] = { ROW_FAULT, PAA_WHY_FAULT, 500, false, false },
    [ROW_LIMITED] = { ROW_LIMITED, PAA_WHY_LIMITED, 429, false, false },
    [ROW_LOGIN] = { ROW_LOGIN, PAA_WHY_LOGIN, 302, true, false },
    [ROW_CREDENTIALS] = { ROW_CREDENTIALS, PAA_WHY_CREDENTIALS, 401, true, false },
};

static enum answer_row row_of_accepted(const struct answer_facts *facts)
{
    switch (facts->require) {
    case REQUIRE_MET:
        return ROW_PASS;
    case REQUIRE_AUTHENTICATION:
        return facts->is_navigation && facts->primary_logs_in ? ROW_LOGIN : ROW_AUTHENTICATION;
    default:
        return ROW_FORBIDDEN;
    }
}

static enum answer_row row_of_denied(const struct answer_facts *facts)
{
    uint32_t unavailable = 1u << UNAVAILABLE_INDEX;

    if (failed_with(facts, REASON_INVALID_REQUEST))
        return ROW_INVALID;
    if (failed_with(facts, REASON_TOO_LARGE))
        return ROW_TOO_LARGE;
    if (answer_would(facts->program, facts->results, unavailable))
        return ROW_UNAVAILABLE;
    if (answer_would(facts->program, facts->results, unavailable | 1u << FAULT_INDEX))
        return ROW_FAULT;
    if (failed_with(facts, REASON_RATE_LIMITED))
        return ROW_LIMITED;
    return login_helps(facts) ? ROW_LOGIN : ROW_CREDENTIALS;
}

void answer_decide(const struct answer_facts *facts, struct answer_plan *ret_plan)
{
    bool is_accepted = facts->status == ACCEPT_INDEX;
    enum answer_row row = is_accepted ? row_of_accepted(facts) : row_of_denied(facts);

    *ret_plan = plans[row];
    if (row == ROW_FORBIDDEN && facts->require == REQUIRE_SCOPE && facts->primary_is_token) {
        ret_plan->asks_challenges = true;
        ret_plan->says_scope = true;
    }
}

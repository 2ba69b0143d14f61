/* SPDX-License-Identifier: MIT */
/* explain.h's words and small judgements. Pure. */
#include "explain.h"

#include "str.h"

const char *why_word(enum paa_why why)
{
    switch (why) {
    case PAA_WHY_CREDENTIALS:
        return "credentials";
    case PAA_WHY_FORBIDDEN:
        return "forbidden";
    case PAA_WHY_REQUEST:
        return "request";
    case PAA_WHY_LIMITED:
        return "limited";
    case PAA_WHY_LOGIN:
        return "login";
    case PAA_WHY_UNAVAILABLE:
        return "unavailable";
    case PAA_WHY_FAULT:
        return "fault";
    case PAA_WHY_SERVED:
        return "served";
    case PAA_WHY_ORIGIN:
        return "origin";
    default:
        return "unknown";
    }
}

const char *result_word(enum paa_result result)
{
    switch ((unsigned)result) {
    case 0:
        return "not run";
    case PAA_ACCEPT:
        return "accept";
    case PAA_ABSENT:
        return "absent";
    case PAA_REJECT:
        return "reject";
    case PAA_UNAVAILABLE:
        return "unavailable";
    case PAA_IGNORE:
        return "ignore";
    case PAA_FAULT:
        return "fault";
    default:
        return "not a result";
    }
}

const char *status_phrase(uint32_t code)
{
    static const struct {
        uint32_t code;
        const char *phrase;
    } phrases[] = {
        { 200, "OK" },
        { 302, "Found" },
        { 303, "See Other" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 413, "Content Too Large" },
        { 421, "Misdirected Request" },
        { 425, "Too Early" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 503, "Service Unavailable" },
    };

    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].code == code)
            return phrases[i].phrase;
    return "";
}

const char *edit_word(enum paa_edit_kind kind)
{
    switch (kind) {
    case PAA_EDIT_SET:
        return "set";
    case PAA_EDIT_ADD:
        return "add";
    default:
        return "remove";
    }
}

bool step_is_swallowed(const struct explanation *explanation, const struct paa_step *step)
{
    bool is_failure = step->result != 0 && step->result != PAA_ACCEPT &&
                      step->result != PAA_ABSENT && step->result != PAA_IGNORE;

    return is_failure &&
           (explanation->state == PAA_TXN_ALLOW || paa_str_eq(step->control, "sufficient") ||
            paa_str_eq(step->control, "optional"));
}

static bool any_ran(const struct explanation *explanation, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (explanation->steps[i].result != 0)
            return true;
    return false;
}

const char *step_not_run(const struct explanation *explanation, size_t index)
{
    size_t first = index;

    while (first > 0 && (explanation->steps[first].flags & PAA_STEP_MEMBER) != 0)
        first--;
    if (any_ran(explanation, first, index))
        return "an earlier member of its group decided";
    if (any_ran(explanation, index + 1, explanation->step_count))
        return "passed over";
    if (any_ran(explanation, 0, index))
        return "the walk had ended";
    return "answered before the chain began";
}

bool target_is_edited(const struct explanation *explanation)
{
    return !paa_str_eq(explanation->target, explanation->given->whole_url) &&
           !str_eq(explanation->target, explanation->given->url.target);
}

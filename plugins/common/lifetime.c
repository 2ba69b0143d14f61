/* SPDX-License-Identifier: MIT */
/* Cache-Control, Expires and Content-Type of a response (lifetime.h). */
#include "lifetime.h"

#include "http_time.h"
#include "str.h"

enum { SECONDS_MAX = 10 * 365 * 24 * 3600, JITTER_PART = 10 };

struct paa_str response_field(const struct paa_http_response *response, const char *name)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (str_eq_nocase(response->headers[i].name, paa_str_of(name)))
            return response->headers[i].value;
    return STR_NONE;
}

struct control {
    bool is_forbidden; /* no-store, no-cache */
    int64_t max_age_s; /* -1: not said */
};

static struct control control_of(struct paa_str value)
{
    struct control control = { false, -1 };
    struct paa_str rest = value, part;
    uint64_t seconds;

    while (str_next(&rest, ",", &part)) {
        part = str_trim(part);
        if (str_eq_nocase(part, STR("no-store")) || str_eq_nocase(part, STR("no-cache")))
            control.is_forbidden = true;
        if (str_starts_nocase(part, STR("max-age=")) &&
            str_to_u64(str_slice(part, 8, part.size), INT64_MAX, &seconds))
            control.max_age_s = seconds < SECONDS_MAX ? (int64_t)seconds : SECONDS_MAX;
    }
    return control;
}

static int64_t expires_in_s(const struct paa_http_response *response, int64_t now_s)
{
    struct paa_str expires = response_field(response, "Expires");
    int64_t end_s, from_s;

    if (expires.data == NULL || !http_date_parse(response_field(response, "Date"), now_s, &from_s))
        return -1;
    if (!http_date_parse(expires, now_s, &end_s))
        return 0; /* RFC 9111 5.3: "0", say, is past */
    return end_s > from_s ? end_s - from_s : 0;
}

int64_t response_lifetime_s(const struct paa_http_response *response, int64_t now_s)
{
    struct control control = control_of(response_field(response, "Cache-Control"));
    int64_t life_s = control.max_age_s >= 0 ? control.max_age_s : expires_in_s(response, now_s);
    uint64_t age_s;

    if (control.is_forbidden)
        return 0;
    if (life_s > 0 && str_to_u64(response_field(response, "Age"), SECONDS_MAX, &age_s))
        life_s = life_s > (int64_t)age_s ? life_s - (int64_t)age_s : 0;
    return life_s;
}

int64_t lifetime_early_s(int64_t life_s, uint32_t chance)
{
    return life_s < JITTER_PART ? life_s : life_s - (int64_t)chance % (life_s / JITTER_PART + 1);
}

bool response_is_json(const struct paa_http_response *response)
{
    struct paa_str type = response_field(response, "Content-Type");

    type = str_trim(str_slice(type, 0, str_find(type, ';', 0)));
    if (str_eq_nocase(type, STR("application/json")))
        return true;
    return str_starts_nocase(type, STR("application/")) && type.size > 5 &&
           str_eq_nocase(str_slice(type, type.size - 5, type.size), STR("+json"));
}

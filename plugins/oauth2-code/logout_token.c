/* SPDX-License-Identifier: MIT */
/* See logout_token.h. */
#include "logout_token.h"

#include "str.h"
#include "units.h"

#define LOGOUT_EVENT_NAME "http://schemas.openid.net/event/backchannel-logout"

static bool typ_fits(enum jwt_typ typ)
{
    return typ == JWT_TYP_LOGOUT || typ == JWT_TYP_JWT || typ == JWT_TYP_NONE;
}

static bool is_whole(const struct jwt *jwt)
{
    return jwt->texts[JWT_T_ISS].data != NULL && jwt->texts[JWT_T_AUD].data != NULL &&
           jwt->texts[JWT_T_JTI].size > 0 && (jwt->times & 1u << JWT_IAT) != 0 &&
           (jwt->texts[JWT_T_SUB].size > 0 || jwt->texts[JWT_T_SID].size > 0);
}

static bool is_logout(const struct jwt *jwt)
{
    const struct json_tree *claims = &jwt->payload;
    uint32_t events = json_member(claims, 0, STR("events"));
    uint32_t event = events != JSON_NONE ? json_member(claims, events, STR(LOGOUT_EVENT_NAME))
                                         : (uint32_t)JSON_NONE;

    return event != JSON_NONE && json_type_of(claims, event) == JSON_NODE_OBJECT;
}

static bool is_for(const struct jwt *jwt, struct paa_str client_id)
{
    struct paa_str rest = jwt->texts[JWT_T_AUD], member;

    while (str_next(&rest, "\n", &member))
        if (str_eq(member, client_id))
            return true;
    return false;
}

int64_t logout_token_ends_s(const struct jwt *jwt, int64_t leeway_s)
{
    int64_t ends_s = (jwt->times & 1u << JWT_EXP) != 0
                         ? jwt->times_s[JWT_EXP]
                         : time_add(jwt->times_s[JWT_IAT], LOGOUT_TOKEN_LIFE_S);

    return time_add(ends_s, leeway_s);
}

enum logout_verdict logout_token_judge(const struct jwt *jwt, const struct logout_rules *rules,
                                       int64_t now_s)
{
    if (!typ_fits(jwt->typ))
        return LOGOUT_TYP;
    if (!is_whole(jwt))
        return LOGOUT_MISSING;
    if (!is_logout(jwt))
        return LOGOUT_EVENT;
    if (json_member(&jwt->payload, 0, STR("nonce")) != JSON_NONE)
        return LOGOUT_NONCE;
    if (rules->issuer.size == 0 || !str_eq(jwt->texts[JWT_T_ISS], rules->issuer))
        return LOGOUT_ISSUER;
    if (!is_for(jwt, rules->client_id))
        return LOGOUT_AUDIENCE;
    if (now_s >= logout_token_ends_s(jwt, rules->leeway_s))
        return LOGOUT_EXPIRED;
    return jwt->times_s[JWT_IAT] > time_add(now_s, rules->leeway_s) ? LOGOUT_FUTURE : LOGOUT_GOOD;
}

const char *logout_token_sentence(enum logout_verdict verdict)
{
    static const char *const sentences[LOGOUT_VERDICTS] = {
        [LOGOUT_GOOD] = "is good",
        [LOGOUT_TYP] = "is another kind of token",
        [LOGOUT_MISSING] = "lacks one of iss, aud, iat and jti, or both of sub and sid",
        [LOGOUT_EVENT] = "does not name the event of a logout",
        [LOGOUT_NONCE] = "has a nonce, as only ID tokens have",
        [LOGOUT_ISSUER] = "names another issuer",
        [LOGOUT_AUDIENCE] = "is not for this client",
        [LOGOUT_EXPIRED] = "has expired",
        [LOGOUT_FUTURE] = "was issued later than now: do the clocks agree?",
    };

    return sentences[verdict >= LOGOUT_GOOD && verdict < LOGOUT_VERDICTS ? verdict : LOGOUT_TYP];
}

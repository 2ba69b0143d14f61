/* SPDX-License-Identifier: MIT */
/* The judgement of a token that was read, and the words for it (jwt.h). */
#include "hint.h"
#include "jwt_inner.h"

#include "units.h"

#include <stdio.h>

/* ---- judgement --------------------------------------------------------------------------------- */

static bool typ_fits(enum jwt_typ typ, enum jwt_profile profile)
{
    if (LIKELY(typ == JWT_TYP_ACCESS) || profile == JWT_INTROSPECTED)
        return true;
    return profile == JWT_LEGACY && (typ == JWT_TYP_NONE || typ == JWT_TYP_JWT);
}

static const char *missing(const struct jwt *jwt, const struct jwt_rules *rules)
{
    bool is_full = rules->profile == JWT_RFC9068; /* RFC 9068 2.2 */
    bool is_signed = rules->profile != JWT_INTROSPECTED;

    if (is_signed && jwt->texts[JWT_T_ISS].data == NULL)
        return "iss";
    if (is_signed && (jwt->times & 1u << JWT_EXP) == 0)
        return "exp";
    if (jwt->texts[JWT_T_AUD].data == NULL && (is_full || !rules->any_audience))
        return "aud";
    if (!is_full)
        return NULL;
    if (jwt->texts[JWT_T_SUB].data == NULL)
        return "sub";
    if (jwt->texts[JWT_T_CLIENT_ID].data == NULL)
        return "client_id";
    if ((jwt->times & 1u << JWT_IAT) == 0)
        return "iat";
    return jwt->texts[JWT_T_JTI].data == NULL ? "jti" : NULL;
}

static bool is_same_view(struct paa_str a, struct paa_str b)
{
    return a.data == b.data && a.size == b.size;
}

/* The one of the rules' that the list names. NULL: none. */
static const struct paa_str *audience_of(struct paa_str list, const struct jwt_rules *rules)
{
    struct paa_str member;

    for (size_t i = 0; i < rules->audience_count; i++)
        if (LIKELY(is_same_view(list, rules->audiences[i])))
            return &rules->audiences[i];
    while (str_next(&list, "\n", &member))
        for (size_t i = 0; i < rules->audience_count; i++)
            if (str_eq(member, rules->audiences[i]))
                return &rules->audiences[i];
    return NULL;
}

void jwt_share(struct jwt *jwt, const struct jwt_rules *rules)
{
    const struct paa_str *audience = audience_of(jwt->texts[JWT_T_AUD], rules);

    if (str_eq(jwt->texts[JWT_T_ISS], rules->issuer))
        jwt->texts[JWT_T_ISS] = rules->issuer;
    if (audience != NULL)
        jwt->texts[JWT_T_AUD] = *audience;
}

/* An issuer that is asked about a token need not name itself. */
static bool issuer_fits(struct paa_str issuer, const struct jwt_rules *rules)
{
    if (issuer.data == NULL)
        return rules->profile == JWT_INTROSPECTED;
    return rules->issuer.size > 0 &&
           (LIKELY(is_same_view(issuer, rules->issuer)) || str_eq(issuer, rules->issuer));
}

static struct jwt_finding judge_times(const struct jwt *jwt, int64_t leeway_s, int64_t now_s)
{
    if (LIKELY((jwt->times & 1u << JWT_EXP) != 0) &&
        now_s >= time_add(jwt->times_s[JWT_EXP], leeway_s))
        return jwt_found(JWT_EXPIRED, "exp");
    if ((jwt->times & 1u << JWT_NBF) != 0 && time_add(now_s, leeway_s) < jwt->times_s[JWT_NBF])
        return jwt_found(JWT_NOT_YET, "nbf");
    if (LIKELY((jwt->times & 1u << JWT_IAT) != 0) &&
        time_add(now_s, leeway_s) < jwt->times_s[JWT_IAT])
        return jwt_found(JWT_FUTURE, "iat");
    return jwt_found(JWT_GOOD, "token");
}

struct jwt_finding jwt_judge(const struct jwt *jwt, const struct jwt_rules *rules, int64_t now_s)
{
    const char *name;

    if (!typ_fits(jwt->typ, rules->profile))
        return jwt_found(JWT_TYP, "typ");
    if ((jwt->flags & JWT_HAS_EVENTS) != 0)
        return jwt_found(JWT_KIND, "events");
    if ((jwt->flags & JWT_IS_NO_ACCESS) != 0)
        return jwt_found(JWT_KIND, "typ");
    if (UNLIKELY(jwt->texts[JWT_T_AT_HASH].data != NULL) && rules->profile == JWT_LEGACY)
        return jwt_found(JWT_KIND, "at_hash");
    name = missing(jwt, rules);
    if (name != NULL)
        return jwt_found(JWT_MISSING, name);
    if (!issuer_fits(jwt->texts[JWT_T_ISS], rules))
        return jwt_found(JWT_ISSUER, "iss");
    if (!rules->any_audience && audience_of(jwt->texts[JWT_T_AUD], rules) == NULL)
        return jwt_found(JWT_AUDIENCE, "aud");
    return judge_times(jwt, rules->leeway_s > 0 ? rules->leeway_s : 0, now_s);
}

/* ---- words ------------------------------------------------------------------------------------- */

struct verdict_row {
    const char *reason;
    const char *sentence; /* behind: the token's "name" */
};

static const struct verdict_row rows[JWT_VERDICTS] = {
    [JWT_GOOD] = { "good", "is good" },
    [JWT_TOO_LARGE] = { "token-size", "is larger than is taken" },
    [JWT_NO_JWT] = { "no-jwt", "has not the three parts of a JWT" },
    [JWT_ENCRYPTED] = { "encrypted", "is encrypted (JWE), which is not taken" },
    [JWT_BASE64] = { "encoding", "is not base64url without padding" },
    [JWT_JSON] = { "json", "" },
    [JWT_TYPE] = { "claim-type", "is empty, of a wrong type, or holds control characters" },
    [JWT_NO_ALG] = { "algorithm", "is missing, or no text" },
    [JWT_UNSIGNED] = { "unsigned", "says that nobody signed it" },
    [JWT_ALG] = { "algorithm", "names an algorithm that is not taken from this issuer" },
    [JWT_SIGNATURE_SIZE] = { "signature-size", "has not the size of such a signature" },
    [JWT_CRITICAL] = { "critical", "names extensions that must be understood and are not" },
    [JWT_EMBEDDED_KEY] = { "embedded-key", "brings or names the key itself" },
    [JWT_NESTED] = { "nested", "says that the payload is not plain claims" },
    [JWT_TYP] = { "typ", "is not that of an access token: RFC 9068 wants at+jwt" },
    [JWT_KIND] = { "token-kind", "shows that it is no access token" },
    [JWT_MISSING] = { "claim-missing", "is missing" },
    [JWT_ISSUER] = { "issuer", "is not the issuer of the policy" },
    [JWT_AUDIENCE] = { "audience", "names none of the audiences of the policy" },
    [JWT_EXPIRED] = { "expired", "is past" },
    [JWT_NOT_YET] = { "not-yet-valid", "is still to come" },
    [JWT_FUTURE] = { "issued-later", "is still to come: do the clocks agree?" },
};

static const struct verdict_row *row_of(enum jwt_verdict verdict)
{
    return &rows[verdict >= JWT_GOOD && verdict < JWT_VERDICTS ? verdict : JWT_NO_JWT];
}

const char *jwt_reason(enum jwt_verdict verdict)
{
    return row_of(verdict)->reason;
}

void jwt_sentence(const struct jwt_finding *finding, char ret_text[JWT_SENTENCE_SIZE])
{
    const char *sentence = finding->verdict == JWT_JSON ? json_verdict_text(finding->json)
                                                        : row_of(finding->verdict)->sentence;

    if (strcmp(finding->name, "token") == 0)
        (void)snprintf(ret_text, JWT_SENTENCE_SIZE, "the token %s", sentence);
    else
        (void)snprintf(ret_text, JWT_SENTENCE_SIZE, "the token's \"%s\" %s", finding->name,
                       sentence);
}

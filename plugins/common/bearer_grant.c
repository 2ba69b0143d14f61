/* SPDX-License-Identifier: MIT */
/* Who it was: the principal that a token's claims make. Judges nothing. */
#include "bearer_inner.h"
#include "hint.h"

#include <stdio.h>

enum { CNF_SIZE = 160 };

/* ---- a person or a machine ---------------------------------------------------------------------- */

struct sign {
    struct paa_str claim;
    struct paa_str value; /* how it begins */
};

/* What issuers say of tokens that nobody stands behind, where RFC 9068 has no word for it: Auth0, Okta, Entra. */
static const struct sign machine_signs[] = {
    { { "gty", 3 }, { "client-credentials", 18 } },
    { { "gty", 3 }, { "client_credentials", 18 } },
    { { "grant_type", 10 }, { "client_credentials", 18 } },
    { { "idtyp", 5 }, { "app", 3 } },
};

static bool has_machine_sign(const struct json_tree *tree)
{
    for (size_t i = 0; i < sizeof machine_signs / sizeof machine_signs[0]; i++)
        if (str_starts(json_member_str(tree, 0, machine_signs[i].claim), machine_signs[i].value))
            return true;
    return false;
}

static struct paa_str client_of(const struct jwt *jwt)
{
    return jwt->texts[JWT_T_CLIENT_ID].data != NULL ? jwt->texts[JWT_T_CLIENT_ID]
                                                    : jwt->texts[JWT_T_AZP];
}

/* Keycloak's name for the machine of a client. People may choose their names: another client's counts for nothing. */
static bool is_service_account(struct paa_str name, struct paa_str client)
{
    struct paa_str prefix = STR("service-account-");

    return client.size > 0 && str_starts(name, prefix) &&
           str_eq(str_slice(name, prefix.size, name.size), client);
}

static bool has_user_sign(const struct jwt *jwt)
{
    struct paa_str client = client_of(jwt);
    struct paa_str name = json_member_str(&jwt->payload, 0, STR("username")); /* RFC 7662 2.2 */

    return (jwt->times & 1u << JWT_AUTH_TIME) != 0 || jwt->texts[JWT_T_AMR].data != NULL ||
           jwt->texts[JWT_T_SID].data != NULL ||
           (name.size > 0 && !str_eq(name, client) && !is_service_account(name, client));
}

/* By RFC 9068 2.2 and 5 the subject of a machine's token is the client. Of other tokens a subject alone says nothing: some
 * issuers give machines one of their own. Where nothing tells, or signs tell both, nothing is told. */
uint32_t bearer_kind_of(const struct jwt *jwt)
{
    struct paa_str subject = jwt->texts[JWT_T_SUB], client = client_of(jwt);
    struct paa_str name = json_member_str(&jwt->payload, 0, STR("preferred_username"));
    bool is_machine = has_machine_sign(&jwt->payload) || is_service_account(name, client) ||
                      subject.data == NULL || str_eq(subject, client);
    bool is_user = has_user_sign(jwt);

    if (is_machine)
        return is_user ? 0 : PAA_PRINCIPAL_MACHINE;
    return is_user || (jwt->typ == JWT_TYP_ACCESS && client.data != NULL) ? PAA_PRINCIPAL_USER : 0;
}

/* ---- the principal ------------------------------------------------------------------------------ */

static bool has_cnf(const struct jwt *jwt)
{
    return jwt->texts[JWT_T_JKT].data != NULL || jwt->texts[JWT_T_X5T_S256].data != NULL;
}

/* What was checked, as JSON. Both are base64url: nothing to escape. */
static struct paa_str cnf_of(const struct jwt *jwt, char *text)
{
    struct paa_str jkt = jwt->texts[JWT_T_JKT], x5t = jwt->texts[JWT_T_X5T_S256];
    int size;

    if (jkt.data != NULL && x5t.data != NULL)
        size = snprintf(text, CNF_SIZE, "{\"jkt\":\"%.*s\",\"x5t#S256\":\"%.*s\"}", STR_ARGS(jkt),
                        STR_ARGS(x5t));
    else if (jkt.data != NULL)
        size = snprintf(text, CNF_SIZE, "{\"jkt\":\"%.*s\"}", STR_ARGS(jkt));
    else
        size = snprintf(text, CNF_SIZE, "{\"x5t#S256\":\"%.*s\"}", STR_ARGS(x5t));
    return paa_str_of_n(text, (size_t)size);
}

/* The claims are a memo's object or memory of the operation, the rest is the instance's: nothing need be copied. */
enum paa_result bearer_grant(struct paa_op *op, const struct bearer_state *state)
{
    const struct jwt *jwt = &state->claims->jwt;
    bool is_bound = UNLIKELY(has_cnf(jwt));
    char *cnf = is_bound ? (char *)op->host->alloc(op, CNF_SIZE) : NULL;
    struct paa_principal who;

    if (is_bound && cnf == NULL)
        return paa_fail(op, PAA_FAULT, "memory",
                        "no memory is left to say what the token is bound to");
    paa_init(&who, sizeof who);
    who.flags = state->claims->kind | (uint32_t)PAA_PRINCIPAL_UNCOPIED;
    who.subject = jwt->texts[JWT_T_SUB];
    who.issuer = state->issuer->rules.issuer;
    who.client_id = client_of(jwt);
    if (who.subject.data == NULL && state->claims->kind == PAA_PRINCIPAL_MACHINE)
        who.subject = who.client_id; /* RFC 9068 2.2 */
    who.scope = jwt->texts[JWT_T_SCOPE];
    who.methods = state->methods;
    if (is_bound)
        who.cnf = cnf_of(jwt, cnf);
    who.claims = state->claims->json;
    if ((jwt->times & 1u << JWT_EXP) != 0)
        who.expires_at_s = jwt->times_s[JWT_EXP];
    if ((jwt->times & 1u << JWT_AUTH_TIME) != 0)
        who.auth_time_s = jwt->times_s[JWT_AUTH_TIME];
    op->host->outcome->principal(op, &who);
    return PAA_ACCEPT;
}

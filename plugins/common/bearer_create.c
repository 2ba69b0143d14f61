/* SPDX-License-Identifier: MIT */
/*
 * From options to what is verified: issuers, each with its tenants, and the memos and tables that an instance needs.
 * What cannot be right is refused here, with the option's name.
 */
#include "bearer_inner.h"
#include "made_keys.h"

#include "oauth_metadata.h"

#include <stdlib.h>

#define TENANT_HOLE "{tenant}"

enum { MIB = 1024 * 1024, NAME_SIZE = 24 };

static enum paa_status refuse(struct paa_op *op, const struct paa_options *options,
                              const char *name, const char *sentence)
{
    return op->host->options->refuse(options, name, paa_str_of(sentence));
}

/* ---- one issuer --------------------------------------------------------------------------------- */

static enum paa_status read_audiences(struct paa_op *op, const struct paa_options *options,
                                      bool takes_none, struct bearer_issuer *issuer)
{
    const struct paa_host_options *host = op->host->options;
    size_t count = host->count(options, "audience");

    if (count == 0 && takes_none)
        return PAA_STATUS_OK;
    if (count == 0)
        return refuse(op, options, "issuer",
                      "without an audience, tokens for every other service of the issuer would be "
                      "taken: say audience = \"…\", or \"any\" if that is meant");
    if (count > BEARER_AUDIENCES_MAX)
        return refuse(op, options, "audience", "there are more than 16");
    for (size_t i = 0; i < count; i++)
        issuer->audiences[i] = host->string(options, "audience", i);
    issuer->rules.audience_count = count;
    if (count == 1 && paa_str_eq(issuer->audiences[0], "any")) {
        issuer->rules.any_audience = true;
        return host->warn(options, "audience",
                          paa_str_of("tokens that the issuer made for any other service are taken: "
                                     "whoever gets one there can use it here"));
    }
    for (size_t i = 0; i < count; i++) {
        if (issuer->audiences[i].size == 0)
            return refuse(op, options, "audience",
                          "it is empty: say whom tokens must be for, or \"any\"");
        if (paa_str_eq(issuer->audiences[i], "any"))
            return refuse(op, options, "audience",
                          "\"any\" takes everybody's tokens: keep it, or the others");
    }
    return PAA_STATUS_OK;
}

static enum paa_status read_algs(struct paa_op *op, const struct paa_options *options,
                                 struct bearer_issuer *issuer)
{
    const struct paa_host_options *host = op->host->options;
    size_t count = host->count(options, "algorithms");
    bool has_secret = host->count(options, "secret") > 0;
    uint32_t possible = has_secret ? ALGS_SECRET : ALGS_PUBLIC;

    issuer->algs = count == 0 ? possible : 0;
    for (size_t i = 0; i < count; i++)
        issuer->algs |= ALG_BIT(alg_of(host->string(options, "algorithms", i)));
    if ((issuer->algs & ~possible) == 0)
        return PAA_STATUS_OK;
    return refuse(op, options, "algorithms",
                  has_secret ? "a secret verifies HS256, HS384 and HS512 only"
                             : "HS256 and its kin are verified with a secret only: a public key is "
                               "no secret");
}

/* An issuer whose keys are here, or that names where they are, is a name only. */
static enum paa_status check_source(struct paa_op *op, const struct paa_options *options)
{
    const struct paa_host_options *host = op->host->options;
    size_t uris = host->count(options, "jwks_uri");
    size_t places = uris + host->count(options, "jwks_file") + host->count(options, "secret");
    struct paa_str issuer = host->string(options, "issuer", 0);

    if (places > 1)
        return refuse(op, options, "jwks_uri",
                      "keys come from one place: keep one of jwks_uri, jwks_file and secret");
    if (uris > 0 && !oauth_url_reachable(host->string(options, "jwks_uri", 0), false))
        return refuse(op, options, "jwks_uri", OAUTH_NEEDS_HTTPS);
    if (places == 0 && issuer.data != NULL && !oauth_url_reachable(issuer, true))
        return refuse(op, options, "issuer", OAUTH_NEEDS_HTTPS);
    return PAA_STATUS_OK;
}

/* A memo of its own for each file or secret; its name is the number of what it is for. */
static enum paa_status open_own_keys(struct paa_op *op, const struct paa_options *options,
                                     size_t number, struct bearer_issuer *issuer)
{
    const struct paa_source *file = op->host->options->source(options, "jwks_file", 0);
    const struct paa_source *secret = op->host->options->source(options, "secret", 0);
    struct paa_memo_def def;
    char name[NAME_SIZE];

    if (file == NULL && secret == NULL)
        return PAA_STATUS_OK;
    (void)snprintf(name, sizeof name, "own-keys-%zu", number);
    bearer_own_keys_memo(name, file != NULL ? file : secret, file == NULL, &def);
    return op->host->memo->open(op, &def, &issuer->own);
}

/* All of one group but its name. */
static enum paa_status read_issuer(struct paa_op *op, const struct paa_options *options,
                                   size_t number, bool takes_none, struct bearer_issuer *issuer)
{
    const struct paa_host_options *host = op->host->options;
    enum paa_status status;

    memset(issuer, 0, sizeof *issuer);
    issuer->jwks_uri = host->string(options, "jwks_uri", 0);
    issuer->tls = host->tls(options, "tls", 0);
    issuer->outage_s = host->number(options, "outage", 0) / 1000;
    issuer->rules.leeway_s = host->number(options, "leeway", 0) / 1000;
    issuer->rules.profile = host->number(options, "profile", 0) == 1 ? JWT_LEGACY : JWT_RFC9068;
    status = check_source(op, options);
    if (status == PAA_STATUS_OK)
        status = read_audiences(op, options, takes_none, issuer);
    if (status == PAA_STATUS_OK)
        status = read_algs(op, options, issuer);
    if (status == PAA_STATUS_OK)
        status = bearer_check_keys(op, options);
    if (status == PAA_STATUS_OK)
        status = open_own_keys(op, options, number, issuer);
    return status;
}

/* ---- names and tenants -------------------------------------------------------------------------- */

/* Letters, digits, "-", "." and "_": it stands in a URL as it is, and leads nowhere else in it. */
static bool is_tenant(struct paa_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = char_lower(text.data[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && strchr("-._", c) == NULL)
            return false;
    }
    return text.size > 0 && text.data[0] != '.';
}

/* NUL-terminated, malloc'ed; absent: no memory. */
static struct paa_str fill_hole(struct paa_str pattern, size_t hole, struct paa_str tenant)
{
    struct paa_str tail = str_slice(pattern, hole + strlen(TENANT_HOLE), pattern.size);
    size_t size = hole + tenant.size + tail.size;
    char *text = (char *)malloc(size + 1);

    if (text == NULL)
        return STR_NONE;
    memcpy(text, pattern.data, hole);
    memcpy(text + hole, tenant.data, tenant.size);
    memcpy(text + hole + tenant.size, tail.data, tail.size);
    text[size] = '\0';
    return paa_str_of_n(text, size);
}

/* The policy's own text, cut; without control characters, or it would be no URL and no tenant. */
static enum paa_status refuse_double(struct paa_op *op, const struct paa_options *options,
                                     struct paa_str name, struct paa_str tenant)
{
    enum { SHOWN_MAX = 200 };
    bool has_tenant = tenant.data != NULL;
    struct paa_str shown = str_slice(has_tenant ? tenant : name, 0, SHOWN_MAX);
    char sentence[SHOWN_MAX + 80];

    (void)snprintf(sentence, sizeof sentence,
                   has_tenant ? "with \"%.*s\" the same issuer is there twice: remove one"
                              : "\"%.*s\" is there twice: remove one",
                   STR_ARGS(shown));
    return refuse(op, options, has_tenant ? "tenants" : "issuer", sentence);
}

/* tenant: what made the name of a template; absent: the policy has the name itself. */
static enum paa_status add(struct paa_op *op, const struct paa_options *options,
                           struct bearer *bearer, const struct bearer_issuer *like,
                           struct paa_str name, struct paa_str tenant)
{
    struct bearer_issuer *issuer;
    enum paa_status status;

    if (name.data == NULL)
        return PAA_STATUS_UNAVAILABLE;
    if (bearer->issuer_count == BEARER_ISSUERS_MAX) {
        free((void *)(uintptr_t)name.data);
        return refuse(op, options, "issuer", "there are more than 1024 issuers, tenants included");
    }
    for (size_t i = 0; i < bearer->issuer_count; i++)
        if (str_eq(bearer->issuers[i].rules.issuer, name)) {
            status = refuse_double(op, options, name, tenant);
            free((void *)(uintptr_t)name.data);
            return status;
        }
    issuer = &bearer->issuers[bearer->issuer_count++];
    *issuer = *like;
    issuer->rules.issuer = name;
    issuer->rules.audiences = issuer->audiences;
    bearer->algs |= issuer->algs;
    return PAA_STATUS_OK;
}

/* The first place of {tenant} at or after from; pattern.size: there is none. */
static size_t find_hole(struct paa_str pattern, size_t from)
{
    while (from < pattern.size &&
           !str_starts(str_slice(pattern, from, pattern.size), STR(TENANT_HOLE)))
        from++;
    return from;
}

static enum paa_status add_tenants(struct paa_op *op, const struct paa_options *options,
                                   struct bearer *bearer, const struct bearer_issuer *like,
                                   struct paa_str pattern)
{
    const struct paa_host_options *host = op->host->options;
    size_t hole = find_hole(pattern, 0), count = host->count(options, "tenants");
    enum paa_status status = PAA_STATUS_OK;

    if (hole == pattern.size || !oauth_url_valid(str_slice(pattern, 0, hole), true))
        return refuse(op, options, "issuer_template",
                      "it is no URL with {tenant} in its path, such as "
                      "\"https://login.example.com/{tenant}/v2.0\"");
    if (find_hole(pattern, hole + 1) < pattern.size)
        return refuse(op, options, "issuer_template",
                      "{tenant} stands in it twice: issuers may differ in one place only");
    if (count == 0 || count > BEARER_TENANTS_MAX)
        return refuse(op, options, "issuer_template", "it needs tenants, 1 to 256 of them");
    for (size_t i = 0; i < count && status == PAA_STATUS_OK; i++) {
        struct paa_str tenant = host->string(options, "tenants", i);

        if (!is_tenant(tenant))
            return refuse(op, options, "tenants",
                          "a tenant is made of letters, digits, \"-\", \".\" and \"_\"");
        status = add(op, options, bearer, like, fill_hole(pattern, hole, tenant), tenant);
    }
    return status;
}

static struct paa_str copy_of(struct paa_str text)
{
    char *copy = (char *)malloc(text.size + 1);

    if (copy == NULL)
        return STR_NONE;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return paa_str_of_n(copy, text.size);
}

static enum paa_status add_group(struct paa_op *op, const struct paa_options *options,
                                 size_t number, struct bearer *bearer)
{
    struct paa_str name = op->host->options->string(options, "issuer", 0);
    struct paa_str pattern = op->host->options->string(options, "issuer_template", 0);
    struct bearer_issuer like;
    enum paa_status status;

    if (name.data != NULL && pattern.data != NULL)
        return refuse(op, options, "issuer_template",
                      "it stands in place of issuer: keep one of them");
    if (name.data == NULL && pattern.data == NULL)
        return refuse(
            op, options, NULL,
            "it needs one of issuer, issuer_template and issuers: whose tokens are taken");
    if (pattern.data == NULL && op->host->options->count(options, "tenants") > 0)
        return refuse(op, options, "tenants", "they go with issuer_template");
    status = read_issuer(op, options, number, bearer->takes_none, &like);
    if (status != PAA_STATUS_OK)
        return status;
    like.is_tenant = pattern.data != NULL;
    return pattern.data != NULL ? add_tenants(op, options, bearer, &like, pattern)
                                : add(op, options, bearer, &like, copy_of(name), STR_NONE);
}

static enum paa_status read_issuers(struct paa_op *op, struct bearer *bearer)
{
    const struct paa_host_options *host = op->host->options;
    size_t count = host->count(op->options, "issuers");
    enum paa_status status = PAA_STATUS_OK;

    bearer->issuers = (struct bearer_issuer *)calloc(BEARER_ISSUERS_MAX, sizeof *bearer->issuers);
    if (bearer->issuers == NULL)
        return PAA_STATUS_UNAVAILABLE;
    if (count == 0)
        return add_group(op, op->options, 0, bearer);
    if (host->count(op->options, "issuer") + host->count(op->options, "issuer_template") > 0)
        return refuse(op, op->options, "issuers", "it stands in place of issuer: keep one of them");
    for (size_t i = 0; i < count && status == PAA_STATUS_OK; i++)
        status = add_group(op, host->group(op->options, "issuers", i), i, bearer);
    return status;
}

/* ---- the rest ----------------------------------------------------------------------------------- */

static enum paa_status read_introspection(struct paa_op *op, struct bearer *bearer)
{
    enum paa_status status;

    if (bearer->token == BEARER_JWT)
        return PAA_STATUS_OK;
    if (bearer->introspection_endpoint.data != NULL &&
        !oauth_url_reachable(bearer->introspection_endpoint, false))
        return refuse(op, op->options, "introspection_endpoint", OAUTH_NEEDS_HTTPS);
    if (bearer->issuer_count != 1)
        return refuse(op, op->options, "token",
                      "an opaque token does not say whose it is: give each issuer that is asked an "
                      "instance of its own, and put them in a group");
    status = oauth_client_create(op, true, &bearer->client);
    if (status == PAA_STATUS_OK && oauth_client_shows_certificate(&bearer->client))
        status = oauth_client_check_shown(op, &bearer->client, "introspection_endpoint");
    return status;
}

static enum paa_status open_memos(struct paa_op *op, struct bearer *bearer)
{
    const struct paa_host_memo *memo = op->host->memo;
    struct paa_memo_def def;
    enum paa_status status;

    paa_init(&def, sizeof def);
    def.name = "seen";
    def.release = bearer_seen_release;
    def.max_bytes = (uint64_t)op->host->options->number(op->options, "remembered_mib", 0) * MIB;
    status = memo->open(op, &def, &bearer->seen);
    bearer_keys_memo(&def);
    if (status == PAA_STATUS_OK)
        status = memo->open(op, &def, &bearer->keys);
    bearer_metadata_memo(&def);
    if (status == PAA_STATUS_OK)
        status = memo->open(op, &def, &bearer->metadata);
    bearer_verdicts_memo(&def);
    if (status == PAA_STATUS_OK && bearer->token != BEARER_JWT)
        status = memo->open(op, &def, &bearer->verdicts);
    return status;
}

static enum paa_status open_places(struct paa_op *op, struct bearer *bearer)
{
    const struct paa_host_options *host = op->host->options;
    enum paa_status status;

    if (bearer->takes_none)
        return PAA_STATUS_OK;
    status = host->reads(op->options, PAA_PLACE_HEADER, STR("Authorization"));
    if (status != PAA_STATUS_OK || bearer->dpop == BEARER_DPOP_OFF)
        return status;
    status = host->reads(op->options, PAA_PLACE_HEADER, STR("DPoP"));
    if (status == PAA_STATUS_OK)
        status = op->host->store->open(op, "dpop-proofs", 0, &bearer->proofs);
    return status;
}

enum paa_status bearer_create(struct paa_op *op, struct bearer *bearer)
{
    const struct paa_host_options *host = op->host->options;
    enum paa_status status;

    if ((op->flags & PAA_OP_USED_OUTGOING) != 0 && (op->flags & PAA_OP_USED_INCOMING) == 0)
        return PAA_STATUS_OK;
    bearer->token = (enum bearer_token)host->number(op->options, "token", 0);
    bearer->kind = (enum bearer_kind)host->number(op->options, "kind", 0);
    bearer->dpop = (enum bearer_dpop)host->number(op->options, "dpop", 0);
    bearer->wants_nonce = host->number(op->options, "dpop_nonce", 0) != 0;
    bearer->wants_certificate = host->number(op->options, "certificate_bound", 0) != 0;
    bearer->introspection_endpoint = paa_option_string(op, "introspection_endpoint");
    bearer->introspection_lifetime_s =
        host->count(op->options, "introspection_lifetime") > 0
            ? host->number(op->options, "introspection_lifetime", 0) / 1000
            : BEARER_INTROSPECTION_LIFETIME_S;
    if (bearer->wants_nonce && bearer->dpop == BEARER_DPOP_OFF)
        return refuse(op, op->options, "dpop_nonce",
                      "it goes with dpop = \"optional\" or \"required\"");
    if (!bearer->wants_nonce && host->count(op->options, BEARER_NONCE_KEY) > 0)
        return refuse(op, op->options, BEARER_NONCE_KEY, "it goes with dpop_nonce = true");
    status = made_keys_check(op, BEARER_NONCE_KEY);
    if (status == PAA_STATUS_OK)
        status = read_issuers(op, bearer);
    if (status == PAA_STATUS_OK)
        status = read_introspection(op, bearer);
    if (status == PAA_STATUS_OK)
        status = open_memos(op, bearer);
    return status == PAA_STATUS_OK ? open_places(op, bearer) : status;
}

void bearer_destroy(struct bearer *bearer)
{
    for (size_t i = 0; i < bearer->issuer_count; i++)
        free((void *)(uintptr_t)bearer->issuers[i].rules.issuer.data);
    free(bearer->issuers);
}

void bearer_lane_done(struct bearer_lane *lane)
{
    jws_lane_done(&lane->jws);
}

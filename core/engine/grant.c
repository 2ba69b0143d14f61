/* SPDX-License-Identifier: MIT */
/*
 * What an accepted walk is worth: whose statements carried it, which of them is the primary one, whether
 * `require` is met, whether they contradict each other. Principals are never merged.
 */
#include "engine.h"
#include "fields.h"
#include "hint.h"
#include "str.h"

static int32_t instance_index(const struct paa_txn *txn, const struct identity *identity)
{
    return txn->program->sites[identity->site].instance;
}

static bool contributes(const struct paa_txn *txn, uint16_t site)
{
    return txn->results[site] == 0 && chain_granted(&txn->chain, txn->program->sites[site].step);
}

/* Of two contributors the one whose instance the rule's `identity` names earlier; else the earlier step. */
static size_t preference(const struct paa_txn *txn, const struct identity *identity)
{
    const struct rule_conf *conf = txn->rule->conf;

    for (size_t i = 0; i < conf->identity_count; i++)
        if (conf->identity[i] == instance_index(txn, identity))
            return i;
    return conf->identity_count;
}

static bool collect(struct paa_txn *txn)
{
    uint32_t count = 0;

    for (const struct identity *i = txn->identities; i != NULL; i = i->next)
        count += contributes(txn, i->site);
    if (count == 0)
        return true;
    txn->contributors = arena_alloc(&txn->arena, count * sizeof *txn->contributors);
    if (txn->contributors == NULL)
        return false;
    for (const struct identity *i = txn->identities; i != NULL; i = i->next) {
        uint32_t at = txn->contributor_count;

        if (!contributes(txn, i->site))
            continue;
        txn->contributors[txn->contributor_count++] = i;
        if (UNLIKELY(at > 0) && preference(txn, i) < preference(txn, txn->contributors[0])) {
            memmove(&txn->contributors[1], &txn->contributors[0], at * sizeof *txn->contributors);
            txn->contributors[0] = i;
        }
    }
    return true;
}

const struct identity *grant_primary(const struct paa_txn *txn)
{
    return txn->contributor_count > 0 ? txn->contributors[0] : NULL;
}

bool grant_is_token(const struct paa_txn *txn)
{
    const struct identity *primary = grant_primary(txn);
    struct paa_str methods = primary != NULL ? primary->principal.methods : STR_NONE;

    return str_has_word(methods, STR("jwt")) || str_has_word(methods, STR("bearer")) ||
           str_has_word(methods, STR("dpop"));
}

static enum require_verdict unmet(struct paa_txn *txn, enum require_verdict verdict,
                                  const char *reason, const char *sentence)
{
    txn->reason = reason;
    txn->sentence = sentence != NULL ? sentence : "a requirement of the rule is not met";
    return verdict;
}

/* ---- require ----------------------------------------------------------------------------------- */

static bool is_one_of(const struct paa_str *allowed, size_t count, struct paa_str value)
{
    bool is_found = count == 0;

    for (size_t i = 0; i < count && !is_found; i++)
        is_found = value.data != NULL && str_eq(allowed[i], value);
    return is_found;
}

static const struct paa_str *missing_word(const struct paa_str *words, size_t count,
                                          struct paa_str list)
{
    for (size_t i = 0; i < count; i++)
        if (!str_has_word(list, words[i]))
            return &words[i];
    return NULL;
}

static bool is_recent(const struct paa_txn *txn, const struct require_conf *require,
                      const struct paa_principal *who)
{
    int64_t now_s = clock_now_s(&txn->lane->context->services.clock);

    return require->max_age_ms == 0 ||
           (who->auth_time_s > 0 && now_s >= 0 &&
            now_s - who->auth_time_s <= (require->max_age_ms + 999) / 1000);
}

static enum require_verdict judge_one(struct paa_txn *txn, const struct require_conf *require,
                                      const struct paa_principal *who)
{
    struct arena *arena = &txn->arena;
    const struct paa_str *missing;

    if (who == NULL)
        return unmet(txn, REQUIRE_OTHER, "no-principal",
                     "the rule requires something of a principal, and no step named one");
    if (!is_one_of(require->subject, require->subject_count, who->subject) ||
        !is_one_of(require->issuer, require->issuer_count, who->issuer) ||
        !is_one_of(require->client_id, require->client_id_count, who->client_id))
        return unmet(
            txn, REQUIRE_OTHER, "not-allowed",
            arena_printf(arena, "%s:%u: `require` does not name this subject, issuer or client_id",
                         require->where.file, require->where.line));
    if (require->kind != 0 && (who->flags & require->kind) == 0)
        return unmet(txn, REQUIRE_OTHER, "kind",
                     arena_printf(arena,
                                  "%s:%u: `require` asks for a %s, and no step says that it is one",
                                  require->where.file, require->where.line,
                                  require->kind == PAA_PRINCIPAL_USER ? "user" : "machine"));
    missing = missing_word(require->amr, require->amr_count, who->methods);
    if (missing != NULL || !is_recent(txn, require, who))
        return unmet(txn, REQUIRE_AUTHENTICATION, PAA_REASON_INSUFFICIENT_USER_AUTHENTICATION,
                     arena_printf(arena, "%s:%u: `require` asks for another or a more recent login",
                                  require->where.file, require->where.line));
    missing = missing_word(require->scope, require->scope_count, who->scope);
    if (missing != NULL)
        return unmet(txn, REQUIRE_SCOPE, PAA_REASON_INSUFFICIENT_SCOPE,
                     arena_printf(arena,
                                  "%s:%u: the scope \"%.*s\" is required and was not granted",
                                  require->where.file, require->where.line, STR_ARGS(*missing)));
    return REQUIRE_MET;
}

static const struct paa_principal *principal_of(const struct paa_txn *txn, int32_t instance)
{
    for (uint32_t i = 0; i < txn->contributor_count; i++)
        if (instance_index(txn, txn->contributors[i]) == instance)
            return &txn->contributors[i]->principal;
    return NULL;
}

static enum require_verdict judge_require(struct paa_txn *txn, const struct require_conf *require)
{
    const struct identity *primary = grant_primary(txn);
    enum require_verdict verdict =
        judge_one(txn, require, primary != NULL ? &primary->principal : NULL);

    for (size_t i = 0; i < require->of_count && verdict == REQUIRE_MET; i++)
        verdict =
            judge_one(txn, &require->of[i].require, principal_of(txn, require->of[i].instance));
    return verdict;
}

/* ---- contradictions ---------------------------------------------------------------------------- */

static bool differ(struct paa_str a, struct paa_str b)
{
    return a.data != NULL && b.data != NULL && !str_eq(a, b);
}

static bool contradict(const struct paa_principal *a, const struct paa_principal *b, uint32_t same)
{
    if (str_eq(a->issuer, b->issuer) &&
        (differ(a->subject, b->subject) || differ(a->client_id, b->client_id)))
        return true;
    return ((same & SAME_SUBJECT) != 0 && !str_eq(a->subject, b->subject)) ||
           ((same & SAME_CLIENT_ID) != 0 && !str_eq(a->client_id, b->client_id)) ||
           ((same & SAME_ISSUER) != 0 && !str_eq(a->issuer, b->issuer));
}

static bool has_conflict(const struct paa_txn *txn)
{
    for (uint32_t i = 0; i < txn->contributor_count; i++)
        for (uint32_t k = i + 1; k < txn->contributor_count; k++)
            if (contradict(&txn->contributors[i]->principal, &txn->contributors[k]->principal,
                           txn->rule->conf->same))
                return true;
    return false;
}

static bool has_cookie(const struct paa_txn *txn, struct paa_str name)
{
    return cookie_find(request_header(txn, STR("cookie"), 0), name, 0).data != NULL;
}

/* No browser has a certificate of a machine; gateways that do pass on what browsers say. */
static bool is_of_machine(const struct paa_txn *txn, uint16_t site)
{
    for (uint32_t i = 0; i < txn->contributor_count; i++)
        if (txn->contributors[i]->site == site)
            return (txn->contributors[i]->principal.flags & PAA_PRINCIPAL_MACHINE) != 0;
    return false;
}

static bool is_shown_unasked(const struct paa_txn *txn, uint16_t site, const struct reads *reads)
{
    if (reads->place == PAA_PLACE_CONNECTION)
        return !is_of_machine(txn, site);
    return reads->place == PAA_PLACE_COOKIE && has_cookie(txn, reads->name);
}

/* Did a credential carry the walk that browsers add by themselves? An instance that reads cookies and fields may have
 * been shown a field alone. */
static bool is_ambient(const struct paa_txn *txn)
{
    for (uint16_t site = 0; site < txn->program->site_count; site++) {
        int32_t index = txn->program->sites[site].instance;
        const struct instance *instance;

        if (index < 0 || !contributes(txn, site))
            continue;
        instance = &txn->generation->generation->instances[index];
        for (uint32_t i = 0; i < instance->read_count; i++)
            if (is_shown_unasked(txn, site, &instance->reads[i]))
                return true;
    }
    return false;
}

enum require_verdict grant_judge(struct paa_txn *txn)
{
    if (LIKELY(txn->identities != NULL) && UNLIKELY(!collect(txn)))
        return unmet(txn, REQUIRE_OTHER, "memory", "no memory is left for the principals");
    if (UNLIKELY(txn->contributor_count > 1) && has_conflict(txn))
        return unmet(txn, REQUIRE_CONFLICT, "conflict",
                     "two steps that contributed name different principals");
    if (UNLIKELY(txn->rule->may_be_ambient) && txn->handle->direction == PAA_INCOMING &&
        is_ambient(txn) && request_is_cross_site(txn))
        return unmet(
            txn, REQUIRE_CROSS_SITE, "cross-site",
            "an unsafe method from another site with a credential that browsers add by themselves");
    if (txn->rule->conf->require != NULL)
        return judge_require(txn, txn->rule->conf->require);
    return REQUIRE_MET;
}

/* SPDX-License-Identifier: MIT */
/* One rule: which requests, which chain, and who it must have been. */
#include "fields.h"
#include "near.h"
#include "reader.h"
#include "str.h"

const char *const rule_members[] = { "path",     "host",    "methods", "preflight", "chain",
                                     "identity", "require", "same",    "forward" };
const size_t rule_member_count = sizeof rule_members / sizeof rule_members[0];

/* RFC 9110 9.3, RFC 5789, RFC 4918, RFC 3253, RFC 5323 and the IANA registry's QUERY. */
static const char *const known_methods[] = { "GET",     "HEAD",     "POST",      "PUT",   "DELETE",
                                             "CONNECT", "OPTIONS",  "TRACE",     "PATCH", "COPY",
                                             "LOCK",    "PROPFIND", "PROPPATCH", "MKCOL", "MOVE",
                                             "UNLOCK",  "REPORT",   "SEARCH",    "QUERY" };

enum { KNOWN_METHODS = sizeof known_methods / sizeof known_methods[0], METHOD_SIZE_MAX = 32 };

static void read_path(struct reader *reader, const struct node *node, struct rule_conf *rule)
{
    char shown[HINT_MAX], shown_better[HINT_MAX];
    struct paa_str better = STR_NONE;
    const char *wrong;

    if (!expect_string(&reader->expect, node, &rule->path))
        return;
    wrong = pattern_check(rule->path, reader->expect.arena, &better);
    if (wrong == NULL)
        return;
    expect_shown(rule->path, shown);
    if (better.data != NULL)
        diag_error(reader->expect.diag, node->where, "%s is not in normal form (%s): write %s",
                   shown, wrong, expect_shown(better, shown_better));
    else
        diag_error(reader->expect.diag, node->where, "%s is no path pattern: %s", shown, wrong);
}

/* "host:port", but not "[v6]". */
static bool has_port(struct paa_str text)
{
    return text.data[text.size - 1] != ']' && str_find(text, ':', 0) < text.size;
}

static void read_host(struct reader *reader, const struct node *node, struct rule_conf *rule)
{
    char shown[HINT_MAX];
    struct origin origin;
    struct paa_str text;
    const char *wrong;

    if (!expect_string(&reader->expect, node, &text))
        return;
    wrong = authority_parse(text, true, reader->expect.arena, &origin);
    if (wrong == NULL && has_port(text))
        wrong = "a rule matches the host alone, so leave the port out";
    if (wrong == NULL) {
        rule->host = arena_str(reader->expect.arena, origin.host);
        return;
    }
    diag_error(reader->expect.diag, node->where, "%s is no host: %s", expect_shown(text, shown),
               wrong);
}

/* Methods compare with case (RFC 9110 9.1): "get" is not GET. */
static void check_method(struct reader *reader, const struct node *node, struct paa_str method)
{
    char upper[METHOD_SIZE_MAX + 1], hint[HINT_MAX], shown[HINT_MAX];

    expect_shown(method, shown);
    if (!is_token(method)) {
        diag_error(reader->expect.diag, node->where,
                   "%s is no method: a method is one word such as \"GET\"", shown);
        return;
    }
    for (size_t i = 0; i < KNOWN_METHODS; i++)
        if (paa_str_eq(method, known_methods[i]))
            return;
    hint[0] = '\0';
    if (method.size <= METHOD_SIZE_MAX) {
        for (size_t i = 0; i < method.size; i++) {
            char c = method.data[i];

            upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
        }
        upper[method.size] = '\0';
        expect_hint(&reader->expect, upper, known_methods, KNOWN_METHODS, hint);
    }
    diag_warn(reader->expect.diag, node->where, "%s is not a well-known method%s", shown, hint);
}

static void read_methods(struct reader *reader, const struct node *group, struct rule_conf *rule)
{
    const struct node *methods = node_member(group, "methods");
    const struct node *preflight = node_member(group, "preflight");

    if (methods != NULL &&
        expect_strings(&reader->expect, methods, &rule->methods, &rule->method_count))
        for (size_t i = 0; i < rule->method_count; i++)
            check_method(reader, methods->child_count > 0 ? &methods->children[i] : methods,
                         rule->methods[i]);
    if (preflight != NULL)
        (void)expect_boolean(&reader->expect, preflight, &rule->preflight);
    if (rule->preflight && methods != NULL)
        diag_error(
            reader->expect.diag, preflight->where,
            "\"preflight\" and \"methods\" exclude each other: a preflight is always OPTIONS");
}

static void read_same(struct reader *reader, const struct node *node, struct rule_conf *rule)
{
    static const char *const words[] = { "subject", "client_id", "issuer" }; /* as SAME_… */
    const struct paa_str *strings;
    size_t count;

    if (!expect_strings(&reader->expect, node, &strings, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        char hint[HINT_MAX], shown[HINT_MAX];
        uint32_t bit = 0;

        for (uint32_t k = 0; k < 3; k++)
            if (paa_str_eq(strings[i], words[k]))
                bit = 1u << k;
        rule->same |= bit;
        if (bit == 0)
            diag_error(reader->expect.diag, node->where,
                       "%s cannot be \"same\": use \"subject\", \"client_id\" or \"issuer\"%s",
                       expect_shown(strings[i], shown),
                       expect_hint(&reader->expect, strings[i].data, words, 3, hint));
    }
}

static void read_identity(struct reader *reader, const struct node *node, struct rule_conf *rule)
{
    const struct paa_str *names;
    int32_t *identity;
    size_t count;

    if (!expect_strings(&reader->expect, node, &names, &count))
        return;
    identity = expect_memory(&reader->expect, count, sizeof *identity);
    if (identity == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        identity[i] = find_site(reader, &rule->program, names[i],
                                node->child_count > 0 ? node->children[i].where : node->where);
    rule->identity = identity;
    rule->identity_count = count;
}

/* What refers to the chain's instances; only once the chain is known. */
static void read_people(struct reader *reader, const struct node *group, struct rule_conf *rule)
{
    const struct node *identity = node_member(group, "identity");
    const struct node *require = node_member(group, "require");

    if (identity != NULL)
        read_identity(reader, identity, rule);
    if (require != NULL)
        rule->require = read_require(reader, require, &rule->program);
}

static void mark_used(struct reader *reader, const struct program *program,
                      enum paa_direction direction)
{
    for (uint32_t i = 0; i < program->site_count; i++) {
        int32_t instance = program->sites[i].instance;

        if (instance < 0)
            continue;
        if (direction == PAA_OUTGOING)
            reader->policy->instances[instance].used_outgoing = true;
        else
            reader->policy->instances[instance].used_incoming = true;
    }
}

static void read_chain(struct reader *reader, const struct node *group,
                       enum paa_direction direction, struct rule_conf *rule)
{
    const struct node *chain = node_member(group, "chain");

    if (chain == NULL) {
        diag_error(reader->expect.diag, group->where,
                   "a rule must have chain = ( STEP ... ) or chain = \"NAME\"");
        return;
    }
    if (!read_program(reader, chain, &rule->program))
        return;
    mark_used(reader, &rule->program, direction);
    read_people(reader, group, rule);
}

void read_rule(struct reader *reader, const struct node *group, enum paa_direction direction,
               struct rule_conf *rule)
{
    static const char *const incoming[] = { "methods", "preflight", "identity",
                                            "require", "same",      "forward" };
    const struct node *path = node_member(group, "path");
    const struct node *host = node_member(group, "host");
    const struct node *same = node_member(group, "same");
    const struct node *forward = node_member(group, "forward");

    rule->where = group->where;
    if (direction == PAA_OUTGOING)
        refuse_members(reader, group, incoming, sizeof incoming / sizeof incoming[0],
                       "only goes with direction = \"incoming\"");
    if (path != NULL)
        read_path(reader, path, rule);
    if (host != NULL)
        read_host(reader, host, rule);
    if (same != NULL)
        read_same(reader, same, rule);
    if (forward != NULL)
        (void)expect_boolean(&reader->expect, forward, &rule->forward);
    read_methods(reader, group, rule);
    read_chain(reader, group, direction, rule);
}

/* SPDX-License-Identifier: MIT */
#include "match.h"

#include "hint.h"
#include "str.h"

#include <stdlib.h>

enum { NO_NODE = 0, ROOT_FIRST = 1 };

#define RANK_NONE UINT32_MAX

struct pattern {             /* one host and path, with all its rules in order of the policy */
    uint32_t rank;           /* its first rule that is no preflight rule */
    uint32_t preflight_rank; /* its first rule of any kind */
    uint32_t first_rule;     /* by next_rule; rule index + 1, 0: none */
    uint32_t last_rule;
};

struct trie_node {
    uint32_t star;  /* child for `*` */
    uint32_t here;  /* pattern that ends here; pattern index + 1 */
    uint32_t rest;  /* pattern that ends with `**` below here; likewise */
    uint32_t best;  /* smallest rank of anything at or below */
    bool has_edges; /* some segment leads on from here */
};

struct edge {      /* (node, segment) -> child, open addressing */
    uint32_t node; /* 0: free */
    uint32_t child;
    struct paa_str segment;
};

struct root { /* one host */
    struct paa_str host;
    uint32_t node;
};

struct matcher {
    const struct rule_conf *rules;
    uint32_t *next_rule;    /* by rule: next of the same pattern, index + 1 */
    uint32_t *rule_pattern; /* by rule */
    struct pattern *patterns;
    uint32_t pattern_count;
    struct trie_node *nodes;
    uint32_t node_count;
    struct edge *edges;
    uint32_t edge_mask;
    struct edge *hosts; /* node 1, segment: the host, child: its root node */
    uint32_t host_mask;
    bool first_takes_all; /* the first rule names nothing: it decides every request */
    bool has_hosts;       /* some rule names one */
    uint32_t any_host;    /* root node of rules without a host */
    uint32_t any_path; /* pattern of rules with neither host nor path (also for "*"); index + 1 */
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u; /* 2^64 divided by the golden ratio */
    return hash ^ hash >> 32;
}

/* Policy text only decides what lies in the table, so no secret key is needed. */
static uint32_t hash_of(uint32_t node, struct paa_str segment)
{
    uint64_t hash = mix(segment.size, node);
    uint64_t word;
    size_t i = 0;

    for (; i + sizeof word <= segment.size; i += sizeof word) {
        memcpy(&word, segment.data + i, sizeof word);
        hash = mix(hash, word);
    }
    for (word = 0; i < segment.size; i++)
        word = word << 8 | (unsigned char)segment.data[i];
    return (uint32_t)mix(hash, word);
}

static struct edge *edge_at(struct edge *edges, uint32_t mask, uint32_t node,
                            struct paa_str segment)
{
    uint32_t i = hash_of(node, segment) & mask;

    while (edges[i].node != 0 && (edges[i].node != node || !str_eq(edges[i].segment, segment)))
        i = (i + 1) & mask;
    return &edges[i];
}

/* Takes the next segment of a path that begins with "/"; false at the end. */
static bool next_segment(struct paa_str path, size_t *at, struct paa_str *ret_segment)
{
    size_t end;

    if (*at >= path.size)
        return false;
    end = str_find(path, '/', *at + 1);
    *ret_segment = str_slice(path, *at + 1, end);
    *at = end;
    return true;
}

/* ---- building ---------------------------------------------------------------------------------- */

static uint32_t new_node(struct matcher *m)
{
    m->nodes[m->node_count] = (struct trie_node){ .best = RANK_NONE };
    return m->node_count++;
}

static uint32_t child_of(struct matcher *m, uint32_t node, struct paa_str segment)
{
    struct edge *edge;

    if (paa_str_eq(segment, "*")) {
        if (m->nodes[node].star == NO_NODE)
            m->nodes[node].star = new_node(m);
        return m->nodes[node].star;
    }
    edge = edge_at(m->edges, m->edge_mask, node, segment);
    if (edge->node == 0)
        *edge = (struct edge){ node, new_node(m), segment };
    m->nodes[node].has_edges = true;
    return edge->child;
}

static uint32_t root_of(struct matcher *m, struct paa_str host)
{
    struct edge *edge;

    if (host.data == NULL)
        return m->any_host;
    m->has_hosts = true;
    edge = edge_at(m->hosts, m->host_mask, 1, host);
    if (edge->node == 0)
        *edge = (struct edge){ 1, new_node(m), host };
    return edge->child;
}

/* The place where the pattern's index stands; lowers `best` on the way. */
static uint32_t *slot_of(struct matcher *m, const struct rule_conf *rule, uint32_t rank)
{
    uint32_t node = root_of(m, rule->host);
    struct paa_str segment;
    size_t at = 0;

    for (;;) {
        if (m->nodes[node].best > rank)
            m->nodes[node].best = rank;
        if (rule->path.data == NULL)
            return &m->nodes[node].rest;
        if (!next_segment(rule->path, &at, &segment))
            return &m->nodes[node].here;
        if (paa_str_eq(segment, "**"))
            return &m->nodes[node].rest;
        node = child_of(m, node, segment);
    }
}

static void add_rule(struct matcher *m, uint32_t index)
{
    const struct rule_conf *rule = &m->rules[index];
    uint32_t *slot = slot_of(m, rule, index);
    struct pattern *pattern;

    if (*slot == 0) {
        m->patterns[m->pattern_count] = (struct pattern){ RANK_NONE, RANK_NONE, 0, 0 };
        *slot = ++m->pattern_count;
    }
    pattern = &m->patterns[*slot - 1];
    if (!rule->preflight && pattern->rank == RANK_NONE)
        pattern->rank = index;
    if (pattern->preflight_rank == RANK_NONE)
        pattern->preflight_rank = index;
    if (pattern->last_rule == 0)
        pattern->first_rule = index + 1;
    else
        m->next_rule[pattern->last_rule - 1] = index + 1;
    pattern->last_rule = index + 1;
    m->rule_pattern[index] = *slot - 1;
    if (rule->host.data == NULL && rule->path.data == NULL)
        m->any_path = *slot;
}

static size_t segments_in(const struct rule_conf *rules, size_t count)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < rules[i].path.size; k++)
            n += rules[i].path.data[k] == '/';
    return n;
}

static uint32_t mask_for(size_t entries)
{
    uint32_t size = 4;

    while (size < entries * 2)
        size *= 2;
    return size - 1;
}

static bool takes_all(const struct rule_conf *rule)
{
    return rule->host.data == NULL && rule->path.data == NULL && rule->methods == NULL &&
           !rule->preflight;
}

struct matcher *matcher_new(const struct rule_conf *rules, size_t count, struct arena *arena)
{
    struct matcher *m = arena_zalloc(arena, sizeof *m);
    size_t segments = segments_in(rules, count);

    if (m == NULL)
        return NULL;
    m->rules = rules;
    m->edge_mask = mask_for(segments + 1);
    m->host_mask = mask_for(count + 1);
    m->next_rule = arena_array(arena, count + 1, sizeof *m->next_rule);
    m->rule_pattern = arena_array(arena, count + 1, sizeof *m->rule_pattern);
    m->patterns = arena_array(arena, count + 1, sizeof *m->patterns);
    m->nodes = arena_array(arena, segments + count + 2, sizeof *m->nodes);
    m->edges = arena_array(arena, (size_t)m->edge_mask + 1, sizeof *m->edges);
    m->hosts = arena_array(arena, (size_t)m->host_mask + 1, sizeof *m->hosts);
    if (m->next_rule == NULL || m->rule_pattern == NULL || m->patterns == NULL ||
        m->nodes == NULL || m->edges == NULL || m->hosts == NULL)
        return NULL;
    m->node_count = ROOT_FIRST;
    m->any_host = new_node(m);
    for (uint32_t i = 0; i < count; i++)
        add_rule(m, i);
    m->first_takes_all = count > 0 && takes_all(&rules[0]);
    return m;
}

/* ---- finding ----------------------------------------------------------------------------------- */

struct search {
    const struct matcher *m;
    const struct match_request *request;
    uint32_t rank;    /* best so far */
    uint32_t pattern; /* index + 1 */
    bool is_pattern;  /* path is a pattern: `**` in it is the end */
};

static void consider(struct search *search, uint32_t pattern)
{
    const struct pattern *p;
    uint32_t rank;

    if (pattern == 0)
        return;
    p = &search->m->patterns[pattern - 1];
    rank = search->request->is_preflight ? p->preflight_rank : p->rank;
    if (rank < search->rank) {
        search->rank = rank;
        search->pattern = pattern;
    }
}

/* As deep as the longest pattern, which the policy bounds. */
static void descend(struct search *search, uint32_t node, size_t at)
{
    const struct matcher *m = search->m;
    const struct trie_node *n = &m->nodes[node];
    struct paa_str segment;
    const struct edge *edge;

    if (node == NO_NODE || n->best >= search->rank)
        return;
    consider(search, n->rest);
    if (n->here == 0 && n->star == NO_NODE && !n->has_edges)
        return;
    if (!next_segment(search->request->path, &at, &segment)) {
        consider(search, n->here);
        return;
    }
    if (search->is_pattern && paa_str_eq(segment, "**"))
        return;
    if (n->has_edges) {
        edge = edge_at(m->edges, m->edge_mask, node, segment);
        if (edge->node != 0)
            descend(search, edge->child, at);
    }
    if (segment.size > 0)
        descend(search, n->star, at);
}

static bool method_fits(const struct rule_conf *rule, struct paa_str method)
{
    if (LIKELY(rule->methods == NULL))
        return true;
    for (size_t i = 0; i < rule->method_count; i++)
        if (str_eq(rule->methods[i], method) ||
            (paa_str_eq(method, "HEAD") && paa_str_eq(rule->methods[i], "GET")))
            return true;
    return false;
}

static int32_t rule_of_pattern(const struct search *search, int32_t *ret_pattern_rule)
{
    const struct matcher *m = search->m;
    uint32_t rule = m->patterns[search->pattern - 1].first_rule;

    *ret_pattern_rule = (int32_t)rule - 1;
    for (; rule != 0; rule = m->next_rule[rule - 1]) {
        const struct rule_conf *conf = &m->rules[rule - 1];

        if (conf->preflight ? search->request->is_preflight
                            : method_fits(conf, search->request->method))
            return (int32_t)rule - 1;
    }
    return MATCH_METHOD;
}

static void find_pattern(struct search *search)
{
    const struct matcher *m = search->m;
    const struct edge *host;

    if (paa_str_eq(search->request->path, "*")) {
        consider(search, m->any_path);
        return;
    }
    if (m->has_hosts) {
        host = edge_at(m->hosts, m->host_mask, 1, search->request->host);
        if (host->node != 0)
            descend(search, host->child, 0);
    }
    descend(search, m->any_host, 0);
}

int32_t matcher_find(const struct matcher *m, const struct match_request *request,
                     int32_t *ret_pattern_rule)
{
    struct search search = { m, request, RANK_NONE, 0, false };

    *ret_pattern_rule = 0;
    if (LIKELY(m->first_takes_all))
        return 0;
    *ret_pattern_rule = -1;
    find_pattern(&search);
    return search.pattern == 0 ? MATCH_NONE : rule_of_pattern(&search, ret_pattern_rule);
}

static void add_method(struct buf *buf, size_t start, struct paa_str method)
{
    struct paa_str so_far = str_slice(buf_str(buf), start, buf->size);
    struct paa_str member;

    while (str_next(&so_far, ", ", &member))
        if (str_eq(member, method))
            return;
    if (buf->size > start)
        buf_add_text(buf, ", ");
    buf_add_str(buf, method);
}

void matcher_allow(const struct matcher *m, int32_t rule, struct buf *buf)
{
    uint32_t next = m->patterns[m->rule_pattern[rule]].first_rule;
    size_t start = buf->size;

    for (; next != 0; next = m->next_rule[next - 1]) {
        const struct rule_conf *conf = &m->rules[next - 1];

        for (size_t i = 0; i < conf->method_count; i++) {
            add_method(buf, start, conf->methods[i]);
            if (paa_str_eq(conf->methods[i], "GET"))
                add_method(buf, start, STR("HEAD"));
        }
        if (conf->preflight)
            add_method(buf, start, STR("OPTIONS"));
    }
}

/* ---- for the linter ---------------------------------------------------------------------------- */

/* Does an earlier rule of the same pattern take all methods of this one? */
static int32_t shadow_in_pattern(const struct matcher *m, int32_t rule)
{
    const struct rule_conf *late = &m->rules[rule];
    uint32_t next = m->patterns[m->rule_pattern[rule]].first_rule;

    for (; next != 0 && (int32_t)next - 1 < rule; next = m->next_rule[next - 1]) {
        const struct rule_conf *early = &m->rules[next - 1];
        bool covers = early->methods == NULL || late->methods != NULL;

        if (early->preflight != late->preflight)
            continue;
        for (size_t i = 0; i < late->method_count && early->methods != NULL; i++)
            covers = covers && method_fits(early, late->methods[i]);
        if (covers)
            return (int32_t)next - 1;
    }
    return -1;
}

/* Asks the trie for the pattern itself, as if it were a path: a pattern that covers it and ranks earlier takes
 * all its requests, for what does not fit that one's methods is refused. */
int32_t matcher_shadow(const struct matcher *m, int32_t rule)
{
    const struct rule_conf *conf = &m->rules[rule];
    struct match_request request = { conf->host, conf->path, STR_NONE, conf->preflight };
    struct search search = { m, &request, RANK_NONE, 0, true };

    if (conf->path.data == NULL)
        request.path = STR("/**");
    find_pattern(&search);
    if (search.pattern == 0 || search.pattern - 1 == m->rule_pattern[rule])
        return shadow_in_pattern(m, rule);
    return search.rank < (uint32_t)rule ? (int32_t)search.rank : -1;
}

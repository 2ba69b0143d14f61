/* SPDX-License-Identifier: MIT */
/* A set of keys: read, and searched for the ones that may have signed a token. */
#include "jwk.h"

#include "arena.h"
#include "str.h"

#include <stdlib.h>

enum { NODES_MAX = 16 * 1024, KEY_BYTES = 2048 /* what libcrypto takes for one, roughly */ };

struct owned_set { /* what jwk_set_read hands out is its first member */
    struct jwk_set set;
    struct arena arena;
};

/* ---- reading ----------------------------------------------------------------------------------- */

/* The key's texts are views of what was read until they are copied here. */
static bool take(struct owned_set *owned, struct jwk *key)
{
    struct paa_str *const texts[] = { &key->kid, &key->issuer };

    if (!arena_strs(&owned->arena, texts, sizeof texts / sizeof texts[0]))
        return false;
    owned->set.bytes += KEY_BYTES + key->kid.size + key->issuer.size + sizeof *key;
    owned->set.keys[owned->set.count++] = *key;
    return true;
}

static const char *read_one(struct owned_set *owned, const struct json_tree *tree, uint32_t node,
                            uint32_t flags)
{
    const char *why = NULL;
    struct jwk key;

    if (owned->set.count == JWK_SET_KEYS_MAX)
        return "comes after 100 usable keys";
    if (!jwk_read(tree, node, flags, &key, &why))
        return why;
    if (take(owned, &key))
        return NULL;
    jwk_done(&key);
    return "finds no memory";
}

static bool read_keys(struct owned_set *owned, const struct json_tree *tree, uint32_t flags,
                      jwk_told_fn told, void *context, const char **ret_why)
{
    uint32_t keys = json_member(tree, 0, STR("keys"));
    size_t index = 0;

    if (keys == JSON_NONE || json_type_of(tree, keys) != JSON_NODE_ARRAY) {
        *ret_why = "has no array \"keys\"";
        return false;
    }
    for (uint32_t i = json_first(tree, keys); i != JSON_NONE; i = json_next(tree, keys, i)) {
        const char *why = read_one(owned, tree, i, flags);

        if (told != NULL)
            told(index, json_member_str(tree, i, STR("kid")), why, context);
        index++;
    }
    *ret_why = index == 0 ? "has no key" : "has no usable key";
    return owned->set.count > 0;
}

static struct owned_set *set_new(void)
{
    struct owned_set *owned = calloc(1, sizeof *owned);

    if (owned == NULL)
        return NULL;
    arena_init(&owned->arena, NULL, 0, JWK_SET_TEXT_MAX * 2);
    owned->set.bytes = sizeof *owned;
    owned->set.keys = arena_array(&owned->arena, JWK_SET_KEYS_MAX, sizeof *owned->set.keys);
    if (owned->set.keys != NULL)
        return owned;
    free(owned);
    return NULL;
}

struct jwk_set *jwk_set_read(struct paa_bytes text, uint32_t flags, jwk_told_fn told, void *context,
                             const char **ret_why)
{
    struct paa_str json = paa_str_of_n((const char *)text.data, text.size);
    size_t bound = json.size <= JWK_SET_TEXT_MAX ? json_nodes_bound(json) : 0;
    size_t capacity = bound < NODES_MAX ? bound : NODES_MAX;
    struct json_node *nodes = NULL;
    struct owned_set *owned = NULL;
    enum json_verdict verdict;
    struct json_tree tree;
    char *spare = NULL;
    bool is_read = false;

    *ret_why = json.size > JWK_SET_TEXT_MAX ? "is larger than 256 KiB" : "is empty";
    if (json.size == 0 || json.size > JWK_SET_TEXT_MAX)
        return NULL;
    nodes = calloc(capacity, sizeof *nodes);
    spare = malloc(json.size);
    owned = set_new();
    *ret_why = "finds no memory";
    if (nodes == NULL || spare == NULL || owned == NULL)
        goto done;
    verdict = json_tree_read(&tree, json, spare, nodes, capacity);
    *ret_why = json_verdict_text(verdict);
    is_read = verdict == JSON_READ && read_keys(owned, &tree, flags, told, context, ret_why);
done:
    free(nodes);
    free(spare);
    if (is_read)
        return &owned->set;
    jwk_set_free(owned != NULL ? &owned->set : NULL);
    return NULL;
}

void jwk_set_free(struct jwk_set *set)
{
    struct owned_set *owned = (struct owned_set *)(void *)set;

    if (owned == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        jwk_done(&set->keys[i]);
    arena_free(&owned->arena);
    free(owned);
}

/* ---- searching --------------------------------------------------------------------------------- */

static bool is_tenant(struct paa_str text)
{
    enum { TENANT_MAX = 64 };

    for (size_t i = 0; i < text.size; i++) {
        char c = char_lower(text.data[i]);

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return text.size > 0 && text.size <= TENANT_MAX;
}

/* Is the key the issuer's? Sets that tenants share say so by key, with a template for all of them. */
static bool issuer_fits(struct paa_str pattern, struct paa_str issuer)
{
    static const char hole[] = "{tenantid}";
    size_t at = str_find(pattern, '{', 0), fixed;
    struct paa_str head = str_slice(pattern, 0, at), tail;

    if (pattern.data == NULL || str_eq(pattern, issuer))
        return true;
    tail = str_slice(pattern, at, pattern.size);
    if (!str_starts(tail, paa_str_of(hole)))
        return false;
    tail = str_slice(tail, sizeof hole - 1, tail.size);
    fixed = head.size + tail.size;
    return issuer.size > fixed && str_starts(issuer, head) &&
           str_eq(str_slice(issuer, issuer.size - tail.size, issuer.size), tail) &&
           is_tenant(str_slice(issuer, head.size, issuer.size - tail.size));
}

const struct jwk *jwk_set_next(const struct jwk_set *set, struct jwk_query *query)
{
    while (query->at < set->count && query->tries < JWK_TRIES_MAX) {
        const struct jwk *key = &set->keys[query->at++];

        if ((query->kid.data != NULL && !str_eq(key->kid, query->kid)) ||
            (key->algs & ALG_BIT(query->alg)) == 0 || !issuer_fits(key->issuer, query->issuer))
            continue;
        query->tries++;
        return key;
    }
    return NULL;
}

bool jwk_set_has_kid(const struct jwk_set *set, struct paa_str kid)
{
    for (size_t i = 0; i < set->count; i++)
        if (str_eq(set->keys[i].kid, kid))
            return true;
    return false;
}

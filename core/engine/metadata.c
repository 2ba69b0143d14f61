/* SPDX-License-Identifier: MIT */
#include "metadata.h"

#include "json.h"
#include "json_scan.h"
#include "str.h"

#define WELL_KNOWN "/.well-known/oauth-protected-resource"

enum { DOCUMENT_MAX = 1024 * 1024 };

/* ---- what the policy says ----------------------------------------------------------------------- */

static bool is_listed(const struct paa_str *list, size_t count, struct paa_str word)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i], word))
            return true;
    return false;
}

static size_t scopes_at_most(const struct service_conf *conf)
{
    size_t count = conf->metadata->scope_count;

    for (size_t i = 0; i < conf->rule_count; i++)
        if (conf->rules[i].require != NULL)
            count += conf->rules[i].require->scope_count;
    return count;
}

/* Those of `metadata` and all that some rule requires, each once. False: no memory. */
static bool write_scopes(const struct service_conf *conf, struct arena *arena, struct json *json)
{
    size_t most = scopes_at_most(conf), count = 0;
    struct paa_str *list = arena_array(arena, most + 1, sizeof *list);

    if (list == NULL)
        return false;
    for (size_t i = 0; i < conf->metadata->scope_count; i++)
        list[count++] = conf->metadata->scopes[i];
    for (size_t i = 0; i < conf->rule_count; i++) {
        const struct require_conf *require = conf->rules[i].require;

        for (size_t k = 0; require != NULL && k < require->scope_count; k++)
            if (!is_listed(list, count, require->scope[k]))
                list[count++] = require->scope[k];
    }
    if (count == 0)
        return true;
    json_open(json, NULL, '[');
    for (size_t i = 0; i < count; i++)
        json_str(json, NULL, list[i]);
    json_close(json, ']');
    return true;
}

/* The member, unless nothing was written. Empties buf. False: no memory. */
static bool add_own(struct metadata *metadata, const char *name, struct buf *buf,
                    struct arena *arena)
{
    struct metadata_pair *pair = &metadata->own[metadata->own_count];

    if (buf->size == 0)
        return true;
    *pair = (struct metadata_pair){ paa_str_of(name), arena_str(arena, buf_str(buf)) };
    metadata->own_count++;
    if (buf->failed || pair->json.data == NULL)
        return false;
    buf_clear(buf);
    return true;
}

static bool fill_own(struct metadata *metadata, const struct service_conf *conf,
                     struct arena *arena)
{
    struct json json;
    struct buf buf;
    bool is_good;

    buf_init(&buf, DOCUMENT_MAX);
    json_init(&json, &buf);
    metadata->own = arena_array(arena, METADATA_TEXT_COUNT + 1, sizeof *metadata->own);
    is_good = metadata->own != NULL && write_scopes(conf, arena, &json) &&
              add_own(metadata, "scopes_supported", &buf, arena);
    for (int i = 0; i < METADATA_TEXT_COUNT && is_good; i++) {
        json_init(&json, &buf);
        if (conf->metadata->texts[i].data != NULL)
            json_str(&json, NULL, conf->metadata->texts[i]);
        is_good = add_own(metadata, metadata_text_names[i], &buf, arena);
    }
    buf_free(&buf);
    return is_good;
}

static struct paa_str origin_with(const struct origin *origin, const char *path,
                                  struct arena *arena)
{
    bool is_usual = origin->port == (origin->https ? 443 : 80);
    const char *scheme = origin->https ? "https" : "http";

    if (is_usual)
        return paa_str_of(arena_printf(arena, "%s://%.*s%s", scheme, STR_ARGS(origin->host), path));
    return paa_str_of(arena_printf(arena, "%s://%.*s:%u%s", scheme, STR_ARGS(origin->host),
                                   (unsigned)origin->port, path));
}

/* RFC 9728 3.1: the well-known part goes between host and path. */
static bool fill_places(struct metadata *metadata, const struct service_conf *conf,
                        struct arena *arena)
{
    struct paa_str path = conf->metadata->path;
    const char *at = arena_printf(arena, "%s%.*s", WELL_KNOWN, STR_ARGS(path));

    metadata->path = paa_str_of(at);
    metadata->resources = arena_array(arena, conf->origin_count, sizeof *metadata->resources);
    metadata->urls = arena_array(arena, conf->origin_count, sizeof *metadata->urls);
    if (at == NULL || metadata->resources == NULL || metadata->urls == NULL)
        return false;
    for (size_t i = 0; i < conf->origin_count; i++) {
        const struct origin *origin = &conf->origins[i];

        metadata->resources[i] = origin_with(origin, path.data != NULL ? path.data : "", arena);
        metadata->urls[i] = origin_with(origin, at, arena);
        if (metadata->resources[i].data == NULL || metadata->urls[i].data == NULL)
            return false;
    }
    return true;
}

struct metadata *metadata_make(struct generation *generation, const struct service_conf *conf,
                               struct instance *const *instances, size_t count)
{
    struct arena *arena = &generation->arena;
    struct metadata *metadata = arena_zalloc(arena, sizeof *metadata);

    if (metadata == NULL)
        return NULL;
    metadata->tellers = arena_array(arena, count + 1, sizeof(struct instance *));
    if (metadata->tellers == NULL || !fill_own(metadata, conf, arena) ||
        !fill_places(metadata, conf, arena))
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (instances[i]->described != NULL)
            metadata->tellers[metadata->teller_count++] = instances[i];
    return metadata;
}

/* ---- the document ------------------------------------------------------------------------------- */

struct pairs {
    struct metadata_pair *list;
    size_t count;
};

/* Name and value by turns, each with a NUL behind it. */
static void add_told(struct pairs *pairs, struct paa_bytes told)
{
    const char *at = (const char *)told.data;
    const char *end = at + told.size;

    while (told.data != NULL && at < end) {
        struct metadata_pair *pair = &pairs->list[pairs->count++];

        pair->name = paa_str_of(at);
        at += pair->name.size + 1;
        pair->json = paa_str_of(at);
        at += pair->json.size + 1;
    }
}

static bool collect(const struct metadata *metadata, const struct paa_bytes *told,
                    struct arena *arena, struct pairs *ret_pairs)
{
    size_t most = metadata->own_count + (size_t)metadata->teller_count * METADATA_MEMBERS_MAX;

    ret_pairs->count = 0;
    ret_pairs->list = arena_array(arena, most + 1, sizeof *ret_pairs->list);
    if (ret_pairs->list == NULL)
        return false;
    for (uint32_t i = 0; i < metadata->own_count; i++)
        ret_pairs->list[ret_pairs->count++] = metadata->own[i];
    for (uint32_t i = 0; i < metadata->teller_count; i++)
        add_told(ret_pairs, told[i]);
    return true;
}

static bool is_first(const struct pairs *pairs, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (str_eq(pairs->list[i].name, pairs->list[index].name))
            return false;
    return true;
}

/* Does an equal element stand before this one, in its own array or an earlier one of that name? */
static bool is_repeated(const struct pairs *pairs, size_t index, struct paa_str element)
{
    struct paa_str rest, other;

    for (size_t i = 0; i <= index; i++) {
        if (!str_eq(pairs->list[i].name, pairs->list[index].name) ||
            !json_is_array(pairs->list[i].json))
            continue;
        rest = pairs->list[i].json;
        while (json_element_next(&rest, &other) && other.data != element.data)
            if (str_eq(other, element))
                return true;
    }
    return false;
}

static void write_joined(struct buf *buf, const struct pairs *pairs, size_t first)
{
    const char *comma = "";
    struct paa_str rest, element;

    buf_add_char(buf, '[');
    for (size_t i = first; i < pairs->count; i++) {
        if (!str_eq(pairs->list[i].name, pairs->list[first].name) ||
            !json_is_array(pairs->list[i].json))
            continue;
        rest = pairs->list[i].json;
        while (json_element_next(&rest, &element)) {
            if (is_repeated(pairs, i, element))
                continue;
            buf_add_text(buf, comma);
            buf_add_str(buf, element);
            comma = ",";
        }
    }
    buf_add_char(buf, ']');
}

static void write_one(struct buf *buf, const struct pairs *pairs, size_t first)
{
    struct paa_str value = pairs->list[first].json;

    for (size_t i = first + 1; i < pairs->count && paa_str_eq(value, "false"); i++)
        if (str_eq(pairs->list[i].name, pairs->list[first].name) &&
            paa_str_eq(pairs->list[i].json, "true"))
            value = pairs->list[i].json;
    buf_add_str(buf, value);
}

static void write_document(struct buf *buf, struct paa_str resource, const struct pairs *pairs)
{
    struct json json;

    json_init(&json, buf);
    json_open(&json, NULL, '{');
    json_str(&json, "resource", resource);
    for (size_t i = 0; i < pairs->count; i++) {
        if (!is_first(pairs, i))
            continue;
        buf_printf(buf, ",\"%.*s\":", STR_ARGS(pairs->list[i].name));
        if (json_is_array(pairs->list[i].json))
            write_joined(buf, pairs, i);
        else
            write_one(buf, pairs, i);
    }
    json_close(&json, '}');
}

struct paa_str metadata_document(const struct metadata *metadata, uint32_t origin,
                                 const struct paa_bytes *told, struct arena *arena)
{
    struct paa_str document = STR_NONE;
    struct pairs pairs;
    struct buf buf;

    if (!collect(metadata, told, arena, &pairs))
        return STR_NONE;
    buf_init(&buf, DOCUMENT_MAX);
    write_document(&buf, metadata->resources[origin], &pairs);
    if (!buf.failed)
        document = arena_str(arena, buf_str(&buf));
    buf_free(&buf);
    return document;
}

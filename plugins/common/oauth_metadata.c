/* SPDX-License-Identifier: MIT */
/* An authorization server's metadata: where it is, and from JSON to an object. Pure. */
#include "oauth_metadata.h"

#include "fields.h"
#include "json_tree.h"
#include "str.h"
#include "target.h"

#include <stdlib.h>

enum { NODES_MAX = 4096, ORIGIN_MEMORY = 512, ISSUER_SHOWN_MAX = 120 };

static const struct paa_str names[OAUTH_ENDPOINTS] = {
    [OAUTH_TOKEN] = { "token_endpoint", 14 },
    [OAUTH_INTROSPECTION] = { "introspection_endpoint", 22 },
    [OAUTH_REVOCATION] = { "revocation_endpoint", 19 },
    [OAUTH_AUTHORIZATION] = { "authorization_endpoint", 22 },
    [OAUTH_PUSHED_REQUEST] = { "pushed_authorization_request_endpoint", 37 },
    [OAUTH_DEVICE] = { "device_authorization_endpoint", 29 },
    [OAUTH_USERINFO] = { "userinfo_endpoint", 17 },
    [OAUTH_END_SESSION] = { "end_session_endpoint", 20 },
    [OAUTH_JWKS] = { "jwks_uri", 8 },
};

struct paa_str oauth_endpoint_name(enum oauth_endpoint endpoint)
{
    return names[endpoint];
}

struct paa_str oauth_endpoint_of(const struct oauth_metadata *metadata,
                                 enum oauth_endpoint endpoint, bool with_certificate)
{
    if (with_certificate && metadata->aliases[endpoint].data != NULL)
        return metadata->aliases[endpoint];
    return metadata->endpoints[endpoint];
}

/* ---- URLs ------------------------------------------------------------------------------------- */

static size_t scheme_size(struct paa_str url)
{
    if (str_starts(url, STR("https://")))
        return 8;
    return str_starts(url, STR("http://")) ? 7 : 0;
}

/* Characters of RFC 3986 but "#" */
static bool is_url_text(struct paa_str s)
{
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f || strchr("\"#<>\\^`{|}", s.data[i]) != NULL)
            return false;
    return true;
}

/* Of a URL that has a scheme. */
static struct paa_str authority_of(struct paa_str url)
{
    size_t scheme = scheme_size(url);
    size_t path = str_find(url, '/', scheme), query = str_find(url, '?', scheme);

    return str_slice(url, scheme, path < query ? path : query);
}

bool oauth_url_valid(struct paa_str url, bool is_issuer)
{
    struct paa_str authority;

    if (scheme_size(url) == 0 || url.size > OAUTH_URL_MAX || !is_url_text(url))
        return false;
    authority = authority_of(url);
    if (authority.size == 0 || authority.data[0] == ':' ||
        str_find(authority, '@', 0) < authority.size)
        return false;
    return !is_issuer || str_find(url, '?', 0) == url.size;
}

bool oauth_uri_absolute(struct paa_str uri)
{
    size_t colon = str_find(uri, ':', 0);

    for (size_t i = 0; i < colon; i++) {
        char c = char_lower(uri.data[i]);
        bool is_letter = c >= 'a' && c <= 'z';

        if (!is_letter && (i == 0 || (!(c >= '0' && c <= '9') && strchr("+-.", c) == NULL)))
            return false;
    }
    return colon > 0 && colon + 1 < uri.size && is_url_text(uri);
}

bool oauth_url_reachable(struct paa_str url, bool is_issuer)
{
    _Alignas(ARENA_ALIGN) unsigned char memory[ORIGIN_MEMORY];
    struct origin origin;
    struct arena arena;
    bool is_reachable;

    if (!oauth_url_valid(url, is_issuer) || str_starts(url, STR("https://")))
        return oauth_url_valid(url, is_issuer);
    arena_init(&arena, memory, sizeof memory, ORIGIN_MEMORY);
    is_reachable = authority_parse(authority_of(url), false, &arena, &origin) == NULL &&
                   origin_is_loopback(&origin);
    arena_free(&arena);
    return is_reachable;
}

void oauth_well_known_url(struct paa_str issuer, enum oauth_well_known kind, struct buf *buf)
{
    struct paa_str whole = issuer;
    size_t path;

    while (whole.size > 0 && whole.data[whole.size - 1] == '/')
        whole.size--;
    path = str_find(whole, '/', scheme_size(whole));
    if (kind == OAUTH_WELL_KNOWN_OPENID) {
        buf_add_str(buf, whole);
        buf_add_text(buf, "/.well-known/openid-configuration");
    } else {
        buf_add_str(buf, str_slice(whole, 0, path));
        buf_add_text(buf, "/.well-known/oauth-authorization-server");
        buf_add_str(buf, str_slice(whole, path, whole.size));
    }
}

/* ---- the document ----------------------------------------------------------------------------- */

struct reading {
    struct json_tree tree;
    struct json_node *nodes;
    char *spare;
    struct paa_str issuer; /* the document must name; absent: any */
    char *why;
};

static bool refuse(struct reading *reading, const char *what)
{
    (void)snprintf(reading->why, OAUTH_WHY_SIZE, "%s", what);
    return false;
}

static bool refuse_member(struct reading *reading, const char *name, const char *what)
{
    (void)snprintf(reading->why, OAUTH_WHY_SIZE, "says \"%s\", and it is %s", name, what);
    return false;
}

/* Absent if the member is not there, or null. */
static bool read_url(struct reading *reading, uint32_t object, struct paa_str name, bool is_issuer,
                     struct paa_str *ret_url)
{
    uint32_t node = json_member(&reading->tree, object, name);

    *ret_url = STR_NONE;
    if (node == JSON_NONE || json_type_of(&reading->tree, node) == JSON_NODE_NULL)
        return true;
    *ret_url = json_str_of(&reading->tree, node);
    return oauth_url_valid(*ret_url, is_issuer) ||
           refuse_member(reading, name.data, "no URL of https, without userinfo and fragment");
}

static bool read_endpoints(struct reading *reading, uint32_t object,
                           struct paa_str ret_urls[OAUTH_ENDPOINTS])
{
    for (size_t i = 0; i < OAUTH_ENDPOINTS; i++)
        if (!read_url(reading, object, names[i], false, &ret_urls[i]))
            return false;
    return true;
}

/* A URL is printable, and has no quote in it. */
static bool refuse_issuer(struct reading *reading, struct paa_str issuer)
{
    struct paa_str shown = str_slice(issuer, 0, ISSUER_SHOWN_MAX);

    (void)snprintf(reading->why, OAUTH_WHY_SIZE,
                   "says that it is of \"%.*s%s\", not, byte by byte, of the issuer that was asked "
                   "for: a \"/\" at the end counts",
                   STR_ARGS(shown), shown.size < issuer.size ? "..." : "");
    return false;
}

static bool read_issuer(struct reading *reading, struct paa_str *ret_issuer)
{
    if (!read_url(reading, 0, STR("issuer"), true, ret_issuer))
        return false;
    if (ret_issuer->data == NULL)
        return refuse(reading, "has no \"issuer\"");
    if (reading->issuer.data != NULL && !str_eq(reading->issuer, *ret_issuer))
        return refuse_issuer(reading, *ret_issuer);
    return true;
}

static bool read_aliases(struct reading *reading, struct paa_str ret_urls[OAUTH_ENDPOINTS])
{
    static const char name[] = "mtls_endpoint_aliases";
    uint32_t node = json_member(&reading->tree, 0, paa_str_of(name));

    if (node == JSON_NONE || json_type_of(&reading->tree, node) == JSON_NODE_NULL)
        return true;
    if (json_type_of(&reading->tree, node) != JSON_NODE_OBJECT)
        return refuse_member(reading, name, "no object");
    return read_endpoints(reading, node, ret_urls);
}

static bool read_flag(struct reading *reading, struct paa_str name, bool *ret_flag)
{
    uint32_t node = json_member(&reading->tree, 0, name);
    enum json_type type = node == JSON_NONE ? JSON_NODE_FALSE : json_type_of(&reading->tree, node);

    *ret_flag = type == JSON_NODE_TRUE;
    return type == JSON_NODE_TRUE || type == JSON_NODE_FALSE || type == JSON_NODE_NULL ||
           refuse_member(reading, name.data, "neither true nor false");
}

static bool read_challenge_methods(struct reading *reading, bool *ret_refuses_s256)
{
    static const char name[] = "code_challenge_methods_supported";
    uint32_t node = json_member(&reading->tree, 0, paa_str_of(name));

    *ret_refuses_s256 = false;
    if (node == JSON_NONE || json_type_of(&reading->tree, node) == JSON_NODE_NULL)
        return true;
    if (json_type_of(&reading->tree, node) != JSON_NODE_ARRAY)
        return refuse_member(reading, name, "no array");
    *ret_refuses_s256 = true;
    for (uint32_t i = json_first(&reading->tree, node); i != JSON_NONE;
         i = json_next(&reading->tree, node, i))
        if (paa_str_eq(json_str_of(&reading->tree, i), "S256"))
            *ret_refuses_s256 = false;
    return true;
}

static bool read_all(struct reading *reading, struct paa_str text, struct oauth_metadata *found)
{
    enum json_verdict verdict =
        json_tree_read(&reading->tree, text, reading->spare, reading->nodes, NODES_MAX);

    if (verdict != JSON_READ)
        return refuse(reading, json_verdict_text(verdict));
    return read_issuer(reading, &found->issuer) && read_endpoints(reading, 0, found->endpoints) &&
           read_aliases(reading, found->aliases) &&
           read_flag(reading, STR("authorization_response_iss_parameter_supported"),
                     &found->names_issuer) &&
           read_flag(reading, STR("require_pushed_authorization_requests"), &found->wants_pushed) &&
           read_challenge_methods(reading, &found->refuses_s256);
}

/* ---- the object: its struct and its text in one piece ------------------------------------------- */

static size_t text_size(const struct oauth_metadata *found)
{
    size_t size = found->issuer.size;

    for (size_t i = 0; i < OAUTH_ENDPOINTS; i++)
        size += found->endpoints[i].size + found->aliases[i].size;
    return size;
}

static void move_text(struct paa_str *text, char **end)
{
    if (text->data == NULL)
        return;
    memcpy(*end, text->data, text->size);
    text->data = *end;
    *end += text->size;
}

static struct oauth_metadata *copy_of(const struct oauth_metadata *found)
{
    size_t weight = sizeof *found + text_size(found);
    struct oauth_metadata *metadata = (struct oauth_metadata *)malloc(weight);
    char *end = (char *)(metadata + 1);

    if (metadata == NULL)
        return NULL;
    *metadata = *found;
    metadata->weight = weight;
    move_text(&metadata->issuer, &end);
    for (size_t i = 0; i < OAUTH_ENDPOINTS; i++) {
        move_text(&metadata->endpoints[i], &end);
        move_text(&metadata->aliases[i], &end);
    }
    return metadata;
}

struct oauth_metadata *oauth_metadata_read(struct paa_bytes text, struct paa_str issuer,
                                           char ret_why[OAUTH_WHY_SIZE])
{
    struct reading reading = { .issuer = issuer, .why = ret_why };
    struct oauth_metadata found = { .weight = 0 };
    struct oauth_metadata *metadata = NULL;

    if (text.size == 0 || text.size > OAUTH_DOCUMENT_MAX) {
        (void)refuse(&reading, text.size == 0 ? "is empty" : "is over 64 KiB");
        return NULL;
    }
    reading.nodes = (struct json_node *)malloc(NODES_MAX * sizeof *reading.nodes);
    reading.spare = (char *)malloc(text.size);
    (void)refuse(&reading, "cannot be read: no memory is left");
    if (reading.nodes != NULL && reading.spare != NULL &&
        read_all(&reading, paa_str_of_n((const char *)text.data, text.size), &found))
        metadata = copy_of(&found);
    free(reading.nodes);
    free(reading.spare);
    return metadata;
}

void oauth_metadata_free(struct oauth_metadata *metadata)
{
    free(metadata);
}

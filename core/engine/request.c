/* SPDX-License-Identifier: MIT */
/*
 * Reads a host's request into a transaction: copied if need be, bounded, normalised once, refused if it could be
 * read in two ways. No plugin has run yet.
 */
#include "engine.h"
#include "fields.h"
#include "hint.h"
#include "str.h"
#include "target.h"

enum { VALUE_NEAR = 256 }; /* longer values are mostly credentials, which are read whole */

static bool refuse(struct paa_txn *txn, unsigned code, const char *reason, const char *sentence)
{
    (void)reply_refuse(txn, ROW_AMBIGUOUS, code, PAA_WHY_REQUEST, reason, sentence);
    return false;
}

static bool no_memory(struct paa_txn *txn)
{
    (void)reply_refuse(txn, ROW_UNAVAILABLE, 503, PAA_WHY_UNAVAILABLE, "memory",
                       "no memory is left for the request");
    return false;
}

/* ---- copying ----------------------------------------------------------------------------------- */

static struct paa_field *copy_fields(struct arena *arena, const struct paa_field *fields,
                                     size_t count)
{
    struct paa_field *copy = arena_array(arena, count + 1, sizeof *copy);

    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i].name = arena_str(arena, fields[i].name);
        copy[i].value = arena_str(arena, fields[i].value);
        if (copy[i].name.data == NULL ||
            (copy[i].value.data == NULL && fields[i].value.data != NULL))
            return NULL;
    }
    return copy;
}

static bool copy_str(struct arena *arena, struct paa_str *s)
{
    bool is_present = s->data != NULL;

    *s = arena_str(arena, *s);
    return !is_present || s->data != NULL;
}

/* The host's bytes are its own again when begin returns: what is still needed is the lane's. */
static bool copy_request(struct paa_txn *txn, struct paa_request *request)
{
    struct arena *arena = &txn->arena;
    bool has_client = request->client.data != NULL;

    request->headers = copy_fields(arena, request->headers, request->header_count);
    request->attributes = copy_fields(arena, request->attributes, request->attribute_count);
    if (has_client)
        request->client.data = arena_copy(arena, request->client.data, request->client.size);
    return request->headers != NULL && request->attributes != NULL &&
           has_client == (request->client.data != NULL) && copy_str(arena, &request->method) &&
           copy_str(arena, &request->scheme) && copy_str(arena, &request->authority) &&
           copy_str(arena, &request->target) && copy_str(arena, &request->route);
}

/* ---- fields ------------------------------------------------------------------------------------ */

struct seen { /* what one pass over the fields finds */
    struct paa_str host;
    uint32_t hosts;
    bool is_early;
    bool has_origin;
    bool has_preflight;
};

static void look_closely(const struct paa_field *field, struct seen *seen)
{
    switch (field->name.size) {
    case 4:
        if (str_eq_nocase(field->name, STR("host"))) {
            seen->host = str_trim(field->value);
            seen->hosts++;
        }
        break;
    case 6:
        if (str_eq_nocase(field->name, STR("origin")))
            seen->has_origin = true;
        break;
    case 10:
        if (str_eq_nocase(field->name, STR("early-data")) &&
            paa_str_eq(str_trim(field->value), "1"))
            seen->is_early = true;
        break;
    case 29:
        if (str_eq_nocase(field->name, STR("access-control-request-method")))
            seen->has_preflight = true;
        break;
    default:
        break;
    }
}

static inline void look_at(const struct paa_field *field, struct seen *seen)
{
    const uint32_t sizes = 1u << 4 | 1u << 6 | 1u << 10 | 1u << 29; /* of the names that matter */

    if (UNLIKELY(field->name.size < 32 && (sizes >> field->name.size & 1) != 0))
        look_closely(field, seen);
}

static bool fits(const struct paa_request *request)
{
    size_t bytes = 0;

    if (request->header_count > FIELDS_MAX || request->attribute_count > ATTRIBUTES_MAX)
        return false;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct paa_field *field = &request->headers[i];

        bytes += field->name.size + field->value.size;
        if (bytes > FIELD_BYTES_MAX)
            return false;
        if (UNLIKELY(field->value.size > VALUE_NEAR)) /* it comes while the target is read */
            fetch_near(field->value.data, field->value.size);
    }
    return true;
}

/* ---- where it goes ----------------------------------------------------------------------------- */

/* The service's origin that the authority names; the port may be left out where it is the scheme's own. */
static const struct origin *find_origin(const struct service_conf *conf, const struct origin *asked,
                                        bool match_scheme)
{
    bool has_port = asked->port != (asked->https ? 443 : 80);
    const struct origin *found = NULL;

    for (size_t i = 0; i < conf->origin_count; i++) {
        const struct origin *origin = &conf->origins[i];

        if (origin_eq(origin, asked))
            return origin; /* the very one, before one of the same host behind a proxy */
        if (!match_scheme && found == NULL && str_eq(origin->host, asked->host) &&
            (!has_port || origin->port == asked->port))
            found = origin;
    }
    return found;
}

/* authority_parse, but that the text before is not read again. */
static const char *read_origin(struct paa_txn *txn, struct paa_str text, bool is_https,
                               struct origin *ret_origin)
{
    struct kept_authority *kept = &txn->lane->authority;
    const char *wrong;

    if (LIKELY(text.size > 0 && text.size == kept->size && is_https == kept->https &&
               memcmp(text.data, kept->text, text.size) == 0)) {
        *ret_origin = (struct origin){ str_slice(text, 0, kept->host_size), kept->port, is_https };
        return NULL;
    }
    wrong = authority_parse(text, is_https, &txn->arena, ret_origin);
    if (wrong == NULL && text.size <= AUTHORITY_KEPT_MAX && ret_origin->host.data == text.data) {
        memcpy(kept->text, text.data, text.size);
        kept->size = text.size;
        kept->host_size = ret_origin->host.size;
        kept->port = ret_origin->port;
        kept->https = is_https;
    }
    return wrong;
}

static bool names_other(struct paa_txn *txn, struct paa_str authority, bool is_https,
                        const struct origin *origin)
{
    struct paa_str read = txn->view.authority;
    struct origin other;

    if (authority.data == NULL || (authority.data == read.data && authority.size == read.size))
        return false;
    return !str_eq(authority, read) &&
           (authority_parse(authority, is_https, &txn->arena, &other) != NULL ||
            !str_eq(other.host, origin->host) || other.port != origin->port);
}

/* Host, :authority and an absolute target must name one authority (RFC 9112 3.2.2). */
static bool read_authority(struct paa_txn *txn, const struct seen *seen,
                           const struct target *target, struct origin *ret_origin)
{
    bool is_https = str_eq_nocase(txn->view.scheme, STR("https"));
    struct paa_str given = txn->view.authority;
    const char *wrong = NULL;

    if (seen->hosts > 1)
        return refuse(txn, 400, "host", "the request has two Host fields");
    if (UNLIKELY(target->authority.data != NULL))
        txn->view.authority = target->authority;
    if (txn->view.authority.data == NULL)
        txn->view.authority = seen->host;
    if (txn->view.authority.data == NULL) {
        *ret_origin = (struct origin){ STR_NONE, 0, is_https };
        return true;
    }
    wrong = read_origin(txn, txn->view.authority, is_https, ret_origin);
    if (wrong != NULL)
        return refuse(txn, 400, "host", wrong);
    if (names_other(txn, given, is_https, ret_origin) ||
        names_other(txn, seen->host, is_https, ret_origin))
        return refuse(txn, 400, "host", "Host and the request target name two authorities");
    return true;
}

static bool is_ours(struct paa_txn *txn, const struct origin *asked)
{
    const struct service_conf *conf = txn->service->conf;
    const struct origin *origin;

    if (LIKELY(conf->origin_count == 0))
        return true;
    origin = find_origin(conf, asked, false);
    if (origin == NULL)
        return refuse(txn, 421, "origin",
                      "the request is for an authority that is none of the service's origins");
    txn->view.scheme = origin->https ? STR("https") : STR("http");
    txn->view.flags |= (uint32_t)PAA_VIEW_ORIGIN;
    txn->origin = (uint16_t)(origin - conf->origins);
    return true;
}

/* Outgoing paths are the host's own; what is ambiguous in them misleads nobody here, unless rules match paths. */
static bool is_sendable(const struct paa_txn *txn, struct paa_str wire)
{
    for (size_t i = 0; i < txn->service->conf->rule_count; i++)
        if (txn->service->conf->rules[i].path.data != NULL)
            return false;
    for (size_t i = 0; i < wire.size; i++)
        if (wire.data[i] <= 0x20 || wire.data[i] >= 0x7f || wire.data[i] == '#')
            return false;
    return true;
}

/* "https://host/path?query" in its three parts; or a path, then scheme and authority stay absent. */
static bool split_url(struct paa_str url, struct target *ret_target)
{
    struct paa_str rest = url;
    size_t end;

    memset(ret_target, 0, sizeof *ret_target);
    if (url.size > 0 && url.data[0] != '/') {
        end = str_find(url, ':', 0);
        ret_target->scheme = str_slice(url, 0, end);
        if (!str_starts(str_slice(url, end, url.size), STR("://")))
            return false;
        rest = str_slice(url, end + 3, url.size);
        end = 0;
        while (end < rest.size && rest.data[end] != '/' && rest.data[end] != '?')
            end++;
        ret_target->authority = str_slice(rest, 0, end);
        rest = str_slice(rest, end, rest.size);
    }
    ret_target->wire = rest;
    end = str_find(rest, '?', 0);
    ret_target->path = end > 0 ? str_slice(rest, 0, end) : STR("/");
    ret_target->query = end < rest.size ? str_slice(rest, end + 1, rest.size) : STR_NONE;
    return true;
}

static bool read_target(struct paa_txn *txn, const struct paa_request *request,
                        struct target *ret_target)
{
    uint32_t flags = txn->service->conf->semicolons ? (uint32_t)TARGET_ALLOW_SEMICOLON : 0;
    const char *wrong = target_parse(request->target, flags, &txn->arena, ret_target);

    if (wrong != NULL && txn->handle->direction == PAA_OUTGOING &&
        split_url(request->target, ret_target) && is_sendable(txn, ret_target->wire))
        wrong = NULL;
    if (wrong != NULL)
        return refuse(txn, 400, "target", wrong);
    txn->view.path = ret_target->path;
    txn->view.query = ret_target->query;
    txn->view.target = ret_target->wire;
    if (request->route.data == NULL || txn->handle->direction == PAA_OUTGOING)
        return true;
    wrong = target_route(request->route, (request->flags & PAA_REQUEST_ROUTE_ENCODED) != 0, flags,
                         &txn->arena, &txn->view.path);
    return wrong == NULL || refuse(txn, 400, "route", wrong);
}

/* Credentials leave for the policy's origins only, and only over https (or http to a loopback literal). */
static bool may_leave(struct paa_txn *txn, const struct target *target)
{
    const struct service_conf *conf = txn->service->conf;
    struct origin asked;
    bool is_https;

    if (UNLIKELY(target->scheme.data != NULL)) {
        txn->view.scheme = target->scheme;
        txn->view.authority = target->authority;
    }
    is_https = str_eq_nocase(txn->view.scheme, STR("https"));
    if (txn->view.authority.data == NULL ||
        (!is_https && !str_eq_nocase(txn->view.scheme, STR("http"))) ||
        read_origin(txn, txn->view.authority, is_https, &asked) != NULL ||
        find_origin(conf, &asked, true) == NULL) {
        (void)reply_refuse(
            txn, ROW_AMBIGUOUS, 400, PAA_WHY_ORIGIN, "origin",
            "the request's scheme, host and port are none of the service's origins: no "
            "credential is attached");
        return false;
    }
    txn->view.flags |= (uint32_t)PAA_VIEW_ORIGIN;
    if (UNLIKELY(!is_https) && !(conf->http_loopback && origin_is_loopback(&asked))) {
        (void)reply_refuse(txn, ROW_AMBIGUOUS, 400, PAA_WHY_ORIGIN, "scheme",
                           "plain http: credentials leave over https only");
        return false;
    }
    return true;
}

static bool find_rule(struct paa_txn *txn, struct paa_str host, bool is_preflight)
{
    struct match_request asked = { host, txn->view.path, txn->view.method, is_preflight };
    int32_t pattern_rule;
    int32_t index = matcher_find(txn->service->matcher, &asked, &pattern_rule);

    if (index >= 0) {
        txn->rule = &txn->service->rules[index];
        txn->program = &txn->rule->conf->program;
        return true;
    }
    if (index == MATCH_METHOD) {
        txn->rule = &txn->service->rules[pattern_rule];
        (void)reply_refuse(txn, ROW_NO_RULE, 405, PAA_WHY_REQUEST, "method",
                           "the rule for this path does not name the method");
    } else {
        (void)reply_refuse(txn, ROW_NO_RULE, 403, PAA_WHY_FORBIDDEN, "no-rule",
                           "no rule of the service matches the request");
    }
    return false;
}

static void fill_view(struct paa_txn *txn, const struct paa_request *request)
{
    struct paa_request_view *view = &txn->view;

    view->struct_size = sizeof *view;
    view->flags = (request->flags & PAA_REQUEST_BODY) != 0 ? (uint32_t)PAA_VIEW_BODY : 0;
    view->body_size = 0;
    if (UNLIKELY((request->flags & PAA_REQUEST_BODY) != 0))
        view->body_size = request->body_size > 0 ? request->body_size : -1;
    view->service = paa_str_of_n(txn->handle->name, txn->handle->name_size);
    view->method = request->method;
    view->scheme = request->scheme;
    view->authority = request->authority;
    view->server_name = STR_NONE;
    if (UNLIKELY(request->peer != NULL))
        view->server_name = request->peer->server_name;
    view->path = STR_NONE;
    view->query = STR_NONE;
    view->target = STR_NONE;
    view->peer_address = STR_NONE;
    view->client_address = STR_NONE;
    txn->headers = request->headers;
    txn->header_count = request->header_count;
    txn->attributes = request->attributes;
    txn->attribute_count = request->attribute_count;
    txn->peer = request->peer;
    txn->caller = request->caller;
    txn->client = request->client;
    txn->given_target = request->target;
    txn->client_text = NULL;
    txn->is_viewed = true;
}

/* Refused before it was copied: what the audit and the host may ask for later is kept, all else is gone. */
static void let_go(struct paa_txn *txn, const struct paa_request *request)
{
    struct paa_request few;

    if ((request->flags & PAA_REQUEST_STABLE) != 0)
        return;
    memset(&few, 0, sizeof few);
    few.peer = request->peer;
    few.caller = request->caller;
    few.method = arena_str(&txn->arena, request->method);
    few.target = arena_str(&txn->arena, request->target);
    few.client.data = request->client.data != NULL
                          ? arena_copy(&txn->arena, request->client.data, request->client.size)
                          : NULL;
    few.client.size = few.client.data != NULL ? request->client.size : 0;
    fill_view(txn, &few);
}

static bool read_incoming(struct paa_txn *txn, const struct seen *seen, const struct target *target)
{
    struct origin asked;

    if (!read_authority(txn, seen, target, &asked) || !is_ours(txn, &asked))
        return false;
    if (UNLIKELY(seen->is_early) || (txn->flags & PAA_REQUEST_EARLY_DATA) != 0) {
        txn->view.flags |= (uint32_t)PAA_VIEW_EARLY_DATA;
        if (!method_is_safe(txn->view.method))
            return refuse(txn, 425, "early-data",
                          "an unsafe method in TLS early data may be a replay");
    }
    if (txn->service->route_count > 0 && route_take(txn))
        return true;
    return find_rule(txn, asked.host,
                     seen->has_preflight && seen->has_origin &&
                         paa_str_eq(txn->view.method, "OPTIONS"));
}

bool request_read(struct paa_txn *txn, const struct paa_request *request)
{
    struct paa_request copy;
    struct seen seen = { STR_NONE, 0, false, false, false };
    struct target target;

    fill_view(txn, request);
    if (!fits(request)) {
        let_go(txn, request);
        return refuse(txn, 431, "fields", "more than 256 header fields, or over 64 KiB of them");
    }
    if (UNLIKELY((request->flags & PAA_REQUEST_STABLE) == 0)) {
        copy = *request;
        if (!copy_request(txn, &copy)) {
            let_go(txn, request);
            return no_memory(txn);
        }
        request = &copy;
        fill_view(txn, request);
    }
    if (!is_token(txn->view.method))
        return refuse(txn, 400, "method", "the method is no token");
    if (!read_target(txn, request, &target))
        return false;
    if (txn->handle->direction == PAA_OUTGOING)
        return may_leave(txn, &target) && find_rule(txn, STR_NONE, false);
    for (size_t i = 0; i < request->header_count; i++)
        look_at(&request->headers[i], &seen);
    return read_incoming(txn, &seen, &target);
}

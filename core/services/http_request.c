/* SPDX-License-Identifier: MIT */
/*
 * A request of a plugin, judged and copied: what could be read in two ways, or leads where the policy does not, goes
 * no further. Reads the operation's instance and sources, and sends nothing.
 */
#include "http_inner.h"

#include "fields.h"
#include "secret.h"
#include "str.h"
#include "units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    METHOD_MAX = 16,
    REQUEST_FLAGS = PAA_HTTP_FOREIGN_URL | PAA_HTTP_SECRET | PAA_HTTP_SIGNED_CONTENT | PAA_HTTP_ONCE
};

struct draft { /* a request while it is judged */
    struct op *op;
    struct http_fetch *fetch;
    struct paa_http_request asked;
    const struct paa_tls *tls;
    struct url url;
    struct buf text;
    bool is_own; /* the policy itself names the origin */
};

/* ---- sentences ----------------------------------------------------------------------------------- */

PAA_PRINTF(2, 0)
static void say(struct http_fetch *fetch, const char *format, va_list arguments)
{
    int size = snprintf(fetch->sentence, sizeof fetch->sentence, "%s%s", fetch->shown,
                        fetch->shown[0] != '\0' ? ": " : "");

    (void)vsnprintf(fetch->sentence + size, sizeof fetch->sentence - (size_t)size, format,
                    arguments);
}

void fetch_say(struct http_fetch *fetch, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(fetch, format, arguments);
    va_end(arguments);
}

bool fetch_refuse(struct http_fetch *fetch, enum paa_status status, const char *format, ...)
{
    va_list arguments;

    fetch->status = status;
    va_start(arguments, format);
    say(fetch, format, arguments);
    va_end(arguments);
    return false;
}

/* The origin, and the path unless it may be secret too. Never the query. */
static void show_url(struct draft *draft)
{
    struct http_fetch *fetch = draft->fetch;
    struct paa_str path = fetch->is_secret ? STR_NONE : draft->url.path;
    struct buf buf;

    buf_init(&buf, AUTHORITY_MAX + 16);
    origin_write(&buf, &draft->url.origin);
    (void)snprintf(fetch->shown, sizeof fetch->shown, "%.*s%.*s", STR_ARGS(buf_str(&buf)),
                   STR_ARGS(path));
    buf_free(&buf);
}

/* ---- the URL ------------------------------------------------------------------------------------- */

/* By the policy: of several issuers one must not lead to what another one has. */
static bool is_named(const struct op *op, struct paa_str named_by, const struct origin *origin)
{
    const struct op_instance *instance = op->instance;
    struct url url;

    if (named_by.data != NULL)
        return url_parse(named_by, op->arena, &url) == NULL && origin_eq(&url.origin, origin);

    for (size_t i = 0; instance != NULL && i < instance->origin_count; i++)
        if (origin_eq(&instance->origins[i], origin))
            return true;
    return false;
}

static bool may_be_plain(const struct draft *draft)
{
    uint32_t flags = draft->asked.flags;
    bool is_loopback = origin_is_loopback(&draft->url.origin) && draft->is_own &&
                       draft->tls != NULL && draft->tls->http_loopback;

    return is_loopback ||
           ((flags & PAA_HTTP_SIGNED_CONTENT) != 0 && (flags & PAA_HTTP_SECRET) == 0);
}

static bool accept_url(struct draft *draft)
{
    struct http_fetch *fetch = draft->fetch;
    const char *wrong = url_parse(draft->asked.url, draft->op->arena, &draft->url);

    if (draft->asked.url.data == NULL)
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "a fetch without a URL");
    if (wrong != NULL)
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "what is to be fetched is no URL: %s",
                            wrong);
    show_url(draft);
    fetch->is_plain = !draft->url.origin.https;
    draft->is_own = (draft->asked.flags & PAA_HTTP_FOREIGN_URL) == 0 ||
                    is_named(draft->op, draft->asked.named_by, &draft->url.origin);
    fetch->is_strict = !draft->is_own;
    if (fetch->is_plain && !may_be_plain(draft))
        return fetch_refuse(
            fetch, PAA_STATUS_DENIED,
            "only https is fetched; plain http to a loopback address of the policy's "
            "own needs tls = { http_loopback = true; }");
    url_write(&draft->text, &draft->url);
    buf_add_char(&draft->text, '\0');
    return true;
}

/* ---- TLS ----------------------------------------------------------------------------------------- */

static bool accept_tls(struct draft *draft)
{
    const struct paa_tls *tls = draft->tls;
    struct http_fetch *fetch = draft->fetch;

    fetch->min_version = TLS_1_2;
    if (tls == NULL)
        return true;
    fetch->tls_id = tls->id;
    fetch->min_version = tls->min_version;
    fetch->no_verify = tls->no_verify;
    if (fetch->no_verify && !tls->no_verify_anywhere && !origin_is_loopback(&draft->url.origin))
        return fetch_refuse(fetch, PAA_STATUS_DENIED,
                            "tls says verify = false, which is for loopback addresses: name the "
                            "server's CA with tls.ca");
    if (fetch->is_strict && tls->proxy != NULL)
        return fetch_refuse(
            fetch, PAA_STATUS_DENIED,
            "where a URL of a document leads cannot be judged through a proxy: name "
            "it in the policy");
    return true;
}

/* All parts of a folder, one behind the other. */
static void read_ca(struct op *op, const struct paa_source *ca, struct buf *buf)
{
    struct paa_bytes part;

    for (size_t i = 0; (part = services_host_sources.read(&op->pub, ca, i)).data != NULL; i++) {
        buf_add(buf, part.data, part.size);
        buf_add_char(buf, '\n');
    }
}

/* One more holder. NULL: nobody has these CAs, and pem is absent; or no memory. */
static struct http_trust *hold_trust(struct http *http, uint64_t tls_id, uint64_t version,
                                     struct paa_str pem)
{
    struct http_trust *trust;

    pthread_mutex_lock(&http->lock);
    trust = trust_find(http, tls_id, version);
    if (trust == NULL && pem.data != NULL)
        trust = trust_add(http, tls_id, version, pem);
    if (trust != NULL)
        trust_hold(trust);
    pthread_mutex_unlock(&http->lock);
    return trust;
}

/* The CAs of the group in the version that the operation sees; copied only if nobody has them yet. */
static bool take_trust(struct draft *draft)
{
    struct http_fetch *fetch = draft->fetch;
    const struct paa_source *ca = draft->tls != NULL ? draft->tls->ca : NULL;
    uint64_t version = ca != NULL ? services_host_sources.version(&draft->op->pub, ca) : 0;
    struct buf pem;

    if (fetch->is_plain || fetch->no_verify)
        return true;
    fetch->trust = hold_trust(fetch->http, ca != NULL ? fetch->tls_id : 0, version,
                              ca != NULL ? STR_NONE : STR(""));
    if (fetch->trust == NULL && ca != NULL) {
        buf_init(&pem, INT32_MAX);
        read_ca(draft->op, ca, &pem);
        if (pem.size > 0)
            fetch->trust = hold_trust(fetch->http, fetch->tls_id, version, buf_str(&pem));
        buf_free(&pem);
    }
    return fetch->trust != NULL ||
           fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE,
                        "the CAs that tls.ca names cannot be read at this time");
}

static bool take_key(struct draft *draft)
{
    struct http_fetch *fetch = draft->fetch;

    if (draft->asked.client_key == NULL)
        return true;
    fetch->key = draft->asked.client_key;
    fetch->key_version = key_version(fetch->key);
    return fetch->key_version != 0 || fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE,
                                                   "the client key cannot be read at this time");
}

/* ---- method, header, body ------------------------------------------------------------------------ */

static bool has_no_body(struct paa_str method)
{
    return paa_str_eq(method, "GET") || paa_str_eq(method, "HEAD") || paa_str_eq(method, "OPTIONS");
}

static bool accept_method(struct draft *draft)
{
    struct paa_str method = draft->asked.method;
    struct http_fetch *fetch = draft->fetch;

    if (method.data == NULL)
        draft->asked.method = method = STR("GET");
    fetch->has_body = draft->asked.body.data != NULL;
    if (!is_token(method) || method.size > METHOD_MAX || paa_str_eq(method, "CONNECT") ||
        paa_str_eq(method, "TRACE"))
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "no fetch has that method");
    if (fetch->has_body && has_no_body(method))
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "GET, HEAD and OPTIONS have no body");
    if (draft->asked.body.size > HTTP_BODY_MAX)
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "its body is over 1 MiB");
    buf_add_str(&draft->text, method);
    buf_add_char(&draft->text, '\0');
    return true;
}

/* What decides where one message ends and the next begins, or whose connection it is. */
static bool is_cores(struct paa_str name)
{
    static const char *const names[] = {
        "host", "connection", "content-length", "expect",         "keep-alive", "transfer-encoding",
        "te",   "trailer",    "upgrade",        "http2-settings", "user-agent", "accept-encoding"
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (field_name_same(name, paa_str_of(names[i])))
            return true;
    return str_starts_nocase(name, STR("proxy-"));
}

static bool accept_header(struct draft *draft)
{
    struct http_fetch *fetch = draft->fetch;
    size_t begin = draft->text.size;

    if (draft->asked.header_count > HTTP_FIELDS_MAX ||
        (draft->asked.headers == NULL && draft->asked.header_count > 0))
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "it has more than 64 header fields");
    for (size_t i = 0; i < draft->asked.header_count; i++) {
        struct paa_field field = draft->asked.headers[i];

        if (!is_token(field.name) || is_cores(field.name))
            return fetch_refuse(fetch, PAA_STATUS_INVALID,
                                "a header field has no name, or one that is the core's");
        if (field.value.size > 0 && !is_field_value(field.value))
            return fetch_refuse(fetch, PAA_STATUS_INVALID,
                                "the value of a header field cannot be sent");
        buf_add_str(&draft->text, field.name); /* "Name;" is how libcurl is told of an empty one */
        buf_add_text(&draft->text, field.value.size > 0 ? ": " : ";");
        buf_add_str(&draft->text, field.value);
        buf_add_char(&draft->text, '\0');
    }
    if (draft->text.size - begin > HTTP_HEADER_MAX)
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "its header is over 16 KiB");
    return true;
}

/* ---- limits -------------------------------------------------------------------------------------- */

static bool accept_limits(struct draft *draft)
{
    struct http_fetch *fetch = draft->fetch;
    int64_t now_ms = clock_now_ms(&draft->op->services->clock);
    uint32_t timeout_ms = draft->asked.timeout_ms;
    uint32_t limit = draft->asked.response_limit;

    if (timeout_ms == 0)
        timeout_ms = HTTP_TIMEOUT_MS;
    if (timeout_ms > HTTP_TIMEOUT_MAX_MS)
        timeout_ms = HTTP_TIMEOUT_MAX_MS;
    if (limit > HTTP_RESPONSE_MAX)
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "no response may be over 16 MiB");
    fetch->deadline_ms = time_add(now_ms, timeout_ms);
    if (fetch->deadline_ms > draft->op->deadline_ms)
        fetch->deadline_ms = draft->op->deadline_ms;
    if (fetch->deadline_ms <= now_ms)
        return fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE, "no time is left to fetch it");
    answer_init(&fetch->answer, limit != 0 ? limit : (size_t)HTTP_RESPONSE_BYTES);
    return true;
}

/* Before anything else of it is looked at. */
static bool is_possible(struct draft *draft, const struct paa_http_request *request)
{
    const struct services *services = draft->op->services;
    struct http_fetch *fetch = draft->fetch;

    if ((services->flags & (PAA_OPEN_OFFLINE | PAA_OPEN_CHECK)) != 0)
        return fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE,
                            "nothing is fetched: the context is offline (paactl explain needs "
                            "--online)");
    if (!op_understands(request, sizeof *request, REQUEST_FLAGS)) {
        op_misuse(draft->op, "a fetch with an unknown flag or member");
        return fetch_refuse(fetch, PAA_STATUS_INVALID, "a fetch with an unknown flag or member");
    }
    if (services->reactor == NULL)
        return fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE,
                            "nothing is fetched before the context's threads run");
    return true;
}

/* ---- the copy ------------------------------------------------------------------------------------ */

/* The next text of the block. */
static const char *text_at(const char **at)
{
    const char *text = *at;

    *at += strlen(text) + 1;
    return text;
}

static bool copy(struct draft *draft)
{
    struct http_fetch *fetch = draft->fetch;
    const struct paa_tls *tls = draft->tls;
    size_t text_size;
    const char *at;

    buf_add_text(&draft->text, tls != NULL && tls->pins != NULL ? tls->pins : "");
    buf_add_char(&draft->text, '\0');
    buf_add_text(&draft->text, tls != NULL && tls->proxy != NULL ? tls->proxy : "");
    buf_add_char(&draft->text, '\0');
    text_size = draft->text.size;
    fetch->block_size = text_size + draft->asked.body.size;
    fetch->block = draft->text.failed ? NULL : secret_alloc(fetch->block_size);
    if (fetch->block == NULL)
        return fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE, "no memory is left to fetch it");
    memcpy(fetch->block, draft->text.data, text_size);
    if (draft->asked.body.size > 0)
        memcpy((char *)fetch->block + text_size, draft->asked.body.data, draft->asked.body.size);
    fetch->body = paa_bytes_of((char *)fetch->block + text_size, draft->asked.body.size);
    at = fetch->block;
    fetch->url = text_at(&at);
    fetch->method = text_at(&at);
    for (; fetch->header_count < draft->asked.header_count; fetch->header_count++)
        fetch->headers[fetch->header_count] = text_at(&at);
    fetch->pins = text_at(&at);
    fetch->proxy = text_at(&at);
    return true;
}

static bool judge(struct draft *draft, const struct paa_http_request *request)
{
    const struct op_instance *instance = draft->op->instance;

    if (!is_possible(draft, request))
        return false;
    draft->asked = *request;
    draft->tls = request->tls != NULL ? request->tls : instance != NULL ? instance->tls : NULL;
    draft->fetch->is_secret = (request->flags & PAA_HTTP_SECRET) != 0;
    return accept_url(draft) && accept_tls(draft) && accept_method(draft) && accept_header(draft) &&
           accept_limits(draft) && take_key(draft) && take_trust(draft) && copy(draft);
}

struct http_fetch *fetch_new(struct op *op, const struct paa_http_request *request)
{
    struct http_fetch *fetch = calloc(1, sizeof *fetch);
    struct draft draft = { .op = op, .fetch = fetch };

    if (fetch == NULL)
        return NULL;
    fetch->http = op->services->http;
    fetch->op = op;
    fetch->state = FETCH_REFUSED;
    fetch->status = PAA_STATUS_OK;
    fetch->began_ms = INT64_MIN;
    fetch->timer.fn = on_deadline;
    list_init(&fetch->link);
    answer_init(&fetch->answer, 0);
    buf_init(&draft.text, 64 * 1024);
    (void)judge(&draft, request);
    buf_free(&draft.text);
    return fetch;
}

void fetch_free(struct http_fetch *fetch)
{
    if (fetch == NULL)
        return;
    if (fetch->trust != NULL) {
        pthread_mutex_lock(&fetch->http->lock);
        trust_drop(fetch->trust);
        pthread_mutex_unlock(&fetch->http->lock);
    }
    answer_free(&fetch->answer);
    secret_free(fetch->block, fetch->block_size);
    secret_wipe(fetch, sizeof *fetch);
    free(fetch);
}

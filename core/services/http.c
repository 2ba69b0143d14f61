/* SPDX-License-Identifier: MIT */
/*
 * host->http. A fetch is accepted here if its instance and origin may fetch now, and is then the reactor's; its outcome
 * comes by an ordinary wait. Knows no libcurl.
 */
#include "http_inner.h"

#include "str.h"
#include "units.h"

#include <stdlib.h>

/* ---- the operation goes on ---------------------------------------------------------------------- */

static bool show(struct op *op, const struct http_fetch *fetch, struct paa_http_response *response)
{
    const struct http_answer *answer = &fetch->answer;
    struct paa_field *fields = arena_array(op->arena, answer->field_count + 1, sizeof *fields);

    if (fields == NULL)
        return false;
    for (size_t i = 0; i < answer->field_count; i++)
        fields[i] = answer_field_at(answer, i);
    paa_init(response, sizeof *response);
    response->code = answer->code;
    response->retry_after_s = (uint32_t)(fetch->retry_after_ms / 1000);
    response->headers = fields;
    response->header_count = answer->field_count;
    response->body =
        answer->body_size > 0 ? paa_bytes_of(answer->body, answer->body_size) : paa_bytes_of("", 0);
    return true;
}

static enum paa_result resume_fetch(struct op *op)
{
    struct http_fetch *fetch = op->fetch;
    enum paa_status status = op->wait.status;
    struct paa_http_response response;
    bool has_response = false;
    enum paa_result result;

    op->fetch = NULL; /* the continuation may fetch again */
    if (op->wait.then.http == NULL) {
        op_misuse(op, "a waiting call without a continuation");
        fetch_free(fetch);
        return PAA_FAULT;
    }
    if (status == PAA_STATUS_OK) {
        has_response = show(op, fetch, &response);
        status = has_response ? status : PAA_STATUS_UNAVAILABLE;
    }
    result =
        op->wait.then.http(&op->pub, status, has_response ? &response : NULL, op->wait.context);
    fetch_free(fetch);
    return result;
}

static bool cancel_fetch(struct op *op)
{
    struct http_fetch *fetch = op->fetch;
    struct http *http = op->services->http;

    bool is_over;

    if (fetch == NULL)
        return true;
    pthread_mutex_lock(&http->lock);
    is_over = fetch->state != FETCH_POSTED;
    if (fetch->state == FETCH_WAITING || fetch->state == FETCH_RUNNING) {
        fetch->op = NULL;
        fetch->state = FETCH_DEAD;
        list_remove(&fetch->link);
        list_add_last(&http->dead, &fetch->link);
        op->fetch = NULL;
        http_kick(http);
    }
    pthread_mutex_unlock(&http->lock);
    return is_over;
}

void http_op_ended(struct op *op)
{
    fetch_free(op->fetch);
    op->fetch = NULL;
}

static const struct op_wait_kind fetch_kind = { "http.fetch", resume_fetch, cancel_fetch };

/* ---- the waiting call ---------------------------------------------------------------------------- */

static const char *party_name(const struct op *op)
{
    return op->instance != NULL ? op->instance->name : "";
}

static bool is_too_many(const struct http *http, const struct http_site *site)
{
    return http->fetches >= HTTP_FETCHES_MAX || site->party->fetches >= HTTP_INSTANCE_FETCHES_MAX;
}

/* Under the lock. False: refused. */
static bool may_fetch(struct http *http, struct http_fetch *fetch, struct http_site *site,
                      int64_t now_ms)
{
    if (site == NULL)
        return fetch_refuse(fetch, PAA_STATUS_LIMITED,
                            "too many other servers are asked at this time");
    if (site->until_ms > now_ms) {
        fetch->retry_after_ms = site->until_ms - now_ms;
        return fetch_refuse(fetch, PAA_STATUS_LIMITED,
                            "it failed a moment ago, or asked to be left alone, and is asked again "
                            "in %lld ms",
                            (long long)fetch->retry_after_ms);
    }
    if (is_too_many(http, site))
        return fetch_refuse(fetch, PAA_STATUS_LIMITED, "too many other fetches are under way");
    return true;
}

static struct paa_str origin_of(const struct http_fetch *fetch)
{
    struct paa_str url = paa_str_of(fetch->url);
    size_t from = fetch->is_plain ? sizeof "http://" - 1 : sizeof "https://" - 1;

    return str_slice(url, 0, str_find(url, '/', from));
}

/* False: refused. */
static bool enlist(struct http *http, struct http_fetch *fetch, const struct op *op)
{
    int64_t now_ms = clock_now_ms(&http->services->clock);
    struct http_site *site;
    bool is_in;

    pthread_mutex_lock(&http->lock);
    site = site_get(http, party_name(op), origin_of(fetch));
    is_in = may_fetch(http, fetch, site, now_ms);
    if (is_in && !timer_set(http->services->reactor, &fetch->timer, fetch->deadline_ms))
        is_in = fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE, "no memory is left to fetch it");
    if (is_in) {
        fetch->state = FETCH_WAITING;
        fetch->site = site;
        list_add_last(&site->waiting, &fetch->link);
        http->fetches++;
        site->fetches++;
        site->party->fetches++;
        http_kick(http);
    }
    pthread_mutex_unlock(&http->lock);
    return is_in;
}

static enum paa_result refuse(struct op *op, const struct http_fetch *fetch)
{
    op->wait.status = fetch != NULL ? fetch->status : PAA_STATUS_UNAVAILABLE;
    op->wait.sentence = fetch != NULL ? fetch->sentence : "no memory is left for a fetch";
    op->wait.is_public = fetch == NULL || fetch->is_secret; /* then it names the origin only */
    op->wait.retry_after_ms = fetch != NULL ? fetch->retry_after_ms : 0;
    op_wait_ready(op);
    return PAA_PENDING;
}

static enum paa_result host_fetch(struct paa_op *pub, const struct paa_http_request *request,
                                  paa_http_fn then, void *context)
{
    struct op *op = op_of(pub);
    struct http_fetch *fetch;

    if (!op_wait(op, &fetch_kind, context))
        return PAA_PENDING;
    op->wait.then.http = then;
    fetch = op->fetch = fetch_new(op, request);
    if (fetch == NULL || fetch->status != PAA_STATUS_OK)
        return refuse(op, fetch);
    op->is_committed = op->is_committed || (request->flags & PAA_HTTP_ONCE) != 0;
    return enlist(op->services->http, fetch, op) ? PAA_PENDING : refuse(op, fetch);
}

const struct paa_host_http services_host_http = {
    .struct_size = sizeof(struct paa_host_http),
    .fetch = host_fetch,
};

/* ---- life ---------------------------------------------------------------------------------------- */

static void begin(struct http *http)
{
    struct services *services = http->services;

    memset(http, 0, sizeof *http);
    http->services = services;
    pthread_mutex_init(&http->lock, NULL);
    list_init(&http->parties);
    list_init(&http->sites);
    list_init(&http->active);
    list_init(&http->dead);
    list_init(&http->trusts);
    http->kick.fn = on_kick;
    http->sweep.fn = on_sweep;
}

struct http *http_new(struct services *services)
{
    struct http *http = calloc(1, sizeof *http);

    if (http == NULL)
        return NULL;
    http->services = services;
    begin(http);
    return http;
}

/* Its operation, if there still is one, keeps it until it ends. */
static void leave(struct http_fetch *fetch)
{
    if (fetch->transfer != NULL)
        wire_drop(fetch);
    fetch->state = FETCH_POSTED;
    if (fetch->op == NULL)
        fetch_free(fetch);
}

static void leave_all(struct list *fetches)
{
    struct list *link;

    while ((link = list_take_first(fetches)) != NULL)
        leave(LIST_ENTRY(link, struct http_fetch, link));
}

void http_stop(struct http *http)
{
    if (http == NULL)
        return;
    for (struct list *at = http->sites.next; at != &http->sites; at = at->next)
        leave_all(&LIST_ENTRY(at, struct http_site, link)->waiting);
    leave_all(&http->active);
    leave_all(&http->dead);
    wire_free(http->wire);
    http->wire = NULL;
    http->is_swept = false;
    sites_free(http);
    http->fetches = http->running = 0;
    http->kick.place = http->sweep.place = 0; /* they went with the reactor */
}

void http_forget(struct http *http)
{
    sockets_forget(http);
    begin(http);
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    pthread_mutex_destroy(&http->lock);
    free(http);
}

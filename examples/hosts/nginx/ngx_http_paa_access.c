/* SPDX-License-Identifier: MIT */
/*
 * One request in the access phase: judged, suspended, resumed, answered. nginx comes here once for each time it
 * chooses a location (so again after internal redirects), and not for subrequests.
 */
#include "ngx_http_paa.h"

/* ---- the case of a request ------------------------------------------------------------------------ */

/* The request is gone, for whatever reason: its client left, or it was answered. */
static void case_end(void *data)
{
    struct ngx_http_paa_case *c = data;

    if (c->alarm.timer_set)
        ngx_del_timer(&c->alarm);
    if (c->main->lane == NULL)
        return; /* a worker that ends at once: the lane has ended them */
    paa_txn_end(&c->txn);
    paa_txn_end(&c->refusal);
}

struct ngx_http_paa_case *ngx_http_paa_case_of(ngx_http_request_t *r)
{
    for (ngx_pool_cleanup_t *cleanup = r->pool->cleanup; cleanup != NULL; cleanup = cleanup->next)
        if (cleanup->handler == case_end)
            return cleanup->data;
    return NULL;
}

static void on_alarm(ngx_event_t *event);

static struct ngx_http_paa_case *case_new(ngx_http_request_t *r, struct ngx_http_paa_main *main)
{
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, sizeof(struct ngx_http_paa_case));
    struct ngx_http_paa_case *c;

    if (cleanup == NULL)
        return NULL;
    c = cleanup->data;
    ngx_memzero(c, sizeof *c);
    c->request = r;
    c->main = main;
    c->alarm.handler = on_alarm;
    c->alarm.data = c;
    c->alarm.log = r->connection->log;
    cleanup->handler = case_end;
    return ngx_http_paa_view_fields(c) == NGX_OK ? c : NULL;
}

/* ---- waiting -------------------------------------------------------------------------------------- */

/* Until step changes. The timer has a second use: a worker that is told to quit stays for as long as timers run,
 * and a suspended request has no other. */
static ngx_int_t hold(struct ngx_http_paa_case *c, enum ngx_http_paa_step step, ngx_msec_t ms)
{
    c->step = step;
    c->request->read_event_handler = ngx_http_test_reading; /* notices a client that leaves */
    ngx_add_timer(&c->alarm, ms);
    return NGX_AGAIN;
}

static void release(struct ngx_http_paa_case *c)
{
    if (c->alarm.timer_set)
        ngx_del_timer(&c->alarm);
    c->request->read_event_handler = ngx_http_block_reading;
}

/* The phases are run again, and come to ngx_http_paa_access; or, where nginx has given the request up, it ends.
 * Either may free the request. */
static void run_on(ngx_http_request_t *r)
{
    ngx_connection_t *connection = r->connection;

    ngx_http_set_log_request(connection->log, r);
    r->write_event_handler(r);
    ngx_http_run_posted_requests(connection);
}

void ngx_http_paa_resume(struct ngx_http_paa_case *c)
{
    if (c->step != PAA_NGX_SUSPENDED)
        return;
    c->state = paa_txn_advance(c->txn);
    if (c->state == PAA_TXN_PENDING)
        return;
    c->step = PAA_NGX_DECIDED;
    run_on(c->request);
}

static void on_alarm(ngx_event_t *event)
{
    struct ngx_http_paa_case *c = event->data;

    if (c->step == PAA_NGX_SUSPENDED) {
        ngx_add_timer(event, PAA_NGX_WATCH_MS);
    } else if (c->step == PAA_NGX_DELAYED) {
        c->step = PAA_NGX_SERVED;
        run_on(c->request);
    }
}

/* ---- no --------------------------------------------------------------------------------------------- */

static ngx_int_t send_content(ngx_http_request_t *r, struct paa_bytes content)
{
    ngx_buf_t *buf = ngx_calloc_buf(r->pool);
    ngx_chain_t out;

    if (buf == NULL)
        return NGX_ERROR;
    buf->start = buf->pos = (u_char *)(uintptr_t)content.data;
    buf->end = buf->last = buf->pos + content.size;
    buf->memory = 1; /* read only; the transaction lives as long as the request */
    buf->last_buf = 1;
    buf->last_in_chain = 1;
    out.buf = buf;
    out.next = NULL;
    return ngx_http_output_filter(r, &out);
}

/* An answer of PAA's own making. Its header fields come with the header filter. */
static ngx_int_t send_answer(ngx_http_request_t *r, const struct paa_answer *answer)
{
    struct paa_str type = answer->media_type;
    ngx_int_t rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK)
        return rc;
    r->headers_out.status = answer->code;
    r->headers_out.status_line.len = 0;
    r->headers_out.content_length_n = (off_t)answer->content.size;
    if (type.data != NULL) {
        r->headers_out.content_type.data = (u_char *)(uintptr_t)type.data;
        r->headers_out.content_type.len = type.size;
        r->headers_out.content_type_len = type.size;
        r->headers_out.content_type_lowcase = NULL;
    }
    if (answer->content.size == 0)
        r->header_only = 1;
    rc = ngx_http_send_header(r);
    if (rc == NGX_OK && !r->header_only)
        rc = send_content(r, answer->content);
    ngx_http_finalize_request(r, rc);
    return NGX_DONE;
}

/* Under `satisfy any` nginx asks its other access modules after a bare 401 or 403. Whatever one of them lets in,
 * nothing of it may claim to come from us. */
static ngx_int_t refuse_bare(struct ngx_http_paa_case *c, ngx_int_t code)
{
    if (ngx_http_paa_edit_request(c->request, c->refusal) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    c->is_bare = 1;
    return code;
}

static int is_any(ngx_http_request_t *r)
{
    const ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return core->satisfy == NGX_HTTP_SATISFY_ANY;
}

/* Has the administrator said what to show? Then PAA's own content gives way, but for what it serves. */
static int is_shown_by_nginx(ngx_http_request_t *r, ngx_int_t code)
{
    const ngx_http_core_loc_conf_t *core = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    const ngx_http_err_page_t *pages = core->error_pages != NULL ? core->error_pages->elts : NULL;

    if (code < NGX_HTTP_SPECIAL_RESPONSE)
        return 0;
    for (ngx_uint_t i = 0; pages != NULL && i < core->error_pages->nelts; i++)
        if (pages[i].status == code)
            return 1;
    return r->error_page; /* refused while a page for an earlier refusal was looked for */
}

/* By c->refusal. */
static ngx_int_t answer(struct ngx_http_paa_case *c)
{
    const struct paa_answer *answer = paa_txn_answer(c->refusal);
    ngx_int_t code = answer->code >= 200 && answer->code <= 599 ? (ngx_int_t)answer->code
                                                                : NGX_HTTP_INTERNAL_SERVER_ERROR;

    if ((code == NGX_HTTP_UNAUTHORIZED || code == NGX_HTTP_FORBIDDEN) && is_any(c->request))
        return refuse_bare(c, code);
    if (answer->delay_ms > 0 && c->step != PAA_NGX_SERVED)
        return hold(c, PAA_NGX_DELAYED,
                    (ngx_msec_t)ngx_min(answer->delay_ms, (int64_t)PAA_NGX_DELAY_MAX_MS));
    c->step = PAA_NGX_IDLE;
    if (is_shown_by_nginx(c->request, code) ||
        (code >= NGX_HTTP_SPECIAL_RESPONSE && answer->content.size == 0))
        return code;
    return send_answer(c->request, answer);
}

/* ---- yes -------------------------------------------------------------------------------------------- */

static ngx_int_t allow(struct ngx_http_paa_case *c)
{
    c->is_allowed = 1;
    if (ngx_http_paa_edit_request(c->request, c->txn) != NGX_OK ||
        ngx_http_paa_edit_target(c->request, c->target, paa_txn_target(c->txn)) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return NGX_OK;
}

static ngx_int_t settle(struct ngx_http_paa_case *c, enum paa_state state)
{
    if (state == PAA_TXN_PENDING)
        return hold(c, PAA_NGX_SUSPENDED, PAA_NGX_WATCH_MS);
    c->step = PAA_NGX_IDLE;
    if (state == PAA_TXN_ALLOW)
        return allow(c);
    paa_txn_end(&c->refusal);
    c->refusal = c->txn;
    c->txn = NULL;
    c->is_refused = 1;
    return answer(c);
}

static ngx_int_t judge(struct ngx_http_paa_case *c, struct paa_service *service)
{
    struct paa_request request;

    c->is_allowed = 0;
    paa_txn_end(&c->txn);
    ngx_http_paa_view(c, &request);
    return settle(c, paa_txn_begin(&c->txn, c->main->lane, service, &request));
}

/* The phase is run again for a request that waits here. */
static ngx_int_t go_on(struct ngx_http_paa_case *c)
{
    if (c->step == PAA_NGX_SUSPENDED || c->step == PAA_NGX_DELAYED)
        return NGX_AGAIN;
    release(c);
    return c->step == PAA_NGX_DECIDED ? settle(c, c->state) : answer(c);
}

/* ---- phases ------------------------------------------------------------------------------------------ */

ngx_int_t ngx_http_paa_access(ngx_http_request_t *r)
{
    const struct ngx_http_paa_location *location =
        ngx_http_get_module_loc_conf(r, ngx_http_paa_module);
    struct ngx_http_paa_main *main = ngx_http_get_module_main_conf(r, ngx_http_paa_module);
    struct ngx_http_paa_case *c = ngx_http_paa_case_of(r);

    if (c != NULL && c->step != PAA_NGX_IDLE)
        return go_on(c);
    if (c != NULL)
        c->is_bare = 0;
    if (location->guard == NULL)
        return NGX_DECLINED;
    if (main->lane == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "paa: this process has no lane: with \"master_process off\", restart "
                      "instead of reloading");
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    if (c == NULL)
        c = case_new(r, main);
    if (c == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return judge(c, location->guard->service);
}

/* Access was granted. Was it refused by us, then another module said yes (`satisfy any`), and our challenges
 * are not to be sent. */
ngx_int_t ngx_http_paa_precontent(ngx_http_request_t *r)
{
    struct ngx_http_paa_case *c = r == r->main ? ngx_http_paa_case_of(r) : NULL;

    if (c != NULL && c->is_bare) {
        c->is_bare = 0;
        c->is_refused = 0;
        paa_txn_end(&c->refusal);
    }
    return NGX_DECLINED;
}

/* SPDX-License-Identifier: MIT */
/*
 * PAA as an access module of nginx: what its files share. Of PAA they know paa.h alone.
 *
 *   ngx_http_paa_module.c   directives, the context of a configuration, the lane of a worker
 *   ngx_http_paa_access.c   one request: judged, suspended, resumed, answered
 *   ngx_http_paa_view.c     what PAA is shown of a request and of its connection
 *   ngx_http_paa_edit.c     what PAA changes in a request and in its response
 */
#ifndef NGX_HTTP_PAA_H
#define NGX_HTTP_PAA_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <paa/paa.h>

enum {
    PAA_NGX_TURN_MAX = 64,       /* transactions resumed in one turn of the event loop */
    PAA_NGX_WATCH_MS = 60000,    /* see ngx_http_paa_access.c, hold() */
    PAA_NGX_DELAY_MAX_MS = 60000 /* of a refusal that the policy delays */
};

/* One configuration (cycle). The master opens the context; each worker has a lane and peers of its own. */
struct ngx_http_paa_main {
    ngx_str_t policy;
    ngx_str_t plugin_dir;
    struct paa_context *context;
    struct paa_lane *lane;  /* NULL in the master and in cache processes */
    ngx_connection_t *wake; /* the lane's descriptor, as nginx wants it */
    ngx_queue_t peers;
    int is_quiet; /* the log of this cycle is closed already */
};

/* `paa SERVICE;`, shared by all places that inherit it. */
struct ngx_http_paa_guard {
    ngx_str_t service_name;
    ngx_str_t file;
    ngx_uint_t line;
    struct paa_service *service;
};

struct ngx_http_paa_location {
    struct ngx_http_paa_guard *guard; /* NULL: none, or off */
};

enum ngx_http_paa_step {
    PAA_NGX_IDLE = 0,
    PAA_NGX_SUSPENDED, /* until the lane has news */
    PAA_NGX_DECIDED,   /* it had; the phase goes on with `state` */
    PAA_NGX_DELAYED,   /* a refusal waits to be sent */
    PAA_NGX_SERVED     /* it has waited */
};

/* All judgements of one request: nginx comes back to the access phase after each internal redirect. Found
 * through the clean-ups of the request's pool, since a redirect forgets the contexts of modules. */
struct ngx_http_paa_case {
    ngx_http_request_t *request;
    struct ngx_http_paa_main *main;
    const struct paa_field *fields; /* as the client sent them; later edits do not show here */
    size_t field_count;
    struct paa_str target;   /* likewise */
    struct paa_txn *txn;     /* the latest judgement, unless it said no */
    struct paa_txn *refusal; /* the latest that said no; NULL with is_refused: no memory for one */
    ngx_event_t alarm;
    enum paa_state state;
    enum ngx_http_paa_step step;
    unsigned is_allowed : 1; /* by txn */
    unsigned is_refused : 1;
    unsigned is_bare : 1; /* refused under `satisfy any`: another module may still say yes */
};

extern ngx_module_t ngx_http_paa_module;

/* access */
ngx_int_t ngx_http_paa_access(ngx_http_request_t *r);
ngx_int_t ngx_http_paa_precontent(ngx_http_request_t *r);
struct ngx_http_paa_case *ngx_http_paa_case_of(ngx_http_request_t *r);
void ngx_http_paa_resume(struct ngx_http_paa_case *c);

/* view: everything it points to lives as long as the request */
ngx_int_t ngx_http_paa_view_fields(struct ngx_http_paa_case *c);
void ngx_http_paa_view(struct ngx_http_paa_case *c, struct paa_request *ret_request);
void ngx_http_paa_peers_close(struct ngx_http_paa_main *main);

/* edit: NGX_OK or NGX_ERROR */
ngx_int_t ngx_http_paa_edit_request(ngx_http_request_t *r, const struct paa_txn *txn);
ngx_int_t ngx_http_paa_edit_target(ngx_http_request_t *r, struct paa_str given,
                                   struct paa_str edited);
ngx_int_t ngx_http_paa_edit_response(ngx_http_request_t *r, const struct paa_txn *txn);

#endif

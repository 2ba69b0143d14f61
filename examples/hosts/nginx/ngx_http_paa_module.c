/* SPDX-License-Identifier: MIT */
/*
 * Directives, the context of a configuration, and the lane of a worker.
 *
 *   paa_policy FILE | DIRECTORY;   http
 *   paa_plugin_dir DIRECTORY;      http
 *   paa SERVICE | off;             http, server, location, limit_except
 *
 * nginx opens the new configuration while the old one still serves, and forks: so the context is opened where
 * the configuration is read, which starts nothing, and all that runs begins with the lane of a worker.
 */
#include "ngx_http_paa.h"

static ngx_http_output_header_filter_pt next_header_filter;
static char is_duplicate[] = "is duplicate"; /* nginx puts the directive before it */

/* ---- what PAA says ------------------------------------------------------------------------------ */

static ngx_uint_t log_level(enum paa_level level)
{
    switch (level) {
    case PAA_LEVEL_ERROR:
        return NGX_LOG_ERR;
    case PAA_LEVEL_WARNING:
        return NGX_LOG_WARN;
    case PAA_LEVEL_NOTICE:
        return NGX_LOG_NOTICE;
    case PAA_LEVEL_INFO:
        return NGX_LOG_INFO;
    case PAA_LEVEL_DEBUG:
    case PAA_LEVEL_PIN:
    default:
        return NGX_LOG_DEBUG;
    }
}

static void on_log(enum paa_level level, struct paa_str line, void *user)
{
    const struct ngx_http_paa_main *main = user;

    if (!main->is_quiet)
        ngx_log_error(log_level(level), ngx_cycle->log, 0, "paa: %*s", line.size, line.data);
}

static void on_diagnostic(enum paa_level level, const char *file, int line, const char *sentence,
                          void *user)
{
    ngx_uint_t as = level == PAA_LEVEL_ERROR ? NGX_LOG_EMERG : log_level(level);

    (void)user;
    if (file != NULL) {
        ngx_log_error(as, ngx_cycle->log, 0, "paa: %s in %s:%d", sentence, file, line);
    } else {
        ngx_log_error(as, ngx_cycle->log, 0, "paa: %s", sentence);
    }
}

/* ---- the lane of a worker ----------------------------------------------------------------------- */

/* Level-triggered: what is left over is reported again in the next turn. */
static void on_wake(ngx_event_t *event)
{
    ngx_connection_t *connection = event->data;
    struct ngx_http_paa_main *main = connection->data;

    for (ngx_uint_t i = 0; i < PAA_NGX_TURN_MAX; i++) {
        struct paa_txn *txn = paa_lane_next(main->lane);

        if (txn == NULL)
            return;
        ngx_http_paa_resume(paa_txn_user(txn));
    }
}

/* The lane has nothing to be written to, but nginx wants a handler on both sides. */
static void on_write(ngx_event_t *event)
{
    (void)event;
}

/* The descriptor is the lane's, so the connection is given back without closing it. */
static void lane_close(struct ngx_http_paa_main *main)
{
    if (main->wake != NULL) {
        if (main->wake->read->active)
            (void)ngx_del_event(main->wake->read, NGX_READ_EVENT, 0);
        ngx_free_connection(main->wake);
        main->wake->fd = (ngx_socket_t)-1;
        main->wake = NULL;
    }
    paa_lane_close(&main->lane);
    ngx_http_paa_peers_close(main);
}

static ngx_int_t lane_watch(struct ngx_http_paa_main *main, ngx_log_t *log)
{
    main->wake = ngx_get_connection(paa_lane_fd(main->lane), log);
    if (main->wake == NULL)
        return NGX_ERROR;
    main->wake->data = main;
    main->wake->read->handler = on_wake;
    main->wake->read->log = log;
    main->wake->write->handler = on_write;
    main->wake->write->log = log;
    return ngx_add_event(main->wake->read, NGX_READ_EVENT, NGX_LEVEL_EVENT);
}

static ngx_int_t init_process(ngx_cycle_t *cycle)
{
    struct ngx_http_paa_main *main =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_paa_module);
    struct paa_error error;

    /* the cache manager and the cache loader serve nobody */
    if (main == NULL || main->context == NULL ||
        (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE))
        return NGX_OK;
    if (paa_lane_open(&main->lane, main->context, &error) != 0) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "paa: %s", error.text);
        return NGX_ERROR;
    }
    return lane_watch(main, cycle->log);
}

static void exit_process(ngx_cycle_t *cycle)
{
    struct ngx_http_paa_main *main =
        ngx_http_cycle_get_module_main_conf(cycle, ngx_http_paa_module);

    if (main != NULL)
        lane_close(main);
}

/* ---- the context of a configuration -------------------------------------------------------------- */

/* With the pool of the cycle: in the master after a reload, in a worker after exit_process. By then the files of
 * the cycle's log are closed. */
static void context_close(void *data)
{
    struct ngx_http_paa_main *main = data;

    main->is_quiet = 1;
    lane_close(main);
    paa_context_close(&main->context);
}

static void *create_main(ngx_conf_t *cf)
{
    struct ngx_http_paa_main *main = ngx_pcalloc(cf->pool, sizeof *main);

    if (main == NULL)
        return NULL;
    ngx_queue_init(&main->peers);
    return main;
}

static void fill_options(struct ngx_http_paa_main *main, struct paa_context_options *ret_options)
{
    paa_init(ret_options, sizeof *ret_options);
    ret_options->can = PAA_CAN_BROWSER | PAA_CAN_UPSTREAM;
#if defined(NGX_HTTP_SSL)
    ret_options->can |= PAA_CAN_PEER_CERT;
#endif
    ret_options->policy = (const char *)main->policy.data;
    ret_options->plugin_dir = (const char *)main->plugin_dir.data;
    ret_options->log_fn = on_log;
    ret_options->diagnostic_fn = on_diagnostic;
    ret_options->user = main;
}

/* After the whole http block was read, before its levels are merged. */
static char *init_main(ngx_conf_t *cf, void *conf)
{
    struct ngx_http_paa_main *main = conf;
    struct paa_context_options options;
    ngx_pool_cleanup_t *cleanup;
    struct paa_error error;

    /* `nginx -s reload` reads the configuration too, and needs nothing of it but the pid file */
    if (main->policy.data == NULL || ngx_process == NGX_PROCESS_SIGNALLER)
        return NGX_CONF_OK;
    cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    if (cleanup == NULL)
        return NGX_CONF_ERROR;
    cleanup->handler = context_close;
    cleanup->data = main;
    fill_options(main, &options);
    if (paa_context_open(&main->context, &options, &error) != 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "paa: %s", error.text);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

/* ---- directives ---------------------------------------------------------------------------------- */

static char *set_path(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_str_t *path = (ngx_str_t *)(void *)((char *)conf + command->offset);
    ngx_str_t *words = cf->args->elts;

    if (path->data != NULL)
        return is_duplicate;
    *path = words[1];
    return ngx_conf_full_name(cf->cycle, path, 1) == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}

static char *set_guard(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    struct ngx_http_paa_location *location = conf;
    ngx_str_t *words = cf->args->elts;

    (void)command;
    if (location->guard != NGX_CONF_UNSET_PTR)
        return is_duplicate;
    location->guard = NULL;
    if (ngx_strcmp(words[1].data, "off") == 0)
        return NGX_CONF_OK;
    location->guard = ngx_pcalloc(cf->pool, sizeof *location->guard);
    if (location->guard == NULL)
        return NGX_CONF_ERROR;
    location->guard->service_name = words[1];
    location->guard->file = cf->conf_file->file.name;
    location->guard->line = cf->conf_file->line;
    return NGX_CONF_OK;
}

static void *create_location(ngx_conf_t *cf)
{
    struct ngx_http_paa_location *location = ngx_pcalloc(cf->pool, sizeof *location);

    if (location != NULL)
        location->guard = NGX_CONF_UNSET_PTR;
    return location;
}

static char *resolve(ngx_conf_t *cf, struct ngx_http_paa_guard *guard)
{
    struct ngx_http_paa_main *main = ngx_http_conf_get_module_main_conf(cf, ngx_http_paa_module);
    struct paa_error error;

    if (ngx_process == NGX_PROCESS_SIGNALLER)
        return NGX_CONF_OK;
    if (main->context == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"paa %V\" needs a policy: set paa_policy in the http block, in %V:%ui",
                      &guard->service_name, &guard->file, guard->line);
        return NGX_CONF_ERROR;
    }
    guard->service = paa_service_find(main->context, (const char *)guard->service_name.data,
                                      PAA_INCOMING, &error);
    if (guard->service == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "paa: %s in %V:%ui", error.text, &guard->file,
                      guard->line);
        return NGX_CONF_ERROR;
    }
    return NGX_CONF_OK;
}

static char *merge_location(ngx_conf_t *cf, void *parent, void *child)
{
    struct ngx_http_paa_location *outer = parent, *inner = child;

    if (outer->guard == NGX_CONF_UNSET_PTR)
        outer->guard = NULL;
    if (inner->guard == NGX_CONF_UNSET_PTR)
        inner->guard = outer->guard;
    if (inner->guard == NULL || inner->guard->service != NULL)
        return NGX_CONF_OK;
    return resolve(cf, inner->guard);
}

/* ---- into nginx ----------------------------------------------------------------------------------- */

/* Late, so that fields of the content handler and of upstreams are seen, and replaced where PAA says so. */
static ngx_int_t header_filter(ngx_http_request_t *r)
{
    struct ngx_http_paa_case *c = r == r->main ? ngx_http_paa_case_of(r) : NULL;

    if (c != NULL && c->is_allowed && ngx_http_paa_edit_response(r, c->txn) != NGX_OK)
        return NGX_ERROR;
    if (c != NULL && c->is_refused && ngx_http_paa_edit_response(r, c->refusal) != NGX_OK)
        return NGX_ERROR;
    return next_header_filter(r);
}

static ngx_int_t add_handler(ngx_conf_t *cf, ngx_http_phases phase, ngx_http_handler_pt handler)
{
    ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    ngx_http_handler_pt *slot = ngx_array_push(&core->phases[phase].handlers);

    if (slot == NULL)
        return NGX_ERROR;
    *slot = handler;
    return NGX_OK;
}

static ngx_int_t postconfiguration(ngx_conf_t *cf)
{
    next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = header_filter;
    if (add_handler(cf, NGX_HTTP_ACCESS_PHASE, ngx_http_paa_access) != NGX_OK)
        return NGX_ERROR;
    return add_handler(cf, NGX_HTTP_PRECONTENT_PHASE, ngx_http_paa_precontent);
}

static ngx_command_t commands[] = {
    { ngx_string("paa_policy"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_path,
      NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct ngx_http_paa_main, policy), NULL },
    { ngx_string("paa_plugin_dir"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, set_path,
      NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct ngx_http_paa_main, plugin_dir), NULL },
    { ngx_string("paa"),
      NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF | NGX_HTTP_LMT_CONF |
          NGX_CONF_TAKE1,
      set_guard, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },
    ngx_null_command
};

static ngx_http_module_t module_context = {
    .postconfiguration = postconfiguration,
    .create_main_conf = create_main,
    .init_main_conf = init_main,
    .create_loc_conf = create_location,
    .merge_loc_conf = merge_location,
};

ngx_module_t ngx_http_paa_module = { NGX_MODULE_V1,
                                     &module_context,
                                     commands,
                                     NGX_HTTP_MODULE,
                                     NULL, /* init master */
                                     NULL, /* init module */
                                     init_process,
                                     NULL, /* init thread */
                                     NULL, /* exit thread */
                                     exit_process,
                                     NULL, /* exit master */
                                     NGX_MODULE_V1_PADDING };

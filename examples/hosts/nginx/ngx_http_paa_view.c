/* SPDX-License-Identifier: MIT */
/*
 * What PAA is shown: the request as it came over the wire, the path that nginx routes by, and the connection.
 * Decides nothing.
 */
#include "ngx_http_paa.h"

#if defined(NGX_HTTP_SSL)
#include <paa/with_openssl.h>
#endif

static struct paa_str str_of(const ngx_str_t *s)
{
    return paa_str_of_n((const char *)s->data, s->len);
}

/* ---- the connection ---------------------------------------------------------------------------------- */

struct peer {
    ngx_queue_t queue; /* first: of the worker, for one that ends at once and destroys no pool */
    struct paa_peer *peer;
    struct ngx_http_paa_main *main;
};

static void peer_end(void *data)
{
    struct peer *peer = data;

    if (peer->peer == NULL)
        return;
    ngx_queue_remove(&peer->queue);
    paa_peer_close(&peer->peer);
}

void ngx_http_paa_peers_close(struct ngx_http_paa_main *main)
{
    while (!ngx_queue_empty(&main->peers))
        peer_end(ngx_queue_head(&main->peers));
}

/* The address is not connection->sockaddr: the realip module puts what a header field says there. */
static void describe(const ngx_connection_t *connection, struct sockaddr_storage *address,
                     struct paa_peer_options *ret_options)
{
    socklen_t size = sizeof *address;

#if defined(NGX_HTTP_SSL)
    if (connection->ssl != NULL) {
        paa_ssl_peer(ret_options, connection->ssl->connection, address);
        return;
    }
#endif
    paa_init(ret_options, sizeof *ret_options);
    if (getpeername(connection->fd, (struct sockaddr *)address, &size) == 0)
        ret_options->address = paa_bytes_of(address, size);
}

static void peer_open(struct peer *peer, ngx_connection_t *connection)
{
    struct paa_peer_options options;
    struct sockaddr_storage address;

    describe(connection, &address, &options);
    if (paa_peer_open(&peer->peer, peer->main->context, &options) != 0) {
        peer->peer = NULL; /* nothing is known about it, then */
        return;
    }
    ngx_queue_insert_tail(&peer->main->peers, &peer->queue);
}

/* One for each connection. The streams of an HTTP/2 connection share its pool, and so its peer. */
static struct paa_peer *peer_of(struct ngx_http_paa_main *main, ngx_connection_t *connection)
{
    ngx_pool_cleanup_t *cleanup = connection->pool->cleanup;
    struct peer *peer;

    for (; cleanup != NULL; cleanup = cleanup->next) {
        peer = cleanup->data;
        if (cleanup->handler == peer_end && peer->main == main)
            return peer->peer;
    }
    cleanup = ngx_pool_cleanup_add(connection->pool, sizeof *peer);
    if (cleanup == NULL)
        return NULL;
    peer = cleanup->data;
    ngx_memzero(peer, sizeof *peer);
    peer->main = main;
    cleanup->handler = peer_end;
    peer_open(peer, connection);
    return peer->peer;
}

/* ---- the request --------------------------------------------------------------------------------------- */

/* As on the wire. nginx keeps path and query apart, but an absolute-form target only in the request line. */
static struct paa_str target_of(const ngx_http_request_t *r)
{
    const u_char *at = r->request_line.data + r->method_name.len;
    const u_char *end = r->request_line.data + r->request_line.len;
    const u_char *begin;

    if (r->http_version >= NGX_HTTP_VERSION_20)
        return str_of(&r->unparsed_uri);
    while (at < end && *at == ' ')
        at++;
    for (begin = at; at < end && *at != ' ';)
        at++;
    return paa_str_of_n((const char *)begin, (size_t)(at - begin));
}

static size_t count_fields(ngx_http_request_t *r)
{
    size_t count = 0;

    for (ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next)
        count += part->nelts;
    return count;
}

/* Taken down once, before anything is edited: a later judgement of the same request must see what the first saw. */
ngx_int_t ngx_http_paa_view_fields(struct ngx_http_paa_case *c)
{
    ngx_http_request_t *r = c->request;
    struct paa_field *fields = ngx_palloc(r->pool, (count_fields(r) + 1) * sizeof *fields);

    if (fields == NULL)
        return NGX_ERROR;
    for (ngx_list_part_t *part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        ngx_table_elt_t *elements = part->elts;

        for (ngx_uint_t i = 0; i < part->nelts; i++) {
            fields[c->field_count].name = str_of(&elements[i].key);
            fields[c->field_count++].value = str_of(&elements[i].value);
        }
    }
    c->fields = fields;
    c->target = target_of(r);
    return NGX_OK;
}

static void view_body(const ngx_http_request_t *r, struct paa_request *request)
{
    if (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked)
        return;
    request->flags |= PAA_REQUEST_BODY;
    if (r->headers_in.content_length_n > 0)
        request->body_size = r->headers_in.content_length_n;
}

static void view_tls(ngx_connection_t *connection, struct paa_request *request)
{
    request->scheme = paa_str_of("http");
#if defined(NGX_HTTP_SSL)
    if (connection->ssl == NULL)
        return;
    request->scheme = paa_str_of("https");
    if (connection->ssl->in_early && !SSL_is_init_finished(connection->ssl->connection))
        request->flags |= PAA_REQUEST_EARLY_DATA;
#else
    (void)connection;
#endif
}

/* Rules are matched on the path nginx acts on, after `rewrite`, `try_files`, `index` and the like. */
static struct paa_str route_of(const ngx_http_request_t *r, struct paa_str target)
{
    const char *query = memchr(target.data, '?', target.size);
    size_t size = query != NULL ? (size_t)(query - target.data) : target.size;

    if (r->uri.len == size && memcmp(r->uri.data, target.data, size) == 0)
        return paa_str_of(NULL);
    return str_of(&r->uri);
}

void ngx_http_paa_view(struct ngx_http_paa_case *c, struct paa_request *ret_request)
{
    ngx_http_request_t *r = c->request;
    struct paa_request *request = ret_request;

    paa_init(request, sizeof *request);
    request->flags = PAA_REQUEST_STABLE;
    request->method = str_of(&r->method_name);
    view_tls(r->connection, request);
    view_body(r, request);
    if (r->headers_in.host != NULL)
        request->authority = str_of(&r->headers_in.host->value);
    request->target = c->target;
    request->route = route_of(r, c->target);
    request->headers = c->fields;
    request->header_count = c->field_count;
    request->peer = peer_of(c->main, r->connection);
    request->client = paa_bytes_of(r->connection->sockaddr, r->connection->socklen);
    request->user = c;
}

/* SPDX-License-Identifier: MIT */
/*
 * An API server with an event loop (libevent) that lets PAA decide. One thread, one lane; a request that has
 * to wait for something waits without holding the loop.
 *
 *   paa-server [-c CERTIFICATE -k KEY [-n CA_NAMES]] POLICY SERVICE PORT [PLUGIN_DIR]
 *
 * With -c and -k (PEM files) it speaks HTTPS and asks for client certificates, which the policy judges; -n is a PEM file
 * of the CAs whose names it sends, so that clients know which certificate is meant.
 *
 * Answers every allowed request with who it was, as an application would see it. Every path goes to PAA, so those that it
 * answers itself (login callbacks, logout) need no routes. SIGHUP reloads the policy,
 * SIGTERM ends.
 */
#include <paa/paa.h>
#include <paa/with_openssl.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIELDS_MAX = 256 };

struct server {
    struct event_base *loop;
    struct paa_context *context;
    struct paa_service *service;
    struct paa_lane *lane;
    SSL_CTX *tls; /* NULL: plain http */
};

struct link { /* one TLS connection; it lives and dies with its SSL */
    struct paa_peer *peer;
    struct sockaddr_storage address;
};

struct call { /* one request, from arrival to answer */
    struct server *server;
    struct evhttp_request *http;
    struct paa_txn *txn;
    struct paa_peer *peer; /* of this request alone; NULL: it came over TLS, and the link has one */
};

/* ---- TLS ------------------------------------------------------------------------------------------ */

static int link_index; /* of an SSL's link in its ex_data */

static void free_link(void *parent, void *memory, CRYPTO_EX_DATA *data, int index, long number,
                      void *arg)
{
    struct link *link = memory;

    (void)parent;
    (void)data;
    (void)index;
    (void)number;
    (void)arg;
    if (link != NULL)
        paa_peer_close(&link->peer);
    free(link);
}

/* Made with the first request of a connection: what PAA finds out about its certificates stays there. */
static struct paa_peer *peer_of_ssl(const struct server *server, SSL *ssl)
{
    struct link *link = SSL_get_ex_data(ssl, link_index);
    struct paa_peer_options options;

    if (link != NULL)
        return link->peer;
    link = calloc(1, sizeof *link);
    if (link == NULL || SSL_set_ex_data(ssl, link_index, link) != 1) {
        free(link);
        return NULL;
    }
    paa_ssl_peer(&options, ssl, &link->address);
    (void)!paa_peer_open(&link->peer, server->context, &options);
    return link->peer;
}

static struct bufferevent *on_connection(struct event_base *loop, void *arg)
{
    const struct server *server = arg;

    return bufferevent_openssl_socket_new(loop, -1, SSL_new(server->tls), BUFFEREVENT_SSL_ACCEPTING,
                                          BEV_OPT_CLOSE_ON_FREE);
}

static int open_tls(struct server *server, const char *certificate, const char *key,
                    const char *names)
{
    link_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_link);
    server->tls = SSL_CTX_new(TLS_server_method());
    if (server->tls != NULL && link_index >= 0 &&
        SSL_CTX_set_min_proto_version(server->tls, TLS1_2_VERSION) == 1 &&
        SSL_CTX_use_certificate_chain_file(server->tls, certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(server->tls, key, SSL_FILETYPE_PEM) == 1 &&
        paa_ssl_ctx_ask(server->tls, names) == 0)
        return 0;
    ERR_print_errors_fp(stderr);
    return -1;
}

/* ---- answering --------------------------------------------------------------------------------- */

static void set_response_fields(struct call *call)
{
    struct evkeyvalq *out = evhttp_request_get_output_headers(call->http);
    const struct paa_edit *edit;
    char name[256], value[8192];

    for (size_t i = 0; (edit = paa_txn_edit(call->txn, PAA_MESSAGE_RESPONSE, i)) != NULL; i++) {
        snprintf(name, sizeof name, "%.*s", (int)edit->name.size, edit->name.data);
        if (edit->kind != PAA_EDIT_ADD)
            evhttp_remove_header(out, name);
        if (edit->kind == PAA_EDIT_REMOVE)
            continue;
        snprintf(value, sizeof value, "%.*s", (int)edit->value.size, edit->value.data);
        evhttp_add_header(out, name, value);
    }
}

/* The application of this example: it greets whoever PAA says is there. */
static void application(struct call *call)
{
    const struct paa_principal *who = paa_txn_principal(call->txn, 0);
    struct evbuffer *body = evbuffer_new();

    if (who == NULL)
        evbuffer_add_printf(body, "hello, whoever you are\n");
    else
        evbuffer_add_printf(body, "hello %.*s (vouched for by %.*s)\n", (int)who->subject.size,
                            who->subject.data, (int)who->instance.size, who->instance.data);
    evhttp_add_header(evhttp_request_get_output_headers(call->http), "Content-Type",
                      "text/plain; charset=utf-8");
    evhttp_send_reply(call->http, 200, "OK", body);
    evbuffer_free(body);
}

static void refuse(struct call *call)
{
    const struct paa_answer *answer = paa_txn_answer(call->txn);
    struct evbuffer *body = evbuffer_new();
    char type[128];

    snprintf(type, sizeof type, "%.*s", (int)answer->media_type.size, answer->media_type.data);
    evhttp_add_header(evhttp_request_get_output_headers(call->http), "Content-Type", type);
    if (evhttp_request_get_command(call->http) != EVHTTP_REQ_HEAD)
        evbuffer_add(body, answer->content.data, answer->content.size);
    evhttp_send_reply(call->http, (int)answer->code, NULL, body);
    evbuffer_free(body);
}

static void end_call(struct call *call)
{
    paa_txn_end(&call->txn);
    paa_peer_close(&call->peer);
    free(call);
}

static void on_client_gone(struct evhttp_connection *connection, void *arg)
{
    (void)connection;
    end_call(arg); /* libevent frees the request itself */
}

/* libevent has read all of it before it calls us: who asks for it gets it in one piece. */
static enum paa_state give_content(struct call *call)
{
    struct evbuffer *content = evhttp_request_get_input_buffer(call->http);
    size_t size = evbuffer_get_length(content);

    return paa_txn_body(call->txn, paa_bytes_of(evbuffer_pullup(content, -1), size), 1);
}

static void go_on(struct call *call, enum paa_state state)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(call->http);

    if ((paa_txn_wants(call->txn) & PAA_WANTS_BODY) != 0)
        state = give_content(call);
    if (state ==
        PAA_TXN_PENDING) { /* the lane's descriptor says when; should the client leave, forget it */
        evhttp_connection_set_closecb(connection, on_client_gone, call);
        return;
    }
    evhttp_connection_set_closecb(connection, NULL, NULL);
    set_response_fields(call);
    if (state == PAA_TXN_ALLOW)
        application(call);
    else
        refuse(call);
    end_call(call);
}

static void on_lane(evutil_socket_t fd, short what, void *arg)
{
    struct server *server = arg;
    struct paa_txn *txn;

    (void)fd;
    (void)what;
    while ((txn = paa_lane_next(server->lane)) != NULL)
        go_on(paa_txn_user(txn), paa_txn_advance(txn));
}

/* ---- asking ------------------------------------------------------------------------------------ */

static const char *method_of(struct evhttp_request *http)
{
    switch (evhttp_request_get_command(http)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    default:
        return "UNKNOWN";
    }
}

static size_t fill_fields(struct evhttp_request *http, struct paa_field *fields)
{
    const struct evkeyval *pair;
    size_t count = 0;

    TAILQ_FOREACH(pair, evhttp_request_get_input_headers(http), next)
    {
        if (count <= FIELDS_MAX) /* one too many makes PAA answer 431 */
            fields[count++] = paa_field_of(pair->key, pair->value);
    }
    return count;
}

static struct paa_peer *plain_peer_of(const struct server *server, struct evhttp_request *http)
{
    const struct sockaddr *address =
        evhttp_connection_get_addr(evhttp_request_get_connection(http));
    struct paa_peer_options options;
    struct paa_peer *peer = NULL;

    paa_init(&options, sizeof options);
    if (address != NULL)
        options.address =
            paa_bytes_of(address, address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                 : sizeof(struct sockaddr_in));
    return paa_peer_open(&peer, server->context, &options) == 0 ? peer : NULL;
}

static struct paa_peer *peer_of(struct call *call)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(call->http);
    SSL *ssl;

    if (call->server->tls != NULL) {
        ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection));
        return peer_of_ssl(call->server, ssl);
    }
    call->peer = plain_peer_of(call->server, call->http);
    return call->peer;
}

static void on_request(struct evhttp_request *http, void *arg)
{
    struct paa_field fields[FIELDS_MAX + 1];
    struct paa_request request;
    struct call *call = calloc(1, sizeof *call);

    if (call == NULL) {
        evhttp_send_error(http, 503, NULL);
        return;
    }
    call->server = arg;
    call->http = http;
    paa_init(&request, sizeof request);
    request.peer = peer_of(call);
    request.method = paa_str_of(method_of(http));
    request.scheme = paa_str_of(call->server->tls != NULL ? "https" : "http");
    request.target = paa_str_of(evhttp_request_get_uri(http));
    request.headers = fields;
    request.header_count = fill_fields(http, fields);
    request.body_size = (int64_t)evbuffer_get_length(evhttp_request_get_input_buffer(http));
    request.flags = request.body_size > 0 ? PAA_REQUEST_BODY : 0;
    request.user = call;
    go_on(call, paa_txn_begin(&call->txn, call->server->lane, call->server->service, &request));
}

/* ---- running ----------------------------------------------------------------------------------- */

static void on_hangup(evutil_socket_t signal_number, short what, void *arg)
{
    const struct server *server = arg;

    (void)signal_number;
    (void)what;
    (void)paa_context_reload(server->context, 0, NULL); /* its outcome is logged */
}

static void on_term(evutil_socket_t signal_number, short what, void *arg)
{
    (void)signal_number;
    (void)what;
    event_base_loopbreak(((struct server *)arg)->loop);
}

struct arguments {
    const char *certificate;
    const char *key;
    const char *names;
    const char *policy;
    const char *service;
    const char *port;
    const char *plugin_dir;
};

static int read_arguments(int argc, char **argv, struct arguments *ret_arguments)
{
    int option;

    memset(ret_arguments, 0, sizeof *ret_arguments);
    while ((option = getopt(argc, argv, "c:k:n:")) != -1)
        if (option == 'c')
            ret_arguments->certificate = optarg;
        else if (option == 'k')
            ret_arguments->key = optarg;
        else if (option == 'n')
            ret_arguments->names = optarg;
        else
            return -1;
    if (argc - optind < 3 || (ret_arguments->certificate == NULL) != (ret_arguments->key == NULL))
        return -1;
    ret_arguments->policy = argv[optind];
    ret_arguments->service = argv[optind + 1];
    ret_arguments->port = argv[optind + 2];
    ret_arguments->plugin_dir = argc - optind > 3 ? argv[optind + 3] : NULL;
    return 0;
}

static int open_paa(struct server *server, const struct arguments *arguments)
{
    struct paa_context_options options;
    struct paa_error error;

    paa_init(&options, sizeof options);
    options.policy = arguments->policy;
    options.plugin_dir = arguments->plugin_dir;
    options.can = PAA_CAN_BODY | PAA_CAN_BODY_MATCH | PAA_CAN_BROWSER | PAA_CAN_UPSTREAM;
    if (server->tls != NULL)
        options.can |= PAA_CAN_PEER_CERT;
    if (paa_context_open(&server->context, &options, &error) != 0 ||
        (server->service =
             paa_service_find(server->context, arguments->service, PAA_INCOMING, &error)) == NULL ||
        paa_lane_open(&server->lane, server->context, &error) != 0) {
        fprintf(stderr, "%s\n", error.text);
        return -1;
    }
    return 0;
}

/* PORT 0 is any that is free. */
static void say_where(struct evhttp_bound_socket *bound)
{
    struct sockaddr_in at = { 0 };
    socklen_t size = sizeof at;

    (void)getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &size);
    printf("listening on 127.0.0.1:%u\n", (unsigned)ntohs(at.sin_port));
    fflush(stdout);
}

static int serve(struct server *server, const char *port)
{
    struct evhttp *http = evhttp_new(server->loop);
    struct event *lane =
        event_new(server->loop, paa_lane_fd(server->lane), EV_READ | EV_PERSIST, on_lane, server);
    struct event *hangup = evsignal_new(server->loop, SIGHUP, on_hangup, server);
    struct event *term = evsignal_new(server->loop, SIGTERM, on_term, server);
    struct evhttp_bound_socket *bound;
    int status = 1;

    event_add(lane, NULL);
    event_add(hangup, NULL);
    event_add(term, NULL);
    evhttp_set_allowed_methods(http, 0x1ff);
    evhttp_set_gencb(http, on_request, server);
    if (server->tls != NULL)
        evhttp_set_bevcb(http, on_connection, server);
    bound =
        evhttp_bind_socket_with_handle(http, "127.0.0.1", (unsigned short)strtoul(port, NULL, 10));
    if (bound != NULL) {
        say_where(bound);
        event_base_dispatch(server->loop);
        status = 0;
    } else {
        fprintf(stderr, "port %s cannot be listened on\n", port);
    }
    evhttp_free(http);
    event_free(lane);
    event_free(hangup);
    event_free(term);
    return status;
}

int main(int argc, char **argv)
{
    struct server server = { NULL, NULL, NULL, NULL, NULL };
    struct arguments arguments;
    int status = 1;

    if (read_arguments(argc, argv, &arguments) != 0) {
        fprintf(stderr,
                "usage: %s [-c CERTIFICATE -k KEY [-n CA_NAMES]] POLICY SERVICE PORT "
                "[PLUGIN_DIR]\n",
                argv[0]);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    server.loop = event_base_new();
    if (server.loop != NULL &&
        (arguments.certificate == NULL ||
         open_tls(&server, arguments.certificate, arguments.key, arguments.names) == 0) &&
        open_paa(&server, &arguments) == 0)
        status = serve(&server, arguments.port);
    if (server.loop != NULL)
        event_base_free(server.loop); /* the last connections go with it, and their peers */
    SSL_CTX_free(server.tls);
    paa_lane_close(&server.lane);
    paa_context_close(&server.context);
    return status;
}

/* SPDX-License-Identifier: MIT */
/* The fault server's sockets, threads and answers. */
#include "fault_certs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVED_MAX = 256 * 1024, BACKLOG = 1024 };

struct script { /* one answer of one path */
    struct script *next;
    char *path;
    struct fault_answer answer; /* its texts are owned */
};

struct connection {
    struct connection *next;
    struct fault_server *server;
    pthread_t thread;
    SSL *ssl; /* NULL: plain */
    int fd;
    unsigned released; /* server's, when the request was received */
    bool is_abrupt;    /* no TLS close_notify at the end */
    bool is_over;      /* the thread is done with fd */
    char received[RECEIVED_MAX + 1];
    size_t size;
};

struct fault_server {
    SSL_CTX *tls; /* NULL: plain */
    int fd;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    struct script *scripts; /* in the order they were given */
    struct connection *connections;
    struct fault_request last;
    unsigned accepted;
    unsigned closed;
    unsigned requests;
    unsigned released; /* how often */
    bool is_stopping;
};

static void need(bool is_done, const char *what)
{
    if (is_done)
        return;
    fprintf(stderr, "the fault server cannot work: %s: %s\n", what, strerror(errno));
    abort();
}

static char *copy_of(const char *text, size_t size)
{
    char *copy = text != NULL ? malloc(size + 1) : NULL;

    if (copy != NULL) {
        memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

/* ---- bytes in and out ---------------------------------------------------------------------------- */

static bool receive_more(struct connection *c)
{
    char *at = c->received + c->size;
    size_t room = RECEIVED_MAX - c->size;
    ssize_t got;

    if (room == 0)
        return false;
    got = c->ssl != NULL ? SSL_read(c->ssl, at, (int)room) : recv(c->fd, at, room, 0);
    if (got <= 0)
        return false;
    c->size += (size_t)got;
    c->received[c->size] = '\0';
    return true;
}

static bool send_all(struct connection *c, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = c->ssl != NULL ? SSL_write(c->ssl, data, (int)size)
                                      : send(c->fd, data, size, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* ---- requests ------------------------------------------------------------------------------------ */

static void copy_text(char *to, size_t room, const char *from, size_t size)
{
    size = size < room - 1 ? size : room - 1;
    memcpy(to, from, size);
    to[size] = '\0';
}

bool fault_request_header(const struct fault_request *request, const char *name, char *ret_value,
                          size_t size)
{
    size_t name_size = strlen(name);

    for (const char *line = request->headers; *line != '\0';) {
        size_t line_size = strcspn(line, "\r\n");

        if (line_size > name_size && line[name_size] == ':' &&
            strncasecmp(line, name, name_size) == 0) {
            size_t skip = name_size + 1 + strspn(line + name_size + 1, " ");

            copy_text(ret_value, size, line + skip, line_size - skip);
            return true;
        }
        line += line_size;
        line += strspn(line, "\r\n");
    }
    return false;
}

static void note_client(const struct connection *c, struct fault_request *request)
{
    X509 *client = c->ssl != NULL ? SSL_get1_peer_certificate(c->ssl) : NULL;

    if (client != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(client), NID_commonName, request->client,
                                  sizeof request->client);
    X509_free(client);
}

/* One whole request is taken off what was received. False: the connection has ended. */
static bool read_request(struct connection *c, struct fault_request *request)
{
    const char *end, *line_end, *target;
    char length[16] = "0";
    size_t head, body;

    memset(request, 0, sizeof *request);
    while ((end = strstr(c->received, "\r\n\r\n")) == NULL)
        if (!receive_more(c))
            return false;
    line_end = strstr(c->received, "\r\n");
    target = strchr(c->received, ' ');
    if (target == NULL || target > line_end)
        return false;
    head = (size_t)(end - c->received) + 4;
    copy_text(request->method, sizeof request->method, c->received, (size_t)(target - c->received));
    copy_text(request->target, sizeof request->target, target + 1, strcspn(target + 1, " \r"));
    copy_text(request->headers, sizeof request->headers, line_end + 2, (size_t)(end - line_end));
    (void)fault_request_header(request, "Content-Length", length, sizeof length);
    body = (size_t)strtoul(length, NULL, 10);
    while (c->size < head + body)
        if (!receive_more(c))
            return false;
    copy_text(request->body, sizeof request->body, c->received + head, body);
    request->body_size = body;
    note_client(c, request);
    memmove(c->received, c->received + head + body, c->size - head - body + 1);
    c->size -= head + body;
    return true;
}

/* ---- answers ------------------------------------------------------------------------------------- */

static void free_script(struct script *script)
{
    free(script->path);
    free((void *)(size_t)script->answer.type);
    free((void *)(size_t)script->answer.headers);
    free((void *)(size_t)script->answer.body);
    free(script);
}

static bool is_for(const struct script *script, const char *target)
{
    size_t size = strcspn(target, "?");

    return strlen(script->path) == size && strncmp(script->path, target, size) == 0;
}

static struct fault_answer copy_answer(const struct fault_answer *answer)
{
    struct fault_answer copy = *answer;

    copy.body_size =
        answer->body != NULL && answer->body_size == 0 ? strlen(answer->body) : answer->body_size;
    copy.type = copy_of(answer->type, answer->type != NULL ? strlen(answer->type) : 0);
    copy.headers = copy_of(answer->headers, answer->headers != NULL ? strlen(answer->headers) : 0);
    copy.body = copy_of(answer->body, copy.body_size);
    return copy;
}

/* The next answer of that path, as a script of its own; the last one stays in place. Lock held. */
static struct script *take_script(struct fault_server *server, const char *target)
{
    struct script **at = &server->scripts, *found, *next, *copy;

    while (*at != NULL && !is_for(*at, target))
        at = &(*at)->next;
    found = *at;
    if (found == NULL)
        return NULL;
    for (next = found->next; next != NULL && !is_for(next, target); next = next->next)
        ;
    if (next != NULL) {
        *at = found->next;
        return found;
    }
    copy = calloc(1, sizeof *copy);
    need(copy != NULL, "memory");
    copy->path = copy_of(found->path, strlen(found->path));
    copy->answer = copy_answer(&found->answer);
    return copy;
}

/* False: the server stops. */
static bool await_release(const struct connection *c)
{
    struct fault_server *server = c->server;
    bool goes_on;

    pthread_mutex_lock(&server->lock);
    while (server->released == c->released && !server->is_stopping)
        pthread_cond_wait(&server->changed, &server->lock);
    goes_on = !server->is_stopping;
    pthread_mutex_unlock(&server->lock);
    return goes_on;
}

static bool send_header(struct connection *c, const struct fault_answer *answer)
{
    long length = (long)answer->body_size + ((answer->flags & FAULT_TOO_LONG) != 0) -
                  ((answer->flags & FAULT_TOO_SHORT) != 0);
    char *header = NULL;
    char content_length[48] = "";
    int size;
    bool is_sent;

    if ((answer->flags & FAULT_ENDLESS) == 0)
        (void)snprintf(content_length, sizeof content_length, "Content-Length: %ld\r\n", length);
    size = asprintf(&header, "HTTP/1.1 %u Scripted\r\n%s%s%s%s%s\r\n",
                    answer->code != 0 ? answer->code : 200, content_length,
                    answer->type != NULL ? "Content-Type: " : "",
                    answer->type != NULL ? answer->type : "", answer->type != NULL ? "\r\n" : "",
                    answer->headers != NULL ? answer->headers : "");
    need(size > 0, "memory");
    is_sent = send_all(c, header, (size_t)size);
    free(header);
    return is_sent;
}

/* False: the connection is to be closed. */
static bool send_answer(struct connection *c, const struct fault_answer *answer, bool is_head)
{
    const char *body = answer->body != NULL ? answer->body : "";
    unsigned flags = answer->flags;

    c->is_abrupt = (flags & (FAULT_CLOSE | FAULT_TRUNCATE)) != 0;
    if ((flags & FAULT_HOLD) != 0 && !await_release(c))
        return false;
    if ((flags & FAULT_CLOSE) != 0)
        return false;
    if ((flags & FAULT_RAW) != 0) {
        (void)send_all(c, body, answer->body_size);
        return false;
    }
    if (!send_header(c, answer) || is_head)
        return is_head;
    if ((flags & FAULT_HOLD_BODY) != 0 && !await_release(c))
        return false;
    while ((flags & FAULT_ENDLESS) != 0)
        if (!send_all(c, body, answer->body_size))
            return false;
    if ((flags & FAULT_TRUNCATE) != 0) {
        (void)send_all(c, body, answer->body_size / 2);
        return false;
    }
    return send_all(c, body, answer->body_size) &&
           (flags & (FAULT_TOO_LONG | FAULT_TOO_SHORT)) == 0;
}

static bool serve_one(struct connection *c, struct fault_request *request)
{
    static const struct fault_answer unknown = { .code = 404 };
    struct fault_server *server = c->server;
    struct script *script;
    bool goes_on;

    if (!read_request(c, request))
        return false;
    pthread_mutex_lock(&server->lock);
    server->last = *request;
    script = take_script(server, request->target);
    server->requests++;
    c->released = server->released;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    goes_on = send_answer(c, script != NULL ? &script->answer : &unknown,
                          strcmp(request->method, "HEAD") == 0);
    if (script != NULL)
        free_script(script);
    return goes_on;
}

/* ---- connections --------------------------------------------------------------------------------- */

static void *run_connection(void *arg)
{
    struct connection *c = arg;
    struct fault_server *server = c->server;
    struct fault_request *request = malloc(sizeof *request);
    bool is_good = request != NULL && (c->ssl == NULL || SSL_accept(c->ssl) == 1);

    while (is_good && serve_one(c, request))
        continue;
    if (is_good && c->ssl != NULL && !c->is_abrupt)
        (void)SSL_shutdown(c->ssl);
    free(request);
    ERR_clear_error();
    pthread_mutex_lock(&server->lock);
    (void)shutdown(c->fd, SHUT_RDWR);
    c->is_over = true;
    server->closed++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* Its thread was joined. */
static void free_connection(struct connection *c)
{
    SSL_free(c->ssl);
    close(c->fd);
    free(c);
}

/* So that a long test keeps no threads of connections that have ended. Lock held; it is left for the joining. */
static void reap(struct fault_server *server)
{
    struct connection **at = &server->connections;

    while (*at != NULL) {
        struct connection *c = *at;

        if (!c->is_over) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        pthread_join(c->thread, NULL); /* it has let go of the lock, or waits for nothing else */
        free_connection(c);
    }
}

static void add_connection(struct fault_server *server, int fd)
{
    struct connection *c = calloc(1, sizeof *c);

    need(c != NULL, "memory");
    c->server = server;
    c->fd = fd;
    if (server->tls != NULL) {
        c->ssl = SSL_new(server->tls);
        need(c->ssl != NULL && SSL_set_fd(c->ssl, fd) == 1, "TLS");
    }
    pthread_mutex_lock(&server->lock);
    reap(server);
    if (server->is_stopping) {
        free_connection(c);
    } else {
        server->accepted++;
        pthread_cond_broadcast(&server->changed);
        c->next = server->connections;
        server->connections = c;
        need(pthread_create(&c->thread, NULL, run_connection, c) == 0, "no thread");
    }
    pthread_mutex_unlock(&server->lock);
}

static void *run_server(void *arg)
{
    struct fault_server *server = arg;
    int fd, on = 1;

    while ((fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        /* else each response of several pieces waits 40 ms for an acknowledgement */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        add_connection(server, fd);
    }
    return NULL;
}

/* ---- life ---------------------------------------------------------------------------------------- */

static void listen_here(struct fault_server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;

    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    need(server->fd >= 0 &&
             bind(server->fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
             listen(server->fd, BACKLOG) == 0 &&
             getsockname(server->fd, (struct sockaddr *)&address, &size) == 0,
         "no socket on loopback");
    server->port = ntohs(address.sin_port);
}

struct fault_server *fault_server_start(enum fault_tls tls)
{
    struct fault_server *server = calloc(1, sizeof *server);
    sigset_t all, before;

    need(server != NULL, "memory");
    fault_certs_begin();
    if (tls != FAULT_TLS_NONE)
        server->tls = fault_certs_context(tls);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    listen_here(server);
    sigfillset(&all); /* a client that goes away is no reason to end the program */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    need(pthread_create(&server->thread, NULL, run_server, server) == 0, "no thread");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return server;
}

static void end_connections(struct fault_server *server)
{
    struct connection *c;

    pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    pthread_cond_broadcast(&server->changed);
    for (c = server->connections; c != NULL; c = c->next)
        (void)shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->lock);
    (void)shutdown(server->fd, SHUT_RDWR); /* accept returns */
    pthread_join(server->thread, NULL);
    while ((c = server->connections) != NULL) {
        server->connections = c->next;
        pthread_join(c->thread, NULL);
        free_connection(c);
    }
}

void fault_server_stop(struct fault_server *server)
{
    struct script *script;

    if (server == NULL)
        return;
    end_connections(server);
    while ((script = server->scripts) != NULL) {
        server->scripts = script->next;
        free_script(script);
    }
    close(server->fd);
    SSL_CTX_free(server->tls);
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->lock);
    free(server);
    fault_certs_end();
}

/* ---- what tests ask ------------------------------------------------------------------------------ */

unsigned fault_server_port(const struct fault_server *server)
{
    return server->port;
}

static const char *write_url(const struct fault_server *server, const char *host, const char *path,
                             char ret_url[FAULT_URL_MAX])
{
    (void)snprintf(ret_url, FAULT_URL_MAX, "%s://%s:%u%s", server->tls != NULL ? "https" : "http",
                   host, server->port, path);
    return ret_url;
}

const char *fault_server_url(const struct fault_server *server, const char *path,
                             char ret_url[FAULT_URL_MAX])
{
    return write_url(server, "127.0.0.1", path, ret_url);
}

const char *fault_server_named_url(const struct fault_server *server, const char *path,
                                   char ret_url[FAULT_URL_MAX])
{
    return write_url(server, "localhost", path, ret_url);
}

void fault_server_pin(const struct fault_server *server, char ret_pin[FAULT_PIN_SIZE])
{
    unsigned char digest[32], *der = NULL;
    int size = i2d_PUBKEY(X509_get0_pubkey(SSL_CTX_get0_certificate(server->tls)), &der);

    need(size > 0 && EVP_Digest(der, (size_t)size, digest, NULL, EVP_sha256(), NULL) == 1 &&
             EVP_EncodeBlock((unsigned char *)ret_pin, digest, 32) == FAULT_PIN_SIZE - 1,
         "a pin");
    OPENSSL_free(der);
}

void fault_server_answer(struct fault_server *server, const char *path,
                         const struct fault_answer *answer)
{
    struct script *script = calloc(1, sizeof *script), **at = &server->scripts;

    need(script != NULL, "memory");
    script->path = copy_of(path, strlen(path));
    script->answer = copy_answer(answer);
    pthread_mutex_lock(&server->lock);
    while (*at != NULL)
        at = &(*at)->next;
    *at = script;
    pthread_mutex_unlock(&server->lock);
}

void fault_server_forget(struct fault_server *server, const char *path)
{
    struct script **at = &server->scripts, *script;

    pthread_mutex_lock(&server->lock);
    while ((script = *at) != NULL) {
        if (is_for(script, path)) {
            *at = script->next;
            free_script(script);
        } else {
            at = &script->next;
        }
    }
    pthread_mutex_unlock(&server->lock);
}

void fault_server_release(struct fault_server *server)
{
    pthread_mutex_lock(&server->lock);
    server->released++;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static unsigned read_count(struct fault_server *server, const unsigned *count)
{
    unsigned value;

    pthread_mutex_lock(&server->lock);
    value = *count;
    pthread_mutex_unlock(&server->lock);
    return value;
}

unsigned fault_server_connections(struct fault_server *server)
{
    return read_count(server, &server->accepted);
}

unsigned fault_server_requests(struct fault_server *server)
{
    return read_count(server, &server->requests);
}

static void await_count(struct fault_server *server, const unsigned *count, unsigned least)
{
    pthread_mutex_lock(&server->lock);
    while (*count < least)
        pthread_cond_wait(&server->changed, &server->lock);
    pthread_mutex_unlock(&server->lock);
}

void fault_server_await(struct fault_server *server, unsigned requests)
{
    await_count(server, &server->requests, requests);
}

void fault_server_await_connections(struct fault_server *server, unsigned connections)
{
    await_count(server, &server->accepted, connections);
}

void fault_server_await_closed(struct fault_server *server, unsigned connections)
{
    await_count(server, &server->closed, connections);
}

bool fault_server_last(struct fault_server *server, struct fault_request *ret_request)
{
    bool has_one;

    pthread_mutex_lock(&server->lock);
    has_one = server->requests > 0;
    *ret_request = server->last;
    pthread_mutex_unlock(&server->lock);
    return has_one;
}

/* SPDX-License-Identifier: MIT */
/*
 * libcurl; no other file includes it. One multi handle, hence one set of connections, for each tls group, version of its
 * CAs, version of a client key, and kind of address: a connection is never used for what it was not made for. All of
 * it runs on the reactor's thread. libcurl's own timers go by the system's clock, deadlines by the context's.
 */
#include "http_inner.h"

#include "secret.h"
#include "str.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum {
    IDLE_CONNECTIONS_MAX = 16, /* of a set */
    SETS_MAX = 64,             /* beyond, those that nobody uses are closed at once */
    NAME_UNVERIFIED = 1 /* libcurl's verification result until it has compared the host's name */
};

/* What TLS 1.2 may agree on: forward secrecy, and nothing that is broken. */
#define CIPHERS "HIGH:!aNULL:!kRSA:!PSK:!SRP:!DSS:!3DES:!SHA1"

struct http_wire {
    struct http *http;
    struct list sets;
    unsigned set_count;
};

struct wire_set {
    struct list link;
    struct http_wire *wire;
    CURLM *multi;
    struct http_alarm *alarm;
    uint64_t tls_id;
    uint64_t key_version;
    struct http_trust *trust;
    bool is_strict;
    unsigned running;
    int64_t used_ms;
};

struct transfer {
    struct wire_set *set;
    CURL *easy;
    struct curl_slist *headers;
    bool is_closed_address; /* the last address that it came to */
    bool has_no_key;
    char error[CURL_ERROR_SIZE];
};

/* ---- what libcurl asks --------------------------------------------------------------------------- */

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct http_fetch *fetch = arg;

    return answer_line(&fetch->answer, paa_str_of_n(data, size * count)) ? size * count : 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct http_fetch *fetch = arg;

    return answer_body(&fetch->answer, paa_bytes_of(data, size * count)) ? size * count : 0;
}

/* The address that connect gets, whatever the resolver said before or will say later. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    const struct http_fetch *fetch = arg;

    (void)purpose;
    if (fetch->is_strict && !sockaddr_is_public(paa_bytes_of(&address->addr, address->addrlen))) {
        fetch->transfer->is_closed_address = true;
        return CURL_SOCKET_BAD;
    }
    return socket_open(fetch->http, address->family, address->socktype, address->protocol);
}

static int on_close(void *arg, curl_socket_t fd)
{
    return socket_close(arg, fd);
}

/* Whoever cancels a fetch waits here, so that the key outlives its use. */
static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *arg)
{
    struct http_fetch *fetch = arg;
    bool is_good = trust_apply(fetch->trust, ssl_ctx);

    (void)easy;
    pthread_mutex_lock(&fetch->http->lock);
    if (fetch->op == NULL) {
        is_good = false;
    } else if (fetch->key != NULL && key_present(fetch->key, ssl_ctx) != 0) {
        fetch->transfer->has_no_key = true;
        is_good = false;
    }
    pthread_mutex_unlock(&fetch->http->lock);
    return is_good ? CURLE_OK : CURLE_ABORTED_BY_CALLBACK;
}

/* ---- the reactor --------------------------------------------------------------------------------- */

static void act(struct wire_set *set, curl_socket_t fd, int ready);

static void on_ready(void *arg, int fd, uint32_t events)
{
    int ready = ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                ((events & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0);

    act(arg, fd, ready);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
    struct http_socket *watched = of_socket;
    struct wire_set *set = arg;
    uint32_t events = ((what & CURL_POLL_IN) != 0 ? (uint32_t)EPOLLIN : 0) |
                      ((what & CURL_POLL_OUT) != 0 ? (uint32_t)EPOLLOUT : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        socket_free(watched);
        return 0;
    }
    if (watched == NULL) {
        watched = socket_new(set->wire->http, fd, on_ready, set);
        if (watched == NULL)
            return -1;
        (void)curl_multi_assign(set->multi, fd, watched);
    }
    return socket_watch(watched, events);
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    const struct wire_set *set = arg;

    (void)multi;
    return alarm_set(set->alarm, timeout_ms);
}

static void on_alarm(void *arg)
{
    act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- sets ---------------------------------------------------------------------------------------- */

static void set_free(struct wire_set *set)
{
    list_remove(&set->link);
    if (set->multi != NULL)
        (void)curl_multi_cleanup(set->multi);
    alarm_free(set->alarm);
    set->wire->set_count--;
    pthread_mutex_lock(&set->wire->http->lock);
    trust_drop(set->trust);
    pthread_mutex_unlock(&set->wire->http->lock);
    free(set);
}

static bool is_for(const struct wire_set *set, const struct http_fetch *fetch)
{
    return set->tls_id == fetch->tls_id && set->key_version == fetch->key_version &&
           set->trust == fetch->trust && set->is_strict == fetch->is_strict;
}

static bool set_begin(struct wire_set *set)
{
    return set->multi != NULL && set->alarm != NULL &&
           curl_multi_setopt(set->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(set->multi, CURLMOPT_SOCKETDATA, set) == CURLM_OK &&
           curl_multi_setopt(set->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(set->multi, CURLMOPT_TIMERDATA, set) == CURLM_OK &&
           curl_multi_setopt(set->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX) ==
               CURLM_OK;
}

static struct wire_set *set_add(struct http_wire *wire, const struct http_fetch *fetch)
{
    struct wire_set *set = calloc(1, sizeof *set);

    if (set == NULL)
        return NULL;
    set->wire = wire;
    set->tls_id = fetch->tls_id;
    set->key_version = fetch->key_version;
    set->is_strict = fetch->is_strict;
    set->trust = fetch->trust;
    if (set->trust != NULL) {
        pthread_mutex_lock(&wire->http->lock);
        trust_hold(set->trust);
        pthread_mutex_unlock(&wire->http->lock);
    }
    list_add_last(&wire->sets, &set->link);
    wire->set_count++;
    set->alarm = alarm_new(wire->http, on_alarm, set);
    set->multi = curl_multi_init();
    if (set_begin(set))
        return set;
    set_free(set);
    return NULL;
}

static struct wire_set *set_for(struct http_wire *wire, const struct http_fetch *fetch)
{
    for (struct list *at = wire->sets.next; at != &wire->sets; at = at->next) {
        struct wire_set *set = LIST_ENTRY(at, struct wire_set, link);

        if (is_for(set, fetch))
            return set;
    }
    if (wire->set_count >= SETS_MAX)
        (void)wire_sweep(wire, INT64_MAX);
    return set_add(wire, fetch);
}

/* ---- a transfer's options ------------------------------------------------------------------------ */

#define SET(option, value) (curl_easy_setopt(easy, CURLOPT_##option, value) == CURLE_OK)

static bool add_header(struct transfer *transfer, const char *line)
{
    struct curl_slist *headers = curl_slist_append(transfer->headers, line);

    if (headers != NULL)
        transfer->headers = headers;
    return headers != NULL;
}

static bool set_message(struct transfer *transfer, struct http_fetch *fetch)
{
    CURL *easy = transfer->easy;
    bool is_head = strcmp(fetch->method, "HEAD") == 0;
    bool is_get = strcmp(fetch->method, "GET") == 0;
    bool is_set = SET(URL, fetch->url) && SET(PATH_AS_IS, 1L) && SET(HTTPGET, 1L);

    /* what libcurl would add by itself; a field of the request's own comes behind and counts */
    is_set = is_set && add_header(transfer, "Expect:");
    if (fetch->has_body)
        is_set = is_set && add_header(transfer, "Content-Type:") && SET(POST, 1L) &&
                 SET(POSTFIELDSIZE_LARGE, (curl_off_t)fetch->body.size) &&
                 SET(POSTFIELDS, (const char *)fetch->body.data);
    for (size_t i = 0; i < fetch->header_count; i++)
        is_set = is_set && add_header(transfer, fetch->headers[i]);
    return is_set && SET(HTTPHEADER, transfer->headers) && SET(USERAGENT, "paa") &&
           SET(NOBODY, is_head ? 1L : 0L) &&
           SET(CUSTOMREQUEST, is_head || is_get ? NULL : fetch->method) &&
           SET(HEADERFUNCTION, on_header) && SET(HEADERDATA, fetch) &&
           SET(WRITEFUNCTION, on_body) && SET(WRITEDATA, fetch);
}

/* Nothing that the policy does not say: no redirect, no cookie, no netrc, no environment, no other protocol. */
static bool set_limits(const struct transfer *transfer, struct http_fetch *fetch)
{
    CURL *easy = transfer->easy;

    return SET(PROTOCOLS_STR, fetch->is_plain ? "http" : "https") && SET(FOLLOWLOCATION, 0L) &&
           SET(NETRC, (long)CURL_NETRC_IGNORED) && SET(PROXY, fetch->proxy) && SET(NOPROXY, "") &&
           SET(HTTPPROXYTUNNEL, 1L) && SET(SUPPRESS_CONNECT_HEADERS, 1L) &&
           SET(HTTP09_ALLOWED, 0L) && SET(NOSIGNAL, 1L) && SET(QUICK_EXIT, 1L) &&
           SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS) && SET(OPENSOCKETFUNCTION, on_open) &&
           SET(OPENSOCKETDATA, fetch) && SET(CLOSESOCKETFUNCTION, on_close) &&
           SET(CLOSESOCKETDATA, fetch->http) &&
           SET(MAXFILESIZE_LARGE, (curl_off_t)fetch->answer.limit);
}

static bool set_tls(const struct transfer *transfer, struct http_fetch *fetch)
{
    CURL *easy = transfer->easy;
    bool verifies = !fetch->no_verify;
    long version =
        fetch->min_version == TLS_1_3 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2;

    return SET(SSLVERSION, version) && SET(SSL_CIPHER_LIST, CIPHERS) && SET(CAINFO, NULL) &&
           SET(CAPATH, NULL) && SET(SSL_VERIFYPEER, verifies ? 1L : 0L) &&
           SET(SSL_VERIFYHOST, verifies ? 2L : 0L) && SET(SSL_SESSIONID_CACHE, 0L) &&
           SET(SSL_CTX_FUNCTION, on_tls) && SET(SSL_CTX_DATA, fetch) &&
           (fetch->pins[0] == '\0' || SET(PINNEDPUBLICKEY, fetch->pins));
}

#undef SET

/* ---- a transfer's life --------------------------------------------------------------------------- */

static void transfer_free(struct transfer *transfer)
{
    for (struct curl_slist *at = transfer->headers; at != NULL; at = at->next)
        secret_wipe(at->data, strlen(at->data));
    curl_slist_free_all(transfer->headers);
    if (transfer->easy != NULL)
        curl_easy_cleanup(transfer->easy);
    free(transfer);
}

static struct transfer *transfer_new(struct wire_set *set, struct http_fetch *fetch)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);
    CURL *easy = transfer != NULL ? curl_easy_init() : NULL;

    if (easy == NULL) {
        free(transfer);
        return NULL;
    }
    transfer->set = set;
    transfer->easy = easy;
    if (set_message(transfer, fetch) && set_limits(transfer, fetch) && set_tls(transfer, fetch) &&
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch) == CURLE_OK)
        return transfer;
    transfer_free(transfer);
    return NULL;
}

bool wire_start(struct http_wire *wire, struct http_fetch *fetch)
{
    struct wire_set *set;
    const char *why;

    if (fetch->trust != NULL && !trust_is_ready(fetch->trust, &why))
        return fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE, "%s", why);
    set = set_for(wire, fetch);
    fetch->transfer = set != NULL ? transfer_new(set, fetch) : NULL;
    if (fetch->transfer == NULL)
        return fetch_refuse(
            fetch, PAA_STATUS_UNAVAILABLE,
            "no memory is left to fetch it, or this libcurl is not the one with OpenSSL");
    set->running++;
    if (curl_multi_add_handle(set->multi, fetch->transfer->easy) == CURLM_OK)
        return true;
    wire_drop(fetch);
    return fetch_refuse(fetch, PAA_STATUS_UNAVAILABLE, "libcurl does not take it");
}

void wire_drop(struct http_fetch *fetch)
{
    struct transfer *transfer = fetch->transfer;
    struct wire_set *set = transfer->set;

    fetch->transfer = NULL;
    set->running--;
    set->used_ms = clock_now_ms(&fetch->http->services->clock);
    (void)curl_multi_remove_handle(set->multi, transfer->easy);
    transfer_free(transfer);
}

/* ---- how it ended -------------------------------------------------------------------------------- */

static enum paa_status status_of(const struct http_fetch *fetch, CURLcode code)
{
    if (fetch->answer.is_too_large || code == CURLE_FILESIZE_EXCEEDED)
        return PAA_STATUS_TOO_LARGE;
    if (code == CURLE_COULDNT_CONNECT && fetch->transfer->is_closed_address)
        return PAA_STATUS_DENIED;
    return code == CURLE_OK && fetch->answer.wrong == NULL ? PAA_STATUS_OK : PAA_STATUS_UNAVAILABLE;
}

static const char *words_of(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "its name cannot be resolved";
    case CURLE_COULDNT_RESOLVE_PROXY:
        return "the name of tls.proxy cannot be resolved";
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
        return "the key of its certificate is none of tls.pins";
    case CURLE_GOT_NOTHING:
        return "the connection was closed without an answer";
    case CURLE_PARTIAL_FILE:
        return "the answer was cut short";
    case CURLE_UNSUPPORTED_PROTOCOL: /* so it calls HTTP/0.9 */
        return "what came is no HTTP";
    default:
        return curl_easy_strerror(code);
    }
}

static void explain_failure(struct http_fetch *fetch, CURLcode code)
{
    const struct transfer *transfer = fetch->transfer;
    long verified = 0, number = 0;

    (void)curl_easy_getinfo(transfer->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    (void)curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    if (transfer->has_no_key)
        fetch_say(fetch, "the client key has no certificate, or cannot be read at this time");
    else if (code == CURLE_PEER_FAILED_VERIFICATION && verified > NAME_UNVERIFIED)
        fetch_say(fetch, "the certificate is not trusted: %s; name its CA with tls.ca",
                  trust_words(verified));
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        fetch_say(fetch, "the certificate is for another host");
    else if (code == CURLE_COULDNT_CONNECT && number != 0)
        fetch_say(fetch, "no connection: %s", strerrordesc_np((int)number));
    else if (code == CURLE_SSL_CONNECT_ERROR || code == CURLE_RECV_ERROR)
        fetch_say(fetch, "%s: %.200s", words_of(code), transfer->error);
    else
        fetch_say(fetch, "%s", words_of(code));
}

static void explain(struct http_fetch *fetch, CURLcode code)
{
    if (fetch->status == PAA_STATUS_TOO_LARGE)
        fetch_say(fetch, "the answer is larger than %zu bytes", fetch->answer.limit);
    else if (fetch->status == PAA_STATUS_DENIED)
        fetch_say(fetch,
                  "it is at no public address, and its URL came from outside: such an address "
                  "must stand in the policy");
    else if (fetch->answer.wrong != NULL)
        fetch_say(fetch, "the answer is no use: %s", fetch->answer.wrong);
    else
        explain_failure(fetch, code);
}

static void end(struct http_fetch *fetch, CURLcode code)
{
    long number = 0;

    (void)curl_easy_getinfo(fetch->transfer->easy, CURLINFO_RESPONSE_CODE, &number);
    fetch->answer.code = (uint32_t)number;
    fetch->status = status_of(fetch, code);
    if (fetch->status != PAA_STATUS_OK)
        explain(fetch, code);
    wire_drop(fetch);
    fetch_end(fetch);
}

/* Something of the set is ready: libcurl goes on with it, and what has ended is told. */
static void act(struct wire_set *set, curl_socket_t fd, int ready)
{
    struct http *http = set->wire->http;
    int running, left;
    const CURLMsg *message;

    (void)curl_multi_socket_action(set->multi, fd, ready, &running);
    while ((message = curl_multi_info_read(set->multi, &left)) != NULL) {
        CURLcode code = message->data.result;
        struct http_fetch *fetch = NULL;

        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch) == CURLE_OK)
            end(fetch, code);
    }
    http_turn(http);
}

/* ---- life ---------------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode once_code;

static void init_libcurl(void)
{
    once_code = curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct http_wire *wire_new(struct http *http)
{
    struct http_wire *wire = NULL;

    if (pthread_once(&once, init_libcurl) == 0 && once_code == CURLE_OK)
        wire = calloc(1, sizeof *wire);
    if (wire == NULL)
        return NULL;
    wire->http = http;
    list_init(&wire->sets);
    return wire;
}

void wire_free(struct http_wire *wire)
{
    if (wire == NULL)
        return;
    while (!list_empty(&wire->sets))
        set_free(LIST_ENTRY(wire->sets.next, struct wire_set, link));
    free(wire);
}

bool wire_sweep(struct http_wire *wire, int64_t since_ms)
{
    for (struct list *at = wire->sets.next, *next; at != &wire->sets; at = next) {
        struct wire_set *set = LIST_ENTRY(at, struct wire_set, link);

        next = at->next;
        if (set->running == 0 && set->used_ms <= since_ms)
            set_free(set);
    }
    return !list_empty(&wire->sets);
}

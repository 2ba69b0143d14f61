/* SPDX-License-Identifier: MIT */
/*
 * A bench for fetching: all services with injected clocks and a reactor that runs, one instance with a tls group, and
 * callers: one operation each, with what its fetch was told.
 */
#ifndef TESTS_HTTP_BENCH_H
#define TESTS_HTTP_BENCH_H

#include "fault_server.h"
#include "http.h"
#include "memo_asker.h"
#include "tls.h"

enum { CALLER_BODY_MAX = 64 * 1024, CALLER_FIELDS_MAX = 8 };

struct http_bench {
    struct bench b;
    struct fault_server *server; /* NULL: none */
    struct paa_source *ca;       /* the fault server's */
    struct paa_tls *tls;         /* the instance's own */
};

struct caller {
    struct asker a; /* first */
    struct paa_http_request request;
    struct paa_field fields[CALLER_FIELDS_MAX];
    char url[FAULT_URL_MAX];
    uint32_t code;
    uint32_t retry_after_s;
    size_t header_count;
    char type[128];
    size_t body_size;
    char body[CALLER_BODY_MAX + 1];
    int64_t retry_after_ms;
    char sentence[600];
};

/* ---- the bench ---- */

static inline struct paa_source *open_ca(struct http_bench *h, const char *path)
{
    struct source_spec spec = { .kind = SOURCE_FILE, .text = paa_str_of(path) };
    struct paa_error error = { "" };
    struct paa_source *ca = source_open(h->b.services.sources, &spec, 1, &error);

    if (ca == NULL || error.text[0] != '\0') {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
    return ca;
}

/* Another tls group than the instance's. */
static inline struct paa_tls *tls_like(const struct tls_spec *spec)
{
    struct paa_tls *tls = tls_new(spec);

    if (tls == NULL)
        abort();
    return tls;
}

static inline void http_bench_open(struct http_bench *h, enum fault_tls kind)
{
    struct tls_spec spec = { .min_version = TLS_1_2, .http_loopback = kind == FAULT_TLS_NONE };

    memset(h, 0, sizeof *h);
    bench_open(&h->b);
    h->server = fault_server_start(kind);
    h->ca = open_ca(h, fault_server_ca());
    spec.ca = h->ca;
    h->tls = tls_like(&spec);
    h->b.instance.tls = h->tls;
}

static inline void http_bench_close(struct http_bench *h)
{
    tls_free(h->tls);
    source_close(h->ca);
    bench_close(&h->b);
    fault_server_stop(h->server);
}

static inline void answer_with(const struct http_bench *h, const char *path, unsigned code,
                               const char *body)
{
    struct fault_answer answer = { .code = code, .type = "text/plain", .body = body };

    fault_server_answer(h->server, path, &answer);
}

/* Until the reactor has done all that was asked of it so far. */
static inline void settle(struct http_bench *h)
{
    pass_ms(&h->b, 0);
}

/* ---- callers ---- */

static inline void caller_open(struct caller *c, struct http_bench *h, const char *path)
{
    memset(c, 0, sizeof *c);
    asker_open(&c->a, &h->b, &h->b.instance, OP_VERIFY);
    paa_init(&c->request, sizeof c->request);
    c->request.headers = c->fields;
    c->request.url = paa_str_of(fault_server_url(h->server, path, c->url));
}

static inline void caller_close(struct caller *c)
{
    if (c->a.op.fetch != NULL)
        http_op_ended(&c->a.op);
    asker_close(&c->a);
}

static inline enum paa_result on_answer(struct paa_op *op, enum paa_status status,
                                        const struct paa_http_response *response,
                                        void *context) PAA_NOEXCEPT
{
    struct caller *c = context;
    const char *sentence = op_of(op)->wait.sentence;

    c->a.calls++;
    c->a.status = status;
    c->retry_after_ms = op_of(op)->wait.retry_after_ms;
    snprintf(c->sentence, sizeof c->sentence, "%s", sentence != NULL ? sentence : "");
    c->code = response != NULL ? response->code : 0;
    if (response == NULL)
        return PAA_REJECT;
    c->retry_after_s = response->retry_after_s;
    c->header_count = response->header_count;
    for (size_t i = 0; i < response->header_count; i++)
        if (str_eq_nocase(response->headers[i].name, STR("Content-Type")))
            snprintf(c->type, sizeof c->type, "%.*s", STR_ARGS(response->headers[i].value));
    c->body_size = response->body.size;
    memcpy(c->body, response->body.data,
           c->body_size < CALLER_BODY_MAX ? c->body_size : CALLER_BODY_MAX);
    c->body[c->body_size < CALLER_BODY_MAX ? c->body_size : CALLER_BODY_MAX] = '\0';
    return PAA_REJECT;
}

static inline void caller_begin(struct caller *c)
{
    returned(&c->a, services_host_http.fetch(&c->a.op.pub, &c->request, on_answer, c));
}

static inline enum paa_status caller_await(struct caller *c)
{
    await_answer(&c->a);
    return c->a.status;
}

static inline enum paa_status fetch(struct caller *c)
{
    caller_begin(c);
    return caller_await(c);
}

/* A fetch from beginning to end, by a caller of its own. */
static inline enum paa_status fetch_once(struct http_bench *h, struct caller *c, const char *path)
{
    enum paa_status status;

    caller_open(c, h, path);
    status = fetch(c);
    caller_close(c);
    return status;
}

static inline enum paa_status fetch_with(struct http_bench *h, struct caller *c, const char *path,
                                         const struct paa_tls *tls)
{
    enum paa_status status;

    caller_open(c, h, path);
    c->request.tls = tls;
    status = fetch(c);
    caller_close(c);
    return status;
}

/* As the engine does when its host gives up. True: it is over. */
static inline bool caller_cancel(struct caller *c)
{
    bool is_over = c->a.op.wait.kind->cancel(&c->a.op);

    if (is_over) {
        c->a.op.wait.state = OP_WAIT_NONE;
        c->a.result = PAA_REJECT;
    }
    return is_over;
}

#endif

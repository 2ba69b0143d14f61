/*
 * paa/host/http.h: asynchronous fetch. TLS always verified; bounded in time, size and frequency; no
 * redirects, no cookies, nothing from the environment; connections to internal addresses only where
 * the policy's own URLs lead there.
 */
#ifndef PAA_HOST_HTTP_H
#define PAA_HOST_HTTP_H

#include <paa/types.h>

PAA_BEGIN_DECLS

struct paa_op;
struct paa_key; /* host/keys.h */
struct paa_tls; /* how servers are verified: a TLS option */

enum {
    PAA_HTTP_FOREIGN_URL = 1u << 0,   /* the URL came from outside (certificate, token, document):
                                       * public addresses only, unless named_by, or without it a
                                       * URL option of the instance, has the same scheme, host and
                                       * port */
    PAA_HTTP_SECRET = 1u << 1,        /* request and response bodies are wiped and never logged;
                                       * error sentences name the origin only */
    PAA_HTTP_SIGNED_CONTENT = 1u << 2, /* what comes is signed and will be verified (CRL, OCSP):
                                        * plain http will do */
    PAA_HTTP_ONCE = 1u << 3            /* what is sent is good once only (a refresh token). A producer
                                        * that sent it is not called off when its instance ends: that
                                        * waits until it is done, or its deadline has passed */
};

struct paa_http_request {
    uint32_t struct_size;
    uint32_t flags;
    struct paa_str method; /* absent: GET. As it stands: methods are case-sensitive */
    struct paa_str url;    /* https; no userinfo, no fragment. http: to a literal loopback address
                            * where the tls group says http_loopback = true, and SIGNED_CONTENT */
    const struct paa_field *headers;  /* at most 64; those of the connection, of framing and Host
                                       * are the core's */
    size_t header_count;
    struct paa_bytes body;            /* absent: none. GET, HEAD and OPTIONS have none */
    const struct paa_tls *tls;        /* NULL: the instance's own `tls` group */
    const struct paa_key *client_key; /* shown to the server; NULL: none */
    uint32_t timeout_ms;              /* 0: 10 s; at most 60 s, and what the operation has left */
    uint32_t response_limit;          /* bytes; 0: 64 KiB; at most 16 MiB */
    struct paa_str named_by; /* with FOREIGN_URL: the URL, of the policy's, whose document named this one */
};

struct paa_http_response {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t code;
    uint32_t retry_after_s; /* from now, at most 300; 0: nothing said */
    const struct paa_field *headers; /* as they came, trailers left out */
    size_t header_count;
    struct paa_bytes body;
};

/* OK: a response came, whatever its code. LIMITED: an earlier Retry-After or cool-down of this
 * instance and origin still runs, or too many fetches wait. UNAVAILABLE: network, TLS, time, or a
 * response that is no HTTP; also whenever the context is offline. DENIED: address or scheme
 * forbidden. TOO_LARGE: the response. INVALID: the request. response: NULL unless OK; until the
 * continuation returns. */
typedef enum paa_result (*paa_http_fn)(struct paa_op *op, enum paa_status status,
                                       const struct paa_http_response *response,
                                       void *context) PAA_NOEXCEPT;

struct paa_host_http {
    uint32_t struct_size;
    uint32_t flags;
    /* Waiting. Connections are never shared across tls or client_key. */
    enum paa_result (*fetch)(struct paa_op *op, const struct paa_http_request *request,
                             paa_http_fn then, void *context);
};

PAA_END_DECLS

#endif

/* SPDX-License-Identifier: MIT */
/*
 * How servers are verified: what a `tls = { … }` group of the policy says. Made by the engine with the instance, used
 * for each fetch. Knows no policy syntax.
 */
#ifndef SERVICES_TLS_H
#define SERVICES_TLS_H

#include "sources.h"

enum { TLS_PINS_MAX = 16, TLS_PIN_SIZE = 44 };

enum tls_version { TLS_1_2 = 1, TLS_1_3 };

struct tls_spec {
    const struct paa_source
        *ca; /* PEM, in place of the system's CAs; NULL: those. Closed after tls_free */
    enum tls_version min_version;
    struct paa_str pins
        [TLS_PINS_MAX]; /* base64 of SHA-256 over the leaf's SubjectPublicKeyInfo: one must fit */
    size_t pin_count;
    struct paa_str proxy; /* "http://host:port", for CONNECT; absent: none */
    bool no_verify;       /* for loopback literals */
    bool no_verify_anywhere;
    bool http_loopback; /* plain http to loopback literals */
};

struct paa_tls { /* read-only once it is made */
    uint64_t id; /* never that of another one in this process */
    const struct paa_source *ca;
    enum tls_version min_version;
    char *pins;  /* as libcurl wants them: "sha256//…;sha256//…"; NULL: none */
    char *proxy; /* NULL: none */
    bool no_verify;
    bool no_verify_anywhere;
    bool http_loopback;
};

/* Copies all of the spec but the source. NULL: no memory. */
struct paa_tls *tls_new(const struct tls_spec *spec);
/* Once no operation runs that could name it. NULL is fine. */
void tls_free(struct paa_tls *tls);

#endif

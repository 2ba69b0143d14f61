/* SPDX-License-Identifier: MIT */
/*
 * An HTTPS server on loopback that misbehaves on purpose, on threads of the test program. Real sockets and real TLS;
 * nothing in it depends on time: what is slow waits until the test lets it go on. Knows nothing of PAA.
 *
 *   struct fault_server *server = fault_server_start(FAULT_TLS_GOOD);
 *   struct fault_answer answer = { .type = "application/json", .body = "{}" };
 *   char url[FAULT_URL_MAX];
 *
 *   fault_server_answer(server, "/token", &answer);
 *   … a policy with tls = { ca = "<fault_server_ca()>"; }, and fault_server_url(server, "/token", url) …
 *   fault_server_await(server, 1);                             until a request was received
 *   fault_server_last(server, &request);                       which is then to be looked at
 *   fault_server_stop(server);
 *
 * A path that was given no answer gets 404. All servers of a program share one CA and another one, which are made when the first one
 * starts; their files go with the last one. Functions may be called on any thread, but for start and stop.
 */
#ifndef TESTS_FAULT_SERVER_H
#define TESTS_FAULT_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum { FAULT_URL_MAX = 256, FAULT_PIN_SIZE = 45, FAULT_TEXT_MAX = 16 * 1024 };

enum fault_tls {
    FAULT_TLS_GOOD = 1,    /* a certificate of the CA for localhost, 127.0.0.1 and ::1 */
    FAULT_TLS_NONE,        /* plain http */
    FAULT_TLS_EXPIRED,     /* its certificate is no longer valid */
    FAULT_TLS_SELF_SIGNED, /* the CA has not signed it */
    FAULT_TLS_OTHER_CA,    /* good, but of fault_server_other_ca */
    FAULT_TLS_WRONG_NAME,  /* it is for another host */
    FAULT_TLS_OLD,         /* TLS 1.1 at most */
    FAULT_TLS_1_2,         /* TLS 1.2 at most */
    FAULT_TLS_ASKS,  /* good, and asks for a client certificate of the CA, which need not come */
    FAULT_TLS_CLIENT /* good, and demands one */
};

enum {                           /* struct fault_answer, flags */
       FAULT_HOLD = 1u << 0,     /* nothing is sent before fault_server_release */
       FAULT_CLOSE = 1u << 1,    /* the connection is closed in place of an answer */
       FAULT_TRUNCATE = 1u << 2, /* half of the body, then the connection is closed */
       FAULT_TOO_LONG =
           1u << 3, /* Content-Length is one more than comes, then the connection is closed */
       FAULT_TOO_SHORT = 1u << 4, /* Content-Length is one less than comes */
       FAULT_ENDLESS = 1u << 5,   /* the body is repeated until the client goes away */
       FAULT_RAW = 1u << 6,       /* the body is all that is sent, status line and all */
       FAULT_HOLD_BODY = 1u << 7  /* the header at once, the body after fault_server_release */
};

struct fault_answer {
    unsigned code; /* 0: 200 */
    unsigned flags;
    const char *type;    /* Content-Type; NULL: none is sent */
    const char *headers; /* further fields, each "Name: value\r\n"; NULL: none */
    const char *body;    /* NULL: empty */
    size_t body_size;    /* 0: up to its NUL */
};

struct fault_request { /* what was received; cut to what fits, NUL-terminated */
    char method[16];
    char target[1024];
    char headers[FAULT_TEXT_MAX]; /* as they came, without the request line */
    char body[FAULT_TEXT_MAX];
    size_t body_size;
    char client[256]; /* the client certificate's common name; "" without one */
};

/* Listens on 127.0.0.1, at a port of the system's choice. Aborts the program if it cannot. */
struct fault_server *fault_server_start(enum fault_tls tls);
/* Ends every connection and joins its threads. NULL is fine. */
void fault_server_stop(struct fault_server *server);

unsigned fault_server_port(const struct fault_server *server);
/* "https://127.0.0.1:PORT/token" (http with FAULT_TLS_NONE); returns ret_url. */
const char *fault_server_url(const struct fault_server *server, const char *path,
                             char ret_url[FAULT_URL_MAX]);
/* The same by name: "https://localhost:PORT/token". */
const char *fault_server_named_url(const struct fault_server *server, const char *path,
                                   char ret_url[FAULT_URL_MAX]);

/* The CA's certificate as a PEM file in a folder that nobody else can write, and that folder; while a server runs. */
const char *fault_server_ca(void);
const char *fault_server_other_ca(void); /* likewise, another one */
const char *fault_server_folder(void);
/* Makes NAME.pem and NAME.key in that folder: a client certificate of the CA with that common name. */
void fault_server_make_client(const char *name);
/* The same, signed by itself. */
void fault_server_make_stranger(const char *name);
/* Base64 of SHA-256 over the server's SubjectPublicKeyInfo. */
void fault_server_pin(const struct fault_server *server, char ret_pin[FAULT_PIN_SIZE]);

/* How the path (without query) is answered. Several for one path are given in turn, and the last one stays. The answer
 * is copied. */
void fault_server_answer(struct fault_server *server, const char *path,
                         const struct fault_answer *answer);
/* Forgets all answers of the path. */
void fault_server_forget(struct fault_server *server, const char *path);
/* Lets everything go on that is held now. */
void fault_server_release(struct fault_server *server);

/* Since it started. A connection counts when it is accepted, a request when it was read whole. */
unsigned fault_server_connections(struct fault_server *server);
unsigned fault_server_requests(struct fault_server *server);
/* Until so many requests were received, or connections accepted, or so many of those have ended. */
void fault_server_await(struct fault_server *server, unsigned requests);
void fault_server_await_connections(struct fault_server *server, unsigned connections);
void fault_server_await_closed(struct fault_server *server, unsigned connections);
/* The request that came last. False: none came. */
bool fault_server_last(struct fault_server *server, struct fault_request *ret_request);
/* Of fault_request.headers: the first field of that name, in any case, into ret_value; false: none. */
bool fault_request_header(const struct fault_request *request, const char *name, char *ret_value,
                          size_t size);

#endif

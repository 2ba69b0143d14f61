/* SPDX-License-Identifier: MIT */
/*
 * A browser made of sockets, for logins that come back to a loopback listener; and a host whose step listens as the field
 * X-W says. Included after host.h and test.h.
 */
#ifndef TESTS_HOST_BROWSER_H
#define TESTS_HOST_BROWSER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { RESPONSE_MAX = 16 * 1024, MINUTE_MS = 60 * 1000 };

#define LOGIN                                                                                      \
    "X-W: listen:/callback need:ok redirected need:ok page:You~are~<alice>. need:ok accept"

#define LOGIN_STATE                                                                                \
    "X-W: listen:/callback,the-state need:ok redirected need:ok page:In. need:ok accept"

static const char policy[] =
    POLICY(SCRIPT("w", "verify = \"script:X-W\";"), API("chain = ( { required = \"w\" } );"));

static inline struct paa_str noted(const struct paa_txn *txn, const char *name, size_t index)
{
    const struct paa_field *note;

    for (size_t i = 0; (note = paa_txn_note(txn, i)) != NULL; i++)
        if (paa_str_eq(note->name, name) && index-- == 0)
            return note->value;
    return paa_str_of(NULL);
}

/* "http://127.0.0.1:PORT/callback" */
static inline unsigned port_of(struct paa_str uri)
{
    char text[128];
    unsigned port = 0;

    (void)snprintf(text, sizeof text, "%.*s", (int)uri.size, uri.data != NULL ? uri.data : "");
    CHECK(sscanf(text, "http://127.0.0.1:%u/callback", &port) == 1);
    return port;
}

/* -1: nobody listens there. */
static inline int connect_to(unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (void *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static inline void say(int fd, const char *text)
{
    CHECK(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* Until the other side closes. */
static inline void hear(int fd, char ret_text[RESPONSE_MAX])
{
    size_t size = 0;
    ssize_t got;

    while (size < RESPONSE_MAX - 1 &&
           (got = recv(fd, ret_text + size, RESPONSE_MAX - 1 - size, 0)) > 0)
        size += (size_t)got;
    ret_text[size] = '\0';
    close(fd);
}

static inline int ask(unsigned port, const char *target)
{
    char text[512];
    int fd = connect_to(port);

    CHECK(fd >= 0);
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", target,
                   port);
    if (fd >= 0)
        say(fd, text);
    return fd;
}

static inline unsigned status_of(const char *response)
{
    unsigned status = 0;

    (void)sscanf(response, "HTTP/1.1 %u ", &status);
    return status;
}

/* The listener is gone, now or soon: it is asked until it is. */
static inline void await_closed(unsigned port)
{
    int fd;

    while ((fd = connect_to(port)) >= 0)
        close(fd);
}

static inline struct paa_txn *begin(struct host *host, const char *line, unsigned *ret_port)
{
    struct paa_txn *txn;
    struct ask asked;

    ask_for(&asked, "GET", "/x", line, NULL);
    CHECK_INT(paa_txn_begin(&txn, host->lane, host->api, &asked.request), PAA_TXN_PENDING);
    *ret_port = port_of(noted(txn, "uri", 0));
    return txn;
}

#endif

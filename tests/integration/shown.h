/* SPDX-License-Identifier: MIT */
/*
 * Clients that show certificates, through the engine: connections with an address and what TLS saw, fields as proxies
 * write them, a policy with an mtls instance called "peers". Certificates are plugin/issued.h's.
 */
#ifndef TESTS_SHOWN_H
#define TESTS_SHOWN_H

#include "host.h"
#include "plugin/issued.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PEERS(options)                                                                             \
    POLICY("peers = { plugin = \"mtls\"; " options " };\n",                                        \
           API("rules = ( { path = \"/**\"; chain = ( { required = \"peers\" } ); } );"))

enum { SHOWN_CHAIN_MAX = 20, SHOWN_REASON = 64, SHOWN_LINE_MAX = 64 * 1024 };

/* ---- files --------------------------------------------------------------------------------------- */

/* In the policy's folder, whole or not at all. */
static inline bool shown_write_bytes(const struct host *host, const char *name,
                                     struct paa_bytes bytes)
{
    char path[HOST_PATH_MAX + 32], temporary[HOST_PATH_MAX + 40];
    FILE *file;
    bool is_done;

    (void)snprintf(path, sizeof path, "%s/%s", host->folder, name);
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    file = fopen(temporary, "w");
    if (file == NULL)
        return false;
    (void)fchmod(fileno(file), 0600);
    is_done = bytes.size == 0 || fwrite(bytes.data, bytes.size, 1, file) == 1;
    return fclose(file) == 0 && is_done && rename(temporary, path) == 0;
}

static inline bool shown_write(const struct host *host, const char *name, const char *text)
{
    return shown_write_bytes(host, name, paa_bytes_of(text, strlen(text)));
}

/* PEM of up to two. */
static inline bool shown_write_ca(const struct host *host, const char *name,
                                  const struct issued *first, const struct issued *second)
{
    char pem[ISSUED_PEM_MAX] = "";

    issued_pem(first, pem);
    if (second != NULL)
        issued_pem(second, pem);
    return shown_write(host, name, pem);
}

/* host_open with `ca` in ca.pem, and in crl.pem nothing yet. */
static inline bool shown_open(struct host *host, const char *policy, const struct issued *ca)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy) || !shown_write_ca(host, "ca.pem", ca, NULL))
        return false;
    host_options(host, &options);
    options.log_level = PAA_LEVEL_NOTICE;
    return host_open_with(host, &options);
}

/* ---- connections --------------------------------------------------------------------------------- */

struct shown { /* a connection */
    struct paa_peer *peer;
    struct paa_bytes chain[SHOWN_CHAIN_MAX]; /* leaf first */
    size_t count;
    unsigned asked; /* how often its certificates were wanted */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
    } address;
};

static inline void shown_chain(struct paa_peer *peer, void *user)
{
    struct shown *shown = user;

    shown->asked++;
    for (size_t i = 0; i < shown->count; i++)
        (void)paa_peer_cert(peer, shown->chain[i]);
}

/* "192.0.2.7", "2001:db8::7", "unix:", "unix:/path", or NULL. */
static inline struct paa_bytes shown_address(struct shown *shown, const char *text)
{
    if (text == NULL)
        return paa_bytes_of(NULL, 0);
    if (strncmp(text, "unix:", 5) == 0) {
        shown->address.local.sun_family = AF_UNIX;
        (void)snprintf(shown->address.local.sun_path, sizeof shown->address.local.sun_path, "%s",
                       text + 5);
        return paa_bytes_of(&shown->address, offsetof(struct sockaddr_un, sun_path) +
                                                 strlen(text + 5) + (text[5] != '\0'));
    }
    if (inet_pton(AF_INET, text, &shown->address.v4.sin_addr) == 1) {
        shown->address.v4.sin_family = AF_INET;
        return paa_bytes_of(&shown->address, sizeof shown->address.v4);
    }
    (void)inet_pton(AF_INET6, text, &shown->address.v6.sin6_addr);
    shown->address.v6.sin6_family = AF_INET6;
    return paa_bytes_of(&shown->address, sizeof shown->address.v6);
}

/* Certificates until NULL, leaf first. */
static inline bool shown_connect(struct shown *shown, struct host *host, const char *address, ...)
{
    struct paa_peer_options options;
    const struct issued *issued;
    va_list all;

    memset(shown, 0, sizeof *shown);
    va_start(all, address);
    while ((issued = va_arg(all, const struct issued *)) != NULL)
        shown->chain[shown->count++] = issued_der(issued);
    va_end(all);
    paa_init(&options, sizeof options);
    options.flags = shown->count > 0 ? PAA_PEER_TLS : 0;
    options.address = shown_address(shown, address);
    options.cert_fn = shown_chain;
    options.user = shown;
    return paa_peer_open(&shown->peer, host->context, &options) == 0;
}

static inline void shown_close(struct shown *shown)
{
    paa_peer_close(&shown->peer);
    for (size_t i = 0; i < shown->count; i++)
        OPENSSL_free((void *)(uintptr_t)shown->chain[i].data);
    shown->count = 0;
}

/* ---- asking -------------------------------------------------------------------------------------- */

struct told { /* what came of one request */
    unsigned code;
    bool has_waited;           /* for a worker, a file, a server: no look-up does */
    char reason[SHOWN_REASON]; /* "good", or the reason of the first step */
    char sentence[512];
    char subject[512];
    char issuer[256];
    size_t fields_left; /* of the name asked for, after the edits */
};

static inline void told_copy(char *to, size_t size, struct paa_str text)
{
    (void)snprintf(to, size, "%.*s", (int)text.size, text.data != NULL ? text.data : "");
}

/* field: whose traces are looked for in what the application sees; or NULL. */
static inline struct told shown_ask_with(struct shown *shown, struct host *host, struct ask *ask,
                                         const char *field)
{
    struct told told = { .code = 0 };
    const struct paa_principal *who;
    const struct paa_step *step;
    enum paa_state state;
    struct paa_txn *txn;
    struct paa_str value;

    ask->request.peer = shown->peer;
    state = paa_txn_begin(&txn, host->lane, host->api, &ask->request);
    told.has_waited = state == PAA_TXN_PENDING;
    if (told.has_waited)
        state = paa_txn_wait(txn, -1);
    told.code = txn_code(state, txn);
    step = paa_txn_step(txn, 0);
    if (step != NULL) {
        told_copy(told.reason, sizeof told.reason, step->reason);
        told_copy(told.sentence, sizeof told.sentence, step->sentence);
    }
    if (state == PAA_TXN_ALLOW)
        (void)snprintf(told.reason, sizeof told.reason, "good");
    else if (step == NULL) /* refused before any step: the core's word */
        told_copy(told.reason, sizeof told.reason, paa_txn_answer(txn)->reason);
    who = paa_txn_principal(txn, 0);
    if (who != NULL) {
        told_copy(told.subject, sizeof told.subject, who->subject);
        told_copy(told.issuer, sizeof told.issuer, who->issuer);
    }
    if (field != NULL)
        told.fields_left = field_after(txn, ask, field, &value);
    paa_txn_end(&txn);
    return told;
}

static inline struct told shown_ask(struct shown *shown, struct host *host)
{
    static struct ask ask;

    ask_for(&ask, "GET", "/orders", NULL);
    return shown_ask_with(shown, host, &ask, NULL);
}

/* A connection of its own for one request. */
static inline struct told shown_once(struct host *host, const struct issued *leaf,
                                     const struct issued *intermediate)
{
    struct told told = { .code = 0 };
    struct shown shown;

    if (!shown_connect(&shown, host, "192.0.2.1", leaf, intermediate, NULL))
        return told;
    told = shown_ask(&shown, host);
    shown_close(&shown);
    return told;
}

#endif

/* SPDX-License-Identifier: MIT */
/* A host that sends requests with tokens of oauth2-cc, and a token endpoint that answers as the test says. */
#ifndef TESTS_SENDS_H
#define TESTS_SENDS_H

#include "fault_server.h"
#include "host.h"

#include <sched.h>

enum { SENDS_POLICY_MAX = 8192, SENDS_FIELD_MAX = 2048, SENDS_TRIES_MAX = 1000000 };

#define JSON_TYPE "application/json"
#define TOKEN(word, more)                                                                          \
    {                                                                                              \
        .type = JSON_TYPE,                                                                         \
        .body = "{\"access_token\":\"" word "\",\"token_type\":\"Bearer\"" more "}"                \
    }

struct place {
    struct host host;
    struct fault_server *server;
};

struct sent { /* what came of one request */
    enum paa_state state;
    unsigned code; /* 200: it goes out */
    char authorization[SENDS_FIELD_MAX];
    char dpop[SENDS_FIELD_MAX];
    char reason[64];
    char sentence[512];
    uint32_t wants;
    int64_t retry_after_s;
    struct paa_ticket ticket;
};

static inline void sends_copy(struct paa_str text, char *ret_text, size_t size)
{
    (void)snprintf(ret_text, size, "%.*s", (int)text.size, text.data != NULL ? text.data : "");
}

static inline void sends_secret(const struct place *place, const char *secret)
{
    char path[HOST_PATH_MAX + 16], other[HOST_PATH_MAX + 24];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/secret", place->host.folder);
    (void)snprintf(other, sizeof other, "%s.new", path);
    file = fopen(other, "w");
    if (file == NULL || fchmod(fileno(file), 0600) != 0 || fputs(secret, file) < 0 ||
        fclose(file) != 0 || rename(other, path) != 0)
        abort();
}

/* In place of "@": the URL of the server. */
static inline void sends_fill(const struct place *place, const char *text, char *ret_text)
{
    char url[FAULT_URL_MAX];
    size_t at = 0;

    (void)fault_server_url(place->server, "", url);
    for (; *text != '\0' && at + sizeof url < SENDS_POLICY_MAX; text++) {
        if (*text == '@')
            at += (size_t)snprintf(ret_text + at, sizeof url, "%s", url);
        else
            ret_text[at++] = *text;
    }
    ret_text[at] = '\0';
}

/* client_secret is in the file "secret". */
static inline bool sends_write(struct place *place, const char *options, const char *stores)
{
    char filled[SENDS_POLICY_MAX], policy[2 * SENDS_POLICY_MAX];

    sends_fill(place, options, filled);
    (void)snprintf(policy, sizeof policy,
                   "%s" POLICY("mine = { plugin = \"oauth2-cc\"; client_id = \"me\"; %s tls = { ca "
                               "= \"%s\"; }; };\n",
                               OUT("chain = ( { required = \"mine\" } );")),
                   stores, filled, fault_server_ca());
    return host_write(&place->host, policy);
}

static inline bool sends_begin_with(struct place *place, const char *options, const char *stores)
{
    struct paa_context_options context;

    place->server = fault_server_start(FAULT_TLS_GOOD);
    if (!host_init(&place->host))
        return false;
    sends_secret(place, "hush: 100%");
    if (!sends_write(place, options, stores))
        return false;
    host_options(&place->host, &context);
    return host_open_with(&place->host, &context);
}

#define SENDS_PLAIN "token_endpoint = \"@/token\"; client_secret = \"file:secret\";"

static inline bool sends_begin(struct place *place, const char *options)
{
    bool is_begun = sends_begin_with(place, options, "");

    place->host.is_live = true;
    return is_begun;
}

static inline int sends_count_log(struct place *place, const char *text)
{
    const char *at = place->host.log;
    int found = 0;

    pthread_mutex_lock(&place->host.lock);
    for (; (at = strstr(at, text)) != NULL; at++)
        found++;
    pthread_mutex_unlock(&place->host.lock);
    return found;
}

static inline void sends_end(struct place *place)
{
    host_close(&place->host);
    fault_server_stop(place->server);
}

static inline void sends_ask(struct ask *ask)
{
    ask_for(ask, "GET", "https://out.example.com/orders?page=2", NULL);
    ask->request.authority = ask->request.scheme = paa_str_of(NULL);
}

static inline void sends_look(const struct paa_txn *txn, enum paa_state state, struct sent *sent)
{
    memset(sent, 0, sizeof *sent);
    sent->state = state;
    sent->code = txn_code(state, txn);
    if (state == PAA_TXN_ALLOW) {
        sends_copy(edit_value(txn, PAA_MESSAGE_REQUEST, "Authorization"), sent->authorization,
                   sizeof sent->authorization);
        sends_copy(edit_value(txn, PAA_MESSAGE_REQUEST, "DPoP"), sent->dpop, sizeof sent->dpop);
        sent->wants = paa_txn_wants(txn);
        paa_txn_ticket(txn, &sent->ticket);
    } else if (state == PAA_TXN_ANSWER) {
        const struct paa_answer *answer = paa_txn_answer(txn);

        sent->retry_after_s = answer->retry_after_s;
        sends_copy(answer->reason, sent->reason, sizeof sent->reason);
        sends_copy(answer->sentence, sent->sentence, sizeof sent->sentence);
    }
}

static inline struct sent sends(struct host *host)
{
    static _Thread_local struct ask ask;
    struct paa_txn *txn;
    struct sent sent;
    enum paa_state state;

    sends_ask(&ask);
    state = paa_txn_begin(&txn, host->lane, host->out, &ask.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    sends_look(txn, state, &sent);
    paa_txn_end(&txn);
    return sent;
}

/* The peer answered; name and value of one field, or NULL. */
static inline struct sent sends_again(struct host *host, const struct sent *first, uint32_t code,
                                      const struct paa_field *fields, size_t count)
{
    static _Thread_local struct ask ask;
    struct paa_response response;
    struct paa_txn *txn;
    struct sent sent;
    enum paa_state state;

    sends_ask(&ask);
    paa_init(&response, sizeof response);
    response.code = code;
    response.headers = fields;
    response.header_count = count;
    state = paa_txn_retry(&txn, host->lane, host->out, &ask.request, &first->ticket, &response);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    sends_look(txn, state, &sent);
    paa_txn_end(&txn);
    return sent;
}

/* Sends until the log has that text so often; false: something else went out meanwhile, or it never came. A line comes before the run
 * it tells of is over, and while that one is under way no other begins: so asking once would not do. */
static inline bool sends_until_log(struct place *place, const char *text, int count,
                                   const char *authorization)
{
    bool is_same = true;

    for (int i = 0; i < SENDS_TRIES_MAX; i++) {
        sched_yield();
        is_same = strcmp(sends(&place->host).authorization, authorization) == 0 && is_same;
        if (sends_count_log(place, text) >= count)
            return is_same;
    }
    fprintf(stderr, "never logged: %s\n", text);
    return false;
}

#endif

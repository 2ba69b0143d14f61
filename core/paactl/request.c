/* SPDX-License-Identifier: MIT */
/* `paactl request`: sends one request with what the policy attaches, as a host would. Knows no HTTP
 * library. */
#include "command.h"
#include "fields.h"
#include "file.h"
#include "given.h"
#include "out.h"
#include "prompt.h"
#include "secret.h"
#include "send.h"
#include "session.h"
#include "str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct requesting { /* all that is opened for one request */
    struct session session;
    struct paa_service *service;
    struct paa_lane *lane;
    struct sender *sender;
    struct given given;
    struct buf data; /* the content to send */
    bool has_data;
    bool opens_browser;
    struct paa_request request;
};

/* ---- what goes out ------------------------------------------------------------------------------- */

static void apply(struct paa_field *fields, size_t *count, const struct paa_edit *edit)
{
    size_t kept = 0;

    for (size_t i = 0; i < *count; i++)
        if (edit->kind == PAA_EDIT_ADD || !field_name_same(fields[i].name, edit->name))
            fields[kept++] = fields[i];
    *count = kept;
    if (edit->kind != PAA_EDIT_REMOVE)
        fields[(*count)++] = (struct paa_field){ edit->name, edit->value };
}

static size_t count_edits(const struct paa_txn *txn)
{
    size_t count = 0;

    while (paa_txn_edit(txn, PAA_MESSAGE_REQUEST, count) != NULL)
        count++;
    return count;
}

static struct paa_bytes content_of(const struct requesting *r)
{
    return paa_bytes_of(r->data.data != NULL ? r->data.data : "", r->data.size);
}

static bool send_allowed(struct requesting *r, const struct paa_txn *txn,
                         struct incoming *ret_incoming)
{
    size_t edits = count_edits(txn), count = r->given.field_count;
    struct paa_field *fields = calloc(count + edits + 1, sizeof *fields);
    struct outgoing outgoing = { .method = r->given.method,
                                 .url = paa_txn_target(txn),
                                 .fields = fields,
                                 .tls = paa_txn_client_tls(txn) };
    bool is_sent;

    memset(ret_incoming, 0, sizeof *ret_incoming);
    if (fields == NULL) {
        complain("out of memory");
        return false;
    }
    if (count > 0)
        memcpy(fields, r->given.fields, count * sizeof *fields);
    for (size_t i = 0; i < edits; i++)
        apply(fields, &count, paa_txn_edit(txn, PAA_MESSAGE_REQUEST, i));
    outgoing.field_count = count;
    if (r->has_data)
        outgoing.content = content_of(r);
    is_sent = sender_send(r->sender, &outgoing, ret_incoming);
    free(fields);
    return is_sent;
}

/* ---- what came back ------------------------------------------------------------------------------ */

static int deliver(const struct incoming *incoming)
{
    bool is_terminal = isatty(STDOUT_FILENO) != 0;
    struct paa_str rest = buf_str(&incoming->header), line;

    while (str_next(&rest, "\r\n", &line))
        complain_at("%.*s", STR_ARGS(line));
    if (incoming->content.size > 0 &&
        !out_lines(incoming->content.data, incoming->content.size, is_terminal)) {
        complain("standard output cannot be written");
        return EXIT_USAGE;
    }
    return incoming->code >= 200 && incoming->code < 300 ? EXIT_YES : EXIT_NO;
}

static int say_why_not(const struct paa_txn *txn)
{
    const struct paa_answer *answer = paa_txn_answer(txn);

    complain("request: not sent: %.*s", STR_ARGS(answer->sentence));
    switch (answer->why) {
    case PAA_WHY_UNAVAILABLE:
        return EXIT_UNAVAILABLE;
    case PAA_WHY_FAULT:
        return EXIT_USAGE;
    default:
        return EXIT_NO;
    }
}

/* Absent declines. */
static void reply(const struct requesting *r, struct paa_txn *txn)
{
    char *line = secret_alloc(PROMPT_REPLY_MAX);
    int64_t size = -1;

    if (line != NULL)
        size = prompt_answer(paa_txn_prompt(txn), r->opens_browser, line, PROMPT_REPLY_MAX);
    paa_txn_reply(txn, size >= 0 ? paa_str_of_n(line, (size_t)size) : paa_str_of(NULL));
    secret_free(line, PROMPT_REPLY_MAX);
}

/* The content is at hand. */
static enum paa_state give_input(const struct requesting *r, struct paa_txn *txn)
{
    if ((paa_txn_wants(txn) & PAA_WANTS_BODY) != 0)
        return paa_txn_body(txn, content_of(r), 1);
    reply(r, txn);
    return paa_txn_advance(txn);
}

static enum paa_state settle(const struct requesting *r, struct paa_txn *txn, enum paa_state state)
{
    while (state == PAA_TXN_PENDING || state == PAA_TXN_INPUT)
        state = state == PAA_TXN_INPUT ? give_input(r, txn) : paa_txn_wait(txn, -1);
    return state;
}

/* The plugins hear how the peer answered; once more, if newer credentials may help. */
static int answered(struct requesting *r, const struct paa_ticket *ticket,
                    struct incoming *incoming)
{
    struct paa_response response;
    struct paa_txn *txn;
    enum paa_state state;
    int status;

    paa_init(&response, sizeof response);
    response.code = incoming->code;
    response.headers = incoming->fields;
    response.header_count = incoming->field_count;
    state = paa_txn_retry(&txn, r->lane, r->service, &r->request, ticket, &response);
    state = settle(r, txn, state);
    if (state == PAA_TXN_ALLOW) {
        incoming_free(incoming);
        status = send_allowed(r, txn, incoming) ? deliver(incoming) : EXIT_UNAVAILABLE;
    } else {
        status = deliver(incoming);
    }
    paa_txn_end(&txn);
    return status;
}

static int send_request(struct requesting *r)
{
    struct incoming incoming;
    struct paa_ticket ticket;
    struct paa_txn *txn;
    bool wants_all, is_sent;
    int status;
    enum paa_state state = paa_txn_begin(&txn, r->lane, r->service, &r->request);

    if (settle(r, txn, state) != PAA_TXN_ALLOW) {
        status = say_why_not(txn);
        paa_txn_end(&txn);
        return status;
    }
    paa_txn_ticket(txn, &ticket);
    wants_all = (paa_txn_wants(txn) & PAA_WANTS_RESPONSE) != 0;
    is_sent = send_allowed(r, txn, &incoming);
    paa_txn_end(&txn);
    if (!is_sent)
        status = EXIT_UNAVAILABLE;
    else
        status = wants_all || incoming.code == 401 ? answered(r, &ticket, &incoming)
                                                   : deliver(&incoming);
    incoming_free(&incoming);
    return status;
}

/* ---- opening ------------------------------------------------------------------------------------- */

static void describe(struct requesting *r)
{
    paa_init(&r->request, sizeof r->request);
    r->request.flags = PAA_REQUEST_STABLE | (r->has_data ? (uint32_t)PAA_REQUEST_BODY : 0);
    r->request.body_size = (int64_t)r->data.size;
    r->request.method = paa_str_of(r->given.method);
    r->request.target = paa_str_of(r->given.whole_url);
    r->request.headers = r->given.fields;
    r->request.header_count = r->given.field_count;
}

static bool open_all(struct requesting *r, const struct args *args)
{
    struct paa_error error = { "" };

    r->has_data = args->data != NULL;
    if (r->has_data && !file_read(args->data, SEND_CONTENT_MAX, &r->data))
        return false;
    if (!session_open(&r->session, args, args->policy, 0))
        return false;
    r->service = paa_service_find(r->session.context, r->given.service, PAA_OUTGOING, &error);
    if (r->service == NULL || paa_lane_open(&r->lane, r->session.context, &error) != 0) {
        complain("request: %s", error.text);
        return false;
    }
    r->sender = sender_new();
    return r->sender != NULL;
}

static void close_all(struct requesting *r)
{
    sender_free(r->sender);
    paa_lane_close(&r->lane);
    session_close(&r->session);
    buf_free(&r->data);
    given_free(&r->given);
}

int request_run(const struct args *args)
{
    struct requesting r = { .opens_browser = !args->no_browser };
    int status = EXIT_USAGE;

    if (args->policy == NULL) {
        complain("request: -c FILE, the policy, is missing");
        return EXIT_USAGE;
    }
    if (given_read(&r.given, args, "request") && open_all(&r, args)) {
        describe(&r);
        status = send_request(&r);
    }
    close_all(&r);
    if (fflush(stdout) != 0)
        status = EXIT_USAGE;
    return status;
}

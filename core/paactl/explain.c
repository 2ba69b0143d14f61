/* SPDX-License-Identifier: MIT */
/* `paactl explain`: authenticates one request as a host would, and has it written what came of
 * it. */
#include "explain.h"

#include "command.h"
#include "session.h"

#include <string.h>

enum { INPUTS_MAX = 64 /* a chain that asks for more is not going to end */ };

struct walk { /* all that is opened for one transaction */
    struct session session;
    struct paa_service *service;
    enum paa_direction direction;
    struct paa_lane *lane;
    struct paa_peer *peer;
    struct paa_txn *txn;
    enum paa_state state;
    size_t bodies; /* how often the chain asked for the content */
};

static void give_certs(struct paa_peer *peer, void *user)
{
    const struct given *given = user;

    for (size_t i = 0; i < given->certs.count; i++)
        if (paa_peer_cert(peer, given->certs.items[i]) != 0) {
            complain("explain: --client-cert: the chain is too long or too large, a host's would "
                     "be too");
            return;
        }
}

static bool open_peer(struct walk *walk, struct given *given)
{
    struct paa_peer_options options;

    if (given->peer_size == 0 && given->certs.count == 0)
        return true;
    paa_init(&options, sizeof options);
    options.flags =
        given->certs.count > 0 || paa_str_eq(given->url.scheme, "https") ? PAA_PEER_TLS : 0;
    if (given->peer_size > 0)
        options.address = paa_bytes_of(&given->peer, given->peer_size);
    options.cert_fn = give_certs;
    options.user = given;
    if (paa_peer_open(&walk->peer, walk->session.context, &options) == 0)
        return true;
    complain("explain: the peer cannot be described to libpaa");
    return false;
}

/* Incoming first: that is what most questions are about. */
static bool find_service(struct walk *walk, const char *name)
{
    struct paa_error error = { "" };

    walk->direction = PAA_INCOMING;
    walk->service = paa_service_find(walk->session.context, name, PAA_INCOMING, &error);
    if (walk->service == NULL) {
        walk->direction = PAA_OUTGOING;
        walk->service = paa_service_find(walk->session.context, name, PAA_OUTGOING, NULL);
    }
    if (walk->service == NULL)
        complain("explain: %s", error.text);
    return walk->service != NULL;
}

static bool open_all(struct walk *walk, const struct args *args, struct given *given)
{
    struct paa_error error = { "" };

    walk->session.has_time = given->has_time;
    walk->session.time_ns = given->time_s * 1000000000;
    if (!session_open(&walk->session, args, args->policy, args->online ? 0 : PAA_OPEN_OFFLINE) ||
        !find_service(walk, given->service))
        return false;
    if (paa_lane_open(&walk->lane, walk->session.context, &error) != 0) {
        complain("explain: %s", error.text);
        return false;
    }
    return open_peer(walk, given);
}

static void close_all(struct walk *walk)
{
    paa_txn_end(&walk->txn);
    paa_lane_close(&walk->lane);
    paa_peer_close(&walk->peer);
    session_close(&walk->session);
}

/* There is neither content nor a person here: the step hears so. */
static enum paa_state give_input(struct walk *walk)
{
    if ((paa_txn_wants(walk->txn) & PAA_WANTS_BODY) != 0) {
        walk->bodies++;
        return paa_txn_body(walk->txn, paa_bytes_of("", 0), 1);
    }
    paa_txn_reply(walk->txn, paa_str_of(NULL));
    return paa_txn_advance(walk->txn);
}

static bool settle(struct walk *walk)
{
    size_t inputs = 0;

    while (walk->state != PAA_TXN_ALLOW && walk->state != PAA_TXN_ANSWER) {
        if (walk->state == PAA_TXN_INPUT && ++inputs > INPUTS_MAX) {
            complain("explain: the chain asks for input again and again");
            return false;
        }
        walk->state = walk->state == PAA_TXN_INPUT ? give_input(walk) : paa_txn_wait(walk->txn, -1);
    }
    return true;
}

static bool run_request(struct walk *walk, const struct given *given)
{
    struct paa_request request;

    paa_init(&request, sizeof request);
    request.flags = PAA_REQUEST_TRACE | PAA_REQUEST_STABLE;
    request.method = paa_str_of(given->method);
    if (walk->direction == PAA_OUTGOING) {
        request.target = paa_str_of(given->whole_url);
    } else {
        request.scheme = given->url.scheme;
        request.authority = given->url.authority;
        request.target = given->url.target;
    }
    request.headers = given->fields;
    request.header_count = given->field_count;
    request.peer = walk->peer;
    if (given->client_size > 0)
        request.client = paa_bytes_of(&given->client, given->client_size);
    walk->state = paa_txn_begin(&walk->txn, walk->lane, walk->service, &request);
    return settle(walk);
}

static bool write_out(const struct explanation *explanation, bool is_json)
{
    struct out out;

    out_init(&out);
    if (is_json)
        explain_json(explanation, &out.buf);
    else
        explain_text(explanation, &out);
    return is_json ? out_json(&out.buf) : out_flush(&out);
}

static int status_of(const struct explanation *explanation)
{
    if (explanation->state == PAA_TXN_ALLOW)
        return EXIT_YES;
    switch (explanation->answer.why) {
    case PAA_WHY_UNAVAILABLE:
        return EXIT_UNAVAILABLE;
    case PAA_WHY_FAULT:
        return EXIT_USAGE;
    default:
        return EXIT_NO;
    }
}

static int explain_walk(struct walk *walk, const struct args *args, const struct given *given)
{
    struct explanation explanation = { .given = given,
                                       .direction = walk->direction,
                                       .is_online = args->online,
                                       .reveals = args->reveal,
                                       .state = walk->state,
                                       .ignored_body = walk->bodies };
    int status = EXIT_USAGE;

    if (!explanation_collect(&explanation, walk->txn))
        complain("out of memory");
    else if (write_out(&explanation, args->json))
        status = status_of(&explanation);
    explanation_free(&explanation);
    return status;
}

int explain_run(const struct args *args)
{
    struct walk walk = { 0 };
    struct given given;
    int status = EXIT_USAGE;

    if (args->policy == NULL) {
        complain("explain: -c FILE, the policy, is missing");
        return EXIT_USAGE;
    }
    if (given_read(&given, args, "explain") && open_all(&walk, args, &given) &&
        run_request(&walk, &given))
        status = explain_walk(&walk, args, &given);
    close_all(&walk);
    given_free(&given);
    return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * May this request come in? A host in one page, blocking: README.md shows the function `let_in`.
 *
 *   paa-guard POLICY SERVICE METHOD URL [API-KEY]
 */
#include <paa/paa.h>

#include <stdio.h>

/* 1: let it in. 0: it was answered. */
static int let_in(struct paa_lane *lane, struct paa_service *service,
                  const struct paa_request *request)
{
    struct paa_txn *txn;
    const struct paa_principal *who;
    enum paa_state state = paa_txn_begin(&txn, lane, service, request);

    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    if (state == PAA_TXN_ALLOW) {
        who = paa_txn_principal(txn, 0);
        printf("let in: %.*s\n", who != NULL ? (int)who->subject.size : 8,
               who != NULL ? who->subject.data : "somebody");
    } else {
        printf("HTTP %u\n", (unsigned)paa_txn_answer(txn)->code);
    }
    paa_txn_end(&txn);
    return state == PAA_TXN_ALLOW;
}

int main(int argc, char **argv)
{
    struct paa_context *context = NULL;
    struct paa_service *service = NULL;
    struct paa_lane *lane = NULL;
    struct paa_context_options options;
    struct paa_request request;
    struct paa_error error;
    struct paa_field key;
    int is_in = 0;

    if (argc < 5) {
        fprintf(stderr, "usage: %s POLICY SERVICE METHOD URL [API-KEY]\n", argv[0]);
        return 2;
    }
    paa_init(&options, sizeof options);
    options.policy = argv[1];
    if (paa_context_open(&context, &options, &error) == 0)
        service = paa_service_find(context, argv[2], PAA_INCOMING, &error);
    if (service != NULL && paa_lane_open(&lane, context, &error) == 0) {
        key = paa_field_of("apikey", argv[5]);
        paa_init(&request, sizeof request);
        request.flags = PAA_REQUEST_STABLE;
        request.method = paa_str_of(argv[3]);
        request.target = paa_str_of(argv[4]);
        request.headers = &key;
        request.header_count = argc > 5;
        is_in = let_in(lane, service, &request);
    } else {
        fprintf(stderr, "%s\n", error.text);
    }
    paa_lane_close(&lane);
    paa_context_close(&context);
    return is_in ? 0 : 1;
}

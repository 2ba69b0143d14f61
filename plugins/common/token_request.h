/* SPDX-License-Identifier: MIT */
/*
 * One request to the token endpoint, whatever its grant: where that is, the key that the token is to be bound to, a DPoP
 * nonce, the authenticated POST, one repetition if the server wants another nonce, its response read. In a producer,
 * a slot or a verb alike: it knows only the operation.
 *
 *   request->client = …; request->key = the memo's key of the token;
 *   return token_request_prepare(op, request, on_ready, context);            nothing has left yet
 *   request->form = …;
 *   return token_request_send(op, request, on_answer, context);
 *   token_take(op, request, response, &value, &product, &buf);               what is to be kept
 *
 * and when the operation ends: token_request_done(request).
 */
#ifndef COMMON_TOKEN_REQUEST_H
#define COMMON_TOKEN_REQUEST_H

#include "token_client.h"
#include "token_response.h"

enum { TOKEN_REQUEST_FETCHES = 4 }; /* two for metadata, one for the token, one more with a nonce */

struct oauth_metadata;

/* result: DONE: it can be sent. Else fail was called, and this is what came back: what the operation ends with. */
typedef enum paa_result (*token_ready_fn)(struct paa_op *op, enum paa_result result,
                                          void *context) PAA_NOEXCEPT;
/* response: memory of the operation. TOKEN_TROUBLE and code 0: nothing came, and fail was called with UNAVAILABLE. */
typedef enum paa_result (*token_answer_fn)(struct paa_op *op, enum token_answer answer,
                                           uint32_t code, const struct token_response *response,
                                           void *context) PAA_NOEXCEPT;

struct token_request { /* all zero at first */
    /* the caller's; they live until it is answered */
    const struct token_client *client;
    struct paa_bytes key; /* of the token in the memo: ends with what it is to be bound to */
    struct paa_str form;  /* what is posted, without what authenticates the client */
    bool wants_metadata;  /* although the policy names the endpoint: there are others to be found */
    bool is_run; /* of a SECRET memo, of which the core logs no sentence: token_fail does */
    /* token_request.c's own */
    struct oauth_call call;
    const struct dpop_key *proves;         /* NULL: no DPoP */
    const struct oauth_metadata *metadata; /* NULL: not asked for */
    bool has_nonce_tried;                  /* use_dpop_nonce was answered once */
    int64_t asked_at_s;
    char nonce[DPOP_NONCE_MAX];
    size_t nonce_size;
    enum token_answer answer; /* while a nonce is kept */
    uint32_t code;
    struct token_response response;
    token_ready_fn ready;
    token_answer_fn then;
    void *context;
};

/* Waiting. */
enum paa_result token_request_prepare(struct paa_op *op, struct token_request *request,
                                      token_ready_fn then, void *context);
enum paa_result token_request_send(struct paa_op *op, struct token_request *request,
                                   token_answer_fn then, void *context);
void token_request_done(struct token_request *request);

/* fail with UNAVAILABLE; in a run it is logged, too. */
PAA_PRINTF(4, 5)
enum paa_result token_fail(struct paa_op *op, const struct token_request *request,
                           const char *reason, const char *format, ...);

/* ---- nonces ------------------------------------------------------------------------------------- */

/* "https://host:port" of a URL. */
struct paa_str token_origin_of(struct paa_str url);
/* Waiting. The nonce that a response from there brought is shown next time. */
enum paa_result token_nonce_keep(struct paa_op *op, const struct token_client *client,
                                 struct paa_str origin, struct paa_str nonce, paa_memo_fn then,
                                 void *context);

/* ---- token_take.c ------------------------------------------------------------------------------- */

/* With TOKEN_GIVEN: judges what came, and writes the value and the times of its product. value: what the caller adds to
 * it (refresh, subject, name); scope is taken from the response if it says one. Product and value point into buf,
 * which the caller has made and frees. DONE; else fail was called. */
enum paa_result token_take(struct paa_op *op, const struct token_request *request,
                           const struct token_response *response, struct token_value *value,
                           struct paa_memo_product *ret_product, struct buf *buf);
/* In a producer: hands the product over. DONE; else fail was called. */
enum paa_result token_product(struct paa_op *op, const struct token_request *request,
                              const struct paa_memo_product *product);
/* With TOKEN_TROUBLE and TOKEN_MALFORMED: says so. What fail returned. */
enum paa_result token_trouble(struct paa_op *op, const struct token_request *request,
                              enum token_answer answer, uint32_t code,
                              const struct token_response *response);
/* With TOKEN_REFUSED: what the server said, for the log only. */
void token_log_refusal(struct paa_op *op, const struct token_response *response);

#endif

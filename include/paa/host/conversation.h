/*
 * paa/host/conversation.h: asking the person behind the host (PAM's idea), a loopback listener for
 * logins, and the terminal of a verb. While a person is asked, or their browser is waited for, the
 * operation's deadline stands still; the dialogue has its own, 5 minutes: for all that a request
 * asks, and for each wait of a verb.
 */
#ifndef PAA_HOST_CONVERSATION_H
#define PAA_HOST_CONVERSATION_H

#include <paa/types.h>

PAA_BEGIN_DECLS

struct paa_op;

struct paa_reply {
    uint32_t struct_size;
    uint32_t flags;
    struct paa_bytes bytes;         /* the line; absent after prompts that only show */
    const struct paa_field *fields; /* the redirect's parameters, decoded, duplicates kept */
    size_t field_count;
};

/* OK. DENIED: the person said no. UNSUPPORTED: nobody to ask. UNAVAILABLE: deadline. NONE: end of
 * input. reply: NULL unless OK; until the continuation returns. */
typedef enum paa_result (*paa_reply_fn)(struct paa_op *op, enum paa_status status,
                                        const struct paa_reply *reply, void *context) PAA_NOEXCEPT;

enum {
    PAA_EMIT_REVEAL = 1u << 0 /* show it although it is a secret: a key just minted */
};

struct paa_host_conversation {
    uint32_t struct_size;
    uint32_t flags;
    /* Waiting. In a request the host puts the prompt to the person; in a verb the terminal does. */
    enum paa_result (*ask)(struct paa_op *op, const struct paa_prompt *prompt, paa_reply_fn then,
                           void *context);
    /* RFC 8252: a listener on a loopback literal and a free port, for one request to path
     * ("/callback": letters, digits and /-._~), once per operation. state (up to 256 bytes, copied)
     * is what the request's parameter "state" must be: others are shown an error, and the listener
     * listens on; after 16 of them the next request counts whatever its state, so judge it, too.
     * Absent: any request counts. *ret_redirect_uri lives until the operation ends, and so does the
     * listener. Where nobody can be asked: UNSUPPORTED. */
    enum paa_status (*listen)(struct paa_op *op, struct paa_str path, struct paa_str state,
                              struct paa_str *ret_redirect_uri);
    /* Waiting. The request that reached the listener; its browser waits for page, which takes up to
     * 1024 bytes of a sentence. Without page it is told that the login was not finished. */
    enum paa_result (*redirected)(struct paa_op *op, paa_reply_fn then, void *context);
    enum paa_status (*page)(struct paa_op *op, uint32_t success, struct paa_str sentence);
    /* Verbs. One record of output, shown as a table or JSON; waiting: the next line of input. */
    enum paa_status (*emit)(struct paa_op *op, const struct paa_field *fields, size_t field_count,
                            uint32_t flags);
    enum paa_result (*read)(struct paa_op *op, size_t limit, paa_reply_fn then, void *context);
};

PAA_END_DECLS

#endif

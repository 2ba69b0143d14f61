/* SPDX-License-Identifier: MIT */
/* A host that gives content, and two steps that ask for it. Included after host.h and test.h. */
#ifndef TESTS_HOST_CONTENT_H
#define TESTS_HOST_CONTENT_H

enum { KIB = 1024 };

#define ABC_256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_512                                                                                    \
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"                             \
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
#define NOTHING_256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define MILLION_256 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

/* Two steps that do what the fields X-A and X-B say; a path that is served. */
static const char policy[] = POLICY(
    SCRIPT("a", "verify = \"script:X-A\"; attach = \"script:X-A\"; path = \"/served\"; "
                "serve = \"script:X-A\"; challenge = \"script:X-C\";")
        SCRIPT("b", "verify = \"script:X-B\";"),
    API("rules = (\n"
        "{ path = \"/optional\"; identity = [ \"a\", \"b\" ]; chain = ( { optional = \"a\" }, { "
        "required = \"b\" } ); },\n"
        "{ path = \"/**\"; identity = [ \"a\", \"b\" ]; chain = ( { required = \"a\" }, { required "
        "= \"b\" } ); } );") OUT("chain = ( { required = \"a\" } );"));

static inline void post(struct ask *ask, const char *a, const char *b)
{
    ask_for(ask, "POST", "/x", NULL);
    ask->fields[0] = (struct paa_field){ paa_str_of("X-A"), paa_str_of(a) };
    ask->fields[1] = (struct paa_field){ paa_str_of("X-B"), paa_str_of(b) };
    ask->request.header_count = 2;
    ask->request.flags = PAA_REQUEST_BODY;
}

static inline enum paa_state begin(struct host *host, const char *a, const char *b,
                                   struct paa_txn **ret_txn)
{
    struct ask ask;

    post(&ask, a, b);
    return paa_txn_begin(ret_txn, host->lane, host->api, &ask.request);
}

static inline enum paa_state give(struct paa_txn *txn, const char *text, int last)
{
    return paa_txn_body(txn, paa_bytes_of(text, strlen(text)), last);
}

/* That many bytes of 'a', a thousand in a piece, while they are wanted. */
static inline enum paa_state give_many(struct paa_txn *txn, size_t size)
{
    char piece[1000];
    enum paa_state state = PAA_TXN_INPUT;

    memset(piece, 'a', sizeof piece);
    while (size > 0 && state == PAA_TXN_INPUT) {
        size_t now = size < sizeof piece ? size : sizeof piece;

        size -= now;
        state = paa_txn_body(txn, paa_bytes_of(piece, now), size == 0);
    }
    return state;
}

static inline struct paa_str noted(const struct paa_txn *txn, const char *name)
{
    const struct paa_field *note;

    for (size_t i = 0; (note = paa_txn_note(txn, i)) != NULL; i++)
        if (paa_str_eq(note->name, name))
            return note->value;
    return paa_str_of(NULL);
}

static inline void check_answer(const struct paa_txn *txn, unsigned code, const char *reason)
{
    CHECK_INT(paa_txn_answer(txn)->code, code);
    CHECK_STR(paa_txn_answer(txn)->reason, reason);
}

static inline bool open_with(struct host *host, uint32_t can, uint64_t max_bytes)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy))
        return false;
    host_options(host, &options);
    options.can = can;
    options.max_pending_bytes = max_bytes;
    return host_open_with(host, &options);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A token endpoint's response (RFC 6749 5.1 and 5.2), read strictly. Pure: memory comes as an argument, nothing is
 * allocated. Knows no grant and no cache; what an answer means for a request is its caller's to say.
 */
#ifndef COMMON_TOKEN_RESPONSE_H
#define COMMON_TOKEN_RESPONSE_H

#include "buf.h"
#include "json_tree.h"

enum {
    TOKEN_NODES_MAX = 512,
    TOKEN_TEXT_MAX = 16 * 1024, /* characters of an access, refresh or ID token */
    TOKEN_SCOPE_MAX = 8 * 1024,
    TOKEN_ERROR_MAX = 64, /* characters of an error word */
    TOKEN_TOLD_MAX = 200, /* characters of an error_description that reach the log */
    TOKEN_EXPIRES_MAX = 50 * 365 * 86400
};

enum token_type { TOKEN_BEARER = 1, TOKEN_DPOP };

enum token_answer {
    TOKEN_GIVEN = 1, /* 200, and all as it must be */
    TOKEN_REFUSED,   /* the server says no: `error` is its word */
    TOKEN_TROUBLE,   /* it cannot now: 5xx, 429, or an error word that says so */
    TOKEN_MALFORMED  /* `why`, the end of a sentence */
};

struct token_response { /* views of the body and of the memory given */
    enum token_type type;
    int64_t expires_in_s; /* -1: not said */
    struct paa_str access_token;
    struct paa_str scope; /* absent: as was asked for */
    struct paa_str refresh_token;
    struct paa_str id_token;
    struct paa_str error;       /* with REFUSED; with TROUBLE perhaps */
    struct paa_str description; /* likewise, as it came: for the log only, by token_told */
    const char *why;            /* constant; with MALFORMED */
};

struct token_memory { /* of one reading; what it held may be a secret: wipe it */
    struct json_node nodes[TOKEN_NODES_MAX];
    char spare[]; /* as many bytes as the body has */
};

/* media_type: the Content-Type, absent: none was sent. */
enum token_answer token_response_read(uint32_t code, struct paa_str media_type,
                                      struct paa_bytes body, struct token_memory *memory,
                                      struct token_response *ret_response);

/* Appends it for a line of the log: escaped, and cut. */
void token_told(struct buf *buf, struct paa_str text);
/* Scope-tokens of RFC 6749 3.3, parted by blanks. */
bool token_scope_valid(struct paa_str scope);
/* Is each word of `asked` in `granted`? */
bool token_scope_covers(struct paa_str granted, struct paa_str asked);
/* "application/json", with any parameters */
bool media_type_is_json(struct paa_str media_type);

#endif

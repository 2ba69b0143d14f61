/* SPDX-License-Identifier: MIT */
/* A token as it is kept, in memory and perhaps in a store: bytes that are read in place, on each request. Pure. */
#ifndef COMMON_TOKEN_VALUE_H
#define COMMON_TOKEN_VALUE_H

#include "buf.h"

enum { TOKEN_VALUE_FORMAT = 4, TOKEN_VALUE_MAX = 64 * 1024 };

enum token_state {
    TOKEN_AT_HAND = 1,
    TOKEN_WAS_REFUSED /* the server gives none: kept for a while, so that it is not asked each time */
};

struct token_value { /* views */
    enum token_state state;
    int64_t asked_at_s;
    int64_t expires_at_s;
    uint64_t client_version; /* REFUSED: of the client's secret or key; else 0 */
    struct paa_str
        credentials;      /* what the field says: "Bearer …". REFUSED: the server's error word */
    struct paa_str ath;   /* for DPoP; else empty */
    struct paa_str scope; /* what it may; empty: as asked */
    struct paa_str refresh; /* the refresh token; empty: none came along */
    struct paa_str subject; /* whose token it is, by the ID token that came along; else empty */
    struct paa_str name;    /* likewise, as people know it */
};

/* False: no such value. */
bool token_value_read(struct paa_bytes bytes, struct token_value *ret_value);
/* Of a token at hand what each request needs of it; absent: it is none, token_value_read says why. */
struct paa_str token_value_credentials(struct paa_bytes bytes);
void token_value_write(struct buf *buf, const struct token_value *value);

#endif

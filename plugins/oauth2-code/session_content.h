/* SPDX-License-Identifier: MIT */
/* What a session is, and as bytes: for a cookie or a store. Pure. */
#ifndef OAUTH2_CODE_SESSION_CONTENT_H
#define OAUTH2_CODE_SESSION_CONTENT_H

#include <paa/types.h>
#include <stdbool.h>

enum {
    SESSION_ID_SIZE = 16,
    SESSION_CLAIMS_MAX = 2048,  /* bytes of the claims that are kept, as JSON */
    SESSION_ID_TOKEN_MAX = 4096 /* a larger one is not kept: the provider asks at logout */
};

struct session {
    unsigned char id[SESSION_ID_SIZE]; /* chance; made at each login, and kept when it is renewed */
    int64_t made_at_s;
    int64_t seen_at_s;    /* when it was last written */
    int64_t auth_time_s;  /* when the person proved who it is; 0: not known */
    int64_t token_ends_s; /* when the access token does; 0: not known, or none is kept */
    struct paa_str issuer;
    struct paa_str subject;
    struct paa_str sid; /* the provider's session; from here on absent if there is none */
    struct paa_str scope;
    struct paa_str amr; /* words, parted by a blank */
    struct paa_str acr;
    struct paa_str claims; /* JSON */
    struct paa_str id_token;
    struct paa_str access_token; /* kept for the application only */
    struct paa_str refresh_token;
};

/* Bytes it becomes; 0: more than max. */
size_t session_write(const struct session *session, unsigned char *ret_bytes, size_t max);
/* Views of bytes. False: it is none. */
bool session_read(struct paa_bytes bytes, struct session *ret_session);

enum session_age { SESSION_GOOD = 1, SESSION_TO_WRITE, SESSION_OVER, SESSION_IDLE };

struct session_times {  /* of the policy */
    int64_t lifetime_s; /* of a session, whatever it does */
    int64_t idle_s;     /* without a request */
};
/* TO_WRITE: it is good, and long enough since it was written that it should be again. */
enum session_age session_age(const struct session *session, const struct session_times *times,
                             int64_t now_s);
/* When it ends at the latest. */
int64_t session_ends_s(const struct session *session, const struct session_times *times);

#endif

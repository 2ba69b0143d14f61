/* SPDX-License-Identifier: MIT */
/*
 * The authorization request (RFC 6749 4.1.1, RFC 7636) that a browser takes to the server, and what it brings back
 * (RFC 6749 4.1.2, RFC 9207). Pure: chance comes as an argument. Knows no wait and no token.
 */
#ifndef OAUTH2_CODE_AUTHORIZATION_H
#define OAUTH2_CODE_AUTHORIZATION_H

#include "buf.h"

enum {
    AUTHORIZATION_CHANCE = 32,    /* bytes under a verifier, a state, a nonce */
    AUTHORIZATION_TEXT_SIZE = 43, /* the same in base64url */
    AUTHORIZATION_CODE_MAX = 4096,
    AUTHORIZATION_ERROR_MAX = 64,
    AUTHORIZATION_URL_MAX = 16 * 1024
};

/* ---- there -------------------------------------------------------------------------------------- */

/* RFC 7636 4.2, S256. */
void pkce_challenge(struct paa_str verifier, char ret_challenge[AUTHORIZATION_TEXT_SIZE]);

struct authorization {
    struct paa_str
        form; /* the policy's own parameters, encoded; a login_hint of theirs gives way */
    struct paa_str redirect_uri;
    struct paa_str state;
    struct paa_str challenge;
    struct paa_str nonce; /* absent: no ID token is asked for */
    struct paa_str
        thumbprint; /* of the DPoP key that the code is bound to (RFC 9449 10); absent: none */
    struct paa_str login_hint; /* absent: none */
};

/* Appends the parameters, but client_id, which whoever sends them adds. */
void authorization_form(struct buf *buf, const struct authorization *authorization);
/* Appends the URL: endpoint, which may have a query of its own, client_id, and the form. */
void authorization_url(struct buf *buf, struct paa_str endpoint, struct paa_str client_id,
                       struct paa_str form);
/* May a browser be sent there? https, or http to a literal loopback address. */
bool authorization_url_valid(struct paa_str url);

/* ---- and back ----------------------------------------------------------------------------------- */

enum redirect_verdict {
    REDIRECT_CODE = 1, /* the person agreed: `code` */
    REDIRECT_ERROR,    /* the server says no: `error` is its word */
    REDIRECT_DOUBLED,  /* a parameter is there twice */
    REDIRECT_STATE,    /* it answers no question of ours */
    REDIRECT_ISSUER,   /* it comes from another server than the one that was asked */
    REDIRECT_MALFORMED /* neither code nor error, or both, or what cannot be one */
};

struct redirect_rules {
    struct paa_str state;
    struct paa_str issuer; /* absent: the policy names none, so none can be compared */
    bool names_issuer;     /* the server's metadata says that it always names itself (RFC 9207 3) */
};

struct redirect { /* views of the fields */
    struct paa_str code;
    struct paa_str error;
    struct paa_str description; /* a stranger's text: for the log only */
};

enum redirect_verdict redirect_judge(const struct paa_field *fields, size_t count,
                                     const struct redirect_rules *rules,
                                     struct redirect *ret_redirect);
/* What is wrong, as the end of a sentence: "holds a parameter twice". */
const char *redirect_sentence(enum redirect_verdict verdict);

#endif

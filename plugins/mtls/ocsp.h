/* SPDX-License-Identifier: MIT */
/*
 * What a responder is asked about one certificate, and what its response says (RFC 6960). Pure: the issuer and the time come
 * in. A response is believed if the issuer signed it, or somebody whom the issuer appointed (OCSPSigning).
 */
#ifndef MTLS_OCSP_H
#define MTLS_OCSP_H

#include <openssl/x509.h>
#include <paa/types.h>
#include <stdbool.h>

enum {
    OCSP_URL_MAX = 1024,
    OCSP_RESPONSE_MAX = 32 * 1024,
    OCSP_QUESTION_MAX = 20 * 1024,
    OCSP_SKEW_S = 60,
    OCSP_LIFE_S = 3600 /* of a response that does not say when the next one comes */
};

/* A question is its own key: the certificate's id, then what is needed to ask and to check the answer. malloc'ed. */
struct ocsp_question {
    unsigned char *data;
    size_t size;
};

struct ocsp_parts {          /* views into one */
    struct paa_bytes id;     /* OCSP_CERTID, DER */
    struct paa_bytes issuer; /* certificate, DER */
    struct paa_str url;      /* absent: the certificate names none */
};

/* url: of the policy's; absent: the certificate's own (authorityInfoAccess). False: no memory, or too long. */
bool ocsp_question_of(X509 *certificate, X509 *issuer, struct paa_str url,
                      struct ocsp_question *ret_question);
/* False: it is none. */
bool ocsp_question_read(struct paa_bytes question, struct ocsp_parts *ret_parts);
/* The request's body, malloc'ed by libcrypto; its size, or -1. */
int ocsp_request(const struct ocsp_parts *parts, unsigned char **ret_body);

enum ocsp_answer { OCSP_IS_GOOD = 1, OCSP_IS_REVOKED };

struct ocsp_said { /* kept as it is: bytes of a memo */
    enum ocsp_answer answer;
    int64_t this_s;  /* as of when */
    int64_t until_s; /* when a newer response is due */
};

/* NULL, or half a sentence about the response that is not believed, or does not say. */
const char *ocsp_response_read(struct paa_bytes body, const struct ocsp_parts *parts, int64_t now_s,
                               struct ocsp_said *ret_said);

#endif

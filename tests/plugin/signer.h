/* SPDX-License-Identifier: MIT */
/* Makes tokens for tests, rightly or wrongly signed, with the private keys that the RFCs print. The product only
 * verifies. */
#ifndef TEST_SIGNER_H
#define TEST_SIGNER_H

#include "alg.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { SIGNER_TOKEN_MAX = 24 * 1024 };

/* The public halves, as members of a JWK. */
extern const char signer_rsa[];     /* RFC 7515 A.2 */
extern const char signer_p256[];    /* RFC 7515 A.3 */
extern const char signer_p521[];    /* RFC 7515 A.4 */
extern const char signer_ed25519[]; /* RFC 8037 A.1 */
extern const char signer_secret[];  /* RFC 7515 A.1: a secret has no public half */

/* The private key of that type; P-384 is made anew at each call. Free it. */
EVP_PKEY *signer_key(enum jose_key type);
/* The bytes of signer_secret; returns their number. */
size_t signer_secret_bytes(unsigned char ret_bytes[64]);

/* base64url of text, NUL-terminated. */
size_t signer_encode(struct paa_str text, char *ret_text);
/* "header.payload.signature" of the two JSON texts. key NULL: signer_key's, or the secret. Returns its size; what
 * goes wrong ends the program. */
size_t signer_token(struct paa_str header, struct paa_str payload, enum jose_alg alg, EVP_PKEY *key,
                    char ret_token[SIGNER_TOKEN_MAX]);
/* The same over input that stands already as "header.payload" in the token. */
size_t signer_sign(char token[SIGNER_TOKEN_MAX], enum jose_alg alg, EVP_PKEY *key);

#endif

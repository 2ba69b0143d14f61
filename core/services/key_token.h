/* SPDX-License-Identifier: MIT */
/*
 * A private key that cannot leave its token: named by a URI, asked for by OSSL_STORE where a provider knows the scheme,
 * else, for "pkcs11:", by OpenSSL's engine of that name. Nothing of a token is touched before a key signs for the first
 * time in a process, so that no session of it is ever shared over a fork. Knows no policy syntax.
 */
#ifndef SERVICES_KEY_TOKEN_H
#define SERVICES_KEY_TOKEN_H

#include <openssl/types.h>
#include <paa/types.h>

struct services;
struct key_token;

enum {
    KEY_TOKEN_RETRY_MS = 10 * 1000
}; /* after a failure; a PIN that the token has refused is not tried again by this process */

/* Copies all of it. module: the PKCS#11 library for the engine; NULL: none is named. pin absent: none. NULL: no memory. */
struct key_token *key_token_new(struct paa_str uri, struct paa_bytes pin, const char *module);
/* NULL is fine. */
void key_token_free(struct key_token *token);

/* These live as long as the token, and end with NUL; absent: none. */
struct paa_str key_token_uri(const struct key_token *token);
struct paa_str key_token_module(const struct key_token *token);
struct paa_str key_token_pin(const struct key_token *token); /* in secret memory */

/* Any thread; may block. A reference of the caller's to the key, whose public half is public_key's. NULL: it cannot be
 * used now, and the log says why, once for each time that was tried. */
EVP_PKEY *key_token_take(struct key_token *token, const EVP_PKEY *public_key,
                         struct services *services);
/* For a host whose OpenSSL is to ask the token by itself: what it needs is in OpenSSL's list. Any thread; opens no token.
 * 0, or -1: *error says why. Texts end with NUL; module, pin NULL: none. */
int key_token_ready(const char *uri, const char *module, const char *pin, struct paa_error *error);
/* What was taken cannot sign (the token is gone, its session has ended): the next take looks for it anew. */
void key_token_forget(struct key_token *token);

#endif

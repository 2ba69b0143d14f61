/* SPDX-License-Identifier: MIT */
/* Signatures as JOSE has them (RFC 7518 3, RFC 8037 3.1, RFC 9864). Knows no operation and no thread. */
#ifndef SERVICES_KEY_SIGN_H
#define SERVICES_KEY_SIGN_H

#include "key_material.h"

enum { KEY_SIGNATURE_MAX = KEY_RSA_BITS_MAX / 8 };

struct key_algorithm;

/* NULL: no name of one ("none" and "HS256" are none). */
const struct key_algorithm *key_algorithm_named(struct paa_str name);
bool key_algorithm_fits(const struct key_algorithm *algorithm, enum key_kind kind);
/* Does it take so little that a request's own thread may do it? */
bool key_algorithm_is_quick(const struct key_algorithm *algorithm);
/* A signature of the message, which the algorithm digests itself. The algorithm fits the key. 0 or -1. Any thread;
 * leaves OpenSSL's error queue and errno as found. */
int key_sign(EVP_PKEY *pkey, const struct key_algorithm *algorithm, struct paa_bytes message,
             unsigned char ret_signature[KEY_SIGNATURE_MAX], size_t *ret_size);

#endif

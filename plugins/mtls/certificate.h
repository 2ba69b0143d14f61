/* SPDX-License-Identifier: MIT */
/*
 * What is asked of one certificate: how strong it is, when it is good, how it is called. Pure; libcrypto's errors stay
 * in its queue, which whoever calls brackets.
 */
#ifndef MTLS_CERTIFICATE_H
#define MTLS_CERTIFICATE_H

#include <openssl/x509.h>
#include <paa/types.h>
#include <stdbool.h>

enum {
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192, /* more would make each verification slow */
    RSA_EXPONENT_BITS_MAX = 64,
    RSA_BITS_QUICK_MAX = 4096,
    CERTIFICATE_WHO_SIZE = 200,
    CERTIFICATE_DN_MAX = 2048
};

/* All of der, or NULL. X509_free it. */
X509 *certificate_read(struct paa_bytes der);
/* NULL, or why it is too weak or of a kind that is not taken: RSA of 2048 to 8192 bits whose exponent is odd and not 1, EC
 * on P-256, P-384, P-521, Ed25519, Ed448. */
const char *key_weakness(EVP_PKEY *key);
/* Of a key that is taken: does its signature take longer to verify than a slot may compute (200 us)? */
bool key_is_slow(EVP_PKEY *key);
/* As key_weakness, of the signature on it: SHA-256, 384 or 512, or what needs no digest. */
const char *signature_weakness(const X509 *certificate);
/* The same by the algorithm, with its parameters: of lists and OCSP responses. */
const char *signature_weakness_of(const X509_ALGOR *algorithm);
/* Seconds of 1970; false: not to be read. */
bool time_of(const ASN1_TIME *time, int64_t *ret_time_s);
/* RFC 4514, ASCII, everything else escaped; NUL-terminated, malloc'ed. NULL: no memory, too long, or a value in it
 * holds NUL or a control. */
char *dn_text(const X509_NAME *name);
/* Hexadecimal, capital letters; cut if it is longer than 20 bytes. */
void serial_text(const X509 *certificate, char ret_text[44]);
/* For sentences: "CN=robot" (serial 0A). */
void certificate_who(const X509 *certificate, char ret_text[CERTIFICATE_WHO_SIZE]);

#endif

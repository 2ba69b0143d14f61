/* SPDX-License-Identifier: MIT */
/* Pins: one certificate, or one key, named by its SHA-256. Pure. */
#ifndef MTLS_PIN_H
#define MTLS_PIN_H

#include <openssl/x509.h>
#include <paa/types.h>
#include <stdbool.h>

enum { PIN_DIGEST_SIZE = 32 };

enum pin_kind {
    PIN_CERTIFICATE = 1, /* of the DER certificate: 64 hexadecimal digits, with or without colons */
    PIN_KEY              /* of its SubjectPublicKeyInfo: "sha256//" and base64, as `tls` has it */
};

struct pin {
    enum pin_kind kind;
    unsigned char digest[PIN_DIGEST_SIZE];
};

/* False: it is no pin. */
bool pin_parse(struct paa_str text, struct pin *ret_pin);

struct pin_subject { /* what pins are compared with */
    unsigned char certificate[PIN_DIGEST_SIZE];
    unsigned char key[PIN_DIGEST_SIZE];
};

/* Of one certificate: its bytes, and what they were read as. False: libcrypto failed. */
bool pin_subject_of(struct paa_bytes der, const X509 *certificate, struct pin_subject *ret_subject);
bool pin_is_of(const struct pin *pin, const struct pin_subject *subject);

#endif

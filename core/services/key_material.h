/* SPDX-License-Identifier: MIT */
/*
 * The material of a key: a private key that is good enough, with certificates that fit it. Made of bytes and read-only
 * from then on. Knows no file, no clock and no policy; libcrypto parses.
 */
#ifndef SERVICES_KEY_MATERIAL_H
#define SERVICES_KEY_MATERIAL_H

#include "keys.h"

#include <openssl/types.h>
#include <paa/types.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
    KEY_CHAIN_MAX = 16,      /* certificates, the leaf included */
    KEY_RSA_BITS_MIN = 2048, /* RFC 7518 3.3 */
    KEY_RSA_BITS_MAX = 16384
};

enum key_kind { KEY_RSA = 1, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519 };

struct key_material {
    EVP_PKEY *pkey;          /* of a token's key the public half */
    struct key_token *token; /* NULL: pkey is the private key */
    enum key_kind kind;
    int64_t valid_from_s; /* the leaf's; 0 without certificates */
    int64_t expires_at_s;
    struct paa_bytes public_key;           /* SubjectPublicKeyInfo, DER */
    X509 *certs[KEY_CHAIN_MAX];            /* leaf first */
    struct paa_bytes chain[KEY_CHAIN_MAX]; /* the same, DER */
    size_t count;
    struct key_shown shown;        /* filled where there are certificates */
    _Atomic uint32_t more_holders; /* transactions, of an imported key */
};

struct key_part { /* bytes, and what a sentence calls the place they are from */
    struct paa_bytes bytes;
    const char *place;
};

struct key_parts {               /* what material is made of */
    struct key_part key;         /* PEM, PKCS#8 as DER, PKCS#12, or a token's URI */
    struct paa_bytes passphrase; /* or PIN; absent: none */
    const struct key_part
        *certificates; /* PEM, or one as DER; the leaf is the first of the first */
    size_t certificate_count;
    bool is_pkcs12;
    bool is_token;
    const char *module; /* of PKCS#11, with is_token; NULL: none is named */
};

/* UNSUPPORTED: a key that could be read, but no algorithm here is for it; DENIED: it is encrypted, and its passphrase is
 * missing or wrong; INVALID: anything else; UNAVAILABLE: no memory. Then *error says why. now_s: what expired by then is refused; -1: nobody knows, which is too. */
enum paa_status key_material_make(const struct key_parts *parts, int64_t now_s,
                                  struct key_material **ret_material, struct paa_error *error);
/* One holder less; the last one frees it. NULL is fine. */
void key_material_free(struct key_material *material);

/* "2026-11-29", for sentences. */
enum { KEY_DAY_SIZE = 32 };
const char *key_day(int64_t at_s, char ret_day[KEY_DAY_SIZE]);

/* ---- for key_material.c: the parsers. 0, or -1 and a sentence; KEY_LOCKED: for want of the passphrase ---- */

enum { KEY_LOCKED = -2 };

PAA_PRINTF(2, 3) int key_refuse(struct paa_error *error, const char *format, ...);

/* key_pem.c */
int key_pem_private(const struct key_part *part, struct paa_bytes passphrase, EVP_PKEY **ret_pkey,
                    struct paa_error *error);
/* Appends to material's certificates. */
int key_pem_certificates(const struct key_part *part, struct key_material *material,
                         struct paa_error *error);
/* key_shown.c: fills material->shown. */
int key_show(struct key_material *material, struct paa_error *error);
void key_hide(struct key_material *material);
/* key_pkcs12.c: both. */
int key_pkcs12_read(const struct key_part *part, struct paa_bytes passphrase,
                    struct key_material *material, struct paa_error *error);

#endif

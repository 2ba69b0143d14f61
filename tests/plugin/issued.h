/* SPDX-License-Identifier: MIT */
/*
 * Certificates and revocation lists made on the spot, good ones and each kind of bad one. Time is the test's: ISSUED_NOW_S.
 * What cannot be made ends the program.
 */
#ifndef TESTS_ISSUED_H
#define TESTS_ISSUED_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <paa/types.h>
#include <stdbool.h>

#define ISSUED_NOW_S INT64_C(1767225600) /* 2026-01-01 */

enum { ISSUED_DAY_S = 24 * 60 * 60, ISSUED_PEM_MAX = 32 * 1024 };

struct issued { /* a certificate with its key */
    EVP_PKEY *key;
    X509 *x509;
};

/* NULL and 0: what a good certificate has. */
struct recipe {
    const char *name; /* common name; "" for an empty distinguished name */
    const char *organization;
    const char
        *key; /* "P-256", "P-384", "secp256k1", "RSA:2048", "RSA:1024", "RSA-E1", "ED25519" */
    const char *digest;         /* "SHA256"; "SHA1"; of RSA keys, "PSS:SHA256" (RSASSA-PSS) */
    int64_t from_s;             /* beside now; 0: a day ago */
    int64_t until_s;            /* 0: in 30 days */
    const char *basic;          /* basicConstraints; "" for none. "CA:FALSE" */
    const char *usage;          /* keyUsage */
    const char *extended;       /* extendedKeyUsage */
    const char *names;          /* subjectAltName */
    const char *constraints;    /* nameConstraints */
    const char *policies;       /* certificatePolicies: "1.2.3.4" */
    const char *asks_policies;  /* policyConstraints */
    const char *broken;         /* OID of an extension that holds NULL, whatever it ought to hold */
    struct paa_bytes names_der; /* subjectAltName as it shall be, byte by byte */
    const char *responder;      /* authorityInfoAccess: "OCSP;URI:http://…" */
    bool has_names_twice;
    bool has_unknown_critical;
    bool is_v1;
    bool is_signature_broken;
    bool is_signed_by_nobody; /* by a key of the same kind that is not the signer's */
};

/* signer NULL: by itself. */
struct issued *issue(const struct recipe *recipe, const struct issued *signer);
/* A CA of that name. */
struct issued *issue_ca(const char *name, const struct issued *signer);
/* A good client of that name. */
struct issued *issue_client(const char *name, const struct issued *signer);
void issued_free(struct issued *issued);

/* malloc'ed by libcrypto; free with OPENSSL_free. */
struct paa_bytes issued_der(const struct issued *issued);
/* Appends PEM at the end of text. */
void issued_pem(const struct issued *issued, char text[ISSUED_PEM_MAX]);

struct list_recipe {
    const struct issued *const *revoked;
    size_t count;
    size_t more;       /* entries with serials of nobody */
    int64_t from_s;    /* beside now; 0: an hour ago */
    int64_t until_s;   /* 0: in a day */
    const char *scope; /* issuingDistributionPoint */
    bool is_delta;
    bool is_signed_by_nobody;
    const char *digest;
};

/* DER, free with OPENSSL_free. */
struct paa_bytes issue_list(const struct list_recipe *recipe, const struct issued *issuer);

struct response_recipe {
    const struct issued *certificate; /* which it is about */
    const struct issued *issuer;
    const struct issued *signer; /* NULL: the issuer */
    int status;                  /* V_OCSP_CERTSTATUS_GOOD, …_REVOKED, …_UNKNOWN */
    int error;                   /* OCSP_RESPONSE_STATUS_…; 0: successful */
    int64_t from_s;              /* beside now; 0: an hour ago */
    int64_t until_s;             /* 0: in a day; -1: not said */
    const char *digest;
};

/* DER, free with OPENSSL_free. */
struct paa_bytes issue_response(const struct response_recipe *recipe);

#endif

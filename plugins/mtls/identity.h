/* SPDX-License-Identifier: MIT */
/*
 * Who a verified certificate names: one name of it becomes the principal's subject. Allow-lists are judged here, each
 * about its own kind of name; a certificate must satisfy every list that is given. Pure.
 */
#ifndef MTLS_IDENTITY_H
#define MTLS_IDENTITY_H

#include "cert_chain.h"
#include "name_match.h"

enum { IDENTITY_NAMES_MAX = 64 }; /* of one list in the policy; of one kind in a certificate */

enum identity {
    IDENTITY_SPIFFE = 1, /* its only URI, by the rules of X509-SVID */
    IDENTITY_URI,        /* the first of its URIs that the list takes; so too the next two */
    IDENTITY_DNS,
    IDENTITY_EMAIL,
    IDENTITY_SUBJECT, /* distinguished name, RFC 4514 */
    IDENTITY_CN,      /* its only common name */
    IDENTITY_PIN      /* "sha256:" and the fingerprint, or the key's where that is what is pinned */
};

struct name_list {
    struct paa_str patterns[IDENTITY_NAMES_MAX];
    size_t count;
};

struct identity_rules {
    enum identity identity;
    struct paa_str trust_domain; /* SPIFFE; the one whose bundle `trust` is */
    struct name_list uris;
    struct name_list dns;
    struct name_list emails;
    struct name_list subjects;
};

struct identified { /* malloc'ed, identity_done; NUL-terminated */
    char *subject;
    char *issuer; /* NULL: the instance vouches */
};

struct cert_chain_finding identity_of(const struct cert_chain_result *chain,
                                      const struct identity_rules *rules,
                                      struct identified *ret_identified);
void identity_done(struct identified *identified);

#endif

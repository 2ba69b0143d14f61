/* SPDX-License-Identifier: MIT */
/*
 * What an authorization server says of itself (RFC 8414, OpenID Connect Discovery): where its document is, what is
 * read of it, and a memo that keeps it. Knows no token and no plugin.
 *
 * The document must name the issuer that was asked, byte by byte (RFC 8414 3.3): else any server could speak for
 * another one. Its URLs come from outside, so they are fetched as PAA_HTTP_FOREIGN_URL.
 *
 *   oauth_metadata_memo(&def);                       create: def.name and the rest may be changed
 *   memo->open(op, &def, &self->metadata);
 *   query.key = the issuer, as the policy has it;
 *   memo->get(op, self->metadata, &query, then, …);  value->object is a struct oauth_metadata
 */
#ifndef COMMON_OAUTH_METADATA_H
#define COMMON_OAUTH_METADATA_H

#include "buf.h"

#include <paa/plugin.h>

enum {
    OAUTH_DOCUMENT_MAX = 64 * 1024,  /* bytes of a metadata document */
    OAUTH_URL_MAX = 2048,            /* characters of an issuer or endpoint */
    OAUTH_METADATA_FRESH_S = 3600,   /* then it is fetched again, in the background */
    OAUTH_METADATA_USABLE_S = 86400, /* how long it serves while that fails */
    OAUTH_WHY_SIZE = 288
};

enum oauth_endpoint {
    OAUTH_TOKEN = 0,
    OAUTH_INTROSPECTION,
    OAUTH_REVOCATION,
    OAUTH_AUTHORIZATION,
    OAUTH_PUSHED_REQUEST, /* RFC 9126 */
    OAUTH_DEVICE,         /* RFC 8628 */
    OAUTH_USERINFO,
    OAUTH_END_SESSION,
    OAUTH_JWKS, /* jwks_uri */
    OAUTH_ENDPOINTS
};

struct oauth_metadata { /* read-only, and shared by threads, once it was made */
    struct paa_str issuer;
    struct paa_str endpoints[OAUTH_ENDPOINTS]; /* absent: the server names none */
    struct paa_str aliases[OAUTH_ENDPOINTS];   /* mtls_endpoint_aliases (RFC 8705 5); likewise */
    bool names_issuer; /* authorization_response_iss_parameter_supported (RFC 9207) */
    bool wants_pushed; /* require_pushed_authorization_requests (RFC 9126 5) */
    bool refuses_s256; /* code_challenge_methods_supported is there, without S256 (RFC 7636 4.2) */
    size_t weight;     /* bytes it occupies */
};

/* The name of that member: "token_endpoint", "jwks_uri". */
struct paa_str oauth_endpoint_name(enum oauth_endpoint endpoint);
/* Where it is. with_certificate: as one who shows a client certificate asks it: the alias, if there is one. */
struct paa_str oauth_endpoint_of(const struct oauth_metadata *metadata,
                                 enum oauth_endpoint endpoint, bool with_certificate);

/* An issuer or endpoint: https or http, a host, no userinfo, no fragment, nothing that must be encoded. (Whether http
 * will do is the core's to say.) issuer: no query either (RFC 8414 2). */
bool oauth_url_valid(struct paa_str url, bool is_issuer);
/* Any scheme, something behind it, no fragment (RFC 3986 4.3). */
bool oauth_uri_absolute(struct paa_str uri);
/* Such a URL that can be fetched: https, or http to a literal loopback address, where `tls` allows that. */
bool oauth_url_reachable(struct paa_str url, bool is_issuer);

#define OAUTH_NEEDS_HTTPS                                                                          \
    "this is no URL of https without userinfo and fragment (plain http only to 127.0.0.1 and "     \
    "[::1], with tls.http_loopback)"

enum oauth_well_known {                             /* in the order they are tried */
                        OAUTH_WELL_KNOWN_OAUTH = 0, /* RFC 8414 3.1: put between host and path */
                        OAUTH_WELL_KNOWN_OPENID,    /* OpenID Connect Discovery 4: put behind */
                        OAUTH_WELL_KNOWN_COUNT
};
/* Appends where the issuer's document is. */
void oauth_well_known_url(struct paa_str issuer, enum oauth_well_known kind, struct buf *buf);

/* Reads the issuer's document. NULL: ret_why says so, as the end of a sentence: printable, and cut.
 * issuer absent: whatever it names (a document that was judged before). Free it with oauth_metadata_free. */
struct oauth_metadata *oauth_metadata_read(struct paa_bytes text, struct paa_str issuer,
                                           char ret_why[OAUTH_WHY_SIZE]);
void oauth_metadata_free(struct oauth_metadata *metadata); /* NULL is fine */

/* Fills the definition of a memo of documents, called "metadata": key: the issuer, object: struct oauth_metadata. Its
 * runs fetch with the instance's own `tls` group. */
void oauth_metadata_memo(struct paa_memo_def *ret_def);
/* For a def.produce of one's own, where issuers have `tls` groups of their own: what it returns. NULL: the instance's. */
enum paa_result oauth_metadata_run(struct paa_op *op, const struct paa_memo_run *asked,
                                   const struct paa_tls *tls);

#endif

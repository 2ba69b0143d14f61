/* SPDX-License-Identifier: MIT */
/*
 * A JWT in compact form (RFC 7519, RFC 7515 3.1): split, read, judged. Pure: time and memory come as arguments,
 * nothing is allocated. Knows no key: jwk.h finds one, jws.h verifies. Nothing that was read is true before
 * jws_verify has said JWS_GOOD; judging first costs a forger nothing and saves the public-key work.
 *
 *   found = jwt_split(token, &parts);                                  two dots, sizes
 *   memory = host->alloc(op, jwt_memory(&parts));
 *   found = jwt_read(&parts, memory, &lane->scratch, &accept, &jwt);   header, then claims
 *   found = jwt_judge(&jwt, &rules, now_s);                            profile, issuer, audience, times
 *
 * RFC 8725 throughout: algorithms by allow-list, with case; none, embedded or referenced keys, unknown crit,
 * encryption, nesting, compression, padding, doubled members and claims of another type are refused.
 */
#ifndef COMMON_JWT_H
#define COMMON_JWT_H

#include "alg.h"
#include "json_tree.h"

enum {
    JWT_TEXT_MAX = 16 * 1024,  /* characters of a token */
    JWT_HEADER_MAX = 4 * 1024, /* of these, its header */
    JWT_NODES_MAX = 1024,      /* values and names in header and claims */
    JWT_KID_MAX = 512          /* bytes */
};

enum jwt_verdict {
    JWT_GOOD = 1,
    /* its form */
    JWT_TOO_LARGE,
    JWT_NO_JWT,    /* not three parts, or an empty one: may be an opaque token */
    JWT_ENCRYPTED, /* five parts: JWE */
    JWT_BASE64,
    JWT_JSON, /* of header or claims: not JSON, doubled members, too deep */
    JWT_TYPE, /* a member has another type than it must, is empty, or holds control characters */
    /* its header */
    JWT_NO_ALG,
    JWT_UNSIGNED, /* alg "none", in any case of letters */
    JWT_ALG,      /* unknown, or not one that is taken here */
    JWT_SIGNATURE_SIZE,
    JWT_CRITICAL,     /* crit: names what must be understood, and nothing is */
    JWT_EMBEDDED_KEY, /* jwk, jku, x5u, x5c */
    JWT_NESTED,       /* cty, zip, enc, b64: the payload is not plainly claims */
    /* judgement */
    JWT_TYP,     /* the profile wants another typ, or the typ says that it is no access token */
    JWT_KIND,    /* claims of an ID, refresh or logout token */
    JWT_MISSING, /* a claim that must be there */
    JWT_ISSUER,
    JWT_AUDIENCE,
    JWT_EXPIRED,
    JWT_NOT_YET, /* nbf */
    JWT_FUTURE,  /* iat */
    JWT_VERDICTS
};

struct jwt_finding {
    enum jwt_verdict verdict;
    const char *name; /* the part, header member or claim that it is about; constant; never NULL */
    enum json_verdict json; /* for JWT_JSON: why */
};

enum jwt_text { /* claims and header members that are text; those that each use looks at come first */
                JWT_T_ISS,
                JWT_T_SUB,
                JWT_T_AUD, /* a string, or several, parted by "\n": str_next */
                JWT_T_JTI,
                JWT_T_CLIENT_ID,
                JWT_T_AZP,
                JWT_T_SCOPE, /* a string, or an array's joined by a space; of "scp" if there is no "scope" */
                JWT_T_AT_HASH,
                JWT_T_X5T_S256, /* of cnf: 43 characters, 32 bytes */
                JWT_T_JKT,      /* likewise */
                JWT_T_TYP,      /* header */
                JWT_T_KID,      /* header */
                JWT_T_ACR,
                JWT_T_AMR, /* as scope */
                JWT_T_SID,
                JWT_T_NONCE,
                JWT_T_HTM, /* DPoP proofs (RFC 9449 4.2) */
                JWT_T_HTU,
                JWT_T_ATH,
                JWT_T_COUNT
};

/* What the header calls the token: a media type, whose "application/" may be left out (RFC 7515 4.1.9); in any case of
 * letters. */
enum jwt_typ {
    JWT_TYP_NONE, /* it does not say */
    JWT_TYP_JWT,
    JWT_TYP_ACCESS, /* at+jwt: RFC 9068 2.1 */
    JWT_TYP_LOGOUT, /* logout+jwt: OpenID Connect Back-Channel Logout 2.4 */
    JWT_TYP_OTHER
};

enum jwt_time { JWT_EXP, JWT_NBF, JWT_IAT, JWT_AUTH_TIME, JWT_TIMES };

enum {                        /* struct jwt, flags */
       JWT_HAS_CNF = 1u << 0, /* it is bound to a key */
       JWT_HAS_OTHER_CNF =
           1u << 1, /* by something besides x5t#S256 and jkt, or by nothing: cannot be checked */
       JWT_HAS_EVENTS = 1u << 2,  /* a security event or logout token (RFC 8417) */
       JWT_IS_NO_ACCESS = 1u << 3 /* its issuer's own claims say ID, refresh or logout token */
};

struct jwt {
    enum jose_alg alg;
    enum jwt_typ typ;
    uint32_t flags;
    uint32_t times; /* bit 1 << enum jwt_time: it is there */
    int64_t times_s[JWT_TIMES];
    struct paa_str
        texts[JWT_T_COUNT];     /* absent: not there. Views of the memory given to jwt_read */
    struct paa_str claims;      /* all of them, as JSON; likewise */
    struct paa_bytes signature; /* likewise */
    struct paa_str input;       /* "header.payload": what was signed; a view of the token */
    struct json_tree header;    /* until the scratch is used again */
    struct json_tree payload;   /* likewise; for claims that are not above */
};

struct jwt_parts { /* views of the token */
    struct paa_str header;
    struct paa_str payload;
    struct paa_str signature;
    struct paa_str input;
};

struct jwt_scratch { /* nothing is kept in it: a lane's, or anybody's for the call */
    struct json_node nodes[JWT_NODES_MAX];
};

struct jwt_accept {
    uint32_t algs;  /* set of ALG_BIT; empty: none */
    bool takes_jwk; /* a DPoP proof carries its key: look for it in `header` */
};

/* By size and dots alone. JWT_NO_JWT is no proof of malice: "auto" takes such a token for an opaque one. */
struct jwt_finding jwt_split(struct paa_str token, struct jwt_parts *ret_parts);
/* Bytes that jwt_read wants; of any alignment. */
size_t jwt_memory(const struct jwt_parts *parts);
/* The header is judged before the payload is decoded. *ret_jwt is whole only if the verdict is JWT_GOOD. */
struct jwt_finding jwt_read(const struct jwt_parts *parts, void *memory,
                            struct jwt_scratch *scratch, const struct jwt_accept *accept,
                            struct jwt *ret_jwt);
/* The claims alone, as an introspection response has them (RFC 7662 2.2). memory: text.size bytes twice; text outlives
 * *jwt. Header, signature and input are empty. */
struct jwt_finding jwt_read_claims(struct paa_str text, void *memory, struct jwt_scratch *scratch,
                                   struct jwt *ret_jwt);
/* For whoever remembers what was read: copies all that the views of *jwt show to `memory`, at least
 * jwt_kept_size(jwt) bytes, and points *ret_jwt there. The copy has no input, signature, claims and trees. */
size_t jwt_kept_size(const struct jwt *jwt);
void jwt_keep(const struct jwt *jwt, void *memory, struct jwt *ret_jwt);

enum jwt_profile {
    JWT_RFC9068 = 1, /* typ at+jwt, and every claim it requires */
    JWT_LEGACY,      /* typ JWT or at+jwt or none; iss, aud and exp */
    JWT_INTROSPECTED /* what the issuer itself says of a token (RFC 7662 2.2): aud must be there, unless any will do */
};

struct jwt_rules { /* of one issuer; no audience and not any_audience: nobody's token is taken */
    enum jwt_profile profile;
    struct paa_str issuer; /* byte by byte */
    const struct paa_str *audiences;
    size_t audience_count;
    bool any_audience;
    int64_t leeway_s; /* for clocks that differ; below 0 counts as 0 */
};

/* Of what is kept: the issuer, and the audience that fits, are the rules' own from now on, which jwt_judge sees at once,
 * without reading their text. Other audiences are forgotten. The rules outlive *jwt. */
void jwt_share(struct jwt *jwt, const struct jwt_rules *rules);

/* Has it the claims, are they these, is it their time? Cheap: again at each use of a token that is remembered. */
struct jwt_finding jwt_judge(const struct jwt *jwt, const struct jwt_rules *rules, int64_t now_s);

/* A constant word for metrics: "expired". */
const char *jwt_reason(enum jwt_verdict verdict);
enum { JWT_SENTENCE_SIZE = 192 };
/* For operators: "the token's claim \"exp\" is past". Nothing of the token is in it. */
void jwt_sentence(const struct jwt_finding *finding, char ret_text[JWT_SENTENCE_SIZE]);

#endif

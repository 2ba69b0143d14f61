/*
 * paa/types.h: the words that host programs (paa.h) and plugins (plugin.h) share.
 * Knows no service, no slot, and no library but the C one. C11 and C++17.
 *
 * STRUCTS
 *   Frozen structs never grow within a major. Only they are array elements or go by value:
 *   paa_str, paa_bytes, paa_field, paa_error, and in paa.h paa_ticket.
 *   Every other struct begins with its size and flags, grows only at its end, goes by pointer. Zero
 *   is the default of every member, so whoever fills one starts with paa_init().
 *   Two exceptions: rows of tables (options, verbs), whose owner states the row size; and the two
 *   tables that swap hands (paa_host, paa_plugin), which begin with the ABI version.
 *
 * GROWTH
 *   The reader never looks beyond struct_size. No struct has padding at its end, so its size says
 *   which members the writer knew. The core refuses (PAA_STATUS_INVALID) an unknown flag and a
 *   longer struct whose tail is not all zero: what was asked for and is not understood is never
 *   dropped. Others ignore flags and tails of the core that they do not know; these never change
 *   the meaning of what they do know.
 *
 * TYPES
 *   No time_t, long, off_t, bool, bit-field, va_list, FILE or sockaddr; no type of another library.
 *   Times carry their unit in the name. Enums are pinned to 32 bits; a receiver has a default
 *   branch, and a new enumerator goes only to a side whose stated minor knows it.
 */
#ifndef PAA_TYPES_H
#define PAA_TYPES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#if __cplusplus < 201703L
#error "the PAA headers need C11 or C++17: noexcept is part of a function's type from there on"
#endif
#define PAA_BEGIN_DECLS extern "C" {
#define PAA_END_DECLS }
/* Neither a C++ exception nor a Rust panic may cross the boundary; in C++17 the compiler checks. */
#define PAA_NOEXCEPT noexcept
#else
#define PAA_BEGIN_DECLS
#define PAA_END_DECLS
#define PAA_NOEXCEPT
#endif

#if defined(__GNUC__)
#define PAA_API __attribute__((visibility("default")))
#define PAA_MUST_USE __attribute__((warn_unused_result))
#define PAA_PRINTF(format, first) __attribute__((__format__(__printf__, format, first)))
#define PAA_COLD __attribute__((__cold__)) /* of refusals and faults: kept out of the way */
#else
#define PAA_API
#define PAA_MUST_USE
#define PAA_PRINTF(format, first)
#define PAA_COLD
#endif

PAA_BEGIN_DECLS

/* ---- versions ------------------------------------------------------------------------------- */

#define PAA_ABI_MAJOR 1u
#define PAA_ABI_MINOR 0u
#define PAA_ABI (PAA_ABI_MAJOR << 16 | PAA_ABI_MINOR)

/* Is the member within what the other side compiled? */
#define PAA_HAS_MEMBER(s, member)                                                                  \
    ((size_t)((const char *)&(s)->member - (const char *)(s)) + sizeof((s)->member) <=             \
     (s)->struct_size)

/* For slots and tables: is it there, and not NULL? */
#define PAA_HAS(s, member) ((s) != NULL && PAA_HAS_MEMBER(s, member) && (s)->member != NULL)

/* Zeroes all of *s and states its size: paa_init(&request, sizeof request). */
static inline void paa_init(void *s, size_t size)
{
    uint32_t own_size = (uint32_t)size;

    memset(s, 0, size);
    memcpy(s, &own_size, sizeof own_size);
}

/* ---- views (frozen) ----------------------------------------------------------------------------
 * Borrowed, never owned; not NUL-terminated unless the function that gave it says so.
 * data == NULL: absent. data != NULL with size == 0: present and empty. */

struct paa_str {
    const char *data; /* text in the encoding of its place; no claim that it is valid UTF-8 */
    size_t size;
};

struct paa_bytes {
    const unsigned char *data;
    size_t size;
};

struct paa_field { /* a header field, an authentication parameter, an attribute, a column */
    struct paa_str name;
    struct paa_str value;
};

static inline struct paa_str paa_str_of_n(const char *data, size_t size)
{
    struct paa_str s;

    s.data = data;
    s.size = size;
    return s;
}

static inline struct paa_str paa_str_of(const char *text)
{
    return paa_str_of_n(text, text != NULL ? strlen(text) : 0);
}

static inline struct paa_bytes paa_bytes_of(const void *data, size_t size)
{
    struct paa_bytes b;

    b.data = (const unsigned char *)data;
    b.size = size;
    return b;
}

static inline struct paa_field paa_field_of(const char *name, const char *value)
{
    struct paa_field f;

    f.name = paa_str_of(name);
    f.value = paa_str_of(value);
    return f;
}

/* For public text only: it stops at the first difference. Secrets: CRYPTO_memcmp. */
static inline int paa_str_eq(struct paa_str a, const char *text)
{
    size_t size = strlen(text);

    return a.data != NULL && a.size == size && memcmp(a.data, text, size) == 0;
}

/* One sentence for a person, "FILE:LINE: what, why, what to do". Filled only on failure; always
 * NUL-terminated. */
struct paa_error {
    char text[512];
};

/* ---- results and statuses ----------------------------------------------------------------------
 * Results judge a request; statuses say how a call went. Neither is ever 0, and their numbers are
 * disjoint: a status that a plugin returns as its result by mistake is no result, hence FAULT. */

enum paa_result {
    PAA_ACCEPT = 0x5001, /* verify: vouched for. attach: attached. No other slot may say it */
    PAA_ABSENT,          /* no credential of my kind here, by its form alone */
    PAA_REJECT,          /* mine, and wrong, expired, revoked, replayed; also empty or doubled */
    PAA_UNAVAILABLE,     /* could not find out */
    PAA_IGNORE,          /* no opinion; counts as ABSENT unless the policy's step allows it */
    PAA_FAULT,           /* my own error */
    PAA_PENDING,         /* exactly one wait is under way; its continuation goes on */
    PAA_DONE,            /* slots that do not judge: done */
    PAA_RESULT_PIN = 0x7fffffff
};

enum paa_status {
    PAA_STATUS_OK = 0x3001,
    PAA_STATUS_NONE,        /* nothing is kept under this name */
    PAA_STATUS_EXISTS,      /* there already, or changed since the version that was named */
    PAA_STATUS_LIMITED,     /* cool-down, quota or full queue: not now. A verifier says no */
    PAA_STATUS_UNAVAILABLE, /* network, disk or deadline */
    PAA_STATUS_DENIED,      /* policy, host or person forbids it */
    PAA_STATUS_TOO_LARGE,
    PAA_STATUS_UNSUPPORTED, /* this host or this core cannot do it */
    PAA_STATUS_INVALID,     /* the caller broke the contract; logged with the caller's name */
    PAA_STATUS_PIN = 0x7fffffff
};

enum paa_direction {
    PAA_INCOMING = 0x2001, /* the host received the request: verify */
    PAA_OUTGOING,          /* the host will send the request: attach */
    PAA_DIRECTION_PIN = 0x7fffffff
};

enum paa_message { /* whose header fields are meant */
    PAA_MESSAGE_REQUEST = 0x2101, /* outgoing: what is sent. incoming: what the application sees */
    PAA_MESSAGE_RESPONSE,         /* incoming: what goes back to the client */
    PAA_MESSAGE_PIN = 0x7fffffff
};

enum paa_level {
    PAA_LEVEL_ERROR = 0x2201,
    PAA_LEVEL_WARNING,
    PAA_LEVEL_NOTICE,
    PAA_LEVEL_INFO,
    PAA_LEVEL_DEBUG,
    PAA_LEVEL_PIN = 0x7fffffff
};

/* ---- attributes --------------------------------------------------------------------------------
 * What a host says about a request beyond HTTP: PAM's items. A host may add names of its own. */

#define PAA_ATTRIBUTE_ACCOUNT "account"       /* on whose behalf it is sent */
#define PAA_ATTRIBUTE_TENANT "tenant"         /* for which customer of the host */
#define PAA_ATTRIBUTE_LOGIN_HINT "login_hint" /* OpenID Connect Core 3.1.2.1 */

/* ---- the principal -----------------------------------------------------------------------------
 * Who it was: one accepting step's statement. Principals are never merged. The rule's `identity`
 * names the primary one, and `require` judges that. Identity is (issuer, subject). */

enum {
    PAA_PRINCIPAL_USER = 1u << 0,    /* a person stands behind it */
    PAA_PRINCIPAL_MACHINE = 1u << 1, /* no person does */
    PAA_PRINCIPAL_UNCOPIED = 1u << 2 /* by plugins only: its texts last, see plugin.h */
};

struct paa_principal {
    uint32_t struct_size;
    uint32_t flags;
    int64_t expires_at_s;    /* 0: not limited. Long-lived connections end then */
    int64_t auth_time_s;     /* 0: not known (OIDC auth_time) */
    struct paa_str instance; /* who vouched; written by the core, absent from plugins */
    struct paa_str subject;
    struct paa_str issuer;
    struct paa_str client_id;
    struct paa_str scope;   /* space-separated (RFC 6749 3.3) */
    struct paa_str methods; /* space-separated, how it was proven: "mtls", "jwt", "dpop", "pwd" */
    struct paa_str cnf;     /* JSON of the confirmation that was checked (RFC 7800); or absent */
    struct paa_str claims;  /* JSON object with everything else; or absent */
};

/* ---- prompts -----------------------------------------------------------------------------------
 * A plugin asks, the host shows: PAM's conversation, one prompt at a time. */

enum paa_prompt_kind {
    PAA_PROMPT_INFO = 0x2301, /* show text; no reply */
    PAA_PROMPT_ERROR,         /* likewise */
    PAA_PROMPT_TEXT,          /* read a line */
    PAA_PROMPT_SECRET,        /* read a line, show nothing */
    PAA_PROMPT_OPEN,          /* send the person to url; no reply. code: show both (RFC 8628) */
    PAA_PROMPT_PIN = 0x7fffffff
};

struct paa_prompt {
    uint32_t struct_size;
    uint32_t flags;
    enum paa_prompt_kind kind;
    uint32_t expires_in_s;   /* how long an answer helps; 0: not known */
    struct paa_str instance; /* who asks; written by the core, absent from plugins */
    struct paa_str text;
    struct paa_str url;
    struct paa_str code;
};

/* ---- the peer's response -----------------------------------------------------------------------
 * To an outgoing request. The host reports it, the plugin whose credential it judges is told. */

struct paa_response {
    uint32_t struct_size;
    uint32_t flags;
    uint32_t code;    /* 401 */
    uint32_t attempt; /* which one it answers, 1 or 2; written by the core */
    uint64_t version; /* of the credential, as attach named it; 0: none; written by the core */
    const struct paa_field *headers;
    size_t header_count;
};

PAA_END_DECLS

#endif

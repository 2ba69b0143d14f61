/* SPDX-License-Identifier: MIT */
/*
 * The request target, read once and in one way (RFC 3986 6.2.2, RFC 9112 3.2). Pure.
 *
 * What two readers could take for two things is refused here, before any plugin: dot segments raw or
 * encoded, %2f, %5c, %00-%1f, %7f, %25 followed by two hex digits, backslash, "//", raw bytes over 0x7f,
 * controls, blanks, a fragment, ";" unless allowed, userinfo, incomplete percent-encoding. What is kept
 * equal: hex digits in upper case, unreserved characters decoded (once). Also refused: what RFC 3986
 * wants encoded in a path ("<" and the like) and overlong forms of UTF-8 ("%C0%AF"). A query is refused
 * only for raw bytes over 0x7f, controls, blanks, a fragment and incomplete percent-encoding.
 */
#ifndef BASE_TARGET_H
#define BASE_TARGET_H

#include "arena.h"

#include <stdbool.h>

enum { TARGET_MAX = 16 * 1024, AUTHORITY_MAX = 300 };

enum { TARGET_ALLOW_SEMICOLON = 1u << 0 };

struct target {
    struct paa_str path; /* normalised; a view of the input where nothing had to change, else in the
                           * arena. "*" for asterisk-form */
    struct paa_str query;     /* without "?", as it came; absent without "?" */
    struct paa_str wire;      /* path and query as on the wire */
    struct paa_str scheme;    /* absolute-form only, else absent */
    struct paa_str authority; /* absolute-form only, else absent */
};

/* origin-form, absolute-form (http, https), asterisk-form. NULL: fine. Else one sentence (a constant)
 * that says what is ambiguous. */
const char *target_parse(struct paa_str text, uint32_t flags, struct arena *arena,
                         struct target *ret_target);

/* A path the host routes by, percent-encoded or decoded; the same rules. Decoded: raw bytes over 0x7f and
 * "%" are fine and are encoded. */
const char *target_route(struct paa_str path, bool encoded, uint32_t flags, struct arena *arena,
                         struct paa_str *ret_path);

struct origin {          /* scheme, host and port of RFC 6454, normalised */
    struct paa_str host; /* lower case, no trailing dot, brackets kept for IPv6 */
    uint16_t port;
    bool https;
};

/* "host", "host:port", "[v6]:port"; lower-cased into the arena only if needed. NULL: fine. */
const char *authority_parse(struct paa_str text, bool https, struct arena *arena,
                            struct origin *ret_origin);
/* "https://host[:port]" with nothing behind it. NULL: fine. */
const char *origin_parse(struct paa_str text, struct arena *arena, struct origin *ret_origin);
bool origin_eq(const struct origin *a, const struct origin *b);
/* A literal of 127.0.0.0/8 or [::1]; a name never is. */
bool origin_is_loopback(const struct origin *origin);

/* A path pattern of the policy, in normal form? "*": one segment, "**": the rest, last only; a pattern
 * that ends in "**" after "/x/" also matches "/x". NULL: fine. Else the sentence, and in *ret_better (may be NULL)
 * the normal form if there is one. */
const char *pattern_check(struct paa_str pattern, struct arena *arena, struct paa_str *ret_better);

#endif

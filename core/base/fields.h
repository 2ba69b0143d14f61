/* SPDX-License-Identifier: MIT */
/*
 * Header fields: names and values (RFC 9110 5), credentials and challenges (RFC 9110 11), cookies
 * (RFC 6265), query parameters (application/x-www-form-urlencoded). Pure.
 */
#ifndef BASE_FIELDS_H
#define BASE_FIELDS_H

#include "arena.h"
#include "buf.h"

#include <stdbool.h>

/* token of RFC 9110 5.6.2. */
bool is_token(struct paa_str s);
/* token68 of RFC 9110 11.2, which is b64token of RFC 6750 2.1: letters, digits, "-._~+/", then "=" if any. */
bool is_token68(struct paa_str s);
/* field-value that may be sent: visible ASCII, blanks inside, obs-text (0x80-0xff); no CR, LF, NUL,
 * controls; no blank at either end. */
bool is_field_value(struct paa_str s);
/* Names compare without case, and '_' and '.' equal '-' (RFC 3875 4.1.18: CGI makes them one). */
bool field_name_same(struct paa_str a, struct paa_str b);
/* Equal for names that field_name_same calls the same; a few ns. Never 0. */
uint32_t field_name_hash(struct paa_str name);

/* "Scheme credentials": the rest after the auth-scheme and its blanks; absent unless value's scheme is
 * `scheme`, without case. "Bearer" alone gives present and empty. */
struct paa_str credentials_of(struct paa_str value, struct paa_str scheme);

/* Appends one challenge: scheme, token68 or params, values quoted and escaped. False: a name is no token,
 * token68 is malformed or comes with params, or a value holds a control; buf is as it was. A parameter
 * whose value is absent is left out. */
bool challenge_write(struct buf *buf, struct paa_str scheme, struct paa_str token68,
                     const struct paa_field *params, size_t param_count);

/* The index-th cookie of that name in one Cookie field's value; quotes are kept. Absent: none. */
struct paa_str cookie_find(struct paa_str value, struct paa_str name, size_t index);
/* The field value without every cookie of that name; absent when nothing is left. Into the arena only
 * if something was removed. */
struct paa_str cookie_without(struct paa_str value, struct paa_str name, struct arena *arena);
/* cookie-name and cookie-value of RFC 6265 4.1.1. */
bool is_cookie_value(struct paa_str s);

/* The index-th parameter of that name, percent-decoded ("+" is a blank) into the arena when needed.
 * Malformed encoding is kept as it is. */
struct paa_str query_find(struct paa_str query, struct paa_str name, size_t index,
                          struct arena *arena);
/* The query without every parameter of that name; absent when nothing is left. */
struct paa_str query_without(struct paa_str query, struct paa_str name, struct arena *arena);
/* Takes the next name and value, both decoded likewise; empty members are skipped. False: no more. data is NULL where
 * memory ran out. */
bool form_next(struct paa_str *rest, struct arena *arena, struct paa_field *ret_field);
/* Appends name=value, percent-encoded, "&" before it when buf is not empty. */
void form_add(struct buf *buf, struct paa_str name, struct paa_str value);
/* Appends s with everything outside unreserved (RFC 3986 2.3) percent-encoded. */
void percent_encode(struct buf *buf, struct paa_str s);
/* RFC 9110: GET HEAD OPTIONS TRACE. */
bool method_is_safe(struct paa_str method);

#endif

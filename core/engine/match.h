/* SPDX-License-Identifier: MIT */
/*
 * Which rule a request falls under: a trie over path segments, built once per service and generation. Pure.
 * The cost of a match is that of the path's own segments, however many rules there are.
 *
 * The first rule of the policy whose host and path fit decides. Does its method not fit, then only rules of the
 * same host and path pattern are tried; a laxer rule further down never is.
 */
#ifndef ENGINE_MATCH_H
#define ENGINE_MATCH_H

#include "buf.h"
#include "policy.h"

struct matcher;

struct match_request {
    struct paa_str host; /* lower case, without port */
    struct paa_str path; /* normalised; "*" for asterisk-form */
    struct paa_str method;
    bool is_preflight; /* CORS: OPTIONS with Origin and Access-Control-Request-Method */
};

enum { MATCH_NONE = -1, MATCH_METHOD = -2 };

/* NULL: no memory. Rules are kept by reference. */
struct matcher *matcher_new(const struct rule_conf *rules, size_t count, struct arena *arena);
/* The rule's index; MATCH_NONE; or MATCH_METHOD, then *ret_pattern_rule is a rule with that pattern. */
int32_t matcher_find(const struct matcher *matcher, const struct match_request *request,
                     int32_t *ret_pattern_rule);
/* Appends the methods that the pattern of that rule allows, "GET, HEAD, POST" (RFC 9110 10.2.1). */
void matcher_allow(const struct matcher *matcher, int32_t rule, struct buf *buf);
/* An earlier rule that takes every request this one could decide, so that it never does; or -1. */
int32_t matcher_shadow(const struct matcher *matcher, int32_t rule);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Words of a policy that are sent to an authorization server as they are: what could not be right there is refused when
 * the policy is loaded, with the word. Each: OK, or what refuse returned; create only.
 */
#ifndef COMMON_OAUTH_WORDS_H
#define COMMON_OAUTH_WORDS_H

#include <paa/plugin.h>

/* The option "scope": scope-tokens of RFC 6749 3.3, parted by blanks. */
enum paa_status oauth_check_scope(struct paa_op *op);
/* The option "resource": absolute URIs without a fragment (RFC 8707 2). */
enum paa_status oauth_check_resource(struct paa_op *op);
/* The option "audience": none is empty. */
enum paa_status oauth_check_audience(struct paa_op *op);

#endif

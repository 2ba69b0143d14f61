/* SPDX-License-Identifier: MIT */
/*
 * Allow-lists of names in certificates. Pure. A list that is empty takes everything.
 *   URI      byte by byte; a path segment "*" is any one, a last segment "**" is all the rest
 *   DNS      without case; "*." in front is one label
 *   e-mail   the part behind "@" without case; "*@" in front is anybody there
 *   subject  byte by byte, as RFC 4514 writes it
 */
#ifndef MTLS_NAME_MATCH_H
#define MTLS_NAME_MATCH_H

#include <paa/types.h>
#include <stdbool.h>

enum name_kind { NAME_URI = 1, NAME_DNS, NAME_EMAIL, NAME_SUBJECT };

/* NULL, or what is wrong with a pattern. */
const char *name_pattern_check(enum name_kind kind, struct paa_str pattern);
bool name_matches(enum name_kind kind, struct paa_str pattern, struct paa_str name);
/* Can it be a name of that kind at all? ASCII without controls, one "@", labels of host names. */
bool name_is_clean(enum name_kind kind, struct paa_str name);

#endif

/* SPDX-License-Identifier: MIT */
/* The claims of an ID token that a session keeps: those that are named, as a JSON object. Pure. */
#ifndef OAUTH2_CODE_CLAIMS_KEPT_H
#define OAUTH2_CODE_CLAIMS_KEPT_H

#include "buf.h"
#include "json.h"
#include "json_tree.h"

/* Adds the claim of that name, if it is a string, a number, a boolean, or an array of strings; anything else is left
 * out. name: NUL-terminated. */
void claims_keep(struct json *json, const struct json_tree *claims, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Outgoing: tokens of the client credentials grant (RFC 6749 4.4). How they are asked for, kept and attached is
 * plugins/common/token_client.h's; here are the memo's producer (token.c), with refusals that are remembered for a while,
 * and what operators ask for (token_verbs.c).
 */
#ifndef OAUTH2_CC_TOKEN_H
#define OAUTH2_CC_TOKEN_H

#include "token_client.h"

enum {
    TOKEN_REFUSED_S = 30
}; /* a refusal is remembered so long, unless the client's secret or key changes */

extern const struct token_grant token_grant;

enum { TOKEN_VERB_COUNT = 2 };
extern const struct paa_verb token_verbs[TOKEN_VERB_COUNT];

/* oauth2-cc.c: the outgoing half of the operation's instance; NULL: it has none. */
const struct token_client *token_client_of(struct paa_op *op);

#endif

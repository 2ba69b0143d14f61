/* SPDX-License-Identifier: MIT */
/* What browser_callback.c and browser_finish.c share: a browser that came back, on its way to a session. */
#ifndef OAUTH2_CODE_BROWSER_FINISH_H
#define OAUTH2_CODE_BROWSER_FINISH_H

#include "browser.h"
#include "token_response.h"

struct coming { /* memory of the operation */
    struct browser_call call;
    struct attempt attempt;
    struct paa_str cookie; /* the attempt's name */
    struct paa_str code;
    int64_t asked_at_s;
    struct token_response response;
    struct session session; /* that is made */
};

/* The token endpoint gave tokens: the ID token is verified and judged, the session made, the browser sent back to where
 * it was. */
enum paa_result browser_finish(struct paa_op *op, struct coming *coming);
/* The page of a login that failed, with a way to try again; the attempt is over. why: for the log. */
enum paa_result browser_failed(struct paa_op *op, const struct coming *coming, const char *why);
/* The attempt's cookie goes. */
void browser_attempt_over(struct paa_op *op, const struct coming *coming);

#endif

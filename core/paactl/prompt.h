/* SPDX-License-Identifier: MIT */
/* What the core or a plugin asks of the person at the terminal (PAM's conversation): what is only to be seen is shown on
 * standard error, a page to be visited is opened in the system's browser, and what is to be typed is typed there. */
#ifndef PAACTL_PROMPT_H
#define PAACTL_PROMPT_H

#include <paa/types.h>
#include <stdbool.h>

enum { PROMPT_REPLY_MAX = 4096 }; /* bytes: a terminal's line has no more */

/* As paa_converse_fn: the reply's size, 0 for what is only shown; -1: declined. opens: the browser may be started, where
 * there is one to be seen. */
int64_t prompt_answer(const struct paa_prompt *prompt, bool opens, char *ret_reply, size_t size);

#endif

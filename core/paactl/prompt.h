/* SPDX-License-Identifier: MIT */
/* What a plugin asks of the person at the terminal (PAM's conversation): it is shown on standard error, and a page to be
 * visited is opened in the system's browser. */
#ifndef PAACTL_PROMPT_H
#define PAACTL_PROMPT_H

#include <paa/types.h>
#include <stdbool.h>

/* Shows it. opens: the browser may be started, where there is one to be seen. False: it asks for what nobody types
 * here; that declines it. */
bool prompt_show(const struct paa_prompt *prompt, bool opens);

#endif

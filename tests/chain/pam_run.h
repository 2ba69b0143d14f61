/* SPDX-License-Identifier: MIT */
/*
 * Runs a stack through the real Linux-PAM, in a private folder of policies that is removed afterwards. What
 * libpam would write to syslog comes here instead: a stack that makes it complain was written wrongly.
 * Knows nothing of the chain it is compared with.
 */
#ifndef TESTS_CHAIN_PAM_RUN_H
#define TESTS_CHAIN_PAM_RUN_H

#include "stack.h"

/*
 * How what PAM has not is written. PLAIN: a group by jumps to one line for each result, a forbidden result as a
 * code out of range. AS_SUBSTACK: groups, all of them `required`, as a substack of alternatives that an ABSENT
 * line closes. AS_BAD_FAULT: a forbidden result as [default=bad] on service_err. IN_BRACKETS: the control words
 * in the table's bracket form.
 */
enum pam_how { PAM_PLAIN = 0, PAM_AS_SUBSTACK = 1, PAM_AS_BAD_FAULT = 2, PAM_IN_BRACKETS = 4 };

struct pam_run;

struct pam_run *pam_run_open(void); /* NULL: printed why */
void pam_run_close(struct pam_run **run);
/* PAM's return code, or -1 if libpam complained. */
int pam_run_stack(struct pam_run *run, const struct tree *tree, enum pam_how how);
/* What pam_debug returns for the name that is written for this result. */
int pam_run_code(struct pam_run *run, int result);
/* Its last stack as it was written, and what libpam complained of. */
void pam_run_print(const struct pam_run *run);

int pam_code_of(int status); /* a result or DENIED */

#endif

/* SPDX-License-Identifier: MIT */
/* Options that name secrets which nobody has to agree on with anybody (PAA_OPTION_GENERATE): what keys are made of. */
#ifndef COMMON_MADE_KEYS_H
#define COMMON_MADE_KEYS_H

#include <paa/plugin.h>

enum { MADE_KEY_MIN = 32 }; /* bytes */

/* From create. What refuse returned: one of them is too short. One that cannot be read now is not judged. */
enum paa_status made_keys_check(struct paa_op *op, const char *option);

#endif

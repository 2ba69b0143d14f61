/* SPDX-License-Identifier: MIT */
/* A shared library that is no plugin. */
#include <paa/types.h>

PAA_API int nosymbol_value(void);

int nosymbol_value(void)
{
    return 1;
}

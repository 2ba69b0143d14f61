/* SPDX-License-Identifier: MIT */
/* What a plugin of the ABI's major 2 would export. */
#include <paa/types.h>

PAA_API const void *paa_plugin_2_major(void);

const void *paa_plugin_2_major(void)
{
    return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Names and limits of the plugin table that loader.h's abi_check and the loader share. Pure. */
#ifndef LOADER_ABI_H
#define LOADER_ABI_H

#include <paa/plugin.h>
#include <stdbool.h>

enum {
    ABI_NAME_MAX = 64,
    ABI_SYMBOL_MAX = ABI_NAME_MAX + 32,
    ABI_MAJORS_MAX = 64,          /* how far the loader looks for a plugin of another major */
    ABI_ROWS_MAX = 256,           /* of one table of options or verbs */
    ABI_DEPTH_MAX = 4,            /* of groups in groups */
    ABI_MEMORY_MAX = 1024 * 1024, /* state_size, lane_size */
    ABI_ROW_MAX = 4096,
    ABI_TABLE_MAX = 64 * 1024
};

/* [a-z0-9-]{1,64} */
bool abi_is_name(struct paa_str name);
/* paa_plugin_<major>_<name with - as _>. The name is one. */
void abi_symbol(char ret_symbol[ABI_SYMBOL_MAX], unsigned major, struct paa_str name);

#endif

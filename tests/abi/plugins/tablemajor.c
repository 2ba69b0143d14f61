/* SPDX-License-Identifier: MIT */
/* The symbol says major 1, the table 7: the table counts. */
#include <paa/plugin.h>

static const struct paa_plugin plugin = {
    .abi = 7u << 16,
    .struct_size = sizeof plugin,
    .name = "tablemajor",
};

PAA_PLUGIN(tablemajor, plugin);

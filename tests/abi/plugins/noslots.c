/* SPDX-License-Identifier: MIT */
/* Neither verify nor attach. */
#include <paa/plugin.h>

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "noslots",
    .version = "1.0",
    .summary = "does nothing",
};

PAA_PLUGIN(noslots, plugin);

/* SPDX-License-Identifier: MIT */
/* Needs a function that nobody has. */
#include <paa/plugin.h>

enum paa_result function_that_nobody_has(struct paa_op *op);

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "undefined",
    .version = "1.0",
    .summary = "cannot be linked",
    .verify = function_that_nobody_has,
};

PAA_PLUGIN(undefined, plugin);

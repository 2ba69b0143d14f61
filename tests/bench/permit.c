/* SPDX-License-Identifier: MIT */
/* The smallest plugin that accepts: what a step costs that is loaded, beside the core's own `permit`. */
#include <paa/plugin.h>

static enum paa_result verify(struct paa_op *op)
{
    (void)op;
    return PAA_ACCEPT;
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "bench-permit",
    .version = "1.0",
    .summary = "accepts every request",
    .verify = verify,
};

PAA_PLUGIN(bench_permit, plugin);

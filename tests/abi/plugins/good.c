/* SPDX-License-Identifier: MIT */
/* A plugin with nothing wrong. Built under several names and link options; GOOD_IDENT is the symbol's last part. */
#include <paa/plugin.h>

static enum paa_result verify(struct paa_op *op)
{
    (void)op;
    return PAA_ABSENT;
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = GOOD_NAME,
    .version = "1.0",
    .summary = "accepts nothing, refuses nothing",
    .verify = verify,
};

#define EXPORT(ident, table) PAA_PLUGIN(ident, table)
EXPORT(GOOD_IDENT, plugin);

/* SPDX-License-Identifier: MIT */
/* The table ends after challenge, as an older minor's would. What lies behind it is no slot. */
#include <paa/plugin.h>

static enum paa_result verify(struct paa_op *op)
{
    (void)op;
    return PAA_ABSENT;
}

static enum paa_result trap_answered(struct paa_op *op, const struct paa_response *response)
{
    (void)op;
    (void)response;
    return PAA_FAULT;
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = offsetof(struct paa_plugin, answered),
    .name = "short",
    .version = "0.9",
    .summary = "an older table",
    .verify = verify,
    .answered = trap_answered, /* beyond struct_size: must not be read */
};

PAA_PLUGIN(short, plugin);

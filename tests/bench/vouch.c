/* SPDX-License-Identifier: MIT */
/* A plugin that says of everybody what mtls says of one client, and looks nothing up: what is left of mtls beside it is
 * its looking. */
#include <paa/plugin.h>

#define TEXT(literal) paa_str_of_n(literal, sizeof(literal) - 1)

static enum paa_result verify(struct paa_op *op)
{
    struct paa_principal who;

    paa_init(&who, sizeof who);
    who.subject = TEXT("CN=orders,O=Example");
    who.issuer = TEXT("CN=Bench CA");
    who.methods = TEXT("mtls");
    who.cnf = TEXT("{\"x5t#S256\":\"0123456789012345678901234567890123456789012\"}");
    op->host->outcome->principal(op, &who);
    op->host->outcome->note(op, TEXT("serial"), TEXT("03EA"));
    op->host->outcome->note(
        op, TEXT("fingerprint"),
        TEXT("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
    return PAA_ACCEPT;
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "bench-vouch",
    .version = "1.0",
    .summary = "vouches for everybody, for the benchmark",
    .verify = verify,
};

PAA_PLUGIN(bench_vouch, plugin);

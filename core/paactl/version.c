/* SPDX-License-Identifier: MIT */
/* `paactl version`. */
#include "command.h"
#include "out.h"

#include <paa/paa.h>

int version_run(const struct args *args)
{
    struct out out;

    (void)args;
    out_init(&out);
    out_text(&out, "paactl ");
    out_given(&out, PLAIN, paa_str_of(paa_version()));
    out_text(&out, "\n");
    return out_flush(&out) ? EXIT_YES : EXIT_USAGE;
}

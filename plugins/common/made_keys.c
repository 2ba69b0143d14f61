/* SPDX-License-Identifier: MIT */
#include "made_keys.h"

#include "str.h"

enum paa_status made_keys_check(struct paa_op *op, const char *option)
{
    const struct paa_host_options *options = op->host->options;
    size_t count = options->count(op->options, option);

    for (size_t i = 0; i < count; i++) {
        struct paa_bytes secret =
            op->host->sources->read(op, options->source(op->options, option, i), 0);

        if (secret.data != NULL && secret.size < MADE_KEY_MIN)
            return options->refuse(op->options, option,
                                   STR("it has fewer than 32 bytes, and could be guessed: make one "
                                       "with `openssl rand -base64 32`"));
    }
    return PAA_STATUS_OK;
}

/* SPDX-License-Identifier: MIT */
/* Outgoing: puts the key on a request. The core sees to it that it goes to the policy's origins only. */
#include "apikey.h"

enum paa_result apikey_attach(struct paa_op *op)
{
    const struct instance *self = instance_of(op);
    struct paa_bytes key = op->host->sources->read(op, self->key, 0);

    if (key.size == 0)
        return paa_fail(op, PAA_UNAVAILABLE, "no-key",
                        "the key could not be read; see where the option \"key\" points");
    if (!place_write(op, &self->place, paa_str_of_n((const char *)key.data, key.size)))
        return paa_fail(op, PAA_REJECT, "unusable-key",
                        "the key holds characters that cannot be sent in its place, or blanks "
                        "around it; see where the option \"key\" points");
    op->host->outcome->credential(op, op->host->sources->version(op, self->key), 0);
    return PAA_ACCEPT;
}

/* Refused: once more, if the key was rotated after it went out. */
enum paa_result apikey_answered(struct paa_op *op, const struct paa_response *response)
{
    const struct instance *self = instance_of(op);

    return op->host->sources->version(op, self->key) > response->version ? PAA_DONE : PAA_ABSENT;
}

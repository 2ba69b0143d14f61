/* SPDX-License-Identifier: MIT */
/* attach.h. The core sees to it that the key is shown to the policy's origins only, and over TLS. */
#include "attach.h"

#include "str.h"

enum paa_status mtls_attach_create(struct paa_op *op, const struct paa_key **ret_key)
{
    const struct paa_key *key = op->host->options->key(op->options, "client_key", 0);
    struct paa_key_info info;

    paa_init(&info, sizeof info);
    if (op->host->keys->info(op, key, &info) == PAA_STATUS_OK && info.chain_count == 0)
        return op->host->options->refuse(
            op->options, "client_key",
            STR("the key has no certificate to present: add certificate = \"FILE\""));
    *ret_key = key;
    return op->host->outcome->client_key(op, key);
}

enum paa_result mtls_attach(struct paa_op *op, const struct paa_key *key)
{
    struct paa_key_info info;

    paa_init(&info, sizeof info);
    if (op->host->keys->info(op, key, &info) != PAA_STATUS_OK || info.chain_count == 0)
        return paa_fail(op, PAA_UNAVAILABLE, "client-key",
                        "the client_key or its certificate cannot be read");
    (void)op->host->outcome->client_key(op, key);
    (void)op->host->outcome->credential(op, info.version, 0);
    return PAA_ACCEPT;
}

/* Refused: once more, if the files were renewed after it went out. */
enum paa_result mtls_answered(struct paa_op *op, const struct paa_key *key,
                              const struct paa_response *response)
{
    struct paa_key_info info;

    paa_init(&info, sizeof info);
    if (op->host->keys->info(op, key, &info) != PAA_STATUS_OK)
        return PAA_ABSENT;
    return info.version > response->version ? PAA_DONE : PAA_ABSENT;
}

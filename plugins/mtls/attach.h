/* SPDX-License-Identifier: MIT */
/* Client certificates that go out: one key of the policy, handed to the host for the connection. */
#ifndef MTLS_ATTACH_H
#define MTLS_ATTACH_H

#include <paa/plugin.h>

#define MTLS_ATTACH_OPTIONS                                                                        \
    {                                                                                              \
        .name = "client_key", .type = PAA_OPTION_KEY,                                              \
        .flags = PAA_OPTION_OUTGOING | PAA_OPTION_REQUIRED,                                        \
        .help = "outgoing: the certificate to present, and its private key"                        \
    }

/* In create, if the instance is used outgoing. *ret_key: of the options. */
enum paa_status mtls_attach_create(struct paa_op *op, const struct paa_key **ret_key);
enum paa_result mtls_attach(struct paa_op *op, const struct paa_key *key);
enum paa_result mtls_answered(struct paa_op *op, const struct paa_key *key,
                              const struct paa_response *response);

#endif

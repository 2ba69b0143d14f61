/* SPDX-License-Identifier: MIT */
/* The key and the certificate of a client, in the host's folder; made once in a program. */
#ifndef TESTS_US_H
#define TESTS_US_H

#include "host.h"

#include "unit/key_made.h"

static inline void write_us(const struct host *host, const char *key_name, const char *cert_name)
{
    static EVP_PKEY *key;
    static X509 *certificate;
    char path[HOST_PATH_MAX + 16];

    if (key == NULL) {
        key = made_key("RSA:2048");
        certificate =
            made_cert(key, "us", NULL, NULL, HOST_TIME_S - DAY_S, HOST_TIME_S + 90 * DAY_S);
    }
    (void)snprintf(path, sizeof path, "%s/%s", host->folder, key_name);
    store_key(path, key, NULL);
    (void)snprintf(path, sizeof path, "%s/%s", host->folder, cert_name);
    store_certs(path, &certificate, 1);
}

#endif

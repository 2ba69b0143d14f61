/* SPDX-License-Identifier: MIT */
/* The fault server's CA and the certificates it makes, good ones and bad ones. */
#ifndef TESTS_FAULT_CERTS_H
#define TESTS_FAULT_CERTS_H

#include "fault_server.h"

#include <openssl/ssl.h>

/* Makes the CA and its folder with the first user, removes them with the last. */
void fault_certs_begin(void);
void fault_certs_end(void);
/* What a server of that kind shows. Aborts the program if OpenSSL cannot. */
SSL_CTX *fault_certs_context(enum fault_tls tls);

#endif

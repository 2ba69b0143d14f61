/* SPDX-License-Identifier: MIT */
/* OpenSSL's engine "pkcs11" (libp11's), where no provider speaks PKCS#11. One for the process, with one module: neither
 * libp11 nor OpenSSL have more than one. The lock is also that of all tokens' keys. */
#ifndef SERVICES_KEY_ENGINE_H
#define SERVICES_KEY_ENGINE_H

#include <openssl/types.h>
#include <paa/types.h>
#include <stdbool.h>

void key_engine_lock(void);
void key_engine_unlock(void);

/* Under the lock; blocks. NULL: *error says why, or is empty, and libcrypto's error queue does. */
EVP_PKEY *key_engine_find(const char *module, const char *uri, const char *pin,
                          struct paa_error *error);
/* Under the lock: a host's TLS finds it in OpenSSL's list from now on, with that module and PIN. pin NULL: none. From then
 * on both functions refuse another PIN for another token: the host may ask at any time, and would show the one to the
 * other. False: as above. */
bool key_engine_ready(const char *module, const char *uri, const char *pin,
                      struct paa_error *error);

#endif

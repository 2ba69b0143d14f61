/* SPDX-License-Identifier: MIT */
/* Keys made of a secret (HKDF-SHA256, RFC 5869): one for each purpose. Knows no source, store or plugin. */
#ifndef SERVICES_DERIVE_H
#define SERVICES_DERIVE_H

#include <paa/types.h>
#include <stdbool.h>

enum { DERIVE_INFO_MAX = 512 };

/* salt may be absent. False: no memory, or OpenSSL cannot. Leaves OpenSSL's error queue and errno as found. */
bool derive_key(struct paa_bytes master, struct paa_bytes salt, struct paa_bytes info,
                void *ret_key, size_t size);

/* Length, then text: so that no two lists of words give the same bytes. False: no room. */
bool derive_info_add(unsigned char info[DERIVE_INFO_MAX], size_t *size, struct paa_str word);

#endif

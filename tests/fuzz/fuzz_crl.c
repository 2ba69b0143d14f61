/* SPDX-License-Identifier: MIT */
/* Revocation lists as they come from a file or a server: read or refused in a sentence. */
#include "crl.h"
#include "fuzz.h"

#include <openssl/err.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_bytes part = paa_bytes_of(data, size);
    char why[CRL_WHY_SIZE] = "";
    struct crl_set *set = crl_set_read(&part, 1, "crl", why);

    HOLDS(set != NULL || why[0] != '\0');
    if (set != NULL)
        HOLDS(crl_set_bytes(set) >= size);
    crl_set_free(set);
    HOLDS(ERR_peek_error() == 0);
    return 0;
}

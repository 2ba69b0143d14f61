/* SPDX-License-Identifier: MIT */
/* Client-Cert and Client-Cert-Chain, parted by a line end: what is taken lies within memory and bounds. */
#include "fuzz.h"
#include "presented.h"
#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str whole = paa_str_of_n((const char *)data, size);
    size_t end = str_find(whole, '\n', 0);
    struct paa_str chain = end < size ? str_slice(whole, end + 1, size) : STR_NONE;
    unsigned char *memory = malloc(PRESENTED_MEMORY(size));
    struct presented presented = { .count = 0 };

    HOLDS(memory != NULL);
    if (client_cert_read(str_slice(whole, 0, end), chain, memory, &presented) == NULL) {
        HOLDS(presented.count >= 1 && presented.count <= PRESENTED_MAX);
        HOLDS(presented.bytes <= PRESENTED_BYTES_MAX);
        for (size_t i = 0; i < presented.count; i++)
            HOLDS(presented.der[i].data >= memory &&
                  presented.der[i].data + presented.der[i].size <= memory + size);
    }
    free(memory);
    return 0;
}

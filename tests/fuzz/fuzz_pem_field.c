/* SPDX-License-Identifier: MIT */
/* Percent-encoded PEM in a field: what is taken lies within memory and bounds. */
#include "fuzz.h"
#include "presented.h"
#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *memory = malloc(PRESENTED_MEMORY(size));
    struct presented presented = { .count = 0 };

    HOLDS(memory != NULL);
    if (pem_field_read(paa_str_of_n((const char *)data, size), memory, &presented) == NULL) {
        HOLDS(presented.count >= 1 && presented.count <= PRESENTED_MAX);
        HOLDS(presented.bytes <= PRESENTED_BYTES_MAX);
        for (size_t i = 0; i < presented.count; i++)
            HOLDS(presented.der[i].data >= memory &&
                  presented.der[i].data + presented.der[i].size <= memory + PRESENTED_MEMORY(size));
    }
    free(memory);
    return 0;
}

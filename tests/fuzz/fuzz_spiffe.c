/* SPDX-License-Identifier: MIT */
/* SPIFFE IDs: one that is taken is written back the same, and holds nothing that could be read in two ways. */
#include "fuzz.h"
#include "spiffe.h"
#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);
    struct spiffe_id id;

    if (spiffe_parse(text, &id) != NULL)
        return 0;
    HOLDS(size == sizeof "spiffe://" - 1 + id.domain.size + id.path.size);
    HOLDS(spiffe_is_domain(id.domain));
    HOLDS(id.path.size == 0 || (id.path.data[0] == '/' && id.path.data[id.path.size - 1] != '/'));
    for (size_t i = 0; i < size; i++)
        HOLDS(text.data[i] > ' ' && text.data[i] < 0x7f && strchr("?#%@\\", text.data[i]) == NULL);
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* Text that is passed on as JSON: what is called a value is one wherever it stands, element by element too. */
#include "fuzz.h"
#include "json_scan.h"
#include "str.h"

static void check_array(struct paa_str text)
{
    struct paa_str rest = text, element;
    size_t total = 0;

    while (json_element_next(&rest, &element)) {
        HOLDS(json_is_value(element));
        HOLDS(element.data >= text.data && element.data + element.size < text.data + text.size);
        total += element.size;
    }
    HOLDS(total < text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);
    struct paa_str trimmed = text;

    if (!json_is_value(text))
        return 0;
    if (json_is_array(text))
        check_array(text);
    while (trimmed.size > 0 && memchr(" \t\r\n", trimmed.data[0], 4) != NULL)
        trimmed = str_slice(trimmed, 1, trimmed.size);
    HOLDS(json_is_value(trimmed));
    return 0;
}

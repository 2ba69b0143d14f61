/* SPDX-License-Identifier: MIT */
/* What policies name: proxies, pins and patterns of names; a pattern that is taken matches itself if it has no star. */
#include "fuzz.h"
#include "name_match.h"
#include "proxy.h"
#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);
    size_t end = str_find(text, '\n', 0);
    struct paa_str pattern = str_slice(text, 0, end), name = str_slice(text, end + 1, size);
    struct proxy proxy;
    struct pin pin;

    (void)pin_parse(text, &pin);
    if (proxy_parse(pattern, &proxy) == NULL)
        (void)proxy_has_address(&proxy, name);
    for (enum name_kind kind = NAME_URI; kind <= NAME_SUBJECT; kind++) {
        if (name_pattern_check(kind, pattern) != NULL)
            continue;
        if (str_find(pattern, '*', 0) == pattern.size)
            HOLDS(name_matches(kind, pattern, pattern));
        if (name_is_clean(kind, name))
            (void)name_matches(kind, pattern, name);
    }
    return 0;
}

/* SPDX-License-Identifier: MIT */
/* A request to a loopback listener: what fits is what was wanted, by its first bytes, and its parameters are few. */
#include "fuzz.h"
#include "loopback_request.h"
#include "str.h"

static void check_fit(struct paa_str text, struct paa_str query)
{
    struct arena arena;
    size_t count;
    const struct paa_field *fields;

    HOLDS(str_starts(text, STR("GET /callback")));
    HOLDS(query.data == NULL ||
          (query.data > text.data && query.data + query.size < text.data + text.size));
    arena_init(&arena, NULL, 0, (size_t)8 * LOOPBACK_HEAD_MAX);
    fields = loopback_parameters(query, &arena, &count);
    for (size_t i = 0; fields != NULL && i < count; i++) {
        HOLDS(fields[i].name.data != NULL && fields[i].value.data != NULL);
        HOLDS(fields[i].name.size + fields[i].value.size <= query.size);
        HOLDS(fields[i].value.size == 0 ||
              memchr(fields[i].value.data, '\0', fields[i].value.size) == NULL);
    }
    HOLDS(count <= LOOPBACK_PARAMETERS_MAX);
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct loopback_wanted wanted = { STR("127.0.0.1:1"), STR("/callback") };
    struct paa_str text = paa_str_of_n((const char *)data, size);
    struct paa_str query, again;
    enum loopback_verdict verdict = loopback_request_read(text, &wanted, &query);

    if (verdict == LOOPBACK_FITS)
        check_fit(text, query);
    else
        HOLDS(query.data == NULL);
    /* More bytes never change what was said. */
    for (size_t part = 0; part < size; part += 1 + part / 8) {
        enum loopback_verdict early =
            loopback_request_read(str_slice(text, 0, part), &wanted, &again);

        HOLDS(early == LOOPBACK_MORE || early == verdict);
    }
    return 0;
}

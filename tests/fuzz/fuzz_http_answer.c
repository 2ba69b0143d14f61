/* SPDX-License-Identifier: MIT */
/* A response as it comes: lines of heads and trailers, then a body. Bounds hold, and no field has what none may have. */
#include "fuzz.h"
#include "http_inner.h"
#include "str.h"

enum { LIMIT = 1000 };

static void check_fields(const struct http_answer *answer)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        struct paa_field field = answer_field_at(answer, i);

        HOLDS(field.name.size > 0 && memchr(field.name.data, ':', field.name.size) == NULL);
        HOLDS(field.value.data != NULL);
        HOLDS(memchr(field.value.data, '\0', field.value.size) == NULL);
        HOLDS(memchr(field.value.data, '\r', field.value.size) == NULL);
        HOLDS(answer_find(answer, field.name).data != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);
    struct http_answer answer;
    size_t at = 0;

    answer_init(&answer, LIMIT);
    while (at < size) {
        size_t end = str_find(text, '\n', at);

        end = end < size ? end + 1 : size;
        if (!answer_line(&answer, str_slice(text, at, end)))
            break;
        at = end;
    }
    HOLDS((answer.wrong != NULL) == (at < size));
    HOLDS(answer.field_count <= HTTP_RESPONSE_FIELDS_MAX);
    check_fields(&answer);
    while (answer_body(&answer, paa_bytes_of(data, size)) && size > 0)
        continue;
    HOLDS(answer.body_size <= LIMIT && answer.is_too_large == (size > 0));
    answer_free(&answer);
    return 0;
}

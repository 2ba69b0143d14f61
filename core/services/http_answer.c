/* SPDX-License-Identifier: MIT */
/* A response as it comes, piece by piece, each piece judged before it is kept. Knows no network. */
#include "http_inner.h"

#include "fields.h"
#include "secret.h"
#include "str.h"

enum { BODY_FIRST = 4096 };

void answer_init(struct http_answer *answer, size_t limit)
{
    memset(answer, 0, sizeof *answer);
    buf_init(&answer->header, HTTP_RESPONSE_HEADER_MAX);
    answer->limit = limit;
}

void answer_free(struct http_answer *answer)
{
    buf_free(&answer->header);
    secret_free(answer->body, answer->body_capacity);
    answer->body = NULL;
    answer->body_size = answer->body_capacity = answer->field_count = 0;
}

/* ---- header -------------------------------------------------------------------------------------- */

static bool is_wrong(struct http_answer *answer, const char *why)
{
    answer->wrong = why;
    return false;
}

static uint32_t keep(struct http_answer *answer, struct paa_str text)
{
    size_t at = answer->header.size;

    buf_add_str(&answer->header, text);
    return (uint32_t)at;
}

static bool add_field(struct http_answer *answer, struct paa_str line)
{
    size_t colon = str_find(line, ':', 0);
    struct paa_str name = str_slice(line, 0, colon);
    struct paa_str value = str_trim(str_slice(line, colon + 1, line.size));
    struct answer_field *field = &answer->fields[answer->field_count];

    if (colon == line.size || !is_token(name)) /* a folded line too: it begins with a blank */
        return is_wrong(answer, "a line of its header is no field");
    if (value.size > 0 && !is_field_value(value))
        return is_wrong(answer, "a field of its header holds a control character");
    if (answer->field_count == HTTP_RESPONSE_FIELDS_MAX)
        return is_wrong(answer, "its header has more than 128 fields");
    field->name = keep(answer, name);
    field->name_size = (uint32_t)name.size;
    field->value = keep(answer, value);
    field->value_size = (uint32_t)value.size;
    if (answer->header.failed)
        return is_wrong(answer, "its header is over 64 KiB");
    answer->field_count++;
    return true;
}

bool answer_line(struct http_answer *answer, struct paa_str line)
{
    while (line.size > 0 && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    if (str_starts(line, STR("HTTP/"))) { /* the last head counts: those of 1xx come before it */
        answer->field_count = 0;
        answer->has_head = false;
        buf_clear(&answer->header);
        return true;
    }
    if (line.size == 0 || answer->has_head) {
        answer->has_head = true;
        return true;
    }
    return add_field(answer, line);
}

static struct paa_str part(const struct http_answer *answer, uint32_t at, uint32_t size)
{
    return size > 0 ? paa_str_of_n(answer->header.data + at, size) : STR("");
}

struct paa_field answer_field_at(const struct http_answer *answer, size_t index)
{
    const struct answer_field *field = &answer->fields[index];

    return (struct paa_field){ part(answer, field->name, field->name_size),
                               part(answer, field->value, field->value_size) };
}

struct paa_str answer_find(const struct http_answer *answer, struct paa_str name)
{
    for (size_t i = 0; i < answer->field_count; i++) {
        struct paa_field field = answer_field_at(answer, i);

        if (str_eq_nocase(field.name, name))
            return field.value;
    }
    return STR_NONE;
}

/* ---- body ---------------------------------------------------------------------------------------- */

static bool make_room(struct http_answer *answer, size_t needed)
{
    size_t capacity = answer->body_capacity > 0 ? answer->body_capacity : (size_t)BODY_FIRST;
    unsigned char *body;

    if (needed <= answer->body_capacity)
        return true;
    while (capacity < needed)
        capacity *= 2;
    body = secret_alloc(capacity);
    if (body == NULL)
        return is_wrong(answer, "no memory is left for it");
    if (answer->body_size > 0)
        memcpy(body, answer->body, answer->body_size);
    secret_free(answer->body, answer->body_capacity);
    answer->body = body;
    answer->body_capacity = capacity;
    return true;
}

bool answer_body(struct http_answer *answer, struct paa_bytes bytes)
{
    if (bytes.size > answer->limit - answer->body_size) {
        answer->is_too_large = true;
        return false;
    }
    if (!make_room(answer, answer->body_size + bytes.size))
        return false;
    if (bytes.size == 0)
        return true;
    memcpy(answer->body + answer->body_size, bytes.data, bytes.size);
    answer->body_size += bytes.size;
    return true;
}

/* SPDX-License-Identifier: MIT */
/* loopback_request.h: read once, strictly, in the order of the bytes; what is unusual in any way is no login. */
#include "loopback_request.h"

#include "fields.h"
#include "secret.h"
#include "str.h"

struct head { /* what the fields say */
    struct paa_str host;
    unsigned hosts;
    bool has_content;
    bool is_navigation;
};

/* ---- the request line ----------------------------------------------------------------------------- */

/* A line without its CRLF; false: it has not ended, or ends in another way. */
static bool next_line(struct paa_str *rest, struct paa_str *ret_line)
{
    size_t end = str_find(*rest, '\n', 0);

    if (end == rest->size || end == 0 || rest->data[end - 1] != '\r')
        return false;
    *ret_line = str_slice(*rest, 0, end - 1);
    *rest = str_slice(*rest, end + 1, rest->size);
    return true;
}

/* Visible ASCII, and each "%" is followed by two hex digits, which are not a NUL. */
static bool is_written_well(struct paa_str target)
{
    for (size_t i = 0; i < target.size; i++) {
        char c = target.data[i];
        struct paa_str hex = str_slice(target, i + 1, i + 3);

        if (c <= 0x20 || c >= 0x7f || c == '#')
            return false;
        if (c != '%')
            continue;
        for (size_t k = 0; k < 2; k++)
            if (k >= hex.size || memchr("0123456789abcdefABCDEF", hex.data[k], 22) == NULL)
                return false;
        if (str_eq(hex, STR("00")))
            return false;
    }
    return true;
}

/* "GET /path?query HTTP/1.1" in its parts. */
static bool read_first_line(struct paa_str line, struct paa_str *ret_method,
                            struct paa_str *ret_target)
{
    size_t first = str_find(line, ' ', 0);
    size_t second = str_find(line, ' ', first + 1);

    *ret_method = str_slice(line, 0, first);
    *ret_target = str_slice(line, first + 1, second);
    return is_token(*ret_method) && str_starts(*ret_target, STR("/")) &&
           is_written_well(*ret_target) &&
           str_eq(str_slice(line, second, line.size), STR(" HTTP/1.1"));
}

/* ---- fields --------------------------------------------------------------------------------------- */

static bool read_field(struct paa_str line, struct head *head)
{
    size_t colon = str_find(line, ':', 0);
    struct paa_str name = str_slice(line, 0, colon);
    struct paa_str value = str_trim(str_slice(line, colon + 1, line.size));

    if (colon == line.size || !is_token(name) || (value.size > 0 && !is_field_value(value)))
        return false;
    if (str_eq_nocase(name, STR("host"))) {
        head->host = value;
        head->hosts++;
    }
    if (str_eq_nocase(name, STR("transfer-encoding")) ||
        (str_eq_nocase(name, STR("content-length")) && !paa_str_eq(value, "0")))
        head->has_content = true;
    if (str_eq_nocase(name, STR("sec-fetch-mode")) && !paa_str_eq(value, "navigate"))
        head->is_navigation = false;
    return true;
}

static bool read_fields(struct paa_str rest, struct head *head)
{
    struct paa_str line;

    while (next_line(&rest, &line)) {
        if (line.size == 0)
            return head->hosts == 1 && !head->has_content;
        if (!read_field(line, head))
            return false;
    }
    return false;
}

/* ---- all of it ------------------------------------------------------------------------------------ */

/* Where the head ends; SIZE_MAX: not yet. A lone LF ends it too, and is then found to be none. */
static size_t end_of_head(struct paa_str text)
{
    for (size_t at = str_find(text, '\n', 0); at < text.size; at = str_find(text, '\n', at + 1)) {
        struct paa_str behind = str_slice(text, at + 1, text.size);

        if (str_starts(behind, STR("\n")))
            return at + 2;
        if (str_starts(behind, STR("\r\n")))
            return at + 3;
    }
    return SIZE_MAX;
}

enum loopback_verdict loopback_request_read(struct paa_str text,
                                            const struct loopback_wanted *wanted,
                                            struct paa_str *ret_query)
{
    struct head head = { .is_navigation = true };
    struct paa_str rest, line, method, target;
    size_t end = end_of_head(text), mark;

    *ret_query = STR_NONE;
    if (end == SIZE_MAX)
        return LOOPBACK_MORE;
    rest = str_slice(text, 0, end);
    if (!next_line(&rest, &line) || !read_first_line(line, &method, &target) ||
        !read_fields(rest, &head))
        return LOOPBACK_MALFORMED;
    if (!str_eq(head.host, wanted->host))
        return LOOPBACK_OTHER_HOST;
    mark = str_find(target, '?', 0);
    if (!str_eq(str_slice(target, 0, mark), wanted->path))
        return LOOPBACK_OTHER_PATH;
    if (!paa_str_eq(method, "GET"))
        return LOOPBACK_OTHER_METHOD;
    if (!head.is_navigation)
        return LOOPBACK_STRANGE;
    if (mark < target.size)
        *ret_query = str_slice(target, mark + 1, target.size);
    return LOOPBACK_FITS;
}

struct paa_field *loopback_parameters(struct paa_str query, struct arena *arena, size_t *ret_count)
{
    struct paa_field *fields = arena_array(arena, LOOPBACK_PARAMETERS_MAX, sizeof *fields);
    struct paa_field next;

    *ret_count = 0;
    while (fields != NULL && form_next(&query, arena, &next)) {
        if (*ret_count == LOOPBACK_PARAMETERS_MAX || next.name.data == NULL ||
            next.value.data == NULL)
            return NULL;
        fields[(*ret_count)++] = next;
    }
    return fields;
}

bool loopback_state_fits(const struct paa_field *fields, size_t count, struct paa_str state)
{
    for (size_t i = 0; i < count; i++)
        if (paa_str_eq(fields[i].name, "state") &&
            secret_eq(paa_bytes_of(fields[i].value.data, fields[i].value.size),
                      paa_bytes_of(state.data, state.size)))
            return true;
    return false;
}

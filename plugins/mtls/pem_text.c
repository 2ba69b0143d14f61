/* SPDX-License-Identifier: MIT */
/* presented.h's PEM (RFC 7468, its strict form), as it is and percent-encoded in a field. */
#include "base64.h"
#include "codec.h"
#include "presented.h"
#include "str.h"

static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";
static const char no_pem[] = "holds no PEM certificates, or something beside them";

/* The next line without its end; false: there is none. */
static bool next_line(struct paa_str *rest, struct paa_str *ret_line)
{
    size_t size = str_find(*rest, '\n', 0);

    if (rest->size == 0)
        return false;
    *ret_line = str_slice(*rest, 0, size);
    *rest = str_slice(*rest, size + 1, rest->size);
    if (ret_line->size > 0 && ret_line->data[ret_line->size - 1] == '\r')
        ret_line->size--;
    return true;
}

/* Lines of base64 up to the end line, joined in memory and decoded there. */
static const char *read_block(struct paa_str *rest, unsigned char *memory, size_t *ret_size)
{
    struct paa_str line;
    size_t size = 0;

    while (next_line(rest, &line)) {
        if (paa_str_eq(line, end))
            return base64_decode(paa_str_of_n((const char *)memory, size), memory, ret_size)
                       ? NULL
                       : "holds a certificate that is no canonical base64";
        if (line.size == 0)
            return no_pem;
        memcpy(memory + size, line.data, line.size);
        size += line.size;
    }
    return "holds a PEM certificate without its end";
}

const char *pem_read(struct paa_str text, unsigned char *memory, struct presented *presented)
{
    size_t count = presented->count, size = 0;
    const char *why = NULL;
    struct paa_str line;

    while (why == NULL && next_line(&text, &line)) {
        if (line.size == 0)
            continue;
        if (!paa_str_eq(line, begin))
            return no_pem;
        why = read_block(&text, memory, &size);
        if (why == NULL)
            why = presented_add(presented, paa_bytes_of(memory, size));
        memory += size;
    }
    return why != NULL || presented->count > count ? why : no_pem;
}

/* Visible ASCII and blanks stand for themselves. */
static bool percent_decode(struct paa_str text, unsigned char *memory, size_t *ret_size)
{
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != '%') {
            if (text.data[i] < ' ' || text.data[i] > '~')
                return false;
            memory[size++] = (unsigned char)text.data[i];
            continue;
        }
        if (text.size - i < 3 || !hex_decode(str_slice(text, i + 1, i + 3), &memory[size++]))
            return false;
        i += 2;
    }
    *ret_size = size;
    return true;
}

const char *pem_field_read(struct paa_str value, unsigned char *memory, struct presented *presented)
{
    size_t size;

    if (!percent_decode(value, memory, &size))
        return "is not percent-encoded as it must be";
    return pem_read(paa_str_of_n((const char *)memory, size), memory + size, presented);
}

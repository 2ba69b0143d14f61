/* SPDX-License-Identifier: MIT */
/* pem.h: the base64 of RFC 4648 4 between two lines. */
#include "pem.h"

#include "str.h"

#include <string.h>

#define BEGIN STR("-----BEGIN CERTIFICATE-----")
#define END   STR("-----END CERTIFICATE-----")

void pem_init(struct pem_certs *certs)
{
    memset(certs, 0, sizeof *certs);
    buf_init(&certs->der, PEM_TEXT_MAX);
}

void pem_free(struct pem_certs *certs)
{
    buf_free(&certs->der);
    certs->count = 0;
}

/* Where needle begins; text.size: nowhere. */
static size_t find(struct paa_str text, struct paa_str needle, size_t from)
{
    const char *at = from < text.size
                         ? memmem(text.data + from, text.size - from, needle.data, needle.size)
                         : NULL;

    return at != NULL ? (size_t)(at - text.data) : text.size;
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
    return c == '\n' || c == '\r' || c == ' ' || c == '\t';
}

/* Fours of characters, the last one padded; blanks anywhere. */
static bool decode(struct paa_str text, struct buf *buf)
{
    uint32_t bits = 0;
    size_t characters = 0;
    size_t padding = 0;

    for (size_t i = 0; i < text.size; i++) {
        int value = value_of(text.data[i]);

        if (is_blank(text.data[i]))
            continue;
        if (text.data[i] == '=')
            padding++;
        else if (value < 0 || padding > 0)
            return false;
        bits = bits << 6 | (uint32_t)(value < 0 ? 0 : value);
        if (++characters % 4 != 0)
            continue;
        if (padding > 2)
            return false;
        for (size_t byte = 0; byte < 3 - padding; byte++)
            buf_add_char(buf, (char)(unsigned char)(bits >> (16 - 8 * byte) & 0xff));
    }
    return characters > 0 && characters % 4 == 0;
}

/* The buffer may have moved while it grew. */
static void view_all(struct pem_certs *certs)
{
    size_t from = 0;

    for (size_t i = 0; i < certs->count; i++) {
        certs->items[i] = paa_bytes_of(certs->der.data + from, certs->ends[i] - from);
        from = certs->ends[i];
    }
}

const char *pem_read(struct pem_certs *certs, struct paa_str text)
{
    size_t at = find(text, BEGIN, 0);

    if (at == text.size)
        return "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)";
    for (; at < text.size; at = find(text, BEGIN, at)) {
        size_t end = find(text, END, at);

        if (end == text.size)
            return "a certificate has no -----END CERTIFICATE----- line";
        if (certs->count == PEM_CERTS_MAX)
            return "more than 16 certificates";
        if (!decode(str_slice(text, at + BEGIN.size, end), &certs->der))
            return "a certificate is not base64";
        if (certs->der.failed)
            return "too large";
        certs->ends[certs->count++] = certs->der.size;
        at = end;
    }
    view_all(certs);
    return NULL;
}

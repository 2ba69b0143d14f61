/* SPDX-License-Identifier: MIT */
/* What paactl reads from files and arguments: PEM, URLs, header fields, addresses. Views stay within the text. */
#include "given.h"
#include "str.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct paa_str part, struct paa_str whole)
{
    if (part.size > 0 && part.size <= whole.size &&
        (part.data < whole.data || part.data + part.size > whole.data + whole.size) &&
        !paa_str_eq(part, "/")) /* an empty path's */
        abort();
    if (part.size > whole.size + 1)
        abort();
}

static void read_pem(struct paa_str text)
{
    struct pem_certs certs;

    pem_init(&certs);
    if (pem_read(&certs, text) == NULL) {
        size_t all = 0;

        for (size_t i = 0; i < certs.count; i++)
            all += certs.items[i].size;
        if (certs.count == 0 || all != certs.der.size)
            abort();
    }
    pem_free(&certs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_str text = paa_str_of_n((const char *)data, size);
    struct sockaddr_storage address;
    struct given_url url;
    struct paa_field field;
    char *terminated = strndup((const char *)data, size);

    read_pem(text);
    if (given_url_parse(text, &url) == NULL) {
        check_within(url.scheme, text);
        check_within(url.authority, text);
        check_within(url.target, text);
        if (url.target.size == 0 || url.target.data[0] != '/')
            abort();
    }
    if (given_field_parse(text, &field)) {
        check_within(field.name, text);
        check_within(field.value, text);
    }
    if (terminated != NULL && given_address_parse(terminated, &address) > sizeof address)
        abort();
    free(terminated);
    return 0;
}

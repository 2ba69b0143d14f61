/* SPDX-License-Identifier: MIT */
/*
 * presented.h's Client-Cert and Client-Cert-Chain (RFC 9440 2.2, 2.3): a byte sequence of RFC 8941 3.3.5, and a list
 * of them. Parameters, which RFC 9440 gives no meaning, are refused.
 */
#include "base64.h"
#include "presented.h"
#include "str.h"

/* One ":base64:" at the beginning of *rest, which goes on behind it. */
static const char *read_bytes(struct paa_str *rest, unsigned char **memory,
                              struct presented *presented)
{
    size_t close, size;
    const char *why;

    if (rest->size == 0 || rest->data[0] != ':')
        return "is no byte sequence (\":base64:\")";
    close = str_find(*rest, ':', 1);
    if (close == rest->size)
        return "holds a byte sequence without its end";
    if (!base64_decode(str_slice(*rest, 1, close), *memory, &size))
        return "holds a certificate that is no canonical base64";
    why = presented_add(presented, paa_bytes_of(*memory, size));
    *memory += size;
    *rest = str_slice(*rest, close + 1, rest->size);
    return why;
}

static const char *read_list(struct paa_str rest, unsigned char **memory,
                             struct presented *presented)
{
    const char *why = read_bytes(&rest, memory, presented);

    while (why == NULL && (rest = str_trim(rest)).size > 0) {
        if (rest.data[0] != ',')
            return "holds something beside a list of byte sequences";
        rest = str_trim(str_slice(rest, 1, rest.size));
        why = read_bytes(&rest, memory, presented);
    }
    return why;
}

const char *client_cert_read(struct paa_str cert, struct paa_str chain, unsigned char *memory,
                             struct presented *presented)
{
    struct paa_str rest = str_trim(cert);
    const char *why = read_bytes(&rest, &memory, presented);

    if (why == NULL && rest.size > 0)
        return "holds something beside one byte sequence";
    if (why == NULL && chain.data != NULL)
        why = read_list(str_trim(chain), &memory, presented);
    return why;
}

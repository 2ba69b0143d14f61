/* SPDX-License-Identifier: MIT */
#include "presented.h"

const char *presented_add(struct presented *presented, struct paa_bytes der)
{
    if (der.size == 0)
        return "holds an empty certificate";
    if (der.size > PRESENTED_DER_MAX)
        return "holds a certificate of more than 16 KiB";
    if (presented->count == PRESENTED_MAX)
        return "holds more than 10 certificates";
    if (der.size > PRESENTED_BYTES_MAX - presented->bytes)
        return "holds more than 64 KiB of certificates";
    presented->der[presented->count++] = der;
    presented->bytes += der.size;
    return NULL;
}

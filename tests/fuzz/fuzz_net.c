/* SPDX-License-Identifier: MIT */
/* Addresses and networks: a network holds its own address; the text of an address reads as that address. */
#include "fuzz.h"
#include "net.h"
#include "str.h"

static void check_network(struct paa_str text)
{
    struct network network;
    struct paa_str address = str_slice(text, 0, str_find(text, '/', 0));

    if (network_parse(text, &network) != NULL)
        return;
    HOLDS(network.bits <= 128);
    /* "::ffff:0:0/95" is of both families, hence of none */
    if (str_find(address, '.', 0) == address.size && network.bits >= 96)
        HOLDS(network_has(&network, address));
    HOLDS(!network_has(&network, STR("unix:")));
    HOLDS(!network_has(&network, STR("localhost")));
}

static void check_sockaddr(struct paa_bytes sockaddr)
{
    char text[ADDRESS_TEXT_MAX];
    unsigned char address[16];

    memset(text, 'x', sizeof text);
    if (!address_text(sockaddr, text))
        return;
    HOLDS(memchr(text, '\0', sizeof text) != NULL);
    if (strncmp(text, "unix:", 5) != 0)
        HOLDS(address_parse(paa_str_of(text), address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_network(paa_str_of_n((const char *)data, size));
    check_sockaddr(paa_bytes_of(data, size));
    return 0;
}

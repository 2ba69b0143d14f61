/* SPDX-License-Identifier: MIT */
/*
 * Which addresses are the public Internet's. What is not known to be is not: IANA's special-purpose registries
 * (RFC 6890) for IPv4; for IPv6 only 2000::/3 less its exceptions, and IPv4 where it is written as IPv6.
 */
#include "net.h"

struct prefix {
    unsigned char bytes[4];
    unsigned bits;
};

static const struct prefix closed_v4[] = {
    { { 0 }, 8 },             /* this network */
    { { 10 }, 8 },            /* RFC 1918 */
    { { 100, 64 }, 10 },      /* RFC 6598, carriers' NAT */
    { { 127 }, 8 },           /* loopback */
    { { 169, 254 }, 16 },     /* link-local: also clouds' metadata */
    { { 172, 16 }, 12 },      /* RFC 1918 */
    { { 192, 0, 0 }, 24 },    /* IETF protocol assignments */
    { { 192, 0, 2 }, 24 },    /* documentation */
    { { 192, 88, 99 }, 24 },  /* 6to4 relays */
    { { 192, 168 }, 16 },     /* RFC 1918 */
    { { 198, 18 }, 15 },      /* benchmarking */
    { { 198, 51, 100 }, 24 }, /* documentation */
    { { 203, 0, 113 }, 24 },  /* documentation */
    { { 224 }, 4 },           /* multicast */
    { { 240 }, 4 },           /* reserved, and broadcast */
};

static const struct prefix closed_v6[] = {
    /* within 2000::/3 */
    { { 0x20, 0x01, 0x00 }, 23 },       /* IETF protocol assignments, Teredo */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x20, 0x02 }, 16 },             /* 6to4: an IPv4 address that nobody judged */
    { { 0x3f, 0xff, 0x00 }, 20 },       /* documentation */
};

static bool begins_with(const unsigned char *address, const struct prefix *prefix)
{
    for (unsigned i = 0; i < prefix->bits; i += 8) {
        unsigned left = prefix->bits - i;
        unsigned mask = left < 8 ? 0xff00u >> left & 0xff : 0xff;

        if (((address[i / 8] ^ prefix->bytes[i / 8]) & mask) != 0)
            return false;
    }
    return true;
}

static bool is_among(const unsigned char *address, const struct prefix *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (begins_with(address, &prefixes[i]))
            return true;
    return false;
}

bool address_is_public(const unsigned char address[16])
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b }; /* RFC 6052 2.1 */

    if (memcmp(address, mapped, sizeof mapped) == 0 || memcmp(address, nat64, sizeof nat64) == 0)
        return !is_among(address + 12, closed_v4, sizeof closed_v4 / sizeof closed_v4[0]);
    return (address[0] & 0xe0) == 0x20 &&
           !is_among(address, closed_v6, sizeof closed_v6 / sizeof closed_v6[0]);
}

bool sockaddr_is_public(struct paa_bytes sockaddr)
{
    char text[ADDRESS_TEXT_MAX];
    unsigned char address[16];

    return address_text(sockaddr, text) && address_parse(paa_str_of(text), address) &&
           address_is_public(address);
}

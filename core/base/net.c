/* SPDX-License-Identifier: MIT */
/* net.h's addresses. An address is sixteen bytes here; IPv4 is v4-mapped (RFC 4291 2.5.5.2). */
#include "net.h"
#include "str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96 };

static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_mapped(const unsigned char address[16])
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

static bool unix_text(struct paa_bytes sockaddr, char *ret_text)
{
    static const char prefix[] = "unix:";
    size_t from = offsetof(struct sockaddr_un, sun_path);
    size_t size = sockaddr.size > from ? sockaddr.size - from : 0;

    if (size > sizeof((struct sockaddr_un *)0)->sun_path)
        return false;
    if (size > 0)
        size = strnlen((const char *)sockaddr.data + from, size); /* abstract: "unix:" */
    memcpy(ret_text, prefix, sizeof prefix);
    if (size > 0)
        memcpy(ret_text + sizeof prefix - 1, sockaddr.data + from, size);
    ret_text[sizeof prefix - 1 + size] = '\0';
    return true;
}

_Static_assert(sizeof "unix:" + sizeof((struct sockaddr_un *)0)->sun_path <= ADDRESS_TEXT_MAX,
               "a unix address fits");

bool address_text(struct paa_bytes sockaddr, char ret_text[ADDRESS_TEXT_MAX])
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    sa_family_t family;

    if (sockaddr.size < sizeof family)
        return false;
    memcpy(&family, sockaddr.data + offsetof(struct sockaddr, sa_family), sizeof family);
    if (family == AF_UNIX)
        return unix_text(sockaddr, ret_text);
    if (family == AF_INET && sockaddr.size >= sizeof v4) {
        memcpy(&v4, sockaddr.data, sizeof v4);
        return inet_ntop(AF_INET, &v4.sin_addr, ret_text, ADDRESS_TEXT_MAX) != NULL;
    }
    if (family == AF_INET6 && sockaddr.size >= sizeof v6) {
        memcpy(&v6, sockaddr.data, sizeof v6);
        return inet_ntop(AF_INET6, &v6.sin6_addr, ret_text, ADDRESS_TEXT_MAX) != NULL;
    }
    return false;
}

bool address_parse(struct paa_str text, unsigned char ret_address[16])
{
    char copy[INET6_ADDRSTRLEN];

    if (text.size == 0 || text.size >= sizeof copy || str_find(text, '\0', 0) < text.size)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (inet_pton(AF_INET6, copy, ret_address) == 1)
        return true;
    if (inet_pton(AF_INET, copy, ret_address + sizeof mapped) != 1)
        return false;
    memcpy(ret_address, mapped, sizeof mapped);
    return true;
}

/* Does a agree with b in the first `bits` bits? */
static bool agree(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8;
    unsigned rest = bits % 8;

    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || ((a[whole] ^ b[whole]) & (0xff00u >> rest) & 0xff) == 0);
}

static bool has_host_bits(const struct network *network)
{
    unsigned bits = network->bits;
    unsigned at = bits / 8;

    if (at < 16 && (network->address[at] & (0xffu >> bits % 8)) != 0)
        return true;
    for (at++; at < 16; at++)
        if (network->address[at] != 0)
            return true;
    return false;
}

const char *network_parse(struct paa_str text, struct network *ret_network)
{
    struct network network = { { 0 }, ADDRESS_BITS };
    size_t slash = str_find(text, '/', 0);
    struct paa_str digits = str_slice(text, slash + 1, text.size);
    bool dotted = str_find(text, ':', 0) == text.size;
    uint64_t most = dotted ? ADDRESS_BITS - MAPPED_BITS : ADDRESS_BITS;
    uint64_t bits = most;

    if (!address_parse(str_slice(text, 0, slash), network.address))
        return "it is not an IPv4 or IPv6 address, such as 192.0.2.0/24 or 2001:db8::/32";
    if (slash < text.size &&
        (!str_to_u64(digits, most, &bits) || (digits.size > 1 && digits.data[0] == '0')))
        return dotted ? "the length behind \"/\" is not a number from 0 to 32"
                      : "the length behind \"/\" is not a number from 0 to 128";
    network.bits = (uint8_t)(bits + (dotted ? MAPPED_BITS : 0));
    if (has_host_bits(&network))
        return "there are bits set behind the network's length; write the network's own address";
    *ret_network = network;
    return NULL;
}

/* An IPv4 address lies in no network that is wider than all of IPv4: "::/0" means IPv6. */
bool network_has(const struct network *network, struct paa_str address)
{
    unsigned char bytes[16];

    return address_parse(address, bytes) && (network->bits >= MAPPED_BITS || !is_mapped(bytes)) &&
           agree(bytes, network->address, network->bits);
}

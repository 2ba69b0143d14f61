/* SPDX-License-Identifier: MIT */
/* Socket addresses as text, and networks in CIDR form. Pure; no resolver. */
#ifndef BASE_NET_H
#define BASE_NET_H

#include <paa/types.h>
#include <stdbool.h>

struct network {
    unsigned char address[16]; /* IPv4 as v4-mapped */
    uint8_t bits;              /* of 128 */
};

enum { ADDRESS_TEXT_MAX = 120 };

/* "192.0.2.7", "2001:db8::7", "unix:" or "unix:/path"; no port. Writes a NUL; false: no such family or too
 * short for it. */
bool address_text(struct paa_bytes sockaddr, char ret_text[ADDRESS_TEXT_MAX]);
/* "192.0.2.0/24", "2001:db8::/32", or one address. NULL: fine; else what is wrong (host bits set, …). */
const char *network_parse(struct paa_str text, struct network *ret_network);
/* address as address_text writes it; v4-mapped IPv6 counts as IPv4. False for names and unix. */
bool network_has(const struct network *network, struct paa_str address);
/* Sixteen bytes, IPv4 mapped; false: not a numeric address. */
bool address_parse(struct paa_str text, unsigned char ret_address[16]);
/* Does it lead to the public Internet? False for all that is private, local, shared, reserved, multicast, or such an
 * IPv4 address written as IPv6 (v4-mapped, NAT64, 6to4, Teredo). */
bool address_is_public(const unsigned char address[16]);
/* The same of a socket address; false for what is no address of the Internet. */
bool sockaddr_is_public(struct paa_bytes sockaddr);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Proxies whose certificate fields are believed, as the policy names them:
 *   "192.0.2.0/24" "2001:db8::7"     the transport's own address
 *   "unix:"                           any peer on a Unix socket: its own name is whatever it says
 *   "instance:edge"                  the earlier step of that instance accepted the connection's own certificate
 *   "sha256//…", a fingerprint       a pin (pin.h) of the connection's own certificate
 * Pure: who the peer is comes in.
 */
#ifndef MTLS_PROXY_H
#define MTLS_PROXY_H

#include "net.h"
#include "pin.h"

enum proxy_kind { PROXY_NETWORK = 1, PROXY_UNIX, PROXY_INSTANCE, PROXY_PIN };

struct proxy {
    enum proxy_kind kind;
    struct network network;
    struct paa_str text; /* the instance's name */
    struct pin pin;
};

/* NULL, or what is wrong. Views into text. */
const char *proxy_parse(struct paa_str text, struct proxy *ret_proxy);
/* Is a peer with that transport address one of them? False for those that are known by a certificate. */
bool proxy_has_address(const struct proxy *proxy, struct paa_str address);

#endif

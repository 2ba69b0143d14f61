/* SPDX-License-Identifier: MIT */
/* The other end of one connection (paa.h, section 4). */
#ifndef ENGINE_PEER_H
#define ENGINE_PEER_H

#include "engine.h"

/* DER, leaf first, asked of the host once, inside the call that first wants it; absent past the last. Of a chain that is
 * too long or too large: one certificate that is empty, and so nobody's. */
struct paa_bytes peer_certificate(struct paa_peer *peer, size_t index);

#endif

/* SPDX-License-Identifier: MIT */
/* Makes a JWS in compact form (RFC 7515 7.1), part by part: header, payload, and the signature that keys->sign gives.
 * Knows no key and no claim. */
#ifndef COMMON_JWS_WRITE_H
#define COMMON_JWS_WRITE_H

#include "buf.h"

/* Appends base64url of the bytes. */
void jws_add(struct buf *buf, struct paa_bytes bytes);
/* The same of what stands in `part`, which is emptied; its failure becomes buf's. */
void jws_add_part(struct buf *buf, struct buf *part);

#endif

/* SPDX-License-Identifier: MIT */
/* Base64 as PEM and structured fields write bytes (RFC 4648 4). Strict: one text per value, with its padding. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <paa/types.h>
#include <stdbool.h>

#define BASE64_DECODED_MAX(n) ((n) / 4 * 3)

/* Writes at most BASE64_DECODED_MAX(text.size) bytes, which may lie where the text lies; false: not base64, or not as
 * an encoder writes it. */
bool base64_decode(struct paa_str text, unsigned char *ret_bytes, size_t *ret_size);

#endif

/* SPDX-License-Identifier: MIT */
/* Text forms of bytes: base64url without padding (RFC 4648 5), hexadecimal, base62, CRC-32. Strict: one
 * text per value; padding, white space and non-canonical trailing bits are refused. */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include <paa/types.h>
#include <stdbool.h>

#define BASE64URL_SIZE(n)        (((n)*4 + 2) / 3)
#define BASE64URL_DECODED_MAX(n) ((n) / 4 * 3 + 2)

/* Writes BASE64URL_SIZE(bytes.size) characters, no NUL. */
void base64url_encode(struct paa_bytes bytes, char *ret_text);
/* Writes at most BASE64URL_DECODED_MAX(text.size) bytes; false: not base64url. */
bool base64url_decode(struct paa_str text, unsigned char *ret_bytes, size_t *ret_size);
/* Lower case; 2 * size characters, no NUL. */
void hex_encode(struct paa_bytes bytes, char *ret_text);
/* Either case; exactly text.size / 2 bytes. */
bool hex_decode(struct paa_str text, unsigned char *ret_bytes);
/* The value as exactly `width` characters of [0-9A-Za-z], leading zeroes; false: does not fit. */
bool base62_encode_u64(uint64_t value, char *ret_text, size_t width);
/* IEEE 802.3, as zlib's crc32. */
uint32_t crc32_of(struct paa_bytes bytes);

#endif

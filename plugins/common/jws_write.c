/* SPDX-License-Identifier: MIT */
/* jws_write.h's two functions. */
#include "jws_write.h"

#include "codec.h"

enum { PIECE = 3 * 64 };

void jws_add(struct buf *buf, struct paa_bytes bytes)
{
    char text[BASE64URL_SIZE(PIECE)];

    for (size_t at = 0; at < bytes.size; at += PIECE) {
        size_t left = bytes.size - at < PIECE ? bytes.size - at : PIECE;

        base64url_encode(paa_bytes_of(bytes.data + at, left), text);
        buf_add(buf, text, BASE64URL_SIZE(left));
    }
}

void jws_add_part(struct buf *buf, struct buf *part)
{
    jws_add(buf, paa_bytes_of(part->data, part->size));
    buf->failed = buf->failed || part->failed;
    buf_clear(part);
}

/* SPDX-License-Identifier: MIT */
/* qr.h, by libqrencode: the one file that includes its header. Two rows of modules make one of characters, black on
 * white whatever the terminal's colours are. */
#include "qr.h"

#ifdef PAA_HAVE_QRENCODE

#include <qrencode.h>
#include <stdlib.h>

enum {
    QUIET = 2 /* modules of white around it; readers are content with less than the norm's 4 */
};

static bool is_dark(const QRcode *code, int x, int y)
{
    if (x < 0 || y < 0 || x >= code->width || y >= code->width)
        return false;
    return (code->data[y * code->width + x] & 1) != 0;
}

static const char *pair_of(bool upper, bool lower)
{
    if (upper)
        return lower ? "\xe2\x96\x88" : "\xe2\x96\x80";
    return lower ? "\xe2\x96\x84" : " ";
}

static void add_code(struct buf *buf, const QRcode *code)
{
    for (int y = -QUIET; y < code->width + QUIET; y += 2) {
        buf_add_text(buf, "  \033[30;107m");
        for (int x = -QUIET; x < code->width + QUIET; x++)
            buf_add_text(buf, pair_of(is_dark(code, x, y), is_dark(code, x, y + 1)));
        buf_add_text(buf, "\033[0m\n");
    }
}

void qr_add(struct buf *buf, struct paa_str text)
{
    QRcode *code = NULL;
    struct buf whole;

    buf_init(&whole, text.size + 1);
    buf_add_str(&whole, text);
    if (!whole.failed && whole.size > 0)
        code = QRcode_encodeString8bit(whole.data, 0, QR_ECLEVEL_L);
    if (code != NULL) {
        buf_add_char(buf, '\n');
        add_code(buf, code);
    }
    QRcode_free(code);
    buf_free(&whole);
}

#else

void qr_add(struct buf *buf, struct paa_str text)
{
    (void)buf;
    (void)text;
}

#endif

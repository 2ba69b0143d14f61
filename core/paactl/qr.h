/* SPDX-License-Identifier: MIT */
/* A text as a QR code, for a terminal with colours and UTF-8. */
#ifndef PAACTL_QR_H
#define PAACTL_QR_H

#include "buf.h"

/* Appends it; nothing where the text is too long, or PAA was built without libqrencode. */
void qr_add(struct buf *buf, struct paa_str text);

#endif

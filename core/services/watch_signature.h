/* SPDX-License-Identifier: MIT */
/* What a watch looks at, where and as long as no event tells of it; for watch.c only. Reads no file. */
#ifndef SERVICES_WATCH_SIGNATURE_H
#define SERVICES_WATCH_SIGNATURE_H

#include "watch.h"

/* Of a name in a watched folder: does it concern the watch? "..data" always does: Kubernetes swaps that link, behind
 * which all others lie. */
bool watch_matters(const struct watch *watch, const char *name);
/* Another number: something of the watch's paths may have changed. */
uint64_t watch_signature(const struct watch *watch);

#endif

/* SPDX-License-Identifier: MIT */
/* Memory and comparison for secrets. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <paa/types.h>
#include <stdbool.h>

/* Not optimised away. */
void secret_wipe(void *data, size_t size);
/* In time that depends on the sizes only. */
bool secret_eq(struct paa_bytes a, struct paa_bytes b);
/* Zeroed pages of their own, left out of core dumps (MADV_DONTDUMP) and, where the limit allows it,
 * locked. NULL: no memory. */
void *secret_alloc(size_t size);
/* Likewise; size is a power of two and at least a page, and the address a multiple of it. */
void *secret_alloc_aligned(size_t size);
/* Wipes. NULL is fine. */
void secret_free(void *data, size_t size);

#endif

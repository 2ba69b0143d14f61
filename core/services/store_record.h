/* SPDX-License-Identifier: MIT */
/* Memory of an image's records; for store_image.c only. */
#ifndef SERVICES_STORE_RECORD_H
#define SERVICES_STORE_RECORD_H

#include "store_image.h"

/* Zeroed pages, aligned to IMAGE_SLAB_SIZE, large ones where the system has them. munmap gives them back. */
void *pages_new(size_t size);

/* Of a record of that entry. */
size_t record_size_of(const struct image_owner *owner, const struct image_entry *entry);
/* At `at`, which has room for it. */
void record_write(const struct image_owner *owner, const struct image_entry *entry, uint8_t flags,
                  struct image_record *at);
/* NULL: no memory. */
struct image_record *record_new(struct image_owner *owner, const struct image_entry *entry);
/* All of it. */
size_t record_bytes(const struct image_record *record);
/* As pin_retire wants it; arg is not read. Not of one in a cell. */
void record_free(void *object, void *arg);
/* The last piece of secret memory takes no more. */
void secrets_end(struct image_owner *owner);
/* What it costs beside the image's own memory. */
size_t record_weight(const struct image_record *record);

#endif

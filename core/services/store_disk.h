/* SPDX-License-Identifier: MIT */
/*
 * Between the store's thread and its files: open, judge, catch up, answer, write. For store_disk*.c only.
 */
#ifndef SERVICES_STORE_DISK_H
#define SERVICES_STORE_DISK_H

#include "store_parts.h"
#include "store_sqlite.h"

_Static_assert((int)DISK_SALT_SIZE == (int)SEAL_SALT_SIZE, "the file's salt is the seal's");

enum disk_state {
    DISK_OPENED = 1,
    DISK_MISSING,
    DISK_EMPTY, /* cut to nothing, or being made by another process at this moment */
    DISK_UNUSABLE
};

/* ---- store_disk_open.c ---- */
enum disk_state disk_ready(struct store *store, bool create, struct paa_error *error);
/* Somebody writes. What was opened for reading only is opened anew if it may be written: what stood in the way (a disk
 * that was full) may have passed. */
void disk_want_writable(struct store *store);
/* The files at the paths are others now: closes, so that the next round opens those. */
void disk_look(struct store *store);
/* After a failure: what cannot be trusted any more is dropped. */
void disk_failed(struct store *store, enum disk_result result, struct paa_error *error);

/* ---- store_disk_seal.c ---- */
enum unseal { UNSEAL_OK = 1, UNSEAL_NONE, UNSEAL_KEYLESS };
/* The row's value as it was given, until the next call. NONE: it does not open, which was logged. KEYLESS: the key
 * cannot be had, store->unseal_error says why. */
enum unseal disk_unseal(struct store *store, const struct store_table *table, struct disk_row *row);
/* The row's value as it is to lie in the file, until the next call. False: the request failed. */
bool disk_seal(struct store *store, struct store_request *request, struct disk_row *row);

/* ---- store_disk_read.c ---- */
/* The image is loaded again from the first row. */
void disk_begin_anew(struct store *store);
/* In a read transaction. store->disk may be NULL: nothing is there but the overlay. */
enum disk_result disk_answer(struct store *store, struct store_request *request);
/* The image follows, by at most STORE_LOAD_CHUNK rows. */
enum disk_result disk_catch_up(struct store *store);
/* The word is not what the database says, though the image is: a writer died. */
void disk_repair(struct store *store);

/* ---- store_disk_write.c ---- */
/* One commit of what waits. How long to wait before the next try: 0, none is needed. */
int disk_write(struct store *store);

#endif

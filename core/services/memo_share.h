/* SPDX-License-Identifier: MIT */
/* Between the steps of a SHARED memo's run and what they save; for memo_share_*.c only. */
#ifndef SERVICES_MEMO_SHARE_H
#define SERVICES_MEMO_SHARE_H

#include "memo_inner.h"

/* ---- memo_share_steps.c ---- */
int64_t share_real_ms(const struct memo_run *run);
/* What is left of a cool-down of at most most_ms. A clock that jumped must not make it longer. */
int64_t share_left_of(const struct memo_run *run, int64_t until_ms, int64_t most_ms);
/* Those who wait are told this, whatever else came of it. DONE. */
enum paa_result share_tell(struct memo_run *run, enum paa_status status, int64_t retry_ms);
/* UNAVAILABLE, with what the store says. */
enum paa_result share_fail(struct memo_run *run, const char *what);
/* Asks for the record. */
enum paa_result share_look(struct memo_run *run, paa_store_fn then);
/* What came of it is held by the run. False: the store cannot be asked. */
bool share_take_in(struct memo_run *run, enum paa_status status, const struct paa_record *found);
/* May what is held be given as it is? */
bool share_is_good(const struct memo_run *run);
bool share_is_usable(const struct memo_run *run); /* though there may be a newer one to be had */
/* What is held becomes the run's value. False: it could not be decoded. */
bool share_take_held(struct memo_run *run);

/* ---- memo_share_save.c ---- */
/* The producer ended with share->made. False: there is nothing to save. */
bool share_has_to_save(const struct memo_run *run);
enum paa_result share_save_made(struct memo_run *run);
/* After a look: the run's value is put; what is there is dropped. */
enum paa_result share_put_again(struct paa_op *op, enum paa_status status,
                                const struct paa_record *found, void *context);
enum paa_result share_drop(struct paa_op *op, enum paa_status status,
                           const struct paa_record *found, void *context);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The audit file: one line of JSON per decision or event, one write(2) a line, in a file of the policy. Lines queue to a
 * worker, and stay queued while they cannot be written; a full queue is counted as loss. Where the policy says
 * `required`, decisions stop (503) as long as the file cannot be written; what they are answered is a line too, and
 * shows when it can be again.
 */
#ifndef SERVICES_AUDIT_H
#define SERVICES_AUDIT_H

#include <paa/types.h>
#include <stdbool.h>

struct services;
struct audit;

enum {
    AUDIT_QUEUE_MAX = 4096,
    AUDIT_LOOK_MS =
        1000 /* how often to look whether the file was renamed away, or can be opened again */
};

/* Opens nothing yet: the file is opened (O_APPEND, 0600, trust-checked) on a worker with the first line.
 * path: absolute. NULL: no memory. */
struct audit *audit_new(struct services *services, const char *path, bool is_required);
/* Writes what is queued. In a child of the process that queued it: does not, the parent will. NULL is fine. */
void audit_free(struct audit *audit);
/* Copies the line, without newline. Any thread. False: it is lost (queue full, no memory, or an absent line, with
 * which a writer says that it had no memory for one). */
bool audit_write(struct audit *audit, struct paa_str line);
/* The same for a line that may come again and again: those that are equal but for their `time`, with which they begin,
 * are counted for some seconds and become one line (audit_fold.h). True also when it was counted. */
bool audit_write_once(struct audit *audit, struct paa_str line);
/* Required, and the last write failed or lines were lost since: decide nothing. A relaxed load. */
bool audit_blocks(const struct audit *audit);
/* Lines that were lost so far. Any thread. */
uint64_t audit_lost(const struct audit *audit);

#endif

/* SPDX-License-Identifier: MIT */
/* Reads a whole file that the command line names. */
#ifndef PAACTL_FILE_H
#define PAACTL_FILE_H

#include "buf.h"

/* name "-": standard input. buf is initialised here, its maximum is what is read at most; the
 * caller frees. False: it has complained. */
bool file_read(const char *name, size_t max, struct buf *ret_buf);

#endif

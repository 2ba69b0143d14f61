/* SPDX-License-Identifier: MIT */
/* What the person at the terminal types, passwords unseen. The terminal is the process's own (/dev/tty), whatever its
 * standard input and output are. */
#ifndef PAACTL_TERMINAL_H
#define PAACTL_TERMINAL_H

#include <paa/types.h>
#include <stdbool.h>

/* Shows text and reads one line, at most size bytes, without its newline; hides: it is not seen. Its size, or -1: nobody
 * can be asked, or gave no answer; it has complained. However it ends, by whatever signal but KILL and those of faults,
 * the terminal is as it was. One call at a time; a signal that ends or stops the process does so. */
int64_t terminal_ask(struct paa_str text, bool hides, char *ret_line, size_t size);

#endif
